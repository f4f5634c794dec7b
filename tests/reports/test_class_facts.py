"""The numbers over a class: spread, hardest tasks, who is on the line."""

from dataclasses import replace
from fractions import Fraction
from statistics import mean, median

import pytest

from grader.model import Student
from grader.reports.class_facts import Stand, class_facts, stand_of_card
from grader.reports.class_terminal import class_extras


def stand(points, most=20, tasks=None, **more):
    about = {"assignment": "a", "submission": f"s{points}", "students": (Student("i", "Ada"),),
             "points": Fraction(points), "max_points": Fraction(most), "open_points": Fraction(0),
             "is_passed": None, "is_borderline": False, "tasks": tasks or {}, "line": None}  # fmt: skip
    return Stand(**(about | more))


def facts(*stands, titles=None):
    [found] = class_facts(stands, titles)
    return found


@pytest.mark.parametrize(
    ("points", "place"),
    [
        pytest.param(0, 0, id="nothing"),
        pytest.param(-3, 0, id="less than nothing"),
        pytest.param(Fraction(199, 100), 0, id="just under a tenth"),
        pytest.param(2, 1, id="a tenth"),
        pytest.param(Fraction(1999, 100), 9, id="nearly all"),
        pytest.param(20, 9, id="all"),
        pytest.param(Fraction(2001, 100), 10, id="with a bonus"),
    ],
)
def test_each_hand_in_stands_in_one_bin(points, place):
    bins = facts(stand(points)).bins
    assert [one.count for one in bins] == [int(number == place) for number in range(len(bins))]
    assert len(bins) == (11 if place == 10 else 10)


@pytest.mark.parametrize("points", [[5], [0, 20], [1, 7, 9], [3, 3, 18, 20, 2]])
def test_mean_and_median_are_pythons(points):
    found = facts(*map(stand, points))
    shares = [Fraction(one, 20) for one in points]
    assert (found.mean, found.median) == (mean(shares), median(shares))


def test_shares_and_not_points_are_spread_where_the_maximum_differs():
    assert [one.count for one in facts(stand(10, 10), stand(10, 100)).bins] == [0, 1, *[0] * 7, 1]


def test_a_hand_in_of_which_nothing_can_be_had_stands_nowhere():
    found = facts(stand(0, 0), stand(20, 20))
    assert (found.count, sum(one.count for one in found.bins), found.mean) == (2, 1, 1)


def test_the_hardest_task_comes_first_and_only_where_it_is_decided():
    full, half, none = (Fraction(4), Fraction(4)), (Fraction(2), Fraction(4)), (Fraction(0), Fraction(4))
    found = facts(stand(1, tasks={"1": full, "2": half}), stand(2, tasks={"1": half, "2": none}),
                  stand(3, tasks={"1": full}), titles={("a", "2"): "Second"})  # fmt: skip
    assert [(one.task, one.title, one.mean, one.hand_ins, one.full, one.nothing) for one in found.hard] == [
        ("2", "Second", Fraction(1, 4), 2, 0, 1), ("1", "", Fraction(5, 6), 3, 2, 0),
    ]  # fmt: skip


def test_a_task_with_open_points_or_that_does_not_count_says_nothing_of_its_hardness(card):
    made = card()
    assert made.tasks[0].open_points
    assert stand_of_card(made).tasks == {}
    decided = replace(made, tasks=(replace(made.tasks[0], open_points=Fraction(0)),))
    assert set(stand_of_card(decided).tasks) == {"1"}
    left_out = replace(decided, tasks=(replace(decided.tasks[0], is_counted=False),))
    assert stand_of_card(left_out).tasks == {}


def test_assignments_are_told_apart():
    assert [one.assignment for one in class_facts([stand(1), stand(2, assignment="b"), stand(3)])] == ["a", "b"]


def test_no_class_has_no_facts():
    assert class_facts([]) == []


# --- on the terminal ----------------------------------------------------------------------------


def test_below_the_table_stand_spread_hardest_tasks_and_line(printed):
    line = {"line": Fraction(10), "is_passed": True}
    stands = [stand(n, tasks={"1": (Fraction(n), Fraction(20))}, **line) for n in (4, 11, 12, 20)]
    stands.append(stand(10, is_borderline=True, open_points=Fraction(2), **line))
    text = printed(class_extras(class_facts(stands, {("a", "1"): "First"})))
    for said in ("a: 5 hand-ins, 57% of the points in the mean, 55% in the median", "pass line 10: 5 reached it",
                 "90–100% ████████████████████ 1", " 50–60% ████████████████████████████████████████ 2",
                 "Hardest tasks", "First", "On the line (within 2.5% of the maximum of a pass line): 1",
                 "s10  Ada  10 of 20, 2 open", "what is open counts as nothing yet"):  # fmt: skip
        assert said in " ".join(text.split("\n")) or said in text, said


def test_of_two_hand_ins_the_table_says_it_all():
    assert class_extras(class_facts([stand(1), stand(2)])) is None


def test_nobody_on_the_line_is_said(printed):
    stands = [stand(n, line=Fraction(10), is_passed=True) for n in (1, 2, 3)]
    assert "nobody" in printed(class_extras(class_facts(stands)))


def test_a_long_list_is_cut_and_counted(printed):
    stands = [stand(10, submission=f"s{n}", is_borderline=True, line=Fraction(10)) for n in range(50)]
    assert "and 20 more" in printed(class_extras(class_facts(stands)))


@pytest.mark.attack_partly(80, 83, 84)
def test_names_below_the_table_are_letters(printed):
    word = "[red]x[/] \x1b[2J\u202e<b>"
    stands = [stand(10, submission=word, assignment=word, students=(Student(word, word),), is_borderline=True,
                    line=Fraction(10), tasks={word: (Fraction(1), Fraction(2))}) for _ in range(3)]  # fmt: skip
    text = printed(class_extras(class_facts(stands, {(word, word): word})), width=200)
    assert "[red]x[/] \\x1b[2J\\u202e<b>" in text
    assert not {"\x1b", "\u202e"} & set(text)
