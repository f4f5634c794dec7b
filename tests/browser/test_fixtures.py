"""The tools of these tests notice what they are there to notice."""

import pytest

GOOD = "<!doctype html><html lang='en'><title>Page</title><body><main><h1>Fine</h1><p>Words</p></main></body></html>"
SCRIPT = GOOD.replace("Words", "<script>window.owned = 1</script>")
ALERT = GOOD.replace("Words", "<script>alert('hello')</script>")
ELSEWHERE = GOOD.replace("Words", "<img alt='' src='http://127.0.0.1:9/x.png'>")
FAINT = GOOD.replace("<p>", "<p style='color:#ccc;background:#fff'>")
UNNAMED = GOOD.replace("Words", "<input>")


@pytest.fixture
def show(serve, visit):
    """show(html) -> the visit of a page with it."""

    def shown(html):
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                for kind in ("startup", "shutdown"):
                    await receive()
                    await send({"type": f"lifespan.{kind}.complete"})
                return
            is_page = scope["path"] == "/"
            headers = [(b"content-type", b"text/html; charset=utf-8" if is_page else b"image/x-icon")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": html.encode() if is_page else b""})

        return visit(serve(lambda _port: app))

    return shown


def test_a_plain_page_has_no_fault_and_does_nothing(show, axe, pictures):
    seen = show(GOOD)
    assert axe(seen) == []
    seen.assert_nothing_acted()
    assert [path.name for path in pictures(seen, "plain")] == ["plain-light.png", "plain-dark.png"]


@pytest.mark.parametrize("html", [SCRIPT, ALERT, ELSEWHERE], ids=["a script", "a dialog", "a picture from elsewhere"])
def test_what_acts_is_noticed(show, html):
    seen = show(html)
    with pytest.raises(AssertionError):
        seen.assert_nothing_acted()


@pytest.mark.parametrize("html", [FAINT, UNNAMED], ids=["too little contrast", "a field without a name"])
def test_what_cannot_be_read_is_noticed(show, axe, html):
    assert axe(show(html)) != []
