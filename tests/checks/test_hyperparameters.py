"""A table and a trend over a grid: by the student's logs, and trained again; chance contradicts nobody."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.checks import all_checks, run_check
from grader.checks._grid import level_of, levels_of
from grader.checks._grid_again import recipe_at
from grader.documents import validator
from grader.model import Evidence, EvidenceStatus, Outcome, Problem

PASSED, FAILED, REVIEW, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.REVIEW, Outcome.UNKNOWN
RULE = {"over": "learning_rate", "values": [0.001, 0.01, 0.1], "log": "lr-{value}.csv", "n": 10_000}
RECIPE = {"data_set": "mnist", "optimizer": "sgd", "learning_rate": 0.01, "epochs": 2, "batch_size": 64}
AGAIN = {"log": None, "retrain": True, "recipe": RECIPE, "budget_s": 60, "seeds": 2}


def curve(*values):
    return "epoch,test_accuracy\n" + "".join(f"{at},{value:.4f}\n" for at, value in enumerate(values, 1))


LOGS = {
    "lr-0.001.csv": curve(0.6, 0.9401),
    "lr-0.01.csv": curve(0.9, 0.9787),
    "lr-0.1.csv": curve(0.2, 0.1135),
}
TABLE = {"0.001": "94.01 %", "0.01": 0.9787, "0.1": 0.1135}


@pytest.fixture
def findings(make_rule, hand_in, model):
    """All findings; settings are valid. `made` are trainings, value by value and seed by seed."""

    def run(answers, files=LOGS, made=(), **settings):
        kind = all_checks()["hyperparameters"]
        settings = {**RULE, **settings}
        if settings.get("retrain"):
            settings["model"] = model
            files = {**files, "model.py": ""}
        settings = {key: value for key, value in settings.items() if value is not None}
        rule = make_rule("hyperparameters", **settings)
        assert not list(validator(kind.settings_schema).iter_errors(settings))
        assert not [one for one in kind.lint(rule) if not one.code.startswith("warning")]
        submission = hand_in(answers, files=files)
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


@pytest.fixture
def trained(done):
    """trained(9787) -> the evidence of a training with so many of 10,000 right."""
    about = {"n": 10_000, "is_repeatable": True, "is_fresh": True, "unmoved": [], "replaced": [], "own_class": False}
    about |= {"went_on_learning": [], "altered": {}, "parameters": 100, "confusion": [], "classes": ["0", "1"]}
    about |= {"stored_images": {"found": 0, "compared": 0, "tensor": ""}, "accuracy_before": 0.1}
    return lambda correct: done({**about, "correct": correct})


# --- leave it alone ---------------------------------------------------------------------------


def test_a_table_and_a_best_value_that_the_logs_have_earn_everything(findings):
    found = findings({"t": TABLE, "b": 0.01}, table="t", best="b", contradictions="fail")
    assert {one.outcome for one in found} == {PASSED}
    assert sum(one.weight for one in found) == 1
    [trend] = [one for one in found if one.code == "trend"]
    assert trend.said.startswith("b: 0.01 is called the best; by the logs it is so: 0.01 0.9787")


@pytest.mark.parametrize(
    "table",
    [
        {"1e-3": 0.9401, "1e-2": "97.87%", ".1": "0.1135"},
        [[0.001, 0.9401], [0.01, 0.9787], [0.1, 0.1135]],
        [{"value": "0.001", "result": 0.94}, {"value": 0.01, "result": "97.9 %"}, {"value": 0.1, "result": 0.11}],
        {"_note": "from the logs", **TABLE},
    ],
)
def test_a_table_may_be_written_in_several_ways(judge, table):
    assert judge({"t": table}, table="t").outcome is PASSED


@pytest.mark.parametrize(("claim", "outcome"), [("peak", PASSED), ("rises", FAILED), ("falls", FAILED)])
def test_a_direction_is_held_against_the_logs(judge, claim, outcome):
    assert judge({"d": claim}, direction="d").outcome is outcome


def test_an_order_of_some_values_is_held_against_the_logs(judge):
    assert judge({"o": [0.01, "0.001"]}, order="o").outcome is PASSED
    found = judge({"o": [0.1, 0.01]}, order="o")
    assert (found.outcome, found.code) == (FAILED, "trend-contradicted")
    assert "0.01 0.9787 (97.87%) (lr-0.01.csv, line 3) and 0.1 0.1135" in found.said


def test_what_chance_cannot_tell_is_never_wrong(judge):
    """30 images of 10,000: 16 maps may be better than 6 all the same, and a person sees the proposal."""
    files = {"maps-6.csv": curve(0.9787), "maps-16.csv": curve(0.9757)}
    settings = {"over": "feature_maps", "values": [6, 16], "log": "maps-{value}.csv"}
    for answers, claim in (({"o": [16, 6]}, "order"), ({"o": 16}, "best"), ({"o": "rises"}, "direction")):
        found = judge(answers, files, **settings, **{claim: "o"})
        assert (found.outcome, found.credit, found.code) == (REVIEW, 1, "within-the-spread")
    assert judge({"o": "no difference"}, files, **settings, direction="o").outcome is PASSED
    assert judge({"o": "no difference"}, files, **settings, best="o").outcome is PASSED


def test_a_loss_that_rises_is_worse(judge):
    files = {name: text.replace("accuracy", "loss") for name, text in LOGS.items()}
    settings = {"metric": "loss", "n": None, "take": "last"}
    assert judge({"d": "peak"}, files, direction="d", **settings).outcome is PASSED
    assert judge({"b": 0.1}, files, best="b", **settings).outcome is PASSED
    assert judge({"b": 0.01}, files, best="b", **settings).outcome is FAILED


# --- the table --------------------------------------------------------------------------------


def test_an_entry_that_is_not_the_logs_names_both_places(judge):
    found = judge({"t": {**TABLE, "0.01": 0.9877}}, table="t")
    assert (found.outcome, found.code, str(found.place)) == (FAILED, "claim-differs", "answers.json /answers/t/0.01")
    assert "lr-0.01.csv, line 3" in found.said


def test_an_entry_may_be_the_mean_of_the_logs_of_several_seeds(judge):
    files = {f"lr-0.01-{seed}.csv": curve(0.5, value) for seed, value in enumerate((0.9787, 0.9751, 0.9779))}
    files |= {"lr-0.001-0.csv": curve(0.9401), "lr-0.1-0.csv": curve(0.1135)}
    settings = {"table": "t", "log": "lr-{value}-*.csv", "take": "last"}
    assert judge({"t": {**TABLE, "0.01": 0.9772}}, files, **settings).outcome is PASSED
    assert judge({"t": {**TABLE, "0.01": 0.9872}}, files, **settings).outcome is FAILED


def test_by_default_a_person_decides(judge):
    found = judge({"t": {**TABLE, "0.01": 0.9877}}, table="t", contradictions="review")
    assert (found.outcome, found.credit) == (REVIEW, None)


def test_entries_that_stand_in_each_others_logs_were_interchanged(judge):
    found = judge({"t": {**TABLE, "0.01": 0.9401, "0.001": 0.9787}}, table="t")
    assert (found.outcome, found.code) == (REVIEW, "interchanged")


def test_a_trend_that_the_own_table_contradicts_is_told(judge):
    found = judge({"t": TABLE, "b": 0.001}, {}, table="t", best="b", log=None, retrain=None)
    assert "by the table it is otherwise: 0.01" in found.said
    assert found.outcome is FAILED


def test_without_logs_an_entry_must_be_possible(findings):
    found = findings({"t": {**TABLE, "0.01": "97.875 %"}}, {}, table="t", log=None, contradictions="fail")
    assert [one.code for one in found if one.outcome is FAILED] == ["impossible"]
    assert "0.01: 97.875 % is no possible accuracy on 10,000 images" in found[0].said


def test_what_is_missing_or_unknown_in_a_table_is_told(findings):
    found = {one.code: one for one in findings({"t": {"0.01": 0.9787, "0.5": 0.3}}, table="t", contradictions="fail")}
    assert "0.001, 0.1" in found["unanswered"].said
    assert found["another-value"].weight == 0
    assert findings({"t": "97 %"}, table="t", contradictions="fail")[0].code == "no-table"
    assert findings({}, table="t", contradictions="fail")[0].code == "unanswered"


@pytest.mark.parametrize(("key", "answer"), [("best", "the middle one"), ("direction", "wavy"), ("order", [0.1, 7])])
def test_a_claim_that_cannot_be_read_goes_to_a_person(judge, key, answer):
    found = judge({"a": answer}, **{key: "a"})
    assert (found.outcome, found.code) == (REVIEW, f"unclear-{key}")


# --- epochs -----------------------------------------------------------------------------------


def test_epochs_are_looked_up_in_one_log(findings, judge):
    files = {"train.csv": curve(0.90, 0.94, 0.96, 0.97, 0.975, 0.95)}
    settings = {"over": "epochs", "values": [1, 5, 6], "log": "train.csv"}
    answers = {"t": {"1": 0.9, "5": 0.975, "6": 0.95}, "d": "peak"}
    found = findings(answers, files, table="t", direction="d", contradictions="fail", **settings)
    assert {one.outcome for one in found} == {PASSED}
    wrong = judge({"t": {"1": 0.9, "5": 0.965, "6": 0.95}}, files, table="t", **settings)
    assert (wrong.outcome, wrong.code) == (FAILED, "claim-differs")
    assert "train.csv, line 6" in wrong.said
    assert judge({"d": "peak"}, files, direction="d", **{**settings, "values": [1, 5, 60]}).code == "no-epoch"


def test_a_log_that_counts_from_0_has_its_fifth_epoch_under_4(judge):
    text = "epoch,test_accuracy\n" + "".join(f"{at},{0.5 + at / 10:.4f}\n" for at in range(5))
    settings = {"over": "epochs", "values": [1, 5], "log": "train.csv"}
    assert judge({"t": {"1": 0.5, "5": 0.9}}, {"train.csv": text}, table="t", **settings).outcome is PASSED


# --- trained again ----------------------------------------------------------------------------


def test_a_trend_is_confirmed_by_training_again(judge, trained):
    made = [trained(count) for count in (9401, 9410, 9787, 9780, 1135, 1135)]
    found = judge({"b": 0.01}, {}, made, best="b", **AGAIN)
    assert found.outcome is PASSED
    assert "trained again" in found.said
    assert "0.01 97.84% (2 runs)" in found.said


def test_the_spread_between_seeds_decides_what_is_proven(judge, trained):
    """Five points apart, and each value's own seeds as far: nothing is proven."""
    made = [trained(count) for count in (9000, 9600, 9300, 9787, 9401, 9700)]
    found = judge({"d": "falls"}, {}, made, direction="d", **AGAIN)
    assert (found.outcome, found.credit, found.code) == (REVIEW, 1, "within-the-spread")


def test_what_training_again_excludes_is_a_contradiction_where_no_log_says_otherwise(judge, trained):
    made = [trained(count) for count in (9401, 9410, 9787, 9780, 1135, 1135)]
    assert judge({"b": 0.1}, {}, made, best="b", **AGAIN).outcome is FAILED
    found = judge({"b": 0.1}, {}, made, best="b", **AGAIN, contradictions="review")
    assert found.outcome is REVIEW


def test_the_students_own_logs_are_believed_before_our_trainings(findings, trained):
    """Another recipe than theirs may have another best value."""
    made = [trained(count) for count in (9787, 9780, 9401, 9410, 1135, 1135)]
    settings = {**AGAIN, "log": RULE["log"], "contradictions": "fail"}
    found = findings({"b": 0.01}, LOGS, made, best="b", **settings)
    assert [one.outcome for one in found if one.weight] == [PASSED]
    assert "retrained-differs" in {one.code for one in found}
    close = {**LOGS, "lr-0.001.csv": curve(0.9780)}
    [found] = [one for one in findings({"b": 0.01}, close, made, best="b", **settings) if one.weight]
    assert (found.outcome, found.code) == (REVIEW, "retrained-differs")


def test_a_single_seed_contradicts_nobody(judge, trained):
    made = [trained(count) for count in (9401, 9787, 1135)]
    assert judge({"b": 0.1}, {}, made, best="b", **{**AGAIN, "seeds": 1}).outcome is REVIEW


def test_a_training_that_diverges_is_worse_than_any_other(judge, trained):
    problem = Problem("training-diverged", "model.py", "the loss is no number", "lower the learning rate")
    gone = Evidence("key", EvidenceStatus.STUDENT_FAULT, problem=problem)
    made = [*(trained(count) for count in (9401, 9410, 9787, 9780)), gone, gone]
    found = judge({"o": [0.001, 0.1]}, {}, made, order="o", **AGAIN)
    assert (found.outcome, "0.1 diverges (2 runs)" in found.said) == (PASSED, True)
    assert judge({"b": 0.01}, {}, [gone] * 6, best="b", **AGAIN).outcome is REVIEW


def test_a_fault_of_the_machine_is_unknown(judge, system_fault):
    assert judge({"b": 0.01}, {}, [system_fault] * 6, best="b", **AGAIN).outcome is UNKNOWN


def test_each_value_is_trained_by_its_own_recipe_or_built_by_its_own_function(make_rule, hand_in, model):
    kind = all_checks()["hyperparameters"]
    submission = hand_in({}, files={"model.py": ""})
    settings = {**RULE, "retrain": True, "recipe": RECIPE, "budget_s": 60, "model": model, "best": "b"}
    rates = [
        job.parameters["recipe"]["learning_rate"]
        for job in kind.needs(make_rule("hyperparameters", **settings), submission)
        if job.kind == "train"
    ]
    assert rates == [0.001, 0.01, 0.1]
    settings |= {"over": "feature_maps", "values": [6, 16], "factory": "build_{value}_maps"}
    names = [
        job.parameters["factory"]
        for job in kind.needs(make_rule("hyperparameters", **settings), submission)
        if job.kind == "train"
    ]
    assert names == ["build_6_maps", "build_16_maps"]
    whole = recipe_at({"over": "epochs", "recipe": RECIPE}, levels_of({"values": ["5"]})[0])
    assert whole["epochs"] == 5
    assert isinstance(whole["epochs"], int)


@given(
    st.lists(st.lists(st.integers(0, 10_000), min_size=1, max_size=4), min_size=3, max_size=3),
    st.sampled_from(["last", "best"]),
    st.sampled_from(["either", None]),
    st.integers(2, 4),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_who_copies_from_the_own_logs_is_never_wrong(findings, curves, end, take, places):
    """Whatever the logs hold, and whichever of their ends the table, the best value and the order are made of."""
    names = [str(value) for value in RULE["values"]]
    logs = {
        f"lr-{name}.csv": curve(*(count / 10_000 for count in counts))
        for name, counts in zip(names, curves, strict=True)
    }
    ends = {name: counts[-1] if end == "last" else max(counts) for name, counts in zip(names, curves, strict=True)}
    order = sorted(names, key=lambda name: -ends[name])
    rising = [ends[name] for name in names]
    way = "rises" if rising == sorted(rising) else "falls" if rising == sorted(rising, reverse=True) else None
    answers = {"t": {name: round(ends[name] / 10_000, places) for name in names}, "b": order[0], "o": order, "d": way}
    claims = {"table": "t", "best": "b", "order": "o", **({"direction": "d"} if way else {})}
    found = findings(answers, logs, contradictions="fail", take=take or end, **claims)
    assert [one.said for one in found if one.outcome is FAILED] == []


@given(st.floats(1e-9, 1e9), st.sampled_from(["{}", "{:e}", "{:.17g}"]))
def test_a_value_is_known_by_its_number_however_it_is_written(value, form):
    written = form.format(value)
    levels = levels_of({"values": [value]})
    found = level_of(written, levels)
    assert (found is not None) == (Fraction(written) == Fraction(str(value)))


@given(st.one_of(st.none(), st.booleans(), st.text(), st.floats(), st.lists(st.text(), max_size=2)))
def test_any_answer_names_a_level_or_none(value):
    found = level_of(value, levels_of({"values": [6, 16]}))
    assert found is None or found.name in ("6", "16")


def test_what_a_student_may_answer_is_said_to_the_editor(make_rule):
    settings = {**RULE, "table": "t", "best": "b", "direction": "d", "order": "o"}
    made = all_checks()["hyperparameters"].other_answers(make_rule("hyperparameters", **settings))
    good = {"t": [TABLE, [[0.1, 0.98]]], "b": [0.01, "no difference"], "d": ["peak"], "o": [[0.01, "0.1"]]}
    bad = {"t": ["97 %", {"0.1": True}], "b": [None, [0.1]], "d": ["wavy", 3], "o": [[0.1], "0.1"]}
    for key, form in made.items():
        assert [validator(form).is_valid(one) for one in good[key]] == [True] * len(good[key])
        assert [validator(form).is_valid(one) for one in bad[key]] == [False] * len(bad[key])


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"values": [0.1, "1e-1"], "best": "b"}, "one number"),
        ({}, "nothing is claimed"),
        ({"best": "b", "log": None}, "neither a log nor a training"),
        ({"best": "b", "log": "train.csv"}, "one log for all"),
        ({"best": "b", "seeds": 3}, "without `retrain: true`"),
        ({"best": "b", "retrain": True}, "needs `budget_s`"),
        ({"best": "b", "retrain": True, "budget_s": 9}, "needs one training"),
        (
            {"best": "b", "over": "feature_maps", "values": [6, 16], "retrain": True, "budget_s": 9, "recipe": RECIPE},
            "all networks are the same",
        ),
        (
            {"best": "b", "values": [0.1, 0], "retrain": True, "budget_s": 9, "recipe": RECIPE},
            "learning_rate 0.0 is not over 0",
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_told(make_rule, settings, word):
    settings = {key: value for key, value in {**RULE, **settings}.items() if value is not None}
    told = [problem.what for problem in all_checks()["hyperparameters"].lint(make_rule("hyperparameters", **settings))]
    assert word in " ".join(told)


def test_a_single_seed_is_warned_of(make_rule, model):
    settings = {**RULE, "best": "b", "retrain": True, "budget_s": 9, "recipe": RECIPE, "model": model}
    told = list(all_checks()["hyperparameters"].lint(make_rule("hyperparameters", **settings)))
    assert [one.code for one in told] == ["warning-single-run"]


@pytest.mark.torch
def test_a_real_network_is_trained_again_at_each_value(make_rule, hand_in, model):
    """The whole way, in the sandbox: a learning rate that is far too small, and one that does."""
    pytest.importorskip("torch")
    from grader import sandbox
    from grader.evidence.kinds import Bench
    from grader.evidence.local import LocalRunner
    from grader.evidence.plan import Plan
    from grader.limits import Limits

    level = sandbox.level()
    if not level.is_isolated:
        pytest.skip(f"no sandbox here: {level.reason}")
    code = (
        "from torch import nn\n"
        "def build_model():\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))\n"
    )
    recipe = {**RECIPE, "data_set": "digits", "optimizer": "adam", "epochs": 2, "mean": [0.2], "std": [0.3]}
    settings = {"over": "learning_rate", "values": ["1e-7", "3e-3"], "retrain": True, "recipe": recipe, "seeds": 2}
    settings |= {"model": model, "budget_s": 60, "best": "b", "contradictions": "fail"}
    check, rule = all_checks()["hyperparameters"], make_rule("hyperparameters", **settings)
    assert not list(check.lint(rule))
    said = {}
    for best in (0.003, "1e-7"):
        submission = hand_in({"b": best}, files={"model.py": code})
        plan = Plan.of((job, submission.root) for job in check.needs(rule, submission))
        evidence = LocalRunner(Bench(Limits(wall_s=60), level))(plan)
        [said[best]] = [one for one in run_check(check, rule, submission, evidence) if one.weight]
    assert (said[0.003].outcome, said["1e-7"].outcome) == (PASSED, FAILED)
    assert "trained again it is so: 3e-3" in said[0.003].said
