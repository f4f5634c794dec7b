"""Which lines of a report belong to one printed model, and what does each of them open, close or state?

lines -> the pieces of one repr after another; what they are is decided by _repr_tree and _repr_settings
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field

from grader.architecture.readers import _repr_patterns as patterns
from grader.architecture.readers._gaps import LEFT_OUT, is_gap
from grader.architecture.readers._repr_settings import settings_of
from grader.architecture.readers._repr_tree import MOST_MODULES, Mark, Piece
from grader.architecture.readers._torch_names import LEAVES
from grader.architecture.readers.printed import Unread
from grader.documents.report_lines import Line
from grader.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """The pieces of one repr. `is_bare`: layers without names, printed one by one."""

    pieces: Sequence[Piece]
    unread: Sequence[Unread]
    has_root: bool
    is_bare: bool


def blocks_in(lines: Sequence[Line], *, least: int = 2) -> Iterator[Block]:
    """The printed models of at least so many modules in the lines, one after the other.

    The rows of a table with several cells are left to the readers of tables.
    """
    reader = _Reader(least)
    for line in lines:
        text = line.text
        if "(" not in text and "):" not in text and not (reader.pieces or reader.candidate):
            continue  # most lines: nothing begins here
        if text.startswith("|") and patterns.is_table_row(text):
            continue
        reader.take(line)
        if reader.done:
            yield from reader.done
            reader.done = []
    reader.close()
    yield from reader.done


@dataclass(slots=True)
class _Reader:
    """The lines read so far of the repr at hand."""

    least: int
    pieces: list[Piece] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    waiting: list[Unread] = field(default_factory=list)
    done: list[Block] = field(default_factory=list)
    has_root: bool = False
    balance: int = 0
    misses: int = 0
    part: int = 0
    candidate: Piece | None = None  # a line that may open a repr: it does if a child follows
    candidate_words: list[Piece] = field(default_factory=list)
    wrapped: list[str] = field(default_factory=list)  # a module whose settings go on in the next line
    wrapped_piece: Piece | None = None
    wrapped_depth: int = 0
    is_bare: bool = False  # layers without names
    last_line: int = 0
    lone_key: str = ""  # "(0):" at the end of a line

    def take(self, line: Line) -> None:
        """Read a line."""
        text = line.text
        is_bare = "_features=" in text or "kernel_size=(" in text
        if not (self.pieces or self.candidate or is_bare or "):" in text or text.rstrip().endswith("(")):
            return
        if len(text) > patterns.LONGEST_LINE:
            return
        if line.part != self.part:
            self.close()
            self.part = line.part
        if "<" in text and patterns.BREAK.search(text):
            for piece in patterns.BREAK.split(text):
                self._line(line.number, piece.replace("&nbsp;", " "))
        else:
            self._line(line.number, text)

    def _line(self, number: int, text: str) -> None:
        stripped = text.strip()
        if not stripped or patterns.FENCE.fullmatch(stripped):
            return
        body = stripped.lstrip(patterns.FRONT)
        indent = len(text) - len(text.lstrip(patterns.FRONT))
        if self.wrapped_piece is not None and self._unwrap(number, body, indent):
            return
        if self.lone_key:
            body, self.lone_key = self.lone_key + " " + body, ""
        counted = patterns.COUNT.search(body) if body.endswith(" params") else None
        if counted is not None:
            body = body[: counted.start()]
        if self._child(number, body, indent) or self._closing(number, body, indent):
            if counted is not None and self.pieces and self.pieces[-1].line == number:
                self.pieces[-1].count = counted[1]
            return
        if self._root(number, body, indent) or self._bare(number, body, indent):
            return
        self._other(number, text, body, indent)

    def _child(self, number: int, body: str, indent: int) -> bool:
        """A line that begins with `(key): `."""
        if body[:1] not in {"(", "[", "{"}:
            return False
        if "\\" in body:
            body = body.replace("\\_", "_")
        whole = patterns.WHOLE.match(body)
        if whole is not None and "): " not in whole[3]:
            self._begin(number)
            self._add(Piece(Mark.LEAF, number, indent, whole[1], whole[2], whole[3]))
            return True
        if patterns.MODULE.match(body):
            self._begin(number)
            self._items(number, body, indent)
            return True
        if self.pieces or self.candidate is not None:
            tensor = patterns.TENSOR.match(body)
            if tensor is not None:
                self._begin(number)
                self._add(Piece(Mark.LEAF, number, indent, tensor[1], tensor[2], patterns.size_words(tensor[3])))
                return True
            if patterns.NOTHING.match(body) or patterns.OBJECT.match(body):
                self._begin(number)
                self._read_to(number)
                return True
            if re.fullmatch(patterns.KEY, body + " ") and ":" in body[-2:]:
                self.lone_key = body
                return True
        return False

    def _closing(self, number: int, body: str, indent: int) -> bool:
        if not self.pieces or not body.startswith(")") or body.strip(") ,;`|]\"'*\\>"):
            return False
        for at in range(body.count(")")):
            self._add(Piece(Mark.CLOSE, number, indent if at == 0 else -1))
        return True

    def _root(self, number: int, body: str, indent: int) -> bool:
        """A line that ends with `Net(`, or holds a whole repr `Net((fc): Linear(...))`."""
        if body.endswith("("):
            match = patterns.ROOT_END.search(body[-300:])
            if match is None or body.endswith("):("):
                return False
            if self.pieces:
                self.close()
            self.candidate = Piece(Mark.OPEN, number, indent, "", patterns.class_name(match[1]))
            self.candidate_words = []
            self.waiting.clear()
            self.misses = 0
            return True
        if "): " not in body and "):" not in body:
            return False
        first = patterns.MODULE.search(body)
        if first is None:
            return False
        before = body[: first.start()]
        match = re.search(patterns.TYPE + r" ?\(\s*(?:[^()]{0,300}[\s,])?$", before[-500:])
        if match is None:
            return False
        self.close()
        self.has_root = True
        self.pieces = [Piece(Mark.OPEN, number, indent, "", patterns.class_name(match[1]))]
        self.balance = 1
        words = before[-500:][match.end(1) :].strip(" (,")
        if words:
            self.pieces.append(Piece(Mark.WORDS, number, -1, words=words))
        self._items(number, body, -1, first.start())
        return True

    def _bare(self, number: int, body: str, indent: int) -> bool:
        """A layer that was printed by itself: `Linear(in_features=4, out_features=2, bias=True)`, or a list of such."""
        if self.pieces and not self.is_bare:
            return False
        match = patterns.ALONE.fullmatch(body)
        if match is None or not (self.is_bare or patterns.ALONE_FIRST.match(body)):
            return False
        if "kind" not in settings_of(match[1], match[2]):
            return False
        self.is_bare, self.candidate = True, None
        self._add(Piece(Mark.LEAF, number, indent, "", match[1], match[2]))
        return True

    def _other(self, number: int, text: str, body: str, indent: int) -> None:
        """Settings on a line of their own, or something that is no part of the repr."""
        is_open = (self.pieces and not self.is_bare and self.balance > 0) or self.candidate is not None
        if is_open and is_gap(body):
            self.waiting.append(Unread(number, text, LEFT_OUT))
            return
        if self.candidate is not None and not self.pieces:
            if len(self.candidate_words) < 4 and patterns.WORDS.match(body):
                self.candidate_words.append(Piece(Mark.WORDS, number, indent, words=body))
                return
            self.misses += 1
            if self.misses > patterns.PATIENCE or not patterns.DAMAGE.search(body):
                self.candidate = None
                self.waiting.clear()
            else:
                self.waiting.append(Unread(number, text, patterns.DAMAGED))
            return
        if not self.pieces:
            return
        if self.is_bare:
            self.close()
            return
        if self.pieces[-1].mark in {Mark.OPEN, Mark.WORDS} and patterns.WORDS.match(body) and self.balance > 0:
            self._add(Piece(Mark.WORDS, number, indent, words=body))
            return
        if self._is_note(body, indent):
            self._read_to(number)
            return
        self.misses += 1
        if patterns.DAMAGE.search(body):
            self.waiting.append(Unread(number, text, patterns.DAMAGED))
        if self.misses > patterns.PATIENCE or (self.balance <= 0 and self.has_root and not self.waiting):
            self.close()

    def _is_note(self, body: str, indent: int) -> bool:
        """A line that a class prints below its own name, as torchvision's detectors do: `Normalize(mean=...)`."""
        last = self.pieces[-1]
        match = patterns.ALONE.fullmatch(body) if last.mark is Mark.OPEN and indent > last.indent >= 0 else None
        return match is not None and match[1] not in LEAVES

    def _items(self, number: int, body: str, indent: int, at: int = 0) -> None:
        """The modules that stand in one line, from `at` on."""
        length = len(body)
        while at < length:
            mark = body[at]
            if mark in " \t,;]":
                at += 1
                continue
            if mark == ")":
                self._add(Piece(Mark.CLOSE, number, indent))
                at, indent = at + 1, -1
                continue
            match = patterns.MODULE.match(body, at)
            if match is None:
                at = self._item_without_brackets(number, body, indent, at)
                if at < 0:
                    return
                indent = -1
                continue
            at = self._module(number, body, indent, match)
            indent = -1

    def _item_without_brackets(self, number: int, body: str, indent: int, at: int) -> int:
        tensor = patterns.TENSOR.match(body, at)
        if tensor is not None:
            self._add(Piece(Mark.LEAF, number, indent, tensor[1], tensor[2], patterns.size_words(tensor[3])))
            return tensor.end()
        nothing = patterns.NOTHING.match(body, at) or patterns.OBJECT.match(body, at)
        if nothing is not None:
            return nothing.end()
        following = patterns.MODULE.search(body, at)
        rest = body[at : following.start() if following else len(body)].strip(" ,|*`'\"")
        if rest and self.pieces and self.pieces[-1].mark is Mark.OPEN and patterns.WORDS.match(rest):
            self._add(Piece(Mark.WORDS, number, -1, words=rest))
        elif rest and (patterns.DAMAGE.search(rest) or (following and not rest.startswith("|"))):
            self.unread.append(Unread(number, rest[:200], "a piece of the print that cannot be read"))
        return following.start() if following else -1

    def _module(self, number: int, body: str, indent: int, match: re.Match[str]) -> int:
        """Add the module at `match`; where to go on behind it."""
        begin = match.end()
        piece = Piece(Mark.OPEN, number, indent, match[1].strip(), patterns.class_name(match[3]))
        patterns.set_copies(piece, match[2])
        rest = body[begin : begin + 200].lstrip()
        if not rest.strip("`|*\"'\\") or patterns.MODULE.match(rest) or patterns.TENSOR.match(rest):
            self._add(piece)
            return begin if rest.strip("`|*\"'\\") else len(body)
        end = patterns.closing_at(body, begin)
        inside = body[begin:end] if end >= 0 else body[begin:]
        if patterns.MODULE.search(inside) and not (end >= 0 and '"' in inside):
            self._add(piece)
            return begin
        if end >= 0:
            piece.mark, piece.words = Mark.LEAF, inside
            self._add(piece)
            return end + 1
        piece.mark = Mark.LEAF
        self.wrapped_piece, self.wrapped = piece, [inside]
        self.wrapped_depth = 1 + sum(1 if one[0] == "(" else -1 for one in patterns.BRACKET.finditer(inside))
        self._read_to(number)
        return len(body)

    def _unwrap(self, number: int, body: str, indent: int) -> bool:
        """Go on with a module whose settings did not end on their line; False if this line is another one."""
        piece = self.wrapped_piece
        if piece is None:
            return False
        is_other = (
            patterns.MODULE.match(body) or (body.startswith(")") and indent < piece.indent) or body.endswith(" (")
        )
        if is_other or len(self.wrapped) > patterns.WRAPPED:
            self._cut_off(piece)
            return False
        end, depth = -1, self.wrapped_depth
        for one in patterns.BRACKET.finditer(body):
            depth += 1 if one[0] == "(" else -1
            if depth == 0:
                end = one.start()
                break
        if end < 0:
            self.wrapped.append(body)
            self.wrapped_depth = depth
            return True
        piece.words = " ".join([*self.wrapped, body[:end]])
        piece.last_line = number
        self.wrapped_piece = None
        self._add(piece)
        self._items(number, body, -1, end + 1)
        return True

    def _cut_off(self, piece: Piece) -> None:
        """The settings of a module end before their bracket: they are not to be trusted."""
        self.wrapped_piece = None
        said = f"({piece.key}): {piece.type}({self.wrapped[0]}"
        piece.mended = ("its settings are cut off",)
        self._add(piece)
        self.unread.append(Unread(piece.line, said[:300], "its settings are cut off"))

    def _begin(self, number: int) -> None:
        """A child is read: the line before it opened the repr, or the repr has no first line."""
        if self.is_bare:
            self.close()
        if self.pieces:
            is_over = self.has_root and self.balance <= 0
            if is_over and number - self.pieces[-1].line > 2:
                self.close()
        if self.pieces:
            return
        if self.candidate is not None:
            self.pieces = [self.candidate, *self.candidate_words]
            self.has_root, self.balance = True, 1
        self.candidate = None
        self.candidate_words = []

    def _add(self, piece: Piece) -> None:
        if piece.mark is Mark.OPEN:
            self.balance += 1
        elif piece.mark is Mark.CLOSE:
            self.balance -= 1
        if " " in piece.type:
            piece.mended = (*piece.mended, f"the class was broken by a blank: {piece.type!r}")
            piece.type = piece.type.replace(" ", "")
        self.pieces.append(piece)
        self._read_to(piece.line)
        if self.balance > patterns.DEEPEST or len(self.pieces) > MOST_MODULES:
            self.unread.append(Unread(piece.line, "", "the print goes on, with more modules than any network has"))
            self.close()

    def _read_to(self, number: int) -> None:
        self.last_line = number
        self.unread += self.waiting
        self.waiting.clear()
        self.misses = 0

    def close(self) -> None:
        """The repr at hand is over."""
        if self.wrapped_piece is not None:
            self._cut_off(self.wrapped_piece)
        modules = sum(piece.mark in {Mark.OPEN, Mark.LEAF} for piece in self.pieces)
        if modules >= self.least or self.is_bare:
            self.done.append(Block(self.pieces, self.unread, self.has_root, self.is_bare))
        self.pieces, self.unread, self.waiting, self.wrapped = [], [], [], []
        self.has_root, self.is_bare, self.balance, self.misses = False, False, 0, 0
        self.candidate, self.candidate_words, self.lone_key = None, [], ""
