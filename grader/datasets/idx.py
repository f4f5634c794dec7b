"""What does an IDX file hold (the format of MNIST)? Its array, or an error that names the file.

Two zero bytes, the type (8 is uint8), the number of dimensions, each dimension as a big-endian 32-bit number,
the bytes in C order; nothing after them. Usually within gzip, whose checksum is checked as well.

Source: the description of the format at yann.lecun.com/exdb/mnist.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from grader.errors import MachineError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def read_idx(path: Path, shape: tuple[int, ...]) -> Array:
    """The uint8 array of an IDX file, gzip or plain (told by its first bytes, not its name).

    Shapes:  exactly `shape`; what is more or less is refused
    Raises:  MachineError that names the file and what is wrong with it
    """
    import numpy as np

    header = struct.pack(">HBB", 0, 8, len(shape)) + struct.pack(f">{len(shape)}I", *shape)
    size = len(header) + math.prod(shape)
    data = _content(path, size)
    if data[:4] != header[: len(data)][:4]:
        _refuse(path, f"its magic number is 0x{data[:4].hex()}, not 0x{header[:4].hex()}")
    if len(data) < size:
        _refuse(path, f"it is cut short: {len(data):,} bytes of {size:,}")
    if data[: len(header)] != header:
        stated = struct.unpack(f">{len(shape)}I", data[4 : len(header)])
        _refuse(path, f"its header says {_times(stated)}, not {_times(shape)}")
    if len(data) > size:
        _refuse(path, f"it holds more than the {size:,} bytes of its header and {_times(shape)} values")
    return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)


def _content(path: Path, size: int) -> bytes:
    """The bytes of the file, unpacked, at most one more than `size`: a bomb is not unpacked."""
    try:
        with path.open("rb") as plain:
            is_gzip = plain.read(2) == b"\x1f\x8b"
        if not is_gzip:
            with path.open("rb") as plain:
                return plain.read(size + 1)
        with gzip.open(path) as packed:
            return packed.read(size + 1)
    except EOFError:
        _refuse(path, "the gzip file is cut short")
    except (gzip.BadGzipFile, zlib.error) as error:
        _refuse(path, f"the gzip file is damaged ({error})")
    except OSError as error:
        _refuse(path, f"it cannot be read ({error.strerror})")


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{side:,}" for side in shape)


def _refuse(path: Path, what: str) -> NoReturn:
    raise MachineError.single(
        what, where=str(path), fix="copy or download this file again", code="data-set-broken"
    ) from None
