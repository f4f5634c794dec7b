from fractions import Fraction
from pathlib import Path

import pytest

from grader import grading
from grader.checks.base import Check, failed, passed
from grader.grading import HandIn, grade, grade_as_done
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


class Worker:
    """Does jobs one after the other, when it is asked what has arrived."""

    has_room = True

    def __init__(self):
        self.ordered = []
        self.waiting = []

    def order(self, job, root, submission="", *, is_anew=False):
        del root, submission, is_anew
        self.ordered.append(job)
        self.waiting.append(job)

    def arrived(self):
        job = self.waiting.pop()  # the last first: whoever asked must not rely on an order
        return [(job, Evidence(job.key, EvidenceStatus.DONE, {"n": job.parameters["n"]}))]


class Nobody:
    """Nothing is to be done."""

    has_room = True

    def order(self, job, *_, **__):
        raise AssertionError(f"nothing was to be run, but a job of kind {job.kind}")


def cards(rubric, *submissions, doer=None):
    return grade([(one, rubric) for one in submissions], doer or Nobody())


def findings(card, name):
    return next(scored.findings for task in card.tasks for scored in task.rules if scored.rule == name)


def test_a_theory_only_rubric_runs_nothing():
    [card] = cards(rubric(rule("x")), submission())
    assert card.points == 1


def test_needs_of_all_submissions_are_planned_together_and_equal_ones_once():
    worker = Worker()
    made = cards(rubric(rule("x", job=1), rule("y", job=2)), submission("s"), submission("t"), doer=worker)
    assert sorted(job.parameters["n"] for job in worker.ordered) == [1, 2]
    assert [(card.submission, card.points) for card in made] == [("s", 2), ("t", 2)]


def test_what_builds_on_a_failed_rule_is_not_computed():
    worker = Worker()
    made = cards(
        rubric(rule("dear", after=("first",), job=7), rule("first", says="failed"), rule("x", job=1)),
        submission(),
        doer=worker,
    )
    assert [job.parameters["n"] for job in worker.ordered] == [1]
    assert findings(made[0], "dear")[0].code == "builds-on-failed"


def test_what_builds_on_a_rule_that_waits_is_computed_after_it():
    worker = Worker()
    [card] = cards(rubric(rule("second", after=("first",), job=2), rule("first", job=1)), submission(), doer=worker)
    assert [job.parameters["n"] for job in worker.ordered] == [1, 2]
    assert card.points == 2


def test_hand_ins_are_read_only_as_workers_have_room_and_closed_when_finished():
    seen = []

    class Narrow(Worker):
        @property
        def has_room(self):
            return len(self.waiting) < 2

    def class_of(n):
        for number in range(n):
            seen.append(("read", number))
            yield HandIn(
                submission(f"s{number}"), rubric(rule("x", job=number)), number,
                lambda number=number: seen.append(("closed", number)),
            )  # fmt: skip

    most = 0
    for _, card in grade_as_done(class_of(50), Narrow()):
        assert card.points == 1
        opened = sum(1 if what == "read" else -1 for what, _ in seen)
        most = max(most, opened)
    assert sorted(number for what, number in seen if what == "closed") == list(range(50))
    assert most <= 3


def test_a_run_that_is_cut_off_closes_what_is_open():
    closed = []
    hand_ins = [HandIn(submission(str(n)), rubric(rule("x", job=n)), n, lambda n=n: closed.append(n)) for n in range(3)]

    class Breaks(Worker):
        def arrived(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(grade_as_done(hand_ins, Breaks()))
    assert sorted(closed) == [0, 1, 2]


def test_a_check_that_is_wanted_anew_says_so_for_its_jobs_alone():
    asked = {}

    class Notes(Worker):
        def order(self, job, root, submission="", *, is_anew=False):
            asked[job.parameters["n"]] = is_anew
            return super().order(job, root, submission)

    hand_in = HandIn(submission(), rubric(rule("x", job=1), rule("y", job=2)))
    list(grade_as_done([hand_in], Notes(), is_anew=lambda rule: rule.id == "y"))
    assert asked == {1: False, 2: True}


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


def test_hand_ins_that_wait_for_one_job_are_not_all_opened_at_once():
    """Workers have room as long as that job is the only one; a class of thousands must not be held for it."""
    opened = []

    def class_of(n):
        for number in range(n):
            opened.append(number)
            yield HandIn(submission(f"s{number}"), rubric(rule("x", job=1)), number)

    class Slow(Worker):
        def arrived(self):
            assert len(opened) <= grading.MOST_OPEN
            return super().arrived()

    class Remembering(Slow):
        def order(self, job, root, submission="", *, is_anew=False):
            if self.ordered:
                return Evidence(job.key, EvidenceStatus.DONE, {"n": 1})
            return super().order(job, root, submission, is_anew=is_anew)

    assert len(list(grade_as_done(class_of(500), Remembering()))) == 500
