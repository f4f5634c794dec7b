r"""Which shape did the student write? Any bracket, any separator, a batch dimension left open: all are read.

`(16, 6, 24, 24)`, `[-1, 32, 28, 28]`, `torch.Size([16, 10])`, `(None, 28, 28, 32)`, `16×6×24×24`, `B x 6 x 24 x 24`,
`(16, (16*5*5))`, `6@24x24`, `C=6, H=24, W=24`, and two of them with an arrow between. What a shape is compared with
stands in `shape_verdict`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from grader.answers.answer_error import AnswerError, described, quoted, refuse
from grader.answers.digits import scan
from grader.answers.expressions import Expression, SymbolError
from grader.answers.tokens import OPENING
from grader.answers.writing import plain, spoken
from grader.frozen import dataclass
from grader.model import Json, Place

MAX_LENGTH = 1_000
MAX_ENTRIES = 16
MAX_SIZE = 10**12
FIX = "write a shape such as [16, 6, 24, 24]"

_OPEN_WORDS = frozenset(
    {"-1", "none", "null", "?", "_", "any", "b", "n", "bs", "batch", "batch_size", "batchsize", "batch size"}
)
_OPEN_SIGNS = frozenset({"*", "m", "M"})  # of a whole entry only: a star between two sizes multiplies
_AXES = ("n", "c", "h", "w")
_AXIS_WORDS = {
    **{word: axis for axis in _AXES for word in (axis, axis + "out", axis + "in", "k" + axis, "o" + axis)},
    "b": "n", "bs": "n", "batch": "n", "batchsize": "n", "channel": "c", "channels": "c", "height": "h", "width": "w",
}  # fmt: skip
_FUNCTIONS = frozenset({"floor", "ceil", "ceiling", "int", "sqrt", "frac"})
_CLOSING = {closing: opening for opening, closing in OPENING.items()}

Entry = int | str  # a str is a dimension left open, as it was written: "-1", "None", "B"


@dataclass(frozen=True)
class Shape:
    """A shape as written. `also` holds other ways to read it: 16*5*5 is a shape, or a row of 400."""

    entries: tuple[Entry, ...]
    written: str = ""
    also: tuple[tuple[Entry, ...], ...] = ()

    def __str__(self) -> str:
        return "(" + ", ".join(map(str, self.entries)) + ")"

    @property
    def readings(self) -> tuple[tuple[Entry, ...], ...]:
        return (self.entries, *self.also)


def is_open(entry: Entry) -> bool:
    """Was this dimension left open (-1, None, B, batch)?"""
    return isinstance(entry, str)


def parse_shape(value: Json, place: Place) -> Shape:
    r"""Read one shape, or AnswerError. Of a chain `(16, 1, 28, 28) -> (16, 6, 24, 24)` it is the last one.

    >>> here = Place("answers.json", "/answers/layers/0")
    >>> print(parse_shape("torch.Size([16, 6, 24, 24])", here), parse_shape("B x 6 x 24 x 24", here))
    (16, 6, 24, 24) (B, 6, 24, 24)
    >>> print(parse_shape(r"$[-1,\;\;32,\;\;14,\;\;14]$", here), parse_shape([16, "16*5*5"], here))
    (-1, 32, 14, 14) (16, 400)
    """
    return parse_shapes(value, place)[-1]


def parse_shapes(value: Json, place: Place) -> tuple[Shape, ...]:
    """Read a shape or a chain of them: input, ..., output. An object may hold "input" and "output", or "value".

    >>> [str(shape) for shape in parse_shapes("(16, 1, 28, 28) → (16, 6, 24, 24)", Place("answers.json"))]
    ['(16, 1, 28, 28)', '(16, 6, 24, 24)']
    """
    if isinstance(value, dict):
        keys = [key for key in ("input", "output") if value.get(key) is not None]
        keys = keys or [key for key in ("value", "shape") if value.get(key) is not None][:1]
        if not keys:
            refuse(place, 'the object has neither "output" nor "value"', FIX, code="not-a-shape")
        if any(isinstance(value[key], dict) for key in keys):
            refuse(place, "an object within an object is not a shape", FIX, code="not-a-shape")
        return tuple(parse_shape(value[key], place.child(key)) for key in keys)
    if isinstance(value, list):
        is_wrapped = len(value) == 1 and isinstance(value[0], list) and len(value[0]) > 1
        return (_from_list(value[0] if is_wrapped else value, place),)
    if isinstance(value, int) and not isinstance(value, bool):
        return (Shape((_whole(value, place, described_as="entry 1"),), str(value)[:MAX_LENGTH]),)
    if not isinstance(value, str):
        refuse(place, f"{described(value)} is not a shape", FIX, code="not-a-shape")
    text = plain(value, place, limit=MAX_LENGTH).replace("@", "×").replace(" by ", " × ")
    parts = [part for part in text.split("→") if part.strip()]
    if not parts:
        refuse(place, "nothing is written here", FIX, code="not-a-shape")
    return tuple(_from_text(part, place) for part in parts)


def _from_list(value: list[Json], place: Place) -> Shape:
    if len(value) > MAX_ENTRIES:
        refuse(place, f"a shape of {len(value):,} entries", f"write at most {MAX_ENTRIES} entries", code="too-long")
    entries: list[Entry] = []
    for index, item in enumerate(value):
        here = place.child(index)
        if item is None:
            entries.append("None")
        elif isinstance(item, str):
            text = plain(item, here, limit=MAX_LENGTH)
            entries.append(_entry(text, here, index))
        elif isinstance(item, (int, float)) and not isinstance(item, bool) and item == item // 1:
            entries.append("-1" if item == -1 else _whole(int(item), here, described_as=f"entry {index + 1}"))
        else:
            shown = item if isinstance(item, float) else described(item)
            refuse(here, f"entry {index + 1} of the shape is {shown}, not a whole number", FIX, code="not-a-shape")
    return Shape(tuple(entries), str(value)[:MAX_LENGTH])


def _whole(value: int, place: Place, *, described_as: str) -> int:
    if value < 0:
        refuse(
            place,
            f"{described_as} of the shape is negative",
            "write sizes of 0 or more; -1 leaves one open",
            code="not-a-shape",
        )
    if value > MAX_SIZE:
        refuse(place, f"{described_as} of the shape is larger than {MAX_SIZE:,}", FIX, code="not-a-shape")
    return value


def _from_text(text: str, place: Place) -> Shape:
    """The shape at the end of "output = (16,(16*5*5)) = (16,400)"; of "16x5x5 = 400" both sides are readings."""
    sizes = _by_axis(text, place)
    if sizes is not None:
        return sizes
    sides = [side for side in (part.strip(" #") for part in text.replace(":", "=").split("=")) if side]
    count = _count(sides[-1]) if len(sides) > 1 else None
    last = Shape((count,), text) if count is not None else _from_side(sides[-1] if sides else "", place)
    before = sides[-2] if len(sides) > 1 and len(last.entries) == 1 else ""
    if not any(char.isdigit() for char in before):
        return last
    try:
        shape = _from_side(before, place)
    except AnswerError:
        return last
    if count is not None and (count,) not in shape.also:
        return _from_side(sides[-1], place)
    return Shape(shape.entries, text, (*shape.also, last.entries)) if len(shape.entries) > 1 else last


def _by_axis(text: str, place: Place) -> Shape | None:
    """The shape of "C=6, H=24, W=24", in the order of (N, C, H, W); None where the axes are not named each."""
    inner, _ = _without_brackets(text, place) if text.strip() else (text, False)
    pairs = [part.replace(":", "=").split("=") for part in _split(inner, ",;")]
    if len(pairs) < 2 or any(len(pair) != 2 for pair in pairs):
        return None
    axes = [_AXIS_WORDS.get(name.casefold().replace("_", "").strip(), "") for name, _ in pairs]
    if len(set(axes)) != len(axes) or "" in axes:
        return None
    entries = {
        axis: _entry(size, place, index) for index, (axis, (_, size)) in enumerate(zip(axes, pairs, strict=True))
    }
    return Shape(tuple(entries[axis] for axis in _AXES if axis in entries), text)


def _count(side: str) -> int | None:
    """The number of "36,864 values", which is no shape of 36 by 864; None for what is not grouped so."""
    words = side.split()
    run = scan(words[0], 0) if words and "," in words[0] else None
    if run is None or run.end != len(words[0]) or not all(word.isalpha() for word in words[1:]):
        return None
    whole = [reading.value for reading in run.readings if reading.step >= 1]
    return int(whole[0]) if whole else None


def _from_side(written: str, place: Place) -> Shape:
    inner, is_bracketed = _without_brackets(_without_name(written), place)
    parts = _split(inner, ",;")
    if len(parts) > 1:
        if is_bracketed and not parts[-1].strip():
            parts.pop()  # the comma of (28,)
        entries = tuple(_entry(part, place, index) for index, part in enumerate(parts))
        return Shape(_checked(entries, place), written, tuple(_with_crosses_split(parts, entries, place)))
    if is_bracketed and not inner.strip():
        return Shape((), written)
    crossed = _crossed(inner)
    if len(crossed) > 1:
        entries = tuple(_entry(part, place, index) for index, part in enumerate(crossed))
        # 16*5*5 is a shape, or what it flattens to. (Where a size is left open there is no product.)
        sizes = [entry for entry in entries if isinstance(entry, int)]
        product = prod(sizes) if len(sizes) == len(entries) else MAX_SIZE + 1
        return Shape(_checked(entries, place), written, ((product,),) if product <= MAX_SIZE else ())
    words = inner.split()
    while len(words) > 2 and words[-1].isalpha() and words[-1].casefold() not in _OPEN_WORDS:
        words.pop()
    if len(words) > 1 and all(_is_plain_entry(word) for word in words):
        return Shape(_checked(tuple(_entry(word, place, i) for i, word in enumerate(words)), place), written)
    return Shape((_entry(inner, place, 0),), written)


def _checked(entries: tuple[Entry, ...], place: Place) -> tuple[Entry, ...]:
    if len(entries) > MAX_ENTRIES:
        refuse(place, f"a shape of {len(entries):,} entries", f"write at most {MAX_ENTRIES} entries", code="too-long")
    return entries


def _with_crosses_split(parts: list[str], entries: tuple[Entry, ...], place: Place) -> Iterator[tuple[Entry, ...]]:
    """The other reading of (16, 6, 24x24): the cross separates, it does not multiply."""
    if not any(len(_crossed(part, "×xX")) > 1 for part in parts):
        return
    made: list[Entry] = []
    for part, entry in zip(parts, entries, strict=True):
        crossed = _crossed(part, "×xX")
        made += [_entry(piece, place, 0) for piece in crossed] if len(crossed) > 1 else [entry]
    if len(made) <= MAX_ENTRIES:
        yield tuple(made)


def _without_name(text: str) -> str:
    """Without the words before the shape: torch.Size, TensorShape, "output shape"."""
    end = next((at for at, char in enumerate(text) if char.isdigit() or char in OPENING or char == "?"), 0)
    name = text[:end].rstrip("-")
    is_name = name.strip().isascii() and all(char.isalpha() or char in " ._-" for char in name)
    is_apart = name[-1:] == " " or text[end : end + 1] in OPENING
    is_open_or_function = any(_is_plain_entry(word) or word in _FUNCTIONS for word in name.split())
    return text[len(name) :] if name.strip() and is_name and is_apart and not is_open_or_function else text


def _without_brackets(text: str, place: Place) -> tuple[str, bool]:
    """The inside of the brackets around the whole of it, without a remark in words after them."""
    is_bracketed = False
    for _ in range(4):
        text = text.strip(" .")
        end = _closing(text)
        if not end or not _is_remark(text[end + 1 :].strip(" .,;")):
            break
        text, is_bracketed = text[1:end], True
    if not text.strip() and not is_bracketed:
        refuse(place, "nothing is written here", FIX, code="not-a-shape")
    return text, is_bracketed


def _is_remark(text: str) -> bool:
    """Words after the shape say nothing: "feature maps", "(10 classes)"."""
    has_word = any(len(word) > 2 and word.isalpha() and not _is_plain_entry(word) for word in text.strip("()").split())
    is_all_words = all(char.isalpha() or char in " -_'" for char in text)
    return is_all_words or (has_word and text[0] == "(" and _closing(text) == len(text) - 1)


def _closing(text: str) -> int:
    """Where the bracket that opens the text closes; 0 where none opens it or it never closes."""
    if text[:1] not in ("(", "[", "{"):
        return 0
    waiting: list[str] = []
    for at, char in enumerate(text):
        if char in OPENING:
            waiting.append(OPENING[char])
        elif char in _CLOSING and (not waiting or waiting.pop() != char):
            return 0
        if not waiting:
            return at
    return 0


def _split(text: str, separators: str) -> list[str]:
    """Split at separators outside brackets."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        if char in OPENING:
            depth += 1
        elif char in _CLOSING:
            depth -= 1
        elif char in separators and depth <= 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _crossed(text: str, crosses: str = "×xX*") -> list[str]:
    """Split 16x6x24x24 or `B × 6 * 24`. An x inside a word, and the star of `**`, separate nothing."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(text):
        char = text[at]
        depth += (char in OPENING) - (char in _CLOSING)
        is_power = text[at : at + 2] == "**"
        left = text[start:at].strip()
        if (
            char in crosses
            and depth == 0
            and not is_power
            and (left[-1:].isdigit() or left[-1:] in _CLOSING or _is_plain_entry(left))
        ):
            parts.append(left)
            start = at + 1
        at += 2 if is_power else 1
    return [*parts, text[start:].strip()]


def _is_plain_entry(text: str) -> bool:
    return bool(text) and ((text.isascii() and text.isdigit()) or text.casefold() in _OPEN_WORDS)


def _entry(text: str, place: Place, index: int) -> Entry:
    text = text.strip()
    if text.casefold() in _OPEN_WORDS or text in _OPEN_SIGNS:
        return text
    described_as = f"entry {index + 1}"
    if not text:
        refuse(place, f"{described_as} of the shape is empty", FIX, code="not-a-shape")
    if "," in text or (text[0] == "0" and text.isdigit() and len(text) > 1):
        what = f"{described_as} of the shape is {quoted(text, 30)}, not a size"
        fix = "write one shape, its sizes without thousands separators, such as [16, 6, 24, 24]"
        refuse(place, what, fix, code="not-a-shape")
    try:
        value = Expression.of(text, place).evaluate().value
    except SymbolError:
        refuse(place, f"{described_as} of the shape is {quoted(text, 30)}, not a number", FIX, code="not-a-shape")
    if value.denominator != 1:
        what = f"{described_as} of the shape is {spoken(value)}, not a whole number"
        refuse(place, what, "round as the layer does: floor for convolutions and pooling", code="not-whole")
    return _whole(int(value), place, described_as=described_as)
