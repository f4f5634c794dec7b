"""Which module of a printed repr holds which, once its brackets and its indentation are weighed against each other?

marks (what opens, closes and stands alone, in order) -> modules with their depth -> every copy of "(0-5): 6 x Block"
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from enum import Enum, auto

from grader.frozen import dataclass

MOST_MODULES = 20_000  # copies beyond are not listed: no course's network has as many


class Mark(Enum):
    """What a piece of a repr does."""

    OPEN = auto()  # `(conv): Block(` with modules to come
    LEAF = auto()  # `(relu): ReLU()`
    CLOSE = auto()  # `)`
    WORDS = auto()  # settings on a line of their own, behind an OPEN


@dataclass(slots=True)
class Piece:
    """One piece: `indent` is -1 where it does not stand first on its line."""

    mark: Mark
    line: int
    indent: int
    key: str = ""
    type: str = ""
    words: str = ""
    copies: int = 1
    last_line: int = 0
    mended: tuple[str, ...] = ()
    count: str = ""  # the parameters printed behind it; for an OPEN piece they stand behind its CLOSE


@dataclass(slots=True)
class Module:
    """A module of the tree; `has_modules` is True for an OPEN piece under which something stood."""

    piece: Piece
    depth: int
    has_modules: bool = False
    words: list[str] = field(default_factory=list)
    count: str = ""
    count_line: int = 0


@dataclass(slots=True)
class Nested:
    """The modules in print order, and what had to be guessed or could not be told."""

    modules: list[Module] = field(default_factory=list)
    missing: list[tuple[int, str]] = field(default_factory=list)  # line, why
    notes: list[str] = field(default_factory=list)


def nested(pieces: Sequence[Piece], *, has_root: bool) -> Nested:
    """Modules with their depth: by the brackets where these are whole, else by the indentation where there is any."""
    base = 0 if has_root else 1
    made = Nested()
    surplus = _by_brackets(pieces, base, made)
    if surplus == 0:
        return made
    indents = {piece.indent for piece in pieces if piece.mark is not Mark.WORDS and piece.indent >= 0}
    if len(indents) > 1:
        by_indent = Nested()
        if _by_indentation(pieces, base, by_indent):
            made = by_indent
    if surplus > 0:
        made.notes.append(f"closing brackets are missing: {surplus}")
    else:
        made.missing.append((pieces[-1].line, f"more closing than opening brackets: {-surplus}"))
    return made


def _by_brackets(pieces: Sequence[Piece], base: int, made: Nested) -> int:
    """Nest by brackets alone; how many were left open, negative where more closed than opened."""
    open_: list[Module] = []
    excess = 0
    for piece in pieces:
        if piece.mark is Mark.CLOSE:
            if open_:
                _close(open_, piece)
            else:
                excess += 1
        elif piece.mark is Mark.WORDS:
            if open_:
                open_[-1].words.append(piece.words)
        else:
            _add(piece, open_, base, made)
    return -excess if excess else len(open_)


def _by_indentation(pieces: Sequence[Piece], base: int, made: Nested) -> bool:
    """Nest by indentation; False where it does not draw a tree."""
    open_: list[Module] = []
    for piece in pieces:
        if piece.mark is Mark.CLOSE:
            while open_ and piece.indent >= 0 and open_[-1].piece.indent > piece.indent:
                open_.pop()
            if open_ and (piece.indent < 0 or open_[-1].piece.indent == piece.indent):
                _close(open_, piece)
            elif piece.indent >= 0:
                made.missing.append((piece.line, "it closes a module whose first line is not here"))
        elif piece.mark is Mark.WORDS:
            if open_:
                open_[-1].words.append(piece.words)
        else:
            if piece.indent >= 0:
                while open_ and open_[-1].piece.indent >= piece.indent:
                    open_.pop()
            if not open_ and made.modules and base == 0:
                return False
            _add(piece, open_, base, made)
    return True


def _close(open_: list[Module], piece: Piece) -> None:
    module = open_.pop()
    module.count, module.count_line = piece.count, piece.line


def _add(piece: Piece, open_: list[Module], base: int, made: Nested) -> None:
    if open_:
        open_[-1].has_modules = True
    depth = open_[-1].depth + 1 if open_ else base if not made.modules else 1
    module = Module(piece, depth, count=piece.count, count_line=piece.line)
    made.modules.append(module)
    if piece.mark is Mark.OPEN:
        open_.append(module)


def listed(tree: Nested, most: int = MOST_MODULES) -> list[tuple[str, Module]]:
    """Every module with its dotted path, in print order, "6 x" written out as six while there are at most so many."""
    flat: list[tuple[int, str, Module]] = []
    repeated: list[tuple[int, Module]] = []  # where the first copy begins in `flat`
    for module in tree.modules:
        while repeated and repeated[-1][1].depth >= module.depth:
            _copy(flat, *repeated.pop(), tree, most)
        if module.piece.copies > 1:
            repeated.append((len(flat), module))
        flat.append((module.depth, module.piece.key.partition("-")[0] if module.piece.copies > 1 else "", module))
    while repeated:
        _copy(flat, *repeated.pop(), tree, most)
    return _with_paths(flat)


def _copy(flat: list[tuple[int, str, Module]], start: int, module: Module, tree: Nested, most: int) -> None:
    first, _, last = module.piece.key.partition("-")
    copies = module.piece.copies
    begin, end = int(first), int(last)
    if end - begin + 1 != copies:
        tree.missing.append((module.piece.line, f"{module.piece.key} are {end - begin + 1} modules, it says {copies}"))
    block = flat[start:]
    if len(flat) + (copies - 1) * len(block) > most:
        tree.missing.append((module.piece.line, f"{copies} copies are more than are listed here"))
        return
    for copy in range(1, copies):
        flat.append((block[0][0], str(begin + copy), block[0][2]))
        flat.extend(block[1:])


def _with_paths(flat: Sequence[tuple[int, str, Module]]) -> list[tuple[str, Module]]:
    path: list[str] = []
    made: list[tuple[str, Module]] = []
    for depth, key, module in flat:
        if depth == 0:
            made.append((module.piece.type, module))
            continue
        del path[depth - 1 :]
        path.append(key or module.piece.key or module.piece.type)
        made.append((".".join(path), module))
    return made
