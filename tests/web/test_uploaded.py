"""A picture is a picture by its bytes, of a size that a tab survives; everything else is saved."""

import io

import pytest
from PIL import Image

from grader.web.uploaded import MAX_PIXELS, attachment, download_name, picture, picture_kind


def image(kind, size, **options):
    made = io.BytesIO()
    Image.new("RGB", size, "white").save(made, kind, **options)
    return made.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (640, 480)])
@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("JPEG", {"comment": b"x" * 999})]
)
def test_kind_and_size_are_those_that_pillow_wrote(kind, options, size):
    assert picture_kind(image(kind, size, **options)) == (f"image/{kind.lower()}", size)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="SVG"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="a mark alone"),
        pytest.param(b"\x89PNG\r\n\x1a\n<html>", id="a mark and HTML"),
        pytest.param(b"\xff\xd8\xff<script>", id="JPEG's mark and a script"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x00" * 9, id="JPEG's segments of no length"),
        pytest.param(b"GIF89a" + b"\0" * 20, id="another kind"),
    ],
)
def test_what_is_no_picture_is_not_shown(data):
    assert picture(data) is None


def test_a_picture_that_no_tab_survives_is_not_shown():
    side = int(MAX_PIXELS**0.5) + 1
    head = image("PNG", (1, 1))
    huge = head[:16] + side.to_bytes(4) * 2 + head[24:]
    assert picture(huge) is None
    assert picture(head).headers["content-type"] == "image/png"


@pytest.mark.parametrize("data", [b"abc", iter([b"a", b"bc"])])
def test_what_is_saved_is_saved(data):
    headers = attachment(data, "x.zip", 3).headers
    assert headers["content-length"] == "3"
    assert headers["content-disposition"].startswith('attachment; filename="x.zip"')


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("model.py", "model.py"),
        ("a/b/c.pth", "c.pth"),
        ("run.sh", "run.sh.txt"),
        ("x.html", "x.html.txt"),
        ("x.pdf.exe", "x.pdf.exe.txt"),
        ("rapport été.md", "rapport été.md"),
        ("a\u202egnp.exe", "a_gnp.exe.txt"),
        ("", "file.txt"),
        ("n" * 300 + ".md", "n" * 97 + ".md"),
    ],
)
def test_no_name_runs_on_a_double_click(name, saved):
    assert download_name(name) == saved
