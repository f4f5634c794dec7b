"""Pages of `grader report` in a real browser: read by axe, on paper, with a thousand hand-ins, and nothing acts."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from grader.gradebook.book import Gradebook
from grader.reports.class_report import class_report
from grader.reports.html.class_page import address, class_page
from grader.reports.html.paper import chromium as found_chromium
from grader.reports.html.paper import print_to_pdf
from grader.reports.html.student import student_page

ROOT = Path(__file__).parents[2]


def loaded(path):
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[path.stem]


desk = loaded(ROOT / "tests" / "desk.py")
golden = loaded(ROOT / "tests" / "golden" / "test_report_pages.py")
A4 = (595, 842)  # points


@pytest.fixture(scope="module")
def hand_in(tmp_path_factory):
    """The page of a hand-in with exhibits of every kind that the example has, for staff."""
    settled, decisions, exhibits = golden.example()
    file = tmp_path_factory.mktemp("hand-in") / "hand-in.html"
    page = student_page(settled, decisions=decisions, exhibits=exhibits, for_staff=True, title="A first network")
    file.write_text(page, encoding="utf-8")
    return file


def class_of(folder, count):
    """The page of a class of so many."""
    made = desk.desk(folder / "course", count, files=0)
    with Gradebook.open(made.url) as book:
        report = class_report(book, "digits", folder)
    page = class_page(report.facts, report.rows, assignment="digits", titles=report.titles, missing=report.missing,
                      href_of=lambda row: address("students", row.submission))  # fmt: skip
    file = folder / "class.html"
    file.write_text(page, encoding="utf-8")
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_no_serious_fault_on_the_page_of_a_hand_in(hand_in, visit, axe, pictures, scheme, width):
    page = visit(hand_in.as_uri(), scheme=scheme, width=width)
    page.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert axe(page) == []
    page.assert_nothing_acted()
    pictures(page, f"report-hand-in-{width}", schemes=(scheme,))
    images = page.page.evaluate("[...document.images].map(one => one.complete && one.naturalWidth)")
    assert images == [28, 28, 28]
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width


def test_axe_finds_no_serious_fault_on_the_page_of_a_class(tmp_path, visit, axe, pictures):
    page = visit(class_of(tmp_path, 30).as_uri())
    assert axe(page) == []
    page.assert_nothing_acted()
    pictures(page, "report-class")


def test_the_style_is_in_force_under_the_pages_own_policy(hand_in, visit):
    page = visit(hand_in.as_uri(), scheme="dark").page
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
    page.emulate_media(color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 251, 250)"


def test_a_script_that_got_onto_the_page_would_not_run(hand_in, tmp_path, visit):
    """What the policy is for: should an escape ever be forgotten."""
    file = tmp_path / "broken.html"
    hole = "<script>window.owned=1</script><img src=x onerror='window.owned=1'></body>"
    file.write_text(hand_in.read_text("utf-8").replace("</body>", hole), encoding="utf-8")
    page = visit(file.as_uri())
    assert page.page.evaluate("window.owned") is None


def test_on_paper_dark_is_light_and_closed_details_are_left_out(hand_in, visit):
    page = visit(hand_in.as_uri(), scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 31, 36)"
    assert page.evaluate("getComputedStyle(document.querySelector('.exhibit details')).display") == "none"


def test_a_page_is_printed_on_a4_with_its_letters(hand_in, tmp_path, chromium):
    del chromium  # where there is none, this is skipped
    made = tmp_path / "hand-in.pdf"
    print_to_pdf(hand_in, made, program=found_chromium())
    data = made.read_bytes()
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert len(boxes) > 1
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {A4}
    assert b"/Font" in data


def test_a_class_of_a_thousand_opens_whole(tmp_path, visit):
    file = class_of(tmp_path, 1000)
    assert file.stat().st_size < 1_500_000
    page = visit(file.as_uri()).page
    assert page.locator("table").last.locator("tbody tr").count() == 950  # every twentieth handed in nothing
