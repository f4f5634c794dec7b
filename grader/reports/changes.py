"""Who would have other points by today's rules, and by how much? As JSON (schema: regrade), and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from grader.model import Json
from grader.reports.plain import plain, points_text
from grader.scoring import rounded

if TYPE_CHECKING:
    from rich.console import RenderableType

    from grader.gradebook.nouns import Change

FORM = "grader-regrade/1"
MOST_SHOWN = 200  # rows of a table; the JSON has all


def regrade_json(changes: Sequence[Change], *, hand_ins: int, is_preview: bool) -> dict[str, Json]:
    """What a regrade changes, as plain JSON; `hand_ins` is how many were graded. Points are rounded to 4 decimals."""
    return {
        "form": FORM,
        "is_preview": is_preview,
        "hand_ins": hand_ins,
        "changed": sum(one.before is not None for one in changes),
        "new": sum(one.before is None for one in changes),
        "lines_crossed": sum(one.is_line_crossed for one in changes),
        "flagged": sum(one.is_flagged for one in changes),
        "changes": [_change(one) for one in changes],
    }


def _change(one: Change) -> dict[str, Json]:
    return {
        "assignment": one.assignment,
        "submission": one.submission,
        "students": [{"id": student.id, "name": student.name} for student in one.students],
        "before": _number(one.before),
        "after": _number(one.after),
        "max_points": _number(one.max_points),
        "open_before": _number(one.open_before),
        "open_after": _number(one.open_after),
        "tasks": [
            {"task": task, "before": _number(before), "after": _number(after)}
            for task, (before, after) in one.tasks.items()
        ],
        "passed_before": one.passed_before,
        "passed_after": one.passed_after,
        "is_line_crossed": one.is_line_crossed,
        "is_flagged": one.is_flagged,
    }


def _number(points: Fraction | None) -> int | float | None:
    if points is None:
        return None
    number = rounded(points, 4)
    return int(number) if number == number.to_integral_value() else float(number)


def changes_table(changes: Sequence[Change]) -> RenderableType:
    """One line for each hand-in that changes, those whose passing is decided otherwise first, then by how much."""
    from rich.table import Table
    from rich.text import Text

    table = Table(expand=False, pad_edge=False)
    table.add_column("hand-in", overflow="fold")
    for title in ("before", "after", "by"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("tasks", overflow="fold")
    table.add_column("", overflow="fold")
    for one in sorted(changes, key=_how_much)[:MOST_SHOWN]:
        by = one.after - (one.before or 0)
        table.add_row(
            Text(plain(one.submission, limit=40)),
            "new" if one.before is None else _points(one.before, one.open_before),
            _points(one.after, one.open_after),
            "" if one.before is None else Text(_signed(by), style="red" if by < 0 else "green" if by else "dim"),
            Text("" if one.before is None else _tasks(one), style="dim"),
            Text("; ".join(_words(one)), style="bold"),
        )
    return table


def _how_much(one: Change) -> tuple[bool, bool, Fraction, str]:
    by = abs(one.after - one.before) if one.before is not None else Fraction(0)
    return not one.is_line_crossed, one.before is None, -by, one.submission


def _points(points: Fraction, waiting: Fraction) -> str:
    return points_text(points) + (f" (+{points_text(waiting)} open)" if waiting else "")


def _signed(points: Fraction) -> str:
    return ("+" if points > 0 else "") + points_text(points).replace("-", "−")


def _tasks(one: Change) -> str:
    return ", ".join(
        f"{plain(task, limit=20)}: {'-' if before is None else points_text(before)} → "
        f"{'-' if after is None else points_text(after)}"
        for task, (before, after) in one.tasks.items()
    )


def _words(one: Change) -> list[str]:
    words = []
    if one.is_line_crossed:
        said = {True: "passes", False: "does not pass", None: "whether it passes is open"}[one.passed_after]
        words.append(said)
    if one.is_flagged:
        words.append("a decision stands on findings that change")
    return words


def summary(document: Json) -> str:
    """What came of it, in one line below the table."""
    count = f"{document['changed']:,} of {document['hand_ins']:,} hand-ins change"
    parts = [f"{document['new']:,} new" * bool(document["new"])]
    parts.append(f"{document['lines_crossed']:,} decided otherwise on passing" * bool(document["lines_crossed"]))
    parts.append(f"{document['flagged']:,} with decisions to look at" * bool(document["flagged"]))
    more = len(document["changes"]) - MOST_SHOWN
    parts.append(f"{more:,} of them not shown here (--json has all)" * (more > 0))
    return ", ".join([count, *filter(None, parts)])
