"""Which lines of a PDF's text are the cells of a table, one cell a line? Rows are put together again by their width.

The text of a PDF prints a table cell by cell: a few labels, then a label and its numbers, row after row. How many
numbers follow the first row's label gives the width; the labels above are the head.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from grader.answers.claims.cleaning import clean
from grader.answers.claims.grids import Grid, Row, is_number_cell
from grader.answers.claims.mentions import mentions_in
from grader.answers.claims.tokens import Kind, tokens_of_label
from grader.answers.claims.vocabulary import METRIC_BEGINNINGS, MODIFIERS, OPTIMIZERS, SPLITS, word_set
from grader.documents.report_lines import Line, Source

LONGEST_LABEL = 60
LONGEST_HEAD = 30
MOST_HEADS = 24


def find_cell_runs(lines: Sequence[Line], taken: Sequence[bool]) -> list[Grid]:
    """Tables of one cell a line.

    >>> text = ["The results:", "Train", "Test", "Accuracy", "0.745", "0.69", "Loss", "0.72", "0.88", "3"]
    >>> [grid] = find_cell_runs([Line(number, line) for number, line in enumerate(text, 1)], [False] * len(text))
    >>> [row.cells for row in grid.rows], grid.first, grid.end
    ([['', 'Train', 'Test'], ['Accuracy', '0.745', '0.69'], ['Loss', '0.72', '0.88']], 1, 9)
    """
    found = _find(lines, taken)
    used = list(taken)
    for grid in found:
        used[grid.first : grid.end] = [True] * (grid.end - grid.first)
    whole, origin = _with_whole_labels(lines, used)
    if len(whole) < len(lines):
        ends = [*origin[1:], len(lines)]
        more = _find(whole, [used[index] for index in origin])
        found += [replace(grid, first=origin[grid.first], end=ends[grid.end - 1]) for grid in more]
    return sorted(found, key=lambda grid: grid.first)


def _with_whole_labels(lines: Sequence[Line], used: Sequence[bool]) -> tuple[Sequence[Line], Sequence[int]]:
    """`lines` with heads that wrapped put together ("Test" / "accuracy"), and the first line of each."""
    wrapped: dict[int, Line] = {}  # the first line of a label -> the whole label
    swallowed: set[int] = set()
    head = 0  # the first line of the last label that was put together
    for index in range(1, len(lines)):
        line = lines[index]
        if len(line.text) >= LONGEST_HEAD or not _may_begin_with_metric(line.text) or used[index] or used[index - 1]:
            continue
        head = head if index - 1 in swallowed else index - 1
        last = wrapped.get(head, lines[head])
        if _is_label(line) and _is_label(last) and _is_second_half(last, line):
            wrapped[head] = replace(last, text=f"{last.text.strip()} {line.text.strip()}")
            swallowed.add(index)
    if not swallowed:
        return lines, range(len(lines))
    origin = [index for index in range(len(lines)) if index not in swallowed]
    return [wrapped.get(index, lines[index]) for index in origin], origin


def _may_begin_with_metric(text: str) -> bool:
    """A quick test; nothing is said of a text whose marks are still to be taken off."""
    if text.isascii() and not _CLEANED.search(text):
        return text.lstrip(_MARKS).casefold().startswith(METRIC_BEGINNINGS)
    return True


_CLEANED = re.compile(r"[\\<&\[]|//|www\.")
_MARKS = " \t\r\x0b\x0c*_`~${}^"


def _is_second_half(last: Line, line: Line) -> bool:
    """Is `line` a metric that the label above lacks: "Final test" / "accuracy (%)"?"""
    tokens = tokens_of_label(clean(line.text))
    begins = bool(tokens) and bool(mentions_in(tokens[:1]))
    return begins and len(last.text) < LONGEST_HEAD and _metric_or_split(last) and not _names_metric(last)


def _find(lines: Sequence[Line], taken: Sequence[bool]) -> list[Grid]:
    found: list[Grid] = []
    floor = 0
    for at, line in enumerate(lines):
        if len(line.text) > LONGEST_LABEL or taken[at] or at < floor or not _is_result_cell(line):
            continue
        grid = _grid_at(lines, taken, at, found[-1].end if found else 0)
        if grid is not None:
            found.append(grid)
            floor = grid.end
    return found


def _is_result_cell(line: Line) -> bool:
    """A short line that begins like a number, and holds little else."""
    text = line.text
    if len(text) > LONGEST_LABEL or not text.strip().lstrip("~≈<>*(.")[:1].isdigit() or line.source is Source.CODE:
        return False
    return is_number_cell(clean(text))


_SHORT = word_set("acc. val. no. max. min. avg. param. params. lr. accur.")


def _is_label(line: Line) -> bool:
    text = line.text.strip()
    if text.endswith(".") and text.split()[-1].casefold() in _SHORT:
        text = text[:-1]
    if (
        not text
        or len(text) > LONGEST_LABEL
        or text.endswith((".", ":", ",", ";"))
        or text.startswith(("•", "- ", "* ", "#"))
    ):
        return False
    if text[:1].isdigit() and not text[-1:].isalpha():
        return False
    return any(char.isalpha() for char in text) and len(text.split()) <= 8 and "=" not in text


def _grid_at(lines: Sequence[Line], taken: Sequence[bool], at: int, floor: int) -> Grid | None:
    """The table whose first number is line `at`."""
    top = at
    while top > floor and at - top < MOST_HEADS and not taken[top - 1] and _is_label(lines[top - 1]):
        top -= 1
    labels = list(range(top, at))
    if not labels:
        return None  # before all the numbers below are looked at
    end = at
    while end < len(lines) and not taken[end] and _is_result_cell(lines[end]):
        end += 1
    while end - at > 1 and _is_numbering(lines[end - 1]) and not (labels and _text(lines[at]).isdigit()):
        end -= 1  # the number of the page or of the next section
    numbers = end - at
    if _text(lines[at]).isdigit() and len(labels) > 1 and numbers >= len(labels) and _are_heads(lines, labels):
        for width in range(
            len(labels), 1, -1
        ):  # rows named by numbers: "Model", "Train loss", ... / "1", "1.2585", ...
            heads = labels[-width:]
            if (
                numbers % width == 0
                and _are_heads(lines, heads[1:], every=True)
                and _text(lines[at + width - 1 : at + width][0]) != ""
            ):
                rows = [[at + start + column for column in range(width)] for start in range(0, numbers, width)]
                if all(_text(lines[row[0]]).isdigit() for row in rows) and not all(
                    _text(lines[i]).isdigit() for row in rows for i in row[1:]
                ):
                    return _made(lines, heads, rows)
    if numbers > 1 and len(labels) >= numbers and all(_names_metric(lines[i]) for i in labels[-numbers:]):
        return _made(lines, labels[-numbers:], [list(range(at, end))])  # one row without a name
    width = numbers + 1
    heads = labels[:-1]
    label = labels[-1]
    names_rows = bool(_metric_or_split(lines[label]))
    if width == 2:
        return _pairs(lines, taken, label)
    are_heads = len(heads) >= numbers and _are_heads(lines, heads[-numbers:])
    are_splits = len(heads) >= numbers and not any(_names_metric(lines[i]) for i in heads[-numbers:])
    if not are_heads and not (names_rows and are_splits):
        return None
    rows = [[label, *range(at, end)]]
    nxt = end
    while nxt + numbers < len(lines) + 0 and not taken[nxt] and (_is_label(lines[nxt])):
        if not all(not taken[i] and _is_result_cell(lines[i]) for i in range(nxt + 1, nxt + 1 + numbers)):
            break
        beyond = lines[nxt + 1 + numbers] if nxt + 1 + numbers < len(lines) else None
        if (
            beyond is not None
            and _is_result_cell(beyond)
            and not _is_numbering(beyond)
            and not _metric_or_split(lines[nxt])
        ):
            break
        rows.append([nxt, *range(nxt + 1, nxt + 1 + numbers)])
        nxt += 1 + numbers
    corner = len(heads) > numbers and _is_corner(lines[heads[-numbers - 1]])
    chosen = heads[-numbers - 1 :] if corner else heads[-numbers:]
    if not any(_metric_or_split(lines[i]) for i in [*chosen, *(row[0] for row in rows)]):
        return None
    return _made(lines, chosen if corner else [-1, *chosen], rows)


def _pairs(lines: Sequence[Line], taken: Sequence[bool], label: int) -> Grid | None:
    """Label, number, label, number: a table of two columns. A last row's label must name a metric."""
    if not _names_metric(lines[label]) and not (label + 2 < len(lines) and _names_metric(lines[label + 2])):
        return None
    rows: list[list[int]] = []
    at = label
    while (
        at + 1 < len(lines)
        and not taken[at]
        and _is_label(lines[at])
        and not taken[at + 1]
        and _is_result_cell(lines[at + 1])
    ):
        if at + 2 < len(lines) and _is_result_cell(lines[at + 2]) and not _is_numbering(lines[at + 2]):
            break
        if rows and not _is_pure(lines[at]) and not any(_is_pure(lines[row[0]]) for row in rows):
            break
        rows.append([at, at + 1])
        at += 2
    if not any(_is_pure(lines[row[0]]) and not _is_numbering(lines[row[1]]) for row in rows):
        return None
    first = _text(lines[rows[0][1]])
    if len(rows) > 1 and first.isdigit() and not _names_metric(lines[rows[0][0]]):
        return _made(lines, rows[0], rows[1:])
    return _made(lines, [], rows)


def _is_numbering(line: Line) -> bool:
    """Can this be the number of a page or a section: "12", "4.2"?"""
    return bool(_NUMBERING.match(_text(line)))


_NUMBERING = re.compile(r"^(?:\d{1,3}|[1-9]\.\d{1,2}|\d{1,2}(?:\.\d{1,2}){2,3})\.?$")


def _is_pure(line: Line) -> bool:
    """Does a label name a metric and nothing else: "Test accuracy (%)", not "Figure 4: validation loss"?"""
    tokens = tokens_of_label(_text(line))
    mentions = mentions_in(tokens)
    inside = {at for mention in mentions for at in range(mention.start, mention.end)}
    rest = [token for at, token in enumerate(tokens) if at not in inside and token.kind is Kind.WORD]
    return len(mentions) == 1 and all(token.low in MODIFIERS or token.low in OPTIMIZERS for token in rest)


def _text(line: Line) -> str:
    return clean(line.text).strip()


def _metric_or_split(line: Line) -> bool:
    tokens = tokens_of_label(clean(line.text))
    return bool(mentions_in(tokens)) or any(token.low in SPLITS and token.kind is Kind.WORD for token in tokens)


def _names_metric(line: Line) -> bool:
    return bool(mentions_in(tokens_of_label(clean(line.text))))


def _are_heads(lines: Sequence[Line], labels: Sequence[int], *, every: bool = False) -> bool:
    """Are these the heads of columns? Not where a split stands beside a metric without one: then the heads wrapped."""
    named = [_metric_or_split(lines[label]) for label in labels]
    metrics = [_names_metric(lines[label]) for label in labels]
    is_torn = any(
        is_metric and len(_text(lines[i]).split()) == 1 for i, is_metric in zip(labels, metrics, strict=True)
    ) and any(is_named and not is_metric for is_named, is_metric in zip(named, metrics, strict=True))
    return bool(named) and not is_torn and (all(named) if every else sum(named) * 2 >= len(named))


_CORNERS = word_set(
    """
    model models network net metric metrics method split set dataset data optimizer name configuration config experiment
    architecture run result results modell netz setup
    """
)


def _is_corner(line: Line) -> bool:
    """Can this be the head of the column of labels: "Metric", "Model", "Model X / Model Y"?"""
    words = _text(line).casefold().split()
    return any(word.strip("#:") in _CORNERS for word in words) and len(words) <= 6


def _made(lines: Sequence[Line], heads: Sequence[int], rows: Sequence[Sequence[int]]) -> Grid:
    made: list[Row] = []
    used = [index for index in [*heads, *(i for row in rows for i in row)] if index >= 0]
    if heads:
        first = next(index for index in heads if index >= 0)
        made.append(
            Row(lines[first].number, ["" if index < 0 else _text(lines[index]) for index in heads], is_head=True)
        )
    made += [
        Row(lines[row[0]].number, [_text(lines[i]) for i in row], cell_lines=[lines[i].number for i in row])
        for row in rows
    ]
    return Grid(made, min(used), max(used) + 1, "cells")
