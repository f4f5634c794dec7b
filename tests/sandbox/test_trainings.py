"""The program `train`, and what its parent makes of the answer. The oracle is the trusted loop on the same network."""

import json
import struct
import textwrap
from dataclasses import replace

import pytest

from grader import sandbox
from grader.sandbox import trainings
from grader.sandbox.descriptions import StateTensor
from grader.sandbox.predictions import Predictions, predict
from grader.sandbox.trainings import Trained, train
from grader.training import Recipe

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytestmark = [pytest.mark.torch]

CLASSES = 3
RECIPE = Recipe(
    data_set="bars", optimizer="adam", learning_rate=0.01, epochs=3, batch_size=32, shift_px=1, log_every_steps=2,
    schedule="one-cycle", mean=(0.3,), std=(0.2,), seed=5,
)  # fmt: skip
REQUEST = {"code": "model.py", "factory": "build_model"}
NET = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(144, 3)
    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.fc(self.drop(torch.flatten(x, 1)))
def build_model():
    return Net()
"""


def bars(rows=200, seed=0):
    """Grey 8x8 images of three classes: a bright column whose place is the class."""
    dice = np.random.default_rng(seed)
    labels = dice.integers(0, CLASSES, rows)
    images = dice.integers(0, 120, (rows, 1, 8, 8), dtype=np.uint8)
    images[np.arange(rows), 0, :, 2 * labels + 1] += 100
    return images, labels


@pytest.fixture
def trained(tmp_path, box):
    def run(code, *, recipe=RECIPE, data=None, others=None, level=box, **request):
        files = {}
        for name, content in {"model.py": textwrap.dedent(code), **(others or {})}.items():
            files[name] = tmp_path / name
            files[name].write_bytes(content if isinstance(content, bytes) else content.encode())
        images, labels = data or bars()
        limits = sandbox.Limits(wall_s=60)
        return train(
            files, {**REQUEST, **request}, images, labels, classes=CLASSES, recipe=recipe, limits=limits, level=level
        )

    return run


def problem(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem


@pytest.mark.sandbox
def test_a_students_network_becomes_what_the_trusted_loop_makes_of_it(trained, tmp_path, box, monkeypatch):
    from safetensors.torch import load

    from grader import training
    from grader.datasets import ImageSet

    monkeypatch.setenv("GRADER_DEVICE", "cpu")
    images, labels = bars()
    ended = trained(NET)
    assert isinstance(ended, Trained), ended
    scope = {}
    exec(NET, scope)  # noqa: S102  the model of this file
    sets = [ImageSet("bars", split, images, labels, ("a", "b", "c"), "") for split in ("train", "test")]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    own = training.train(scope["build_model"], RECIPE, *sets)
    torch.set_num_threads(before)
    made = load(ended.safetensors())
    assert list(own.state_dict) == [one.name for one in ended.tensors]
    assert all(torch.equal(made[name], tensor) for name, tensor in own.state_dict.items())
    wanted = [{key: value for key, value in row.items() if key != "test_accuracy"} for row in own.log]
    assert [dict(row) for row in ended.log] == wanted
    assert (ended.unmoved, ended.is_fresh, ended.level) == ((), True, "L3")
    assert {one.name for one in ended.tensors if not one.is_trained} == {
        "norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
    }  # fmt: skip
    # And the weights count like weights that were handed in: the labels of these images never went in.
    weights = tmp_path / "trained.safetensors"
    weights.write_bytes(ended.safetensors())
    files = {"model.py": tmp_path / "model.py", weights.name: weights}
    request = {**REQUEST, "checkpoint": weights.name, "mean": [0.3], "std": [0.2]}
    unseen, right = bars(seed=9)
    answer = predict(files, request, unseen, classes=CLASSES, limits=sandbox.Limits(wall_s=60), level=box)
    assert isinstance(answer, Predictions)
    assert (answer.logits.argmax(axis=1) == right).mean() == 1


def _trusted(code, recipe):
    """The weights that the trusted loop makes of a network, on one thread."""
    from grader import training
    from grader.datasets import ImageSet

    scope = {}
    exec(code, scope)  # noqa: S102  the models of this file
    sets = [ImageSet("bars", split, *bars(), ("a", "b", "c"), "") for split in ("train", "test")]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    made = training.train(scope["build_model"], recipe, *sets)
    torch.set_num_threads(before)
    return made.state_dict


FAST = replace(
    RECIPE, precision="bfloat16", memory_format="channels-last", ema_decay=0.9, is_flipped=True, rotation_degrees=5.0,
    cutout_px=2, log_every_steps=None, most_steps=17,
)  # fmt: skip


@pytest.mark.sandbox
def test_what_a_recipe_does_for_speed_and_for_accuracy_is_done_in_the_box_too(trained, monkeypatch):
    from safetensors.torch import load

    monkeypatch.setenv("GRADER_DEVICE", "cpu")
    ended = trained(NET, recipe=FAST)
    assert isinstance(ended, Trained), ended
    made = load(ended.safetensors())
    assert all(torch.equal(made[name], tensor) for name, tensor in _trusted(NET, FAST).items())
    assert ([row["step"] for row in ended.log], ended.precision) == ([7, 14, 17], "bfloat16")


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("torch.flatten(x, 1)", "x.view(len(x), -1)"), id="a view of channels last"),
        pytest.param(
            ("x = torch.relu(self.norm(self.conv(x)))", "x = torch.relu(self.norm(self.conv(x) @ torch.eye(6)))"),
            id="a product of its own",
        ),
        pytest.param(
            ("x = torch.relu", "assert self.conv(x).dtype == torch.float32; x = torch.relu"), id="counts on float32"
        ),
    ],
)
def test_a_network_that_cannot_bear_what_is_there_for_speed_is_trained_without(trained, change, monkeypatch):
    from safetensors.torch import load

    monkeypatch.setenv("GRADER_DEVICE", "cpu")
    code = NET.replace(*change)
    ended = trained(code, recipe=FAST)
    assert isinstance(ended, Trained), ended
    plain = replace(FAST, precision=ended.precision, memory_format="contiguous")
    if ended.precision == "bfloat16":
        plain = replace(plain, memory_format="channels-last")  # it could bear both
    made = load(ended.safetensors())
    assert all(torch.equal(made[name], tensor) for name, tensor in _trusted(code, plain).items())


@pytest.mark.sandbox
def test_the_students_own_preprocess_and_frozen_layers_are_kept(trained):
    code = NET + textwrap.dedent("""
        class Own(Net):
            def __init__(self):
                super().__init__()
                self.conv.requires_grad_(False)
                self.spare = nn.Linear(2, 2)
            def preprocess(self, images):
                return images * 2 - 1
        def build_model():
            return Own()
    """)
    ended = trained(code, recipe=replace(RECIPE, epochs=1, mean=(), std=()))
    assert isinstance(ended, Trained), ended
    assert ended.unmoved == ("spare.weight", "spare.bias")
    assert not next(one for one in ended.tensors if one.name == "conv.weight").is_trained


@pytest.mark.sandbox
@pytest.mark.attack(54)
def test_weights_that_were_hidden_in_the_code_are_seen(trained):
    """A network that knows the images before the first step, and one that only seems to be trained."""
    code = """
    import torch
    from torch import nn
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(64, 3, bias=False)
            weight = torch.zeros(3, 8, 8)
            for label in range(3):
                weight[label, :, 2 * label + 1] = 5.0
            self.fc.weight.data.copy_(weight.reshape(3, 64))
        def forward(self, x):
            return self.fc(torch.flatten(x, 1))
    def build_model():
        return Net()
    """
    recipe = replace(RECIPE, shift_px=0, epochs=1, learning_rate=1e-4, mean=(), std=())
    ended = trained(code, recipe=recipe)
    assert isinstance(ended, Trained), ended
    assert (ended.accuracy_before, ended.is_fresh) == (1.0, False)
    patched = code.replace("return Net()", "torch.optim.Adam.step = lambda *a, **k: None\n        return Net()")
    assert problem(trained(patched, recipe=recipe)).code == "did-not-train"


@pytest.mark.sandbox
@pytest.mark.attack(54)
def test_no_file_of_weights_is_there_and_the_clock_and_the_seed_are_ours(trained):
    code = NET + textwrap.dedent("""
        import time, random
        time.time = time.monotonic = lambda: 0.0
        torch.manual_seed = lambda seed: None
        def build_model():
            random.seed(1)
            return Net()
    """)
    ended = trained(code, recipe=replace(RECIPE, epochs=1))
    assert isinstance(ended, Trained), ended
    assert ended.initial == trained(NET, recipe=replace(RECIPE, epochs=1)).initial
    assert ended.seconds > 0


@pytest.mark.sandbox
def test_ones_own_network_is_trained_to_the_same_bytes_without_walls(trained):
    """L1, as on a student's own computer."""
    recipe = replace(RECIPE, epochs=1)
    walled, bare = trained(NET, recipe=recipe), trained(NET, recipe=recipe, level=sandbox.level("none"))
    assert isinstance(bare, Trained), bare
    assert (bare.state, bare.log, bare.level) == (walled.state, walled.log, "L1")


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        pytest.param(("nn.Linear(144, 3)", "nn.Linear(144, 4)"), "bad-output", "(200, 3) was expected", id="classes"),
        pytest.param(
            ("return Net()", "return Net().requires_grad_(False)"), "nothing-to-train", "no parameter", id="frozen",
        ),
        pytest.param(
            ("return self.fc", "if self.training: raise ValueError('not now')\n        return self.fc"),
            "code-raised", "ValueError while training the model", id="raises only in training",
        ),
        pytest.param(
            ("return self.fc", "x = x / 0 if self.training else x\n        return self.fc"),
            "training-diverged", "the mean loss", id="diverges",
        ),
        pytest.param(
            ("self.drop = ", "self.register_buffer('z', torch.zeros(2, dtype=torch.complex64)); self.drop = "),
            "odd-state", "unusual kind", id="complex numbers in a buffer",
        ),
        pytest.param(
            ("x = torch.relu", "self.more = nn.Linear(1, 1); x = torch.relu"), "another-network", "not those",
            id="a layer more at each call",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_said(trained, change, code, said):
    fault = problem(trained(NET.replace(*change), recipe=replace(RECIPE, epochs=1)))
    assert (fault.code, said in fault.what) == (code, True), fault


# --- what the parent makes of an answer, without a box ------------------------------------------

TENSORS = (StateTensor("w", (2,), "float32", is_trained=True), StateTensor("n", (), "int64", is_trained=False))
ROWS = [{"epoch": 1, "step": 1, "learning_rate": 0.1}]


def answer(pairs=((2.0, 0.25), (1.5, 0.5)), before=(0.0, 1.0), after=(0.5, 1.0)):
    parts = [struct.pack("<2d", *pair) for pair in pairs]
    parts += [struct.pack("<2fq", *before, 0), struct.pack("<2fq", *after, 3)]
    return sandbox.Answered("L3", 1.0, payload=b"".join(parts))


def judged(ended):
    made = trainings._trained(ended, TENSORS, ROWS, 0, (4, 0.5))
    return made, trainings._problem(made, "model.py", 4)


def test_an_answer_is_taken_apart():
    made, wrong = judged(answer())
    assert wrong is None
    assert (made.loss_before, made.accuracy_before, made.tried, made.share) == (2.0, 0.25, 4, 0.5)
    assert made.log == ({**ROWS[0], "train_loss": 1.5, "train_accuracy": 0.5},)
    assert made.state == struct.pack("<2fq", 0.5, 1.0, 3)


@pytest.mark.attack(54, 59)
@pytest.mark.parametrize(
    ("made", "code"),
    [
        pytest.param({"after": (0.0, 1.0)}, "did-not-train", id="nothing moved"),
        pytest.param({"after": (float("nan"), 1.0)}, "not-finite", id="NaN among the weights"),
        pytest.param({"before": (float("inf"), 1.0)}, "not-finite", id="an infinite weight before"),
        pytest.param({"pairs": ((2.0, 0.25), (float("nan"), 0.5))}, "bad-log", id="NaN in the log"),
        pytest.param({"pairs": ((2.0, 0.25), (-1.0, 0.5))}, "bad-log", id="a negative loss"),
        pytest.param({"pairs": ((2.0, 1.5), (1.0, 0.5))}, "bad-log", id="an accuracy of 150%"),
    ],
)
def test_numbers_that_no_training_gives_are_refused(made, code):
    assert judged(answer(**made))[1].code == code


@pytest.mark.parametrize(
    ("before", "after", "is_fresh"),
    [
        pytest.param(0.1, 0.95, True, id="chance, then learnt"),
        pytest.param(0.25, 0.3, True, id="a lucky start, a short training"),
        pytest.param(0.97, 0.98, False, id="it knew all along"),
        pytest.param(0.97, 0.1, False, id="it knew, and was spoilt"),
        pytest.param(0.55, 0.9, False, id="half of it"),
    ],
)
def test_a_network_that_knew_the_images_is_told_from_a_fresh_one(before, after, is_fresh):
    made = Trained("L3", 1.0, log=({"train_accuracy": after},), accuracy_before=before, share=0.1)
    assert made.is_fresh is is_fresh


def test_the_names_of_the_data_and_the_labels_of_the_test_split_never_go_in(monkeypatch):
    seen = []

    def run(program, **settings):
        seen.append((program, json.dumps(settings["request"])))
        tensors = [one.to_json() for one in TENSORS]
        return sandbox.Answered("L3", 1.0, result={"tensors": tensors}) if program == "describe" else answer()

    monkeypatch.setattr(trainings, "run", run)
    monkeypatch.setattr("grader.sandbox.descriptions.run", run)
    images, labels = bars(4)
    recipe = replace(RECIPE, epochs=1, batch_size=4, log_every_steps=None)
    ended = train({}, REQUEST, images, labels, classes=CLASSES, recipe=recipe)
    assert isinstance(ended, Trained)
    assert [program for program, _ in seen] == ["describe", "train"]
    assert "bars" not in "".join(text for _, text in seen)


@pytest.mark.parametrize(
    ("images", "labels", "recipe"),
    [
        pytest.param(np.zeros((2, 1, 4, 4)), [0, 1], RECIPE, id="no bytes"),
        pytest.param(np.zeros((2, 4, 4), np.uint8), [0, 1], RECIPE, id="no channels"),
        pytest.param(np.zeros((2, 1, 4, 4), np.uint8), [0], RECIPE, id="a label too few"),
        pytest.param(np.zeros((2, 1, 4, 4), np.uint8), [0, 3], RECIPE, id="a label of no class"),
        pytest.param(np.zeros((2, 3, 4, 4), np.uint8), [0, 1], RECIPE, id="a mean for other channels"),
        pytest.param(np.zeros((2, 1, 4, 4), np.uint8), [0, 1], replace(RECIPE, most_seconds=9.0), id="by the clock"),
    ],
)
def test_what_does_not_belong_together_is_the_callers_mistake(images, labels, recipe):
    with pytest.raises(ValueError, match=r"labels|uint8|channels|clock"):
        train({}, REQUEST, images, labels, classes=3, recipe=recipe)
