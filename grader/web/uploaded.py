"""How does a student's file reach a person's browser? As escaped text in our page, as a picture, or as an attachment.

Nothing of it is rendered: no HTML, no SVG, no markdown, no notebook. What is sent as it is carries a policy of its own
that gives it nothing (`sandbox`), a type that no browser runs, and the wish to be saved, not opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import StreamingResponse

SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# What a double click may open: no ending that a system runs, or that a browser opens as a page of this machine.
_HARMLESS = frozenset(
    (
        "txt", "md", "csv", "tsv", "json", "jsonl", "log", "py", "tex", "yaml", "yml", "toml", "png", "jpg", "jpeg",
        "gif", "pdf", "zip", "pth", "pt", "safetensors", "npz", "npy", "ipynb",
    )
)  # fmt: skip
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069<>:\"/\\|?*]")
MAX_PIXELS = 40_000_000  # of a picture that is shown: a tab must stay alive


def attachment(data: bytes | Iterator[bytes], name: str, size: int | None = None) -> Response:
    """The bytes as a file to save. `name` is the student's: its folders go, and an ending that would run is blunted.

    A large file comes as an iterator of its parts, with its size.
    """
    safe = download_name(name)
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", safe)
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}",
        "Content-Security-Policy": SANDBOX,
    }
    if isinstance(data, bytes):
        return Response(data, media_type="application/octet-stream", headers=headers)
    headers |= {} if size is None else {"Content-Length": str(size)}
    return StreamingResponse(data, media_type="application/octet-stream", headers=headers)


def download_name(name: str) -> str:
    """What a file is called on the disk of who saves it.

    >>> download_name("code/model.py"), download_name("x.SVG"), download_name("..."), download_name("a b.html")
    ('model.py', 'x.SVG.txt', 'file.txt', 'a b.html.txt')
    """
    last = _UNSAFE.sub("_", PurePosixPath(name).name)
    last = last.strip(". ")[-100:] or "file"
    ending = PurePosixPath(last).suffix.lower().removeprefix(".")
    return last if ending in _HARMLESS else f"{last}.txt"


def picture(data: bytes) -> Response | None:
    """The bytes as a picture for <img>, where they begin as a PNG or JPEG of a size that a tab survives; else None.

    A browser runs nothing of a raster image in <img>; the type is ours, not the student's.
    """
    kind, size = picture_kind(data)
    if not kind or size[0] * size[1] > MAX_PIXELS:
        return None
    headers = {"Content-Security-Policy": SANDBOX, "Content-Disposition": "inline"}
    return Response(data, media_type=kind, headers=headers)


def picture_kind(data: bytes) -> tuple[str, tuple[int, int]]:
    """The media type and the size (width, height in pixels) by the first bytes; ("", (0, 0)) for what is neither.

    >>> picture_kind(bytes.fromhex("89504e470d0a1a0a0000000d49484452000000030000000208020000"))
    ('image/png', (3, 2))
    >>> picture_kind(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    ('', (0, 0))
    """
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        return "image/png", (int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))
    if data[:3] == b"\xff\xd8\xff":
        size = _jpeg_size(data)
        return ("image/jpeg", size) if size else ("", (0, 0))
    return "", (0, 0)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height by the first frame's head (SOF0 to SOF15 but for the three that are none)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
