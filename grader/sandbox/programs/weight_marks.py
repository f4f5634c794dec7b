"""What of a weights file is the same in a copy that was renamed, rounded, trained on a little, scaled or permuted?

Three short vectors for each tensor of two or more axes, without a word of what its numbers are:

- `flat` survives another name, order and type, a factor, and some training: it is a random projection of the numbers,
  so that two distances of vectors are as two distances of tensors (the count sketch of Charikar and others, 2002).
- `rows` survives besides that outputs and inputs are put in another order, and each output has a factor of its own.
- `columns` is the same of the inputs, with a factor for each of them.

`rows` is the mean of random Fourier features (Rahimi and Recht, 2007) of what each row is; and what a row is, is the
mean of such features of its kernels. A mean knows no order. Networks that were trained apart differ in each entry by
about as much as chance does, whatever the size of the layer; a copy by about four times its relative change.
"""

from __future__ import annotations

import base64
import hashlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .weights import open_weights, refuse_not_finite

if TYPE_CHECKING:
    import numpy as np

    from .tensors import Tensor
    from .weights import Weights

FLAT, INNER, OUTER = 64, 8, 32  # entries of `flat`, features of a kernel, entries of `rows` and `columns`
LEAST_ELEMENTS = 48  # fewer numbers may be alike by chance
MOST_LISTED = 400  # tensors of one file, the largest
LEAST_DIFFERENT = 16
_LOOKED_AT = 4096  # numbers, for how many of them differ
_SHORTEST = 4  # numbers of a row: one of a single number is 1 or -1, whoever trained it
_SPREAD = (1.5, 2.0)  # radians by which the features of a kernel and of a row turn, in the usual case
_BLOCK = 1 << 20
_TYPES = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "bfloat16": "<u2"}


def look(path: Path, name: str) -> dict[str, Any]:
    """The tensors of a weights file with their marks, the largest first, and how many there are. Raises Fault."""
    weights = open_weights(path, name)
    refuse_not_finite(weights, name)
    worth = [one for one in weights.tensors if one.dtype in _TYPES and len(one.shape) > 1]
    worth = [one for one in worth if one.elements >= LEAST_ELEMENTS]
    worth.sort(key=lambda one: (-one.elements, one.name))
    made = [marked for one in worth[:MOST_LISTED] if (marked := _marked(weights, one)) is not None]
    return {"tensors": made, "elements": weights.elements}


def _marked(weights: Weights, tensor: Tensor) -> dict[str, Any] | None:
    numbers = numbers_of(weights, tensor)
    made = marks(numbers)
    if made is None:
        return None
    return {"name": tensor.name[:200], "shape": list(tensor.shape), "dtype": tensor.dtype, **made}


def numbers_of(weights: Weights, tensor: Tensor) -> np.ndarray[Any, Any]:
    """A tensor's numbers as float32, in its own shape."""
    import numpy as np

    kind = np.dtype(_TYPES[tensor.dtype])
    flat = np.frombuffer(weights.data, dtype=kind, count=tensor.reach, offset=tensor.start)
    strides = [stride * kind.itemsize for stride in tensor.strides]
    shaped = np.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)
    if tensor.dtype == "bfloat16":  # the upper half of a float32
        return (np.ascontiguousarray(shaped).astype(np.uint32) << np.uint32(16)).view(np.float32)
    made: np.ndarray[Any, Any] = shaped.astype(np.float32)
    return made


def marks(numbers: np.ndarray[Any, Any]) -> dict[str, Any] | None:
    """The marks of one tensor; None where it has so few different numbers that it was hardly trained: a mask, an index.

    Shapes: numbers (outputs, inputs, ...) float32; `flat` FLAT, `rows` and `columns` OUTER float32 in base64
            (no entry where a row is so short that its direction says little)
    Units:  `flat` has the length 1 in the mean; entries of `rows` and `columns` differ by about 1 between strangers
    """
    import numpy as np

    outputs, inputs = numbers.shape[:2]
    kernels = np.ascontiguousarray(numbers, dtype=np.float32).reshape(outputs, inputs, -1)
    largest = float(np.abs(kernels).max())
    if not largest or len(np.unique(kernels.ravel()[:_LOOKED_AT])) < LEAST_DIFFERENT:
        return None
    digest = hashlib.sha256(kernels.tobytes()).hexdigest()[:16]
    scaled = kernels / np.float32(largest)
    flat = _flat(scaled)
    if flat is None:
        return None
    size = largest * math.sqrt(float(np.mean(np.square(scaled, dtype=np.float64))))
    vectors = {"flat": flat, "rows": _rows(scaled), "columns": _rows(scaled.transpose(1, 0, 2))}
    packed = {key: base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii") for key, vector in vectors.items()}
    return {"digest": digest, "size": size, **packed}


def _flat(kernels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """The numbers about the mean kernel, at length 1, each with a random sign, in FLAT sums."""
    import numpy as np

    outputs, inputs, side = kernels.shape
    is_many = outputs * inputs >= 16  # of fewer kernels the mean is a part of each
    mean = kernels.mean(axis=(0, 1), dtype=np.float64) if is_many else kernels.mean(dtype=np.float64)
    about = (kernels - mean.astype(np.float32)).ravel()
    length = math.sqrt(_squares(about))
    if length < 1e-6 * math.sqrt(about.size):
        return None
    signs = np.frombuffer(_random(f"signs {side}").bytes(-(-about.size // 8)), dtype=np.uint8)
    about[np.unpackbits(signs, count=about.size).astype(bool)] *= -1
    padded = np.zeros(-(-about.size // FLAT) * FLAT, dtype=np.float32)
    padded[: about.size] = about
    made: np.ndarray[Any, Any] = padded.reshape(-1, FLAT).sum(axis=0, dtype=np.float64) / length
    return made


def _squares(numbers: np.ndarray[Any, Any]) -> float:
    import numpy as np

    blocks = (numbers[at : at + _BLOCK] for at in range(0, numbers.size, _BLOCK))
    return float(sum(np.square(block, dtype=np.float64).sum() for block in blocks))


def _rows(kernels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The set of the rows, each a set of kernels of length about 1 each."""
    import numpy as np

    outputs, inputs, side = kernels.shape
    if inputs * side < _SHORTEST:
        return np.zeros(0)
    random = _random(f"features {side}")
    inner = random.standard_normal((side, INNER)).astype(np.float32) * np.float32(_SPREAD[0] / math.sqrt(side))
    turned = random.uniform(0, 2 * math.pi, INNER).astype(np.float32)
    outer = random.standard_normal((INNER, OUTER)) * (_SPREAD[1] / math.sqrt(INNER / 2))
    turned_again = random.uniform(0, 2 * math.pi, OUTER)
    made = np.empty((outputs, INNER))
    step = max(1, _BLOCK // (inputs * side))
    for start in range(0, outputs, step):
        block = np.ascontiguousarray(kernels[start : start + step])
        size = np.sqrt(np.square(block).mean(axis=(1, 2), keepdims=True, dtype=np.float64)).astype(np.float32)
        block = block / np.where(size > 0, size, 1)
        made[start : start + step] = np.cos(block @ inner + turned).sum(axis=1, dtype=np.float64)
    made /= math.sqrt(inputs)
    features: np.ndarray[Any, Any] = np.cos(made @ outer + turned_again).sum(axis=0) * math.sqrt(1 / outputs)
    return features


def _random(seed: str) -> np.random.RandomState:
    """The generator whose numbers NumPy never changes: marks of another year are compared with today's."""
    import numpy as np

    return np.random.RandomState(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big"))
