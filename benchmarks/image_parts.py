"""Which images does a benchmark run on? The first of a shuffled set where GRADER_DATA has it; else noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grader.datasets import DataSetMissing, ImageSet, load, source

SEED = 0


def part(name: str, split: str, n: int) -> tuple[ImageSet, bool]:
    """The first n images of a shuffled split, fewer where it has fewer, and whether they are real."""
    try:
        whole = load(name, split)
    except DataSetMissing:
        return _noise(name, split, n), False
    chosen = np.random.default_rng(SEED).permutation(len(whole))[:n]
    targets = None if whole.targets is None else whole.targets[chosen]
    return replace(whole, images=whole.images[chosen], labels=whole.labels[chosen], targets=targets), True


def _noise(name: str, split: str, n: int) -> ImageSet:
    of, rng = source(name), np.random.default_rng(SEED)
    images = rng.integers(0, 256, (n, *of.shape), dtype=np.uint8)
    targets = images // 2 if name.startswith("noisy_") else None  # of a set whose images are to be made
    return ImageSet(name, split, images, rng.integers(0, len(of.classes), n), of.classes, "", targets=targets)
