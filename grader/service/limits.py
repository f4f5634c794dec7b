"""How much may one token, and one address, ask for? So much a minute; the rest is told when to come again.

Buckets that fill up evenly, in memory: a restart fills them, which costs nothing worth counting. Attempts are another
matter: those are in the database.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_KEYS = 10_000  # addresses and tokens at once: a flood of them must not fill the memory


class Rate:
    """At most `per_minute` a minute for each key, of which all may come at once.

    >>> now = [0.0]
    >>> rate = Rate(2, clock=lambda: now[0])
    >>> rate.wait_s("ada"), rate.wait_s("ada"), rate.wait_s("ada"), rate.wait_s("bob")
    (0.0, 0.0, 30.0, 0.0)
    >>> now[0] = 31.0
    >>> rate.wait_s("ada")
    0.0
    """

    def __init__(self, per_minute: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = per_minute, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> (left, when that was so)
        self._turn = threading.Lock()

    def wait_s(self, key: str) -> float:
        """0 where one more is in order, which is then counted; else the seconds to wait."""
        with self._turn:
            left, at = self._now(key)
            self._left[key] = (left - 1 if left >= 1 else left, at)
            self._left.move_to_end(key)
            while len(self._left) > _MOST_KEYS:
                self._left.popitem(last=False)
            return 0.0 if left >= 1 else (1 - left) * 60 / self._most

    def is_spent(self, key: str) -> bool:
        """Whether there is nothing left; counts nothing."""
        with self._turn:
            return self._now(key)[0] < 1

    def _now(self, key: str) -> tuple[float, float]:
        now = self._clock()
        left, since = self._left.get(key, (self._most, now))
        return min(self._most, left + (now - since) * self._most / 60), now


class AtOnce:
    """At most so many uploads under way, in all and for each key: each holds a connection and a file."""

    def __init__(self, in_all: int, each: int) -> None:
        self._in_all, self._each = in_all, each
        self._under_way: dict[str, int] = {}
        self._turn = threading.Lock()

    def begin(self, key: str) -> bool:
        """Whether one more may begin; each that did is to be ended."""
        with self._turn:
            mine = self._under_way.get(key, 0)
            if mine >= self._each or sum(self._under_way.values()) >= self._in_all:
                return False
            self._under_way[key] = mine + 1
            return True

    def end(self, key: str) -> None:
        """One has ended."""
        with self._turn:
            left = self._under_way[key] - 1
            if left:
                self._under_way[key] = left
            else:
                del self._under_way[key]
