from __future__ import annotations

import json
import warnings

import pytest

from grader.training import Recipe

PLAIN = {"data_set": "digits", "optimizer": "sgd", "learning_rate": 0.5, "epochs": 4, "batch_size": 8}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"learning_rate": 0}, "learning_rate 0 is not over 0", id="no learning rate"),
        pytest.param({"learning_rate": float("nan")}, "learning_rate nan", id="a rate that is no number"),
        pytest.param({"epochs": 0}, "epochs 0", id="no epoch"),
        pytest.param({"batch_size": 0}, "batch_size 0", id="empty batches"),
        pytest.param({"momentum": 1.0}, "momentum 1.0 is not in", id="a momentum of one"),
        pytest.param({"optimizer": "adam", "momentum": 0.9}, "for sgd only", id="a momentum that adam would ignore"),
        pytest.param({"is_nesterov": True}, "needs a momentum", id="nesterov without momentum"),
        pytest.param({"optimizer": "rmsprop"}, "'rmsprop' is none of", id="an unknown optimizer"),
        pytest.param({"schedule": "step"}, "'step' is none of", id="an unknown schedule"),
        pytest.param({"schedule": "multi-step"}, "needs them", id="multi-step without milestones"),
        pytest.param({"milestones": (2,)}, "milestones are for multi-step", id="milestones that nothing reads"),
        pytest.param({"schedule": "multi-step", "milestones": (3, 2)}, "do not rise", id="milestones backwards"),
        pytest.param({"label_smoothing": 1.0}, "label_smoothing 1.0", id="labels smoothed away"),
        pytest.param({"shift_px": -1}, "shift_px -1", id="a negative shift"),
        pytest.param({"log_every_steps": 0}, "log_every_steps 0", id="a log every 0 steps"),
        pytest.param({"seed": -1}, "seed -1", id="a negative seed"),
        pytest.param({"warm_up": 1.0}, "warm_up 1.0", id="a warm-up that never ends"),
        pytest.param({"rotation_degrees": -1}, "rotation_degrees -1", id="a negative angle"),
        pytest.param({"rotation_degrees": float("nan")}, "rotation_degrees nan", id="an angle that is no number"),
        pytest.param({"cutout_px": -1}, "cutout_px -1", id="a negative square"),
        pytest.param({"ema_decay": 1.0}, "ema_decay 1.0", id="an average that never moves"),
        pytest.param({"lookahead_steps": -1}, "lookahead_steps -1", id="a negative number of steps"),
        pytest.param({"lookahead_share": 0}, "lookahead_share 0", id="slow weights that never move"),
        pytest.param({"ema_decay": 0.9, "lookahead_steps": 5}, "two averages", id="two averages"),
        pytest.param({"precision": "float16"}, "'float16' is none of", id="an unknown precision"),
        pytest.param({"memory_format": "nhwc"}, "'nhwc' is none of", id="an unknown memory format"),
        pytest.param({"most_steps": 0}, "most_steps 0", id="no step"),
        pytest.param({"most_seconds": 0}, "most_seconds 0", id="no time"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, said):
    with pytest.raises(ValueError, match=said):
        Recipe(**{**PLAIN, **settings})


def test_all_wrong_settings_are_named_at_once():
    with pytest.raises(ValueError, match=r"epochs 0 .*; batch_size -1 "):
        Recipe(**{**PLAIN, "epochs": 0, "batch_size": -1})


def test_a_recipe_survives_json():
    recipe = Recipe(**PLAIN, schedule="multi-step", milestones=(1, 3), mean=(0.5,), std=(0.25,), log_every_steps=1000)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_an_unknown_setting_is_named():
    with pytest.raises(ValueError, match="unknown settings lr"):
        Recipe.from_json({**PLAIN, "lr": 0.1})


@pytest.mark.torch
@pytest.mark.parametrize("steps_per_epoch", [1, 3, 10])
@pytest.mark.parametrize(
    ("settings", "make"),
    [
        pytest.param({}, lambda torch, opt, _steps: torch.ConstantLR(opt, factor=1), id="constant"),
        pytest.param(
            {"schedule": "cosine"}, lambda torch, opt, steps: torch.CosineAnnealingLR(opt, 4 * steps), id="cosine"
        ),
        pytest.param(
            {"schedule": "one-cycle"},
            lambda torch, opt, steps: torch.OneCycleLR(opt, 0.5, total_steps=4 * steps),
            id="one-cycle",
        ),
        pytest.param(
            {"schedule": "one-cycle", "warm_up": 0.4},
            lambda torch, opt, steps: torch.OneCycleLR(opt, 0.5, total_steps=4 * steps, pct_start=0.4),
            id="one-cycle, short warm-up",
        ),
        pytest.param(
            {"schedule": "multi-step", "milestones": (1, 3), "gamma": 0.5},
            lambda torch, opt, steps: torch.MultiStepLR(opt, [steps, 3 * steps], gamma=0.5),
            id="multi-step",
        ),
    ],
)
def test_the_learning_rate_is_that_of_pytorch_at_every_step(settings, make, steps_per_epoch):
    import torch

    recipe = Recipe(**PLAIN, **settings)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the scheduler steps without an optimizer step: meant here
        oracle = make(torch.optim.lr_scheduler, optimizer, steps_per_epoch)
        for step in range(4 * steps_per_epoch):
            assert recipe.rate_at(step, steps_per_epoch) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
            oracle.step()


def test_fewer_steps_than_the_epochs_have_shorten_the_schedule():
    cut, whole = (
        Recipe(**PLAIN, schedule="one-cycle", most_steps=20),
        Recipe(**{**PLAIN, "epochs": 2}, schedule="one-cycle"),
    )
    assert [cut.rate_at(step, 10) for step in range(20)] == [whole.rate_at(step, 10) for step in range(20)]


def test_a_warm_up_that_ends_with_the_first_step_starts_at_the_highest_rate():
    recipe = Recipe(**PLAIN, schedule="one-cycle", warm_up=0.25)  # four steps: here PyTorch divides by zero
    assert [recipe.rate_at(step, 1) for step in range(4)] == pytest.approx([0.5, 0.375, 0.125, 2e-6], abs=1e-5)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_a_run_of_one_step_has_a_learning_rate(schedule):
    recipe = Recipe(**{**PLAIN, "epochs": 1}, schedule=schedule)
    assert 0 < recipe.rate_at(0, 1) <= 0.5
