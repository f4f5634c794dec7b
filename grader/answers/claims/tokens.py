"""Which words, numbers and signs does a text consist of? Each with the line it stands on.

Names of code come apart into their words: `val_acc`, `valAcc` and `valacc` are "val" and "acc".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

from grader.answers.claims.vocabulary import glued, word_set
from grader.frozen import dataclass


class Kind(Enum):
    WORD = 1
    NUMBER = 2
    SIGN = 3
    BREAK = 4  # a line ends here


@dataclass(slots=True)
class Token:
    """`low` is the folded text; `start` and `end` are places within the line; `is_glued`: no blank before it."""

    kind: Kind
    text: str
    low: str
    line: int
    start: int
    end: int
    is_glued: bool = False


# Words first, which are most: nothing else begins with a letter.
_TOKEN = re.compile(
    r"(?P<word>[^\W\d_][^\W_]*(?:\.(?=\s|$)(?<=ca\.)|\.(?<=approx\.))?)"
    r"|(?P<number>(?<![\w.])(?:\d+(?:[.,'_]\d+){0,12}|\.\d+)(?:[eE][+-]?\d+)?(?!\w|[.,'_]\d))"
    r"|(?P<suffixed>(?<![\w.])\d+(?:[.,'_]\d+){0,12}[A-Za-z]\w*)"
    r"|(?P<digits>\d+)"
    r"|(?P<sign>[-=]{2,9}>|==+|>=|<=|--+|[-=]>|[^\w\s])"
)
LONGEST_KEPT = 80  # characters of a text that is remembered
_WORD, _NUMBER, _SIGN = Kind.WORD, Kind.NUMBER, Kind.SIGN  # an enum's member costs as much as a token to look up
_CAMEL = re.compile(r"[a-z][A-Z]")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d*|\d+")
_MAGNITUDES = word_set("k m mio million bn")


def tokens_of(text: str, line: int) -> list[Token]:
    """The tokens of one line.

    >>> [token.text for token in tokens_of("val_acc: 0.98 - testLoss=.05 (97.5%), 1.2M", 1)]
    ['val', 'acc', ':', '0.98', '-', 'test', 'loss', '=', '.05', '(', '97.5', '%', ')', ',', '1.2M']
    >>> [token.kind.name for token in tokens_of("ResNet18 5x5 0.5", 1)]
    ['WORD', 'WORD', 'NUMBER']
    """
    made: list[Token] = []
    behind = -1
    for found in _TOKEN.finditer(text):
        group = found.lastgroup
        start, end = found.span()
        piece = found[0]
        is_glued = start == behind or (start == behind + 1 and text[behind] == "_")
        behind = end
        if group == "word":
            low, parts = _word(piece) if end - start < LONGEST_KEPT else _word.__wrapped__(piece)
            if parts:
                at = start
                for part in parts:
                    made.append(Token(_WORD, part, part.casefold(), line, at, at + len(part), is_glued or at > start))
                    at += len(part)
            else:
                made.append(Token(_WORD, piece, low, line, start, end, is_glued))
        elif group == "number":
            made.append(Token(_NUMBER, piece, piece, line, start, end, is_glued))
        elif group == "sign":
            low = "->" if len(piece) > 2 and piece[-1] == ">" else piece  # an arrow of any length
            made.append(Token(_SIGN, piece, low, line, start, end, is_glued))
        elif group == "suffixed":
            letters = piece.lstrip("0123456789.,'_").casefold()
            kind = _NUMBER if letters in _MAGNITUDES else _WORD
            made.append(Token(kind, piece, piece.casefold(), line, start, end, is_glued))
        else:
            made.append(Token(_WORD, piece, piece, line, start, end, is_glued=True))
    return made


@lru_cache(maxsize=16384)
def _word(piece: str) -> tuple[str, tuple[str, ...]]:
    """The folded word, and the words that it consists of where it is a name of code, else ()."""
    low = piece.casefold()
    parts = glued(low)
    if parts is None and _CAMEL.search(piece):
        humps = _HUMPS.findall(piece)
        if "".join(humps) == piece and any(hump.casefold() in _CODE_WORDS for hump in humps):
            return low, tuple(humps)
    return low, parts or ()


def tokens_of_label(text: str) -> Sequence[Token]:
    """The tokens of a text whose line does not matter, kept: heads of tables are looked at more than once."""
    return _kept(text) if len(text) < LONGEST_KEPT else tokens_of(text, 0)


@lru_cache(maxsize=4096)
def _kept(text: str) -> tuple[Token, ...]:
    return tuple(tokens_of(text, 0))


_CODE_WORDS = word_set("acc accuracy loss error train val test params")


def is_ordinal(token: Token) -> bool:
    """Is it "9th", "1st"?"""
    return (
        token.kind is Kind.WORD
        and token.low[:1].isdigit()
        and token.low.lstrip("0123456789") in ("st", "nd", "rd", "th")
    )
