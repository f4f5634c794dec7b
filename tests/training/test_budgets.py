"""A training ends where its recipe or its caller says, and says itself what ended it."""

from __future__ import annotations

import pytest

from grader.errors import MachineError
from grader.training import Recipe, steps, train

pytestmark = pytest.mark.torch
PLAIN = {"data_set": "bars", "optimizer": "sgd", "learning_rate": 0.1, "epochs": 3, "batch_size": 32}


def build():
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))


@pytest.fixture
def sets(bars):
    return bars(128), bars(50, "test", seed=1)  # four steps an epoch


def test_epochs_are_the_budget_where_nothing_else_is_said(sets):
    made = train(build, Recipe(**PLAIN), *sets)
    assert (made.ended_by, made.is_reproducible, len(made.log)) == ("epochs", True, 3)


@pytest.mark.parametrize(
    ("most", "ends", "ended_by"),
    [
        (1, [1], "steps"),
        (4, [4], "steps"),
        (6, [4, 6], "steps"),
        (12, [4, 8, 12], "epochs"),
        (99, [4, 8, 12], "epochs"),
    ],
)
def test_a_number_of_steps_ends_it_also_within_an_epoch(sets, most, ends, ended_by):
    made = train(build, Recipe(**PLAIN, most_steps=most), *sets)
    assert [record["step"] for record in made.log] == ends
    assert all("test_accuracy" in record for record in made.log)
    assert (made.ended_by, made.is_reproducible) == (ended_by, True)
    assert made.log[-1]["test_accuracy"] == made.test.value


def _ticking(monkeypatch):
    """A clock on which every look takes a second: one before the first step, then one after each."""
    ticks = iter(range(1000))
    monkeypatch.setattr(steps.time, "monotonic", lambda: next(ticks))


def test_the_clock_ends_it_after_the_step_that_passes_the_limit_and_the_log_says_so(sets, monkeypatch):
    _ticking(monkeypatch)
    made = list(steps_of(Recipe(**PLAIN, most_seconds=6), sets[0]))
    assert [(record["step"], is_end) for record, is_end in made] == [(4, True), (6, True)]
    assert [record.get("ended_by") for record, _ in made] == [None, "clock"]


def steps_of(recipe, train_set):
    import torch

    from grader.training.evaluation import resident

    return steps.trained(build(), recipe, resident(train_set, torch.device("cpu")), classes=3, seed=0)


def test_a_result_by_the_clock_says_that_it_cannot_be_made_again(sets):
    made = train(build, Recipe(**{**PLAIN, "epochs": 10_000}, most_seconds=0.2), *sets)
    assert (made.ended_by, made.is_reproducible) == ("clock", False)
    assert made.log[-1]["ended_by"] == "clock"
    assert made.log[-1]["test_accuracy"] == made.test.value


def test_a_clock_that_was_not_reached_changes_nothing(sets):
    slow, free = (train(build, Recipe(**PLAIN, most_seconds=limit), *sets) for limit in (600, None))
    assert (slow.ended_by, slow.is_reproducible) == ("epochs", True)
    assert all(slow.state_dict[name].equal(tensor) for name, tensor in free.state_dict.items())
    assert slow.log == free.log


# --- until a demand -----------------------------------------------------------------------------


def test_it_ends_at_the_first_epoch_that_reaches_the_demand_with_the_weights_of_that_epoch(sets):
    recipe = Recipe(**{**PLAIN, "epochs": 30})
    whole = train(build, recipe, *sets)
    seen = [record["test_accuracy"] for record in whole.log]
    demand = sorted(seen)[len(seen) // 2]
    first = next(index for index, value in enumerate(seen) if value >= demand)
    assert 0 < first < 29
    made = train(build, recipe, *sets, until_demand=demand)
    assert made.log == whole.log[: first + 1]
    assert made.test.value == seen[first]
    assert (made.ended_by, made.is_reproducible) == ("demand", True)
    as_long = train(build, Recipe(**{**PLAIN, "epochs": first + 1}), *sets)  # the rate is constant: the same run
    assert all(made.state_dict[name].equal(tensor) for name, tensor in as_long.state_dict.items())


def test_a_demand_that_the_last_epoch_reaches_is_reached(sets):
    made = train(build, Recipe(**{**PLAIN, "epochs": 1}), *sets, until_demand=0.0)
    assert made.ended_by == "epochs"


def test_a_demand_that_no_epoch_reached_is_an_error_that_names_the_best(sets):
    with pytest.raises(
        MachineError, match=r"no epoch reached 100.10%: the best, epoch \d of 3, has \d\d\.\d\d%"
    ) as caught:
        train(build, Recipe(**PLAIN), *sets, until_demand=1.001)
    [problem] = caught.value.problems
    assert problem.code == "demand-not-reached"
    assert "more epochs" in problem.fix


def test_an_averaged_network_is_what_reaches_the_demand(sets):
    recipe = Recipe(**{**PLAIN, "epochs": 30}, ema_decay=0.9)
    made = train(build, recipe, *sets, until_demand=0.8)
    assert made.test.value == made.log[-1]["test_accuracy"] >= 0.8
    as_long = train(build, Recipe(**{**PLAIN, "epochs": len(made.log)}, ema_decay=0.9), *sets)
    assert all(made.state_dict[name].equal(tensor) for name, tensor in as_long.state_dict.items())
