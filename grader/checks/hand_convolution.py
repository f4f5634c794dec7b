"""Is a convolution that was computed by hand right, entry by entry?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import prod
from typing import ClassVar, Final

from grader.answers.answer_error import AnswerError
from grader.answers.matrices import parse_matrix
from grader.answers.mentions import run_of_numbers
from grader.answers.writing import spoken
from grader.checks._convolution import CONVOLUTION, CORRELATION, Matrix
from grader.checks._doubt import review_of
from grader.checks._hand_slips import Slip, Task, find_slips, is_near
from grader.checks._lint import as_meant, is_decimal, setting_problem
from grader.checks._settings import share, share_schema
from grader.checks.base import (
    Check,
    answer_to,
    failed,
    partial,
    passed,
    register,
    review,
    shown,
    unanswered,
    unreadable,
)
from grader.model import Answer, EvidenceByJob, Finding, Json, Place, Problem, Rule, Submission

_MAX_SIDE = {"image": 30, "kernel": 11}


def _matrix_schema(setting: str, description: str) -> Mapping[str, Json]:
    side = _MAX_SIDE[setting]
    entry = {"anyOf": [{"type": "number"}, {"type": "string", "minLength": 1, "maxLength": 40}]}
    row = {"type": "array", "minItems": 1, "maxItems": side, "items": entry}
    return {"type": "array", "minItems": 1, "maxItems": side, "items": row, "description": description}


_MATRIX_ANSWER: Final[Mapping[str, Json]] = {
    "anyOf": [
        {"type": "array", "items": {"type": "array", "items": {"type": ["number", "string"]}}},
        {"type": "array", "items": {"type": ["number", "string"]}},
        {"type": "string", "maxLength": 50_000},
    ],
    "examples": [[[1, -2, 0], [3, 4, -5]]],
}


@register
class HandConvolution(Check):
    """Compares a matrix that was computed by hand with the convolution of an image and a kernel.

    What it looks at: every entry, exactly (or within `abs_tolerance`). `convention: convolution` flips the kernel in
    both directions before it slides, as mathematics does; `cross-correlation` does not, as PyTorch does: say on
    the assignment sheet which one is meant. `padding` says what lies beyond the border: `zero`, `replicate` and
    `reflect` keep the size at stride 1, `valid` adds nothing, a number is so many zeros on each side.

    Credit: the share of entries that are right. A matrix that is right throughout for another convention, another
    border, or with rows and columns swapped is recognised and named in one sentence; `other_convention`,
    `other_border` and `transposed` say what it is worth, two of them together the product. It never earns less
    than the entries that happen to agree. Turned signs, and a kernel that was flipped in one direction only, are
    named too. For a kernel that is the negative of its own flip, such as Sobel's, the two conventions differ by
    every sign.

    Why it matters: the libraries say convolution and compute the cross-correlation. Who has done both by hand knows.

    Not covered: the working. A matrix of the wrong size that no known slip explains earns nothing.

        - check: hand-convolution
          answer: "1a"
          image: [[1, 0, 2, 3, 1], [3, 2, 0, 7, 0], [0, 6, 1, 1, 4]]
          kernel: [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
          convention: convolution
          padding: zero
          other_convention: 0.5
    """

    name: ClassVar[str] = "hand-convolution"
    reads_answer: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["image", "kernel", "convention", "padding"],
        "properties": {
            "image": _matrix_schema("image", "the image, row by row; an entry may be text such as 1/9"),
            "kernel": _matrix_schema("kernel", "the kernel as it stands on the sheet, row by row"),
            "convention": {
                "enum": ["convolution", "cross-correlation"],
                "description": "whether the kernel is flipped in both directions (convolution) or not",
            },
            "padding": {
                "anyOf": [
                    {"enum": ["zero", "valid", "replicate", "reflect"]},
                    {"type": "integer", "minimum": 0, "maximum": 20},
                ],
                "description": "what lies beyond the border, or how many zeros are added on each side",
            },
            "stride": {
                "anyOf": [
                    {"type": "integer", "minimum": 1, "maximum": 30},
                    {
                        "type": "array",
                        "minItems": 2,
                        "maxItems": 2,
                        "items": {"type": "integer", "minimum": 1, "maximum": 30},
                    },
                ],
                "default": 1,
                "description": "pixels per step, one number or [down, across]",
            },
            "abs_tolerance": {
                "type": "number",
                "minimum": 0,
                "default": 0,
                "description": "how far off an entry may be, where entries are no whole numbers",
            },
            "other_convention": share_schema("what an answer earns that is right throughout in the other convention"),
            "other_border": share_schema("what an answer earns that is right throughout for another border"),
            "transposed": share_schema("what an answer earns that has rows and columns swapped"),
        },
    }

    def answer_schema(self, rule: Rule) -> Mapping[str, Json]:
        """A matrix, as rows of numbers."""
        del rule
        return {**_MATRIX_ANSWER, "description": "the matrix, a list for each row"}

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Rows of different length, a kernel that does not fit or has no centre, entries that need a tolerance."""
        settings = rule.settings
        is_readable = True
        for name in ("image", "kernel"):
            for problem in _matrix_problems(rule, name):
                is_readable = False
                yield problem
        if not is_readable:
            return
        task = _task(settings)
        is_even = len(task.kernel) % 2 == 0 or len(task.kernel[0]) % 2 == 0
        if is_even and settings["padding"] in ("zero", "replicate", "reflect"):
            what = "a kernel with an even side has no centre, so it is open on which side the border is wider"
            yield setting_problem(rule, ["padding"], what, "use `valid` or a number")
            return
        right = task.result()
        if right is None:
            what = f"the kernel does not fit the image with padding {settings['padding']}"
            yield setting_problem(rule, ["kernel"], what, "use a smaller kernel, a larger image or more padding")
            return
        if not settings.get("abs_tolerance") and not all(is_decimal(entry) for row in right for entry in row):
            what = "an entry of the result is no decimal number, so that none that is typed can be right"
            yield setting_problem(rule, ["kernel"], what, "set `abs_tolerance`, such as 0.01")
        is_same = _task({**settings, "convention": _other(settings)}).result() == right
        if "other_convention" in settings and is_same:
            what = "both conventions give the same matrix here, so there is no other one to recognise"
            yield setting_problem(
                rule, ["other_convention"], what, "leave `other_convention` out, or choose another kernel"
            )

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding."""
        del evidence
        answer = answer_to(rule, submission)
        if answer is None:
            yield unanswered(rule)
            return
        try:
            given = parse_matrix(answer.value, answer.place)
        except AnswerError as error:
            is_there = isinstance(answer.value, str) and run_of_numbers(
                answer.value, _flat(_task(rule.settings).result())
            )
            yield review_of(answer, error.problem) if is_there else unreadable(error.problem, answer.place)
            return
        yield _judged(rule.settings, answer, given)


def _flat(matrix: Matrix | None) -> tuple[Fraction, ...]:
    return tuple(entry for row in matrix or () for entry in row)


def _judged(settings: Mapping[str, Json], answer: Answer, given: Matrix) -> Finding:
    task = _task(settings)
    right = task.result()
    if right is None:
        raise ValueError("the kernel does not fit the image")  # lint refuses such a rubric
    tolerance = Fraction(str(settings.get("abs_tolerance", 0)))
    details: dict[str, Json] = {"expected": _rows(right), "observed": _rows(given), "place": answer.place}
    if is_near(given, right, tolerance):
        return passed(f"every entry is right ({len(right)}x{len(right[0])})", **details, code="right")
    wrong = _wrong(right, given, tolerance)
    total = len(right) * len(right[0])
    credit = Fraction(0) if wrong is None else Fraction(total - len(wrong), total)
    slips = find_slips(task, given, tolerance)
    if slips:
        slip = max(slips, key=lambda one: _worth(settings, one))  # of two explanations the better one
        worth = max(credit, _worth(settings, slip))
        return partial(
            slip.said, worth, **details, fix=_fix(settings, slip), code="+".join(_CODES[kind] for kind in slip.kinds)
        )
    if wrong is None:
        size = f"{len(given)}x{len(given[0])}"
        said = f"the matrix is {size} (rows x columns), which is not the size that this padding and stride give"
        if _flat(given) == _flat(right):
            fix = "write the rows as rows"
            return review(f"{said}; a person looks at how it is laid out", **details, fix=fix, code="unclear-answer")
        return failed(said, **details, fix="look again at what is added at the border", code="wrong-size")
    details["place"] = _place(answer, wrong)
    return partial(
        f"{total - len(wrong)} of {total} entries are right; {_listed(wrong, given)}",
        credit,
        **details,
        fix="compute these entries again; each is the sum over the kernel laid on the image at that place",
        code="wrong-entries",
    )


def _task(settings: Mapping[str, Json]) -> Task:
    stride = settings.get("stride", 1)
    return Task(
        image=_matrix(settings["image"]),
        kernel=_matrix(settings["kernel"]),
        flip=CONVOLUTION if settings["convention"] == "convolution" else CORRELATION,
        border=settings["padding"],
        stride=(stride, stride) if isinstance(stride, int) else (stride[0], stride[1]),
    )


def _matrix(rows: Json) -> Matrix:
    return tuple(tuple(as_meant(item) for item in row) for row in rows)


def _other(settings: Mapping[str, Json]) -> str:
    return "cross-correlation" if settings["convention"] == "convolution" else "convolution"


def _wrong(right: Matrix, given: Matrix, tolerance: Fraction) -> list[tuple[int, int]] | None:
    """Row and column (from 0) of every wrong entry; None where the shapes differ."""
    if (len(right), len(right[0])) != (len(given), len(given[0])):
        return None
    return [
        (r, c)
        for r, (row, other) in enumerate(zip(right, given, strict=True))
        for c, (wanted, stated) in enumerate(zip(row, other, strict=True))
        if abs(wanted - stated) > tolerance
    ]


_CREDITS: Final = {"convention": "other_convention", "border": "other_border", "transposed": "transposed"}
_CODES: Final = {
    "convention": "other-convention",
    "border": "other-border",
    "transposed": "transposed",
    "sign": "sign-flipped",
    "half-flip": "half-flipped-kernel",
}


def _worth(settings: Mapping[str, Json], slip: Slip) -> Fraction:
    """What the rubric gives for the slip; nothing for one that it does not price."""
    return prod((share(settings.get(_CREDITS.get(kind, ""), 0)) for kind in slip.kinds), start=Fraction(1))


def _fix(settings: Mapping[str, Json], slip: Slip) -> str:
    is_convolution = settings["convention"] == "convolution"
    flip = "flip the kernel in both directions first" if is_convolution else "lay the kernel on the image as it stands"
    border = {
        "zero": "take zeros beyond the border and keep the size of the image",
        "valid": "use only the places where the kernel lies wholly on the image",
        "replicate": "continue the image with its edge pixels",
        "reflect": "continue the image with its mirror image, the edge itself not repeated",
    }.get(str(settings["padding"]), f"add {settings['padding']} zeros on each side")
    fixes = {
        "convention": flip,
        "half-flip": flip,
        "border": border,
        "transposed": "write the rows as rows",
        "sign": "check the sign of every product",
    }
    return "; ".join(dict.fromkeys(fixes[kind] for kind in slip.kinds))


def _listed(wrong: list[tuple[int, int]], given: Matrix) -> str:
    first = [f"row {r + 1}, column {c + 1} ({spoken(given[r][c])})" for r, c in wrong[:3]]
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"wrong: {'; '.join(first)}{more}"


def _place(answer: Answer, wrong: list[tuple[int, int]]) -> Place:
    """The first wrong entry, where the answer is a list of lists."""
    r, c = wrong[0]
    is_nested = isinstance(answer.value, list) and all(isinstance(row, list) for row in answer.value)
    return answer.place.child(r, c) if is_nested else answer.place


def _rows(matrix: Matrix) -> str:
    return shown(" / ".join(" ".join(spoken(entry) for entry in row) for row in matrix), 400)


def _matrix_problems(rule: Rule, name: str) -> Iterator[Problem]:
    rows = rule.settings[name]
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            what = f"row {index + 1} has {len(row)} entries, row 1 has {len(rows[0])}"
            yield setting_problem(rule, [name, index], what, "give every row the same number of entries")
        for column, item in enumerate(row):
            try:
                as_meant(item)
            except AnswerError as error:
                yield setting_problem(rule, [name, index, column], error.problem.what, error.problem.fix)
