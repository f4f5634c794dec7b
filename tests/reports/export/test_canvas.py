"""Canvas's gradebook comes back with one column filled; what Canvas computes, excuses or does not assign stays."""

from fractions import Fraction

import pytest

from grader.errors import UsageError
from grader.reports.export import canvas
from tests.lms.canvas import ASSIGNMENT, make_canvas, user_id
from tests.lms.made import students
from tests.reports.export.made_lines import lines_of, points_of
from tests.reports.export.reading_back import changed, number, rows_of

NAME = "Digits: by hand"
FORMS = {
    "plain": {},
    "semicolons, decimal commas": {"delimiter": ";", "decimal": ","},
    "split names, no SIS, no posting row": {"has_split_names": True, "has_sis": False, "posting": ""},
    "muted, no BOM, CRLF": {"posting": "Muted", "bom": False, "line_end": "\r\n"},
    "groups": {"has_groups": True},
    "ten points": {"points": 10},
}


def made(folder, **form):
    return make_canvas(folder, students(24, group_of=3 if form.get("has_groups") else 0), **form)


def filled(download, name=NAME, column="", **how):
    data = download.worksheet.read_bytes()
    return data, canvas.fill(data, download.worksheet.name, lines_of(download, **how), name, column)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_student_once_and_only_the_assignments_column_changes(form, tmp_path):
    download = made(tmp_path, **form)
    data, back = filled(download)
    delimiter = form.get("delimiter", ",")
    before, after = rows_of(data, delimiter), rows_of(back.data, delimiter)
    column, ids = before[0].index(ASSIGNMENT), before[0].index("ID")
    assert {at for _, at in changed(before, after)} == {column}
    have = {student for one in download.hand_ins for student in one.students}
    assert sorted(back.written) == sorted(have)
    by_id = {row[ids]: row[column] for row in after if row[ids].isdigit()}
    assert len(by_id) == len(download.students) + 1  # and Canvas's own test student
    for student in download.students:
        cell = by_id[str(user_id(student))]
        assert (cell == "") == (student.id not in have)
        if cell:
            expected = float(points_of(student.number)) * form.get("points", 100) / 20
            assert number(cell) == pytest.approx(expected, abs=0.0051)
            assert len(cell.replace(",", ".").partition(".")[2]) <= 2
    assert "not-in-gradebook" not in {one.code for one in back.told}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_with_nothing_to_say_the_file_comes_back_byte_for_byte(form, tmp_path):
    data = made(tmp_path, **form).worksheet.read_bytes()
    assert canvas.fill(data, "g.csv", [], NAME).data == data


def test_excused_and_not_assigned_stay_and_are_told(tmp_path):
    download = made(tmp_path, grades={"s1001": "EX", "s1002": "N/A", "s1003": "ex", "s1004": 3})
    data, back = filled(download)
    before, after = rows_of(data), rows_of(back.data)
    column = before[0].index(ASSIGNMENT)
    kept = {row[2]: row[column] for row in after if row[2] in ("s1001", "s1002", "s1003", "s1004")}
    assert kept == {"s1001": "EX", "s1002": "N/A", "s1003": "ex", "s1004": "35.00"}
    assert {one.who: one.code for one in back.told if one.who} == {
        "s1001": "kept", "s1002": "kept", "s1003": "kept", "s1004": "changed",
    }  # fmt: skip


@pytest.mark.parametrize("column", [ASSIGNMENT, "5501", NAME, "digits: BY hand"])
def test_the_column_is_named_by_its_title_or_its_number(column, tmp_path):
    _, back = filled(made(tmp_path), "anything", column)
    assert len(back.written) == 20


@pytest.mark.parametrize(
    ("name", "column"),
    [("digits", ""), ("digits", "5502"), (NAME, "Current Score"), (NAME, "Student"), (NAME, "ID")],
    ids=["two could be meant", "no such number", "computed", "a person", "an id"],
)
def test_a_column_that_is_not_one_assignment_is_refused(name, column, tmp_path):
    with pytest.raises(UsageError, match="column"):
        filled(made(tmp_path), name, column)


def test_an_assignment_that_is_read_only_is_never_written(tmp_path):
    download = made(tmp_path)
    rows = download.worksheet.read_text("utf-8-sig").split("\n")
    at = next(i for i, row in enumerate(rows) if "Points Possible" in row)
    rows[at] = rows[at].replace("100.00,100.00", "100.00,(read only)")
    data = "\n".join(rows).encode()
    with pytest.raises(UsageError):
        canvas.fill(data, "g.csv", lines_of(download), NAME, NAME)


def test_two_assignments_of_one_title_are_told_apart_by_their_numbers(tmp_path):
    download = made(tmp_path, assignment="Warm-up (5501)")
    with pytest.raises(UsageError, match="more than one column"):
        filled(download, "warm-up")
    data, back = filled(download, "warm-up", "5501")
    assert {at for _, at in changed(rows_of(data), rows_of(back.data))} == {rows_of(data)[0].index("Warm-up (5501)")}


def test_points_above_the_possible_ones_are_told_and_left_alone(tmp_path):
    data, back = filled(made(tmp_path), s1002={"points": Fraction(41, 2)})
    assert [one.code for one in back.told if one.who == "s1002"] == ["above-maximum"]
    assert "s1002" not in back.written
    assert len(changed(rows_of(data), rows_of(back.data))) == 19


def test_a_thing_that_is_no_gradebook_is_refused(tmp_path):
    lines = lines_of(made(tmp_path))
    for data in (b"id,name\ns1,Ada\n", b"Student,ID,Section,A (1)\nAda,1,x,\n"):
        with pytest.raises(UsageError):
            canvas.fill(data, "g.csv", lines, NAME)
