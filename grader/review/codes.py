"""What is a hand-in called in an address, and in anonymous mode? By a code that says nothing of its place in the class.

Numbers of entries follow the order in which hand-ins were graded, and so the alphabet. A keyed permutation of 32 bits
(Feistel, eight rounds of HMAC-SHA-256) hides that, and needs no table.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Final

_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0 o 1 l i: codes are read aloud
_LENGTH: Final = 7  # 31 ** 7 > 2 ** 32
_ROUNDS: Final = 8


@lru_cache(maxsize=1 << 16)
def code_of(number: int, key: str) -> str:
    """The code of an entry's number (0 to 2**32 - 1).

    >>> code_of(1, "k"), code_of(2, "k"), code_of(1, "another key")
    ('4qv892g', '2b4z6w8', '59epmfr')
    """
    left, right = number >> 16, number & 0xFFFF
    for turn in range(_ROUNDS):
        left, right = right, left ^ _mixed(right, turn, key)
    value = left << 16 | right
    letters = ""
    for _ in range(_LENGTH):
        value, rest = divmod(value, len(_LETTERS))
        letters = _LETTERS[rest] + letters
    return letters


def number_of(code: str, key: str) -> int | None:
    """The number that a code stands for; None for what is no code.

    >>> number_of(code_of(4711, "k"), "k"), number_of("../etc", "k"), number_of("zzzzzzz", "k")
    (4711, None, None)
    """
    if len(code) != _LENGTH or not set(code) <= set(_LETTERS):
        return None
    value = 0
    for letter in code:
        value = value * len(_LETTERS) + _LETTERS.index(letter)
    if value >= 1 << 32:
        return None
    left, right = value >> 16, value & 0xFFFF
    for turn in reversed(range(_ROUNDS)):
        left, right = right ^ _mixed(left, turn, key), left
    return left << 16 | right


def _mixed(half: int, turn: int, key: str) -> int:
    return int.from_bytes(hmac.digest(key.encode(), bytes([turn]) + half.to_bytes(2), hashlib.sha256)[:2])
