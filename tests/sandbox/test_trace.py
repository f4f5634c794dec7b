"""The rows of one forward pass, in this process: the same code runs in the box."""

import pytest

from grader.sandbox.programs import network
from grader.sandbox.programs.trace import Trace, attributes, torch_kind
from grader.sandbox.results import flaws

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

nn, F = torch.nn, torch.nn.functional


def traced(model, *shape):
    network.force_eval(model)
    trace = Trace(model)
    trace.run(model, torch.rand(2, *shape))
    trace.finish()
    return trace


def kinds(trace):
    return [row["kind"] for row in trace.rows if row["is_leaf"]]


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.fc = nn.Linear(4 * 7 * 7, 10)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x = F.max_pool2d(x, 2)
        x = F.avg_pool2d(x, kernel_size=2, stride=2)
        x = x.view(x.size(0), -1)
        x = F.dropout(x, 0.25, training=self.training)
        return F.log_softmax(self.fc(x), dim=1)


def test_functions_between_the_modules_are_rows_with_shapes_and_settings():
    trace = traced(Functional(), 1, 28, 28)
    assert kinds(trace) == [
        "Conv2d", "functional:relu", "functional:max_pool2d", "functional:avg_pool2d", "functional:view",
        "functional:dropout", "Linear", "functional:log_softmax",
    ]  # fmt: skip
    pool, average, view, dropout = (trace.rows[index] for index in (3, 4, 5, 6))
    assert (pool["input_shape"], pool["output_shape"]) == ([2, 4, 28, 28], [2, 4, 14, 14])
    assert pool["attributes"]["kernel_size"] == 2
    assert average["attributes"] == {"kernel_size": 2, "stride": 2}
    assert view["attributes"] == {"shape": [2, -1]}
    assert (dropout["attributes"]["p"], dropout["attributes"]["training"]) == (0.25, False)


def test_functions_of_a_network_in_data_parallel_are_rows_too():
    assert kinds(traced(nn.DataParallel(Functional()), 1, 28, 28)) == kinds(traced(Functional(), 1, 28, 28))


def test_functions_within_a_layer_of_torch_are_not_rows():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(1)
    )
    assert kinds(traced(model, 1, 8, 8)) == ["Conv2d", "BatchNorm2d", "ReLU", "AdaptiveAvgPool2d", "Flatten", "Softmax"]


def test_a_module_that_is_called_twice_has_a_row_for_each_call_and_its_parameters_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.act = nn.Linear(3, 3), nn.ReLU()

        def forward(self, x):
            return self.act(self.fc(self.act(self.fc(x))))

    rows = traced(Twice(), 3).rows[1:]
    assert [(row["kind"], row["call"], row["calls"], row["parameters"]) for row in rows] == [
        ("Linear", 1, 2, 12), ("ReLU", 1, 2, 0), ("Linear", 2, 2, 0), ("ReLU", 2, 2, 0),
    ]  # fmt: skip


def test_a_shared_tensor_counts_at_its_first_layer_only():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    rows = [row for row in traced(model, 3).rows if row["is_leaf"]]
    assert [(row["parameters"], row["shared"]) for row in rows] == [(12, 0), (3, 9)]


def test_frozen_parameters_are_not_trainable_and_buffers_are_counted():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    model[0].weight.requires_grad_(requires_grad=False)
    rows = [row for row in traced(model, 3).rows if row["is_leaf"]]
    assert [(row["parameters"], row["trainable"], row["buffers"]) for row in rows] == [(8, 2, 0), (4, 4, 5)]


def test_a_skip_connection_is_an_addition():
    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, x):
            x = x + self.conv(x)
            x += x
            return torch.cat([x, x], dim=1)

    trace = traced(Skip(), 2, 4, 4)
    assert kinds(trace) == ["Conv2d", "functional:add", "functional:add", "functional:cat"]
    assert trace.rows[-1]["input_shape"] == [[2, 2, 4, 4], [2, 2, 4, 4]]
    assert trace.rows[-1]["attributes"] == {"dim": 1}


def test_functions_in_the_students_own_leaf_module_are_rows():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.rand(4, 1, 3, 3))

        def forward(self, x):
            return F.relu(F.conv2d(x, self.weight, padding=1))

    trace = traced(Own(), 1, 6, 6)
    assert [row["kind"] for row in trace.rows] == ["Own", "functional:conv2d", "functional:relu"]
    assert trace.rows[1]["attributes"] == {"weight_shape": [4, 1, 3, 3], "padding": 1}
    assert (trace.rows[0]["parameters"], trace.rows[0]["is_leaf"]) == (36, True)


def test_a_class_of_the_students_that_borrows_a_name_is_not_torchs():
    class Conv2d(nn.Module):
        pass

    class Wide(nn.Conv2d):
        pass

    assert (torch_kind(Conv2d()), torch_kind(Wide(1, 1, 1)), torch_kind(nn.Conv2d(1, 1, 1))) == (
        None,
        "Conv2d",
        "Conv2d",
    )
    assert attributes(Conv2d()) == {}
    assert attributes(Wide(1, 2, 3))["out_channels"] == 2


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        (nn.Conv2d(3, 8, (3, 5), stride=2, padding="same" if False else 1, dilation=2, groups=1, bias=False),
         {"kernel_size": [3, 5], "stride": [2, 2], "padding": [1, 1], "dilation": [2, 2], "groups": 1, "bias": False}),
        (nn.Conv2d(3, 8, 3, padding="same"), {"padding": "same", "bias": True}),
        (nn.MaxPool2d(3, 2, ceil_mode=True), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
        (nn.Dropout(0.4), {"p": 0.4}),
        (nn.BatchNorm2d(7, momentum=None), {"num_features": 7, "eps": 1e-05, "momentum": None, "affine": True}),
        (nn.LSTM(3, 4, num_layers=2, bidirectional=True, bias=False),
         {"input_size": 3, "hidden_size": 4, "num_layers": 2, "bidirectional": True, "bias": False}),
        (nn.Upsample(scale_factor=2, mode="bilinear"), {"scale_factor": 2.0, "mode": "bilinear"}),
        (nn.AdaptiveAvgPool2d((None, 3)), {"output_size": [None, 3]}),
        (nn.Softmax(dim=-1), {"dim": -1}),
        (nn.LeakyReLU(0.2), {"negative_slope": 0.2}),
        (nn.Embedding(10, 3), {"num_embeddings": 10, "embedding_dim": 3}),
    ],
)  # fmt: skip
def test_the_settings_of_a_layer_are_plain_values_by_torchs_names(layer, wanted):
    assert {name: attributes(layer).get(name, "absent") for name in wanted} == wanted


def test_several_outputs_are_several_shapes():
    trace = traced(nn.LSTM(3, 4, batch_first=True), 5, 3)
    assert trace.rows[0]["output_shape"] == [[2, 5, 4]]


def test_modules_that_are_never_called_are_listed_apart():
    model = nn.ModuleDict({"used": nn.Linear(3, 2), "spare": nn.Linear(2, 2)})
    model.forward = lambda x: model["used"](x)  # noqa: PLW0108  hooks are on the call
    trace = traced(model, 3)
    assert [(one["name"], one["parameters"]) for one in trace.unused(model)] == [("spare", 6)]


def test_the_sum_of_the_rows_is_the_count_of_the_parameters():
    trace = traced(Functional(), 1, 28, 28)
    assert sum(row["parameters"] for row in trace.rows) == sum(p.numel() for p in Functional().parameters())


def test_rows_are_capped_and_counted(monkeypatch):
    monkeypatch.setattr("grader.sandbox.programs.trace.MOST_ROWS", 3)
    trace = traced(nn.Sequential(*(nn.ReLU() for _ in range(9))), 3)
    assert (len(trace.rows), trace.count) == (3, 10)


def test_hooks_are_gone_afterwards():
    model = nn.Sequential(nn.ReLU())
    traced(model, 3)
    assert not [part for part in model.modules() if part._forward_hooks or part._forward_pre_hooks]


def test_a_row_has_the_agreed_fields():
    trace = traced(Functional(), 1, 28, 28)
    result = {"layers": trace.rows, "layers_count": 9, "unused": [], "parameters": 1, "trainable": 1, "buffers": 0,
              "input_shape": [2, 1, 28, 28], "output_shape": [2, 10], "repr": "", "state": None,
              "tensors": None}  # fmt: skip
    assert flaws("describe", result) == ""
    result["layers"][0]["depth"] = -1
    assert flaws("describe", result) == "/layers/0/depth"


def test_eval_mode_is_forced_past_an_eval_that_does_nothing():
    class Stubborn(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(2)

        def eval(self):
            return self

        def train(self, mode=True):  # noqa: ARG002
            return self

    model = Stubborn()
    assert network.force_eval(model) == 2
    assert network.force_eval(model) == 0
    assert not model.norm.training
