"""Real trainings in the sandbox on the embedded digits: the reference's network passes, others are told apart."""

import base64
import hashlib
import json
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from grader import sandbox
from grader.checks import all_checks, run_check
from grader.datasets import load
from grader.evidence.kinds import Bench, device_class, do, versions
from grader.limits import Limits
from grader.model import Outcome

pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.sandbox]

REFERENCE = Path(__file__).parents[2] / "reference_solutions" / "digits"
CODE = (REFERENCE / "model.py").read_text(encoding="utf-8")
RESULTS = json.loads((REFERENCE / "weights" / "reference.results.json").read_text(encoding="utf-8"))


def band(seconds=2.0):
    """The band of the runs that are measured in the repository."""
    sets = {split: load("digits", split) for split in ("train", "test")}
    runs = [{**run, "cpu_seconds": seconds} for run in RESULTS["runs"]]
    one = {
        "device": "cpu", "threads": 1, "precision": "float32", "versions": {"torch": versions("train")["torch"]},
        "data": {**{split: images.digest for split, images in sets.items()}, "edition": ""},
        "n": RESULTS["n"], "runs": runs,
    }  # fmt: skip
    return {"recipe_name": "reference", "recipe": RESULTS["recipe"], "metric": "accuracy", "bands": [one]}


@pytest.fixture(scope="module")
def bench():
    level = sandbox.level()
    if not level.is_isolated:
        pytest.skip(f"no sandbox here: {level.reason}")
    return Bench(Limits(), level)


@pytest.fixture
def judged(make_rule, hand_in, model, bench):
    """The findings on this code, trained in the sandbox."""

    def run(files, *, check="retrain", answers=None, **settings):
        kind = all_checks()[check]
        settings = {"reference": band(), **settings} if check == "retrain" else settings
        rule = make_rule(check, **{"model": model, "budget_s": 60, **settings})
        submission = hand_in(answers, files=files)
        evidence = {
            job: replace(do(job, submission.root, bench), device=device_class(job.kind), versions=versions(job.kind))
            for job in kind.needs(rule, submission)
        }
        return run_check(kind, rule, submission, evidence)

    return run


def test_the_reference_itself_is_in_its_band(judged):
    found = judged({"model.py": CODE}, seeds=2)
    assert [(one.outcome, one.code) for one in found] == [(Outcome.PASSED, "reached")], found


def test_another_network_that_learns_as_well_passes(judged):
    code = CODE.replace("nn.Conv2d(1, 8, kernel_size=5)", "nn.Conv2d(1, 8, kernel_size=5, bias=False)")
    assert judged({"model.py": code.replace("nn.ReLU", "nn.ELU")})[0].outcome is Outcome.PASSED


def test_a_network_that_cannot_learn_it_fails(judged):
    """All that it sees is the mean of the image."""
    code = """
    from torch import nn
    def build_model():
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 10))
    """
    [found] = judged({"model.py": textwrap.dedent(code)}, **{"from": 0.8})
    assert (found.outcome, found.credit) == (Outcome.FAILED, 0)


def test_code_that_does_not_build_is_told_by_its_own_fault(judged):
    [found] = judged({"model.py": CODE.replace("nn.Linear(400, 32)", "nn.Linear(FLAT, 32)")})
    assert found.outcome is Outcome.FAILED
    assert "FLAT" in found.said


def test_weights_in_the_code_let_the_points_wait(judged):
    import torch

    state = torch.load(REFERENCE / "weights" / "reference.pth", weights_only=True)
    held = {name: base64.b64encode(tensor.numpy().tobytes()).decode() for name, tensor in state.items()}
    code = CODE.replace("return Net()", "return filled(Net())") + textwrap.dedent("""
        import base64
        import torch
        from held import HELD
        def filled(net):
            for name, tensor in net.state_dict().items():
                raw = bytearray(base64.b64decode(HELD[name]))
                tensor.copy_(torch.frombuffer(raw, dtype=torch.float32).reshape(tensor.shape))
            return net
    """)
    found = judged({"model.py": code, "held.py": f"HELD = {held!r}\n"})
    assert [one.code for one in found if one.weight] == ["not-fresh"]
    assert "data-in-code" in {one.code for one in found}


@pytest.mark.parametrize(
    ("seconds", "outcomes"),
    [
        # By CPU time it is the network's; where this machine is so busy that the clock was faster, a person's.
        pytest.param(0.5, {Outcome.FAILED, Outcome.REVIEW}, id="room"),
        pytest.param(2.0, {Outcome.UNKNOWN}, id="no room"),
    ],
)
def test_a_training_that_does_not_end_is_the_networks_where_the_reference_has_room(judged, seconds, outcomes):
    code = CODE.replace(
        "return self.classifier", "while self.training:\n            pass\n        return self.classifier"
    )
    [found] = judged({"model.py": code}, reference=band(seconds), budget_s=3)
    assert (found.outcome in outcomes, found.code) == (True, "over-budget"), found


def test_the_same_code_gives_the_same_bytes_again(hand_in, model, bench):
    """What a key promises: one training stands for all of the same code."""
    from grader.evidence.jobs import train_job

    submission = hand_in(files={"model.py": CODE})
    recipe = RESULTS["recipe"] | {"epochs": 1}
    job = train_job(submission, model, recipe=recipe, seed=7, budget_s=60)
    one, other = (do(job, submission.root, bench).result for _ in range(2))
    assert one["weights"] == other["weights"]
    assert hashlib.sha256(json.dumps(one).encode()).digest() == hashlib.sha256(json.dumps(other).encode()).digest()


def test_two_recipes_are_compared_by_what_the_students_network_becomes(judged):
    """Adam against an SGD that hardly moves: the claimed order is confirmed, the opposite one goes to a person."""
    adam = RESULTS["recipe"] | {"epochs": 3}
    slow = adam | {"optimizer": "sgd", "learning_rate": 0.0001}
    runs = {"SGD": {"answer": "sgd", "recipe": slow}, "Adam": {"answer": "adam", "recipe": adam}}
    asked = {"check": "comparison", "runs": runs, "retrain": True}
    first, *_ = judged({"model.py": CODE}, answers={"sgd": 0.5, "adam": 0.95}, **asked)
    assert (first.outcome, first.code) == (Outcome.PASSED, "retrained"), first
    first, *_ = judged({"model.py": CODE}, answers={"sgd": 0.95, "adam": 0.5}, **asked)
    assert (first.outcome, first.code) == (Outcome.REVIEW, "retrained-differs"), first
