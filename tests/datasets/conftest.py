"""Small IDX sets under a name of their own, and a cache that is empty at the start of each test."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from grader.datasets import registry
from grader.datasets.idx_sets import idx_source
from grader.datasets.registry import Source

Array = np.ndarray


def idx_bytes(array: Array) -> bytes:
    """The IDX form of a uint8 array, written from the description of the format."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_idx(path: Path, array: Array) -> None:
    """Written as gzip where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = idx_bytes(array)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def pickled_by_python_2(values: dict[str, object]) -> bytes:
    """A dict of texts, lists and one kind of array, as cPickle's protocol 2 writes it (from `pickletools`)."""

    def one(value: object) -> bytes:
        if isinstance(value, str):
            return b"U" + bytes([len(value)]) + value.encode("latin-1")
        if isinstance(value, int):
            return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)
        if isinstance(value, list):
            return b"](" + b"".join(map(one, value)) + b"e"
        assert isinstance(value, np.ndarray)
        blank = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        shape = b"".join(map(one, value.shape)) + {1: b"\x85", 2: b"\x86"}[value.ndim]
        kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        pixels = b"T" + struct.pack("<i", value.size) + value.tobytes()
        return blank + b"(K\x01" + shape + kind + b"\x89" + pixels + b"tb"

    return b"\x80\x02}q\x01(" + b"".join(one(key) + one(value) for key, value in values.items()) + b"u."


@dataclass
class Tiny:
    """A set of 20 and 10 images with three classes, on disk."""

    source: Source
    root: Path
    images: dict[str, Array]
    labels: dict[str, Array]

    def file(self, split: str, kind: str) -> Path:
        prefix = {"train": "train", "test": "t10k"}[split]
        return self.root / "tiny" / f"{prefix}-{kind}-idx{3 if kind == 'images' else 1}-ubyte.gz"


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("GRADER_CACHE", str(folder))
    return folder / "datasets"


@pytest.fixture
def no_data_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADER_DATA", raising=False)


@pytest.fixture
def save_idx() -> Callable[[Path, Array], None]:
    return write_idx


@pytest.fixture(scope="session")
def python_2_pickle() -> Callable[[dict[str, object]], bytes]:
    return pickled_by_python_2


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    counts = {"train": 20, "test": 10}
    rng = np.random.default_rng(0)
    made = Tiny(
        source=idx_source("tiny", ("a", "b", "c"), ("tiny", "TINY/raw"), {}, counts),
        root=tmp_path / "data",
        images={split: rng.integers(0, 256, (n, 28, 28), dtype=np.uint8) for split, n in counts.items()},
        labels={split: rng.integers(0, 3, n, dtype=np.uint8) for split, n in counts.items()},
    )
    for split in counts:
        write_idx(made.file(split, "images"), made.images[split])
        write_idx(made.file(split, "labels"), made.labels[split])
    monkeypatch.setattr(registry, "_sources", lambda: {"tiny": made.source})
    return made


@pytest.fixture(scope="session")
def real_root() -> Path:
    """The data root with the real MNIST and Fashion-MNIST, or a skip that says what is missing."""
    named = os.environ.get("GRADER_DATA", "")
    if not named:
        pytest.skip("GRADER_DATA is not set")
    for folder in ("mnist", "fashion_mnist"):
        if not (Path(named) / folder / "train-images-idx3-ubyte.gz").is_file():
            pytest.skip(f"GRADER_DATA={named} holds no {folder}/train-images-idx3-ubyte.gz")
    return Path(named)
