"""How long will a job take? As long as it took before, else as long as its like: the order of jobs needs a guess.

A guess that is wrong costs time and no verdict: which job is done first changes no result.
"""

from __future__ import annotations

import hashlib
import json
from bisect import insort
from typing import Protocol

from grader.evidence import jobs
from grader.model import Job

_MOST = 101  # seconds that are kept of one group of jobs; more would not move their median
_PER_IMAGE_SET_S = 1.5

# Measured on one core of this project's machines with the example class; only what has never been run is guessed by it.
_FIRST_GUESS_S = {
    jobs.CHECKPOINT: 0.1, jobs.EMBEDDED: 0.1, jobs.SYNTAX: 0.1, jobs.NOTEBOOK: 0.1, jobs.PICTURE: 0.1,
    jobs.FINGERPRINT: 0.1, jobs.FIGURES: 0.2, jobs.HANDED_MAPS: 0.2, jobs.DESCRIBE: 0.2, jobs.TRANSFER: 0.5,
    jobs.ACTIVATIONS: 0.5, jobs.OWN_IMAGES: 0.5, jobs.PREDICT: _PER_IMAGE_SET_S, jobs.DENOISE: 2 * _PER_IMAGE_SET_S,
    jobs.REFERENCE: 120.0,
}  # fmt: skip
_OF_BUDGET = 0.25  # what a training is guessed to take of the CPU time that it may


class Timed(Protocol):
    """Who knows how long jobs took in earlier runs: the ledger."""

    def seconds_of(self, kind: str, key: str | None = None) -> float | None: ...


class Estimates:
    """Seconds of jobs: of this very one by earlier runs; of its like in this run; of its kind; by a first guess.

    Jobs are alike that differ in the bytes of their files alone, and not in how many these are by a factor of two.

    >>> estimates = Estimates(None)
    >>> job = Job("describe", (), {"seed": 1})
    >>> estimates.of(job)
    0.2
    >>> estimates.learn(job, 3.0)
    >>> estimates.of(Job("describe", (), {"seed": 2}))
    3.0
    """

    def __init__(self, record: Timed | None) -> None:
        self._record = record
        self._own: dict[Job, float] = {}
        self._kinds: dict[str, float | None] = {}  # by earlier runs
        self._seen: dict[tuple[str, ...], list[float]] = {}  # in this run, by group and by kind, in their order
        self._groups: dict[Job, tuple[str, ...]] = {}

    def of(self, job: Job) -> float:
        """Seconds, over 0."""
        if job in self._own:
            return self._own[job]
        group = self._group(job)
        if group in self._seen:
            return _median(self._seen[group])
        if job.kind not in self._kinds:
            self._kinds[job.kind] = self._record.seconds_of(job.kind) if self._record is not None else None
        by_kind = self._kinds[job.kind]
        if by_kind is not None:
            return max(by_kind, 1e-3)
        if (job.kind,) in self._seen:
            return _median(self._seen[job.kind,])
        return first_guess(job)

    def look_up(self, job: Job, key: str) -> None:
        """Ask how long this very job took, where it has been run: its key is known now."""
        own = self._record.seconds_of("", key) if self._record is not None else None  # no job is of the kind ""
        if own is not None:
            self._own[job] = max(own, 1e-3)

    def learn(self, job: Job, seconds: float) -> None:
        """It took so long."""
        for group in (self._group(job), (job.kind,)):
            seen = self._seen.setdefault(group, [])
            if len(seen) < _MOST:
                insort(seen, max(seconds, 1e-3))

    def forget(self, job: Job) -> None:
        """It will not be asked for again: nothing of a job is kept longer than the job is wanted."""
        self._own.pop(job, None)
        self._groups.pop(job, None)

    def _group(self, job: Job) -> tuple[str, ...]:
        if job not in self._groups:
            same = json.dumps({**job.parameters, "seed": 0}, sort_keys=True, default=str)
            size = sum(file.size for file in job.files).bit_length()
            self._groups[job] = (job.kind, hashlib.sha256(same.encode()).hexdigest()[:16], str(size))
        return self._groups[job]


def _median(ordered: list[float]) -> float:
    return ordered[len(ordered) // 2]


def first_guess(job: Job) -> float:
    """Seconds of a job whose kind has never been run here.

    >>> first_guess(Job("train", (), {"budget_s": 600})), first_guess(Job("predict", (), {}))
    (150.0, 1.5)
    """
    if job.kind == jobs.TRAIN:
        return _OF_BUDGET * float(job.parameters.get("budget_s") or 0) or 60.0
    return _FIRST_GUESS_S.get(job.kind, 1.0)
