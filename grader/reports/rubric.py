"""A rubric for the eye: tasks, points, and what each rule looks at."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from grader.adjusting import late_rule
from grader.course.late import span_text
from grader.model import Json, Rubric, Rule, Task, Visibility
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
                      Text(points_text(task.points), style="bold"), Text(_task_notes(task)))  # fmt: skip
        for rule in task.rules:
            table.add_row("", rule.id, rule.check, rule.answer or "", points_text(rule.points), Text(_notes(rule)))
    line = "" if rubric.pass_points is None else f", pass line {points_text(rubric.pass_points)}"
    table.caption = "\n".join((f"{points_text(rubric.points)} points{line}", *course_rules(rubric)))
    return table


def course_rules(rubric: Rubric) -> Iterator[str]:
    """What beside the tasks decides on the points, a sentence each."""
    for choice in rubric.choices:
        yield f"the best {choice.count} of the tasks {', '.join(choice.tasks)} count"
    terms = rubric.terms
    if terms.due is not None:
        yield f"due {terms.due:%Y-%m-%d %H:%M:%S %Z}"
    if terms.late is not None:
        late = f"late: {late_rule(terms.late)}"
        if terms.late.grace:
            late += f", with a grace of {span_text(terms.late.grace)}"
        if terms.late.accepted is not None:
            late += f", not accepted later than {span_text(terms.late.accepted)} behind the due time"
        yield late + ("" if terms.due is not None else "; grader.toml sets no due time, so nothing is late")
    if terms.extensions:
        yield f"extensions for {', '.join(sorted(terms.extensions))}"
    if terms.group_limit is not None:
        yield f"groups of at most {terms.group_limit}"


def _task_notes(task: Task) -> str:
    notes = ["optional"] if task.is_optional else []
    if task.pass_points is not None:
        notes.append(f"{points_text(task.pass_points)} needed to pass")
    return ", ".join(notes)


def rubric_json(rubric: Rubric) -> Json:
    """The rubric as plain JSON, points as exact fractions in text."""
    return {
        "assignment": rubric.assignment,
        "title": rubric.title,
        "digest": rubric.digest,
        **({"variant": rubric.variant, "variants": list(rubric.variants)} if rubric.variant else {}),
        "points": str(rubric.points),
        "pass_points": None if rubric.pass_points is None else str(rubric.pass_points),
        **({"course_rules": rules} if (rules := list(course_rules(rubric))) else {}),
        "tasks": [
            {
                "id": task.id,
                "title": task.title,
                "points": str(task.points),
                **({"is_optional": True} if task.is_optional else {}),
                **({} if task.pass_points is None else {"pass_points": str(task.pass_points)}),
                "rules": [
                    {
                        "id": rule.id,
                        "check": rule.check,
                        "points": str(rule.points),
                        "answer": rule.answer,
                        "after": list(rule.after),
                        "visibility": rule.visibility.value,
                        "is_bonus": rule.is_bonus,
                        **({"is_deduction": True} if rule.is_deduction else {}),
                        **({} if rule.ramp is None else {"ramp": [str(end) for end in rule.ramp]}),
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
    if rule.is_deduction:
        notes.append("deduction")
    if rule.ramp is not None:
        low, full = (f"{points_text(end * 100)}%" for end in rule.ramp)
        notes.append(f"points rise from {low} to {full} right")
    if rule.visibility is Visibility.STAFF:
        notes.append("staff only")
    if rule.after:
        notes.append(f"after {', '.join(rule.after)}")
    return ", ".join(notes)
