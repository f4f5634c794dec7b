r"""Which formula did the student write? Every reading of it, from plain text or LaTeX, with what had to be assumed.

`W_out = \left\lfloor\frac{W-K+2P}{S}\right\rfloor + 1`, `[(W - K + 2P)/S] + 1`, `[B, T, ceil(T/2), C]`,
`B \times T \times \lceil T/2 \rceil`, a list of entries, and each of them with words around it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from grader.answers.answer_error import AnswerError, described, quoted, refuse
from grader.answers.formulas.lexing import FIX, Piece, split
from grader.answers.formulas.parsing import Parser, Style, styles
from grader.answers.formulas.tree import Node, names_in, number, render
from grader.answers.tokens import OPENING
from grader.answers.writing import plain
from grader.frozen import dataclass
from grader.model import Json, Place

MAX_LENGTH: Final = 2_000
MAX_ENTRIES: Final = 8
SHAPE_FIX: Final = "write a shape such as [B, floor((T - 3)/2) + 1, T, C]"
_CLOSING: Final = frozenset(OPENING.values())
_EQUALS: Final = frozenset({"=", "≈"})


@dataclass(frozen=True)
class Reading:
    """One meaning of what was written, and what it takes for granted ("" for nothing)."""

    tree: Node
    assumed: str = ""


@dataclass(frozen=True)
class Formula:
    """A formula with all its readings, the more usual first.

    `name`   what stands left of the equals sign: "W_out"
    `steps`  the other sides of a chain of equations that hold letters, in their most usual reading
    """

    written: str
    readings: tuple[Reading, ...]
    name: str = ""
    steps: tuple[Node, ...] = ()

    @property
    def tree(self) -> Node:
        """The most usual reading."""
        return self.readings[0].tree

    @property
    def names(self) -> tuple[str, ...]:
        return names_in(self.tree)

    def __str__(self) -> str:
        return render(self.tree)


@dataclass(frozen=True)
class ShapeFormula:
    """A shape with a formula for each entry."""

    written: str
    entries: tuple[Formula, ...]
    name: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for entry in self.entries for name in entry.names))

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.entries))}]"


def parse_formula(value: Json, place: Place, *, brackets: str | None = None, known: Collection[str] = ()) -> Formula:
    r"""Read one formula, or AnswerError. Of a chain of equations it is the last side that holds a letter.

    `brackets`  what square brackets do: "floor", "grouping", or None where that is open: both are readings then
    `known`     the names that the task speaks of

    >>> here = Place("answers.json", "/answers/size")
    >>> str(parse_formula(r"$$[(W - K + 2P)/S] + 1$$", here, brackets="floor"))
    'floor((W - K + 2*P)/S) + 1'
    >>> [(render(r.tree), r.assumed) for r in parse_formula("1/2T", here).readings]
    [('1/2*T', '"1/2T" is 1/2*T'), ('1/(2*T)', '"1/2T" is 1/(2*T)')]
    >>> parse_formula("9^9^", here)
    Traceback (most recent call last):
    grader.answers.answer_error.AnswerError: answers.json /answers/size: "9^9^" ends too early (character 5)
      fix: write a formula such as floor((T - 3)/2) + 1, with names, numbers, + - * / ( ), floor(...) and ceil(...)
    """
    text = _text_of(value, place, FIX)
    pieces = split(text, place, known=known)
    return _from_sides(text, _split_at(text, pieces, _EQUALS), place, brackets, known)


def parse_shape_formula(
    value: Json, place: Place, *, brackets: str | None = None, known: Collection[str] = ()
) -> ShapeFormula:
    r"""Read a shape of formulas, or AnswerError: a list of entries, or text with brackets, commas or crosses.

    >>> here = Place("answers.json", "/answers/shape")
    >>> str(parse_shape_formula(r"$[B, T, \text{ceil}(\frac{T}{2}), \text{ceil}(\frac{T}{2})]$", here))
    '[B, T, ceil(T/2), ceil(T/2)]'
    >>> str(parse_shape_formula(r"B \times (T-1)//2 + 1 \times C'", here))
    "[B, (T - 1)//2 + 1, C']"
    """
    if isinstance(value, list):
        if not 1 <= len(value) <= MAX_ENTRIES:
            refuse(place, f"a shape of {len(value)} entries", SHAPE_FIX, code="not-a-shape")
        entries = tuple(
            parse_formula(one, place.child(index), brackets=brackets, known=known) for index, one in enumerate(value)
        )
        return ShapeFormula(f"[{', '.join(entry.written for entry in entries)}]", entries)
    text = _text_of(value, place, SHAPE_FIX)
    sides = [side.strip() for side in _split_at(text, split(text, place, known=known), _EQUALS) if side.strip()]
    if not sides:
        refuse(place, "nothing is written here", SHAPE_FIX, code="not-a-shape")
    parts = _listed(sides[-1], place, known)
    if not 1 <= len(parts) <= MAX_ENTRIES:
        fix = f"write at most {MAX_ENTRIES} entries"
        refuse(place, f"{quoted(sides[-1])} has {len(parts)} entries", fix, code="not-a-shape")
    found = tuple(_formula(part, place, brackets, known) for part in parts)
    return ShapeFormula(sides[-1], found, _left_name(sides, place, known))


def _text_of(value: Json, place: Place, fix: str) -> str:
    """The plain text of a value, the last statement of several, without a label in front of it."""
    if isinstance(value, dict):
        key = next((key for key in ("value", "output", "shape", "formula") if value.get(key) is not None), None)
        if key is None or isinstance(value[key], (dict, list)):
            refuse(place, 'the object has no "value" that is text', fix, code="not-a-formula")
        value = value[key]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**12:
        value = str(value)
    if not isinstance(value, str):
        refuse(place, f"{described(value)} is not a formula", fix, code="not-a-formula")
    text = last_statement(plain(value, place, limit=MAX_LENGTH))
    if not text:
        refuse(place, "nothing is written here", fix, code="not-a-formula")
    return text


def last_statement(text: str) -> str:
    r"""What plain text ends on: behind the last arrow or line, without a label, a full stop or a list's dash.

    >>> last_statement("Output shape: [B, T] → [B, T - 1]."), last_statement("W' &= W - K\n &= W - 2")
    ('[B, T - 1]', "W' = W - K = W - 2")
    """
    joined: list[str] = []
    for written in text.replace("&", " ").replace("→", "\n").split("\n"):
        line = " ".join(written.split()).strip(" .,;|•")
        if line.startswith(("=", "≈", "+")) and joined:
            joined[-1] += f" {line}"
        elif line and line not in ("-", ":"):
            joined.append(line)
    last = joined[-1] if joined else ""
    label, colon, rest = last.partition(":")
    if colon and rest.strip() and not any(char in OPENING or char in "=/+" for char in label):
        last = rest.strip()
    return last.removeprefix("- ") if last.startswith("- ") and "=" in last else last


def _split_at(text: str, pieces: Sequence[Piece], separators: Collection[str]) -> list[str]:
    """The text between pieces of these kinds, outside of brackets."""
    found, depth, start = [], 0, 0
    for piece in pieces:
        depth += (piece.kind in OPENING) - (piece.kind in _CLOSING)
        if piece.kind in separators and depth <= 0:
            found.append(text[start : piece.start])
            start = piece.end
    return [*found, text[start:]]


def _from_sides(text: str, sides: list[str], place: Place, brackets: str | None, known: Collection[str]) -> Formula:
    """The last side that holds a letter; a bare name at the left is what is defined."""
    name = _left_name([side.strip() for side in sides], place, known)
    right = [side for side in sides[1 if name else 0 :] if side.strip()]
    if not right:
        refuse(place, f"{quoted(text)} has nothing right of the equals sign", FIX, code="not-a-formula")
    read = [_formula(side, place, brackets, known) for side in right]
    lettered = [formula for formula in read if formula.names] or read
    steps = tuple(formula.tree for formula in lettered[:-1])
    return Formula(lettered[-1].written, lettered[-1].readings, name, steps)


def _left_name(sides: Sequence[str], place: Place, known: Collection[str]) -> str:
    """The name left of the first equals sign, "" where there is none."""
    if len(sides) < 2:
        return ""
    try:
        pieces = split(sides[0], place, known=known)
    except AnswerError:
        return sides[0].split()[-1][:30] if sides[0].split() else ""
    names = [piece.text for piece in pieces if piece.kind == "name"]
    return " ".join(names) if len(names) == len(pieces) - 1 else ""


def _listed(side: str, place: Place, known: Collection[str]) -> list[str]:
    """The entries of a shape: in brackets, between commas, or between crosses."""
    pieces = split(side, place, known=known)
    while len(pieces) > 3 and pieces[0].is_word and pieces[1].kind in ("(", "["):  # torch.Size([...]), shape(...)
        side = side[pieces[0].end :].strip()
        pieces = split(side, place, known=known)
    for _ in range(3):
        end = _closing(pieces)
        if not end or pieces[end + 1].kind != "end":
            break
        inner = side[pieces[0].end : pieces[end].start]
        kinds = {piece.kind for piece in _outside(split(inner, place, known=known))}
        if not kinds & {",", ";", "×"} and pieces[0].kind != "[" and not inner.strip().startswith(("[", "(")):
            break
        side = inner.strip()
        pieces = split(side, place, known=known)
    parts = _split_at(side, pieces, (",", ";"))
    if len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    if len(parts) == 1:
        parts = _split_at(side, pieces, ("×",))
    return [part.strip() for part in parts]


def _closing(pieces: Sequence[Piece]) -> int:
    """The index of the bracket that closes the first piece; 0 where the first piece opens none."""
    if pieces[0].kind not in ("(", "[", "{"):
        return 0
    depth = 0
    for index, piece in enumerate(pieces):
        depth += (piece.kind in OPENING) - (piece.kind in _CLOSING)
        if depth == 0:
            return index
    return 0


def _outside(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces outside of brackets."""
    depth = 0
    for piece in pieces:
        depth -= piece.kind in _CLOSING
        if depth == 0:
            yield piece
        depth += piece.kind in OPENING


def _formula(text: str, place: Place, brackets: str | None, known: Collection[str]) -> Formula:
    """One formula without an equals sign, in every style that makes a difference."""
    text = text.strip(" .,;")
    if text in ("-1", "None", "?"):
        return Formula(text, (Reading(number(-1)),))  # a size left open; no formula of a task is -1
    pieces = split(text, place, known=known)
    is_floor = None if brackets is None else brackets == "floor"
    first = Parser(text, pieces, place, Style(is_floor=is_floor is not False))
    usual = first.whole()
    found: dict[Node, str] = {}
    for style in styles(first.doubts, is_floor=is_floor):
        try:
            tree = Parser(text, pieces, place, style).whole()
        except AnswerError:
            continue  # a style in which this cannot be read is no reading
        found.setdefault(tree, _assumed(text, style, tree, first))
    readings = tuple(Reading(tree, words if len(found) > 1 else "") for tree, words in found.items())
    return Formula(text, readings or (Reading(usual),))


def _assumed(text: str, style: Style, tree: Node, met: Parser) -> str:
    """What this reading takes for granted."""
    words = []
    if met.doubts.brackets:
        words.append("the square brackets round down" if style.is_floor else "the square brackets only group")
    if met.doubts.slash:
        words.append(f"{quoted(text)} is {render(tree)}")
    if met.doubts.bare_function:
        words.append(f"{quoted(text)} is {render(tree)}")
    return " and ".join(dict.fromkeys(words))
