"""Who was busy when, in a run? Each worker's busy times by kind of job, its memory, and when cards were there.

It is told of every try at a job, and of every card. However long a run is, what is held stays small: beyond some
thousand busy times those of one worker that lie close to each other become one. Sums, counts and peaks stay exact.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from datetime import datetime

from grader.frozen import dataclass
from grader.model import Json

FORM = "grader-occupancy/1"
FILE = "occupancy.json"  # in the folder that holds the record of a course's runs
MOST_SPANS = 4_000
MOST_CARDS = 512
MOST_WORKERS = 1_000  # beyond, what comes is counted and not drawn


@dataclass
class Span:
    """A time in which a worker was busy, in seconds since the run began. `jobs` of them, mostly of one kind."""

    worker: str
    kind: str
    began: float
    ended: float
    jobs: int = 1


@dataclass
class KindOfWork:
    """All jobs of one kind: tries, those that died with their worker, seconds, the longest, the most memory of one."""

    tries: int = 0
    lost: int = 0
    seconds: float = 0.0
    longest_s: float = 0.0
    peak_bytes: int = 0


@dataclass
class Occupancy:
    """What the workers of a run did. Times given are those of `clock`, in seconds."""

    clock: Callable[[], float] = time.monotonic
    spans: list[Span] = field(default_factory=list)
    kinds: dict[str, KindOfWork] = field(default_factory=dict)
    cards: list[tuple[float, int]] = field(default_factory=list)  # seconds, and how many were there by then
    count: int = 0

    def __post_init__(self) -> None:
        self._zero = self.clock()
        self._said = _time_of_day()
        self._busy: dict[str, float] = {}  # by worker
        self._last: dict[str, float] = {}
        self._gap = 0.0

    def add(self, worker: str, kind: str, began: float, ended: float, peak_bytes: int = 0, *, lost: str = "") -> None:
        """A worker had a job of this kind from `began` to `ended`. A job that nobody had is left out."""
        if not worker or ended < began:
            return
        seconds = ended - began
        work = self.kinds.setdefault(kind, KindOfWork())
        work.tries += 1
        work.lost += bool(lost)
        work.seconds += seconds
        work.longest_s = max(work.longest_s, seconds)
        work.peak_bytes = max(work.peak_bytes, peak_bytes)
        if worker not in self._busy and len(self._busy) >= MOST_WORKERS:
            return
        self._busy[worker] = self._busy.get(worker, 0.0) + seconds
        self._last[worker] = max(self._last.get(worker, 0.0), ended - self._zero)
        self.spans.append(Span(worker, kind, began - self._zero, ended - self._zero))
        if len(self.spans) > MOST_SPANS:
            self._coarser()

    def graded(self) -> None:
        """One more card is there."""
        self.count += 1
        self.cards.append((self.clock() - self._zero, self.count))
        if len(self.cards) > MOST_CARDS:
            self.cards = [*self.cards[:-1:2], self.cards[-1]]

    def document(self, *, workers: int, command: str = "", memory_mb: int = 0) -> dict[str, Json]:
        """The trace as plain JSON (schema: occupancy). `workers` is how many there were, some of them idle throughout.

        `memory_mb` is the cap on a job.
        """
        names = sorted(self._busy, key=lambda name: (len(name), name))
        began = min((span.began for span in self.spans), default=0.0)
        ended = max((span.ended for span in self.spans), default=0.0)
        count = max(workers, len(names))
        span = ended - began
        first_idle = min(self._last.values(), default=0.0) if len(names) == count else began
        self.spans.sort(key=lambda one: one.began)
        return {
            "form": FORM,
            "began": self._said,
            "command": command,
            "workers": count,
            "seconds": _rounded(max(ended, self.cards[-1][0] if self.cards else 0.0)),
            "first_job_s": _rounded(began),
            "last_job_s": _rounded(ended),
            "busy_share": _rounded(sum(self._busy.values()) / (count * span)) if span > 0 else 0.0,
            "uneven_end_s": _rounded(max(ended - first_idle, 0.0)),
            "hand_ins": self.count,
            "cards": [[_rounded(seconds), number] for seconds, number in self.cards],
            "kinds": [
                {
                    "kind": kind,
                    "tries": work.tries,
                    "lost": work.lost,
                    "seconds": _rounded(work.seconds),
                    "longest_s": _rounded(work.longest_s),
                    "peak_bytes": work.peak_bytes,
                }
                for kind, work in sorted(self.kinds.items())
            ],
            "rows": [
                {
                    "worker": name,
                    "busy_s": _rounded(self._busy[name]),
                    "spans": [
                        [_rounded(one.began), _rounded(one.ended), one.kind, one.jobs]
                        for one in self.spans
                        if one.worker == name
                    ],
                }
                for name in names
            ],
            "memory": {"driver_peak_bytes": _own_peak(), "job_cap_bytes": memory_mb * 2**20},
        }

    def _coarser(self) -> None:
        """Half as many spans or fewer: those of a worker that lie closest to each other become one."""
        while len(self.spans) > max(MOST_SPANS // 2, len(self._busy)):
            length = max(one.ended for one in self.spans) - min(one.began for one in self.spans)
            self._gap = max(2 * self._gap, length / MOST_SPANS, 1e-3)
            last: dict[str, Span] = {}
            kept: list[Span] = []
            for one in sorted(self.spans, key=lambda one: one.began):
                before = last.get(one.worker)
                if before is not None and one.ended - before.began <= 4 * self._gap:
                    if one.ended - one.began > before.ended - before.began:
                        before.kind = one.kind
                    before.ended = max(before.ended, one.ended)
                    before.jobs += one.jobs
                else:
                    last[one.worker] = one
                    kept.append(one)
            self.spans = kept


def _time_of_day() -> str:
    """For people to read."""
    return datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")


def _rounded(seconds: float) -> float:
    return round(seconds, 3)


def _own_peak() -> int:
    """The most memory that this process held, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
