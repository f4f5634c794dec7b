"""Where points differ from the sum of what was right, the report says why: in a line of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from grader.documents import schema, validator
from grader.model import (
    Amount,
    Answer,
    Choice,
    Finding,
    LatePolicy,
    Outcome,
    Place,
    Rubric,
    Rule,
    Student,
    Submission,
    Task,
    Terms,
)
from grader.reports.rubric import rubric_json, rubric_table
from grader.reports.scorecard import scorecard_json
from grader.reports.terminal import card_report, class_table
from grader.scoring import score

DUE = datetime(2026, 3, 8, 23, 59, tzinfo=UTC)


def rule(name, points, **more):
    return Rule(name, "number", Fraction(points), {}, **more)


RUBRIC = Rubric(
    "rules", "Rules", (
        Task("1", "Sides", Fraction(4), (rule("a", 4), rule("form", 2, is_deduction=True)), pass_points=Fraction(1)),
        Task("2", "Two", Fraction(3), (rule("b", 3),)),
        Task("3", "Three", Fraction(3), (rule("c", 3, ramp=(Fraction(1, 2), Fraction(1))),)),
        Task("4", "Four", Fraction(2), (rule("d", 2),), is_optional=True, signs=(frozenset({"d"}), frozenset())),
        Task("form", "Form", Fraction(0), (rule("name", 1, is_deduction=True),)),
    ), "rules.yaml", "0" * 64, pass_points=Fraction(4), variant="2023", variants=("2021", "2023"),
    choices=(Choice(("2", "3"), 1),),
    terms=Terms(due=DUE, late=LatePolicy(Amount(Fraction(1, 10), is_share=True), grace=timedelta(minutes=15)),
                group_limit=1, extensions={"s9": DUE}),
)  # fmt: skip
RIGHT = Finding(Outcome.PASSED, "right", Fraction(1))
WRONG = Finding(Outcome.FAILED, "this is wrong", Fraction(0))
OPEN = Finding(Outcome.UNKNOWN, "not known")


def made(students=("s1",), received=DUE, answers=(), **findings):
    found = {"a": RIGHT, "form": RIGHT, "b": RIGHT, "c": WRONG, "d": WRONG, "name": RIGHT} | findings
    one = Submission("ada", "rules", Path("/x"), students=tuple(map(Student, students)), received_at=received,
                     answers={key: Answer(1, Place("answers.json")) for key in answers})  # fmt: skip
    return score(RUBRIC, one, {name: [finding] for name, finding in found.items()})


@pytest.fixture
def report(printed):
    """The report as one line, so that no sentence breaks."""
    return lambda card: " ".join(printed(card_report(card)).split())


def test_the_report_names_the_variant(report):
    assert "rules, variant 2023" in report(made())


def test_a_task_that_does_not_count_says_so_and_why(report):
    text = report(made())
    assert "Task 3 Three (0 / 3) does not count: of the tasks 2 and 3 the best 1 count: 2 ✗ this is wrong" in text
    assert "Task 4 Four not attempted optional, and not attempted: it counts neither way" in text
    assert text.count("this is wrong") == 1  # an optional task that was left out was not done wrong
    assert "Task 4 Four 0 / 2" in report(made(answers=["d"]))


def test_a_deduction_is_taken_in_its_own_line(report):
    text = report(made(form=WRONG, name=WRONG))
    assert "form deduction -2 of at most -2" in text
    assert "Task form Form -1 name deduction -1 of at most -1" in text
    assert "form deduction 0 of at most -2" in report(made())
    assert "form deduction 0 of at most -2" in report(made(form=OPEN))  # neither taken nor given up


def test_lateness_and_a_large_group_stand_under_the_rules_of_the_course(report, printed):
    card = made(students=("s1", "s2"), received=DUE + timedelta(days=1))
    text = report(card)
    assert "Rules of the course" in text
    assert "− 0.7 points: 1 day late: handed in 2026-03-09 23:59:00 UTC, due 2026-03-08 23:59:00 UTC" in text
    assert "? 2 students handed this in, and groups have at most 1: a person decides" in text
    table = " ".join(printed(class_table([card])).split())
    assert "1 day late" in table
    assert "2 students" in table
    assert "this is wrong" not in table  # of a task that does not count


def test_what_is_in_time_and_whole_has_no_rules_to_show(report):
    card = replace(made(), adjustments=())
    assert "Rules of the course" not in report(card)


@pytest.mark.parametrize(
    ("findings", "word"),
    [({}, "reached"), ({"a": WRONG}, "not reached"), ({"a": OPEN}, "open"), ({"b": WRONG, "form": OPEN}, "open")],
)
def test_the_pass_line_is_reached_not_reached_or_open(report, findings, word):
    assert f"pass line 4: {word} " in report(made(**findings)) + " "
    assert "4 / 4, 1 needed to pass" in report(made())


def test_a_card_with_all_of_it_fits_the_published_form():
    for card in (
        made(),
        made(("s1", "s2"), DUE + timedelta(days=3), form=WRONG, name=WRONG),
        made(received=None, c=OPEN),
    ):
        for for_staff in (True, False):
            document = scorecard_json(card, for_staff=for_staff)
            assert list(validator(schema("scorecard")).iter_errors(document)) == []
    document = scorecard_json(made(form=WRONG))
    assert document["variant"] == "2023"
    assert document["tasks"][0]["rules"][1] | {"findings": []} == {
        "rule": "form", "check": "number", "points": -2, "max_points": 2, "open_points": 0, "is_bonus": False,
        "is_deduction": True, "visibility": "student", "findings": [],
    }  # fmt: skip
    assert document["adjustments"][0] == {
        "kind": "choice", "said": "of the tasks 2 and 3 the best 1 count: 2", "points": 0, "max_points": -3,
        "open_points": 0, "needs_person": False,
    }  # fmt: skip


def test_the_rubric_is_shown_with_all_of_its_rules(printed):
    text = " ".join(printed(rubric_table(RUBRIC)).split())
    for words in (
        "rules, variant 2023 of 2021, 2023: Rules", "deduction", "optional", "1 needed to pass",
        "points rise from 50% to 100% right", "the best 1 of the tasks 2, 3 count", "due 2026-03-08 23:59:00 UTC",
        "late: 10% of the maximum for each day begun, with a grace of 15 min", "extensions for s9",
        "groups of at most 1",
    ):  # fmt: skip
        assert words in text
    assert list(validator(schema("rubric-shown")).iter_errors(rubric_json(RUBRIC))) == []
    plain = Rubric("a", "A", RUBRIC.tasks[1:2], "a.yaml", "0" * 64)
    assert set(rubric_json(plain)) == {"assignment", "title", "digest", "points", "pass_points", "tasks"}
