"""The kinds of job that show a student's layers and train a student's network, from the submission to the evidence."""

import hashlib
from dataclasses import replace

import pytest

from grader import sandbox
from grader.datasets import load
from grader.evidence.jobs import activations_job, train_job
from grader.evidence.kinds import Bench, cache_key, device_class, versions
from grader.evidence.local import LocalRunner
from grader.evidence.networks import packed, unpacked
from grader.evidence.plan import Plan
from grader.limits import Limits
from grader.model import EvidenceStatus, Submission, SubmittedFile
from grader.training import Recipe

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytestmark = [pytest.mark.torch]

MODEL = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "input": [1, 28, 28]}
NET = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 5, stride=2)
        self.fc = nn.Linear(4 * 144, 10)
    def forward(self, x):
        return self.fc(torch.flatten(torch.relu(self.conv(x)), 1))
def build_model():
    return Net()
"""
RECIPE = Recipe(
    data_set="digits", optimizer="adam", learning_rate=0.003, epochs=2, batch_size=64, mean=(0.2,), std=(0.3,)
)


def network(seed):
    scope = {}
    exec(NET, scope)  # noqa: S102  the model of this file
    torch.manual_seed(seed)
    return scope["build_model"]()


@pytest.fixture
def submission(tmp_path):
    (tmp_path / "model.py").write_text(NET)
    torch.save(network(3).state_dict(), tmp_path / "model.pth")
    files = []
    for name in ("model.pth", "model.py"):
        data = (tmp_path / name).read_bytes()
        files.append(SubmittedFile(name, len(data), hashlib.sha256(data).hexdigest()))
    return Submission("s1", "test", tmp_path, tuple(files))


@pytest.fixture
def bench():
    level = sandbox.level()
    if not level.is_isolated:
        pytest.skip(f"no sandbox here: {level.reason}")
    return Bench(Limits(), level)


def found(job, submission, bench):
    [evidence] = LocalRunner(bench, workers=1)(Plan.of([(job, submission.root)])).values()
    return evidence


@pytest.mark.sandbox
def test_the_layers_of_a_checkpoint_are_shown_for_images_of_a_data_set(submission, bench):
    job = activations_job(submission, MODEL, layers=["conv", "fc"], data="digits", split="test", images=[8, 3])
    evidence = found(job, submission, bench)
    assert evidence.status is EvidenceStatus.DONE, evidence
    images = torch.from_numpy(np.array(load("digits", "test").images[[8, 3]])).float() / 255
    model = network(3)
    with torch.no_grad():
        expected = {"conv": model.conv(images), "fc": model(images)}
    for layer in evidence.result["layers"]:
        torch.testing.assert_close(torch.tensor(unpacked(layer)), expected[layer["name"]], rtol=1e-5, atol=1e-5)
    assert [layer["name"] for layer in evidence.result["layers"]] == ["conv", "fc"]


@pytest.mark.sandbox
@pytest.mark.attack(54)
def test_a_training_is_counted_on_images_whose_labels_never_went_in(submission, bench, monkeypatch):
    from grader import training

    monkeypatch.setenv("GRADER_DEVICE", "cpu")
    job = train_job(submission, MODEL, recipe=RECIPE.to_json(), seed=4, budget_s=120)
    assert [file.path for file in job.files] == ["model.py"]  # no weights go in
    evidence = found(job, submission, bench)
    assert evidence.status is EvidenceStatus.DONE, evidence
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    own = training.train(lambda: network(4), RECIPE, *(load("digits", split) for split in ("train", "test")), seed=4)
    torch.set_num_threads(before)
    result = evidence.result
    assert (result["correct"], result["n"]) == (own.test_accuracy.correct, own.test_accuracy.n)
    assert [row["train_loss"] for row in result["log"]] == [row["train_loss"] for row in own.log]
    assert (result["is_fresh"], result["unmoved"], result["seed"]) == (True, [], 4)
    assert (evidence.device, set(evidence.versions), evidence.sandbox) == ("cpu", {"torch"}, bench.level.name)
    digests = {split: load("digits", split).digest for split in ("train", "test")}
    assert result["data"] == {**digests, "edition": ""}  # what a band has to have been measured on
    assert set(result["altered"]) == {"light", "moved"}  # and what lets the count be doubted, as of a checkpoint
    assert (result["is_repeatable"], result["replaced"], result["threads"]) == (True, [], 1)


@pytest.mark.sandbox
def test_an_image_that_is_not_there_is_the_rubrics_mistake_not_the_students(submission, bench):
    job = activations_job(submission, MODEL, layers=["conv"], data="digits", split="test", images=[10**6])
    evidence = found(job, submission, bench)
    assert (evidence.status, evidence.problem.code) == (EvidenceStatus.SYSTEM_FAULT, "no-such-image")


@pytest.mark.fault("F13")
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"seed": 5}, id="the seed"),
        pytest.param({"recipe": replace(RECIPE, epochs=3).to_json()}, id="the recipe"),
        pytest.param({"recipe": replace(RECIPE, data_set="bars").to_json()}, id="the data set"),
    ],
)
def test_a_key_follows_from_all_that_a_training_depends_on(submission, monkeypatch, changed):
    monkeypatch.setattr("grader.datasets.digest", lambda data, split, root: f"{data} {split} {root}")
    bench = Bench(Limits(), sandbox.level("none"))
    asked = {"recipe": RECIPE.to_json(), "seed": 4, "budget_s": 60}
    first, again, other = (
        cache_key(train_job(submission, MODEL, **{**asked, **more}), bench) for more in ({}, {}, changed)
    )
    assert first == again != other


def test_a_key_follows_from_the_data_whose_layers_are_shown(submission, monkeypatch):
    asked = {"layers": ["conv"], "data": "digits", "split": "test", "images": [1]}
    bench = Bench(Limits(), sandbox.level("none"))
    keys = []
    for digest in ("a", "a", "b"):
        monkeypatch.setattr("grader.datasets.digest", lambda *_, digest=digest, **__: digest)
        keys.append(cache_key(activations_job(submission, MODEL, **asked), bench))
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.attack_partly(88)
def test_a_key_follows_from_the_walls_around_the_job(submission):
    """What ran without walls could have said what it liked: it must not stand for a run within them."""
    job = train_job(submission, MODEL, recipe=RECIPE.to_json(), seed=4, budget_s=60)
    keys = {
        cache_key(replace(job, kind="checkpoint"), Bench(Limits(), sandbox.Level(name, "")))
        for name in ("L1", "L2", "L3")
    }
    assert len(keys) == 3


@pytest.mark.parametrize("kind", ["checkpoint", "syntax", "notebook", "picture"])
def test_what_runs_no_network_depends_on_no_torch_and_on_no_device(kind):
    assert "torch" not in versions(kind)
    assert device_class(kind) == ""


def test_an_array_comes_back_as_it_was_and_a_damaged_one_does_not():
    numbers = np.arange(6, dtype="<f4").reshape(2, 3)
    layer = packed("fc", (2, 3), numbers.tobytes())
    assert (unpacked(layer) == numbers).all()
    with pytest.raises(ValueError, match="bytes for the shape"):
        unpacked({**layer, "shape": [2, 4]})
