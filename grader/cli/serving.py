"""What is put together for `grader serve`, and in which order? From the course to the last request."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any, Self

import click

from grader.cli import ToldToEndError
from grader.cli.common import load_rubric

if TYPE_CHECKING:
    from pathlib import Path

    from grader.course import Course
    from grader.model import Rubric
    from grader.service.running import Listening

STATE = "service"  # in the state folder: the ledger of the service, and with it the lock that one service holds


def serve_course(
    course: Course, state: Path, gradebook: str, where: Listening, *, variant: str, how: Mapping[str, Any]
) -> None:
    """Serve a course until the process is told to end. `state` keeps the uploads, `how` is as `Doer` has it.

    Everything that can be wrong is said before the first student is answered: raises UsageError for an address that is
    open without TLS, CourseError for a rubric, MachineError where files cannot be kept or student code not be run.
    """
    from grader.cli.grade import Doer, program_version
    from grader.evidence.cache import Cache
    from grader.evidence.ledger import Ledger
    from grader.evidence.own_folder import own_folder
    from grader.gradebook.book import Gradebook
    from grader.gradebook.database import opened, parsed
    from grader.gradebook.place import gradebook_url
    from grader.places import cache_folder
    from grader.service.app import service_app
    from grader.service.people import People
    from grader.service.queue import Queue
    from grader.service.recording import Recorder
    from grader.service.rubrics import Rubrics
    from grader.service.running import answering
    from grader.service.service import Service
    from grader.service.store import Store
    from grader.service.worker import Worker
    from grader.web.guard import LOOPBACK
    from grader.web.serving import listening, url_of

    where.see()
    names = open_assignments(course)
    rubrics = Rubrics(lambda name: _rubric_now(course, name, variant), names)
    url = gradebook_url(course, gradebook, state=state)
    version = str(program_version()["grader"])
    with (
        own_folder(ends_orphans=how["cluster"] is not None),
        Ledger.open(state / STATE, command="serve") as ledger,
        Gradebook.open(url) as book,
        listening(where.host, where.port) as at,
        ExitStack() as stack,
    ):
        engine = opened(parsed(url))
        stack.callback(engine.dispose)
        if how["uses_cache"]:
            Cache(cache_folder("evidence")).prepare()
        queue, people, store = Queue(engine), People(engine), Store(state)
        store.prepare(queue.digests)
        ledger.forgive()  # what was given up in the last life may be tried in this one
        recorder = Recorder(book, queue, people, store)
        ending = stack.enter_context(Ending())
        worker = Worker(queue, store, people, rubrics, record=recorder, see_to_end=ending.see)
        worker.resume()
        for name in names:
            recorder.record_class(name)
        service = Service(course.name, course.serving, queue, people, store, rubrics, contact=course.contact)
        app = service_app(
            service,
            hosts=[*LOOPBACK, *where.names],
            version=version,
            is_https=where.is_https,
            is_behind_proxy=where.is_behind_proxy,
        )
        with Doer(course, settings={"record": ledger}, on_tick=lambda _: ending.see(), **how) as doer:
            if any(_runs_code(rubrics[name]) for name in names):
                doer.runner()  # refused now rather than at the first student's
            with answering(app, at, where):
                _tell(course, where, url_of(at), names, people.count(), service.status())
                worker.run(doer, made_with=program_version())


class Ending(AbstractContextManager["Ending"]):
    """What asks the service to end, by a signal. The first time it ends where nothing is half done, the second at once.

    A signal that raises wherever the program happens to be may be lost, in a finalizer, and never come again.
    """

    def __init__(self) -> None:
        self._told: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
                if signal.getsignal(number) is not signal.SIG_IGN:  # not where nohup has it ignored
                    self._before.setdefault(number, signal.signal(number, self._hear))
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def see(self) -> None:
        """Raise KeyboardInterrupt, with the exit code of the signal, where one came."""
        if self._told is not None:
            raise ToldToEndError(self._told)

    def _hear(self, number: int, _frame: object) -> None:
        if self._told is not None:
            raise ToldToEndError(number)
        self._told = number


def open_assignments(course: Course) -> list[str]:
    """The assignments that students see. Raises CourseError for a name in [service.assignments] that has no rubric."""
    from grader.course import assignments
    from grader.documents import did_you_mean, shown
    from grader.errors import CourseError
    from grader.model import Problem

    known = assignments(course)
    problems = [
        Problem(
            "no-assignment",
            f"grader.toml /service/assignments/{name}",
            f"there is no rubric of the assignment {shown(name)}",
            did_you_mean(name, known),
        )
        for name in course.serving.assignments
        if name not in known
    ]
    if problems:
        raise CourseError(problems)
    return [name for name in known if course.serving.of(name).is_open]


def _rubric_now(course: Course, name: str, variant: str) -> Rubric:
    """The rubric with its terms, both as they are on the disk at this moment."""
    from grader.course import load_course

    return load_rubric(load_course(course.root), name, variant=variant)


def _runs_code(rubric: Rubric) -> bool:
    """Whether some rule may need a recomputation."""
    from grader.checks import Check, all_checks

    checks = all_checks()
    return any(type(checks[rule.check]).needs is not Check.needs for rule in rubric.rules())


def _tell(
    course: Course, where: Listening, url: str, names: list[str], students: int, status: Mapping[str, int]
) -> None:
    """What the one who started it reads."""
    if where.certificate is not None:
        url = url.replace("http://", "https://", 1)
    click.echo(f"{course.name}: {url}", err=True)
    for name in where.names:
        scheme = "https" if where.is_https else "http"
        port = "" if where.is_behind_proxy else f":{url.rpartition(':')[2]}"
        click.echo(f"  students open {scheme}://{name}{port}", err=True)
    waiting = f"; {status['queued']:,} uploads wait" if status["queued"] else ""
    listed = ", ".join(names) if names else "none is open"
    click.echo(f"  assignments: {listed}; {students:,} students{waiting}; Ctrl-C ends it, and loses nothing", err=True)
    if not students:
        click.echo("  nobody has a token yet: grader serve --add-student ID", err=True)
