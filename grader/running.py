"""How is a whole class read? One hand-in after the other, as it is wanted, each with the rubric that it is for.

Nothing of a hand-in is kept once it is graded: a class may be of any size.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path
from typing import Protocol

from grader.course import Course, assignments
from grader.documents import did_you_mean, shown
from grader.errors import GraderError, UsageError
from grader.frozen import dataclass
from grader.grading import HandIn, ask
from grader.intake import read_submission, remove_tree, submission_id
from grader.intake.belonging import in_class
from grader.intake.classes import ClassList, class_state, read_class
from grader.model import Job, Problem, Rubric, Rule, Submission

log = logging.getLogger(__name__)

_PATIENCE_S = 20.0  # for the renames at the end of an import


@dataclass
class ClassOf:
    """The hand-ins of a class, in the order of `sources` but for those that do not say what they are for.

    `rubric_of` loads the rubric of an assignment; `assignment` is that of all, whatever they say. Where `grader import`
    wrote a class list beside them, it says whose they are, when they came and what for. Raises UsageError for an
    assignment that the course has not: a slip of the one who typed, not of a student; CourseError for a broken list.
    """

    course: Course
    sources: Sequence[Path]
    rubric_of: Callable[[str], Rubric]
    assignment: str | None = None
    ids: Sequence[str] = ()
    _known: Sequence[str] = ()
    _rubrics: dict[str, Rubric] = field(default_factory=dict)
    _classes: dict[Path, tuple[object, ClassList | None]] = field(default_factory=dict)  # with the file's state

    def __post_init__(self) -> None:
        self._known = assignments(self.course)
        if self.assignment and self.assignment not in self._known:
            what = f"the course has no assignment {shown(self.assignment)}"
            raise UsageError.single(what, where="--assignment", fix=did_you_mean(self.assignment, self._known))
        self.ids = ids_of(self.sources)
        for folder in {source.absolute().parent for source in self.sources}:
            self._class_in(folder)

    @property
    def rubrics(self) -> Sequence[Rubric]:
        """The rubrics of the hand-ins that have been read so far."""
        return tuple(self._rubrics.values())

    def hand_ins(self) -> Iterator[HandIn]:
        """Read them, one at a time. Each is to be closed by whoever takes it."""
        named: set[str] = set()
        last: list[int] = []
        for number in range(len(self.sources)):
            submission = self._read(number)
            if submission.assignment in self._known:
                named.add(submission.assignment)
            elif not submission.assignment and len(self._known) > 1:
                last.append(number)  # for what the others are for, once it is known what that is
                _removed(submission)
                continue
            yield self._with_rubric(number, submission, set(self._known))
        for number in last:
            yield self._with_rubric(number, self._read(number), named)

    def _read(self, number: int) -> Submission:
        """One hand-in with whom it is by the class list, both of one import: another may come while this run lasts."""
        source = self.sources[number].absolute()
        while True:
            of_class = self._class_in(source.parent)
            imported_for = of_class.assignment if of_class is not None and of_class.assignment in self._known else None
            submission = read_submission(source, assignment=self.assignment or imported_for)
            submission = replace(submission, id=self.ids[number])
            if self._class_in(source.parent) is of_class:
                return submission if of_class is None else in_class(submission, source.name, of_class)
            _removed(submission)

    def _class_in(self, folder: Path) -> ClassList | None:
        """The class list beside the hand-ins as it is now."""
        state = class_state(folder)
        if folder not in self._classes or self._classes[folder][0] != state:
            self._classes[folder] = (state, read_class(folder, patience_s=_PATIENCE_S))
        return self._classes[folder][1]

    def _with_rubric(self, number: int, submission: Submission, likely: set[str]) -> HandIn:
        """With its rubric. One that belongs to none gets a card without tasks, and stops no other."""
        name = submission.assignment or (next(iter(likely)) if len(likely) == 1 else "")
        if name in self._known:
            if name not in self._rubrics:
                self._rubrics[name] = self.rubric_of(name)
            rubric = self._rubrics[name]
        else:
            submission, rubric = _without_rubric(submission, name, self._known)
        return HandIn(submission, rubric, number, lambda: _removed(submission))


def ids_of(sources: Sequence[Path]) -> list[str]:
    """What the hand-ins are called: two of one name, such as ada/ and ada.zip, by their whole names.

    No grade may hide another.

    >>> ids_of([Path("in/ada"), Path("in/ada.zip"), Path("in/bob.zip")])
    ['ada', 'ada.zip', 'bob']
    """
    ids = [submission_id(source.absolute()) for source in sources]
    times = Counter(ids)
    return [source.name if times[one] > 1 else one for one, source in zip(ids, sources, strict=True)]


def changed_at(source: Path) -> float:
    """When a hand-in last changed (seconds since 1970): the newest of its files, for there is no other time in it."""
    files = [source, *source.rglob("*")] if source.is_dir() and not source.is_symlink() else [source]
    newest = 0.0
    for file in files:
        with suppress(OSError):
            newest = max(newest, file.lstat().st_mtime)
    return newest


# --- what a run would do ------------------------------------------------------------------------


class Keyed(Protocol):
    """Who knows what is done already: `grader.evidence.runner.Runner`."""

    def key_of(self, job: Job) -> str: ...
    def is_known(self, key: str) -> bool: ...


class Timed(Protocol):
    """Who knows how long such jobs took: the ledger."""

    def seconds_of(self, kind: str, key: str | None = None) -> float | None: ...


@dataclass
class KindOfJob:
    """The jobs of one kind, equal ones once. `seconds` is their sum by earlier runs; `untimed` have no earlier run."""

    kind: str
    jobs: int = 0
    known: int = 0
    seconds: float = 0.0
    untimed: int = 0


@dataclass
class Planned:
    """What a run would recompute. `shared` counts the needs that another need had already named."""

    hand_ins: int = 0
    shared: int = 0
    kinds: dict[str, KindOfJob] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def planned(hand_ins: Iterable[HandIn], runner: Keyed, ledger: Timed, *, is_anew: Callable[[Rule], bool]) -> Planned:
    """Ask all that a class needs, and do nothing. What builds on a rule that may fail is counted in: the most."""
    plan = Planned()
    seen: set[str] = set()
    told: set[str] = set()
    for hand_in in hand_ins:
        plan.hand_ins += 1
        needs = ask(hand_in.submission, hand_in.rubric).needs
        hand_in.close()
        for rule in hand_in.rubric.rules():
            for job in needs.get(rule.id, ()):
                if job.key in seen:
                    plan.shared += 1
                    continue
                seen.add(job.key)
                kind = plan.kinds.setdefault(job.kind, KindOfJob(job.kind))
                kind.jobs += 1
                try:
                    key = runner.key_of(job)
                except GraderError as error:  # a data set that is missing: it would be so in the run
                    kind.untimed += 1
                    plan.problems += [one for one in error.problems if str(one) not in told]
                    told.update(str(one) for one in error.problems)
                    continue
                if not is_anew(rule) and runner.is_known(key):
                    kind.known += 1
                    continue
                seconds = ledger.seconds_of(job.kind, key)
                kind.seconds += seconds or 0.0
                kind.untimed += seconds is None
    return plan


def _without_rubric(submission: Submission, name: str, known: Sequence[str]) -> tuple[Submission, Rubric]:
    if name:
        what, fix = f"the course has no assignment {shown(name)}", did_you_mean(name, known)
    elif submission.problems and not submission.files:
        return replace(submission, is_readable=False), Rubric(name, "", (), "", "")  # it says why there is nothing
    else:
        what = "the submission does not say which assignment it is for"
        fix = f"say it there, or use --assignment with one of: {', '.join(known)}"
    problems = (*submission.problems, Problem("no-assignment", "submission.json", what, fix))
    return replace(submission, problems=problems, is_readable=False), Rubric(name, "", (), "", "")


def _removed(submission: Submission) -> None:
    unpacked_at = submission.source.unpacked_at if submission.source else None
    if unpacked_at is not None and not remove_tree(unpacked_at):
        log.warning("%s could not be removed: remove it by hand", unpacked_at)
