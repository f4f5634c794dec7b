"""What can be shown of a hand-in that was graded before? Its files as they lie there, and the evidence in the cache.

Nothing is run and nothing is recomputed: where files, rubric or cache are others by now there is less to show, and a
sentence says why.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grader.course import Course
from grader.errors import GraderError
from grader.frozen import dataclass
from grader.model import Evidence, Job, Rubric, ScoreCard, Submission
from grader.reports.exhibits import EvidenceOf, Exhibit, ImageOf, exhibits_of

if TYPE_CHECKING:
    import numpy as np

    from grader.datasets import ImageSet

log = logging.getLogger(__name__)

_LEVELS: Final = ("L3", "L2", "L1")


@dataclass(frozen=True)
class Known:
    """The exhibits of a hand-in. `note` says, for staff, why there are fewer than there could be; empty where not."""

    exhibits: tuple[Exhibit, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Opened:
    """A hand-in as it was graded, with its rubric; or the sentence that says why it is not."""

    submission: Submission | None = None
    rubric: Rubric | None = None
    note: str = ""


@dataclass
class Shelf:
    """Where a course's rubrics, results and image sets are. One for many hand-ins: each rubric is read once."""

    course: Course
    _rubrics: dict[tuple[str, str], Rubric | str] = field(default_factory=dict)

    def known(self, card: ScoreCard, source: str, digest: str = "") -> Known:
        """What can be shown of the hand-in of a card. `digest` is that of its bytes as they were graded, if known."""
        with self.opened(card, source, digest) as found:
            if found.submission is None or found.rubric is None:
                return Known(note=found.note)
            from grader.grading import ask

            missing: set[str] = set()
            evidence_of = self.evidence_of(card)

            def of(job: Job) -> Evidence | None:
                made = evidence_of(job)
                if made is None:
                    missing.add(job.kind)
                return made

            asked = ask(found.submission, found.rubric)
            made = exhibits_of(asked, found.submission, of, image_of=self.image_of())
        note = f"not in the cache of this machine: {', '.join(sorted(missing))}" if missing else ""
        return Known(tuple(made), note)

    @contextmanager
    def opened(self, card: ScoreCard, source: str, digest: str = "") -> Iterator[Opened]:
        """The hand-in behind a card, unpacked as long as the block lasts; only as it was when it was graded."""
        from grader.intake import read_submission, remove_tree

        rubric = self._rubric(card)
        if isinstance(rubric, str) or not source or not Path(source).exists():
            note = rubric if isinstance(rubric, str) else "its files are no longer where they were graded"
            yield Opened(note=note)
            return
        submission = None
        try:
            try:
                submission = read_submission(Path(source), assignment=card.assignment or None)
            except (GraderError, OSError) as error:
                yield Opened(note=f"its files cannot be read: {error}")
                return
            if digest and submission.source is not None and submission.source.digest not in ("", digest):
                yield Opened(note="its files are others by now than those that were graded")
            else:
                yield Opened(submission, rubric)
        finally:
            unpacked = submission.source.unpacked_at if submission is not None and submission.source else None
            if unpacked is not None and not remove_tree(unpacked):
                log.warning("%s could not be removed: remove it by hand", unpacked)

    def title(self, card: ScoreCard) -> str:
        """The assignment's title; empty where its rubric is not here."""
        rubric = self._rubric(card)
        return rubric.title if isinstance(rubric, Rubric) else ""

    def _rubric(self, card: ScoreCard) -> Rubric | str:
        """The rubric by which the card was made, or why it is not here."""
        key = card.assignment, card.variant
        if key not in self._rubrics:
            from grader.architecture import layer_schema
            from grader.checks import all_checks
            from grader.course import load_assignment

            try:
                self._rubrics[key] = load_assignment(
                    self.course, card.assignment, all_checks(), layer_schema=layer_schema(), variant=card.variant
                )
            except GraderError as error:
                self._rubrics[key] = f"the rubric cannot be read: {error}"
        rubric = self._rubrics[key]
        if isinstance(rubric, Rubric) and rubric.digest != card.rubric_digest:
            return "the rubric is another one by now than it was graded by: run grader run-all"
        return rubric

    def evidence_of(self, card: ScoreCard) -> EvidenceOf:
        """Looks results up by the keys that they have at the sandbox's level of the card, else at any."""
        from grader.evidence.cache import Cache
        from grader.evidence.kinds import Bench, cache_key
        from grader.places import cache_folder
        from grader.sandbox import Level

        kept = Cache(cache_folder("evidence"))
        said = str(card.made_with.get("sandbox", ""))
        order = sorted(_LEVELS, key=lambda name: name not in said)
        benches = [Bench(self.course.limits, Level(name, ""), self.course.data_root) for name in order]

        @cache
        def of(job: Job) -> Evidence | None:
            for bench in benches:
                try:
                    made = kept.get(cache_key(job, bench))
                except (GraderError, OSError):  # a data set that is not here: there is no key
                    return None
                if made is not None:
                    return made
            return None

        return of

    def image_of(self) -> ImageOf:
        """Images by their numbers, of the sets that are here."""
        sets: dict[tuple[str, str], ImageSet | None] = {}

        def of(data: str, split: str, number: int) -> np.ndarray[Any, Any] | None:
            from grader.datasets import load

            if (data, split) not in sets:
                try:
                    sets[data, split] = load(data, split, root=self.course.data_root)
                except (GraderError, OSError):
                    sets[data, split] = None
            found = sets[data, split]
            return None if found is None or not 0 <= number < len(found) else found.images[number]

        return of


def names_of(made_with: Mapping[str, Any]) -> str:
    """Versions and devices of a card on one line.

    >>> names_of({"grader": "0.1", "device": "cpu", "seeds": [1]})
    'grader 0.1, device cpu'
    """
    return ", ".join(f"{name} {value}" for name, value in made_with.items() if isinstance(value, str))
