"""Which data sets are there? One `Source` each: where its files lie, how they are read, what must come out.

A new set is a new file beside `idx_sets.py` that makes a Source, and a line in `_sources`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import CourseError, MachineError
from grader.frozen import dataclass

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class DataSetMissing(MachineError):  # noqa: N818  the course's word for it, and what a finding is named after
    """A data set is not on this machine. Nobody's fault in a submission: a finding of it is UNKNOWN."""


@dataclass(frozen=True)
class Found:
    """Where a split was looked for. `files` is empty where it is missing, and where it is embedded.

    `edition` says in words what it is where it is not the release: see `ImageSet`.
    """

    is_present: bool
    files: tuple[Path, ...] = ()
    looked_in: tuple[str, ...] = ()
    where: str = ""
    edition: str = ""


@dataclass(frozen=True)
class Source:
    """A data set by its name, as rubrics write it.

    `find(split, root)` looks for the files of a split and reads none of them; `read(split, found)` makes the
    images (N, C, H, W) uint8 and the labels (N,) int64 from what was found. `digests` are the content digests
    of the set by split: whatever else is read is refused; a set without them compares its files in `read`. Raise
    `reader_version` when `read` changes its result. `targets` names the set whose images, in the same order, a
    network should make of these. `fix` is what a person does where the set is missing.
    """

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]  # (C, H, W)
    counts: Mapping[str, int]  # images per split
    find: Callable[[str, Path | None], Found]
    read: Callable[[str, Found], tuple[Array, Array]]
    digests: Mapping[str, str] = field(default_factory=dict)
    targets: str = ""
    fix: str = ""
    reader_version: int = 1


@lru_cache(maxsize=1)
def _sources() -> Mapping[str, Source]:
    from grader.datasets import cifar, digits, idx_sets, noisy

    made = (digits.SOURCE, idx_sets.MNIST, idx_sets.FASHION_MNIST, noisy.SOURCE, cifar.CIFAR10, cifar.CIFAR100_COARSE)
    return {source.name: source for source in made}


def names() -> tuple[str, ...]:
    """The names of all known sets.

    >>> names()
    ('digits', 'mnist', 'fashion_mnist', 'noisy_fashion_mnist', 'cifar10', 'cifar100_coarse')
    """
    return tuple(_sources())


def source(name: str) -> Source:
    """The set of this name, or CourseError: only a rubric or a command can have named it."""
    known = _sources()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    raise CourseError.single(
        "there is no data set of this name",
        where=f"data set {name!r}",
        fix=f"did you mean {close[0]!r}?" if close else f"known sets: {', '.join(known)}",
        code="unknown-data-set",
    )


def named_by_digest(digest: str) -> str:
    """Which known set and split has this content, such as "fashion_mnist (test)"; empty if none has."""
    for known in _sources().values():
        for split, pinned in known.digests.items():
            if pinned == digest:
                return f"{known.name} ({split})"
    return ""
