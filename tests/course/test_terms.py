"""grader.toml sets what holds in this term; a slip in it is told with its line, and never costs a class its points."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from grader.course import lint_assignment, load_assignment, load_course
from grader.course.late import lateness
from grader.errors import CourseError
from grader.model import Amount, Submission

RUBRIC = """assignment: demo
title: Demo
pass_points: 1
late: {per_day: 1}
groups: {at_most: 3}
tasks:
- {id: "1", title: A, points: 2, rules: [{check: files}]}
"""


@pytest.fixture
def course(tmp_path):
    def of(toml, **files):
        (tmp_path / "rubrics").mkdir(exist_ok=True)
        (tmp_path / "rubrics" / "demo.yaml").write_text(RUBRIC)
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        (tmp_path / "grader.toml").write_text('name = "C"\ntimezone = "Europe/Oslo"\n[assignments.demo]\n' + toml)
        return load_course(tmp_path)

    return of


def terms(course, checks):
    return load_assignment(course, "demo", checks).terms


def test_what_grader_toml_leaves_out_the_rubric_says(course, checks):
    found = terms(course(""), checks)
    assert (found.late.per_day, found.group_limit, found.pass_points, found.due) == (Amount(Fraction(1)), 3, 1, None)


def test_what_grader_toml_says_goes_before_the_rubric(course, checks):
    toml = """due = 2026-03-08T23:59:00
late = {per_day = "10%", of = "earned", grace = "15 min", cap = "50%", not_accepted_after = "7 days"}
groups = {at_most = 2}
pass_points = "3/2"
extensions = {s1 = "2026-03-12 12:00", s2 = "3 days", "x@y" = "2026-03-10T10:00Z"}
"""
    made = course(toml)
    found = terms(made, checks)
    assert str(found.due) == "2026-03-08 23:59:00+01:00"
    assert (found.late.per_day, found.late.is_of_earned) == (Amount(Fraction(1, 10), is_share=True), True)
    assert (found.late.grace, found.late.cap.value, found.late.accepted) == (
        timedelta(minutes=15), Fraction(1, 2), timedelta(days=7),
    )  # fmt: skip
    assert (found.group_limit, load_assignment(made, "demo", checks).pass_points) == (2, Fraction(3, 2))
    assert {name: str(at) for name, at in found.extensions.items()} == {
        "s1": "2026-03-12 12:00:00+01:00",
        "s2": "2026-03-11 23:59:00+01:00",
        "x@y": "2026-03-10 11:00:00+01:00",
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("id,until\ns1,2026-03-12 12:00\ns2,3 days\n", id="plain"),
        pytest.param(
            "\ufeffName;ID;until\r\nAda;s1;2026-03-12T12:00+01:00\r\n\r\nBob; s2 ;3 days\r\n", id="from Excel"
        ),
        pytest.param("id,until\ns1,1 day\ns1,2026-03-12 12:00\ns2,3 days\n", id="the later one of two"),
    ],
)
def test_extensions_may_stand_in_a_file(course, checks, text):
    found = terms(course('due = "2026-03-08 23:59"\nextensions = "later.csv"\n', later=text), checks)
    assert {name: f"{at:%m-%d %H:%M}" for name, at in found.extensions.items()} == {
        "s1": "03-12 12:00",
        "s2": "03-11 23:59",
    }


def test_when_hand_ins_came_may_stand_in_a_file(course, checks):
    made = course('due = "2026-03-08 23:59"\nreceived = "came.csv"\n', came="id,received\nada,2026-03-08 10:00:01\n")
    assert str(terms(made, checks).received["ada"]) == "2026-03-08 10:00:01+01:00"


@pytest.mark.parametrize(
    ("toml", "files", "expected"),
    [
        pytest.param('due = "8.3.2026"\n', {}, r"grader.toml:4 /assignments/demo/due", id="another form of date"),
        pytest.param('due = "2026-02-30 10:00"\n', {}, r"toml:4 .*is no time such as", id="a day that there is not"),
        pytest.param("due = 2026-03-08\n", {}, r"toml:4 /assignments/demo/due", id="a day without a time"),
        pytest.param('extensions = {s1 = "2026-03-12 12:00"}\n', {}, "no due time that they", id="nothing to extend"),
        pytest.param('late = {per_day = "110%"}\n', {}, "toml:4 /assignments/demo/late", id="more than all"),
        pytest.param("late = {perday = 1}\n", {}, "unknown key 'perday'", id="a slip of the pen"),
        pytest.param("groups = {at_most = 0}\n", {}, "at_most", id="groups of nobody"),
        pytest.param(
            'due = "2026-03-08 23:59"\nextensions = "x.csv"\n', {"x": "student,until\n"}, "x.csv:1: the first line",
            id="other columns",
        ),
        pytest.param(
            'due = "2026-03-08 23:59"\nextensions = "x.csv"\n', {"x": "id,until\ns1,1 day\ns2,soon\n"},
            "x.csv:3: 'soon' is no time", id="no time in a row",
        ),
        pytest.param(
            'due = "2026-03-08 23:59"\nextensions = "x.csv"\n', {"x": "id,until\n,1 day\n"}, "x.csv:2: a row without",
            id="a row without an id",
        ),
        pytest.param('variant = "2023"\n', {}, "which grader.toml asks for", id="a variant of a rubric without any"),
        pytest.param("pass_points = 5\n", {}, "to pass takes 5 points", id="a line that nobody can reach"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_stands(course, checks, toml, files, expected):
    with pytest.raises(CourseError, match=expected):
        terms(course(toml, **files), checks)


def test_a_file_that_is_not_here_costs_nobody_anything_and_is_told(course, checks):
    """Students get the course without the names of those who were ill."""
    made = course('due = "2026-03-08 23:59"\nextensions = "later.csv"\n')
    found = terms(made, checks)
    assert (found.missing, found.extensions) == (("later.csv",), {})
    assert lateness(found, Submission("ada", "demo", made.root, received_at=found.due + timedelta(days=9))).days is None
    [told] = lint_assignment(made, "demo", checks)
    assert told.what == 'there is no file "later.csv": without it nothing is deducted for lateness'


def test_a_time_is_not_read_in_a_zone_that_nobody_named(course, tmp_path):
    course("")
    file = tmp_path / "grader.toml"
    file.write_text('name = "C"\n[assignments.demo]\ndue = "2026-03-08 23:59"\n')
    with pytest.raises(CourseError, match=r"grader.toml:3 .*does not say in which time zone\n  fix: add timezone"):
        load_course(tmp_path)
    file.write_text('name = "C"\ntimezone = "Europe/Olso"\n[assignments.demo]\ndue = "2026-03-08T23:59Z"\n')
    with pytest.raises(CourseError, match=r'grader.toml:2 /timezone: the time zone "Europe/Olso" is not known here'):
        load_course(tmp_path)


def test_the_two_forms_of_the_shared_tables_are_one():
    from grader.documents import schema

    rubric, course = schema("rubric")["$defs"], schema("course")["$defs"]
    for name in ("late", "groups", "amount", "span", "points"):
        assert rubric[name] == course[name]


def test_the_template_is_no_attempt(course, checks, tmp_path):
    made = course("")
    template = tmp_path / "submissions_template" / "demo"
    template.mkdir(parents=True)
    (template / "answers.json").write_text('{"answers": {"x": [null]}}')
    optional = RUBRIC + '- {id: "2", title: B, points: 1, optional: true, rules: [{check: text, answer: x}]}\n'
    Path(made.rubrics / "demo.yaml").write_text(optional)
    found = terms(made, checks)
    assert found.given_answers == {"x": [None]}
    assert len(found.given_files) == 1
