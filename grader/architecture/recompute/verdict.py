"""What is so about a printed summary, once everything in it was recomputed? The nouns of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from grader.architecture.readers.printed import PrintedRow, PrintedSummary
from grader.architecture.shapes import Shape
from grader.frozen import dataclass
from grader.model import Json


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A printed thing that cannot be, given the rest of the summary.

    `field`       "output", "input", "kernel", "parameters", "name" (numbering, order), or a name of TOTALS
    `said`        as printed;  `recomputed`  what it would have to be
    `why`         one sentence that a student understands, with the arithmetic in it
    `row`         index into the summary's rows; None for a total
    `is_certain`  False where an honest network could print this too: it goes to a person (REVIEW)
    """

    line: int
    field: str
    said: str
    recomputed: str
    why: str
    row: int | None = None
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class LayerReading:
    """One way to explain a row: a layer's settings in the words of `make_layer`, and what it takes as input.

    `inputs`  indices of the rows whose outputs go in (-1: the network's input); () where that is not known
    `needs`   what has to be supposed beyond the print, such as "a functional max pooling 2x2 before it"; "" if nothing
    """

    settings: Mapping[str, Json]
    input_shape: Shape | None = None
    output_shape: Shape | None = None
    parameters: int | None = None
    inputs: tuple[int, ...] = ()
    needs: str = ""


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """One row beside what was recomputed.

    `readings`  every way to explain it that was kept, the most usual first; () for a container or an unknown class
    `output`, `parameters`  the recomputed values; None where nothing can be recomputed (a class of the student's own)
    """

    row: PrintedRow
    readings: tuple[LayerReading, ...] = ()
    output: Shape | None = None
    parameters: int | None = None


@dataclass(frozen=True)
class SummaryVerdict:
    """The whole answer about one summary.

    `disagreements`  in the order of their lines; the first cause first, consequences of it not repeated
    `defects`        known faults of the printing tool that show in this print (said, never charged)
    `doubts`         what could not be decided, one sentence each: for a person
    `totals`         recomputed values by the names of TOTALS, as the tool would print them ("1.51", "6,379,786")
    """

    summary: PrintedSummary
    rows: tuple[RowVerdict, ...]
    disagreements: tuple[Disagreement, ...] = ()
    defects: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    totals: Mapping[str, str] = field(default_factory=dict)
    input: Shape | None = None

    @property
    def is_consistent(self) -> bool:
        """True if nothing printed contradicts the rest of it for certain."""
        return not any(one.is_certain for one in self.disagreements)
