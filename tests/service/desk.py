"""A service of a small course in this process: its database, its store, its worker, and a web server on a free port."""

import io
import json
import threading
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx

from grader.checks import all_checks
from grader.course import load_assignment, load_course
from grader.gradebook.book import Gradebook
from grader.gradebook.database import opened, parsed
from grader.service.app import service_app
from grader.service.people import People, Person
from grader.service.queue import Queue
from grader.service.recording import Recorder
from grader.service.rubrics import Rubrics
from grader.service.running import Listening, answering
from grader.service.service import Service
from grader.service.store import Store
from grader.service.worker import Worker
from grader.web.guard import LOOPBACK
from grader.web.serving import listening, url_of

RUBRIC = """
assignment: sums
title: Two sums
description: Add twice.
pass_points: 1
tasks:
  - id: "1"
    title: Adding
    points: 3
    rules:
      - {id: first, check: number, answer: first, expected: 41, points: 1}
      - {id: second, check: number, answer: second, expected: 9731, points: 1}
      - {id: secret-rule, check: number, answer: second, expected: 9731, points: 1, visibility: staff}
"""


class Clock:
    """The time of day, as a test sets it."""

    def __init__(self):
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def go_on(self, **span):
        self.now += timedelta(**span)


class NoJobs:
    """A doer for rules of theory: nothing is recomputed."""

    has_room = True

    def order(self, job, _root, submission="", **_how):
        raise AssertionError(f"{job.kind} was ordered for {submission}")

    def arrived(self):
        return []


def zipped(files):
    """A zip of these files: {name: text or bytes}."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def hand_in(first=41, second=9731, *, student="ada", more=None):
    """The zip of a hand-in with these answers; `more` are other files in it."""
    manifest = {"assignment": "sums", "students": [{"id": student, "name": "A"}]}
    answers = {"assignment": "sums", "answers": {"first": first, "second": second}}
    files = {"submission.json": json.dumps(manifest), "answers.json": json.dumps(answers), **(more or {})}
    return zipped(files)


def make_course(folder, *, toml="", rubrics=None):
    """A course of theory alone: nothing of a student's is run."""
    (folder / "rubrics").mkdir(parents=True)
    (folder / "grader.toml").write_text(f'name = "Sums"\n{toml}')
    for name, text in (rubrics or {"sums": RUBRIC}).items():
        (folder / "rubrics" / f"{name}.yaml").write_text(text)
    return folder


class Desk:
    """Everything that `grader serve` puts together, but for the sandbox. Its parts are its attributes."""

    def __init__(self, folder, *, clock=None, toml="", rubrics=None, names=("sums",)):
        self.root = folder if (folder / "grader.toml").exists() else make_course(folder, toml=toml, rubrics=rubrics)
        self.clock = clock or Clock()
        self.url = f"sqlite:///{self.root}/.grader/gradebook.db"
        self.book = Gradebook.open(self.url)
        self.engine = opened(parsed(self.url))
        self.queue = Queue(self.engine, clock=self.clock)
        self.people = People(self.engine, clock=self.clock)
        self.store = Store(self.root / ".grader")
        self.store.prepare(self.queue.digests)
        self.rubrics = Rubrics(self.load, names)
        course = load_course(self.root)
        self.service = Service(
            course.name, course.serving, self.queue, self.people, self.store, self.rubrics, clock=self.clock
        )
        recorder = Recorder(self.book, self.queue, self.people, self.store)
        self.worker = Worker(self.queue, self.store, self.people, self.rubrics, record=recorder)
        self.tokens = {}

    def load(self, name):
        return load_assignment(load_course(self.root), name, all_checks())

    def close(self):
        self.engine.dispose()
        self.book.close()

    def add(self, *ids, team=""):
        for one in self.people.add([Person(name, name.title(), team=team) for name in ids]):
            self.tokens[one.person.id] = one.token

    def grade(self, doer=None):
        """Grade all that waits, and let the time pass until results are shown."""
        self.worker.run(doer or NoJobs(), made_with={}, is_until_empty=True)
        self.clock.go_on(seconds=6)

    def app(self, _port=0):
        return service_app(self.service, hosts=LOOPBACK, version="1")

    @contextmanager
    def served(self):
        """The address of a real web server with this app."""
        where = Listening()
        with listening("127.0.0.1", 0) as at:
            url = url_of(at)
            with answering(self.app(), at, where):
                yield url

    def client(self, url, student=None, **headers):
        """A program with a student's token."""
        if student is not None:
            headers["Authorization"] = f"Bearer {self.tokens[student]}"
        return httpx.Client(base_url=url, headers=headers, timeout=30)


def post(client, data, *, assignment="sums", **headers):
    """Hand in these bytes."""
    url = f"/api/v1/assignments/{assignment}/uploads"
    return client.post(url, content=data, headers={"Content-Type": "application/zip", **headers})


def at_once(calls):
    """The results of these calls, begun together."""
    made = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(number):
        gate.wait()
        made[number] = calls[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return made
