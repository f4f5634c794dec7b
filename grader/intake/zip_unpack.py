"""What is in the zip? Its entries, streamed into a private folder, every byte counted, summed and hashed.

The folder is fresh and nobody else's, and still each file is made anew (never an existing one, never through a
link), readable by its owner alone. No mode, owner or time is taken over from the archive.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from grader.intake.names import Flaw
from grader.intake.zip_checks import STORED
from grader.intake.zip_listing import Entry
from grader.model import SubmittedFile

_BLOCK = 2**18
_NEW_FILE = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)  # fmt: skip


class Refused(Exception):  # noqa: N818  a value on its way to a Problem
    """An entry is not what the directory says of it."""

    def __init__(self, flaw: Flaw) -> None:
        self.flaw = flaw
        super().__init__(flaw.what)


def unpack(
    file: BinaryIO, entries: Sequence[Entry], folder: Path
) -> tuple[list[SubmittedFile], list[tuple[Entry, Flaw]]]:
    """Write `entries`, which are checked, below `folder`. (the files, what is wrong with those that are wrong).

    Raises OSError where `folder` cannot be written.
    """
    files: list[SubmittedFile] = []
    wrong: list[tuple[Entry, Flaw]] = []
    made: set[str] = {""}
    for entry in entries:
        parent = entry.path if entry.is_folder else entry.path.rpartition("/")[0]
        _make_folders(folder, parent, made)
        if entry.is_folder:
            continue
        try:
            files.append(_write(file, entry, folder))
        except Refused as refused:
            wrong.append((entry, refused.flaw))
    return files, wrong


def _make_folders(folder: Path, path: str, made: set[str]) -> None:
    if path in made:
        return
    _make_folders(folder, path.rpartition("/")[0], made)
    (folder / path).mkdir(mode=0o700)
    made.add(path)


def _write(file: BinaryIO, entry: Entry, folder: Path) -> SubmittedFile:
    digest = hashlib.sha256()
    with os.fdopen(os.open(folder / entry.path, _NEW_FILE, 0o600), "wb", buffering=0) as target:
        for block in entry_blocks(file, entry):
            digest.update(block)
            left = memoryview(block)
            while left:
                left = left[target.write(left) or 0 :]
    return SubmittedFile(entry.path, entry.size, digest.hexdigest())


def entry_blocks(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """The bytes of an entry. Raises Refused, at the latest behind the last block, where they are not those declared."""
    crc = size = 0
    for block in _blocks(file, entry):
        size += len(block)
        if size > entry.size:
            raise Refused(
                Flaw("entry-size", f"it holds more than the {entry.size:,} bytes it declares", "make the zip anew")
            )
        crc = zlib.crc32(block, crc)
        yield block
    if size != entry.size:
        said = f"it declares {entry.size:,} bytes and holds {size:,}"
        raise Refused(Flaw("entry-size", said, "make the zip anew"))
    if crc != entry.crc:
        said = f"its bytes are damaged: their checksum is {crc:08x}, not {entry.crc:08x}"
        raise Refused(Flaw("entry-checksum", said, "make the zip anew, and upload it again"))


def _blocks(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """The bytes of an entry, a block at a time, however many come out."""
    if entry.size == entry.packed_size == 0:  # some programs call an empty file deflated and write nothing
        return
    packed = _packed_blocks(file, entry)
    if entry.method == STORED:
        yield from packed
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    block = b""
    while not inflater.eof:
        given = inflater.unconsumed_tail or next(packed, b"")
        try:
            block = inflater.decompress(given, _BLOCK)
        except zlib.error as error:
            said = f"its bytes are damaged: {str(error).rpartition(': ')[2]}"
            raise Refused(Flaw("entry-damaged", said, "make the zip anew, and upload it again")) from error
        yield block
        if not given and not block and not inflater.eof:
            raise Refused(Flaw("entry-damaged", "its bytes end too early", "make the zip anew, and upload it again"))
    if inflater.unused_data or next(packed, b""):
        raise Refused(Flaw("entry-size", "more bytes follow than are needed to unpack it", "make the zip anew"))


def _packed_blocks(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    try:
        file.seek(entry.data_at)
        left = entry.packed_size
        while left:
            block = file.read(min(_BLOCK, left))
            if not block:
                raise Refused(Flaw("entry-damaged", "the archive ends within it", "make the zip anew"))
            left -= len(block)
            yield block
    except OSError as error:
        raise Refused(
            Flaw("entry-damaged", f"it cannot be read ({error.strerror})", "copy the archive again, and grade it again")
        ) from error
