"""Pages of strangers against the review page, in a real browser: another port of this machine, another name, a frame.

Ports share cookies: to a browser, 127.0.0.1:1 and 127.0.0.1:2 are one site, and SameSite=Strict keeps nothing back.
"""

import pytest
from playwright.sync_api import expect
from starlette.responses import HTMLResponse

from grader.course import load_course
from grader.gradebook.nouns import Query
from grader.review.app import review_app
from grader.web.people import Role
from tests import desk


@pytest.fixture
def review(tmp_path, serve, visit):
    """(Visit in which a head TA is signed in, its server, its origin, the code of a hand-in)."""
    made = desk.desk(tmp_path / "course", 6, files=0)
    app = review_app(load_course(made.course), made.url)
    url = serve(lambda _port: app)
    server = app.state.desk
    seen = visit(f"{url}/sign-in?link={server.people.invite('Ada', Role.HEAD)}")
    with seen.moving():
        seen.page.get_by_role("button", name="Sign in").click()
    assert seen.page.url.endswith("/a/digits")
    return seen, server, url, server.code(server.book.rows("digits", Query()).rows[0].id)


@pytest.fixture
def stranger(serve):
    """stranger(html) -> the address of a page with it, on another port."""

    def start(html):
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await HTMLResponse(html)(scope, receive, send)

        return serve(lambda _port: app)

    return start


FIELDS = (
    '<input name="kind" value="comment"><input name="text" value="owned"><input name="seen_version" value="1">'
    '<input name="name" value="Mallory"><input name="role" value="head-ta"><input name="csrf" value="0">'
)


@pytest.mark.attack(85)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
@pytest.mark.parametrize("path", ["/h/CODE/decide", "/people/invite"])
def test_a_strangers_form_changes_nothing(path, kind, host, review, stranger):
    seen, server, url, code = review
    target = url + path.replace("CODE", code)
    form = f'<form method="post" enctype="{kind}" action="{target}">{FIELDS}<button>go</button></form>'
    theirs = stranger(form).replace("127.0.0.1", host)
    page = seen.page.context.new_page()
    page.goto(theirs)
    with page.expect_response(lambda answer: answer.url == target) as answered:
        page.get_by_role("button").click()
    assert answered.value.status == 403
    assert server.entry(code).decisions == ()
    assert [one.name for one in server.people.everybody()] == ["Ada"]
    seen.go("/a/digits")
    expect(seen.page.get_by_text("Ada").first).to_be_visible()  # still signed in


@pytest.mark.attack(85)
def test_a_stranger_neither_reads_nor_frames_a_page(review, stranger):
    seen, _, url, code = review
    script = f"""<iframe src="{url}/h/{code}"></iframe><img id="i" src="{url}/static/grader.svg">
    <script>window.got = Promise.all(["include", "omit"].map((one) =>
      fetch("{url}/h/{code}", {{credentials: one}}).then((a) => a.text()).catch(() => "refused")))</script>"""
    page = seen.page.context.new_page()
    page.goto(stranger(script))
    assert page.evaluate("window.got") == ["refused", "refused"]
    framed = [frame for frame in page.frames if frame != page.main_frame]
    assert all("Reviewed, next" not in frame.content() for frame in framed)
    assert page.evaluate("document.getElementById('i').naturalWidth") == 0


@pytest.mark.attack(85)
def test_a_link_from_elsewhere_opens_the_page_and_signs_nobody_out(review, stranger):
    seen, _, url, code = review
    theirs = stranger(f'<a href="{url}/h/{code}">look</a>').replace("127.0.0.1", "localhost")
    page = seen.page.context.new_page()
    page.goto(theirs)
    page.get_by_role("link").click()
    expect(page.get_by_role("button", name="Reviewed, next")).to_be_visible()
    seen.go("/a/digits")
    expect(seen.page.locator("#list")).to_be_visible()
