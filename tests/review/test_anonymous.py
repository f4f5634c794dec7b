"""In anonymous mode no page, name of a file or order of a list says whose a hand-in is."""

import re

import pytest

from grader.review.veil import COVER, Veil


@pytest.fixture
def desk(app):
    return app.state.desk


@pytest.fixture
def telling(desk):
    """(code, words that tell) of a hand-in with files, which say the name wherever a student can."""
    from pathlib import Path

    row = next(row for row in desk.book.rows("digits").rows if row.submission == "s0004")
    folder = Path(desk.book.entry(row.id).source)
    [student] = row.students
    given = student.name.split()[0]
    written = {
        f"report-{given}.md": f"# {student.name} ({student.id})\n\nmail {student.id}@example.org, in /home/{given}",
        f"{student.id}_notes.txt": student.name.upper(),
    }
    for name, text in written.items():
        (folder / name).write_text(text)
    yield desk.code(row.id), [student.name, student.id, f"{student.id}@example.org", given]
    for name in written:
        (folder / name).unlink()


@pytest.fixture
def anonymous(ada):
    ada.post("/a/digits/anonymous", {"is_anonymous": "yes"})


def pages(browser, code):
    """Everything that somebody can open of a hand-in, with and without htmx."""
    yield "/a/digits?show=all", browser.page("/a/digits?show=all")
    for part in ("", "/files", "/exhibits"):
        yield part, browser.page(f"/h/{code}{part}")
        yield part, browser.client.get(f"/h/{code}{part}", headers={"hx-request": "true"}).text
    for number in range(20):
        answer = browser.get(f"/h/{code}/file/{number}")
        if answer.status_code == 404:
            break
        yield f"file {number}", answer.text


def without_staff(text):
    """The page without its head and bar, which say the TA's own name."""
    return text.partition("</header>")[2] or text


@pytest.mark.usefixtures("anonymous")
def test_no_page_says_whose_it_is(bo, telling):
    code, words = telling
    seen = 0
    for what, text in pages(bo, code):
        seen += 1
        for word in words:
            assert not re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", without_staff(text), re.IGNORECASE), (
                what,
                word,
            )
    assert seen > 10


def test_without_it_the_same_pages_do(bo, telling):
    """The oracle: these words are on these pages, where nobody hides them."""
    code, words = telling
    together = "".join(text for _, text in pages(bo, code))
    assert all(word in together for word in words)


@pytest.mark.usefixtures("anonymous")
def test_files_are_saved_under_another_name(bo, telling):
    code, _ = telling
    for number in range(6):
        sent = bo.get(f"/h/{code}/file/{number}/save").headers["content-disposition"]
        assert re.match(rf'attachment; filename="{code}-file-{number + 1}\.\w+"', sent)


@pytest.mark.usefixtures("anonymous")
def test_neither_search_nor_order_tells(bo, desk):
    rows = desk.book.rows("digits").rows
    for row in rows[:5]:
        for word in (row.students[0].name, row.submission):
            assert "No hand-in fits" in bo.client.get("/a/digits", params={"show": "all", "q": word}).text
    shown = re.findall(r'<a class="to" href="/h/(\w+)', bo.page("/a/digits?show=all&order=name"))
    assert shown == sorted(shown)
    assert shown != [desk.code(row.id) for row in rows]
    code = shown[0]
    assert re.findall(r'<a class="to" href="/h/(\w+)', bo.page(f"/a/digits?show=all&q={code}")) == [code]


@pytest.mark.usefixtures("anonymous")
def test_a_head_ta_may_see_names_and_nobody_else(ada, bo, desk):
    name = desk.book.rows("digits").rows[0].students[0].name
    assert name not in ada.page("/a/digits?show=all")
    ada.post("/a/digits/anonymous", {"names": "yes"})
    assert name in ada.page("/a/digits?show=all")
    assert name not in bo.page("/a/digits?show=all")
    assert bo.post("/a/digits/anonymous", {"names": "yes"}).status_code == 403
    assert bo.post("/a/digits/anonymous", {"is_anonymous": "no"}).status_code == 403
    ada.post("/a/digits/anonymous", {"is_anonymous": "no"})
    assert name in bo.page("/a/digits?show=all")


@pytest.mark.usefixtures("anonymous")
def test_forms_work_as_ever(bo, desk, waiting):
    """What is sent back is exact, whatever is covered on the page."""
    code = waiting[0]
    rule = next(
        rule.rule for task in desk.entry(code).card.tasks if task.task == "3" for rule in task.rules if rule.open_points
    )
    bo.decide(code, rule, "0")
    assert [one.rule for one in desk.entry(code).decisions] == [rule]


@pytest.mark.parametrize(
    ("told", "text", "wanted"),
    [
        pytest.param(["Ada Lovelace"], "by LOVELACE, ada", f"by {COVER}, {COVER}", id="parts, in any case"),
        pytest.param(["Zoë Öztürk"], "by Zoe and OZTURK", f"by {COVER} and {COVER}", id="without accents"),
        pytest.param(["王 小明"], "王小明 and 王", f"{COVER} and {COVER}", id="short names of other scripts"),
        pytest.param(["s123456"], "s123456_report.pdf, s1234567", f"{COVER}_report.pdf, s1234567", id="an id, whole"),
        pytest.param(["ada.l@example.org"], "ada.l@example.org", COVER, id="an address"),
        pytest.param(["Li Na"], "a linear net", "a linear net", id="leave it alone: parts of words"),
        pytest.param(
            ["Adam Max"], "Adam, max pooling; by Adam Max", f"Adam, max pooling; by {COVER}", id="words of the field"
        ),
        pytest.param(["17"], "17 of 360", "17 of 360", id="leave it alone: short numbers"),
        pytest.param([], "a", "a", id="nobody"),
    ],
)
def test_what_a_veil_covers(told, text, wanted):
    assert Veil.of(told).over(text) == wanted
