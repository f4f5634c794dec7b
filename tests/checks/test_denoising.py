"""A denoiser's images against what is demanded: boundaries, readings, and what poor images look like."""

import math
from fractions import Fraction

import pytest

np = pytest.importorskip("numpy")

from grader.checks import all_checks, run_check  # noqa: E402
from grader.datasets import ImageSet, load  # noqa: E402
from grader.datasets.noisy import NAME, noisy  # noqa: E402
from grader.documents import validator  # noqa: E402
from grader.evidence.denoised import measured  # noqa: E402
from grader.model import Outcome  # noqa: E402
from grader.scoring import rule_score  # noqa: E402

FILES = {"model.py": "code", "model.pth": b"weights"}
BOX = {
    "repeated": 64,
    "changed": 0,
    "is_repeatable": True,
    "unanswered": 0,
    "why_unanswered": "",
    "went_on_learning": [],
    "replaced": [],
    "own_class": "",
    "parameters": 9_585,
    "stored_images": {"found": 0, "compared": 360, "tensor": ""},
    "again": {},
    "edition": "",
}
EMBEDDED = {"bytes": 900, "text_bytes": 0, "text_place": "", "numbers": 12, "numbers_place": "model.py", "unread": []}


@pytest.fixture(scope="module")
def pairs():
    digits = load("digits", "test")
    images = noisy(digits.images, "a test")
    return ImageSet(NAME, "test", images, digits.labels, digits.classes, "of a test", targets=digits.images)


@pytest.fixture(scope="module")
def clean(pairs):
    return pairs.targets.astype(np.float32) / 255


@pytest.fixture(scope="module")
def good(clean):
    """What an honest denoiser makes: 20 dB."""
    return clean + np.random.default_rng(1).normal(0, 0.1, clean.shape).astype(np.float32)


def band(**more):
    runs = [{"seed": 0, "mae": 0.05, "mse": 0.0120, "seconds": 30.0}]
    one = {"device": "cpu", "n": 360, "runs": runs, "mean": 19.2, "sd": 0.1, "min": 19.0, "max": 19.4}
    return {"recipe_name": "denoiser", "recipe": {"data_set": NAME}, "metric": "psnr_db", "bands": [one], **more}


def of_scores(psnr, error=0.0, **more):
    """A result whose measures are these numbers and nothing else."""
    squared = 10 ** (-psnr / 10)
    made = {
        "squared": {"mean": squared, "error": error},
        "psnr_db": {"mean": psnr, "error": 0.0},
        "absolute": {"mean": 0.05, "error": 0.0},
        "ssim": {"mean": 0.6, "error": 0.0},
        "ssim_bordered": {"mean": 0.7, "error": 0.0},
    }
    poor = {**made, "squared": {"mean": 1 / 3, "error": 0.0}}
    shares = {
        "scale": 1.0,
        "offset": 0.0,
        "between": 1.0,
        "within": 1.0,
        "like_input": 0.7,
        "rescaled": None,
        "taken_away": None,
    }
    return {"n": 360, "made": made, "clipped": made, "noisy": poor, "fitted": squared, "noisy_fitted": 0.05,
            **shares, **BOX, **more}  # fmt: skip


@pytest.fixture
def judge(make_rule, hand_in, model, done, pairs):
    """judge(images or a result, psnr_at_least=19) -> the score and the findings that move points."""

    def judged(made, *, box=(), **settings):
        result = made if isinstance(made, dict) else measured(made, pairs) | BOX
        settings = {"model": model, "data": NAME, "split": "test", **settings}
        check = all_checks()["denoising"]
        assert not list(validator(check.settings_schema).iter_errors(settings))
        rule, submission = make_rule("denoising", **settings), hand_in(files=FILES)
        assert not [problem for problem in check.lint(rule) if not problem.code.startswith("warning")]
        results = (result | dict(box), EMBEDDED, {"tensors": []})
        evidence = {job: done(one) for job, one in zip(check.needs(rule, submission), results, strict=True)}
        findings = run_check(check, rule, submission, evidence)
        return rule_score(rule, findings), [one for one in findings if one.weight], findings

    return judged


STRICT = {"borderline": "strict"}


@pytest.mark.parametrize(
    ("psnr", "outcome"),
    [
        pytest.param(16.7998, Outcome.FAILED, id="just under"),
        pytest.param(16.8, Outcome.PASSED, id="exactly"),
        pytest.param(16.8002, Outcome.PASSED, id="just over"),
    ],
)
def test_the_demand_is_inclusive(judge, psnr, outcome):
    _, [finding], _ = judge(of_scores(psnr), psnr_at_least=16.8, **STRICT)
    assert finding.outcome is outcome


def test_a_number_never_looks_like_the_demand_that_it_missed(judge):
    _, [finding], _ = judge(of_scores(16.7998), psnr_at_least=16.8, **STRICT)
    assert finding.observed == "16.7998 dB"


@pytest.mark.parametrize(("psnr", "credit"), [(13, 0), (14, "1/4"), (15, "1/2"), (16.9, "39/40"), (17, 1), (30, 1)])
def test_the_ramp_is_a_straight_line_in_decibels(judge, psnr, credit):
    score, [finding], _ = judge(of_scores(psnr), psnr_at_least=17, psnr_from=13, **STRICT)
    assert finding.credit == score.points == Fraction(credit)


def test_an_absolute_error_is_better_where_it_is_less(judge):
    settings = {"mae_at_most": 0.04, "mae_from": 0.08, **STRICT}
    assert judge(of_scores(20), **settings)[1][0].credit == Fraction(3, 4)


def test_each_demand_is_an_equal_share(judge):
    score, found, _ = judge(of_scores(20), psnr_at_least=19, ssim_at_least=0.65, mae_at_most=0.05, **STRICT)
    assert [finding.outcome for finding in found] == [Outcome.PASSED, Outcome.FAILED, Outcome.PASSED]
    assert score.points == Fraction(2, 3)


def test_a_demand_within_the_interval_goes_to_a_person_with_a_proposal(judge):
    result = of_scores(16.79, error=1e-4)
    _, [finding], _ = judge(result, psnr_at_least=16.8, psnr_from=15.8)
    assert (finding.outcome, finding.code) == (Outcome.REVIEW, "borderline")
    assert finding.credit == Fraction("0.99")
    assert judge(result, psnr_at_least=16.8, borderline="pass")[1][0].outcome is Outcome.PASSED
    assert judge(result, psnr_at_least=16.8, borderline="strict")[1][0].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("demand", "settled"),
    [
        pytest.param({"ssim_at_least": 0.65}, {"ssim_border": "left-out"}, id="SSIM as torchmetrics has it"),
        pytest.param({"psnr_at_least": 21}, {"psnr_over": "pixels"}, id="the mean of PSNRs"),
        pytest.param({"psnr_at_least": 21}, {"clip": False}, id="pixels cut to 0 and 1"),
    ],
)
def test_what_the_student_may_have_meant_is_left_to_a_person_until_the_rubric_says(judge, demand, settled):
    result = of_scores(20)
    better = {"mean": 22.0, "error": 0.0}
    if "psnr_over" in settled:
        result["made"] = {**result["made"], "psnr_db": better}
    if "clip" in settled:
        result["clipped"] = {**result["made"], "squared": {"mean": 10**-2.2, "error": 0.0}}
    _, [finding], _ = judge(result, **demand)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, 0, "borderline")
    assert judge(result, **demand, **settled)[1][0].outcome is Outcome.FAILED
    meant = {"ssim_border": "mirrored", "psnr_over": "images", "clip": True}
    assert judge(result, **demand, **{key: meant[key] for key in settled})[1][0].outcome is Outcome.PASSED


def test_a_reading_that_is_worse_takes_nothing_away(judge):
    _, [finding], _ = judge(of_scores(20), psnr_at_least=19, ssim_border="mirrored")
    assert finding.outcome is Outcome.PASSED


def test_an_honest_denoiser_passes_and_nothing_is_said_against_it(judge, good):
    score, [finding], findings = judge(good, psnr_at_least=19.5)
    assert (score.points, score.open_points, finding.outcome) == (1, 0, Outcome.PASSED)
    assert {one.code for one in findings} == {"reached", "measured"}


def test_images_without_any_error_have_a_psnr_without_end(judge, clean):
    _, [finding], findings = judge(clean, psnr_at_least=40)
    assert finding.outcome is Outcome.PASSED
    assert "no error at all" in finding.said
    assert "no error at all" in findings[-1].said


@pytest.mark.parametrize(
    ("how", "name", "is_inverted"),
    [
        pytest.param(lambda y: y * 255, "from 0 to 255", False, id="bytes"),
        pytest.param(lambda y: y * 2 - 1, "from -1 to 1", False, id="as tanh gives them"),
        pytest.param(lambda y: y - 0.5, "from -0.5 to 0.5", False, id="without a mean of a half"),
        pytest.param(lambda y: 2 * y, "from 0 to 2", False, id="as the noisy ones"),
        pytest.param(lambda y: 1 - y, "inverted, from 0 to 1", True, id="inverted"),
        pytest.param(lambda y: 255 - 255 * y, "inverted, from 0 to 255", True, id="inverted bytes"),
    ],
)
def test_images_on_another_scale_wait_for_a_person_with_what_they_are_worth_on_the_right_one(
    judge, good, how, name, is_inverted
):
    _, [finding], _ = judge(how(good), psnr_at_least=19.5)
    assert (finding.outcome, finding.credit) == (Outcome.REVIEW, 1)
    assert f"as if the pixels were {name}" in finding.said
    assert finding.code == ("inverted" if is_inverted else "other-scale")
    _, [finding], _ = judge(how(good), psnr_at_least=19.5, other_scale="strict")
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "inverted" if is_inverted else "other-scale")


def test_a_network_that_gives_the_noise_waits_with_what_is_left_without_it(judge, good, pairs):
    """Residual learning, whose subtraction stands outside the network."""
    noise = pairs.images / np.float32(127.5) - good
    _, [finding], _ = judge(noise, psnr_at_least=19.5)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, 1, "noise-itself")
    _, [finding], _ = judge(noise, psnr_at_least=19.5, other_scale="strict")
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "noise-itself")


def test_a_scale_without_a_name_waits_too_and_nothing_is_proposed(judge, good):
    _, [finding], _ = judge((good - 0.2860) / 0.3530, psnr_at_least=19.5)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "other-scale")
    assert "on another scale the images are better (0.32" in finding.said


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda noise, _: noise / 2, "no-denoising", id="the stored noisy image"),
        pytest.param(lambda noise, _: noise, "no-denoising", id="pixel and noise"),
        pytest.param(lambda noise, _: 1 - noise, "no-denoising", id="pixel and noise turned round"),
        pytest.param(
            lambda _, clean: np.broadcast_to(clean.mean(axis=0), clean.shape), "constant-image", id="the mean image"
        ),
        pytest.param(lambda _, clean: np.zeros_like(clean), "constant-image", id="black"),
        pytest.param(
            lambda _, clean: np.broadcast_to(clean.mean(axis=(2, 3), keepdims=True), clean.shape),
            "flat-images",
            id="each image's mean grey",
        ),
        pytest.param(
            lambda _, clean: clean + np.random.default_rng(2).normal(0, 0.9, clean.shape).astype(np.float32),
            "no-better",
            id="more noise than before",
        ),
    ],
)
def test_images_that_are_no_denoisers_are_called_what_they_are(judge, pairs, clean, make, code):
    _, [finding], _ = judge(make(pairs.images / np.float32(127.5), clean), psnr_at_least=16)
    assert (finding.outcome, finding.code) == (Outcome.FAILED, code)
    assert finding.fix


def test_a_weak_denoiser_is_only_told_that_it_is_under_the_demand(judge, clean):
    weak = clean + np.random.default_rng(3).normal(0, 0.18, clean.shape).astype(np.float32)
    _, [finding], _ = judge(weak, psnr_at_least=18)
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "below-demand")


def again(before, after, lower, unanswered=0):
    return {"n": 250, "before": before, "after": after, "lower": lower, "unanswered": unanswered}


@pytest.mark.parametrize(
    ("box", "code"),
    [
        pytest.param({"again": {"noise": again(0.0, 0.3, 900.0)}}, "learned-by-heart", id="a table of noisy images"),
        pytest.param({"again": {"moved": again(0.001, 0.02, 11.0)}}, "learned-by-heart", id="a table of clean ones"),
        pytest.param(
            {"stored_images": {"found": 360, "compared": 360, "tensor": "table"}}, "stored-images", id="stored images"
        ),
    ],
)
def test_what_speaks_for_images_learned_by_heart_leaves_the_points_open(judge, box, code):
    score, [finding], _ = judge(of_scores(25), psnr_at_least=19, box=box)
    assert (score.points, score.open_points) == (0, 1)
    assert (finding.outcome, finding.code) == (Outcome.REVIEW, code)
    score, [finding], _ = judge(of_scores(5), psnr_at_least=19, box=box)
    assert (score.points, score.open_points, finding.outcome) == (0, 0, Outcome.FAILED)


@pytest.mark.parametrize("kind", [("noise", 1.12), ("moved", 3.1)])
def test_what_honest_denoisers_lose_is_no_doubt(judge, kind):
    name, lower = kind
    score, _, _ = judge(of_scores(25), psnr_at_least=19, box={"again": {name: again(0.01, 0.02, lower)}})
    assert score.points == 1


@pytest.mark.parametrize(
    "box",
    [
        {"is_repeatable": False, "changed": 60},
        {"is_repeatable": False, "unanswered": 64, "repeated": 0, "why_unanswered": "1 at a time: it raised"},
    ],
)
def test_images_that_depend_on_their_company_are_not_measured(judge, box):
    score, [finding], _ = judge(of_scores(25), psnr_at_least=19, box=box)
    assert (score.points, score.open_points, finding.code) == (0, 1, "not-repeatable")


def test_the_reference_shows_where_the_network_stands_and_moves_no_point(judge):
    for psnr, word in ((18.0, "1.00 dB below the worst"), (19.2, "within its runs"), (20.4, "1.00 dB above the best")):
        score, _, findings = judge(of_scores(psnr), psnr_at_least=17, reference=band())
        assert score.points == 1
        [told] = [finding for finding in findings if finding.code == "reference"]
        assert word in told.said
        assert told.weight == 0


@pytest.mark.parametrize(("psnr", "credit"), [(18.49, 0), (18.5, 1)])
def test_a_demand_may_follow_the_reference(judge, psnr, credit):
    _, [finding], _ = judge(of_scores(psnr), reference=band(), below_reference_db=0.5, **STRICT)
    assert finding.credit == credit


def test_a_demand_that_follows_the_reference_is_measured_as_the_reference_is(judge):
    result = of_scores(18)
    result["clipped"] = {**result["made"], "squared": {"mean": 0.001, "error": 0.0}}
    _, [finding], _ = judge(result, reference=band(), below_reference_db=0.5, clip=True)
    assert finding.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        pytest.param({}, "", id="nothing demanded"),
        pytest.param({"psnr_at_least": 17, "psnr_from": 18}, "psnr_from", id="a ramp that falls"),
        pytest.param({"mae_at_most": 0.1, "mae_from": 0.05}, "mae_from", id="a ramp of errors that rises"),
        pytest.param({"psnr_at_least": 17, "ssim_from": 0.5}, "ssim_from", id="a start without a demand"),
        pytest.param({"below_reference_db": 1}, "below_reference_db", id="no reference"),
        pytest.param(
            {"below_reference_db": 1, "psnr_at_least": 17, "reference": band()}, "below_reference_db", id="two demands"
        ),
        pytest.param({"psnr_at_least": 17, "reference": band(metric="accuracy")}, "reference", id="another metric"),
        pytest.param(
            {"psnr_at_least": 17, "reference": band(recipe={"data_set": "mnist"})}, "reference", id="another data set"
        ),
        pytest.param({"psnr_at_least": 17, "data": "mnist"}, "data", id="a set without clean images"),
        pytest.param({"psnr_at_least": 17, "output_range": [1, 1]}, "output_range", id="a range of nothing"),
        pytest.param(
            {"psnr_at_least": 19.5, "reference": band()}, "psnr_at_least", id="more than the worst run of the reference"
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_told(make_rule, model, settings, pointer):
    rule = make_rule("denoising", **{"model": model, "data": NAME, "split": "test", **settings})
    problems = list(all_checks()["denoising"].lint(rule))
    assert any(problem.where.endswith(f"/{pointer}" if pointer else "/rules/0") for problem in problems), problems
    assert all(problem.fix for problem in problems)


def test_a_network_that_was_not_handed_in_is_missing(make_rule, hand_in, model):
    rule = make_rule("denoising", model=model, data=NAME, split="test", psnr_at_least=17)
    check, submission = all_checks()["denoising"], hand_in(files={"model.py": "code"})
    assert not list(check.needs(rule, submission))
    [finding] = run_check(check, rule, submission, {})
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "missing-file")


def test_faults_are_whose_they_are(make_rule, hand_in, model, student_fault, system_fault):
    rule = make_rule("denoising", model=model, data=NAME, split="test", psnr_at_least=17)
    check, submission = all_checks()["denoising"], hand_in(files=FILES)
    for evidence, outcome in ((student_fault, Outcome.FAILED), (system_fault, Outcome.UNKNOWN)):
        jobs = dict.fromkeys(check.needs(rule, submission), evidence)
        [finding] = run_check(check, rule, submission, jobs)
        assert finding.outcome is outcome


def test_the_noisy_images_have_the_decibels_of_their_noise(good, pairs):
    """The mean square of noise from 0 to 1 is 1/3, of which 1/12 is left without its mean."""
    noise = measured(good, pairs)["noisy"]
    assert noise["squared"]["mean"] == pytest.approx(1 / 3, rel=0.02)
    assert -10 * math.log10(noise["squared"]["mean"]) == pytest.approx(4.8, abs=0.1)
