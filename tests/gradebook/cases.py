"""Cards to record, small enough to count by hand: task 1 has rules a (4 points) and b (2), task 2 has c (6)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from grader.gradebook.nouns import HandInFacts
from grader.model import (
    Finding,
    Outcome,
    Rubric,
    Rule,
    Student,
    Submission,
    Task,
    Terms,
)
from grader.scoring import score

HALF = Fraction(1, 2)


def found(credit, said="so", *, outcome=None):
    if credit is None:
        return (Finding(outcome or Outcome.UNKNOWN, said),)
    made = Outcome.PASSED if credit == 1 else Outcome.PARTIAL if credit else Outcome.FAILED
    return (Finding(outcome or made, said, Fraction(credit)),)


def rubric(*, digest="1" * 64, pass_points=None, points=(4, 2, 6), **terms):
    a, b, c = (Rule(name, "number", Fraction(worth), {}) for name, worth in zip("abc", points, strict=True))
    tasks = (Task("1", "One", a.points + b.points, (a, b)), Task("2", "Two", c.points, (c,)))
    line = None if pass_points is None else Fraction(pass_points)
    return Rubric("demo", "Demo", tasks, "demo.yaml", digest, pass_points=line, terms=Terms(**terms))


def card(name="ada", *, by=None, students=None, problems=(), variant="", received_at=None, **earned):
    """A card; what is not said earns its points in full."""
    who = (Student(name, name.title()),) if students is None else tuple(students)
    one = Submission(name, "demo", Path("/nowhere"), students=who, problems=problems, received_at=received_at)
    findings = {rule: earned.get(rule, 1) for rule in "abc"}
    findings = {rule: one if isinstance(one, tuple) else found(one) for rule, one in findings.items()}
    made = score(replace(by or rubric(), variant=variant), one, findings, {"grader": "0.1.0"})
    assert not set(earned) - set("abc")
    return made


def facts(name="ada", **more):
    return HandInFacts(source=f"/class/{name}", digest="d" * 64, **more)


def with_facts(*cards):
    return [(one, facts(one.submission)) for one in cards]


def recorded(book, *cards):
    """Record them; the entries, in their order."""
    book.record(with_facts(*cards), command="run-all class")
    rows = {row.submission: row.id for row in book.rows("demo").rows}
    return [book.entry(rows[one.submission]) for one in cards]
