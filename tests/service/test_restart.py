"""`grader serve` in a process of its own, killed at any moment: what was answered is there, and is graded once."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from grader.gradebook.book import Gradebook
from grader.gradebook.database import opened, parsed
from grader.service.people import People, Person
from grader.service.queue import Queue
from grader.service.uploads import State

WAIT_S = 120


class Service:
    """`grader serve` of a course, in a process of its own."""

    def __init__(self, folder, *, crash_at="", words=()):
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        for name in ("GRADER_GRADEBOOK", "GRADER_STATE"):
            environment.pop(name, None)
        if crash_at:
            environment["GRADER_CRASH_AT"] = crash_at
        command = [sys.executable, "-m", "grader", "serve", "--course", str(folder), "--port", "0", *words]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.said, self.url = "", ""
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.said += line
            found = re.search(r"http://\S+", line)
            if found:
                self.url = found[0]
            if "Ctrl-C ends it" in line:
                self._ready.set()
        self._ready.set()

    def ready(self):
        assert self._ready.wait(WAIT_S), self.said
        assert self.url, self.said
        return self

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        return code


@pytest.fixture
def course(tmp_path, tools):
    return tools.make_course(tmp_path / "course", toml="[service]\nuploads_per_minute = 1000\n")


@pytest.fixture
def start(course):
    """start(crash_at="service.claimed") -> a running service; all are ended with the test."""
    running = []

    def begin(**how):
        running.append(Service(course, **how))
        return running[-1]

    yield begin
    for one in running:
        one.end(signal.SIGKILL)


@pytest.fixture
def state(course):
    """What the database holds: (queue, people, gradebook)."""
    url = f"sqlite:///{course}/.grader/gradebook.db"
    engine = opened(parsed(url))
    with Gradebook.open(url) as book:
        yield Queue(engine), People(engine), book
    engine.dispose()


def sent(url, token, data):
    """What the service answered to an upload; None where it died."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/zip"}
    with contextlib.suppress(httpx.TransportError):
        return httpx.post(f"{url}/api/v1/assignments/sums/uploads", content=data, headers=headers, timeout=60)
    return None


def all_graded(queue, count):
    """Wait until so many are graded and nothing waits."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        counts = queue.counts()
        if counts.get(State.GRADED, 0) >= count and not counts.get(State.QUEUED) and not counts.get(State.GRADING):
            return counts
        time.sleep(0.1)
    raise AssertionError(queue.counts())


POINTS = [
    "service.upload-whole", "service.upload-kept", "service.accept", "service.accepted", "service.claimed",
    "service.finish", "service.finished", "gradebook.record",
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_step_loses_nothing_and_grades_nothing_twice(start, state, tools, point):
    queue, people, book = state
    [issued] = people.add([Person("ada")])
    data = tools.hand_in(second=1)
    first = start(crash_at=point).ready()
    answer = sent(first.url, issued.token, data)
    assert first.process.wait(WAIT_S) == -signal.SIGKILL
    was_there = {one.public for one in queue.of_owner("ada")}
    if answer is not None:
        assert answer.status_code == 201
        assert answer.json()["id"] in was_there
    second = start().ready()
    again = sent(second.url, issued.token, data)  # as a student does who saw no answer
    assert again.status_code == (200 if was_there else 201)
    assert all_graded(queue, 1) == {State.GRADED: 1}
    [upload] = queue.of_owner("ada")
    assert [said for _, said in queue.events(upload)].count("graded") == 1
    assert queue.attempts_used("ada", "sums") == 1
    assert second.end() == 128 + signal.SIGTERM
    [row] = book.rows("sums").rows
    assert (row.submission, row.points) == ("ada", 1)


def test_what_was_answered_before_a_kill_is_graded_after_it(start, state, tools, course):
    """Uploads of twelve students, and kill -9 while they come in."""
    queue, people, book = state
    names = [f"s{number:02}" for number in range(12)]
    tokens = {one.person.id: one.token for one in people.add([Person(name) for name in names])}
    first = start().ready()
    answered = []

    def send(name, number):
        answer = sent(first.url, tokens[name], tools.hand_in(first=number, student=name))
        if answer is not None and answer.status_code == 201:
            answered.append((name, answer.json()["id"]))
            if len(answered) == 5:
                first.process.kill()

    threads = [threading.Thread(target=send, args=(name, number)) for number, name in enumerate(names)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert first.process.wait(WAIT_S) == -signal.SIGKILL
    assert len(answered) >= 5
    second = start().ready()
    all_graded(queue, len(answered))
    for name, public in answered:
        upload = queue.find(public, owner=name)
        assert upload.state is State.GRADED
        assert [said for _, said in queue.events(upload)].count("graded") == 1
    second.end()
    assert {name for name, _ in answered} <= {row.submission for row in book.rows("sums").rows}
    left = [path for path in (course / ".grader" / "uploads").rglob("*") if path.is_file()]
    assert {path.stem for path in left} == queue.digests()


def test_a_second_service_of_the_course_is_refused(start):
    first = start().ready()
    second = start()
    assert second.process.wait(WAIT_S) == 5
    second.end()
    assert "another grader works in this folder" in second.said
    assert f"process {first.process.pid}" in second.said


def test_run_all_works_beside_it(start, course, tools, tmp_path):
    start().ready()
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ada.zip").write_bytes(tools.hand_in())
    command = [sys.executable, "-m", "grader", "run-all", str(tmp_path / "class"), "--course", str(course), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "without TLS every token and hand-in would pass in the clear"),  # noqa: S104
        (["--host", "::"], "without TLS"),
        (["--host", "192.0.2.7"], "without TLS"),
        (["--host", "0.0.0.0", "--behind-proxy"], "--host-name"),  # noqa: S104
    ],
)
def test_an_address_that_others_reach_is_refused_without_tls(start, words, said):
    one = start(words=words)
    assert one.process.wait(WAIT_S) == 2
    one.end()
    assert said in one.said
    assert "fix:" in one.said
