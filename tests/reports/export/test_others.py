"""Gradescope's, Classroom's and nbgrader's files of grades: filled where there is one, made where there is none."""

import json
from fractions import Fraction

import pytest

from grader.documents import schema, validator
from grader.errors import UsageError
from grader.gradebook.nouns import Grade, TaskPoints
from grader.intake.classes import ClassList, HandInEntry, Quarantined, RosterEntry
from grader.reports.export.choosing import Line, Wishes, chosen, told_of
from grader.reports.export.forms import FORMS, Asked, Worksheet, exported
from grader.reports.export.nbgrader import raw_of
from tests.lms.classroom import make_classroom
from tests.lms.gradescope import make_gradescope
from tests.lms.made import students
from tests.lms.moodle import make_moodle
from tests.lms.nbgrader import make_nbgrader
from tests.lms.zips import make_zips
from tests.reports.export.made_lines import class_of, grades_of, lines_of, points_of
from tests.reports.export.reading_back import changed, number, rows_of

MAKERS = {"gradescope": make_gradescope, "classroom": make_classroom, "nbgrader": make_nbgrader}
GRADE = {"gradescope": "Total Score", "classroom": "points_awarded", "nbgrader": "score"}
WHO = {"gradescope": "SID", "classroom": "roster_identifier", "nbgrader": "student_id"}


@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("kind", MAKERS)
def test_the_lmss_own_file_gets_grades_and_nothing_else(kind, bom, tmp_path):
    download = MAKERS[kind](tmp_path, students(24), bom=bom)
    data = download.worksheet.read_bytes()
    back = exported(kind, Asked("digits", lines_of(download), Worksheet("g.csv", data, is_named=False)))
    before, after = rows_of(data), rows_of(back.data)
    column = before[0].index(GRADE[kind])
    extra = {before[0].index("raw_score")} if kind == "nbgrader" else set()
    assert {at for _, at in changed(before, after)} == {column} | extra
    have = {student for one in download.hand_ins for student in one.students}
    assert sorted(back.written) == sorted(have)
    by_id = {row[before[0].index(WHO[kind])]: row[column] for row in after[1:]}
    assert len(by_id) == len(download.students)
    for one in download.students:
        if one.id in have:
            assert number(by_id[one.id]) == pytest.approx(float(points_of(one.number)) * 5, abs=0.0051)
    assert exported(kind, Asked("digits", [], Worksheet("g.csv", data))).data == data


@pytest.mark.parametrize("kind", MAKERS)
def test_without_one_a_file_of_the_same_form_names_everybody_once(kind, tmp_path):
    download = MAKERS[kind](tmp_path, students(24))
    back = exported(kind, Asked("digits", lines_of(download)))
    theirs, ours = rows_of(download.worksheet.read_bytes())[0], rows_of(back.data)
    assert theirs[: len(ours[0])] == ours[0]
    who, column = ours[0].index(WHO[kind]), ours[0].index(GRADE[kind])
    assert [row[who] for row in ours[1:]] == [one.id for one in download.students]
    have = {student for one in download.hand_ins for student in one.students}
    assert {row[who] for row in ours[1:] if row[column] != ""} == have


def test_a_roster_of_classroom_is_no_file_of_grades(tmp_path):
    download = make_classroom(tmp_path, students(5))
    roster = Worksheet("classroom_roster.csv", download.roster.read_bytes(), is_named=False)
    assert rows_of(exported("classroom", Asked("digits", lines_of(download), roster)).data)[0][0] == "assignment_name"
    with pytest.raises(UsageError):
        exported("classroom", Asked("digits", lines_of(download), Worksheet("r.csv", roster.data)))


@pytest.mark.parametrize("kind", ["moodle", "canvas"])
def test_what_only_the_lms_can_make_is_asked_for(kind, tmp_path):
    with pytest.raises(UsageError, match="--worksheet"):
        exported(kind, Asked("digits", lines_of(make_moodle(tmp_path, students(3)))))


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_our_own_forms_take_no_worksheet(kind, tmp_path):
    lines = lines_of(make_moodle(tmp_path, students(3)))
    with pytest.raises(UsageError, match="anew"):
        exported(kind, Asked("digits", lines, Worksheet("x.csv", b"a,b\n1,2\n")))
    assert exported(kind, Asked("digits", lines, Worksheet("x.csv", b"a,b\n", is_named=False))).data


def test_json_fits_its_schema_and_csv_says_the_same(tmp_path):
    download = make_zips(tmp_path, students(24))
    lines = lines_of(download, s1001={"open_points": Fraction(1, 3)})
    document = json.loads(exported("json", Asked("digits", lines)).data)
    assert list(validator(schema("grades")).iter_errors(document)) == []
    rows = rows_of(exported("csv", Asked("digits", lines)).data)
    assert [row[0] for row in rows[1:]] == [one["id"] for one in document["students"]]
    at = rows[0].index("points")
    said = [None if row[at] == "" else float(row[at]) for row in rows[1:]]
    assert said == [one["points"] for one in document["students"]]
    assert document["students"][0]["points"] is None
    assert document["students"][0]["code"] == "open"


def test_the_penalty_of_a_late_hand_in_is_what_separates_tasks_and_grade():
    zero = Fraction(0)
    left_out = TaskPoints(Fraction(5), Fraction(5), zero, is_counted=False)
    tasks = {"1": TaskPoints(Fraction(12), Fraction(20), zero), "2": left_out}
    grade = Grade("s1", "Ada Lovelace", points=Fraction(10), max_points=Fraction(20), days_late=1, tasks=tasks)
    assert raw_of(Line(grade, Fraction(10), Fraction(20))) == 12
    rows = rows_of(FORMS["nbgrader"].make(Asked("digits", [Line(grade, Fraction(10), Fraction(20))])).data)
    assert dict(zip(rows[0], rows[1], strict=True)) == {
        "assignment": "digits", "duedate": "", "timestamp": "", "student_id": "s1", "last_name": "Lovelace",
        "first_name": "Ada", "email": "", "raw_score": "12", "late_submission_penalty": "2", "score": "10",
        "max_score": "20",
    }  # fmt: skip


# --- what goes out, and what does not ----------------------------------------------------------


def a_class(**hand_ins):
    """A class list: who has handed in what, by id."""
    roster = tuple(RosterEntry(one, hand_in=name, reason="x") for one, name in hand_ins.items())
    entries = tuple(HandInEntry(name, name, (one,), digest=name) for one, name in hand_ins.items() if name)
    return ClassList("digits", "moodle", roster=roster, hand_ins=entries)


GRADES = [
    Grade("graded", points=Fraction(7), max_points=Fraction(20), entry=1, submission="graded"),
    Grade("open", points=Fraction(7), max_points=Fraction(20), open_points=Fraction(3), entry=2, submission="open"),
    Grade("missing", reason="no submission"),
    Grade("waits", reason="handed in, and not graded yet", submission="waits"),
    Grade("nothing", points=Fraction(0), max_points=Fraction(0), entry=3, submission="nothing"),
]
LIST = a_class(graded="graded", open="open", missing="", waits="waits", nothing="nothing")


@pytest.mark.parametrize(
    ("wishes", "out"),
    [
        (Wishes(), {"graded": 7}),
        (Wishes(missing_as_zero=True), {"graded": 7, "missing": 0}),
        (Wishes(open_as_is=True), {"graded": 7, "open": 7}),
        (Wishes(True, True), {"graded": 7, "missing": 0, "open": 7}),
    ],
    ids=["nothing asked", "zeros", "open points", "both"],
)
def test_no_zero_goes_out_unasked_and_never_for_what_was_handed_in(wishes, out):
    lines = chosen(GRADES, LIST, wishes)
    assert {line.grade.id: line.points for line in lines if line.points is not None} == out
    told = {one.who: one.code for one in told_of(lines, LIST)}
    assert set(told) == {"open", "missing", "waits", "nothing"}
    assert all(line.why for line in lines if line.points is None)


def test_without_a_class_list_nobody_is_known_to_have_handed_in_nothing():
    lines = chosen(GRADES, None, Wishes(missing_as_zero=True))
    assert [line.grade.id for line in lines if line.points == 0] == []


def test_who_came_after_the_last_grading_is_told_and_gets_nothing():
    lines = chosen(GRADES[:1], a_class(graded="graded", new="new"), Wishes(missing_as_zero=True))
    assert [(line.grade.id, line.points, line.code) for line in lines] == [
        ("graded", 7, ""), ("new", None, "not-graded"),
    ]  # fmt: skip


def test_a_grade_of_an_earlier_hand_in_does_not_go_out():
    now = a_class(graded="graded", open="open-2")
    lines = chosen(GRADES[:2], now, Wishes(open_as_is=True), a_class(graded="graded", open="open"))
    assert [(line.grade.id, line.points, line.code) for line in lines] == [
        ("graded", 7, ""), ("open", None, "newer"),
    ]  # fmt: skip


def test_quarantine_is_told_and_the_more_so_where_zeros_go_out():
    class_list = ClassList("digits", "moodle", roster=LIST.roster, hand_ins=LIST.hand_ins,
                           quarantined=(Quarantined(("a", "b", "c", "d"), "two fit", "look"),))  # fmt: skip
    for wishes, word in ((Wishes(), "two fit"), (Wishes(missing_as_zero=True), "before a 0 goes out")):
        lines = chosen(GRADES, class_list, wishes)
        [told] = [one for one in told_of(lines, class_list) if one.code == "quarantined"]
        assert "a, b, c and 1 more" in told.what
        assert word in told.what


def test_a_made_class_is_told_whole(tmp_path):
    download = make_moodle(tmp_path, students(24))
    lines = lines_of(download)
    assert len(lines) == len(class_of(download).roster) == len(grades_of(download))
    assert {one.code for one in told_of(lines, None)} == {"missing"}
