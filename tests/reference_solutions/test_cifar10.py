"""The rubric of cifar10 in all its years: what is right by hand, and what becomes of a fine-tuned network."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from grader.architecture import layer_schema
from grader.checks import all_checks
from grader.course import load_course, load_rubric
from grader.datasets import status
from grader.grading import grade
from grader.model import Answer, Outcome, Place, Submission
from grader.mutants.hand_ins import absent_tasks, reference_hand_in
from grader.sandbox import level

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "submissions_template" / "cifar10"
COUNTS = {"conv1": 2432, "conv2": 51264, "conv3": 204928, "fc1": 131136, "fc2": 650}
RIGHT = {  # worked out with SciPy's convolve and PyTorch's layers
    "2020": ("-6 8 3 -20 0; -13 -4 12 -2 -9; -4 -13 -4 3 -9", 2, 9, 252, 250),
    "2021": ("-2 1 -11 2 13; -10 4 -8 -2 18; -14 1 5 -6 9", 2, 9, 252, 250),
    "2023": ("-7 4 -6 2 13; -20 10 2 -2 18; -23 8 14 -6 9", 3, 5, 254, 252),
    "2024": ("-11 2 4 -1 7; -24 8 12 -5 12; -19 10 4 -3 15", 3, 5, 254, 252),
}
POINTS = {"2020": 4, "2021": 4, "2023": 100, "2024": 100}


class Nobody:
    """Answers alone need no job."""

    has_room = True

    def order(self, job, *_, **__):
        raise AssertionError(f"a job of kind {job.kind} was ordered")


def rubric_of(variant):
    return load_rubric(
        ROOT / "rubrics" / "cifar10.yaml",
        all_checks(),
        layer_schema=layer_schema(),
        reference_solutions=ROOT / "reference_solutions",
        variant=variant,
    )


def theory(variant, **changed):
    """The rules of task 1, by their ids, for the right answers of that year or others."""
    matrix, padding, kernel, pooled, second = RIGHT[variant]
    rows = [{"layer": name, "parameters": count} for name, count in COUNTS.items()]
    answers = {
        "convolution": matrix,
        "boundary": "zeros beyond the border",
        "translation": "max pooling",
        "padding": padding,
        "kernel": kernel,
        "pooled": pooled,
        "second": second,
        "parameters": {"rows": rows, "total": 390410},
        **changed,
    }
    stated = {key: Answer(value, Place("answers.json", f"/answers/{key}")) for key, value in answers.items()}
    [card] = grade([(Submission("x", "cifar10", ROOT / "docs", answers=stated), rubric_of(variant))], Nobody())
    return {rule.rule: rule for task in card.tasks if task.task.startswith("1") for rule in task.rules}


@pytest.mark.parametrize("variant", RIGHT)
def test_the_points_of_a_year_are_the_sheets(variant):
    assert rubric_of(variant).points == POINTS[variant]


@pytest.mark.parametrize("variant", ["2021", "2023", "2024"])
def test_the_tasks_of_a_year_are_the_sheets(variant):
    tasks = [task.id for task in rubric_of(variant).tasks]
    assert ("4b" in tasks, "4c" in tasks) == (variant == "2021", variant == "2021")
    rules = {rule.id for rule in rubric_of(variant).rules()}
    assert ("net2-accuracy" in rules) == (variant == "2021")


@pytest.mark.parametrize("variant", RIGHT)
def test_what_is_right_by_hand_gets_full_marks_in_every_year(variant):
    lost = {name: rule.findings for name, rule in theory(variant).items() if rule.points < rule.max_points}
    assert set(lost) <= {"boundary"}  # a person reads it


@pytest.mark.parametrize("variant", RIGHT)
def test_the_right_matrix_is_scipys(variant):
    signal = pytest.importorskip("scipy.signal")
    [rule] = [rule for rule in rubric_of(variant).rules() if rule.id == "convolution"]
    found = signal.convolve2d(rule.settings["image"], rule.settings["kernel"], mode="same")
    assert found.tolist() == [[int(n) for n in row.split()] for row in RIGHT[variant][0].split("; ")]


@pytest.mark.parametrize("variant", ["2021", "2023", "2024"])
def test_the_cross_correlation_is_worth_half(variant):
    turned = [[-int(n) for n in row.split()] for row in RIGHT[variant][0].split("; ")]
    rule = theory(variant, convolution=turned)["convolution"]
    assert rule.points == rule.max_points / 2


def test_another_border_is_right_where_it_was_the_students_choice():
    scipy = pytest.importorskip("scipy.ndimage")
    for variant, credit in (("2021", 1), ("2023", None)):
        [rule] = [rule for rule in rubric_of(variant).rules() if rule.id == "convolution"]
        mirrored = scipy.convolve(rule.settings["image"], rule.settings["kernel"], mode="nearest").tolist()
        found = theory(variant, convolution=mirrored)["convolution"]
        share = found.points / found.max_points
        assert share == credit if credit is not None else share < Fraction(1, 1)


# --- the template, and fine-tuning: graded by the command, without CIFAR-10 --------------------------


@pytest.fixture
def check(tmp_path):
    """check(folder, **environment): the rules of its scorecard, by their ids, on a machine without data sets."""
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")

    def run(folder, **environment):
        (tmp_path / "no-data").mkdir(exist_ok=True)
        ran = subprocess.run(
            [sys.executable, "-m", "grader", "check", str(folder), "--course", str(ROOT), "--json"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "GRADER_DATA": str(tmp_path / "no-data"), "TORCH_HOME": str(tmp_path), **environment},
        )
        assert ran.returncode == 0, ran.stderr
        return {rule["rule"]: rule for task in json.loads(ran.stdout)["tasks"] for rule in task["rules"]}

    return run


def said(rules, rule):
    return " | ".join(finding["said"] for finding in rules[rule]["findings"])


@pytest.mark.sandbox
@pytest.mark.torch
def test_the_template_is_told_what_is_missing(check, tmp_path):
    made = [sys.executable, "-m", "grader", "init", "cifar10", str(tmp_path / "mine"), "--course", str(ROOT)]
    subprocess.run(made, check=True, capture_output=True)
    rules = check(tmp_path / "mine")
    assert "'baseline.pth' was not handed in" in said(rules, "baseline-files")
    assert "layer 3" in said(rules, "baseline-structure")
    assert "the output is 10" in said(rules, "net1-builds")
    assert "'net1.txt' was not handed in" in said(rules, "net1-print")
    assert "figures/best.png" in said(rules, "best-plot")
    assert [name for name, rule in rules.items() if rule["points"] == rule["max_points"] > 0] == []


@pytest.fixture
def fine_tuned(tmp_path):
    """A hand-in whose ResNet18 begins with weights that this test makes, and the file of those."""
    torch = pytest.importorskip("torch")
    from grader import torchvision_ops

    torchvision_ops.install()
    from torchvision.models import resnet18

    torch.manual_seed(0)
    begun = resnet18(weights=None)
    torch.save(begun.state_dict(), tmp_path / "resnet18.pth")
    begun.fc = torch.nn.Linear(512, 10)
    for name, parameter in begun.named_parameters():
        if name.startswith("layer4"):
            parameter.data += 0.01 * torch.randn_like(parameter)
    folder = tmp_path / "fine-tuned"
    folder.mkdir()
    (folder / "submission.json").write_text(json.dumps({"assignment": "cifar10", "students": [{"id": "x"}]}))
    code = (ROOT / "reference_solutions" / "cifar10" / "hand_in" / "model.py").read_text()
    (folder / "model.py").write_text(code)
    torch.save({f"resnet.{name}": tensor for name, tensor in begun.state_dict().items()}, folder / "transfer.pth")
    return folder, tmp_path / "resnet18.pth"


@pytest.mark.sandbox
@pytest.mark.torch
def test_a_fine_tuned_network_is_held_against_the_weights_that_it_began_with(check, fine_tuned):
    folder, pretrained = fine_tuned
    rule = check(folder, GRADER_RESNET18=str(pretrained))["fine-tuned"]
    assert rule["points"] == rule["max_points"], rule["findings"]


@pytest.mark.sandbox
@pytest.mark.torch
def test_without_the_pretrained_weights_nobody_loses_a_point_for_them(check, fine_tuned):
    folder, _ = fine_tuned
    rules = check(folder)
    for name in ("fine-tuned", "transfer-accuracy"):
        rule = rules[name]
        assert Outcome.UNKNOWN.value in {finding["outcome"] for finding in rule["findings"]}
        assert rule["open_points"] > 0
        assert rule["points"] + rule["open_points"] == pytest.approx(rule["max_points"])


# --- the reference hand-in ------------------------------------------------------------------------

READ_BY_A_PERSON = {
    *("boundary", "baseline-plot", "net1-settings", "net2-settings", "plot", "tricks", "trick", "trick-plot"),
    *("best-plot", "fitting"),
}


@pytest.mark.data
@pytest.mark.sandbox
@pytest.mark.torch
@pytest.mark.parametrize("variant", ["2021", "2023"])
def test_the_reference_loses_nothing_but_the_task_whose_weights_cannot_be_kept(tmp_path, variant):
    if not next(one for one in status() if one.name == "cifar10").is_present:
        pytest.skip("CIFAR-10 is not here: set GRADER_DATA")
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    course = load_course(ROOT)
    folder = reference_hand_in(course, "cifar10", tmp_path / "reference", variant=variant)
    command = [sys.executable, "-m", "grader", "check", str(folder), "--course", str(ROOT), "--json"]
    ran = subprocess.run([*command, "--variant", variant], capture_output=True, text=True, check=True, env=os.environ)
    card = json.loads(ran.stdout)
    absent = absent_tasks(course, rubric_of(variant))
    rules = [rule for task in card["tasks"] if task["task"] not in absent for rule in task["rules"]]
    lost = [rule for rule in rules if rule["points"] + rule["open_points"] < rule["max_points"] - 1e-9]
    assert [(rule["rule"], rule["findings"]) for rule in lost] == []
    assert {rule["rule"] for rule in rules if rule["open_points"]} <= READ_BY_A_PERSON
    assert set(absent) == {"2021": {"4a", "4b", "4c"}, "2023": {"4a"}}[variant]
