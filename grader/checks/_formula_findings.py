"""What is said about stated formulas? One finding for each entry, and a remark on axes in another order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from grader.answers.formulas import Agreement, Formula, FormulaVerdict, compare_formulas, names_in, near_misses, render
from grader.answers.formulas.near_misses import explained
from grader.answers.formulas.tree import Name, number
from grader.checks._formula_answer import Stated
from grader.checks._formula_task import Task, Wanted, worth
from grader.checks._settings import share
from grader.checks.base import failed, partial, passed, remark, review, shown
from grader.frozen import dataclass
from grader.model import Answer, Finding, Json, Outcome

_OPEN: Final = number(-1)
_RIGHT: Final = (Agreement.EQUAL,)
_FIX: Final = "put small numbers in, count the places of the kernel, and look at each step of the formula"


@dataclass(frozen=True)
class Judged:
    """One entry with its verdict; `verdict` None where a free name decides (`is_right` then says how)."""

    wanted: Wanted
    stated: Formula
    verdict: FormulaVerdict | None
    is_right: bool
    said: str = ""


def formula_findings(task: Task, stated: Stated, settings: Mapping[str, Json], answer: Answer) -> Iterator[Finding]:
    """A finding for each entry (one in all where their number is wrong), and remarks."""
    details: dict[str, Json] = {"observed": shown(answer.value), "place": answer.place}
    if len(stated.entries) != len(task.entries):
        yield _of_other_rank(task, stated, details)
        return
    judged = [_judged(task, wanted, one) for wanted, one in zip(task.entries, stated.entries, strict=True)]
    turned = _turned(task, stated, judged)
    price = worth(settings, "other_layout")
    if turned is not None and all(one.is_right for one in turned) and price is not None:
        said = f"the shape is right with the channels {_other_place(task)}; asked is {task.layout}"
        fix = f"write the axes in the order of the task ({task.layout})"
        yield partial(said, price, **details, expected=_expected(task), fix=fix, code="other-layout")
        return
    total = sum((wanted.weight for wanted in task.entries), Fraction(0)) or Fraction(1)
    for index, one in enumerate(judged):
        place = answer.place.child(index) if isinstance(answer.value, list) else answer.place
        head = f"entry {index + 1}: " if task.is_shape else ""
        share_of = {"weight": one.wanted.weight / total, "place": place, "expected": _wanted_words(one.wanted)}
        yield _finding(one, task, settings, head, {**details, **share_of})
    if turned is not None:
        yield _layout_remark(task, judged, turned, details)


def _of_other_rank(task: Task, stated: Stated, details: Mapping[str, Json]) -> Finding:
    said = f"the shape has {len(stated.entries)} entries and {len(task.entries)} are asked"
    fix = "write every axis, the batch and the channels too"
    rest = task.entries[1:]
    is_batch_left_out = len(stated.entries) == len(rest) > 1 and isinstance(task.entries[0].tree, Name)
    if is_batch_left_out and all(
        _judged(task, wanted, one).is_right for wanted, one in zip(rest, stated.entries, strict=True)
    ):
        said += ": the first one is left out, the others are right; a person decides"
        return review(said, **details, expected=_expected(task), fix=fix, code="batch-left-out")
    return failed(said, **details, expected=_expected(task), fix=fix, code="wrong-rank")


def _expected(task: Task) -> str:
    entries = ", ".join(_wanted_words(wanted) for wanted in task.entries)
    return f"[{entries}]" if task.is_shape else entries


def _wanted_words(wanted: Wanted) -> str:
    return f"{render(wanted.tree)} (any name)" if wanted.is_free else render(wanted.tree)


def _judged(task: Task, wanted: Wanted, stated: Formula) -> Judged:
    tree = stated.tree
    if wanted.is_free and isinstance(tree, Name):
        if tree.name in task.taken:
            return Judged(wanted, stated, None, is_right=False, said=f"{tree.name} is another size of the input")
        return Judged(wanted, stated, None, is_right=True)
    if wanted.is_free:
        said = "here stand the output's channels, which no size gives"
        return Judged(
            wanted, stated, None, is_right=False, said=said if wanted.axis else "a name of its own belongs here"
        )
    if tree == _OPEN:
        is_batch = isinstance(wanted.tree, Name) and wanted is task.entries[0]
        return Judged(wanted, stated, None, is_right=is_batch, said="" if is_batch else "the size is left open")
    verdicts = [
        compare_formulas(stated, right, task.domain, known=task.names, also=task.also)
        for right in (wanted.tree, *wanted.also)
    ]
    best = min(verdicts, key=lambda one: _ORDER.index(one.agreement))
    return Judged(wanted, stated, best, best.is_right)


_ORDER: Final = (
    Agreement.EQUAL,
    Agreement.AMBIGUOUS,
    Agreement.RENAMED,
    Agreement.UNFLOORED,
    Agreement.UNDECIDED,
    Agreement.UNKNOWN_NAMES,
    Agreement.DIFFERENT,
)


def _finding(one: Judged, task: Task, settings: Mapping[str, Json], head: str, details: Mapping[str, Json]) -> Finding:
    stated, verdict = shown(str(one.stated)), one.verdict
    is_revealed = settings.get("reveal", True)
    if one.is_right:
        equals = f", which equals {render(one.wanted.tree)}" if is_revealed and _is_rewritten(one) else ""
        note = f" ({verdict.assumed})" if verdict is not None and verdict.assumed else ""
        return passed(f"{head}{stated} is right{equals}{note}", **details, code="right")
    if verdict is None:
        return failed(f"{head}{stated} is wrong: {one.said}", **details, fix=_FIX, code="wrong-formula")
    if verdict.agreement is Agreement.UNFLOORED:
        return _unfloored(one, verdict, settings, head, details)
    if verdict.agreement is Agreement.AMBIGUOUS:
        fix = "write brackets, so that only one reading is left"
        return review(f"{head}{verdict.said}; a person decides", **details, fix=fix, code="two-readings")
    if verdict.agreement is Agreement.RENAMED:
        fix = "use the names of the task, or say what yours stand for"
        said = f"{head}{verdict.said}; a person decides"
        return review(said, credit=Fraction(1), **details, fix=fix, code="own-names")
    if verdict.agreement is Agreement.UNKNOWN_NAMES:
        fix = f"use the names of the task: {', '.join(task.names)}"
        return review(f"{head}{verdict.said}; a person looks", **details, fix=fix, code="unknown-names")
    if verdict.agreement is Agreement.UNDECIDED:
        return review(f"{head}{verdict.said}; a person looks", **details, fix=_FIX, code="undecided")
    return _wrong(one, verdict, task, head, details, is_revealed=is_revealed)


def _is_rewritten(one: Judged) -> bool:
    verdict = one.verdict
    return verdict is not None and verdict.stated != one.wanted.tree and not one.wanted.is_free


def _unfloored(
    one: Judged, verdict: FormulaVerdict, settings: Mapping[str, Json], head: str, details: Mapping[str, Json]
) -> Finding:
    said = f"{head}no rounding is written in {shown(str(one.stated))}; it is right wherever it is a whole number"
    if verdict.counterexample is not None and settings.get("reveal", True):
        said += f" ({verdict.counterexample.said})"
    fix = "say how the division is rounded: floor for convolutions and pooling"
    if "accept_unfloored" not in settings:
        return review(f"{said}; a person decides", **details, fix=fix, code="unfloored")
    return partial(said, share(settings["accept_unfloored"]), **details, fix=fix, code="unfloored")


def _wrong(
    one: Judged, verdict: FormulaVerdict, task: Task, head: str, details: Mapping[str, Json], *, is_revealed: bool
) -> Finding:
    said = f"{head}{shown(str(one.stated))} is wrong"
    example = verdict.counterexample
    if example is not None:
        where = ", ".join(f"{name} = {value:,}" for name, value in example.point)
        said += f": {example.said}" if is_revealed else f" for {where}" if where else ""
    wanted = one.wanted
    misses = near_misses(verdict.stated, wanted.tree, task.domain, size=wanted.size, window=wanted.window)
    if misses:
        said += f"; {explained(misses)}"
    return failed(said, **details, fix=_FIX, code=misses[0].code if misses else "wrong-formula")


# --- the order of the axes ------------------------------------------------------------------------


def _turned(task: Task, stated: Stated, judged: Sequence[Judged]) -> list[Judged] | None:
    """The entries judged with the channels at the other place, where that explains more of them."""
    if not task.layout or len(task.entries) < 4 or all(one.is_right for one in judged):
        return None
    first, *rest = stated.entries
    moved = (first, *rest[1:], rest[0]) if task.layout == "channels-last" else (first, rest[-1], *rest[:-1])
    turned = [_judged(task, wanted, one) for wanted, one in zip(task.entries, moved, strict=True)]
    return turned if _fit(task, turned) > _fit(task, judged) else None


def _fit(task: Task, judged: Sequence[Judged]) -> tuple[int, int]:
    """How many entries fit in kind (a size from a size, a name for the channels), and how many are right."""
    kinds = 0
    for one in judged:
        is_name = isinstance(one.stated.tree, Name)
        is_of_size = one.wanted.size is not None and set(names_in(one.wanted.size)) <= set(one.stated.names)
        is_spatial = one.wanted.window is not None or not isinstance(one.wanted.tree, Name)
        kinds += one.is_right or (is_of_size and not is_name if is_spatial else is_name)
    del task
    return kinds, sum(one.is_right for one in judged)


def _other_place(task: Task) -> str:
    return "in front (batch, channels, height, width)" if task.layout == "channels-last" else "last"


def _layout_remark(
    task: Task, judged: Sequence[Judged], turned: Sequence[Judged], details: Mapping[str, Json]
) -> Finding:
    right = sum(one.is_right for one in turned)
    total = len(judged)
    said = f"the axes are written with the channels {_other_place(task)}, but asked is {task.layout}"
    if right == total:
        said += "; in that order every entry would be right"
    fix = f"write the axes in the order of the task ({task.layout})"
    return remark(Outcome.FAILED, said, **details, fix=fix, code="other-layout")
