"""Which texts does a notebook hold, and on which line of its file does each stand?

A notebook that is valid JSON is parsed once; the strings of the file, found by one scan, come in the same order as
those of the parsed value, so each gets its line. One that is not valid is read row by row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from grader.frozen import dataclass

# A string of the notebook and the line of the file that it starts on, from 1.
Piece = tuple[int, str]

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_LITERAL = re.compile(
    r'[ \t]*(?:"(?P<key>[A-Za-z_/.+-]{1,40})"[ \t]*:[ \t]*\[?[ \t]*)?'
    r'"(?P<body>[^"\\]*+(?:\\.[^"\\]*+)*+)"(?P<end>[\], \t]*)$'
)
_OPENED = re.compile(r'[ \t]*"([\w./]{1,40})"[ \t]*:')
_KEYED = re.compile(r'[ \t]*(?:"[\w./+-]{1,60}"[ \t]*:|[\[\]{}]+,?[ \t]*$)')
_PLACEHOLDER = re.compile(r"<[^<>\n]{1,200}>$")
_SHOWN = ("text", "text/plain", "text/markdown", "text/html", "text/latex", "html", "latex", "markdown")
_WRITTEN = ("source", "input")


@dataclass(frozen=True, slots=True)
class Block:
    """Strings that follow each other without a gap: a cell's source, or one of its outputs.

    `source`  "text", "code" or "output", as in `report_lines.Source`
    """

    pieces: tuple[Piece, ...]
    source: str
    part: int


class _Pairs(list[Any]):
    """An object's keys and values in the order of the file; a key may stand twice."""


def blocks_of_notebook(text: str) -> list[Block] | None:
    """The texts of a notebook (format 3 or 4) in order; None if `text` is not a valid notebook."""
    if text.lstrip()[:1] != "{" or ('"cells"' not in text and '"worksheets"' not in text):
        return None
    try:
        parsed = json.loads(text, strict=False, object_pairs_hook=_Pairs)
        notebook = _placed(parsed, _string_lines(text))
    except (ValueError, RecursionError):
        return None
    if not isinstance(notebook, dict):
        return None
    sheets = [notebook, *_objects(notebook.get("worksheets"))]
    cells = [cell for sheet in sheets for cell in _objects(sheet.get("cells"))]
    if not cells:
        return None
    return [block for part, cell in enumerate(cells) for block in _blocks_of_cell(cell, part)]


def _string_lines(text: str) -> Iterator[int]:
    line, last = 1, 0
    for found in _STRING.finditer(text):
        line += text.count("\n", last, found.start())
        last = found.start()
        yield line


def _placed(value: Any, lines: Iterator[int]) -> Any:
    """`value` with a Piece in the place of every string."""
    if isinstance(value, str):
        return next(lines), value
    if isinstance(value, _Pairs):
        made = {}
        for key, inner in value:
            next(lines)
            made[key] = _placed(inner, lines)
        return made
    if isinstance(value, list):
        return [_placed(inner, lines) for inner in value]
    return value


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _pieces(value: Any) -> tuple[Piece, ...]:
    """Format allows one string or a list of strings."""
    return tuple(one for one in (value if isinstance(value, list) else [value]) if isinstance(one, tuple))


def _blocks_of_cell(cell: dict[str, Any], part: int) -> Iterator[Block]:
    kind = cell.get("cell_type")
    is_code = not (isinstance(kind, tuple) and kind[1] != "code")
    for key in _WRITTEN:
        if pieces := _pieces(cell.get(key)):
            yield Block(pieces, "code" if is_code else "text", part)
    for output in _objects(cell.get("outputs")):
        data = output.get("data")
        if pieces := _readable(data if isinstance(data, dict) else output):
            yield Block(pieces, "output", part)


def _readable(output: dict[str, Any]) -> tuple[Piece, ...]:
    """The form that a person can read: one output in two forms must not count twice."""
    forms = [found for key in ("text/markdown", "text", "text/plain") if (found := _pieces(output.get(key)))]
    for pieces in forms:
        if len(pieces) > 1 or not _PLACEHOLDER.match(pieces[0][1].strip()):
            return pieces
    for key in ("text/html", "html", "text/latex", "latex"):
        if pieces := _pieces(output.get(key)):
            return pieces
    return forms[0] if forms else ()


def rows_of_broken_notebook(rows: Sequence[str], source: str = "text") -> Iterator[tuple[int, str, str, int]]:
    r"""Rows of a text in which JSON strings may stand, unescaped: (line, row, source, part).

    >>> list(rows_of_broken_notebook(['   "Conv2d-1\\n",', '   "ReLU-2\\n"', "prose"]))
    [(1, 'Conv2d-1', 'text', 0), (2, 'ReLU-2', 'text', 0), (3, 'prose', 'text', 0)]
    """
    is_notebook = any('"cell_type"' in row for row in rows)
    kind, part, is_inside = "code", 0, False
    for number, row in enumerate(rows, 1):
        found = _LITERAL.match(row) if '"' in row else None
        key = found["key"] if found else None
        if found and key == "cell_type":
            kind, part = found["body"], part + 1
        if is_notebook and (opened := _OPENED.match(row)) and opened[1] in (*_SHOWN, *_WRITTEN):
            source = "output" if opened[1] in _SHOWN else "code" if kind == "code" else "text"
        if found and _is_text(found, is_inside=is_inside):
            is_inside = "," in found["end"]
            for inner in _unescaped(found["body"]).removesuffix("\n").split("\n"):
                yield number, inner, source, part
            continue
        is_inside = False
        if is_notebook and _KEYED.match(row):
            continue  # the frame of the notebook says nothing
        for inner in _printed_repr(row):
            yield number, inner, source, part


def _is_text(found: re.Match[str], *, is_inside: bool) -> bool:
    key, body = found["key"], found["body"]
    if key is None:
        return body.endswith("\\n") or (is_inside and "," not in found["end"])
    return key in _WRITTEN or key in _SHOWN


def _unescaped(body: str) -> str:
    if body.find("\\") == len(body) - 2 and body.endswith("\\n"):  # nearly every row: nothing but its line end
        return body[:-2]
    try:
        said = json.loads(f'"{body}"', strict=False)
    except ValueError:  # an escape that JSON does not know
        return body.replace("\\n", "\n").replace('\\"', '"').replace("\\t", "\t").replace("\\\\", "\\")
    return said if isinstance(said, str) else body


_REPR = re.compile(r"[ \t]*(?:Out\[\d*\]:[ \t]*)?(['\"])(?P<body>.*)\1[,)]?$")


def _printed_repr(row: str) -> list[str]:
    r"""The rows of a string that was shown as a literal on one row: '----\n Layer (type)\n====\n'."""
    if row.count("\\n") > 2 and (found := _REPR.match(row)):
        return found["body"].removesuffix("\\n").split("\\n")
    return [row]
