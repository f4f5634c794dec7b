"""The review page in a real browser: ten hand-ins by keyboard, two TAs at once, a regrade, hostile words, no script."""

import re
from fractions import Fraction

import pytest
from playwright.sync_api import expect

from grader.course import load_course
from grader.gradebook.nouns import HandInFacts, Query, Waiting
from grader.model import DecisionKind
from grader.review.app import review_app
from grader.web.people import Role
from tests import desk


@pytest.fixture
def made(tmp_path):
    return desk.desk(tmp_path / "course", 40, files=4)


@pytest.fixture
def page_of(made, serve, visit):
    """page_of("Bo", is_head=False, **options) -> a Visit in which Bo is signed in. `page_of.desk` is the server's."""
    app = review_app(load_course(made.course), made.url)
    url = serve(lambda _port: app)

    def open_(name, *, is_head=False, **options):
        token = app.state.desk.people.invite(name, Role.HEAD if is_head else Role.TA)
        seen = visit(f"{url}/sign-in?link={token}", **options)
        with seen.moving():
            seen.page.get_by_role("button", name="Sign in").click()
        assert seen.page.url.endswith("/a/digits")
        return seen

    open_.desk = app.state.desk
    return open_


def waiting_of(server):
    return server.book.rows("digits", Query(is_queue=True)).rows


# --- by keyboard ----------------------------------------------------------------------------------


@pytest.mark.timeout(300)
def test_ten_hand_ins_are_reviewed_by_keyboard_alone(page_of, axe, pictures):
    seen = page_of("Bo")
    page, server = seen.page, page_of.desk
    before = waiting_of(server)
    assert len(before) >= 10
    pictures(seen, "review-queue")
    assert axe(seen) == []
    page.keyboard.press("j")
    expect(page.locator("#list a.to:focus")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/h/**")
    for number in range(10):
        while left := page.locator("details[data-waits]").count():
            page.keyboard.press("n")
            expect(page.locator("details[data-waits] [data-quick='1']:focus")).to_have_count(1)
            page.keyboard.press("1")
            expect(page.locator("details[data-waits]")).to_have_count(left - 1)
        if number == 0:
            pictures(seen, "review-decided")
        here = page.url
        page.keyboard.press("r")
        page.wait_for_url(lambda url, here=here: url != here)
    seen.assert_nothing_acted()
    done = [row for row in server.book.rows("digits").rows if row.is_reviewed]
    assert len(done) == 10
    assert {row.id for row in done} == {row.id for row in before[:10]}
    assert {row.reviewed_by for row in done} == {"Bo"}
    assert all(row.open_points == 0 for row in done)
    assert not {row.id for row in done} & {row.id for row in waiting_of(server)}
    for row in done:
        assert {one.author for one in server.book.entry(row.id).decisions} == {"Bo"}


def test_keys_go_back_and_forth_search_comment_and_undo(page_of):
    seen = page_of("Bo")
    page, server = seen.page, page_of.desk
    page.locator("#list a.to").first.click()
    page.wait_for_url("**/h/**")
    first = page.url
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: url != first)
    page.keyboard.press("k")
    page.wait_for_url(first)
    page.keyboard.press("c")
    page.keyboard.type("jkr: keys are letters here")
    expect(page.get_by_label("Comment", exact=True)).to_have_value("jkr: keys are letters here")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#comments .comment")).to_contain_text("keys are letters here")
    expect(page.get_by_label("Comment", exact=True)).to_have_value("")
    page.locator("h1").click()
    page.keyboard.press("u")
    expect(page.locator("#comments .comment")).to_have_count(0)
    assert page.url == first
    page.keyboard.press("q")
    page.wait_for_url("**/a/digits")
    page.keyboard.press("/")
    page.keyboard.type("nobody at all")
    expect(page).to_have_url(re.compile("q=nobody(%20|[+])at(%20|[+])all"))  # less of it fits as little
    expect(page.get_by_text("No hand-in fits.")).to_be_visible()
    assert all(not row.is_reviewed for row in server.book.rows("digits").rows)
    seen.assert_nothing_acted()


def test_single_keys_can_be_switched_off(page_of):
    seen = page_of("Bo")
    page = seen.page
    page.keyboard.press("?")
    page.wait_for_url("**/keys")
    page.get_by_role("button", name="Single keys are on").click()
    expect(page.get_by_role("button", name="Single keys are off")).to_be_visible()
    seen.go("/a/digits")
    page.locator("#list a.to").first.click()
    page.wait_for_url("**/h/**")
    here = page.url
    page.evaluate("""() => { window.acted = []; for (const kind of ["click", "focusin", "submit", "beforeunload"])
      window.addEventListener(kind, (event) => window.acted.push(event.type), true) }""")
    for key in ("j", "r", "n", "u"):
        page.keyboard.press(key)
    assert page.evaluate("window.acted") == []  # a press returns when the page has done what it does with it
    assert page.url == here
    page.evaluate("localStorage.setItem('grader-keys', 'on')")
    page.keyboard.press("n")
    assert page.evaluate("window.acted") != []


def test_everything_can_be_reached_by_tab(page_of):
    """From the top of the page to a saved decision, without a single key and without a mouse."""
    seen = page_of("Bo")
    page = seen.page
    page.locator("#list a.to").first.click()
    page.wait_for_url("**/h/**")
    page.wait_for_load_state("networkidle")
    focused = page.locator(":focus")
    for _ in range(120):
        page.keyboard.press("Tab")
        if focused.count() and focused.get_attribute("data-quick") == "1":
            break
    else:
        pytest.fail("no way to the decision by Tab")
    outline = focused.evaluate("one => getComputedStyle(one).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    expect(page.locator(".decision").first).to_contain_text("Bo")


# --- two at once ----------------------------------------------------------------------------------


def test_two_tas_on_one_rule_see_both_versions_and_lose_nothing(page_of, axe, pictures):
    ada, bo = page_of("Ada", is_head=True), page_of("Bo")
    server = page_of.desk
    [row, *_] = [row for row in waiting_of(server) if row.open_tasks]
    code = server.code(row.id)
    for seen in (ada, bo):
        seen.go(f"/h/{code}")
    rule = ada.page.locator("details[data-waits]").first.get_attribute("id")

    def save(seen, points, reason, text=""):
        box = seen.page.locator(f"#{rule}")
        if not box.get_by_label("Points,").is_visible():
            box.get_by_text(re.compile("Other points|Set other points")).click()
        box.get_by_label("Points,").fill(points)
        box.get_by_label("Reason").fill(reason)
        box.get_by_label("To the student").fill(text)
        box.get_by_role("button", name="Save").click()

    bo.page.get_by_label("Comment", exact=True).fill("half a comment, not sent yet")
    save(ada, "1", "I can see it in the log")
    expect(ada.page.locator(f"#{rule} .decision")).to_contain_text("Ada")
    save(bo, "0", "I can not", "show your log")
    told = bo.page.locator(f"#{rule} [role=alert]")
    expect(told).to_contain_text("somebody was faster")
    expect(told).to_contain_text("I can see it in the log")
    expect(told).to_contain_text("I can not")
    expect(bo.page.locator(f"#{rule}").get_by_label("Reason")).to_have_value("I can not")
    expect(bo.page.locator(f"#{rule}").get_by_label("To the student")).to_have_value("show your log")
    expect(bo.page.get_by_label("Comment", exact=True)).to_have_value("half a comment, not sent yet")
    assert axe(bo) == []
    pictures(bo, "review-conflict")
    bo.page.locator(f"#{rule}").get_by_role("button", name="Save").click()
    expect(bo.page.locator(f"#{rule} .decision").first).to_contain_text("Bo: 0 points")
    expect(bo.page.locator(f"#{rule} .decision").nth(1)).to_contain_text("replaced")
    made = server.book.entry(row.id).decisions
    assert [(one.author, one.points) for one in made] == [("Ada", Fraction(1)), ("Bo", Fraction(0))]
    for seen in (ada, bo):
        seen.assert_nothing_acted(forgiven=("409",))


def test_who_typed_something_is_asked_before_it_is_gone(page_of):
    seen = page_of("Bo")
    page = seen.page
    page.locator("#list a.to").first.click()
    page.wait_for_url("**/h/**")
    page.get_by_label("Comment", exact=True).fill("not sent")
    asked = []
    page.on("dialog", lambda dialog: asked.append(dialog.type))
    page.locator("h1").click()
    with page.expect_event("dialog"):
        page.keyboard.press("j")
    assert asked == ["beforeunload"]
    expect(page.get_by_label("Comment", exact=True)).to_have_value("not sent")


# --- a regrade -----------------------------------------------------------------------------------


def test_an_override_survives_a_regrade_and_is_flagged(page_of, pictures, axe):
    seen, server = page_of("Bo"), page_of.desk
    page = seen.page
    row = next(row for row in waiting_of(server) if "3" in row.open_tasks)
    code, entry = server.code(row.id), server.book.entry(row.id)
    seen.go(f"/h/{code}")
    page.keyboard.press("n")
    page.keyboard.press("1")
    expect(page.locator(".decision")).to_have_count(1)
    [decision] = server.book.entry(row.id).decisions
    who = next(one for one in desk.class_of(40) if one.id == row.submission)
    card = desk.card_like(who, {"1": "01-perfect", "2": "01-perfect", "3": "03-inflated-accuracy"})
    server.book.record([(card, HandInFacts(entry.source, entry.received_at, entry.digest))], command="run-all")
    seen.go("/a/digits?show=moved")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    with seen.moving():
        page.locator("#list a.to").click()
    box = page.locator(".decision").first
    expect(box).to_contain_text("the findings have changed since")
    expect(box).to_contain_text("Bo")
    assert axe(seen) == []
    pictures(seen, "review-moved")
    now = server.book.entry(row.id)
    assert Waiting.MOVED in now.row.waiting
    assert [(one.id, one.points, one.is_undone) for one in now.decisions] == [(decision.id, decision.points, False)]
    seen.assert_nothing_acted()


# --- hostile words -------------------------------------------------------------------------------


@pytest.mark.attack(80, 81, 82)
@pytest.mark.timeout(300)
def test_a_hostile_hand_in_does_nothing_on_any_page(made, page_of, words, axe, pictures):
    server = page_of.desk
    folder = made.submissions / "hostile"
    folder.mkdir()
    words.write_hand_in(folder)
    card = words.hostile_card("hostile", extra=50)
    server.book.record([(card, HandInFacts(str(folder)))], command="run-all")
    row = next(row for row in server.book.rows("digits").rows if row.submission == "hostile")
    said = {"author": "Bo", "text": words.ALL, "reason": words.ALL, "points": Fraction(2)}
    server.book.decide(row.id, DecisionKind.OVERRIDE, task="1", rule="words", seen_version=row.version, **said)
    seen = page_of("Ada", is_head=True)
    page = seen.page
    pages = ["/a/digits?show=all", f"/h/{server.code(row.id)}", f"/h/{server.code(row.id)}/files"]
    pages += [f"/h/{server.code(row.id)}/exhibits", "/a/digits/comments"]
    server.book.save_comment("digits", words.ALL, "Bo")
    for path in pages:
        assert seen.go(path).status == 200
        page.wait_for_load_state("networkidle")
        assert axe(seen) == [], path
        seen.assert_nothing_acted()
    pictures(seen, "review-bank-hostile")
    with server.hand_ins.of(server.book.entry(row.id)) as submission:
        files = len(submission.files)
    for number in range(files):
        seen.go(f"/h/{server.code(row.id)}/file/{number}")
        page.wait_for_load_state("networkidle")
        assert page.locator("iframe, object, embed").count() == 0
        seen.assert_nothing_acted()
    seen.go(f"/h/{server.code(row.id)}")
    page.keyboard.press("e")
    expect(page.locator("#files table")).to_be_visible()
    pictures(seen, "review-hostile", is_whole=False)
    with page.expect_download() as download:
        page.locator("#files a", has_text="save").first.click()
    assert download.value.suggested_filename
    assert page.url.endswith(f"/h/{server.code(row.id)}")
    seen.assert_nothing_acted()


# --- for everybody -------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_accessibility(scheme, page_of, axe, pictures):
    seen, server = page_of("Ada", is_head=True, scheme=scheme), page_of.desk
    page_of.desk.people.invite("Bo")
    server.book.save_comment("digits", "Say which split you used.", "Ada")
    code = server.code(waiting_of(server)[0].id)
    paths = ["/a/digits", "/a/digits?show=all&page=1", f"/h/{code}", f"/h/{code}/files", f"/h/{code}/file/0"]
    for path in [*paths, "/people", "/keys", "/a/digits/comments", "/a/nothing"]:
        seen.go(path)
        seen.page.wait_for_load_state("networkidle")
        assert axe(seen) == [], path
        name = re.sub(r"\W+", "-", path.replace(code, "code")).strip("-")
        pictures(seen, f"review-{name}", schemes=(scheme,))
        assert seen.page.locator("main").count() == seen.page.locator("h1").count() == 1


def test_a_narrow_screen_needs_no_scrolling_sideways(page_of):
    seen, server = page_of("Bo", width=400), page_of.desk
    for path in ("/a/digits", f"/h/{server.code(waiting_of(server)[0].id)}"):
        seen.go(path)
        seen.page.wait_for_load_state("networkidle")  # with its curves and tables
        wide = seen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_without_javascript_everything_that_matters_works(page_of):
    seen, server = page_of("Bo", java_script_enabled=False), page_of.desk
    page = seen.page
    page.get_by_label("Waits because").select_option("unknown")
    with seen.moving():
        page.get_by_role("button", name="Show").click()
    with seen.moving():
        page.locator("#list a.to").first.click()
    code = re.search(r"/h/(\w+)", page.url)[1]
    box = page.locator("details[data-waits]").first
    with seen.moving():
        box.locator("[data-quick='1']").click()
    expect(page.locator(".decision").first).to_contain_text("Bo")
    page.get_by_label("Comment", exact=True).fill("without script")
    with seen.moving():
        page.get_by_role("button", name="Comment").click()
    expect(page.locator("#comments .comment")).to_contain_text("without script")
    with seen.moving():
        page.get_by_role("link", name="Curves, tables and images").click()
    expect(page.locator("h1")).to_have_text("Curves, tables and images")
    page.go_back()
    with seen.moving():
        page.get_by_role("button", name="Take back").click()
    expect(page.locator("#comments .comment")).to_have_count(0)
    with seen.moving():
        page.get_by_role("button", name="Reviewed, next").click()
    assert server.entry(code).row.is_reviewed
    assert "/h/" in page.url


def test_anonymous_mode_covers_names_and_says_so(page_of, pictures):
    ada, server = page_of("Ada", is_head=True), page_of.desk
    with ada.moving():
        ada.page.get_by_role("button", name="Hide names from everybody").click()
    expect(ada.page.get_by_text("anonymous", exact=True).first).to_be_visible()
    row = waiting_of(server)[0]
    for name in (row.students[0].name, row.submission):
        assert name not in ada.page.content()
    ada.page.locator("#list a.to").first.click()
    expect(ada.page.locator("h1")).to_contain_text("Hand-in ")
    pictures(ada, "review-anonymous")
    ada.assert_nothing_acted()
