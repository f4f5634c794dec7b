"""What of a hand-in is held against the class? Its marks as plain JSON: from the sandbox, its logs, and its answers.

The form is that of `grader.originality.read`. Everything in it is small, whatever was handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from grader.model import Json, Submission, SubmittedFile

if TYPE_CHECKING:
    from grader.checks._logged import Logged

FORM: Final = 1
MOST_VALUES: Final = 400  # of one curve
MOST_CURVES: Final = 12  # of one log
_LARGEST: Final = 2**53


def weights_marks(found: Sequence[Mapping[str, Json]]) -> list[Json]:
    """Weights files that could be read, with the marks of their tensors."""
    return [{"path": one["path"], "tensors": one["found"]["tensors"]} for one in found if one["found"]]


def code_marks(found: Sequence[Mapping[str, Json]]) -> list[Json]:
    """Programs and notebooks, by their passages and the seeds that they set."""
    return [
        {"path": one["path"], "marks": one["found"]["code"], "seeds": one["found"]["seeds"]}
        for one in found
        if one["found"] and one["found"]["code"]
    ]


def written_marks(found: Sequence[Mapping[str, Json]], submission: Submission, least_words: int) -> list[Json]:
    """Texts that the students wrote: answers of so many words, reports, and the prose of notebooks."""
    made = [
        {"path": str(answer.place), "marks": marks}
        for _, answer in sorted(submission.answers.items())
        if (marks := _long_marks("\n".join(_texts(answer.value)), least_words))
    ]
    return made + [
        {"path": one["path"], "marks": one["found"]["text"]}
        for one in found
        if one["found"] and one["found"]["words"] >= least_words
    ]


def _long_marks(text: str, least_words: int) -> list[Json]:
    """The marks of an answer of so many words; none of a shorter one, whose length alone shows it mostly."""
    most_words = (len(text) + 1) // 2 if text.isascii() else len(text)
    if most_words < least_words:
        return []
    from grader.sandbox.programs.passages import text_marks, text_tokens

    return [list(mark) for mark in text_marks(text)] if len(text_tokens(text)) >= least_words else []


def picture_marks(found: Sequence[Mapping[str, Json]]) -> list[Json]:
    """Pictures on which there is anything."""
    return [{"path": one["path"], **one["found"]} for one in found if one["found"] and one["found"]["small"]]


def log_marks(submission: Submission, files: Sequence[SubmittedFile]) -> list[Json]:
    """The curves of logs, in units of their last digit, so that no rounding stands between two of them."""
    if not files:  # no start pays for the readers in vain
        return []
    from grader.checks._logged import Logged, read_of

    made = []
    for file in files:
        logged = read_of(submission, file)
        if isinstance(logged, Logged):
            curves = [curve for curve in _curves(logged) if len(curve["values"]) > 2]
            if curves:
                made.append({"path": file.path, "curves": curves[:MOST_CURVES]})
    return made


def _curves(logged: Logged) -> Iterator[dict[str, Json]]:
    from grader.checks._logged import curves_of

    for curve in curves_of(logged):
        values = [value for _, value in logged.series(curve)][:MOST_VALUES]
        known = [value for value in values if value.value is not None]
        steps = [value.step or Fraction(1, value.total or 1) for value in known]
        if not steps:
            continue
        unit = min(steps)
        whole = [round((value.value or Fraction(0)) / unit) for value in known]
        if all(abs(number) < _LARGEST for number in whole):
            yield {"name": str(curve), "unit": str(unit), "values": whole}


def _texts(value: Json) -> Iterator[str]:
    """Every text within an answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value[:1000]:
            yield from _texts(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
