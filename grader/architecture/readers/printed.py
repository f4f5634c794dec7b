"""What does a printed summary say? The nouns that every reader fills, nothing recomputed yet.

text -> report lines -> a reader of one format -> PrintedSummary -> grader.architecture.recompute
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from fractions import Fraction

from grader.frozen import dataclass
from grader.model import Json

# None stands for an axis that the print leaves open: torchsummary's -1, Keras's None, a hand-written B.
PrintedShape = tuple[int | None, ...]


class Format(StrEnum):
    """Who printed it. The values are the words of `grader read --json`."""

    TORCHSUMMARY = "torchsummary"
    TORCHSUMMARYX = "torchsummaryX"
    PYTORCH_MODEL_SUMMARY = "pytorch_model_summary"
    TORCHINFO = "torchinfo"
    PRINT = "print"
    KERAS = "keras"
    LIGHTNING = "lightning"
    HANDTABLE = "handtable"


# Numbers and rows are never changed; like `Line`, they are too many to be frozen.
@dataclass(slots=True, unsafe_hash=True)
class PrintedNumber:
    """A number as it was printed: its value, the unit of its last digit, where it stands.

    `value` is in the plain unit of its field (parameters, multiply-adds, megabytes): "75.8 K" is 75,800 with a
    step of 100. A step of 0 means exact (a whole number printed in full).
    """

    value: Fraction
    step: Fraction
    line: int
    text: str

    @property
    def is_rounded(self) -> bool:
        return self.step > 0


@dataclass(slots=True, unsafe_hash=True)
class PrintedRow:
    """One row: one call of a module, or one module, or one line of a hand-made table.

    `line`        first line of the row in the file, from 1; `last_line` is another one where the row wraps
    `name`        the first cell as a person would say it: "Conv2d-1", "conv2d_1", "features.0"
    `type`        the class: "Conv2d", "Dense"; as the author wrote it in a hand-made table ("Conv(3->64)")
    `depth`       0 for the root or a flat print, 1 and more for a tree
    `number`      what the tool counts: the 1 of Conv2d-1, the 3 of "2-3"; None where there is none
    `outputs`     every shape of the output cell, in order; () where no shape is printed
    `inputs`      the same for an input column
    `kernel`      the kernel column, as printed
    `parameters`  None for "--", an empty cell or a column that is not there; see `is_counted`
    `is_counted`  False where the tool prints "--" or "(recursive)" in place of a count
    `is_recursive` the module was printed before (torchinfo, pytorch_model_summary)
    `is_cut`      the tree goes on below this row but was not printed (depth limit): its count is of all below it
    `settings`    what the print states outright, in the words of `make_layer` ("kernel", "stride", ...), and
                  "in_channels" / "in_features" where stated
    `connected`   Keras: the names of the rows that this one takes its input from
    `mended`      how the text had to be read where it was damaged, one phrase each; () where it was whole
    """

    line: int
    name: str
    type: str
    last_line: int = 0
    depth: int = 0
    number: int | None = None
    outputs: tuple[PrintedShape, ...] = ()
    inputs: tuple[PrintedShape, ...] = ()
    kernel: PrintedShape | None = None
    parameters: PrintedNumber | None = None
    is_counted: bool = True
    is_recursive: bool = False
    is_cut: bool = False
    is_trainable: bool | None = None
    mult_adds: PrintedNumber | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)
    connected: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A line inside a summary that could not be read; it makes the verdict REVIEW, never FAILED."""

    line: int
    text: str
    why: str


# The names of the totals, for every format. Megabytes as the tool says them (each has its own megabyte).
TOTALS = (
    "parameters",
    "trainable",
    "non_trainable",
    "optimizer",  # Keras 3 after training
    "mult_adds",
    "input_mb",
    "pass_mb",  # "Forward/backward pass size"
    "parameters_mb",
    "total_mb",  # "Estimated Total Size"
    "trainable_mb",  # Keras 3 prints a size behind each count
    "non_trainable_mb",
    "optimizer_mb",
)


@dataclass(frozen=True)
class PrintedSummary:
    """One summary as found in a file.

    `input`    the input shape where the print states it (torchinfo's root row, Keras's InputLayer, a table's
               "Input" row); several where the model takes several; () where it states none
    `columns`  the columns found, in order, by our names: "name", "output", "input", "kernel", "parameters", ...
    `totals`   by the names of TOTALS
    `unread`   lines that look like part of it and could not be read
    `notes`    what a person should know about how it was read, one sentence each
    `modules`  the rows of the print of all modules that the tool printed below this table ("Hierarchical Summary")
    """

    format: Format
    first_line: int
    last_line: int
    rows: tuple[PrintedRow, ...]
    totals: Mapping[str, PrintedNumber] = field(default_factory=dict)
    input: tuple[PrintedShape, ...] = ()
    columns: tuple[str, ...] = ()
    title: str = ""
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    modules: tuple[PrintedRow, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True if every line of it was read."""
        return not self.unread
