"""What does a student say of images of the own making: what each shows, and what the network answered?

A list of entries in answers.json or in a file of its own; or the files' names, as in `4.png` and `4_pred_9.png`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from grader.answers.answer_error import described, refuse
from grader.frozen import dataclass
from grader.model import Json, Place

MOST: Final = 400
_FORM: Final = 'write a list such as [{"file": "4.png", "true": 4, "predicted": 9}]'
_FILE: Final = ("file", "image", "name", "path", "filename")
_TRUE: Final = ("true", "digit", "label", "actual", "truth", "class", "target", "true_label", "true_digit")
_SAID: Final = ("predicted", "prediction", "pred", "answer", "output", "predicted_label", "predicted_digit")
_AS: Final = frozenset({"pred", "predicted", "prediction", "predicts", "as", "answer", "is"})
_PIECE: Final = re.compile(r"[A-Za-z]+|[0-9]+")

# JSON Schema of the list, for the student's editor.
FORM: Final[Mapping[str, Json]] = {
    "type": "array",
    "maxItems": MOST,
    "items": {
        "type": "object",
        "required": ["file", "predicted"],
        "properties": {
            "file": {"type": "string", "description": "the image's file, such as 4.png"},
            "true": {
                "type": ["string", "integer"],
                "description": "what it shows; left out: what the file's name says",
            },
            "predicted": {"type": ["string", "integer"], "description": "what the network answered"},
        },
    },
    "description": "your own images: what each shows, and what the network answered",
}


@dataclass(frozen=True, slots=True)
class Stated:
    """What is said of one image; None where nothing is. `true` and `predicted` are names of classes."""

    file: str
    true: str | None
    predicted: str | None
    place: Place


def stated(value: Json, classes: Sequence[str], place: Place) -> tuple[Stated, ...]:
    """The entries of a list, or of a table by file names.

    Raises:  AnswerError for another form, a class that there is not, and a file that is named twice

    >>> digits = [str(digit) for digit in range(10)]
    >>> [one] = stated([{"file": "a.png", "digit": 4, "predicted": "9"}], digits, Place("answers.json"))
    >>> one.file, one.true, one.predicted
    ('a.png', '4', '9')
    >>> [one.predicted for one in stated({"4.png": 9, "7.png": {"pred": 1}}, digits, Place("answers.json"))]
    ['9', '1']
    """
    if isinstance(value, Mapping):
        rows = [({**inner, "file": name} if isinstance(inner, Mapping) else {"file": name, "predicted": inner},
                 place.child(name)) for name, inner in value.items()]  # fmt: skip
    elif isinstance(value, list):
        rows = [(inner, place.child(index)) for index, inner in enumerate(value)]
    else:
        refuse(place, f"{described(value)} is no list of images", _FORM, code="not-a-list")
    if len(rows) > MOST:
        refuse(place, f"{len(rows):,} images are listed, more than {MOST}", "list your own images", code="too-many")
    made = tuple(_entry(inner, classes, at) for inner, at in rows)
    seen: set[str] = set()
    for one in made:
        if one.file in seen:
            refuse(one.place, f"the file {one.file!r} is listed twice", "list each image once", code="listed-twice")
        seen.add(one.file)
    return made


def _entry(value: Json, classes: Sequence[str], place: Place) -> Stated:
    if not isinstance(value, Mapping):
        refuse(place, f"{described(value)} is no entry of an image", _FORM, code="not-an-entry")
    known = {str(key).casefold().replace(" ", "_"): inner for key, inner in value.items()}
    file = next((known[key] for key in _FILE if key in known), None)
    if not isinstance(file, str) or not file.strip():
        refuse(place, "names no file", _FORM, code="no-file")
    read = [next((known[key] for key in keys if known.get(key) is not None), None) for keys in (_TRUE, _SAID)]
    true, predicted = (None if one is None else _class(one, classes, place) for one in read)
    return Stated(file.strip().removeprefix("./"), true, predicted, place)


def _class(value: Json, classes: Sequence[str], place: Place) -> str:
    found = class_named(value, classes)
    if found is None:
        listed = ", ".join(classes[:20])
        refuse(place, f"{described(value)} is none of the classes", f"write one of {listed}", code="no-class")
    return found


def class_named(value: Json, classes: Sequence[str]) -> str | None:
    """The class of this name, or of this number where no name is one.

    >>> class_named(4, ["0", "1", "2", "3", "4"]), class_named("Cat", ["dog", "cat"]), class_named(1, ["dog", "cat"])
    ('4', 'cat', 'cat')
    >>> class_named(True, ["0", "1"]), class_named(7, ["0", "1"])
    (None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    word = str(value).strip().casefold()
    named = next((name for name in classes if name.casefold() == word), None)
    if named is not None or any(name.isdecimal() for name in classes) or not word.isdecimal() or len(word) > 6:
        return named
    return classes[int(word)] if int(word) < len(classes) else None


def said_by_name(path: str, classes: Sequence[str]) -> tuple[str | None, str | None]:
    """(what the image shows, what was predicted) by its file's name, or by its folder's; None where it says nothing.

    Two classes without a word between them that tells which is which say nothing.

    >>> digits = [str(digit) for digit in range(10)]
    >>> said_by_name("own/4.png", digits), said_by_name("digit_7_pred_1.png", digits), said_by_name("4/a.png", digits)
    (('4', None), ('7', '1'), ('4', None))
    >>> said_by_name("img12_3.png", digits), said_by_name("4_9.png", digits), said_by_name("scan.png", digits)
    (('3', None), (None, None), (None, None))
    """
    pure = PurePosixPath(path)
    for text in (pure.stem, pure.parent.name):
        true: list[str] = []
        predicted: list[str] = []
        is_prediction = False
        for piece in _PIECE.findall(text):
            name = next((one for one in classes if one.casefold() == piece.casefold()), None)
            if name is not None:
                (predicted if is_prediction else true).append(name)
            is_prediction = piece.casefold() in _AS or (is_prediction and name is None)
        if len(true) == 1 and len(predicted) <= 1:
            return true[0], predicted[0] if predicted else None
        if true or predicted:
            return None, None
    return None, None
