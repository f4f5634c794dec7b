"""The program `picture`: decodes PNG, JPEG and GIF, and says what is seen; or gives pixels as raw bytes.

The size that the header tells is looked at before a pixel is decoded. Only the first picture of a file is, and notes
in the file (EXIF, text, colour profiles) are not followed: a picture is shown as its pixels lie.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .channel import Fault
from .listed import looked_at, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF")
MOST_PIXELS = 50_000_000  # a 7,000 x 7,000 figure
MOST_BYTES = 128 * 2**20
_PNG = b"\x89PNG\r\n\x1a\n"
_OF_PIXELS = (b"tRNS", b"acTL", b"fcTL", b"fdAT")  # beside the critical ones, whose names begin with a capital
_AGAIN = "export the figure again, as PNG"
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)  # what Pillow raises


def prepare() -> None:
    """Import Pillow with the readers of these formats and no other: a failure here is the machine's."""
    from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin

    del GifImagePlugin, JpegImagePlugin, PngImagePlugin
    Image.MAX_IMAGE_PIXELS = None  # it only warns; the header is looked at here
    warnings.simplefilter("ignore")


def main(request: dict[str, Any], box: Any) -> dict[str, Any] | bytes:
    """Request: `files` and `max_pixels` (or null); for raw bytes, `pixels` of one file or `scaled` for all of them.

    `pixels`: `width`, `height`, `channels`; `shrink` makes one pixel of the mean of so many by so many, and `ground`
    is what shows through where it is transparent. `scaled`: `width`, `height`, `channels` into which each is put.
    Result: grader/sandbox/results.py, or height x width x channels bytes for each file, row after row.
    """
    most = request.get("max_pixels") or MOST_PIXELS
    wanted, scaled = request.get("pixels"), request.get("scaled")
    if scaled is not None:
        return b"".join(_scaled(Path(box.submission, name), name, most, scaled) for name in request["files"])
    if wanted is None:
        return looked_at(request, box, lambda path, name: _look(path, name, most))
    [name] = request["files"]
    box.channel.stage(f"reading {name}")
    with _opened(Path(box.submission, name), name, most) as picture:
        if picture.size != (wanted["width"], wanted["height"]):
            seen = f"{picture.size[0]:,} x {picture.size[1]:,} pixels"
            expected = f"{wanted['width']:,} x {wanted['height']:,}"
            raise Fault("another-size", name, f"has {seen}, {expected} were expected", "hand in pictures of that size")
        shown = _on(picture, wanted.get("ground") or "white").convert("L" if wanted["channels"] == 1 else "RGB")
        pixels: bytes = shown.reduce(wanted.get("shrink") or 1).tobytes()
        return pixels


def _scaled(path: Path, name: str, most: int, wanted: dict[str, Any]) -> bytes:
    """One picture in the wanted size, as Pillow's bilinear filter makes it; of that size already, as it is."""
    from PIL import Image

    size = (wanted["width"], wanted["height"])
    with _opened(path, name, most) as picture:
        shown = _on(picture, "white").convert("L" if wanted["channels"] == 1 else "RGB")
        if shown.size != size:
            shown = shown.resize(size, Image.Resampling.BILINEAR)
        made: bytes = shown.tobytes()
        return made


@contextmanager
def _opened(path: Path, name: str, most: int) -> Iterator[Image.Image]:
    """The first picture of a file, decoded. Raises Fault."""
    from PIL import Image

    data = whole(path, name, MOST_BYTES)
    try:
        with Image.open(io.BytesIO(_without_notes(data)), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > most:
                what = f"{width:,} x {height:,} pixels are more than the {most:,} that are opened"
                raise Fault("image-too-large", name, what, "export the figure smaller")
            picture.load()
            yield picture
    except Image.UnidentifiedImageError as error:
        what = f"is no picture in one of the formats {', '.join(FORMATS)}"
        raise Fault("not-an-image", name, what, _AGAIN) from error
    except _BROKEN as error:
        what = f"cannot be decoded: {error}" if str(error) else f"cannot be decoded ({type(error).__name__})"
        raise Fault("not-an-image", name, " ".join(what.split())[:300], _AGAIN) from error


def _without_notes(data: bytes) -> bytes:
    """A PNG without the chunks that are no pixels (text, profiles, EXIF); another file as it is.

    Packed text may unpack to gigabytes, and Pillow refuses a picture whose text is longer than a megabyte, as a
    diagram's source in it honestly is.
    """
    if not data.startswith(_PNG):
        return data
    kept, at = [_PNG], len(_PNG)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            break
        if kind[:1].isupper() or kind in _OF_PIXELS:
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, data[at:]])


def _on(picture: Image.Image, ground: str) -> Image.Image:
    """With eight bits a channel, and where it is transparent on the ground: white, as a page shows it."""
    from PIL import Image

    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if picture.mode == "F":
        return picture.convert("L")
    if "A" in picture.getbands() or "transparency" in picture.info:
        layers = picture.convert("RGBA")
        below = Image.new("RGBA", picture.size, ground)
        return Image.alpha_composite(below, layers).convert("RGB")
    return picture if picture.mode in ("L", "RGB") else picture.convert("L" if picture.mode == "1" else "RGB")


def _look(path: Path, name: str, most: int) -> dict[str, Any]:
    from PIL import ImageChops, ImageStat

    with _opened(path, name, most) as picture:
        kind = "JPEG" if picture.format == "MPO" else str(picture.format)
        is_animated = bool(getattr(picture, "is_animated", False)) and kind != "JPEG"
        mode = picture.mode
        shown = _on(picture, "white")
    colours = shown.convert("RGB")
    red, green, blue = colours.split()
    is_grey = ImageChops.difference(red, green).getbbox() is None and ImageChops.difference(red, blue).getbbox() is None
    grey = red if is_grey else shown.convert("L")
    width, height = shown.size
    darkest, brightest = grey.getextrema()
    sides = [(0, 0, width, 1), (0, height - 1, width, height), (0, 0, 1, height), (width - 1, 0, width, height)]
    sums = [(ImageStat.Stat(grey.crop(side)).sum[0], (side[2] - side[0]) * (side[3] - side[1])) for side in sides]
    return {
        "format": kind,
        "width": width,
        "height": height,
        "mode": mode,
        "is_animated": is_animated,
        "is_grey": is_grey,
        "is_blank": all(low == high for low, high in colours.getextrema()),
        "darkest": int(darkest),
        "brightest": int(brightest),
        "mean": round(ImageStat.Stat(grey).mean[0], 3),
        "border": round(sum(total for total, _ in sums) / sum(count for _, count in sums), 3),
        "digest": hashlib.sha256(colours.tobytes()).hexdigest(),
    }
