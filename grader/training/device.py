"""Which device does this process compute on? The one place that names PyTorch's devices."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from grader.errors import MachineError

if TYPE_CHECKING:
    import torch


def device() -> torch.device:
    """The device: what GRADER_DEVICE names (cpu, cuda, cuda:1, mps), else the first CUDA, MPS or CPU there is.

    Raises:  MachineError if GRADER_DEVICE names no device, or one that this machine lacks
    """
    import torch

    named = os.environ.get("GRADER_DEVICE", "").strip().lower()
    if not named:
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(named)
    except RuntimeError:
        _refuse(named, "is no device")
    if chosen.type == "cuda":
        if not torch.cuda.is_available():
            _refuse(named, "is not on this machine: PyTorch sees no CUDA device")
        chosen = torch.device("cuda", chosen.index or 0)
        if chosen.index >= torch.cuda.device_count():
            _refuse(named, f"is not on this machine: PyTorch sees {torch.cuda.device_count()} CUDA devices")
    elif chosen.type == "mps":
        if not torch.backends.mps.is_available():
            _refuse(named, "is not on this machine: PyTorch sees no MPS device")
    elif chosen.type != "cpu":
        _refuse(named, "is a kind of device that is not supported")
    return chosen


def device_class(on: torch.device | None = None) -> str:
    """What kind of device `on` (default: `device()`) is, for keys and records: results differ between classes.

    "cpu", "mps", or "cuda" with the model of the card, such as "cuda NVIDIA H200".
    """
    import torch

    on = device() if on is None else on
    return f"cuda {torch.cuda.get_device_name(on)}" if on.type == "cuda" else on.type


def _refuse(named: str, what: str) -> NoReturn:
    raise MachineError.single(
        f"{named!r} {what}",
        where="GRADER_DEVICE",
        fix="set it to cpu, cuda, cuda:N or mps, or unset it to let the program choose",
        code="no-such-device",
    ) from None
