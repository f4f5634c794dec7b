"""Whatever comes into a page is text there; static files are ours and keep their digests."""

import re

import pytest
from fastapi.testclient import TestClient
from jinja2 import UndefinedError
from markupsafe import Markup

from grader.errors import MachineError, UsageError
from grader.web.app import web_app
from grader.web.pages import VEIL, environment, static_url


@pytest.fixture
def made(tmp_path):
    """made(source, **values) -> the text of a template called page.txt: no ending decides on escaping."""

    def render(source, **values):
        (tmp_path / "page.txt").write_text(source)
        return environment([tmp_path]).get_template("page.txt").render(**values)

    return render


@pytest.mark.parametrize("place", ["<p>{{ x }}</p>", '<p title="{{ x }}">', "{% set y = x %}{{ y }}", "{{ x ~ '' }}"])
def test_a_value_is_text_in_every_place(place, made):
    shown = made(place, x="<b>\"'&")
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown
    assert not re.search(r'[^=]"[^>]', shown.replace('title="', "").replace("&#34;", ""))


@pytest.mark.parametrize("char", ["\x1b", "\x00", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028"])
def test_what_hides_is_written_out(char, made):
    assert char not in made("{{ x }}", x=f"a{char}b")


def test_words_of_every_script_stay_as_they_are(made):
    words = "Ångström 王小明 محمد Ὑπατία é\n\tline"
    assert made("{{ x }}", x=words).split() == words.split()


def test_a_name_that_is_not_there_is_an_error_not_an_empty_place(made):
    with pytest.raises(UndefinedError):
        made("{{ x.y }}", x={})


def test_a_veil_covers_all_but_what_is_exact(made):
    token = VEIL.set(lambda text: text.replace("Ada", "..."))
    try:
        assert made('{{ x }} <a title="{{ x }}">{{ x|exact }}', x="Ada") == '... <a title="...">Ada'
        assert made("{{ x }}", x=Markup("Ada")) == "Ada"
    finally:
        VEIL.reset(token)
    assert made("{{ x }}", x="Ada") == "Ada"


# --- static files and errors ---------------------------------------------------------------------


@pytest.fixture
def app(tmp_path):
    app, _ = web_app("a page", templates=tmp_path, hosts=["127.0.0.1"], cookie="grader_test")

    @app.get("/locked")
    def locked():
        raise MachineError.single("the gradebook is <locked>", where="gradebook.db", fix="try again")

    @app.get("/wrong")
    def wrong():
        raise UsageError.single("no such thing", where="x", fix="name another")

    return TestClient(app, base_url="http://127.0.0.1")


def test_a_file_of_ours_is_kept_until_it_changes(app):
    for name in ("grader.css", "htmx.min.js", "exhibits.css", "review.js"):
        answer = app.get(static_url(name))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["etag"].strip('"') in static_url(name)


@pytest.mark.parametrize("name", ["LICENCES.md", "nothing", "..%2Fguard.py", "%2e%2e%2fguard.py", ".."])
def test_nothing_else_is_a_static_file(name, app):
    assert app.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize(("path", "status", "words"), [("/locked", 503, "try again"), ("/wrong", 422, "name another")])
def test_an_error_says_what_is_so_and_what_to_do(path, status, words, app):
    page = app.get(path, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert words in page.text
    assert "<locked>" not in page.text
    assert app.get(path, headers={"accept": "application/json"}).json()["fix"] == words
