"""What lets a count be doubted: points wait for two reasons only, everything else is told and moves none."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.checks import all_checks, run_check
from grader.checks._by_heart import by_heart, lower_limit
from grader.documents import validator
from grader.model import Outcome
from grader.scoring import rule_score

FILES = {"model.py": "code", "model.pth": b"weights"}
COUNTED = {
    "correct": 980,
    "n": 1000,
    "confusion": [[490, 10], [10, 490]],
    "classes": ["a", "b"],
    "repeated": 64,
    "changed": 0,
    "is_repeatable": True,
    "unanswered": 0,
    "why_unanswered": "",
    "went_on_learning": [],
    "replaced": [],
    "own_class": "",
    "parameters": 10_000,
    "stored_images": {"found": 0, "compared": 1000, "tensor": ""},
}
EMBEDDED = {"bytes": 900, "text_bytes": 0, "text_place": "", "numbers": 12, "numbers_place": "model.py", "unread": []}


def altered(lost, gained=0, kind="light", n=250, before=245):
    return {kind: {"n": n, "before": before, "after": before - lost + gained, "lost": lost, "gained": gained}}


@pytest.fixture
def judge(make_rule, hand_in, model, done):
    def judged(result=None, *, embedded=None, tensors=(), **settings):
        settings = {
            "model": model,
            "data": "mnist",
            "split": "test",
            "at_least": 0.95,
            "borderline": "strict",
            **settings,
        }
        assert not list(validator(all_checks()["accuracy"].settings_schema).iter_errors(settings))
        rule, submission = make_rule("accuracy", **settings), hand_in(files=FILES)
        results = (COUNTED | (result or {}), EMBEDDED | (embedded or {}), {"tensors": list(tensors)})
        jobs = all_checks()["accuracy"].needs(rule, submission)
        evidence = {job: done(one) for job, one in zip(jobs, results, strict=True)}
        findings = run_check(all_checks()["accuracy"], rule, submission, evidence)
        return rule_score(rule, findings), findings

    return judged


def test_without_a_doubt_there_is_one_finding(judge):
    score, findings = judge({"altered": altered(3, 1) | altered(20, 4, "moved")})
    assert (score.points, score.open_points) == (1, 0)
    assert [finding.code for finding in findings] == ["reached"]


@pytest.mark.parametrize(
    ("result", "code"),
    [
        pytest.param({"stored_images": {"found": 5, "compared": 1000, "tensor": "w"}}, "stored-images", id="stored"),
        pytest.param({"altered": altered(200)}, "learned-by-heart", id="a loss in other light"),
        pytest.param({"altered": altered(200, kind="moved")}, "learned-by-heart", id="a loss when moved"),
    ],
)
def test_the_points_wait_for_a_person_and_the_count_is_still_shown(judge, result, code):
    score, findings = judge(result)
    assert (score.points, score.open_points) == (0, 1)
    count, doubt = findings
    assert (count.weight, count.said[:20]) == (0, "980 of 1,000 right (")
    assert (doubt.outcome, doubt.credit, doubt.code) == (Outcome.REVIEW, None, code)
    assert doubt.said.endswith("a person looks")
    assert doubt.fix


def test_what_earns_nothing_waits_for_nobody(judge):
    score, findings = judge({"correct": 500, "altered": altered(200)})
    assert (score.points, score.open_points) == (0, 0)
    assert findings[1].weight == 0


@pytest.mark.parametrize(
    ("result", "code", "word"),
    [
        pytest.param({"went_on_learning": ["a.b", "c", "d", "e"]}, "went-on-learning", "its own a.b, c, d and 1 more",
                     id="tensors that change"),
        pytest.param({"replaced": ["torch.argmax"]}, "replaced-functions", "in place of torch.argmax", id="a patch"),
        pytest.param({"own_class": "Mine"}, "own-class", "a class of its own, 'Mine'", id="a tensor class"),
        pytest.param({"unanswered": 16, "why_unanswered": "1 at a time: bad"}, "refused-small-batches",
                     "16 images that it answered among others it did not answer in small batches (1 at a time: bad)",
                     id="small batches"),
    ],
)  # fmt: skip
def test_remarks_are_for_a_person_and_move_no_point(judge, result, code, word):
    score, findings = judge(result)
    assert (score.points, score.open_points) == (1, 0)
    assert (findings[1].outcome, findings[1].weight, findings[1].code) == (Outcome.REVIEW, 0, code)
    assert word in findings[1].said


@pytest.mark.parametrize(
    ("buffers", "is_told"),
    [
        pytest.param(2_499, False, id="a quarter but one"),
        pytest.param(2_500, True, id="a quarter of the parameters"),
    ],
)
def test_other_numbers_than_parameters_are_told_from_a_quarter_on(judge, buffers, is_told):
    weights = {"name": "w", "shape": [10_000], "is_shared": False}
    tensors = [weights, {"name": "table", "shape": [buffers], "is_shared": False}]
    tensors += [{"name": f"norm.{one}", "shape": [64], "is_shared": False} for one in ("running_mean", "running_var")]
    tensors += [weights | {"name": "again", "is_shared": True}]
    _, findings = judge(tensors=tensors)
    assert ("hidden-numbers" in [finding.code for finding in findings]) is is_told


def test_data_in_the_code_is_told(judge):
    _, findings = judge(embedded={"text_bytes": 4000, "text_place": "model.py:9", "numbers": 2_001})
    assert [finding.code for finding in findings] == ["reached", "data-in-code", "data-in-code"]
    assert findings[1].said.startswith("model.py:9 holds a text that looks like data, 4,000 bytes when compressed")
    assert findings[2].said.startswith("model.py holds 2,001 numbers")


def test_a_broken_look_at_files_costs_nothing(make_rule, hand_in, model, done, system_fault, student_fault):
    settings = {"model": model, "data": "mnist", "split": "test", "at_least": 0.95}
    rule, submission = make_rule("accuracy", **settings), hand_in(files=FILES)
    predict, *others = all_checks()["accuracy"].needs(rule, submission)
    for broken in (system_fault, student_fault):
        evidence = {predict: done(COUNTED), **dict.fromkeys(others, broken)}
        [finding] = run_check(all_checks()["accuracy"], rule, submission, evidence)
        assert finding.code == "reached"


# --- learned by heart: the numbers -------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "lost", "gained", "is_told"),
    [
        pytest.param("light", 2, 1, False, id="the most usual in other light"),
        pytest.param("light", 8, 2, False, id="the most that was measured in other light"),
        pytest.param("light", 25, 0, True, id="a tenth lost in other light"),
        pytest.param("moved", 46, 2, False, id="the most that was measured when moved"),
        pytest.param("moved", 80, 0, True, id="a third lost when moved"),
        pytest.param("light", 60, 55, False, id="as much gained as lost"),
    ],
)
def test_the_bounds_stand_between_honest_networks_and_tables(kind, lost, gained, is_told):
    assert (by_heart(altered(lost, gained, kind, before=200), {}) is not None) is is_told


def test_the_references_loss_moves_the_bound():
    lost = altered(40, 0, "moved", before=200)
    assert by_heart(lost, {}) is None
    assert by_heart(altered(70, 0, "moved", before=200), {"moved": 0.001}) is not None
    assert by_heart(altered(70, 0, "moved", before=200), {"moved": "20%"}) is None


def test_a_few_images_prove_nothing():
    assert by_heart(altered(4, 0, n=8, before=8), {}) is None
    assert by_heart(altered(40, 0, n=80, before=80), {}) is not None
    assert by_heart({}, {}) is None
    assert by_heart(altered(0, 0, n=0, before=0), {}) is None


@given(st.integers(1, 400), st.data())
def test_the_limit_is_below_the_loss_and_rises_with_it(n, data):
    lost = data.draw(st.integers(0, n))
    gained = data.draw(st.integers(0, n - lost))
    limit = lower_limit(lost, gained, n)
    assert limit <= max(Fraction(lost - gained, n), 0)
    if gained <= lost and lost + gained < n:
        assert lower_limit(lost + 1, gained, n) > limit


def test_the_limit_holds_in_99_of_100_draws():
    """Against a simulation: of a true loss of 2%, the limit that is drawn lies above 2% in about one of a hundred."""
    np = pytest.importorskip("numpy")
    drawn = np.random.default_rng(0).multinomial(250, [0.03, 0.01, 0.96], size=20_000)
    over = np.mean([lower_limit(int(lost), int(gained), 250) > 0.02 for lost, gained, _ in drawn])
    assert 0 < over < 0.02
