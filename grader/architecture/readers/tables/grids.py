"""How do the texts of a table become its header and rows? What the readers of every style share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from grader.architecture.readers.tables.table import Cell, Table, TableRow, is_numeric

# Words of headers in reports of deep-learning courses, English and German: layers, results, training.
_WORDS = frozenset({
    "layer", "layers", "layertype", "stage", "block", "name", "type", "typ", "kind", "module", "operation",
    "op", "operator", "art", "schicht", "schichten", "schichttyp", "no", "nr", "number", "num", "size", "sizes",
    "shape", "shapes", "dim", "dims", "dimension", "dimensions", "output", "outputs", "input", "inputs",
    "ausgabe", "eingabe", "ausgang", "eingang", "groesse", "größe", "form", "filter", "filters", "channel",
    "channels", "kanäle", "kanaele", "kanal", "feature", "features", "maps", "map", "units", "neurons",
    "hidden", "kernel", "kern", "patch", "window", "stride", "strides", "schrittweite", "pad", "padding",
    "polster", "dilation", "groups", "activation", "activations", "aktivierung", "function", "funktion",
    "nonlinearity", "param", "params", "parameter", "parameters", "parameteranzahl", "anzahl", "weights",
    "weight", "gewichte", "bias", "biases", "trainable", "calculation", "formula", "rechnung", "berechnung",
    "receptive", "field", "rezeptives", "feld", "details", "detail", "dropout", "probability", "repeat",
    "train", "training", "trained", "validation", "valid", "val", "test", "testing", "accuracy", "acc",
    "genauigkeit", "loss", "verlust", "error", "fehler", "rate", "metric", "metrics", "metrik", "precision",
    "recall", "score", "f1", "f1-score", "auc", "psnr", "ssim", "mae", "mse", "rmse", "iou", "top-1", "top-5",
    "top1", "top5", "model", "models", "modell", "modelle", "network", "networks", "netz", "netzwerk", "net",
    "method", "methode", "methods", "optimizer", "optimiser", "optimierer", "epoch", "epochs", "epoche",
    "epochen", "batch", "step", "steps", "iteration", "iterations", "learning", "lr", "dataset", "data",
    "daten", "datensatz", "set", "split", "result", "results", "ergebnis", "ergebnisse", "final", "best",
    "mean", "std", "average", "time", "zeit", "value", "values", "wert", "class", "klasse", "support",
    "samples", "experiment", "run", "configuration", "config", "setting", "settings", "description",
    "hyperparameter", "hyperparameters", "flops", "macs", "memory", "speed",
})  # fmt: skip
_FILL = frozenset({
    "of", "the", "and", "per", "in", "on", "for", "with", "a", "an", "to", "by", "der", "die", "das", "und",
    "pro", "von", "#", "%", "/", "&", "-", "+", "(", ")",
})  # fmt: skip


@lru_cache(maxsize=16384)
def header_words(text: str) -> int:
    """How many words of a header a text holds; 0 where it holds anything else that is not a filling word.

    >>> header_words("Number of Hidden Units/Filters"), header_words("Conv2D"), header_words("Test accuracy (%)")
    (4, 0, 2)
    """
    if len(text) > 80 or ":" in text or "=" in text:
        return 0
    lowered = text.lower().replace("layertype", "layer type")
    words = "".join(character if character.isalnum() or character == "-" else " " for character in lowered).split()
    known = sum(word in _WORDS for word in words)
    if any(word not in _WORDS and word not in _FILL and len(word) > 1 and not word.isdigit() for word in words):
        return 0
    return known


def joined_header(rows: Sequence[TableRow]) -> tuple[str, ...]:
    """The texts above each column, top first: "Accuracy" above "train" and "test" gives "Accuracy train", ..."""
    if not rows:
        return ()
    columns: list[list[str]] = [[] for _ in rows[0].cells]
    for row in rows:
        above = ""
        for column, cell in zip(columns, row.cells, strict=False):
            if not cell.is_merged:
                above = cell.text
            # A cell over several columns is said above each of them; one over several rows is said once.
            said = cell.text if cell.parts else above if cell.is_merged else ""
            if said and said not in column:
                column.append(said)
    return tuple(" ".join(column) for column in columns)


def has_header_row(rows: Sequence[TableRow]) -> bool:
    """True if the first row, which no rule marks, is a header by what it says.

    It holds no number, and either it is made of header words or the columns below hold numbers.
    """
    if len(rows) < 2:
        return False
    texts = [text for text in rows[0].texts if text]
    if len(texts) < 2 or any(is_numeric(text) for text in texts):
        return False
    known = sum(header_words(text) > 0 for text in texts)
    if known >= 2 or known == len(texts):
        return True
    body = rows[1:]
    numeric = sum(
        all(not row.cells[column].parts or is_numeric(row.cells[column].text) for row in body)
        and any(row.cells[column].parts for row in body)
        for column in range(len(rows[0].cells))
    )
    return numeric >= 1 and 2 * numeric >= len(rows[0].cells) - 1


def marked_headers(rows: Sequence[TableRow], header: tuple[str, ...]) -> tuple[TableRow, ...]:
    """The rows, those marked that repeat the header or head the rows below them.

    >>> rows = [TableRow((Cell(("2",)), Cell(("Conv",))), 1, 1), TableRow((Cell(("Layer",)), Cell(("Type",))), 2, 2)]
    >>> [row.is_header for row in marked_headers(rows, ("Layer", "Type"))]
    [False, True]
    """
    same = tuple(text.lower() for text in header)
    return tuple(
        TableRow(row.cells, row.line, row.last_line, is_header=True)
        if not row.is_header and same and tuple(text.lower() for text in row.texts) == same
        else row
        for row in rows
    )


def continues(first_half: Table, table: Table, after: Table) -> bool:
    """True if `after` is the rest of `table` (whose beginning is `first_half`) on the next page.

    It has the same header, and its numbering goes on.

    Two tables of two networks have one header too, but both begin with the same first cell.
    """
    if table.style is not after.style or not table.header or not table.rows or not after.rows:
        return False
    if tuple(map(str.lower, table.header)) != tuple(map(str.lower, after.header)):
        return False
    first, follows = first_half.rows[0].texts[0], after.rows[0].texts[0]
    last = next((row.texts[0] for row in reversed(table.rows) if row.cells[0].parts), "")
    if follows == first:
        return False
    numbers = [int(text) for text in (first, last, follows) if text.isdecimal() and len(text) < 6]
    if follows.isdecimal() and numbers and len(numbers) > 1:
        return numbers[-1] in {numbers[-2], numbers[-2] + 1}
    return not follows.isdecimal() and first_half.rows[0].texts != after.rows[0].texts and not first.isdecimal()


def joined(parts: Sequence[Table]) -> Table:
    """The table whose halves stand on several pages; the repeated headers stay, marked."""
    first, last = parts[0], parts[-1]
    rows = list(first.rows)
    for part in parts[1:]:
        rows += [_repeated(part), *part.rows]
    caption = next((part.caption for part in parts if part.caption), "")
    return Table(first.style, first.header, tuple(rows), first.first_line, last.last_line, first.header_line, caption)


def _repeated(after: Table) -> TableRow:
    return TableRow(
        tuple(Cell((text,) if text else (), after.header_line) for text in after.header),
        after.header_line,
        after.header_line,
        is_header=True,
    )
