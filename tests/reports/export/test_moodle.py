"""Moodle's worksheet comes back with grades and comments in it, and every other byte as Moodle wrote it."""

from fractions import Fraction

import pytest

from grader.errors import SubmissionError, UsageError
from grader.reports.export import moodle
from tests.lms.made import students
from tests.lms.moodle import WORDS, make_moodle
from tests.reports.export.made_lines import lines_of, points_of
from tests.reports.export.reading_back import changed, number, rows_of

FORMS = {
    "plain": {},
    "German, semicolons, decimal commas, BOM": {"words": "de", "delimiter": ";", "decimal": ",", "bom": True},
    "Spanish, UTF-16": {"words": "es", "encoding": "utf-16"},
    "blind": {"is_blind": True},
    "teams": {"has_teams": True},
    "all quoted, CRLF": {"is_all_quoted": True, "line_end": "\r\n"},
    "tabs": {"delimiter": "\t"},
    "newer word, workflow, online text": {"maximum_word": "Maximum grade", "plus": ["workflow", "text", "marker"]},
    "without ids": {"without": ["id_number", "email"]},
    "German, teams, no email": {"words": "de", "has_teams": True, "without": ["email"]},
    "maximum 20": {"maximum": 20},
}


def made(folder, count=24, **form):
    return make_moodle(folder, students(count, group_of=3 if form.get("has_teams") else 0), **form)


def filled(download, **how):
    data = download.worksheet.read_bytes()
    return data, moodle.fill(data, download.worksheet.name, lines_of(download, **how))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_student_once_and_only_grade_and_comment_change(form, tmp_path):
    download = made(tmp_path, **form)
    data, back = filled(download)
    delimiter, words = form.get("delimiter", ","), WORDS[form.get("words", "en")]
    before, after = rows_of(data, delimiter), rows_of(back.data, delimiter)
    grade, comments = (before[0].index(words[name]) for name in ("grade", "feedback"))
    assert {column for _, column in changed(before, after)} <= {grade, comments}
    have = {student for one in download.hand_ins for student in one.students}
    assert sorted(back.written) == sorted(have)
    scale = form.get("maximum", 100) / 20
    for student, row in zip(download.students, after[1:], strict=True):
        expected = float(points_of(student.number)) * scale
        assert row[0].endswith(str(4000 + student.number))
        assert (row[grade] == "") == (student.id not in have)
        if student.id in have:
            assert number(row[grade]) == pytest.approx(expected, abs=0.0051)
            assert ("," in row[grade]) == (form.get("decimal") == ",")
            assert row[comments].startswith(f"Points: {float(points_of(student.number)):g} of 20")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_with_nothing_to_say_the_file_comes_back_byte_for_byte(form, tmp_path):
    download = made(tmp_path, **form)
    data = download.worksheet.read_bytes()
    assert moodle.fill(data, "w.csv", []).data == data


def test_what_is_exported_again_changes_nothing(tmp_path):
    download = made(tmp_path)
    _, first = filled(download)
    again = moodle.fill(first.data, "w.csv", lines_of(download))
    assert again.data == first.data
    assert {one.code for one in again.told} == {"scaled", "formula-in-file"}


def test_text_of_another_encoding_keeps_its_bytes_and_takes_any_comment(tmp_path):
    download = make_moodle(tmp_path, students(6, names=["José Ångström"]), encoding="cp1252", words="de")
    data, back = filled(download, s1001={"feedback": "山田 • ö"})
    assert rows_of(back.data, encoding="cp1252")[1][-1] == "Points: 1.75 of 20<br>&#23665;&#30000; &#8226; &#246;"
    assert {column for _, column in changed(*(rows_of(one, encoding="cp1252") for one in (data, back.data)))} == {5, 10}


def codes(back, who):
    return [one.code for one in back.told if one.who == who]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"points": Fraction(21)}, "above-maximum"),
        ({"points": Fraction(-1)}, "below-zero"),
        ({"open_points": Fraction(2)}, ""),
        ({"points": None}, ""),
        ({"max_points": Fraction(0)}, ""),
    ],
    ids=["above the maximum", "below 0", "open points", "not graded", "no rubric"],
)
def test_a_row_that_gets_no_grade_stays_as_it_is(change, code, tmp_path):
    download = made(tmp_path)
    data, back = filled(download, s1002=change)
    before, after = rows_of(data), rows_of(back.data)
    assert before[2] == after[2]
    assert codes(back, "s1002") == [code] * bool(code)
    assert "s1002" not in back.written


def test_a_maximum_is_reached_and_not_passed(tmp_path):
    download = made(tmp_path)
    _, back = filled(download, s1002={"points": Fraction(20)})
    assert rows_of(back.data)[2][5] == "100.00"


def test_a_locked_row_stays_as_it_is_in_any_language(tmp_path):
    for words, yes, no in (("en", "Yes", "No"), ("de", "Ja", "Nein"), ("es", "Sí", "No")):
        download = made(tmp_path / words, words=words)
        lines = download.worksheet.read_text("utf-8").split("\n")
        lines[2] = lines[2].replace(f",{yes},", f",{no},")
        data = "\n".join(lines).encode()
        back = moodle.fill(data, "w.csv", lines_of(download))
        assert rows_of(back.data)[2] == rows_of(data)[2]
        assert codes(back, "s1002") == ["locked"]


def test_a_grade_that_is_replaced_is_told_and_an_equal_one_stays_letter_by_letter(tmp_path):
    download = made(tmp_path, grades={"s1001": 50, "s1002": 17.5})
    data = download.worksheet.read_bytes().replace(b"17.50", b"17.50000")
    back = moodle.fill(data, "w.csv", lines_of(download))
    assert codes(back, "s1001") == ["changed"]
    assert codes(back, "s1002") == []
    assert rows_of(back.data)[2][5] == "17.50000"


def test_a_persons_comment_is_kept_and_our_own_is_renewed(tmp_path):
    download = made(tmp_path)
    lines = download.worksheet.read_text("utf-8").split("\n")
    lines[1] += "Well done! Points: 7 of 20"
    lines[2] += "Points: 1 of 20<br>old"
    back = moodle.fill("\n".join(lines).encode(), "w.csv", lines_of(download))
    after = rows_of(back.data)
    assert after[1][-1] == "Well done! Points: 7 of 20"
    assert after[1][5] == "8.75"
    assert codes(back, "s1001") == ["comment-kept"]
    assert after[2][-1].startswith("Points: 3.5 of 20<br>")


def test_who_is_not_in_the_file_and_who_is_not_in_the_gradebook_are_told(tmp_path):
    download = made(tmp_path)
    lines = download.worksheet.read_text("utf-8").split("\n")
    other = lines[2].replace("4002", "9999").replace("s1002", "s9999")
    data = "\n".join([*lines[:2], other, *lines[3:]]).encode()
    back = moodle.fill(data, "w.csv", lines_of(download))
    assert codes(back, "s1002") == ["not-in-file"]
    [told] = [one for one in back.told if one.code == "not-in-gradebook"]
    assert "line 3" in told.what
    assert rows_of(back.data)[2] == rows_of(data)[2]


def test_two_students_that_share_a_name_are_told_apart_by_moodles_number(tmp_path):
    download = made(tmp_path, without=["id_number", "email"])
    _, back = filled(download)
    grades = {row[0]: row[3] for row in rows_of(back.data)[1:] if row[1] == "Kim Lee"}
    assert grades == {"Participant 4010": "", "Participant 4011": "96.25"}


def test_without_moodles_number_an_address_or_an_id_decides_and_a_name_never(tmp_path):
    download = made(tmp_path)
    people = {one.id: {"keys": {}} for one in download.students}
    _, back = filled(download, **people)
    assert len(back.written) == 20
    nameless = made(tmp_path / "names", without=["id_number", "email"])
    _, back = filled(nameless, **people)
    assert back.written == []
    assert sum(one.code == "not-in-file" for one in back.told) == 20


def test_a_hostile_comment_swallows_no_row(tmp_path):
    download = made(tmp_path)
    said = '\n"; =1+1\\"\nx\\\n,,,"\n</td><script>alert(1)</script>\n' + "\\"
    data, back = filled(download, s1001={"feedback": said})
    assert {row for row, _ in changed(rows_of(data), rows_of(back.data))} <= set(range(1, 25))
    cell = rows_of(back.data)[1][-1]
    assert "<script" not in cell
    assert "\\" not in cell
    assert '"' not in cell


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"Identifier,Grade\nParticipant 1,\nParticipant 1,\n", UsageError),
        (b"id,name\ns1,Ada\n", UsageError),
        (b"Identifier,Full name,Grade,Scale,Last modified (grade)\nParticipant 1,Ada,,Pass,-\n", UsageError),
        (b"Identifier,Grade,Maximum Grade\nParticipant 1,,100\nParticipant 2", SubmissionError),
    ],
    ids=["twice", "a roster", "a scale", "cut off"],
)
def test_what_is_no_worksheet_is_refused(data, error, tmp_path):
    with pytest.raises(error):
        moodle.fill(data, "w.csv", lines_of(made(tmp_path)))
