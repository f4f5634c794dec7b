"""How do the lines of a Keras summary without bars become the cells of its rows?

Keras 1 and 2 print aligned text: up to 2.6 a cell is cut at its column's width, from 2.7 on it goes on in the next
line, cut anywhere; every column begins where its header begins. Keras 3 draws a table; where its bars were lost
in copying, words stand below each other instead.
"""

from __future__ import annotations

import re

from grader.architecture.readers._keras_cells import Cells, is_count
from grader.frozen import dataclass

HEADER = re.compile(r"Layer \(type\)(?P<output>\s+Output\s{1,3}Shape)(?P<count>\s+Param(?:eters|s)?\s?#?)(?P<rest>.*)")
_SHAPE_BEGIN = re.compile(
    r"(?<![\w.])(?:[\[({]{0,3}\((?:\s*(?:None|\d+|-1)\s*[,)]|\))|\[\]|multiple\b|\?(?=\s)|\{')|(?<=\))\((?:None|\d+),"
)
_COUNT = re.compile(r"\s*(\d[\d,]{0,20}(?:\s?\(un(?:built|used)\))?…?)(?=\s|$)")
_NAME_END = re.compile(r"[\w…./:>-]{0,80}(?:\s?\([\w…>]{0,80})?\)?")
_MAX_LINE = 600


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the columns begin, by the header; None where a column is not there."""

    output: int | None = None
    count: int | None = None
    connected: int | None = None
    trainable: int | None = None


def columns_of(header: str) -> Columns:
    """The columns of a header line that `HEADER` matches somewhere."""
    found = HEADER.search(header)
    if found is None:
        return Columns()
    places = {}
    for name, word in (("connected", "Connected to"), ("trainable", "Trai")):
        place = header.find(word, found.end("count"))
        places[name] = place if place >= 0 else None
    return Columns(
        header.index("Output", found.start("output")),
        header.index("Param", found.start("count")),
        places["connected"],
        places["trainable"],
    )


def main_line(text: str, line: int, columns: Columns) -> Cells | None:
    """The cells of a row's first line: a name, a shape, a count and what stands behind them; None for another line."""
    if len(text) > _MAX_LINE:
        return None
    text, depth = _without_nesting(text)
    begin = _shape_begin(text)
    if begin is None:
        return _cut_line(text, line, columns, depth)
    name = text[:begin].strip()
    if not name or not _is_name(name):
        return None
    end = _shape_end(text, begin, columns)
    count = _COUNT.match(text, end)
    if count is None:
        return None
    rest = text[count.end() :]
    connected, trainable = _behind(rest, count.end(), columns)
    return Cells(line, line, name, text[begin:end].strip(), count.group(1), connected, trainable, depth)


def _without_nesting(text: str) -> tuple[str, int]:
    """The line without the marks of nested networks: `|` at both ends, as often as it is deep; or Keras 3's `└`."""
    bare = text.lstrip()
    if bare.startswith("└"):
        return text.replace("└", " ", 1), max(1, round((len(text) - len(bare) - 1) / 3))
    depth = len(bare) - len(bare.lstrip("|"))
    if not depth:
        return text, 0
    start = len(text) - len(bare)
    end = len(text.rstrip().rstrip("|"))
    return " " * (start + depth) + text[start + depth : max(end, start + depth)], depth


def _shape_begin(text: str) -> int | None:
    for found in _SHAPE_BEGIN.finditer(text):
        if text[: found.start()].strip():
            return found.start()
    return None


def _shape_end(text: str, begin: int, columns: Columns) -> int:
    """Where the shape ends: its last bracket, two blanks, or the next column where the shape is cut."""
    depth = 0
    wide = text.find("  ", begin)
    limit = len(text) if wide < 0 else wide
    if text[begin] in "m?":
        return begin + (len("multiple") if text[begin] == "m" else 1)
    for place in range(begin, limit):
        if text[place] in "([{":
            depth += 1
        elif text[place] in ")]}":
            depth -= 1
            if depth == 0:
                return place + 1
    # Unbalanced: Keras cut the shape at its column, or it goes on in the next line.
    if columns.count is not None and begin < columns.count < limit and text[columns.count - 1] == " ":
        return columns.count
    if wide >= 0:
        return wide
    last = text.rfind(" ", begin, len(text.rstrip()))
    closing = max(text.rfind(bracket, begin) for bracket in ")]}")
    return closing + 1 if closing > begin else max(last, begin + 1)


def _cut_line(text: str, line: int, columns: Columns, depth: int) -> Cells | None:
    """A row whose shape is not there at all ("?" glued, or lost), by its columns."""
    if columns.output is None or columns.count is None or len(text) <= columns.count:
        return None
    name, output = text[: columns.output].strip(), text[columns.output : columns.count].strip()
    count = _COUNT.match(text, columns.count)
    if count is None or not name or not _is_name(name) or "(" not in name or output:
        return None
    connected, trainable = _behind(text[count.end() :], count.end(), columns)
    return Cells(line, line, name, "", count.group(1), connected, trainable, depth)


def _is_name(name: str) -> bool:
    """True if it can be the first cell: `conv2d_1 (Conv2D)`, cut anywhere; never a sentence."""
    head, _, tail = name.partition("(")
    if not head.strip() or len(head.split()) > 3 or ":" in tail:
        return False
    return head.strip()[0].isalnum() or head.strip()[0] == "_"


def _behind(rest: str, start: int, columns: Columns) -> tuple[str, str]:
    """What stands behind the count: connections and the letter for trainable."""
    stripped = rest.strip()
    trainable = ""
    if columns.trainable is not None or columns.connected is None:
        word = stripped.rsplit(None, 1)[-1] if stripped else ""
        if word in {"Y", "N"} or (word == "-" and columns.trainable is not None):
            trainable = word
            stripped = stripped[: -len(word)].strip()
    del start
    return stripped, trainable


def add_line(cells: Cells, text: str, line: int, columns: Columns, *, by_words: bool) -> bool:
    """Add a line that goes on with a row's cells; False if it cannot be one.

    `by_words`  the table was drawn by Keras 3, which breaks between words; Keras 2 breaks anywhere
    """
    if len(text) > _MAX_LINE:
        return False
    text, _ = _without_nesting(text)
    if columns.output is None or columns.count is None:
        pieces = _by_content(text.strip())
    else:
        edges = [0, columns.output, columns.count, columns.connected, columns.trainable]
        known = [edge for edge in edges if edge is not None]
        cut = [text[a:b] for a, b in zip(known, [*known[1:], len(text)], strict=True)]
        if not _are_apart(text, known):
            pieces = _by_content(text.strip())
        else:
            connected = cut[3] if columns.connected is not None else ""
            pieces = (cut[0], cut[1], cut[2], connected)
    if pieces is None:
        return False
    name, output, count, connected = (piece.strip() for piece in pieces)
    if count and count not in {"(unbuilt)", "(unused)"}:
        return False
    if name and not _NAME_END.fullmatch(name):
        return False
    if output and not set(output) <= set("()[]{}, 0123456789NoneultipMl-'_:abcdefghijkmqrsvwxyz"):
        return False
    if (output or connected or name) and _closes(cells, name, output, connected):
        joint = " " if by_words or (name.startswith("(") and not cells.name.endswith("(")) else ""
        cells.name += joint + name if name else ""
        cells.output += (" " if by_words else "") + output if output else ""
        cells.count += " " + count if count else ""
        cells.connected = f"{cells.connected}{_joint(cells.connected, connected, by_words=by_words)}{connected}"
        cells.last_line = line
        return True
    return False


def _joint(before: str, after: str, *, by_words: bool) -> str:
    # Keras 2 breaks a list of connections behind a comma, and a long name anywhere.
    if not before or not after:
        return ""
    return " " if by_words or before.endswith(",") or "'" not in before or after.startswith("'") else ""


def _closes(cells: Cells, name: str, output: str, connected: str) -> bool:
    """True if what a line adds was still open in the row, so that prose below a row is not taken for its end."""
    if name and (cells.name.count("(") > cells.name.count(")") or "(" not in cells.name):
        return True
    if output and (cells.output.count("(") >= cells.output.count(")") or cells.output.rstrip().endswith(",")):
        return True
    return bool(connected) and not name and ("[" in connected or "]" in connected)


def _are_apart(text: str, edges: list[int]) -> bool:
    return all(edge >= len(text) or edge == 0 or text[edge - 1] == " " for edge in edges)


def _by_content(text: str) -> tuple[str, str, str, str] | None:
    """The one cell that a lone text can be, where columns do not tell."""
    if "  " in text:
        return None
    if "[" in text and "][" in text:
        return "", "", "", text
    if text.endswith(")") and not any(character.isdigit() and text[0] == "(" for character in text[1:2]):
        return text, "", "", ""
    if set(text) <= set("0123456789,()[] None"):
        return "", text, "", ""
    return None


def looks_like_row(text: str) -> bool:
    """True for a line that stands by itself and can only be a row of Keras: `dense (Dense)   (None, 10)   650`."""
    if "(None" not in text or len(text) > _MAX_LINE:
        return False
    cells = main_line(text, 0, Columns())
    return cells is not None and "(" in cells.name and is_count(cells.count)
