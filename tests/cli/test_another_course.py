"""examples/another-course is a course that the grader has no line of Python for, and grades as any other."""

import json
from pathlib import Path

import pytest

from grader import sandbox
from grader.course import load_course
from grader.datasets import load
from grader.errors import MachineError

COURSE = Path(__file__).parents[2] / "examples" / "another-course"
NAMES = [path.stem for path in (COURSE / "rubrics").glob("*.yaml")]


@pytest.fixture(autouse=True)
def able():
    if not sandbox.level().is_isolated:
        pytest.skip("no sandbox here")


@pytest.fixture
def with_mnist():
    try:
        load("mnist", "test", root=load_course(COURSE).data_root)
    except MachineError:
        pytest.skip("MNIST is not here: set GRADER_DATA")


def test_it_needs_no_python_of_the_graders():
    assert NAMES == ["small-mnist"]
    sources = (COURSE.parents[1] / "grader").rglob("*.py")
    assert not [path for path in sources if "small-mnist" in path.read_text(encoding="utf-8")]


def test_its_rubrics_have_no_problem(grader):
    assert grader("rubric", "lint", "--course", COURSE).stdout.endswith("0 errors, 0 warnings\n")


def test_its_template_is_told_what_is_missing(grader, tmp_path):
    grader("init", "small-mnist", tmp_path / "me", "--course", COURSE)
    card = json.loads(grader("check", tmp_path / "me", "--course", COURSE, "--json").stdout)
    said = " ".join(finding["said"] for task in card["tasks"] for rule in task["rules"] for finding in rule["findings"])
    for file in ("first.pth", "small.pth", "first.jsonl", "small.jsonl"):
        assert f"'{file}' was not handed in" in said or f"no file fits '{file}'" in said or file in said
    assert said.count("no answer was given") == 4


@pytest.mark.parametrize("variant", ["under-10000", "under-8000"])
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("with_mnist")
def test_its_reference_has_full_marks_and_every_mutant_is_noticed(grader, variant):
    tested = json.loads(
        grader("rubric", "test", "small-mnist", "--variant", variant, "--course", COURSE, "--json").stdout
    )
    assert tested["is_passed"]
    assert tested["counts"]["missed"] == tested["counts"]["skipped"] == 0
    assert tested["counts"]["caught"] > 30
    assert tested["reference"]["waits_for_a_person"] == ["analysis"]
