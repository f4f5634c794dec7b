"""How do raw images become what a network gets? Read as bytes, then the student's own `preprocess`, or mean and std."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import network
from .student import Student

if TYPE_CHECKING:
    import torch


def prepare() -> None:
    """Import torch and the loop that both sides of the wall share: a failure here is the machine's."""
    network.prepare()
    steps()


def steps() -> Any:
    """The file grader/training/steps.py, which stands among the programs in the box."""
    return importlib.import_module(f"{__package__}.steps")


def read(shape: Sequence[int], box: Any) -> torch.Tensor:
    """All of `inputs` as uint8 of this shape."""
    images, rest = read_with_rest(shape, box)
    if rest:
        raise ValueError(f"{len(rest)} bytes of inputs too many for the shape {list(shape)}")
    return images


def read_with_rest(shape: Sequence[int], box: Any) -> tuple[torch.Tensor, bytes]:
    """The images at the beginning of `inputs`, and the bytes behind them."""
    import torch

    with open(box.inputs, "rb") as file:  # noqa: PTH123
        data = bytearray(file.read())
    size = math.prod(shape)
    if len(data) < size:
        raise ValueError(f"{len(data)} bytes of inputs for the shape {list(shape)}")
    rest = bytes(data[size:])
    del data[size:]
    return torch.frombuffer(data, dtype=torch.uint8).reshape(tuple(shape)), rest


def preparation(
    request: Mapping[str, Any], model: torch.nn.Module, module: ModuleType, student: Student
) -> Callable[[torch.Tensor], torch.Tensor]:
    """From uint8 images (N, C, H, W) to what the network gets, by the student's `preprocess` where there is one.

    That gets images from 0 to 1; divided by `raw_std` where the request has one, for bytes that stand for more.
    """
    as_inputs = steps().as_inputs
    own = network.own_preprocess(model, module)
    mean, std, raw_std = (tuple(request.get(key) or ()) for key in ("mean", "std", "raw_std"))
    if own is not None:
        return lambda images: network.preprocessed(student, own, as_inputs(images, (), raw_std), request["code"])
    return lambda images: as_inputs(images, mean, std)
