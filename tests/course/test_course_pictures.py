"""`image: {course: PATH}` is a picture beside the reference solutions: its bytes come with the rubric."""

from __future__ import annotations

import base64

import pytest

from grader.checks import all_checks
from grader.course import load_rubric, rubric_problems
from grader.course.bands import MOST_PICTURE

RUBRIC = """
assignment: demo
title: Demo
models: {net: {input: [3, 28, 28]}}
tasks:
- id: "1"
  title: One
  points: 1
  rules:
  - {check: feature-maps, file: maps.png, image: {course: demo/zebra.png}, show: [{layer: conv1}]}
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "reference_solutions" / "demo").mkdir(parents=True)
    (tmp_path / "rubrics" / "demo.yaml").write_text(RUBRIC, encoding="utf-8")
    return tmp_path


def loaded(place):
    return load_rubric(place / "rubrics" / "demo.yaml", all_checks(), reference_solutions=place / "reference_solutions")


def said(place):
    problems = rubric_problems(
        place / "rubrics" / "demo.yaml", all_checks(), reference_solutions=place / "reference_solutions"
    )
    return [problem for problem in problems if not problem.code.startswith("warning")]


def test_the_bytes_of_the_picture_stand_in_the_rule_and_in_the_digest(place):
    picture = place / "reference_solutions" / "demo" / "zebra.png"
    picture.write_bytes(b"one")
    first = loaded(place)
    [rule] = first.rules()
    assert base64.b64decode(rule.settings["image"]["bytes"]) == b"one"
    picture.write_bytes(b"two")
    assert loaded(place).digest != first.digest


def test_a_picture_that_is_not_there_is_told_where_the_rubric_names_it(place):
    [problem] = said(place)
    assert (problem.code, "'demo/zebra.png' is not found" in problem.what) == ("no-picture", True)
    assert "/rules/0/image/course" in problem.where


def test_a_picture_that_is_too_large_is_told(place):
    (place / "reference_solutions" / "demo" / "zebra.png").write_bytes(bytes(MOST_PICTURE + 1))
    [problem] = said(place)
    assert "more than" in problem.what


def test_no_path_leads_out_of_the_reference_solutions(place):
    (place / "secret.png").write_bytes(b"x")
    text = RUBRIC.replace("demo/zebra.png", "demo/../../secret.png")
    (place / "rubrics" / "demo.yaml").write_text(text, encoding="utf-8")
    assert said(place)
