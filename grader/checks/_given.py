"""Did the student compute with the task's quantities? What is written down beside an answer, against what it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from grader.checks._window import Window, solutions
from grader.checks.base import remark, shown
from grader.model import Answer, Finding, Json, Outcome

NAMES: Final = ("input", "kernel", "stride", "padding", "dilation", "output")

# JSON Schema of what may be written down beside the answer.
GIVEN: Final[Mapping[str, Json]] = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {name: {"type": "integer", "minimum": 0, "maximum": 10**6} for name in NAMES},
    "description": "the quantities that you started from, as you wrote them down",
}


def without_given(answer: Answer) -> tuple[Answer, Mapping[str, Json]]:
    """The answer itself, and what is written down beside it.

    >>> from grader.model import Place
    >>> without_given(Answer({"value": 9, "given": {"padding": 1}}, Place("answers.json")))[1]
    {'padding': 1}
    """
    if not isinstance(answer.value, dict) or not isinstance(answer.value.get("given"), dict):
        return answer, {}
    rest = {name: value for name, value in answer.value.items() if name != "given"}
    return Answer(rest, answer.place), answer.value["given"]


def given_remarks(
    given: Mapping[str, Json], unknown: str, windows: tuple[Window, Window], answer: Answer
) -> Iterator[Finding]:
    """A remark for each quantity that is not the task's. It moves no point: the value is judged by itself."""
    for name, value in given.items():
        is_whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if name not in NAMES or name == unknown or not is_whole:
            continue
        if value in {_of(window, name) for window in windows}:
            continue
        asked = _of(windows[0], name)
        put: dict[str, Any] = {name: value}
        found = list(islice(solutions(replace(windows[0], **put), unknown), 2))
        words = f"the {unknown} would be {found[0]}" if len(found) == 1 else f"no single {unknown} would fit"
        yield remark(
            Outcome.FAILED,
            f"{name} {value} is written down, the task has {name} {asked}: with {name} {value} {words}",
            observed=shown(answer.value),
            place=answer.place.child("given", name),
            fix=f"write down the {name} that you compute with",
            code="other-quantity",
        )


def _of(window: Window, name: str) -> int:
    value: int = window.step if name == "stride" else getattr(window, name)
    return value
