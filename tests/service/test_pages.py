"""The pages work by plain forms, show what a student wrote as text, and do nothing that another site asks for."""

import re

import httpx
import pytest


@pytest.fixture
def browser(desk, url):
    """browser("ada") -> a browser without scripts, signed in."""
    opened = []

    def sign_in(student):
        client = httpx.Client(base_url=url, follow_redirects=True, headers={"Accept": "text/html"}, timeout=30)
        opened.append(client)
        answer = client.post("/sign-in", data={"csrf": csrf(client.get("/")), "token": desk.tokens[student]})
        assert "Assignments" in answer.text
        return client

    yield sign_in
    for one in opened:
        one.close()


def csrf(page):
    """The token of the first form of a page."""
    return re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)[1]


def send(client, data, *, name="work.zip", assignment="sums", token=None):
    page = client.get(f"/assignments/{assignment}")
    form = {"csrf": csrf(page) if token is None else token}
    return client.post(f"/assignments/{assignment}", data=form, files={"file": (name, data, "application/zip")})


def test_from_signing_in_to_the_result(desk, browser, tools):
    ada = browser("ada")
    start = ada.get("/")
    assert "4 of 4" in start.text
    page = send(ada, tools.hand_in(second=1))
    assert str(page.url.path).startswith("/uploads/")
    assert "It is <b>next</b>" in page.text
    assert 'hx-trigger="every 2s"' in page.text
    desk.grade()
    page = ada.get(page.url)
    assert "1 of 3 points" in page.text
    assert "hx-trigger" not in page.text
    assert "9731" not in page.text
    assert "secret-rule" not in page.text
    assert "1 of 3 points" in ada.get("/").text


def test_a_part_of_the_page_can_be_asked_for_alone(desk, browser, tools):
    ada = browser("ada")
    page = send(ada, tools.hand_in())
    part = ada.get(f"{page.url.path}/state").text
    assert part.lstrip().startswith('<div id="state"')
    desk.grade()
    assert "hx-get" not in ada.get(f"{page.url.path}/state").text


def test_what_is_refused_is_told_on_the_page(browser):
    page = send(browser("ada"), b"no zip")
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert "neither a folder nor a zip" in page.text
    assert "This was no attempt" in page.text


def test_a_wrong_token_is_told_and_signs_nobody_in(url):
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}) as client:
        page = client.post("/sign-in", data={"csrf": csrf(client.get("/")), "token": "x"})
        assert page.status_code == 401
        assert "nobody" in page.text
        assert "Sign in" in client.get("/").text


def test_who_is_not_signed_in_sees_the_door_alone(url, browser, tools):
    upload = send(browser("ada"), tools.hand_in()).url.path
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}) as client:
        for path in ("/assignments/sums", upload, f"{upload}/file"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert client.get(f"{upload}/state").status_code == 401


@pytest.mark.attack(86)
def test_another_students_pages_are_not_there(browser, tools):
    upload = send(browser("ada"), tools.hand_in()).url.path
    bob = browser("bob")
    for path in (upload, f"{upload}/state", f"{upload}/file"):
        assert bob.get(path).status_code == 404


def test_signing_out_ends_it(browser):
    ada = browser("ada")
    ada.post("/sign-out", data={"csrf": csrf(ada.get("/"))})
    assert "Sign in" in ada.get("/").text


def test_times_are_shown_by_the_clock_of_the_course(make_desk, tools):
    desk = make_desk(toml='timezone = "Europe/Oslo"\n[assignments.sums]\ndue = "2026-12-01 23:59"\n')
    desk.add("ada")
    with desk.served() as url, httpx.Client(base_url=url, follow_redirects=True) as client:
        client.post("/sign-in", data={"csrf": csrf(client.get("/")), "token": desk.tokens["ada"]})
        assert "2026-12-01 23:59 CET" in client.get("/").text
        assert "received <time" in (page := send(client, tools.hand_in()).text)
        assert "2026-11-21 13:00:00 CET" in page  # 12:00 UTC


# --- what another site may try ---------------------------------------------------------------------


@pytest.mark.attack(85)
def test_a_form_without_the_pages_token_does_nothing(desk, browser, tools):
    ada = browser("ada")
    for token in ("", "0" * 64):
        assert send(ada, tools.hand_in(), token=token).status_code == 403
    assert ada.post("/sign-out", data={}).status_code == 403
    assert desk.queue.counts() == {}


@pytest.mark.attack(85)
@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example.org"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_form_of_another_site_does_nothing(desk, browser, tools, headers):
    ada = browser("ada")
    page = ada.get("/assignments/sums")
    files = {"file": ("work.zip", tools.hand_in(), "application/zip")}
    answer = ada.post("/assignments/sums", data={"csrf": csrf(page)}, files=files, headers=headers)
    assert answer.status_code == 403
    assert desk.queue.counts() == {}


@pytest.mark.attack(85)
def test_no_page_may_be_framed_or_run_a_script_of_its_own(browser, tools):
    ada = browser("ada")
    upload = send(ada, tools.hand_in()).url.path
    for path in ("/", "/assignments/sums", upload):
        page = ada.get(path)
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
        assert not re.search(r"\son\w+=", page.text)


def test_the_cookie_is_for_this_site_alone(url):
    cookie = httpx.get(url, headers={"Accept": "text/html"}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


# --- what a student may call things -------------------------------------------------------------------


@pytest.mark.attack_partly(80)
@pytest.mark.parametrize("name", ["<script>owned=1</script>.zip", '"><img src=x onerror=owned=1>.zip', "{{7*7}}.zip"])
def test_a_files_name_is_text(desk, browser, tools, name):
    ada = browser("ada")
    page = send(ada, tools.hand_in(), name=name)
    desk.grade()
    for text in (page.text, ada.get(page.url).text, ada.get("/assignments/sums").text):
        assert "<script>owned" not in text
        assert "<img" not in text
        assert "49.zip" not in text
