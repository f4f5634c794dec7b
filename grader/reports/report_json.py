"""A report as JSON, for machines: of a class or of one hand-in. The form is grader/course/schemas/report.schema.json.

Numbers are settled: with what people decided. Holds no time of its own; the same gradebook gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from grader.gradebook.nouns import Grade, Row
from grader.model import Decision, Json, ScoreCard
from grader.reports.class_facts import ClassFacts
from grader.reports.exhibits import Accuracy, Confusion, Curves, Exhibit, LayerTable, Pictures
from grader.reports.scorecard import scorecard_json
from grader.scoring import rounded

FORM = "grader-report/1"


def class_json(
    assignment: str, facts: ClassFacts | None, rows: Sequence[Row], missing: Sequence[Grade], pairs: Sequence[Json]
) -> dict[str, Json]:
    """A class: its numbers, everybody's, and the pairs that are alike."""
    return {
        "form": FORM,
        "kind": "class",
        "assignment": assignment,
        "facts": None if facts is None else _facts(facts),
        "hand_ins": [_row(row) for row in rows],
        "missing": [{"id": one.id, "name": one.name, "reason": one.reason} for one in missing],
        "pairs": list(pairs),
    }


def hand_in_json(
    settled: ScoreCard, decisions: Iterable[Decision], exhibits: Sequence[Exhibit], *, for_staff: bool
) -> dict[str, Json]:
    """One hand-in: the card as it stands, what people decided, and what can be shown (of pictures their words)."""
    return {
        "form": FORM,
        "kind": "hand-in",
        "assignment": settled.assignment,
        "view": "staff" if for_staff else "student",
        "card": scorecard_json(settled, for_staff=for_staff),
        "decisions": [_decision(one, for_staff=for_staff) for one in decisions],
        "exhibits": [exhibit_json(one) for one in exhibits],
    }


def exhibit_json(one: Exhibit) -> dict[str, Json]:
    """An exhibit as plain JSON."""
    about = one.about
    head: dict[str, Json] = {"task": about.task, "rules": list(about.rules), "title": about.title, "note": about.note}
    if isinstance(one, Curves):
        lines = [{"name": line.name, "points": [list(point) for point in line.points]} for line in one.lines]
        return head | {"kind": "curves", "x": one.x_label, "y": one.y_label, "lines": lines}
    if isinstance(one, Accuracy):
        measured = [
            {"name": m.name, "correct": m.correct, "n": m.n, "interval": [round(m.low, 6), round(m.high, 6)]}
            for m in one.measured
        ]
        marks = [{"kind": mark.kind, "name": mark.name, "value": _share(mark.value)} for mark in one.marks]
        band = one.band
        of_band = None if band is None else {
            "reference": band.name, "low": _share(band.low), "mean": _share(band.mean), "high": _share(band.high),
            "runs": band.runs, "device": band.device,
        }  # fmt: skip
        return head | {"kind": "accuracy", "measured": measured, "marks": marks, "band": of_band}
    if isinstance(one, Confusion):
        return head | {"kind": "confusion", "classes": list(one.classes), "counts": [list(row) for row in one.counts]}
    if isinstance(one, Pictures):
        pictures = [
            {"caption": p.caption, "width": p.width, "height": p.height, "is_shown": bool(p.data)} for p in one.pictures
        ]
        return head | {"kind": "pictures", "of": one.kind, "pictures": pictures, "left_out": one.left_out}
    return head | _layers(one)


def _layers(one: LayerTable) -> dict[str, Json]:
    rows = [
        {
            "row": row.number,
            "layer": row.label,
            "cells": [
                {"column": c.column, "claimed": c.claimed, "recomputed": c.recomputed, "verdict": c.verdict}
                for c in row.cells
            ],
        }
        for row in one.rows
    ]
    return {"kind": "layer-table", "columns": list(one.columns), "rows": rows, "first_wrong": one.first_wrong}


def _facts(facts: ClassFacts) -> dict[str, Json]:
    return {
        "hand_ins": facts.count,
        "mean": _maybe_share(facts.mean),
        "median": _maybe_share(facts.median),
        "histogram": [{"from": one.low, "to": one.high, "count": one.count} for one in facts.bins],
        "hardest": [
            {"task": one.task, "title": one.title, "mean": _share(one.mean), "hand_ins": one.hand_ins,
             "all_points": one.full, "no_points": one.nothing}
            for one in facts.hard
        ],
        "borderline": [one.submission for one in facts.borderline],
        "passed": facts.passed,
        "failed": facts.failed,
        "undecided": facts.undecided,
        "with_open_points": facts.open_count,
        "pass_points": None if facts.line is None else _number(facts.line),
    }  # fmt: skip


def _row(row: Row) -> dict[str, Json]:
    return {
        "submission": row.submission,
        "students": [{"id": one.id, "name": one.name} for one in row.students],
        "points": _number(row.points),
        "max_points": _number(row.max_points),
        "open_points": _number(row.open_points),
        "is_passed": row.is_passed,
        "is_borderline": row.is_borderline,
        "waits_for": [one.value for one in row.waiting],
        "days_late": row.days_late,
        "tasks": {
            name: {"points": _number(one.points), "max_points": _number(one.max_points), "is_counted": one.is_counted}
            for name, one in row.tasks.items()
        },
    }


def _decision(one: Decision, *, for_staff: bool) -> dict[str, Json]:
    told: dict[str, Json] = {
        "kind": one.kind.value,
        "task": one.task,
        "rule": one.rule,
        "points": None if one.points is None else _number(one.points),
        "text": one.text,
    }
    if for_staff:
        told |= {"reason": one.reason, "author": one.author, "at": one.at.isoformat(), "is_undone": one.is_undone,
                 "is_moved": one.is_moved}  # fmt: skip
    return told


def _number(value: Fraction) -> int | float:
    number = rounded(value, 4)
    return int(number) if number == number.to_integral_value() else float(number)


def _share(value: Fraction) -> float:
    return float(rounded(value, 6))


def _maybe_share(value: Fraction | None) -> float | None:
    return None if value is None else _share(value)
