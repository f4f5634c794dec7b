from __future__ import annotations

import hashlib

import numpy as np
import pytest

from grader.datasets.image_set import content_digest, inputs

ALL_BYTES = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)


def test_the_digest_is_that_of_a_written_down_form():
    images = np.array([[[[1, 2]]], [[[3, 4]]]], dtype=np.uint8)
    form = (
        b"grader image set 1: uint8 (2, 1, 1, 2), int64 (2,)\n"
        + bytes([1, 2, 3, 4])
        + bytes([9])
        + bytes(7)
        + bytes([5])
        + bytes(7)
    )
    assert content_digest(images, np.array([9, 5])) == hashlib.sha256(form).hexdigest()


@pytest.mark.parametrize(
    "labels",
    [np.array([9, 5], dtype=np.uint8), np.array([9, 5], dtype=">i8"), np.array([9, 0, 5, 0])[::2]],
    ids=["small type", "other byte order", "not contiguous"],
)
def test_the_digest_is_that_of_the_values_not_of_their_storage(labels):
    images = np.zeros((2, 1, 2, 3), dtype=np.uint8)
    turned = np.asfortranarray(images)
    assert content_digest(turned, labels) == content_digest(images, np.array([9, 5]))


def test_a_changed_label_or_pixel_changes_the_digest():
    images, labels = ALL_BYTES, np.array([1])
    other = images.copy()
    other[0, 0, 3, 3] ^= 1
    assert len({content_digest(images, labels), content_digest(other, labels), content_digest(images, labels + 1)}) == 3


def test_images_that_are_no_bytes_are_refused():
    with pytest.raises(ValueError, match="float64, not uint8"):
        content_digest(np.zeros((1, 1, 2, 2)), np.array([0]))


@pytest.mark.torch
@pytest.mark.parametrize(("mean", "std"), [((), ()), ((0.1307,), (0.3081,)), ((0.5,), ()), ((), (0.25,))])
def test_inputs_are_those_of_pytorch_to_the_last_bit(mean, std):
    import torch

    oracle = torch.from_numpy(ALL_BYTES).to(torch.float32).div(255)  # as torchvision's ToTensor
    if mean:
        oracle.sub_(torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1))  # as its Normalize
    if std:
        oracle.div_(torch.tensor(std, dtype=torch.float32).view(-1, 1, 1))
    assert inputs(ALL_BYTES, mean=mean, std=std).tobytes() == oracle.numpy().tobytes()


def test_inputs_leave_the_images_alone():
    images = ALL_BYTES.copy()
    inputs(images, mean=[0.5])
    assert np.array_equal(images, ALL_BYTES)


@pytest.mark.parametrize(
    ("mean", "std", "said"),
    [
        pytest.param([0.5] * 3, [], "mean has 3 numbers for images of 1 channels", id="RGB means for grey"),
        pytest.param([], [0.5, 0.5], "std has 2 numbers", id="two stds for grey"),
        pytest.param([], [0.0], "not over 0", id="a zero std"),
    ],
)
def test_a_normalisation_that_does_not_fit_is_refused(mean, std, said):
    with pytest.raises(ValueError, match=said):
        inputs(ALL_BYTES, mean=mean, std=std)
