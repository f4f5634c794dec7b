"""What can a student do, whatever door they come through? The one place behind the pages and the REST interface.

Every look at an upload names its owner: there is no way to ask for one by its name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from grader.course.serving import Serving
from grader.documents.wording import clean
from grader.frozen import dataclass
from grader.model import Problem
from grader.service.limits import AtOnce, Rate
from grader.service.moments import now
from grader.service.people import People, Person
from grader.service.queue import Queue
from grader.service.rubrics import Rubrics
from grader.service.store import Incoming, Store
from grader.service.uploads import Arrived, AttemptsOverError, State, Upload
from grader.service.view import ProblemView, ResultView, is_due, problem_views, result_view

if TYPE_CHECKING:
    from grader.model import Rubric

AT_ONCE, AT_ONCE_EACH = 32, 2  # uploads under way, in all and with one token
WRONG_TOKENS = 10  # a minute from one address
MOST_LISTED = 200  # uploads of one assignment: the cap of attempts is lower, free repeats are not capped


class RefusedError(Exception):
    """A request that is not granted: where, what is so, what to do. `status` is HTTP's."""

    def __init__(
        self, status: int, what: str, *, where: str, fix: str, code: str, problems: Sequence[Problem] = (),
        wait_s: float = 0,
    ) -> None:  # fmt: skip
        self.status, self.code, self.where, self.what, self.fix = status, code, where, what, fix
        self.problems, self.wait_s = tuple(problems), wait_s
        super().__init__(f"{where}: {what}")

    @property
    def headers(self) -> dict[str, str]:
        """What the answer has to say beside it."""
        made = {"Retry-After": str(max(1, round(self.wait_s + 0.5)))} if self.wait_s else {}
        return made | ({"WWW-Authenticate": "Bearer"} if self.status == 401 else {})


class PersonView(BaseModel):
    """Whose token this is."""

    id: str
    name: str
    team: str = Field(default="", description="uploads count for the whole team; empty for one who hands in alone")


class AssignmentView(BaseModel):
    """An assignment, and how its student stands with it."""

    name: str
    title: str
    description: str
    max_points: float
    due: datetime | None = Field(default=None, description="until when a hand-in is in time; by an extension, if any")
    attempts: int
    attempts_used: int
    attempts_left: int
    upload_bytes: int = Field(description="the largest zip that is taken")
    is_changed: bool = Field(default=False, description="the rubric was edited: what counts will be graded again")


class EventView(BaseModel):
    """Something that happened to an upload."""

    at: datetime
    said: str


class UploadView(BaseModel):
    """An upload, how far it is, and its result as its student sees it."""

    id: str
    assignment: str
    number: int = Field(description="of this owner's uploads to this assignment, from 1")
    name: str
    size: int = Field(description="bytes")
    digest: str = Field(description="SHA-256 of the zip, in hex")
    received_at: datetime = Field(description="by the clock of the service; no other time counts")
    received_from: str = Field(description="the id of the student who sent it")
    state: State
    is_attempt: bool
    is_counted: bool = Field(description="whether it is the newest, which is the one that counts")
    is_repeat: bool = Field(default=False, description="in the answer to an upload: these bytes were there already")
    place: int = Field(default=0, description="how many are before it in the queue")
    seconds: float | None = Field(default=None, description="since its grading began, in steps of five")
    usual_seconds: float | None = Field(default=None, description="what gradings of this assignment took lately")
    problems: list[ProblemView] = Field(default=[], description="in the answer to an upload: what to mend in it")
    result: ResultView | None = None
    is_outdated: bool = Field(default=False, description="the rubric was edited since: it will be graded again")
    events: list[EventView] = []

    @property
    def is_waiting(self) -> bool:
        """Whether it is worth asking again."""
        return self.state in (State.QUEUED, State.GRADING)


@dataclass
class Service:
    """Everything that the doors share. `title` is the course's name."""

    title: str
    serving: Serving
    queue: Queue
    people: People
    store: Store
    rubrics: Rubrics
    clock: Callable[[], datetime] = now
    contact: str = ""
    uploads_rate: Rate = field(init=False)
    requests_rate: Rate = field(init=False)
    wrong_tokens: Rate = field(init=False)
    at_once: AtOnce = field(init=False)

    def __post_init__(self) -> None:
        self.uploads_rate = Rate(self.serving.uploads_per_minute)
        self.requests_rate = Rate(self.serving.requests_per_minute)
        self.wrong_tokens = Rate(WRONG_TOKENS)
        self.at_once = AtOnce(AT_ONCE, AT_ONCE_EACH)

    @property
    def zone(self) -> tzinfo:
        """By whose clock times are shown: that of the due times, where there is one."""
        dues = (self.rubrics[name].terms.due for name in self.rubrics.names)
        return next((due.tzinfo for due in dues if due is not None and due.tzinfo is not None), UTC)

    # --- who ----------------------------------------------------------------------------------

    def person(self, token: str, address: str) -> Person:
        """Whose token this is. Raises RefusedError; who tries many is kept waiting, with a right one as well."""
        if self.wrong_tokens.is_spent(address):
            raise _too_many("attempts to sign in", 60 / WRONG_TOKENS)
        person = self.people.by_token(token.strip()) if len(token) <= 200 else None
        if person is None:
            self.wrong_tokens.wait_s(address)
            fix = "send the token that the course gave you; ask for a new one where it is lost"
            raise RefusedError(401, "this token is nobody's", where="token", fix=fix, code="no-token")
        self.count_request(person)
        return person

    def count_request(self, person: Person) -> None:
        """One more request of a student. Raises RefusedError."""
        wait_s = self.requests_rate.wait_s(person.id)
        if wait_s:
            raise _too_many("requests", wait_s)

    # --- assignments ----------------------------------------------------------------------------

    def assignments(self, person: Person) -> list[AssignmentView]:
        """All that are open, by their names."""
        return [self.assignment(person, name) for name in self.rubrics.names]

    def assignment(self, person: Person, name: str) -> AssignmentView:
        """One of them. Raises RefusedError for one that is not there or not open."""
        rubric, terms = self._rubric(name), self.serving.of(name)
        used = self.queue.attempts_used(person.owner, name)
        return AssignmentView(
            name=name,
            title=rubric.title,
            description=rubric.description,
            max_points=float(rubric.points),
            due=self._due(person, rubric),
            attempts=terms.attempts,
            attempts_used=used,
            attempts_left=max(0, terms.attempts - used),
            upload_bytes=terms.upload_bytes,
            is_changed=self.rubrics.is_changed(name),
        )

    def _rubric(self, name: str) -> Rubric:
        if name not in self.rubrics:
            fix = f"there are: {', '.join(self.rubrics.names) or 'none'}"
            raise RefusedError(404, "there is no such assignment", where="assignment", fix=fix, code="no-assignment")
        return self.rubrics[name]

    def _due(self, person: Person, rubric: Rubric) -> datetime | None:
        """The latest of the members' extensions holds for all of a team."""
        ids = [one.id for one in self.people.of_owner(person.owner)]
        times = [rubric.terms.due, *(rubric.terms.extensions.get(one) for one in ids)]
        known = [time for time in times if time is not None]
        return max(known) if rubric.terms.due is not None and known else None

    # --- uploads --------------------------------------------------------------------------------

    def may_upload(self, person: Person, assignment: str, announced: int | None) -> Serving:
        """The terms by which an upload may begin. Raises RefusedError before a byte of it is read."""
        self._rubric(assignment)
        terms = self.serving.of(assignment)
        if announced is not None and announced > terms.upload_bytes + 2**16:  # a form is a little larger than its file
            raise too_big(terms)
        wait_s = self.uploads_rate.wait_s(person.id)
        if wait_s:
            raise _too_many("uploads", wait_s)
        return terms

    def accept(self, person: Person, assignment: str, incoming: Incoming, name: str) -> UploadView:
        """Take an upload that is whole. Raises RefusedError for what cannot be graded: that is no attempt."""
        received_at = self.clock()
        if not incoming.size:
            fix = "send the zip as the body of the request, or as the field file of a form"
            raise RefusedError(422, "nothing was sent", where="file", fix=fix, code="empty")
        is_readable, problems = self.store.problems(incoming.path, owner=person.owner, assignment=assignment)
        if any(problem.code == "workspace" for problem in problems):
            raise no_space()
        if not is_readable:
            first, *others = problems
            raise RefusedError(
                422, f"this cannot be graded: {first.what}", where=first.where, fix=first.fix, code=first.code,
                problems=others,
            )  # fmt: skip
        arrived = Arrived(
            owner=person.owner,
            student=person.id,
            assignment=assignment,
            digest=incoming.keep(),
            size=incoming.size,
            name=clean(name or "hand-in.zip", 120),
            received_at=received_at,
        )
        terms = self.serving.of(assignment)
        try:
            accepted = self.queue.accept(arrived, attempts=terms.attempts)
        except AttemptsOverError as error:
            raise RefusedError(
                409,
                f"{error.used} of {error.most} attempts are used",
                where=assignment,
                fix="the newest upload counts; ask the course where something went wrong",
                code="no-attempts",
            ) from error
        view = self.view(accepted.upload)
        return view.model_copy(update={"problems": problem_views(problems), "is_repeat": accepted.is_repeat})

    def uploads(self, person: Person, assignment: str) -> list[UploadView]:
        """A student's, or a team's, uploads to an assignment, the newest first."""
        self._rubric(assignment)
        return [self.view(one, is_brief=True) for one in self.queue.of_owner(person.owner, assignment)[:MOST_LISTED]]

    def upload(self, person: Person, public: str) -> UploadView:
        """One of them. Raises RefusedError, the same for another's as for one that is not there."""
        return self.view(self.found(person, public))

    def found(self, person: Person, public: str) -> Upload:
        """The upload itself, where it is this student's."""
        upload = self.queue.find(public, owner=person.owner)
        if upload is None:
            fix = "see the uploads of the assignment"
            raise RefusedError(404, "there is no such upload of yours", where="upload", fix=fix, code="no-upload")
        return upload

    def view(self, upload: Upload, *, is_brief: bool = False) -> UploadView:
        """What its student may see of an upload."""
        state, now = upload.state, self.clock()
        is_ended = state in (State.GRADED, State.HELD) and upload.ended_at is not None
        if is_ended and upload.ended_at is not None and not is_due(upload.ended_at, now):
            state, is_ended = State.GRADING, False
        seconds = None
        if state is State.GRADING and upload.started_at is not None:
            seconds = max(0, (now - upload.started_at).total_seconds()) // 5 * 5
        usual = None if is_brief else self.queue.seconds(upload.assignment)
        result = None
        if is_ended and upload.card is not None:
            result = result_view(upload.card, is_full=self.serving.is_full)
        is_pinned = upload.assignment in self.rubrics
        return UploadView(
            id=upload.public,
            assignment=upload.assignment,
            number=upload.number,
            name=upload.name,
            size=upload.size,
            digest=upload.digest,
            received_at=upload.received_at,
            received_from=upload.student,
            state=state,
            is_attempt=upload.is_attempt,
            is_counted=self.queue.is_newest(upload),
            place=self.queue.place(upload),
            seconds=seconds,
            usual_seconds=None if usual is None else max(5, round(usual / 5) * 5),
            result=result,
            is_outdated=result is not None and is_pinned and self.rubrics.is_changed(upload.assignment),
            events=[] if is_brief else self._events(upload, is_ended=is_ended),
        )

    def _events(self, upload: Upload, *, is_ended: bool) -> list[EventView]:
        """Times to the minute but for the receipt; what came with a result is told with it."""
        events = self.queue.events(upload)
        if not is_ended and upload.ended_at is not None and upload.state is not State.SUPERSEDED:
            events = [(at, said) for at, said in events if at < upload.ended_at]
        made: list[EventView] = []
        for at, said in events:
            minute = at.replace(second=0, microsecond=0)
            made.append(EventView(at=max(minute, made[-1].at) if made else at, said=said))
        return made

    def status(self) -> Mapping[str, int]:
        """How long the queue is."""
        counts = self.queue.counts()
        return {state.value: counts.get(state, 0) for state in State}


def too_big(terms: Serving) -> RefusedError:
    """More than is taken."""
    what = f"the file is larger than {terms.upload_bytes:,} bytes ({terms.upload_mb} MiB)"
    fix = "leave out data sets and all but the asked checkpoints"
    return RefusedError(413, what, where="file", fix=fix, code="too-big")


def no_space() -> RefusedError:
    """Ours, not the student's."""
    what, fix = "the service cannot keep files at the moment; nothing was counted", "try again later; tell the course"
    return RefusedError(507, what, where="service", fix=fix, code="no-space", wait_s=60)


def _too_many(what: str, wait_s: float) -> RefusedError:
    fix = f"wait {max(1, round(wait_s + 0.5))} seconds"
    return RefusedError(429, f"too many {what}", where="service", fix=fix, code="too-many", wait_s=wait_s)
