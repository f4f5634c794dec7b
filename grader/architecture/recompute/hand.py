"""Which cells of a table of layers made by hand are wrong, and which only follow from another wrong cell?

The chain is followed twice: from the layers as they are described, and from the student's own cells. A cell is right
if it follows from either, so that one slip is named once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from grader.architecture import Shape
from grader.architecture.readers.printed import PrintedRow, PrintedSummary
from grader.architecture.recompute.hand_layers import Option, Tensor, options
from grader.architecture.recompute.hand_layouts import Layout, layouts_of, with_workings
from grader.architecture.recompute.receptive import check_receptive, is_receptive_table
from grader.architecture.recompute.verdict import Disagreement, LayerReading, RowVerdict, SummaryVerdict
from grader.frozen import dataclass

_OPTIMIZER_OWN = 64  # numbers that an optimizer keeps for itself
_WIDEST = 12  # ways to read the table so far that are kept
_BIASES = re.compile(r"\W{0,6}bias(?:es)?\W{0,6}", re.IGNORECASE)
_GROUPED = re.compile(r"depth|separable|group|dw|mobile|dilat|atrous", re.IGNORECASE)


def verify_handtable(summary: PrintedSummary, *, input_shape: Shape | None = None) -> SummaryVerdict:
    """Recompute a table of layers made by hand: shapes, parameters, total, receptive fields.

    Shapes:  `input_shape` with the batch first, where the caller knows what the network is given
    Returns: the verdict; a cell that follows from the student's own cells before it is not named

    >>> from grader.architecture.readers.handtable import read
    >>> from grader.documents.report_lines import Line
    >>> text = [
    ...     "| Layer | Output | Params |",
    ...     "|---|---|---|",
    ...     "| Input | 1x28x28 | |",
    ...     "| Conv 5x5, 16 | 6x24x24 | 156 |",
    ... ]
    >>> text += ["| Max pooling 2x2 | 6x12x12 | 0 |", "| FC 10 | 10 | 8650 |"]
    >>> [table] = read([Line(number, line) for number, line in enumerate(text, 1)])
    >>> [(one.line, one.field, one.said, one.recomputed) for one in verify_handtable(table).disagreements]
    [(4, 'output', '(6, 24, 24)', '(16, 24, 24)')]
    """
    if is_receptive_table(summary):
        rows = tuple(RowVerdict(row) for row in summary.rows)
        return SummaryVerdict(summary, rows, check_receptive(summary), input=input_shape)
    ways = product(_biases(summary), (2, 4, 0), layouts_of(summary))
    walks = [_Walk(summary, layout, norm, biases, input_shape) for biases, norm, layout in ways]
    for walk in walks:
        walk.go()
    best = min(walks, key=lambda walk: len(walk.said) + len(walk.doubts))
    said = best.said
    doubts = [best.doubts[line] for line in sorted(best.doubts)]
    if not any(best.hypotheses):
        doubts.append("the table says too little to be recomputed")
    totals = {"parameters": f"{best.right:,}"} if best.right is not None else {}
    return SummaryVerdict(
        summary,
        tuple(best.rows[index] for index in range(len(summary.rows))),
        tuple(sorted(said, key=lambda one: one.line)),
        doubts=tuple(doubts),
        totals=totals,
        input=input_shape,
    )


def _biases(summary: PrintedSummary) -> Sequence[tuple[bool, ...]]:
    """Whether layers have biases: all of them, or some; none where the biases have a row of their own."""
    if any(_is_biases(row) for row in summary.rows):
        return ((False,),)
    return ((True,), (True, False))


@dataclass(frozen=True, slots=True)
class _Block:
    """A row with values and the layers that it names: itself, or the rows below it."""

    row: int
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _State:
    """One way to read the table so far."""

    tensor: Tensor
    price: float = 0.0
    parameters: int | None = 0
    words: str = ""


class _Walk:
    """The table followed under one layout, and with one way to count norms and biases."""

    def __init__(
        self,
        summary: PrintedSummary,
        layout: Layout,
        norm: int,
        biases: tuple[bool, ...],
        input_shape: Shape | None,
    ) -> None:
        self.summary, self.layout, self.norm, self.biases = summary, layout, norm, biases
        self.said: list[Disagreement] = []
        self.doubts: dict[int, str] = {}
        self.rows = {index: RowVerdict(row) for index, row in enumerate(summary.rows)}
        self.settings = with_workings(summary)
        self.counts: dict[int, int | None] = {}
        start = Tensor()
        if input_shape is not None:
            start = Layout(True, "first").tensor(input_shape)
        elif summary.input:
            start = layout.tensor(summary.input[0])
        self.hypotheses = [_State(start)]
        self.truth = _State(start)  # from the layers as described, whatever the cells say
        self.right: int | None = None

    def go(self) -> None:
        """Follow the rows."""
        for block in _blocks(self.summary.rows):
            row = self.summary.rows[block.row]
            if _is_biases(row):
                self._biases(block.row)
            elif not any("kind" in self.settings[index] for index in block.layers):
                self._unknown(block.row)
            else:
                self._block(block)
        known = list(self.counts.values())
        self.right = sum(count or 0 for count in known) if known and None not in known else None
        self.said += self._total()

    # --- one row ------------------------------------------------------------------------------------

    def _unknown(self, index: int) -> None:
        """A row of no known layer: what it prints is taken as it is."""
        row = self.summary.rows[index]
        if row.outputs:
            self.truth = _State(self.layout.tensor(row.outputs[-1]))
            self.hypotheses = [self.truth]
        elif row.parameters is not None and row.parameters.value:
            self.truth = _State(Tensor())
            self.hypotheses = [self.truth]
        if row.parameters is not None:
            self.counts[index] = int(row.parameters.value)

    def _block(self, block: _Block) -> None:
        row = self.summary.rows[block.row]
        hint = self.layout.tensor(row.outputs[-1]) if row.outputs else Tensor()
        self._given(row, block.row)
        candidates = self._expanded(block, self.hypotheses, hint)
        own: list[_State] = []
        if row.outputs:
            good = [state for state in candidates if state.tensor.matches(hint)]
            if good:
                candidates = [replace(state, tensor=state.tensor.filled(hint)) for state in good]
            else:
                own = self._as_written(block, hint)
                self._output(block, candidates, hint)
        count = int(row.parameters.value) if row.parameters is not None else None
        if count is not None and row.parameters is not None and not row.parameters.is_rounded:
            candidates, own = self._counted(block, candidates, own, count)
        best = self._true(block, hint, count)
        self.counts[block.row] = self._count_of(block, best)
        self._read(block, best)
        self.hypotheses = _kept([*candidates, *own])

    def _true(self, block: _Block, hint: Tensor, count: int | None) -> _State:
        """What the layers make as they are described; where that leaves a choice, the one that is printed."""

        def strangeness(state: _State) -> tuple[bool, bool, float]:
            return not state.tensor.matches(hint), count is not None and state.parameters != count, state.price

        best = min(self._expanded(block, [self.truth], hint), key=strangeness)
        self.truth = replace(best, tensor=best.tensor.filled(hint), price=0.0) if best.tensor.matches(hint) else best
        return best

    def _given(self, row: PrintedRow, index: int) -> None:
        """An input column: it says what the row before made, or is a slip of its own."""
        if not row.inputs:
            return
        printed = self.layout.tensor(row.inputs[0])
        if any(_is_same_flat(state.tensor, printed) for state in self.hypotheses):
            self.hypotheses = [
                replace(state, tensor=printed.filled(state.tensor) if printed.features is None else printed)
                for state in self.hypotheses
                if _is_same_flat(state.tensor, printed)
            ]
            return
        right = self.layout.text(self.hypotheses[0].tensor, row.inputs[0])
        why = f"the row before makes {right}"
        said = self.layout.text(printed, row.inputs[0])
        self.said.append(Disagreement(row.line, "input", said, right, why, index))
        self.hypotheses = [*self.hypotheses, _State(printed, 1.0)]

    def _expanded(
        self, block: _Block, states: Sequence[_State], hint: Tensor, *, is_loose: bool = False
    ) -> list[_State]:
        """Every reading of the block's layers behind every reading so far."""
        current = [replace(state, parameters=0, words="") for state in states]
        for index in block.layers:
            settings = self.settings[index]
            if is_loose:
                settings = {
                    key: value for key, value in settings.items() if key not in {"out_channels", "out_features"}
                }
            made: dict[tuple[Tensor, int | None], _State] = {}
            for state in current:
                for option in options(settings, state.tensor, hint, biases=self.biases, norm=self.norm):
                    one = _joined(state, option)
                    key = (one.tensor, one.parameters)
                    if key not in made or one.price < made[key].price:
                        made[key] = one
            wanted = hint if index == block.layers[-1] else Tensor()
            if not made:  # a window larger than what it is laid on: no reading, so what is printed is taken as it is
                row = self.summary.rows[index]
                self.doubts[row.line] = f"line {row.line}: {row.type[:80]} does not fit what comes before it"
                current = [_State(wanted, 3.0, None)]
                continue
            current = sorted(made.values(), key=lambda one: (not one.tensor.matches(wanted), one.price))[: 4 * _WIDEST]
        return current

    def _as_written(self, block: _Block, hint: Tensor) -> list[_State]:
        """The layers as they would have to be for what is printed: the slip is taken over."""
        loose = self._expanded(block, self.hypotheses, hint, is_loose=True)
        fitting = [replace(state, tensor=hint) for state in loose if state.tensor.matches(hint)]
        return fitting or [_State(hint, 2.0, None)]

    def _output(self, block: _Block, candidates: Sequence[_State], hint: Tensor) -> None:
        row = self.summary.rows[block.row]
        best = min(candidates, key=lambda state: state.price)
        said, right = (self.layout.text(tensor, row.outputs[-1]) for tensor in (hint, best.tensor))
        names = " and ".join(self.summary.rows[index].type for index in block.layers)
        given = self.layout.text(self.hypotheses[0].tensor, row.outputs[-1])
        with_words = f" with {best.words}" if best.words else ""
        why = f"{names[:80]} makes {right} of {given}{with_words}, not {said}"
        is_certain = self._is_known() and not _GROUPED.search(names)
        self.said.append(Disagreement(row.line, "output", said, right, why, block.row, is_certain))

    def _counted(
        self, block: _Block, candidates: list[_State], own: list[_State], count: int
    ) -> tuple[list[_State], list[_State]]:
        row = self.summary.rows[block.row]
        good = [state for state in candidates if state.parameters in {None, count}]
        good_own = [state for state in own if state.parameters in {None, count}]
        if good:
            return good, own
        if good_own:
            return candidates, good_own
        best = min(candidates, key=lambda state: state.price)
        said = row.parameters.text.strip() if row.parameters is not None else ""
        names = " and ".join(self.summary.rows[index].type for index in block.layers)
        why = f"{names[:80]} has {best.parameters:,} parameters{self._arithmetic(block)}, printed is {count:,}"
        is_certain = self._is_known() and not _GROUPED.search(names)
        self.said.append(Disagreement(row.line, "parameters", said, f"{best.parameters:,}", why, block.row, is_certain))
        return candidates, own

    def _arithmetic(self, block: _Block) -> str:
        """How the count of a single convolution or linear layer comes about."""
        if len(block.layers) != 1:
            return ""
        settings, given = self.settings[block.layers[0]], self.hypotheses[0].tensor
        kernel, out = settings.get("kernel"), settings.get("out_channels") or settings.get("out_features")
        plus = " + 1" if self.biases[0] else ""
        if str(settings.get("kind", "")).startswith("conv") and kernel and out and given.channels:
            sides = kernel if isinstance(kernel, list | tuple) else [kernel] * 2
            return f" (({' * '.join(map(str, sides))} * {given.channels}{plus}) * {out})"
        if settings.get("kind") == "linear" and out and given.flat:
            return f" (({given.flat:,}{plus}) * {out})"
        return ""

    def _is_known(self) -> bool:
        """True if what goes in is known, so that what comes out can be said for certain."""
        return any(state.tensor.flat is not None or state.tensor.channels is not None for state in self.hypotheses)

    def _count_of(self, block: _Block, best: _State) -> int | None:
        row = self.summary.rows[block.row]
        is_wrong = any(one.row == block.row and one.field == "parameters" for one in self.said)
        if row.parameters is not None and not is_wrong and best.parameters is None:
            return int(row.parameters.value)
        return best.parameters

    def _read(self, block: _Block, best: _State) -> None:
        row = self.summary.rows[block.row]
        output = _closed(best.tensor)
        for index in block.layers:
            reading = LayerReading(
                self.settings[index], output_shape=output, parameters=best.parameters, needs=best.words
            )
            is_one = len(block.layers) == 1
            self.rows[index] = RowVerdict(
                self.summary.rows[index], (reading,), output if is_one else None, best.parameters if is_one else None
            )
        if block.row not in block.layers:
            self.rows[block.row] = RowVerdict(row, (), output, best.parameters)

    # --- what stands for several rows -----------------------------------------------------------------

    def _biases(self, index: int) -> None:
        """A row of its own for the biases of all layers: one for every output channel and feature."""
        row = self.summary.rows[index]
        sizes = [
            settings.get("out_channels") or settings.get("out_features")
            for settings in self.settings
            if str(settings.get("kind", "")).startswith(("conv", "linear"))
        ]
        if row.parameters is None or not all(isinstance(size, int) for size in sizes) or not sizes:
            self.counts[index] = None
            return
        right = sum(size for size in sizes if isinstance(size, int))
        self.counts[index] = right
        if int(row.parameters.value) != right:
            why = f"there is one bias for every output: {' + '.join(map(str, sizes))} = {right:,}"
            self.said.append(
                Disagreement(row.line, "parameters", row.parameters.text.strip(), f"{right:,}", why, index)
            )

    def _total(self) -> Iterator[Disagreement]:
        """The Total row against the printed rows and against the recomputed ones."""
        said = self.summary.totals.get("parameters")
        if said is None or said.is_rounded:
            return
        printed = sum(int(row.parameters.value) for row in self.summary.rows if row.parameters is not None)
        if said.value == printed or (self.right is not None and said.value == self.right):
            return
        sums = {printed, printed if self.right is None else self.right}
        if any(_counts_optimizer(int(said.value) - one, self.summary) for one in sums):
            return
        blocks = [self.summary.rows[block.row] for block in _blocks(self.summary.rows)]
        is_whole = all(row.parameters is not None or not _learns(row) for row in blocks)
        right = f"; recomputed from the layers it is {self.right:,}" if self.right not in {None, printed} else ""
        why = f"the printed rows add up to {printed:,}, printed is {int(said.value):,}{right}"
        yield Disagreement(said.line, "parameters", said.text.strip(), f"{printed:,}", why, None, is_whole)


def _counts_optimizer(beyond: int, summary: PrintedSummary) -> bool:
    """True if what a total counts beyond the rows is an optimizer's state, as Keras 3 counts it after training.

    One to three numbers for every trainable weight (momentum, Adam, AMSGrad) and a few of its own (step, rate).
    """
    trainable = summary.totals.get("trainable")
    if trainable is None or trainable.value <= _OPTIMIZER_OWN or beyond <= 0:
        return False
    times, own = divmod(beyond, int(trainable.value))
    return 1 <= times <= 3 and own <= _OPTIMIZER_OWN


def _blocks(rows: Sequence[PrintedRow]) -> Iterator[_Block]:
    index = 0
    while index < len(rows):
        end = index + 1
        while end < len(rows) and rows[end].depth > rows[index].depth:
            end += 1
        yield _Block(index, tuple(range(index + 1, end)) or (index,))
        index = end


def _joined(state: _State, option: Option) -> _State:
    both = (state.parameters, option.parameters)
    count = None if None in both else sum(one for one in both if one is not None)
    return _State(option.tensor, state.price + option.price, count, option.words or state.words)


def _kept(states: Sequence[_State]) -> list[_State]:
    """The cheapest reading for every tensor."""
    best: dict[Tensor, _State] = {}
    for state in sorted(states, key=lambda one: one.price):
        best.setdefault(state.tensor, state)
    return list(best.values())[:_WIDEST]


def _is_same_flat(one: Tensor, other: Tensor) -> bool:
    return one.matches(other)


def _closed(tensor: Tensor) -> Shape | None:
    """The shape, one image, channels first; None where something is open."""
    if tensor.features is not None:
        return (1, tensor.features)
    if tensor.channels is None or tensor.spatial is None:
        return None
    sizes = [size for size in tensor.spatial if size is not None]
    return (1, tensor.channels, *sizes) if len(sizes) == len(tensor.spatial) else None


def _is_biases(row: PrintedRow) -> bool:
    return "kind" not in row.settings and bool(_BIASES.fullmatch(row.type) or _BIASES.fullmatch(row.name))


def _learns(row: PrintedRow) -> bool:
    kind = str(row.settings.get("kind", "conv"))
    return kind.startswith(("conv", "linear", "embedding", "lstm", "gru", "rnn")) or "_norm" in kind
