"""Staff sign in by a link that works once; the database holds no secret; roles are kept on every page."""

import re
import threading

import pytest
from fastapi.testclient import TestClient

from grader.errors import UsageError
from grader.web.people import Role

ORIGIN = "http://127.0.0.1:8300"


@pytest.fixture
def people(app):
    return app.state.desk.people


def test_a_link_signs_in_once(people):
    token = people.invite("Ada")
    assert people.sign_in(token, "a" * 64).name == "Ada"
    assert people.sign_in(token, "b" * 64) is None
    assert people.signed_in("a" * 64).name == "Ada"
    assert people.signed_in("b" * 64) is None


def test_of_two_at_the_same_moment_one_gets_in(people):
    token = people.invite("Ada")
    got, barrier = [], threading.Barrier(8)

    def try_it(number):
        barrier.wait()
        got.append(people.sign_in(token, f"{number:064}"))

    threads = [threading.Thread(target=try_it, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(one is not None for one in got) == 1


def test_opening_the_link_uses_nothing_up(app, people):
    """Chats and mail scanners open every link; the page asks, and only its button signs in."""
    token = people.invite("Ada")
    client = TestClient(app, base_url=ORIGIN)
    for _ in range(3):
        assert "Sign in as Ada" in client.get(f"/sign-in?link={token}").text
    assert people.invited(token).name == "Ada"


def test_an_old_link_is_worth_nothing(people):
    token = people.invite("Ada", hours=-1)
    assert people.invited(token) is None
    assert people.sign_in(token, "a" * 64) is None


def test_a_dead_link_is_told_and_signs_nobody_in(app):
    client = TestClient(app, base_url=ORIGIN)
    page = client.get("/sign-in?link=x").text
    token = re.search(r'name="csrf" value="(\w+)"', page)[1]
    answer = client.post("/sign-in", data={"csrf": token, "link": "x" * 43})
    assert answer.status_code == 403
    assert "was used, or is too old" in answer.text
    assert client.get("/a/digits").url.path == "/sign-in"


def test_the_database_holds_neither_tokens_nor_cookies(made, app, people, signed):
    token = people.invite("Cy")
    browser = signed(app, "Ada")
    cookie = browser.client.cookies["grader_review"]
    folder = made.course / ".grader"
    data = b"".join(file.read_bytes() for file in folder.glob("gradebook.db*"))
    assert b"Cy" in data
    assert token.encode() not in data
    assert cookie.encode() not in data


def test_signing_in_gives_another_cookie_and_signing_out_ends_it(app, people):
    client = TestClient(app, base_url=ORIGIN)
    client.get("/sign-in")
    planted = client.cookies["grader_review"]
    page = client.get(f"/sign-in?link={people.invite('Ada')}").text
    fields = dict(re.findall(r'name="(csrf|link)" value="([^"]+)"', page))
    assert client.post("/sign-in", data=fields).url.path == "/a/digits"
    inside = client.cookies["grader_review"]
    assert inside != planted
    token = re.search(r'name="csrf" value="(\w+)"', client.get("/a/digits").text)[1]
    client.post("/sign-out", data={"csrf": token})
    again = TestClient(app, base_url=ORIGIN, cookies={"grader_review": inside})
    assert again.get("/a/digits").url.path == "/sign-in"


@pytest.mark.parametrize(
    "path", ["/", "/a/digits", "/h/CODE", "/h/CODE/next", "/h/CODE/exhibits", "/h/CODE/files", "/h/CODE/file/0",
             "/h/CODE/file/0/save", "/h/CODE/file/0/picture", "/h/CODE/see/r0-0/0", "/people", "/keys",
             "/a/digits/comments"],
)  # fmt: skip
def test_who_is_not_signed_in_sees_nothing(path, app, waiting):
    client = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    answer = client.get(path.replace("CODE", waiting[0]))
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_who_was_shut_out_is_out_at_once(people, ada, bo):
    number = next(one.id for one in people.everybody() if one.name == "Bo")
    link = people.invite("Bo")
    ada.post(f"/people/{number}", {"is_active": "no"})
    assert bo.get("/a/digits").url.path == "/sign-in"
    assert people.sign_in(link, "c" * 64) is None


def test_only_a_head_ta_manages_people(app, ada, bo):
    assert bo.get("/people").status_code == 403
    assert bo.post("/people/invite", {"name": "Eve", "role": "head-ta"}).status_code == 403
    assert "Eve" not in ada.page("/people")
    page = ada.post("/people/invite", {"name": "Cy", "role": "ta"}).text
    link = re.search(r'<code class="link">(.*?)</code>', page)[1]
    client = TestClient(app, base_url=ORIGIN)
    assert "Sign in as Cy" in client.get(link).text
    assert link not in ada.page("/people")


def test_somebody_is_always_left_who_manages_people(people):
    people.invite("Ada", Role.HEAD)
    [ada] = people.everybody()
    for change in ({"role": Role.TA}, {"is_active": False}):
        with pytest.raises(UsageError, match="nobody would be left"):
            people.change(ada.id, **change)
    assert people.everybody() == [ada]


@pytest.mark.parametrize("name", ["", "  ", "a\nb\x00", "x" * 61, "\u202eeve"])
def test_a_name_that_cannot_sign_a_decision_is_refused(name, people):
    with pytest.raises(UsageError, match="is no name"):
        people.invite(name)


def test_two_spellings_of_a_name_are_one_person(people):
    people.invite("Ada L.", Role.HEAD)
    people.invite("ada  l.")
    assert [(one.name, one.role) for one in people.everybody()] == [("Ada L.", Role.HEAD)]
