from __future__ import annotations

import hashlib

import numpy as np
import pytest

from grader.datasets import DataSetMissing, load, registry, source
from grader.datasets.noisy import AT_ONCE, NAME, noisy
from grader.errors import MachineError

CLEAN = np.random.default_rng(0).integers(0, 256, (2 * AT_ONCE + 7, 1, 28, 28), dtype=np.uint8)


def test_the_noise_is_the_same_on_every_machine():
    assert hashlib.sha256(noisy(np.zeros((4, 1, 28, 28), np.uint8), "seed").tobytes()).hexdigest() == (
        "8f42cbe0a884718858b77d9aa2cf452316bf3c471e6afcc6f55ab7bc343845df"
    )


def test_every_pixel_is_half_the_sum_of_the_clean_one_and_of_a_byte_that_does_not_depend_on_it():
    thrown = noisy(np.full(CLEAN.shape, 255, np.uint8), "seed").astype(int) * 2 - 255
    made = noisy(CLEAN, "seed").astype(int)
    rest = 2 * made - CLEAN - thrown  # each of the two was rounded down once
    assert (rest.min(), rest.max()) == (-1, 1)


def test_the_noise_is_uniform_and_of_each_pixel_its_own():
    thrown = noisy(np.full(CLEAN.shape, 255, np.uint8), "seed").astype(int) - 127  # 0 to 128, halves
    counts = np.bincount(thrown.ravel(), minlength=129)
    inner, expected = counts[1:128], CLEAN.size / 128
    assert np.abs(inner - expected).max() < 6 * expected**0.5
    flat = (thrown - thrown.mean()).reshape(len(CLEAN), -1)
    neighbours = (flat[:, 1:] * flat[:, :-1]).mean() / flat.var()
    assert abs(neighbours) < 6 / CLEAN.size**0.5


def test_a_part_of_the_set_has_the_noise_of_the_whole():
    assert np.array_equal(noisy(CLEAN[: AT_ONCE + 3], "seed"), noisy(CLEAN, "seed")[: AT_ONCE + 3])


def test_another_seed_gives_other_noise():
    assert not np.array_equal(noisy(CLEAN[:4], "a"), noisy(CLEAN[:4], "b"))


def test_it_is_missing_where_fashion_mnist_is_and_says_what_it_is_made_from(tmp_path):
    with pytest.raises(DataSetMissing, match="it is made from fashion_mnist: export GRADER_DATA"):
        load(NAME, "test", root=tmp_path)


def test_other_images_than_fashion_mnist_are_not_made_noisy(tmp_path, save_idx):
    save_idx(tmp_path / "fashion_mnist/t10k-images-idx3-ubyte", np.zeros((10_000, 28, 28)))
    save_idx(tmp_path / "fashion_mnist/t10k-labels-idx1-ubyte", np.zeros(10_000))
    with pytest.raises(MachineError, match="not the images and labels of fashion_mnist"):
        load(NAME, "test", root=tmp_path)


@pytest.mark.data
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_pairs_are_those_of_the_stated_digest(real_root, split):
    pairs, clean = (load(name, split, root=real_root) for name in (NAME, "fashion_mnist"))
    assert pairs.digest == source(NAME).digests[split] == registry.source(NAME).digests[split]
    assert np.array_equal(pairs.targets, clean.images)
    assert np.array_equal(pairs.labels, clean.labels)
    assert pairs.classes == clean.classes
    noise = 2 * pairs.images.astype(int) - clean.images
    assert (noise.min(), noise.max()) == (-1, 255)
    assert abs(noise.mean() - 127) < 0.1  # 127.5 less half a step of rounding
