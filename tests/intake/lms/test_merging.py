"""A class after an import: whose turn it is, what is kept, and nobody twice, whatever came before."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.intake.classes import ClassList, HandInEntry, Quarantined, RosterEntry, class_json
from grader.intake.lms.base import Found
from grader.intake.lms.matching import Assigned, Matched
from grader.intake.lms.merging import entry_of, merged
from grader.intake.lms.tree import Stored

AT = datetime(2026, 3, 8, tzinfo=UTC)
HEAD = ClassList("digits", "moodle")
FILE = {"a.py": Stored("a.py", 1, lambda: iter([b"a"]))}


def imported(before, *hand_ins, keep="latest", roster=("a", "b", "c"), quarantined=()):
    """One import: each hand-in as (its students, its digest's letter, its hour or None)."""
    assigned = [
        Assigned(
            Found("+".join(who), files=FILE, received_at=None if hour is None else AT + timedelta(hours=hour)),
            "+".join(who),
            tuple(who),
        )
        for who, _, hour in hand_ins
    ]
    entries = [entry_of(one, is_zip=False, digest=d * 64) for one, (_, d, _) in zip(assigned, hand_ins, strict=True)]
    names = {student: one.name for one in assigned for student in one.students}
    people = tuple(
        RosterEntry(one, hand_in=names.get(one, ""), reason="by the id" if one in names else "no submission")
        for one in roster
    )
    head = ClassList("digits", "moodle", keep)
    return merged(Matched(people, tuple(assigned), tuple(quarantined)), entries, head, before)


def of(made):
    """Which digest counts for whom."""
    by_name = made.class_list.by_name
    return {one.id: by_name[one.hand_in].digest[0] if one.hand_in else "" for one in made.class_list.roster}


def test_the_later_one_counts_and_the_other_is_kept():
    first = imported(None, ("a", "1", 1), ("b", "2", 1))
    second = imported(first.class_list, ("a", "3", 2), ("b", "2", 1))
    assert of(second) == {"a": "3", "b": "2", "c": ""}
    assert (second.replaced, second.same, second.take) == (("a",), ("b",), ((0, "a"),))
    assert second.move == (("a", ".class/earlier/a~" + "1" * 12),)


@pytest.mark.parametrize(("keep", "counts"), [("latest", "3"), ("first", "1")])
def test_by_the_time_of_receipt_and_not_by_the_order_of_imports(keep, counts):
    later_first = imported(imported(None, ("a", "3", 3), keep=keep).class_list, ("a", "1", 1), keep=keep)
    assert of(later_first)["a"] == counts


def test_a_group_that_grows_has_its_hand_in_once():
    for keep in ("latest", "first"):
        first = imported(None, ("ab", "1", 1), keep=keep)
        second = imported(first.class_list, ("abc", "1", 1), keep=keep)
        assert of(second) == {"a": "1", "b": "1", "c": "1"}
        assert list(second.class_list.by_name) == ["a+b+c"]


def test_a_group_that_parts_keeps_the_old_one_for_who_has_nothing_new():
    first = imported(None, ("ab", "1", 1))
    second = imported(first.class_list, ("a", "2", 2))
    assert of(second) == {"a": "2", "b": "1", "c": ""}
    assert second.class_list.by_name["a+b"].students == ("b",)


def test_who_left_the_roster_stays_as_long_as_there_is_a_hand_in():
    first = imported(None, ("a", "1", 1))
    second = imported(first.class_list, roster=("b", "c"))
    assert of(second) == {"b": "", "c": "", "a": "1"}
    assert "not in the roster any more" in second.class_list.by_id["a"].reason
    assert "before" in second.class_list.by_id["a"].reason


def test_what_was_in_quarantine_stays_until_it_is_somebodys():
    apart = [Quarantined(("a.py",), "whose?", "look"), Quarantined(("z.py",), "whose?", "look")]
    first = imported(None, ("b", "1", 1), quarantined=apart)
    assert len(first.class_list.quarantined) == 2
    second = imported(first.class_list, ("a", "2", 2))
    assert [one.files for one in second.class_list.quarantined] == [("z.py",)]


def test_a_hand_in_whose_name_another_has_is_the_same_when_it_comes_again():
    first = imported(None, ("a", "4", None))
    second = imported(first.class_list, ("ab", "1", None), keep="first")
    third = imported(second.class_list, ("ab", "4", None), keep="first")
    again = imported(third.class_list, ("ab", "4", None), keep="first")
    assert of(third) == {"a": "4", "b": "1", "c": ""}
    assert (again.take, again.move, again.class_list) == ((), (), third.class_list)


WHO = st.sampled_from(["a", "b", "c", "ab", "bc", "abc"])
ONE = st.tuples(WHO, st.sampled_from("1234"), st.sampled_from([None, 1, 2, 3]))


def disjoint(hand_ins):
    seen = set()
    return [one for one in hand_ins if seen.isdisjoint(one[0]) and not seen.update(one[0])]


@given(st.lists(st.tuples(st.lists(ONE, max_size=3).map(disjoint), st.sampled_from(["latest", "first"])), max_size=5))
def test_whatever_comes_in_whatever_order_everybody_stands_once_and_no_file_is_lost(imports):
    before, disk, seen = None, {}, set()
    for hand_ins, keep in imports:
        made = imported(before, *hand_ins, keep=keep)
        for source, to in made.move:
            assert to not in disk or to in {one for one, _ in made.move}
            disk[to] = disk.pop(source)
        for at, to in made.take:
            assert to not in disk, "it would overwrite another"
            disk[to] = hand_ins[at][1] * 64
        seen |= {digest * 64 for _, digest, _ in hand_ins}
        before = made.class_list
        assert disk == {one.path: one.digest for one in before.hand_ins}
        assert {*disk.values()} == seen
        assert [one.id for one in before.roster] == ["a", "b", "c"]
        given_to = [student for one in before.hand_ins if one.is_counted for student in one.students]
        assert sorted(given_to) == sorted(one.id for one in before.roster if one.hand_in)
        assert all(one.reason for one in before.roster)
        now = {student for who, _, _ in hand_ins for student in who}
        assert now <= {one.id for one in before.roster if one.hand_in}
        again = imported(before, *hand_ins, keep=keep)
        assert (again.take, again.move) == ((), ())
        assert class_json(again.class_list) == class_json(before)


@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), max_size=3, unique_by=lambda one: one[0]),
            st.sampled_from(["latest", "first"]),
        ),
        min_size=1,
        max_size=7,
    )
)
def test_with_times_the_one_that_counts_is_the_last_or_the_first_of_all_that_ever_came(imports):
    """The oracle: all attempts of a student by now, the largest hour or the smallest. The files tell the hour."""
    before, hours = None, {}
    for hand_ins, keep in imports:
        made = imported(before, *((who, str(hour), hour) for who, hour in hand_ins), keep=keep)
        for who, hour in hand_ins:
            hours.setdefault(who, set()).add(hour)
        before = made.class_list
        pick = max if keep == "latest" else min
        assert of(made) == {who: str(pick(hours[who])) if who in hours else "" for who in "abc"}


def test_times_and_marks_of_before_stay_where_the_lms_is_silent_now():
    first = imported(None, ("a", "1", 5))
    second = imported(first.class_list, ("a", "1", None))
    assert second.class_list.by_name["a"].received_at == AT + timedelta(hours=5)
    assert isinstance(second.class_list.hand_ins[0], HandInEntry)
