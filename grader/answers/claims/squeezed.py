"""Where did a table lose its columns, so that single blanks part them? "Model X Train Test" / "Accuracy 0.89 0.82"."""

from __future__ import annotations

from collections.abc import Sequence

from grader.answers.claims.grids import Grid, Row
from grader.answers.claims.quantities import quantities_in
from grader.answers.claims.tokens import Kind, Token
from grader.answers.claims.vocabulary import MODIFIERS, SPLITS, metric_phrase, word_set


def squeezed(block: Sequence[Token]) -> list[Grid]:
    """Tables in a block of text whose columns only single blanks part: a line of labels, then lines of as many numbers.

    >>> from grader.answers.claims.tokens import tokens_of
    >>> tokens = [
    ...     *tokens_of("Model X Train Test", 1),
    ...     Token(Kind.BREAK, "", "", 1, 0, 0),
    ...     *tokens_of("Accuracy 0.89 0.82", 2),
    ... ]
    >>> [[row.cells for row in grid.rows] for grid in squeezed(tokens)]
    [[['Model X', 'Train', 'Test'], ['Accuracy', '0.89', '0.82']]]
    """
    rows = _lines_of(block)
    found: list[Grid] = []
    at = 0
    while at < len(rows) - 1:
        heads = _heads(rows[at])
        data: list[Row] = []
        stop = at + 1
        while heads and stop < len(rows):
            row = _values(rows[stop], len(heads) - 1)
            if row is None:
                break
            data.append(row)
            stop += 1
        if data:
            head = Row(rows[at][0].line, heads, is_head=True)
            found.append(Grid([head, *data], rows[at][0].line, rows[stop - 1][0].line + 1, "squeezed"))
            at = stop
        else:
            at += 1
    return found


def _lines_of(block: Sequence[Token]) -> list[list[Token]]:
    rows: list[list[Token]] = [[]]
    for token in block:
        if token.kind is Kind.BREAK:
            rows.append([])
        else:
            rows[-1].append(token)
    return [row for row in rows if row]


_COLUMN_WORDS = word_set("support epoch time epochs")


def _heads(row: Sequence[Token]) -> list[str]:
    """[corner, column, column ...] of a line of labels; empty for another line."""
    if len(row) < 2 or len(row) > 30 or any(token.kind is Kind.NUMBER and "." in token.text for token in row):
        return []
    if any(token.kind is Kind.SIGN and token.low not in ("/", "-", "(", ")", "%", "#") for token in row):
        return []
    columns: list[str] = []
    first = None
    at = 0
    pending: list[str] = []
    start = 0
    while at < len(row):
        words = [token.low for token in row[at : at + 3]]
        phrase = metric_phrase(words) if row[at].kind is Kind.WORD else None
        if phrase and row[at].kind is Kind.WORD:
            size = phrase[1]
            text = " ".join([*pending, *(token.text for token in row[at : at + size])])
            columns.append(text)
            first = start if first is None else first
            pending = []
            at += size
        elif row[at].low in SPLITS:
            if pending and any(word.casefold() in SPLITS for word in pending):
                columns.append(" ".join(pending))
                pending = []
            first = at if first is None else first
            pending.append(row[at].text)
            start = at
            at += 1
        elif row[at].low in _COLUMN_WORDS:
            columns.append(row[at].text)
            first = at if first is None else first
            at += 1
        elif row[at].low in MODIFIERS or first is None or row[at].low in ("(", ")", "%", "set"):
            if first is not None and columns and not pending:
                columns[-1] += " " + row[at].text
            elif first is not None:
                pending.append(row[at].text)
            at += 1
        else:
            return []
    if pending:
        columns.append(" ".join(pending))
    if len(columns) < 2:
        return []
    corner = " ".join(token.text for token in row[: first or 0])
    return [corner, *columns] if len(corner) <= 40 else []


def _values(row: Sequence[Token], count: int) -> Row | None:
    """A label and `count` numbers (or as many groups "a / b"), or None."""
    quantities = quantities_in(row, [False] * len(row))
    quantities = [q for q in quantities if "." in q.text or q.is_percent or q.text.isdigit()]
    groups: list[str] = []
    end = None
    first = None
    for quantity in quantities:
        between: list[str] = [token.low for token in row[end : quantity.at]] if end is not None else []
        if (
            end is None
            and any(token.kind is Kind.WORD for token in row[quantity.at :])
            and any(t.kind is Kind.WORD for t in row[quantity.end :])
        ):
            continue  # "Model 1 0.9": a number of the label
        if first is None:
            first = quantity.at
        text = quantity.text + ("%" if quantity.is_percent else "")
        if between == ["/"]:
            groups[-1] += f" / {text}"
        elif between in ([], ["|"]):
            groups.append(text)
        else:
            return None
        end = quantity.end
    if end is None or end != len(row) or first is None:
        return None
    label = " ".join(token.text for token in row[:first])
    if len(groups) == count + 1 and not label and groups[0].isdigit():
        label, groups = groups[0], groups[1:]
    if len(groups) == 2 and count > 2 and metric_phrase([token.low for token in row[:1]]):
        return Row(row[0].line, [label, groups[0], *[""] * (count - 1)])
    return Row(row[0].line, [label, *groups]) if len(groups) == count and len(label) <= 60 else None
