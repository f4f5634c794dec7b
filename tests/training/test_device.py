from __future__ import annotations

import pytest

from grader.errors import MachineError
from grader.training import device, device_class

pytestmark = pytest.mark.torch


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
