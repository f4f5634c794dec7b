"""A network trained as the reference was, placed in its band by chance and by the ramp; open where nothing is known."""

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.checks import all_checks, run_check
from grader.checks._recipes import RECIPE
from grader.documents import schema, validator
from grader.model import Evidence, EvidenceStatus, Outcome, Problem

PASSED, FAILED, REVIEW, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.REVIEW, Outcome.UNKNOWN
FILES = {"model.py": "code"}
DATA = {"train": "a" * 64, "test": "b" * 64, "edition": ""}
OWN_RECIPE = {"data_set": "mnist", "optimizer": "adam", "learning_rate": 0.002, "epochs": 2, "batch_size": 64}


def band(counts=(9780, 9790, 9785, 9795, 9788), n=10_000, *, seconds=20.0, metric="accuracy", **more):
    """The document of a reference, as the loader puts it into a rule."""
    mean = sum(counts) / len(counts) / n
    spent = {"seconds": 3 * seconds, "cpu_seconds": seconds}  # of a busy machine, whose clock decides nothing
    one = {
        "device": "cpu", "threads": 1, "precision": "float32",
        "versions": {"torch": "2.13.0+cpu", "python": "3.11.7"}, "data": DATA, "n": n,
        "runs": [{"seed": at, "correct": one, **spent} for at, one in enumerate(counts)],
        "mean": mean, "sd": 0.0005 if len(counts) > 1 else None, "min": min(counts) / n, "max": max(counts) / n,
        "command": "grader reference calibrate", "made": "2026-11-21", **spent, **more,
    }  # fmt: skip
    return {
        "recipe_name": "adam", "recipe": OWN_RECIPE, "network": "model:build_model", "parameters": 31_898,
        "metric": metric, "demand": 0.978, "bands": [one],
    }  # fmt: skip


def result(correct, n=10_000, **more):
    """What a training gives; the wrong images are spread evenly."""
    confusion = [[0] * 10 for _ in range(10)]
    for image in range(n):
        true = image % 10
        confusion[true][(true + (0 if image < correct else 1 + image // 10 % 9)) % 10] += 1
    kept = {
        "correct": correct, "n": n, "confusion": confusion, "classes": [str(digit) for digit in range(10)],
        "is_repeatable": True, "is_fresh": True, "unmoved": [], "accuracy_before": 0.1, "data": DATA, "altered": {},
        "precision": "float32",
        "stored_images": {"found": 0, "compared": 0, "tensor": ""},
    }  # fmt: skip
    return kept | more


def trained(correct, n=10_000, *, device="cpu", **more):
    return Evidence("k", EvidenceStatus.DONE, result(correct, n, **more), device=device, versions={"torch": "2.13.1"})


def broke(code="build-raised", status=EvidenceStatus.STUDENT_FAULT, what="it broke"):
    problem = Problem(code, "model.py:4", what, "mend it")
    limit = {"limit": "60 s"} if code in ("cpu-time", "wall-time", "memory") else {}
    return Evidence("k", status, limit, problem=problem)


@pytest.fixture
def findings(make_rule, hand_in, model, done):
    """All findings for trainings that ended so, one for each seed; settings are valid and free of problems."""

    def run(*made, given=None, files=FILES, source=None, problems=(), warned=False, **settings):
        kind = all_checks()["retrain"]
        settings = {"model": model, "reference": band(), "budget_s": 100, "seeds": max(1, len(made)), **settings}
        settings = {key: value for key, value in settings.items() if value is not None}
        rule = make_rule("retrain", **settings)
        assert not list(validator(kind.settings_schema).iter_errors(settings))
        told = list(kind.lint(rule))
        assert warned or not told, told
        submission = hand_in(given, files=files, problems=problems)
        jobs = list(kind.needs(rule, submission))
        evidence = dict(zip([job for job in jobs if job.kind == "train"], made, strict=True))
        evidence |= {job: done(source or {}) for job in jobs if job.kind != "train" and source}
        return run_check(kind, rule, submission, evidence)

    return run


@pytest.fixture
def judge(findings):
    """The one finding that carries the points."""

    def run(*made, **settings):
        [one] = [one for one in findings(*made, **settings) if one.weight > 0]
        return one

    return run


# --- leave it alone ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param((9787,), id="one run in the band"),
        pytest.param((9780, 9795), id="two runs in the band"),
        pytest.param((9850, 9860, 9855), id="above the band"),
        pytest.param((9770, 9772), id="a little under all runs of the band"),
        pytest.param((10_000,), id="all right"),
    ],
)
def test_who_learns_what_the_reference_learns_has_all_the_credit(judge, counts):
    found = judge(*map(trained, counts))
    assert (found.outcome, found.credit, found.code) == (PASSED, 1, "reached"), found.said
    assert "97.8% to 97.95% in 5 runs" in found.said


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(9000, 10_000), min_size=2, max_size=6), st.integers(1, 3), st.data())
def test_the_mean_of_the_references_own_runs_never_fails(judge, counts, k, data):
    """Whatever the band: k of its own seeds again are judged well, or by a person."""
    own = data.draw(st.lists(st.sampled_from(counts), min_size=k, max_size=k))
    found = judge(*map(trained, own), reference=band(tuple(counts)))
    assert found.outcome in (PASSED, REVIEW), found.said


def test_the_sentence_says_what_was_done_and_the_details_say_the_counts(judge):
    found = judge(trained(9780), trained(9790))
    assert found.said == (
        "trained by the course's recipe 'adam', the network gets 97.85% of the test images right in the mean; "
        "the reference gets 97.8% to 97.95% in 5 runs"
    )
    assert found.observed == "97.85% in 2 runs (9,780, 9,790 of 10,000)"


# --- demands and ramps ------------------------------------------------------------------------


def limits(counts, k, n=10_000):
    """Where the points begin to wait, and where they are lost: by simulation-checked intervals."""
    from grader.checks._spread import ONE_IN_20, ONE_IN_1000, Runs, expected

    return [expected(Runs(counts, n), k, tail)[0] * n for tail in (ONE_IN_20, ONE_IN_1000)]


@pytest.mark.parametrize(
    ("off", "outcome"),
    [(1, PASSED), (-1, REVIEW)],
    ids=["one image over what the reference misses 1 time in 20", "one image under"],
)
def test_below_what_the_reference_reaches_19_times_in_20_a_person_decides(judge, off, outcome):
    limit, _ = limits((9780, 9790, 9785, 9795, 9788), 1)
    found = judge(trained(round(limit + off)))
    assert found.outcome is outcome
    assert found.code == ("reached" if outcome is PASSED else "borderline")


@pytest.mark.parametrize(("off", "outcome"), [(1, REVIEW), (-1, FAILED)])
def test_what_an_equal_network_would_hardly_ever_get_fails(judge, off, outcome):
    _, lowest = limits((9780, 9790, 9785, 9795, 9788), 1)
    found = judge(trained(round(lowest + off)))
    assert (found.outcome, found.credit) == (outcome, 0)
    assert "misses 1 time in 20" in found.expected


def test_with_from_the_credit_rises_up_to_the_limit(judge):
    limit = Fraction(limits((9780, 9790, 9785, 9795, 9788), 1)[0]) / 10_000
    found = judge(trained(9400), **{"from": 0.9})
    assert (found.outcome, found.code) == (Outcome.PARTIAL, "below-demand")
    assert found.credit == pytest.approx(Fraction(4, 100) / (limit - Fraction(9, 10)), abs=1e-6)


@pytest.mark.parametrize(
    ("correct", "outcome", "credit"),
    [
        pytest.param(9600, PASSED, 1, id="well over"),
        pytest.param(9501, REVIEW, 1, id="one image over, within chance"),
        pytest.param(9499, REVIEW, Fraction(499, 500), id="one image under, within chance"),
        pytest.param(9250, Outcome.PARTIAL, Fraction(1, 2), id="half way"),
        pytest.param(8900, FAILED, 0, id="under the start"),
    ],
)
def test_a_stated_demand_is_a_ramp_with_an_interval(judge, correct, outcome, credit):
    found = judge(trained(correct), reference=None, recipe=OWN_RECIPE, at_least=0.95, **{"from": 0.9})
    assert (found.outcome, found.credit) == (outcome, credit), found.said


@pytest.mark.parametrize(
    ("borderline", "outcome", "credit"), [("strict", FAILED, 0), ("pass", PASSED, 1), ("review", REVIEW, 0)]
)
def test_the_teacher_says_what_happens_within_chance(judge, borderline, outcome, credit):
    found = judge(trained(9499), reference=None, recipe=OWN_RECIPE, at_least=0.95, borderline=borderline)
    assert (found.outcome, found.credit) == (outcome, credit)


def test_a_wide_spread_between_seeds_widens_what_chance_may_have_decided(judge):
    """By Student's t: three runs that are 2 points apart say less than their mean seems to."""
    settings = {"reference": None, "recipe": OWN_RECIPE, "at_least": 0.95}
    assert judge(*map(trained, (9440, 9440, 9440)), **settings).outcome is FAILED
    assert judge(*map(trained, (9340, 9440, 9540)), **settings).outcome is REVIEW


def test_the_references_spread_says_how_far_one_run_can_be_off(judge):
    """One run has none of its own; the reference's seeds, which lie 1.6 points apart, lend it theirs."""
    settings = {"at_least": 0.96}
    assert judge(trained(9550), reference=None, recipe=OWN_RECIPE, **settings).outcome is FAILED
    wide = band((9700, 9860, 9740, 9820, 9780))
    assert judge(trained(9550), reference=wide, **settings).outcome is REVIEW


def test_seeds_that_lead_far_apart_go_to_a_person(judge):
    found = judge(trained(980), trained(9790))
    assert (found.outcome, found.code, found.credit) == (REVIEW, "erratic", 0)
    assert "9.8% and to 97.9%" in found.said
    assert judge(trained(980), trained(3000)).outcome is FAILED  # bad from every seed: nothing to decide


def test_who_only_guesses_is_told_so(judge):
    found = judge(trained(1000))
    assert found.outcome is FAILED
    assert "no better than guessing" in found.said


# --- a band that is not of this training ------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "why"),
    [
        pytest.param({"device": "cuda NVIDIA H200"}, "of the device 'cpu'", id="another device"),
        pytest.param({"data": DATA | {"edition": "lossy JPEG copy"}}, "lossy JPEG copy", id="another edition"),
        pytest.param({"data": DATA | {"test": "c" * 64}}, "on other images", id="other test images"),
        pytest.param({"data": DATA | {"train": "c" * 64}}, "on other images", id="other training images"),
    ],
)
def test_a_band_of_something_else_is_never_compared_with(findings, made, why):
    [found] = findings(trained(5000, **made))
    assert (found.outcome, found.credit, found.code) == (UNKNOWN, None, "no-band")
    assert why in found.said
    first, told = findings(trained(9600, **made), at_least=0.9)
    assert (first.outcome, first.credit) == (PASSED, 1)  # its own demand can be judged without
    assert "the reference gets" not in first.said
    assert (told.outcome, told.weight, why in told.said) == (UNKNOWN, 0, True)


def test_without_a_band_for_this_device_nothing_is_trained_in_vain(make_rule, hand_in, model):
    kind = all_checks()["retrain"]
    rule = make_rule("retrain", model=model, reference=band(device="cuda NVIDIA H200"), budget_s=100)
    submission = hand_in(files=FILES)
    assert list(kind.needs(rule, submission)) == []
    [found] = run_check(kind, rule, submission, {})
    assert (found.outcome, found.code) == (UNKNOWN, "no-band")
    assert [problem.code for problem in kind.lint(rule)] == ["setting"]


def test_other_releases_are_named_where_credit_is_lost(findings):
    old = band(versions={"torch": "1.9.0"})
    *_, told = findings(trained(9000), reference=old)
    assert told.weight == 0
    assert "torch 1.9.0 (here 2.13.1)" in told.said
    assert len(findings(trained(9790), reference=old)) == 1
    assert len(findings(trained(9000))) == 1  # 2.13.0+cpu and 2.13.1 are one release


def test_another_precision_takes_nothing_without_a_person(judge):
    assert judge(trained(9790, precision="bfloat16")).outcome is PASSED
    found = judge(trained(9000, precision="bfloat16"))
    assert (found.outcome, found.credit, found.code) == (REVIEW, 0, "other-precision")


def test_a_copy_of_the_images_may_explain_what_is_missed_of_a_stated_demand(judge):
    copy = DATA | {"edition": "lossy JPEG copy"}
    settings = {"reference": None, "recipe": OWN_RECIPE, "at_least": 0.95}
    assert judge(trained(9600, data=copy), **settings).outcome is PASSED
    found = judge(trained(9000, data=copy), **settings)
    assert (found.outcome, found.credit, found.code) == (REVIEW, 0, "another-edition")
    same = band(data=copy)  # but a band of the very same images is one
    assert judge(trained(9000, data=copy), reference=same).outcome is FAILED


# --- trainings that give no result ------------------------------------------------------------


def test_a_fault_of_the_machine_is_open_even_beside_a_students_fault(judge):
    fault = broke("no-data", EvidenceStatus.SYSTEM_FAULT)
    for made in ([fault], [trained(9790), fault], [broke(), fault]):
        assert judge(*made).outcome is UNKNOWN


def test_code_that_breaks_from_every_seed_costs_the_points_and_says_why(judge):
    found = judge(broke(what="build_model raised NameError"), broke(what="build_model raised NameError"))
    assert (found.outcome, found.credit, found.code) == (FAILED, 0, "build-raised")
    assert (found.said, found.observed, found.fix) == ("build_model raised NameError", "model.py:4", "mend it")


def test_code_that_breaks_from_one_seed_only_goes_to_a_person(judge):
    found = judge(trained(9790), broke())
    assert (found.outcome, found.credit) == (REVIEW, None)
    assert "1 training of 2" in found.said


@pytest.mark.parametrize("code", ["training-diverged", "memory"])
def test_what_the_courses_recipe_may_have_done_goes_to_a_person(judge, code):
    found = judge(broke(code), broke(code))
    assert (found.outcome, found.credit) == (REVIEW, None)


@pytest.mark.parametrize(
    ("seconds", "code", "outcome"),
    [
        pytest.param(25.0, "cpu-time", FAILED, id="the reference needs a quarter"),
        pytest.param(26.0, "cpu-time", UNKNOWN, id="the reference needs a little more"),
        pytest.param(25.0, "wall-time", REVIEW, id="the clock may be the machine's"),
        pytest.param(90.0, "wall-time", UNKNOWN, id="no room, and the clock"),
    ],
)
def test_a_budget_is_the_students_only_where_the_reference_fits_with_room(judge, seconds, code, outcome):
    found = judge(broke(code), reference=band(seconds=seconds), warned=True)
    assert (found.outcome, found.code) == (outcome, "over-budget")
    assert f"the reference takes {seconds:.0f} s" in found.said


def test_a_budget_without_a_reference_is_nobodys_fault(judge):
    found = judge(broke("cpu-time"), reference=None, recipe=OWN_RECIPE, at_least=0.9)
    assert found.outcome is UNKNOWN


def test_a_budget_that_one_seed_passed_goes_to_a_person(judge):
    assert judge(broke("cpu-time"), trained(9790)).outcome is REVIEW


def test_a_network_without_code_is_missing(judge):
    found = judge(files={})
    assert (found.outcome, found.code) == (FAILED, "missing-file")


# --- doubts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"is_fresh": False, "accuracy_before": 0.93}, "not-fresh"),
        ({"stored_images": {"found": 300, "compared": 360, "tensor": "memory"}}, "stored-images"),
        (
            {"altered": {"light": {"n": 250, "before": 249, "after": 31, "lost": 219, "gained": 1}}},
            "learned-by-heart",
        ),
    ],
)
def test_where_the_count_is_in_doubt_the_points_wait(findings, more, code):
    found = findings(trained(9790), trained(9790, **more))
    assert [(one.outcome, one.code, one.weight) for one in found] == [(PASSED, "reached", 0), (REVIEW, code, 1)]
    low = findings(trained(1000), trained(1000, **more))  # what has earned nothing waits for nobody
    assert [(one.outcome, one.weight) for one in low] == [(FAILED, 1), (REVIEW, 0)]


def test_answers_that_depend_on_the_batch_go_to_a_person(judge):
    more = {"is_repeatable": False, "repeated": 64, "changed": 9, "unanswered": 0, "why_unanswered": ""}
    assert judge(trained(9790, **more)).code == "not-repeatable"


def test_tensors_that_stayed_as_they_were_are_a_remark(findings):
    first, told = findings(trained(9790, unmoved=["spare.weight", "spare.bias", "a", "b"]))
    assert first.outcome is PASSED
    assert (told.weight, told.code) == (0, "unmoved")
    assert "spare.weight, spare.bias, a and 1 more" in told.said


# --- the claim --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim", ["97.87%", 0.9, "98.9 %", 0.9985, "about 97 percent"], ids=["the same", "less", "more", "2 more", "about"]
)
def test_a_claim_that_another_training_explains_costs_nothing(findings, claim):
    first, told = findings(trained(9790), given={"acc": claim}, claimed="acc")
    assert (first.outcome, first.weight) == (PASSED, 1)
    assert (told.weight, told.code, told.place.pointer) == (0, "claim-held", "/answers/acc")


def test_a_claim_that_chance_explains_on_few_images_costs_nothing(findings):
    few = {"reference": None, "recipe": OWN_RECIPE, "at_least": 0.5}
    first, told = findings(trained(90, 100), given={"acc": 0.97}, claimed="acc", **few)
    assert (first.weight, told.code) == (1, "claim-held")


@pytest.mark.attack(62)
@pytest.mark.attack_partly(66)
def test_a_claim_far_above_goes_to_a_person_with_the_credit_as_a_proposal(findings):
    first, told = findings(trained(9790), given={"acc": "99.99%"}, claimed="acc", allowed_gap=0.01)
    assert (first.weight, told.weight, told.outcome, told.credit) == (0, 1, REVIEW, 1)
    assert told.code == "claim-far-above"
    first, told = findings(trained(5000), given={"acc": "99%"}, claimed="acc")
    assert (first.outcome, first.weight, told.weight) == (FAILED, 1, 0)


@pytest.mark.parametrize(("claim", "code"), [("very good", "unread-claim"), (None, "no-claim"), (-3, "unread-claim")])
def test_a_claim_that_cannot_be_read_moves_nothing(findings, claim, code):
    first, told = findings(trained(9790), given={"acc": claim}, claimed="acc")
    assert (first.outcome, first.weight, told.weight, told.code) == (PASSED, 1, 0, code)


def test_broken_answers_are_not_called_missing(findings):
    broken = [Problem("json", "answers.json:3", "a comma is missing", "add it")]
    *_, told = findings(trained(9790), claimed="acc", problems=broken)
    assert "could not be read" in told.said


# --- the rubric -------------------------------------------------------------------------------


@pytest.fixture
def problems(make_rule, model):
    def run(**settings):
        settings = {"model": model, "reference": band(), "budget_s": 100, **settings}
        rule = make_rule("retrain", **{key: value for key, value in settings.items() if value is not None})
        return [(problem.code, problem.where.rpartition("/")[2]) for problem in all_checks()["retrain"].lint(rule)]

    return run


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        pytest.param({}, [], id="sound"),
        pytest.param({"reference": "adam"}, [], id="not resolved: told elsewhere"),
        pytest.param({"reference": None}, [("setting", "0")], id="no training"),
        pytest.param({"recipe": OWN_RECIPE}, [("setting", "recipe")], id="two trainings"),
        pytest.param({"reference": None, "recipe": OWN_RECIPE}, [("setting", "0")], id="a recipe without a demand"),
        pytest.param({"budget_s": 10}, [("setting", "budget_s")], id="less than the reference takes"),
        pytest.param({"budget_s": 79}, [("warning-budget", "budget_s")], id="no room"),
        pytest.param({"reference": band((9790,))}, [("warning-single-run", "reference")], id="a single run"),
        pytest.param({"reference": band(metric="psnr_db")}, [("setting", "reference")], id="a denoiser"),
        pytest.param({"from": 0.99}, [("setting", "from")], id="a ramp that falls"),
        pytest.param({"from": 0.96, "at_least": 0.95}, [("setting", "from")], id="another ramp that falls"),
        pytest.param({"at_least": 0}, [("setting", "at_least")], id="no demand"),
        pytest.param({"at_least": 0.1}, [("warning-chance", "at_least")], id="a demand that guessing meets"),
        pytest.param({"allowed_gap": 0.1}, [("setting", "allowed_gap")], id="a gap of no claim"),
    ],
)
def test_lint_names_what_cannot_be_meant(problems, changed, told):
    assert problems(**changed) == told


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"data_set": "minst"}, "data_set"),
        ({"data_set": "noisy_fashion_mnist"}, "data_set"),
        ({"momentum": 0.9}, "recipe"),
        ({"learnrate": 0.9}, "recipe"),
        ({"most_seconds": 60}, "most_seconds"),
        ({"mean": [0.1, 0.2]}, "mean"),
    ],
)
def test_lint_names_what_is_wrong_with_a_recipe(problems, changed, where):
    told = problems(reference=None, recipe=OWN_RECIPE | changed, at_least=0.9)
    assert told == [("setting", where)]


def test_what_a_recipe_must_have_is_what_has_no_default():
    from grader.training.recipe import Recipe

    assert set(RECIPE["required"]) == {
        field.name
        for field in dataclasses.fields(Recipe)
        if field.default is field.default_factory is dataclasses.MISSING
    }


def test_the_bands_of_these_tests_are_of_the_published_form():
    for one in (band(), band((9790,)), band(device="cuda NVIDIA H200")):
        assert not list(validator(schema("band")).iter_errors(one))


def test_an_editor_knows_the_answer_that_is_claimed(make_rule):
    kind = all_checks()["retrain"]
    assert set(kind.other_answers(make_rule("retrain", claimed="acc"))) == {"acc"}
    assert kind.other_answers(make_rule("retrain")) == {}
