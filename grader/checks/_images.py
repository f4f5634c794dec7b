"""What does an image say of itself in its first bytes? Its format and its size; no pixel is decoded here.

Source:  PNG (ISO/IEC 15948) section 11.2.2, GIF89a section 18, JPEG (ITU-T T.81) annex B
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from grader.frozen import dataclass

TAIL = 65_536  # bytes at the end in which the end mark must stand; some programs write notes behind it
MAX_SEGMENTS = 2_000  # of a JPEG before its size is told; real ones have some twenty

# Frame headers of a JPEG: every SOF but the code points that are none (DHT, JPG, DAC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset(range(0xD0, 0xD8)) | {0x01}  # markers without a length


class NoImageError(Exception):
    """The bytes are not what an image of a known format begins or ends with; the text says why."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Format, and size in pixels."""

    format: str
    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


def read_header(stream: BinaryIO, size: int) -> ImageHeader:
    """Format and size of the image in `stream`, which is `size` bytes long.

    Raises:  NoImageError for other formats, for a header that is broken, for a file that was cut off
    """
    start = stream.read(32)
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        header, end = _png(start), b"IEND"
    elif start.startswith((b"GIF87a", b"GIF89a")):
        header, end = _gif(start), b"\x3b"
    elif start.startswith(b"\xff\xd8\xff"):
        header, end = _jpeg(stream), b"\xff\xd9"
    else:
        raise NoImageError(_what_else(start))
    if header.width < 1 or header.height < 1:
        raise NoImageError(f"a {header.format} of {header.width} x {header.height} pixels")
    stream.seek(max(0, size - TAIL))
    if end not in stream.read(TAIL):
        raise NoImageError(f"a {header.format} that was cut off: its end is missing")
    return header


def _png(start: bytes) -> ImageHeader:
    if len(start) < 24 or start[8:16] != b"\x00\x00\x00\rIHDR":
        raise NoImageError("a PNG with a broken header")
    return ImageHeader("PNG", *struct.unpack(">II", start[16:24]))


def _gif(start: bytes) -> ImageHeader:
    if len(start) < 10:
        raise NoImageError("a GIF with a broken header")
    return ImageHeader("GIF", *struct.unpack("<HH", start[6:10]))


def _jpeg(stream: BinaryIO) -> ImageHeader:
    """Walk the segments, seeking over their contents, up to the frame header."""
    stream.seek(2)
    for _ in range(MAX_SEGMENTS):
        marker = stream.read(2)
        if len(marker) < 2 or marker[0] != 0xFF:
            break
        code = marker[1]
        if code == 0xFF:  # a fill byte: the marker begins one byte later
            stream.seek(-1, 1)
            continue
        if code in _BARE:
            continue
        length = stream.read(2)
        if len(length) < 2 or code in (0xD9, 0xDA):
            break
        if code in _FRAMES:
            frame = stream.read(5)
            if len(frame) < 5:
                break
            height, width = struct.unpack(">HH", frame[1:])
            return ImageHeader("JPEG", width, height)
        (size,) = struct.unpack(">H", length)
        if size < 2:
            break
        stream.seek(size - 2, 1)
    raise NoImageError("a JPEG with a broken header")


def _what_else(start: bytes) -> str:
    """What files that were taken for images often are."""
    text = start.lstrip().lower()
    if not start:
        return "an empty file"
    if text.startswith((b"<!doctype", b"<html")):
        return "a web page, not an image"
    if text.startswith((b"<svg", b"<?xml")):
        return "an SVG or another XML file, not PNG, JPEG or GIF"
    if start.startswith(b"%PDF"):
        return "a PDF, not PNG, JPEG or GIF"
    return "not PNG, JPEG or GIF"
