"""How are trained weights kept small enough for a repository? Halved in precision, large layers cut to a low rank.

A packed file is safetensors. A tensor of two or more axes is kept in half precision; where it is large, as two factors
NAME::left (out, rank) and NAME::right (rank, ...), whose product it is. Biases and what BatchNorm has counted are a
few numbers, and stay as they are. What is unpacked is not what was trained: measure it again.

The same file gives the same weights on every machine: numbers in half precision are multiples of 2**-24, so that the
products' sums, in double precision, are exact in whatever order a machine adds them, as long as they stay under 32.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import CourseError

if TYPE_CHECKING:
    from torch import Tensor

LEFT, RIGHT = "::left", "::right"
LARGE = 20_000  # numbers of a tensor, from which on a rank is worth its loss
_MOST_HALF = 65504.0
_ORDER = "order"


def pack(
    weights: Mapping[str, Tensor], *, rank: int | None = None, ranks: Mapping[str, int] | None = None
) -> dict[str, Tensor]:
    """The tensors of a packed file.

    `rank` is that of every tensor of two or more axes with 20,000 numbers or more; `ranks` names the rank of single
    tensors, 0 for one that is kept whole. A tensor for which two factors are no smaller is kept whole, too.

    Shapes:  (out, ...) -> (out, rank) and (rank, ...)
    Raises:  ValueError for a rank of a tensor that is not there, or a number that half precision cannot hold

    >>> import torch
    >>> weights = {"fc.weight": torch.ones(200, 300), "fc.bias": torch.zeros(200)}
    >>> {name: tuple(tensor.shape) for name, tensor in pack(weights, rank=2).items()}
    {'fc.weight::left': (200, 2), 'fc.weight::right': (2, 300), 'fc.bias': (200,)}
    """
    own = ranks or {}
    unknown = sorted(set(own) - set(weights))
    if unknown:
        raise ValueError(f"there is no tensor {unknown[0]!r}; there are: {', '.join(weights)}")
    packed: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        wanted = own.get(name, rank if tensor.dim() > 1 and tensor.numel() >= LARGE else None)
        if not tensor.is_floating_point() or tensor.dim() < 2:
            packed[name] = tensor.detach().clone().contiguous()
        elif not wanted or wanted * (len(tensor) + tensor[0].numel()) >= tensor.numel():
            packed[name] = _halved(name, tensor)
        else:
            left, right = _factors(tensor, wanted)
            packed[name + LEFT], packed[name + RIGHT] = _halved(name, left), _halved(name, right)
    return packed


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a packed file, in single precision, in the order of the file.

    Raises:  ValueError for a factor without its other, or two that do not fit

    >>> import torch
    >>> unpack({"w::left": torch.ones(3, 1).half(), "w::right": torch.ones(1, 2).half()})["w"].shape
    torch.Size([3, 2])
    """
    weights: dict[str, Tensor] = {}
    for name, tensor in packed.items():
        whole = name.removesuffix(LEFT).removesuffix(RIGHT)
        if whole != name:
            if whole not in weights:
                weights[whole] = _product(whole, packed)
        else:
            weights[name] = tensor.float() if tensor.is_floating_point() else tensor
    return weights


def pack_file(source: Path, target: Path, *, rank: int | None = None, ranks: Mapping[str, int] | None = None) -> int:
    """Pack the weights that `torch.save(model.state_dict(), source)` wrote; the bytes of the packed file.

    Raises:  ValueError as `pack`, or for a file that holds anything but tensors by their names
    """
    import torch
    from safetensors.torch import save

    weights = torch.load(source, map_location="cpu", weights_only=True)
    if not isinstance(weights, Mapping) or not all(isinstance(one, torch.Tensor) for one in weights.values()):
        raise ValueError(f"{source} holds no state_dict: tensors by their names, and nothing else")
    packed = pack(weights, rank=rank, ranks=ranks)
    data = save(packed, metadata={_ORDER: json.dumps(list(packed))})
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return len(data)


def unpacked_file(source: Path) -> bytes:
    """The bytes of the .pth file that a packed file stands for: the same ones every time.

    Raises:  CourseError for a file that is missing or no packed one
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        data = source.read_bytes()
        found = load(data)
        weights = unpack({name: found[name] for name in _order(data, found)})
    except (OSError, SafetensorError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        fix = "pack the weights again: python scripts/pack_weights.py IN.pth OUT.packed.safetensors --rank 16"
        raise CourseError.single(
            f"is no packed weights ({why})", where=str(source), fix=fix, code="bad-weights"
        ) from error
    written = io.BytesIO()  # in memory: a file's own name would stand in its bytes
    torch.save(weights, written)
    return written.getvalue()


def _order(data: bytes, found: Mapping[str, Tensor]) -> list[str]:
    """The names as they were packed: safetensors sorts them for the disk, and gives them out in any order."""
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    written = json.loads(head.get("__metadata__", {}).get(_ORDER, "[]"))
    return [*(name for name in written if name in found), *sorted(set(found).difference(written))]


def _halved(name: str, tensor: Tensor) -> Tensor:
    largest = float(tensor.detach().abs().max()) if tensor.numel() else 0.0
    if not largest <= _MOST_HALF:
        raise ValueError(f"{name!r} holds {largest:g}, and half precision ends at {_MOST_HALF:g}")
    return tensor.detach().half().contiguous()


def _factors(tensor: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The two factors of the nearest tensor of this rank (in least squares), of the same size each."""
    import torch

    left, values, right = torch.linalg.svd(tensor.detach().double().flatten(1), full_matrices=False)
    root = values[:rank].sqrt()
    return left[:, :rank] * root, (root[:, None] * right[:rank]).reshape(rank, *tensor.shape[1:])


def _product(name: str, packed: Mapping[str, Tensor]) -> Tensor:
    if name + LEFT not in packed or name + RIGHT not in packed:
        raise ValueError(f"{name!r} has one factor and not the other")
    left, right = packed[name + LEFT].double(), packed[name + RIGHT].double()
    if left.dim() != 2 or right.dim() < 2 or left.shape[1] != len(right):
        raise ValueError(f"the factors of {name!r} do not fit: {tuple(left.shape)} and {tuple(right.shape)}")
    return (left @ right.flatten(1)).float().reshape(len(left), *right.shape[1:])
