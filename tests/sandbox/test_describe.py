"""The program `describe` in the box, with torch. Each job imports torch (1 to 3 s): each test looks at much."""

import textwrap

import pytest

from grader import sandbox

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.sandbox]

NET = """
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision  # beside a CPU torch too
from blocks import Block

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(Block(1, 6), Block(6, 16))
        self.fc = nn.Linear(16 * 7 * 7, 10)
        self.spare = nn.Dropout(0.5)

    def forward(self, x):
        x = torch.flatten(self.features(x), 1)
        return F.log_softmax(self.fc(x), dim=1)

def build_model():
    print("building")
    return Net()
"""
BLOCKS = """
import torch.nn as nn
import torch.nn.functional as F

class Block(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, 3, padding=1)
        self.norm = nn.BatchNorm2d(filters)

    def forward(self, x):
        return F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
"""
REQUEST = {"code": "model.py", "factory": "build_model", "checkpoint": None, "input": [1, 28, 28]}


@pytest.fixture
def describe(tmp_path, box):
    def run(files, **request):
        paths = {}
        for name, content in files.items():
            paths[name] = tmp_path / name
            if isinstance(content, str):
                paths[name].write_text(textwrap.dedent(content))
            elif content is not None:
                torch.save(content, paths[name])
        limits = sandbox.Limits(wall_s=60)
        return sandbox.run("describe", files=paths, request={**REQUEST, **request}, limits=limits, level=box)

    return run


def state(**changes):
    model = torch.nn.Sequential()
    for index, (channels, filters) in enumerate([(1, 6), (6, 16)]):
        model.add_module(f"features:{index}:conv", torch.nn.Conv2d(channels, filters, 3))
        model.add_module(f"features:{index}:norm", torch.nn.BatchNorm2d(filters))
    model.add_module("fc", torch.nn.Linear(784, 10))
    return {name.replace(":", "."): tensor for name, tensor in model.state_dict().items()} | changes


def problem(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem


def test_a_network_with_its_checkpoint_is_described_in_full(describe):
    ended = describe({"model.py": NET, "blocks.py": BLOCKS, "model.pth": state()}, checkpoint="model.pth")
    assert isinstance(ended, sandbox.Answered), ended
    made = ended.result
    rows = [
        (row["name"], row["kind"], row["output_shape"][1:], row["parameters"])
        for row in made["layers"]
        if row["is_leaf"]
    ]
    assert rows == [
        ("features.0.conv", "Conv2d", [6, 28, 28], 60),
        ("features.0.norm", "BatchNorm2d", [6, 28, 28], 12),
        ("features.0", "functional:relu", [6, 28, 28], 0),
        ("features.0", "functional:max_pool2d", [6, 14, 14], 0),
        ("features.1.conv", "Conv2d", [16, 14, 14], 880),
        ("features.1.norm", "BatchNorm2d", [16, 14, 14], 32),
        ("features.1", "functional:relu", [16, 14, 14], 0),
        ("features.1", "functional:max_pool2d", [16, 7, 7], 0),
        ("", "functional:flatten", [784], 0),
        ("fc", "Linear", [10], 7850),
        ("", "functional:log_softmax", [10], 0),
    ]
    assert (made["parameters"], made["trainable"], made["buffers"]) == (8834, 8834, 46)
    assert (made["input_shape"], made["output_shape"]) == ([2, 1, 28, 28], [2, 10])
    assert [one["name"] for one in made["unused"]] == ["spare"]
    assert made["repr"].startswith("Net(\n  (features): Sequential(")
    assert made["state"]["is_loaded"]
    assert made["state"]["finite"]
    assert "building" in ended.output


def test_a_checkpoint_that_does_not_fit_is_told_and_the_network_described_all_the_same(describe):
    other = state(**{"fc.weight": torch.zeros(10, 700), "fc2.weight": torch.full((1,), float("nan"))})
    del other["fc.bias"]
    other = {f"module.{name}": tensor for name, tensor in other.items()}
    ended = describe({"model.py": NET, "blocks.py": BLOCKS, "model.pth": other}, checkpoint="model.pth")
    assert isinstance(ended, sandbox.Answered), ended
    found = ended.result["state"]
    assert (found["missing"], found["extra"], found["module_prefix"]) == (["fc.bias"], ["fc2.weight"], True)
    assert found["misshaped"] == [{"name": "fc.weight", "expected": [10, 784], "found": [10, 700]}]
    assert (found["is_loaded"], found["finite"]) == (False, False)
    assert ended.result["parameters"] == 8834


def test_a_network_for_another_input_names_line_layer_and_shapes(describe):
    found = problem(describe({"model.py": NET, "blocks.py": BLOCKS}, input=[1, 32, 32]))
    assert (found.code, found.where) == ("forward-raised", "model.py:17")
    for word in (
        "(2, 1, 32, 32)",
        "mat1 and mat2 shapes cannot be multiplied (2x1024 and 784x10)",
        "fc (Linear)",
        "(2, 1024)",
    ):
        assert word in found.what


def test_a_checkpoint_with_code_is_refused_before_the_students_code_runs(describe):
    ended = describe(
        {"model.py": "print('ran')", "model.pth": {"w": torch.zeros(1), "f": print}}, checkpoint="model.pth"
    )
    assert (problem(ended).code, problem(ended).what) == ("pickled-code", "contains pickled code: __builtin__.print")
    assert ended.output == ""


def test_more_memory_than_there_is_is_the_models_fault_not_ours(tmp_path, box):
    model = tmp_path / "model.py"
    model.write_text("import torch\ndef build_model():\n    return torch.nn.Linear(30000, 30000)")
    limits = sandbox.Limits(wall_s=60, memory_mb=3000)
    ended = sandbox.run(
        "describe", files={"model.py": model}, request={**REQUEST, "input": [30000]}, limits=limits, level=box
    )
    assert (problem(ended).code, problem(ended).where) == ("memory", "model.py:3")


def test_lazy_layers_get_their_sizes_before_they_are_compared(describe):
    code = """
        import torch.nn as nn
        def build_model():
            return nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(10))
    """
    ended = describe({"model.py": code}, input=[1, 8, 8])
    assert isinstance(ended, sandbox.Answered), ended
    assert [row["parameters"] for row in ended.result["layers"] if row["is_leaf"]] == [40, 0, 1450]


def test_the_network_is_traced_on_what_its_preprocess_makes(describe):
    code = """
        import torch.nn as nn
        import torch.nn.functional as F
        class Net(nn.Sequential):
            def preprocess(self, images):
                return F.interpolate(images, size=(8, 8))
        def build_model():
            return Net(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 10))
    """
    ended = describe({"model.py": code}, input=[1, 28, 28])
    assert isinstance(ended, sandbox.Answered), ended
    rows = [row for row in ended.result["layers"] if row["is_leaf"]]
    assert [row["kind"] for row in rows] == ["Conv2d", "Flatten", "Linear"]
    assert rows[0]["input_shape"] == [2, 1, 8, 8]


def test_a_compiled_model_is_told_as_that(describe):
    code = "import torch\ndef build_model():\n    return torch.jit.script(torch.nn.Conv2d(1, 2, 3))\n"
    found = problem(describe({"model.py": code}))
    assert found.code == "script-module"
    assert "torch.jit" in found.fix


def test_the_tensors_of_the_state_dict_are_listed_as_torch_lists_them(describe):
    ended = describe({"model.py": NET, "blocks.py": BLOCKS})
    assert isinstance(ended, sandbox.Answered)
    expected = [(name, list(tensor.shape)) for name, tensor in state().items()]
    assert sorted((row["name"], row["shape"]) for row in ended.result["tensors"]) == sorted(expected)
    rows = {row["name"]: row for row in ended.result["tensors"]}
    assert (rows["fc.weight"]["trained"], rows["fc.weight"]["dtype"]) == (True, "float32")
    counter = rows["features.0.norm.num_batches_tracked"]
    assert (counter["trained"], counter["dtype"], counter["shape"]) == (False, "int64", [])


def test_a_state_dict_that_cannot_be_read_is_the_students_fault(describe):
    code = """
    import torch
    def build_model():
        model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
        model._register_state_dict_hook(lambda *_: 1 / 0)
        return model
    """
    ended = describe({"model.py": code})
    assert (problem(ended).code, "reading the state dict" in problem(ended).what) == ("code-raised", True)
