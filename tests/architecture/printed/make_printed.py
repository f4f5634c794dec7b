# ruff: noqa: T201
"""What do the printing tools really print? Every network of the zoo by every tool, the truth from PyTorch beside it.

    python tests/architecture/printed/make_printed.py FOLDER            everything: FOLDER/*.txt and FOLDER/truth.json
    python tests/architecture/printed/make_printed.py FOLDER --few      the part that is kept beside this file

Needs an environment of its own with torch, torchvision, torchsummary, torchinfo, torchsummaryX,
pytorch-model-summary, lightning and keras; GRADER_OLD_TOOLS names a folder with more versions, made by

    pip install --no-deps --target $GRADER_OLD_TOOLS/torch-summary torch-summary==1.4.5
    pip install --no-deps --target $GRADER_OLD_TOOLS/torchinfo-1.5.4 torchinfo==1.5.4   (and 1.7.2 likewise)
    pip download --no-deps keras==2.12.0            (unpacked into $GRADER_OLD_TOOLS/keras-2.12.0: only its
                                                     printing function is run)

A truth: `rows` are what the tool had in hand when it wrote each row ([class, output shapes, count], in the order of
the rows; a shape or count that it does not print is null), `total` the total that it prints, `true_total` the
number of PyTorch's parameters (a shared tensor once, buffers not), `defect` why the two differ.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import io
import json
import os
import random
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

from grader import torchvision_ops  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
import zoo  # noqa: E402

torchvision_ops.install()  # lightning imports torchvision

Row = list[Any]  # [class, output shapes or None, count or None]
Truth = dict[str, Any]
OLD = os.environ.get("GRADER_OLD_TOOLS", "")


def sizes(value: Any) -> list[list[int]]:
    """The shapes of all tensors of an output, in order."""
    if isinstance(value, torch.Tensor):
        return [list(value.shape)]
    if isinstance(value, dict):
        value = list(value.values())
    return [size for part in value for size in sizes(part)] if isinstance(value, (list, tuple)) else []


class Call:
    """One call of a module while the network ran once."""

    def __init__(self, path: str, module: nn.Module, order: int) -> None:
        self.path, self.module, self.order = path, module, order
        self.kind = type(module).__name__
        self.output: Any = None

    @property
    def is_leaf(self) -> bool:
        return not list(self.module.children())

    @property
    def own(self) -> int:
        return sum(one.numel() for one in self.module.parameters(recurse=False))


def record(model: nn.Module, inputs: list[torch.Tensor]) -> list[Call]:
    """Every call of every module, in the order in which they return, as PyTorch's hooks see them."""
    done: list[Call] = []
    open_: list[Call] = []
    hooks = []

    def before(path: str) -> Callable[..., None]:
        return lambda module, _: open_.append(Call(path, module, len(done)))

    def after(_module: nn.Module, _inputs: Any, output: Any) -> None:
        call = open_.pop()
        call.output = output
        done.append(call)

    for path, module in model.named_modules():
        hooks += [module.register_forward_pre_hook(before(path)), module.register_forward_hook(after)]
    with torch.no_grad():
        model(*inputs)
    for hook in hooks:
        hook.remove()
    return done


def counted(model: nn.Module) -> dict[str, int]:
    parameters = list(model.parameters())
    learned = sum(one.numel() for one in parameters if one.requires_grad)
    return {"true_total": sum(one.numel() for one in parameters), "true_trainable": learned}


def shown(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """What a call prints."""
    page = io.StringIO()
    with contextlib.redirect_stdout(page), contextlib.redirect_stderr(io.StringIO()):
        function(*arguments, **options)
    return page.getvalue()


def random_inputs(shapes: list[zoo.Shape], batch: int) -> list[torch.Tensor]:
    return [torch.rand(batch, *shape) for shape in shapes]


@contextlib.contextmanager
def another_version(folder: str, module: str) -> Iterator[Any]:
    """A tool of another version from its own folder, for as long as the block lasts."""
    mine = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == module}
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module(module)
    finally:
        sys.path.remove(folder)
        for name in [name for name in sys.modules if name.split(".")[0] == module]:
            del sys.modules[name]
        sys.modules.update(mine)


# torchsummary ---------------------------------------------------------------------------------------------------


def by_torchsummary(model: nn.Module, shapes: list[zoo.Shape], batch_size: int = -1) -> tuple[str, Truth]:
    import torchsummary

    text = shown(torchsummary.summary, model, shapes if len(shapes) > 1 else shapes[0], batch_size, device="cpu")
    rows: list[Row] = []
    for call in record(model, random_inputs(shapes, 2)):
        if call.module is model or isinstance(call.module, (nn.Sequential, nn.ModuleList)):
            continue
        tensors = [getattr(call.module, name, None) for name in ("weight", "bias")]  # its rule: these two, no others
        count = sum(one.numel() for one in tensors if isinstance(one, torch.Tensor))
        first = -1 if isinstance(call.output, (list, tuple)) else batch_size
        rows.append([call.kind, [[first, *size[1:]] for size in sizes(call.output)], count])
    return text, {"rows": rows, "total": sum(row[2] for row in rows), "input": [list(shape) for shape in shapes]}


# torchinfo and torch-summary ------------------------------------------------------------------------------------


def a_count(text: str) -> int | None:
    digits = text.strip("()").replace(",", "")
    return int(digits) if digits.isdigit() else None


def by_torchinfo(
    model: nn.Module,
    shapes: list[zoo.Shape],
    folder: str = "",
    module: str = "torchinfo",
    batch: int = 1,
    **options: Any,
) -> tuple[str, Truth]:
    opened = another_version(folder, module) if folder else contextlib.nullcontext(importlib.import_module(module))
    rows: list[Row] = []
    with opened as tool:
        formatting = sys.modules[f"{module}.formatting"].FormattingOptions
        statistics = sys.modules[f"{module}.model_statistics"].ModelStatistics
        owner = formatting if hasattr(formatting, "layer_info_to_row") else statistics
        write = owner.layer_info_to_row

        def note(self: Any, info: Any, reached_max_depth: bool = False, *more: Any, **named: Any) -> str:
            text = info.num_params_to_str(reached_max_depth)
            size = [list(info.output_size)] if info.output_size else None
            rows.append([info.class_name, size, a_count(text)])
            if "recursive" in text:
                rows[-1].append("recursive")
            return write(self, info, reached_max_depth, *more, **named)

        owner.layer_info_to_row = note
        try:
            if "no_input" in options:
                options.pop("no_input")
                result = tool.summary(model, verbose=0, **options)
            elif module == "torchsummary":
                result = tool.summary(
                    model, [tuple(shape) for shape in shapes], verbose=options.pop("verbose", 0), **options
                )
            else:
                batched = [(batch, *shape) for shape in shapes]
                verbose = options.pop("verbose", 0)
                if verbose == 2:
                    shown(tool.summary, model, input_size=batched, verbose=2, **options)
                    rows.clear()
                result = tool.summary(model, input_size=batched, verbose=0, **options)
                if verbose == 2:
                    result.formatting.verbose = 2
            text = str(result)
        finally:
            owner.layer_info_to_row = write
    columns = options.get("col_names", ("output_size", "num_params"))
    for row in rows:
        if "output_size" not in columns:
            row[1] = None
        if "num_params" not in columns:
            row[2] = None
    truth = {"rows": rows, "total": int(result.total_params), "trainable": int(result.trainable_params)}
    return text + "\n", truth | {"input": [[batch, *shape] for shape in shapes]}


# torchsummaryX --------------------------------------------------------------------------------------------------


def by_torchsummaryx(model: nn.Module, shapes: list[zoo.Shape], batch: int = 1) -> tuple[str, Truth]:
    import pandas as pd
    import torchsummaryX.torchsummaryX as printer  # noqa: N813

    class Table(pd.DataFrame):
        """Its sums over columns that hold lists: left out by the pandas of its time, an error in ours."""

        @property
        def _constructor(self) -> type:
            return Table

        def sum(self, *_: Any, **__: Any) -> Any:
            numbers = {name: pd.to_numeric(self[name], errors="coerce") for name in self.columns}
            return pd.Series({name: column.sum() for name, column in numbers.items()})

    class Pandas(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            return getattr(pd, name)

    printer.pd = Pandas("pandas")
    printer.pd.DataFrame = Table
    inputs = random_inputs(shapes, batch)
    text = shown(printer.summary, model.eval(), *inputs)
    rows: list[Row] = []
    seen: set[int] = set()
    total = 0
    for call in record(model, inputs):
        if not call.is_leaf:
            continue
        has_any = bool(list(call.module.parameters()))
        again = has_any and id(call.module) in seen
        seen.add(id(call.module))
        trained = sum(one.numel() for one in call.module.parameters() if one.requires_grad)
        rows.append([call.kind, sizes(call.output)[:1], None if again or not trained else trained])
        if again:
            rows[-1].append("recursive")
        total += (0 if again else trained) + sum(
            one.numel() for one in call.module.parameters() if not one.requires_grad
        )
    return text, {"rows": rows, "total": total, "input": [list(one.shape) for one in inputs]}


# pytorch-model-summary ------------------------------------------------------------------------------------------


def by_pytorch_model_summary(
    model: nn.Module, shapes: list[zoo.Shape], batch: int = 1, **options: Any
) -> tuple[str, Truth]:
    import pytorch_model_summary

    inputs = random_inputs(shapes, batch)
    text = pytorch_model_summary.summary(model, *inputs, **options) + "\n"
    depth = options.get("max_depth", 1) or 9999

    def level(path: str) -> int:
        """How deep a module is, where Sequential and ModuleList count for nothing."""
        parts = path.split(".")
        above = [model.get_submodule(".".join(parts[: index + 1])) for index in range(len(parts))]
        return sum(not isinstance(one, (nn.Sequential, nn.ModuleList)) for one in above)

    rows: list[Row] = []
    seen: set[int] = set()
    calls = record(model.eval(), inputs)
    if options.get("show_input"):
        calls = sorted(calls, key=lambda call: call.order)
    for call in calls:
        if isinstance(call.module, (nn.Sequential, nn.ModuleList)) or id(call.module) in seen:
            continue
        here = level(call.path) if call.path else 0
        has_rows = any(not isinstance(one, (nn.Sequential, nn.ModuleList)) for one in list(call.module.modules())[1:])
        if here == depth or (here < depth and not has_rows):
            seen.add(id(call.module))
            count = sum(one.numel() for one in call.module.parameters())
            rows.append([call.kind, None if options.get("show_input") else sizes(call.output), count])
    return text, {"rows": rows, "total": sum(row[2] for row in rows), "input": [list(one.shape) for one in inputs]}


# lightning ------------------------------------------------------------------------------------------------------


def by_lightning(
    model: nn.Module, shapes: list[zoo.Shape], depth: int = 1, example: bool = False, unwrapped: bool = False
) -> tuple[str, Truth]:
    import lightning
    from lightning.pytorch.utilities.model_summary import ModelSummary

    class Lit(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            if unwrapped:
                for name, child in model.named_children():
                    self.add_module(name, child)
            else:
                self.model = model
                self.loss = nn.CrossEntropyLoss()
            if example:
                self.example_input_array = tuple(random_inputs(shapes, 1))

        def forward(self, *inputs: torch.Tensor) -> Any:
            return self.model(*inputs)

    lit = Lit()
    result = ModelSummary(lit, max_depth=depth)
    rows = []
    sizes_out = result.out_sizes if example else [None] * len(result.layer_names)
    for kind, size, count in zip(result.layer_types, sizes_out, result.param_nums, strict=True):
        shapes_out = None
        if isinstance(size, list):
            shapes_out = size if size and isinstance(size[0], list) else [size]
        rows.append([kind, shapes_out, count])
    left = result.total_parameters - result.total_layer_params
    truth = {"rows": rows, "total": result.total_parameters, "rounded": True}
    if left > 0:
        truth["other"] = left
    return str(result) + "\n", truth | {"input": [[1, *shape] for shape in shapes] if example else []}


# print(model) ---------------------------------------------------------------------------------------------------


def by_print(model: nn.Module, _shapes: list[zoo.Shape]) -> tuple[str, Truth]:
    rows = [
        [type(module).__name__, None, sum(one.numel() for one in module.parameters(recurse=False))]
        for _, module in model.named_modules(remove_duplicate=False)
        if not list(module.children())
    ]
    stated = sum(row[2] for row in rows)
    return repr(model) + "\n", {"rows": rows, "total": None, "from_repr": stated, "input": []}


# keras ----------------------------------------------------------------------------------------------------------


def keras_networks() -> dict[str, Any]:
    import keras
    from keras import layers as k

    keras.backend.clear_session()  # names count from 1 again

    def sequential(*layers: Any) -> Any:
        return keras.Sequential(list(layers))

    def residual() -> Any:
        start = x = keras.Input((32, 32, 3))
        x = k.Conv2D(16, 3, padding="same", use_bias=False)(x)
        x = k.Activation("relu")(k.BatchNormalization()(x))
        for wide, stride in ((16, 1), (32, 2), (64, 2)):
            y = k.Activation("relu")(k.BatchNormalization()(k.Conv2D(wide, 3, stride, "same", use_bias=False)(x)))
            y = k.BatchNormalization()(k.Conv2D(wide, 3, padding="same", use_bias=False)(y))
            if stride > 1:
                x = k.Conv2D(wide, 1, stride)(x)
            x = k.Activation("relu")(k.Add()([x, y]))
        return keras.Model(start, k.Dense(10, "softmax")(k.GlobalAveragePooling2D()(x)))

    def two_inputs() -> Any:
        picture, numbers = keras.Input((28, 28, 1), name="picture"), keras.Input((7,), name="numbers")
        x = k.Flatten()(k.MaxPooling2D()(k.Conv2D(8, 3, activation="relu")(picture)))
        x = k.Concatenate()([x, k.Dense(16, "relu")(numbers)])
        return keras.Model([picture, numbers], [k.Dense(10, name="digit")(x), k.Dense(1, name="size")(x)])

    def shared() -> Any:
        left, right = keras.Input((64,)), keras.Input((64,))
        branch = sequential(keras.Input((64,)), k.Dense(32, "relu"), k.Dense(8))
        return keras.Model([left, right], k.Dense(1)(k.Subtract()([branch(left), branch(right)])))

    def unet() -> Any:
        start = keras.Input((64, 64, 3))
        a = k.Conv2D(8, 3, padding="same", activation="relu")(start)
        b = k.Conv2D(16, 3, padding="same", activation="relu")(k.MaxPooling2D()(a))
        up = k.Conv2DTranspose(8, 2, 2)(b)
        x = k.Conv2D(8, 3, padding="same")(k.Concatenate()([up, a]))
        return keras.Model(start, k.Conv2D(1, 1, activation="sigmoid")(x))

    def transfer() -> Any:
        base = sequential(keras.Input((48, 48, 3)), k.Conv2D(16, 3), k.BatchNormalization(), k.ReLU())
        base.trainable = False
        return sequential(keras.Input((48, 48, 3)), base, k.GlobalMaxPooling2D(), k.Dropout(0.4), k.Dense(5, "softmax"))

    return {
        "mnist": sequential(
            keras.Input((28, 28, 1)),
            k.Conv2D(32, 3, activation="relu"),
            k.MaxPooling2D(),
            k.Conv2D(64, 3),
            k.ReLU(),
            k.MaxPooling2D(),
            k.Flatten(),
            k.Dropout(0.5),
            k.Dense(10, "softmax"),
        ),
        "mlp": sequential(keras.Input((784,)), k.Dense(512, "relu"), k.Dropout(0.2), k.Dense(512), k.Dense(10)),
        "cifar_bn": sequential(
            keras.Input((32, 32, 3)),
            k.Conv2D(32, 3, padding="same"),
            k.BatchNormalization(),
            k.LeakyReLU(),
            k.Conv2D(32, 5, strides=2, padding="same"),
            k.BatchNormalization(),
            k.AveragePooling2D(2),
            k.SpatialDropout2D(0.1),
            k.SeparableConv2D(64, 3),
            k.DepthwiseConv2D(3),
            k.GlobalAveragePooling2D(),
            k.Dense(100),
            k.Activation("softmax"),
        ),
        "words": sequential(
            keras.Input((120,)),
            k.Embedding(8000, 64),
            k.Bidirectional(k.LSTM(32, return_sequences=True)),
            k.GRU(24),
            k.LayerNormalization(),
            k.Dense(1, "sigmoid"),
        ),
        "series": sequential(
            keras.Input((187, 1)),
            k.Conv1D(32, 5),
            k.MaxPooling1D(3),
            k.Conv1D(64, 5, padding="causal"),
            k.ZeroPadding1D(1),
            k.GlobalMaxPooling1D(),
            k.Dense(5),
        ),
        "recurrent": sequential(
            keras.Input((20, 8)), k.SimpleRNN(16, return_sequences=True), k.TimeDistributed(k.Dense(4))
        ),
        "reshaped": sequential(
            keras.Input((100,)),
            k.Dense(7 * 7 * 64, use_bias=False),
            k.BatchNormalization(),
            k.Reshape((7, 7, 64)),
            k.Conv2DTranspose(32, 5, strides=2, padding="same"),
            k.UpSampling2D(),
            k.Cropping2D(2),
            k.Conv2D(1, 3),
        ),
        "volumes": sequential(
            keras.Input((16, 32, 32, 1)),
            k.Conv3D(8, 3),
            k.MaxPooling3D((1, 2, 2)),
            k.Permute((4, 1, 2, 3)),
            k.Flatten(),
            k.RepeatVector(3),
            k.Dense(2),
        ),
        "residual": residual(),
        "two_inputs": two_inputs(),
        "shared": shared(),
        "unet": unet(),
        "transfer": transfer(),
    }


def keras_rows(layers: list[Any], expanded: bool) -> list[Row]:
    rows: list[Row] = []
    for layer in layers:
        nodes = layer._inbound_nodes
        outputs = nodes[-1].output_tensors if nodes else None
        shape = [list(one.shape) for one in outputs] if outputs else None
        rows.append([type(layer).__name__, shape, layer.count_params()])
        if expanded and getattr(layer, "layers", None):
            rows += keras_rows(layer.layers, expanded)
    return rows


def by_keras(model: Any, *, trained: bool = False, **options: Any) -> tuple[str, Truth]:
    import keras

    if trained:
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
    page = io.StringIO()
    width = options.pop("columns", 80)  # of the terminal: a table that is wider is cut at the margin
    os.environ["COLUMNS"] = str(width)
    model.summary(print_fn=lambda text, **_: page.write(text + "\n"), **options)
    layers = model.layers if isinstance(model, keras.Sequential) else model._operations
    truth: Truth = {"rows": keras_rows(layers, options.get("expand_nested", False))}
    truth["true_total"] = model.count_params()
    extra = sum(int(np.prod(one.shape)) for one in model.optimizer.variables) if trained else 0
    truth["total"] = truth["true_total"] + extra
    truth["optimizer"] = extra
    truth["input"] = [list(one.shape) for one in model.inputs]
    if options.get("line_length", 0) > width:
        truth["rows"] = [[kind, shapes, None] for kind, shapes, _ in truth["rows"]]
    return page.getvalue(), truth


def by_old_keras(model: Any, folder: str, **options: Any) -> tuple[str, Truth]:
    """Keras 2's own printing function, taken out of its file, on a network of Keras 3 that looks like its own."""
    import keras

    source = ast.parse((Path(folder) / "keras/utils/layer_utils.py").read_text())
    wanted = [
        node for node in source.body
        if isinstance(node, ast.FunctionDef) and node.name in {
            "print_summary", "count_params", "get_layer_index_bound_by_layer_name", "weight_memory_size",
            "readable_memory_size", "dtype_memory_size"}
    ]  # fmt: skip
    out = types.SimpleNamespace(print_msg=print)
    space: dict[str, Any] = {
        "io_utils": out,
        "re": importlib.import_module("re"),
        "np": np,
        "math": importlib.import_module("math"),
    }
    exec(compile(ast.Module(wanted, []), "keras-2", "exec"), space)  # noqa: S102 - a published package's own code
    space["count_params"] = lambda weights: int(sum(np.prod(one.shape) for one in weights))

    space["tf"] = types.SimpleNamespace(nest=types.SimpleNamespace(flatten=list))

    class Node:
        """A call of a layer as Keras 2 keeps it."""

        def __init__(self, node: Any) -> None:
            self.keras_inputs = list(node.input_tensors)

        def iterate_inbound(self) -> Iterator[tuple[Any, int, int, None]]:
            for tensor in self.keras_inputs:
                history = tensor._keras_history
                yield history.operation, history.node_index, history.tensor_index, None

    by_depth = getattr(model, "_functional", model)._nodes_by_depth
    nodes = {id(node): Node(node) for level in by_depth.values() for node in level}

    def seen(layer: Any) -> Any:
        """A layer as Keras 2 shows it: its class's name, its shape, its count."""
        outputs = layer._inbound_nodes[-1].output_tensors
        shapes = [tuple(one.shape) for one in outputs]
        said = {
            "name": layer.name, "trainable": layer.trainable, "built": True, "count_params": layer.count_params,
            "output_shape": shapes if len(shapes) > 1 or type(layer).__name__ == "InputLayer" else shapes[0],
            "_inbound_nodes": [nodes[id(node)] for node in layer._inbound_nodes if id(node) in nodes],
        }  # fmt: skip
        return type(type(layer).__name__, (), {})(), said, [list(shape) for shape in shapes]

    made, rows = [], []
    for layer in model.layers:
        one, said, shapes = seen(layer)
        for key, value in said.items():
            setattr(one, key, value)
        made.append(one)
        rows.append([type(one).__name__, shapes, layer.count_params()])
    net = type("Sequential" if isinstance(model, keras.Sequential) else "Functional", (), {})()
    net.name, net.layers, net._is_graph_network = model.name, made, True
    net.trainable_weights, net.non_trainable_weights = model.trainable_weights, model.non_trainable_weights
    net._nodes_by_depth = {depth: [nodes[id(node)] for node in level] for depth, level in by_depth.items()}
    page: list[str] = []
    space["print_summary"](net, print_fn=page.append, **options)
    truth: Truth = {"rows": rows, "total": model.count_params(), "true_total": model.count_params(), "optimizer": 0}
    return "\n".join(page) + "\n", truth | {"input": []}


# all of it ------------------------------------------------------------------------------------------------------

ALL_COLUMNS = ("input_size", "output_size", "num_params", "params_percent", "kernel_size", "mult_adds", "trainable")
OLD_COLUMNS = ("input_size", "output_size", "num_params", "kernel_size", "mult_adds")
VARIANTS: dict[str, list[tuple[str, Callable[..., tuple[str, Truth]], dict[str, Any]]]] = {
    "torchsummary": [("plain", by_torchsummary, {}), ("batch", by_torchsummary, {"batch_size": 64})],
    "torchinfo": [
        ("plain", by_torchinfo, {}),
        ("deep", by_torchinfo, {"depth": 9, "batch": 16}),
        ("shallow", by_torchinfo, {"depth": 1}),
        ("no_input", by_torchinfo, {"no_input": True, "col_names": ("num_params",)}),
        (
            "all_columns",
            by_torchinfo,
            {"col_names": ALL_COLUMNS, "depth": 5, "batch": 2, "row_settings": ("depth", "var_names")},
        ),
        ("var_names", by_torchinfo, {"row_settings": ("var_names",), "depth": 4}),
        ("ascii", by_torchinfo, {"row_settings": ("ascii_only", "depth"), "col_width": 20}),
        (
            "hidden",
            by_torchinfo,
            {
                "row_settings": ("hide_recursive_layers", "depth", "var_names"),
                "col_names": ("kernel_size", "output_size", "num_params", "mult_adds"),
            },
        ),
        (
            "verbose",
            by_torchinfo,
            {"verbose": 2, "col_names": ("kernel_size", "output_size", "num_params"), "depth": 2},
        ),
    ],
    "torchsummaryX": [("plain", by_torchsummaryx, {}), ("batch", by_torchsummaryx, {"batch": 4})],
    "pytorch_model_summary": [
        ("plain", by_pytorch_model_summary, {}),
        ("deep", by_pytorch_model_summary, {"max_depth": None, "show_parent_layers": True, "batch": 8}),
        ("inputs", by_pytorch_model_summary, {"show_input": True, "max_depth": 2}),
        ("hierarchical", by_pytorch_model_summary, {"show_hierarchical": True, "batch_size": 1, "max_depth": 2}),
    ],
    "lightning": [
        ("plain", by_lightning, {}),
        ("children", by_lightning, {"unwrapped": True}),
        ("deep", by_lightning, {"depth": -1, "example": True}),
        ("second", by_lightning, {"depth": 2}),
    ],
    "print": [("plain", by_print, {})],
}
if OLD:
    VARIANTS["torchinfo"] += [
        ("v1.5.4", by_torchinfo, {"folder": f"{OLD}/torchinfo-1.5.4"}),
        ("v1.5.4_all", by_torchinfo, {"folder": f"{OLD}/torchinfo-1.5.4", "col_names": OLD_COLUMNS, "depth": 5}),
        (
            "v1.7.2_all",
            by_torchinfo,
            {"folder": f"{OLD}/torchinfo-1.7.2", "col_names": (*OLD_COLUMNS, "trainable"), "depth": 5},
        ),
        ("torch_summary", by_torchinfo, {"folder": f"{OLD}/torch-summary", "module": "torchsummary"}),
        (
            "torch_summary_all",
            by_torchinfo,
            {"folder": f"{OLD}/torch-summary", "module": "torchsummary", "col_names": OLD_COLUMNS, "depth": 5},
        ),
        (
            "torch_summary_flat",
            by_torchinfo,
            {"folder": f"{OLD}/torch-summary", "module": "torchsummary", "branching": False, "depth": 5},
        ),
        (
            "torch_summary_no_input",
            by_torchinfo,
            {"folder": f"{OLD}/torch-summary", "module": "torchsummary", "no_input": True},
        ),
    ]
KERAS_VARIANTS: list[tuple[str, Callable[..., tuple[str, Truth]], dict[str, Any]]] = [
    ("plain", by_keras, {}),
    ("wide", by_keras, {"line_length": 120, "columns": 160}),
    ("cut", by_keras, {"line_length": 120}),
    ("narrow", by_keras, {"line_length": 66}),
    ("nested", by_keras, {"expand_nested": True, "show_trainable": True}),
    ("trained", by_keras, {"trained": True}),
]
if OLD:
    KERAS_VARIANTS += [
        ("v2", by_old_keras, {"folder": f"{OLD}/keras-2.12.0"}),
        ("v2_trainable", by_old_keras, {"folder": f"{OLD}/keras-2.12.0", "show_trainable": True, "line_length": 90}),
    ]

FEW_TORCHVISION = {"alexnet": ("plain",), "resnet18": ("hidden",)}
FEW_SEED = 11
FEW_ALSO = {  # prints that were once misread or called wrong
    "keras.residual.v2.txt",
    "keras.two_inputs.v2.txt",
    "keras.shared.v2.txt",
    "keras.two_inputs.cut.txt",
    "lightning.pytorch_example.deep.txt",
    "pytorch_model_summary.small_densenet.deep.txt",
    "torchsummary.dcgan_generator.batch.txt",
    "torchinfo.two_inputs.shallow.txt",
}
FEW_SHARE = {  # of each tool's prints of the small networks: the most used ones most
    "torchsummary": 0.35,
    "torchinfo": 0.06,
    "torchsummaryX": 0.08,
    "pytorch_model_summary": 0.07,
    "lightning": 0.08,
    "print": 0.25,
    "keras": 0.25,
}


def prepared(name: str) -> tuple[nn.Module, list[zoo.Shape]]:
    torch.manual_seed(0)
    make, shapes = zoo.NETWORKS[name] if name in zoo.NETWORKS else zoo.from_torchvision(name)
    model = make()
    with torch.no_grad():
        model(*random_inputs(shapes, 2))  # lazy layers take their size
    return model, shapes


def why_defect(truth: Truth) -> str:
    total, true = truth.get("total"), truth.get("true_total")
    if total is None or total == true + truth.get("optimizer", 0):
        return ""
    return f"the tool prints {total:,} where PyTorch has {true:,} parameters"


def everything(few: bool, only: str | None) -> Iterator[tuple[str, str, Truth]]:
    dice = random.Random(FEW_SEED)  # noqa: S311 - a choice that can be made again
    for name in (*zoo.NETWORKS, *zoo.TORCHVISION):
        is_large = name in zoo.TORCHVISION
        for tool, variants in VARIANTS.items():
            for variant, run, options in variants:
                drawn = dice.random() < FEW_SHARE[tool]
                if only and tool != only:
                    continue
                file = f"{tool}.{name}.{variant}.txt"
                if few and not (variant in FEW_TORCHVISION.get(name, ()) if is_large else drawn or file in FEW_ALSO):
                    continue
                model, shapes = prepared(name)
                try:
                    text, truth = run(model, shapes, **options)
                except Exception as error:  # noqa: BLE001 - a tool that breaks prints nothing: no student has that print
                    print(f"  no print: {file}: {type(error).__name__}: {str(error)[:90]}", file=sys.stderr)
                    continue
                said = {
                    "file": file,
                    "kind": "torchinfo" if tool == "torchinfo" else tool,
                    "network": name,
                    "variant": variant,
                }
                yield file, text, said | counted(model) | truth
    for variant, run, options in KERAS_VARIANTS if only in (None, "keras") else []:
        for name, model in keras_networks().items():
            drawn = dice.random() < FEW_SHARE["keras"]
            file = f"keras.{name}.{variant}.txt"
            if few and not (drawn or file in FEW_ALSO):
                continue
            try:
                text, truth = run(model, **options)
            except Exception as error:  # noqa: BLE001
                print(f"  no print: {file}: {type(error).__name__}: {str(error)[:90]}", file=sys.stderr)
                continue
            yield file, text, {"file": file, "kind": "keras", "network": name, "variant": variant} | truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--few", action="store_true", help="the part that is kept beside this file")
    parser.add_argument("--only", choices=[*VARIANTS, "keras"], help="the prints of one tool")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    truths = []
    for file, text, truth in everything(chosen.few, chosen.only):
        (chosen.folder / file).write_text(text, encoding="utf-8")
        truth["defect"] = why_defect(truth)
        truths.append(truth)
    packages = (
        "torch",
        "torchvision",
        "torchsummary",
        "torchinfo",
        "torchsummaryX",
        "pytorch-model-summary",
        "lightning",
        "keras",
    )
    head = {
        "versions": {package: version(package) for package in packages},
        "also": ["torch-summary 1.4.5", "torchinfo 1.5.4", "torchinfo 1.7.2", "keras 2.12.0"],
    }
    lines = ",\n".join(json.dumps(truth, separators=(",", ":")) for truth in truths)
    (chosen.folder / "truth.json").write_text(f'{{"made_by": {json.dumps(head)},\n"prints": [\n{lines}\n]}}\n')
    print(f"{len(truths)} prints in {chosen.folder}")


if __name__ == "__main__":
    main()
