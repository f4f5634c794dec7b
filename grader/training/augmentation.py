"""What does a training image become before the network sees it? Flipped, turned, moved, partly covered: by chance.

Whole batches of bytes at a time, and the chance comes from a generator on the CPU: the same images on every device.
This file is used on both sides of the sandbox's wall (see steps.py), and imports nothing of the grader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def is_augmented(recipe: Any) -> bool:
    """Whether the recipe changes its images at all."""
    return bool(recipe.shift_px or recipe.is_flipped or recipe.rotation_degrees or recipe.cutout_px)


def augmented(batch: torch.Tensor, recipe: Any, generator: torch.Generator) -> torch.Tensor:
    """A batch as the recipe wants it: flipped, then turned, then moved, then with a square covered.

    Shapes:  (N, C, H, W) uint8 -> (N, C, H, W) uint8
    """
    if recipe.is_flipped:
        batch = flipped(batch, generator)
    if recipe.rotation_degrees:
        batch = rotated(batch, recipe.rotation_degrees, generator)
    if recipe.shift_px:
        batch = shifted(batch, recipe.shift_px, generator)
    if recipe.cutout_px:
        batch = covered(batch, recipe.cutout_px, generator, mean=recipe.mean)
    return batch


def flipped(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each image as it is or mirrored left to right, each by a chance of one half.

    Shapes:  (N, C, H, W) uint8 -> (N, C, H, W) uint8
    """
    import torch

    is_mirrored = torch.rand(len(batch), generator=generator) < 0.5
    return torch.where(is_mirrored.to(batch.device)[:, None, None, None], batch.flip(3), batch)


def rotated(batch: torch.Tensor, most_degrees: float, generator: torch.Generator) -> torch.Tensor:
    """Each image turned about its middle by its own angle, at most so far either way; black comes in.

    Shapes:  (N, C, H, W) uint8 -> (N, C, H, W) uint8
    Errors:  between pixels it is bilinear, rounded to the nearest byte
    """
    import torch

    angles = (2 * torch.rand(len(batch), generator=generator) - 1) * most_degrees
    return turned(batch, angles)


def turned(batch: torch.Tensor, degrees: torch.Tensor) -> torch.Tensor:
    """Each image turned counter-clockwise about its middle by its angle (N,), in degrees."""
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    n, channels, height, width = batch.shape
    angles = degrees.deg2rad()  # on the CPU: sine and cosine are the same for every device
    cosine, sine, nothing = angles.cos(), angles.sin(), torch.zeros(n)
    # A row gives x and the other y, both from -1 to 1 over the image: sides of different length need their ratio.
    rows = [cosine, -sine * height / width, nothing, sine * width / height, cosine, nothing]
    grid = affine_grid(torch.stack(rows, dim=1).view(n, 2, 3), [n, channels, height, width], align_corners=False)
    made = grid_sample(batch.float(), grid.to(batch.device), padding_mode="zeros", align_corners=False)
    return made.round_().to(torch.uint8)


def shifted(batch: torch.Tensor, most: int, generator: torch.Generator) -> torch.Tensor:
    """Each image moved by its own whole number of pixels, at most `most` each way; black comes in.

    The same as a crop of the image's own size out of one with a border of so many pixels.

    Shapes:  (N, C, H, W) uint8 -> (N, C, H, W) uint8
    """
    import torch
    from torch.nn.functional import pad

    n, _, height, width = batch.shape
    on = batch.device
    by = torch.randint(0, 2 * most + 1, (2, n, 1), generator=generator).to(on)
    rows = (torch.arange(height, device=on) + by[0])[:, :, None]  # (N, H, 1)
    columns = (torch.arange(width, device=on) + by[1])[:, None, :]  # (N, 1, W)
    image = torch.arange(n, device=on)[:, None, None]
    wide = pad(batch, (most, most, most, most)).permute(0, 2, 3, 1)  # (N, H + 2 most, W + 2 most, C)
    return wide[image, rows, columns].permute(0, 3, 1, 2).contiguous()


def covered(batch: torch.Tensor, side: int, generator: torch.Generator, *, mean: Sequence[float] = ()) -> torch.Tensor:
    """Each image with a square of `side` pixels covered, whose middle is anywhere in it: at the edge less is covered.

    What covers it is the mean colour (from 0 to 1 per channel), black where there is none: what normalises to 0.

    Shapes:  (N, C, H, W) uint8 -> (N, C, H, W) uint8
    """
    import torch

    n, channels, height, width = batch.shape
    on = batch.device
    top = (torch.randint(0, height, (n, 1, 1), generator=generator) - side // 2).to(on)
    left = (torch.randint(0, width, (n, 1, 1), generator=generator) - side // 2).to(on)
    rows, columns = torch.arange(height, device=on)[:, None], torch.arange(width, device=on)
    is_covered = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)  # (N, H, W)
    colours = [round(255 * value) for value in mean] or [0] * channels
    colour = torch.tensor(colours, dtype=torch.uint8, device=on)[:, None, None]
    return torch.where(is_covered[:, None], colour, batch)
