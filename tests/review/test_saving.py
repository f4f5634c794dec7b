"""What people decide is saved as they meant it, at once, signed; and never over what somebody else decided."""

import re
import sys
import threading
from fractions import Fraction

import pytest

from grader.gradebook.nouns import HandInFacts, Waiting
from grader.model import DecisionKind


@pytest.fixture
def desk(app):
    return app.state.desk


@pytest.fixture
def code(waiting):
    return waiting[0]


@pytest.fixture
def rule(desk, code):
    """A rule of task 3 that waits."""
    [one, *_] = [
        rule for task in desk.entry(code).card.tasks if task.task == "3" for rule in task.rules if rule.open_points
    ]
    return one.rule


def decisions(desk, code):
    return [(one.author, one.points, one.reason) for one in desk.entry(code).decisions if not one.is_undone]


def test_points_are_set_signed_and_counted(desk, code, rule, bo):
    before = desk.entry(code).row
    answer = bo.decide(code, rule, "0,5", "half of it is there")
    assert answer.url.fragment.startswith("r2-")
    assert decisions(desk, code) == [("Bo", Fraction(1, 2), "half of it is there")]
    row = desk.entry(code).row
    assert row.points == before.points + Fraction(1, 2)
    assert row.open_points < before.open_points
    page = bo.page(f"/h/{code}")
    assert "half of it is there" in page
    assert "set 0.5 points for" in page


@pytest.mark.parametrize(
    ("points", "reason", "words"),
    [
        ("2", "", "needs a reason"),
        ("-1", "x", "are not between"),
        ("99", "x", "are not between"),
        ("1e1", "x", "is no number of points"),
        ("", "x", "no points are given"),
        ("=1+1", "x", "is no number of points"),
        ("nan", "x", "is no number of points"),
    ],
)
def test_what_cannot_be_meant_is_not_saved_and_said(points, reason, words, desk, code, rule, bo):
    for is_htmx in (False, True):
        answer = bo.decide(code, rule, points, reason, is_htmx=is_htmx)
        assert answer.status_code == 422
        assert words in answer.text
        assert decisions(desk, code) == []


def test_one_press_gives_all_points_with_a_reason(desk, code, rule, bo):
    form = bo.form(code, rule)
    page = bo.page(f"/h/{code}")
    best = re.search(r'name="quick" value="([^"]+)"', page)[1]
    bo.post(f"/h/{code}/decide", {**form, "quick": best})
    [(author, points, reason)] = decisions(desk, code)
    assert (author, str(points), reason) == ("Bo", best, "looked at by hand")


def test_htmx_gets_the_rule_and_all_that_changed_with_it(desk, code, rule, bo):
    answer = bo.decide(code, rule, "0", is_htmx=True)
    assert answer.status_code == 200
    assert re.match(r'\s*<details class="rule[^>]*id="r2-', answer.text)
    for part in ("summary", "history", "points-2", "said"):
        assert re.search(rf'id="{part}"[^>]*hx-swap-oob="true"', answer.text), part
    assert answer.headers["x-version"] == str(desk.entry(code).version)
    assert "<html" not in answer.text


def test_what_is_undone_counts_as_before_and_stays_in_the_history(desk, code, rule, bo):
    before = desk.entry(code).row
    bo.decide(code, rule, "0", "no")
    [number] = [one.id for one in desk.entry(code).decisions]
    bo.post(f"/h/{code}/undo", {"decision": number, "seen_version": bo.version(code)})
    row = desk.entry(code).row
    assert (row.points, row.open_points) == (before.points, before.open_points)
    page = bo.page(f"/h/{code}")
    assert "took back the points" in page
    assert "undone" in page


def test_a_comment_reaches_the_student_and_the_bank(desk, code, bo):
    form = {"kind": "comment", "seen_version": bo.version(code), "seen_ground": ground_of(bo, code)}
    bo.post(f"/h/{code}/decide", {**form, "text": " Name your split. ", "is_kept": "yes"})
    [one] = desk.entry(code).decisions
    assert (one.kind, one.text, one.author) == (DecisionKind.COMMENT, "Name your split.", "Bo")
    assert [remark.text for remark in desk.book.comments("digits")] == ["Name your split."]
    again = {"kind": "comment", "seen_version": bo.version(code), "seen_ground": ground_of(bo, code)}
    bo.post(f"/h/{code}/decide", {**again, "text": "", "from_bank": "Name your split."})
    assert [one.text for one in desk.entry(code).decisions] == ["Name your split."] * 2


def ground_of(browser, code):
    form = re.search(r'value="comment">.*?</form>', browser.page(f"/h/{code}"), re.DOTALL)[0]
    return re.search(r'name="seen_ground" value="(\w+)"', form)[1]


def test_reviewed_goes_on_to_the_next_one(desk, bo, waiting):
    first, second = waiting[:2]
    answer = bo.post(f"/h/{first}/reviewed?task=3&at=1", {"seen_version": bo.version(first), "is_reviewed": "yes"})
    assert answer.url.path == f"/h/{second}"
    assert desk.entry(first).row.is_reviewed
    bo.post(f"/h/{first}/reviewed", {"seen_version": bo.version(first), "is_reviewed": "no"})
    assert not desk.entry(first).row.is_reviewed


# --- two at once: F23 ---------------------------------------------------------------------------


@pytest.mark.fault("F23")
@pytest.mark.parametrize("is_htmx", [False, True])
def test_who_is_slower_sees_both_versions_and_nothing_is_lost(is_htmx, desk, code, rule, ada, bo):
    old = bo.form(code, rule)
    ada.decide(code, rule, "1", "I can see it")
    answer = bo.decide(code, rule, "0", "I can not", form=old, is_htmx=is_htmx, text="typed at length")
    assert answer.status_code == 409
    for words in ("somebody was faster", "Ada", "I can see it", "I can not", "typed at length"):
        assert words in answer.text
    assert decisions(desk, code) == [("Ada", Fraction(1), "I can see it")]
    fresh = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form_with(answer.text, "I can not")))
    bo.post(f"/h/{code}/decide", {**fresh, "points": "0", "reason": "I can not"})
    assert decisions(desk, code) == [("Ada", Fraction(1), "I can see it"), ("Bo", Fraction(0), "I can not")]
    assert desk.entry(code).settled.tasks[2].rules != desk.entry(code).card.tasks[2].rules


def form_with(page, words):
    [found] = [form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'value="{words}"' in form]
    return found


@pytest.mark.fault("F23")
def test_who_decides_on_something_else_is_not_held_up(desk, code, rule, ada, bo):
    old = bo.form(code, rule)
    ada.decide(code, "files", "0", "not these", task="3")
    answer = bo.decide(code, rule, "0", "no", form=old, is_htmx=True)
    assert answer.status_code == 200
    assert "Meanwhile" in answer.text
    assert "not these" in answer.text
    assert {author for author, _, _ in decisions(desk, code)} == {"Ada", "Bo"}


@pytest.mark.fault("F23")
def test_the_whole_task_set_meanwhile_is_a_conflict_with_its_rules(desk, code, rule, ada, bo):
    old = bo.form(code, rule)
    ada.decide(code, "", "3", "all in all", task="3")
    assert bo.decide(code, rule, "0", "no", form=old).status_code == 409
    assert decisions(desk, code) == [("Ada", Fraction(3), "all in all")]


@pytest.mark.fault("F23")
def test_who_marks_as_reviewed_has_seen_all_of_it(desk, code, rule, ada, bo):
    seen = bo.version(code)
    ada.decide(code, rule, "1", "I can see it")
    answer = bo.post(f"/h/{code}/reviewed", {"seen_version": seen, "is_reviewed": "yes"})
    assert answer.status_code == 409
    assert "this was changed while you looked" in answer.text
    assert "I can see it" in answer.text
    assert not desk.entry(code).row.is_reviewed


@pytest.mark.fault("F23")
def test_an_undo_of_what_somebody_built_on_is_a_conflict(desk, code, rule, ada, bo):
    bo.decide(code, rule, "0", "no")
    [number] = [one.id for one in desk.entry(code).decisions]
    seen = bo.version(code)
    ada.decide(code, rule, "1", "yes")
    answer = bo.post(f"/h/{code}/undo", {"decision": number, "seen_version": seen})
    assert answer.status_code == 409
    assert "take it back" in answer.text
    assert [author for author, _, _ in decisions(desk, code)] == ["Bo", "Ada"]


@pytest.mark.fault("F23")
def test_of_many_at_the_same_moment_every_comment_is_kept_and_one_override_wins(desk, code, rule, signed, app):
    browsers = [signed(app, f"TA {number}") for number in range(6)]
    forms = [one.form(code, rule) for one in browsers]
    grounds = [ground_of(one, code) for one in browsers]
    tokens = [one.token() for one in browsers]
    answers, barrier = [], threading.Barrier(len(browsers))

    def both(number):
        client, token = browsers[number].client, tokens[number]
        comment = {"csrf": token, "kind": "comment", "text": f"from {number}", "seen_ground": grounds[number]}
        override = {"csrf": token, **forms[number], "points": "0", "reason": f"by {number}"}
        barrier.wait()
        answers.append(client.post(f"/h/{code}/decide", data=override).status_code)
        client.post(f"/h/{code}/decide", data={**comment, "seen_version": forms[number]["seen_version"]})

    threads = [threading.Thread(target=both, args=(number,)) for number in range(len(browsers))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == [200] + [409] * (len(browsers) - 1)
    made = desk.entry(code).decisions
    assert sorted(one.text for one in made if one.kind is DecisionKind.COMMENT) == [f"from {n}" for n in range(6)]
    assert sum(one.kind is DecisionKind.OVERRIDE for one in made) == 1


# --- a regrade between looking and saving --------------------------------------------------------


def regraded(desk, made, code, like):
    """The hand-in is graded anew: its third task is that of another example now."""
    maker = sys.modules[type(made).__module__]  # tests/desk.py
    entry = desk.entry(code)
    who = next(one for one in maker.class_of(24) if one.id == entry.row.submission)
    card = maker.card_like(who, {"1": "01-perfect", "2": "01-perfect", "3": like})
    desk.book.record([(card, HandInFacts(entry.source, entry.received_at, entry.digest))], command="run-all")


@pytest.mark.fault("F23")
def test_an_override_survives_a_regrade_and_is_flagged(desk, made, code, rule, bo):
    bo.decide(code, rule, "1", "seen in the log")
    regraded(desk, made, code, "03-inflated-accuracy")
    entry = desk.entry(code)
    assert decisions(desk, code) == [("Bo", Fraction(1), "seen in the log")]
    assert Waiting.MOVED in entry.row.waiting
    page = bo.page(f"/h/{code}")
    assert "the findings have changed since" in page
    assert "graded anew" in page
    assert code in bo.page("/a/digits?show=moved")


@pytest.mark.fault("F23")
def test_a_decision_on_findings_that_changed_meanwhile_is_not_saved(desk, made, code, rule, bo):
    old = bo.form(code, rule)
    regraded(desk, made, code, "03-inflated-accuracy")
    answer = bo.decide(code, rule, "1", "on what I saw", form=old)
    assert answer.status_code == 409
    assert "graded anew" in answer.text
    assert "on what I saw" in answer.text
    assert decisions(desk, code) == []
