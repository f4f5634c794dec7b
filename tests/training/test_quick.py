"""First answers are near those of the network, and the reach of an image is the largest of its contributions."""

from __future__ import annotations

import pytest

from grader.training import pace, quick
from grader.training.layers import known_layers
from grader.training.quick import NotQuickError, QuickPass

torch = pytest.importorskip("torch")
nn = torch.nn

pytestmark = pytest.mark.torch

CHAINS = {
    "convolutions and BatchNorm": lambda: [nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), *_ending(144)],
    "BatchNorm first": lambda: [nn.BatchNorm2d(2), nn.Conv2d(2, 4, 3), nn.ReLU(), *_ending(144)],
    "BatchNorm after pooling": lambda: [nn.Conv2d(2, 4, 3), nn.MaxPool2d(2), nn.BatchNorm2d(4), *_ending(36)],
    "BatchNorm without weights": lambda: [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, affine=False), *_ending(144)],
    "two of BatchNorm": lambda: [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4), *_ending(144)],
    "ReLU after pooling": lambda: [nn.Conv2d(2, 4, 3), nn.AvgPool2d(2), nn.ReLU(), *_ending(36)],
    "ReLU after flattening": lambda: [nn.Conv2d(2, 4, 3), nn.Flatten(), nn.ReLU(), nn.Linear(144, 5)],
    "ReLU first": lambda: [nn.ReLU(), *_ending(128)],
    "groups, stride, dilation": lambda: [nn.Conv2d(2, 4, 3, 2, 2, dilation=2, groups=2), nn.ReLU(), *_ending(64)],
    "scores of BatchNorm": lambda: [*_ending(128), nn.BatchNorm1d(5)],
    "scores of convolutions": lambda: [nn.Conv2d(2, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()],
    "scores that are places": lambda: [nn.Conv2d(2, 3, 5, 2), nn.Flatten()],
    "many weights at the end": lambda: [nn.Flatten(), nn.Linear(128, 2100), nn.ReLU(), nn.Linear(2100, 130)],
}


def _ending(places: int):
    return [nn.Flatten(), nn.Dropout(), nn.Linear(places, 7), nn.ReLU(), nn.Linear(7, 5)]


def _chain(name: str):
    torch.manual_seed(0)
    model = nn.Sequential(*CHAINS[name]())
    for layer in model:
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    return model.eval(), torch.randn(9, 2, 8, 8)


@pytest.mark.parametrize("is_fused", [True, False], ids=["fused", "as promised"])
@pytest.mark.parametrize("is_channels_last", [True, False], ids=["channels last", "channels first"])
@pytest.mark.parametrize("name", CHAINS)
def test_the_scores_are_those_of_the_network_but_for_rounding(name, is_channels_last, is_fused, monkeypatch):
    if not is_fused:
        monkeypatch.setattr(quick, "_has_fused", lambda _weight: False)
    model, inputs = _chain(name)
    with torch.inference_mode():
        expected = model(inputs)
        for dtype, share in ((torch.float32, 2.0**-18), (torch.bfloat16, 2.0**-4)):
            made = QuickPass(known_layers(model), (2, 8, 8), dtype, batch_size=4)
            made.is_channels_last = is_channels_last
            scores, _ = made(inputs)
            assert scores.dtype == torch.float32
            assert (scores - expected).abs().max() <= share * expected.abs().max()


def test_the_reach_is_the_largest_product_of_an_input_and_the_norm_of_its_weights():
    torch.manual_seed(0)
    first, last = nn.Conv2d(2, 4, 3, padding=1), nn.Linear(256, 3)
    model, inputs = nn.Sequential(first, nn.ReLU(), nn.Flatten(), last).eval(), torch.randn(5, 2, 8, 8)
    unseen: list[torch.Tensor] = []
    with torch.inference_mode():
        _, reach = QuickPass(known_layers(model), (2, 8, 8), torch.float32, batch_size=5)(inputs, unseen=unseen)
        row = torch.relu(first(inputs)).flatten(1)
        by_channel = first.weight.pow(2).sum(dim=(0, 2, 3)).sqrt()
        by_place = last.weight.norm(dim=0)
        largest = inputs.abs().amax(dim=(2, 3))
        expected = torch.stack([(largest * by_channel).amax(dim=1), (row * by_place).amax(dim=1)], dim=1)
        assert torch.allclose(reach, expected, rtol=1e-5)
        maximum = torch.stack([largest.amax() * by_channel.amax(), row.amax() * by_place.amax()])
        assert torch.allclose(torch.stack(unseen), maximum / 64, rtol=1e-5)
        unseen.clear()
        first.weight[3] *= 1e6  # what is rounded there is more than that part of the largest number...
        first.bias[3] = -1e9  # ...and nothing of it is seen
        QuickPass(known_layers(model), (2, 8, 8), torch.float32, batch_size=5)(inputs, unseen=unseen)
        rounded = inputs.abs().amax() * first.weight[3].norm() * 2.0**-23
        assert unseen[1].item() == pytest.approx((rounded * by_place.amax()).item(), rel=1e-5)


def test_each_group_of_a_convolution_has_norms_of_its_own():
    layer = nn.Conv2d(4, 6, 1, groups=2, bias=False)
    model = nn.Sequential(layer, nn.Flatten()).eval()
    made = QuickPass(known_layers(model), (4, 1, 1), torch.float32, batch_size=1)
    with torch.inference_mode():
        for channel in range(4):
            _, reach = made(torch.eye(4)[channel].view(1, 4, 1, 1))
            group = slice(0, 3) if channel < 2 else slice(3, 6)
            assert reach.item() == pytest.approx(layer.weight[group, channel % 2].norm().item(), rel=1e-5)


def test_layers_that_give_no_rows_or_have_no_weights_are_not_quick():
    for layers in ([nn.Conv2d(2, 4, 3)], [nn.Flatten()], [nn.Linear(8, 3), nn.Flatten()]):
        with pytest.raises(NotQuickError):
            QuickPass(layers, (2, 8, 8), torch.float32, batch_size=2)


def test_bfloat16_is_tried_only_where_the_processor_multiplies_in_it(monkeypatch):
    for units, precision in (({"avx2"}, "float32"), ({"avx512_bf16"}, "bfloat16"), ({"amx_bf16"}, "bfloat16")):
        monkeypatch.setattr(pace, "cpu_features", lambda units=units: frozenset(units))
        assert pace.candidates()[0].precision == precision
        assert any(one.precision == "float32" for one in pace.candidates())
