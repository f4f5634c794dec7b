from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from grader.errors import MachineError
from grader.training import Recipe, device, device_class
from grader.training.device import settled

pytestmark = pytest.mark.torch
module = sys.modules["grader.training.device"]  # the package has a function of this name


def test_the_environment_decides(monkeypatch):
    monkeypatch.setenv("GRADER_DEVICE", " CPU ")
    assert device().type == "cpu"
    assert device_class() == "cpu"


def test_without_a_word_the_best_device_is_taken(monkeypatch):
    import torch

    monkeypatch.delenv("GRADER_DEVICE")
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    assert device().type == ("cuda" if cuda else "mps" if mps else "cpu")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        pytest.param("gpu", "'gpu' is no device", id="no word of PyTorch"),
        pytest.param("meta", "not supported", id="a device without numbers"),
        pytest.param("cuda:99", "not on this machine", id="a card too many"),
    ],
)
def test_a_device_that_is_not_there_is_an_error_with_a_remedy(monkeypatch, named, said):
    monkeypatch.setenv("GRADER_DEVICE", named)
    with pytest.raises(MachineError, match=said) as caught:
        device()
    [problem] = caught.value.problems
    assert problem.where == "GRADER_DEVICE"
    assert "cpu" in problem.fix


def test_a_named_device_is_never_replaced_by_another(monkeypatch):
    import torch

    monkeypatch.setenv("GRADER_DEVICE", "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MachineError, match="sees no CUDA device"):
        device()


PLAIN = Recipe(data_set="digits", optimizer="sgd", learning_rate=0.1, epochs=1, batch_size=8)


@pytest.mark.parametrize(
    ("features", "precision"),
    [
        ({"avx2", "avx512f", "avx512_bf16"}, "bfloat16"),
        ({"amx_bf16"}, "bfloat16"),
        ({"avx2", "avx512f"}, "float32"),  # it would be emulated there, at a fraction of the speed
        (set(), "float32"),
    ],
)
def test_auto_is_bfloat16_where_the_processor_multiplies_in_it(monkeypatch, features, precision):
    monkeypatch.setattr(module, "cpu_features", lambda: frozenset(features))
    assert settled(replace(PLAIN, precision="auto")).precision == precision
    assert settled(replace(PLAIN, precision="auto"), "mps").precision == "float32"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_precision_that_is_named_is_kept(monkeypatch, precision):
    monkeypatch.setattr(module, "cpu_features", frozenset)
    recipe = replace(PLAIN, precision=precision)
    assert settled(recipe) is recipe


def test_the_features_are_those_that_pytorch_sees():
    import torch

    if not module.cpu_features():
        pytest.skip("this system does not say what its processor can do")
    assert ("avx2" in module.cpu_features()) == bool(torch.cpu.get_capabilities().get("avx2"))
    assert ("avx512_bf16" in module.cpu_features()) == bool(torch.cpu.get_capabilities().get("avx512_bf16"))
