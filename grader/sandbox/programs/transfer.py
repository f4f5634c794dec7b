"""The program `transfer`: which tensors of a student's checkpoint are still those of a pretrained network?

Both files are read by the same reader, without torch and without a student's code. The pretrained file is the
course's: what is wrong with it is told as `refused`, and is nobody's fault here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .channel import Fault
from .matched import matched
from .tensors import Tensor
from .weights import Weights, open_weights, refuse_not_finite

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST = 1e12  # a change that is larger, or of a tensor of zeros, is told as this
_TYPES = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "uint8": "u1", "int8": "i1", "int16": "<i2",
          "int32": "<i4", "int64": "<i8", "bfloat16": "<u2", "bool": "u1"}  # fmt: skip
_NARROW = ("float16", "bfloat16")
_BLOCK = 1 << 21


def main(request: dict[str, Any], box: Any) -> dict[str, Any]:
    """Request: `checkpoint` (its path), `pretrained` (the network's name; its file is `inputs`).

    Result: `tensors`, a row for each pretrained one; `extra`, those of the student's that stand for none; `way`, how
    they were matched; `refused`, why the pretrained file could not be read, or null.
    """
    name, network = request["checkpoint"], request["pretrained"]
    box.channel.stage(f"reading {name}")
    weights = open_weights(Path(box.submission, name), name)
    refuse_not_finite(weights, name)
    box.channel.stage(f"reading the weights of {network}")
    try:
        first = open_weights(Path(box.inputs), f"the weights file of {network}")
        refuse_not_finite(first, f"the weights file of {network}")
    except Fault as fault:
        told = {key: fault.fields[key] for key in ("code", "where", "what", "fix")}
        return {"refused": told, "way": "", "tensors": [], "extra": []}
    box.channel.stage(f"comparing {name} with {network}")
    theirs = {tensor.name: tensor for tensor in weights.tensors}
    found, way = matched(
        {tensor.name: tensor.shape for tensor in first.tensors}, {key: one.shape for key, one in theirs.items()}
    )
    rows = []
    for tensor in first.tensors:
        other = theirs.get(found.get(tensor.name, ""))
        row: dict[str, Any] = {"name": tensor.name, "shape": list(tensor.shape), "found": "", "found_shape": None}
        row |= {"dtype": "", "same": "no", "change": 0.0, "likeness": 0.0}
        if other is not None:
            row |= {"found": other.name, "found_shape": list(other.shape), "dtype": other.dtype}
            if other.shape == tensor.shape:
                row |= compared(first, tensor, weights, other)
        rows.append(row)
    taken = set(found.values())
    extra = [{"name": key, "shape": list(one.shape)} for key, one in theirs.items() if key not in taken]
    return {"refused": None, "way": way, "tensors": rows, "extra": extra}


def compared(first: Weights, one: Tensor, second: Weights, other: Tensor) -> dict[str, Any]:
    """`same`: "exactly", "rounded" (equal in a type of 16 bits that either was saved in) or "no".

    `change` is the length of the difference, of the length of the pretrained tensor; `likeness` the cosine of both.
    """
    import numpy as np

    is_number = one.dtype in ("float32", "float64", *_NARROW)
    is_same, rounded = True, set(_NARROW if is_number else ())
    apart = length = other_length = product = 0.0
    for before, after in zip(_blocks(first, one), _blocks(second, other), strict=True):
        is_equal = np.array_equal(before, after)
        if not is_equal:
            is_same = False
            rounded = {kind for kind in rounded if _is_rounded(before, after, kind, one.dtype)}
        apart += float(np.square(after - before).sum())
        length += float(np.square(before).sum())
        other_length += float(np.square(after).sum())
        product += float((before * after).sum())
    if is_same:
        return {"same": "exactly", "change": 0.0, "likeness": 1.0}
    lengths = math.sqrt(length) * math.sqrt(other_length)
    change = math.sqrt(apart) / math.sqrt(length) if length else MOST
    likeness = product / lengths if lengths else 0.0
    finite = (value if math.isfinite(value) else MOST for value in (change, likeness))
    change, likeness = (max(-MOST, min(MOST, value)) for value in finite)
    return {"same": "rounded" if rounded else "no", "change": change, "likeness": likeness}


def _is_rounded(before: Array, after: Array, kind: str, dtype: str) -> bool:
    """Whether one is the other, rounded. The pretrained one is only where its file is of that type."""
    import numpy as np

    if np.array_equal(_rounded(before, kind), after):
        return True
    return dtype == kind and np.array_equal(before, _rounded(after, kind))


def _blocks(weights: Weights, tensor: Tensor) -> Iterator[Array]:
    """The tensor's numbers in their order, as float64, some millions at a time: a layer may have 100 million."""
    import numpy as np

    if tensor.elements == 0:
        return
    kind = np.dtype(_TYPES[tensor.dtype])
    flat = np.frombuffer(weights.data, dtype=kind, count=tensor.reach, offset=tensor.start)
    strides = [stride * kind.itemsize for stride in tensor.strides]
    dense = np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False))
    row = dense.reshape(-1)
    for start in range(0, len(row), _BLOCK):
        block = row[start : start + _BLOCK]
        if tensor.dtype == "bfloat16":  # the upper half of a float32
            block = (block.astype(np.uint32) << 16).view(np.float32)
        yield block.astype(np.float64)


def _rounded(values: Array, kind: str) -> Array:
    """As they are once saved in a narrower type, to the nearest and to even at a tie."""
    import numpy as np

    with np.errstate(over="ignore"):
        if kind == "float16":
            return values.astype(np.float32).astype(np.float16).astype(np.float64)
        bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    kept = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16).astype(np.uint32)
    return kept.view(np.float32).astype(np.float64)
