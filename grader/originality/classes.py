"""How is a class that was graded looked at as a whole? By the fingerprints in the ledger, and the course's own.

What the template and the reference have explains likeness: their fingerprints are taken by the same jobs, from the
cache after the first time. Earlier years lie in `fingerprints/ASSIGNMENT/*.json.gz` in the course's folder.
"""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from grader.checks import all_checks, take_fingerprint
from grader.evidence.cache import is_lasting
from grader.frozen import dataclass
from grader.model import Evidence, Job, Json, Rubric, Rule, Submission
from grader.originality.around import earlier_files, given_hand_ins, rules_of
from grader.originality.marked import Marked, PackedMarks
from grader.originality.pairs import Compared, compared

if TYPE_CHECKING:
    from grader.course import Course
    from grader.grading import Doer

log = logging.getLogger(__name__)

FORM: Final = "grader-fingerprints/1"
_MOST_BYTES: Final = 2**30  # of a file of fingerprints, unpacked
_GZIP: Final = 31  # zlib's word for a stream that is a .gz file, with no time in it


class Store(Protocol):
    """Where fingerprints are kept: the ledger."""

    def fingerprint(self, submission: str, rule: str) -> Mapping[str, Json] | None: ...


@dataclass(frozen=True)
class LookedAt:
    """A rule of a rubric, and what came of comparing the class by it; `marked` are the hand-ins of this class.

    Not `is_whole`: something that it is compared with could not be read, and may be another time.
    """

    assignment: str
    rule: str
    found: Compared
    marked: tuple[Marked, ...]
    is_whole: bool = True


def look_at_class(
    course: Course, rubrics: Iterable[Rubric], names: Sequence[tuple[str, str]], store: Store, doer: Doer
) -> list[LookedAt]:
    """Compare the hand-ins by each rule of the check. `names`: what each is kept under, and what it is called."""
    made = []
    for rubric, rule in rules_of(rubrics):
        own = tuple(_kept(names, store, rubric, rule))
        others = _Others()
        if own:
            others.earlier(course, rubric)
            others.given(course, rubric, rule, doer)
        found = compared([*own, *others.marked], rule.settings)
        made.append(LookedAt(rubric.assignment, rule.id, found, own, others.is_whole))
    return made


def packed(looked: LookedAt) -> bytes:
    """The fingerprints of a class, as they are kept for other years. The same bytes for the same class."""
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    return b"".join([*(packer.compress(part.encode()) for part in _parts(looked)), packer.flush()])


def _parts(looked: LookedAt) -> Iterator[str]:
    """Their JSON, one hand-in after the other: of a large class it is large."""
    yield f'{{"assignment": {json.dumps(looked.assignment)}, "form": {json.dumps(FORM)}, "hand_ins": ['
    for number, one in enumerate(sorted(looked.marked, key=lambda one: one.name)):
        yield (", " if number else "") + json.dumps({"name": one.name, "marks": dict(one.marks)}, sort_keys=True)
    yield "]}"


def _kept(names: Sequence[tuple[str, str]], store: Store, rubric: Rubric, rule: Rule) -> Iterator[Marked]:
    seen: dict[bytes, bytes] = {}
    for kept_under, called in names:
        marks = store.fingerprint(kept_under, rule.id)
        if marks is not None and marks.get("assignment") == rubric.assignment and _is_known(marks):
            yield Marked(called, PackedMarks(marks, seen))


def _is_known(marks: Mapping[str, Json]) -> bool:
    from grader.checks._fingerprint import FORM as MARKS

    return marks.get("form") == MARKS


class _Others:
    """What a class is compared with besides itself."""

    def __init__(self) -> None:
        self.marked: list[Marked] = []
        self.is_whole = True

    def earlier(self, course: Course, rubric: Rubric) -> None:
        """The hand-ins of other years: "2025: ada". A file that cannot be read is told, and stops nothing."""
        for file in earlier_files(course, rubric):
            try:
                with gzip.open(file) as opened:
                    document = json.loads(opened.read(_MOST_BYTES))
                known = [one for one in document["hand_ins"] if document["form"] == FORM and _is_known(one["marks"])]
            except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
                log.warning("%s holds no fingerprints that can be read (%s): it is not compared", file, error)
                self.is_whole = False
                continue
            year = file.name.removesuffix(".json.gz")
            seen: dict[bytes, bytes] = {}
            self.marked += [
                Marked(f"{year}: {one['name']}", PackedMarks(one["marks"], seen), is_earlier=True) for one in known
            ]

    def given(self, course: Course, rubric: Rubric, rule: Rule, doer: Doer) -> None:
        """What students were given, and the course's own solution."""
        for folder, submission in given_hand_ins(course, rubric, rule):
            evidence = _evidence(submission, rule, doer)
            self.is_whole &= all(map(is_lasting, evidence.values()))
            marks = take_fingerprint(all_checks()[rule.check], rule, submission, evidence)
            if marks is None:
                log.warning("no fingerprint could be taken of %s: what it explains may be told as pairs", folder)
                self.is_whole = False
            else:
                self.marked.append(Marked(str(folder), marks, is_given=True))


def _evidence(submission: Submission, rule: Rule, doer: Doer) -> dict[Job, Evidence]:
    evidence: dict[Job, Evidence] = {}
    waiting: set[Job] = set()
    for job in all_checks()[rule.check].needs(rule, submission):
        known = doer.order(job, submission.root, submission.id)
        if known is None:
            waiting.add(job)
        else:
            evidence[job] = known
    while waiting:
        for job, made in doer.arrived():
            evidence[job] = made
            waiting.discard(job)
    return evidence
