"""What students see of a result tells them what to mend, and neither an answer nor anything of a hidden image."""

import inspect
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from grader.checks import all_checks
from grader.model import (
    Adjustment,
    Finding,
    Outcome,
    Place,
    Problem,
    RuleScore,
    ScoreCard,
    TaskScore,
    Visibility,
)
from grader.service.view import ANSWERS, OWN_FILES, is_due, result_view

LEAK = "pixel 17 is 0.8431"


def rule(check, *findings, points=1, most=2, open_points=0, visibility=Visibility.STUDENT, name="the-rule"):
    made = tuple(replace(one, check=check, rule=name, visibility=visibility) for one in findings)
    numbers = (Fraction(points), Fraction(most), Fraction(open_points))
    return RuleScore(name, check, *numbers, is_bonus=False, visibility=visibility, findings=made)


def card(*rules, adjustments=(), problems=()):
    points, most, waiting = (sum((getattr(one, name) for one in rules), Fraction(0))
                             for name in ("points", "max_points", "open_points"))  # fmt: skip
    task = TaskScore("1", "A task", points, most, waiting, tuple(rules))
    moved = sum((one.points for one in adjustments), Fraction(0))
    return ScoreCard(
        "ada", "x", (), "0" * 64, (task,), points + moved, most, waiting, problems, Fraction(1),
        adjustments=tuple(adjustments),
    )  # fmt: skip


def failed(said=LEAK, code="", **details):
    return Finding(Outcome.FAILED, said, Fraction(0), code=code, **details)


def test_every_check_that_is_told_of_runs_nothing_on_hidden_images():
    """A check that orders predictions, maps, denoised images or a training is never among them."""
    jobs = ("predict_job", "denoise_job", "activations_job", "train_job", "trained_grid", "jobs_of", "own_images_job")
    for name in OWN_FILES | ANSWERS:
        source = inspect.getsource(sys.modules[type(all_checks()[name]).__module__])
        assert not [job for job in jobs if f"{job}(" in source], name


def test_every_name_is_that_of_a_check():
    assert set(all_checks()) >= OWN_FILES | ANSWERS
    assert not OWN_FILES & ANSWERS


@pytest.mark.parametrize("check", [*sorted(set(all_checks()) - OWN_FILES - ANSWERS), "a-check-of-next-year"])
@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.attack(60)
def test_not_a_word_from_where_the_students_code_saw_hidden_images_comes_through(check, is_full):
    place = Place("answers.json", f"/answers/{LEAK}")
    findings = [
        failed(code="code-raised", expected=LEAK, observed=LEAK, fix=LEAK, place=place),
        Finding(Outcome.REVIEW, LEAK, None, code=LEAK),
    ]
    told = result_view(card(rule(check, *findings)), is_full=is_full).model_dump_json()
    assert LEAK not in told
    assert "code-raised" not in told


@pytest.mark.attack(60)
def test_how_many_findings_there_are_tells_nothing_either():
    one = result_view(card(rule("accuracy", failed()))).model_dump()
    many = result_view(card(rule("accuracy", *[failed(code=str(n)) for n in range(50)]))).model_dump()
    assert one == many


@pytest.mark.attack(60)
def test_when_a_result_is_shown_is_a_multiple_of_five_seconds():
    """So that a program which ends early or late says nothing by it: seven moments in half a minute, no more."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    shown = set()
    for tenth in range(300):
        ended = start + timedelta(seconds=tenth / 10)
        now = ended
        while not is_due(ended, now):
            now += timedelta(milliseconds=100)
        shown.add(now)
    assert len(shown) <= 7
    assert {moment.second % 5 for moment in shown} == {0}


@pytest.mark.attack(61)
def test_points_that_hidden_images_decide_are_told_in_tenths_rounded_down():
    """Accuracies of 360 images: every share of the points, and no more than eleven that are told apart."""
    told = {
        result_view(card(rule("accuracy", failed(), points=Fraction(2 * right, 360)))).points for right in range(361)
    }
    assert told == {round(0.2 * step, 1) for step in range(11)}


def test_full_points_are_told_as_full_and_only_those():
    full = result_view(card(rule("accuracy", Finding(Outcome.PASSED, "", Fraction(1)), points=2)))
    near = result_view(card(rule("accuracy", failed(), points=Fraction(1999, 1000))))
    assert (full.points, near.points) == (2.0, 1.8)
    assert full.is_coarse


@pytest.mark.attack(61)
def test_a_share_of_what_was_earned_does_not_tell_it_exactly():
    late = [Adjustment("late", "1 day late", points=Fraction(-1234567, 10_000_000))]
    told = result_view(card(rule("accuracy", failed(), points=Fraction(1234567, 1_000_000)), adjustments=late))
    assert told.adjustments[0].points == -0.2
    assert told.points == 1.0


def test_points_of_theory_are_exact():
    told = result_view(card(rule("number", failed(), points=Fraction(1, 3))))
    assert told.points == 0.3333
    assert not told.is_coarse


def test_an_answer_is_in_no_word_of_theory():
    findings = [failed("it is 41", expected="41", observed="40", fix="write 41", code="wrong")]
    told = result_view(card(rule("number", *findings))).model_dump_json()
    assert "41" not in told
    assert "40" not in told


def test_what_is_missing_or_does_not_run_is_told_with_its_fix():
    missing = failed("no answer was given", code="unanswered", fix="add it")
    raised = failed("it raised NameError: foo", code="factory-raised", fix="run it at home")
    told = result_view(card(rule("number", missing), rule("architecture", raised))).tasks[0].rules
    assert [(one.findings[0].said, one.findings[0].fix) for one in told] == [
        ("no answer was given", "add it"),
        ("it raised NameError: foo", "run it at home"),
    ]


def test_a_file_that_is_missing_is_told_for_hidden_images_too():
    """It is decided before any code runs."""
    told = result_view(
        card(rule("accuracy", failed("'model.pth' was not handed in", code="missing-file", fix="add it")))
    )
    assert told.tasks[0].rules[0].findings[0].fix == "add it"


@pytest.mark.parametrize("is_full", [False, True])
def test_a_rule_for_staff_is_not_named_and_its_points_are_in_the_task(is_full):
    hidden = rule("number", failed(), points=1, visibility=Visibility.STAFF, name="is-it-copied")
    told = result_view(card(rule("number", failed(), points=1), hidden), is_full=is_full)
    assert "is-it-copied" not in told.model_dump_json()
    assert LEAK not in result_view(card(hidden), is_full=is_full).model_dump_json()
    assert (told.points, told.tasks[0].points, len(told.tasks[0].rules)) == (2.0, 2.0, 1)


def test_control_characters_are_shown_as_what_they_are():
    problems = (Problem("x", "a\x1b[2J", "b\u202e", "c"),)
    told = result_view(card(rule("number", failed("\x1b[31m", code="unanswered")), problems=problems))
    assert told.problems[0].where == "a\\x1b[2J"
    assert "\x1b" not in told.tasks[0].rules[0].findings[0].said
