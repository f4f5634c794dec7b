"""People, settings and pages work the same on SQLite and on PostgreSQL."""

import threading

import pytest
from fastapi.testclient import TestClient

from grader.course import load_course
from grader.errors import UsageError
from grader.gradebook.book import Gradebook
from grader.review.app import review_app
from grader.review.settings import ReviewSettings
from grader.web.people import People, Role
from tests import desk
from tests.gradebook.postgres import server, why_not


@pytest.fixture(scope="module")
def postgres():
    if why_not():
        pytest.skip(why_not())
    with server() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    """An empty gradebook's."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'gradebook.db'}"
    return request.getfixturevalue("postgres").database()


def at_once(count, act):
    """What `act(number)` gives, done by so many threads at the same moment."""
    barrier, made = threading.Barrier(count), {}

    def one(number):
        barrier.wait()
        made[number] = act(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [made[number] for number in range(count)]


def test_a_link_signs_in_once_whoever_tries_at_the_same_moment(url):
    with Gradebook.open(url) as book:
        people = People(book)
        token = people.invite("Ada", Role.HEAD)
        got = at_once(6, lambda number: people.sign_in(token, f"{number:064}"))
        assert sum(one is not None for one in got) == 1
        assert people.everybody()[0].role is Role.HEAD


def test_several_invite_the_same_newcomer_at_the_same_moment(url):
    with Gradebook.open(url) as book:
        people = People(book)
        tokens = at_once(6, lambda _number: people.invite("Bo"))
        assert [one.name for one in people.everybody()] == ["Bo"]
        assert {people.invited(token).name for token in tokens} == {"Bo"}


def test_two_heads_who_shut_each_other_out_leave_one(url):
    with Gradebook.open(url) as book:
        people = People(book)
        for name in ("Ada", "Bo"):
            people.invite(name, Role.HEAD)
        numbers = [one.id for one in people.everybody()]

        def shut_out(number):
            try:
                people.change(numbers[number], is_active=False)
            except UsageError:
                return False
            return True

        assert sorted(at_once(2, shut_out)) == [False, True]
        assert sum(one.is_active for one in people.everybody()) == 1


def test_the_key_of_the_codes_is_made_once(url):
    with Gradebook.open(url) as book:
        keys = at_once(6, lambda _number: ReviewSettings(book).key)
    assert len(set(keys)) == 1


def test_a_hand_in_is_reviewed(url, tmp_path):
    made = desk.desk(tmp_path / "course", 8, files=0, url=url)
    app = review_app(load_course(made.course), url)
    server_ = app.state.desk
    with TestClient(app, base_url="http://127.0.0.1:8300") as client:
        import re

        link = server_.people.invite("Ada", Role.HEAD)
        page = client.get(f"/sign-in?link={link}").text
        client.post("/sign-in", data=dict(re.findall(r'name="(csrf|link)" value="([^"]+)"', page)))
        code = re.search(r'<a class="to" href="/h/(\w+)', client.get("/a/digits").text)[1]
        form = re.search(r'<form class="row quick".*?</form>', client.get(f"/h/{code}").text, re.DOTALL)[0]
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        quick = re.search(r'name="quick" value="([^"]+)"', form)[1]
        assert client.post(f"/h/{code}/decide", data={**fields, "quick": quick}).status_code == 200
        client.post("/a/digits/anonymous", data={"csrf": fields["csrf"], "is_anonymous": "yes"})
        assert server_.settings.is_anonymous("digits")
        [decision] = server_.entry(code).decisions
        assert (decision.author, str(decision.points)) == ("Ada", quick)
