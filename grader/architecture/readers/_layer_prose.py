"""Which lines of a report list the layers of a network without a table: "Conv2d(in: 3, out: 32, kernel size: 3)"?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from grader.architecture.readers._layer_settings import stated
from grader.architecture.readers._layer_words import LayerWord, begins_with_layer, is_structural, may_begin_with_layer
from grader.architecture.readers.tables import Cell, Style, Table, TableRow
from grader.documents.report_lines import Line, Source

_BULLET = re.compile(r"\s*(?:[-*•–]\s+|\d{1,2}[.)]\s+)?")
_LABEL = re.compile(
    r"(?=.*(?:\d|layer|block|stage|schicht|conv|fc\b|head|extractor|classifier))[\w #/.\-()]{1,40}:", re.IGNORECASE
)
# What a line that only sets a layer may say behind the layer's word.
_SETTING_WORDS = frozenset(
    [
        "filter",
        "filters",
        "kernel",
        "kernels",
        "size",
        "sizes",
        "padding",
        "pad",
        "stride",
        "strides",
        "channel",
        "channels",
        "in",
        "out",
        "output",
        "outputs",
        "input",
        "inputs",
        "feature",
        "features",
        "map",
        "maps",
        "unit",
        "units",
        "hidden",
        "neuron",
        "neurons",
        "node",
        "nodes",
        "activation",
        "function",
        "same",
        "valid",
        "with",
        "and",
        "by",
        "of",
        "layer",
        "layers",
        "rate",
        "prob",
        "probability",
        "dilation",
        "groups",
        "bias",
        "true",
        "false",
        "none",
        "max",
        "avg",
        "average",
        "window",
        "pool",
        "pooling",
        "dim",
        "kernel_size",
        "in_channels",
        "out_channels",
        "in_features",
        "out_features",
        "num_features",
        "pixels",
        "params",
        "parameters",
        "batch",
    ]
)
_GAP = 3  # lines without a layer between two layers: blanks, "Layer 2:"
_FEWEST = 3
_LONGEST_LINE = 160  # characters
_LATEST = 12  # the place at which the layer's word has to begin


def find_prose(lines: Sequence[Line]) -> Iterator[Table]:
    """Every list of layers, one a line, three layers and more, as a table of two columns: label, layer."""
    index = 0
    for start, begin in enumerate(lines):
        if start < index or not 0 < len(begin.text) <= _LONGEST_LINE or "|" in begin.text or _layer(begin) is None:
            continue
        first = last = index = start
        rows: list[TableRow] = []
        label = _label_above(lines, first)
        gap = 0
        words: list[LayerWord] = []
        stating = 0
        while index < len(lines) and gap <= _GAP and lines[index].part == lines[first].part:
            line = lines[index]
            text = line.text.strip()
            word = _layer(line)
            if word is not None:
                bare = _BULLET.sub("", text, count=1).strip().strip("`*").strip()
                rows.append(
                    TableRow(
                        (Cell((label,) if label else (), line.number), Cell((bare,), line.number)),
                        line.number,
                        line.number,
                    )
                )
                words.append(word)
                stating += bool(stated(bare, word))
                last, gap = index, 0
            elif not text:
                gap += 1
            elif _LABEL.fullmatch(_BULLET.sub("", text, count=1)):
                label = text.strip("*-• :")
                gap += 1
            else:
                break
            index += 1
        index = max(index, last + 1)
        # Three layers, two of which say how they are set: a list of techniques tried says nothing of the kind.
        if len(rows) >= _FEWEST and stating >= 2 and sum(is_structural(word.word) for word in words) >= 2:
            yield Table(Style.COLUMNS, ("Layer", "Layer type"), tuple(rows), lines[first].number, lines[last].number)


def _layer(line: Line) -> LayerWord | None:
    """The layer that a line is about and nothing else: `Conv2d(in: 3, out: 32)`, `- Flatten`; None for prose, code."""
    if not 0 < len(line.text) <= _LONGEST_LINE or line.source is Source.CODE:
        return None
    text = line.text.strip()
    # Four characters for a mark at the beginning, and the digits of a number.
    return _layer_of(text) if may_begin_with_layer(text, _LATEST + 24) else None


@lru_cache(maxsize=4096)
def _layer_of(text: str) -> LayerWord | None:
    if not text or "|" in text or "  " in text:
        return None
    bare = _BULLET.sub("", text, count=1).strip().strip("`*").strip()
    # (conv1): Conv2d(...) is a line of print(model), self.conv1 = ... one of code.
    if not bare or bare[0] in "(#" or bare.endswith((".", ",", ";", ":")) or "self." in bare:
        return None
    word = begins_with_layer(bare)
    # "3x3 ", "hidden " may stand before it; `x = conv(...)` is code.
    if word is None or word.start > _LATEST or "=" in bare[: word.start]:
        return None
    behind = re.findall(r"[A-Za-zäöüß]{2,}", bare[word.end :])
    strange = sum(piece.lower() not in _SETTING_WORDS and begins_with_layer(piece) is None for piece in behind)
    return word if strange <= len(behind) // 4 else None


def _label_above(lines: Sequence[Line], first: int) -> str:
    above = lines[first - 1].text.strip() if first else ""
    return above.strip("*-• :") if above and _LABEL.fullmatch(above) else ""
