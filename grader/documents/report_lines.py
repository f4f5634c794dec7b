"""What did a person write in a report, line by line, without the noise of its file format?

file text -> report_lines -> readers of summaries (grader.architecture.readers) and of claims (grader.answers.claims)
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final


class Source(StrEnum):
    """What kind of text a line stood in."""

    TEXT = "text"  # prose, Markdown, a PDF's text, LaTeX, HTML
    CODE = "code"  # the source of a notebook's code cell
    OUTPUT = "output"  # what a notebook's cell printed


@dataclass(frozen=True, slots=True)
class Line:
    """One line as a person sees it.

    `number`  the line of the file that it stands on, from 1; several lines share one where a JSON string
              or an HTML line holds several
    `text`    the line without what is not its content: ANSI codes, carriage returns, JSON escapes, logger prefixes,
              quote and prompt marks, code fences kept as they are; leading blanks kept (trees and reprs need them)
    `part`    a count that goes up where one text ends and another begins (the cells of a notebook)
    """

    number: int
    text: str
    source: Source = Source.TEXT
    part: int = 0


def report_lines(text: str, *, name: str = "") -> tuple[Line, ...]:
    r"""The lines of a report: of plain text, Markdown, LaTeX or HTML, or of the cells and outputs of a notebook.

    `name`  the file's name, a hint only: what a text is, its content decides

    >>> [(line.number, line.text) for line in report_lines("a\n\x1b[1m> b\x1b[0m\r\nepoch 1\repoch 2\n")]
    [(1, 'a'), (2, 'b'), (3, 'epoch 2')]
    >>> [
    ...     (line.number, line.text)
    ...     for line in report_lines('{"cells": [\n{"cell_type": "markdown",\n"source": ["# A\\n",\n"b"]}]}')
    ... ]
    [(3, '# A'), (4, 'b')]
    """
    del name
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] == "{" and ('"cells"' in text or '"worksheets"' in text):
        written = _notebook(text)
        if written:
            return tuple(_uncommented([_clean(line) for line in written]))
    return tuple(_uncommented([_clean(line) for line in _plain(text)]))


def _clean(line: Line) -> Line:
    text = _cleaned(line.text)
    return line if text == line.text else replace(line, text=text)


# --- plain text -------------------------------------------------------------------------------


def _plain(text: str) -> Iterator[Line]:
    if "\r" in text and "\n" not in text:
        text = text.replace("\r", "\n")  # how old Macs ended lines
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    for number, written in enumerate(lines, 1):
        unescaped = _json_literal(written)
        if unescaped is None:
            yield Line(number, written)
            continue
        for piece in unescaped:
            yield Line(number, piece)


_LITERAL: Final = re.compile(r'\s*(?:"(?:text|source)"\s*:\s*\[\s*)?("[^"\\]*(?:\\.[^"\\]*)*")\s*\]?,?\s*')


def _json_literal(written: str) -> list[str] | None:
    r"""The text lines of a JSON string that stands alone on a line, as in a notebook that is no JSON any more.

    >>> _json_literal('   "Conv2d-1 \\u2502 320\\n",'), _json_literal('"quoted"'), _json_literal("plain")
    (['Conv2d-1 │ 320'], None, None)
    """
    stripped = written.strip()
    if not stripped.endswith(('"', ",", "]")) or "\\n" not in written:
        return None
    found = _LITERAL.fullmatch(stripped)
    if found is None:
        return None
    try:
        value = json.loads(found.group(1))
    except ValueError:
        return None
    return str(value).removesuffix("\n").split("\n")


# --- notebooks --------------------------------------------------------------------------------

_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SHOWN: Final = ("text/plain", "text/markdown", "text/html", "text/latex")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it stands in the file, in its order."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A string of the file, with the line that it starts on."""

    text: str
    line: int


def _notebook(text: str) -> list[Line]:
    """The strings of a notebook's cells in order, each text line with the line of the file; [] where it is none."""
    try:
        document = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return []
    try:
        placed = _placed(document, _string_lines(text))
    except RecursionError:
        return []
    cells = _get(placed, "cells")
    if not isinstance(cells, list):
        sheets = _get(placed, "worksheets")
        cells = (
            [cell for sheet in sheets or () for cell in _get(sheet, "cells") or ()] if isinstance(sheets, list) else []
        )
    return [line for part, cell in enumerate(cells) for line in _cell(cell, part)]


def _string_lines(text: str) -> Iterator[int]:
    """The line that each string of a JSON text starts on, in the order of the text."""
    number, counted = 1, 0
    for found in _STRING.finditer(text):
        number += text.count("\n", counted, found.start())
        counted = found.start()
        yield number


def _placed(value: Any, lines: Iterator[int]) -> Any:
    """The document with a line for each string. It is walked in the order of the file, as the strings are."""
    if isinstance(value, str):
        return _Written(value, next(lines))
    if isinstance(value, _Pairs):
        made = _Pairs()
        for key, one in value:
            next(lines)
            made.append((key, _placed(one, lines)))
        return made
    if isinstance(value, list):
        return [_placed(one, lines) for one in value]
    return value


def _get(value: Any, key: str) -> Any:
    return next((one for name, one in value if name == key), None) if isinstance(value, _Pairs) else None


def _cell(cell: Any, part: int) -> Iterator[Line]:
    kind = _get(cell, "cell_type")
    is_code = isinstance(kind, _Written) and kind.text == "code"
    for key in ("source", "input"):
        yield from _texts(_get(cell, key), Source.CODE if is_code else Source.TEXT, part)
    outputs = _get(cell, "outputs")
    for output in outputs if isinstance(outputs, list) else ():
        data = _get(output, "data")
        yield from _texts(_get(output, "text"), Source.OUTPUT, part)
        shown = next((one for one in (_get(data, kind) for kind in _SHOWN) if one is not None), None)
        yield from _texts(shown, Source.OUTPUT, part)


def _texts(value: Any, source: Source, part: int) -> Iterator[Line]:
    """The lines of a string, or of a list of strings that end where they say (a line may go on in the next one)."""
    pieces = [value] if isinstance(value, _Written) else value if isinstance(value, list) else []
    number, started = 0, ""
    for piece in pieces:
        if not isinstance(piece, _Written):
            continue
        for text in piece.text.splitlines(keepends=True) if "\r" not in piece.text else piece.text.split("\n"):
            number = number or piece.line
            started += text
            if text.endswith("\n") or "\r" in piece.text:
                yield Line(number, started.rstrip("\n"), source, part)
                number, started = 0, ""
    if started:
        yield Line(number, started, source, part)


# --- noise ------------------------------------------------------------------------------------

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*\x07?|[@-Z\\^_])")
_HIDDEN: Final = {
    **dict.fromkeys(map(ord, "\x00\u200b\u200c\u200d\u2060\ufeff\u00ad\x0c\x08"), None),
    **dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u2009\u200a\u2002\u2003\u3000"), " "),
    **{0xFF10 + digit: str(digit) for digit in range(10)},
    ord("\u2212"): "-",
}
_ENTITY: Final = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_LEVEL: Final = r"(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)"
_TIME: Final = r"\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?"
_LOGGED: Final = re.compile(
    rf"(?:{_LEVEL}:[\w.]+:|{_TIME}\s+(?:-\s+)?(?:[\w.]+\s+(?:-\s+)?)?\[?{_LEVEL}\]?\s*[-:|]?\s?|{_TIME}\s[-|]?\s?"
    rf"|\[{_LEVEL}\]\s?|\[?\d{{1,2}}:\d\d:\d\d\]?\s{_LEVEL}\s|\d{{1,6}}\.\d+s\t\d+\t)"
)
_PROMPT: Final = re.compile(r"(?:>>> |In ?\[[ \d]*\]: ?|Out ?\[[ \d]*\]: ?)")
_QUOTED: Final = re.compile(r"(?:\s{0,3}>(?!>) ?)+")


def _cleaned(text: str) -> str:
    r"""One line without codes, marks and prefixes.

    >>> _cleaned("INFO:root:  Conv2d-1"), _cleaned("> > a"), _cleaned(">>> print(x)"), _cleaned("1&nbsp;234")
    ('  Conv2d-1', 'a', 'print(x)', '1 234')
    """
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    if "\r" in text:  # a progress bar draws over itself: the last state is what a person saw
        text = next((state for state in reversed(text.split("\r")) if state.strip()), "")
    if not text.isascii() or "\x00" in text or "\x0c" in text or "\x08" in text:
        text = text.translate(_HIDDEN)
    if "&" in text and _ENTITY.search(text):
        text = _ENTITY.sub(lambda found: html.unescape(found.group()).translate(_HIDDEN), text)
    start = text[:1]
    if start in "DIWEC[0123456789" and start:
        logged = _LOGGED.match(text)
        if logged:
            text = text[logged.end() :]
    prompt = _PROMPT.match(text) if text[:1] in (">", "I", "O") else None
    if prompt:
        text = text[prompt.end() :]
    elif text.lstrip(" ")[:1] == ">":
        quoted = _QUOTED.match(text)
        text = text[quoted.end() :] if quoted else text
    return text.rstrip()


_LEAST_COMMENTED: Final = 3  # one line with a # is a heading, three in a row are a comment
_COMMENT: Final = re.compile(r"\s*(#|//|%|\*)(?![#%*/])")


def _uncommented(lines: list[Line]) -> list[Line]:
    """Lines in which every one of a run starts with the same comment mark, without it; the column is kept."""
    made = list(lines)
    start = 0
    while start < len(lines):
        found = _COMMENT.match(lines[start].text)
        end = start + 1
        if found is None:
            start = end
            continue
        mark, column = found.group(1), found.end()
        while end < len(lines) and lines[end].text[:column] == lines[start].text[:column]:
            end += 1
        if end - start >= _LEAST_COMMENTED and mark in ("#", "//"):
            for at in range(start, end):
                made[at] = replace(lines[at], text=(" " * column + lines[at].text[column:]).rstrip())
        start = end
    return made
