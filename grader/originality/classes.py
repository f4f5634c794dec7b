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
from grader.frozen import dataclass
from grader.intake import submission_from
from grader.model import Evidence, Job, Json, Rubric, Rule, Submission
from grader.originality.marked import Marked
from grader.originality.pairs import Compared, compared

if TYPE_CHECKING:
    from grader.course import Course
    from grader.grading import Doer

log = logging.getLogger(__name__)

CHECK: Final = "originality"
EARLIER: Final = "fingerprints"  # the folder of the course
FORM: Final = "grader-fingerprints/1"
_MOST_BYTES: Final = 2**30  # of a file of fingerprints, unpacked


class Store(Protocol):
    """Where fingerprints are kept: the ledger."""

    def fingerprint(self, submission: str, rule: str) -> Mapping[str, Json] | None: ...


@dataclass(frozen=True)
class LookedAt:
    """A rule of a rubric, and what came of comparing the class by it; `marked` are the hand-ins of this class."""

    assignment: str
    rule: str
    found: Compared
    marked: tuple[Marked, ...]


def look_at_class(
    course: Course, rubrics: Iterable[Rubric], names: Sequence[tuple[str, str]], store: Store, doer: Doer
) -> list[LookedAt]:
    """Compare the hand-ins by each rule of the check. `names`: what each is kept under, and what it is called."""
    made = []
    for rubric in sorted(rubrics, key=lambda rubric: rubric.assignment):
        for rule in rubric.rules():
            if rule.check == CHECK:
                own = tuple(_kept(names, store, rubric, rule))
                others = [*_earlier(course, rubric), *_given(course, rubric, rule, doer)] if own else []
                found = compared([*own, *others], rule.settings)
                made.append(LookedAt(rubric.assignment, rule.id, found, own))
    return made


def packed(looked: LookedAt) -> bytes:
    """The fingerprints of a class, as they are kept for other years. The same bytes for the same class."""
    hand_ins = [{"name": one.name, "marks": one.marks} for one in sorted(looked.marked, key=lambda one: one.name)]
    document = {"form": FORM, "assignment": looked.assignment, "hand_ins": hand_ins}
    return gzip.compress(json.dumps(document, sort_keys=True).encode(), 6, mtime=0)


def _kept(names: Sequence[tuple[str, str]], store: Store, rubric: Rubric, rule: Rule) -> Iterator[Marked]:
    for kept_under, called in names:
        marks = store.fingerprint(kept_under, rule.id)
        if marks is not None and marks.get("assignment") == rubric.assignment and _is_known(marks):
            yield Marked(called, marks)


def _is_known(marks: Mapping[str, Json]) -> bool:
    from grader.checks._fingerprint import FORM as MARKS

    return marks.get("form") == MARKS


def _earlier(course: Course, rubric: Rubric) -> Iterator[Marked]:
    """The hand-ins of other years: "2025: ada". A file that cannot be read is told, and stops nothing."""
    for file in sorted((course.root / EARLIER / rubric.assignment).glob("*.json.gz")):
        try:
            with gzip.open(file) as opened:
                document = json.loads(opened.read(_MOST_BYTES))
            known = [one for one in document["hand_ins"] if document["form"] == FORM and _is_known(one["marks"])]
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
            log.warning("%s holds no fingerprints that can be read (%s): it is not compared", file, error)
            continue
        year = file.name.removesuffix(".json.gz")
        yield from (Marked(f"{year}: {one['name']}", one["marks"], is_earlier=True) for one in known)


def _given(course: Course, rubric: Rubric, rule: Rule, doer: Doer) -> Iterator[Marked]:
    """What students were given, and the course's own solution."""
    folders = [course.submissions_template / rubric.assignment, course.reference_solutions / rubric.assignment]
    folders += [course.root / path for path in rule.settings.get("given", ())]
    for folder in folders:
        if not folder.is_dir():
            continue
        with submission_from(folder, assignment=rubric.assignment) as submission:
            marks = _taken(submission, rule, doer)
        if marks is None:
            log.warning("no fingerprint could be taken of %s: what it explains may be told as pairs", folder)
        else:
            yield Marked(str(folder), marks, is_given=True)


def _taken(submission: Submission, rule: Rule, doer: Doer) -> Mapping[str, Json] | None:
    check = all_checks()[rule.check]
    evidence: dict[Job, Evidence] = {}
    waiting: set[Job] = set()
    for job in check.needs(rule, submission):
        known = doer.order(job, submission.root, submission.id)
        if known is None:
            waiting.add(job)
        else:
            evidence[job] = known
    while waiting:
        for job, made in doer.arrived():
            evidence[job] = made
            waiting.discard(job)
    return take_fingerprint(check, rule, submission, evidence)
