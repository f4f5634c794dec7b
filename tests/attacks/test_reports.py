"""Reports of a hand-in that would act: attacks 80 to 84 on `grader report`, its pages, its JSON and its PDF.

The hand-in of test_export.py is graded, its names among them; then each report of it is read as a browser reads it.
"""

import importlib.util
import json
import os
import re
import sys
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import pytest

from grader.sandbox import level

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
pytestmark = pytest.mark.sandbox

# What a page of a report is made of. Nothing that acts, loads or sends is among it.
NAMES = """
html head meta title style body header main footer section h1 h2 h3 h4 p ul li dl dt dd table caption thead tbody tr th
td div span strong bdi a br img figure figcaption details summary svg desc g line rect polyline circle path text
"""
ELEMENTS = frozenset(NAMES.split())


def loaded(path):
    name = f"reports_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


export = loaded(HERE / "test_export.py")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """(the hand-in, the folder of state in which its grades are)."""
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    folder = tmp_path_factory.mktemp("class") / "[red]=1+1 \x1b[2J\u202e<b>"
    folder.mkdir()
    hand_in = export._SAID.write_hand_in(folder)
    state = tmp_path_factory.mktemp("state")
    environment = {"GRADER_STATE": str(state), "GRADER_GRADEBOOK": str(state / "gradebook.db")}
    export.ran("run-all", hand_in.parent, "--course", ROOT, **environment)
    return hand_in, environment


@pytest.fixture(scope="module")
def pages(graded, tmp_path_factory):
    """Every page of the class, for students and for staff: {name: text}."""
    _, environment = graded
    found = {}
    for view, words in (("student", ()), ("staff", ("--staff",))):
        folder = tmp_path_factory.mktemp(view)
        done = export.ran("report", "digits", "--course", ROOT, "--html", folder, *words, **environment)
        assert done.returncode == 0, done.stderr
        for page in folder.rglob("*.html"):
            found[f"{view}: {(page.parent.name == 'students' and 'hand-in') or 'class'}"] = page.read_text("utf-8")
    assert len(found) == 4
    return found


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text between them."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.found, self.said = [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.said += data


PAGES = ["student: hand-in", "student: class", "staff: hand-in", "staff: class"]


@pytest.mark.attack_partly(80, 81, 82)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_only_elements_of_ours_and_no_address_of_theirs(pages, name):
    read = Elements(pages[name])
    assert {tag for tag, _ in read.found} <= ELEMENTS
    for tag, attributes in read.found:
        assert not [key for key in attributes if key.startswith("on") or key == "style"], tag
        for key in ("src", "href", "srcset", "action", "xlink:href", "data", "poster", "background"):
            value = attributes.get(key, "#")
            assert re.fullmatch(r"#\S*|data:image/(png|jpeg);base64,[A-Za-z0-9+/=]*|students/[^/:?#\s]*\.html", value)


@pytest.mark.attack_partly(80, 84)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_character_that_hides_or_moves_anything(pages, name):
    odd = {char for char in pages[name] if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co")}
    assert odd == set()
    assert not {"\u2028", "\u2029"} & set(pages[name])


@pytest.mark.attack_partly(80, 83)
@pytest.mark.parametrize("name", ["student: hand-in", "staff: hand-in"])
def test_what_they_wrote_stands_there_letter_by_letter(pages, name):
    said = "".join(Elements(pages[name]).said.split())
    script = next(word for word in export.WORDS if word.startswith("<script>"))
    for word in (script[:30], "[bold green]PASS 100/100[/]", "![x](http://127.0.0.1"):
        assert "".join(word.split()) in said, word


@pytest.mark.attack_partly(80)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_forbids_what_could_act_by_its_own_policy(pages, name):
    [policy] = [a["content"] for _, a in Elements(pages[name]).found if a.get("http-equiv")]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


@pytest.mark.attack(83, 84)
@pytest.mark.attack_partly(80)
@pytest.mark.parametrize("words", [("digits",), ("digits", "--staff"), ("HAND_IN",), ("HAND_IN", "--staff")])
def test_on_a_terminal_nothing_of_theirs_acts(graded, words):
    hand_in, environment = graded
    words = [hand_in if word == "HAND_IN" else word for word in words]
    done = export.ran("report", *words, "--course", ROOT, **environment, COLUMNS="100")
    assert done.returncode == 0, done.stderr
    text = (done.stdout + done.stderr).decode("utf-8")
    odd = {char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co")}
    assert odd == set()
    assert not {"\u2028", "\u2029"} & set(text)


@pytest.mark.attack(83, 84)
def test_in_colour_only_the_graders_own_colours_are_there(graded):
    hand_in, environment = graded
    done = export.ran("report", hand_in, "--course", ROOT, **environment, FORCE_COLOR="1", COLUMNS="100")
    rest = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode("utf-8"))
    assert "\x1b" not in rest
    assert "\x9b" not in rest


@pytest.mark.attack(84)
@pytest.mark.parametrize("word", ["digits", "HAND_IN"])
def test_json_is_ascii_and_gives_the_words_back(graded, word):
    hand_in, environment = graded
    done = export.ran("report", hand_in if word == "HAND_IN" else word, "--json", "--course", ROOT, **environment)
    text = done.stdout.decode("ascii")
    assert text.replace("\n", "").isprintable()
    document = json.loads(text)
    students = document["card"]["students"] if word == "HAND_IN" else document["hand_ins"][0]["students"]
    assert {one["name"] for one in students} <= {export.ALL, *export.WORDS}


@pytest.mark.attack_partly(80, 81)
@pytest.mark.browser
@pytest.mark.parametrize("bypasses_policy", [False, True])
def test_in_a_real_browser_no_page_does_anything(pages, tmp_path, bypasses_policy):
    """With the page's policy, and without: the letters alone have to be harmless."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not Path(program).exists():
        pytest.skip("no chromium")
    seen = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(bypass_csp=bypasses_policy)
        page = context.new_page()
        page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or seen.append(request.url))
        page.on("pageerror", lambda error: seen.append(str(error)))
        for number, text in enumerate(pages.values()):
            file = tmp_path / f"{number}.html"
            file.write_text(text, encoding="utf-8")
            page.goto(file.as_uri(), wait_until="load")
            assert page.evaluate("document.scripts.length") == 0
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            page.keyboard.press("Tab")
        browser.close()
    assert seen == []
