"""A rubric for the eye: tasks, points, and what each rule looks at."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from grader.model import Json, Rubric, Rule, Visibility
from grader.reports.plain import plain, points_text


def rubric_table(rubric: Rubric) -> Table:
    """One line per rule, the task's title above its rules."""
    of = f", variant {rubric.variant} of {', '.join(rubric.variants)}" if rubric.variant else ""
    title = Text(f"{rubric.assignment}{of}: {plain(rubric.title)}")
    table = Table(title=title, title_style="bold", pad_edge=False)
    for column in ("task", "rule", "check", "answer"):
        table.add_column(column)
    table.add_column("points", justify="right")
    table.add_column("notes")
    for task in rubric.tasks:
        table.add_row(Text(plain(task.id), style="bold"), Text(plain(task.title), style="bold"), "", "",
                      Text(points_text(task.points), style="bold"), "")  # fmt: skip
        for rule in task.rules:
            table.add_row("", rule.id, rule.check, rule.answer or "", points_text(rule.points), Text(_notes(rule)))
    line = "" if rubric.pass_points is None else f", pass line {points_text(rubric.pass_points)}"
    table.caption = f"{points_text(rubric.points)} points{line}"
    return table


def rubric_json(rubric: Rubric) -> Json:
    """The rubric as plain JSON, points as exact fractions in text."""
    return {
        "assignment": rubric.assignment,
        "title": rubric.title,
        "digest": rubric.digest,
        **({"variant": rubric.variant, "variants": list(rubric.variants)} if rubric.variant else {}),
        "points": str(rubric.points),
        "pass_points": None if rubric.pass_points is None else str(rubric.pass_points),
        "tasks": [
            {
                "id": task.id,
                "title": task.title,
                "points": str(task.points),
                "rules": [
                    {
                        "id": rule.id,
                        "check": rule.check,
                        "points": str(rule.points),
                        "answer": rule.answer,
                        "after": list(rule.after),
                        "visibility": rule.visibility.value,
                        "is_bonus": rule.is_bonus,
                        "settings": dict(rule.settings),
                    }
                    for rule in task.rules
                ],
            }
            for task in rubric.tasks
        ],
    }


def _notes(rule: Rule) -> str:
    notes = []
    if rule.is_bonus:
        notes.append("bonus")
    if rule.visibility is Visibility.STAFF:
        notes.append("staff only")
    if rule.after:
        notes.append(f"after {', '.join(rule.after)}")
    return ", ".join(notes)
