"""How are a network's first answers computed fastest on this machine? Measured once, on real images, and kept.

In bfloat16 or float32, channels last or first, in batches of which size: what is fastest differs between processors and
networks. `exact` lets each way answer some of its images, and what it learned is kept in the cache for the same
processor, PyTorch, number of threads and layers. No result depends on it: first answers are checked, whoever gave them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader.places import cache_folder
from grader.training.device import cpu_features

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Pace:
    """A way to compute first answers. `precision` is "bfloat16" or "float32"; `batch_size` is in images."""

    precision: str
    batch_size: int
    is_channels_last: bool = True


_SIZES = (128, 64, 250)
IN_SHORT = (*(Pace("bfloat16", size) for size in _SIZES), Pace("bfloat16", 128, is_channels_last=False))
IN_FULL = (*(Pace("float32", size) for size in _SIZES), Pace("float32", 128, is_channels_last=False))


def candidates() -> tuple[Pace, ...]:
    """The ways that are worth a try here, the one that is used without a measurement first.

    bfloat16 only where the processor multiplies in it: emulated it takes 11 times as long as float32.
    """
    if cpu_features() & {"avx512_bf16", "amx_bf16"}:
        return (*IN_SHORT, IN_FULL[0])
    return IN_FULL


def kept_pace(layers: Sequence[nn.Module], shape: tuple[int, ...]) -> Pace | None:
    """What was found to be fastest for such layers and images here, or None where it was not measured yet."""
    try:
        found = json.loads(_file(layers, shape).read_text(encoding="utf-8"))["fastest"]
        pace = Pace(**found)
    except (OSError, ValueError, TypeError, KeyError):  # none, or no longer readable: it is measured again
        return None
    return next((one for one in candidates() if one == pace), None)


def keep_pace(layers: Sequence[nn.Module], shape: tuple[int, ...], seconds: Mapping[Pace, float]) -> Pace:
    """The fastest of the measured ways, which is kept with all of them. `seconds` are those of an image.

    A cache that cannot be written keeps nothing, and nothing is wrong then.
    """
    fastest = min(seconds, key=lambda pace: seconds[pace])
    said = {
        "fastest": asdict(fastest),
        "cpu_seconds_per_image": [[asdict(pace), spent] for pace, spent in seconds.items()],
        "of": _of(layers, shape),
    }
    path = _file(layers, shape)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            json.dump(said, file, indent=1)
        Path(file.name).replace(path)  # whole or not at all, whoever else measures at this moment
    return fastest


def _file(layers: Sequence[nn.Module], shape: tuple[int, ...]) -> Path:
    digest = hashlib.sha256(json.dumps(_of(layers, shape)).encode()).hexdigest()
    return cache_folder("paces") / f"{digest[:32]}.json"


def _of(layers: Sequence[nn.Module], shape: tuple[int, ...]) -> list[object]:
    """What the fastest way depends on."""
    import torch

    machine = [platform.machine(), sorted(cpu_features()), os.cpu_count()]
    return [machine, str(torch.__version__), torch.get_num_threads(), list(shape), [repr(layer) for layer in layers]]
