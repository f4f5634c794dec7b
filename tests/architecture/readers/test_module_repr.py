"""print(model) is read exactly: PyTorch prints, PyTorch is the oracle of shapes and counts."""

import inspect
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grader.architecture import make_layer
from grader.architecture.readers.module_repr import modules_in_cell, read, repr_parameters
from grader.documents.report_lines import Line, Source


def lines(text):
    return [Line(number, one) for number, one in enumerate(text.splitlines(), 1)]


def read_one(text):
    [summary] = read(lines(text))
    return summary


def read_layer(layer):
    """The row of a layer that stands alone in a Sequential."""
    summary = read_one(repr(nn.Sequential(layer, nn.Identity())))
    assert not summary.unread
    assert not summary.notes
    return summary.rows[1]


def own_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters(recurse=False))


ACTIVATIONS = [
    *("ReLU", "ReLU6", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Sigmoid", "LogSigmoid", "Tanh", "Hardtanh"),
    *("Hardsigmoid", "Hardswish", "Softplus", "Softsign", "Tanhshrink", "Identity", "LeakyReLU", "Dropout"),
    *("AlphaDropout", "FeatureAlphaDropout"),
]


def grid(**choices):
    """Every combination of the choices, as keyword arguments."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


IMAGES = {1: (2, 12, 16), 2: (2, 12, 16, 15), 3: (2, 12, 8, 9, 7)}


def spatial_layers():
    """Layers that work on pixels, with the shape of an input."""
    for dims, shape in IMAGES.items():
        conv, transposed = getattr(nn, f"Conv{dims}d"), getattr(nn, f"ConvTranspose{dims}d")
        uneven = tuple(range(2, 2 + dims))
        for options in grid(
            kernel_size=(1, 3, uneven), stride=(1, 2), padding=(0, 1), groups=(1, 4), bias=(True, False)
        ):
            yield conv(12, 8, **options), shape
            yield transposed(12, 8, **options), shape
        for options in grid(padding=("same", "valid"), dilation=(1, 2), padding_mode=("zeros", "reflect", "circular")):
            yield conv(12, 4, 3, **options), shape
        yield transposed(12, 8, 3, stride=3, output_padding=2, dilation=2), shape
        maximum, mean = getattr(nn, f"MaxPool{dims}d"), getattr(nn, f"AvgPool{dims}d")
        for options in grid(kernel_size=(2, 3, uneven), stride=(None, 1, 2), padding=(0, 1), ceil_mode=(True, False)):
            yield maximum(**options), shape
            if not options["ceil_mode"]:  # an average pooling does not print it
                yield mean(**options), shape
        yield maximum(3, dilation=2), shape
        power = getattr(nn, f"LPPool{dims}d")
        for options in grid(norm_type=(2,), kernel_size=(2, 3), stride=(None, 2), ceil_mode=(True, False)):
            yield power(**options), shape
        for name in (f"AdaptiveAvgPool{dims}d", f"AdaptiveMaxPool{dims}d"):
            for size in (1, 5, (3,) * dims, *(((None,) * (dims - 1) + (2,),) if dims > 1 else ())):
                yield getattr(nn, name)(size), shape
        for name in (f"BatchNorm{dims}d", f"InstanceNorm{dims}d"):
            for options in grid(affine=(True, False), track_running_stats=(True, False), momentum=(0.1, None)):
                yield getattr(nn, name)(12, **options), shape
        yield getattr(nn, f"ZeroPad{dims}d")(2), shape
        yield getattr(nn, f"ZeroPad{dims}d")(tuple(range(2 * dims))), shape
        yield getattr(nn, f"Dropout{dims}d")(0.3), shape
    image = IMAGES[2]
    for options in grid(scale_factor=(2, 1.5, (2.0, 3.0)), mode=("nearest", "bilinear", "bicubic", "area")):
        yield nn.Upsample(**options), image
    yield nn.Upsample(size=7), image
    yield nn.Upsample(size=(7, 9), mode="bilinear", align_corners=True), image
    yield nn.UpsamplingNearest2d(scale_factor=2), image
    yield nn.UpsamplingBilinear2d(size=(4, 5)), image
    yield nn.PixelShuffle(2), image
    yield nn.PixelUnshuffle(5), (2, 3, 10, 15)


def other_layers():
    """Layers that work on features, sequences or single numbers, with the shape of an input."""
    for options in grid(bias=(True, False)):
        yield nn.Linear(10, 7, **options), (3, 10)
        yield nn.LayerNorm(10, **options), (3, 10)
        yield nn.LayerNorm((5, 10), elementwise_affine=False), (3, 5, 10)
    for options in grid(
        num_layers=(1, 2), bias=(True, False), batch_first=(True, False), dropout=(0, 0.2), bidirectional=(True, False)
    ):
        if options["dropout"] and options["num_layers"] == 1:
            continue
        yield nn.LSTM(6, 5, **options), (4, 3, 6)
        yield nn.GRU(6, 5, **options), (4, 3, 6)
        yield nn.RNN(6, 5, nonlinearity="relu", **options), (4, 3, 6)
    yield nn.LSTM(6, 5, proj_size=2), (4, 3, 6)
    for affine in (True, False):
        yield nn.GroupNorm(3, 12, affine=affine), (2, 12, 4, 4)
    yield nn.Flatten(), (2, 3, 4, 5)
    yield nn.Flatten(0, 2), (2, 3, 4, 5)
    yield nn.Unflatten(1, (3, 4)), (2, 12)
    yield nn.Unflatten(-1, torch.Size([2, -1])), (2, 12)
    yield nn.Softmax(dim=1), (2, 12)
    yield nn.LogSoftmax(dim=-1), (2, 12)
    yield nn.PReLU(), (2, 12)
    yield nn.PReLU(12), (2, 12)
    for name in ACTIVATIONS:
        yield getattr(nn, name)(), (2, 12)
        if "inplace" in inspect.signature(getattr(nn, name)).parameters:
            yield getattr(nn, name)(inplace=True), (2, 12)
    yield nn.GELU(approximate="tanh"), (2, 12)
    yield nn.LeakyReLU(0.2, inplace=True), (2, 12)
    yield nn.Dropout(p=0), (2, 12)


@pytest.mark.parametrize("family", [spatial_layers, other_layers])
def test_make_layer_builds_from_a_print_what_pytorch_printed(family):
    for layer, shape in family():
        row = read_layer(layer)
        assert "kind" in row.settings, layer
        made = make_layer(row.settings, shape)
        try:
            result = layer.eval()(torch.zeros(shape))
        except RuntimeError:
            continue  # PyTorch itself refuses this input
        result = result[0] if isinstance(result, tuple) else result
        assert made.output_shape(shape) == tuple(result.shape), layer
        assert made.parameter_count == own_parameters(layer) == repr_parameters(row), layer


def test_an_embedding_reads_as_its_table():
    row = read_layer(nn.Embedding(100, 16, padding_idx=0, max_norm=1.0, norm_type=1.0, sparse=True))
    assert make_layer(row.settings, (2, 5)).output_shape((2, 5)) == (2, 5, 16)
    assert repr_parameters(row) == 1_600


STATED_WITHOUT_A_KIND = [
    nn.Bilinear(3, 4, 5),
    nn.Bilinear(3, 4, 5, bias=False),
    nn.EmbeddingBag(10, 3, mode="sum"),
    nn.GRUCell(4, 6),
    nn.LSTMCell(4, 6, bias=False),
    nn.RNNCell(4, 6, nonlinearity="relu"),
    nn.RMSNorm(8),
    nn.RMSNorm((3, 8), elementwise_affine=False),
    nn.SyncBatchNorm(12),
    nn.GLU(),
    nn.Softmin(dim=1),
    nn.Softmax2d(),
    nn.Hardshrink(),
    nn.Softshrink(0.3),
    nn.Threshold(0.1, 20),
    nn.RReLU(),
    nn.LocalResponseNorm(5),
    nn.ReflectionPad2d(3),
    nn.ReplicationPad1d((1, 2)),
    nn.ConstantPad2d(2, 3.5),
    nn.CircularPad2d(1),
    nn.Fold((4, 5), (2, 2)),
    nn.Unfold(3, padding=1),
    nn.ChannelShuffle(2),
    nn.MaxUnpool2d(2),
    nn.FractionalMaxPool2d(3, output_size=2),
    nn.CosineSimilarity(),
    nn.CrossEntropyLoss(),
]


@pytest.mark.parametrize("layer", STATED_WITHOUT_A_KIND, ids=repr)
def test_the_count_of_a_class_without_a_kind_is_told_where_its_print_states_all(layer):
    row = read_layer(layer)
    assert "kind" not in row.settings
    assert repr_parameters(row) == own_parameters(layer)


@pytest.mark.skipif("bias" not in inspect.signature(nn.BatchNorm2d).parameters, reason="an older PyTorch")
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_a_normalisation_without_bias_is_counted_right_and_never_built_wrong(affine, bias):
    for layer in (
        nn.BatchNorm2d(12, affine=affine, bias=bias),
        nn.GroupNorm(3, 12, affine=affine, bias=bias),
        nn.InstanceNorm1d(12, affine=affine, bias=bias),
    ):
        row = read_layer(layer)
        assert repr_parameters(row) == own_parameters(layer)
        assert ("kind" in row.settings) == (bias or not affine)


@pytest.mark.parametrize("layer", [nn.MultiheadAttention(8, 2), nn.LazyLinear(4), nn.LazyConv2d(4, 3)], ids=repr)
def test_what_a_print_does_not_state_is_not_counted(layer):
    row = read_layer(layer)
    assert "kind" not in row.settings
    assert repr_parameters(row) is None


class Block(nn.Module):
    """A block whose repr has settings of its own above its modules."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.shortcut = None
        self.norm = nn.BatchNorm2d(channels)

    def extra_repr(self):
        return "channels=4, rate=0.5\nscale=2"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
        self.blocks = nn.ModuleList([Block(4) for _ in range(6)])
        self.mixed = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)])
        self.heads = nn.ModuleDict({"a-b": nn.Linear(4, 2), "c d": nn.Sequential()})
        self.scales = nn.ParameterList([nn.Parameter(torch.zeros(3, 4)), nn.Parameter(torch.zeros(()))])
        self.named = nn.ParameterDict({"x": nn.Parameter(torch.zeros(5)), "y": torch.zeros(2)})


def module_rows(model):
    """Path, class and depth of every module, as PyTorch walks them; shared modules under every name."""

    def walk(module, path, depth):
        yield ".".join(path) or type(module).__name__, type(module).__name__, depth
        for key, child in module._modules.items():
            if child is not None:
                yield from walk(child, [*path, key], depth + 1)

    return list(walk(model, [], 0))


def test_every_copy_and_every_container_is_a_row_in_print_order():
    model = Net()
    summary = read_one(repr(model))
    found = [(row.name, row.type, row.depth) for row in summary.rows if row.type not in {"Parameter", "Tensor"}]
    assert found == module_rows(model)
    assert not summary.unread
    tensors = {row.name: repr_parameters(row) for row in summary.rows if row.type in {"Parameter", "Tensor"}}
    assert tensors == {"scales.0": 12, "scales.1": 1, "named.x": 5, "named.y": 2}
    blocks = [row for row in summary.rows if row.type == "Block"]
    assert len({row.line for row in blocks}) == 1, "six copies share the printed line"
    assert blocks[0].settings == {"channels": 4, "rate": 0.5, "scale": 2}


def test_a_copied_count_that_is_not_its_range_goes_to_a_person():
    text = "Net(\n  (layers): ModuleList(\n    (0-5): 5 x Linear(in_features=1, out_features=1, bias=True)\n  )\n)"
    assert [one.line for one in read_one(text).unread] == [3]


def test_copies_without_end_cost_nothing():
    text = "Net(\n" + "  (0-99999999): 100000000 x Block(\n" * 40 + "    (0): ReLU()\n" + "  )\n" * 40 + ")"
    assert len(read_one(text).rows) == 42


TORCH_0_3 = """\
Net (
  (conv1): Conv2d (1, 6, kernel_size=(5, 5), stride=(1, 1))
  (pool): MaxPool2d (size=(2, 2), stride=(2, 2), dilation=(1, 1))
  (drop): Dropout (p = 0.5)
  (act): ReLU (inplace)
  (norm): BatchNorm2d(6, eps=1e-05, momentum=0.1, affine=True)
  (up): Upsample(scale_factor=2, mode=nearest)
  (mean): AvgPool2d (size=7, stride=7, padding=0, ceil_mode=False, count_include_pad=True)
  (leak): LeakyReLU (0.2, inplace)
  (fc): Linear (784 -> 100)
)"""


def test_the_prints_of_torch_0_3_are_read():
    rows = {row.name: row for row in read_one(TORCH_0_3).rows}
    assert all("kind" in row.settings for name, row in rows.items() if name != "Net")
    assert {name: repr_parameters(row) for name, row in rows.items() if repr_parameters(row)} == {
        "conv1": 156,
        "norm": 12,
        "fc": 78_500,
    }
    assert make_layer(rows["pool"].settings, (1, 6, 24, 24)).output_shape((1, 6, 24, 24)) == (1, 6, 12, 12)
    assert make_layer(rows["up"].settings, (1, 6, 24, 24)).output_shape((1, 6, 24, 24)) == (1, 6, 48, 48)


def names(summary):
    return [(row.name, row.type, row.depth, dict(row.settings)) for row in summary.rows]


PLAIN = repr(nn.Sequential(nn.Sequential(nn.Conv2d(1, 6, 5), nn.MaxPool2d((2, 2))), nn.ReLU(), nn.Linear(10, 4)))


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(lambda text: " ".join(text.split()), id="on one line"),
        pytest.param(lambda text: "The model: " + " ".join(text.split()) + " was trained.", id="in a sentence"),
        pytest.param(lambda text: "| " + text.replace("\n", "<br/>") + " |", id="in a table's cell"),
        pytest.param(lambda text: "\n".join("    " + one for one in text.splitlines()), id="indented"),
        pytest.param(lambda text: "\n".join("> " + one for one in text.splitlines()), id="quoted"),
        pytest.param(lambda text: "\n".join(one.strip() for one in text.splitlines()), id="indentation lost"),
        pytest.param(lambda text: text.replace("\n", "\n\n"), id="blank lines between"),
        pytest.param(lambda text: f"```python\n>>> print(model)\n{text}\n```\nand so on", id="fenced"),
        pytest.param(lambda text: "Out[3]: " + text, id="behind a prompt"),
        pytest.param(lambda text: "<bound method Module.parameters of " + text + ">", id="a bound method"),
        pytest.param(lambda text: text.replace(", stride", ",\n        stride"), id="wrapped"),
        pytest.param(lambda text: text.replace("(0): Seq", "(0):\n  Seq"), id="wrapped behind a name"),
        pytest.param(lambda text: text.rsplit("\n", 1)[0], id="last bracket cut off"),
        pytest.param(lambda text: text.replace("    (1): Max", "```\n\n```\n(1): Max"), id="over a page break"),
        pytest.param(lambda text: text.replace("kernel_size", "kernel\\_size"), id="escaped underscores"),
        pytest.param(lambda text: text.replace("Conv2d", "Conv 2d"), id="a class broken by OCR"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="carriage returns"),
        pytest.param(lambda text: text.replace("  (1): ReLU", "INFO hello\n  (1): ReLU"), id="a log line between"),
    ],
)
def test_noise_around_a_print_changes_nothing(noise):
    summary = read_one(noise(PLAIN))
    assert names(summary) == names(read_one(PLAIN))
    assert not summary.unread


def test_a_print_without_its_first_line_keeps_its_paths():
    body = PLAIN.split("\n", 1)[1]
    assert names(read_one(body)) == names(read_one(PLAIN))[1:]
    assert read_one(body).notes


def test_a_layer_printed_by_itself_is_a_summary_of_one_row():
    text = "The last layer:\n\n" + repr(nn.Linear(4, 2)) + "\n\nwas trained."
    summary = read_one(text)
    assert [(row.name, row.depth, repr_parameters(row)) for row in summary.rows] == [("Linear", 0, 10)]
    assert (summary.first_line, summary.last_line) == (3, 3)


def test_two_prints_in_a_text_are_two_summaries():
    assert len(read(lines(PLAIN + "\n\nThe second one:\n\n" + PLAIN))) == 2
    assert len(read(lines(PLAIN + "\n" + PLAIN))) == 2


def test_the_cells_of_a_notebook_are_kept_apart():
    text = [Line(1, one, Source.OUTPUT, part) for part in (0, 1) for one in PLAIN.splitlines()]
    assert len(read(text)) == 2


@pytest.mark.parametrize("number", range(len(PLAIN.splitlines())))
def test_a_deleted_line_never_moves_the_layers_that_are_left(number):
    """With the indentation still there, every other module keeps its class, its settings and its own name."""
    left = PLAIN.splitlines()
    gone = left.pop(number)
    whole = [(row.line, row.type, row.name.rpartition(".")[2], dict(row.settings)) for row in read_one(PLAIN).rows]
    found = [
        (row.line + (row.line > number), row.type, row.name.rpartition(".")[2], dict(row.settings))
        for summary in read(lines("\n".join(left)))
        for row in summary.rows
    ]
    wanted = [one for one in whole if one[0] != number + 1]
    assert found == wanted, gone


@pytest.mark.parametrize(
    ("damaged", "line"),
    [
        ("(0): Linear(in_features=3, out_features=4, bias=True", 2),
        ("(0) Linear(in_features=3, out_features=4, bias=True)", 2),
        ("0): Linear(in_features=3, out_features=4, bias=True)", 2),
    ],
)
def test_a_damaged_line_goes_to_a_person(damaged, line):
    summary = read_one(f"Sequential(\n  {damaged}\n  (1): ReLU()\n  (2): ReLU()\n)")
    assert [one.line for one in summary.unread] == [line]


def test_what_cannot_be_read_is_never_dropped_in_silence():
    assert read_one("Net(\n  (0): ReLU()\n  (1) Linear(in_features=3\n  (2): ReLU()\n)").unread


@pytest.mark.parametrize(
    "code",
    [
        "self.net = nn.Sequential(\n    nn.Conv2d(3, 64, 3),\n    nn.ReLU(),\n)",
        "for i in range(10): print(\n    i)\nif (x): foo(\n 3)",
        "def forward(self, x): return (\n    self.a(x)\n)",
        "The shapes are (a): one, (b): two(three) and (c): four.",
        "def read(lines: Sequence[Line]) -> tuple(\n",
        "x = {(1): f(2), (3): g(4)}",
    ],
)
def test_source_code_and_prose_are_no_prints(code):
    assert read(lines(code)) == ()


PIECES = st.sampled_from(
    [
        *("(", ")", "Net(", "(0): ", "(0-3): 4 x ", "Linear(", "Conv2d(3, 4, ", "kernel_size=(3, 3)", "\n", "  ", ","),
        *(
            "ReLU()",
            "None",
            "Parameter containing: [torch.float32 of size 3x4]",
            "<br/>",
            "]",
            '"',
            "\\",
            "x",
            "(a b): ",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200))
def test_no_text_makes_the_reader_crash(text):
    for summary in read(lines(text)):
        for row in summary.rows:
            count = repr_parameters(row)
            assert count is None or count >= 0


def test_the_prints_of_students_are_read_whole(students_summaries):
    for path, truth in students_summaries("print"):
        summary = read_one(path.read_text())
        assert not summary.unread, path.name
        # The count that is known takes every printed line once, also those that say "6 x".
        once = {row.line: row for row in summary.rows}.values()
        assert sum(repr_parameters(row) or 0 for row in once) == truth["params_from_repr"], path.name


def test_a_cell_of_a_table_tells_its_modules_and_the_table_is_no_print():
    cell = "(conv1): Block(<br/>    (conv): Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1))<br/>  )"
    assert [row.name for row in modules_in_cell(cell, 1)] == ["conv1", "conv1.conv"]
    assert read(lines(f"| {cell} | (3, 32, 32) |\n" * 3)) == ()
