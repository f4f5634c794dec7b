"""The guard: strangers' hosts, sites, frames and forms are refused, ours are not, and every answer has its headers."""

import re

import pytest
from fastapi import Form, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.testclient import TestClient

from grader.web.app import see, web_app
from grader.web.guard import CSRF_HEADER, LOOPBACK, browser_of

ORIGIN = "http://127.0.0.1:8000"


@pytest.fixture
def app(tmp_path):
    made, _ = web_app("a page", templates=tmp_path, hosts=[*LOOPBACK, "grader.example.org"], cookie="grader_test")
    made.state.saved = []

    @made.get("/")
    def home(request: Request):
        return HTMLResponse(browser_of(request).csrf)

    @made.post("/save")
    def save(text: str = Form()):
        made.state.saved.append(text)
        return PlainTextResponse("saved")

    @made.post("/upload")
    async def upload(request: Request):
        form = await request.form()
        made.state.saved.append(await form["file"].read())
        return PlainTextResponse("saved")

    @made.post("/sign-in")
    def sign_in(request: Request):
        browser_of(request).renew()
        return see("/")

    @made.get("/broken")
    def broken():
        raise ValueError("secret 42")

    return made


@pytest.fixture
def client(app):
    return TestClient(app, base_url=ORIGIN, follow_redirects=False)


@pytest.fixture
def token(client):
    """That of this client's browser, whose cookie it has now."""
    return client.get("/").text


# --- leave it alone ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost:1", "LOCALHOST", "[::1]:80", "grader.example.org"]
)
def test_the_pages_own_hosts_are_answered(host, client):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="an old browser that says nothing"),
        pytest.param({"origin": ORIGIN}, id="the same origin"),
        pytest.param({"origin": ORIGIN, "sec-fetch-site": "same-origin"}, id="a form of the page itself"),
    ],
)
def test_a_form_of_the_page_is_taken(headers, client, app, token):
    answer = client.post("/save", data={"csrf": token, "text": "héllo"}, headers=headers)
    assert (answer.status_code, app.state.saved) == (200, ["héllo"])


def test_a_token_in_the_header_is_as_good(client, app, token):
    assert client.post("/save", data={"text": "a"}, headers={CSRF_HEADER: token}).status_code == 200
    assert app.state.saved == ["a"]


def test_an_upload_with_the_token_first_arrives_whole(client, app, token):
    data = bytes(range(256)) * 4096
    answer = client.post("/upload", data={"csrf": token}, files={"file": ("a.zip", data)})
    assert (answer.status_code, app.state.saved) == (200, [data])


def test_a_link_from_another_site_is_opened_once_more_from_here_and_signs_nobody_out(client):
    """SameSite=Strict keeps the cookie back on such a link: a new one would end the session."""
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    answer = client.get('/entry/1?a="><b>', headers=headers)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert re.search(r'content="0; url=/entry/1\?a=([^"]*)"', answer.text)
    assert "<b>" not in answer.text


def test_a_program_with_its_own_token_needs_no_form(client, app):
    client.cookies.clear()
    answer = client.post("/save", data={"text": "a"}, headers={"authorization": "Bearer x"})
    assert (answer.status_code, app.state.saved) == (200, ["a"])


# --- attack 85 --------------------------------------------------------------------------------


@pytest.mark.attack(85)
@pytest.mark.parametrize(
    "host", ["evil.example.org", "127.0.0.1.evil.example.org", "127.0.0.1@evil.example.org", "", "localhost:80:80"]
)
def test_another_name_for_this_address_is_refused(host, client):
    """DNS rebinding: the browser believes it talks to the stranger's site, and says so."""
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "set-cookie" not in answer.headers


@pytest.mark.attack(85)
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"origin": "http://evil.example.org"}, id="another site"),
        pytest.param({"origin": "http://127.0.0.1:9000"}, id="another port, whose pages get our cookie"),
        pytest.param({"origin": "null"}, id="a sandboxed frame"),
        pytest.param({"sec-fetch-site": "cross-site"}, id="another site, said by the browser"),
        pytest.param({"sec-fetch-site": "same-site"}, id="another port, said by the browser"),
        pytest.param({"origin": "http://evil.example.org", "authorization": "Bearer x"}, id="with a token of its own"),
    ],
)
def test_a_strangers_form_is_refused_even_with_cookie_and_token(headers, client, app, token):
    answer = client.post("/save", data={"csrf": token, "text": "owned"}, headers=headers)
    assert (answer.status_code, app.state.saved) == (403, [])
    client.cookies.clear()  # as SameSite=Strict has it: another cookie in its place would sign out who is signed in
    answer = client.post("/save", data={"csrf": token, "text": "owned"}, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.attack(85)
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([], id="no token"),
        pytest.param(["0" * 64], id="a made-up token"),
        pytest.param(["é"], id="no token's form"),
        pytest.param(["TOKEN", "0" * 64], id="two tokens"),
    ],
)
def test_a_form_without_the_right_token_is_refused(sent, client, app, token):
    tokens = [token if one == "TOKEN" else one for one in sent]
    answer = client.post("/save", data={"csrf": tokens, "text": "owned"})
    assert (answer.status_code, app.state.saved) == (403, [])


@pytest.mark.attack(85)
def test_another_browsers_token_is_worth_nothing(app, token):
    other = TestClient(app, base_url=ORIGIN)
    other.get("/")
    assert other.post("/save", data={"csrf": token, "text": "owned"}).status_code == 403


@pytest.mark.attack(85)
def test_a_cookie_that_was_planted_before_a_sign_in_is_not_the_one_behind_it(client, token):
    before = client.cookies["grader_test"]
    answer = client.post("/sign-in", data={"csrf": token})
    assert answer.status_code == 303
    assert client.cookies["grader_test"] != before
    assert client.post("/save", data={"csrf": token, "text": "a"}).status_code == 403


@pytest.mark.attack(85)
@pytest.mark.parametrize("late", [b"", b"x" * 5000])
def test_an_upload_whose_token_comes_late_or_not_is_refused(late, client, app, token):
    form = {"note": late, "csrf": token} if late else {}
    answer = client.post("/upload", data=form, files={"file": ("a.zip", b"x")})
    assert (answer.status_code, app.state.saved) == (403, [])


@pytest.mark.attack(85)
def test_other_kinds_of_bodies_need_the_header(client, app, token):
    for kind in ("text/plain", "application/json", ""):
        answer = client.post("/save", content=f"csrf={token}&text=a", headers={"content-type": kind})
        assert answer.status_code == 403
    assert app.state.saved == []


@pytest.mark.attack(85)
@pytest.mark.parametrize("path", ["/", "/nothing", "/broken", "/static/grader.css"])
def test_every_answer_forbids_frames_scripts_and_guesses(path, client):
    headers = client.get(path, headers={"accept": "text/html"}).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.attack(85)
@pytest.mark.parametrize("destination", ["iframe", "embed", "object", "image", "script", "empty"])
def test_another_sites_frame_picture_or_script_gets_nothing(destination, client):
    mode = "navigate" if destination in ("iframe", "embed", "object") else "no-cors"
    headers = {"sec-fetch-site": "same-site", "sec-fetch-mode": mode, "sec-fetch-dest": destination}
    assert client.get("/", headers=headers).status_code == 403


@pytest.mark.attack(85)
def test_the_cookie_is_for_this_site_alone_and_for_no_script(client):
    cookie = client.get("/").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_a_fault_of_ours_tells_a_stranger_nothing(client):
    answer = client.get("/broken", headers={"accept": "text/html"})
    assert answer.status_code == 500
    assert "secret 42" not in answer.text


def test_a_form_that_is_too_large_is_not_held(client, app, token):
    answer = client.post("/save", data={"csrf": token, "text": "x" * (1 << 20)})
    assert (answer.status_code, app.state.saved) == (403, [])


@pytest.mark.parametrize("url", ["//evil.example.org", "http://evil.example.org", "/\\evil.example.org", ""])
def test_nobody_is_sent_to_another_site(url):
    assert see(url).headers["location"] == "/"
