"""What does one row of a table of layers made by hand say? Row of cells -> rows of layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field, replace

from grader.architecture.readers import module_repr
from grader.architecture.readers._hand_cells import hand_count, hand_shapes, has_working, is_nothing, plain
from grader.architecture.readers._hand_columns import role_of
from grader.architecture.readers._layer_settings import Described, activation_of, described, stated
from grader.architecture.readers._layer_words import LayerWord, begins_with_layer, is_structural, layer_words
from grader.architecture.readers.printed import PrintedNumber, PrintedRow, PrintedShape, Unread
from grader.architecture.readers.tables import TableRow
from grader.documents.report_lines import Line
from grader.frozen import dataclass
from grader.model import Json

_TOTAL = re.compile(
    r"\W{0,4}(?:in\s)?(total|sum|summe|gesamt|insgesamt|overall|trainable|non-?trainable)\b.{0,60}", re.IGNORECASE
)
_INPUT = re.compile(
    r"\W{0,4}(?:\d{1,3}[.:)]?\s?)?(?:the\s)?(?:input|eingabe|eingang|image|bild|rgb)(?![a-z])", re.IGNORECASE
)
_MAKES = re.compile(r"\boutputs?(?:\s(?:shape|size))?\s?[:=]?\s?([\d(\[][\d\sx×@,)\]]{0,40})", re.IGNORECASE)
_REPR = re.compile(r"\(?[\w.]{1,40}\)?\s?:\s?[A-Za-z]\w{0,40}\(")
_RECEPTIVE = (
    "effective_kernel", "receptive_field_in", "receptive_field_out", "size_in", "size_out", "jump_in", "jump_out",
)  # fmt: skip
_LEARNING = ("conv", "linear", "batch_norm", "layer_norm", "group_norm", "embedding", "lstm", "gru", "rnn", "prelu",
             "separable", "depthwise")  # fmt: skip
_LONGEST = 300  # characters of a row's type


@dataclass(slots=True)
class Reading:
    """What the rows read so far say."""

    rows: list[PrintedRow] = field(default_factory=list)
    totals: dict[str, PrintedNumber] = field(default_factory=dict)
    input: tuple[PrintedShape, ...] = ()
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_flat: bool = False  # a flatten or linear layer came: what follows works on vectors


@dataclass(slots=True)
class _Row:
    """One row of the table with the roles of its cells."""

    row: TableRow
    columns: dict[str, int]

    def cell(self, role: str) -> str:
        return plain(" ".join(self.parts(role))) if role in self.columns else ""

    def parts(self, role: str) -> tuple[str, ...]:
        place = self.columns.get(role)
        if place is None or place >= len(self.row.cells):
            return ()
        # A cell over several columns is said in its first one.
        while role == "type" and place and self.row.cells[place].is_merged and not self.row.cells[place].parts:
            place -= 1
        return self.row.cells[place].parts


def read_row(reading: Reading, row: TableRow, columns: dict[str, int]) -> None:
    """Add what a row says to the reading."""
    if not any(cell.parts for cell in row.cells):
        return
    one = _Row(row, columns)
    kind, name, counted = one.cell("type"), one.cell("name"), one.cell("parameters")
    count = hand_count(counted, row.line)
    if count is None and not is_nothing(counted) and any(character.isdigit() for character in counted):
        reading.unread.append(Unread(row.line, counted, "the count cannot be read"))
    working = [text for text in (one.cell("working"), counted) if has_working(text)]
    if working:
        reading.notes.append(f"Line {row.line} is worked out as {' and '.join(working)}.")
    total = next((_TOTAL.fullmatch(text) for text in (kind, name) if text and _TOTAL.fullmatch(text)), None)
    if total is not None and not layer_words(kind):
        if count is not None:
            word = total.group(1).lower()
            reading.totals[
                "trainable" if word == "trainable" else "non_trainable" if "non" in word else "parameters"
            ] = count
        return
    inputs, outputs = _shapes(one.cell("input"), one.cell("output"))
    said = one.cell("description")
    if not outputs and (made := _MAKES.search(said)):
        outputs = hand_shapes(made.group(1))[:1]
    if _is_input(one, kind, name, count):
        shapes = outputs or inputs or hand_shapes(kind) or hand_shapes(said)
        reading.input = reading.input or shapes[:1]
        reading.rows.append(_made(one, name or kind, kind or name, _of_columns(one, None), count, outputs=shapes[:1]))
        return
    printed = _from_repr(one)
    if printed:
        reading.rows += _with_ends(printed, inputs, outputs, count)
        return
    layers = _layers(one)
    if layers and (beside := _beside(one, layers[0])):
        kind, layers = layers[0].text, [beside]
    if layers:
        reading.rows += _layer_rows(reading, one, layers, inputs, outputs, count)
        return
    activation = activation_of(one.cell("activation"))
    text = kind if not is_nothing(kind) else one.cell("activation") if activation else name
    if is_nothing(text):
        if not _is_header(row):
            reading.unread.append(Unread(row.line, " | ".join(row.texts).strip(" |"), "names no layer"))
        return
    settings = _of_columns(one, None)
    if activation and is_nothing(kind):
        settings = {"kind": activation}
    reading.rows.append(_made(one, name if not is_nothing(name) else text, text, settings, count, inputs, outputs))


def _is_header(row: TableRow) -> bool:
    """True for a second header in the middle: `| | | #Hidden units | | |`."""
    texts = [text for text in row.texts if not is_nothing(text)]
    return bool(texts) and all(role_of(text) and hand_count(text, 0) is None for text in texts)


def _is_input(one: _Row, kind: str, name: str, count: PrintedNumber | None) -> bool:
    if count is not None and count.value != 0:
        return False
    if _INPUT.match(kind) and not layer_words(kind):
        return True
    is_named = bool(_INPUT.match(name)) and len(name) < 30
    return is_named and is_nothing(one.cell("kernel")) and not any(layer.settings for layer in described(kind))


def _shapes(into: str, out: str) -> tuple[tuple[PrintedShape, ...], tuple[PrintedShape, ...]]:
    """The shapes that go in and come out, by their columns, an arrow or the words in one cell."""
    inputs = hand_shapes(into)
    if "->" in out:
        before, _, after = out.rpartition("->")
        return inputs or hand_shapes(before)[-1:], hand_shapes(after)
    lowered = out.lower()
    place = lowered.rfind("output")
    if place > 0 and "input" in lowered[:place]:
        return inputs or hand_shapes(out[:place])[-1:], hand_shapes(out[place:])[:1]
    return inputs, hand_shapes(out)


def _layers(one: _Row) -> list[Described]:
    parts = one.parts("type")
    whole = described(" ".join(parts))
    if len(parts) < 2:
        return whole
    apart = [layer for part in parts for layer in described(part)]
    # Parts of one name ("Fully-", "Connected") or of one description are one layer; several layers are several.
    return (
        apart
        if len(apart) > len(whole) and all(begins_with_layer(part) for part in parts if not is_nothing(part))
        else whole
    )


def _beside(one: _Row, layer: Described) -> Described | None:
    """The layer of a row that has no header and begins `1 | 32 Convolutional layer-1`: channels in, channels out."""
    place = one.columns["type"]
    found = re.match(r"(\d{1,5})\s{1,20}(?=[A-Za-z])", layer.text)
    before = one.row.cells[place - 1].text if place else ""
    if found is None or not before.isdecimal() or "name" in one.columns:
        return None
    if not layer.word.word.startswith(("conv", "linear")):
        return None
    noun = "features" if layer.word.word == "linear" else "channels"
    settings = {f"in_{noun}": int(before), f"out_{noun}": int(found.group(1)), **layer.settings}
    return Described(layer.text[found.end() :], layer.word, settings, layer.name)


def _layer_rows(
    reading: Reading,
    one: _Row,
    layers: list[Described],
    inputs: tuple[PrintedShape, ...],
    outputs: tuple[PrintedShape, ...],
    count: PrintedNumber | None,
) -> list[PrintedRow]:
    name = one.cell("name")
    name = "" if is_nothing(name) else name.strip(" -")
    learning = [place for place, layer in enumerate(layers) if layer.word.word.startswith(_LEARNING)]
    main = [place for place, layer in enumerate(layers) if is_structural(layer.word.word)] or [0]
    rows = []
    for place, layer in enumerate(layers):
        settings = dict(layer.settings)
        if layer.word.kind:
            settings = {"kind": _kind(layer.word, is_flat=reading.is_flat), **settings}
        if place in main:
            settings = {**_of_columns(one, layer.word, is_first=place == main[0]), **settings}
            settings = {"kind": settings.pop("kind"), **settings} if "kind" in settings else settings
        if layer.word.word.startswith("global_avg") and "kernel" in settings:
            settings = {key: value for key, value in settings.items() if key != "output_size"}
            settings["kind"] = f"avg_pool{layer.word.dims or 2}d"
        reading.is_flat |= layer.word.kind in {"flatten", "linear"}
        mended = (
            ("pooling, read as max pooling: the sizes are those of average pooling too",)
            if layer.word.word == "pool?"
            else ()
        )
        rows.append(_made(one, layer.name or name or layer.text, layer.text, settings, None, mended=mended))
    rate = one.cell("dropout").rstrip("%")
    if re.fullmatch(r"0?[.,]\d{1,4}|\d{1,2}", rate):
        share = float(rate.replace(",", ".")) / (100 if one.cell("dropout").endswith("%") else 1)
        rows[-1] = replace(rows[-1], settings={**rows[-1].settings, "dropout": share})
    if len(rows) == 1:
        only = rows[0]
        return [_made(one, only.name, only.type, dict(only.settings), count, inputs, outputs, only.mended)]
    if count is not None and len(learning) > 1:
        text = one.cell("type")
        parent = _made(one, name or text, text, {}, count, inputs, outputs)
        return [parent, *(replace(row, depth=1) for row in rows)]
    rows = _with_ends(rows, inputs, outputs, None)
    if count is not None:
        place = learning[0] if learning else 0
        rows[place] = replace(rows[place], parameters=count, is_counted=True)
    return rows


def _with_ends(
    rows: list[PrintedRow],
    inputs: tuple[PrintedShape, ...],
    outputs: tuple[PrintedShape, ...],
    count: PrintedNumber | None,
) -> list[PrintedRow]:
    """The rows of one table row: what goes in stands at the first, what comes out at the last of the top level."""
    top = [place for place, row in enumerate(rows) if row.depth == rows[0].depth]
    rows = list(rows)
    rows[0] = replace(rows[0], inputs=inputs, parameters=count, is_counted=count is not None)
    rows[top[-1]] = replace(rows[top[-1]], outputs=outputs)
    return rows


def _kind(word: LayerWord, *, is_flat: bool) -> str:
    if word.word == "batch_norm?" and not word.dims and is_flat:
        return "batch_norm1d"
    return word.kind


def _of_columns(one: _Row, word: LayerWord | None, *, is_first: bool = True) -> dict[str, Json]:
    """What the other columns of a row state of its layer."""
    settings: dict[str, Json] = {}
    family = word.word if word is not None else ""
    noun = "features" if family == "linear" else "channels"
    takes_channels = family.startswith(("conv", "linear", "depthwise", "separable"))
    filters, into, kernel = one.cell("filters"), one.cell("in_channels"), one.cell("kernel")
    if word is not None and not is_nothing(filters):
        behind = LayerWord(word.kind, word.word, word.dims, 0, 0)
        settings |= stated(filters, behind) if not filters.isdecimal() else {}
        number = hand_count(filters, one.row.line)
        if takes_channels and not settings and number is not None and number.value.denominator == 1:
            settings[f"out_{noun}"] = int(number.value)
        elif family == "batch_norm?" and filters.isdecimal():
            settings["num_features"] = int(filters)
    if takes_channels and is_first and into.isdecimal():
        settings.setdefault(f"in_{noun}", int(into))
    if not is_nothing(kernel) and "linear" not in family:
        window = word or LayerWord("conv2d", "conv?", 0, 0, 0)
        said = stated(kernel, LayerWord(window.kind, window.word, window.dims, 0, len(kernel) + 1))
        if "kernel" not in said:
            bare = re.match(r"\(?(\d{1,3})(?:\s?[,x×]\s?(\d{1,3}))?\)?(?=$|[,;/]|\s[^-\w]|\spx)", kernel)
            if bare and "adaptive" not in family:
                said["kernel"] = [int(bare.group(1)), int(bare.group(2))] if bare.group(2) else int(bare.group(1))
        settings |= {key: value for key, value in said.items() if not key.startswith("in_") or is_first}
    beside = _MAKES.sub("", one.cell("description"))
    if word is not None and is_first and beside:
        settings = {**_described_beside(beside, word), **settings}
    for role in ("stride", "padding", "dilation", "groups"):
        value = _size(one.cell(role))
        if value is not None:
            settings[role] = value
    activation = one.cell("activation")
    if is_first and not is_nothing(activation):
        settings["activation"] = activation_of(activation) or activation
    elif is_first and word is not None and "activation" in one.cell("type").lower():
        said_in_cell = activation_of(one.cell("type"))
        if said_in_cell:
            settings["activation"] = said_in_cell
    for role in _RECEPTIVE:
        number = hand_count(one.cell(role), one.row.line)
        if is_first and number is not None and number.value.denominator == 1:
            settings[role] = int(number.value)
    return settings


def _described_beside(text: str, word: LayerWord) -> dict[str, Json]:
    """What a column of words says of a layer: "2x2 stride, valid padding", "512x1024" of a linear layer."""
    weights = re.fullmatch(r"\(?(\d{1,7})\s?(?:[x×,]|->)\s?(\d{1,7})\)?", text.strip(" ,;."))
    if weights and word.word == "linear":
        return {"in_features": int(weights.group(1)), "out_features": int(weights.group(2))}
    return stated(text, LayerWord(word.kind, word.word, word.dims, 0, len(text) + 1))


def _size(text: str) -> Json:
    if is_nothing(text):
        return None
    if text.strip("\"'() ").lower() in {"same", "valid"}:
        return text.strip("\"'() ").lower()
    found = re.fullmatch(r"\(?(\d{1,4})(?:\s?[,x×X]\s?(\d{1,4}))?\)?", text)
    if found is None:
        return None
    return [int(found.group(1)), int(found.group(2))] if found.group(2) else int(found.group(1))


def _from_repr(one: _Row) -> list[PrintedRow]:
    """The modules of a cell that holds a piece of `print(model)`: "(conv1): ConvBlock(<br/> (conv): ...)"."""
    parts = one.parts("type")
    if not parts or not _REPR.match(parts[0]) or "=" not in " ".join(parts):
        return []
    line, text = one.row.line, "\n".join(parts)
    found = module_repr.read([Line(line, part) for part in text.split("\n")])
    if len(found) != 1 or found[0].unread or not found[0].rows:
        return []
    base = found[0].rows[0].depth
    return [replace(row, line=line, last_line=_last(one), depth=row.depth - base) for row in found[0].rows]


def _last(one: _Row) -> int:
    return one.row.last_line if one.row.last_line != one.row.line else 0


def _made(
    one: _Row,
    name: str,
    kind: str,
    settings: dict[str, Json],
    count: PrintedNumber | None,
    inputs: tuple[PrintedShape, ...] = (),
    outputs: tuple[PrintedShape, ...] = (),
    mended: tuple[str, ...] = (),
) -> PrintedRow:
    return PrintedRow(
        line=one.row.line,
        last_line=_last(one),
        name=name[:_LONGEST],
        type=kind[:_LONGEST],
        inputs=inputs,
        outputs=outputs,
        parameters=count,
        is_counted=count is not None,
        settings=settings,
        mended=mended,
    )


def names_a_layer(rows: Sequence[PrintedRow]) -> int:
    """How many rows are layers that the reader knows."""
    return sum("kind" in row.settings or bool(layer_words(row.type)) for row in rows)
