"""What would a run recompute, and how long would that take? For `run-all --dry-run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model import Json
from grader.reports.progress import duration
from grader.reports.scorecard import problem_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from grader.running import Planned

FORM = "grader-run-plan/1"


def plan_json(plan: Planned) -> dict[str, Json]:
    """The plan as plain JSON (schema: run-plan)."""
    return {
        "form": FORM,
        "hand_ins": plan.hand_ins,
        "shared": plan.shared,
        "kinds": [
            {
                "kind": one.kind,
                "jobs": one.jobs,
                "known": one.known,
                "untimed": one.untimed,
                "seconds": round(one.seconds, 3),
            }
            for _, one in sorted(plan.kinds.items())
        ],
        "problems": [problem_json(problem) for problem in plan.problems],
    }


def plan_table(plan: Planned, *, workers: int) -> RenderableType:
    """One line per kind of job, and what they come to with so many workers."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from grader.reports.plain import plain

    table = Table(title="Recomputations", title_style="bold", expand=False, pad_edge=False)
    table.add_column("kind")
    for word in ("jobs", "known", "to do", "seconds"):
        table.add_column(word, justify="right")
    for _, one in sorted(plan.kinds.items()):
        todo = one.jobs - one.known
        timed = todo - one.untimed
        cost = "-" if not todo else "not known" if not timed else f"{one.seconds:,.1f}" + ("+" if one.untimed else "")
        table.add_row(one.kind, f"{one.jobs:,}", f"{one.known:,}", f"{todo:,}", cost)
    todo = sum(one.jobs - one.known for one in plan.kinds.values())
    untimed = sum(one.untimed for one in plan.kinds.values())
    seconds = sum(one.seconds for one in plan.kinds.values())
    said = f"{plan.hand_ins:,} hand-ins; {todo:,} recomputations to do, {plan.shared:,} needs shared with others"
    if todo > untimed:
        said += f"; about {duration(seconds / workers)} with {workers} workers, by earlier runs"
    if untimed:
        said += f"; {untimed:,} of a kind that has not been run here, of unknown cost"
    problems = [
        Text(f"{plain(one.where, limit=80)}: {plain(one.what, limit=240)}\n  fix: {plain(one.fix, limit=240)}")
        for one in plan.problems
    ]
    return Group(table, Text(said), *problems)
