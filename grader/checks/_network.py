"""What does each layer of a network make of any input, also of one that only the student has?

A rubric's network, or the student's own traced model, as `Step`s: each knows what is right, and what would follow
from another input. Shapes here are those of one sample, without the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property

from grader.architecture import KINDS, TORCH_NAMES, Architecture, Layer, ShapeError, build, make_layer
from grader.checks._live import FUNCTIONAL, IGNORED, LiveLayer, is_kind, leaves, live_layers
from grader.frozen import dataclass
from grader.model import Json, Place, Problem

Sample = tuple[int, ...]

# Settings that say what comes in: for another input they are what comes in there.
INCOMING = frozenset({"in_channels", "in_features", "num_features", "num_channels", "input_size"})
_NO_SETTING = frozenset({"name", "shares", "frozen"})
STAND_IN_BATCH = 2  # a batch of one has no variance without running statistics


@dataclass(frozen=True)
class Made:
    """What a layer makes of an input: the shape of one sample, and the layer's parameters."""

    output: Sample
    parameters: int


@dataclass(frozen=True)
class Step:
    """A layer at its place. `settings` is None where the arithmetic of its kind is not known."""

    number: int  # from 1, among the steps
    name: str
    kind: str
    settings: Mapping[str, Json] | None
    input: Sample
    right: Made
    is_asked: bool = True
    is_frozen: bool = False
    _known: dict[tuple[Sample, str], Made | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def made_of(self, sample: Sample, change: Mapping[str, Json] | None = None) -> Made | None:
        """What the layer, with `change`d settings if any, makes of `sample`; None where it does not fit."""
        if sample == self.input and not change:
            return self.right
        key = sample, repr(change)
        if key not in self._known:
            self._known[key] = self.computed(sample, change or {})
        return self._known[key]

    def computed(self, sample: Sample, change: Mapping[str, Json]) -> Made | None:
        """What the settings come to, whatever is known to be right."""
        layer = self.layer(sample, change)
        if layer is None:
            return None
        try:
            output = layer.output_shape((STAND_IN_BATCH, *sample))
        except ShapeError:
            return None
        return Made(output[1:], layer.parameter_count) if output[:1] == (STAND_IN_BATCH,) else None

    def layer(self, sample: Sample, change: Mapping[str, Json] | None = None) -> Layer | None:
        """The layer itself, made for `sample`."""
        if self.settings is None:
            return None
        settings = {k: v for k, v in {**self.settings, **(change or {})}.items() if k not in INCOMING}
        try:
            return make_layer(settings, (STAND_IN_BATCH, *sample))
        except ShapeError:
            return None

    @cached_property
    def own(self) -> Layer | None:
        """The layer as the network has it."""
        return self.layer(self.input)


@dataclass(frozen=True)
class Network:
    """The steps, the batch size where one is stated, and the parameters that are trained."""

    steps: tuple[Step, ...]
    batch: int | None
    trainable: int

    @property
    def asked(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.is_asked)


def batched_input(network: Mapping[str, Json]) -> tuple[tuple[int, ...], bool]:
    """The input shape of a rubric's network with a batch in front, and whether the rubric stated it.

    Told from the first layer that tells it: a conv2d takes three axes and the batch, a linear layer a row of
    numbers and the batch. A flatten is taken to start from an image or a row.

    >>> batched_input({"input": [1, 28, 28], "layers": [{"kind": "conv2d"}]})
    ((2, 1, 28, 28), False)
    >>> batched_input({"input": [16, 784], "layers": [{"kind": "relu"}, {"kind": "linear"}]})
    ((16, 784), True)
    """
    shape = tuple(network["input"])
    ranks = _ranks(_telling_kind(network)) or (2, 4)
    is_stated = len(shape) in ranks
    return (shape if is_stated else (STAND_IN_BATCH, *shape)), is_stated


def _telling_kind(network: Mapping[str, Json]) -> str:
    """The kind of the first layer that tells how many axes the input has; empty where none does."""
    kinds = (str(layer.get("kind", "")) for layer in network["layers"])
    return next((kind for kind in kinds if _ranks(kind)), "")


def _ranks(kind: str) -> tuple[int, ...]:
    """With how many axes, the batch included, an input of this kind is written; () where the kind does not tell."""
    if kind in ("lstm", "gru", "rnn"):
        return (3,)
    if kind in ("linear", "embedding"):
        return (2, 3)
    if kind in ("flatten", "unflatten"):
        return (2, 4)
    is_spatial = kind[-1:] == "d" and kind[-2:-1] in ("1", "2", "3") and kind != "batch_norm1d"
    return (int(kind[-2]) + 2,) if is_spatial else ()


def built(network: Mapping[str, Json]) -> tuple[Architecture, int | None]:
    """The rubric's network with a batch in front, and the batch size where the rubric states it.

    Raises:  ShapeError for a layer that does not fit
    """
    shape, is_stated = batched_input(network)
    return build(shape, network["layers"]), (shape[0] if is_stated else None)


def network_problems(network: Mapping[str, Json], place: Place) -> Iterator[Problem]:
    """What keeps the rubric's `network`, which stands at `place`, from being computed, and what is hardly meant."""
    shape, kind = tuple(network["input"]), _telling_kind(network)
    ranks = _ranks(kind)
    if len(ranks) == 1 and len(shape) not in (ranks[0] - 1, ranks[0]):
        axes = "axis" if len(shape) == 1 else "axes"
        wanted = f"{ranks[0] - 1}, or {ranks[0]} with the batch"
        what = f"the input {shape} has {len(shape)} {axes}, and {kind} takes {wanted}"
        yield Problem("layer", str(place.child("input")), what, "write the channels too, and the batch first if any")
        return
    try:
        nodes = built(network)[0].nodes
    except ShapeError as error:
        at = place if error.index is None else place.child("layers", error.index)
        yield Problem("layer", str(at), f"{error.problem.where}: {error.problem.what}", error.problem.fix)
        return
    for index, node in enumerate(nodes):
        if node.kind == "linear" and len(node.input_shape) > 3:
            sample = node.input_shape[1:]
            what = f"layer {index + 1} ({node.name!r}) is linear and works on the last axis alone of its input {sample}"
            fix = "put {kind: flatten} before it"
            yield Problem("warning-layer", str(place.child("layers", index)), what, fix)
            return  # what comes after follows from it


def from_rubric(network: Mapping[str, Json], rows: Json) -> Network:
    """The steps of a rubric's network, of which `rows` are asked.

    Raises:  ShapeError for a layer that does not fit
    """
    architecture, batch = built(network)
    by_name: dict[str, Mapping[str, Json]] = {}
    steps = []
    for number, (node, written) in enumerate(zip(architecture.nodes, network["layers"], strict=True), 1):
        shared = str(written.get("shares", ""))
        plain = by_name.get(shared, written)
        settings = {k: v for k, v in plain.items() if k not in _NO_SETTING}
        by_name[node.name] = settings
        right = Made(node.output_shape[1:], node.parameters)
        steps.append(
            Step(
                number,
                node.name,
                node.kind,
                settings,
                node.input_shape[1:],
                right,
                is_asked(rows, number - 1, node.name, node.kind),
                node.is_frozen,
            )
        )
    return Network(tuple(steps), batch, architecture.trainable_count)


def is_asked(rows: Json, index: int, name: str, kind: str) -> bool:
    """Whether the layer is a row of the table: all, those that are named or counted from 0, or those that do work.

    >>> (
    ...     is_asked("all", 1, "relu_2", "relu"),
    ...     is_asked(None, 1, "relu_2", "relu"),
    ...     is_asked([0, "relu_2"], 1, "relu_2", ""),
    ... )
    (True, False, True)
    """
    if rows == "all":
        return True
    if rows is None:
        return not any(is_kind(kind, word) for word in (*IGNORED, "unflatten"))
    return index in rows or name in rows


def from_model(result: Mapping[str, Json], rows: Json) -> Network:
    """The steps of the student's own model, from its description."""
    steps: list[Step] = []
    for layer in leaves(live_layers(result), with_plumbing=True):
        source, target = layer.input_shape, layer.output_shape
        if not source or not target:
            continue
        number = len(steps) + 1
        asked = not layer.is_plumbing and is_asked(rows, number - 1, layer.name, layer.kind)
        right = Made(target[1:], layer.parameters)
        step = Step(number, layer.name, layer.kind, _settings(layer), source[1:], right, asked)
        # Settings that do not come to what was traced are not the whole story.
        is_told = step.computed(step.input, {}) == right
        steps.append(step if is_told else replace(step, settings=None))
    return Network(tuple(steps), None, int(result["trainable"]))


def _settings(layer: LiveLayer) -> Mapping[str, Json] | None:
    """What a rubric would write for a traced layer; None for a kind without known arithmetic."""
    word = layer.kind.removeprefix(FUNCTIONAL).rstrip("_")
    word = "flatten" if layer.is_functional and layer.is_a("flatten") else TORCH_NAMES.get(layer.kind, word)
    if word not in KINDS:
        return None
    made: dict[str, Json] = {"kind": word}
    for setting in KINDS[word].settings:
        for name in (setting.torch_name, setting.name):
            if name and layer.attributes.get(name) is not None:
                made[setting.name] = layer.attributes[name]
                break
    return made
