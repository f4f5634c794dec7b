"""What does a rule ask for, in formulas? Its settings as trees, a domain and the names that a student may use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from grader.answers.answer_error import refuse
from grader.answers.formulas import (
    Domain,
    Formula,
    Node,
    Range,
    ShapeFormula,
    Window,
    conditions_of,
    names_in,
    parse_formula,
    parse_shape_formula,
)
from grader.answers.formulas.tree import Name, Number
from grader.checks._settings import share
from grader.frozen import dataclass
from grader.model import Json, Place

LAYOUTS: Final = ("channels-first", "channels-last")
_WINDOW: Final = ("kernel", "stride", "padding", "dilation", "output_padding")
_BATCH: Final = ("N", "n", "b", "bs", "batch", "batch_size", "batchsize", "M", "m")
_AXES: Final = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


@dataclass(frozen=True)
class Wanted:
    """One entry: what is expected, what else counts, and its share of the credit.

    `is_free`  any single name that is not taken is right: the task leaves open what the channels are called
    `axis`     "batch", "channels", "height", ...; "" where the rule says nothing of axes
    `size`, `window`  where the entry comes from a layer
    """

    tree: Node
    also: tuple[Node, ...] = ()
    weight: Fraction = Fraction(1)
    is_free: bool = False
    axis: str = ""
    size: Node | None = None
    window: Window | None = None


@dataclass(frozen=True)
class Task:
    """Everything that answers are held against."""

    entries: tuple[Wanted, ...]
    is_shape: bool
    domain: Domain
    names: tuple[str, ...]
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    taken: tuple[str, ...] = ()  # names that no free name may be
    layout: str = ""


def task_of(settings: Mapping[str, Json], place: Place) -> Task:
    """The task, or AnswerError with the setting's place."""
    return _task(json.dumps({key: value for key, value in settings.items() if key != "reveal"}, sort_keys=True), place)


@lru_cache(maxsize=64)  # a class of students is held against one task
def _task(settings: str, place: Place) -> Task:
    asked: Mapping[str, Json] = json.loads(settings)
    variables: Mapping[str, Mapping[str, Json]] = asked.get("variables", {})
    ranges = {
        name: Range(about.get("min", 1), about.get("max"))
        for name, about in variables.items()
        if {"min", "max"} & {*about}
    }
    conditions = conditions_of(asked.get("conditions", ()), place.child("conditions"))
    entries = tuple(_from_layer(asked, place) if "layer" in asked else _from_expected(asked, place))
    names = tuple(
        dict.fromkeys(
            (
                *(name for entry in entries for name in names_in(entry.tree)),
                *variables,
                *(name for tree in conditions for name in names_in(tree)),
                *(_input_names(asked, place) if "input" in asked else ()),
            )
        )
    )
    is_shape = "layer" in asked or isinstance(asked["expected"], list) or len(entries) > 1
    also = {name: tuple(about["also"]) for name, about in variables.items() if "also" in about}
    first = entries[0].tree
    if is_shape and isinstance(first, Name) and first.name in ("B", "N"):
        free = tuple(name for name in ("B", *_BATCH) if name not in names)
        also = {first.name: free, **also}
    least = 1 if asked.get("is_size", True) else None
    inputs = _input_names(asked, place) if "input" in asked else ()
    layout = asked.get("layout", "channels-first") if "layer" in asked or "layout" in asked else ""
    channels = _input(asked, place).entries[_channel_axis(asked, len(entries))].names if "layer" in asked else ()
    taken = tuple(name for name in inputs if name not in channels)
    return Task(entries, is_shape, Domain(ranges, conditions, least), names, also, taken, layout)


def _read(value: Json, place: Place) -> Formula:
    """A formula of a rubric has one reading: square brackets round down there, too."""
    formula = parse_formula(value, place, brackets="floor")
    if len(formula.readings) > 1:
        both = " or ".join(dict.fromkeys(one.assumed for one in formula.readings))
        refuse(place, f"two readings fit: {both}", "write brackets or a *", code="ambiguous")
    return formula


def _from_expected(asked: Mapping[str, Json], place: Place) -> Iterator[Wanted]:
    place = place.child("expected")
    expected = asked["expected"]
    if isinstance(expected, str):
        formulas: Sequence[Formula] = (
            parse_shape_formula(expected, place, brackets="floor").entries
            if _is_list(expected)
            else (parse_formula(expected, place, brackets="floor"),)
        )
        for formula in formulas:
            yield Wanted(_read(formula.written, place).tree)
        return
    for index, entry in enumerate(expected):
        about: Mapping[str, Json] = entry if isinstance(entry, dict) else {"formula": entry}
        here = place.child(index)
        yield Wanted(
            _read(about["formula"], here).tree,
            tuple(_read(one, here.child("also")).tree for one in about.get("also", ())),
            share(about.get("credit", 1)),
            about.get("any_name", False),
        )


def _is_list(text: str) -> bool:
    """Is the expectation a shape? It has commas in outer brackets."""
    stripped = text.strip()
    return "," in stripped and stripped[:1] in "[(" and stripped[-1:] in "])"


def _input(asked: Mapping[str, Json], place: Place) -> ShapeFormula:
    return parse_shape_formula(asked["input"], place.child("input"), brackets="floor")


def _input_names(asked: Mapping[str, Json], place: Place) -> tuple[str, ...]:
    return _input(asked, place).names


def _channel_axis(asked: Mapping[str, Json], rank: int) -> int:
    return rank - 1 if asked.get("layout") == "channels-last" else 1


def _from_layer(asked: Mapping[str, Json], place: Place) -> Iterator[Wanted]:
    """The shape that a layer makes of the input."""
    sizes = [entry.tree for entry in _input(asked, place).entries]
    layer: Mapping[str, Json] = asked["layer"]
    if not 3 <= len(sizes) <= 5:
        fix = "write the input with its batch and its channels, such as [B, C, H, W]"
        refuse(place.child("input"), f"an input of {len(sizes)} entries", fix, code="not-a-shape")
    channels = _channel_axis(asked, len(sizes))
    axes = _AXES[len(sizes) - 2]
    count = 0
    for index, size in enumerate(sizes):
        if index == 0:
            yield Wanted(size, axis="batch")
        elif index == channels:
            yield _channels(layer, size, place)
        else:
            window = _window(layer, count, len(axes), place)
            yield Wanted(window.output(size), axis=axes[count], size=size, window=window)
            count += 1


def _channels(layer: Mapping[str, Json], size: Node, place: Place) -> Wanted:
    if layer.get("kind", "conv") == "pool":
        return Wanted(size, axis="channels")
    if "out_channels" not in layer:
        return Wanted(Name("C'"), is_free=True, axis="channels")
    return Wanted(_quantity(layer["out_channels"], place.child("layer", "out_channels")), axis="channels")


def _window(layer: Mapping[str, Json], axis: int, count: int, place: Place) -> Window:
    values: dict[str, Any] = {}
    for name in _WINDOW:
        value = layer.get(name)
        if isinstance(value, list):
            if len(value) != count:
                what = f"{name} has {len(value)} entries for {count} axes"
                refuse(place.child("layer", name), what, "give one number, or one for each axis", code="setting")
            value = value[axis]
        if value is not None:
            values[name] = _quantity(value, place.child("layer", name))
    kind = layer.get("kind", "conv")
    if kind == "pool":
        values.setdefault("stride", values["kernel"])
    return Window(kind, ceil_mode=layer.get("ceil_mode", False), **values)


def _quantity(value: Json, place: Place) -> Node:
    return Number(Fraction(value)) if isinstance(value, int) else _read(value, place).tree


def worth(settings: Mapping[str, Json], name: str) -> Fraction | None:
    """What the rubric gives for a slip; None where it does not say."""
    return share(settings[name]) if name in settings else None
