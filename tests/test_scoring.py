from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.model import Finding, Outcome, Rubric, Rule, Submission, Task
from grader.scoring import rounded, rule_score, score

ONE = Fraction(1)


def rule(name="r", points=4, **more):
    return Rule(name, "number", Fraction(points), {}, **more)


def passed(weight=1):
    return Finding(Outcome.PASSED, "ok", ONE, Fraction(weight))


def failed(weight=1):
    return Finding(Outcome.FAILED, "no", Fraction(0), Fraction(weight))


def unknown(weight=1):
    return Finding(Outcome.UNKNOWN, "?", None, Fraction(weight))


def test_a_remark_moves_no_point():
    assert rule_score(rule(), [passed(), failed(weight=0)]).points == 4


def test_weights_share_the_points():
    assert rule_score(rule(points=4), [passed(3), failed(1)]).points == 3


def test_an_unknown_finding_is_open_and_costs_nothing():
    scored = rule_score(rule(points=4), [passed(), unknown()])
    assert (scored.points, scored.open_points) == (2, 2)


def test_nothing_but_remarks_leaves_all_points_open():
    scored = rule_score(rule(points=4), [passed(weight=0)])
    assert (scored.points, scored.open_points) == (0, 4)


def test_a_reviewed_finding_with_a_proposal_counts_as_proposed():
    scored = rule_score(rule(points=4), [Finding(Outcome.REVIEW, "look", Fraction(1, 2))])
    assert (scored.points, scored.open_points) == (2, 0)


def rubric(*rules):
    task = Task("1", "one", sum((r.points for r in rules if not r.is_bonus), Fraction(0)), tuple(rules))
    return Rubric("a", "A", (task,), "a.yaml", "0" * 64)


def submission():
    return Submission("s", "a", Path("/nowhere"))


def test_bonus_adds_points_and_raises_no_maximum():
    card = score(rubric(rule("a", 4), rule("b", 2, is_bonus=True)), submission(), {"a": [passed()], "b": [passed()]})
    assert (card.points, card.max_points) == (6, 4)


def test_thirds_add_up_to_a_whole():
    rules = [rule(name, Fraction(1, 3)) for name in "abc"]
    assert score(rubric(*rules), submission(), {r.id: [passed()] for r in rules}).points == 1


@given(
    st.lists(st.tuples(st.sampled_from(["passed", "failed", "unknown"]), st.integers(0, 5)), min_size=1, max_size=8),
    st.fractions(min_value=0, max_value=20, max_denominator=20),
)
def test_points_given_open_and_lost_add_up_to_the_rule(findings, points):
    make = {"passed": passed, "failed": failed, "unknown": unknown}
    made = [make[kind](weight) for kind, weight in findings]
    scored = rule_score(Rule("r", "number", points, {}), made)
    total = sum(f.weight for f in made)
    lost = sum((points * f.weight / total for f in made if f.credit == 0), Fraction(0)) if total else 0
    assert scored.points + scored.open_points + lost == points


@pytest.mark.parametrize(
    ("points", "text"),
    [
        pytest.param(Fraction(1, 200), "0.01", id="half a hundredth goes up"),
        pytest.param(Fraction(4999, 1_000_000), "0", id="just under stays down"),
        pytest.param(Fraction(2, 3), "0.67", id="two thirds"),
        pytest.param(Fraction(100), "100", id="a whole hundred keeps its zeros"),
        pytest.param(Fraction(1, 10), "0.1", id="a tenth"),
    ],
)
def test_points_round_as_teachers_round(points, text):
    assert f"{rounded(points):f}" == text


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Finding(Outcome.UNKNOWN, "x", ONE), id="unknown with credit"),
        pytest.param(lambda: Finding(Outcome.PASSED, "x"), id="passed without credit"),
        pytest.param(lambda: Finding(Outcome.FAILED, "x", Fraction(2)), id="credit over one"),
    ],
)
def test_a_finding_that_contradicts_itself_cannot_be_made(make):
    with pytest.raises(ValueError, match=r"credit|person"):
        make()
