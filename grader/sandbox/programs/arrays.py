"""The program `arrays`: reads rows of numbers from .npy, .npz and .json, and gives their shapes or the numbers, raw.

A .npy file may hold pickled objects; here a header that is not of plain numbers is refused, and nothing is unpickled.
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .channel import Fault
from .listed import whole

MOST_BYTES = 128 * 2**20  # of a file, and of what a packed one unpacks to
MOST_NUMBERS = 16_000_000
MOST_ARRAYS = 64
MOST_AXES = 8
_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{'descr': '(?P<descr>[<>|=]?[a-z][0-9]{1,2})', *'fortran_order': (?P<fortran>True|False), *"
    r"'shape': \((?P<shape>[0-9, ]*)\), *\} *\n?"
)
_KINDS = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})
_AGAIN = "save plain numbers: numpy.save(path, array), or JSON lists of numbers"
_BROKEN = (OSError, ValueError, EOFError, struct.error, zlib.error, zipfile.BadZipFile, NotImplementedError, KeyError)


def prepare() -> None:
    """Import NumPy: a failure here is the machine's."""
    import numpy as np

    del np


def main(request: dict[str, Any], box: Any) -> dict[str, Any] | bytes:
    """Request: `file`; with `take`, the shapes that were told before, all numbers as raw float32.

    Result: `arrays`, each with `name` and `shape`.
    """
    import numpy as np

    name = request["file"]
    box.channel.stage(f"reading {name}")
    path = Path(box.submission, name)
    if not path.is_file():
        raise Fault("missing-file", name, "the file is not there", "hand it in under this name")
    data = whole(path, name, MOST_BYTES)
    try:
        made = list(_arrays(data, name))
    except RecursionError as error:
        raise _fault(name, "its lists lie in each other too deeply") from error
    except _BROKEN as error:
        raise _fault(name, f"cannot be read: {' '.join(str(error).split())[:200] or type(error).__name__}") from error
    if not made:
        raise _fault(name, "holds no numbers")
    shapes = [{"name": label[:100], "shape": list(array.shape)} for label, array in made]
    if request.get("take") is None:
        return {"arrays": shapes}
    if request["take"] != [one["shape"] for one in shapes]:
        raise _fault(name, "holds other arrays than before")
    flat = [np.ascontiguousarray(array, dtype="<f4").reshape(-1) for _, array in made]
    return np.concatenate(flat).tobytes()


def _fault(name: str, what: str) -> Fault:
    return Fault("not-an-array", name, what, _AGAIN)


def _arrays(data: bytes, name: str) -> Iterator[tuple[str, Any]]:
    left = [MOST_NUMBERS]
    if data.startswith(_MAGIC):
        yield "", _npy(data, name, left)
    elif data.startswith(b"PK\x03\x04"):
        yield from _npz(data, name, left)
    else:
        yield from _json(data, name, left)


def _npy(data: bytes, name: str, left: list[int]) -> Any:
    """The array of one .npy file, format 1.0 to 3.0 (NumPy's document of the format)."""
    import numpy as np

    if len(data) < 10:
        raise _fault(name, "is cut off")
    wide = data[6] >= 2
    length = struct.unpack_from("<I" if wide else "<H", data, 8)[0]
    start = (12 if wide else 10) + length
    text = data[start - length : start].decode("latin-1")
    found = _HEADER.fullmatch(text)
    if found is None or found["descr"].lstrip("<>|=") not in _KINDS:
        raise _fault(name, "is no array of plain numbers" if len(text) == length else "is cut off")
    shape = [int(side) for side in found["shape"].replace(" ", "").split(",") if side]
    count = _counted(shape, name, left)
    dtype = np.dtype(found["descr"])
    if len(data) != start + count * dtype.itemsize:
        raise _fault(name, f"has {len(data) - start:,} bytes of numbers, its header says {count * dtype.itemsize:,}")
    with np.errstate(over="ignore"):  # what becomes infinite is refused below
        flat = np.frombuffer(data, dtype=dtype, offset=start).astype("<f4")
    return _finite(flat.reshape(shape, order="F" if found["fortran"] == "True" else "C"), name)


def _counted(shape: list[int], name: str, left: list[int]) -> int:
    count = math.prod(shape)
    if not count:
        raise _fault(name, "holds no numbers")
    left[0] -= count
    if len(shape) > MOST_AXES or left[0] < 0 or max(shape, default=0) > MOST_NUMBERS:
        raise Fault("too-large", name, f"holds more than {MOST_NUMBERS:,} numbers", "hand in the asked maps only")
    return count


def _finite(array: Any, name: str) -> Any:
    import numpy as np

    if not np.isfinite(array).all():
        raise _fault(name, "holds NaN or infinite numbers")
    return array


def _npz(data: bytes, name: str, left: list[int]) -> Iterator[tuple[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MOST_ARRAYS:
            raise Fault("too-large", name, f"holds more than {MOST_ARRAYS} arrays", "hand in the asked maps only")
        total = MOST_BYTES
        for entry in entries:
            with archive.open(entry) as file:
                inner = file.read(total + 1)
            total -= len(inner)
            if total < 0:
                raise Fault("too-large", name, f"unpacks to more than {MOST_BYTES:,} bytes", "hand in fewer numbers")
            if not inner.startswith(_MAGIC):
                raise _fault(name, f"holds {entry.filename[:60]!r}, which is no array")
            yield entry.filename.removesuffix(".npy"), _npy(inner, name, left)


def _json(data: bytes, name: str, left: list[int]) -> Iterator[tuple[str, Any]]:
    value = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    if isinstance(value, dict):
        if len(value) > MOST_ARRAYS:
            raise Fault("too-large", name, f"holds more than {MOST_ARRAYS} arrays", "hand in the asked maps only")
        for label, inner in value.items():
            yield str(label), _nested(inner, name, left)
    else:
        yield "", _nested(value, name, left)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _nested(value: Any, name: str, left: list[int]) -> Any:
    """Lists of lists of numbers as an array; all of one length on each level."""
    import numpy as np

    shape: list[int] = []
    inner = value
    while isinstance(inner, list) and inner and len(shape) <= MOST_AXES:
        shape.append(len(inner))
        inner = inner[0]
    _counted(shape, name, left)
    flat = [value]
    for side in shape:
        if not all(isinstance(row, list) and len(row) == side for row in flat):
            raise _fault(name, "holds lists of different lengths")
        flat = [entry for row in flat for entry in row]
    if not shape or not all(isinstance(entry, int | float) and not isinstance(entry, bool) for entry in flat):
        raise _fault(name, "holds something else than lists of numbers")
    return _finite(np.array(flat, dtype=np.float64).astype("<f4").reshape(shape), name)
