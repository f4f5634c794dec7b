"""A hand-in that was judged is not judged again for new points alone, and is for anything else."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from grader import grading
from grader.cards import card_from, kept
from grader.checks.base import Check, failed, partial, passed
from grader.grading import HandIn, grade_as_done
from grader.model import (
    Evidence,
    EvidenceStatus,
    Job,
    Outcome,
    Place,
    Problem,
    Rubric,
    Rule,
    Student,
    Submission,
    SubmittedFile,
    Task,
)
from grader.remembered import Aside, Remembered

JUDGED = []


class Says(Check):
    """Finds what its settings say, and counts how often it is asked."""

    name = "says"
    settings_schema = {"type": "object"}  # noqa: RUF012

    def needs(self, rule, submission):
        del submission
        if "job" in rule.settings:
            yield Job("describe", (), {"n": rule.settings["job"]})

    def judge(self, rule, submission, evidence):
        JUDGED.append(rule.id)
        fault = next((one for one in evidence.values() if not one.is_done), None)
        if fault is not None:
            from grader.checks.base import fault as fault_of

            yield fault_of(fault)
        elif rule.settings.get("says") == "failed":
            yield failed("not so", place=Place(submission.files[0].path, line=3), fix="mend it")
        else:
            yield partial("half so", Fraction(1, 3), expected="2", observed="1")
            yield passed("so it is")


class Store:
    def __init__(self):
        self.rows = {}
        self.fingerprints = {}
        self.writes = 0

    def keep_card(self, submission, card, *, made_from):
        self.writes += 1
        self.rows[submission] = (made_from, card)

    def keep_fingerprints(self, submission, fingerprints):
        self.fingerprints[submission] = dict(fingerprints)

    def card(self, submission, *, made_from=None):
        row = self.rows.get(submission)
        return None if row is None or made_from not in (None, row[0]) else row[1]


class Worker:
    has_room = True

    def __init__(self, status=EvidenceStatus.DONE):
        self.status = status

    def order(self, job, root, submission="", *, is_anew=False):
        del root, submission, is_anew
        problem = None if self.status is EvidenceStatus.DONE else Problem("worker-died", "x", "it died", "again")
        return Evidence(job.key, self.status, {"n": 1}, problem=problem, device="cpu", versions={"torch": "1"})


@pytest.fixture(autouse=True)
def checks(monkeypatch):
    JUDGED.clear()
    monkeypatch.setattr(grading, "all_checks", lambda: {"says": Says()})


def rule(name, points=1, **settings):
    return Rule(name, "says", Fraction(points), settings)


def rubric(*rules, digest="0" * 64):
    points = sum((one.points for one in rules), Fraction(0))
    return Rubric("a", "A", (Task("1", "one", points, rules),), "a.yaml", digest)


ADA = Submission("ada", "a", Path("/nowhere"), (SubmittedFile("model.py", 3, "f" * 64),), (Student("1"),))
RULES = rubric(rule("x", says="failed"), rule("y", points=2, job=1))


def graded(store, *, submission=ADA, by=RULES, worker=None, key_of=lambda job: job.key, is_anew=lambda _rule: False):
    memory = Remembered(store, ["ada"], key_of, is_anew)
    doer = worker or Worker()
    [(_, card)] = grade_as_done([HandIn(submission, by)], doer, made_with={"grader": "1"}, memory=memory)
    assert list(memory.cards()) == [card]
    return card


def test_a_kept_card_is_the_card():
    card = graded(Store())
    assert card_from(kept(card)) == card
    assert card.points == Fraction(4, 3)


def test_what_is_unchanged_is_neither_judged_nor_written_again():
    store = Store()
    first = graded(store)
    assert JUDGED == ["x", "y"]
    assert graded(store) == first
    assert (JUDGED, store.writes) == (["x", "y"], 1)


def test_new_points_are_counted_from_the_same_findings():
    store = Store()
    graded(store)
    dearer = rubric(rule("x", points=5, says="failed"), rule("y", points=4, job=1), digest="1" * 64)
    card = graded(store, by=dearer)
    assert JUDGED == ["x", "y"]
    assert (card.points, card.max_points, card.rubric_digest) == (Fraction(8, 3), 9, "1" * 64)
    JUDGED.clear()
    assert graded(Store(), by=dearer) == card, "as if it had been judged"


@pytest.mark.parametrize(
    "change",
    [
        {"submission": replace(ADA, files=(SubmittedFile("model.py", 3, "e" * 64),))},
        {"submission": replace(ADA, problems=(Problem("odd", "a", "is odd", "mend"),))},
        {"by": rubric(rule("x", says="passed"), rule("y", points=2, job=1))},
        {"by": rubric(rule("x", says="failed"), rule("y", points=2, job=2))},
        {"key_of": lambda job: job.key + " on another machine"},
        {"is_anew": lambda rule: rule.id == "y"},
    ],
    ids=["a file", "a problem", "a setting", "a need", "a key", "asked for"],
)
def test_anything_else_that_changes_is_judged_again(change):
    store = Store()
    graded(store)
    JUDGED.clear()
    graded(store, **change)
    assert JUDGED == ["x", "y"]


def test_another_version_of_the_program_judges_again(monkeypatch):
    from grader import remembered

    store = Store()
    graded(store)
    monkeypatch.setattr(remembered, "program_digest", lambda: "another")
    graded(store)
    assert JUDGED == ["x", "y"] * 2


@pytest.mark.parametrize("status", [EvidenceStatus.SYSTEM_FAULT])
def test_what_a_fault_of_the_system_had_a_hand_in_is_judged_again(status):
    store = Store()
    card = graded(store, worker=Worker(status))
    assert card.open_points == 2
    again = graded(store)
    assert again.open_points == 0
    assert [f.outcome for task in again.tasks for r in task.rules for f in r.findings][1:] == [
        Outcome.PARTIAL,
        Outcome.PASSED,
    ]


def test_a_card_of_another_form_is_made_again():
    store = Store()
    first = graded(store)
    made_from, document = store.rows["ada"]
    store.rows["ada"] = (made_from, {**document, "form": 0})
    assert graded(store) == first


def test_a_store_that_only_looks_takes_what_is_there_and_writes_nothing():
    store = Store()
    first = graded(store)
    writes = store.writes
    assert graded(Aside(store)) == first
    assert JUDGED == ["x", "y"], "what was judged is known"
    dearer = replace(RULES, tasks=tuple(replace(one, rules=_dearer(one.rules)) for one in RULES.tasks))
    aside = Aside(store)
    assert graded(aside, by=dearer).points == 2 * first.points
    assert graded(Aside(Store())) == first, "what nobody knows is judged, and read back"
    assert aside.card("ada", made_from="other") is None
    assert (store.writes, graded(store)) == (writes, first)


def _dearer(rules):
    return tuple(replace(rule, points=2 * rule.points) for rule in rules)
