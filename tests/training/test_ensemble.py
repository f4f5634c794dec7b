from __future__ import annotations

import math

import pytest

from grader.errors import MachineError
from grader.training import Recipe, train
from grader.training.ensemble import trained_together
from grader.training.steps import DivergedError

pytestmark = pytest.mark.torch
PLAIN = {"data_set": "bars", "optimizer": "sgd", "learning_rate": 0.05, "epochs": 2, "batch_size": 32}


def build():
    from torch import nn

    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))


def with_batch_norm():
    from torch import nn

    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


def together(build_model, recipe, image_set, seeds):
    import torch

    from grader.training.evaluation import resident

    data = resident(image_set, torch.device("cpu"))
    return trained_together(build_model, recipe, data, classes=len(image_set.classes), seeds=seeds)


@pytest.mark.parametrize(
    ("build_model", "settings"),
    [
        pytest.param(build, {}, id="sgd"),
        pytest.param(build, {"momentum": 0.9, "is_nesterov": True, "weight_decay": 0.01}, id="nesterov"),
        pytest.param(build, {"optimizer": "adam", "learning_rate": 0.003, "schedule": "one-cycle"}, id="adam"),
        pytest.param(build, {"shift_px": 1, "is_flipped": True, "cutout_px": 2}, id="images changed"),
        pytest.param(build, {"rotation_degrees": 8.0, "label_smoothing": 0.1}, id="turned, smoothed"),
        pytest.param(build, {"ema_decay": 0.9}, id="moving average"),
        pytest.param(build, {"lookahead_steps": 2}, id="lookahead"),
        pytest.param(build, {"memory_format": "channels-last", "mean": (0.4,), "std": (0.3,)}, id="channels last"),
        pytest.param(build, {"most_steps": 5}, id="a number of steps"),
        pytest.param(with_batch_norm, {}, id="BatchNorm with its running statistics"),
    ],
)
def test_each_seed_gets_the_weights_that_it_has_alone_up_to_rounding(bars, build_model, settings):
    import torch

    recipe, train_set = Recipe(**{**PLAIN, **settings}), bars(100)
    seeds = [4, 0, 9]
    members = together(build_model, recipe, train_set, seeds)
    assert [member.seed for member in members] == seeds
    for member in members:
        alone = train(build_model, recipe, train_set, bars(10, "test"), seed=member.seed)
        assert list(member.state_dict) == list(alone.state_dict)
        for name, tensor in alone.state_dict.items():
            assert member.state_dict[name].dtype == tensor.dtype
            torch.testing.assert_close(member.state_dict[name], tensor, rtol=1e-4, atol=1e-5)
        assert member.train_loss == pytest.approx(alone.log[-1]["train_loss"], rel=1e-4)
        assert member.train_accuracy == pytest.approx(alone.log[-1]["train_accuracy"], abs=0.011)
    first, second, _ = (member.state_dict for member in members)
    assert not torch.allclose(first["0.weight"], second["0.weight"], atol=0.01)


def test_a_stack_of_one_is_the_network_alone(bars):
    import torch

    recipe = Recipe(**PLAIN)
    [member] = together(build, recipe, bars(64), [3])
    alone = train(build, recipe, bars(64), bars(10, "test"), seed=3)
    for name, tensor in alone.state_dict.items():
        torch.testing.assert_close(member.state_dict[name], tensor, rtol=1e-4, atol=1e-6)


def test_networks_that_make_images_are_trained_together_too(bars):
    from dataclasses import replace

    import torch
    from torch import nn

    def denoiser():
        return nn.Conv2d(1, 1, 3, padding=1)

    wanted = bars(60)
    pairs = replace(wanted, images=wanted.images // 2, targets=wanted.images)
    recipe = Recipe(**PLAIN)
    for member in together(denoiser, recipe, pairs, [0, 1]):
        alone = train(denoiser, recipe, pairs, pairs, seed=member.seed)
        assert member.train_accuracy is None
        for name, tensor in alone.state_dict.items():
            torch.testing.assert_close(member.state_dict[name], tensor, rtol=1e-4, atol=1e-6)


def test_bfloat16_reaches_the_loss_that_a_seed_reaches_alone(bars):
    recipe = Recipe(**PLAIN, precision="bfloat16")
    for member in together(build, recipe, bars(100), [0, 1]):
        alone = train(build, recipe, bars(100), bars(10, "test"), seed=member.seed)
        assert member.train_loss == pytest.approx(alone.log[-1]["train_loss"], rel=0.02)


def test_the_settings_and_random_numbers_of_the_process_are_left_alone(bars):
    import torch

    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    together(build, Recipe(**PLAIN), bars(40), [0, 1])
    assert torch.equal(torch.rand(4), expected)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


def test_a_network_with_dropout_is_refused_because_its_chance_would_be_another(bars):
    from torch import nn

    with pytest.raises(ValueError, match="draws chance itself"):
        together(lambda: nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 3)), Recipe(**PLAIN), bars(40), [0])


@pytest.mark.parametrize("seeds", [pytest.param([], id="none"), pytest.param([1, 2, 1], id="one twice")])
def test_seeds_must_be_named_once_each(bars, seeds):
    with pytest.raises(ValueError, match="at least one is needed, and each once"):
        together(build, Recipe(**PLAIN), bars(40), seeds)


def test_a_training_that_a_clock_ends_is_not_shared(bars):
    with pytest.raises(ValueError, match="most_seconds"):
        together(build, Recipe(**PLAIN, most_seconds=5.0), bars(40), [0, 1])


def test_a_network_of_another_output_shape_is_refused(bars):
    from torch import nn

    with pytest.raises(ValueError, match=r"gives \(32, 7\) for 32 images"):
        together(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 7)), Recipe(**PLAIN), bars(40), [0, 1])


def test_the_first_seed_that_diverges_is_named(bars):
    recipe, seeds = Recipe(**{**PLAIN, "learning_rate": 1e30, "epochs": 1}), [5, 6]
    alone = []
    for seed in seeds:
        try:
            train(build, recipe, bars(100), bars(10, "test"), seed=seed)
        except MachineError:
            alone.append(seed)
    with pytest.raises(DivergedError, match=f"the mean loss of seed {alone[0]} is not finite") as caught:
        together(build, recipe, bars(100), seeds)
    assert caught.value.epoch == 1
    assert math.isclose(caught.value.learning_rate, 1e30)
