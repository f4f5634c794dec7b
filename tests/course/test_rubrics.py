"""A sound rubric becomes what the stages after it work with: exact points, resolved settings, places."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction

import pytest

from grader.course import Course, assignments, lint_assignment, load_assignment, load_rubric
from grader.course.folder import load_course
from grader.errors import CourseError
from grader.model import Place, Visibility

FULL = """\
assignment: demo
title: Demo
description: Everything that a rubric can say.
pass_points: "4/3"
networks:
  small:
    input: [8, 1, 28, 28]
    layers:
      - {kind: conv2d, out_channels: 8, kernel: 5}
      - {kind: relu}
models:
  net: {input: [1, 28, 28]}
tasks:
  - id: "1.1"
    title: Shapes
    points: 7
    rules:
      - id: layers
        check: layer-table
        answer: layers
        network: small
        points: 4.5
      - check: number
        answer: total
        right: 3
        abs: 0.5
        visibility: staff
      - id: trained
        check: accuracy
        at_least: 0.9
        after: [layers, number]
        bonus: true
        points: 1/3
"""


def test_a_rubric_holds_what_the_file_says(loaded):
    rubric = loaded(FULL)
    assert (rubric.assignment, rubric.title, rubric.description) == (
        "demo",
        "Demo",
        "Everything that a rubric can say.",
    )
    assert rubric.pass_points == Fraction(4, 3)
    assert rubric.points == 7
    [task] = rubric.tasks
    assert (task.id, task.title, task.points) == ("1.1", "Shapes", Fraction(7))
    layers, number, trained = task.rules
    assert [(rule.id, rule.check, rule.points) for rule in task.rules] == [
        ("layers", "layer-table", Fraction(9, 2)),
        ("number", "number", Fraction(5, 2)),
        ("trained", "accuracy", Fraction(1, 3)),
    ]
    assert [rule.answer for rule in task.rules] == ["layers", "total", None]
    assert [rule.visibility for rule in task.rules] == [Visibility.STUDENT, Visibility.STAFF, Visibility.STUDENT]
    assert [rule.is_bonus for rule in task.rules] == [False, False, True]
    assert trained.after == ("layers", "number")
    assert number.settings == {"right": 3, "abs": 0.5}
    assert layers.place == Place("rubrics/demo.yaml", "/tasks/0/rules/0", 18)


def test_references_are_replaced_by_what_they_stand_for(loaded):
    layers, _, trained = loaded(FULL).tasks[0].rules
    assert layers.settings == {
        "network": {
            "input": [8, 1, 28, 28],
            "layers": [{"kind": "conv2d", "out_channels": 8, "kernel": 5}, {"kind": "relu"}],
        }
    }
    assert trained.settings == {
        "at_least": 0.9,
        "model": {
            "code": "model.py",
            "factory": "build_model",
            "checkpoint": "model.pth",
            "input": [1, 28, 28],
        },
    }


def test_settings_are_plain_json(loaded):
    for rule in loaded(FULL).rules():
        assert json.loads(json.dumps(rule.settings)) == rule.settings


def test_the_digest_is_that_of_the_bytes(rubric_file, checks):
    file = rubric_file(FULL)
    rubric = load_rubric(file, checks)
    assert rubric.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(file.read_bytes() + b"# a comment\n")
    assert load_rubric(file, checks).digest != rubric.digest


def test_the_name_does_not_depend_on_where_the_course_lies(rubric_file, checks, monkeypatch):
    file = rubric_file(FULL)
    monkeypatch.chdir(file.parent)
    assert load_rubric(file, checks).file == "rubrics/demo.yaml"
    assert load_rubric(file.relative_to(file.parent), checks).file == "rubrics/demo.yaml"
    assert load_rubric(file, checks, name="x.yaml").file == "x.yaml"


def test_bonus_does_not_count_towards_what_can_be_had(loaded):
    rubric = loaded(FULL)
    assert sum(rule.points for rule in rubric.rules() if not rule.is_bonus) == rubric.points


def test_warnings_do_not_keep_a_rubric_from_loading(loaded):
    assert loaded(FULL.replace("at_least: 0.9", "at_least: 0").replace("    title: Shapes\n", "")).points == 7


def test_two_loads_are_equal(loaded):
    assert loaded(FULL) == loaded(FULL)


@pytest.fixture
def course(rubric_file) -> Course:
    root = rubric_file(FULL).parent.parent
    (root / "grader.toml").write_text('name = "Course"\n')
    (root / "rubrics" / "another.yaml").write_text(FULL)
    (root / "rubrics" / "notes.txt").write_text("no rubric")
    (root / "secret.yaml").write_text(FULL.replace("demo", "secret"))
    return load_course(root)


def test_the_assignments_are_the_rubric_files(course):
    assert assignments(course) == ("another", "demo")


def test_an_assignment_is_loaded_by_its_name(course, checks):
    assert load_assignment(course, "demo", checks).assignment == "demo"
    assert [problem.code for problem in lint_assignment(course, "demo", checks)] == ["warning-hidden-points"]
    assert [problem.code for problem in lint_assignment(course, "another", checks)] == ["other-name"]


@pytest.mark.parametrize("name", ["../secret", "demo.yaml", "", "/etc/passwd", "DEMO", "de\x1b[31mmo", "demo\0"])
def test_only_an_assignment_of_the_course_is_loaded(course, checks, name):
    with pytest.raises(CourseError) as caught:
        load_assignment(course, name, checks)
    [problem] = caught.value.problems
    assert problem.code == "no-assignment"
    assert problem.what.isprintable()


def test_the_unknown_assignment_gets_the_nearest_one(course, checks):
    with pytest.raises(CourseError, match="there is no assignment 'dmo'\n  fix: did you mean 'demo'"):
        load_assignment(course, "dmo", checks)
