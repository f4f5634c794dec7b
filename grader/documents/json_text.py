"""How is JSON from a stranger read? By the standard parser, with everything that JSON does not allow refused.

A text without flaws takes the fast path. Only a text with one is walked token by token, to say where it stands.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import partial

from grader.documents.text import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_PROBLEMS,
    Document,
    DocumentError,
    Path_,
    broken,
)
from grader.documents.wording import clean, shown
from grader.frozen import dataclass
from grader.model import Json, Place, Problem

_PIECE = r'\n|[\[\]{},]|"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s\[\]{},:"]++'


def parse_json(text: str, *, name: str, first_line: int = 1) -> Json:
    """Parse JSON strictly, or raise DocumentError with the line of every flaw.

    `first_line` is the line of the file on which `text` starts: 17 for the 17th record of a JSONL file.

    >>> parse_json('{"a": [1, 2.5]}', name="answers.json")
    {'a': [1, 2.5]}
    >>> parse_json('{"a": 1, "a": 2}', name="answers.json")
    Traceback (most recent call last):
    grader.documents.text.DocumentError: answers.json:1 /a: the key "a" stands twice in one object
      fix: keep one of the two
    """
    # A lone half of a character survives json.loads and breaks whatever prints it: look closer.
    is_flawed = "\\ud" in text or "\\uD" in text

    def pairs(items: list[tuple[str, Json]]) -> dict[str, Json]:
        nonlocal is_flawed
        made = dict(items)
        is_flawed |= len(made) != len(items)
        return made

    def whole(digits: str) -> int:
        nonlocal is_flawed
        if len(digits) > MAX_DIGITS:
            is_flawed = True
            return 0
        return int(digits)

    def real(digits: str) -> float:
        nonlocal is_flawed
        value = float(digits)
        is_flawed |= not math.isfinite(value) or len(digits) > MAX_DIGITS
        return value

    def constant(_word: str) -> float:
        nonlocal is_flawed
        is_flawed = True
        return 0.0

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_int=whole, parse_float=real, parse_constant=constant)
    except json.JSONDecodeError as error:
        where = f"{name}:{error.lineno + first_line - 1}"
        said, fix = _slip(text, error)
        raise broken("bad-json", where, f"not valid JSON: {said} (column {error.colno})", fix) from error
    except RecursionError as error:
        _refuse_flaws(text, name, first_line)
        raise _too_deep(name, first_line) from error
    if is_flawed or (text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value)):
        _refuse_flaws(text, name, first_line)
    return value


def _is_deep(value: Json) -> bool:
    """Whether containers nest more than MAX_DEPTH deep. Level by level: no recursion, whatever came in."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return False
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return True


def json_document(text: str, *, name: str) -> Document:
    r"""Parse JSON as `parse_json` does, into a Document whose places name the line.

    >>> document = json_document('{"answers":\n {"a": [1,\n 2]}}', name="answers.json")
    >>> str(document.place(["answers", "a", 1]))
    'answers.json:3 /answers/a/1'
    """
    return Document(name, parse_json(text, name=name), partial(_lines, text))


def _lines(text: str) -> dict[Path_, int]:
    return {token.path: token.line for token in _walk(text)}


@dataclass(frozen=True, slots=True)
class _Token:
    """The start of a value: where it is, on which line (of its key, if it has one), and how it is spelled."""

    path: Path_
    line: int
    text: str
    key: str | None = None  # the key as spelled, for a value in an object
    is_duplicate: bool = False


class _TooDeep(Exception):  # noqa: N818  a signal between two functions, never shown
    def __init__(self, line: int) -> None:
        self.line = line


def _walk(text: str, first_line: int = 1) -> Iterator[_Token]:
    """Every value of a text that json.loads has accepted, from the top down."""
    line = key_line = first_line
    path: Path_ = ()
    seen: list[set[str] | None] = []  # per open bracket: the keys of an object, None for an array
    step: str | int | None = None  # where the next value goes; None in an object that waits for a key
    key_text: str | None = None
    is_duplicate = False
    steps: list[str | int | None] = []
    for match in re.finditer(_PIECE, text):
        piece = match[0]
        if piece == "\n":
            line += 1
        elif piece == ",":
            step = step + 1 if isinstance(step, int) else None
        elif piece in "]}":
            seen.pop()
            step, path = steps.pop(), path[:-1]
        elif seen and seen[-1] is not None and step is None:
            key: str = json.loads(piece)
            is_duplicate = key in seen[-1]
            seen[-1].add(key)
            step, key_text, key_line = key, piece, line
        else:
            here = path if step is None else (*path, step)
            in_object = bool(seen) and seen[-1] is not None
            at = key_line if in_object else line
            yield _Token(here, at, piece, key_text if in_object else None, is_duplicate and in_object)
            if piece in "[{":
                if len(seen) == MAX_DEPTH:
                    raise _TooDeep(line)
                steps.append(step)
                seen.append(set() if piece == "{" else None)
                path, step = here, None if piece == "{" else 0


def _refuse_flaws(text: str, name: str, first_line: int) -> None:
    """Raise DocumentError with every flaw of a text that json.loads takes and JSON does not."""
    problems: list[Problem] = []
    try:
        for token in _walk(text, first_line):
            where = clean(str(Place(name, line=token.line).child(*token.path)))
            problems.extend(Problem(code, where, what, fix) for code, what, fix in _flaws(token))
            if len(problems) >= MAX_PROBLEMS:
                break
    except _TooDeep as signal:
        raise _too_deep(name, signal.line) from None
    if problems:
        raise DocumentError(problems)


def _too_deep(name: str, line: int) -> DocumentError:
    return broken(
        "too-deep", f"{name}:{line}", f"nested deeper than {MAX_DEPTH} levels", f"nest at most {MAX_DEPTH} levels"
    )


def _flaws(token: _Token) -> Iterator[tuple[str, str, str]]:
    """(code, what, fix) of whatever is wrong with one value or its key."""
    if token.is_duplicate:
        yield "duplicate-key", f"the key {shown(token.path[-1])} stands twice in one object", "keep one of the two"
    for spelled in (token.key, token.text):
        if spelled and spelled[0] == '"' and _has_half_character(spelled):
            yield (
                "half-character",
                "the text has half a character (a lone \\ud800 to \\udfff)",
                "remove it, or write the whole character",
            )
    if token.text[0] in '"[{' or token.text in ("true", "false", "null"):
        return
    if token.text.lstrip("-")[:1] in "NI":
        yield "not-finite", f"{token.text} is not a JSON number", "write a finite number, or null"
    elif len(token.text) > MAX_DIGITS:
        yield "too-long", f"a number of {len(token.text):,} characters", f"write at most {MAX_DIGITS} digits"
    elif not math.isfinite(float(token.text)):
        yield "not-finite", f"the number {clean(token.text, 40)} is not finite", "write a finite number"


def _has_half_character(spelled: str) -> bool:
    return "\\u" in spelled and any("\ud800" <= char <= "\udfff" for char in json.loads(spelled))


def _slip(text: str, error: json.JSONDecodeError) -> tuple[str, str]:
    """What is wrong here, and the usual slip behind it, so that a student who never saw JSON can mend it."""
    pos = error.pos
    # Python 3.13 points at the comma before a closing bracket, 3.11 at the bracket or behind the comma.
    if text[pos : pos + 1] == ",":
        pos += 1
    rest = text[pos:].lstrip()
    if "\0" in text[pos : pos + 2]:  # where a program filled the file up, or wrote it as UTF-16
        return "a NUL character, which is no text", "save the file anew, as UTF-8 text"
    before = text[:pos].rstrip()[-1:]
    said = error.msg[:1].lower() + error.msg[1:]
    word = re.match(r"[^\W\d]\w*", rest)
    if not text.strip():
        return "the file is empty", "start from the template"
    if before == "," and rest[:1] in ("}", "]"):
        return "a comma before a closing bracket", "remove the comma"
    if rest.startswith(("//", "/*", "#")):
        return "a comment", "remove it: JSON has no comments"
    if rest[:1] in ("'", "\u2018", "\u2019", "\u201c", "\u201d"):
        return f"the quote {rest[0]}", 'use straight double quotes: "text"'
    if word and word[0] in ("True", "False", "None"):
        right = {"True": "true", "False": "false", "None": "null"}[word[0]]
        return f"the word {word[0]}", f"write {right}"
    if word and "property name" in error.msg:
        return f"the key {clean(word[0], 40)} without quotes", f'put it in double quotes: "{clean(word[0], 40)}"'
    if word and error.msg == "Expecting value":
        return f"the word {clean(word[0], 40)} without quotes", "put text in double quotes"
    if error.msg == "Extra data":
        return "more text after the end of the document", "keep one value in the file, or add the missing bracket"
    if error.msg.startswith("Unterminated string"):
        return "a text that never ends", "add the closing double quote"
    if error.msg.startswith("Invalid control character"):
        return "a line break or tab inside a text", "write \\n or \\t, or close the text on its own line"
    if error.msg.startswith("Invalid \\"):
        return "a backslash that starts no escape", "write two backslashes for one"
    if (before.isdigit() and rest[:1] in ("/", "%", "_", ".")) or (before == "0" and rest[:1].isdigit()):
        return f"a number that goes on with {rest[0]}", "write a plain number such as 0.5; put other text in quotes"
    if rest[:1] in ("+", "."):
        return said, "write a number as 0.5 or 5: with a digit first and no plus sign"
    if not rest:
        return "the text ends too early", "add the missing closing bracket; the file may be cut off"
    if "delimiter" in error.msg:
        colon = "':'" in error.msg
        return said, 'write "key": value' if colon else "a comma or a closing bracket is missing before this place"
    return said, "compare with the template; an editor that knows JSON marks the place"
