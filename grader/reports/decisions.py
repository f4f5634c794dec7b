"""What is told of what people decided? To the student the points that hold and the comments, to staff all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from grader.model import Decision, DecisionKind, ScoreCard, Visibility
from grader.reports.plain import plain, plain_lines, points_text
from grader.settling import in_force

if TYPE_CHECKING:
    from rich.text import Text


def seen_by(decisions: Iterable[Decision], card: ScoreCard, *, for_staff: bool) -> list[Decision]:
    """The decisions that are shown: all of them to staff; to the student the points that hold, and comments.

    A rule for staff is not named to a student: its points are in the sums, a comment on it stands at its task.
    """
    all_ = list(decisions)
    if for_staff:
        return all_
    holding = {one.id for one in in_force(card, all_).values()}
    hidden = {
        (task.task, rule.rule) for task in card.tasks for rule in task.rules if rule.visibility is Visibility.STAFF
    }
    made = []
    for one in all_:
        is_hidden = (one.task, one.rule) in hidden
        if one.is_undone or (one.kind is DecisionKind.OVERRIDE and (is_hidden or one.id not in holding)):
            continue
        made.append(replace(one, rule="") if is_hidden else one)
    return made


def decisions_text(decisions: Sequence[Decision], *, for_staff: bool) -> Text:
    """They as lines for a terminal."""
    from rich.text import Text

    made = Text("\nDecided by people\n", style="bold")
    for one in decisions:
        where = " ".join(part for part in (one.task and f"task {one.task}", one.rule) if part) or "the hand-in"
        points = f": {points_text(one.points)} points" if one.points is not None else ""
        made.append(f"  ✎ {plain(where, limit=80)}{points}", style="cyan not bold")
        if one.is_undone:
            made.append("  undone", style="dim")
        if one.is_moved and for_staff:
            made.append("  the findings under it have changed since", style="magenta not bold")
        made.append("\n")
        for line in plain_lines(one.text).split("\n") if one.text else ():
            made.append(f"    {line}\n", style="not bold")
        if for_staff:
            reason = f": {plain(one.reason)}" if one.reason else ""
            made.append(f"    {plain(one.author, limit=60)}, {one.at:%Y-%m-%d %H:%M}{reason}\n", style="dim")
    made.rstrip()
    return made
