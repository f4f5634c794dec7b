"""What does a JSON log record? One object a line; or one document: a list of them, or a list for each name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from grader.documents.training_log.record import MAX_PAIRS, MAX_ROWS, Log, Pair, Row, kept

_MAX_LINE: Final = 100_000
_MAX_WORDS: Final = 2 * 2**20  # characters of a file that is one document
_DEPTH: Final = 3


def read_json(text: str) -> Log | None:
    r"""The rows of JSON lines, of a list of objects or of lists by name; None for a text that is no JSON.

    Numbers keep their digits; NaN and Infinity, which Python writes, are read. Objects in objects are joined by `/`.

    >>> read_json('{"epoch": 1, "train": {"loss": NaN}}\n').rows
    (Row(number=1, pairs=(('epoch', '1'), ('train/loss', 'NaN'))),)
    >>> read_json('{"val_loss": [0.5, 0.40]}').rows[1]
    Row(number=2, pairs=(('epoch', '2'), ('val_loss', '0.40')))
    """
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return None
    if start == "{":
        lines = text.splitlines()
        log = _by_line(lines)
        if log is not None:
            return log
    if len(text) > _MAX_WORDS:
        return None
    whole = _loaded(text)
    if isinstance(whole, Mapping) and isinstance(whole.get("log_history"), list):
        whole = whole["log_history"]  # Hugging Face's trainer_state.json
    if isinstance(whole, list) and whole and all(isinstance(one, Mapping) for one in whole):
        rows = [Row(number, pairs) for number, one in enumerate(whole[:MAX_ROWS], 1) if (pairs := _pairs(one))]
        return _log("entry", rows, [f"the entries from {MAX_ROWS + 1:,} on"] if len(whole) > MAX_ROWS else [])
    return _by_name(whole) if isinstance(whole, Mapping) else None


def _log(unit: str, rows: list[Row], doubts: list[str]) -> Log:
    return Log("json", unit, tuple(rows), tuple(doubts))


def _loaded(text: str) -> Any:
    """The value, numbers as their own digits; None for what is no JSON."""
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _by_line(lines: list[str]) -> Log | None:
    rows: list[Row] = []
    doubts: list[str] = []
    broken = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(rows) == MAX_ROWS:
            doubts.append(f"the lines from {number:,} on")
            break
        value = _loaded(line) if len(line) <= _MAX_LINE else None
        if isinstance(value, Mapping):
            if pairs := _pairs(value):
                rows.append(Row(number, pairs))
            continue
        if not rows:
            return None  # a document over several lines, or text
        broken += 1
        if broken == 1:
            doubts.append(f"line {number:,}, which is no JSON object")
    if broken > len(rows):
        return None
    if broken > 1:
        doubts.append(f"{broken - 1:,} more lines like it")
    is_one_document = len(rows) == 0 or (len(lines) == 1 and any(isinstance(v, list) for v in _values(lines[0])))
    return None if is_one_document else _log("line", rows, doubts)


def _values(line: str) -> Iterator[Any]:
    value = _loaded(line)
    if isinstance(value, Mapping):
        yield from value.values()


def _by_name(whole: Mapping[str, Any]) -> Log | None:
    columns = {name: value for name, value in whole.items() if isinstance(value, list) and value}
    columns = {name: value for name, value in columns.items() if all(isinstance(one, str) for one in value[:MAX_ROWS])}
    longest = max(map(len, columns.values()), default=0)
    if not columns or len(columns) > MAX_PAIRS:
        return None
    rows = []
    has_epoch = any(name.casefold() in ("epoch", "epochs", "step", "steps") for name in columns)
    for at in range(min(longest, MAX_ROWS)):
        count: list[Pair] = [] if has_epoch else [("epoch", str(at + 1))]
        found = [(name, value[at]) for name, value in columns.items() if at < len(value) and kept(name, value[at])]
        rows.append(Row(at + 1, (*count, *found)))
    is_ragged = len(set(map(len, columns.values()))) > 1
    return _log("entry", rows, ["lists of different lengths"] if is_ragged else [])


def _pairs(value: Mapping[str, Any]) -> tuple[Pair, ...]:
    found: list[Pair] = []
    level: list[tuple[str, Any]] = list(value.items())[:MAX_PAIRS]
    for _ in range(_DEPTH):
        inner: list[tuple[str, Any]] = []
        for name, one in level:
            if isinstance(one, str) and kept(name, one):
                found.append((name, one))
            elif isinstance(one, Mapping):
                inner += [(f"{name}/{key}", below) for key, below in list(one.items())[:MAX_PAIRS]]
        level = inner[:MAX_PAIRS]
    return tuple(found[:MAX_PAIRS])
