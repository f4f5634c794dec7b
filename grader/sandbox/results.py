"""What does a program's JSON result look like? Code in the box can forge its own: its shape, at least, is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from grader.model import Json
from grader.sandbox.agreed import first_flaw
from grader.sandbox.programs.tensors import ITEM_BYTES

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
_DIGEST: Final = {"type": "string", "minLength": 64, "maxLength": 64}
_LEVEL: Final = {"type": "number", "minimum": 0, "maximum": 255}
_CELL = _object(
    kind={"enum": ["code", "markdown", "raw", "other"]},
    lines=_COUNT,
    run={"anyOf": [_COUNT, {"type": "null"}]},
    outputs=_list(_TEXT, 20),
    error=_TEXT,
    syntax=_TEXT,
)

_WORD: Final = {"type": "string", "minLength": 16, "maxLength": 32}
_VECTOR: Final = {"type": "string", "maxLength": 400}
_MARKS: Final = _list(_list(_COUNT, 2), 4_000)


def _files(found: Any) -> Any:
    """A row of files, each with a problem or with what was found in it."""
    problem = _object(code={"type": "string", "maxLength": 40}, where=_TEXT, what=_TEXT, fix=_TEXT)
    either = {name: {"anyOf": [schema, {"type": "null"}]} for name, schema in (("problem", problem), ("found", found))}
    return _object(files=_list(_object(path=_TEXT, **either), 400))


SCHEMAS: Final[Mapping[str, Json]] = {
    "checkpoint": _object(
        format={"enum": ["torch-zip", "safetensors"]},
        tensors=_list(_object(name=_TEXT, shape=_SHAPE, dtype=_TEXT, elements=_COUNT, is_shared=_FLAG), 20_000),
        elements=_COUNT,
        bytes=_COUNT,
        module_prefix=_FLAG,
    ),
    "transfer": _object(
        refused={"anyOf": [_object(code=_TEXT, where=_TEXT, what=_TEXT, fix=_TEXT), {"type": "null"}]},
        way=_TEXT,
        tensors=_list(
            _object(
                name=_TEXT,
                shape=_SHAPE,
                found=_TEXT,
                found_shape={"anyOf": [_SHAPE, {"type": "null"}]},
                dtype=_TEXT,
                same={"enum": ["exactly", "rounded", "no"]},
                change={"type": "number"},
                likeness={"type": "number"},
            ),
            20_000,
        ),
        extra=_list(_object(name=_TEXT, shape=_SHAPE), 20_000),
    ),
    "fingerprint": _files(
        {
            "anyOf": [
                _object(
                    tensors=_list(
                        _object(
                            name=_TEXT,
                            shape=_SHAPE,
                            dtype=_TEXT,
                            digest=_WORD,
                            size={"type": "number", "minimum": 0},
                            flat=_VECTOR,
                            rows=_VECTOR,
                            columns=_VECTOR,
                        ),
                        400,
                    ),
                    elements=_COUNT,
                ),
                _object(
                    tokens=_COUNT,
                    code=_MARKS,
                    seeds=_list(_COUNT, 20),
                    words=_COUNT,
                    text=_MARKS,
                ),
                _object(digest=_WORD, small={"type": "string", "maxLength": 1_400}),
            ]
        }
    ),
    "embedded": _object(
        bytes=_COUNT,
        text_bytes=_COUNT,
        text_place={"type": "string", "maxLength": 1_000},
        numbers=_COUNT,
        numbers_place={"type": "string", "maxLength": 1_000},
        unread=_list({"type": "string", "maxLength": 1_000}, 8),
    ),
    "held": _object(found=_COUNT, compared=_COUNT, tensor={"type": "string", "maxLength": 1_000}),
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
    "arrays": _object(arrays=_list(_object(name=_TEXT, shape=_SHAPE), 64)),
    "notebook": _files(_object(minor=_COUNT, language=_TEXT, flaw=_TEXT, cells=_list(_CELL, 3_000))),
    "syntax": _files(
        _object(
            bytes=_COUNT,
            lines=_COUNT,
            imports=_list(_TEXT, 300),
            definitions=_list(_TEXT, 300),
            digest=_DIGEST,
        )
    ),
    "picture": _files(
        _object(
            format={"enum": ["PNG", "JPEG", "GIF"]},
            width=_COUNT,
            height=_COUNT,
            mode={"type": "string", "maxLength": 20},
            is_animated=_FLAG,
            is_grey=_FLAG,
            is_blank=_FLAG,
            darkest=_LEVEL,
            brightest=_LEVEL,
            mean=_LEVEL,
            border=_LEVEL,
            digest=_DIGEST,
        )
    ),
}


def flaws(program: str, result: Json) -> str:
    """The first place where a program's result is not as agreed, or nothing.

    >>> flaws("checkpoint", {"format": "torch-zip", "tensors": [], "elements": 0, "bytes": 9, "module_prefix": False})
    ''
    >>> flaws("checkpoint", {"format": "pickle", "tensors": [], "elements": 0, "bytes": 9, "module_prefix": False})
    '/format'
    """
    if program not in SCHEMAS:
        return ""
    flaw = first_flaw(result, SCHEMAS[program])
    return "" if flaw is None else "/" + "/".join(map(str, flaw))
