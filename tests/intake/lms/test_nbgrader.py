"""A course of nbgrader: the folder says whose, its record says when, its database says who else there is."""

import pytest

from grader.errors import SubmissionError, UsageError
from grader.intake.lms.base import Options
from tests.lms.made import students, write_files
from tests.lms.nbgrader import FOREIGN, make_nbgrader
from tests.lms.reading import contents, options_for, read_made

FORMS = {
    "as it is": {},
    "a zip": {"is_zip": True},
    "only what was handed in": {"is_submitted_alone": True},
    "another assignment beside it": {"has_other_assignment": True},
    "without a database": {"has_gradebook": False},
    "without records of times": {"has_times": False},
    "times with an offset": {"time_form": "%Y-%m-%d %H:%M:%S +0000"},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_hand_in_is_read_with_its_student_files_and_time(form, tmp_path):
    people = students(24)
    made = make_nbgrader(tmp_path, people, **form)
    read = read_made(made.source, options_for(made))
    assert read.kind == "nbgrader"
    found = read.by_folder()
    assert set(found) == {one.lms_folder for one in made.hand_ins}
    for truth in made.hand_ins:
        one = found[truth.lms_folder]
        assert [who.id for who in one.who] == list(truth.students)
        assert contents(read, one) == truth.files
        assert one.received_at == truth.received_at
    taken = {file.path for one in found.values() for file in one.files.values()}
    mine = {path for path in read.bytes_of if "submitted/" in f"/{path}" and f"/{FOREIGN}/" not in path}
    assert {path for path in mine - taken if not path.endswith("/timestamp.txt")} == set()


def test_the_database_names_those_who_handed_nothing_in(tmp_path):
    people = students(24)
    download = read_made(make_nbgrader(tmp_path, people).source, Options(assignment="digits")).download
    assert download.is_roster_whole
    assert {(one.id, one.name, one.email) for one in download.roster} == {(p.id, p.name, p.email) for p in people}


@pytest.mark.parametrize("damage", [b"", b"SQLite format 3\0" + b"\xff" * 2000, b"x" * 5000])
def test_a_database_that_cannot_be_read_is_told_and_stops_nobody(damage, tmp_path):
    made = make_nbgrader(tmp_path, students(4))
    (made.source / "gradebook.db").write_bytes(damage)
    download = read_made(made.source, Options(assignment="digits")).download
    assert (len(download.found), download.roster, download.is_roster_whole) == (4, None, False)
    assert "gradebook.db" in download.remarks[0]


def course(folder, files):
    held = {f"submitted/{path}": content for path, content in files.items()}
    return write_files(folder / "course", {**held, "nbgrader_config.py": b""}, is_zip=False)


def test_which_of_several_assignments_is_asked(tmp_path):
    source = course(tmp_path, {"s1/ps1/a": b"", "s1/ps2/a": b""})
    with pytest.raises(UsageError, match='the assignments "ps1", "ps2", and none is called "digits"'):
        read_made(source, Options(assignment="digits"))


def test_the_only_assignment_is_the_one_that_is_meant(tmp_path):
    [found] = read_made(course(tmp_path, {"s1/ps1/a": b""}), Options(assignment="digits")).download.found
    assert list(found.files) == ["a"]


def test_what_lies_beside_is_kept_apart(tmp_path):
    source = course(tmp_path, {"s1/ps1/a": b"", "s1/notes.txt": b"", "readme": b""})
    assert read_made(source, Options()).quarantined == {"submitted/s1/notes.txt", "submitted/readme"}


def test_a_folder_with_a_record_alone_is_an_empty_hand_in(tmp_path):
    source = course(tmp_path, {"s1/ps1/timestamp.txt": b"2026-01-02 03:04:05 UTC"})
    [found] = read_made(source, Options()).download.found
    assert (dict(found.files), found.note, found.received_at.hour) == ({}, "its folder is empty", 3)


@pytest.mark.parametrize("text", [b"", b"yesterday", b"\xff\xfe\0", b"9" * 500, b"0001-01-01 00:00:00 UTC"])
def test_a_record_that_is_no_time_is_none(text, tmp_path):
    source = course(tmp_path, {"s1/ps1/timestamp.txt": text, "s1/ps1/a": b""})
    [found] = read_made(source, Options()).download.found
    assert (found.received_at is None or found.received_at.year == 1, list(found.files)) == (True, ["a"])


def test_a_record_deeper_down_is_a_file_of_the_student(tmp_path):
    source = course(tmp_path, {"s1/ps1/data/timestamp.txt": b"2020-01-01 00:00:00 UTC"})
    [found] = read_made(source, Options()).download.found
    assert (found.received_at, list(found.files)) == (None, ["data/timestamp.txt"])


def test_a_course_without_hand_ins_is_told(tmp_path):
    source = write_files(tmp_path / "c", {"submitted/readme": b"", "gradebook.db": b""}, is_zip=False)
    with pytest.raises(SubmissionError, match="nobody has handed anything in"):
        read_made(source, Options())


def test_what_is_no_course_is_refused(tmp_path):
    source = write_files(tmp_path / "c", {"a/b": b""}, is_zip=False)
    with pytest.raises(SubmissionError, match="no folder 'submitted'"):
        read_made(source, Options(), "nbgrader")
