"""What do the numbers in a table state? The heads of their column and row name metric, split, data set and model.

A number under no metric is only taken where the table's own lead-in names one, or where columns are splits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from functools import lru_cache

from grader.answers.claims.found import COUNTS, RATES
from grader.answers.claims.governed import read_sentence
from grader.answers.claims.grids import Grid, Row, is_number_cell
from grader.answers.claims.mentions import Mention, mentions_in
from grader.answers.claims.quantities import Quantity, quantities_in
from grader.answers.claims.tokens import LONGEST_KEPT, Kind, Token, tokens_of, tokens_of_label
from grader.answers.claims.values import Sentence
from grader.answers.claims.vocabulary import KEYS, OPTIMIZERS, SPLITS, UNITS, datasets_in, word_set
from grader.frozen import dataclass

_LAYER_HEADS = frozenset(
    {"layer", "layers", "output", "type", "kernel", "shape", "activation", "calculation", "operation"}
)
_TOTALS = word_set("total sum gesamt totals summe overall")
_WEIGHTS = word_set("weights biases weight")
MOST_WORDS = 8  # of the label of a row: a longer one tells a story, and may name a metric by the way
_SETTINGS = word_set(
    """
    lr epochs epoch momentum time samples support points marks grade credits size step steps patience seed images
    """
) | {
    "learning rate", "batch size", "weight decay", "training time",
}  # fmt: skip
_LISTED = word_set("optimizer optimiser method algorithm model approach solver")
_PER = word_set("per each")


@dataclass(slots=True)
class Head:
    """What the head of a column or a row says."""

    text: str = ""
    mention: Mention | None = None
    splits: list[str] = field(default_factory=list)
    dataset: str | None = None
    optimizer: str | None = None
    is_percent: bool = False
    is_other: bool = False
    is_epoch: bool = False
    names: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CellValue:
    """A number of a table with its metric."""

    quantity: Quantity
    line: int
    metric: str
    split: str | None
    model: str
    dataset: str | None
    optimizer: str | None
    is_percent: bool
    epoch: tuple[int | None, int | None]
    text: str
    tokens: Sequence[Token]
    reason: str = ""
    others: tuple[str, ...] = ()


def head_of(text: str) -> Head:
    """Read the head of a column or row.

    >>> head = head_of("Best Validation Accuracy (%)")
    >>> head.mention.metric, head.splits, head.is_percent
    ('accuracy', ['validation'], True)
    >>> head_of("Training Samples").is_other, head_of("Model X / Model Y").names
    (True, ['Model X', 'Model Y'])
    """
    return _short_head_of(text) if len(text) < LONGEST_KEPT else _short_head_of.__wrapped__(text)


@lru_cache(maxsize=1024)
def _short_head_of(text: str) -> Head:
    tokens = tokens_of(text, 0)
    lows = [token.low for token in tokens if token.kind is not Kind.SIGN]
    found = mentions_in(tokens)
    head = Head(text)
    head.mention = found[0] if found else None
    for mention in found:
        head.splits += [label.split for label in mention.labels if label.split and label.split not in head.splits]
    if not head.splits:
        head.splits = list(
            dict.fromkeys(SPLITS[token.low] for token in tokens if token.low in SPLITS and token.kind is Kind.WORD)
        )
    sets = datasets_in(text)
    head.dataset = sets[0] if len(sets) == 1 else None
    head.optimizer = next((OPTIMIZERS[low] for low in lows if low in OPTIMIZERS), None)
    head.is_percent = "%" in text or "percent" in lows or any(mention.is_percent for mention in found)
    head.is_epoch = lows[:1] in (["epoch"], ["epochs"], ["ep"])
    if head.mention is None:
        words = [low for low in lows if low not in ("value", "values", "results", "result")]
        head.is_other = any((low in KEYS and low != "set") or low in UNITS for low in words)
        if (any(low in _WEIGHTS for low in lows) and "number" in lows) or lows[:1] == ["weights"]:
            head.mention = Mention(0, 0, [])
            head.is_other = False
    parts = [part.strip() for part in text.replace(" vs ", "/").split("/")]
    head.names = parts if len(parts) > 1 and all(parts) and not found and not head.splits else []
    return head


@dataclass(slots=True)
class _Context:
    """What stands around the cells of one row."""

    row_head: Head
    corner: Head
    lead: frozenset[str]
    lead_split: str | None
    epoch: tuple[int | None, int | None]
    is_layers: bool


def read_grid(grid: Grid, lead: str, lead_split: str | None = None) -> Iterator[CellValue]:
    """The values of a table; `lead` is the text that announces it, `lead_split` the split that it names."""
    rows = grid.rows
    first_data = _head_rows(grid)
    width = max((len(row.cells) for row in rows), default=0)
    heads: list[Head] = []
    for column in range(width):
        texts = [row.cells[column] for row in rows[:first_data] if column < len(row.cells)]
        heads.append(head_of(" ".join(dict.fromkeys(text for text in texts if text))))
    is_layers = _is_of_layers(grid, heads, first_data)
    leads = frozenset(label.metric for mention in mentions_in(tokens_of_label(lead)) for label in mention.labels)
    corner = heads[0] if heads else Head()
    is_printed = not first_data and grid.kind == "markdown"  # printed lines with bars name no rows
    for row in rows[first_data:]:
        if is_layers and not _TOTALS & set(" ".join(row.cells).casefold().split()):
            continue
        is_named = bool(row.cells) and width > 1 and is_number_cell(row.cells[0]) and _is_naming(corner)
        row_head = _row_head(row, corner, is_named=is_named, is_printed=is_printed and len(row.cells) > 2)
        context = _Context(row_head, corner, leads, lead_split, _epoch(heads, row.cells), is_layers)
        for column, cell in enumerate(row.cells):
            if not _has_digit(cell) or (column == 0 and is_named):
                continue
            head = heads[column] if column < len(heads) else Head()
            read = _numbers if is_number_cell(cell) else _worded
            yield from read(cell, row.line_of(column), head, context)


def _row_head(row: Row, corner: Head, *, is_named: bool, is_printed: bool) -> Head:
    """The head of a row: its cells of words. A number in the first column names it where the corner says of what."""
    if is_printed:
        return Head()
    if is_named:
        return replace(head_of(f"{corner.text} {row.cells[0]}".strip()), is_other=False)
    labels: list[str] = []
    for cell in row.cells:
        if is_number_cell(cell):
            break
        if cell and not _states_value(cell):
            labels.append(cell)
    text = " ".join(labels)
    return head_of(text) if len(text.split()) <= MOST_WORDS else Head(text[:80])


def _has_digit(text: str) -> bool:
    return _DIGIT.search(text) is not None or (not text.isascii() and any(char.isdigit() for char in text))


_DIGIT = re.compile(r"\d")


def _states_value(cell: str) -> bool:
    return _has_digit(cell) and bool(_said_in(cell).values)


def _said_in(cell: str) -> Sentence:
    """What a cell of words states; its decimals may be others of the same length: see `_as_written`."""
    if len(cell) >= LONGEST_KEPT:
        return read_sentence(tokens_of(cell, 0))
    return _said_in_short(_DECIMAL.sub(_masked, cell) if cell.isascii() else cell)


@lru_cache(maxsize=1024)
def _said_in_short(cell: str) -> Sentence:
    return read_sentence(tokens_of(cell, 0))


# Of a decimal below 100 only its form matters, whatever its digits: a column of a log is read once.
_DECIMAL = re.compile(r"(?<![\w.,'/+-])(0|[1-9]\d?)\.\d{1,12}(?![\w.,'/])")


def _masked(found: re.Match[str]) -> str:
    whole = found[1]
    return (whole if whole == "0" else "5" * len(whole)) + "." + "5" * (len(found[0]) - len(whole) - 1)


def _as_written(quantity: Quantity, said: Sentence, cell: str) -> Quantity:
    """The quantity of a sentence of `_said_in` with the digits that stand in the cell."""
    token = said.tokens[quantity.at]
    written = cell[token.start : token.end]
    return replace(quantity, text=written) if quantity.text == token.text != written else quantity


def _head_rows(grid: Grid) -> int:
    rows = grid.rows
    count = 0
    for row in rows[:4]:
        numbers = [cell for cell in row.cells[1:] if is_number_cell(cell) and ("." in cell or "%" in cell)]
        metric_label = bool(row.cells) and bool(mentions_in(tokens_of_label(row.cells[0])))
        worded = any(_states_value(cell) for cell in row.cells[1:])
        if numbers or worded or (metric_label and any(is_number_cell(cell) for cell in row.cells[1:])):
            break
        if count and any(is_number_cell(cell) for cell in row.cells):
            break
        if count and not _all_heads(row.cells[1:]):
            break
        count += 1
        if grid.kind == "cells":
            break
    return count if count < len(rows) else max(0, len(rows) - 1)


def _all_heads(cells: Sequence[str]) -> bool:
    return all(
        not cell or mentions_in(tokens_of_label(cell)) or any(t.low in SPLITS for t in tokens_of_label(cell))
        for cell in cells
    )


_NAMING = word_set(
    """
    model network run experiment digit clas class epoch # no id seed fold trial net nr config configuration task exp
    index label step iteration version ep
    """
)


def _is_naming(corner: Head) -> bool:
    """Does the first column number models, runs, classes or epochs? Then its numbers are names."""
    lows = {token.low.rstrip("s") for token in tokens_of_label(corner.text)}
    return bool(lows & _NAMING) or not corner.text


def _is_of_layers(grid: Grid, heads: Sequence[Head], first_data: int) -> bool:
    words = {token.low for head in heads for token in tokens_of_label(head.text)}
    if words & {"model", "network", "architecture"} and "layer" not in words:
        return False
    if words & _LAYER_HEADS and not words & {"accuracy", "acc", "loss"}:
        return True
    kinds = ("conv", "linear", "dense", "relu", "pool", "flatten", "dropout", "batchnorm", "fc")
    named = [row for row in grid.rows[first_data:] if any(cell.casefold().startswith(kinds) for cell in row.cells[:2])]
    return len(named) * 3 > len(grid.rows) and len(named) > 1 and not words & {"accuracy", "acc", "loss"}


def _epoch(heads: Sequence[Head], cells: Sequence[str]) -> tuple[int | None, int | None]:
    """In which epoch, after how many epochs: a column "Epoch" numbers the rows, a column "Epochs" counts."""
    for head, cell in zip(heads, cells, strict=False):
        digits = cell.split("/")[0].strip()
        if head.is_epoch and digits.isdigit() and len(digits) < 6:
            return (None, int(digits)) if head.text.casefold().startswith("epochs") else (int(digits), None)
    for cell in cells:
        if "ep" not in cell.casefold():
            continue
        words = cell.casefold().replace(":", " ").replace("#", " ").replace("[", " ").split()
        digits = words[1].split("/")[0] if len(words) > 1 and words[0] in ("epoch", "ep") else ""
        if digits.isdigit() and len(digits) < 6:
            return int(digits), None  # a printed line cut at its bars
    return None, None


def _numbers(cell: str, line: int, head: Head, context: _Context) -> Iterator[CellValue]:
    """The values of a cell of numbers: one, or as many as splits, metrics or models are named."""
    tokens, quantities = _quantities_of(cell)
    if not quantities:
        return
    metric, reason = _metric(head, context, quantities[0])
    if metric is None:
        return
    count = len(quantities)
    sources = (head, context.row_head)
    one_split = next((source.splits[0] for source in sources if len(source.splits) == 1), context.lead_split)
    splits = next((source.splits for source in sources if len(source.splits) == count > 1), [one_split] * count)
    labels = next((s.mention.labels for s in sources if s.mention and len(s.mention.labels) == count > 1), [])
    names = next((one.names for one in (*sources, context.corner) if len(one.names) == count > 1), [])
    is_percent = any(source.is_percent for source in sources)
    for index, quantity in enumerate(quantities):
        chosen = labels[index].metric if labels else metric
        split = (labels[index].split if labels else None) or splits[index]
        if not _fits(chosen, quantity, is_percent=is_percent):
            continue
        yield CellValue(
            quantity, line, chosen, None if chosen in COUNTS else split, names[index] if names else _model(*sources),
            head.dataset or context.row_head.dataset, context.row_head.optimizer or head.optimizer, is_percent,
            context.epoch, cell, tokens, reason,
        )  # fmt: skip


def _quantities_of(cell: str) -> tuple[Sequence[Token], list[Quantity]]:
    """The tokens of a cell of numbers, and those numbers that can be results."""
    if plain := _ONE_NUMBER.fullmatch(cell):  # nearly every cell
        text, sign = plain[1], plain[2]
        number = Token(Kind.NUMBER, text, text, 0, 0, len(text))
        if not sign:
            return (number,), [Quantity(0, 1, text)]
        percent = Token(Kind.SIGN, "%", "%", 0, len(cell) - 1, len(cell), len(sign) == 1)
        return (number, percent), [Quantity(0, 2, text, is_percent=True)]
    tokens = tokens_of(cell, 0)
    quantities = [q for q in quantities_in(tokens, [False] * len(tokens)) if q.is_result and not q.is_restated]
    opened = next((token.start for token in tokens if token.low in ("(", "[") and token.start > 0), len(cell))
    return tokens, [q for q in quantities if tokens[q.at].start < opened] or quantities[:1]


_ONE_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)( ?%)?", re.ASCII)


def _metric(head: Head, context: _Context, quantity: Quantity) -> tuple[str | None, str]:
    """The metric of a cell, and why where no head names it."""
    row_head = context.row_head
    for source in (row_head, head) if _is_pure(row_head) else (head, row_head):
        if source.mention is None:
            continue
        metric = source.mention.labels[0].metric if source.mention.labels else "parameters"
        if metric == "parameters" and row_head.mention and row_head.mention.labels:
            metric = row_head.mention.labels[0].metric
        other = row_head if source is head else head
        is_setting = _is_setting(other.text) and not (other is row_head and _is_setting_a_name(context.corner))
        is_measured = quantity.is_percent and metric in RATES  # no setting of these is a percentage
        return (None, "") if is_setting and not is_measured else (metric, "")
    if head.is_other or row_head.is_other or context.is_layers or head.is_epoch or row_head.is_epoch:
        return None, ""
    named = context.lead - COUNTS - {"non_trainable_parameters"}
    if len(named) == 1 and _looks_like_rate(quantity):
        return next(iter(named)), ""
    if head.splits or row_head.splits:
        is_decimal = quantity.text.lstrip("0").startswith((".", ",")) and len(quantity.text) > 2
        is_rate = quantity.is_percent or is_decimal or _is_share_of_100(quantity)
        if is_rate and not named - {"accuracy"}:
            return "accuracy", "the table names splits and no metric; shares of 1 or 100 are accuracies here"
    return None, ""


def _is_setting(text: str) -> bool:
    low = text.casefold().strip(" :")
    return low in _SETTINGS or low.removesuffix("s") in _SETTINGS


def _is_setting_a_name(corner: Head) -> bool:
    """Does the first column list optimizers or the like, of which "Momentum" may be one?"""
    return bool({token.low.rstrip("s") for token in tokens_of_label(corner.text)} & _LISTED)


def _is_pure(head: Head) -> bool:
    """Is the head the name of a metric and nothing else?"""
    mention = head.mention
    return (
        mention is not None and bool(mention.labels) and mention.end - mention.start == len(tokens_of_label(head.text))
    )


def _is_share_of_100(quantity: Quantity) -> bool:
    text = quantity.text.replace(",", ".")
    return text.count(".") == 1 and 10 <= float(text) <= 100


def _looks_like_rate(quantity: Quantity) -> bool:
    return quantity.is_percent or "." in quantity.text or "," in quantity.text or bool(quantity.total)


def _fits(metric: str, quantity: Quantity, *, is_percent: bool) -> bool:
    if metric == "non_trainable_parameters":
        return False
    if metric in ("parameters", "trainable_parameters"):
        return not quantity.is_percent and len(quantity.text) > 1 and not quantity.text.startswith(("0.", "."))
    text = quantity.text.replace(",", ".")
    if quantity.total:
        return True
    try:
        value = float(text)
    except ValueError:
        return False
    if metric in RATES:
        return value <= 100
    return not is_percent


def _model(head: Head, row_head: Head) -> str:
    texts = [source.text for source in (row_head, head) if source.text and source.mention is None and not source.splits]
    texts = [
        text
        for text in texts
        if text.casefold().strip(" :") not in ("value", "description", "result", "results", "values", "score")
    ]
    return " ".join(texts)[:80]


def _worded(cell: str, line: int, head: Head, context: _Context) -> Iterator[CellValue]:
    """A cell of words that states a value itself: "99.65% validation accuracy on MNIST"."""
    said = _said_in(cell)
    sources = (head, context.row_head)
    one_split = next((source.splits[0] for source in sources if len(source.splits) == 1), context.lead_split)
    sets = datasets_in(cell)
    dataset = sets[0] if len(sets) == 1 else head.dataset or context.row_head.dataset
    for value in said.values:
        if value.label.metric == "non_trainable_parameters" or value.tie == "inferred":
            continue
        yield CellValue(
            _as_written(value.quantity, said, cell), line, value.label.metric, value.label.split or one_split,
            _model(*sources), dataset,
            context.row_head.optimizer or head.optimizer, value.is_percent, context.epoch, cell, said.tokens,
            others=value.label.others,
        )  # fmt: skip
