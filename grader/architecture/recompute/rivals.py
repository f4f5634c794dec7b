"""Which other lines have to be named: the second of two that contradict each other, and rows that cannot follow?

Two rows may disagree, and nothing in the print may say which of them is wrong: then both lines are named, each with
the other. And where a print says what feeds every row, a row that cannot follow from it is wrong for certain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from grader.architecture.readers.printed import Format, PrintedRow, PrintedSummary
from grader.architecture.recompute.flow import Flow
from grader.architecture.recompute.repairs import Repair
from grader.architecture.recompute.sentences import article, shape_words
from grader.architecture.recompute.steps import Step
from grader.architecture.recompute.stories import UNEXPLAINED
from grader.architecture.recompute.verdict import Disagreement

AS_GOOD = 0.15  # a repair that gains so little less is as good as the best
_LEAST_GAIN = 0.25
_MOST_RIVALS = 2


def rivals_told(
    summary: PrintedSummary, steps: Sequence[Step], repair: Repair, first: Disagreement
) -> Iterator[Disagreement]:
    """The lines that are as likely wrong as the one of `first`, which tells `repair`."""
    told = {first.line}
    if repair.story_gain <= _LEAST_GAIN:
        return  # only a sum speaks for it
    for rival in repair.rivals:
        if rival.index < 0 or rival.cell == "order" or rival.gain < repair.gain - AS_GOOD or len(told) > _MOST_RIVALS:
            continue
        step, other = steps[rival.index], rival.view[rival.index]
        row = summary.rows[step.row]
        if row.line in told or rival.mended != repair.mended:
            continue
        told.add(row.line)
        if rival.cell == "parameters":
            said, right = f"{step.count:,}", f"{other.count:,}"
        else:
            said = shape_words(step.outputs[0], summary.format)
            right = shape_words(other.outputs[0], summary.format)
        why = f"this and line {first.line} contradict each other: with {right} here everything goes together as well"
        yield Disagreement(row.line, rival.cell, said, right, why, step.row, is_certain=first.is_certain)


def unlawful_rows(
    summary: PrintedSummary, before: Flow, after: Flow, told: Collection[Disagreement]
) -> Iterator[Disagreement]:
    """Rows of Keras that no layer of their class makes of what is known to feed them.

    Left out are those that are `told` for certain, and those that a change told for certain makes lawful.
    """
    if summary.format is not Format.KERAS:
        return
    yield from _fed_from_below(summary)
    yield from _named_twice(summary)
    certain = {one.row for one in told if one.is_certain}
    doubtful = {one.row for one in told} - certain
    for index, (step, story) in enumerate(zip(before.steps, before.stories, strict=True)):
        is_known = step.sources is not None or (before.is_chain and not before.is_loose)
        if not is_known or story.price < UNEXPLAINED or story.given is None or step.row in certain:
            continue
        if step.operation.is_custom or not step.outputs:
            continue
        feeding = {before.steps[source].row for source in step.sources or (index - 1,) if source >= 0}
        if feeding & certain and after.stories[index].price < UNEXPLAINED:
            continue
        row = summary.rows[step.row]
        said, given = shape_words(step.outputs[0], summary.format), shape_words(story.given, summary.format)
        counted = f" with {step.count:,} parameters" if step.count else ""
        why = f"{article(step.name)}{counted} cannot make {said} of {given}, which is what it is given"
        yield Disagreement(row.line, "output", said, "", why, step.row)
        for feeder in feeding & doubtful:  # either of the two, and something else speaks against the first
            other = summary.rows[feeder]
            why = f"{row.name} on line {row.line} cannot make {said} of what {other.name} gives"
            yield Disagreement(other.line, "output", given, "", why, feeder)


def _named_twice(summary: PrintedSummary) -> Iterator[Disagreement]:
    """Keras refuses two layers of one name in one model, and prints a layer that is used twice once.

    A class of the student's own may name its layers as it likes.
    """
    has_input = bool(summary.rows) and summary.rows[0].type == "InputLayer"
    is_own = summary.title.lower().startswith(("sequential", "functional", "model"))
    if not (is_own or has_input or any(row.connected for row in summary.rows)):
        return
    seen: dict[str, PrintedRow] = {}
    for index, row in enumerate(summary.rows):
        is_whole = bool(row.type) and "…" not in row.name and "..." not in row.name
        if row.depth or not is_whole:
            continue
        if row.name in seen:
            why = f"{row.name} stands on line {seen[row.name].line} already: Keras has one row for each layer"
            yield Disagreement(row.line, "name", row.name, "", why, index)
        seen[row.name] = row


def _fed_from_below(summary: PrintedSummary) -> Iterator[Disagreement]:
    """Keras prints a layer behind all that it takes: one that is connected to a later row stands at the wrong place."""
    names = Counter(row.name for row in summary.rows)
    place = {row.name: index for index, row in enumerate(summary.rows) if names[row.name] == 1}
    for index, row in enumerate(summary.rows):
        below = [name for name in row.connected if place.get(name, -1) > index]
        if not below or names[row.name] > 1:
            continue
        other = summary.rows[place[below[0]]]
        why = f"{row.name} takes what {other.name} gives, which stands below it on line {other.line}"
        yield Disagreement(row.line, "name", row.name, other.name, f"{why}: Keras prints it the other way round", index)
        why = f"{row.name} on line {row.line} takes what {other.name} gives, and stands above it"
        yield Disagreement(other.line, "name", other.name, row.name, why, place[below[0]])
