"""A course of its own, its database, a clock that is set, and hand-ins as zips."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from grader.gradebook.database import opened, parsed
from grader.model import ScoreCard
from grader.service.people import People, Person
from grader.service.queue import Arrived, Queue

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
      - {id: second, check: number, answer: second, expected: 97, points: 1}
      - {id: secret, check: number, answer: second, expected: 97, points: 1, visibility: staff}
"""


class Clock:
    """The time of day, as a test sets it."""

    def __init__(self):
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def go_on(self, **span):
        self.now += timedelta(**span)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(tmp_path):
    made = opened(parsed(f"sqlite:///{tmp_path}/gradebook.db"))
    yield made
    made.dispose()


@pytest.fixture
def queue(engine, clock):
    return Queue(engine, clock=clock)


@pytest.fixture
def people(engine, clock):
    return People(engine, clock=clock)


@pytest.fixture
def arrived(clock):
    """arrived("ada", "a") -> that a file of these bytes (their digest is said by the letter) came just now."""

    def make(owner="ada", letter="a", *, assignment="sums"):
        return Arrived(owner, owner, assignment, letter * 64, 100, "work.zip", clock())

    return make


@pytest.fixture
def card():
    """card(points) -> a scorecard of so many of 3 points."""

    def make(points=3, *, submission="ada", rubric_digest="1" * 64):
        return ScoreCard(submission, "sums", (), rubric_digest, (), Fraction(points), Fraction(3), Fraction(0))

    return make


@pytest.fixture
def course(tmp_path):
    """A course of theory alone: nothing of a student's is run."""
    folder = tmp_path / "course"
    (folder / "rubrics").mkdir(parents=True)
    (folder / "grader.toml").write_text('name = "Sums"\n')
    (folder / "rubrics" / "sums.yaml").write_text(RUBRIC)
    return folder


def zipped(files):
    """A zip of these files: {name: text or bytes}."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return held.getvalue()


@pytest.fixture
def hand_in():
    """hand_in(first=41, second=97) -> the zip of a hand-in with these answers; `more` are other files in it."""

    def make(first=41, second=97, *, student="ada", more=None):
        manifest = {"assignment": "sums", "students": [{"id": student, "name": "A"}]}
        answers = {"assignment": "sums", "answers": {"first": first, "second": second}}
        files = {"submission.json": json.dumps(manifest), "answers.json": json.dumps(answers), **(more or {})}
        return zipped(files)

    return make


@pytest.fixture
def everybody(people):
    """everybody("ada", "bob") -> their tokens by their ids."""
    return lambda *ids, team="": {one.person.id: one.token for one in people.add([Person(x, team=team) for x in ids])}
