"""A number, a code or a name that somebody made up leads to nothing that is not theirs: attack 86."""

from itertools import pairwise

import pytest

from grader.gradebook.nouns import HandInFacts
from grader.model import DecisionKind
from grader.review.codes import code_of, number_of

NOWHERE = ["1", "0", "2222222", "zzzzzzz", "........", "%2e%2e%2fetc", "s0001", "-1", "2222222222"]


@pytest.fixture
def desk(app):
    return app.state.desk


@pytest.fixture
def other(desk, made, open_app):
    """Another assignment of the same gradebook, and a page that serves only the first."""
    import sys
    from dataclasses import replace

    maker = sys.modules[type(made).__module__]  # tests/desk.py
    card = replace(maker.cards(1)[0], assignment="secret", submission="theirs")
    desk.book.record([(card, HandInFacts("/nowhere"))], command="run-all")
    [row] = desk.book.rows("secret").rows
    return open_app(made.course, made.url, only=["digits"]), desk.code(row.id)


def pages_of(code):
    parts = "next previous exhibits files file/0 file/0/save file/0/picture see/r0-0/0"
    return [f"/h/{code}", *(f"/h/{code}/{part}" for part in parts.split())]


@pytest.mark.attack(86)
@pytest.mark.parametrize("code", NOWHERE)
def test_a_code_that_was_made_up_leads_nowhere(code, ada):
    for path in pages_of(code):
        assert ada.get(path).status_code == 404, path
    for part in ("decide", "undo", "reviewed", "assign"):
        sent = {"kind": "comment", "text": "x", "seen_version": 1, "decision": 1, "to": ""}
        assert ada.post(f"/h/{code}/{part}", sent).status_code == 404, part


@pytest.mark.attack(86)
def test_another_assignments_hand_in_is_not_there(other, signed, desk):
    app, code = other
    browser = signed(app, "Ada", is_head=True)
    for path in [*pages_of(code), "/a/secret", "/a/secret/comments"]:
        assert browser.get(path).status_code == 404, path
    sent = {"kind": "comment", "text": "x", "seen_version": 1, "decision": 1, "to": "Ada"}
    for part in ("decide", "undo", "reviewed", "assign"):
        assert browser.post(f"/h/{code}/{part}", sent).status_code == 404
    assert browser.post("/a/secret/comments", {"text": "x"}).status_code == 404
    assert browser.post("/a/digits/assign", {"code": [code], "to": "Ada"}).status_code == 404
    entry = desk.entry(code)
    assert (entry.decisions, entry.row.assigned_to) == ((), "")


@pytest.mark.attack(86)
def test_work_of_somebody_else_is_read_and_not_changed(desk, ada, bo, signed, app, waiting):
    code = waiting[0]
    bo.post(f"/h/{code}/assign", {"to": "Bo"})
    cy = signed(app, "Cy")
    page = cy.page(f"/h/{code}")
    assert "This is the work of Bo" in page
    assert "/decide" not in page
    version = desk.entry(code).version
    sent = {"kind": "comment", "text": "x", "seen_version": version, "decision": 1, "to": "Cy", "is_reviewed": "yes"}
    for part in ("decide", "undo", "reviewed", "assign"):
        assert cy.post(f"/h/{code}/{part}", sent).status_code == 403, part
    assert cy.post("/a/digits/assign", {"code": [code], "to": "Cy"}).status_code == 403
    assert desk.entry(code).version == version
    assert ada.post(f"/h/{code}/reviewed", sent).status_code == 200
    assert desk.entry(code).row.reviewed_by == "Ada"


@pytest.mark.attack(86)
def test_a_decision_of_another_hand_in_is_not_undone_from_here(desk, bo, waiting):
    first, second = waiting[:2]
    entry = desk.entry(first)
    made = desk.book.decide(entry.id, DecisionKind.COMMENT, author="Ada", seen_version=entry.version, text="mine")
    answer = bo.post(f"/h/{second}/undo", {"decision": made.decisions[-1].id, "seen_version": bo.version(second)})
    assert answer.status_code == 422
    assert not desk.entry(first).decisions[-1].is_undone


@pytest.mark.attack(86)
def test_nobody_signs_a_decision_with_another_name(desk, bo, waiting):
    code = waiting[0]
    sent = {"kind": "comment", "text": "x", "seen_version": bo.version(code), "author": "Ada", "person": "Ada"}
    bo.post(f"/h/{code}/decide", {**sent, "seen_ground": ground(bo, code)})
    assert [one.author for one in desk.entry(code).decisions] == ["Bo"]


def ground(browser, code):
    from grader.review.hand_in import view_of

    return view_of(browser.desk.entry(code)).whole.ground


@pytest.mark.attack(86)
@pytest.mark.parametrize("number", [-1, 4, 99, 10**9, "x", "..%2F..%2Fetc%2Fpasswd"])
def test_a_file_that_is_not_of_this_hand_in_is_not_there(number, ada, desk):
    row = next(row for row in desk.book.rows("digits").rows if row.submission == "s0001")
    code = desk.code(row.id)
    assert ada.get(f"/h/{code}/file/0").status_code == 200
    for part in ("", "/save", "/picture"):
        assert ada.get(f"/h/{code}/file/{number}{part}").status_code in (404, 422)


@pytest.mark.attack(86)
def test_a_link_within_a_hand_in_is_not_followed(ada, desk, made):
    """Planted behind the grader's back: what intake refuses is no file of the hand-in, and is not sent."""
    row = next(row for row in desk.book.rows("digits").rows if row.submission == "s0001")
    folder = desk.book.entry(row.id).source
    from pathlib import Path

    own = Path(made.course) / "secret.txt"
    own.write_text("the labels")
    link = Path(folder) / "zz.txt"
    link.symlink_to(own)
    try:
        page = ada.page(f"/h/{desk.code(row.id)}/files")
        assert "zz.txt" not in page
        for number in range(8):
            assert "the labels" not in ada.get(f"/h/{desk.code(row.id)}/file/{number}/save").text
    finally:
        link.unlink()


def test_codes_are_one_to_one_and_say_nothing_of_the_order():
    codes = [code_of(number, "key") for number in range(2000)]
    assert len(set(codes)) == 2000
    assert [number_of(code, "key") for code in codes] == list(range(2000))
    assert sorted(codes) != codes
    rising = sum(a < b for a, b in pairwise(codes))
    assert 800 < rising < 1200  # as often as not: a coin's 2,000 throws stay within nine standard deviations


def test_a_large_file_arrives_as_it_is_or_not_at_all(ada, desk):
    """It is sent in parts from the file itself; of a file that is another by then nothing is sent."""
    import os
    from pathlib import Path

    row = next(row for row in desk.book.rows("digits").rows if row.submission == "s0002")
    big = Path(desk.book.entry(row.id).source) / "zz.bin"
    data = os.urandom(5 << 20)
    big.write_bytes(data)
    try:
        code = desk.code(row.id)
        with desk.hand_ins.of(desk.book.entry(row.id)) as submission:
            number = [file.path for file in submission.files].index("zz.bin")
        answer = ada.get(f"/h/{code}/file/{number}/save")
        assert answer.content == data
        assert answer.headers["content-length"] == str(len(data))
        stamp = Path(desk.book.entry(row.id).source).stat()
        big.write_bytes(b"another" + data)
        os.utime(desk.book.entry(row.id).source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert ada.get(f"/h/{code}/file/{number}/save").status_code == 409
    finally:
        big.unlink()
