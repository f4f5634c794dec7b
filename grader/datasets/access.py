"""How does one get at a set? `load` its images, `digest` its identity, `status` of all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.datasets import cache
from grader.datasets.image_set import ImageSet, content_digest
from grader.datasets.registry import DataSetMissing, Found, Source, named_by_digest, names, source
from grader.errors import CourseError, MachineError
from grader.frozen import dataclass

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def data_root(configured: Path | None = None) -> Path | None:
    """The folder of the image sets: GRADER_DATA, else what grader.toml names (`configured`), else None."""
    named = os.environ.get("GRADER_DATA")
    return Path(named).expanduser() if named else configured


def load(name: str, split: str, *, root: Path | None = None) -> ImageSet:
    """The images of a split of a named set.

    `root` is the data root; None means the one of GRADER_DATA. The first use reads the set's own files and keeps
    a memory-mapped copy in the cache, one process for all that ask at the same moment; every use hashes what it
    hands out.

    Raises:  DataSetMissing, MachineError for a damaged file or other images than the name says, CourseError for a
             name or split that does not exist

    >>> digits = load("digits", "test")
    >>> digits.images.shape, digits.labels[:5].tolist(), len(digits)
    ((360, 1, 28, 28), [5, 0, 9, 8, 7], 360)
    """
    of = _source(name, split)
    found = _find(of, split, root)
    targets = load(of.targets, split, root=root).images if of.targets else None
    images, labels, digest = cache.read(of, split, found) or _built(of, split, found)
    return ImageSet(name, split, images, labels, of.classes, digest, found.edition, targets)


def _built(of: Source, split: str, found: Found) -> tuple[Array, Array, str]:
    """The split from its own files, or from the cache where another process was faster."""
    with cache.building(of, split, found):
        cached = cache.read(of, split, found)
        if cached is None:
            images, labels = of.read(split, found)
            digest = content_digest(images, labels)
            _refuse_another_set(of, split, found, digest)
            is_kept = cache.write(of, split, found, images, labels, digest=digest)
            cached = cache.read(of, split, found) if is_kept else None
            if cached is None:
                images.flags.writeable = labels.flags.writeable = False
                cached = images, labels, digest
    return cached


def digest(name: str, split: str, *, root: Path | None = None) -> str:
    """The digest of a split, SHA-256 in hex, from the cache's record where there is one: a few file look-ups.

    Raises:  as `load`

    >>> digest("digits", "test") == load("digits", "test").digest
    True
    """
    of = _source(name, split)
    found = _find(of, split, root)
    return cache.known_digest(of, split, found) or load(name, split, root=root).digest


@dataclass(frozen=True)
class SetStatus:
    """What `grader data list` shows of a set. `digests` holds the splits whose content has been read before."""

    name: str
    is_present: bool
    where: str
    counts: Mapping[str, int]
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    digests: Mapping[str, str]
    fix: str


def status(root: Path | None = None) -> list[SetStatus]:
    """Every known set: present or not, where, how many images. Reads no images.

    >>> [(of.name, of.is_present, of.counts) for of in status()][0]
    ('digits', True, {'train': 1437, 'test': 360})
    """
    root = data_root() if root is None else root
    shown = []
    for of in map(source, names()):
        found = {split: of.find(split, root) for split in of.counts}
        present = {split: at for split, at in found.items() if at.is_present}
        known = {split: cache.known_digest(of, split, at) for split, at in present.items()}
        missing = [split for split in found if split not in present]
        where = ", ".join(dict.fromkeys(_shown_place(at) for at in present.values()))
        if present and missing:
            where += f" (no {' or '.join(missing)} split)"
        shown.append(
            SetStatus(
                name=of.name,
                is_present=not missing,
                where=where,
                counts=of.counts,
                shape=of.shape,
                classes=of.classes,
                digests={split: value for split, value in known.items() if value},
                fix=of.fix if missing else "",
            )
        )
    return shown


def _shown_place(found: Found) -> str:
    return f"{found.where} ({found.edition})" if found.edition else found.where


def _source(name: str, split: str) -> Source:
    of = source(name)
    if split not in of.counts:
        raise CourseError.single(
            f"there is no split {split!r}",
            where=f"data set {name!r}",
            fix=f"name one of {', '.join(of.counts)}",
            code="unknown-split",
        )
    return of


def _find(of: Source, split: str, root: Path | None) -> Found:
    root = data_root() if root is None else root
    found = of.find(split, root)
    if found.is_present:
        return found
    if root is None:
        what = "not on this machine as far as is known: neither GRADER_DATA nor grader.toml names a data root"
    elif not root.is_dir():
        what = f"not on this machine: the data root {root} is no folder"
    else:
        what = f"the {split} split is not on this machine: looked in {', '.join(found.looked_in)}"
    raise DataSetMissing.single(what, where=f"data set {of.name}", fix=of.fix, code="data-set-missing")


def _refuse_another_set(of: Source, split: str, found: Found, digest: str) -> None:
    """A folder's name proves nothing: MNIST and Fashion-MNIST differ in their content alone."""
    pinned = of.digests.get(split, digest)
    if digest == pinned:
        return
    other = named_by_digest(digest)
    raise MachineError.single(
        f"this is {other}, not {of.name} ({split})"
        if other
        else f"these are not the images and labels of {of.name} ({split}): digest {digest[:16]}, not {pinned[:16]}",
        where=found.where,
        fix=of.fix or "install the released version again",
        code="data-set-broken",
    )
