from fractions import Fraction
from pathlib import Path

import pytest

from grader.checks.base import Check, fault, passed, run_check
from grader.model import Answer, Evidence, EvidenceStatus, Outcome, Place, Problem, Rule, Submission


class Reads(Check):
    """A check that reads an answer and is content with any."""

    name = "reads"
    settings_schema = {"type": "object"}  # noqa: RUF012
    reads_answer = True

    def judge(self, rule, submission, evidence):
        del rule, submission, evidence
        yield passed("fine")


RULE = Rule("r", "reads", Fraction(1), {}, answer="x")
BROKEN = Problem("bad-json", "answers.json:7", "not valid JSON", "add a comma")


def submission(**more):
    return Submission("s", "a", Path("/nowhere"), **more)


def test_answers_that_can_be_read_are_judged():
    answers = {"x": Answer(1, Place("answers.json", "/answers/x"))}
    assert run_check(Reads(), RULE, submission(answers=answers), {})[0].outcome is Outcome.PASSED


def test_a_flaw_beside_readable_answers_does_not_hide_them():
    answers = {"x": Answer(1, Place("answers.json", "/answers/x"))}
    assert run_check(Reads(), RULE, submission(answers=answers, problems=(BROKEN,)), {})[0].outcome is Outcome.PASSED


def test_an_answers_file_that_cannot_be_read_is_not_called_unanswered():
    [finding] = run_check(Reads(), RULE, submission(problems=(BROKEN,)), {})
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.observed == "answers.json:7: not valid JSON"
    assert finding.fix == "add a comma"


@pytest.mark.parametrize("where", ["submission.json:3", "model.py"])
def test_another_broken_file_is_no_excuse_for_the_answers(where):
    other = Problem("bad-json", where, "broken", "mend it")
    assert run_check(Reads(), RULE, submission(problems=(other,)), {})[0].outcome is Outcome.PASSED


def test_a_repeatable_result_is_no_fault():
    result = {"correct": 9, "n": 10, "repeated": 4, "changed": 0, "is_repeatable": True}
    assert fault(Evidence("k", EvidenceStatus.DONE, result)) is None


def test_answers_that_change_with_the_batch_go_to_a_person():
    result = {"correct": 10, "n": 10, "repeated": 4, "changed": 3, "is_repeatable": False}
    finding = fault(Evidence("k", EvidenceStatus.DONE, result))
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "not-repeatable")
    assert "of 4 images that were shown again, in other company, 3 got another class" in finding.said
