"""What is recorded comes back, what people decide stays, and everything that ever was is in the history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from grader.errors import UsageError
from grader.gradebook.book import Gradebook
from grader.gradebook.nouns import Order, Query, Waiting
from grader.model import Amount, DecisionKind, LatePolicy, Outcome, Problem, Student
from grader.settling import settle
from tests import desk
from tests.gradebook.cases import HALF, card, facts, found, recorded, rubric, with_facts

OVERRIDE, COMMENT = DecisionKind.OVERRIDE, DecisionKind.COMMENT


def names(page):
    return [row.submission for row in page.rows]


def set_points(book, entry, points, task="1", rule="", author="ta", **more):
    return book.decide(
        entry.id, OVERRIDE, task=task, rule=rule, points=Fraction(points), reason="seen", author=author,
        seen_version=entry.version, **more,
    )  # fmt: skip


# --- runs ------------------------------------------------------------------------------------------


def test_a_card_comes_back_equal_with_its_facts(book):
    at = datetime(2026, 3, 9, 10, tzinfo=UTC)
    one = card(a=Fraction(1, 3), b=None)
    book.record([(one, facts(received_at=at))])
    [row] = book.rows("demo").rows
    entry = book.entry(row.id)
    assert entry.card == entry.settled == one
    assert (entry.source, entry.received_at, entry.digest) == ("/class/ada", at, "d" * 64)
    assert (row.points, row.max_points, row.open_points) == (Fraction(4, 3) + 6, 12, 2)
    assert book.assignments() == ["demo"]


def test_the_same_run_twice_changes_nothing(book):
    cards = with_facts(card("ada"), card("bob", a=0))
    first = book.record(cards)
    before = [book.entry(row.id) for row in book.rows("demo").rows]
    again = book.record(cards)
    assert (first.new, first.same) == (2, 0)
    assert (again.new, again.changed, again.same) == (0, 0, 2)
    assert [book.entry(one.id) for one in before] == before
    assert [len(book.history(one.id)) for one in before] == [1, 1]


def test_a_card_that_changed_is_a_new_version_and_the_old_one_is_in_the_history(book):
    [entry] = recorded(book, card(a=0))
    [after] = recorded(book, card(a=1))
    assert (after.id, after.version) == (entry.id, entry.version + 1)
    [_, event] = book.history(entry.id)
    assert (event.kind, event.detail["points"], event.version) == ("regraded", ["8", "12"], 2)


def test_only_the_facts_are_new(book):
    recorded(book, card())
    book.record([(card(), replace(facts(), source="/elsewhere/ada"))])
    [row] = book.rows("demo").rows
    assert book.entry(row.id).source == "/elsewhere/ada"
    assert row.version == 1


def test_a_run_is_recorded_whole_or_not_at_all(book):
    def broken():
        yield from with_facts(card("ada"), card("bob"))
        raise RuntimeError("the ledger broke")

    with pytest.raises(RuntimeError):
        book.record(broken())
    assert book.rows("demo").total == 0


def test_a_hand_in_without_a_rubric_is_told_and_not_recorded(book):
    lost = replace(card("lost"), assignment="", rubric_digest="")
    done = book.record(with_facts(card("ada"), lost))
    assert (done.new, [one.where for one in done.problems]) == (1, ["lost"])
    assert book.assignments() == ["demo"]


def test_a_hand_in_of_the_same_name_by_others_from_elsewhere_hides_nobodys_grade(book):
    [entry] = recorded(book, card("01", students=[Student("ada")], a=0))
    done = book.record([(card("01", students=[Student("bob")]), replace(facts("01"), source="/other/01"))])
    assert done.changed == 0
    assert '"ada"' in done.problems[0].what
    assert book.entry(entry.id) == entry


def test_names_that_no_database_takes_come_back(book):
    odd = "a\0b\udc80\ufdd0'\";--%_\\"
    [entry] = recorded(book, card(odd, students=[Student("s1", odd)]))
    assert (entry.row.submission, entry.row.students[0].name) == (odd, odd)
    assert entry.card.submission == odd
    assert names(book.rows("demo", Query(text="s1"))) == [odd]


def test_a_hand_in_that_is_no_longer_in_its_folder_counts_for_nobody_until_it_is_back(book):
    old = rubric(digest="0" * 64)
    [ada, _] = recorded(book, card("ada", by=old, a=0), card("bob"))
    set_points(book, ada, 5)
    renamed = card("ada2", students=[Student("ada")])
    done = book.record(with_facts(renamed, card("bob")), folder="/class")
    [problem] = done.problems
    assert (problem.where, problem.code) == ("demo: ada", "warning-gone")
    assert "neither does what people decided on it (1)" in problem.what
    assert names(book.rows("demo")) == ["ada2", "bob"]
    assert names(book.rows("demo", Query(is_gone=True))) == ["ada"]
    assert [(one.id, one.points) for one in book.grades("demo")] == [("ada", 12), ("bob", 12)]
    assert book.entry(ada.id).row.points == 11, "nothing of it is lost"
    assert book.record(with_facts(renamed, card("bob")), folder="/class").problems == (), "it is told once"
    book.record(with_facts(card("ada", by=old, a=0)))
    assert names(book.rows("demo")) == ["ada", "ada2", "bob"]
    assert [one.kind for one in book.history(ada.id)] == ["recorded", "decided", "gone", "back"]


def test_a_run_over_some_of_a_folder_or_over_another_folder_takes_none_for_gone(book):
    recorded(book, card("ada"), card("bob"))
    book.record(with_facts(card("ada")))
    book.record([(card("cyd"), replace(facts(), source="/other/cyd"))], folder="/other")
    assert names(book.rows("demo")) == ["ada", "bob", "cyd"]


# --- decisions -------------------------------------------------------------------------------------


def test_an_override_is_saved_with_all_that_is_said_of_it(book):
    [entry] = recorded(book, card(a=0, b=None))
    after = set_points(book, entry, "5/2", rule="a", text="half of it is right")
    [one] = after.decisions
    assert (one.kind, one.task, one.rule, one.points, one.text, one.reason, one.author) == (
        OVERRIDE, "1", "a", Fraction(5, 2), "half of it is right", "seen", "ta",
    )  # fmt: skip
    assert datetime.now(UTC) - one.at < timedelta(minutes=5)
    assert after.settled == settle(entry.card, after.decisions)
    assert after.row.points == Fraction(5, 2) + 6
    assert after.row.overrides == 1
    assert book.entry(entry.id) == after
    assert after.version == entry.version + 1


def test_undone_it_is_as_before_and_both_are_in_the_history(book):
    [entry] = recorded(book, card(a=0))
    decided = set_points(book, entry, 4, rule="a")
    undone = book.undo(entry.id, decided.decisions[0].id, author="tb", seen_version=decided.version)
    assert undone.settled == entry.settled
    assert undone.row.points == entry.row.points
    assert [one.is_undone for one in undone.decisions] == [True]
    assert [(one.kind, one.author) for one in book.history(entry.id)] == [
        ("recorded", "run-all class"), ("decided", "ta"), ("undone", "tb"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="undone already"):
        book.undo(entry.id, decided.decisions[0].id, author="tb", seen_version=undone.version)
    with pytest.raises(UsageError, match="no decision 99"):
        book.undo(entry.id, 99, author="tb", seen_version=undone.version)


@pytest.mark.parametrize(
    ("said", "about"),
    [
        ({"points": "13/2"}, "not between 0 and 6"),
        ({"points": -1}, "not between 0 and 6"),
        ({"points": 5, "rule": "a"}, "not between 0 and 4"),
        ({"points": 1, "task": "9"}, 'no task "9"'),
        ({"points": 1, "rule": "c"}, 'no rule "c" in the task "1"'),
        ({"points": 1, "task": ""}, "sets the points of a task"),
        ({"points": 1, "author": " "}, "nobody is named"),
        ({"points": Fraction(1, 10**9)}, "too many decimals"),
        ({"points": 1, "text": "x" * 20_001}, "longer than 20,000"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(book, said, about):
    [entry] = recorded(book, card())
    with pytest.raises(UsageError, match=about):
        set_points(book, entry, **said)
    assert book.entry(entry.id) == entry


def test_an_override_needs_a_reason_and_a_comment_needs_words(book):
    [entry] = recorded(book, card())
    for more, about in (
        ({"kind": OVERRIDE, "task": "1", "points": Fraction(1)}, "needs a reason"),
        ({"kind": COMMENT, "text": "  "}, "text without points"),
        ({"kind": COMMENT, "text": "x", "points": Fraction(1)}, "text without points"),
    ):
        with pytest.raises(UsageError, match=about):
            book.decide(entry.id, author="ta", seen_version=entry.version, **more)


def test_while_a_whole_task_is_decided_on_a_rule_of_it_is_refused(book):
    [entry] = recorded(book, card(a=0))
    whole = set_points(book, entry, 5)
    with pytest.raises(UsageError, match=r"set already.*\n.*undo that decision"):
        set_points(book, whole, 1, rule="a")
    undone = book.undo(entry.id, whole.decisions[0].id, author="ta", seen_version=whole.version)
    assert set_points(book, undone, 1, rule="a").row.points == 9


def test_a_comment_is_on_a_rule_a_task_or_the_whole_hand_in_and_moves_nothing(book):
    [entry] = recorded(book, card(a=0))
    for place in ({"task": "1", "rule": "a"}, {"task": "1"}, {}):
        entry = book.decide(entry.id, COMMENT, text="well\ndone", author="ta", seen_version=entry.version, **place)
    assert entry.row.points == 8
    assert entry.row.comments == 3
    assert book.grades("demo")[0].feedback.count("> well\n> done\n") == 3


def test_an_entry_that_is_not_there_is_told(book):
    with pytest.raises(UsageError, match="no entry 7"):
        book.entry(7)


# --- a regrade --------------------------------------------------------------------------------------


@pytest.mark.fault("F23")
def test_an_override_survives_a_regrade_and_is_flagged_only_where_its_findings_changed(book):
    [entry] = recorded(book, card(a=0, c=0))
    entry = set_points(book, entry, 3, rule="a")
    entry = set_points(book, entry, 5, task="2", rule="c")
    done = book.record(with_facts(card(a=0, c=HALF)))
    after = book.entry(entry.id)
    assert (done.changed, done.flagged) == (1, 1)
    assert after.row.points == 3 + 2 + 5, "both stand"
    assert [one.is_moved for one in after.decisions] == [False, True]
    assert after.row.is_moved
    assert Waiting.MOVED in after.row.waiting
    [*_, event] = book.history(entry.id)
    assert event.detail["flagged"] == [after.decisions[1].id]
    confirmed = set_points(book, after, 5, task="2", rule="c")
    assert not confirmed.row.is_moved
    assert confirmed.row.waiting == ()


def test_flagged_findings_that_come_back_as_they_were_are_no_longer(book):
    [entry] = recorded(book, card(a=0))
    set_points(book, entry, 3, rule="a")
    recorded(book, card(a=HALF))
    [after] = recorded(book, card(a=0))
    assert not after.row.is_moved


def test_an_override_on_a_rule_that_is_gone_is_kept_and_flagged(book):
    [entry] = recorded(book, card(a=0))
    entry = set_points(book, entry, 3, rule="a")
    smaller = rubric()
    smaller = replace(smaller, tasks=(replace(smaller.tasks[0], rules=smaller.tasks[0].rules[1:]), smaller.tasks[1]))
    [after] = recorded(book, card(by=smaller))
    assert after.row.points == 8
    assert [one.is_moved for one in after.decisions] == [True]


def test_new_points_are_counted_with_the_decisions(book):
    [entry] = recorded(book, card(a=0))
    set_points(book, entry, 3, rule="a")
    [after] = recorded(book, card(by=rubric(points=(8, 2, 6)), a=0))
    assert (after.row.points, after.row.max_points, after.row.is_moved) == (11, 16, True)


def test_lateness_is_taken_of_what_people_gave(book):
    due = datetime(2026, 3, 8, 12, tzinfo=UTC)
    late = LatePolicy(Amount(HALF, is_share=True), is_of_earned=True)
    by = rubric(due=due, late=late)
    [entry] = recorded(book, card(by=by, received_at=due + timedelta(hours=1), a=0))
    assert (entry.row.points, entry.row.days_late) == (4, 1)
    assert set_points(book, entry, 4, rule="a").row.points == 6


# --- what would change -------------------------------------------------------------------------------


def test_a_preview_says_who_changes_and_by_how_much_and_writes_nothing(book):
    line = rubric(pass_points=7)
    before = recorded(book, card("ada", by=line, a=0), card("bob", by=line), card("cyd", by=line, c=0))
    set_points(book, before[0], 4, rule="a")
    dump = [(book.entry(one.id), book.history(one.id)) for one in before]
    changes = book.preview(
        with_facts(
            card("ada", by=line, a=HALF), card("bob", by=line), card("cyd", by=line, c=HALF), card("dan", by=line)
        )
    )
    assert [(one.submission, one.before, one.after) for one in changes] == [
        ("ada", 12, 12),
        ("cyd", 6, 9),
        ("dan", None, 12),
    ]
    ada, cyd, dan = changes
    assert ada.is_flagged
    assert not ada.is_line_crossed
    assert cyd.tasks == {"2": (0, 3)}
    assert (cyd.passed_before, cyd.passed_after, cyd.is_line_crossed) == (False, True, True)
    assert not dan.is_line_crossed
    assert [(book.entry(one.id), book.history(one.id)) for one in before] == dump
    assert book.rows("demo").total == 3


# --- lists --------------------------------------------------------------------------------------------


def waiting_class(book):
    line = rubric(pass_points=6)
    return recorded(
        book,
        card("done", by=line),
        card("edge", by=line, c=0),  # 6 points of 12, on the line
        card("look", by=line, a=found(None, outcome=Outcome.REVIEW)),
        card("none", by=line, a=0, b=0),
        card("what", by=line, b=None, c=None),
    )


def test_the_queue_has_what_waits_unknown_first_then_review_then_borderline(book):
    waiting_class(book)
    page = book.rows("demo", Query(is_queue=True))
    assert names(page) == ["what", "look", "edge", "none"]
    assert page.total == 4
    assert [row.waiting for row in page.rows] == [
        (Waiting.UNKNOWN,), (Waiting.REVIEW,), (Waiting.BORDERLINE,), (Waiting.BORDERLINE,),
    ]  # fmt: skip
    assert [row.is_borderline for row in page.rows] == [False, False, True, True]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (Query(), ["done", "edge", "look", "none", "what"]),
        (Query(limit=2, offset=1), ["edge", "look"]),
        (Query(order=Order.LEAST), ["what", "edge", "none", "look", "done"]),
        (Query(order=Order.MOST, limit=1), ["done"]),
        (Query(waiting=Waiting.REVIEW), ["look"]),
        (Query(task="2"), ["what"]),
        (Query(task="1"), ["look", "what"]),
        (Query(task="%"), []),
        (Query(text="WHAT"), ["what"]),
        (Query(text="one"), ["done", "none"]),
        (Query(text="e d"), ["done", "edge"]),
        (Query(text="_"), []),
        (Query(is_passed=True), ["done", "edge", "look", "none"]),
        (Query(is_passed=False), []),
        (Query(assigned_to="ta"), ["edge"]),
        (Query(assigned_to=""), ["done", "look", "none", "what"]),
        (Query(is_reviewed=True), ["none"]),
        (Query(is_queue=True), ["what", "look", "edge"]),
    ],
)
def test_rows_are_those_that_are_asked_for(book, query, wanted):
    entries = {one.row.submission: one for one in waiting_class(book)}
    book.assign([entries["edge"].id], "ta", "head")
    book.mark_reviewed(entries["none"].id, "ta", 1)
    assert names(book.rows("demo", query)) == wanted


def test_who_has_looked_is_asked_again_for_open_points_and_for_another_card_only(book):
    entries = {one.row.submission: one for one in waiting_class(book)}
    seen = {name: book.mark_reviewed(entries[name].id, "ta", 1) for name in ("edge", "what")}
    assert seen["edge"].row.waiting == ()
    assert seen["edge"].row.is_reviewed
    assert seen["what"].row.waiting == (Waiting.UNKNOWN,)
    line = rubric(pass_points=6)
    [edge] = recorded(book, card("edge", by=line, c=0, a=found(1, "otherwise")))
    assert not edge.row.is_reviewed
    assert edge.row.waiting == (Waiting.BORDERLINE,)
    again = book.mark_reviewed(edge.id, "ta", edge.version)
    back = book.mark_reviewed(edge.id, "tb", again.version, is_reviewed=False)
    assert back.row.waiting == (Waiting.BORDERLINE,)
    assert [one.kind for one in book.history(edge.id)][-2:] == ["reviewed", "not-reviewed"]


def test_what_nobody_knows_of_the_time_waits_for_a_person_until_somebody_has_looked(book):
    by = rubric(due=datetime(2026, 3, 8, tzinfo=UTC), late=LatePolicy(Amount(Fraction(1))))
    [entry] = recorded(book, card(by=by))
    assert entry.row.waiting == (Waiting.PERSON,)
    assert book.mark_reviewed(entry.id, "ta", entry.version).row.waiting == ()


def test_work_is_given_to_somebody_without_a_conflict(book):
    [entry] = recorded(book, card())
    book.assign([entry.id], "ta", "head")
    book.assign([entry.id], "ta", "head")
    after = set_points(book, entry, 1)
    assert after.row.assigned_to == "ta"
    assert [(one.kind, one.detail.get("to")) for one in book.history(entry.id)][1] == ("assigned", "ta")
    assert len(book.history(entry.id)) == 3


def test_the_comment_bank_keeps_each_comment_once(book):
    one = book.save_comment("demo", "see page 7", "ta")
    assert book.save_comment("demo", "see page 7", "tb") == one
    other = book.save_comment("demo", "units!", "tb")
    book.save_comment("another", "x", "tb")
    assert book.comments("demo") == [one, other]
    book.remove_comment(one.id)
    assert book.comments("demo") == [other]


# --- many, and again --------------------------------------------------------------------------------


def test_what_is_listed_is_what_the_cards_say_for_a_made_up_class(book):
    cards = desk.cards(60)
    book.record(with_facts(*cards))
    page = book.rows(desk.ASSIGNMENT)
    assert [(row.submission, row.points, row.max_points, row.open_points) for row in page.rows] == [
        (one.submission, one.points, one.max_points, one.open_points) for one in cards
    ]
    assert {row.submission for row in page.rows if row.waiting} >= {one.submission for one in cards if one.open_points}
    assert all({task: points.points for task, points in row.tasks.items()} == {t.task: t.points for t in one.tasks}
               for row, one in zip(page.rows, cards, strict=True))  # fmt: skip
    queue = book.rows(desk.ASSIGNMENT, Query(is_queue=True))
    ranks = [min((("unknown", "review", "borderline").index(w) if w in ("unknown", "review", "borderline") else 1)
                 for w in row.waiting) for row in queue.rows]  # fmt: skip
    assert ranks == sorted(ranks)
    assert queue.total == sum(bool(row.waiting) for row in page.rows)


def test_all_of_it_is_there_after_it_was_closed(url):
    with Gradebook.open(url) as book:
        [entry] = recorded(book, card(a=0, problems=(Problem("x", "y", "z", "w"),)))
        entry = set_points(book, entry, 2)
        book.close()
        book.close()
    with Gradebook.open(url, is_new_allowed=False) as book:
        assert book.entry(entry.id) == entry
        assert len(book.history(entry.id)) == 2
