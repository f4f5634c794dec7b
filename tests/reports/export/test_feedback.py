"""Feedback files lie under the names by which the LMS knows whose they are; nobody gets anybody else's."""

import io
import re
import zipfile

import pytest

from grader.reports.export.feedback import feedback_zip
from tests.lms.canvas import make_canvas, user_id
from tests.lms.made import students
from tests.lms.moodle import make_moodle, uniqueid
from tests.lms.nbgrader import make_nbgrader
from tests.reports.export.made_lines import class_of, lines_of, points_of


def files_of(download, kind, **changes):
    zipped = feedback_zip(lines_of(download, **changes), class_of(download), kind, "digits")
    with zipfile.ZipFile(io.BytesIO(zipped.data)) as archive:
        return zipped, {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def moodles_own_reading(name):
    """The participant's number and the file, as Moodle's importer takes them from a path; None for what it skips."""
    parts = name.split("/")
    if parts[-1].startswith((".", "~")):
        return None
    while parts:
        info = parts.pop(0).split("_", 4)
        if len(info) < 4 or not info[1].isdigit() or info[2:4] != ["assignsubmission", info[3]]:
            continue
        rest = info[4] if len(info) == 5 else ""
        return int(info[1]), "/".join([rest, *parts]).strip("/")
    return None


FORMS = {
    "folders": {},
    "old folders": {"has_old_folders": True},
    "flat": {"is_flat": True},
    "blind": {"is_blind": True},
    "teams": {"has_teams": True},
    "German": {"words": "de"},
    "German teams, flat": {"words": "de", "has_teams": True, "is_flat": True},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_moodle_finds_each_students_own_file(form, tmp_path):
    people = students(24, group_of=5 if form.get("has_teams") else 0)
    download = make_moodle(tmp_path, people, **form)
    zipped, files = files_of(download, "moodle")
    have = {student for one in download.hand_ins for student in one.students}
    read = {moodles_own_reading(name): text for name, text in files.items()}
    assert None not in read
    assert set(read) == {(uniqueid(one), "feedback.txt") for one in people if one.id in have}
    for one in people:
        if one.id in have:
            assert read[uniqueid(one), "feedback.txt"].startswith(f"Points: {float(points_of(one.number)):g} of")
    assert sorted(zipped.written) == sorted(have)


def test_a_students_file_has_the_folder_of_the_download_itself(tmp_path):
    for form in ({}, {"has_old_folders": True}, {"is_blind": True}):
        download = make_moodle(tmp_path / str(len(form)) / "x".join(form), students(24), **form)
        _, files = files_of(download, "moodle")
        folders = {path.split("/")[0] for one in download.hand_ins for path in one.listed.values()}
        assert {name.split("/")[0] for name in files} <= folders


def test_a_team_is_no_participant_even_where_the_numbers_are_equal(tmp_path):
    """Moodle would give the file of team 902 to participant 902."""
    download = make_moodle(tmp_path, students(9, group_of=3, missing=0), has_teams=True)
    _, files = files_of(download, "moodle")
    assert len(files) == 9
    assert not any(re.search(r"_90\d_", name) for name in files)


def test_without_moodles_numbers_a_teams_comment_goes_nowhere_and_that_is_told(tmp_path):
    download = make_moodle(tmp_path, students(9, group_of=3, missing=0), has_teams=True)
    unknown = {one.id: {"keys": {}} for one in download.students}
    zipped, files = files_of(download, "moodle", **unknown)
    assert files == {}
    assert {one.code for one in zipped.told} == {"no-feedback-file"}
    assert len(zipped.told) == 9


def canvass_own_reading(name):
    """The person's number: the first of the two that stand alone between underscores."""
    numbers = [part for part in name.split("_") if part.isdigit()]
    return int(numbers[0]) if len(numbers) > 1 else None


@pytest.mark.parametrize("form", [{}, {"has_groups": True}], ids=["alone", "groups"])
def test_canvas_finds_the_person_and_the_file(form, tmp_path):
    people = students(24, group_of=3 if form else 0)
    download = make_canvas(tmp_path, people, **form)
    same = {one: {"points": points_of(3), "feedback": "x"} for by in download.hand_ins for one in by.students}
    zipped, files = files_of(download, "canvas", **same)
    listed = {path for one in download.hand_ins for path in one.listed.values()}
    by_id = {user_id(one): one for one in people}
    read = {canvass_own_reading(name): name for name in files}
    for number, name in read.items():
        assert any(path.startswith(name.removesuffix("feedback.txt")) for path in listed)
        members = download.hand_in_of(by_id[number].id).students
        assert by_id[number].id in members
        assert set(members) <= set(zipped.written)
    told = [one.who for one in zipped.told]
    have = {student for one in download.hand_ins for student in one.students}
    assert sorted([*zipped.written, *told]) == sorted(have)
    teams = [one.id for one in people if one.group.startswith("Team_")]  # to Canvas, "Team_2" begins with a number
    assert told == (teams if form else ["s1018"])  # called "Bob_4002"


def test_nbgrader_gets_its_feedback_step(tmp_path):
    download = make_nbgrader(tmp_path, students(5))
    _, files = files_of(download, "nbgrader")
    assert "feedback/s1001/digits/feedback.txt" in files
    assert len(files) == 4


def test_no_name_of_anybodys_leads_out_of_the_zip(tmp_path):
    download = make_moodle(tmp_path, students(24))
    odd = {"s1001": {"lms_folder": "../../etc_4001_assignsubmission_file"}, "s1002": {"lms_folder": "/abs/x"}}
    for kind in ("moodle", "canvas", "folder", ""):
        _, files = files_of(download, kind, **odd)
        assert not [name for name in files if name.startswith("/") or ".." in name.split("/") or "\\" in name]


def test_who_gets_no_grade_gets_no_file_and_equal_grades_give_equal_bytes(tmp_path):
    download = make_moodle(tmp_path, students(24))
    zipped, files = files_of(download, "moodle", s1001={"open_points": 1})
    assert not any("_4001_" in name for name in files)
    assert zipped.data == files_of(download, "moodle", s1001={"open_points": 1})[0].data
