"""What becomes of an answer that cannot be read, but has the right value in it? A person looks.

"The network has 14538 parameters" is right, and "conv1 has 208, not 14538" is not: no machine tells them apart.
Calling both wrong would cost the first one a grade, calling both right would give the second what it did not earn.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.answers.mentions import numbers_in
from grader.checks.base import review, shown
from grader.model import Answer, Finding, Problem


def doubtful(answer: Answer, problem: Problem, is_right: Callable[[str], bool]) -> Finding | None:
    """A finding for a person where a number that stands in the answer would be right alone; None elsewhere."""
    if any(is_right(piece) for piece in numbers_in(answer.value)):
        return review_of(answer, problem)
    return None


def review_of(answer: Answer, problem: Problem) -> Finding:
    """The finding for an answer that only a person can read."""
    said = f"only a person can tell what is meant: {problem.what}"
    return review(said, observed=shown(answer.value), place=answer.place, fix=problem.fix, code="unclear-answer")
