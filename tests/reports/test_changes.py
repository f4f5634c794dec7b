"""Who changes is read at a glance: whoever passes or fails by it first, then by how much; nobody is left out."""

from __future__ import annotations

from fractions import Fraction

from rich.console import Console

from grader.documents import schema, validator
from grader.gradebook.nouns import Change
from grader.model import Student
from grader.reports.changes import MOST_SHOWN, changes_table, regrade_json, summary


def change(name, before, after, *, open_after=0, passed=(True, True), tasks=None, is_flagged=False):
    return Change(
        entry=None if before is None else 1, assignment="digits", submission=name, students=(Student(name),),
        before=None if before is None else Fraction(before), after=Fraction(after), max_points=Fraction(20),
        open_before=Fraction(0), open_after=Fraction(open_after), tasks=tasks or {},
        passed_before=None if before is None else passed[0], passed_after=passed[1], is_flagged=is_flagged,
    )  # fmt: skip


SOME = [
    change("ada", 19, 17, tasks={"2": (Fraction(5), Fraction(3)), "4": (None, Fraction(1))}),
    change("ben", None, 12, passed=(None, True)),
    change("cyd [red]\x1b[31m", "9.5", "10.25", passed=(False, True)),
    change("dan", 12, 12, is_flagged=True),
    change("eve", 10, 7, open_after=4, passed=(True, None)),
]


def printed(changes):
    screen = Console(width=140, color_system=None)
    with screen.capture() as seen:
        screen.print(changes_table(changes))
    return seen.get()


def test_the_json_fits_its_schema_and_loses_nothing():
    made = regrade_json(SOME, hand_ins=60, is_preview=True)
    assert not list(validator(schema("regrade")).iter_errors(made))
    assert (made["changed"], made["new"], made["lines_crossed"], made["flagged"]) == (4, 1, 2, 1)
    assert made["changes"][0]["tasks"] == [
        {"task": "2", "before": 5, "after": 3}, {"task": "4", "before": None, "after": 1},
    ]  # fmt: skip
    assert [one["submission"] for one in made["changes"]] == [one.submission for one in SOME]


def test_whose_passing_is_decided_otherwise_stands_first_then_who_changes_most():
    text = printed(SOME)
    places = [text.index(name) for name in ("eve", "cyd", "ada", "dan", "ben")]
    assert places == sorted(places)


def test_a_line_says_what_changes_and_a_name_is_text():
    lines = {line.split("│")[1].strip(): line for line in printed(SOME).splitlines() if "│" in line}
    assert "2: 5 → 3, 4: - → 1" in lines["ada"]
    assert "−2" in lines["ada"]
    assert "passes" in lines[r"cyd [red]\x1b[31m"]
    assert "+0.75" in lines[r"cyd [red]\x1b[31m"]
    assert "7 (+4 open)" in lines["eve"]
    assert "whether it passes is open" in lines["eve"]
    assert "a decision stands on findings that change" in lines["dan"]
    assert "new" in lines["ben"]


def test_what_does_not_fit_the_table_is_counted():
    many = [change(f"s{number}", 1, 2) for number in range(MOST_SHOWN + 3)]
    assert "3 of them not shown here (--json has all)" in summary(regrade_json(many, hand_ins=500, is_preview=False))
    assert summary(regrade_json(SOME, hand_ins=60, is_preview=False)) == (
        "4 of 60 hand-ins change, 1 new, 2 decided otherwise on passing, 1 with decisions to look at"
    )
