"""What is said about the working of an answer? A remark for each step that does not hold; it moves no point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from grader.answers.working import Working
from grader.checks.base import remark, shown
from grader.model import Finding, Json, Outcome, Place

# JSON Schema of an answer that is a number, with or without its working.
ANSWER: Final[Mapping[str, Json]] = {
    "anyOf": [
        {"type": "number"},
        {"type": "string", "minLength": 1, "maxLength": 2000},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["value"],
            "patternProperties": {"^_": {"description": "a comment, such as the line it came from; no check reads it"}},
            "properties": {
                "value": {"type": ["number", "string"], "description": "the number"},
                "unit": {"type": "string", "maxLength": 40, "description": "its unit"},
                "working": {"type": "string", "maxLength": 2000, "description": "how it was computed"},
            },
        },
    ],
}
RESULT: Final[Mapping[str, Json]] = {
    **ANSWER,
    "description": "an accuracy such as 0.9892 or 98.92 %, with all the digits that were printed",
}


def working_remarks(working: Working, place: Place) -> Iterator[Finding]:
    """One remark for each pair of sides that are not equal, both quoted."""
    for slip in working.disagreements:
        yield remark(
            Outcome.FAILED,
            f"a step of the working does not hold: {slip.said}",
            observed=f"{shown(slip.left)} = {shown(slip.right)}",
            place=place,
            fix="look at the signs and at what was left out; the value at the end is judged by itself",
            code="false-working",
        )
