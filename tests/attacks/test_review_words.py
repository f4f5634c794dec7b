"""A hostile hand-in on the review page: its words are words, its files are text or attachments: attacks 80 to 82.

tests/browser/test_review_hostile.py opens the same pages in a real browser.
"""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from grader.gradebook.book import Gradebook
from grader.gradebook.nouns import HandInFacts
from grader.review.app import review_app
from grader.web.people import Role

ROOT = Path(__file__).parents[2]
ORIGIN = "http://127.0.0.1:8300"


def loaded(path):
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[path.stem]


words = loaded(Path(__file__).parent / "words.py")
desk_of = loaded(ROOT / "tests" / "desk.py")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """page(path) -> the answer, for a TA before a gradebook with one hostile hand-in."""
    from grader.course import load_course

    folder = tmp_path_factory.mktemp("hostile")
    course = desk_of.course(folder / "course")
    hand_in = folder / "course" / "submissions" / "digits" / "[red] \u202e<b onclick=x>"
    hand_in.mkdir(parents=True)
    words.write_hand_in(hand_in)
    url = f"sqlite:///{folder}/gradebook.db"
    with Gradebook.open(url) as book:
        card = words.hostile_card(words.ALL[:200])
        book.record([(card, HandInFacts(str(hand_in)))], command="run-all")
        entry = book.entry(book.rows("digits").rows[0].id)
        book.save_comment("digits", words.PAGE, "Ada")
        from grader.model import DecisionKind

        said = {"author": "Ada", "text": words.ALL, "reason": words.ALL}
        from fractions import Fraction

        book.decide(entry.id, DecisionKind.OVERRIDE, task="1", rule="words", points=Fraction(2), seen_version=1, **said)
        book.decide(entry.id, DecisionKind.COMMENT, author="Ada", text=words.ALL, seen_version=2)
    app = review_app(load_course(course), url)
    desk = app.state.desk
    client = TestClient(app, base_url=ORIGIN)
    link = desk.people.invite("Ada", Role.HEAD)
    fields = dict(re.findall(r'name="(csrf|link)" value="([^"]+)"', client.get(f"/sign-in?link={link}").text))
    client.post("/sign-in", data=fields)
    code = desk.code(entry.id)

    def get(path, **headers):
        return client.get(path.replace("CODE", code), headers={"accept": "text/html", **headers})

    get.client, get.desk, get.entry = client, desk, entry
    yield get
    desk.hand_ins.close()
    desk.book.close()


PAGES = ["/a/digits", "/a/digits?show=all", "/a/digits/comments", "/h/CODE", "/h/CODE/files", "/h/CODE/exhibits"]


@pytest.mark.attack(80, 81)
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("is_htmx", [False, True])
def test_whatever_a_student_wrote_is_words_on_every_page(path, is_htmx, page):
    answer = page(path, **({"hx-request": "true"} if is_htmx else {}))
    assert answer.status_code == 200
    assert words.has_acted(answer.text) == []
    assert not re.search(r"<script(?! src=\"/static/)|<style\b|<[a-z0-9]+[^<>]*\sstyle=", answer.text)


@pytest.mark.attack(80)
def test_control_and_direction_characters_are_shown_not_sent(page):
    for path in PAGES:
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page(path).text), path


def files(page):
    with page.desk.hand_ins.of(page.entry) as submission:
        return [file.path for file in submission.files]


@pytest.mark.attack(80, 82)
def test_every_file_is_shown_as_text_or_not_at_all(page):
    """HTML, SVG, notebooks with outputs of every kind, names that are code."""
    for number, path in enumerate(files(page)):
        answer = page(f"/h/CODE/file/{number}")
        assert answer.status_code == 200, path
        assert words.has_acted(answer.text) == [], path
        assert "<iframe" not in answer.text
        shown = re.findall(r"<img[^>]*>", answer.text)
        assert all(re.search(r'src="/h/\w+/file/\d+/picture"', one) for one in shown), shown


@pytest.mark.attack(80)
def test_every_file_is_saved_and_never_opened(page):
    for number, path in enumerate(files(page)):
        headers = page(f"/h/CODE/file/{number}/save").headers
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"].startswith("attachment; filename=")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert headers["cross-origin-resource-policy"] == "same-origin"
        plain = re.search(r'filename="([^"]*)"', headers["content-disposition"])[1]
        assert re.fullmatch(r"[A-Za-z0-9._-]+", plain)
        assert not re.search(r"\.(html?|svg|js|hta|lnk|exe|bat|cmd|sh)$", plain, re.IGNORECASE), path


@pytest.mark.attack(80, 81)
def test_only_a_real_picture_is_sent_as_one(page):
    kinds = {}
    for number, path in enumerate(files(page)):
        answer = page(f"/h/CODE/file/{number}/picture")
        kinds[path] = answer.headers["content-type"] if answer.status_code == 200 else answer.status_code
        assert answer.status_code in (200, 404)
    assert kinds["picture.png"] == "image/png"
    assert {kind for path, kind in kinds.items() if path != "picture.png"} == {404}


@pytest.mark.attack(82)
def test_a_notebook_and_a_report_name_files_of_ours_in_vain(page, tmp_path):
    """Nothing is converted and nothing that a text names is opened: what stands there is shown."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the labels")
    folder = Path(page.entry.source)
    text = (
        f"![x](file://{secret}) \\input{{{secret}}} <img src='{secret}'> {{% include '{secret}' %}} !include {secret}"
    )
    for name in ("zz-report.md", "zz-report.tex"):
        (folder / name).write_text(text)
    for number, path in enumerate(files(page)):
        answer = page(f"/h/CODE/file/{number}")
        assert "the labels" not in answer.text
        if path.startswith("zz-report"):
            assert "include" in answer.text


@pytest.mark.attack(80)
@pytest.mark.parametrize(
    "name",
    ["a.html", "a.svg", "a.png.html", "a", "..", "a\r\nSet-Cookie: x=1", 'a";x="', "\u202egnp.exe", "a.png ", "con"],
)
def test_a_name_cannot_leave_its_header_or_its_ending(name):
    from grader.web.uploaded import attachment

    answer = attachment(b"x", f"folder/{name}")
    sent = answer.headers["content-disposition"]
    assert sent.isascii()
    assert sent.isprintable()
    assert re.fullmatch(r"attachment; filename=\"[A-Za-z0-9._-]+\"; filename\*=UTF-8''[A-Za-z0-9._~%-]+", sent)
