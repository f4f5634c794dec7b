"""Which pixels has a student's picture? Decoded in the box, so that a decoder's bug meets no grade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.limits import Limits
from grader.model import Json
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault
from grader.sandbox.programs.picture import MOST_PIXELS

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Pixels(Ended):
    """A decoded picture: `height` rows of `width` pixels of `channels` bytes."""

    width: int = 0
    height: int = 0
    channels: int = 1
    data: bytes = field(default=b"", repr=False)

    @property
    def array(self) -> np.ndarray[Any, Any]:
        """The pixels as an array (height, width, channels) of uint8, read-only."""
        import numpy as np

        return np.frombuffer(self.data, dtype=np.uint8).reshape(self.height, self.width, self.channels)


def pixels(
    file: Path,
    name: str,
    size: tuple[int, int],
    *,
    channels: int = 1,
    limits: Limits | None = None,
    level: Level | None = None,
) -> Pixels | StudentFault | SystemFault:
    """The pixels of a picture whose (width, height) the program `picture` has told, or whose fault it is.

    `channels` 1 gives grey (ITU-R 601 luma), 3 red, green and blue; what is transparent is shown on white.
    Raises ValueError for other channels, and for a size that is not opened.
    """
    width, height = size
    if channels not in (1, 3) or width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise ValueError(f"{width} x {height} pixels of {channels} channels are not opened")
    wanted: Mapping[str, Json] = {"width": width, "height": height, "channels": channels}
    ended = run(
        "picture",
        files={name: file},
        request={"files": [name], "pixels": wanted},
        answer_bytes=width * height * channels,
        limits=limits,
        level=level,
    )
    if not isinstance(ended, Answered):
        return ended
    return Pixels(width=width, height=height, channels=channels, data=ended.payload, **ended.carried())
