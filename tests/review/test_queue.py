"""The list shows what waits, the most urgent first; filters and search narrow it, and no row is twice in it or lost."""

import re

import pytest

from grader.gradebook.nouns import HandInFacts, Query, Waiting
from grader.review.queue import Filters, neighbours, urgency

LINK = re.compile(r'<a class="to" href="/h/(\w+)')


def codes(page):
    return LINK.findall(page)


@pytest.fixture
def rows(app):
    return app.state.desk.book.rows("digits").rows


def test_the_one_assignment_is_opened_at_once(ada):
    assert ada.get("/").url.path == "/a/digits"


def test_what_waits_stands_first_and_the_rest_does_not(ada, app, rows):
    desk = app.state.desk
    by_code = {desk.code(row.id): row for row in rows}
    shown = [by_code[code] for code in codes(ada.page("/a/digits"))]
    assert {row.id for row in shown} == {row.id for row in rows if row.waiting}
    assert len(shown) > 3
    ranks = [urgency(row) for row in shown]
    assert ranks == sorted(ranks)
    assert {1, 2} <= set(ranks)


def test_everything_is_everything_once(ada, rows):
    shown = codes(ada.page("/a/digits?show=all"))
    assert len(shown) == len(set(shown)) == len(rows)


def test_a_name_an_id_and_a_hand_in_are_found(ada, rows):
    row = rows[3]
    for words in (row.students[0].name.split()[0], row.students[0].id.upper(), row.submission):
        page = ada.client.get("/a/digits", params={"show": "all", "q": words}).text
        assert row.submission in page
    assert codes(ada.page("/a/digits?show=all&q=nobody-of-this-name")) == []
    assert "No hand-in fits" in ada.page("/a/digits?q=nobody-of-this-name")


@pytest.mark.parametrize("why", list(Waiting))
def test_a_reason_filters(why, ada, app, rows):
    desk = app.state.desk
    wanted = {desk.code(row.id) for row in rows if why in row.waiting}
    assert set(codes(ada.page(f"/a/digits?show=all&why={why.value}"))) == wanted


def test_what_is_no_longer_there_is_in_no_view_but_its_own(ada, app, rows):
    desk = app.state.desk
    entry = desk.book.entry(rows[0].id)
    others = [(desk.book.entry(row.id), row) for row in rows[1:]]
    cards = [(one.card, HandInFacts(one.source, one.received_at, one.digest)) for one, _ in others]
    assert "no longer there" not in ada.page("/a/digits")
    from pathlib import Path

    desk.book.record(cards, command="run-all", folder=str(Path(entry.source).parent))
    code = desk.code(entry.id)
    assert code not in codes(ada.page("/a/digits?show=all"))
    assert codes(ada.page("/a/digits?show=gone")) == [code]
    assert "did not find it any more" in ada.page(f"/h/{code}")


def test_words_that_are_none_of_ours_change_nothing(ada):
    assert codes(ada.page("/a/digits?show=x&why=y&order=z&page=-1&page=%00")) == codes(ada.page("/a/digits"))


def test_pages_hold_every_row_once(ada, app, monkeypatch):
    from grader.review import queue

    monkeypatch.setattr(queue, "ROWS", 5)
    found = []
    page = ada.page("/a/digits?show=all&order=name")
    while True:
        found += codes(page)
        behind = re.search(r'href="([^"]+)" rel="next"', page)
        if behind is None:
            break
        page = ada.page(behind[1].replace("&amp;", "&"))
    desk = app.state.desk
    assert found == [desk.code(row.id) for row in desk.book.rows("digits").rows]


def test_a_page_behind_the_last_is_the_last(ada):
    assert ada.get("/a/digits?show=all&page=99").url.params["show"] == "all"
    assert codes(ada.page("/a/digits?show=all&page=99"))


def test_htmx_gets_the_list_alone(ada):
    answer = ada.client.get("/a/digits", headers={"hx-request": "true", "hx-target": "list"})
    assert answer.text.startswith('<section id="list"')


def test_next_and_previous_walk_the_whole_list_and_come_back_to_it(ada):
    shown = codes(ada.page("/a/digits"))
    walked, url = [shown[0]], f"/h/{shown[0]}/next?at=1"
    while True:
        answer = ada.get(url)
        if answer.url.path == "/a/digits":
            break
        walked.append(answer.url.path.removeprefix("/h/"))
        url = f"{answer.url.path}/next?{answer.url.query.decode()}"
        assert answer.url.params["at"] == str(len(walked))
    assert walked == shown
    assert ada.get(f"/h/{shown[2]}/previous?at=3").url.path == f"/h/{shown[1]}"
    assert ada.get(f"/h/{shown[0]}/previous?at=1").url.path == "/a/digits"


@pytest.mark.parametrize(
    ("number", "place", "wanted"),
    [
        pytest.param(2, 2, (2, 1, 3), id="in the middle"),
        pytest.param(1, 1, (1, None, 2), id="the first"),
        pytest.param(4, 4, (4, 3, None), id="the last"),
        pytest.param(9, 2, (0, 1, 2), id="left the list: what moved up is next"),
        pytest.param(9, 1, (0, None, 1), id="left the list from its top"),
        pytest.param(9, 5, (0, 4, None), id="left the list from its end"),
        pytest.param(9, 99, (0, 4, None), id="a place that there is not"),
    ],
)
def test_who_stands_beside(number, place, wanted, rows):
    from dataclasses import replace

    listed = [replace(rows[0], id=one) for one in (1, 2, 3, 4)]
    found = neighbours(listed, number, place)
    assert (found.place, found.before, found.behind) == wanted


# --- whose work ---------------------------------------------------------------------------------


def test_a_ta_takes_what_is_nobodys_and_gives_it_back(bo, app, waiting):
    desk = app.state.desk
    bo.post("/a/digits/assign", {"code": waiting[:2], "to": "Bo"})
    assert set(codes(bo.page("/a/digits?show=mine"))) == set(waiting[:2])
    assert not set(waiting[:2]) & set(codes(bo.page("/a/digits?show=free")))
    bo.post(f"/h/{waiting[0]}/assign", {"to": ""})
    assert desk.entry(waiting[0]).row.assigned_to == ""


def test_a_ta_gives_work_to_nobody_else(bo, app, waiting):
    bo.post("/a/digits/assign", {"code": waiting[:1], "to": "Ada"})
    assert app.state.desk.entry(waiting[0]).row.assigned_to == "Bo"


def test_work_that_waits_is_shared_out_evenly_and_nothing_is_taken_away(ada, bo, app, waiting):
    desk = app.state.desk
    ada.post("/a/digits/assign", {"code": waiting[:1], "to": "Bo"})
    assert bo.post("/a/digits/share").status_code == 403
    ada.post("/a/digits/share")
    owners = [row.assigned_to for row in desk.book.rows("digits", Query(is_queue=True)).rows]
    assert desk.entry(waiting[0]).row.assigned_to == "Bo"
    assert abs(owners.count("Ada") - owners.count("Bo")) <= 1
    assert set(owners) == {"Ada", "Bo"}


def test_nobody_who_is_not_there_is_given_work(ada, app, waiting):
    ada.post("/a/digits/assign", {"code": waiting[:1], "to": "Mallory"})
    assert app.state.desk.entry(waiting[0]).row.assigned_to == ""


# --- the comment bank ---------------------------------------------------------------------------


def test_the_bank_keeps_what_is_said_again_and_again(ada, bo):
    bo.post("/a/digits/comments", {"text": "Say which split you used."})
    page = ada.page("/a/digits/comments")
    assert "Say which split you used." in page
    number = re.search(r'name="remove" value="(\d+)"', page)[1]
    ada.post("/a/digits/comments", {"text": "by Ada"})
    other = re.findall(r'name="remove" value="(\d+)"', ada.page("/a/digits/comments"))[-1]
    bo.post("/a/digits/comments", {"remove": other})
    assert "by Ada" in bo.page("/a/digits/comments")
    bo.post("/a/digits/comments", {"remove": number})
    assert "Say which split" not in ada.page("/a/digits/comments")


def test_filters_are_an_address_and_back():
    for filters in (Filters(), Filters("mine", "review", "3", "a&b =é", "most", 4)):
        from urllib.parse import parse_qsl

        assert Filters.of(dict(parse_qsl(filters.words.removeprefix("?")))) == filters
