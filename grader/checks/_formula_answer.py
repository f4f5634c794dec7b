"""Which formulas did the student hand in, and do they contradict each other? The answer, or a finding for a person."""

from __future__ import annotations

from grader.answers.answer_error import AnswerError
from grader.answers.formulas import (
    Formula,
    FoundFormula,
    ShapeFormula,
    find_formulas,
    formula_contradictions,
    parse_formula,
    parse_shape_formula,
)
from grader.checks._doubt import review_of
from grader.checks._formula_task import Task
from grader.checks.base import review, shown, unreadable
from grader.documents.report_lines import Line
from grader.frozen import dataclass
from grader.model import Answer, Finding, Json, Place

_FIX = "write one final formula, and let the text above it say the same"


@dataclass(frozen=True)
class Stated:
    """What was read; `is_from_text` where it was found among words."""

    entries: tuple[Formula, ...]
    is_from_text: bool = False


def stated_formulas(answer: Answer, task: Task, brackets: str) -> Stated | Finding:
    """The stated formulas, or the finding that says why a person has to look."""
    found = find_formulas(_lines(answer.value))
    contradictions = formula_contradictions(found)
    if contradictions:
        said = "; ".join(one.said for one in contradictions[:3])
        return review(
            f"the answer contradicts itself: {said}; a person looks",
            observed=shown(answer.value, 400), place=answer.place, fix=_FIX, code="contradiction",
        )  # fmt: skip
    return final_formulas(answer, task, brackets, found)


def final_formulas(
    answer: Answer, task: Task, brackets: str, found: tuple[FoundFormula, ...] | None = None
) -> Stated | Finding:
    """What the answer ends on, whatever its text says besides; or the finding that says why a person has to look."""
    found = find_formulas(_lines(answer.value)) if found is None else found
    value = answer.value.get("value") if isinstance(answer.value, dict) else answer.value
    try:
        if task.is_shape:
            return Stated(parse_shape_formula(value, answer.place, brackets=brackets, known=task.names).entries)
        return Stated((parse_formula(value, answer.place, brackets=brackets, known=task.names),))
    except AnswerError as error:
        among = _among_words(found, task, brackets)
        if among is not None:
            return among
        is_written = isinstance(value, (str, list)) and bool(value)  # true or {} is no try at a formula
        return review_of(answer, error.problem) if is_written else unreadable(error.problem, answer.place)


def _lines(value: Json) -> list[Line]:
    """The text of an answer as lines: the working first, then the value, as in a report."""
    texts = [value.get("working"), value.get("value")] if isinstance(value, dict) else [value]
    lines = [line for text in texts if isinstance(text, str) for line in text[:10_000].split("\n")]
    return [Line(number, line) for number, line in enumerate(lines, start=1)]


def _among_words(found: tuple[FoundFormula, ...], task: Task, brackets: str) -> Stated | None:
    """The one formula of the asked form in a text; None where there is none, or more than one."""
    if task.is_shape:
        shapes = {str(one.formula): one for one in found if one.is_shape and one.label != "input"}
        if len(shapes) != 1:
            return None
        [one] = shapes.values()
        if not isinstance(one.formula, ShapeFormula):
            return None
        return Stated(one.formula.entries, is_from_text=True)
    formulas = {str(one.formula): one for one in found if not one.is_shape}
    if len(formulas) != 1:
        return None
    [one] = formulas.values()
    try:
        return Stated((parse_formula(one.text, Place(""), brackets=brackets, known=task.names),), is_from_text=True)
    except AnswerError:
        return None
