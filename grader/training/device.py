"""Which device does this process compute on? The one place that names PyTorch's devices."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from grader.errors import MachineError
from grader.training.recipe import Recipe

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


def settled(recipe: Recipe, kind: str = "cpu") -> Recipe:
    """The recipe with the precision that "auto" means on a kind of device (cpu, cuda, mps): never "auto" again.

    bfloat16 where the device multiplies in it. Measured on CPUs: with such units a training takes a third to a half of
    the time of float32; on one without them, which has to emulate it, 11 times as long.
    """
    if recipe.precision != "auto":
        return recipe
    if kind == "cpu":
        is_faster = bool(cpu_features() & {"avx512_bf16", "amx_bf16"})
    elif kind == "cuda":
        import torch

        is_faster = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        is_faster = False
    return replace(recipe, precision="bfloat16" if is_faster else "float32")


@cache
def cpu_features() -> frozenset[str]:
    """What this machine's processor can do, in the words of Linux, such as avx512_bf16; empty on other systems.

    Read without PyTorch: the sandbox's parent has to know what a training in the box will use.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())


def _refuse(named: str, what: str) -> NoReturn:
    raise MachineError.single(
        f"{named!r} {what}",
        where="GRADER_DEVICE",
        fix="set it to cpu, cuda, cuda:N or mps, or unset it to let the program choose",
        code="no-such-device",
    ) from None
