"""The end of a learning rate, by log and code; PyTorch's own scheduler is what both are held against."""

import json

import pytest

from grader.checks import all_checks, run_check
from grader.checks._scheduler_code import schedulers_in
from grader.documents import validator
from grader.model import Outcome

PASSED, FAILED, REVIEW = Outcome.PASSED, Outcome.FAILED, Outcome.REVIEW
STEPS = "scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 4], gamma=0.1)\n"


@pytest.fixture
def judge(make_rule, hand_in):
    """The one finding that carries the points."""

    def run(rates=None, code=None, *, log=None, files=None, **settings):
        kind = all_checks()["schedule"]
        given = {"log": "train.jsonl", "code": "*.py", "falls_to": 0.01, "contradictions": "fail", **settings}
        rule = make_rule("schedule", **given)
        assert not list(validator(kind.settings_schema).iter_errors(given))
        lines = [json.dumps({"epoch": at, "learning_rate": rate}) for at, rate in enumerate(rates or (), start=1)]
        written = {"train.jsonl": log or "\n".join(lines)} if rates or log else {}
        submission = hand_in(files=written | ({"train.py": code} if code is not None else {}) | (files or {}))
        found = run_check(kind, rule, submission, {})
        [one] = [one for one in found if one.weight > 0]
        return one

    return run


def torch_rates(start, milestones, gamma, epochs):
    """The rates that PyTorch trains with, and code that asks for them."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=start)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates, f"MultiStepLR(optimizer, {milestones!r}, gamma={gamma})"


@pytest.mark.torch
@pytest.mark.parametrize("start", [0.1, 0.01, 0.003, 5e-4])
@pytest.mark.parametrize(("milestones", "gamma"), [([2, 4], 0.1), ([3], 0.01)])
def test_what_pytorch_brings_down_to_a_hundredth_passes_by_log_by_code_and_by_both(judge, start, milestones, gamma):
    rates, code = torch_rates(start, milestones, gamma, 6)
    assert judge(rates).outcome is PASSED
    assert judge(None, code).outcome is PASSED
    assert judge(rates, code).outcome is PASSED


@pytest.mark.torch
@pytest.mark.parametrize(("milestones", "gamma"), [([2], 0.1), ([1, 2, 3], 0.1), ([2, 4], 0.5)])
def test_what_log_and_code_agree_to_end_elsewhere_is_wrong(judge, milestones, gamma):
    rates, code = torch_rates(0.1, milestones, gamma, 6)
    found = judge(rates, code)
    assert found.outcome is FAILED
    assert "train.py, line 1" in found.said
    assert judge(rates, code, contradictions="review").outcome is REVIEW


def test_a_rate_that_nothing_changes_is_wrong(judge):
    assert judge([0.1, 0.1, 0.1], "optimizer = SGD(lr=0.1)").outcome is FAILED


@pytest.mark.parametrize(
    ("rates", "code", "files"),
    [
        pytest.param([0.1, 0.1], None, None, id="no code: the milestones may come later"),
        pytest.param([0.1, 0.01], STEPS, None, id="the last line may stand before the last milestone"),
        pytest.param([0.1, 0.001], STEPS.replace("0.1)", "0.5)"), None, id="log and code differ"),
        pytest.param([0.1, 0.1], "", {"train.ipynb": "{}"}, id="a notebook is not read"),
        pytest.param([0.1, 0.1], 'group["lr"] = 1e-3', None, id="set by hand"),
        pytest.param([0.1, 0.002], "CosineAnnealingLR(optimizer, 9)", None, id="another scheduler"),
        pytest.param(None, "MultiStepLR(optimizer, marks)", None, id="milestones that are not written out"),
        pytest.param([0.1], "", None, id="one value"),
    ],
)
def test_what_may_be_so_goes_to_a_person(judge, rates, code, files):
    assert judge(rates, code, files=files).outcome is REVIEW


@pytest.mark.parametrize("code", [None, "optimizer.step()"])
def test_nothing_at_all_is_missing(judge, code):
    found = judge(None, code)
    assert found.outcome is FAILED
    assert "neither a log nor code" in found.said


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("epoch 1 lr=0.0100\nepoch 2 lr=0.0001\n", PASSED),
        ("epoch 1 lr=1e-02\nepoch 2 lr=1e-04\n", PASSED),
        ("epoch 1 lr=0.010\nepoch 2 lr=0.000\n", REVIEW),
        ("epoch 1 lr=0.01\nepoch 2 lr=0.001\n", REVIEW),
    ],
)
def test_the_printed_digits_decide_as_far_as_they_go(judge, text, outcome):
    assert judge(log=text).outcome is outcome


def test_another_scheduler_that_does_it_passes_and_is_told(make_rule, hand_in):
    kind = all_checks()["schedule"]
    rule = make_rule("schedule", log="train.jsonl", code="*.py", falls_to="1/100", scheduler="MultiStepLR")
    log = '{"epoch": 1, "learning_rate": 0.1}\n{"epoch": 2, "learning_rate": 0.001}\n'
    found = run_check(kind, rule, hand_in(files={"train.jsonl": log, "train.py": "StepLR(optimizer, 2)"}), {})
    assert [(one.outcome, one.code) for one in found] == [(PASSED, "falls"), (REVIEW, "other-scheduler")]
    assert found[1].weight == 0


@pytest.mark.parametrize(
    ("code", "factors"),
    [
        ("MultiStepLR(opt, [a // 2, a * 3 // 4], gamma=0.1)", ["1/100"]),
        ("MultiStepLR(\n    opt,\n    milestones=(5, 8,),\n)", ["1/100"]),
        ("MultiStepLR(opt, gamma=0.2, milestones=[5])", ["1/5"]),
        ("MultiStepLR(opt, [m for m in marks])", ["None"]),
        ("MultiStepLR(opt, [*marks, 3])", ["None"]),
        ("MultiStepLR(opt, [1, 2], gamma=g)", ["None"]),
        ("MultiStepLR(opt, [1, 2]", ["None"]),
        ("from torch.optim.lr_scheduler import MultiStepLR", []),
        ("class WarmLR(LRScheduler): pass", []),
        ("MultiStepLR(opt, [1], 0.1); OneCycleLR(opt, 1, 9)", ["1/10", "None"]),
    ],
)
def test_code_is_understood_only_where_all_is_written_out(code, factors):
    assert [str(one.factor) for one in schedulers_in(code)] == factors


def test_long_code_takes_no_long():
    assert len(schedulers_in("MultiStepLR(" * 15_000)) == 15_000
