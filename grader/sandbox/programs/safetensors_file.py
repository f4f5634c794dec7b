"""How is a safetensors file read? A length, a header in JSON, then the tensors in a row, which must tile the rest.

Our reader looks first, within limits; then the format's own library opens the same file and must see the same tensors.
"""

from __future__ import annotations

import json
import math
import mmap
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .channel import Fault
from .tensors import ITEM_BYTES, MOST_DIMENSIONS, MOST_TENSORS, Tensor, contiguous

MOST_HEADER_BYTES = 2**20
_TYPES = {
    "F32": "float32", "F64": "float64", "F16": "float16", "BF16": "bfloat16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
_AGAIN = "save and upload the file again: safetensors.torch.save_file(model.state_dict(), path)"


def looks_like(data: bytes | mmap.mmap) -> bool:
    """Whether a header in JSON follows a length, as in every safetensors file."""
    return len(data) > 8 and data[8:9] == b"{"


def read(data: mmap.mmap, name: str) -> list[Tensor]:
    """The tensors, in the order in which they stand. Raises Fault."""
    (length,) = struct.unpack("<Q", data[:8])
    if length > MOST_HEADER_BYTES:
        what = f"announces a header of {length:,} bytes, more than {MOST_HEADER_BYTES:,}"
        raise Fault("header-too-large", name, what, _AGAIN)
    first = 8 + length
    if first > len(data):
        raise Fault("truncated", name, f"is cut off in its header ({len(data):,} bytes)", _AGAIN)
    entries = _header(data[8:first], name)
    tensors = [_tensor(key, entry, first, name) for key, entry in entries.items()]
    if not tensors:
        raise Fault("not-a-state-dict", name, "holds no tensor", _AGAIN)
    end = first
    ranges = sorted((tensor.start, tensor.stop, tensor.name) for tensor in tensors)
    for start, stop, key in ranges:
        if start != end:
            kind, what = ("overlap", "overlaps the one before") if start < end else ("gap", "leaves a gap before it")
            raise Fault(kind, f"{name} {key}"[:200], f"the tensor {what}", _AGAIN)
        end = stop
    if end != len(data):
        code, kind = ("truncated", "is cut off") if end > len(data) else ("stray-record", "has bytes of no tensor")
        raise Fault(code, name, f"{kind}: {len(data):,} bytes where the header says {end:,}", _AGAIN)
    return sorted(tensors, key=lambda tensor: (tensor.start, tensor.stop))


def agree(path: Path, tensors: Sequence[Tensor], name: str) -> None:
    """Raise Fault where the format's own library refuses the file, or sees other tensors in it."""
    from safetensors import SafetensorError, safe_open

    words = {ours: theirs for theirs, ours in _TYPES.items()}
    wanted = {tensor.name: (words[tensor.dtype], tensor.shape) for tensor in tensors}
    try:
        with safe_open(path, framework="np") as opened:
            slices = {key: opened.get_slice(key) for key in opened.keys()}  # noqa: SIM118  it is no mapping
            seen = {key: (one.get_dtype(), tuple(one.get_shape())) for key, one in slices.items()}
    except (SafetensorError, OSError, ValueError) as error:
        what = f"is refused by the library safetensors: {error}"
        raise Fault("corrupt", name, " ".join(what.split())[:300], _AGAIN) from error
    if seen != wanted:
        raise Fault("corrupt", name, "reads otherwise in the library safetensors than in the grader", _AGAIN)


def _header(text: bytes, name: str) -> dict[str, Any]:
    def once(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) != len(items):
            raise ValueError("a name stands twice")
        return made

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no number of JSON")

    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=once, parse_constant=refuse)
        if not isinstance(header, dict):
            raise TypeError("no object")  # noqa: TRY301  one refusal for all
    except (ValueError, TypeError, RecursionError) as error:
        raise Fault("corrupt", name, f"has a header that is not strict JSON ({error})"[:300], _AGAIN) from error
    header.pop("__metadata__", None)
    if len(header) > MOST_TENSORS:
        raise Fault("too-large", name, f"holds {len(header):,} tensors, more than {MOST_TENSORS:,}", _AGAIN)
    return header


def _tensor(key: str, entry: Any, first: int, name: str) -> Tensor:
    where = f"{name} {key}"[:200]

    def whole(values: Any, most: int) -> bool:
        return (
            isinstance(values, list)
            and len(values) <= most
            and all(type(value) is int and 0 <= value < 2**62 for value in values)
        )

    is_right = (
        isinstance(entry, dict)
        and set(entry) == {"dtype", "shape", "data_offsets"}
        and isinstance(entry["dtype"], str)
        and whole(entry["shape"], MOST_DIMENSIONS)
        and whole(entry["data_offsets"], 2)
        and len(entry["data_offsets"]) == 2
    )
    if not is_right:
        raise Fault("corrupt", where, "the tensor is not described as safetensors does", _AGAIN)
    dtype = _TYPES.get(entry["dtype"])
    if dtype is None:
        raise Fault("bad-dtype", where, f"the tensor has the type {entry['dtype'][:40]}", "convert it: model.float()")
    shape = tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    size = math.prod(shape) * ITEM_BYTES[dtype]
    if end - begin != size:
        what = f"the tensor's data has {end - begin:,} bytes where its shape needs {size:,}"
        raise Fault("truncated", where, what, _AGAIN)
    return Tensor(key, shape, dtype, first + begin, contiguous(shape))
