"""How far is a run? Counts, rate, time left and a line for each job that runs; plain lines where nobody watches.

On standard error alone: what is printed for readers or for machines stays clean.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_PLAIN_EVERY_S = 10.0
_MOST_LINES = 16  # of jobs that run: a cluster has hundreds
_RECENT_S = 60.0  # the rate is that of the last minute: a class is not alike throughout


class UnderWay(Protocol):
    """A job that a worker has."""

    @property
    def submission(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def placed_at(self) -> float: ...
    @property
    def kind(self) -> str: ...


class Progress:
    """The view of a run over `total` hand-ins. Use it as a context; it leaves nothing behind on a screen.

    `clock` is monotonic seconds.
    """

    def __init__(
        self, total: int, *, clock: Callable[[], float] = time.monotonic, is_screen: bool | None = None
    ) -> None:
        self.total, self.done = total, 0
        self._clock = clock
        self._is_screen = sys.stderr.isatty() if is_screen is None else is_screen
        self._began = self._said = clock()
        self._times = [(self._began, 0)]
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def graded(self) -> None:
        """One more hand-in has its card."""
        self.done += 1

    def show(self, under_way: Sequence[UnderWay], counts: tuple[int, int]) -> None:
        """Bring the view up to date. `counts`: results that were computed, and that came from the cache."""
        now = self._clock()
        self._times.append((now, self.done))
        while len(self._times) > 2 and now - self._times[1][0] > _RECENT_S:
            del self._times[0]
        if self._is_screen:
            self._draw(under_way, counts, now)
        elif self.total > 1 and now - self._said >= _PLAIN_EVERY_S:
            self._said = now
            sys.stderr.write(self.line(counts) + "\n")
            sys.stderr.flush()

    def line(self, counts: tuple[int, int]) -> str:
        """How far it is, in one line.

        >>> clock = iter([0.0, 10.0]).__next__
        >>> progress = Progress(8, clock=clock, is_screen=False)
        >>> progress.done = 2
        >>> progress.show((), (5, 1))
        >>> progress.line((5, 1))
        '2 of 8 graded, 0.2 a second, about 30 s left; 5 recomputed, 1 from the cache'
        """
        computed, known = counts
        (since, before), (now, done) = self._times[0], self._times[-1]
        said = f"{self.done:,} of {self.total:,} graded"
        if done > before and now > since:
            rate = (done - before) / (now - since)
            said += f", {rate:.2g} a second, about {duration((self.total - self.done) / rate)} left"
        return f"{said}; {computed:,} recomputed, {known:,} from the cache"

    def _draw(self, under_way: Sequence[UnderWay], counts: tuple[int, int], now: float) -> None:
        from rich.console import Console
        from rich.live import Live

        if self._live is None:
            screen = Console(stderr=True)
            self._live = Live(console=screen, transient=True, auto_refresh=False)
            self._live.start()
        self._live.update(self._view(under_way, counts, now), refresh=True)

    def _view(self, under_way: Sequence[UnderWay], counts: tuple[int, int], now: float) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        from grader.reports.plain import plain

        head = Table.grid(padding=(0, 2))
        graded, _, recomputed = self.line(counts).partition("; ")
        head.add_row(ProgressBar(total=self.total, completed=self.done, width=20), Text(graded))
        head.add_row("", Text(recomputed, style="dim"))
        rows = Table.grid(padding=(0, 2))
        for one in under_way[:_MOST_LINES]:
            again = f"try {one.attempt}" if one.attempt > 1 else ""
            rows.add_row("", one.kind, plain(one.submission, limit=40), duration(now - one.placed_at), again)
        more = len(under_way) - _MOST_LINES
        return Group(head, rows, Text(f"  and {more} more" if more > 0 else ""))


def duration(seconds: float) -> str:
    """Seconds for the eye.

    >>> duration(4.2), duration(310), duration(9000)
    ('4 s', '5 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
