"""Which numbers has a student's file (.npy, .npz, .json)? Read in the box, and handed on as raw float32."""

from __future__ import annotations

import math
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.frozen import dataclass
from grader.limits import Limits
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault
from grader.sandbox.programs.arrays import MOST_NUMBERS

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Arrays(Ended):
    """The arrays of a file: (name, shape) of each in the file's order, and all their numbers in a row."""

    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    data: bytes = field(default=b"", repr=False)

    @property
    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Them by name, read-only."""
        import numpy as np

        made, start = {}, 0
        flat = np.frombuffer(self.data, dtype="<f4")
        for name, shape in self.shapes:
            count = math.prod(shape)
            made[name] = flat[start : start + count].reshape(shape)
            start += count
        return made


def arrays(
    file: Path, name: str, *, limits: Limits | None = None, level: Level | None = None
) -> Arrays | StudentFault | SystemFault:
    """All arrays of a file of at most MOST_NUMBERS numbers, or whose fault it is. Nothing is unpickled."""
    told = run("arrays", files={name: file}, request={"file": name}, limits=limits, level=level)
    if not isinstance(told, Answered):
        return told
    shapes = tuple((one["name"], tuple(one["shape"])) for one in told.result["arrays"])
    count = sum(math.prod(shape) for _, shape in shapes)
    if count > MOST_NUMBERS:
        raise ValueError(f"the program `arrays` tells of {count:,} numbers")
    request = {"file": name, "take": [list(shape) for _, shape in shapes]}
    ended = run("arrays", files={name: file}, request=request, answer_bytes=4 * count, limits=limits, level=level)
    if not isinstance(ended, Answered):
        return ended
    return Arrays(shapes=shapes, data=ended.payload, **ended.carried())
