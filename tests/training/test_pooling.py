from __future__ import annotations

import copy
import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.training.pooling import QuickMaxima, _is_quicker

pytestmark = pytest.mark.torch


def both(layer, images, gradient_seed=0):
    """Outputs and gradients of the layer as it is, and within QuickMaxima."""
    import torch
    from torch import nn

    model, results = nn.Sequential(layer), []
    quick = QuickMaxima(model)
    for is_quick in (False, True):
        given_images = images.clone().requires_grad_()
        if is_quick:
            assert _is_quicker(given_images)
            with quick:
                assert "forward" in layer.__dict__
                made = model(given_images)
        else:
            made = model(given_images)
        gradient = torch.randn(made.shape, generator=torch.Generator().manual_seed(gradient_seed)).to(made.dtype)
        made.backward(gradient)
        results.append((made.detach(), given_images.grad))
    assert "forward" not in layer.__dict__
    return results


def assert_same(results) -> None:
    import torch

    for plain, quick in zip(*results, strict=True):
        assert plain.dtype == quick.dtype
        assert plain.stride() == quick.stride()
        assert torch.equal(plain.isnan(), quick.isnan())
        bits = {torch.float32: torch.int32, torch.bfloat16: torch.int16, torch.float64: torch.int64}[plain.dtype]
        assert torch.equal(
            *(one.nan_to_num(7.5, math.inf, -math.inf).view(bits) for one in (plain, quick))
        )  # signs of zero too


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_values_and_gradients_are_the_same_bits(data):
    import torch
    from torch import nn

    kernel = data.draw(st.one_of(st.integers(1, 4), st.tuples(st.integers(1, 3), st.integers(1, 4))))
    least = min(kernel) if isinstance(kernel, tuple) else kernel
    layer = nn.MaxPool2d(
        kernel,
        stride=data.draw(st.one_of(st.none(), st.integers(1, 4))),
        padding=data.draw(st.integers(0, least // 2)),
        dilation=data.draw(st.integers(1, 2)),
        ceil_mode=data.draw(st.booleans()),
    )
    shape = (data.draw(st.integers(1, 3)), data.draw(st.integers(4, 37)),
             data.draw(st.integers(8, 13)), data.draw(st.integers(8, 13)))  # fmt: skip
    dtype = data.draw(st.sampled_from([torch.float32, torch.bfloat16, torch.float64]))
    seed = data.draw(st.integers(0, 1000))
    images = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    levels = data.draw(st.sampled_from([None, 1, 2, 0]))  # few levels: many equal numbers, of which the first counts
    if levels is not None:
        images = (images * levels).round()
    assert_same(both(layer, images.to(dtype), gradient_seed=seed))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([math.nan], id="not a number"),
        pytest.param([math.nan, -math.inf], id="not a number beside minus infinity"),
        pytest.param([-math.inf], id="minus infinity"),
        pytest.param([math.inf], id="infinity"),
        pytest.param([0.0, -0.0], id="zeros of both signs"),
    ],
)
@pytest.mark.parametrize("share", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("padding", [0, 1])
def test_what_is_no_ordinary_number_is_the_same_too(values, share, padding):
    import torch
    from torch import nn

    chance = torch.Generator().manual_seed(1)
    images = torch.randn((2, 19, 9, 9), generator=chance)
    for value in values:
        images[torch.rand(images.shape, generator=chance) < share] = value
    for dtype in (torch.float32, torch.bfloat16):
        assert_same(both(nn.MaxPool2d(3, stride=2, padding=padding), images.to(dtype)))


def test_only_plain_layers_are_touched_and_afterwards_none_is():
    import torch
    from torch import nn

    class Own(nn.MaxPool2d):
        def forward(self, images):
            return super().forward(images) + 1

    class Patched(nn.MaxPool2d):
        pass

    layers = [nn.MaxPool2d(2), Own(2), Patched(2), nn.MaxPool2d(2, return_indices=True), nn.AvgPool2d(2)]
    own_way = nn.MaxPool2d(2)
    own_way.forward = lambda images: images * 2
    model = nn.ModuleList([*layers, own_way])
    quick = QuickMaxima(model)
    with quick:
        assert [("forward" in one.__dict__) for one in layers] == [True, False, False, False, False]
        assert torch.equal(own_way(torch.ones(1)), torch.full((1,), 2.0))
    assert not any("forward" in one.__dict__ for one in layers)
    assert "forward" in own_way.__dict__


def test_a_way_that_the_network_gives_itself_meanwhile_stays():
    from torch import nn

    layer = nn.MaxPool2d(2)
    with QuickMaxima(nn.Sequential(layer)):
        layer.forward = own = lambda images: images
    assert layer.forward is own


def test_layers_that_somebody_patched_are_left_alone(monkeypatch):
    from torch import nn

    from grader.training import pooling

    pooling.originals()
    monkeypatch.setattr(nn.MaxPool2d, "forward", lambda _self, images: images)
    with QuickMaxima(nn.Sequential(layer := nn.MaxPool2d(2))):
        assert "forward" not in layer.__dict__


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda x: x.to(memory_format=__import__("torch").channels_last), id="channels last already"),
        pytest.param(lambda x: x[0], id="one image without a batch"),
        pytest.param(lambda x: x[:, :3].contiguous(), id="few channels"),
        pytest.param(lambda x: x.transpose(2, 3), id="in another order"),
        pytest.param(lambda x: x.half(), id="float16"),
        pytest.param(lambda x: x[:, :, :1, :1].contiguous(), id="one place, which is both orders"),
    ],
)
def test_what_is_not_plain_goes_the_plain_way(change):
    import torch

    assert _is_quicker(torch.ones(2, 8, 6, 6))
    assert not _is_quicker(change(torch.ones(2, 8, 6, 6)))


def test_function_transforms_and_second_derivatives_work_within_it():
    import torch
    from torch import nn

    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 1))
    images = torch.randn(5, 1, 8, 8)

    def penalty():
        given_images = images.clone().requires_grad_()
        [gradient] = torch.autograd.grad(model(given_images).sum(), given_images, create_graph=True)
        model.zero_grad()
        gradient.square().sum().backward()
        return [one.grad.clone() if one.grad is not None else None for one in model.parameters()]

    plain, mapped = penalty(), torch.func.vmap(lambda one: model(one[None])[0])(images)
    with QuickMaxima(model):
        torch.testing.assert_close(torch.func.vmap(lambda one: model(one[None])[0])(images), mapped)
        for before, now in zip(plain, penalty(), strict=True):
            assert (before is None) == (now is None)
            assert before is None or torch.equal(before, now)


def test_a_network_can_be_copied_and_pickled_within_it():
    import torch
    from torch import nn

    model, images = nn.Sequential(nn.Conv2d(1, 8, 3), nn.MaxPool2d(2)), torch.randn(2, 1, 8, 8)
    with QuickMaxima(model):
        copies = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
        for one in copies:
            assert torch.equal(one(images), model(images))
            assert one[1].forward.args[0] is one[1]
        assert list(model.state_dict()) == ["0.weight", "0.bias"]
