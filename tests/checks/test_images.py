"""What an image's header says, against Pillow."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.checks._images import ImageHeader, NoImageError, read_header


def picture(kind, width, height, **more):
    from PIL import Image

    made = io.BytesIO()
    Image.new("RGB" if kind == "JPEG" else "L", (width, height)).save(made, kind, **more)
    return made.getvalue()


def header(data):
    return read_header(io.BytesIO(data), len(data))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (28, 28), (640, 3)])
def test_format_and_size_are_pillows(kind, width, height):
    assert header(picture(kind, width, height)) == ImageHeader(kind, width, height)


def test_a_progressive_jpeg_with_long_notes_is_read():
    data = picture("JPEG", 30, 20, progressive=True, exif=b"Exif\0\0" + b"\xff\xc0" * 30_000)
    assert header(data) == ImageHeader("JPEG", 30, 20)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG"])
def test_a_file_that_was_cut_off_is_refused(kind):
    data = picture(kind, 100, 100)
    with pytest.raises(NoImageError, match="cut off"):
        header(data[:-12])


def test_notes_behind_the_end_do_no_harm():
    assert header(picture("PNG", 5, 5) + b"made by a plotting program").width == 5


def test_a_bomb_is_measured_and_not_decoded():
    bomb = bytearray(picture("PNG", 1, 1))
    bomb[16:24] = struct.pack(">II", 2**31 - 1, 2**31 - 1)
    assert header(bytes(bomb)).pixels == (2**31 - 1) ** 2


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"<!DOCTYPE html><title>Log in</title>", "web page", id="a login page"),
        pytest.param(b"<svg/>", "SVG", id="a drawing that can hold code"),
        pytest.param(b"%PDF-1.4", "PDF", id="a PDF"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "broken header", id="a PNG's first bytes only"),
        pytest.param(b"GIF89a\x01", "broken header", id="a GIF's first bytes only"),
        pytest.param(b"\xff\xd8\xff\xd9", "broken header", id="a JPEG without a frame"),
        pytest.param(b"\xff\xd8" + b"\xff\xe0\x00\x02" * 3000, "broken header", id="a JPEG of notes only"),
        pytest.param(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 10, "broken header", id="a segment shorter than itself"),
        pytest.param(b"GIF89a\0\0\x01\0;", "0 x 1", id="no width"),
    ],
)
def test_what_is_no_image_is_said(data, why):
    with pytest.raises(NoImageError, match=why):
        header(data)


@given(st.sampled_from(["PNG", "GIF", "JPEG"]), st.dictionaries(st.integers(3, 200), st.integers(0, 255)))
def test_damaged_images_never_crash_the_reader(kind, damage):
    data = bytearray(picture(kind, 8, 8))
    for spot, byte in damage.items():
        data[spot % len(data)] = byte
    said = ""
    try:
        read = header(bytes(data))
    except NoImageError as error:
        said = str(error)
    assert said or read.pixels > 0
