"""Numbers that hide beside the parameters, in buffers, under other names or in the code: a person is told.

Where the rubric sets a budget for parameters, the checkpoint's own numbers are held against it, and no code of the
student's is asked how many there are.
"""

import base64

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytestmark = [pytest.mark.torch, pytest.mark.sandbox]

WEAK = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.fc(torch.flatten(x, 1))

def build_model():
    return Net()
"""
PARAMETERS = 7_850


@pytest.fixture(scope="module")
def weak():
    torch.manual_seed(0)
    return {f"fc.{name}": tensor.detach() for name, tensor in torch.nn.Linear(784, 10).state_dict().items()}


@pytest.mark.attack(67)
@pytest.mark.parametrize("numbers", [4_000, 100], ids=["half as many as the parameters", "a few"])
def test_many_numbers_in_buffers_are_told_and_a_few_are_not(earned, weak, numbers):
    code = f"""{WEAK}
class More(Net):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.zeros({numbers}))
def build_model():
    return More()
"""
    made = earned({"model.py": code}, weak | {"table": torch.rand(numbers)})
    assert made.waiting == 0
    assert ("hidden-numbers" in made.codes) == (numbers == 4_000)
    if numbers == 4_000:
        said = made.said("hidden-numbers")
        assert "beside 7,850 parameters the checkpoint holds 4,000 other numbers in buffers" in said


@pytest.mark.attack(67)
@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"DATA = {base64.b85encode(np.random.default_rng(1).bytes(4000)).decode()!r}", id="a long text"),
        pytest.param(f"DATA = {np.random.default_rng(1).bytes(2000)!r}", id="bytes"),
        pytest.param(f"# {base64.b64encode(np.random.default_rng(1).bytes(4000)).decode()}", id="a comment"),
        pytest.param(f"DATA = {int.from_bytes(np.random.default_rng(1).bytes(4000)):#x}", id="one number"),
        pytest.param(f"DATA = {np.random.default_rng(1).normal(size=2500).round(4).tolist()}", id="a list of numbers"),
    ],
)
def test_data_in_the_code_is_told_and_costs_nothing(earned, weak, line):
    made = earned({"model.py": f"{WEAK}\n{line}\n"}, weak)
    assert made.waiting == 0
    assert "model.py" in made.said("data-in-code")


# --- against a budget of parameters ------------------------------------------------------------

BUDGET = {"parameters": {"at_most": 9_000}}
IN_BUFFERS = """
class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("first", torch.zeros(784, 20))
        self.fc = nn.Linear(20, 10)
    def forward(self, x):
        return self.fc(torch.relu(torch.flatten(x, 1) @ self.first))
def build_model():
    return Wide()
"""
AS_STATISTICS = """
class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(784 * 20))
        self.fc = nn.Linear(20, 10)
    def forward(self, x):
        return self.fc(torch.relu(torch.flatten(x, 1) @ self.running_mean.view(784, 20)))
def build_model():
    return Wide()
"""
UNCOUNTED = """
class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.fc = nn.Linear(784, 20, bias=False), nn.Linear(20, 10)
    def parameters(self, recurse=True):
        return iter(list(self.fc.parameters()))
    def forward(self, x):
        return self.fc(torch.relu(self.first(torch.flatten(x, 1))))
def build_model():
    return Wide()
"""


def fc(inputs):
    return {"fc.weight": torch.rand(10, inputs), "fc.bias": torch.rand(10)}


@pytest.mark.attack(67)
@pytest.mark.parametrize(
    ("code", "state"),
    [
        pytest.param(IN_BUFFERS, {"first": torch.rand(784, 20)}, id="in a buffer"),
        pytest.param(AS_STATISTICS, {"running_mean": torch.rand(784 * 20)}, id="under the name of a statistic"),
        pytest.param(UNCOUNTED, {"first.weight": torch.rand(20, 784)}, id="parameters() leaves them out"),
    ],
)
def test_what_is_over_the_budget_only_with_its_other_numbers_waits_for_a_person(handed_in, code, state):
    made = handed_in("architecture", {"model.py": WEAK + code}, state | fc(20), **BUDGET)
    assert (made.points, made.waiting) == (0, 100)
    said = made.said("hidden-numbers")
    assert "the model counts 210 parameters, and its checkpoint holds 15,680 other numbers beside them" in said
    assert "15,890 are more than the 9,000 that are allowed" in said


HONEST = """
class Normal(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(784)
        self.register_buffer("mean", torch.zeros(1))
        self.fc = nn.Linear(784, 10)
        self.layers = nn.ModuleList([self.norm, self.fc])
    def forward(self, x):
        return self.fc(self.norm(torch.flatten(x, 1) - self.mean))
def build_model():
    return Normal()
"""


@pytest.mark.parametrize("most", [9_418, 20_000], ids=["just enough for the parameters", "plenty"])
def test_statistics_shared_names_and_a_few_constants_are_free(handed_in, most):
    """784 x 2 of BatchNorm and 7,850 of the layer; 1,569 statistics, a mean and the same tensors by second names."""
    scope = {}
    exec(WEAK + HONEST, scope)  # noqa: S102  the code of this file
    state = scope["build_model"]().state_dict()
    assert sum(tensor.numel() for tensor in state.values()) > 20_000
    made = handed_in("architecture", {"model.py": WEAK + HONEST}, state, parameters={"exactly": 9_418})
    assert (made.points, made.waiting, made.codes) == (100, 0, ["parameters"])
    made = handed_in("architecture", {"model.py": WEAK + HONEST}, state, parameters={"at_most": most})
    assert (made.points, made.waiting, made.codes) == (100, 0, ["parameters"])


@pytest.mark.attack(67)
def test_a_budget_that_is_broken_openly_fails_as_before(handed_in, weak):
    made = handed_in("architecture", {"model.py": WEAK}, weak, parameters={"at_most": PARAMETERS - 1})
    assert (made.points, made.waiting) == (0, 0)


@pytest.mark.attack(67)
def test_weights_in_the_code_are_told_where_there_is_a_budget(handed_in, weak):
    line = f"DATA = {base64.b85encode(np.random.default_rng(1).bytes(4000)).decode()!r}"
    made = handed_in("architecture", {"model.py": f"{WEAK}\n{line}\n"}, weak, **BUDGET)
    assert made.points == 100
    assert "model.py:" in made.said("data-in-code")
