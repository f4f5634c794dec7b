"""What does a rubric say of images that students make themselves?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grader.checks._maps_settings import PATH
from grader.checks._settings import MODEL
from grader.model import Json

_KEY: Final[Mapping[str, Json]] = {"type": "string", "minLength": 1, "maxLength": 100}

SETTINGS: Final[Mapping[str, Json]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["model", "data", "images"],
    "properties": {
        "model": MODEL,
        "data": {
            "type": "string",
            "minLength": 1,
            "description": "the set that the network was trained on, such as mnist: its classes, its size, its colours",
        },
        "images": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "the images in the hand-in: a pattern such as own_digits/*, or the path of a zip of them",
        },
        "predictions": {
            **_KEY,
            "description": "the key in answers.json of a list of {file, true, predicted}: what each image shows, and "
            "what the network is said to answer",
        },
        "list": {
            **PATH,
            "description": "instead of `predictions`: a JSON file of the hand-in with that list",
        },
        "score": {
            **_KEY,
            "description": "the key in answers.json of the claimed score, such as 6/9 or 66.7%",
        },
        "given": {
            "type": "boolean",
            "default": False,
            "description": "whether the images come with the task: that they are there then earns nothing",
        },
        "at_least": {
            "type": "integer",
            "minimum": 1,
            "maximum": 200,
            "default": 1,
            "description": "how many images must be there",
        },
        "classes": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "uniqueItems": True,
            "items": {"type": ["string", "integer"]},
            "description": "the classes that must be among them, by their names in the set; left out: none in "
            "particular",
        },
        "per_class": {
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "default": 1,
            "description": "how many images of each of `classes` must be there",
        },
        "size": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"type": "integer", "minimum": 1, "maximum": 10_000},
            "description": "width and height that an image must have; left out: any, and it is put into the size of "
            "the set's",
        },
        "grey": {
            "type": "boolean",
            "default": False,
            "description": "whether an image must be grey; left out, a coloured one is turned into grey where the set "
            "is",
        },
        "min_score": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "the share of right answers that the sheet demands; left out: none",
        },
    },
}
