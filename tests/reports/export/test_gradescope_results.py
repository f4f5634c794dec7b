"""What Gradescope shows of a scorecard: a score that is decided, what waits, and nothing that is for staff."""

import json
from fractions import Fraction

import pytest

from grader.documents import schema, validator
from grader.model import Adjustment, Problem
from grader.reports.export.gradescope import MOST_FINDINGS, VISIBILITIES, results
from grader.reports.scorecard import scorecard_json
from tests.attacks.words import hostile_card


def results_of(card, **how):
    made = results(scorecard_json(card), **how)
    assert list(validator(schema("gradescope-results")).iter_errors(made)) == []
    return made


@pytest.fixture
def of_card(card):
    return lambda **how: results_of(card(**how))


def test_the_score_is_what_is_decided_and_what_waits_is_said(of_card):
    made = of_card()
    layers, notes = made["tests"]
    assert made["score"] == layers["score"] + notes["score"] == 1.5
    assert "2 more points wait" in made["output"]
    assert "1 points wait" in layers["output"]
    assert (layers["max_score"], notes["max_score"]) == (4, 1)
    assert "status" not in layers
    assert "row 1 has 6 channels, not 16" in layers["output"]
    assert (layers["number"], notes["number"]) == ("1.1", "1.2")


def test_what_is_for_staff_is_in_no_test_that_a_student_sees(card):
    made = results_of(card(staff="copied from another"))
    assert "copied" not in json.dumps(made)
    assert made["stdout_visibility"] == "hidden"
    with_staff = results_of(card(staff="copied from another"), for_staff=True)
    hidden = [one for one in with_staff["tests"] if one["visibility"] == "hidden"]
    assert len(hidden) == 1
    assert "copied from another" in hidden[0]["output"]
    assert "copied" not in json.dumps([one for one in with_staff["tests"] if one not in hidden])


def test_that_there_is_something_for_staff_cannot_be_seen_from_outside(card):
    """Gradescope hides the total where a test is hidden: so there is one always, or never."""
    for for_staff in (False, True):
        plain, flagged = (results_of(card(staff=text), for_staff=for_staff) for text in ("", "copied"))
        for made in (plain, flagged):
            for one in made["tests"]:
                if one["visibility"] == "hidden":
                    one["output"] = ""
        assert plain == flagged


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_students_see_tests_when_the_course_says(card, visibility):
    assert {one["visibility"] for one in results_of(card(), visibility=visibility)["tests"]} == {visibility}


def test_status_bonus_deduction_and_adjustments(card):
    from dataclasses import replace

    base = card()
    [task] = base.tasks
    layers, notes = task.rules
    full = replace(layers, points=Fraction(4), open_points=Fraction(0))
    bonus = replace(full, rule="more", is_bonus=True)
    taken = replace(full, rule="less", is_deduction=True, points=Fraction(-1), max_points=Fraction(-2))
    task = replace(task, rules=(full, replace(full, points=Fraction(1)), bonus, taken, notes))
    late = Adjustment("late", "1 day late", Fraction(-2))
    made = results_of(replace(base, tasks=(task,), adjustments=(late,), points=Fraction(5)))
    shown = [(one["name"], one["score"], one["max_score"], one.get("status")) for one in made["tests"]]
    assert shown[:4] == [
        ("Layers: layers", 4, 4, "passed"), ("Layers: layers", 1, 4, "failed"),
        ("Layers: more (bonus)", 4, 0, "passed"), ("Layers: less (deduction)", -1, 0, "failed"),
    ]  # fmt: skip
    assert shown[-1] == ("late: 1 day late", -2, 0, None)


def test_a_hand_in_that_cannot_be_read_says_why_and_is_no_zero_unsaid(card):
    from dataclasses import replace

    bad = replace(
        card(), tasks=(), points=Fraction(0), problems=(Problem("x", "a.zip", "it is cut off", "send it again"),)
    )
    made = results_of(bad)
    assert "it is cut off" in made["output"]
    assert "send it again" in made["output"]


@pytest.mark.attack_partly(80, 81)
def test_hostile_words_are_text():
    made = results_of(hostile_card(), for_staff=True)
    assert {made[name] for name in ("output_format", "test_output_format", "test_name_format")} == {"text"}
    for one in made["tests"]:
        assert (one["output_format"], one["name_format"]) == ("text", "text")
        for text in (one["name"], one["output"]):
            assert all(char.isprintable() or char == "\n" for char in text)


def test_a_hundred_thousand_findings_are_cut_and_counted(card):
    from dataclasses import replace

    base = card()
    [task] = base.tasks
    layers, notes = task.rules
    many = replace(layers, findings=layers.findings[1:2] * 100_000)
    made = results_of(replace(base, tasks=(replace(task, rules=(many, notes)),)))
    assert len(json.dumps(made)) < 200_000
    assert MOST_FINDINGS * len(layers.findings[1].said) < 20_000
    assert "99,800 more" in made["tests"][0]["output"] or "more characters" in made["tests"][0]["output"]
