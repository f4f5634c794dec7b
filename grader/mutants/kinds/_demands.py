"""Which rules must notice that a layer was changed? Those whose settings demand something that no longer holds.

Worked out from the rule and the reference's layers alone, by means of its own: if the check's were used, what it
overlooks would count as not applicable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from grader.checks._live import IGNORED, LiveLayer
from grader.frozen import dataclass
from grader.model import Json, Rule
from grader.mutants.original import Built, ModelName, Original

TELLING = ("conv2d", "conv_transpose2d", "linear", "any_pool", "any_norm")  # kinds whose shape or count a table shows


@dataclass(frozen=True)
class Change:
    """What became of one layer: gone, followed by another one, or with other attributes."""

    layer: LiveLayer
    is_gone: bool = False
    is_doubled: bool = False
    kind: str = ""  # the new one
    attributes: Mapping[str, Json] | None = None  # the new ones, beside those that stay
    has_other_count: bool = False  # of parameters
    has_other_shape: bool = False  # of what it gives
    is_output: bool = False  # its shape is that of the network's output

    def after(self, layers: Sequence[LiveLayer]) -> list[LiveLayer]:
        """The layers with the change in them."""
        made: list[LiveLayer] = []
        for layer in layers:
            if layer is not self.layer:
                made.append(layer)
            elif not self.is_gone:
                attributes = {**layer.attributes, **(self.attributes or {})}
                kind = self.kind or layer.kind
                made.append(replace(layer, kind=kind, torch_kind=self.kind or layer.torch_kind, attributes=attributes))
                made.extend([layer] * self.is_doubled)
        return made


def noticed_by(original: Original, name: Built, change: Change) -> tuple[str, ...]:
    """The ids of the rules that must notice a change of this model."""
    layers = [layer for layer in original.layers.get(name, ()) if layer.is_leaf]
    after = change.after(layers)
    found = []
    for rule in original.rules_of(name, "architecture", "layer-table", "model-summary", "claim"):
        if rule.check == "architecture":
            broken = any(_broken(rule.settings, layers, after, change))
        elif rule.check == "claim":
            broken = change.has_other_count and rule.settings.get("recompute", {}).get("from") == "describe"
        elif rule.check == "layer-table":
            is_shape_asked = "output" in rule.settings.get("columns", ["output"])
            is_other = change.has_other_count or (change.has_other_shape and is_shape_asked)
            broken = rule.settings.get("from") == "model" and is_other
        else:  # a print is of the layers that hold weights, whatever else it shows
            broken = change.has_other_count
        if broken:
            found.append(rule.id)
    return tuple(found)


def _broken(
    settings: Mapping[str, Json], before: Sequence[LiveLayer], after: Sequence[LiveLayer], change: Change
) -> Iterator[bool]:
    """Of each demand of an `architecture` rule: whether it held, and no longer does."""
    is_telling = change.layer.is_one_of(TELLING)
    if "network" in settings:
        yield is_telling and (change.has_other_count or change.has_other_shape or bool(change.kind))
    for word in ("parameters", "trainable"):
        yield change.has_other_count and "exactly" in settings.get(word, {})
    yield change.is_output and "output" in settings
    # A layer that was added or dropped, or that holds others, has names or sizes that the weights have not.
    yield change.has_other_count and "checkpoint_fits" in settings
    for wanted in settings.get("contains", ()):
        yield _holds(_count(before, wanted), wanted) and not _holds(_count(after, wanted), wanted)
    if "dropout" in settings:
        wanted = {**settings["dropout"], "kind": "any_dropout"}
        share = wanted.pop("p", None)
        yield _holds(_count(before, wanted), wanted) and not _holds(_count(after, wanted), wanted)
        if share is not None:
            yield any(layer.is_a("any_dropout") and layer.attributes.get("p") != share for layer in after)
    for wanted in settings.get("after_each", ()):
        yield _all_follow(before, wanted) and not _all_follow(after, wanted)
    if "sequence" in settings:
        is_exact, ignoring = settings.get("exact", False), settings.get("ignoring", IGNORED)
        sequence = settings["sequence"]
        held = _in_order(before, sequence, ignoring, is_exact=is_exact)
        yield held and not _in_order(after, sequence, ignoring, is_exact=is_exact)
    for word in settings.get("forbidden", ()):
        yield any(layer.is_a(word) for layer in after) and not any(layer.is_a(word) for layer in before)


def _count(layers: Sequence[LiveLayer], wanted: Mapping[str, Json]) -> int:
    return sum(_is_such(layer, wanted["kind"], wanted.get("with", {})) for layer in layers)


def _is_such(layer: LiveLayer, kind: str, attributes: Mapping[str, Json]) -> bool:
    def same(own: Json, asked: Json) -> bool:
        sides = [list(one) if isinstance(one, (list, tuple)) else [one] for one in (own, asked)]
        longest = max(map(len, sides))
        one, two = (side * longest if len(side) == 1 else side for side in sides)
        return one == two

    names = {"kernel": "kernel_size"}
    return layer.is_a(kind) and all(
        same(layer.attributes.get(names.get(word, word)), value) for word, value in attributes.items()
    )


def _holds(count: int, bounds: Mapping[str, Json]) -> bool:
    least = bounds.get("at_least", 0 if {"at_most", "exactly"} & set(bounds) else 1)
    return bool(least <= count <= bounds.get("at_most", count) and count == bounds.get("exactly", count))


def _all_follow(layers: Sequence[LiveLayer], wanted: Mapping[str, Json]) -> bool:
    places = [index for index, layer in enumerate(layers) if layer.is_a(wanted["every"])]
    if wanted.get("except_last"):
        places = places[:-1]
    return all(index + 1 < len(layers) and layers[index + 1].is_a(wanted["follows"]) for index in places)


def _in_order(
    layers: Sequence[LiveLayer], sequence: Sequence[Mapping[str, Json]], ignoring: Sequence[str], *, is_exact: bool
) -> bool:
    def fits(layer: LiveLayer, entry: Mapping[str, Json]) -> bool:
        return _is_such(layer, entry["kind"], {word: value for word, value in entry.items() if word != "kind"})

    if is_exact:
        asked = [entry["kind"] for entry in sequence]
        seen = [layer for layer in layers if layer.is_one_of(asked) or not layer.is_one_of(ignoring)]
        return len(seen) == len(sequence) and all(map(fits, seen, sequence))
    left = iter(layers)
    return all(any(fits(layer, entry) for layer in left) for entry in sequence)


def rules_on_weights(original: Original, name: Built | ModelName) -> Iterator[Rule]:
    """The rules that need the weights of a model, and cannot come to a good end without them."""
    for rule in original.rules_of(name, "accuracy", "denoising"):
        yield rule
    for rule in original.rules_of(name, "claim"):
        if rule.settings.get("recompute", {}).get("from") == "predict":
            yield rule
