"""What does each column of a table of layers hold? By the words of its header first, by its contents second."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

from grader.architecture.readers._hand_cells import hand_count, hand_shapes, is_nothing, plain
from grader.architecture.readers._layer_settings import activation_of
from grader.architecture.readers._layer_words import begins_with_layer, is_structural
from grader.architecture.readers.tables import Table

# The roles of columns. The receptive-field roles end in _in or _out: what goes into the layer, what comes out.
ROLES = (
    "name", "type", "output", "input", "parameters", "working", "kernel", "stride", "padding", "dilation", "groups",
    "filters", "in_channels", "activation", "dropout", "description", "effective_kernel",
    "receptive_field_in", "receptive_field_out", "size_in", "size_out", "jump_in", "jump_out",
)  # fmt: skip

_SHAPE_LETTERS = 24  # a cell that is a shape holds few words beside it
_RECEPTIVE = {"r": "receptive_field", "rf": "receptive_field", "n": "size", "j": "jump", "s": "size"}
_RECEPTIVE_HEADER = re.compile(r"(r|rf|n|j)(?:[\s_{\-]{0,3}(?=in|out)|_\{?)(in|out|i|o)\}?")
_TOTAL = re.compile(r"\W{0,4}(?:total|sum|summe|gesamt|insgesamt|trainable|non-?trainable)\b", re.IGNORECASE)
_WINDOW = re.compile(r"\(?(\d{1,2})\s?[x×,]\s?\d{1,2}\)?")
_SAID = re.compile(r"stride|padding|kernel|filter|outputs?\b|\d\s?x\s?\d", re.IGNORECASE)
_LAYER_HEADER = re.compile(r"layers?\s?\([^()]{1,60}\)")  # "Layer (activation function)": what is said beside it
_RESULTS = (
    r"accura|genauigkeit|\bloss\b|verlust|\bepochs?\b|precision|recall|\bf1\b|\bpsnr\b|optimi[sz]er|\blr\b"
    r"|learning rate|error|fehler|\btop-?[15]\b|\bacc\b|\btime\b|runtime|speed|laufzeit|datas[ea]t|datensatz"
)
# (words of which one must be in the header, the role), the more special first.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), role)
    for pattern, role in (
        (
            _RESULTS,
            "result",
        ),
        (r"eff\w*\.?\s*kernel", "effective_kernel"),
        (r"receptive|rezeptiv|\brf\b", "receptive_field_out"),
        (r"\bjump\b", "jump_out"),
        (r"calculation|berechnung|rechnung|formula|formel|\bworking\b|computation", "working"),
        (r"param|gewichte|weights?\b|trainable|trainierbar", "parameters"),
        (r"in(?:put)?[\s_-]*(?:channels?|features?|ch\b|kan)|eingangskan", "in_channels"),
        (r"activation|aktivierung|non-?linearit", "activation"),
        (r"dropout", "dropout"),
        (r"stride|schrittweite", "stride"),
        (r"\bpad", "padding"),
        (r"dilation", "dilation"),
        (r"groups?\b", "groups"),
        (
            r"(?:layer|schicht|block|operation|op)?[\s_-]*(?:type|typ|art|kind|class)\b|operation|operator|\bmodule\b|schichttyp",
            "type",
        ),
        (r"filter[\s_-]*(?:size|gr)|kernel|patch|window|kern(?:el)?gr|pool[\s_-]*size", "kernel"),
        (
            r"(?:#|no\.?|num\w*|anzahl)?\s*(?:of)?\s*(?:out(?:put)?[\s_-]*)?(?:filters?\b|channels?\b|units\b|neurons?\b|neuronen|nodes\b|kan[aä]e?le|feature[\s_-]*maps?$|features\b|maps\b)|out_ch",
            "filters",
        ),
        (r"in(?:put)?[\s_-]*(?:shape|size|dim|volume)|eingabe|eingang|^input$", "input"),
        (r"output|ausgabe|ausgang|\bshape|\bsize|\bdim|gr[öo](?:ß|ss)e|feature[\s_-]*map", "output"),
        (r"descript|specific|configur|beschreib", "description"),
        (r"layers?\b|schicht|\bname\b|\bblock\b|\bstage\b|\bstep\b|^#$|^no\.?$|^nr\.?$|^index$", "name"),
    )
)


@lru_cache(maxsize=4096)
def role_of(header: str) -> str:
    """What a header says that its column holds; "" where no rule knows it, "result" for what no layer has.

    >>> [role_of(text) for text in ("Layer", "Layer Type", "Number of Hidden Units/Filters", "Output shape", "N_in")]
    ['name', 'type', 'filters', 'output', 'size_in']
    >>> [role_of(text) for text in ("Number of weights/biases", "Kernel details", "Test accuracy", "Remarks")]
    ['parameters', 'kernel', 'result', '']
    """
    text = plain(header).lower().strip()
    if not text or len(text) > 120:
        return ""
    receptive = _RECEPTIVE_HEADER.fullmatch(text.replace("$", ""))
    if receptive:
        return f"{_RECEPTIVE[receptive.group(1)]}_{'in' if receptive.group(2).startswith('i') else 'out'}"
    if _LAYER_HEADER.fullmatch(text):
        return "type"
    for pattern, role in _RULES:
        if pattern.search(text):
            return role
    return ""


def columns_of(header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, int] | None:
    """The columns by their roles; None where the table is not about layers.

    A table is about layers if one of its columns names layers in at least half of its rows, two of them at least,
    one of them with weights or a change of size; and another column says something of them; and none holds results.
    """
    width = max((len(row) for row in rows), default=0)
    roles = [role_of(text) for text in header] + [""] * (width - len(header))
    if "result" in roles:
        return None
    columns = [[row[column] if column < len(row) else "" for row in rows] for column in range(width)]
    layers = _layer_column(columns, roles)
    if layers is None:
        return None
    found: dict[str, int] = {"type": layers}
    for column, role in enumerate(roles):
        if column == layers:
            continue
        said = _by_contents(columns[column], role)
        if said and said not in found:
            found[said] = column
    if {"filters", "kernel"} <= found.keys() and _are_swapped(columns[found["filters"]], columns[found["kernel"]]):
        found["filters"], found["kernel"] = found["kernel"], found["filters"]
    return found if len(found) > 1 else None


def _are_swapped(filters: Sequence[str], kernels: Sequence[str]) -> bool:
    """True where windows ("11x11") stand below "Filter" and how many there are (96) below "Kernel"."""
    windows = [text for text in filters if not is_nothing(text)]
    numbers = [text for text in kernels if not is_nothing(text)]
    return (
        bool(windows and numbers)
        and all(_WINDOW.fullmatch(plain(text)) for text in windows)
        and all(text.strip().isdecimal() for text in numbers)
    )


def _layer_column(columns: Sequence[Sequence[str]], roles: Sequence[str]) -> int | None:
    best: tuple[int, int] | None = None
    for column, texts in enumerate(columns):
        if roles[column] not in {"", "type", "name", "output"}:
            continue
        words = [(begins_with_layer(text), text) for text in texts]
        layers = [word for word, text in words if word is not None and len(text) < 1_500]
        structural = [word for word in layers if is_structural(word.word)]
        filled = sum(not is_nothing(text) and not _TOTAL.match(text) for text in texts)
        special = roles[column] in {"type", "name"}
        needed = 2 if filled > 2 else 1
        if (
            len(structural) < 1
            or len(layers) < needed
            or (2 if special else 3) * len(layers) < (1 if special else 2) * filled
        ):
            continue
        score = len(layers) * 2 + (roles[column] == "type")
        if best is None or score > best[0]:
            best = score, column
    return None if best is None else best[1]


def _by_contents(texts: Sequence[str], role: str) -> str:
    """The role of a column: that of its header unless its contents say otherwise."""
    filled = [text for text in texts if not is_nothing(text)]
    if not filled:
        return role

    def share(holds: int) -> bool:
        return 3 * holds >= 2 * len(filled)

    activations = sum(bool(activation_of(text)) for text in filled)
    if role != "activation" and share(activations) and role != "name":
        return "activation"
    if role not in {"", "description"}:
        return role
    if 3 * sum("kernel" in text.lower() or "filter" in text.lower() for text in filled) >= len(filled):
        return "kernel"
    shapes = sum(
        bool(hand_shapes(text)) and not text.strip().isdecimal() and sum(map(str.isalpha, text)) <= _SHAPE_LETTERS
        for text in filled
    )
    if share(shapes):
        return "output"
    if all(text.strip().isdecimal() for text in filled):
        numbers = [int(text) for text in filled if len(text) < 12]
        if numbers and all(a <= b <= a + 1 for a, b in itertools.pairwise(numbers)) and numbers[0] <= 1:
            return "name"
        return ""
    if share(sum(hand_count(text, 0) is not None and ("=" in text or "*" in text) for text in filled)):
        return "parameters"
    # "1x1 stride, same padding, outputs 32x32x6": what is said of the layer, in words.
    settings = sum(_SAID.search(plain(text)) is not None for text in filled)
    return role if 3 * settings >= len(filled) else ""


def is_tool_print(table: Table) -> bool:
    """True for a summary that a program printed: its own reader knows it better."""
    header = " ".join(table.header).lower()
    if "depth-idx" in header or "mult-adds" in header or "tr. param" in header or "kernel shape" in header:
        return True
    firsts = [row.texts for row in table.rows[:40]]
    is_typed = "(type" in header
    printed = sum(
        any(_PRINTED.fullmatch(text) for text in texts[:3])
        or any("├" in text or "└" in text for text in texts)
        or ((is_typed or any(text.startswith("[") for text in texts)) and any(map(_NUMBERED.fullmatch, texts[:3])))
        for texts in firsts
    )
    # The names of pytorch_lightning's columns, with its row numbers from 0 on.
    names = [text.lower() for text in table.header]
    lightning = names[-3:-1] == ["name", "type"] or names[1:3] == ["name", "type"]
    numbered = bool(firsts) and firsts[0][0].strip() == "0"
    return 2 * printed >= len(firsts) or (lightning and numbered)


_NUMBERED = re.compile(r"[A-Za-z]\w{0,60}\s?-\d{1,4}\s?(?:\[.*)?")
_PRINTED = re.compile(r"[\w./]{1,80} \([A-Z]\w{1,60}\)|[A-Za-z]\w{0,60}: \d{1,3}(?:-\d{1,4})?|\d+_[\w.]+")
