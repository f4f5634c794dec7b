"""Which of two trainings is better, and by how much: by claims, by logs, trained again. A tie contradicts nobody."""

import json
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from grader.checks import all_checks, run_check
from grader.checks._compared import Value, order_of
from grader.documents import validator
from grader.model import Evidence, EvidenceStatus, Outcome, Problem

PASSED, FAILED, REVIEW, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.REVIEW, Outcome.UNKNOWN
RUNS = {"SGD": {"log": "sgd*", "answer": "sgd"}, "Adam": {"log": "adam*", "answer": "adam"}}
RECIPE = {"data_set": "mnist", "optimizer": "adam", "learning_rate": 0.002, "epochs": 2, "batch_size": 64}
SGD = RECIPE | {"optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.9}


def printed(last, *, batches=3, start=0.6):
    """A log in printed lines, every 1000 mini-batches, as the sheet of the optimizers asks for them."""
    steps = [start + (last - start) * at / batches for at in range(1, batches)] + [last]
    return "".join(
        f"mini-batch {1000 * (at + 1)}: train accuracy {value + 0.01:.4f}, test accuracy {value:.4f}, lr 0.01\n"
        for at, value in enumerate(steps)
    )


LOGS = {"sgd.txt": printed(0.9401), "adam.txt": printed(0.9787)}
CLAIMS = {"sgd": "94.01 %", "adam": "97.87 %"}


@pytest.fixture
def findings(make_rule, hand_in):
    """All findings; settings are valid and free of problems. `made` are trainings, run by run and seed by seed."""

    def run(answers=CLAIMS, files=LOGS, *made, problems=(), **settings):
        kind = all_checks()["comparison"]
        settings = {"runs": RUNS, "n": 10_000, **settings}
        settings = {key: value for key, value in settings.items() if value is not None}
        rule = make_rule("comparison", **settings)
        assert not list(validator(kind.settings_schema).iter_errors(settings))
        assert not list(kind.lint(rule))
        submission = hand_in(answers, files=files, problems=problems)
        jobs = [job for job in kind.needs(rule, submission) if job.kind == "train"]
        return run_check(kind, rule, submission, dict(zip(jobs, made, strict=True)))

    return run


@pytest.fixture
def judge(findings):
    """The one finding that carries the points, with `contradictions: fail` unless said otherwise."""

    def run(*args, **settings):
        [one] = [one for one in findings(*args, **{"contradictions": "fail", **settings}) if one.weight > 0]
        return one

    return run


# --- leave it alone ---------------------------------------------------------------------------


def test_the_claim_of_an_optimizers_sheet_is_confirmed_by_its_logs(findings):
    """Report 003: SGD 94.01 %, Adam 97.87 %."""
    found = findings(contradictions="fail")
    assert {one.outcome for one in found} == {PASSED}
    assert sum(one.weight for one in found) == 1
    [order] = [one for one in found if one.code == "order"]
    places = "Adam 0.9787 (97.87%) (adam.txt, line 3) and SGD 0.9401 (94.01%) (sgd.txt, line 3)"
    assert order.said == f"{places}: Adam is better by 3.86 points"


@pytest.mark.parametrize("claims", [{"sgd": 0.9401, "adam": 0.9787}, {"sgd": "94%", "adam": "97.9%"}])
def test_claims_agree_as_far_as_their_digits_go(judge, claims):
    assert judge(claims).outcome is PASSED


def test_who_claims_what_chance_cannot_tell_is_not_contradicted(findings):
    """90 of 10,000 images are more than chance; 30 are not."""
    files = {"sgd.txt": printed(0.9757), "adam.txt": printed(0.9787)}
    found = findings({"sgd": 0.9757, "adam": 0.9787, "best": "SGD"}, files, best="best", contradictions="fail")
    assert {one.outcome for one in found} == {PASSED}
    assert "a tie" in next(one.said for one in found if one.code == "tie")


def test_of_losses_the_lower_one_is_better(judge, findings):
    files = {name: text.replace("test accuracy", "test loss") for name, text in LOGS.items()}
    answers = {"sgd": 0.9401, "adam": 0.9787, "best": "SGD"}
    found = findings(answers, files, metric="loss", best="best", n=None, contradictions="fail", take="last")
    assert {one.outcome for one in found} == {PASSED}
    assert judge({**answers, "best": "Adam"}, files, metric="loss", best="best", n=None, take="last").outcome is FAILED


# --- claims and logs --------------------------------------------------------------------------


def test_a_claim_that_is_not_the_logs_names_both_places(judge):
    found = judge({"sgd": "94.01%", "adam": "99.2%"})
    assert (found.outcome, found.code, str(found.place)) == (FAILED, "claim-differs", "answers.json /answers/adam")
    assert found.said.startswith("Adam: ")
    assert "adam.txt, line 3" in found.said


def test_by_default_a_person_decides_about_a_contradiction(judge):
    found = judge({"sgd": "94.01%", "adam": "99.2%"}, contradictions="review")
    assert (found.outcome, found.credit) == (REVIEW, None)


def test_results_taken_for_each_other_are_told_as_such(judge):
    found = judge({"sgd": "97.87%", "adam": "94.01%"})
    assert (found.outcome, found.code) == (REVIEW, "interchanged")
    assert "sgd.txt, line 3" in found.said
    assert "adam.txt, line 3" in found.said


def test_equal_results_are_not_taken_for_each_other(judge):
    files = {"sgd.txt": printed(0.9787), "adam.txt": printed(0.9787)}
    assert judge({"sgd": 0.9787, "adam": 0.9787}, files).outcome is PASSED


def test_equal_claims_that_are_rounded_contradict_no_order(findings):
    files = {"sgd.txt": printed(0.9460), "adam.txt": printed(0.9530)}
    found = findings({"sgd": "95 %", "adam": "95 %"}, files, contradictions="fail")
    assert {one.outcome for one in found if one.weight} == {PASSED}
    assert [one.weight for one in found if one.code == "order-differs"] == [0]


def test_another_order_than_the_logs_have_names_all_four_places(findings):
    found = findings({"sgd": "98.5%", "adam": "97.87%"}, contradictions="fail")
    order = next(one for one in found if one.code == "order-differs")
    for place in ("/answers/sgd", "/answers/adam", "sgd.txt, line 3", "adam.txt, line 3"):
        assert place in order.said


def test_several_runs_are_ordered_neighbour_by_neighbour(findings):
    runs = {**RUNS, "plain": {"log": "plain*", "answer": "plain"}}
    files = {**LOGS, "plain.txt": printed(0.85)}
    found = findings({**CLAIMS, "plain": "85%"}, files, runs=runs, contradictions="fail")
    assert [one.said.split()[0] for one in found if one.code == "order"] == ["SGD", "Adam"]
    assert {one.outcome for one in found} == {PASSED}


def test_two_trainings_in_one_log_are_told_apart_by_their_part(judge):
    log = "".join(f"epoch {e}: test accuracy {a}\n" for e, a in [(1, 0.9), (2, 0.9401), (1, 0.95), (2, 0.9787)])
    parts = (("SGD", 1, "sgd"), ("Adam", 2, "adam"))
    runs = {name: {"log": "both.txt", "part": at, "answer": key} for name, at, key in parts}
    assert judge(CLAIMS, {"both.txt": log}, runs=runs).outcome is PASSED
    assert judge({"sgd": "97.87%", "adam": "94.01%"}, {"both.txt": log}, runs=runs).code == "interchanged"
    missing = judge(CLAIMS, {"both.txt": log.partition("epoch 1: test accuracy 0.95")[0]}, runs=runs)
    assert (missing.outcome, missing.code) == (REVIEW, "no-part")


def test_a_log_of_very_many_trainings_is_not_searched_for_one_that_fits(judge):
    log = "".join(f"epoch {e}: test accuracy 0.{9000 + at}\n" for at in range(20_000) for e in (1, 2))
    found = judge(CLAIMS, {**LOGS, "sgd.txt": log})
    assert (found.outcome, found.code) == (REVIEW, "too-many-parts")


def test_last_and_best_may_both_be_meant(judge):
    """Where they order the runs differently, a person looks; where a claim says which, it counts."""
    falling = printed(0.9787) + "mini-batch 4000: train accuracy 0.95, test accuracy 0.9300, lr 0.01\n"
    files = {"sgd.txt": printed(0.9401), "adam.txt": falling}
    runs = {"SGD": {"log": "sgd*"}, "Adam": {"log": "adam*"}}
    assert judge({"best": "Adam"}, files, runs=runs, best="best").code == "two-readings"
    assert judge(CLAIMS, files).outcome is PASSED
    assert judge({"best": "Adam"}, files, runs=runs, best="best", take="last").outcome is FAILED
    assert judge({"best": "Adam"}, files, runs=runs, best="best", take="best").outcome is PASSED


# --- evidence that is missing -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param({"sgd.txt": LOGS["sgd.txt"]}, "no-log", id="a log is not there"),
        pytest.param({**LOGS, "adam.txt": "It went well.\n"}, "no-values", id="a log says nothing"),
        pytest.param({**LOGS, "adam.txt": b"\x00\xff\x00" * 40}, "", id="a log cannot be read"),
        pytest.param({**LOGS, "adam.txt": "epoch 1: train loss 0.3\n"}, "no-final", id="another curve"),
    ],
)
def test_a_log_that_is_missing_or_says_nothing_goes_to_a_person(judge, files, code):
    found = judge(CLAIMS, files)
    assert found.outcome in (REVIEW, UNKNOWN), found
    assert not code or found.code == code


def test_a_result_that_is_not_claimed_is_unanswered(judge):
    found = judge({"sgd": "94.01%"})
    assert (found.outcome, found.code, found.place.pointer) == (FAILED, "unanswered", "/answers/adam")


def test_broken_answers_are_not_called_missing(judge):
    broken = [Problem("json", "answers.json:3", "a comma is missing", "add it")]
    assert judge({}, problems=broken).outcome is UNKNOWN
    assert judge({}, problems=broken, best="best", gap="gap").outcome is UNKNOWN


# --- what is said of the runs -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("best", "outcome", "code"),
    [
        pytest.param("Adam", PASSED, "best-confirmed", id="the better one"),
        pytest.param("adam", PASSED, "best-confirmed", id="in small letters"),
        pytest.param("SGD", FAILED, "best-contradicts", id="the other one"),
        pytest.param("no difference", FAILED, "best-contradicts", id="no difference"),
        pytest.param("it depends", REVIEW, "unclear-best", id="words"),
        pytest.param(None, FAILED, "unanswered", id="no answer"),
    ],
)
def test_the_run_that_is_called_the_best(judge, best, outcome, code):
    found = judge({**CLAIMS, "best": best}, best="best")
    assert (found.outcome, found.code) == (outcome, code), found.said


def test_the_best_by_the_logs_alone(judge):
    runs = {"SGD": {"log": "sgd*"}, "Adam": {"log": "adam*"}}
    assert judge({"best": "Adam"}, runs=runs, best="best").code == "best-confirmed"
    found = judge({"best": "SGD"}, runs=runs, best="best")
    assert (found.outcome, found.code) == (FAILED, "best-differs")
    assert "sgd.txt, line 3" in found.said


def test_no_difference_is_held_against_the_logs_whichever_is_better(judge):
    runs = {"SGD": {"log": "sgd*"}, "Adam": {"log": "adam*"}}
    files = {"sgd.txt": printed(0.9787), "adam.txt": printed(0.9401)}
    for logs in (files, LOGS):
        assert judge({"best": "no difference"}, logs, runs=runs, best="best").code == "best-differs"
    alike = {"sgd.txt": printed(0.9787), "adam.txt": printed(0.9780)}
    assert judge({"best": "no difference"}, alike, runs=runs, best="best").code == "best-confirmed"


def test_the_best_is_not_confirmed_by_one_log(findings):
    runs = {"SGD": {"log": "sgd*"}, "Adam": {"log": "adam*"}}
    found = findings({"best": "Adam"}, {"adam.txt": LOGS["adam.txt"]}, runs=runs, best="best")
    assert "unconfirmed" in {one.code for one in found}
    assert {one.outcome for one in found} == {REVIEW}


@pytest.mark.parametrize(
    ("gap", "outcome", "code"),
    [
        pytest.param(3.86, PASSED, "gap-confirmed", id="in points"),
        pytest.param("3.86 %", PASSED, "gap-confirmed", id="in percent"),
        pytest.param(0.0386, PASSED, "gap-confirmed", id="as a share"),
        pytest.param("about 4 points", PASSED, "gap-confirmed", id="about"),
        pytest.param("about 3.5 points", PASSED, "gap-confirmed", id="about, half a point off"),
        pytest.param(-3.86, PASSED, "gap-confirmed", id="from the other side"),
        pytest.param("4.1 %", PASSED, "gap-confirmed", id="relative"),
        pytest.param("64.4 %", PASSED, "gap-confirmed", id="of the errors"),
        pytest.param(5.86, FAILED, "gap-differs", id="another one"),
        pytest.param("much", REVIEW, "unclear-gap", id="a word"),
        pytest.param("", FAILED, "unanswered", id="none"),
    ],
)
def test_a_stated_difference_is_held_against_the_logs(judge, gap, outcome, code):
    found = judge({**CLAIMS, "gap": gap}, gap="gap")
    assert (found.outcome, found.code) == (outcome, code), found.said


def test_a_difference_without_logs_is_not_confirmed(judge):
    found = judge({**CLAIMS, "gap": 3.86}, {}, gap="gap")
    assert found.outcome is REVIEW


# --- trained again ----------------------------------------------------------------------------


def trained(correct, **more):
    result = {
        "correct": correct, "n": 10_000, "is_repeatable": True, "is_fresh": True, "unmoved": [], "altered": {},
        "accuracy_before": 0.1, "stored_images": {"found": 0, "compared": 0, "tensor": ""},
    }  # fmt: skip
    return Evidence("k", EvidenceStatus.DONE, result | more, device="cpu")


@pytest.fixture
def again(findings, model):
    """The findings of trainings of SGD, then of Adam, from as many seeds; `claims` are those of the answers."""

    def run(sgd, adam, claims=CLAIMS, **settings):
        runs = {"SGD": {**RUNS["SGD"], "recipe": SGD}, "Adam": {**RUNS["Adam"], "recipe": RECIPE}}
        files = {"model.py": "code", "sgd.txt": printed(0.9401), "adam.txt": printed(0.9787)}
        settings = {"runs": runs, "retrain": True, "model": model, "budget_s": 100, "seeds": len(sgd), **settings}
        return findings(claims, files, *sgd, *adam, contradictions="fail", **settings)

    return run


def carrying(found):
    [one] = [one for one in found if one.weight > 0]
    return one


def test_the_same_order_again_confirms_it(again):
    found = again([trained(9410), trained(9400)], [trained(9780), trained(9790)])
    assert {one.outcome for one in found} == {PASSED}
    assert "Adam is better here too" in carrying(found).said


def test_a_tie_contradicts_nobody(again):
    found = again([trained(9700), trained(9790)], [trained(9710), trained(9780)])
    assert carrying(found).outcome is PASSED
    assert "retrained-tie" in {one.code for one in found}
    assert "retrained-gap" in {one.code for one in found if one.weight == 0}  # 3.86 points are outside


def test_another_order_again_goes_to_a_person_and_never_fails(again):
    found = carrying(again([trained(9890), trained(9900)], [trained(9780), trained(9790)]))
    assert (found.outcome, found.code, found.credit) == (REVIEW, "retrained-differs", None)
    assert "/answers/adam" in str(found.place)


@pytest.mark.parametrize("better", ["SGD", "Adam"])
def test_a_claimed_tie_that_is_none_again_goes_to_a_person(again, better):
    runs = {"SGD": {"answer": "sgd", "recipe": SGD}, "Adam": {"answer": "adam", "recipe": RECIPE}}
    made = [[trained(9800 if name == better else 9400)] for name in ("SGD", "Adam")]
    found = carrying(again(*made, claims={"sgd": 0.97, "adam": 0.97}, runs=runs))
    assert (found.outcome, found.code) == (REVIEW, "retrained-differs")
    assert f"{better} is better" in found.said
    assert "no difference is claimed" in found.said


def test_one_seed_that_is_off_makes_two_seeds_a_tie(again):
    """By Student's t: 2 seeds that lie 9 points apart do not show which recipe is better."""
    assert "retrained-tie" in {
        one.code for one in again([trained(9890), trained(9900)], [trained(8900), trained(9790)])
    }


def test_a_training_without_a_result_is_open(again):
    problem = Problem("build-raised", "model.py:4", "build_model raised NameError", "define it")
    own = Evidence("k", EvidenceStatus.STUDENT_FAULT, problem=problem)
    machine = Evidence("k", EvidenceStatus.SYSTEM_FAULT, problem=problem)
    found = carrying(again([own], [own]))
    assert (found.outcome, found.credit) == (REVIEW, None)  # the logs are there; that it does not build costs elsewhere
    assert "NameError" in found.said
    assert carrying(again([machine], [trained(9790)])).outcome is UNKNOWN
    slow = Evidence("k", EvidenceStatus.STUDENT_FAULT, problem=Problem("cpu-time", "submission", "was slow", "x"))
    assert carrying(again([trained(9400)], [slow])).outcome is UNKNOWN


def test_a_network_that_knew_the_images_before_goes_to_a_person(again):
    assert carrying(again([trained(9400)], [trained(9790, is_fresh=False, accuracy_before=0.9)])).code == "not-fresh"


def test_without_code_the_trainings_are_a_persons(judge, model):
    runs = {"SGD": {**RUNS["SGD"], "recipe": SGD}, "Adam": {**RUNS["Adam"], "recipe": RECIPE}}
    found = judge(CLAIMS, LOGS, runs=runs, retrain=True, model=model, budget_s=100)
    assert (found.outcome, found.code) == (REVIEW, "missing-file")


def test_without_logs_a_training_of_our_own_can_confirm(again):
    runs = {"SGD": {"answer": "sgd", "recipe": SGD}, "Adam": {"answer": "adam", "recipe": RECIPE}}
    assert carrying(again([trained(9400)], [trained(9790)], runs=runs)).outcome is PASSED


# --- orders -----------------------------------------------------------------------------------

VALUES = st.builds(lambda k: Value(Fraction(k, 1000), Fraction(1, 1000), str(k)), st.integers(0, 1000))


@drawn(VALUES, VALUES, st.sampled_from([None, 100, 1000]), st.booleans())
def test_an_order_is_the_same_from_either_side(one, other, n, is_low):
    flipped = {"over": "under", "under": "over", "tie": "tie"}
    order = order_of([one], [other], n, is_low_better=is_low)
    assert order_of([other], [one], n, is_low_better=is_low) == flipped[order]
    assert order_of([one], [one], n, is_low_better=is_low) == "tie"
    if n is not None:  # what chance explains is never an order that digits alone would not tell
        assert order in ("tie", order_of([one], [other], None, is_low_better=is_low))


WRITTEN = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 200), st.floats(allow_nan=False, allow_infinity=False),
    st.text(alphabet="0123456789.,%/~-=() Adamsgdbetrnox", max_size=20), st.lists(st.integers(), max_size=3),
)  # fmt: skip
PRINTED = st.lists(
    st.text(alphabet="0123456789.%:=-/ epochtsacuryln\n", max_size=60).map(lambda t: "test accuracy " + t), max_size=4
).map("\n".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@drawn(WRITTEN, WRITTEN, WRITTEN, WRITTEN, PRINTED, PRINTED)
def test_whatever_is_written_gets_a_verdict(findings, sgd, adam, best, gap, one, other):
    answers = {"sgd": sgd, "adam": adam, "best": best, "gap": gap}
    found = findings(answers, {"sgd.txt": one, "adam.txt": other}, best="best", gap="gap", contradictions="fail")
    assert not {"check-broke", "no-verdict"} & {one.code for one in found}, found
    assert sum(one.weight > 0 for one in found) == 1
    assert all(one.fix for one in found if one.outcome is FAILED)


# --- the rubric -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        pytest.param({"runs": RUNS}, [], id="sound"),
        pytest.param(
            {"runs": {"a": {"log": "x", "answer": "k"}, "b": {"log": "y", "answer": "k"}}}, ["answer"], id="one answer"
        ),
        pytest.param(
            {"runs": {"a": {"log": "x", "answer": "k"}, "b": {"log": "x", "answer": "l"}}}, ["log"], id="one log"
        ),
        pytest.param({"runs": {"a": {"log": "x"}, "b": {"log": "y"}}}, ["runs"], id="no claim"),
        pytest.param({"runs": {"a": {"answer": "k"}, "b": {"log": "y", "answer": "l"}}}, ["a"], id="no evidence"),
        pytest.param({"runs": {**RUNS, "c": {"log": "z"}}, "gap": "g"}, ["gap"], id="a gap of three"),
        pytest.param({"runs": RUNS, "seeds": 2}, ["seeds"], id="seeds of nothing"),
        pytest.param({"runs": RUNS, "retrain": True}, ["retrain", "retrain", "SGD", "Adam"], id="nothing to train by"),
    ],
)
def test_lint_names_what_cannot_be_meant(make_rule, asked, where):
    told = all_checks()["comparison"].lint(make_rule("comparison", **asked))
    assert [problem.where.rpartition("/")[2] for problem in told] == where


def test_runs_on_different_data_are_not_compared(make_rule, model):
    runs = {
        "a": {"answer": "k", "recipe": RECIPE},
        "b": {"answer": "l", "recipe": RECIPE | {"data_set": "fashion_mnist"}},
    }
    rule = make_rule("comparison", runs=runs, retrain=True, model=model, budget_s=60)
    assert [problem.what for problem in all_checks()["comparison"].lint(rule)] == [
        "trained on fashion_mnist and mnist, these runs cannot be compared"
    ]


def test_logs_of_our_own_kind_are_read_too(judge):
    rows = {name: "".join(json.dumps({"epoch": e, "test_accuracy": a - (3 - e) / 100}) + "\n" for e in (1, 2, 3))
            for name, a in (("sgd.jsonl", 0.9401), ("adam.jsonl", 0.9787))}  # fmt: skip
    assert judge(CLAIMS, rows).outcome is PASSED


def test_an_editor_knows_the_answers_that_the_settings_name(make_rule):
    named = all_checks()["comparison"].other_answers(make_rule("comparison", runs=RUNS, best="b", gap="g"))
    assert set(named) == {"sgd", "adam", "b", "g"}
    assert "SGD, Adam" in named["b"]["description"]
    for key, value in {"sgd": "97.87 %", "adam": 0.9787, "b": "Adam", "g": "3.86 points"}.items():
        assert validator(named[key]).is_valid(value)
