"""ResNet18 from a file of weights: a real one's code path, with a file that the test makes."""

from __future__ import annotations

import hashlib
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.datasets import ImageSet, source
from grader.datasets.image_set import content_digest
from grader.errors import MachineError
from grader.training import load_reference, train

pytestmark = pytest.mark.torch
FOLDER = Path(__file__).parents[2] / "reference_solutions" / "cifar10"


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """Weights as torchvision would store them (random ones), and the file that holds them."""
    import torch

    from grader import torchvision_ops

    torchvision_ops.install()
    from torchvision.models import resnet18

    torch.manual_seed(7)
    state = resnet18(weights=None).state_dict()
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(state, path)
    return state, path


@pytest.fixture(autouse=True)
def no_weights_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("GRADER_RESNET18", raising=False)


@pytest.fixture(scope="module")
def reference():
    return load_reference(FOLDER)


def _refused(build) -> str:
    with pytest.raises(MachineError) as caught:
        build()
    [problem] = caught.value.problems
    assert "export GRADER_RESNET18=FILE" in problem.fix
    assert problem.code in ("weights-missing", "weights-broken")
    return f"{problem.where}: {problem.what}"


# --- the file -----------------------------------------------------------------------------------


def test_without_a_file_it_says_so_and_no_other_weights_stand_in(reference, tmp_path):
    said = _refused(reference.network("transfer"))
    assert said.endswith("the weights of ResNet18 are not on this machine")
    assert str(tmp_path / "torch" / "hub" / "checkpoints" / "resnet18-f37072fd.pth") in said


def test_a_file_that_is_named_and_not_there_is_named(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADER_RESNET18", str(tmp_path / "gone.pth"))
    assert str(tmp_path / "gone.pth") in _refused(reference.network("transfer"))


def test_the_tensors_of_the_file_are_the_network_s_but_for_a_new_head(reference, pretrained, monkeypatch):
    import torch

    state, path = pretrained
    monkeypatch.setenv("GRADER_RESNET18", str(path))
    made = reference.network("transfer")().resnet.state_dict()
    assert all(torch.equal(made[name], state[name]) for name in state if not name.startswith("fc."))
    assert made["fc.weight"].shape == (10, 512)


def test_torch_hub_s_own_copy_is_found_and_held_to_the_digest_in_its_name(reference, pretrained, tmp_path):
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    content = pretrained[1].read_bytes()
    (folder / "resnet18-f37072fd.pth").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()[:8]
    assert f"its SHA-256 begins with {digest}, not with f37072fd" in _refused(reference.network("transfer"))


def test_a_digest_in_the_name_that_is_the_file_s_is_fine(reference, pretrained, tmp_path, monkeypatch):
    content = pretrained[1].read_bytes()
    path = tmp_path / f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    path.write_bytes(content)
    monkeypatch.setenv("GRADER_RESNET18", str(path))
    assert sum(tensor.numel() for tensor in reference.network("transfer")().parameters()) == 11_181_642


def _without_a_tensor(state):
    return {name: tensor for name, tensor in state.items() if name != "conv1.weight"}


def _another_shape(state):
    return {**state, "conv1.weight": state["conv1.weight"][:, :1]}


def _one_more(state):
    return {**state, "layer5.weight": state["conv1.weight"]}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (_without_a_tensor, "the tensor conv1.weight is missing"),
        (_another_shape, "the tensor conv1.weight is (64, 1, 7, 7), not (64, 3, 7, 7)"),
        (_one_more, "the tensor layer5.weight is none of ResNet18"),
        (list, "it holds no state dict of tensors"),
    ],
)
def test_weights_of_another_network_are_refused(reference, pretrained, tmp_path, monkeypatch, changed, said):
    import torch

    path = tmp_path / "other.pth"
    torch.save(changed(pretrained[0]), path)
    monkeypatch.setenv("GRADER_RESNET18", str(path))
    assert said in _refused(reference.network("transfer"))


class _Evil:
    def __reduce__(self):
        return os.system, ("exit 1",)


@pytest.mark.parametrize("content", [b"", b"no weights", pickle.dumps(_Evil(), 2)], ids=["empty", "text", "a call"])
def test_a_file_that_holds_no_tensors_is_refused_and_not_run(reference, tmp_path, monkeypatch, content):
    path = tmp_path / "resnet18.pth"
    path.write_bytes(content)
    monkeypatch.setenv("GRADER_RESNET18", str(path))
    assert "cannot be read as tensors only" in _refused(reference.network("transfer"))


def test_a_fine_tuned_checkpoint_needs_no_pretrained_weights(reference, pretrained, monkeypatch):
    import torch

    monkeypatch.setenv("GRADER_RESNET18", str(pretrained[1]))
    tuned = reference.network("transfer")()
    monkeypatch.delenv("GRADER_RESNET18")
    empty = replace(reference, networks={"transfer": "transfer:build_without_weights"}).network("transfer")()
    empty.load_state_dict(tuned.state_dict())
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(empty.eval()(images), tuned.eval()(images))


# --- what learns --------------------------------------------------------------------------------


def test_only_the_last_block_and_the_head_learn(reference, pretrained, monkeypatch):
    import torch

    state, path = pretrained
    monkeypatch.setenv("GRADER_RESNET18", str(path))
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (8, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, 8)
    few = ImageSet("cifar10", "train", images, labels, source("cifar10").classes, content_digest(images, labels))
    recipe = replace(reference.recipe("transfer"), epochs=1, batch_size=4)
    made = train(reference.network("transfer"), recipe, few, few, seed=0).state_dict
    changed = {
        name.split(".")[1]
        for name, tensor in made.items()
        if name.removeprefix("resnet.") not in state or not torch.equal(tensor, state[name.removeprefix("resnet.")])
    }
    assert changed == {"layer4", "fc"}


def test_the_numbers_of_parameters_are_those_of_torchvision_s_network_with_ten_classes(pretrained, monkeypatch):
    from torchvision.models import resnet18

    monkeypatch.setenv("GRADER_RESNET18", str(pretrained[1]))
    model = load_reference(FOLDER).network("transfer")()
    oracle = resnet18(num_classes=10)
    count = lambda tensors: sum(tensor.numel() for tensor in tensors)  # noqa: E731  a word for the three lines below
    assert count(model.parameters()) == count(oracle.parameters()) == 11_181_642
    learns = [tensor for tensor in model.parameters() if tensor.requires_grad]
    assert count(learns) == count([*oracle.layer4.parameters(), *oracle.fc.parameters()]) == 8_398_858


def test_the_scores_are_those_of_torchvision_s_network_on_enlarged_images(pretrained, monkeypatch):
    import torch
    from torchvision.models import resnet18
    from torchvision.transforms.functional import resize

    monkeypatch.setenv("GRADER_RESNET18", str(pretrained[1]))
    model = load_reference(FOLDER).network("transfer")().eval()
    oracle = resnet18(num_classes=10).eval()
    oracle.load_state_dict(model.resnet.state_dict())
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(model(images), oracle(resize(images, [112, 112])), atol=1e-4)
