"""A download in, the class graded, the grades out: every student once, nothing changed but grade and feedback.

The commands are those that a TA types. What comes out is read by a reader of its own (tests/reports/export).
"""

import io
import json
import zipfile
from dataclasses import replace
from fractions import Fraction

import pytest

from grader.cli import run
from grader.course import load_course
from grader.documents import schema, validator
from grader.gradebook.book import Gradebook
from grader.gradebook.place import gradebook_url
from grader.model import DecisionKind
from tests.lms import canvas, moodle
from tests.lms.kinds import MAKERS
from tests.lms.made import resubmitted, students
from tests.reports.export.reading_back import changed, number, rows_of
from tests.reports.export.test_feedback import canvass_own_reading, moodles_own_reading

COUNT = 24
MOST = sum(range(1, COUNT + 1)) / 4
RUBRIC = """
assignment: digits
title: A small one
description: Everybody has an answer and points of their own; no rule needs more than the answers.
tasks:
  - id: "1"
    title: Numbers
    points: {most}
    rules:
{rules}
"""
NO_FILE = "no-feedback-file"
RULE = "      - {{id: r{0}, check: number, answer: total_parameters, expected: {0}, points: {1}}}"


class Desk:
    """A course, and the commands on it."""

    def __init__(self, top, capsys):
        self.course, self.capsys = top / "course", capsys
        (self.course / "rubrics").mkdir(parents=True)
        (self.course / "grader.toml").write_text('name = "A test"\n')
        template = self.course / "submissions_template" / "digits"  # by which `answers-1.json` of Canvas is known
        template.mkdir(parents=True)
        (template / "answers.json").write_text('{"answers": {"total_parameters": null}}')
        rules = "\n".join(RULE.format(n, n / 4) for n in range(1, COUNT + 1))
        (self.course / "rubrics" / "digits.yaml").write_text(RUBRIC.format(most=MOST, rules=rules))

    def does(self, *words, code=0):
        """Run a command; what it printed."""
        self.capsys.readouterr()
        ended = run([*map(str, words), "--course", str(self.course)])
        printed = self.capsys.readouterr()
        assert ended == code, printed.out + printed.err
        return printed.out

    def takes_in(self, made):
        named = ["--roster", made.roster] if made.roster else []
        named += ["--worksheet", made.worksheet] if made.worksheet else []
        self.does("import", made.source, "--from", made.kind, *named)
        self.does("run-all", self.course / "submissions" / "digits")

    def gives_out(self, kind, *words):
        """The summary, the file and the zip of `grader export`."""
        out, feedback = self.course / "out", self.course / "feedback.zip"
        printed = self.does("export", "digits", "--to", kind, "--out", out, "--feedback", feedback, "--json", *words)
        summary = json.loads(printed)
        assert list(validator(schema("export")).iter_errors(summary)) == []
        with zipfile.ZipFile(io.BytesIO(feedback.read_bytes())) as archive:
            return summary, out.read_bytes(), {one: archive.read(one) for one in archive.namelist()}


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GRADER_STATE", raising=False)
    return Desk(tmp_path, capsys)


def points_of(made):
    """What each student must come to: by the number of whoever handed in."""
    by_id = {one.id: one for one in made.students}
    points = {}
    for one in made.hand_ins:
        said = json.loads(dict(one.files).get("answers.json", b"{}"))
        value = said.get("answers", {}).get("total_parameters", 0)
        points |= dict.fromkeys(one.students, value / 4)
    assert set(points) <= set(by_id)
    return points


def again(people, *who):
    """The class with a second attempt of these: a right answer where the first had the wrong one."""
    made = []
    for one in people:
        if one.id in who and one.files:
            made.append(resubmitted(one, files={**one.files, "answers.json": one.files["answers.json"]}))
        else:
            made.append(one)
    return tuple(made)


FORMS = {
    "moodle": ("moodle", {}, ["Grade", "Feedback comments"]),
    "moodle, German, semicolons, commas, BOM": (
        "moodle", {"words": "de", "delimiter": ";", "decimal": ",", "bom": True},
        ["Bewertung", "Feedback als Kommentar"],
    ),
    "moodle, Spanish, UTF-16": (
        "moodle", {"words": "es", "encoding": "utf-16"}, ["Calificación", "Comentarios de retroalimentación"],
    ),
    "moodle, flat": ("moodle", {"is_flat": True}, ["Grade", "Feedback comments"]),
    "moodle, blind": ("moodle", {"is_blind": True}, ["Grade", "Feedback comments"]),
    "moodle, teams": ("moodle", {"has_teams": True}, ["Grade", "Feedback comments"]),
    "moodle, before 4.1": ("moodle", {"has_old_folders": True}, ["Grade", "Feedback comments"]),
    "canvas": ("canvas", {}, [canvas.ASSIGNMENT]),
    "canvas, semicolons, commas": ("canvas", {"delimiter": ";", "decimal": ","}, [canvas.ASSIGNMENT]),
    "canvas, split names, no SIS": (
        "canvas", {"has_split_names": True, "has_sis": False, "posting": "Muted"}, [canvas.ASSIGNMENT],
    ),
    "gradescope": ("gradescope", {}, ["Total Score"]),
    "gradescope, groups, BOM": ("gradescope", {"has_groups": True, "bom": True}, ["Total Score"]),
    "classroom": ("classroom", {}, ["points_awarded"]),
    "classroom, teams": ("classroom", {"has_teams": True, "has_group_column": True}, ["points_awarded"]),
    "nbgrader": ("nbgrader", {}, ["score", "raw_score"]),
}  # fmt: skip
ID = {
    "moodle": lambda cells: f"s{int(next(iter(cells.values())).split()[-1]) - 3000}",
    "canvas": lambda cells: f"s{int(cells['ID']) - 69000}" if cells["ID"].startswith("70") else "",
    "gradescope": lambda cells: cells["SID"],
    "classroom": lambda cells: cells["roster_identifier"],
    "nbgrader": lambda cells: cells["student_id"],
}


def rows_by_id(kind, rows):
    """The rows of an LMS's file that are a student's, by the course's id; blind marking knows a number alone."""
    found = [(ID[kind](dict(zip(rows[0], row, strict=True))), row) for row in rows[1:]]
    found = [(who, row) for who, row in found if who]
    assert len({who for who, _ in found}) == len(found)
    return dict(found)


def plain_id(who):
    """The number of a student where the LMS gave an address, or a number of its own, instead."""
    if who.startswith("participant-"):
        return f"s{int(who.removeprefix('participant-')) - 3000}"
    return who.partition("@")[0]


@pytest.mark.parametrize("name", FORMS)
def test_grades_go_back_where_the_class_came_from(name, desk, tmp_path):
    kind, form, columns = FORMS[name]
    is_grouped = bool({"has_teams", "has_groups"} & set(form))
    people = again(students(COUNT, group_of=3 if is_grouped else 0), "s1003", "s1007")
    made = MAKERS[kind](tmp_path / "download", people, **form)
    desk.takes_in(made)
    summary, data, feedback = desk.gives_out(kind, *(["--column", "5501"] if kind == "canvas" else []))
    before = made.worksheet.read_bytes()
    delimiter = form.get("delimiter", ",")
    old, new = rows_of(before, delimiter), rows_of(data, delimiter)
    assert data[:3] == before[:3]  # the byte-order mark, or none
    assert [data.count(end) for end in (b"\n", b"\r")] == [before.count(end) for end in (b"\n", b"\r")]
    header = new[0]
    allowed = {header.index(column) for column in columns}
    assert {column for _, column in changed(old, new)} <= allowed
    expected = {student: points * 100 / MOST for student, points in points_of(made).items()}
    by_id = rows_by_id(kind, new)
    assert set(by_id) == {one.id for one in people}
    assert sorted(map(plain_id, summary["written"])) == sorted(expected)
    grade = header.index(columns[0])
    for who, points in expected.items():
        assert number(by_id[who][grade]) == pytest.approx(points, abs=0.0051), who
    of_persons = [one for one in summary["told"] if one["who"] and one["code"] not in ("zero-in-file", NO_FILE)]
    told = {plain_id(one["who"]): one["code"] for one in of_persons}
    assert told == dict.fromkeys({one.id for one in people} - set(expected), "missing")
    assert feedback
    if kind == "moodle":
        assert {moodles_own_reading(one)[0] for one in feedback} == {
            moodle.uniqueid(one) for one in people if one.id in expected
        }
    if kind == "canvas":
        assert {canvass_own_reading(one) for one in feedback} <= {canvas.user_id(one) for one in people}


@pytest.mark.parametrize("to", ["csv", "xlsx", "json"])
def test_our_own_forms_say_the_same(to, desk, tmp_path):
    made = MAKERS["folder"](tmp_path / "download", students(COUNT))
    desk.takes_in(made)
    summary, data, feedback = desk.gives_out(to)
    expected = points_of(made)
    if to == "json":
        document = json.loads(data)
        assert list(validator(schema("grades")).iter_errors(document)) == []
        read = {one["id"]: one["points"] for one in document["students"]}
        names = {one["id"]: one["name"] for one in document["students"]}
        assert names == {one.id: one.name for one in made.students}
    elif to == "csv":
        header, *rows = rows_of(data)
        at = header.index("points")
        read = {row[0]: float(row[at]) if row[at] else None for row in rows}
    else:
        openpyxl = pytest.importorskip("openpyxl")
        [sheet] = openpyxl.load_workbook(io.BytesIO(data)).worksheets
        header, *rows = sheet.iter_rows(values_only=True)
        at = header.index("points")
        assert all(row[at] is None or isinstance(row[at], int | float) for row in rows)
        read = {row[0]: row[at] for row in rows}
    assert read == {one.id: expected.get(one.id) for one in made.students}
    assert set(feedback) == {f"{one}/feedback.txt" for one in expected}
    assert sorted(summary["written"]) == sorted(expected)


def test_what_waits_for_a_person_goes_out_once_the_person_has_decided(desk, tmp_path):
    people = list(students(6))
    people[1] = replace(people[1], files={**people[1].files, "answers.json": b"{"})
    made = MAKERS["moodle"](tmp_path / "download", people)
    desk.takes_in(made)
    summary, data, feedback = desk.gives_out("moodle")
    assert ("open", "s1002") in {(one["code"], one["who"]) for one in summary["told"]}
    assert rows_of(data)[2] == rows_of(made.worksheet.read_bytes())[2]
    assert not any("_4002_" in one for one in feedback)
    as_it_is, data, _ = desk.gives_out("moodle", "--open-as-is", "--missing-as-zero")
    assert {"s1002", "s1005"} <= set(as_it_is["written"])
    assert [rows_of(data)[at][5] for at in (2, 5)] == ["0.00", "0.00"]
    with Gradebook.open(gradebook_url(load_course(desk.course))) as book:
        [row] = [one for one in book.rows("digits").rows if one.submission == "s1002"]
        decided = {"task": "1", "rule": "", "points": Fraction(30), "text": "by hand: =1+1", "reason": "read it"}
        book.decide(row.id, DecisionKind.OVERRIDE, **decided, author="ta", seen_version=row.version)
    summary, data, feedback = desk.gives_out("moodle")
    assert "s1002" in summary["written"]
    assert rows_of(data)[2][5] == "40.00"
    assert "by hand: =1+1" in next(text for name, text in feedback.items() if "_4002_" in name).decode()
    assert "read it" not in json.dumps([*rows_of(data), *(text.decode() for text in feedback.values())])


def test_a_hand_in_that_came_after_the_grading_is_told_and_its_old_grade_stays_here(desk, tmp_path):
    people = students(6)
    desk.takes_in(MAKERS["moodle"](tmp_path / "one", people))
    newer = (resubmitted(people[0], files={**people[0].files, "new.txt": b"x"}), *people[1:])
    made = MAKERS["moodle"](tmp_path / "two", newer)
    desk.does("import", made.source, "--worksheet", made.worksheet)
    summary, data, _ = desk.gives_out("moodle")
    assert ("newer", "s1001") in {(one["code"], one["who"]) for one in summary["told"]}
    assert rows_of(data)[1][5] == ""
    desk.does("run-all", desk.course / "submissions" / "digits")
    assert "s1001" in desk.gives_out("moodle")[0]["written"]
