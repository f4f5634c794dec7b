"""Which cells of a table of layers are right, which follow from an earlier slip, and where was the slip?

A cell is right if the text says so. It follows if the layer makes it of the student's own previous shape, where
that shape was wrong and charged as such: one slip costs one cell. Within a row, parameters that belong to the
wrong shape of the same row (another number of channels, another kernel) follow from that shape's slip.

A row that goes back to the text is right as well, and what comes after it is held against the text again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from fractions import Fraction

from grader.checks._forms import Form, accepted_forms, other_forms
from grader.checks._network import Network, Sample, Step
from grader.checks._slips import Slip, changes, count_slip, rank_slip, shape_slip
from grader.checks._table_rows import Cell, TableRow
from grader.frozen import dataclass

MAX_STATES = 6  # of the student's own shapes at one place; more than two are rare


class CellVerdict(StrEnum):
    """What became of a cell."""

    RIGHT = "right"  # as the text says
    FOLLOWS = "follows"  # as a slip of an earlier row makes it
    FOLLOWS_WITHIN = "follows-within"  # as the slip in the same row makes it
    WRONG = "wrong"
    UNREADABLE = "unreadable"
    MISSING = "missing"

    @property
    def is_credited(self) -> bool:
        return self in (CellVerdict.RIGHT, CellVerdict.FOLLOWS, CellVerdict.FOLLOWS_WITHIN)


@dataclass(frozen=True)
class State:
    """A shape that only the student has, and the row (from 1, as asked) in which it slipped."""

    sample: Sample
    origin: int


@dataclass(frozen=True)
class JudgedCell:
    """A cell with its verdict. `right` is what the text says, `origin` the row whose slip it follows from."""

    column: str
    verdict: CellVerdict
    right: str
    cell: Cell | None = None
    slip: Slip | None = None
    origin: int = 0


@dataclass(frozen=True)
class JudgedRow:
    """A layer with the row that stands for it, if any. `number` counts the asked layers from 1; 0 for others."""

    number: int
    step: Step
    row: TableRow | None
    cells: tuple[JudgedCell, ...]

    @property
    def credited(self) -> int:
        return sum(cell.verdict.is_credited for cell in self.cells)

    @property
    def is_all_credited(self) -> bool:
        return self.credited == len(self.cells)


@dataclass(frozen=True)
class Table:
    """What is asked of a table of layers: the network, the columns, the batch (None: any), and how it is judged.

    Columns `elsewhere` are charged by another rule: here they only tell what the student had in mind.
    """

    network: Network
    columns: tuple[str, ...]
    batch: int | None
    is_followed_through: bool = True
    elsewhere: tuple[str, ...] = ()

    def judge(self, rows: Mapping[int, TableRow], *, is_named: bool = True) -> tuple[JudgedRow, ...]:
        """Every asked layer in order, and those others that have a row. `rows` are by the number of their step.

        Without `is_named` no slip is looked for by its name, which is what takes time.
        """
        walk = _Walk(self, is_named)
        judged = []
        number = 0
        for step in self.network.steps:
            row = rows.get(step.number)
            if step.is_asked:
                number += 1
                judged.append(JudgedRow(number, step, row, walk.asked(number, step, row)))
            else:
                if row is not None:
                    judged.append(JudgedRow(0, step, row, walk.unasked(step, row)))
                walk.pass_through(step)
        return tuple(judged)


@dataclass
class _Walk:
    """The way through one table: the student's own shapes at this place, and the forms that were charged."""

    table: Table
    is_named: bool
    states: tuple[State, ...] = ()
    forms: dict[Form, int] = field(default_factory=dict)  # with the row in which they were charged
    between: tuple[Step, ...] = ()  # layers since the last row: an input may be written before or behind them
    own_inputs: tuple[State, ...] = ()

    def pass_through(self, step: Step) -> None:
        """A layer that is no row."""
        self.between = (*self.between, step)
        self.states = _images(step, self.states)
        self.own_inputs = (*self.own_inputs, *self.states)

    def unasked(self, step: Step, row: TableRow) -> tuple[JudgedCell, ...]:
        """A row for a layer that is no row of the table: a slip in it is no ground to build on."""
        kept = self.states, dict(self.forms), self.between, self.own_inputs
        cells = self.asked(0, step, row)
        self.states, self.forms, self.between, self.own_inputs = kept
        return cells

    def asked(self, number: int, step: Step, row: TableRow | None) -> tuple[JudgedCell, ...]:
        """The judged cells of a row, in the order of the columns; afterwards the walk stands behind the layer."""
        cells = row.cells if row is not None else {}
        made: dict[str, JudgedCell] = {}
        looked_at = (*self.table.columns, *self.table.elsewhere)
        if "input" in looked_at:
            made["input"] = self._input(number, step, cells.get("input"))
        entering = self.states
        images = _images(step, entering)
        wrong: tuple[Sample, ...] = ()
        if "output" in looked_at:
            sources = (step.input, *(state.sample for state in entering))
            judged = self._shape("output", number, cells.get("output"), (step.right.output,), images)
            made["output"], self.states, wrong = judged
            if self.is_named:
                made["output"] = _with_slip(made["output"], step, wrong, sources)
        else:
            self.states = images
        if "parameters" in self.table.columns:
            is_shape_known = "output" in made and made["output"].cell is not None and made["output"].cell.is_readable
            counts = self._count(number, step, cells.get("parameters"), entering, wrong, is_shape_known=is_shape_known)
            made["parameters"] = counts
        self.between, self.own_inputs = (), self.states
        return tuple(made[column] for column in self.table.columns)

    # --- shapes --------------------------------------------------------------------------------

    def _input(self, number: int, step: Step, cell: Cell | None) -> JudgedCell:
        """The input may be written as the layer gets it, or as the row before left it (not flattened yet)."""
        right = (step.input, *(before.input for before in self.between))
        judged, _, wrong = self._shape("input", number, cell, right, (*self.states, *self.own_inputs))
        if judged.verdict is CellVerdict.RIGHT:
            self.states = ()
        elif judged.verdict is CellVerdict.WRONG and self.table.is_followed_through:
            meant = tuple(State(self._behind(sample, step), number) for sample in wrong)
            self.states = _distinct((*meant, *self.states), step.input)
        return judged

    def _behind(self, sample: Sample, step: Step) -> Sample:
        """An input as the layer gets it: taken through what lies between, where it was written before that."""
        if len(sample) == len(step.input):
            return sample
        behind = sample
        for between in self.between:
            made = between.made_of(behind)
            if made is None:
                return sample
            behind = made.output
        return behind

    def _shape(
        self, column: str, number: int, cell: Cell | None, right: tuple[Sample, ...], images: tuple[State, ...]
    ) -> tuple[JudgedCell, tuple[State, ...], tuple[Sample, ...]]:
        """The judged cell, the student's own shapes behind it, and what a wrong one may mean."""
        said = self.accepted[0].shown(right[0])
        images = images if self.table.is_followed_through else ()
        if cell is None:
            return JudgedCell(column, CellVerdict.MISSING, said), images, ()
        if not cell.is_readable:
            return JudgedCell(column, CellVerdict.UNREADABLE, said, cell), images, ()
        if any(_fits(cell, self.accepted, sample) for sample in right):
            return JudgedCell(column, CellVerdict.RIGHT, said, cell), (), ()
        if self.table.is_followed_through:
            followed = [state for state in images if _fits(cell, (*self.accepted, *self.forms), state.sample)]
            if followed:
                judged = JudgedCell(column, CellVerdict.FOLLOWS, said, cell, origin=followed[0].origin)
                return judged, tuple(followed), ()
            for form, origin in self.forms.items():
                if any(_fits(cell, (form,), sample) for sample in right):
                    return JudgedCell(column, CellVerdict.FOLLOWS, said, cell, origin=origin), (), ()
        return self._wrong_shape(column, number, cell, right, images, said)

    def _wrong_shape(
        self,
        column: str,
        number: int,
        cell: Cell,
        right: tuple[Sample, ...],
        images: tuple[State, ...],
        said: str,
    ) -> tuple[JudgedCell, tuple[State, ...], tuple[Sample, ...]]:
        for entries in cell.shapes:
            for form in other_forms(entries, self.table.batch):
                if form in self.forms:
                    continue
                meant = tuple(state for state in images if form.fits(entries, state.sample))
                if meant or any(form.fits(entries, sample) for sample in right):
                    self._charge(form, number)
                    slip = Slip(*form.slip(self.accepted[0]))
                    return JudgedCell(column, CellVerdict.WRONG, said, cell, slip), meant, ()
        samples = self._readings(cell, right[0], number)
        judged = JudgedCell(column, CellVerdict.WRONG, said, cell, self._rank_slip(cell, right[0]))
        if not self.table.is_followed_through:
            return judged, (), samples
        own = tuple(State(sample, number) for sample in samples)
        return judged, _distinct((*own, *images), right[0]), samples

    def _readings(self, cell: Cell, right: Sample, number: int) -> tuple[Sample, ...]:
        """The samples that a wrong shape may mean: in a form that was asked for or charged, else in any."""
        known = [s for e in cell.shapes for form in (*self.accepted, *self.forms) if (s := form.sample(e)) is not None]
        fitting = [sample for sample in known if len(sample) == len(right)]
        if not fitting:
            for entries in cell.shapes:
                for form in other_forms(entries, self.table.batch):
                    sample = form.sample(entries)
                    if sample is not None and len(sample) == len(right):
                        self._charge(form, number)
                        return (sample,)
        return tuple(dict.fromkeys(fitting or known))[:MAX_STATES]

    def _rank_slip(self, cell: Cell, right: Sample) -> Slip | None:
        """The slip of a shape that has another number of axes in each of its readings."""
        lengths = [len(right) + (form.batch is not None) for form in self.accepted]
        if any(len(entries) in lengths for entries in cell.shapes):
            return None
        entries = cell.shapes[0]
        return rank_slip(len(entries), max(lengths), self.accepted[0].sample(entries), right)

    def _charge(self, form: Form, number: int) -> None:
        if self.table.is_followed_through and number:
            self.forms.setdefault(form, number)

    @property
    def accepted(self) -> tuple[Form, ...]:
        return accepted_forms(self.table.batch)

    # --- counts --------------------------------------------------------------------------------

    def _count(
        self,
        number: int,
        step: Step,
        cell: Cell | None,
        entering: tuple[State, ...],
        wrong: tuple[Sample, ...],
        *,
        is_shape_known: bool,
    ) -> JudgedCell:
        right = step.right.parameters
        said = f"{right:,}"
        if cell is None:
            return JudgedCell("parameters", CellVerdict.MISSING, said)
        if not cell.is_readable:
            return JudgedCell("parameters", CellVerdict.UNREADABLE, said, cell)
        following = [s for s in entering if (m := step.made_of(s.sample)) is not None and m.parameters in cell.numbers]
        if not is_shape_known and (following or right in cell.numbers):
            # The count alone tells which input the student has in mind.
            self.states = _images(step, following)
        if right in cell.numbers:
            return JudgedCell("parameters", CellVerdict.RIGHT, said, cell)
        if following:
            return JudgedCell("parameters", CellVerdict.FOLLOWS, said, cell, origin=following[0].origin)
        sources = (step.input, *(state.sample for state in entering))
        if self.table.is_followed_through and _belongs_to(step, cell.numbers, wrong, sources):
            return JudgedCell("parameters", CellVerdict.FOLLOWS_WITHIN, said, cell, origin=number)
        if self.table.is_followed_through and not is_shape_known:
            meant = tuple(State(sample, number) for sample in _outputs_with(step, cell.numbers, sources))
            self.states = _distinct((*meant, *self.states), step.right.output)
        whole = [int(value) for value in cell.numbers if value.denominator == 1 and self.is_named]
        slips = (count_slip(step, value, sources, self.table.batch) for value in whole)
        return JudgedCell("parameters", CellVerdict.WRONG, said, cell, next((s for s in slips if s is not None), None))


def _fits(cell: Cell, forms: Iterable[Form], sample: Sample) -> bool:
    return any(form.fits(entries, sample) for form in forms for entries in cell.shapes)


def _with_slip(judged: JudgedCell, step: Step, wrong: tuple[Sample, ...], sources: Sequence[Sample]) -> JudgedCell:
    """The cell with the slip that explains its shape, where one does."""
    slips = (shape_slip(step, sample, sources) for sample in wrong)
    slip = judged.slip or next((slip for slip in slips if slip is not None), None)
    return JudgedCell(judged.column, judged.verdict, judged.right, judged.cell, slip, judged.origin)


def _images(step: Step, states: Iterable[State]) -> tuple[State, ...]:
    """The student's own shapes behind a layer; those that it does not accept are gone."""
    made = ((step.made_of(state.sample), state.origin) for state in states)
    return _distinct((State(m.output, origin) for m, origin in made if m is not None), step.right.output)


def _distinct(states: Iterable[State], right: Sample) -> tuple[State, ...]:
    """Each shape once, the right one never: what is right needs no slip to follow from."""
    by_sample: dict[Sample, State] = {}
    for state in states:
        if state.sample != right:
            by_sample.setdefault(state.sample, state)
    return tuple(by_sample.values())[:MAX_STATES]


def _belongs_to(step: Step, numbers: Sequence[Fraction], wrong: tuple[Sample, ...], sources: Sequence[Sample]) -> bool:
    """Whether one changed setting gives both the wrong shape and these parameters."""
    for sample in wrong:
        for change in changes(step, sample):
            for source in sources:
                made = step.made_of(source, change.settings)
                if made is not None and made.output == sample and made.parameters in numbers:
                    return True
    return False


def _outputs_with(step: Step, numbers: Sequence[Fraction], sources: Sequence[Sample]) -> Iterable[Sample]:
    """The shapes of a layer that has so many parameters because of another number of output channels."""
    setting = next((word for word in ("out_channels", "out_features") if word in (step.settings or {})), None)
    if setting is None:
        return
    for source in sources:
        one, two = (step.made_of(source, {setting: count}) for count in (1, 2))
        if one is None or two is None or one.parameters == two.parameters:
            continue
        each = two.parameters - one.parameters
        for value in numbers:
            channels = (value - one.parameters) / each + 1
            if channels.denominator == 1 and 0 < channels < 10**6:
                made = step.made_of(source, {setting: int(channels)})
                if made is not None:
                    yield made.output
