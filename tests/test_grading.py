from fractions import Fraction
from pathlib import Path

import pytest

from grader import grading
from grader.checks.base import Check, failed, passed
from grader.grading import grade
from grader.model import Evidence, EvidenceStatus, Job, Outcome, Problem, Rubric, Rule, Submission, Task


class Says(Check):
    """A check that finds what its settings say, for these tests only."""

    name = "says"
    settings_schema = {"type": "object"}  # noqa: RUF012

    def needs(self, rule, submission):
        del submission
        if rule.settings.get("breaks") == "needs":
            raise RuntimeError("no needs")
        if "job" in rule.settings:
            yield Job("describe", (), {"n": rule.settings["job"]})

    def judge(self, rule, submission, evidence):
        del submission
        if rule.settings.get("breaks") == "judge":
            yield passed("half of it")
            raise RuntimeError("late crash")
        if "job" in rule.settings:
            [found] = evidence.values() if len(evidence) == 1 else [evidence[job] for job in self.needs(rule, None)]
            yield passed(f"made with {found.result['n']}")
        elif rule.settings.get("says") != "nothing":
            yield (failed if rule.settings.get("says") == "failed" else passed)("so it is")


@pytest.fixture(autouse=True)
def checks(monkeypatch):
    monkeypatch.setattr(grading, "all_checks", lambda: {"says": Says()})


def rubric(*rules):
    return Rubric("a", "A", (Task("1", "one", Fraction(len(rules)), rules),), "a.yaml", "0" * 64)


def rule(name, after=(), **settings):
    return Rule(name, "says", Fraction(1), settings, after=after)


def submission(name="s", **more):
    return Submission(name, "a", Path("/nowhere"), **more)


def nothing(plan):
    raise AssertionError(f"nothing was to be run, but {len(plan)} jobs")


def cards(rubric, *submissions, run=nothing):
    return list(grade([(one, rubric) for one in submissions], run))


def findings(card, name):
    return next(scored.findings for task in card.tasks for scored in task.rules if scored.rule == name)


def test_a_theory_only_rubric_runs_nothing():
    [card] = cards(rubric(rule("x")), submission())
    assert card.points == 1


def test_needs_of_all_submissions_are_planned_together_and_equal_ones_once():
    plans = []

    def run(plan):
        plans.append(plan)
        return {job: Evidence(job.key, EvidenceStatus.DONE, {"n": job.parameters["n"]}) for job in plan.roots}

    made = cards(rubric(rule("x", job=1), rule("y", job=2)), submission("s"), submission("t"), run=run)
    assert [len(plan) for plan in plans] == [2]
    assert [card.points for card in made] == [2, 2]


@pytest.mark.parametrize("half", ["needs", "judge"])
def test_a_check_that_breaks_is_unknown_and_stops_no_other(half):
    [card] = cards(rubric(rule("bad", breaks=half), rule("good")), submission())
    outcomes = [f.outcome for f in findings(card, "bad")]
    assert outcomes == [Outcome.UNKNOWN]
    assert (card.points, card.open_points) == (1, 1)


def test_a_check_that_says_nothing_is_unknown():
    [card] = cards(rubric(rule("x", says="nothing")), submission())
    assert (card.points, card.open_points) == (0, 1)


def test_a_rule_that_builds_on_a_failed_one_is_open_not_lost():
    [card] = cards(rubric(rule("second", after=("first",)), rule("first", says="failed")), submission())
    assert findings(card, "second")[0].code == "builds-on-failed"
    assert (card.points, card.open_points) == (0, 1)


def test_a_rule_that_builds_on_a_passed_one_is_judged():
    [card] = cards(rubric(rule("second", after=("first",)), rule("first")), submission())
    assert card.points == 2


def test_a_submission_that_cannot_be_read_still_gets_a_card_that_says_why():
    problem = Problem("bad-zip", "s.zip", "is no archive", "zip it again")
    [card] = cards(rubric(rule("x", job=1)), submission(problems=(problem,), is_readable=False))
    assert card.problems == (problem,)
    assert (card.points, card.open_points, card.max_points) == (0, 1, 1)


def test_findings_know_their_rule_and_check():
    [card] = cards(rubric(rule("x")), submission())
    assert (findings(card, "x")[0].rule, findings(card, "x")[0].check) == ("x", "says")
