"""Where does a sentence end? At a full stop, not one of "acc. 0.9", and at the short last line of a paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from grader.answers.claims.tokens import Kind, Token
from grader.answers.claims.vocabulary import word_set

LONGEST_SENTENCE = 200  # tokens
WIDE_TEXT = 60  # characters a line, from which on a text is taken for prose with wrapped lines


def sentences_of(tokens: Sequence[Token], *, width: int = 0) -> Iterator[list[Token]]:
    """Runs of tokens between full stops. A stop inside "approx. 5" or "acc. 0.9" ends nothing.

    `width`  how wide the text is, where the tokens are only a piece of it
    """
    start = 0
    width = width or max([token.end for token in tokens], default=0)
    for at, token in enumerate(tokens):
        low = token.low
        if low not in _MARKS and at - start < 2 * LONGEST_SENTENCE - 1:
            continue
        size = at + 1 - start
        is_break = token.kind is Kind.BREAK
        if (
            # a short line in a wide text ends its paragraph
            (is_break and width >= WIDE_TEXT and token.end < width * 3 // 5 and _is_capital(tokens, at + 1))
            or (size >= LONGEST_SENTENCE and (low in (",", ";") or is_break))
            or size >= 2 * LONGEST_SENTENCE
            or low in ("!", "?")
            or (low == "." and _is_stop(tokens, at))
        ):
            yield list(tokens[start : at + 1])
            start = at + 1
    if start < len(tokens):
        yield list(tokens[start:])


_MARKS = frozenset(("", "\n", ",", ";", "!", "?", "."))  # no other token but a very late one ends a sentence


_STOP = re.compile(r"(?<=[a-z]{4})\.(?= +[A-Z][a-z])")


def sure_stops(text: str) -> list[int]:
    """Where sentences end for sure within a line, as places behind their full stops: no token has to be known for it.

    >>> sure_stops("It was trained. The val. accuracy is 0.9 here. It is fine. So is No. 5.")
    [15, 46, 58]
    """
    if ". " not in text:
        return []
    return [
        found.end()
        for found in _STOP.finditer(text)
        if not text[max(0, found.start() - 9) : found.start()].casefold().endswith(_NO_END)
    ]


def _is_capital(tokens: Sequence[Token], at: int) -> bool:
    return (
        at < len(tokens)
        and tokens[at].kind is Kind.WORD
        and tokens[at].text[:1].isupper()
        and tokens[at].low in _OPENERS
    )


_OPENERS = word_set(
    """
    thus the we this in our it as for so hence therefore with from to these that after by i summing adding
    """
)


_SHORT = word_set(
    """
    val valid acc approx max min avg no fig vs resp ca incl e g i etc eq tab params val tr
    """
)


_NO_END = (*(word for word in _SHORT if len(word) > 2), "ca")  # nothing shorter ends with four small letters


def _is_stop(tokens: Sequence[Token], at: int) -> bool:
    if tokens[at].is_glued and at and tokens[at - 1].low in _SHORT:
        return False
    rest = tokens[at + 1 : at + 3]
    following = rest[0] if rest and rest[0].kind is not Kind.BREAK else rest[1] if len(rest) > 1 else None
    if following is None or (rest[0].kind is Kind.BREAK and following.kind is Kind.NUMBER):
        return True
    if following.is_glued and rest[0].kind is not Kind.BREAK:
        return following.kind is Kind.WORD and following.text[:1].isupper() and tokens[at].is_glued
    return not (following.kind is Kind.WORD and following.text[:1].islower()) and following.kind is not Kind.NUMBER
