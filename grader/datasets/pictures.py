"""Which pictures lie in a folder, a zip or a tar of classes? The bytes of each, and one digest of them all.

    train/<class>/<name>.jpg, test/<class>/<name>.jpg        (with classes in groups: train/<group>/<class>/<name>.jpg)

Decoding comes after the digest: where the files of a set are known, nothing that is not known is ever decoded. The
digest is that of the files and not of their pixels, because decoders of JPEG differ in their last bit.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from grader.errors import MachineError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SUFFIXES = (".jpg", ".jpeg", ".png")
MAX_FILE_BYTES = 2**20  # of one picture; those of CIFAR have about 1,500
ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar")


def read_pictures(place: Path, split: str, *, depth: int, at_most: int) -> dict[str, bytes]:
    """The pictures of a split by their path in it, such as {"cat/0001.jpg": ...}; `depth` is the number of folders.

    Other files are left out, and so is what hides behind a dot. In an archive the split may lie in one folder more.

    Raises:  MachineError that names the place for a damaged archive, a picture that is too large or lies twice, and
             more than `at_most` pictures
    """
    import tarfile
    import zipfile
    import zlib

    found: dict[str, bytes] = {}
    try:
        for path, size, file in _files(place):
            steps = path.split("/")
            if split in steps[:2]:
                steps = steps[steps.index(split) + 1 :]
            elif place.name != split:
                continue
            name = "/".join(steps)
            is_hidden = any(step.startswith((".", "__")) for step in steps)
            if len(steps) != depth + 1 or is_hidden or not name.lower().endswith(SUFFIXES):
                continue
            if name in found:
                _refuse(place, f"{path} is in it twice")
            if size > MAX_FILE_BYTES:
                _refuse(place, f"{path} has {size:,} bytes, and no picture of the set has more than {MAX_FILE_BYTES:,}")
            if len(found) == at_most:
                _refuse(place, f"it holds more than the {at_most:,} pictures of the {split} split")
            with file() as opened:
                found[name] = opened.read(MAX_FILE_BYTES)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, NotImplementedError) as error:
        _refuse(place, f"it is damaged or cannot be read ({error})")
    return found


def _files(place: Path) -> Iterator[tuple[str, int, Callable[[], Any]]]:
    """Each file's path below the place, its size, and what opens it."""
    if place.is_dir():
        for path in sorted(place.rglob("*")):
            if path.is_file():
                yield path.relative_to(place).as_posix(), path.stat().st_size, partial(path.open, "rb")
    elif place.suffix == ".zip":
        import zipfile

        with zipfile.ZipFile(place) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    yield entry.filename, entry.file_size, partial(archive.open, entry)
    else:
        import tarfile

        with tarfile.open(place) as tar:
            for info in tar:
                if info.isfile():
                    yield info.name.removeprefix("./"), info.size, partial(tar.extractfile, info)


def files_digest(pictures: Mapping[str, bytes]) -> str:
    """SHA-256, in hex, over names and contents in the order of the names: the same from a folder, a zip and a tar.

    >>> files_digest({"b/1.png": b"2", "a/1.png": b"1"}) == files_digest({"a/1.png": b"1", "b/1.png": b"2"})
    True
    """
    whole = hashlib.sha256()
    for name in sorted(pictures):
        whole.update(f"{hashlib.sha256(pictures[name]).hexdigest()}  {name}\n".encode())
    return whole.hexdigest()


def decoded(
    place: Path, pictures: Mapping[str, bytes], classes: Sequence[str], side: int, *, per_class: int
) -> tuple[Array, Array]:
    """The pictures in RGB, with the place of their first folder in `classes` as the label.

    Shapes:  (N, 3, side, side) uint8 and (N,) int64
    Order:   the first picture of each folder by name, then the second of each, so that every beginning is balanced
    Raises:  MachineError for a class that has not `per_class` pictures, and a picture that is no PNG or JPEG of
             this size
    """
    import numpy as np

    count = Counter(name.partition("/")[0] for name in pictures)
    for name in dict.fromkeys((*classes, *count)):
        wanted = per_class if name in classes else 0
        if count[name] != wanted:
            _refuse(place, f"it holds {count[name]:,} pictures of a class {name}, not {wanted:,}")
    rank: Counter[str] = Counter()
    order = []
    for name in sorted(pictures):
        folder = name.rpartition("/")[0]
        order.append((rank[folder], folder, name))
        rank[folder] += 1
    images = np.empty((len(order), 3, side, side), dtype=np.uint8)
    labels = np.empty(len(order), dtype=np.int64)
    label_of = {name: label for label, name in enumerate(classes)}
    for row, (_, folder, name) in enumerate(sorted(order)):
        images[row] = _pixels(place, name, pictures[name], side)
        labels[row] = label_of[folder.partition("/")[0]]
    return images, labels


def _pixels(place: Path, name: str, data: bytes, side: int) -> Array:
    import io

    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            if picture.size != (side, side):  # known before a pixel is decoded
                _refuse(place, f"{name} is {picture.width}x{picture.height} pixels, not {side}x{side}")
            return np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        _refuse(place, f"{name} is no picture that can be read ({error})")


def _refuse(place: Path, what: str) -> NoReturn:
    raise MachineError.single(what, where=str(place), fix="copy or download it again", code="data-set-broken") from None
