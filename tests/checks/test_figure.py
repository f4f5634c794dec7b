"""Required figures: what is proven of a picture, what is left to a person, and that nothing hostile gets out."""

import io
import struct
import zlib

import pytest

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")
ImageDraw = pytest.importorskip("PIL.ImageDraw")

import hashlib  # noqa: E402

from grader.checks import all_checks, run_check  # noqa: E402
from grader.model import Outcome  # noqa: E402

pytestmark = [pytest.mark.sandbox]


def saved(picture, format_="PNG", **settings):
    stream = io.BytesIO()
    picture.save(stream, format_, **settings)
    return stream.getvalue()


def curve(color=(31, 119, 180), size=(640, 480), *, height=80, mode="RGB", ground="white"):
    picture = Image.new(mode, size, ground)
    draw = ImageDraw.Draw(picture)
    draw.rectangle([80, 58, 576, 427], outline="black" if mode == "RGB" else 0)
    if color is not None:
        draw.line([(100, height), (200, 300), (550, 400)], fill=color, width=2)
    return picture


def one(graded, data, name="loss.png", **entry):
    return graded("figure", files={name: data}, figures=[{"path": name, **entry}])


def test_a_figure_with_a_curve_waits_for_a_person_and_nothing_is_proposed(graded):
    [found] = one(graded, saved(curve()), min_width=640, min_height=480, max_width=640, colour="colour")
    assert (found.outcome, found.credit, found.code) == (Outcome.REVIEW, None, "content")
    assert "PNG of 640 x 480 pixels" in found.said


def test_its_presence_is_enough_where_the_rubric_says_so(graded):
    [found] = one(graded, saved(curve()), content="presence")
    assert found.outcome is Outcome.PASSED


def specks():
    picture = Image.new("RGB", (640, 480), "white")
    for x in range(10, 70, 2):
        picture.putpixel((x, 10), (0, 0, 0))
    return picture


def clear():
    return Image.new("RGBA", (200, 200), (255, 0, 0, 0))


@pytest.mark.parametrize(
    ("data", "entry", "code"),
    [
        pytest.param(saved(Image.new("RGB", (640, 480), "white")), {}, "blank", id="white"),
        pytest.param(saved(Image.new("RGB", (640, 480), (3, 40, 200))), {}, "blank", id="one colour"),
        pytest.param(saved(Image.new("L", (640, 480), 130), "JPEG"), {}, "blank", id="one grey as JPEG"),
        pytest.param(saved(clear()), {}, "blank", id="nothing but transparent"),
        pytest.param(saved(specks()), {}, "blank", id="thirty specks"),
        pytest.param(saved(curve(None)), {}, "empty-axes", id="axes alone"),
        pytest.param(saved(curve()), {"min_width": 641}, "size", id="one pixel too narrow"),
        pytest.param(saved(curve()), {"max_height": 479}, "size", id="one pixel too high"),
        pytest.param(saved(curve()), {"formats": ["JPEG"]}, "format", id="another format"),
        pytest.param(saved(curve()), {"colour": "grey"}, "colour", id="coloured"),
        pytest.param(saved(curve()), {"formats": ["PDF"]}, "format", id="no PDF"),
        pytest.param(saved(curve())[:900], {}, "not-an-image", id="cut off"),
        pytest.param(b"hello", {}, "not-an-image", id="text"),
        pytest.param(b"", {}, "not-an-image", id="empty"),
        pytest.param(b"<!doctype html><p>", {}, "not-an-image", id="a web page"),
        pytest.param(saved(curve(), "BMP"), {}, "not-an-image", id="BMP"),
    ],
)
def test_what_is_proven_against_a_figure_costs_its_share(graded, data, entry, code):
    [found] = one(graded, data, **entry)
    assert (found.outcome, found.code) == (Outcome.FAILED, code), found.said
    assert found.fix


def test_axes_alone_as_jpeg_wait_for_a_person(graded):
    """The ringing of JPEG beside a line could be a curve that hugs it."""
    [found] = one(graded, saved(curve(None), "JPEG"))
    assert (found.outcome, found.credit, found.code) == (Outcome.REVIEW, None, "grid-only")


def honest():
    rng = np.random.default_rng(0)
    grey16 = Image.fromarray((np.arange(200 * 200).reshape(200, 200) % 60_000).astype(np.uint16))
    palette = curve().quantize(16)
    palette.info["transparency"] = 0
    animated = [curve(height=height) for height in (80, 120)]
    return {
        "sixteen bits": saved(grey16),
        "a palette with transparency": saved(palette, transparency=0),
        "CMYK": saved(curve().convert("CMYK"), "JPEG"),
        "grey with alpha": saved(Image.fromarray(rng.integers(0, 255, (90, 90), dtype=np.uint8)).convert("LA")),
        "a bitmap": saved(curve().convert("1")),
        "noise": saved(Image.fromarray(rng.integers(0, 255, (50, 50, 3), dtype=np.uint8))),
        "dark": saved(curve((255, 255, 0), ground="black")),
        "EXIF": saved(curve(), "JPEG", exif=_turned()),
        "animated": saved(animated[0], "GIF", save_all=True, append_images=animated[1:]),
    }


def _turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize("kind", sorted(honest()))
def test_an_honest_figure_of_any_kind_is_never_wrong(graded, kind):
    found, *more = one(graded, honest()[kind])
    assert found.outcome is Outcome.REVIEW, found.said
    assert [remark.code for remark in more] == (["animated"] if kind == "animated" else [])


def test_white_lines_on_nothing_are_for_a_person(graded):
    picture = Image.new("RGBA", (300, 200), (255, 255, 255, 0))
    ImageDraw.Draw(picture).line([(20, 20), (280, 180)], fill=(255, 255, 255, 255), width=3)
    [found] = one(graded, saved(picture))
    assert (found.outcome, found.code) == (Outcome.REVIEW, "white")


def bomb(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(10_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.attack(77)
def test_a_thousand_million_pixels_are_refused_by_the_header(graded):
    [found] = one(graded, bomb(40_000, 40_000))
    assert (found.outcome, found.code) == (Outcome.FAILED, "image-too-large")
    assert "40,000 x 40,000" in found.said


def test_a_large_figure_is_looked_at_all_the_same(graded):
    picture = curve(size=(3000, 2400))
    [found] = one(graded, saved(picture))
    assert found.outcome is Outcome.REVIEW
    [blank] = one(graded, saved(Image.new("RGB", (3000, 2400), "white")))
    assert blank.code == "blank"


def test_one_picture_for_two_figures_costs_one_of_them(graded):
    files = {"a.png": saved(curve()), "b.png": saved(curve(), compress_level=1), "c.png": saved(curve(height=90))}
    first, second, third = graded("figure", files=files, figures=[{"path": path} for path in files])
    assert [found.outcome for found in (first, second, third)] == [Outcome.REVIEW, Outcome.FAILED, Outcome.REVIEW]
    assert second.code == "same-figure"
    assert "'a.png'" in second.said


def test_one_figure_in_two_sizes_is_said_to_a_person(graded):
    picture = curve()
    files = {"a.png": saved(picture), "b.png": saved(picture.resize((1280, 960), Image.NEAREST))}
    _, second = graded("figure", files=files, figures=[{"path": path} for path in files])
    assert (second.outcome, second.code) == (Outcome.REVIEW, "alike")


def test_a_figure_may_be_no_copy_of_other_files(graded):
    files = {"a.png": saved(curve()), "task1/loss.png": saved(curve())}
    [found] = graded("figure", files=files, figures=[{"path": "a.png"}], unlike=["task1/*"])
    assert found.code == "same-figure"


def test_a_picture_of_the_template_is_no_figure(graded):
    data = saved(curve())
    [found] = graded(
        "figure", files={"a.png": data}, figures=[{"path": "a.png"}], templates=[hashlib.sha256(data).hexdigest()]
    )
    assert (found.outcome, found.code) == (Outcome.FAILED, "template")


PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L9 9"/><rect width="4"/></svg>'


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(PDF, "a PDF of", id="PDF"),
        pytest.param(PDF[:30], "cut off", id="PDF without its end"),
        pytest.param(SVG, "2 elements in it that draw", id="SVG"),
        pytest.param(SVG.replace(b"<rect", b"<script>alert(1)</script><rect"), "with scripts in it", id="scripts"),
        pytest.param(
            SVG.replace(b"<rect", b'<image href="file:///etc/passwd"/><rect'), "links to elsewhere", id="links"
        ),
        pytest.param(SVG.replace(b"<svg", b'<!DOCTYPE x [<!ENTITY a "aa">]><svg'), "links to elsewhere", id="entities"),
    ],
)
@pytest.mark.attack(77)
def test_pdf_and_svg_are_not_drawn_and_wait_for_a_person(make_rule, hand_in, data, says):
    """Nothing is run for them: there is no job."""
    check, rule = all_checks()["figure"], make_rule("figure", figures=[{"path": "a.svg"}])
    submission = hand_in(files={"a.svg": data})
    assert list(check.needs(rule, submission)) == []
    [found] = run_check(check, rule, submission, {})
    assert (found.outcome, found.credit, found.code) == (Outcome.REVIEW, None, "not-rendered")
    assert says in found.said


def test_the_first_of_several_paths_that_is_there_counts_and_a_missing_one_is_named(graded):
    figures = [{"path": ["a.pdf", "a.png"], "title": "the loss"}, {"path": ["b.pdf", "b.png"], "title": "filters"}]
    first, second = graded("figure", files={"a.png": saved(curve()), "B.png": saved(curve(height=90))}, figures=figures)
    assert first.code == "content"
    assert (second.outcome, second.code) == (Outcome.FAILED, "missing-file")
    assert "'b.pdf' or 'b.png' (filters)" in second.said
    assert "'B.png'" in second.fix


def test_a_fault_of_the_machine_costs_nothing(make_rule, hand_in, system_fault):
    check, rule = all_checks()["figure"], make_rule("figure", figures=[{"path": "a.png"}])
    submission = hand_in(files={"a.png": saved(curve())})
    [found] = run_check(check, rule, submission, dict.fromkeys(check.needs(rule, submission), system_fault))
    assert found.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("figures", "what"),
    [
        pytest.param([{"path": "a.png", "min_width": 9, "max_width": 8}], "at least 9 and at most 8", id="no size"),
        pytest.param([{"path": "a.png"}, {"path": ["b.png", "a.png"]}], "stands for two", id="one path twice"),
    ],
)
def test_what_no_figure_can_meet_is_told_to_the_teacher(make_rule, figures, what):
    [problem] = all_checks()["figure"].lint(make_rule("figure", figures=figures))
    assert what in problem.what
