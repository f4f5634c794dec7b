"""What does `print(model)` say?

Reprs of every version of PyTorch are read: nested modules, `(0-5): 6 x Block(`, settings on a line of their own, torch
0.3 (`Linear (784 -> 10)`), a repr on one line or broken by `<br/>`, one whose name or last brackets were cut off. One
row a module in print order; its `name` is the dotted path, the root's is its class.

A repr leaves things unsaid: parameters that a module holds itself, tensors that two modules share, the `ceil_mode` of
an average pooling. What it does say goes into `settings`; without a "kind" there the class is none that `make_layer`
builds exactly.

Source:  torch.nn.Module.__repr__ and ModuleList.__repr__, torch 0.3 to 2.13
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from grader.architecture.readers._repr_reader import Block, blocks_in
from grader.architecture.readers._repr_settings import parameters_of, settings_of
from grader.architecture.readers._repr_tree import MOST_MODULES, Mark, Module, listed, nested
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedSummary, Unread
from grader.documents.report_lines import Line

MOST_ROWS = 300_000  # of all prints of a file together: no report has as many
MOST_COPIES = 50_000  # rows of a file that stand for "6 x Block" only


def read(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    r"""Every printed model in the lines, in order. Linear in the length of the text; never raises.

    >>> from grader.documents.report_lines import Line
    >>> text = "Net(\n  (fc): Linear(in_features=784, out_features=10, bias=True)\n)"
    >>> [summary] = read([Line(number, one) for number, one in enumerate(text.splitlines(), 1)])
    >>> [(row.name, row.type, repr_parameters(row)) for row in summary.rows]
    [('Net', 'Net', None), ('fc', 'Linear', 7850)]
    """
    found: list[PrintedSummary] = []
    rows = copies = 0
    for block in blocks_in(lines):
        summary = _summary(block, min(MOST_MODULES, len(block.pieces) + MOST_COPIES - copies))
        rows += len(summary.rows)
        copies += max(len(summary.rows) - len(block.pieces), 0)
        if rows > MOST_ROWS:
            end = Unread(summary.last_line, "", f"no prints are read behind {MOST_ROWS:,} modules")
            found.append(replace(summary, unread=(*summary.unread, end)))
            break
        found.append(summary)
    return tuple(found)


def repr_parameters(row: PrintedRow) -> int | None:
    """How many numbers the printed module itself learns, without the modules below it.

    None where the print does not say: a class of the student's own (which may hold parameters besides its modules),
    a quantised or lazy layer, MultiheadAttention.
    """
    return parameters_of(row.type, row.settings)


def modules_in_cell(text: str, line: int) -> tuple[PrintedRow, ...]:
    """The modules printed in one cell of a table, such as `(conv1): ConvBlock(<br/>(conv): Conv2d(...)<br/>)`.

    >>> [row.name for row in modules_in_cell("(pool): MaxPool2d(kernel_size=2, stride=2, padding=0)", 7)]
    ['pool']
    """
    return tuple(row for block in blocks_in([Line(line, text)], least=1) for row in _summary(block).rows)


def _summary(block: Block, most: int = MOST_MODULES) -> PrintedSummary:
    pieces, has_root = block.pieces, block.has_root
    is_single = block.is_bare and len(pieces) == 1
    tree = nested(pieces, has_root=has_root or is_single)
    rows = tuple(_row(path, module) for path, module in listed(tree, most))
    notes = [] if has_root or is_single else ["the first line, with the name of the model, is missing"]
    missing = [Unread(line, "", why) for line, why in tree.missing]
    last = max(max(piece.line, piece.last_line) for piece in pieces)
    return PrintedSummary(
        Format.PRINT,
        pieces[0].line,
        last,
        rows,
        columns=("name", "type", "parameters") if any(row.parameters for row in rows) else ("name", "type"),
        title=rows[0].type if has_root or is_single else "",
        unread=tuple(sorted([*block.unread, *missing], key=lambda one: one.line)),
        notes=(*notes, *tree.notes),
    )


def _row(path: str, module: Module) -> PrintedRow:
    piece = module.piece
    words = piece.words if piece.mark is Mark.LEAF else ", ".join(module.words)
    settings = (
        {} if "cut off" in "".join(piece.mended) else settings_of(piece.type, words, has_modules=module.has_modules)
    )
    last = piece.last_line or piece.line
    made = PrintedRow(piece.line, path, piece.type, last, module.depth, settings=settings, mended=piece.mended)
    if module.count:
        value = Fraction(int(module.count.replace(",", "")))
        made.parameters = PrintedNumber(value, Fraction(0), module.count_line, module.count)
    return made
