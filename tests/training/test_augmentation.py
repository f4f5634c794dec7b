"""Images are changed by whole batches as torchvision and NumPy would change them one by one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from grader.training.augmentation import augmented, covered, flipped, is_augmented, rotated, shifted, turned

pytestmark = pytest.mark.torch
NOTHING = {"shift_px": 0, "is_flipped": False, "rotation_degrees": 0.0, "cutout_px": 0, "mean": ()}
EACH = {"shift_px": 2, "is_flipped": True, "rotation_degrees": 15.0, "cutout_px": 3}


def _batch(n: int = 20, channels: int = 2, height: int = 6, width: int = 9):
    import torch

    return torch.randint(1, 256, (n, channels, height, width), dtype=torch.uint8)


def _chance(seed: int = 1):
    import torch

    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("most", [0, 1, 3])
def test_shifting_moves_whole_images_and_lets_black_in(most):
    batch = _batch()
    made = shifted(batch, most, _chance()).numpy()
    assert made.dtype == np.uint8
    wide = np.pad(batch.numpy(), ((0, 0), (0, 0), (most, most), (most, most)))
    seen = set()
    for before, after in zip(wide, made, strict=True):
        fits = [
            (y, x)
            for y in range(2 * most + 1)
            for x in range(2 * most + 1)
            if np.array_equal(before[:, y : y + 6, x : x + 9], after)
        ]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) >= min(2, (2 * most + 1) ** 2)


def test_about_half_of_the_images_are_mirrored_and_the_others_are_as_they_were():
    batch = _batch(400)
    made = flipped(batch, _chance()).numpy()
    mirrored = [np.array_equal(a[:, :, ::-1], b) for a, b in zip(batch.numpy(), made, strict=True)]
    kept = [np.array_equal(a, b) for a, b in zip(batch.numpy(), made, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 160 < sum(mirrored) < 240


@pytest.mark.parametrize("quarters", [-1, 0, 1, 2])
def test_a_quarter_turn_is_that_of_numpy(quarters):
    import torch

    batch = _batch(3, height=8, width=8)
    made = turned(batch, torch.full((3,), 90.0 * quarters))
    assert np.array_equal(made.numpy(), np.rot90(batch.numpy(), quarters, axes=(2, 3)))


@pytest.mark.parametrize("shape", [(8, 8), (6, 11), (28, 28)])
def test_a_turn_is_that_of_torchvision(shape):
    import torch

    from grader import torchvision_ops

    torchvision_ops.install()
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import rotate

    batch = _batch(12, 1, *shape)
    degrees = torch.linspace(-40, 40, 12)
    made = turned(batch, degrees).int()
    for image, angle, mine in zip(batch, degrees.tolist(), made, strict=True):
        wanted = rotate(image.float(), angle, interpolation=InterpolationMode.BILINEAR)
        assert (mine - wanted).abs().max() <= 0.51  # rounded to a byte here


def test_no_image_is_turned_further_than_asked():
    import torch

    dot = torch.zeros((200, 1, 41, 41), dtype=torch.uint8)
    dot[:, 0, 19:22, 39] = 255  # to the right of the middle
    made = rotated(dot, 30, _chance()).float()[:, 0]
    rows = (made.sum(dim=2) * (torch.arange(41) - 20)).sum(dim=1) / made.sum(dim=(1, 2))
    columns = (made.sum(dim=1) * (torch.arange(41) - 20)).sum(dim=1) / made.sum(dim=(1, 2))
    angles = torch.atan2(-rows, columns).rad2deg()
    assert angles.abs().max() < 31
    assert angles.min() < -20
    assert angles.max() > 20


@pytest.mark.parametrize(("mean", "colour"), [((), (0, 0)), ((0.5, 0.1), (128, 26))], ids=["black", "mean"])
def test_a_square_is_covered_and_nothing_else_changes(mean, colour):
    batch = _batch(200, height=12, width=15).clamp_(130, 255)
    made = covered(batch, 5, _chance(), mean=mean).numpy()
    sizes = set()
    for before, after in zip(batch.numpy(), made, strict=True):
        changed = (before != after).any(axis=0)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        box = np.ix_(rows, columns)
        assert changed[box].all()
        assert changed.sum() == len(rows) * len(columns) > 0
        assert all((after[channel][box] == colour[channel]).all() for channel in (0, 1))
        sizes.add((len(rows), len(columns)))
    assert max(sizes) == (5, 5)
    assert min(height for height, _ in sizes) == 3  # the middle is in the image: of 5 rows 2 can be outside
    assert min(width for _, width in sizes) == 3


@pytest.mark.parametrize("setting", EACH)
def test_each_setting_of_a_recipe_changes_images_the_same_way_for_a_seed(setting):
    recipe = SimpleNamespace(**{**NOTHING, setting: EACH[setting]})
    batch = _batch()
    first, again, other = (augmented(batch, recipe, _chance(seed)) for seed in (1, 1, 2))
    assert is_augmented(recipe)
    assert first.equal(again)
    assert not first.equal(other)
    assert not first.equal(batch)
    assert (first.shape, first.dtype) == (batch.shape, batch.dtype)


def test_without_a_setting_nothing_is_changed_and_no_chance_is_used():
    import torch

    chance = _chance()
    batch = _batch()
    recipe = SimpleNamespace(**NOTHING)
    assert augmented(batch, recipe, chance) is batch
    assert not is_augmented(recipe)
    assert torch.equal(torch.rand(3, generator=chance), torch.rand(3, generator=_chance()))
