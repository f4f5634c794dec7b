"""A TA's day from end to end, as it is typed and clicked: the LMS's download in, the same LMS's own file back, filled.

import -> run-all -> report -> review by keyboard -> a rubric that changed, previewed -> run-all -> export -> read back.
No hand-in has a network, so that nothing but the course's own code runs and no sandbox is needed.
"""

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import expect

from grader.gradebook.book import Gradebook
from grader.intake.classes import read_class
from tests import desk
from tests.lms.canvas import make_canvas
from tests.lms.made import DUE, Student
from tests.lms.moodle import make_moodle

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>window.owned=1</script>"
NAMES = ("Ada Lovelace", "山田 太郎", "José Ångström", "Ann_Lee", "Kim Lee", "Kim Lee", f"{HOSTILE} Bobby")
LIKE = {1: "01-perfect", 2: "02-channel-slip", 3: "06-malformed-answers", 4: "04-impossible-accuracy", 6: "01-perfect"}
MISSING, LATE, ZIPPED, BAD = 5, 4, 2, 7


def answers_of(number, hostile):
    """What a student hands in: answers without a network."""
    if number == MISSING:
        return {}
    folder = hostile if number == BAD else desk.EXAMPLES / LIKE[number]
    names = [path for path in sorted(folder.iterdir()) if path.suffix not in (".py", ".pth")]
    return {path.name: path.read_bytes() for path in names if path.name.isprintable()}


@pytest.fixture
def people(tmp_path, words):
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    words.write_hand_in(hostile)
    return [
        Student(
            number,
            f"s{1000 + number}",
            name,
            f"s{1000 + number}@example.org",
            f"user-{number}",
            f"Section {number % 2 + 1}",
            files=answers_of(number, hostile),
            is_zipped=number == ZIPPED,
            received_at=None if number == MISSING else DUE + timedelta(hours=3 if number == LATE else -number),
        )
        for number, name in enumerate(NAMES, 1)
    ]


@pytest.fixture
def grader(tmp_path):
    """The command in the course's folder; what it wrote. The course's own state, not the tests'."""

    def run(*words, code=0):
        command = [sys.executable, "-m", "grader", *map(str, words)]
        clean = {name: value for name, value in os.environ.items() if name != "GRADER_STATE"}
        environment = {**clean, "COLUMNS": "160", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=tmp_path / "course", env=environment
        )
        assert ran.returncode == code, f"exit {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    return run


def grades_in(data, kind):
    """Each student's grade by the course's id, as the LMS would read the file."""
    text = data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    if kind == "moodle":
        return {row["ID number"]: row["Grade"] for row in rows}
    [column] = [name for name in rows[0] if name.startswith("Digits")]
    return {row["SIS User ID"]: row[column] for row in rows if row["SIS User ID"]}


def without_grades(data, kind):
    """The cells of the file that no export may touch."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    ours = {"moodle": ("Grade", "Feedback comments"), "canvas": ("Digits",)}[kind]
    kept = [at for at, name in enumerate(rows[0]) if not name.startswith(ours) or name == "Grade can be changed"]
    return [[row[at] for at in kept] for row in rows]


def signed_in(visit, started):
    """A browser behind the one-time link that the command printed."""
    link = re.search(r"http://\S+", started.line_with("sign-in?link="))[0]
    seen = visit(link)
    with seen.moving():
        seen.page.get_by_role("main").get_by_role("button").first.click()
    expect(seen.page.locator("#list")).to_be_visible()
    return seen


def decided_by_keyboard(page):
    """Go through what waits: all points for each, by key alone; how many hand-ins were looked at."""
    page.keyboard.press("j")
    expect(page.locator("#list a.to:focus")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/h/**")
    looked_at = 0
    while "/h/" in page.url:
        looked_at += 1
        assert looked_at < 20
        while waiting := page.locator("details[data-waits]").count():
            page.keyboard.press("n")
            expect(page.locator("details[data-waits] [data-quick='1']:focus")).to_have_count(1)
            page.keyboard.press("1")
            expect(page.locator("details[data-waits]")).to_have_count(waiting - 1)
        here = page.url
        page.keyboard.press("r")
        page.wait_for_url(lambda url, here=here: url != here)
    return looked_at


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["moodle", "canvas"])
def test_a_day_at_the_desk(kind, people, grader, command, visit, axe, pictures, tmp_path):
    course = desk.course(tmp_path / "course")
    made = (make_moodle if kind == "moodle" else make_canvas)(tmp_path / "download", people)
    folder = course / "submissions" / "digits"

    # --- in: everybody once, and once more changes nothing
    words = ("import", made.source, "--assignment", "digits", "--worksheet", made.worksheet)
    grader(*words)
    listed = read_class(folder)
    ids = [who.id for who in people]
    assert sorted(one.id for one in listed.roster) == ids
    assert [one.id for one in listed.roster if not one.hand_in] == [ids[MISSING - 1]]
    assert "nothing has changed" in grader(*words)

    # --- graded, recorded, reported
    cards = {card["submission"]: card for card in json.loads(grader("run-all", folder, "--json"))}
    by_student = {one.id: cards[one.hand_in] for one in listed.roster if one.hand_in}
    assert {name: card["students"][0]["id"] for name, card in by_student.items()} == {name: name for name in by_student}
    assert by_student["s1001"]["points"] == 12
    grader("report", "digits", "--html", tmp_path / "pages")
    for page in sorted((tmp_path / "pages").rglob("*.html")):
        seen = visit(page.as_uri())
        assert axe(seen) == []
        seen.assert_nothing_acted()
    assert len(list((tmp_path / "pages").rglob("*.html"))) == 1 + len(by_student)

    # --- reviewed: all that waits by keyboard, an override with a reason, a comment
    started = command("review", "digits", "--port", "0", "--no-browser", cwd=course, env={"GRADER_STATE": ""})
    seen = signed_in(visit, started)
    page = seen.page
    pictures(seen, f"{kind}-queue")
    assert decided_by_keyboard(page) == len(by_student)
    expect(page.get_by_text("Nothing waits for a person.")).to_be_visible()
    seen.go("/a/digits?show=all&q=s1002")
    page.locator("#list a.to").first.click()
    page.wait_for_url("**/h/**")
    box = page.locator("details.rule", has=page.locator("h3", has_text="layers"))
    box.locator("summary").first.click() if box.get_attribute("open") is None else None
    box.get_by_text("Set other points").click()
    box.get_by_label("Points,").fill("6")
    box.get_by_label("Reason").fill("the slip is the sheet's: version 1 said 6")
    box.get_by_label("To the student").fill("=1+1 the sheet was wrong, you were not")
    box.get_by_role("button", name="Save").click()
    expect(box.locator(".decision")).to_contain_text("6 points")
    page.get_by_label("Comment", exact=True).fill(f"well done {HOSTILE}")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator("#comments .comment")).to_contain_text("well done")
    assert axe(seen) == []
    pictures(seen, f"{kind}-hand-in")
    seen.assert_nothing_acted()

    # --- the hostile one, whole
    seen.go("/a/digits?show=all&q=s1007")
    page.locator("#list a.to").first.click()
    page.wait_for_url("**/h/**")
    expect(page.locator("#reviewed, button[name=is_reviewed]")).to_be_visible()
    page.keyboard.press("e")
    expect(page.locator("#files table")).to_be_visible()
    pictures(seen, f"{kind}-hostile")
    seen.assert_nothing_acted()
    links = page.locator("#files th a")
    paths = [links.nth(at).get_attribute("href") for at in range(links.count())]
    assert len(paths) > 10
    for path in paths:
        seen.go(path)
        seen.assert_nothing_acted(forgiven=("404",))  # not-a-picture.png is told from a picture when it is opened
    started.end()

    # --- the rubric changes: previewed, then graded by it; what people decided stays
    before = points_of(course)
    rubric = course / "rubrics" / "digits.yaml"
    text = rubric.read_text()
    rubric.write_text(text.replace("correct: c\n        points: 1\n", "correct: b\n        points: 1\n"))
    assert rubric.read_text() != text
    preview = json.loads(grader("regrade", folder, "--preview", "--json"))
    changed = {one["submission"]: one for one in preview["changes"]}
    assert points_of(course) == before
    grader("run-all", folder)
    after = points_of(course)
    assert {name for name in after if after[name] != before[name]} == set(changed)
    assert {name: after[name] - before[name] for name in changed} == dict.fromkeys(changed, Fraction(-1))
    with book_of(course) as book:
        [row] = [one for one in book.rows("digits").rows if "s1002" in [who.id for who in one.students]]
        [override] = [one for one in book.entry(row.id).decisions if one.rule == "layers"]
        assert (override.points, override.is_moved) == (6, False)  # its findings are the same: it stands

    # --- out: into a copy of the LMS's own file, which is otherwise untouched
    out = tmp_path / "out.csv"
    column = ("--column", "Digits: by hand (5501)") if kind == "canvas" else ()  # two could be meant: it asks
    grader("export", "digits", "--to", kind, "--out", out, "--feedback", tmp_path / "feedback.zip", *column)
    data, source = out.read_bytes(), made.worksheet.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") == source.startswith(b"\xef\xbb\xbf")
    assert without_grades(data, kind) == without_grades(source, kind)
    written = grades_in(data, kind)
    assert list(written) == list(grades_in(source, kind))
    maximum = 100
    for one in read_class(folder).roster:
        if not one.hand_in:
            assert written[one.id] == ""
            continue
        expected = after[one.hand_in] * maximum / 20
        assert Fraction(written[one.id].replace(",", ".")) == pytest.approx(float(expected), abs=0.005)
    with zipfile.ZipFile(tmp_path / "feedback.zip") as archive:
        texts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    assert len(texts) == len(by_student)
    theirs = next(text for text in texts.values() if "the sheet was wrong" in text)
    assert "the slip is the sheet's" not in theirs  # the reason is the staff's
    grader("report", "digits", "--html", tmp_path / "last")
    name = next(one.hand_in for one in read_class(folder).roster if one.id == "s1002")
    page = (tmp_path / "last" / "students" / f"{name}.html").read_text(encoding="utf-8")
    assert "the sheet was wrong" in page
    assert "the slip is the sheet" not in page


def book_of(course):
    return Gradebook.open(f"sqlite:///{course / '.grader' / 'gradebook.db'}")


def points_of(course):
    """What every hand-in has now, by its name."""
    with book_of(course) as book:
        return {row.submission: row.points for row in book.rows("digits").rows}


def test_a_second_download_brings_the_new_attempt_and_keeps_what_was_decided(people, grader, tmp_path):
    """A hand-in that is replaced is another version of the same row; what was decided on the first one is flagged."""
    course = desk.course(tmp_path / "course")
    folder = course / "submissions" / "digits"
    first = make_moodle(tmp_path / "first", people)
    grader("import", first.source, "--assignment", "digits", "--worksheet", first.worksheet)
    grader("run-all", folder)
    with book_of(course) as book:
        [row] = [one for one in book.rows("digits").rows if one.students[0].id == "s1001"]
        from grader.model import DecisionKind

        task, rule = "1", "total-parameters"
        book.decide(
            row.id, DecisionKind.OVERRIDE, task=task, rule=rule, points=Fraction(0), reason="copied", author="Tess",
            seen_version=row.version,
        )  # fmt: skip
    answers = json.loads(people[0].files["answers.json"])
    answers["answers"]["total_parameters"] = "14,539"
    later = replace(
        people[0],
        files={**people[0].files, "answers.json": json.dumps(answers).encode()},
        received_at=DUE - timedelta(minutes=1),
        attempt=2,
    )
    second = make_moodle(tmp_path / "second", [later, *people[1:]])
    grader("import", second.source, "--assignment", "digits", "--worksheet", second.worksheet)
    grader("run-all", folder)
    with book_of(course) as book:
        rows = book.rows("digits").rows
        assert len(rows) == len(people) - 1
        [row] = [one for one in rows if one.students[0].id == "s1001"]
        entry = book.entry(row.id)
    assert row.is_moved
    assert [one.is_moved for one in entry.decisions] == [True]
    assert entry.settled.points == 11
