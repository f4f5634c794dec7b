"""A student in a real browser: signs in, uploads, watches the place in the queue, reads the result."""

import importlib.util
import sys
import threading
from pathlib import Path

import pytest

_NAME = "service_desk_of_tests"


def _tools():
    """tests/service/desk.py: tests are no package."""
    if _NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(_NAME, Path(__file__).parents[1] / "service" / "desk.py")
        sys.modules[_NAME] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[_NAME]


@pytest.fixture
def desk(tmp_path):
    """A service with the students ada and bob; see tests/service/desk.py."""
    tools = _tools()
    made = tools.Desk(tmp_path / "course", toml="[service]\nattempts = 4\n")
    made.tools = tools
    made.add("ada", "bob")
    yield made
    made.close()


@pytest.fixture
def zips(desk, tmp_path):
    """zips(first=1) -> the path of a zip with these answers."""

    def make(name="work.zip", **answers):
        path = tmp_path / name
        path.write_bytes(desk.tools.hand_in(**answers))
        return path

    return make


@pytest.fixture
def signed_in(serve, visit, desk):
    """signed_in("ada", scheme="dark") -> the page of a student who has just signed in."""
    url = serve(desk.app)

    def open_(student, **how):
        seen = visit(url, **how)
        seen.page.get_by_label("Your token").fill(desk.tokens[student])
        with seen.moving():
            seen.page.get_by_role("button", name="Sign in").click()
        seen.page.get_by_role("heading", name="Assignments").wait_for()
        return seen

    open_.url = url
    return open_


def upload(seen, path):
    """Hand it in. It is there, or refused, when this returns."""
    with seen.moving():
        seen.page.get_by_role("link", name="Two sums").click()
    seen.page.get_by_label("A zip of the folder").set_input_files(path)
    with seen.moving():
        seen.page.get_by_role("button", name="Upload").click()


def test_upload_place_and_result_come_to_the_page_by_themselves(desk, signed_in, zips, axe, pictures):
    bob = signed_in("bob")
    upload(bob, zips("bob.zip", first=2))
    ada = signed_in("ada")
    upload(ada, zips(second=1))
    ada.page.get_by_text("1 is before it").wait_for()
    assert axe(ada) == []
    pictures(ada, "service-waiting")
    desk.queue.release(desk.queue.claim(desk.rubrics.digest))
    grading = threading.Thread(target=desk.grade)
    grading.start()
    ada.page.get_by_role("heading", name="1 of 3 points").wait_for()  # nobody has loaded the page anew
    grading.join()
    assert "9731" not in ada.page.content()
    assert axe(ada) == []
    pictures(ada, "service-result")
    ada.assert_nothing_acted()
    bob.assert_nothing_acted()


def test_every_page_has_no_serious_fault(signed_in, zips, axe, pictures, visit):
    door = visit(signed_in.url)
    assert axe(door) == []
    pictures(door, "service-door")
    ada = signed_in("ada")
    assert axe(ada) == []
    upload(ada, zips("refused.zip"))
    ada.go("/assignments/sums")
    assert axe(ada) == []
    pictures(ada, "service-assignment")


def test_what_is_refused_is_told_where_it_was_sent(signed_in, tmp_path, axe):
    (tmp_path / "no.zip").write_bytes(b"<html>log in</html>")
    ada = signed_in("ada")
    upload(ada, tmp_path / "no.zip")
    ada.page.get_by_role("alert").get_by_text("web page").wait_for()
    assert axe(ada) == []


def test_all_of_it_works_without_scripts(desk, signed_in, zips):
    ada = signed_in("ada", java_script_enabled=False)
    upload(ada, zips())
    assert ada.page.get_by_text("It is next").is_visible()
    desk.grade()
    with ada.moving():
        ada.page.get_by_role("link", name="See how far it is").click()
    assert ada.page.get_by_role("heading", name="3 of 3 points").is_visible()


def test_the_keyboard_is_enough(signed_in, zips):
    ada = signed_in("ada")
    ada.page.get_by_role("link", name="Two sums").focus()
    with ada.moving():
        ada.page.keyboard.press("Enter")
    ada.page.get_by_label("A zip of the folder").set_input_files(zips())
    ada.page.get_by_label("A zip of the folder").focus()
    ada.page.keyboard.press("Tab")
    ada.page.keyboard.press("Enter")
    ada.page.get_by_text("It is next").wait_for()


@pytest.mark.attack_partly(80)
def test_names_and_texts_that_try_to_run_script_do_nothing(desk, signed_in, zips):
    script = "<img src=x onerror=\"window.owned=1;document.title='owned by x'\">"
    ada = signed_in("ada")
    upload(ada, zips("x<svg onload=owned=1>.zip", first=script, second=1, student="bob"))
    desk.grade()
    ada.page.reload()
    ada.page.get_by_role("heading", name="0 of 3 points").wait_for()
    ada.assert_nothing_acted()
    ada.go("/assignments/sums")
    ada.assert_nothing_acted()
