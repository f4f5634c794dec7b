# ruff: noqa: E501 - cases stand on one line; paths are those of the box; dice are for tests
"""How the student's network is built: the code of the box, run in this process on code of our own."""

import sys

import pytest

from grader.sandbox.programs import network
from grader.sandbox.programs.channel import Fault
from grader.sandbox.programs.student import Student

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


class Here:
    """What stands for the box: a folder, and a channel that remembers what was said."""

    def __init__(self, folder):
        self.submission = str(folder)
        self.channel = self
        self.limits = {"memory_mb": 4096, "processes": 64, "tmpfs_mb": 64}
        self.stages = []

    def stage(self, text):
        self.stages.append(text)


@pytest.fixture
def built(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    here = Here(tmp_path)

    def build(code, **request):
        (tmp_path / "model.py").write_text(code)
        model, _ = network.built(Student(here), {"code": "model.py", "factory": "build_model", **request})
        return model, here.stages

    yield build
    sys.modules.pop("model", None)


def test_a_factory_may_be_a_function_or_a_class(built):
    code = "import torch\nclass Net(torch.nn.Linear):\n    def __init__(self): super().__init__(2, 3)\n"
    model, stages = built(code, factory="Net")
    assert (type(model).__name__, model.training) == ("Net", False)
    assert stages == ["importing model.py", "calling Net()"]


def test_a_network_with_random_parts_is_built_the_same_each_time(built):
    code = "import torch\ntorch.rand(3)\ndef build_model(): return torch.nn.Linear(3, 3)"
    first, _ = built(code)
    sys.modules.pop("model")
    second, _ = built(code)
    assert torch.equal(first.weight, second.weight)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(
            "import torch\nclass Net(torch.nn.Module): pass\ndef make(): pass",
            ("no-factory", "model.py", "defines no 'build_model'", "Net, make"), id="no factory",
        ),
        pytest.param(
            "def build_model(width):\n    return width",
            ("factory-raised", "model.py", "missing 1 required positional argument: 'width'", ""), id="a factory with arguments",
        ),
        pytest.param(
            "import torch\ndef build_model():\n    return torch.nn.Conv2d(1, 2, -3)",
            ("factory-raised", "model.py:3", "calling build_model()", ""), id="a factory that raises",
        ),
        pytest.param(
            "import torch\ndef build_model():\n    torch.nn.ReLU()",
            ("not-a-module", "model.py", "None (the return is missing)", ""), id="no return",
        ),
        pytest.param(
            "import torch\nclass Net(torch.nn.Module): pass\ndef build_model(): return Net",
            ("not-a-module", "model.py", "the class Net", "return Net()"), id="a class for an instance",
        ),
    ],
)  # fmt: skip
def test_a_factory_that_gives_no_network_is_explained(built, code, expected):
    with pytest.raises(Fault) as caught:
        built(code)
    found = caught.value.fields
    kind, where, what, fix = expected
    assert (found["code"], found["where"]) == (kind, where)
    assert what in found["what"]
    assert fix in found["fix"]
