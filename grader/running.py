"""How is a whole class read? One hand-in after the other, as it is wanted, each with the rubric that it is for.

Nothing of a hand-in is kept once it is graded: a class may be of any size.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.course import Course, assignments
from grader.documents import did_you_mean, shown
from grader.errors import UsageError
from grader.grading import HandIn
from grader.intake import read_submission, remove_tree, submission_id
from grader.model import Problem, Rubric, Submission

log = logging.getLogger(__name__)


@dataclass
class ClassOf:
    """The hand-ins of a class, in the order of `sources` but for those that do not say what they are for.

    `rubric_of` loads the rubric of an assignment; `assignment` is that of all, whatever they say. Raises UsageError
    for an assignment that the course has not: a slip of the one who typed, not of a student.
    """

    course: Course
    sources: Sequence[Path]
    rubric_of: Callable[[str], Rubric]
    assignment: str | None = None
    _rubrics: dict[str, Rubric] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = assignments(self.course)
        if self.assignment and self.assignment not in self._known:
            what = f"the course has no assignment {shown(self.assignment)}"
            raise UsageError.single(what, where="--assignment", fix=did_you_mean(self.assignment, self._known))
        self.ids = ids_of(self.sources)

    def hand_ins(self) -> Iterator[HandIn]:
        """Read them, one at a time. Each is to be closed by whoever takes it."""
        named: set[str] = set()
        last: list[int] = []
        for number in range(len(self.sources)):
            submission = self._read(number)
            if submission.assignment in self._known:
                named.add(submission.assignment)
            elif not submission.assignment and submission.files and len(self._known) > 1:
                last.append(number)  # for what the others are for, once it is known what that is
                _removed(submission)
                continue
            yield self._with_rubric(number, submission, set(self._known))
        for number in last:
            yield self._with_rubric(number, self._read(number), named)

    def _read(self, number: int) -> Submission:
        return replace(read_submission(self.sources[number], assignment=self.assignment), id=self.ids[number])

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
