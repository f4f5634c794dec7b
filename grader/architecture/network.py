"""What does a whole network make of its input, layer by layer?

settings -> build -> Architecture: nodes with their shapes, counts and receptive fields
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.architecture.kinds import kind_of, make_layer
from grader.architecture.layer import Layer, Sizes, Window
from grader.architecture.shapes import Shape, ShapeError, check_shape, element_count, refusal
from grader.frozen import dataclass
from grader.model import Json


@dataclass(frozen=True)
class Node:
    """A layer at its place in a network.

    `shared_with` names the earlier layer that this one is, or the tensor it shares ("embedding.weight").
    """

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    shared_with: str = ""
    is_frozen: bool = False

    @property
    def kind(self) -> str:
        return self.layer.kind

    @property
    def parameters(self) -> int:
        """The layer's own parameters, shared or not: what a table row says."""
        return self.layer.parameter_count

    @property
    def new_parameters(self) -> int:
        """Parameters that no earlier node has."""
        if not self.shared_with:
            return self.parameters
        _, _, tensor = self.shared_with.partition(".")
        return self.parameters - element_count(self.layer.parameters()[tensor]) if tensor else 0

    @property
    def new_buffers(self) -> int:
        """Buffers that no earlier node has."""
        return 0 if self.shared_with and "." not in self.shared_with else self.layer.buffer_count

    @property
    def multiply_adds(self) -> int:
        """For one forward pass over the input, its batch included; a layer used twice works twice."""
        return self.layer.multiply_adds(self.input_shape)


@dataclass(frozen=True)
class ReceptiveField:
    """What one output pixel of a layer sees of the network's input, per spatial axis, in input pixels.

    `size` is how many pixels, `jump` how far apart the views of two neighbours are, `start` where the view
    of the first one begins (negative inside the padding).
    """

    size: Sizes
    jump: Sizes
    start: Sizes

    def through(self, window: Window) -> ReceptiveField:
        """The field of a layer on top, which sees this `window`."""
        axes = range(len(self.size))
        reach = [(k - 1) * d for k, d in zip(window.kernel, window.dilation, strict=True)]
        return ReceptiveField(
            size=tuple(self.size[axis] + reach[axis] * self.jump[axis] for axis in axes),
            jump=tuple(self.jump[axis] * window.stride[axis] for axis in axes),
            start=tuple(self.start[axis] - window.padding[axis] * self.jump[axis] for axis in axes),
        )


@dataclass(frozen=True)
class Architecture:
    """A network as an ordered sequence of layers, each with its shapes."""

    input_shape: Shape
    nodes: tuple[Node, ...]

    @property
    def output_shape(self) -> Shape:
        return self.nodes[-1].output_shape if self.nodes else self.input_shape

    @property
    def parameter_count(self) -> int:
        """All parameters, a shared tensor once."""
        return sum(node.new_parameters for node in self.nodes)

    @property
    def trainable_count(self) -> int:
        """Parameters that are trained: those of frozen layers do not count. Frozen is who has the tensor first."""
        return sum(node.new_parameters for node in self.nodes if not node.is_frozen)

    @property
    def buffer_count(self) -> int:
        """Numbers kept but not learned, a shared layer once."""
        return sum(node.new_buffers for node in self.nodes)

    @property
    def multiply_adds(self) -> int:
        """Multiplications with a weight for one forward pass over the input, its batch included."""
        return sum(node.multiply_adds for node in self.nodes)

    def receptive_field(self) -> tuple[ReceptiveField | None, ...]:
        """What one output pixel of each layer sees; None from the first layer on that has no fixed window.

        With kernel k, stride s, dilation d, padding p of layer l: r_l = r_(l-1) + (k - 1) d j_(l-1),
        j_l = j_(l-1) s, start_l = start_(l-1) - p j_(l-1), from r = j = 1 and start = 0.

        Shapes:  one entry per spatial axis
        Units:   pixels of the network's input
        Source:  the recurrences of Araujo, Norris and Sim, Computing Receptive Fields of Convolutional
                 Neural Networks (Distill, 2019)

        >>> net = build(
        ...     (1, 1, 28, 28),
        ...     [
        ...         {"kind": "conv2d", "out_channels": 6, "kernel": 5, "padding": 2},
        ...         {"kind": "avg_pool2d", "kernel": 2},
        ...         {"kind": "conv2d", "out_channels": 16, "kernel": 5},
        ...     ],
        ... )
        >>> net.receptive_field()[-1]
        ReceptiveField(size=(14, 14), jump=(2, 2), start=(-2, -2))
        """
        given = (node.layer.spatial_axes for node in self.nodes)
        axes = next((count for count in given if count), max(len(self.input_shape) - 2, 0))
        fields: list[ReceptiveField | None] = []
        field: ReceptiveField | None = ReceptiveField((1,) * axes, (1,) * axes, (0,) * axes)
        for node in self.nodes:
            window = node.layer.window(node.input_shape, axes)
            field = field.through(window) if field and window and len(window.kernel) == axes else None
            fields.append(field)
        return tuple(fields)


def build(input_shape: Shape, settings_list: Sequence[Mapping[str, Json]]) -> Architecture:
    """The network that the settings describe, each layer on the output of the one before.

    A layer is called by its `name`, else by its kind and number from 1 ("conv2d_1"). `shares` names an
    earlier layer that is used again; its settings need not be repeated.

    Raises:  ShapeError for the first layer that does not fit; it has `index` (from 0), `kind`, `input_shape`

    >>> net = build(
    ...     (16, 1, 28, 28),
    ...     [
    ...         {"kind": "conv2d", "out_channels": 16, "kernel": 5},
    ...         {"kind": "max_pool2d", "kernel": 2},
    ...     ],
    ... )
    >>> [(node.name, node.output_shape, node.parameters) for node in net.nodes]
    [('conv2d_1', (16, 16, 24, 24), 416), ('max_pool2d_2', (16, 16, 12, 12), 0)]
    """
    shape = check_shape(input_shape)
    nodes: list[Node] = []
    for index, settings in enumerate(settings_list):
        try:
            node = _node(index, settings, shape, nodes)
        except ShapeError as error:
            kind, called = _called(settings)
            where = f"layer {index + 1} ({kind or 'no kind'}{called}), input {shape}"
            raise error.at(where, index=index, kind=kind, input_shape=shape) from error
        nodes.append(node)
        shape = node.output_shape
    return Architecture(check_shape(input_shape), tuple(nodes))


def _called(settings: Json) -> tuple[str, str]:
    """Kind and name for a message, whatever was written."""
    if not isinstance(settings, Mapping):
        return "", ""
    name = settings.get("name")
    return str(settings.get("kind", ""))[:60], f" {name[:60]!r}" if isinstance(name, str) else ""


def _node(index: int, settings: Mapping[str, Json], shape: Shape, before: Sequence[Node]) -> Node:
    kind = kind_of(settings).word
    known = {node.name: node for node in before}
    name = settings.get("name", f"{kind}_{index + 1}")
    if not isinstance(name, str) or not name or "." in name:
        raise refusal(f"the name {name!r}", fix="use a word without a dot")
    if name in known:
        raise refusal(f"an earlier layer is called {name!r} too", fix="give each a name of its own, or write 'shares'")
    frozen = settings.get("frozen", False)
    if not isinstance(frozen, bool):
        raise refusal(f"frozen: {frozen!r}", fix="write true or false")
    shares = settings.get("shares", "")
    if not isinstance(shares, str):
        raise refusal(f"shares: {shares!r}", fix="write the name of an earlier layer")
    origin = _origin(shares, known)
    if origin is None or "." in shares:
        layer = make_layer(settings, shape)
    else:
        layer = _shared_layer(origin, settings, shape)
        frozen = frozen or origin.is_frozen
        shares = origin.shared_with if origin.shared_with and "." not in origin.shared_with else origin.name
    if origin is not None and "." in shares:
        _check_tensor(shares, origin, layer)
    return Node(name, layer, shape, layer.output_shape(shape), shares, frozen)


def _origin(shares: str, known: Mapping[str, Node]) -> Node | None:
    if not shares:
        return None
    name, _, _ = shares.partition(".")
    if name not in known:
        raise refusal(
            f"shares {shares!r}, but no earlier layer has that name",
            fix=f"use one of {', '.join(known)}" if known else "the first layer has nothing to share",
        )
    return known[name]


def _shared_layer(origin: Node, settings: Mapping[str, Json], shape: Shape) -> Layer:
    """The earlier layer itself. What is written beside `shares` must agree with it."""
    own = set(settings) - {"kind", "name", "shares", "frozen"}
    if kind_of(settings).word != origin.kind:
        raise refusal(
            f"shares {origin.name!r}, which is a {origin.kind}", fix=f"write kind: {origin.kind}, or do not share"
        )
    if own and make_layer(settings, shape) != origin.layer:
        raise refusal(f"shares {origin.name!r}, but its settings differ", fix="leave the settings out, or do not share")
    return origin.layer


def _check_tensor(shares: str, origin: Node, layer: Layer) -> None:
    _, _, tensor = shares.partition(".")
    theirs, ours = origin.layer.parameters().get(tensor), layer.parameters().get(tensor)
    if theirs is None or ours is None:
        missing = origin.name if theirs is None else "this layer"
        raise refusal(f"shares {shares!r}, but {missing} has no {tensor!r}", fix="share a tensor that both have")
    if theirs != ours:
        raise refusal(f"shares {shares!r}, which is {theirs}, not {ours}", fix="let both have the same shape")
