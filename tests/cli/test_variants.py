"""One rubric, several years: the commands take the variant of grader.toml, and another one where it is named."""

from __future__ import annotations

import json

import pytest

RUBRIC = """assignment: pools
title: Pools
variants:
  "2021": {expected: 126}
  "2023": {expected: 127}
tasks:
- id: "1"
  title: Side
  points: 1
  rules:
  - {check: number, answer: side, expected: "${expected}"}
- {id: "2", title: Area, points: 2, variants: ["2023"], rules: [{id: area, check: number, answer: area, expected: 9}]}
"""


@pytest.fixture
def course(tmp_path):
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "rubrics" / "pools.yaml").write_text(RUBRIC)
    (tmp_path / "grader.toml").write_text('name = "C"\n[assignments.pools]\nvariant = "2023"\n')
    (tmp_path / "class" / "ada" / "submission.json").write_text('{"assignment": "pools", "students": [{"id": "s1"}]}')
    (tmp_path / "class" / "ada" / "answers.json").write_text('{"answers": {"side": 126, "area": 9}}')
    return tmp_path


def test_check_and_run_all_grade_by_the_variant_that_is_chosen(grader, course):
    for words in (("check", "class/ada"), ("run-all", "class")):
        cards = []
        for named in ([], ["--variant", "2021"]):
            made = json.loads(grader(*words, *named, "--json", cwd=course).stdout)
            cards.append(made[0] if isinstance(made, list) else made)
        of_term, named = cards
        assert (of_term["variant"], of_term["points"], of_term["max_points"]) == ("2023", 2, 3)
        assert (named["variant"], named["points"], named["max_points"]) == ("2021", 1, 1)
        assert of_term["rubric_digest"] != named["rubric_digest"]


def test_show_and_schema_are_those_of_the_variant(grader, course):
    shown = json.loads(grader("rubric", "show", "pools", "--json", cwd=course).stdout)
    assert (shown["variant"], shown["variants"], shown["points"]) == ("2023", ["2021", "2023"], "3")
    for named, keys in ((), {"side", "area"}), (("--variant", "2021"), {"side"}):
        form = json.loads(grader("rubric", "schema", "pools", *named, cwd=course).stdout)
        assert set(form["properties"]["answers"]["properties"]) == keys


def test_lint_looks_at_every_variant_and_an_unknown_one_is_an_error_of_the_course(grader, course):
    assert "1 rubric: 0 errors, 0 warnings" in grader("rubric", "lint", cwd=course).stdout
    broken = RUBRIC.replace("expected: 126", "expected: []")
    (course / "rubrics" / "pools.yaml").write_text(broken)
    said = grader("rubric", "lint", cwd=course, code=3).stdout
    assert "rubrics/pools.yaml:11" in said
    assert "(variant 2021)" in said
    assert "0 errors" in grader("rubric", "lint", "--variant", "2023", cwd=course).stdout
    assert (
        "no variant '2012', which --variant asks for"
        in grader("check", "class/ada", "--variant", "2012", cwd=course, code=3).stderr
    )
