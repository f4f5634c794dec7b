"""What does a weights file hold? Decided by its bytes, read without torch, checked before anything uses it.

Refusals are named by stable codes: empty-file, html-page, lfs-pointer, truncated, corrupt, compressed-record, overlap,
gap, stray-record, pickled-code, whole-module, torchscript, exported-program, legacy-format, pickle-file, wrapper-dict,
not-a-state-dict, not-weights, unsupported-tensor, bad-dtype, stride-trick, out-of-bounds, header-too-large, byte-order,
too-large, long-name, not-finite.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import pickled, safetensors_file, torch_zip
from .channel import Fault
from .tensors import ITEM_BYTES, SAVE, Tensor

if TYPE_CHECKING:
    import numpy as np

MOST_BYTES = 2**30
MOST_ELEMENTS = 2**28
MOST_NAME = 500  # characters; of all names together:
MOST_NAMES = 2**20
_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_LFS = b"version https://git-lfs"
_OTHERS = {
    b"\x89HDF": "an HDF5 file (Keras)", b"\x89PNG": "a PNG picture", b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF", b"\x1f\x8b": "a gzip archive", b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a RAR archive",
    b"\x93NUMPY": "a NumPy array", b"PK\x05\x06": "an empty zip archive",
}  # fmt: skip
EXPONENTS = {"float32": 0x7F80_0000, "float64": 0x7FF0_0000_0000_0000, "float16": 0x7C00, "bfloat16": 0x7F80}
_BLOCK = 1 << 22


@dataclass
class Weights:
    """A weights file that passed: its tensors, and the bytes that they stand in."""

    format: str
    tensors: list[Tensor]
    data: mmap.mmap

    @property
    def elements(self) -> int:
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def has_module_prefix(self) -> bool:
        """Whether every name begins with `module.`, as after data-parallel training."""
        return all(tensor.name.startswith("module.") for tensor in self.tensors)


def open_weights(path: Path, name: str, *, max_elements: int | None = None, max_bytes: int | None = None) -> Weights:
    """Read and check the file, which the messages call `name`. Raises Fault; finite values are checked apart."""
    most = max_bytes or MOST_BYTES
    size = path.stat().st_size
    if size == 0:
        raise Fault("empty-file", name, "is empty (0 bytes)", "upload the file again")
    if size > most:
        raise Fault("too-large", name, f"has {size:,} bytes, more than {most:,}", "hand in a smaller model")
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if data[:4] == b"PK\x03\x04":
        weights = Weights("torch-zip", torch_zip.read(data, name), data)
    else:
        _refuse_others(data, name)
        weights = Weights("safetensors", safetensors_file.read(data, name), data)
        safetensors_file.agree(path, weights.tensors, name)
    _look_at_names(weights, name)
    most = max_elements or MOST_ELEMENTS
    if weights.elements > most:
        what = f"holds {weights.elements:,} numbers, more than {most:,}"
        raise Fault("too-large", name, what, "hand in a smaller model", limit=f"{most:,}", use=f"{weights.elements:,}")
    return weights


def _look_at_names(weights: Weights, name: str) -> None:
    """Names of layers are short; a long one is data."""
    longest = max((tensor.name for tensor in weights.tensors), key=len)
    if len(longest) > MOST_NAME:
        what = f"has a tensor with a name of {len(longest):,} characters ({longest[:40]!r}...)"
        raise Fault("long-name", name, what, SAVE)
    total = sum(len(tensor.name) for tensor in weights.tensors)
    if total > MOST_NAMES:
        what = f"has tensors whose names are {total:,} characters long together, more than {MOST_NAMES:,}"
        raise Fault("long-name", name, what, SAVE)


def _refuse_others(data: mmap.mmap, name: str) -> None:
    """Say what it is, where it is no weights file that we read."""
    start = data[:1024]
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")) or b"<html" in text:
        what = "is a web page, not weights: a log-in or download page was saved in its place"
        raise Fault("html-page", name, what, "download the weights again and look into the file before you hand it in")
    if start.startswith(_LFS):
        what = "is a Git LFS pointer: the weights themselves are not in it"
        raise Fault("lfs-pointer", name, what, "run `git lfs pull`, then hand in the file that you get")
    for magic, kind in _OTHERS.items():
        if start.startswith(magic):
            raise Fault("not-weights", name, f"is {kind}, not weights of PyTorch", SAVE)
    if start.startswith(b"\x80") and start[1:2] and start[1] <= 5 and start[8:9] != b"{":
        is_legacy = start.startswith(_LEGACY)
        fault = torch_zip.code_fault(_names(data), name)
        # In an old file even a plain model's classes are pickled: only what is no part of one is called code.
        if fault is not None and (not is_legacy or fault.fields["code"] == "pickled-code"):
            raise fault
        if is_legacy:
            what = "is in the format of PyTorch before 1.6, which is a row of pickles"
            raise Fault("legacy-format", name, what, SAVE)
        raise Fault("pickle-file", name, "is a plain pickle, not a file of torch.save", SAVE)
    if not safetensors_file.looks_like(data):
        shown = start[:8].hex(" ")
        what = f"is neither a file of torch.save nor safetensors (it begins with {shown})"
        raise Fault("not-weights", name, what, SAVE)


def _names(data: mmap.mmap) -> list[str]:
    """Everything that the first pickles in the file name."""
    file = io.BytesIO(data[: pickled.MOST_BYTES])
    names: list[str] = []
    for _ in range(5):
        made = pickled.read_next(file)
        names += made.names
        if made.broken:
            break
    return names


# --- the numbers ------------------------------------------------------------------------------


def not_finite(weights: Weights) -> list[str]:
    """The names of the tensors that hold a NaN or an infinity, by the bits: exponent all ones."""
    return [tensor.name for tensor in weights.tensors if tensor.dtype in EXPONENTS and _is_odd(weights, tensor)]


def refuse_not_finite(weights: Weights, name: str) -> None:
    """Raise Fault where a number is NaN or infinite."""
    names = not_finite(weights)
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        what = f"the tensor {names[0]!r}{more} holds NaN or infinite numbers"
        raise Fault("not-finite", name, what, "train again: with a smaller learning rate the loss stays a number")


def _is_odd(weights: Weights, tensor: Tensor) -> bool:
    mask = EXPONENTS[tensor.dtype]
    return any(bool(((block & mask) == mask).any()) for block in _blocks(weights, tensor))


def _blocks(weights: Weights, tensor: Tensor) -> Iterator[np.ndarray[Any, Any]]:
    """The tensor's numbers as unsigned integers, some millions at a time."""
    import numpy as np

    size = ITEM_BYTES[tensor.dtype]
    if tensor.elements == 0:
        return
    flat = np.frombuffer(weights.data, dtype=f"<u{size}", count=tensor.reach, offset=tensor.start)
    if tensor.reach == tensor.elements:
        for start in range(0, len(flat), _BLOCK):
            yield flat[start : start + _BLOCK]
    else:
        strides = [stride * size for stride in tensor.strides]
        yield np.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)
