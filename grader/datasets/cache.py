"""How is a set read fast the second time? As memory-mapped bytes in the user's cache folder.

Two data files per split, named by the digest of their content: labels lie apart from images, so that a process
which may see only the images can be given only these. A small JSON file per source, named by the fingerprint of
the files that were read (path, size, time of change), says which content they held: that is all `digest` reads.

Every file is written under another name, synced, and renamed into place, data before JSON: nothing hangs on a lock
(`building` only saves work), and a process that dies leaves no half file. What is read is hashed: a damaged file
counts as absent and is made again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.datasets.image_set import content_digest
from grader.datasets.registry import Found, Source
from grader.datasets.turns import one_at_a_time
from grader.places import cache_folder

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FORMAT = 1
STALE_AFTER_S = 3600  # a temporary file older than this was left by a process that died
log = logging.getLogger(__name__)


def known_digest(source: Source, split: str, found: Found) -> str:
    """The content digest recorded for these very files, or "" where none is. Reads one small file."""
    return str(_sidecar(source, split, found).get("digest", ""))


def read(source: Source, split: str, found: Found) -> tuple[Array, Array, str] | None:
    """The cached images, labels and digest, hashed just now; None where they are absent or damaged."""
    import numpy as np

    digest = known_digest(source, split, found)
    if not digest:
        return None
    shape = (source.counts[split], *source.shape)
    images_file, labels_file = _data_files(digest)
    try:
        images = np.memmap(images_file, np.uint8, mode="r", shape=shape)
        labels = np.memmap(labels_file, "<i8", mode="r", shape=shape[:1])
        is_whole = (images_file.stat().st_size, labels_file.stat().st_size) == (images.nbytes, labels.nbytes)
    except (OSError, ValueError):  # absent, or shorter than the shape says
        return None
    if not is_whole or content_digest(images, labels) != digest:
        log.warning("%s: damaged, so %s (%s) is made again", images_file.with_suffix(""), source.name, split)
        return None
    return images, labels, digest


def write(source: Source, split: str, found: Found, images: Array, labels: Array, *, digest: str) -> bool:
    """Keep a split for the next time. False, with a warning, where the folder cannot be written."""
    import numpy as np

    folder = cache_folder("datasets")
    record = {"format": FORMAT, "name": source.name, "split": split, "digest": digest,
              "shape": list(images.shape), "source": _identity(source, split, found)}  # fmt: skip
    images_file, labels_file = _data_files(digest)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        _put(images_file, np.ascontiguousarray(images).data)
        _put(labels_file, np.ascontiguousarray(labels, dtype="<i8").data)
        _put(_sidecar_file(source, split, found), json.dumps(record, indent=1).encode())
    except OSError as error:
        _warn(str(folder), str(error.strerror), source.name)
        return False
    return True


@contextmanager
def building(source: Source, split: str, found: Found) -> Iterator[None]:
    """What is done within is done by one process at a time."""
    name = _sidecar_file(source, split, found).stem
    with one_at_a_time(cache_folder("datasets") / f".{name}.lock"):
        yield


_warned: set[tuple[str, ...]] = set()
_one_warns = threading.Lock()


def _warn(folder: str, reason: str, name: str) -> None:
    """Said once, however many jobs of a class meet the same full disk."""
    with _one_warns:
        is_said = (folder, reason, name) in _warned
        _warned.add((folder, reason, name))
    if not is_said:
        said = "%s: cannot be written (%s), so %s is read anew each time\n  fix: export GRADER_CACHE=FOLDER"
        log.warning(said, folder, reason, name)


def _identity(source: Source, split: str, found: Found) -> Mapping[str, Any]:
    """What the content depends on, as far as that can be seen without reading it."""
    files = []
    for path in found.files:
        info = path.stat()
        files.append([str(path.resolve()), info.st_size, info.st_mtime_ns])
    return {"name": source.name, "split": split, "reader": source.reader_version, "files": files}


def _sidecar_file(source: Source, split: str, found: Found) -> Path:
    return _sidecar_of(source, split, _identity(source, split, found))


def _sidecar_of(source: Source, split: str, identity: Mapping[str, Any]) -> Path:
    fingerprint = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return cache_folder("datasets") / f"{source.name}-{split}-{fingerprint[:16]}.json"


def _sidecar(source: Source, split: str, found: Found) -> Mapping[str, Any]:
    """The record of these files, or an empty one where there is none that fits them and the pinned digest."""
    try:
        identity = _identity(source, split, found)
        record = json.loads(_sidecar_of(source, split, identity).read_bytes())
        shape, digest, of = record["shape"], record["digest"], record["source"]
        fits = (
            record["format"] == FORMAT
            and of == identity
            and shape == [source.counts[split], *source.shape]
            and digest == source.digests.get(split, digest)
            and len(bytes.fromhex(digest)) == hashlib.sha256().digest_size
        )
    except (OSError, ValueError, KeyError, TypeError):  # absent, or not what we wrote
        return {}
    return record if fits else {}


def _data_files(digest: str) -> tuple[Path, Path]:
    folder = cache_folder("datasets")
    return folder / f"{digest}.images", folder / f"{digest}.labels"


def _put(path: Path, data: bytes | memoryview) -> None:
    """Write a file whole or not at all, also through a power cut."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:24]}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    with suppress(OSError):  # not every file system can sync a folder; the content is checked when read
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _sweep(folder: Path) -> None:
    for left in folder.glob(".*.tmp"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_AFTER_S:
                left.unlink()
