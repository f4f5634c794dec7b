"""`reference: NAME` is the band of that reference; a demand that the reference misses is worth a word."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from statistics import NormalDist

import pytest

from grader.course import load_rubric, rubric_problems
from grader.course.bands import band_on, chance_to_miss
from grader.documents import schema, validator

HEAD = (
    "assignment: demo\ntitle: Demo\nmodels: {net: {input: [4]}}\n"
    'tasks:\n- id: "1"\n  title: One\n  points: 1\n  rules:\n'
)
DIGEST = "0" * 64


def _band(name: str = "plain", *, data: str = "digits", mean: float = 0.95, sd: float | None = 0.001, **more) -> dict:
    n = 10_000
    runs = [{"seed": seed, "correct": round(mean * n), "seconds": 1.5, "cpu_seconds": 1.0} for seed in range(2)]
    one = {
        "device": "cpu",
        "threads": 1,
        "precision": "float32",
        "versions": {"torch": "2.13.0"},
        "data": {"train": DIGEST, "test": DIGEST, "edition": ""},
        "n": n,
        "runs": runs if sd is not None else runs[:1],
        "mean": mean,
        "sd": sd,
        "min": mean,
        "max": mean,
        "seconds": 1.5,
        "cpu_seconds": 1.0,
        "command": "grader reference calibrate demo",
        "made": "2026-11-21",
    }
    document = {
        "recipe_name": name,
        "recipe": {"data_set": data},
        "network": "model:build_model",
        "parameters": 5,
        "metric": "accuracy",
        "demand": None,
        "bands": [one],
    }
    return document | more


@pytest.fixture
def course(rubric_file, checks, tmp_path):
    """A rubric of one rule beside bands; `loaded` and `said` read it as a course does."""
    from dataclasses import replace

    properties = {key: {} for key in ("reference", "data", "about", "round_to", "recompute", "borderline")}
    of_model = checks["accuracy"].settings_schema
    known = dict(checks)
    known["accuracy"] = replace(
        checks["accuracy"],
        uses_reference=True,
        settings_schema={**of_model, "properties": {**of_model["properties"], **properties, "at_least": {}}},
    )

    class Course:
        folder: Path = tmp_path / "reference_solutions"

        def put(self, document: dict | str, assignment: str = "demo", name: str | None = None) -> Path:
            text = document if isinstance(document, str) else json.dumps(document)
            stem = name or document["recipe_name"]
            path = self.folder / assignment / "bands" / f"{stem}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return path

        def loaded(self, rule: str):
            return load_rubric(rubric_file(HEAD + f"  - {{check: accuracy, {rule}}}\n"), known,
                               reference_solutions=self.folder)  # fmt: skip

        def said(self, rule: str, **options) -> list[str]:
            file = rubric_file(HEAD + f"  - {{check: accuracy, {rule}}}\n")
            options = {"reference_solutions": self.folder, **options}
            return [f"{p.what} | {p.fix}" for p in rubric_problems(file, known, **options)]

    return Course()


def _settings(rubric) -> dict:
    [rule] = rubric.rules()
    return dict(rule.settings)


# --- the setting ----------------------------------------------------------------------------------


def test_a_band_of_this_form_fits_the_published_schema():
    assert list(validator(schema("band")).iter_errors(_band())) == []


def test_a_reference_is_the_whole_band_document_of_its_own_assignment(course):
    course.put(_band())
    course.put(_band(mean=0.5), "other")
    assert _settings(course.loaded("at_least: 0.9, reference: plain"))["reference"] == _band()


def test_a_reference_of_another_assignment_is_named_with_it(course):
    course.put(_band(mean=0.75), "other")
    named = _settings(course.loaded("at_least: 0.5, reference: other/plain"))["reference"]
    assert named["bands"][0]["mean"] == 0.75


def test_a_rule_that_names_no_reference_has_none(course):
    course.put(_band())
    assert "reference" not in _settings(course.loaded("at_least: 0.9"))


def test_another_band_is_another_rubric(course):
    """What a finding depends on is in the rubric's digest: a card made with the old band is not taken for a new one."""
    course.put(_band())
    before = course.loaded("at_least: 0.9, reference: plain").digest
    assert course.loaded("at_least: 0.9, reference: plain").digest == before
    course.put(_band(mean=0.951))
    assert course.loaded("at_least: 0.9, reference: plain").digest != before


def test_bands_that_no_rule_names_leave_the_digest_alone(course):
    before = course.loaded("at_least: 0.9").digest
    course.put(_band())
    assert course.loaded("at_least: 0.9").digest == before


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        pytest.param(
            "reference: other",
            "the reference 'other' of 'demo' has no measured band | "
            "measure it: grader reference calibrate demo other --runs 5; or known: plain, renamed",
            id="not measured",
        ),
        pytest.param(
            "reference: plan",
            "the reference 'plan' of 'demo' has no measured band | "
            "measure it: grader reference calibrate demo plan --runs 5; or did you mean 'plain'?",
            id="mistyped",
        ),
        pytest.param(
            "reference: x/plain",
            "the reference 'plain' of 'x' has no measured band | "
            "measure it: grader reference calibrate x plain --runs 5",
            id="no such assignment",
        ),
        pytest.param(
            "reference: ../../plain",
            "'../../plain' is no name of a reference | write RECIPE or ASSIGNMENT/RECIPE",
            id="a path out of the folder",
        ),
        pytest.param("reference: 5", "5 is no name of a reference | write RECIPE or ASSIGNMENT/RECIPE", id="a number"),
        pytest.param(
            "reference: renamed",
            "demo/bands/renamed.json: this is the band of 'plain' | "
            "measure it again: a file that was renamed is another reference's",
            id="a renamed file",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_told_with_the_remedy(course, rule, told):
    course.put(_band())
    course.put(_band(), name="renamed")
    assert course.said(f"at_least: 0.5, {rule}") == [told]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="cut off"),
        pytest.param("{}", id="empty"),
        pytest.param(json.dumps(_band() | {"bands": []}), id="no band"),
        pytest.param("[]", id="a list"),
    ],
)
def test_a_broken_band_is_an_error_at_the_rule_that_names_it_and_at_no_other(course, text):
    course.put(text, name="plain")
    problems = course.said("at_least: 0.9, reference: plain")
    assert problems
    assert all("demo/bands/plain.json" in problem for problem in problems)
    assert course.said("at_least: 0.9, data: digits") == []


def test_a_rubric_outside_a_course_says_that_it_has_no_references(course):
    [told] = course.said("at_least: 0.9, reference: plain", reference_solutions=None)
    assert told.startswith("the reference 'plain' is not found: this rubric belongs to no course")


def test_a_check_that_uses_no_reference_takes_none(rubric_file, checks):
    text = HEAD + "  - {check: figure, reference: plain}\n"
    assert [p.code for p in rubric_problems(rubric_file(text), checks)] != []


# --- what the reference itself misses -------------------------------------------------------------


def test_a_demand_that_the_reference_misses_too_often_is_told_with_the_probability(course):
    course.put(_band(mean=0.95, sd=0.002))
    [told] = course.said("at_least: 0.95, data: digits")
    what, _, fix = told.partition(" | ")
    assert what == (
        "the reference 'plain' itself misses this about 50 times in 100: 95.00% in the mean of 2 runs on cpu"
    )
    assert fix == "demand less, or give the assignment a better reference"


@pytest.mark.parametrize(
    ("rule", "is_told"),
    [
        pytest.param("at_least: 0.94", False, id="three deviations below"),
        pytest.param("at_least: 96%", True, id="in percent"),
        pytest.param("at_least: 0.9460", False, id="just under 1 in 20"),
        pytest.param("at_least: 0.9462", True, id="just over 1 in 20"),
        pytest.param("at_least: 0.95, round_to: 0.02", False, id="rounded, 94% is enough"),
        pytest.param("at_least: 0.97, round_to: 0.01", True, id="rounded, 96.5% is asked"),
        pytest.param("at_least: 0.9495, borderline: pass", False, id="within the interval, which passes"),
        pytest.param("at_least: 0.96, borderline: pass", True, id="beyond the interval"),
        pytest.param("at_least: 0.99, about: loss", False, id="not about accuracy"),
    ],
)
def test_the_line_is_one_time_in_twenty(course, rule, is_told):
    """sqrt(0.001^2 + 0.95 * 0.05 / 10,000) = 0.0024; 1.645 of these below 0.95 is 0.9461."""
    course.put(_band(mean=0.95, sd=0.001))
    assert bool(course.said(f"{rule}, data: digits")) == is_told


def test_the_best_reference_of_the_assignment_and_set_is_the_measure(course):
    course.put(_band("weak", mean=0.6))
    course.put(_band("strong", mean=0.99))
    course.put(_band("elsewhere", mean=1.0, data="mnist"))
    assert course.said("at_least: 0.9, data: digits") == []
    [told] = course.said("at_least: 0.995, recompute: {data: digits}")
    assert "the reference 'strong' itself misses this" in told
    [told] = course.said("at_least: 0.9, data: digits, reference: weak")
    assert "the reference 'weak' itself misses this nearly every time" in told


@pytest.mark.parametrize(
    "rule", ["at_least: 0.99", "at_least: 0.99, data: mnist", "at_least: 20, data: digits", "at_least: 0.9, data: 7"]
)
def test_without_a_measure_nothing_is_said(course, rule):
    course.put(_band(mean=0.5))
    assert course.said(rule) == []


def test_a_band_in_decibel_says_nothing_of_an_accuracy(course):
    course.put(_band(metric="psnr_db", mean=20.0))
    assert course.said("at_least: 0.99, data: digits") == []
    assert course.said("at_least: 0.99, reference: plain") == []


@pytest.mark.parametrize("at_least", [0.93, 0.948, 0.95, 0.956, Fraction(19, 20)])
@pytest.mark.parametrize("sd", [0.0, 0.001, 0.02])
def test_the_probability_is_that_of_the_normal_distribution(at_least, sd):
    band = _band(mean=0.95, sd=sd)["bands"][0]
    spread = (sd**2 + 0.95 * 0.05 / 10_000) ** 0.5
    assert chance_to_miss(band, at_least) == pytest.approx(NormalDist(0.95, spread).cdf(float(at_least)), abs=1e-12)


def test_a_single_run_has_the_spread_of_its_test_set_alone():
    band = _band(sd=None)["bands"][0]
    assert chance_to_miss(band, 0.946) == pytest.approx(NormalDist(0.95, 0.0475**0.5 / 100).cdf(0.946))


def test_a_perfect_reference_misses_nothing_that_can_be_asked():
    band = _band(mean=1.0, sd=0.0)["bands"][0]
    assert chance_to_miss(band, 1.0) == 0


def test_a_course_that_grades_on_the_cpu_is_measured_by_its_band_there():
    on_a_card = {"device": "cuda NVIDIA H200"}
    assert band_on({"bands": [on_a_card, {"device": "cpu"}]}) == {"device": "cpu"}
    assert band_on({"bands": [on_a_card]}) == on_a_card
