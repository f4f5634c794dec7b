"""A desk of made-up hand-ins with the review page before it, and staff who sign in as they would."""

import importlib.util
import re
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from grader.course import load_course
from grader.review.app import review_app
from grader.web.people import Role

ROOT = Path(__file__).parents[2]
ORIGIN = "http://127.0.0.1:8300"


def loaded(path):
    """A module of the tests by its file: tests are no package."""
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[path.stem]


desk_of = loaded(ROOT / "tests" / "desk.py")


@dataclass
class Browser:
    """Somebody's browser. Forms are sent as the page has them: with the token, and what was seen."""

    client: object
    desk: object

    def get(self, path, **options):
        return self.client.get(path, headers={"accept": "text/html"}, **options)

    def page(self, path):
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:2000])
        return answer.text

    def token(self):
        return re.search(r'name="csrf" value="([0-9a-f]{64})"', self.client.get("/sign-in").text)[1]

    def post(self, path, data=None, *, is_htmx=False):
        headers = {"accept": "text/html", **({"hx-request": "true"} if is_htmx else {})}
        return self.client.post(path, data={"csrf": self.token(), **(data or {})}, headers=headers)

    def form(self, code, rule, task="3"):
        """The hidden fields of a rule's form, as the page shows them now."""
        text = self.page(f"/h/{code}")
        for form in re.findall(r"<form[^>]*/decide.*?</form>", text, re.DOTALL):
            hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
            if (hidden.get("task"), hidden.get("rule")) == (task, rule):
                return hidden
        raise AssertionError(f"{code} has no form for {rule!r}")

    def version(self, code):
        return re.search(r'name="seen_version" value="(\d+)"', self.page(f"/h/{code}"))[1]

    def decide(self, code, rule, points, reason="seen by eye", *, form=None, is_htmx=False, task="3", text=""):
        form = form or self.form(code, rule, task)
        sent = {**form, "points": points, "reason": reason, "text": text}
        return self.post(f"/h/{code}/decide", sent, is_htmx=is_htmx)


@pytest.fixture(scope="session")
def first_made(tmp_path_factory):
    """A class of 24, of which the first four have files."""
    return desk_of.desk(tmp_path_factory.mktemp("desk") / "course", 24, files=4)


@pytest.fixture
def made(first_made, tmp_path):
    """The same, with a gradebook of the test's own."""
    shutil.copytree(first_made.course, tmp_path / "course", symlinks=True)
    return replace(first_made, course=tmp_path / "course", url=f"sqlite:///{tmp_path}/course/.grader/gradebook.db")


@pytest.fixture
def open_app():
    """open_app(course folder, url, **settings) -> the app, closed with the test."""
    opened = []

    def open_(course, url, **settings):
        app = review_app(load_course(course), url, **settings)
        opened.append(app.state.desk)
        return app

    yield open_
    for desk in opened:
        desk.hand_ins.close()
        desk.book.close()


@pytest.fixture
def app(made, open_app):
    return open_app(made.course, made.url)


@pytest.fixture
def signed():
    """signed(app, "Ada", is_head=False) -> a Browser in which Ada is signed in."""
    from fastapi.testclient import TestClient

    def sign(app, name, *, is_head=False):
        token = app.state.desk.people.invite(name, Role.HEAD if is_head else Role.TA)
        browser = Browser(TestClient(app, base_url=ORIGIN), app.state.desk)
        answer = browser.post("/sign-in", {"link": token})
        assert answer.url.path != "/sign-in", answer.text
        return browser

    return sign


@pytest.fixture
def ada(app, signed):
    """A head TA."""
    return signed(app, "Ada", is_head=True)


@pytest.fixture
def bo(app, signed):
    """A TA."""
    return signed(app, "Bo")


@pytest.fixture
def waiting(app):
    """The codes of the hand-ins that wait in task 3, in the order of the queue."""
    from grader.gradebook.nouns import Query

    desk = app.state.desk
    return [desk.code(row.id) for row in desk.book.rows("digits", Query(is_queue=True, task="3")).rows]
