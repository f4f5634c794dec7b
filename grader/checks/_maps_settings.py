"""What does a rubric say of maps that are to be shown: of which layers and filters, for which image, in which file?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grader.checks._settings import MODEL
from grader.model import Json

PATH: Final[Mapping[str, Json]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 200,
    "pattern": r"^(?!.*(^|/)\.{0,2}(/|$))[^\\:*?\"<>|\u0000-\u001f]+$",
}
_LAYER: Final[Mapping[str, Json]] = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": 200},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind"],
            "properties": {
                "kind": {
                    "type": "string",
                    "minLength": 1,
                    "description": "a kind of layer such as conv2d, or a family: any_pool, any_activation, any_norm",
                },
                "nth": {
                    "type": "integer",
                    "minimum": -1000,
                    "maximum": 1000,
                    "default": 1,
                    "description": "which one of that kind in the order of the forward pass: 1 the first, -1 the last",
                },
            },
        },
    ],
}
_MAPS: Final[Mapping[str, Json]] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 256,
    "uniqueItems": True,
    "items": {"type": "integer", "minimum": 0, "maximum": 100_000},
    "description": "the numbers of the maps (filters), from 0; left out: all of them",
}
_SHOWN: Final[Mapping[str, Json]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "layer": {
            **_LAYER,
            "description": "what a layer gives: the name of a module, or {kind: conv2d, nth: 1}",
        },
        "weights": {
            **_LAYER,
            "description": "the filters of a convolution: the name of a module, or {kind: conv2d, nth: 1}",
        },
        "maps": _MAPS,
    },
}
_IMAGE: Final[Mapping[str, Json]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "data": {"type": "string", "minLength": 1, "description": "an image set, such as mnist"},
        "split": {"type": "string", "minLength": 1, "description": "its part, such as test"},
        "index": {"type": "integer", "minimum": 0, "description": "the image's number in it, from 0"},
        "answer": {
            "type": "string",
            "minLength": 1,
            "maxLength": 100,
            "description": "instead of `index`: the key in answers.json under which the student names it",
        },
        "sample": {
            "enum": ["china.jpg", "flower.jpg"],
            "description": "a photograph that comes with scikit-learn",
        },
        "course": {
            **PATH,
            "description": "a picture of the course, by its path below reference_solutions/",
        },
        "bytes": {"type": "string", "description": "filled in when the rubric is read: the course's picture"},
        "file": {**PATH, "description": "a picture of the student's own, by its path in the hand-in"},
        "fit": {
            "enum": ["stretch", "crop"],
            "description": "how a picture gets the size of the model's input: both sides, or the shorter one and then "
            "the middle; left out: either",
        },
    },
    "description": "the image that the network is shown: of a data set (data, split, index), sample, course, or file",
}

SETTINGS: Final[Mapping[str, Json]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["model", "file", "show"],
    "properties": {
        "model": MODEL,
        "file": {
            "anyOf": [PATH, {"type": "array", "minItems": 1, "maxItems": 10, "items": PATH}],
            "description": "where the maps stand: a picture (PNG, JPEG, GIF) or numbers (.npy, .npz, .json); of more "
            "paths the first one that was handed in",
        },
        "image": _IMAGE,
        "show": {
            "type": "array",
            "minItems": 1,
            "maxItems": 8,
            "items": _SHOWN,
            "description": "what the file shows, one after the other: what layers give, and filters",
        },
        "order": {
            "enum": ["as-listed", "any"],
            "default": "as-listed",
            "description": "whether the maps must stand in this order",
        },
        "others": {
            "type": "integer",
            "minimum": 0,
            "maximum": 60,
            "default": 12,
            "description": "with how many other images of the data set the maps are compared as well",
        },
        "unlike": {
            "enum": ["review", "strict"],
            "default": "review",
            "description": "what becomes of numbers that fit no way of showing the image to the network: a person "
            "decides, or they are wrong; a picture always waits for a person",
        },
    },
}
