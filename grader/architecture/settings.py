"""How does a teacher write the settings of a layer, and what is each allowed to be?

One `Setting` says its name, what it may be and its default. Reading, the JSON Schema and the messages all
come from it.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.architecture.shapes import MAX_SIZE, Shape, ShapeError, refusal
from grader.frozen import dataclass
from grader.model import Json

# What the reader says when a value has the wrong form: raised here, completed with the setting's name above.
Read = Callable[[Json], Json]


# Far above any slope or scale; keeps a product with a size finite.
MAX_NUMBER = 1e18


class Missing:
    """The default of a setting that has to be written."""


REQUIRED = Missing()


@dataclass(frozen=True)
class Setting:
    """One setting of a kind of layer.

    `fill` finds the value in the input shape where it is left out (the channels of a convolution).
    `torch_name` is a second name under which it may be written.
    """

    name: str
    about: str
    schema: Json
    read: Read
    default: Json = REQUIRED
    fill: Callable[[Shape], int] | None = None
    torch_name: str = ""

    @property
    def is_required(self) -> bool:
        return self.default is REQUIRED and self.fill is None

    def described(self) -> dict[str, Json]:
        """The JSON Schema of the value; every alternative carries the description, so that an error shows it."""
        about = self.about
        if self.fill is not None:
            about += " (default: what the input has)"
        elif self.default is not REQUIRED and self.default is not None:
            about += f" (default: {str(self.default).lower() if isinstance(self.default, bool) else self.default})"
        made = {**self.schema, "description": about}
        if self.default is None:
            made = {"anyOf": [*self.schema.get("anyOf", [self.schema]), {"type": "null"}], "description": about}
        if "anyOf" in made:
            made["anyOf"] = [{**branch, "description": about} for branch in made["anyOf"]]
        return made

    def value(self, written: Json, *, kind: str = "layer") -> Json:
        """`written` in the form that the layer types hold, or ShapeError."""
        try:
            return self.read(written)
        except ShapeError as error:
            raise refusal(f"{self.name}: {error.problem.what}", fix=f"{self.name}: {self.about}", where=kind) from error


# --- the forms that a setting may have ----------------------------------------------------------


def whole(name: str, about: str, *, minimum: int | None = 1, **more: Json) -> Setting:
    """A whole number. `minimum` is what the schema tells the teacher; the layer itself refuses what PyTorch does."""
    return Setting(name, about, _integer(minimum), _whole, **more)


def sizes(name: str, about: str, dims: int, *, minimum: int | None = 1, count: int = 0, **more: Json) -> Setting:
    """One whole number for every axis, or a list with `count` of them (one per axis unless said)."""
    count = count or dims
    schema = {"anyOf": [_integer(minimum), _array(_integer(minimum), count, count)]}
    return Setting(name, about, schema, lambda value: _each(value, count, _whole), **more)


def optional_sizes(name: str, about: str, dims: int, **more: Json) -> Setting:
    """As `sizes`, with null in the list for an axis that stays as it is. A single axis has no null in PyTorch."""
    if dims == 1:
        return sizes(name, about, dims, **more)
    schema = {"anyOf": [_integer(1), _array({"type": ["integer", "null"], "minimum": 1}, dims, dims)]}

    def read(value: Json) -> Json:
        return _each(value, dims, _whole_or_null) if isinstance(value, list | tuple) else _each(value, dims, _whole)

    return Setting(name, about, schema, read, **more)


def conv_padding_setting(name: str, about: str, dims: int, **more: Json) -> Setting:
    """`sizes`, or the words "same" and "valid"."""
    schema = {"anyOf": [_integer(0), _array(_integer(0), dims, dims), {"enum": ["same", "valid"]}]}
    words = ("same", "valid")

    def read(value: Json) -> Json:
        return value if value in words and isinstance(value, str) else _each(value, dims, _whole)

    return Setting(name, about, schema, read, **more)


def flag(name: str, about: str, **more: Json) -> Setting:
    """True or false."""
    return Setting(name, about, {"type": "boolean"}, _flag, **more)


def number(
    name: str, about: str, *, minimum: float | None = None, maximum: float | None = None, **more: Json
) -> Setting:
    """A finite number."""
    bounds = {word: value for word, value in (("minimum", minimum), ("maximum", maximum)) if value is not None}
    return Setting(name, about, {"type": "number", **bounds}, _number, **more)


def word(name: str, about: str, options: tuple[str, ...], **more: Json) -> Setting:
    """One of `options`; the layer itself refuses others."""
    return Setting(name, about, {"enum": list(options)}, _text, **more)


def axis(name: str, about: str, **more: Json) -> Setting:
    """An axis by number; negative ones count from the end."""
    return Setting(name, about, {"type": "integer"}, _whole, **more)


def optional_axis(name: str, about: str, **more: Json) -> Setting:
    """An axis, or null for PyTorch's choice."""
    return Setting(name, about, {"type": "integer"}, _whole_or_null, default=None, **more)


def listed(name: str, about: str, *, minimum: int, **more: Json) -> Setting:
    """A list of whole numbers of any length but none; a single number is a list of one."""
    schema = {"anyOf": [_integer(minimum), _array(_integer(minimum), 1, None)]}

    def read(value: Json) -> Json:
        return tuple(_whole(entry) for entry in value) if isinstance(value, list | tuple) else (_whole(value),)

    return Setting(name, about, schema, read, **more)


def one_or_listed(name: str, about: str, *, is_whole: bool, **more: Json) -> Setting:
    """One number for every axis (kept as it is, for the rank is known later), or a list with one per axis."""
    entry = _integer(1) if is_whole else {"type": "number", "exclusiveMinimum": 0}
    one = _whole if is_whole else _number
    schema = {"anyOf": [entry, _array(entry, 1, 3)]}

    def read(value: Json) -> Json:
        return tuple(one(entry) for entry in value) if isinstance(value, list | tuple) else one(value)

    return Setting(name, about, schema, read, default=None, **more)


# --- reading and describing ----------------------------------------------------------------------


def _integer(minimum: int | None) -> dict[str, Json]:
    return {"type": "integer"} if minimum is None else {"type": "integer", "minimum": minimum}


def _array(items: Json, least: int, most: int | None) -> dict[str, Json]:
    made = {"type": "array", "items": items, "minItems": least}
    return made if most is None else {**made, "maxItems": most}


def _whole(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_SIZE:
        raise _unreadable(value, "a whole number")
    return value


def _whole_or_null(value: Json) -> int | None:
    return None if value is None else _whole(value)


def _number(value: Json) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER:
        return value
    raise _unreadable(value, "a finite number")


def _flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise _unreadable(value, "true or false")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise _unreadable(value, "a word")
    return value


def _each(value: Json, count: int, one: Callable[[Json], Json]) -> tuple[Json, ...]:
    if not isinstance(value, list | tuple):
        return (one(value),) * count
    if len(value) != count:
        raise refusal(f"{_shown(value)} has {len(value)} numbers for {count}", fix="")
    return tuple(one(entry) for entry in value)


def _unreadable(value: Json, wanted: str) -> ShapeError:
    return refusal(f"{_shown(value)} is not {wanted}", fix="")


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
