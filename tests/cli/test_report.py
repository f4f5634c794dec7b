"""`grader report`: a class and one hand-in as they stand in the gradebook, in every form in which it is given."""

import importlib.util
import json
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from grader.documents import schema, validator
from grader.model import DecisionKind

ROOT = Path(__file__).parents[2]


def desk_module():
    if "desk" not in sys.modules:
        spec = importlib.util.spec_from_file_location("desk", ROOT / "tests" / "desk.py")
        sys.modules["desk"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["desk"]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A class of 12 that was graded, of which s0001 was decided on; with its folder of state."""
    made = desk_module().desk(tmp_path_factory.mktemp("desk") / "course", 12, missing=6)
    with made.gradebook() as book:
        [row] = [row for row in book.rows("digits").rows if row.submission == "s0001"]
        book.decide(row.id, DecisionKind.OVERRIDE, task="1", rule="layers", points=Fraction(3), text="read it again",
                    reason="a reason for staff", author="ta", seen_version=row.version)  # fmt: skip
    return made.course


@pytest.fixture
def report(grader, course):
    def run(*words, code=0, **more):
        return grader("report", *words, "--course", course, "--state", course / ".grader", code=code, **more)

    return run


def test_a_class_is_a_table_with_all_that_belongs_below_it(report):
    printed = report("digits").stdout
    for said in ("s0001", "Hardest tasks", "On the line", "Without a grade", "no submission"):
        assert said in printed, said


def test_a_hand_in_is_told_with_what_people_decided(report):
    printed = report("s0001").stdout
    assert "Decided by people" in printed
    assert "read it again" in printed
    assert "a reason for staff" not in printed
    assert "a reason for staff" in report("s0001", "--staff").stdout


def test_a_hand_in_is_found_by_its_folder_too(report, course):
    assert "s0002" in report(course / "submissions" / "digits" / "s0002").stdout
    assert "Hardest tasks" in report(course / "submissions" / "digits").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["nobody"], "neither an assignment nor a hand-in", id="nothing of that name"),
        pytest.param(["s0001", "--assignment", "digit"], "did you mean 'digits'?", id="a slip in the assignment"),
        pytest.param(["digits", "--pdf"], "fix: add --html FOLDER", id="PDF of no page"),
    ],
)
def test_what_cannot_be_told_is_said_with_a_fix(report, words, said):
    assert said in report(*words, code=2).stderr.replace("\n", " ")


def test_without_a_gradebook_nothing_is_made(grader, tmp_path):
    empty = desk_module().course(tmp_path / "empty")
    ran = grader("report", "digits", "--course", empty, "--state", empty / ".grader", code=2)
    assert "fix:" in ran.stderr
    assert not (empty / ".grader").exists()


@pytest.mark.parametrize("words", [["digits"], ["s0001"], ["s0001", "--staff"]])
def test_json_fits_its_schema(report, words):
    document = json.loads(report(*words, "--json").stdout)
    assert list(validator(schema("report")).iter_errors(document)) == []
    if "card" in document:
        assert list(validator(schema("scorecard")).iter_errors(document["card"])) == []
        assert document["card"]["tasks"][0]["rules"][0]["points"] == 3
        assert [("reason" in one) for one in document["decisions"]] == ["--staff" in words]
    else:
        assert len(document["hand_ins"]) == 10
        assert [one["reason"] for one in document["missing"]] == ["no submission"] * 2


def test_pages_are_written_for_the_class_and_each_hand_in(report, tmp_path):
    report("digits", "--html", tmp_path / "pages")
    names = {path.name for path in (tmp_path / "pages" / "students").iterdir()}
    assert names == {f"s{n:04}.html" for n in range(1, 13) if n % 6}
    page = (tmp_path / "pages" / "class.html").read_text(encoding="utf-8")
    assert {f"students/{name}" for name in names} <= {part.split('"')[0] for part in page.split('href="')[1:]}
    student = (tmp_path / "pages" / "students" / "s0001.html").read_text(encoding="utf-8")
    assert "for the student" in student
    assert "a reason for staff" not in student
    assert "originality" not in student


def test_pages_for_staff_say_all(report, tmp_path):
    report("digits", "--html", tmp_path, "--staff")
    student = (tmp_path / "students" / "s0001.html").read_text(encoding="utf-8")
    assert "for staff" in student
    assert "a reason for staff" in student


def test_the_same_pages_are_written_twice(report, tmp_path):
    for name in ("one", "two"):
        report("digits", "--html", tmp_path / name)
    first = {path.relative_to(tmp_path / "one"): path.read_bytes() for path in (tmp_path / "one").rglob("*.html")}
    second = {path.relative_to(tmp_path / "two"): path.read_bytes() for path in (tmp_path / "two").rglob("*.html")}
    assert first == second


def test_a_page_that_cannot_be_written_leaves_the_one_before_it(report, tmp_path):
    (tmp_path / "pages").write_text("a file where the folder should be")
    ran = report("digits", "--html", tmp_path / "pages", code=2)
    assert "pages" in ran.stderr
    assert (tmp_path / "pages").read_text() == "a file where the folder should be"


def test_without_a_browser_pdf_says_so_before_anything_is_written(report, tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "no-such-browser"))
    ran = report("digits", "--html", tmp_path / "pages", "--pdf", code=5)
    assert "is no program here" in ran.stderr
    assert "fix: install chromium or Chrome" in ran.stderr
    assert not (tmp_path / "pages").exists()


def test_a_browser_that_prints_nothing_is_told(report, tmp_path, monkeypatch):
    silent = tmp_path / "browser"
    silent.write_text("#!/bin/sh\necho 'cannot start' >&2\nexit 3\n")
    silent.chmod(0o755)
    monkeypatch.setenv("CHROMIUM", str(silent))
    ran = report("s0001", "--html", tmp_path / "pages", "--pdf", code=5)
    assert "chromium printed no PDF (cannot start)" in ran.stderr


def test_a_hand_in_that_is_gone_still_has_its_report_and_counts_in_no_class(grader, tmp_path):
    made = desk_module().desk(tmp_path / "course", 4, files=0, missing=0)
    with made.gradebook() as book:
        folder = made.submissions
        cards = [(book.entry(row.id).card, book.entry(row.id)) for row in book.rows("digits").rows]
        from grader.gradebook.nouns import HandInFacts

        kept = [(card, HandInFacts(entry.source, entry.received_at, entry.digest)) for card, entry in cards[1:]]
        book.record(kept, command="run-all", folder=str(folder))
    at = ("--course", made.course, "--state", made.course / ".grader")
    assert len(json.loads(grader("report", "digits", "--json", *at).stdout)["hand_ins"]) == 3
    assert json.loads(grader("report", "s0001", "--json", *at).stdout)["card"]["submission"] == "s0001"
