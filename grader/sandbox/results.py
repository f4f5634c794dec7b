"""What does a program's JSON result look like? Code in the box can forge its own: its shape, at least, is checked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from grader.model import Json
from grader.sandbox.programs.tensors import ITEM_BYTES

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_COUNT: Final = {"type": "integer", "minimum": 0}
_TEXT: Final = {"type": "string", "maxLength": 1000}
_SHAPE: Final = {"type": "array", "items": _COUNT, "maxItems": 64}
_SHAPES: Final = {"anyOf": [_SHAPE, {"type": "array", "items": _SHAPE, "maxItems": 64}, {"type": "null"}]}
_FLAG: Final = {"type": "boolean"}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(of: Any, most: int) -> dict[str, Any]:
    return {"type": "array", "items": of, "maxItems": most}


_LAYER = _object(
    name=_TEXT,
    kind=_TEXT,
    torch_kind={"anyOf": [_TEXT, {"type": "null"}]},
    attributes={"type": "object"},
    input_shape=_SHAPES,
    output_shape=_SHAPES,
    parameters=_COUNT,
    trainable=_COUNT,
    shared=_COUNT,
    buffers=_COUNT,
    is_leaf=_FLAG,
    call=_COUNT,
    calls=_COUNT,
    depth=_COUNT,
)
_UNUSED = _object(name=_TEXT, kind=_TEXT, torch_kind=_LAYER["properties"]["torch_kind"], parameters=_COUNT)
_STATE = _object(
    missing=_list(_TEXT, 100),
    missing_count=_COUNT,
    extra=_list(_TEXT, 100),
    extra_count=_COUNT,
    misshaped=_list(_object(name=_TEXT, expected=_SHAPE, found=_SHAPE), 100),
    misshaped_count=_COUNT,
    module_prefix=_FLAG,
    is_loaded=_FLAG,
    finite=_FLAG,
)
_TENSOR = _object(name=_TEXT, shape=_SHAPE, dtype={"enum": list(ITEM_BYTES)}, trained=_FLAG)

SCHEMAS: Final[Mapping[str, Json]] = {
    "checkpoint": _object(
        format={"enum": ["torch-zip", "safetensors"]},
        tensors=_list(_object(name=_TEXT, shape=_SHAPE, dtype=_TEXT, elements=_COUNT), 20_000),
        elements=_COUNT,
        bytes=_COUNT,
        module_prefix=_FLAG,
    ),
    "describe": _object(
        layers=_list(_LAYER, 5_000),
        layers_count=_COUNT,
        unused=_list(_UNUSED, 1_000),
        parameters=_COUNT,
        trainable=_COUNT,
        buffers=_COUNT,
        input_shape=_SHAPE,
        output_shape=_SHAPES,
        repr={"type": "string", "maxLength": 21_000},
        state={"anyOf": [_STATE, {"type": "null"}]},
        tensors={"anyOf": [_list(_TENSOR, 20_000), {"type": "null"}]},
    ),
}


@cache
def _checker(program: str) -> Validator:
    from grader.documents import validator

    return validator(SCHEMAS[program])


def flaws(program: str, result: Json) -> str:
    """The first place where a program's result is not as agreed, or nothing.

    >>> flaws("checkpoint", {"format": "torch-zip", "tensors": [], "elements": 0, "bytes": 9, "module_prefix": False})
    ''
    >>> flaws("checkpoint", {"format": "pickle", "tensors": [], "elements": 0, "bytes": 9, "module_prefix": False})
    '/format'
    """
    if program not in SCHEMAS:
        return ""
    for error in _checker(program).iter_errors(result):
        return "/" + "/".join(str(step) for step in error.absolute_path)
    return ""
