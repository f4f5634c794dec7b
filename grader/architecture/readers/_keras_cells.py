"""What does one row of a Keras summary say, once its cells are apart?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from fractions import Fraction

from grader.architecture.readers._keras_names import CONTAINERS, class_of_name, completed, completions
from grader.architecture.readers.printed import PrintedNumber, PrintedRow, PrintedShape
from grader.frozen import dataclass

ELLIPSIS = "…"
_NUMBER = r"(?:None|\d{1,9}|-1)"
_SHAPE = re.compile(rf"\(\s*({_NUMBER}(?:\s*,\s*{_NUMBER}){{0,9}})?\s*,?\s*\)")
_COUNT = re.compile(r"(\d{1,3}(?:[,. ]\d{3})+|\d{1,15})\s*(\(u?n?(?:built|used|\w{0,5}…)?\)?)?")


@dataclass(slots=True)
class Cells:
    """The texts of one row. `is_cut` names the cells that the layout cut at their column's width."""

    line: int
    last_line: int
    name: str
    output: str = ""
    count: str = ""
    connected: str = ""
    trainable: str = ""
    depth: int = 0
    mended: list[str] = field(default_factory=list)


def shapes_of(text: str) -> tuple[PrintedShape, ...]:
    """Every shape in a cell, in order; a cut one is none.

    >>> shapes_of("[(None, 28, 28, 1)]"), shapes_of("[(None, 64), (None, 32)]"), shapes_of("(None, 112, 112, 6")
    (((None, 28, 28, 1),), ((None, 64), (None, 32)), ())
    """
    return tuple(
        tuple(None if axis.strip() in {"None", "-1"} else int(axis) for axis in found.group(1).split(","))
        if found.group(1)
        else ()
        for found in _SHAPE.finditer(text)
    )


def whole_number(text: str, line: int) -> PrintedNumber | None:
    """A count as Keras prints it, with thousands separators or without; None for anything else."""
    found = _COUNT.fullmatch(text.strip())
    if found is None:
        return None
    digits = found.group(1).replace(",", "").replace(".", "").replace(" ", "")
    return PrintedNumber(Fraction(int(digits)), Fraction(0), line, found.group(1))


def is_count(text: str) -> bool:
    """True for a count, also one cut by an ellipsis or with "(unbuilt)" behind it."""
    return bool(_COUNT.fullmatch(text.strip().rstrip(ELLIPSIS)))


def row_of(cells: Cells) -> PrintedRow | None:
    """The row; None where its first cell cannot be the name of a layer."""
    mended = list(cells.mended)
    name, kind = _name_and_class(cells.name, mended)
    if not name:
        return None
    outputs = shapes_of(cells.output)
    if not outputs and cells.output.strip(" []()") not in {"", "?", "multiple", "-", "--"}:
        mended.append(f"the output shape is cut: {cells.output.strip()!r}")
    elif outputs and cells.output.count("(") > cells.output.count(")") + 1:
        mended.append(f"an output shape is cut: {cells.output.strip()!r}")
        outputs = ()
    count = whole_number(cells.count, cells.line)
    is_cut = ELLIPSIS in cells.count.split("(")[0]
    if is_cut:
        count = None
        mended.append(f"the count is cut: {cells.count.strip()!r}")
    number = re.search(r"_(\d{1,9})$", name)
    trainable = cells.trainable.strip()
    return PrintedRow(
        line=cells.line,
        last_line=cells.last_line if cells.last_line != cells.line else 0,
        name=name,
        type=kind,
        depth=cells.depth,
        number=int(number.group(1)) if number else None,
        outputs=outputs,
        parameters=count,
        is_counted=count is not None and "(" not in cells.count,
        is_cut=kind in CONTAINERS,
        is_trainable={"Y": True, "N": False}.get(trainable),
        connected=connections_of(cells.connected),
        mended=tuple(mended),
    )


def _name_and_class(text: str, mended: list[str]) -> tuple[str, str]:
    text = " ".join(text.split())
    place = text.rfind("(")
    if place < 0:
        name, kind, is_whole = text, "", False
    else:
        name, kind = text[:place].strip(), text[place + 1 :].strip()
        is_whole = kind.endswith(")")
        kind = kind.removesuffix(")").strip()
        if ELLIPSIS in kind:
            is_whole = False
    if not name or len(name) > 120 or "  " in name:
        return "", ""
    # A class name broken over two lines came back with a blank in it.
    if is_whole and " " in kind and kind.replace(" ", "").isidentifier():
        kind = kind.replace(" ", "")
    if is_whole and kind:
        # Cut by its column just before the bracket of the next: "(MaxPooling2)(None" of a copy made by hand.
        if not kind.isidentifier() and not kind.replace("-", "_").replace(".", "_").replace(">", "_").isidentifier():
            return "", ""
        full = completed(kind, name) if class_of_name(name).startswith(kind) else ""
        if full and full != kind:
            mended.append(f"the class {kind!r} read as {full!r}")
            return name, full
        return name, kind
    full = completed(kind, name)
    if full:
        mended.append(f"the class {kind!r} read as {full!r}" if kind else f"the class {full!r} read from the name")
        return name, full
    mended.append(f"the class is cut: {kind!r}" if kind else "no class is printed")
    return name, kind.rstrip(ELLIPSIS)


def connections_of(text: str) -> tuple[str, ...]:
    """The layers named in a "Connected to" cell, in order, as often as they are named.

    >>> connections_of("['gru[0][0]', 'gru[1][0]']"), connections_of("input_layer[0][0… input_la…"), connections_of("-")
    (('gru', 'gru'), ('input_layer', 'input_la…'), ())
    """
    names = []
    for piece in text.replace("'", " ").replace('"', " ").replace(",", " ").split():
        word = piece
        if word[0] == "[" and not word[1:2].isdigit():
            word = word[1:]
        name, bracket, _ = word.partition("[")
        if not name or name in {"-", "]", "[]"}:
            continue
        if bracket or name.endswith(ELLIPSIS):
            names.append(name)
        elif name.rstrip("]").isdigit() or set(name) <= set("]…"):
            continue
        else:
            names.append(name.rstrip("]"))
    return tuple(names)


def with_classes_by_rank(rows: list[PrintedRow]) -> list[PrintedRow]:
    """The rows, with a cut class completed where only its dimensions were open and the shapes show them.

    "GlobalAveragePo…" after (None, 8, 8, 64) is GlobalAveragePooling2D.
    """
    by_name = {row.name: row for row in rows}
    made = []
    for place, row in enumerate(rows):
        choices = (
            completions(row.type, row.name) if any(word.startswith("the class is cut") for word in row.mended) else ()
        )
        source = by_name.get(row.connected[0]) if row.connected else rows[place - 1] if place else None
        shapes = source.outputs if row.type.startswith("Global") and source is not None else row.outputs
        fitting = [one for one in choices if shapes and one[-2:] == f"{len(shapes[0]) - 2}D"]
        if len(choices) > 1 and len(fitting) == 1 and len({one[:-2] for one in choices}) == 1:
            mended = (
                *(word for word in row.mended if not word.startswith("the class is cut")),
                f"the class {row.type!r} read as {fitting[0]!r}, by the shape",
            )
            made.append(replace(row, type=fitting[0], mended=mended))
        else:
            made.append(row)
    return made


def with_full_names(rows: list[PrintedRow]) -> Mapping[str, str]:
    """For each cut name in the "Connected to" cells, the one layer whose name begins so; nothing where several do."""
    names = [row.name for row in rows]
    known = set(names)
    full: dict[str, str] = {}
    for row in rows:
        for connected in row.connected:
            if connected in known or connected in full:
                continue
            begun = connected.rstrip(ELLIPSIS)
            fitting = {name for name in known if name.startswith(begun)} if begun != connected else set()
            if len(fitting) == 1:
                full[connected] = fitting.pop()
    return full
