"""The weights that count are the average that a recipe wants, BatchNorm's statistics included."""

from __future__ import annotations

import pytest

from grader.training import Recipe, evaluate, train

pytestmark = pytest.mark.torch
PLAIN = {"data_set": "bars", "optimizer": "sgd", "learning_rate": 0.1, "epochs": 3, "batch_size": 32}


def build():
    from torch import nn

    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


def _written_out(train_set, *, seed, after_step):
    """A plain loop; `after_step` sees the state dict after each step, and whether an epoch ends."""
    import torch

    torch.manual_seed(seed)
    model = build()
    chance = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.tensor(train_set.images) / 255, torch.tensor(train_set.labels)
    after_step(model.state_dict(), 0, is_end=False)
    step = 0
    for _ in range(3):
        parts = torch.randperm(len(y), generator=chance).split(32)
        for number, chosen in enumerate(parts):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[chosen]), y[chosen]).backward()
            optimizer.step()
            step += 1
            after_step(model.state_dict(), step, is_end=number == len(parts) - 1)
    return model


def _close(made, wanted):
    import torch

    assert all(torch.allclose(made[name], wanted[name], rtol=1e-5, atol=1e-6) for name in wanted)


def test_a_moving_average_counts_and_the_training_goes_on_from_its_own_weights(bars):
    train_set = bars(100)
    averaged = {}

    def after_step(state, step, **_):
        decay = min(0.8, (1 + step) / (10 + step)) if step else 0
        for name, tensor in state.items():
            averaged[name] = decay * averaged.get(name, 0) + (1 - decay) * tensor.clone()

    _written_out(train_set, seed=3, after_step=after_step)
    made = train(build, Recipe(**PLAIN, ema_decay=0.8), train_set, bars(20, "test"), seed=3)
    del averaged["1.num_batches_tracked"]
    _close(made.state_dict, averaged)
    assert made.state_dict["1.num_batches_tracked"] == 12


def test_lookahead_meets_its_slow_weights_every_few_steps_and_at_the_end_of_an_epoch(bars):
    import torch

    train_set = bars(100)
    slow = {}

    def after_step(state, step, *, is_end):
        floats = {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}
        if not step:
            slow.update({name: tensor.clone() for name, tensor in floats.items()})
        elif step % 3 == 0 or is_end:
            with torch.no_grad():
                for name, tensor in floats.items():
                    slow[name] = 0.4 * slow[name] + 0.6 * tensor
                    tensor.copy_(slow[name])

    _written_out(train_set, seed=3, after_step=after_step)
    recipe = Recipe(**PLAIN, lookahead_steps=3, lookahead_share=0.6)
    _close(train(build, recipe, train_set, bars(20, "test"), seed=3).state_dict, slow)


@pytest.mark.parametrize("average", [{"ema_decay": 0.7}, {"lookahead_steps": 4}], ids=lambda one: next(iter(one)))
def test_the_logged_accuracy_is_that_of_the_averaged_network(bars, average):
    train_set, test_set = bars(200), bars(100, "test", seed=1)
    for epochs in (1, 2):
        recipe = Recipe(**{**PLAIN, "epochs": epochs}, **average)
        made = train(build, recipe, train_set, test_set)
        model = build()
        model.load_state_dict(made.state_dict)
        assert evaluate(model, test_set).value == made.log[-1]["test_accuracy"] == made.test.value


def test_tensors_that_two_layers_share_are_averaged_once(bars):
    from torch import nn

    def tied():
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.Linear(64, 3))
        model[3].weight = model[1].weight
        return model

    made = train(tied, Recipe(**PLAIN, ema_decay=0.5), bars(64), bars(9, "test")).state_dict
    assert made["1.weight"].equal(made["3.weight"])
