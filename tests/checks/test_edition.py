"""Images that are a copy with other pixels: a network that learned from the release is failed by none of them."""

import pytest

from grader.checks import all_checks, run_check
from grader.documents import validator
from grader.model import Outcome
from grader.scoring import rule_score

FILES = {"model.py": "code", "model.pth": b"weights"}
COPY = "lossy JPEG copy"
CIFAR = {"data": "cifar10", "split": "test"}


def counted(correct, edition, n=10_000):
    made = {"correct": correct, "n": n, "confusion": [[correct, n - correct], [0, 0]], "classes": ["a", "b"]}
    return made if edition is None else made | {"edition": edition}


@pytest.fixture
def judge(make_rule, hand_in, model, done):
    """judge(7300, COPY, at_least=0.75) -> the score and the findings of `accuracy` on CIFAR-10."""

    def judged(correct, edition, **settings):
        check = all_checks()["accuracy"]
        asked = {"model": {**model, "input": [3, 32, 32]}, **CIFAR, "borderline": "strict", **settings}
        assert not list(validator(check.settings_schema).iter_errors(asked))
        rule, submission = make_rule("accuracy", **asked), hand_in(files=FILES)
        job, *_ = check.needs(rule, submission)
        findings = run_check(check, rule, submission, {job: done(counted(correct, edition))})
        return rule_score(rule, findings), findings

    return judged


@pytest.mark.parametrize("edition", ["", None], ids=["released", "kept before editions were"])
def test_on_the_released_images_a_miss_is_a_miss(judge, edition):
    score, [finding] = judge(7_300, edition, at_least=0.75)
    assert (score.points, score.open_points, finding.outcome) == (0, 0, Outcome.FAILED)


def test_a_miss_that_the_copy_could_explain_waits_for_a_person(judge):
    score, [finding, told] = judge(7_300, COPY, at_least=0.75)
    assert (score.points, score.open_points) == (0, 1)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "another-edition")
    assert "lossy JPEG copy of cifar10, not the released images" in finding.said
    assert told.weight == 0


@pytest.mark.parametrize(
    ("correct", "outcome"),
    [
        pytest.param(6_500, Outcome.REVIEW, id="just as much as the copy may cost"),
        pytest.param(6_499, Outcome.FAILED, id="more than the copy may cost"),
        pytest.param(7_500, Outcome.PASSED, id="reached on the copy"),
    ],
)
def test_only_a_difference_that_could_decide_is_a_persons(judge, correct, outcome):
    _, findings = judge(correct, COPY, at_least=0.75)
    assert findings[0].outcome is outcome
    assert [finding.code for finding in findings if finding.weight == 0] == ["another-edition"]


def test_points_that_were_earned_in_part_wait_as_a_whole(judge):
    """On the released images it might be all of them, so that none are given or taken yet."""
    score, [finding, _] = judge(7_400, COPY, at_least=0.75, **{"from": 0.73})
    assert (finding.outcome, finding.credit) == (Outcome.REVIEW, None)
    assert (score.points, score.open_points) == (0, 1)


def test_a_class_that_was_given_the_copy_is_graded_on_it(judge):
    score, [finding, told] = judge(7_400, COPY, at_least=0.75, other_edition="strict")
    assert (score.points, score.open_points, finding.outcome) == (0, 0, Outcome.FAILED)
    assert "lossy JPEG copy" in told.said


@pytest.mark.parametrize(
    ("claimed", "edition", "outcome", "code"),
    [
        pytest.param("76.12%", "", Outcome.FAILED, "inflated-claim", id="the release"),
        pytest.param("76.12%", COPY, Outcome.REVIEW, "another-edition", id="a copy that may cost so much"),
        pytest.param("0.7612", COPY, Outcome.REVIEW, "another-edition", id="as a share"),
        pytest.param("97.40%", COPY, Outcome.FAILED, "inflated-claim", id="more than any copy costs"),
        pytest.param("73.00%", COPY, Outcome.PASSED, "confirmed", id="what was counted"),
    ],
)
def test_a_claim_about_the_release_is_not_inflated_because_the_copy_is_worse(
    judged, done, model, claimed, edition, outcome, code
):
    asked = {"about": "accuracy", "recompute": {"from": "predict", **CIFAR}, "model": {**model, "input": [3, 32, 32]}}
    findings = judged("claim", claimed, files=FILES, evidence=done(counted(7_300, edition)), **asked)
    [finding] = [finding for finding in findings if finding.weight]
    assert (finding.outcome, finding.code) == (outcome, code)
    assert (COPY in (finding.expected or "") + finding.said) is bool(edition)
