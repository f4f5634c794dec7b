"""A network that is built otherwise than asked: one layer of it is changed, whatever its code looks like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from grader.checks._live import LiveLayer
from grader.model import Json, Rule
from grader.mutants import surgery
from grader.mutants.kind import Kind, Spot, first_each, register, replaced
from grader.mutants.kinds._demands import Change, noticed_by, rules_on_weights
from grader.mutants.original import Built, Original


def operated(original: Original, name: Built, folder: Path, *, layer: str, change: str, value: Json = None) -> None:
    """Put the operation under the code of a model, around the function that builds it."""
    code, factory = name
    path = folder / code
    source = Path(surgery.__file__).read_text(encoding="utf-8").partition('"""\n\n')[2]
    shape = tuple(original.built[name]["input"])
    written = f"""

{source}

_as_asked_{factory} = {factory}


def {factory}(*given, **named):
    return _mutated(_as_asked_{factory}(*given, **named), {layer!r}, {change!r}, {value!r}, {shape!r})
"""
    replaced(path, path.read_text(encoding="utf-8") + written)


class LayerKind(Kind):
    """A change of one layer. `asked` are the kinds of layers that it can be made to."""

    asked: ClassVar[tuple[str, ...]]
    change: ClassVar[str] = "set"
    nothing: ClassVar[str] = "no rule demands anything of a model that this would change"

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each model: its first layer whose change a rule must notice."""
        return first_each(self._all(original))

    def _all(self, original: Original) -> Iterator[tuple[Built, Spot]]:
        for name, layers in original.layers.items():
            modules = [layer for layer in layers if layer.is_leaf and layer.name and not layer.is_functional]
            for layer in self.chosen([one for one in modules if one.is_one_of(self.asked)]):
                made = self.made(layer)
                if made is None:
                    continue
                change, value = made
                data = {"model": list(name), "layer": layer.name, "value": value}
                yield name, Spot(f"{layer}: {self.slip}", noticed_by(original, name, change), data)

    def chosen(self, layers: list[LiveLayer]) -> list[LiveLayer]:
        """The layers in the order in which they are tried."""
        return layers

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """What the change comes to, and the new settings; None where the layer cannot have it."""
        raise NotImplementedError

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Operate on the network once it is built."""
        code, factory = spot.data["model"]
        operated(
            original,
            (code, factory),
            folder,
            layer=spot.data["layer"],
            change=self.change,
            value=spot.data["value"],
        )


def _number(value: Json) -> int:
    """Of a setting that may be one for each axis."""
    return int(value[0] if isinstance(value, (list, tuple)) else value)


@register
class LayerDropped(LayerKind):
    name, slip = "layer-dropped", "the layer is left out, and those behind it take what comes"
    asked, change = ("conv2d", "linear", "conv_transpose2d"), "drop"

    def chosen(self, layers: list[LiveLayer]) -> list[LiveLayer]:
        """Not the last one first: without it the network has other outputs, and any demand on them would do."""
        return [*layers[:-1][::-1], *layers[-1:]]

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """Its numbers and its shape are gone."""
        return Change(layer, is_gone=True, has_other_count=True, has_other_shape=True), None


@register
class LayerAdded(LayerKind):
    name, slip = "layer-added", "the layer is there twice"
    asked, change = ("conv2d", "linear"), "add"

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """More numbers, the same shape."""
        return Change(layer, is_doubled=True, has_other_count=True), None


@register
class Stride(LayerKind):
    name, slip = "stride", "the stride is one more"
    asked = ("conv2d", "conv_transpose2d")

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """A smaller picture (a larger one behind a transposed convolution)."""
        stride = _number(layer.attributes.get("stride", 1)) + 1
        sides = (layer.output_shape or (0,))[-2:]
        is_seen = min(sides) > 1
        return (
            (Change(layer, attributes={"stride": stride}, has_other_shape=True), {"stride": stride})
            if is_seen
            else None
        )


@register
class Padding(LayerKind):
    name, slip = "padding", "the padding is one more"
    asked = ("conv2d",)

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """A larger picture: two pixels more at stride 1; at a larger stride they may be lost."""
        padding = layer.attributes.get("padding", 0)
        if isinstance(padding, str) or _number(layer.attributes.get("stride", 1)) > 1:
            return None
        changed = {"padding": _number(padding) + 1}
        return Change(layer, attributes=changed, has_other_shape=True), changed


@register
class KernelSize(LayerKind):
    name, slip = "kernel", "the kernel is two pixels larger"
    asked = ("conv2d",)

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """More numbers."""
        changed = {"kernel_size": _number(layer.attributes.get("kernel_size", 1)) + 2}
        return Change(layer, attributes=changed, has_other_count=True, has_other_shape=True), changed


@register
class Channels(LayerKind):
    name, slip = "channels", "the layer has one channel (or feature) less"
    asked = ("conv2d", "linear")

    def chosen(self, layers: list[LiveLayer]) -> list[LiveLayer]:
        """The last layer's channels are the classes: see head-size."""
        return layers[:-1]

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """Fewer numbers, here and behind."""
        word = "out_features" if layer.is_a("linear") else "out_channels"
        count = _number(layer.attributes.get(word, 1)) - 1
        if count < 1 or _number(layer.attributes.get("groups", 1)) > 1:
            return None
        changed = {word: count}
        return Change(layer, attributes=changed, has_other_count=True, has_other_shape=True), changed


@register
class BiasOff(LayerKind):
    name, slip = "bias-off", "a layer has no bias"
    asked = ("conv2d", "linear", "conv_transpose2d")

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """As many numbers less as there are channels."""
        if layer.attributes.get("bias") is False:
            return None
        return Change(layer, attributes={"bias": False}, has_other_count=True), {"bias": False}


@register
class BatchNormMissing(LayerKind):
    name, slip = "batch-norm-missing", "a batch normalisation is left out"
    asked, change = ("any_norm",), "drop"

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """Two numbers a channel less, the same shape."""
        return Change(layer, is_gone=True, has_other_count=layer.parameters > 0), None


@register
class DropoutMissing(LayerKind):
    name, slip = "dropout-missing", "a dropout is left out"
    asked, change = ("any_dropout",), "drop"
    nothing = "no rule demands dropout"

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """Nothing but itself."""
        return Change(layer, is_gone=True), None


@register
class DropoutShare(LayerKind):
    name, slip = "dropout-share", "a dropout drops another share"
    asked = ("any_dropout",)
    nothing = "no rule demands what share a dropout drops"

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """Half of what it was."""
        changed = {"p": round(float(layer.attributes.get("p", 0.5)) / 2, 4)}
        return Change(layer, attributes=changed), changed


@register
class PoolingKind(LayerKind):
    name, slip = "pooling-kind", "maximum and average pooling are swapped"
    asked, change = ("any_pool",), "swap"
    nothing = "no rule demands a kind of pooling"

    _OTHER: ClassVar[Mapping[str, str]] = {
        "MaxPool2d": "AvgPool2d",
        "AvgPool2d": "MaxPool2d",
        "AdaptiveAvgPool2d": "AdaptiveMaxPool2d",
        "AdaptiveMaxPool2d": "AdaptiveAvgPool2d",
    }

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """The same shape."""
        other = self._OTHER.get(layer.kind)
        return (Change(layer, kind=other), None) if other else None


@register
class PoolingMissing(LayerKind):
    name, slip = "pooling-missing", "a pooling is left out"
    asked, change = ("any_pool",), "drop"

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """A larger picture from here on."""
        if layer.input_shape is not None and layer.input_shape == layer.output_shape:
            return None
        return Change(layer, is_gone=True, has_other_shape=True), None


@register
class ActivationMissing(LayerKind):
    name, slip = "activation-missing", "an activation is left out"
    asked, change = ("any_activation",), "drop"
    nothing = "no rule demands an activation"

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """Nothing but itself."""
        return Change(layer, is_gone=True), None


@register
class HeadSize(LayerKind):
    name, slip = "head-size", "the last layer has one output too many"
    asked = ("linear", "conv2d")

    def chosen(self, layers: list[LiveLayer]) -> list[LiveLayer]:
        """The last one."""
        return layers[-1:]

    def made(self, layer: LiveLayer) -> tuple[Change, Json] | None:
        """More numbers, and another output."""
        word = "out_features" if layer.is_a("linear") else "out_channels"
        changed = {word: _number(layer.attributes.get(word, 1)) + 1}
        return Change(layer, attributes=changed, has_other_count=True, has_other_shape=True, is_output=True), changed


class WholeKind(Kind):
    """A change of what a whole network gives."""

    change: ClassVar[str]
    checks: ClassVar[tuple[str, ...]]

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each model that such a rule judges by what it gives."""
        for name in original.built:
            must = tuple(rule.id for rule in self.judging(original, name))
            if must:
                yield Spot(f"{name[1]} in {name[0]}: {self.slip}", must, {"model": list(name)})

    def judging(self, original: Original, name: Built) -> Iterator[Rule]:
        """The rules that must notice: those on what the network gives with its weights."""
        return (rule for rule in rules_on_weights(original, name) if rule.check in self.checks)

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Change it once it is built."""
        code, factory = spot.data["model"]
        operated(original, (code, factory), folder, layer="", change=self.change)


@register
class OneAnswer(WholeKind):
    name, slip = "one-answer", "the network gives zeros, whatever it is shown"
    change, checks, nothing = "constant", ("accuracy", "claim", "denoising"), "no rule looks at what a network gives"


@register
class GivesItsInput(WholeKind):
    name, slip = "gives-its-input", "the denoiser returns the noisy picture as it is"
    change, checks, nothing = "identity", ("denoising",), "no rule judges a denoiser"


@register
class LearnsNothing(WholeKind):
    name, slip = "learns-nothing", "every layer is frozen, so that no training changes anything"
    change, nothing = "freeze", "no rule trains the network"

    def judging(self, original: Original, name: Built) -> Iterator[Rule]:
        """Those that train it from the code."""
        yield from original.rules_of(name, "retrain")
        for rule in original.rules_of(name, "architecture"):
            bounds = rule.settings.get("trainable", {})
            if bounds.get("at_least", bounds.get("exactly", 0)) > 0:
                yield rule
