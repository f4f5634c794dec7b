"""Does a report say two things about one size? The text says one height, the shape below it another: both places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from grader.answers.formulas.compare import Agreement, compare_formulas
from grader.answers.formulas.domain import Domain
from grader.answers.formulas.finding import FoundFormula
from grader.answers.formulas.reading import Formula, ShapeFormula
from grader.frozen import dataclass

NEAR: Final = 25  # lines between two places that speak of the same thing
MOST_NEAR: Final = 40  # formulas that are looked at before a shape
MOST_DEFINED: Final = 400  # definitions that are held against each other
# The axes of a shape of four entries, by where the channels stand.
_LAYOUTS: Final = {"first": {"channels": 1, "height": 2, "width": 3}, "last": {"height": 1, "width": 2, "channels": 3}}
_DOMAIN: Final = Domain(least=1)


@dataclass(frozen=True)
class FormulaContradiction:
    """Two places that cannot both be right; `of` says about what."""

    first: FoundFormula
    second: FoundFormula
    of: str
    first_says: str
    second_says: str

    @property
    def said(self) -> str:
        """One sentence with both places."""
        return (
            f"line {self.first.line} gives the {self.of} as {self.first_says}, "
            f"line {self.second.line} as {self.second_says}"
        )


def formula_contradictions(found: Sequence[FoundFormula]) -> tuple[FormulaContradiction, ...]:
    r"""Every pair of formulas of one report that speak of the same size and differ for some whole numbers.

    >>> from grader.answers.formulas.finding import find_formulas
    >>> from grader.documents.report_lines import Line
    >>> found = find_formulas(
    ...     [
    ...         Line(1, "The resulting height is ceil(T/2) and the resulting width is floor(C/2)."),
    ...         Line(2, "The output shape is [B, T, ceil(T/2), ceil(T/2)]."),
    ...     ]
    ... )
    >>> [one.said for one in formula_contradictions(found)]
    ['line 1 gives the width as floor(C/2), line 2 as ceil(T/2)']
    """
    return (*_with_shapes(found), *_by_name(found))


def _with_shapes(found: Sequence[FoundFormula]) -> Iterator[FormulaContradiction]:
    for index, shape in enumerate(found):
        if not isinstance(shape.formula, ShapeFormula) or len(shape.formula.entries) != 4 or shape.label == "input":
            continue
        before = found[max(0, index - MOST_NEAR) : index]
        near = [one for one in before if one.label in ("height", "width") and _is_near(one, shape)]
        latest = {one.label: one for one in near}  # what was said last about each
        conflicts = [
            [
                FormulaContradiction(one, shape, label, str(one.formula), str(entry))
                for label, one in latest.items()
                if isinstance(one.formula, Formula)
                and _differ(one.formula, entry := shape.formula.entries[axes[label]])
            ]
            for axes in _LAYOUTS.values()
        ]
        yield from min(conflicts, key=len)  # the layout that speaks best for the report


def _is_near(one: FoundFormula, shape: FoundFormula) -> bool:
    return one is not shape and one.part == shape.part and 0 <= shape.line - one.line <= NEAR and not one.is_shape


def _by_name(found: Sequence[FoundFormula]) -> Iterator[FormulaContradiction]:
    """One name that is defined twice, by formulas in the same letters."""
    defined: dict[tuple[str, frozenset[str]], FoundFormula] = {}
    for one in islice((one for one in found if one.name), MOST_DEFINED):
        if not isinstance(one.formula, Formula):
            continue
        key = (one.name, frozenset(one.formula.names))
        first = defined.setdefault(key, one)
        if first is one or not isinstance(first.formula, Formula):
            continue
        if _differ(first.formula, one.formula):
            yield FormulaContradiction(first, one, one.name, str(first.formula), str(one.formula))


def _differ(one: Formula, other: Formula) -> bool:
    """Do they differ in every reading?"""
    return one.readings != other.readings and _differ_in_every_reading(one, other)


@lru_cache(maxsize=256)  # the same two formulas stand side by side again and again in a long report
def _differ_in_every_reading(one: Formula, other: Formula) -> bool:
    return all(
        compare_formulas(left.tree, right.tree, _DOMAIN, known=(*one.names, *other.names)).agreement
        is Agreement.DIFFERENT
        for left in one.readings
        for right in other.readings
    )
