"""The program `activations`, and what its parent makes of the answer. The oracle is PyTorch's own forward hook."""

import textwrap

import pytest

from grader import sandbox
from grader.sandbox import activations as parent
from grader.sandbox.activations import Activations, activations
from grader.sandbox.descriptions import layer_shapes
from grader.sandbox.programs.activations import _Made
from grader.sandbox.programs.channel import Fault

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytestmark = [pytest.mark.torch]

REQUEST = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "mean": [0.4], "std": [0.3]}
NET = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6),
        )
        self.again = nn.Tanh()
        self.fc = nn.Linear(6 * 9, 5)
        self.lstm = nn.LSTM(5, 2, batch_first=True)
        self.spare = nn.Linear(2, 2)
    def forward(self, x):
        x = self.again(self.again(self.features(x)))
        x = self.fc(torch.flatten(x, 1))
        self.lstm(x[:, None])
        return x
def build_model():
    return Net()
"""
LAYERS = ["features.0", "features.4", "again", "fc"]


def images(rows=5):
    return np.random.default_rng(4).integers(0, 256, (rows, 1, 12, 12), dtype=np.uint8)


def network():
    scope = {}
    exec(NET, scope)  # noqa: S102  the model of this file
    torch.manual_seed(8)
    model = scope["build_model"]()
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    return model.eval()


@pytest.fixture
def shown(tmp_path, box):
    def run(code=NET, layers=LAYERS, *, state=None, inputs=None, **request):
        (tmp_path / "model.py").write_text(textwrap.dedent(code))
        torch.save(network().state_dict() if state is None else state, tmp_path / "model.pth")
        files = {name: tmp_path / name for name in ("model.py", "model.pth")}
        inputs = images() if inputs is None else inputs
        limits = sandbox.Limits(wall_s=60)
        more = {key: request.pop(key) for key in ("weights", "views") if key in request}
        return activations(files, {**REQUEST, **request}, inputs, layers, limits=limits, level=box, **more)

    return run


@pytest.mark.sandbox
def test_what_comes_back_is_what_pytorchs_own_hook_sees(shown):
    ended = shown()
    assert isinstance(ended, Activations), ended
    model, seen = network(), {}
    for name in LAYERS:

        def keep(_part, _inputs, output, name=name):
            seen.setdefault(name, output.clone())  # the next layer may work in place

        model.get_submodule(name).register_forward_hook(keep)
    with torch.no_grad():
        model((torch.from_numpy(images()).float().div_(255) - 0.4) / 0.3)
    assert [layer.name for layer in ended.layers] == LAYERS
    for layer in ended.layers:
        torch.testing.assert_close(torch.tensor(layer.array), seen[layer.name], rtol=1e-5, atol=1e-5)
    assert ended.layers[0].array.min() < 0  # before the ReLU that works in place


@pytest.mark.sandbox
@pytest.mark.attack(52, 59)
def test_a_network_that_shows_other_things_the_second_time_gets_nothing(shown):
    """The parent knows the length from the first job: another shape, NaN or training mode are seen."""
    changed = NET.replace("x = self.again(", "x = self.again(self.fc.weight.sum() * 0 + float('nan') * ")
    assert isinstance(shown(changed), sandbox.StudentFault)
    code = NET + textwrap.dedent("""
        def eval_is_nothing(self):
            return self.train()
        Net.eval = eval_is_nothing
    """)
    assert isinstance(shown(code), Activations)
    assert [one.data for one in shown(code).layers] == [one.data for one in shown().layers]


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("layers", "code", "said"),
    [
        pytest.param(["conv1"], "no-such-layer", "does not call a layer 'conv1'", id="no such layer"),
        pytest.param(["spare"], "no-such-layer", "does not call a layer 'spare'", id="a layer that is not called"),
        pytest.param(["lstm"], "bad-output", "not one tensor", id="a layer that gives several tensors"),
    ],
)
def test_a_layer_that_gives_nothing_is_said(shown, layers, code, said):
    ended = shown(layers=layers)
    assert isinstance(ended, sandbox.StudentFault), ended
    assert (ended.problem.code, said in ended.problem.what) == (code, True), ended.problem


@pytest.mark.sandbox
def test_a_checkpoint_of_another_network_is_refused_with_its_keys(shown):
    ended = shown(state={"fc.weight": torch.zeros(1)})
    assert isinstance(ended, sandbox.StudentFault)
    assert ended.problem.code == "keys-differ"


FUNCTIONAL = """
import torch
import torch.nn.functional as F
from torch import nn
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 3, 3)
        self.b = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(16, 5)
    def forward(self, x):
        x = F.avg_pool2d(F.relu(self.a(x)), 2)
        x = F.max_pool2d(F.relu(self.b(x)), 2)
        return self.fc(F.pad(x, (1, 0, 1, 0))[:, :, :2, :2].flatten(1))
def build_model():
    return LeNet()
"""


def lenet():
    scope = {}
    exec(FUNCTIONAL, scope)  # noqa: S102  the model of this file
    torch.manual_seed(5)
    return scope["build_model"]().eval()


@pytest.mark.sandbox
def test_layers_are_named_by_kind_and_number_and_calls_of_functions_are_layers_too(shown):
    asked = [
        {"kinds": ["conv2d"], "nth": 1},
        {"kinds": ["conv2d"], "nth": -1},
        {"kinds": ["avgpool2d", "maxpool2d"], "nth": 2},
        {"kinds": ["relu"], "nth": 1},
    ]
    ended = shown(FUNCTIONAL, asked, state=lenet().state_dict(), weights=["a", {"kinds": ["conv2d"], "nth": 2}])
    assert isinstance(ended, Activations), ended
    assert ended.names == ("a", "b", "max_pool2d 1", "relu 1", "a.weight", "b.weight")
    model = lenet()
    functional = torch.nn.functional
    with torch.no_grad():
        first = model.a((torch.from_numpy(images()).float().div_(255) - 0.4) / 0.3)
        second = model.b(functional.avg_pool2d(functional.relu(first), 2))
        pooled = functional.max_pool2d(functional.relu(second), 2)
    expected = [first, second, pooled, functional.relu(first), model.a.weight, model.b.weight]
    for layer, numbers in zip(ended.layers, expected, strict=True):
        torch.testing.assert_close(torch.tensor(layer.array), numbers.detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.sandbox
def test_images_are_prepared_in_each_of_the_views(shown):
    views = [{"rows": 2, "mean": None, "std": None}, {"rows": 3, "mean": [0.1], "std": [0.7]}]
    ended = shown(layers=["features.0"], views=views)
    raw = torch.from_numpy(images()).float().div_(255)
    with torch.no_grad():
        expected = network().features[0](torch.cat([raw[:2], (raw[2:] - 0.1) / 0.7]))
    torch.testing.assert_close(torch.tensor(ended.layers[0].array), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        pytest.param({"layers": [{"kinds": ["conv2d"], "nth": 3}]}, "no-such-layer", id="the third of two"),
        pytest.param({"layers": [{"kinds": ["conv2d"], "nth": -3}]}, "no-such-layer", id="the third from behind"),
        pytest.param({"layers": [], "weights": ["again"]}, "no-such-tensor", id="a layer without weights"),
        pytest.param({"layers": [], "weights": ["fc"], "checkpoint": None}, "missing-file", id="no checkpoint"),
    ],
)
def test_what_is_not_there_is_said(shown, settings, code):
    ended = shown(**settings)
    assert isinstance(ended, sandbox.StudentFault), ended
    assert ended.problem.code == code


@pytest.mark.sandbox
def test_weights_are_those_of_the_checkpoint_whatever_the_code_says(shown):
    code = NET + textwrap.dedent("""
        def load_state_dict(self, *_, **__):
            pass
        Net.load_state_dict = load_state_dict
        nn.Module.load_state_dict = load_state_dict
    """)
    ended = shown(code, [], weights=["features.0"])
    [layer] = ended.layers
    assert layer.array.tolist() == network().features[0].weight.tolist()


# --- without a box ------------------------------------------------------------------------------


def part(output):
    class Part(torch.nn.Module):
        def forward(self, x):
            del x
            return output

    return torch.nn.Sequential(Part())


@pytest.mark.parametrize(
    ("output", "code"),
    [
        pytest.param(torch.zeros(2, 4), "bad-output", id="another shape"),
        pytest.param([torch.zeros(2, 3)], "bad-output", id="a list"),
        pytest.param(torch.zeros(2, 3, dtype=torch.int64), "bad-output", id="whole numbers"),
        pytest.param(torch.tensor([[0, float("inf"), 0]] * 2), "not-finite", id="infinity"),
        pytest.param(torch.full((2, 3), 1e300, dtype=torch.float64), "not-finite", id="too large for float32"),
    ],
)
def test_what_a_layer_gives_is_looked_at(output, code):
    made = _Made([{"name": "0", "shape": [3]}], 2, "model.py")
    model = part(output)
    made.watch(model)
    with pytest.raises(Fault) as caught:
        model(torch.zeros(2, 1))
    assert caught.value.fields["code"] == code


def test_only_the_first_call_counts_and_a_layer_without_one_is_named():
    made = _Made([{"name": "0", "shape": [3]}, {"name": "1", "shape": [1]}], 2, "model.py")
    model = torch.nn.Sequential(torch.nn.Identity(), torch.nn.Linear(3, 1))
    made.watch(model)
    model[0](torch.ones(2, 3))
    model[0](torch.zeros(2, 3))
    with pytest.raises(Fault, match="'1' was not called"):
        made.bytes()
    model[1](torch.zeros(2, 3))
    assert np.frombuffer(made.bytes(), "<f4")[:6].tolist() == [1] * 6


@pytest.mark.attack(59)
@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_never_get_through(odd):
    payload = np.array([1, 2, odd, 4], "<f4").tobytes()
    ended = parent._activations(sandbox.Answered("L3", 1.0, payload=payload), ["a", "b"], [(1, 2), (1, 2)])
    assert isinstance(ended, sandbox.StudentFault)
    assert "'b'" in ended.problem.what


def row(name="conv", kind="Conv2d", shape=(2, 3), call=1):
    return {"name": name, "kind": kind, "call": call, "output_shape": list(shape) if shape else None}


def test_the_shape_is_that_of_the_layers_first_call():
    rows = [row(), row(kind="functional:relu", shape=(2, 9)), row(shape=(2, 5), call=2), row("fc", shape=(2,))]
    assert layer_shapes({"layers": rows}, ["fc", "conv"], "model.py") == ((), (3,))


@pytest.mark.parametrize("shape", [None, (3, 4), [[2, 3], [2, 3]]])
def test_a_layer_without_one_row_per_image_is_refused(shape):
    said = layer_shapes({"layers": [row(shape=shape)]}, ["conv"], "model.py")
    assert said.code in ("no-such-layer", "bad-output")


@pytest.mark.attack(72)
def test_a_description_that_claims_gigabytes_is_not_waited_for(monkeypatch):
    claimed = sandbox.Answered("L3", 1.0, result={"layers": [row(shape=(2, 2**40))]})
    monkeypatch.setattr(parent, "describe", lambda *_, **__: claimed)
    ended = activations({}, REQUEST, images(), ["conv"])
    assert isinstance(ended, sandbox.SystemFault)
    assert ended.problem.code == "too-large"


@pytest.mark.parametrize(
    ("given", "layers"),
    [
        pytest.param(np.zeros((1, 1, 2, 2)), ["conv"], id="no bytes"),
        pytest.param(np.zeros((300, 1, 2, 2), np.uint8), ["conv"], id="too many images"),
        pytest.param(np.zeros((1, 1, 2, 2), np.uint8), [], id="no layer"),
        pytest.param(np.zeros((1, 1, 2, 2), np.uint8), ["conv", "conv"], id="a layer twice"),
    ],
)
def test_what_cannot_be_asked_is_the_callers_mistake(given, layers):
    with pytest.raises(ValueError, match=r"uint8|layer"):
        activations({}, REQUEST, given, layers)
