"""What may be demanded of a live model's structure? One function per demand; each comes to one finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.checks._beyond import held_by, over_budget
from grader.checks._live import IGNORED, LiveLayer, differences, distinct, is_kind, is_same, leaves, shown_value
from grader.checks._network import built
from grader.checks._settings import counted
from grader.checks.base import failed, missing, passed, review, shown
from grader.model import Evidence, Finding, Json, Outcome, Place

TOLD = 3  # layers or keys named in one sentence
Layers = Sequence[LiveLayer]


def count_demand(word: str, found: int, bounds: Mapping[str, Json], place: Place) -> Finding:
    """A number of parameters within bounds, all of them inclusive."""
    wanted = bounds_words(bounds)
    details: dict[str, Json] = {"expected": wanted, "observed": f"{found:,}", "place": place}
    if is_within(found, bounds):
        return passed(f"{found:,} {word}: {wanted}, as demanded", **details, code=word)
    if "at_most" in bounds and found > bounds["at_most"]:
        over = f"{found - bounds['at_most']:,} over the {bounds['at_most']:,} that are allowed"
        fix = "use fewer channels or features"
    elif "at_least" in bounds and found < bounds["at_least"]:
        over = f"{bounds['at_least'] - found:,} under the {bounds['at_least']:,} that are demanded"
        fix = "use more channels or features"
    else:
        over = f"{bounds['exactly']:,} are demanded"
        fix = "compare the layers with the assignment, one by one: channels, kernels, biases"
    return failed(f"{found:,} {word}, {over}", **details, fix=fix, code=word)


def is_within(found: int, bounds: Mapping[str, Json]) -> bool:
    """Whether a count keeps `at_least`, `at_most` and `exactly`.

    >>> is_within(5, {"at_least": 5, "at_most": 5}), is_within(5, {"exactly": 4}), is_within(5, {})
    (True, False, True)
    """
    is_enough = bool(found >= bounds.get("at_least", found))
    is_few = bool(found <= bounds.get("at_most", found))
    return is_enough and is_few and bool(found == bounds.get("exactly", found))


def bounds_words(bounds: Mapping[str, Json]) -> str:
    """The bounds in words.

    >>> bounds_words({"at_least": 2, "at_most": 4000}), bounds_words({"exactly": 1})
    ('at least 2 and at most 4,000', 'exactly 1')
    """
    return " and ".join(
        f"{key.replace('_', ' ')} {bounds[key]:,}" for key in ("exactly", "at_least", "at_most") if key in bounds
    )


def with_hidden(found: Finding, held: Evidence | None, parameters: int, bounds: Mapping[str, int]) -> Finding:
    """`found`, unless it passed and the checkpoint holds clearly more numbers than the bounds allow."""
    if held is None or not held.is_done or found.outcome is not Outcome.PASSED:
        return found
    said = over_budget(held_by(held.result["tensors"]), parameters, bounds)
    if said is None:
        return found
    return review(f"{said}; a person looks", place=found.place, expected=found.expected, code="hidden-numbers")


def shape_demand(word: str, found: Json, wanted: Sequence[int], place: Place) -> Finding:
    """The shape of the model's input or output, the batch left out."""
    own = sample_shape(found, len(wanted))
    details: dict[str, Json] = {"expected": _shape_words(wanted), "observed": _shape_words(own), "place": place}
    if own == list(wanted):
        return passed(f"the {word} is {_shape_words(own)}", **details, code=f"{word}-shape")
    said = f"the {word} is {_shape_words(own)}, not {_shape_words(wanted)} (without the batch)"
    return failed(
        said, **details, fix=f"change the {'first' if word == 'input' else 'last'} layers", code=f"{word}-shape"
    )


def sample_shape(found: Json, rank: int) -> list[int]:
    """A traced shape without its batch, where it has one axis more than is asked for."""
    sizes = list(found or ())
    return sizes[1:] if len(sizes) == rank + 1 else sizes


def _shape_words(sizes: Sequence[int]) -> str:
    return "x".join(str(size) for size in sizes) or "a scalar"


def contains_demand(layers: Layers, wanted: Mapping[str, Json], place: Place) -> Finding:
    """So many layers of a kind, with the attributes that are asked for."""
    bounds = {key: wanted[key] for key in ("at_least", "at_most", "exactly") if key in wanted} or {"at_least": 1}
    of_kind = [layer for layer in distinct(layers) if layer.is_a(wanted["kind"])]
    attributes = wanted.get("with", {})
    fitting = [layer for layer in of_kind if not differences(layer, attributes)]
    asked = wanted["kind"] + (f" with {_settings_words(attributes)}" if attributes else "")
    details: dict[str, Json] = {
        "expected": f"{bounds_words(bounds)} {asked}",
        "observed": counted(len(fitting), "layer") + (f": {_named(fitting)}" if fitting else ""),
        "place": place,
        "code": "contains",
    }
    if is_within(len(fitting), bounds):
        return passed(f"{counted(len(fitting), 'layer')} {asked}: {bounds_words(bounds)}, as demanded", **details)
    near = [layer for layer in of_kind if layer not in fitting]
    why = f"; in {near[0]} {', '.join(differences(near[0], attributes))}" if near else ""
    said = f"{counted(len(fitting), 'layer')} {asked}, {bounds_words(bounds)} demanded{why}"
    return failed(
        said,
        **details,
        fix="add or change the layers of this kind" if len(fitting) < _least(bounds) else "leave some out",
    )


def _least(bounds: Mapping[str, Json]) -> int:
    return int(max(bounds.get("at_least", 0), bounds.get("exactly", 0)))


def _settings_words(settings: Mapping[str, Json]) -> str:
    return ", ".join(f"{name} {shown_value(value)}" for name, value in settings.items())


def _named(layers: Layers) -> str:
    more = f" and {len(layers) - TOLD} more" if len(layers) > TOLD else ""
    return ", ".join(str(layer) for layer in layers[:TOLD]) + more


def sequence_demand(
    layers: Layers, wanted: Sequence[Mapping[str, Json]], ignoring: Sequence[str], place: Place, *, is_exact: bool
) -> Finding:
    """These kinds in this order. What is asked for by name is never ignored."""
    asked_for = [entry["kind"] for entry in wanted]
    own = [
        layer
        for layer in leaves(layers, with_plumbing=True)
        if layer.is_one_of(asked_for) or not (layer.is_plumbing or layer.is_one_of(ignoring))
    ]
    details: dict[str, Json] = {
        "expected": " -> ".join(_entry_words(entry) for entry in wanted),
        "observed": " -> ".join(str(layer) for layer in own[:50]),
        "place": place,
        "code": "sequence",
    }
    wrong = _exact_slip(own, wanted) if is_exact else _order_slip(own, wanted)
    if wrong:
        return failed(wrong, **details, fix="compare the order of the layers with the assignment")
    return passed(f"{counted(len(wanted), 'layer')} in the order that is demanded", **details)


def _entry_words(entry: Mapping[str, Json]) -> str:
    settings = {name: value for name, value in entry.items() if name != "kind"}
    return str(entry["kind"]) + (f" ({_settings_words(settings)})" if settings else "")


def _fits(layer: LiveLayer, entry: Mapping[str, Json]) -> bool:
    settings = {name: value for name, value in entry.items() if name != "kind"}
    return layer.is_a(entry["kind"]) and not differences(layer, settings)


def _order_slip(own: Layers, wanted: Sequence[Mapping[str, Json]]) -> str:
    """The first layer that is not found behind those before it; taking the earliest each time misses none."""
    position = 0
    last: LiveLayer | None = None
    for number, entry in enumerate(wanted, 1):
        rest = own[position:]
        index = next((i for i, layer in enumerate(rest) if _fits(layer, entry)), None)
        if index is None:
            after = f" after {last}" if last is not None else ""
            near = next((layer for layer in rest if layer.is_a(entry["kind"])), None)
            settings = {name: value for name, value in entry.items() if name != "kind"}
            why = f"; in {near} {', '.join(differences(near, settings))}" if near else ""
            return f"layer {number} of the demanded order, {_entry_words(entry)}, is not found{after}{why}"
        last = rest[index]
        position += index + 1
    return ""


def _exact_slip(own: Layers, wanted: Sequence[Mapping[str, Json]]) -> str:
    for number, (layer, entry) in enumerate(zip(own, wanted, strict=False), 1):
        if not layer.is_a(entry["kind"]):
            return f"layer {number} is {layer}, not {_entry_words(entry)}"
        settings = {name: value for name, value in entry.items() if name != "kind"}
        if differs := differences(layer, settings):
            return f"in layer {number}, {layer}, {', '.join(differs)}"
    if len(own) < len(wanted):
        return f"the model ends after {counted(len(own), 'layer')}; {_entry_words(wanted[len(own)])} is missing"
    if len(own) > len(wanted):
        return f"layer {len(wanted) + 1}, {own[len(wanted)]}, is one too many"
    return ""


def network_demand(layers: Layers, network: Mapping[str, Json], parameters: int, place: Place) -> Finding:
    """Output shapes and parameters of the rubric's network, layer by layer; how layers are written is free.

    `parameters`  of the whole model: what stands in no layer that is called is for a person to see
    """
    nodes = [n for n in built(network)[0].nodes if not _is_ignored(n.kind)]
    own = list(leaves(layers, IGNORED))
    details: dict[str, Json] = {
        "expected": counted(len(nodes), "layer"),
        "observed": counted(len(own), "layer"),
        "place": place,
        "code": "network",
    }
    fix = "compare this layer with the assignment"
    for number, (node, layer) in enumerate(zip(nodes, own, strict=False), 1):
        shape = sample_shape(layer.output_shape, len(node.output_shape) - 1)
        wanted = list(node.output_shape[1:])
        is_same_shape = shape == wanted
        if is_same_shape and layer.parameters == node.new_parameters:
            if _is_of_other_nature(layer, node.kind):
                said = f"layer {number}, {layer}, has the demanded shape, but is no {node.kind}; a person decides"
                return review(said, **details, fix=f"use {node.kind}, as the assignment has it")
            continue
        details["expected"] = f"{_shape_words(wanted)}, {counted(node.new_parameters, 'parameter')}"
        details["observed"] = f"{_shape_words(shape)}, {counted(layer.parameters, 'parameter')}"
        if layer.is_own or (is_same_shape and layer.is_functional and not layer.parameters):
            said = (
                f"the weights of layer {number}, {layer}, are no layer of torch.nn, so that a person has to compare it"
            )
            return review(f"{said} ({node.kind})", **details, fix="build the model from layers of torch.nn")
        said = f"layer {number}, {layer}, is the first that differs: {details['observed']}, not {details['expected']}"
        return failed(f"{said} ({node.kind})", **details, fix=fix)
    if len(own) < len(nodes):
        return failed(f"layer {len(own) + 1}, {nodes[len(own)].kind}, is missing", **details, fix="add it")
    if len(own) > len(nodes):
        return failed(f"layer {len(nodes) + 1}, {own[len(nodes)]}, is one too many", **details, fix="leave it out")
    said = f"all {counted(len(nodes), 'layer')} have the demanded shapes and parameters"
    further = parameters - sum(layer.parameters for layer in leaves(layers))
    if further > 0:
        said += f", but the model has {counted(further, 'parameter')} besides that are in none of them; a person looks"
        return review(said, **details, fix="leave out layers that are not used, and weights outside of layers")
    return passed(said, **details)


def _is_of_other_nature(layer: LiveLayer, kind: str) -> bool:
    """Is it another pooling or normalisation? These can be alike in shape and parameters."""
    for family in ("any_pool", "any_norm"):
        if is_kind(kind, family) and layer.is_a(family) and not layer.is_a(kind):
            is_max = [any("max" in word for word in words) for words in ((kind,), layer.letters)]
            return family == "any_norm" or is_max[0] is not is_max[1]
    return False


def _is_ignored(kind: str) -> bool:
    return any(is_kind(kind, word) for word in IGNORED)


def after_each_demand(layers: Layers, wanted: Mapping[str, Json], place: Place) -> Finding:
    """Directly behind every layer of one kind stands one of another."""
    own = list(leaves(layers))
    spots = [index for index, layer in enumerate(own) if layer.is_a(wanted["every"])]
    if wanted.get("except_last"):
        spots = spots[:-1]
    alone = [index for index in spots if index + 1 == len(own) or not own[index + 1].is_a(wanted["follows"])]
    details: dict[str, Json] = {"expected": f"{wanted['follows']} after every {wanted['every']}", "place": place}
    details["code"] = "after-each"
    if not spots:
        return failed(f"the model has no {wanted['every']}", **details, fix=f"add {wanted['every']} layers")
    if not alone:
        return passed(f"{wanted['follows']} follows each of the {len(spots)} {wanted['every']}", **details)
    first = alone[0]
    behind = str(own[first + 1]) if first + 1 < len(own) else "nothing"
    more = f" (and {len(alone) - 1} more like it)" if len(alone) > 1 else ""
    said = f"behind {own[first]} comes {behind}, not {wanted['follows']}{more}"
    return failed(said, **details, observed=_named([own[i] for i in alone]), fix=f"put a {wanted['follows']} there")


def dropout_demand(layers: Layers, wanted: Mapping[str, Json], place: Place) -> Finding:
    """So many dropout layers, each with the demanded p."""
    own = [layer for layer in distinct(leaves(layers)) if layer.is_a("any_dropout")]
    bounds = {key: wanted[key] for key in ("at_least", "at_most", "exactly") if key in wanted} or {"at_least": 1}
    details: dict[str, Json] = {"place": place, "code": "dropout", "observed": _named(own) or "none"}
    if not is_within(len(own), bounds):
        said = f"{counted(len(own), 'dropout layer')}, {bounds_words(bounds)} demanded"
        return failed(said, **details, fix="change the number of dropout layers")
    other = [layer for layer in own if "p" in wanted and not is_same(layer.attributes.get("p"), wanted["p"])]
    if other:
        said = f"{other[0]} has p = {shown_value(other[0].attributes.get('p'))}, not {shown_value(wanted['p'])}"
        return failed(said, **details, fix=f"set p to {shown_value(wanted['p'])}")
    with_p = f" with p = {shown_value(wanted['p'])}" if "p" in wanted else ""
    return passed(f"{counted(len(own), 'dropout layer')}{with_p}, as demanded", **details)


def forbidden_demand(layers: Layers, kinds: Sequence[str], place: Place) -> Finding:
    """None of these kinds, containers included."""
    found = [layer for layer in distinct(layers) if any(layer.is_a(kind) for kind in kinds)]
    details: dict[str, Json] = {"expected": f"no {', no '.join(kinds)}", "place": place, "code": "forbidden"}
    if found:
        return failed(
            f"{found[0]} is of a kind that is not allowed here",
            **details,
            observed=_named(found),
            fix="build the model without it",
        )
    return passed(f"no {' and no '.join(kinds)}, as demanded", **details)


def state_demand(state: Mapping[str, Json] | None, checkpoint: str) -> Finding:
    """The checkpoint's tensors are those of the model, by name and shape."""
    if state is None:
        return missing([checkpoint])
    place = Place(checkpoint)
    has_prefix = bool(state.get("module_prefix"))
    if not state["is_loaded"]:
        said = f"the checkpoint does not fit the model: {'; '.join(_differences(state)) or 'it could not be loaded'}"
        return failed(said, place=place, fix=_state_fix(state, has_prefix=has_prefix), code="state-mismatch")
    if state.get("finite") is False:
        said, fix = "the checkpoint holds numbers that are not finite", "train with a smaller learning rate"
        return failed(said, place=place, fix=fix, code="not-finite")
    said = "the checkpoint fits the model" + (", once 'module.' is taken off its keys" if has_prefix else "")
    return passed(said, place=place, code="state-fits")


def _differences(state: Mapping[str, Json]) -> Iterator[str]:
    """How the keys of file and model differ, in words."""
    if misshaped := state.get("misshaped"):
        first = misshaped[0]
        expected, found = _shape_words(first["expected"]), _shape_words(first["found"])
        count = counted(state.get("misshaped_count", len(misshaped)), "tensor")
        yield f"{count} of another shape ({shown(first['name'], 80)} is {found}, the model's {expected})"
    for kind, words in (("missing", "missing"), ("extra", "too many")):
        if names := state.get(kind):
            count = state.get(f"{kind}_count", len(names))
            told = ", ".join(shown(name, 80) for name in names[:TOLD]) + (", ..." if count > TOLD else "")
            yield f"{counted(count, 'key')} {words} ({told})"


def _state_fix(state: Mapping[str, Json], *, has_prefix: bool) -> str:
    if has_prefix:
        return "its keys begin with 'module.', from data-parallel training: save model.module.state_dict()"
    if state.get("misshaped"):
        return "save the weights again with the model that you hand in: a layer's size was changed since"
    return "save model.state_dict() of the model that you hand in: layers were renamed, added or removed since"
