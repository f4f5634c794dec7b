"""`grader rubric test`: a table for the eye, JSON for machines, and exit codes that can be relied on."""

import json
from pathlib import Path

import pytest

from grader.documents import schema, validator
from grader.sandbox import level

ROOT = Path(__file__).parents[2]
THEORY = ("--only", "choice-*", "--only", "size-off-by-one", "--only", "formula-wrong")


@pytest.fixture
def isolated():
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")


@pytest.mark.sandbox
@pytest.mark.usefixtures("isolated")
def test_the_table_says_what_each_mutant_lost_and_where(grader):
    printed = grader("rubric", "test", "digits", "--course", ROOT, *THEORY).stdout
    assert "the reference gets 20 of 20 points" in printed
    assert "translation -1 (task 2)" in printed
    assert "formula-wrong: no rule asks for a formula" in printed
    assert printed.strip().endswith("3 mutants of 2 kinds: 3 caught, 0 missed")


@pytest.mark.sandbox
@pytest.mark.usefixtures("isolated")
def test_the_json_fits_its_schema(grader):
    printed = json.loads(grader("rubric", "test", "digits", "--course", ROOT, "--json", *THEORY).stdout)
    assert list(validator(schema("rubric-test")).iter_errors(printed)) == []
    assert printed["is_passed"]
    assert [trial["kind"] for trial in printed["trials"] if trial["verdict"] == "caught"] == [
        "choice-wrong",
        "size-off-by-one",
        "size-off-by-one",
    ]


def test_an_unknown_kind_is_a_slip_of_who_typed(grader):
    said = grader("rubric", "test", "digits", "--course", ROOT, "--only", "choice-wrogn", code=2).stderr
    assert "there is no kind of mutant" in said
    assert "choice-wrong" in said


def test_an_assignment_without_a_reference_hand_in_is_told(grader, tmp_path):
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "grader.toml").write_text('name = "c"\n')
    rule = "{id: r, check: number, answer: a, expected: 1, points: 1}"
    (tmp_path / "rubrics" / "x.yaml").write_text(
        f"assignment: x\ntitle: X\ntasks:\n  - {{id: t, title: T, points: 1, rules: [{rule}]}}\n"
    )
    said = grader("rubric", "test", "x", "--course", tmp_path, code=3).stderr
    assert '"x" has no reference hand-in' in said


def test_a_rubric_that_its_reference_does_not_fulfil_fails(grader, tmp_path):
    """Theory alone: no sandbox is needed, and none of the mutants saves the reference."""
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "grader.toml").write_text('name = "c"\n')
    rule = "{id: r, check: number, answer: a, expected: 5, points: 1}"
    (tmp_path / "rubrics" / "x.yaml").write_text(
        f"assignment: x\ntitle: X\ntasks:\n  - {{id: t, title: T, points: 1, rules: [{rule}]}}\n"
    )
    hand_in = tmp_path / "reference_solutions" / "x" / "hand_in"
    hand_in.mkdir(parents=True)
    (hand_in / "submission.json").write_text('{"assignment": "x", "students": [{"id": "reference"}]}')
    (hand_in / "answers.json").write_text('{"answers": {"a": 5}}')
    assert "0 missed" in grader("rubric", "test", "x", "--course", tmp_path).stdout
    (hand_in / "answers.json").write_text('{"answers": {"a": 6}}')
    printed = grader("rubric", "test", "x", "--course", tmp_path, code=1).stdout
    assert "the reference lost 1 at r (task t)" in printed
