"""What did a person write in a report, line by line, without the noise of its file format?

file text -> report_lines -> readers of summaries (grader.architecture.readers) and of claims (grader.answers.claims)

    text -> blocks (notebook_text: cells of a notebook; otherwise the whole file)
         -> rows that were cleaned one by one (line_noise: terminal codes, logger prefixes, odd characters)
         -> marks that stand before a run of rows (quotes, comments) -> Lines
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum

from grader.documents.line_noise import clean_rows, is_clean, shows_something, without_prefix
from grader.documents.notebook_text import Piece, blocks_of_notebook, rows_of_broken_notebook
from grader.frozen import dataclass


class Source(StrEnum):
    """What kind of text a line stood in."""

    TEXT = "text"  # prose, Markdown, a PDF's text, LaTeX, HTML
    CODE = "code"  # the source of a notebook's code cell
    OUTPUT = "output"  # what a notebook's cell printed


# Nobody changes a line. It is not frozen because Python takes ten times as long to make a frozen one, of millions.
@dataclass(slots=True, unsafe_hash=True)
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


_SOURCES = {one.value: one for one in Source}
_MAX_QUOTES = 4  # an answer to an answer
_RETURNS = re.compile(r"(?<!\r)\r+\n")
_MARK = re.compile(r"[ \t]{0,8}(>|#{1,2}|//)(?:[ \t]|(?=[-=_|\[]{3})|$)")
_LIKE_A_PRINT = re.compile(r"[-=_─━]{8}|\[-1,|\(None,|Total params|Param #|[A-Z][A-Za-z]{0,40}\d?d?(?:-\d|\(\w)")


def report_lines(text: str, *, name: str = "") -> tuple[Line, ...]:
    r"""Every line of a report, notebook or log, cleaned, with its line number in the file.

    `name` is the file's name, a hint only: the content decides whether it is a notebook. Of an output that a
    notebook keeps in several forms (plain, HTML) the one a person can read is taken. Nothing is ever refused:
    a notebook that cannot be parsed is read row by row. Takes time linear in the text.

    >>> [line.text for line in report_lines("\x1b[1mModel\x1b[0m\r\n 10%|#   |\r100%|####| loss=0.1\n")]
    ['Model', '100%|####| loss=0.1']
    >>> cell = '{"cells": [{"cell_type": "code", "source": ["x = 1\\n", "x"],\n "outputs": [{"text": "1\\n2\\n"}]}]}'
    >>> [(line.number, line.text, line.source.value) for line in report_lines(cell)]
    [(1, 'x = 1', 'code'), (1, 'x', 'code'), (2, '1', 'output'), (2, '2', 'output')]
    """
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = _RETURNS.sub("\n", text)
        if "\n" not in text and "%|" not in text:  # lines that end as on an old Macintosh
            text = text.replace("\r", "\n")
    lines = _lines(text, name)
    return tuple(_without_marks(lines) if ">" in text or "#" in text or "//" in text else lines)


def _lines(text: str, name: str) -> list[Line]:
    blocks = blocks_of_notebook(text)
    if blocks is not None:
        return [
            Line(number, row, _SOURCES[block.source], block.part)
            for block in blocks
            for number, raw in _joined(block.pieces)
            for row in clean_rows(raw, is_code=block.source == "code")
        ]
    rows = text.split("\n")
    if len(rows) > 1 and not rows[-1]:
        rows.pop()  # what stands behind the last line end is no line
    is_code = name.endswith(".py")
    source = Source.CODE if is_code else Source.TEXT
    lines: list[Line] = []
    if "\\n" in text:
        for number, raw, kind, part in rows_of_broken_notebook(rows, source.value):
            lines += [Line(number, row, _SOURCES[kind], part) for row in clean_rows(raw, is_code=kind == "code")]
        return lines
    for number, raw in enumerate(rows, 1):
        if not raw:
            lines.append(Line(number, raw, source))
        elif is_clean(raw):
            lines.append(Line(number, raw.rstrip(), source))
        else:
            lines += [Line(number, row, source) for row in clean_rows(raw, is_code=is_code)]
    return lines


def _joined(pieces: Iterable[Piece]) -> Iterator[tuple[int, str]]:
    """The rows of strings that were written one after the other, each with the line that its text stands on."""
    open_row: list[str] = []
    number = 0
    for line, said in pieces:
        first, *others = _RETURNS.sub("\n", said).split("\n") if "\r" in said else said.split("\n")
        if open_row and open_row[-1].endswith("\r") and shows_something(first):
            open_row.clear()  # a progress bar that starts anew: what stands here now is on this line
        if not open_row:
            number = line
        if first:
            open_row.append(first)
        if not others:
            continue
        yield number, "".join(open_row)
        for other in others[:-1]:
            yield line, other
        number = line
        open_row = [others[-1]] if others[-1] else []
    if open_row:
        yield number, "".join(open_row)


def _without_marks(lines: list[Line]) -> list[Line]:
    """Take off `> `, `# ` and `// ` where a run of lines carries them; a lone one may mean something else."""
    for _ in range(_MAX_QUOTES):
        marked = [(at, found) for at, line in enumerate(lines) if (found := _MARK.match(line.text))]
        is_nested = False
        for run in _runs(marked, lines):
            mark = run[0][1][1]
            if _is_run(mark, [lines[at] for at, _ in run]):
                for at, found in run:
                    lines[at] = replace(lines[at], text=without_prefix(lines[at].text[found.end() :]))
                is_nested |= mark == ">"
        if not is_nested:
            break
    return lines


def _runs(
    marked: Sequence[tuple[int, re.Match[str]]], lines: Sequence[Line]
) -> Iterator[list[tuple[int, re.Match[str]]]]:
    """Marked lines that follow each other with the same mark in the same text."""
    run: list[tuple[int, re.Match[str]]] = []
    for at, found in marked:
        if run:
            before, line = lines[at - 1], lines[at]
            distance = at - run[-1][0]
            is_quote_across_blank = distance == 2 and found[1] == ">" and not before.text
            is_next = found[1] == run[-1][1][1] and (distance == 1 or is_quote_across_blank)
            if not is_next or (before.source, before.part) != (line.source, line.part):
                yield run
                run = []
        run.append((at, found))
    if run:
        yield run


def _is_run(mark: str, lines: Sequence[Line]) -> bool:
    if mark == ">":  # "> 95 %" alone is a bound, not a quotation
        return len(lines) > 1 or not lines[0].text.lstrip("> \t")[:1].isdigit()
    return len(lines) > 2 and (lines[0].source is Source.CODE or any(_LIKE_A_PRINT.search(line.text) for line in lines))
