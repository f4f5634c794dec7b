"""A handful of small checks, and rubrics written as text: what the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.course import load_rubric, rubric_problems
from grader.errors import CourseError
from grader.model import Json, Problem, Rubric, Rule


@dataclass(frozen=True)
class FakeCheck:
    """A check as the loader sees it. Its lint dislikes networks that start with a kind called "odd"."""

    name: str
    settings_schema: Mapping[str, Json]
    uses_model: bool = False
    uses_network: bool = False
    uses_reference: bool = False
    reads_answer: bool = False
    shape: Mapping[str, Json] | None = None

    def answer_schema(self, rule: Rule) -> Mapping[str, Json] | None:
        del rule
        return self.shape

    def other_answers(self, rule: Rule) -> Mapping[str, Mapping[str, Json]]:
        return (
            {rule.settings["other"]: {"type": "number", "description": "another"}} if "other" in rule.settings else {}
        )

    def lint(self, rule: Rule) -> Iterable[Problem]:
        network = rule.settings.get("network")
        if network and network["layers"][0]["kind"] == "odd":
            yield Problem("odd-layer", str(rule.place), "the first layer is odd", "begin with another")


def _table(required: list[str], **properties: Json) -> dict[str, Json]:
    return {"type": "object", "required": required, "properties": properties}


@pytest.fixture(scope="session")
def checks() -> Mapping[str, FakeCheck]:
    made = [
        FakeCheck(
            "number",
            _table(["right"], right={"type": "number", "description": "the right value"}, abs={"minimum": 0}),
            reads_answer=True,
            shape={"type": ["number", "string"], "description": "A number."},
        ),
        FakeCheck(
            "choice",
            _table(["right"], right={"type": "string"}, options={"type": "array", "items": {"type": "string"}}),
            reads_answer=True,
            shape={"enum": ["a", "b"]},
        ),
        FakeCheck("text", _table([]), reads_answer=True),
        FakeCheck("files", _table([], need={"type": "array"})),
        FakeCheck(
            "layer-table",
            _table(["network"], network={"type": "object"}),
            uses_network=True,
            reads_answer=True,
            shape={"type": "array", "description": "One row per layer."},
        ),
        FakeCheck(
            "accuracy",
            _table(["model", "at_least"], model={"type": "object"}, at_least={"type": "number", "maximum": 1}),
            uses_model=True,
        ),
        FakeCheck("figure", _table([], model={"type": "object"}), uses_model=True),
    ]
    return {check.name: check for check in made}


@pytest.fixture
def rubric_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a rubric named demo and gives its path. Messages call it rubrics/demo.yaml."""

    def write(text: str) -> Path:
        file = tmp_path / "rubrics" / "demo.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def loaded(rubric_file, checks) -> Callable[..., Rubric]:
    """The rubric that a text makes."""
    return lambda text, **options: load_rubric(rubric_file(text), checks, **options)


@pytest.fixture
def said(rubric_file, checks) -> Callable[..., list[str]]:
    """Every error and warning of a text, as shown. The loader must refuse exactly when there is an error."""

    def report(text: str, **options: Json) -> list[str]:
        file = rubric_file(text)
        problems = rubric_problems(file, checks, **options)
        errors = [problem for problem in problems if not problem.code.startswith("warning-")]
        try:
            load_rubric(file, checks, **options)
            refused = []
        except CourseError as error:
            refused = list(error.problems)
        assert refused == errors
        return [str(problem) for problem in problems]

    return report
