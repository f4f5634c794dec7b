"""What does a TA read below the class table? How the points are spread, the hardest tasks, who is on the line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import ConsoleRenderable, Group
from rich.table import Table
from rich.text import Text

from grader.reports.class_facts import NEAR_WORDS, ClassFacts, Stand
from grader.reports.plain import plain, points_text

if TYPE_CHECKING:
    from grader.gradebook.nouns import Grade

LEAST = 3  # hand-ins: of fewer the table says it all
MOST_HARD = 5
MOST_BORDERLINE = 30
MOST_MISSING = 100
_WIDTH = 40  # of the longest bar


def class_extras(facts: Sequence[ClassFacts]) -> ConsoleRenderable | None:
    """All of it, for each assignment; None where the class is too small to need it."""
    parts = [part for one in facts if one.count >= LEAST and one.mean is not None for part in _of(one)]
    return Group(*parts) if parts else None


def missing_table(missing: Sequence[Grade]) -> ConsoleRenderable:
    """The students without a grade, and why."""
    table = Table(title="Without a grade", title_style="bold", title_justify="left", box=None, pad_edge=False)
    table.add_column("student", overflow="fold")
    table.add_column("", overflow="fold")
    table.add_column("why", overflow="fold")
    for one in missing[:MOST_MISSING]:
        table.add_row(
            Text(plain(one.id, limit=64)), Text(plain(one.name, limit=60)), Text(plain(one.reason, limit=240))
        )
    if len(missing) > MOST_MISSING:
        table.add_row(Text(f"and {len(missing) - MOST_MISSING:,} more"), Text(), Text())
    return Group(Text(), table)


def _of(one: ClassFacts) -> list[ConsoleRenderable]:
    parts: list[ConsoleRenderable] = [Text(), _headline(one), _histogram(one)]
    hard = [task for task in one.hard if task.mean < 1][:MOST_HARD]
    if hard:
        table = Table(title="Hardest tasks", title_style="bold", title_justify="left", box=None, pad_edge=False)
        table.add_column("task", overflow="fold")
        table.add_column("", overflow="fold")
        for name in ("mean", "all points", "none", "of"):
            table.add_column(name, justify="right", no_wrap=True)
        for task in hard:
            table.add_row(
                Text(plain(task.task, limit=40)),
                Text(plain(task.title, limit=60)),
                f"{100 * float(task.mean):.0f}%",
                str(task.full),
                str(task.nothing),
                str(task.hand_ins),
            )
        parts += [Text(), table]
    if one.has_line:
        parts += [Text(), _borderline(one)]
    return parts


def _headline(one: ClassFacts) -> Text:
    mean, median = (f"{100 * float(value):.0f}%" for value in (one.mean or 0, one.median or 0))
    said = Text.assemble(
        (plain(one.assignment), "bold"), f": {one.count:,} hand-ins, {mean} of the points in the mean, {median} in the "
        "median",
    )  # fmt: skip
    if one.has_line:
        line = f" {points_text(one.line)}" if one.line is not None else ""
        said.append(f"; pass line{line}: {one.passed:,} reached it, {one.failed:,} did not")
        if one.undecided:
            said.append(f", {one.undecided:,} depend on open points")
    if one.open_count:
        said.append("; what is open counts as nothing yet", style="dim")
    return said


def _histogram(one: ClassFacts) -> ConsoleRenderable:
    most = max((each.count for each in one.bins), default=0)
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for each in one.bins:
        length = max(1, round(_WIDTH * each.count / most)) if each.count else 0
        bar = Text("█" * length, style="blue")
        table.add_row(Text(each.name, style="dim"), bar + Text(f" {each.count:,}" if each.count else ""))
    return table


def _borderline(one: ClassFacts) -> ConsoleRenderable:
    if not one.borderline:
        return Text(f"On the line (within {NEAR_WORDS} of a pass line): nobody")
    parts = [Text(f"On the line (within {NEAR_WORDS} of a pass line): {len(one.borderline):,}", style="bold")]
    parts += [_stand(each) for each in one.borderline[:MOST_BORDERLINE]]
    if len(one.borderline) > MOST_BORDERLINE:
        parts.append(Text(f"  and {len(one.borderline) - MOST_BORDERLINE:,} more"))
    return Group(*parts)


def _stand(one: Stand) -> Text:
    names = ", ".join(plain(student.name or student.id, limit=40) for student in one.students[:4])
    waiting = f", {points_text(one.open_points)} open" if one.open_points else ""
    return Text.assemble(
        f"  {plain(one.submission, limit=60)}",
        (f"  {names}" if names else "", "dim"),
        f"  {points_text(one.points)} of {points_text(one.max_points)}{waiting}",
    )
