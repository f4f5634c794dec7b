"""What kind of file is this? Told by its content, since anybody can rename a file."""

from __future__ import annotations

from typing import Final

HEAD_BYTES: Final = 512  # a tar header

_MARKS: Final = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\x1f\x8b", "a gzip file (.gz or .tar.gz)"),
    (b"BZh", "a bzip2 file (.bz2 or .tar.bz2)"),
    (b"\xfd7zXZ\x00", "an xz file (.xz or .tar.xz)"),
    (b"\x28\xb5\x2f\xfd", "a zstd file (.zst)"),
    (b"\x04\x22\x4d\x18", "an lz4 file"),
    (b"MSCF", "a cabinet archive (.cab)"),
    (b"!<arch>", "an ar archive"),
    (b"xar!", "a xar archive"),
)  # What holds other files. A zip behind one of these is still one of these for most programs.

_OTHER_MARKS: Final = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80\x02", "a Python pickle"),
    (b"PK\x03\x04", "a zip archive that is cut off: its directory, which stands at the end, is missing"),
)


def other_archive(head: bytes) -> str | None:
    """The kind of archive, not zip, that starts like this.

    >>> other_archive(b"Rar!" + bytes([26, 7, 1, 0])), other_archive(b"PK" + bytes([3, 4]))
    ('a rar archive', None)
    """
    known = next((kind for mark, kind in _MARKS if head.startswith(mark)), None)
    return known or ("a tar archive" if _is_tar(head) else None)


def other_kind(head: bytes) -> str:
    """What starts like this and is no archive, as far as can be told."""
    known = next((kind for mark, kind in _OTHER_MARKS if head.startswith(mark)), None)
    if known:
        return known
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page, perhaps the log-in page of the site that it was downloaded from"
    return "neither a folder nor a zip"


def _is_tar(head: bytes) -> bool:
    """A tar header has a mark or, in the oldest form, only a right checksum."""
    if len(head) < HEAD_BYTES:
        return False
    if head[257:262] == b"ustar":
        return True
    try:
        stated = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return stated == sum(head[:148]) + 8 * ord(" ") + sum(head[156:HEAD_BYTES])
