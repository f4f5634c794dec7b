"""What tests of the service share: see desk.py. `desk` is a service, `url` the address of its web server."""

import importlib.util
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from grader.gradebook.database import opened, parsed
from grader.model import ScoreCard
from grader.service.people import People
from grader.service.queue import Queue
from grader.service.uploads import Arrived
from tests.gradebook.postgres import server, why_not

_spec = importlib.util.spec_from_file_location("service_desk_of_tests", Path(__file__).parent / "desk.py")
tools = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = tools
_spec.loader.exec_module(tools)


@pytest.fixture(scope="session", name="tools")
def _tools():
    """The module desk.py."""
    return tools


@pytest.fixture
def clock():
    return tools.Clock()


@pytest.fixture(scope="session")
def postgres():
    if reason := why_not():
        pytest.skip(reason)
    with server() as one:
        yield one


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request, tmp_path):
    """Queue and students keep their promises on both databases."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/gradebook.db"
    else:
        url = request.getfixturevalue("postgres").database()
    made = opened(parsed(url))
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
def make_desk(tmp_path):
    """make_desk(toml="[service]...", rubrics={...}) -> a service; a second one of the same course is its next life."""
    made = []

    def make(**how):
        made.append(tools.Desk(tmp_path / "course", **how))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def desk(make_desk):
    """The service of a small course with the students ada and bob, as many uploads a minute as a test likes."""
    made = make_desk(toml="[service]\nattempts = 4\nupload_mb = 1\nuploads_per_minute = 1000\n")
    made.add("ada", "bob")
    return made


@pytest.fixture
def url(desk):
    with desk.served() as address:
        yield address


@pytest.fixture
def ada(desk, url):
    with desk.client(url, "ada") as client:
        yield client


@pytest.fixture
def bob(desk, url):
    with desk.client(url, "bob") as client:
        yield client
