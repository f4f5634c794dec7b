"""The nouns: what a grade passes through, in the order in which it happens.

    source -> Submission -> plan(rubric) -> Jobs -> Evidence -> Findings -> ScoreCard -> report
              intake        checks.needs   evidence          checks.judge  scoring

Every type is frozen: a stage never edits what it was handed, it makes the next thing. Points and
credits are `Fraction`, so that a third of a point three times is a point.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from grader.frozen import dataclass

# JSON as Python sees it. Written loosely: a recursive alias costs every reader a cast and finds no bug.
Json = Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file, and in it a line or a JSON pointer.

    >>> str(Place("answers.json", pointer="/answers/layers/0"))
    'answers.json /answers/layers/0'
    >>> str(Place("model.py", line=41))
    'model.py:41'
    """

    file: str
    pointer: str = ""
    line: int | None = None

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        pointer = f" {self.pointer}" if self.pointer else ""
        return f"{self.file}{line}{pointer}"

    def child(self, *steps: str | int) -> Place:
        """The place one or more steps further down, as a JSON pointer (RFC 6901).

        >>> str(Place("answers.json", "/answers").child("a/b", 0))
        'answers.json /answers/a~1b/0'
        """
        escaped = (str(step).replace("~", "~0").replace("/", "~1") for step in steps)
        return Place(self.file, self.pointer + "".join(f"/{step}" for step in escaped), self.line)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person can mend: where it is, what is so, what to do. `code` is stable, for machines."""

    code: str
    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n  fix: {self.fix}"


# --- what is asked: Rubric -> Task -> Rule -----------------------------------------------------


class Visibility(StrEnum):
    """Who sees the findings of a rule."""

    STUDENT = "student"
    STAFF = "staff"


@dataclass(frozen=True)
class Rule:
    """One check with the teacher's settings for it, and the points that it decides on.

    `settings` holds what the check's own schema allows, defaults filled in by the check, not here.
    `after` names rules of the same rubric: when one of them FAILED, this one is not run.
    """

    id: str
    check: str
    points: Fraction
    settings: Mapping[str, Json]
    answer: str | None = None  # the key under "answers" in answers.json that this rule reads
    after: tuple[str, ...] = ()
    visibility: Visibility = Visibility.STUDENT
    is_bonus: bool = False
    place: Place = Place("rubric")
    is_deduction: bool = False  # takes its points away where it fails, and gives none
    ramp: tuple[Fraction, Fraction] | None = None  # credit that earns nothing yet, and that earns all; None: as it is


@dataclass(frozen=True)
class Task:
    """A task as the assignment sheet numbers it. Its points are those of its rules.

    Of an optional one `signs` are the answers, and the paths and patterns of files, that show that it was attempted.
    """

    id: str
    title: str
    points: Fraction
    rules: tuple[Rule, ...]
    is_optional: bool = False
    pass_points: Fraction | None = None  # what it takes of this task alone to pass
    signs: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


@dataclass(frozen=True)
class Choice:
    """Tasks of equal points, by their ids, of which the best `count` count."""

    tasks: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Amount:
    """So many points, or such a share of 1."""

    value: Fraction
    is_share: bool = False


@dataclass(frozen=True)
class LatePolicy:
    """What lateness costs: for each day begun, at most the cap. Shares are of the maximum, or of what was earned."""

    per_day: Amount = Amount(Fraction(0))
    is_of_earned: bool = False
    grace: timedelta = timedelta(0)  # who is late by no more is not late
    cap: Amount | None = None
    accepted: timedelta | None = None  # behind the due time; what comes later earns nothing


@dataclass(frozen=True)
class Terms:
    """What holds for an assignment in this term. None and empty: nothing is set. Times are aware.

    `extensions` are due times by the ids of students, `received` times of hand-ins by their names or those ids.
    `given_files` (digests) and `given_answers` are the template's: handing them in as they are is no attempt.
    """

    variant: str = ""
    due: datetime | None = None
    late: LatePolicy | None = None
    group_limit: int | None = None
    pass_points: Fraction | None = None
    extensions: Mapping[str, datetime] = field(default_factory=dict)
    received: Mapping[str, datetime] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  # files with such times that are not here: without them nobody is late
    given_files: frozenset[str] = frozenset()
    given_answers: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Rubric:
    """What an assignment asks, as data, in one of its `variants` where it has some.

    `digest` is that of the file's bytes, of the bands it names and of the variant chosen.
    """

    assignment: str
    title: str
    tasks: tuple[Task, ...]
    file: str
    digest: str
    pass_points: Fraction | None = None
    description: str = ""
    variant: str = ""
    variants: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    terms: Terms = Terms()

    @property
    def points(self) -> Fraction:
        """The most that can be had without bonus, by whoever attempts every optional task."""
        points = {task.id: task.points for task in self.tasks}
        spare = sum((points[one.tasks[0]] * (len(one.tasks) - one.count) for one in self.choices), Fraction(0))
        return sum((task.points for task in self.tasks), Fraction(0)) - spare

    def rules(self) -> Iterator[Rule]:
        """Every rule, in the order of the tasks."""
        for task in self.tasks:
            yield from task.rules


# --- what is handed in: Submission ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Student:
    """A person by the course's id; the name is display text only."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class SubmittedFile:
    """A file of a submission: POSIX path relative to its root, bytes, SHA-256 in hex."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the student states, and where it stands."""

    value: Json
    place: Place


@dataclass(frozen=True, slots=True)
class Source:
    """What was handed in, as it came. It is read and never changed.

    `size` (bytes) and `digest` (SHA-256 in hex) are those of the archive itself; for a folder, of all its files.
    `left_out` counts what tools leave behind (`.git`, `.DS_Store`); `remarks` are no fault of anybody.
    `unpacked_at` is the private folder that whoever asked for it removes.
    """

    path: Path
    kind: str = ""  # "folder", "zip"; empty for what is neither
    size: int = 0
    digest: str = ""
    left_out: int = 0
    remarks: tuple[str, ...] = ()
    unpacked_at: Path | None = None


@dataclass(frozen=True)
class Submission:
    """Everything a student handed in. Made by intake only; the files under `root` are never written.

    `problems` are those of reading it (a refused archive entry, a broken answers.json). A submission
    with `is_readable` False still gets a scorecard, which shows them.
    """

    id: str
    assignment: str
    root: Path
    files: tuple[SubmittedFile, ...] = ()
    students: tuple[Student, ...] = ()
    received_at: datetime | None = None
    is_late: bool | None = None  # the LMS's own word; it counts where nobody knows a time
    answers: Mapping[str, Answer] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    is_readable: bool = True
    source: Source | None = None

    @cached_property
    def _by_path(self) -> Mapping[str, SubmittedFile]:
        return {file.path: file for file in self.files}

    def file(self, path: str) -> SubmittedFile | None:
        """The file at `path`, or None."""
        return self._by_path.get(path)


# --- what is recomputed: Job -> Evidence ------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """A recomputation: its kind, the submitted files it reads, and everything else it depends on.

    `parameters` is plain JSON and holds digests of what does not come from the student (data set,
    seed). Two jobs with the same `key` have the same result, whoever handed the files in.
    """

    kind: str
    files: tuple[SubmittedFile, ...]
    parameters: Mapping[str, Json]

    @cached_property
    def key(self) -> str:
        """SHA-256 over the canonical JSON of the job, in hex.

        Code versions and the device class are added where the job is run (`grader/evidence`), which
        is also where they are known.

        >>> a = Job("describe", (), {"input": [1, 28, 28], "factory": "build_model"})
        >>> b = Job("describe", (), {"factory": "build_model", "input": [1, 28, 28]})
        >>> a.key == b.key, len(a.key)
        (True, 64)
        """
        canonical = json.dumps(
            [self.kind, sorted((f.path, f.digest) for f in self.files), self.parameters],
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=True,
            allow_nan=False,
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and other.key == self.key


class EvidenceStatus(StrEnum):
    """How a job ended. A fault of ours or of the machine is never the student's, and never cached."""

    DONE = "done"
    STUDENT_FAULT = "student_fault"  # their code or file did not do what it must; `problem` says what
    SYSTEM_FAULT = "system_fault"  # ours, the machine's, a missing data set; `problem` says what


@dataclass(frozen=True)
class Evidence:
    """A job's result, and what it was made with. `result` is plain JSON."""

    key: str
    status: EvidenceStatus
    result: Mapping[str, Json] = field(default_factory=dict)
    problem: Problem | None = None
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    sandbox: str = ""
    seconds: float = 0.0

    @property
    def is_done(self) -> bool:
        return self.status is EvidenceStatus.DONE


EvidenceByJob = Mapping[Job, Evidence]


# --- what was found, and what it is worth: Finding -> ScoreCard --------------------------------


class Outcome(StrEnum):
    """What a check found."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    UNKNOWN = "unknown"  # the check could not run: a person looks, the student loses nothing
    REVIEW = "review"  # the check ran; only a person can decide


@dataclass(frozen=True)
class Finding:
    """One thing a check found out.

    `credit` is the fraction of the rule's points that this finding earns (0 to 1), None where a
    person decides (UNKNOWN always; REVIEW where the check has no proposal). A finding of weight 0 is a
    remark: it is shown and moves no point. The findings of a rule share its points by their weights.
    """

    outcome: Outcome
    said: str  # one sentence that the student can act on
    credit: Fraction | None = None
    weight: Fraction = Fraction(1)
    expected: str = ""
    observed: str = ""
    place: Place | None = None
    fix: str = ""
    code: str = ""  # stable slug for machines: "channel-slip", "missing-file"
    rule: str = ""  # filled in by the runner, so that no check repeats its own name
    check: str = ""
    visibility: Visibility = Visibility.STUDENT

    def __post_init__(self) -> None:
        if self.outcome is Outcome.UNKNOWN and self.credit is not None:
            raise ValueError("an UNKNOWN finding has no credit: a person decides")
        credit = self.credit  # compared by its parts, as a class has very many
        if credit is not None and not 0 <= credit.numerator <= credit.denominator:
            raise ValueError(f"credit {self.credit} is not between 0 and 1")
        decided = self.outcome in (Outcome.PASSED, Outcome.PARTIAL, Outcome.FAILED)
        if decided and self.credit is None:
            raise ValueError(f"a {self.outcome} finding needs a credit")


@dataclass(frozen=True)
class RuleScore:
    """A rule's findings and what they are worth. `open_points` wait for a person.

    A deduction's `points` are what it takes away, below 0, and its `max_points` the most that it can take.
    """

    rule: str
    check: str
    points: Fraction
    max_points: Fraction
    open_points: Fraction
    is_bonus: bool
    visibility: Visibility
    findings: tuple[Finding, ...]
    is_deduction: bool = False


@dataclass(frozen=True)
class TaskScore:
    """One task of the scorecard.

    One that does not count is optional and was not attempted, or is a worse one of those to choose from: see `note`.
    """

    task: str
    title: str
    points: Fraction
    max_points: Fraction
    open_points: Fraction
    rules: tuple[RuleScore, ...]
    is_counted: bool = True
    note: str = ""
    pass_points: Fraction | None = None


@dataclass(frozen=True)
class Adjustment:
    """A rule of the course that changed the sum of the tasks, or that a person has to know of. Numbers have signs."""

    kind: str  # "choice", "floor", "late", "group"
    said: str
    points: Fraction = Fraction(0)
    max_points: Fraction = Fraction(0)
    open_points: Fraction = Fraction(0)
    needs_person: bool = False


@dataclass(frozen=True)
class LateStep:
    """What lateness takes of the sum that stands before it: so many days by the policy; everything, without one."""

    said: str
    days: int
    policy: LatePolicy | None


@dataclass(frozen=True)
class Counting:
    """How the sum of the tasks became that of the card: kept with it, to count it anew where a person decides.

    `said` are the adjustments that change no number. `as_attempted` are the optional tasks that count neither way, as
    if they had been attempted, without findings. `days_late` is None where there is no due time, or nobody knows when
    the hand-in came. `terms` is a digest of what holds for the whole class.
    """

    choices: tuple[Choice, ...] = ()
    late: LateStep | None = None
    said: tuple[Adjustment, ...] = ()
    as_attempted: tuple[TaskScore, ...] = ()
    days_late: int | None = None
    terms: str = ""


@dataclass(frozen=True)
class ScoreCard:
    """The result of grading one submission. `points` are decided; `open_points` wait for a person.

    Each of the three numbers is the sum of the tasks' and of the adjustments'.
    """

    submission: str
    assignment: str
    students: tuple[Student, ...]
    rubric_digest: str
    tasks: tuple[TaskScore, ...]
    points: Fraction
    max_points: Fraction
    open_points: Fraction
    problems: tuple[Problem, ...] = ()
    pass_points: Fraction | None = None
    made_with: Mapping[str, Json] = field(default_factory=dict)  # versions, sandbox level, devices
    variant: str = ""  # of the rubric
    adjustments: tuple[Adjustment, ...] = ()
    counting: Counting = Counting()


# --- what people decide: Decision beside ScoreCard ---------------------------------------------


class DecisionKind(StrEnum):
    """What a person did."""

    OVERRIDE = "override"  # set the points of a rule or of a task
    COMMENT = "comment"  # said something to the student


@dataclass(frozen=True)
class Decision:
    """What a person decided: a record beside the card, which stays when the card is made anew.

    `rule` is empty where it is on the whole task; with an empty `task` too, a comment is on the whole hand-in.
    `points` are those of an override. The student reads `text`; `reason` is for staff. `ground` is the digest of what
    it was decided on (`grader.settling.ground`); where that is another one by now, `is_moved`.
    """

    id: int
    kind: DecisionKind
    task: str
    rule: str
    points: Fraction | None
    text: str
    reason: str
    author: str
    at: datetime
    ground: str
    is_undone: bool = False
    is_moved: bool = False
