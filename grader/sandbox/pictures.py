"""Which pixels have a student's pictures? Decoded in the box, so that a decoder's bug meets no grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.frozen import dataclass
from grader.limits import Limits
from grader.model import Json
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault
from grader.sandbox.programs.picture import MOST_PIXELS

if TYPE_CHECKING:
    import numpy as np


MOST_SCALED = 64 * 2**20  # bytes of all pictures that are put into one size


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


@dataclass(frozen=True, slots=True)
class Scaled(Ended):
    """Pictures of one size, in the order in which they were asked for."""

    shape: tuple[int, int, int, int] = (0, 0, 0, 0)  # (N, height, width, channels)
    data: bytes = field(default=b"", repr=False)

    @property
    def images(self) -> np.ndarray[Any, Any]:
        """Them as a network's images, (N, channels, height, width) of uint8, read-only."""
        import numpy as np

        return np.frombuffer(self.data, dtype=np.uint8).reshape(self.shape).transpose(0, 3, 1, 2)


def pixels(
    file: Path,
    name: str,
    size: tuple[int, int],
    *,
    channels: int = 1,
    shrink: int = 1,
    ground: str = "white",
    limits: Limits | None = None,
    level: Level | None = None,
) -> Pixels | StudentFault | SystemFault:
    """The pixels of a picture whose (width, height) the program `picture` has told, or whose fault it is.

    `channels` 1 gives grey (ITU-R 601 luma), 3 red, green and blue; what is transparent is shown on `ground`. With
    `shrink` a pixel is the mean of so many by so many, and the sides are divided by it, rounded up.
    Raises ValueError for other channels, and for a size that is not opened.
    """
    width, height = size
    if channels not in (1, 3) or width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise ValueError(f"{width} x {height} pixels of {channels} channels are not opened")
    if shrink < 1 or ground not in ("white", "black"):
        raise ValueError(f"pixels by {shrink} on {ground} are not made")
    wanted: Mapping[str, Json] = {
        "width": width,
        "height": height,
        "channels": channels,
        "shrink": shrink,
        "ground": ground,
    }
    width, height = -(-width // shrink), -(-height // shrink)
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


def scaled(
    files: Mapping[str, Path],
    size: tuple[int, int],
    *,
    channels: int = 1,
    names: Sequence[str] | None = None,
    limits: Limits | None = None,
    level: Level | None = None,
) -> Scaled | StudentFault | SystemFault:
    """All these pictures in one (width, height), or whose fault it is. One that is broken spoils all: look first.

    `names` are those of the files that are opened, in this order; left out: all. A picture of that size stays as it
    is; another is resized by Pillow's bilinear filter, as `torchvision.transforms.Resize` does it.
    Raises ValueError where so many bytes are not made.
    """
    width, height = size
    names = list(files) if names is None else list(names)
    count = len(names) * width * height * channels
    if channels not in (1, 3) or not 0 < count <= MOST_SCALED:
        raise ValueError(f"{len(names)} pictures of {width} x {height} x {channels} are not made")
    wanted: Mapping[str, Json] = {"width": width, "height": height, "channels": channels}
    ended = run(
        "picture",
        files=files,
        request={"files": names, "scaled": wanted},
        answer_bytes=count,
        limits=limits,
        level=level,
    )
    if not isinstance(ended, Answered):
        return ended
    return Scaled(shape=(len(names), height, width, channels), data=ended.payload, **ended.carried())
