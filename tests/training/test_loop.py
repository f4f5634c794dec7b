from __future__ import annotations

import io
import json
import sys

import pytest

from grader.errors import MachineError
from grader.training import Recipe, evaluate, steps, train
from grader.training.steps import channels_last

pytestmark = pytest.mark.torch
PLAIN = {"data_set": "bars", "optimizer": "sgd", "learning_rate": 0.1, "epochs": 3, "batch_size": 32}


def build():
    from torch import nn

    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(0.1), nn.Flatten(), nn.Linear(144, 3))


def _bytes(trained) -> bytes:
    import torch

    file = io.BytesIO()
    torch.save(dict(trained.state_dict), file)
    return file.getvalue()


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="sgd"),
        pytest.param({"optimizer": "adam", "schedule": "one-cycle", "shift_px": 1}, id="adam, one-cycle, shifted"),
        pytest.param({"optimizer": "adamw", "weight_decay": 0.1, "label_smoothing": 0.1}, id="adamw, smoothed"),
        pytest.param({"is_flipped": True}, id="flipped"),
        pytest.param({"rotation_degrees": 10.0}, id="turned"),
        pytest.param({"cutout_px": 3}, id="partly covered"),
        pytest.param({"ema_decay": 0.9}, id="moving average"),
        pytest.param({"lookahead_steps": 3}, id="lookahead"),
        pytest.param({"precision": "bfloat16"}, id="bfloat16"),
        pytest.param({"memory_format": "channels-last"}, id="channels last"),
        pytest.param({"most_steps": 5}, id="a number of steps"),
        pytest.param(
            {
                "precision": "bfloat16",
                "memory_format": "channels-last",
                "optimizer": "adam",
                "ema_decay": 0.9,
                "is_flipped": True,
                "rotation_degrees": 5.0,
                "shift_px": 1,
                "cutout_px": 2,
                "schedule": "one-cycle",
            },
            id="all at once",
        ),
    ],
)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(bars, settings):
    recipe = Recipe(**{**PLAIN, **settings})
    sets = bars(100), bars(50, "test", seed=1)
    first, again, other = (train(build, recipe, *sets, seed=seed) for seed in (7, 7, 8))
    assert _bytes(first) == _bytes(again)
    assert first.log == again.log
    assert _bytes(first) != _bytes(other)


def test_the_seed_of_the_recipe_is_the_default(bars):
    sets = bars(64), bars(10, "test")
    by_recipe = train(build, Recipe(**PLAIN, seed=7), *sets)
    assert _bytes(by_recipe) == _bytes(train(build, Recipe(**PLAIN), *sets, seed=7))
    assert by_recipe.seed == 7


def test_the_random_numbers_and_settings_of_the_process_are_left_alone(bars):
    import torch

    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    train(build, Recipe(**PLAIN), bars(40), bars(10, "test"))
    assert torch.equal(torch.rand(4), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_unwritten_memory_is_filled_until_the_first_step_is_made_and_never_changes_the_weights(bars, monkeypatch):
    import torch

    seen = []

    class Watching(torch.nn.Sequential):
        def forward(self, inputs):
            if self.training:
                seen.append(torch.utils.deterministic.fill_uninitialized_memory)
            return super().forward(inputs)

    def watching():
        return Watching(*build(), torch.nn.BatchNorm1d(3))

    recipe = Recipe(**PLAIN, memory_format="channels-last", precision="bfloat16")
    sets = bars(100), bars(10, "test")
    made = train(watching, recipe, *sets)
    assert seen == [True] + [False] * 11
    assert torch.utils.deterministic.fill_uninitialized_memory

    class Always:
        fill_uninitialized_memory = property(lambda _: True, lambda *_: None)

    monkeypatch.setattr(torch.utils, "deterministic", Always())
    del seen[:]
    assert _bytes(train(watching, recipe, *sets)) == _bytes(made)
    assert seen == [True] * 12


def test_a_network_that_reads_memory_nobody_wrote_is_not_trained(bars):
    import torch

    class Careless(torch.nn.Linear):
        def forward(self, inputs):
            return super().forward(inputs.flatten(1)) + torch.empty(len(inputs), 3)

    with pytest.raises(MachineError, match="the mean loss up to step 4 is nan"):
        train(lambda: Careless(64, 3), Recipe(**PLAIN), bars(100), bars(10, "test"))
    assert torch.utils.deterministic.fill_uninitialized_memory


def test_the_weights_are_those_of_a_loop_written_out(bars):
    import torch

    recipe = Recipe(**{**PLAIN, "batch_size": 30, "momentum": 0.9, "weight_decay": 0.01, "label_smoothing": 0.1},
                    schedule="multi-step", milestones=(2,))  # fmt: skip
    train_set = bars(100)

    def plain_model():
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))

    made = train(plain_model, recipe, train_set, bars(10, "test"), seed=5)

    torch.manual_seed(5)
    model = plain_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2], gamma=0.1)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    order_of = torch.Generator().manual_seed(5)
    x = torch.tensor(train_set.images).float() / 255
    y = torch.tensor(train_set.labels)
    for _ in range(3):
        order = torch.randperm(100, generator=order_of)
        for start in range(0, 100, 30):
            chosen = order[start : start + 30]
            optimizer.zero_grad()
            loss_of(model(x[chosen]), y[chosen]).backward()
            optimizer.step()
        scheduler.step()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(made.state_dict[name], tensor, rtol=1e-6, atol=1e-7)


def test_bfloat16_trains_weights_of_float32_that_are_not_those_of_float32(bars):
    import torch

    sets = bars(200), bars(100, "test", seed=1)
    exact, short = (train(build, Recipe(**PLAIN, precision=precision), *sets) for precision in ("float32", "bfloat16"))
    assert {tensor.dtype for tensor in short.state_dict.values()} == {torch.float32}
    assert _bytes(exact) != _bytes(short)
    for name, tensor in exact.state_dict.items():
        torch.testing.assert_close(short.state_dict[name], tensor, rtol=0.05, atol=0.05)
    assert (exact.precision, short.precision) == ("float32", "bfloat16")


@pytest.mark.parametrize("has_units", [True, False])
def test_what_auto_became_is_in_the_result(bars, monkeypatch, has_units):
    monkeypatch.setattr(
        sys.modules["grader.training.device"], "cpu_features", lambda: frozenset({"amx_bf16"} if has_units else ())
    )
    sets = bars(64), bars(10, "test")
    made = train(build, Recipe(**PLAIN, precision="auto"), *sets)
    assert made.precision == ("bfloat16" if has_units else "float32")
    assert _bytes(made) == _bytes(train(build, Recipe(**PLAIN, precision=made.precision), *sets))


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_last_are_the_same_numbers_in_another_order(channels):
    import torch

    inputs = torch.rand(4, channels, 5, 6)
    made = channels_last(inputs)
    assert made.equal(inputs)
    assert made.stride() == (30 * channels, 1, 6 * channels, channels)
    assert torch.nn.Conv2d(channels, 2, 3)(made).is_contiguous(memory_format=torch.channels_last)
    assert channels_last(torch.rand(4, 5)).shape == (4, 5)


def test_channels_last_train_the_same_network_and_its_weights_lie_as_ever(bars):
    import torch
    from torch import nn

    def without_chance():  # dropout goes through memory in its order
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))

    sets = bars(100), bars(50, "test")
    recipes = [Recipe(**PLAIN, memory_format=one) for one in ("contiguous", "channels-last")]
    plain, other = (train(without_chance, recipe, *sets) for recipe in recipes)
    for name, tensor in plain.state_dict.items():
        torch.testing.assert_close(other.state_dict[name], tensor, rtol=1e-3, atol=1e-4)
        assert other.state_dict[name].is_contiguous()


def test_large_networks_are_moved_by_one_kernel_and_end_as_small_ones_do(bars, monkeypatch):
    import torch

    sets = bars(100), bars(10, "test")
    for optimizer in ("sgd", "adam", "adamw"):
        settings = {**PLAIN, "optimizer": optimizer, "weight_decay": 0.01}
        slow = train(build, Recipe(**settings), *sets)
        with monkeypatch.context() as patch:
            patch.setattr(steps, "FEWEST_FUSED", 1)
            fused = train(build, Recipe(**settings), *sets)
        for name, tensor in slow.state_dict.items():
            torch.testing.assert_close(fused.state_dict[name], tensor, rtol=1e-3, atol=1e-4)


def test_it_learns_and_the_last_record_is_the_accuracy(bars):
    import torch

    train_set, test_set = bars(300), bars(100, "test", seed=1)
    made = train(build, Recipe(**PLAIN), train_set, test_set)
    model = build()
    model.load_state_dict(made.state_dict)
    assert evaluate(model, test_set) == made.test_accuracy
    assert made.log[-1]["test_accuracy"] == made.test_accuracy.value > 0.9
    assert (made.device, made.threads) == ("cpu", torch.get_num_threads())
    assert made.versions["torch"] == torch.__version__


def test_one_record_per_epoch_on_disk_as_in_memory(bars, tmp_path):
    shown = []
    path = tmp_path / "train.jsonl"
    made = train(build, Recipe(**PLAIN), bars(100), bars(50, "test"), on_epoch=shown.append, log_path=path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == list(made.log) == shown
    assert [(record["epoch"], record["step"]) for record in lines] == [(1, 4), (2, 8), (3, 12)]
    keys = {"epoch", "step", "train_loss", "train_accuracy", "test_accuracy", "learning_rate"}
    assert all(set(record) == keys for record in lines)


def test_a_log_every_few_steps_also_ends_each_epoch_and_names_no_step_twice(bars):
    shown = []
    recipe = Recipe(**PLAIN, log_every_steps=3)
    made = train(build, recipe, bars(128), bars(10, "test"), on_epoch=shown.append)
    assert [record["step"] for record in made.log] == [3, 4, 6, 8, 9, 12]
    assert [record["epoch"] for record in made.log] == [1, 1, 2, 2, 3, 3]
    assert [record["step"] for record in shown] == [4, 8, 12]
    assert [record["step"] for record in made.log if "test_accuracy" in record] == [4, 8, 12]  # it costs the most


def test_logging_more_often_leaves_the_weights_alone(bars):
    sets = bars(100), bars(50, "test")
    rare, often = (train(build, Recipe(**PLAIN, log_every_steps=k), *sets) for k in (None, 1))
    assert _bytes(rare) == _bytes(often)


def test_the_train_loss_is_the_mean_over_images_not_over_batches(bars):
    import torch

    def fixed():  # a tiny learning rate: the loss is that of the first weights
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))

    train_set = bars(33)
    recipe = Recipe(**{**PLAIN, "learning_rate": 1e-12, "epochs": 1})
    [record] = train(fixed, recipe, train_set, bars(5, "test")).log
    scores = fixed()(torch.tensor(train_set.images).float() / 255)
    labels = torch.tensor(train_set.labels)
    assert record["train_loss"] == pytest.approx(torch.nn.functional.cross_entropy(scores, labels).item(), rel=1e-6)
    assert record["train_accuracy"] == (scores.argmax(1) == labels).sum().item() / 33


def _linear():
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))


def test_a_loss_that_is_not_finite_stops_the_run_with_a_remedy(bars):
    recipe = Recipe(**{**PLAIN, "learning_rate": 1e38})
    said = r"training, epoch 1: the mean loss up to step 4 is (nan|inf)"
    with pytest.raises(MachineError, match=said) as caught:
        train(_linear, recipe, bars(100), bars(10, "test"))
    [problem] = caught.value.problems
    assert "lower the learning rate (1e+38 here)" in problem.fix


def test_weights_that_the_last_step_spoilt_are_noticed(bars):
    from torch import nn

    class Steep(nn.Linear):
        def forward(self, images):
            return super().forward(images.flatten(1)) * 1e6

    recipe = Recipe(**{**PLAIN, "learning_rate": 1e38, "epochs": 1})
    with pytest.raises(MachineError, match=r"epoch 1: after the last step the weights weight are not finite"):
        train(lambda: Steep(64, 3), recipe, bars(5), bars(10, "test"))


@pytest.mark.parametrize(("n_train", "n_test"), [(0, 10), (10, 0)], ids=["nothing to train on", "nothing to test on"])
def test_an_empty_set_is_refused_before_training(bars, n_train, n_test):
    with pytest.raises(ValueError, match="holds no images"):
        train(build, Recipe(**PLAIN), bars(n_train), bars(n_test, "test"))


def test_one_image_is_enough(bars):
    assert train(build, Recipe(**PLAIN), bars(1), bars(1, "test")).test_accuracy.n == 1


def test_a_recipe_for_another_set_is_refused(bars):
    with pytest.raises(ValueError, match="for digits, not for bars"):
        train(build, Recipe(**{**PLAIN, "data_set": "digits"}), bars(10), bars(10, "test"))


def test_a_normalisation_for_colours_is_refused_on_grey(bars):
    with pytest.raises(ValueError, match="each of the 1 channels"):
        train(build, Recipe(**PLAIN, mean=(0.5, 0.5, 0.5)), bars(10), bars(10, "test"))


def test_a_network_with_too_few_scores_is_refused(bars):
    from torch import nn

    with pytest.raises(ValueError, match=r"gives \(32, 2\) for 32 images, not \(32, 3\)"):
        train(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), Recipe(**PLAIN), bars(40), bars(10, "test"))
