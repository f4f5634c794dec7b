"""What does one row of a flat print say? `Conv2d-1   [-1, 32, 28, 28]   320`, as it is or in a table of any drawing.

The grammar is that of torchsummary and its relatives: a class and a number, bracketed shapes, counts. A row just as a
tool prints it takes a fast path; what draws tables (bars, `&`, HTML, emphasis) becomes blanks before a closer look.
Whatever a student wrote behind the count is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from grader.architecture.readers._torch_names import CONTAINERS, LEAVES
from grader.architecture.readers.printed import PrintedNumber, PrintedShape
from grader.frozen import dataclass

CLASSES = LEAVES | CONTAINERS
MAX_ROW = 4_000  # letters; no tool prints a longer one
MAX_DIGITS = 30
MAX_AXES = 64  # of a tensor of PyTorch
EXACT = Fraction(0)

PLAIN_ROW = re.compile(
    r"[ \t]*(?:([\w/]+)[ \t]+)?([A-Za-z_]\w*)-(\d{1,6})[ \t]+\[(-?\d[-\d, ]*)\][ \t]+"
    r"(\d[\d,]*)(?:[ \t]+(\d[\d,]*))?[ \t]*$",
    re.ASCII,
)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})*|\d+", re.ASCII)

_HEAD = re.compile(r"(?<![\w.])(\w+) ?- ?([0-9A-Za-z]{1,6})[\s,;:]*+(?=[\[(]|-{1,2} )")
_NAME = re.compile(r"(\w*[^\W\d]\w*) ?- ?(\d{1,6})")
_NAMED = re.compile(r"\s*([^\W\d][\w.]*)(?:\s?[(:]\s?(\w+)\)?)?\s+(?=[\[(])(.*)")
_COUNT = re.compile(
    r"(?:tensor\()?(?P<digits>\d{1,3}(?:[,.'_]\d{3})+(?![\d,])|\d+)(?:,[^()]{0,40}\))?\)?",
    re.ASCII,
)
_SPLIT_GROUP = re.compile(r" ?, ?(\d{3})(?![\d,])", re.ASCII)  # "18, 496"
_EMPTY = re.compile(r"(?:-{1,3}|–|—)(?![\d\w-])")
_BEHIND_EMPTY = re.compile(r"\s*[\[(\d]")
_TYPESET = re.compile(
    r"\\[!,;:> ]|\\(?:quad|qquad|[hmtb](?:line|idrule|oprule|ottomrule)|hfill|\w*rule)\b|\$|\\\\(?:\[\w*\])?"
)
_WRAPPED = re.compile(r"\\(?:text\w{0,6}|math\w{0,6}|verb|emph|mbox|num|small|tiny|footnotesize)\b\s*([{|+!]?)")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_BLANKS = dict.fromkeys(map(ord, '|│┃║&*`"{}\t'), " ")
_BLANKS |= dict.fromkeys(map(ord, "‐‑–—−"), "-")
_LEAD = re.compile(r"[\s'>#•.:)+-]*(?:\d{1,5}[\s:.)]+)?$")  # decoration, or the number of a line in an editor
_COMMA_LOST = re.compile(r"([\[(]\s*-\s?1)\s+(?=\d)")
_INNER = re.compile(r"[\[(]([^\[\]()]*)[\])]")


@dataclass(slots=True, unsafe_hash=True)
class FlatRow:
    """The pieces of a row: groups of shapes by column, counts in order, what stands behind and before them.

    `number`  None where what stands behind the hyphen is no number
    """

    line: int
    last_line: int
    type: str
    number: int | None
    columns: tuple[tuple[PrintedShape, ...], ...]
    counts: tuple[PrintedNumber, ...]
    has_empty_count: bool = False
    behind: str = ""
    parents: str = ""
    name: str = ""
    mended: tuple[str, ...] = ()


@lru_cache(maxsize=8192)
def exact_count(digits: str) -> Fraction | None:
    """The value of a count as every tool prints it, 1,234 or 1234; None where commas stand otherwise.

    >>> exact_count("9,248"), exact_count("9248"), exact_count("92,48")
    (Fraction(9248, 1), Fraction(9248, 1), None)
    """
    if len(digits) > MAX_DIGITS or _GROUPED.fullmatch(digits) is None:
        return None
    return Fraction(int(digits.replace(",", "")))


@lru_cache(maxsize=8192)
def plain_shape(inner: str) -> PrintedShape | None:
    """The shape in the brackets of a row as it was printed: whole sizes and commas only.

    >>> plain_shape("-1, 32, 28, 28"), plain_shape("-1 32, 28")
    ((None, 32, 28, 28), None)
    """
    sizes: list[int | None] = []
    if inner.count(",") >= MAX_AXES:
        return None
    for piece in inner.split(","):
        size = piece.strip()
        if size == "-1":
            sizes.append(None)
        elif size.isdecimal() and len(size) < 16:
            sizes.append(int(size))
        else:
            return None
    return tuple(sizes)


def untypeset(text: str) -> str:
    r"""A line without LaTeX's typesetting; blanks keep their number where there was none.

    >>> untypeset(r"Conv2d-4 & $[-1,\;\;32,\ 14]$ & $2,\!359,\!808$ \\")
    'Conv2d-4 & [-1,  32, 14] & 2,359,808 '
    """
    if "$" not in text and "\\" not in text and "{,}" not in text:
        return text
    text = text.replace("{,}", ",").replace("\\#", "#").replace("\\_", "_").replace("\\!", "").replace("\\,", "")
    text = (
        text.replace("\\-", "-").replace("\\[-", "[-").replace("\\]", "]").replace("\\left", "").replace("\\right", "")
    )
    text = _WRAPPED.sub(" ", text)
    return _TYPESET.sub(_blank_for, text)


def _blank_for(found: re.Match[str]) -> str:
    return " " if found[0] in ("\\;", "\\:", "\\ ", "\\>", "\\quad", "\\qquad") else ""


def loosened(text: str) -> str:
    """A line with what draws tables turned into blanks, and every hyphen into the same one.

    >>> loosened("| **Conv2d–1** | `[-1, 6]` | <td>156</td> |").split()
    ['Conv2d-1', '[-1,', '6]', '156']
    """
    text = untypeset(text).replace("torch.Size", " ")
    if "<" in text:
        text = _TAG.sub(" ", text)
    return text.translate(_BLANKS)


def flat_rows(text: str, line: int, *, is_inside: bool = False) -> list[FlatRow]:
    """The rows that stand on a line: mostly one, several where a conversion lost the line ends, [] where there is none.

    `is_inside`  the line stands in a print: what is no number behind the hyphen ("Conv2d-l") does not make it prose

    >>> [row] = flat_rows("| Conv2d-1 | [-1, 32, 28, 28] | 320 | (1*3*3+1)*32", 4)
    >>> row.type, row.number, row.columns, int(row.counts[0].value)
    ('Conv2d', 1, (((None, 32, 28, 28),),), 320)
    """
    if len(text) > MAX_ROW * 50:
        return []
    text = loosened(text)
    heads = list(_HEAD.finditer(text))
    rows: list[FlatRow] = []
    for head, end in zip(heads, [*(one.start() for one in heads[1:]), len(text)], strict=False):
        lead = text[: head.start()] if not rows else ""
        row = _row(head, lead[-MAX_ROW:], text[head.end() : min(end, head.end() + MAX_ROW)], line, is_inside=is_inside)
        if row is None:
            if not rows:
                return []
            continue
        rows.append(row)
    return rows


def flat_row(text: str, line: int, *, is_inside: bool = False) -> FlatRow | None:
    """The first row of a line; None where it has none."""
    return next(iter(flat_rows(text, line, is_inside=is_inside)), None)


def named_row(text: str, line: int) -> FlatRow | None:
    """A row of a print in which a student named the layers: `conv1 (Conv2d)  [-1, 32, 28, 28]  320`.

    >>> row = named_row("conv1 (Conv2d)  [-1, 32, 28, 28]  320", 4)
    >>> row.name, row.type, row.number
    ('conv1', 'Conv2d', None)
    """
    found = _NAMED.match(loosened(text)) if len(text) < MAX_ROW else None
    if found is None:
        return None
    parsed = _columns(found[3])
    if parsed is None:
        return None
    mended: list[str] = []
    counts, is_empty, behind = _counts(parsed[1], line, mended)
    has_batch = all(shape[:1] == (None,) for shape in parsed[0][0])
    if not counts or (behind and not has_batch):
        return None
    return FlatRow(
        line, line, found[2] or found[1], None, parsed[0], counts, is_empty, behind, "", found[1], tuple(mended)
    )


def name_alone(text: str) -> tuple[str, int] | None:
    """The class and number of a line that holds nothing else, as in a PDF's text with one cell a line.

    >>> name_alone("  Conv2d-1 "), name_alone("ResNet-18 is deep")
    (('Conv2d', 1), None)
    """
    if len(text) > 200:
        return None
    found = _NAME.fullmatch(loosened(text).strip(" '"))
    return (found[1], int(found[2])) if found else None


def _row(head: re.Match[str], lead: str, rest: str, line: int, *, is_inside: bool) -> FlatRow | None:
    mended: list[str] = []
    kind, digits = head[1], head[2]
    if not digits.isdecimal() and not is_inside:
        return None
    words = lead.split()
    if words and words[-1].isalnum() and words[-1] + kind in CLASSES:
        mended.append(f"{words[-1]!r} and {kind!r} were read as one word")
        kind = words.pop() + kind
        lead = lead[: lead.rindex(lead.rsplit(maxsplit=1)[-1])]
    if kind[0].isdigit():
        return None
    parents = "" if _LEAD.match(lead) else lead.strip()
    if parents and not _are_parents(parents):
        return None
    if _COMMA_LOST.search(rest):
        rest = _COMMA_LOST.sub(r"\1, ", rest)
        mended.append("a comma was put behind the batch axis")
    parsed = _columns(rest)
    if parsed is None:
        return None
    columns, rest = parsed
    counts, is_empty, behind = _counts(rest, line, mended)
    number = int(digits) if digits.isdecimal() else None
    return FlatRow(
        line, line, kind, number, columns, counts, is_empty, behind, parents, f"{kind}-{digits}", tuple(mended)
    )


def _are_parents(text: str) -> bool:
    """Whether what stands before a row is a column of parent layers, or the header that lost its line end."""
    words = text.split()
    return (
        (len(words) == 1 and words[0].replace("/", "").replace("_", "").isalnum())
        or "Shape" in words[-4:]
        or (words[-1].strip("=-_+") == "" and len(words[-1]) > 2)
    )


def _columns(rest: str) -> tuple[tuple[tuple[PrintedShape, ...], ...], str] | None:
    """The groups of shapes at the start of `rest`, one a column, and what stands behind them."""
    columns: list[tuple[PrintedShape, ...]] = []
    is_joined = False
    while True:
        if (empty := _EMPTY.match(rest)) and _BEHIND_EMPTY.match(rest, empty.end()):  # a layer without a kernel
            columns.append(())
            rest = rest[empty.end() :].lstrip()
            continue
        if rest[:1] not in ("[", "("):
            break
        end = _closing(rest)
        shapes = shapes_in(rest[:end]) if end else None
        if shapes is None:
            return None if not columns else (tuple(columns), rest)
        if is_joined:
            columns[-1] += shapes
        else:
            columns.append(shapes)
        after = rest[end:].lstrip(" \t;:")
        is_joined = after.startswith(",") and after[1:].lstrip()[:1] in ("[", "(")
        rest = after.lstrip(", \t")
    return (tuple(columns), rest) if columns else None


def _closing(text: str) -> int:
    """The place behind the bracket that closes the first one; 0 where none does."""
    depth = 0
    for at, sign in enumerate(text):
        if sign in "[(":
            depth += 1
        elif sign in "])":
            depth -= 1
            if depth == 0:
                return at + 1
    return 0


def shapes_in(text: str) -> tuple[PrintedShape, ...] | None:
    """Every shape in brackets, whatever they are nested in; None where a size is no number.

    >>> shapes_in("[[-1, 64, 64, 64], [-1, 64, 128, 128]]"), shapes_in("torch.Size([4, x])")
    (((None, 64, 64, 64), (None, 64, 128, 128)), None)
    """
    made: list[PrintedShape] = []
    for inner in _INNER.findall(text):
        sizes: list[int | None] = []
        if len(inner) > MAX_AXES * 20:
            return None
        separators = r"[,;]|\.(?=\s|$)" if "," in inner or ";" in inner or "." in inner else r"\s+"
        for piece in re.split(separators, inner.strip(" ,;")):
            size = piece.strip()
            if size.isascii() and size.isdigit() and len(size) < 16:
                sizes.append(int(size))
            elif size in {"-1", "- 1", "None", "?"}:
                sizes.append(None)
            elif size or inner.strip():
                return None
        if len(sizes) > MAX_AXES:
            return None
        made.append(tuple(sizes))
    return tuple(made) if made else None


def _counts(text: str, line: int, mended: list[str]) -> tuple[tuple[PrintedNumber, ...], bool, str]:
    """The counts at the start of `text`, whether an empty cell stands there instead, and what is left."""
    rest = text.strip(" '\",;\t")
    if _EMPTY.match(rest):
        return (), True, rest
    made = list(_numbers(rest, line))
    if not made:
        return (), False, rest
    end = made[-1][1]
    numbers = [number for number, _ in made]
    group = _SPLIT_GROUP.match(rest, end)
    if (
        group
        and len(numbers) == 1
        and len(numbers[0].text) < 4
        and numbers[0].value
        and not rest[group.end() :].strip()
    ):
        mended.append(f"{rest!r} was read as one number")
        joined = exact_count(f"{numbers[0].text},{group[1]}")
        if joined is not None:
            numbers, end = [PrintedNumber(joined, EXACT, line, rest)], group.end()
    return tuple(numbers), False, rest[end:].strip()


def _numbers(text: str, line: int) -> Iterator[tuple[PrintedNumber, int]]:
    """Whole numbers that follow each other at the start of `text`, each with where it ends."""
    at = 0
    while found := _COUNT.match(text, at):
        digits, end = found["digits"], found.end()
        if len(digits) > MAX_DIGITS or text[end : end + 1].isalnum() or text[end : end + 1] in ("%", "_", "*", "^"):
            return
        if text[end : end + 1] == "." and text[end + 1 : end + 2].isdecimal():
            return
        yield PrintedNumber(Fraction(int(re.sub(r"[,.'_ ]", "", digits))), EXACT, line, digits), end
        at = end
        while text[at : at + 1] in (" ", "\t", ";") and at < len(text):
            at += 1
        if at == end:
            return
