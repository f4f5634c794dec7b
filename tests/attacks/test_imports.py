"""Nothing that a student can name, date or put into a table of the LMS decides whose a grade is: attacks 93 to 96."""

import csv
import io
import json
import os
import shutil
import struct
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.cli import run
from grader.cli.common import load_rubric
from grader.course import load_course
from grader.course.late import lateness
from grader.errors import SubmissionError
from grader.intake import find_submissions, submission_from
from grader.intake.classes import read_class
from grader.intake.lms.importing import Asked, import_download
from grader.model import Terms
from grader.running import ClassOf
from tests.lms.kinds import MAKERS
from tests.lms.made import DUE, Student, files_of, make_roster, resubmitted, students, write_files

ROOT = Path(__file__).parents[2]
TIMED = ("moodle", "gradescope", "classroom", "nbgrader")  # the kinds whose own files say when a hand-in came


def imported(made, target, **more):
    given = {"roster": made.roster, "worksheet": made.worksheet, "zone": UTC, **more}
    import_download(Asked(made.source, "digits", target, **given))
    return read_class(target)


def held(folder, entry):
    with submission_from(folder / entry.path, assignment="digits") as submission:
        return {file.path: (submission.root / file.path).read_bytes() for file in submission.files}


def graded_as(target):
    """The submissions as run-all reads them, with whom their grades would go to."""
    course = load_course(ROOT)
    of = ClassOf(course, find_submissions(target), lambda name: load_rubric(course, name))
    made = []
    for hand_in in of.hand_ins():
        made.append(hand_in.submission)
        hand_in.close()
    return {one.id: one for one in made}


# --- 93: forged ids, attempts, late markers in names --------------------------------------------

ADA, EVE = "s1001", "s1002"
FORGED = {
    "another's participant in a file": ("moodle", "Eve Adams", "Ada Lovelace_4001_assignsubmission_file_model.py"),
    "another's participant in a name": ("moodle", "Ada Lovelace_4001_assignsubmission_file", "model.py"),
    "another's number in a name": ("moodle", "Ada Lovelace_4001", "model.py"),
    "another's user in a file": ("canvas", "Eve Adams", "lovelaceada_70001_900100_model.py"),
    "another's user in a name": ("canvas", "lovelaceada_70001", "model.py"),
    "only a number": ("canvas", "70001", "70001_70001_model.py"),
    "a marker of lateness in a file": ("canvas", "Eve Adams", "_LATE_70001_900100_model.py"),
    "a marker of lateness in a name": ("canvas", "eve_LATE", "model.py"),
    "another's submitter in a file": ("gradescope", "Eve Adams", "submission_metadata.yml"),
    "another's repository in a file": ("classroom", "Eve Adams", "digits-user-1.py"),
    "another's folder in a file": ("nbgrader", "Eve Adams", "s1001.py"),
}


@pytest.mark.attack(93)
@pytest.mark.parametrize(("kind", "name", "file"), FORGED.values(), ids=FORGED)
def test_a_forged_name_is_its_own_students_or_nobodys(kind, name, file, tmp_path):
    ada = replace(students(1, missing=0, zipped=0)[0], name="Ada Lovelace")
    eve = Student(2, EVE, name, "e@example.org", "user-2", files={file: b"eve's"}, received_at=ada.received_at)
    made = MAKERS[kind](tmp_path / "made", [ada, eve])
    class_list = imported(made, tmp_path / "digits")
    mine = class_list.by_name[class_list.by_id[ADA].hand_in]
    assert b"eve's" not in held(tmp_path / "digits", mine).values()
    assert dict(ada.files).items() <= held(tmp_path / "digits", mine).items()
    theirs = class_list.by_id[EVE].hand_in
    apart = {path for one in class_list.quarantined for path in one.files}
    assert theirs or any(path.endswith(file) for path in apart), "eve's is hers, or kept apart: it is not lost"
    if theirs:
        assert b"eve's" in held(tmp_path / "digits", class_list.by_name[theirs]).values()
        assert not class_list.by_name[theirs].is_late


@pytest.mark.attack(93)
def test_a_number_at_the_end_of_a_file_is_no_attempt(tmp_path):
    """Canvas adds `-1` where a file is handed in again; so can anybody."""
    [ada] = students(1, missing=0, zipped=0)
    made = MAKERS["canvas"](tmp_path / "made", [replace(ada, files={"model-99.py": b"x"})])
    class_list = imported(made, tmp_path / "digits")
    assert class_list.by_name[ADA].attempt == 1
    assert held(tmp_path / "digits", class_list.by_name[ADA]) == {"model-99.py": b"x"}


@pytest.mark.attack(93)
def test_a_hand_in_that_names_another_student_is_graded_for_its_own(tmp_path):
    """Every made submission.json claims to be that of s1001."""
    made = MAKERS["moodle"](tmp_path / "made", students(6, missing=0))
    imported(made, tmp_path / "digits")
    of = graded_as(tmp_path / "digits")
    assert {one: [student.id for student in submission.students] for one, submission in of.items()} == {
        f"s{number}": [f"s{number}"] for number in range(1001, 1007)
    }
    told = [one.code for one in of["s1002"].problems]
    assert "warning-other-students" in told
    assert "warning-other-students" not in [one.code for one in of["s1001"].problems]


@pytest.mark.attack(93)
def test_a_hand_in_put_beside_an_imported_class_is_nobodys(tmp_path):
    made = MAKERS["moodle"](tmp_path / "made", students(3))
    imported(made, tmp_path / "digits")
    shutil.copytree(tmp_path / "digits" / "s1001", tmp_path / "digits" / "zz")
    submission = graded_as(tmp_path / "digits")["zz"]
    assert submission.students == ()
    assert "not-in-class" in [one.code for one in submission.problems]


# --- 94: two uploads, groups, nothing -----------------------------------------------------------


@pytest.mark.attack(94)
@pytest.mark.parametrize("kind", MAKERS)
def test_every_student_of_the_roster_stands_there_once_with_a_reason(kind, tmp_path):
    class_ = students(26, names=())
    made = MAKERS[kind](tmp_path / "made", class_)
    class_list = imported(made, tmp_path / "digits")
    assert sorted(one.id for one in class_list.roster) == sorted(one.id for one in class_)
    assert all(one.reason for one in class_list.roster)
    given = [student for one in class_list.hand_ins if one.is_counted for student in one.students]
    assert sorted(given) == sorted(one.id for one in class_list.roster if one.hand_in)
    assert {one.id for one in class_list.roster if not one.hand_in} == {one.id for one in class_ if not one.files}


@pytest.mark.attack(94)
@pytest.mark.parametrize("keep", ["latest", "first"])
def test_of_two_uploads_the_one_of_the_stated_policy_counts(keep, tmp_path):
    class_ = list(students(3, names=(), missing=0, zipped=0))
    target = tmp_path / "digits"
    imported(MAKERS["moodle"](tmp_path / "a", class_), target, keep=keep)
    newer = resubmitted(class_[0])
    class_list = imported(MAKERS["moodle"](tmp_path / "b", [newer, *class_[1:]]), target, keep=keep)
    truth = newer if keep == "latest" else class_[0]
    assert held(target, class_list.by_name[ADA]) == dict(truth.files)
    assert class_list.keep == keep
    assert sum(ADA in one.students for one in class_list.hand_ins) == 2
    assert sum(ADA in one.students and one.is_counted for one in class_list.hand_ins) == 1


@pytest.mark.attack(94)
def test_everybody_of_a_group_has_its_hand_in_and_nobody_else(tmp_path):
    class_ = students(9, names=(), group_of=3, missing=0)
    made = MAKERS["moodle"](tmp_path / "made", class_, has_teams=True)
    class_list = imported(made, tmp_path / "digits")
    for one in class_:
        entry = class_list.by_name[class_list.by_id[one.id].hand_in]
        assert entry.students == tuple(other.id for other in class_ if other.group == one.group)


@pytest.mark.attack(94)
def test_an_empty_upload_is_told_and_takes_no_files_place(tmp_path):
    empty = "Ada Lovelace_4001_assignsubmission_file"
    source = tmp_path / "DL-digits-1.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr(f"{empty}/", "")
        archive.writestr("Bob Lee_4002_assignsubmission_file/model.py", "")
    import_download(Asked(source, "digits", tmp_path / "digits"))
    class_list = read_class(tmp_path / "digits")
    ada, bob = (class_list.by_id[f"participant-{number}"] for number in (4001, 4002))
    assert (ada.hand_in, ada.reason) == ("", "an empty hand-in: it holds no file")
    assert held(tmp_path / "digits", class_list.by_name[bob.hand_in]) == {"model.py": b""}


@pytest.mark.attack(94)
def test_an_empty_upload_later_does_not_take_away_what_was_handed_in(tmp_path):
    class_ = list(students(3, names=(), missing=0, zipped=0))
    target = tmp_path / "digits"
    imported(MAKERS["nbgrader"](tmp_path / "a", class_), target)
    made = MAKERS["nbgrader"](tmp_path / "b", class_)
    shutil.rmtree(made.source / "submitted" / ADA / "digits")
    (made.source / "submitted" / ADA / "digits").mkdir()
    class_list = imported(made, target)
    assert class_list.by_id[ADA].hand_in == ADA
    assert "in an import before" in class_list.by_id[ADA].reason or "before this one" in class_list.by_id[ADA].reason
    assert dict(class_[0].files).items() <= held(target, class_list.by_name[ADA]).items()


# --- 95: forged times ---------------------------------------------------------------------------

EARLY = datetime(2020, 1, 1, tzinfo=UTC)


def forged(received):
    """Files that all say, in every way that a file can, that they were made years before they were due."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as inner:
        inner.writestr(zipfile.ZipInfo("log.txt", (2020, 1, 1, 0, 0, 0)), "2020-01-01T00:00:00Z done\n")
    notebook = {"cells": [], "metadata": {"created": "2020-01-01T00:00:00Z"}, "nbformat": 4, "nbformat_minor": 5}
    manifest = {"assignment": "digits", "students": [{"id": ADA}], "received_at": "2020-01-01T00:00:00Z"}
    return {
        "submission.json": json.dumps(manifest).encode(),
        "notebook.ipynb": json.dumps(notebook).encode(),
        "photo.jpg": exif("2020:01:01 00:00:00"),
        "timestamp.txt" if received is None else "my-timestamp.txt": b"2020-01-01 00:00:00 UTC",
        "old.zip": archive.getvalue(),
        "git.log": b"commit 0\nDate: Wed Jan 1 00:00:00 2020 +0000\n",
    }


def exif(when):
    """A JPEG of nothing but the time at which it says it was taken."""
    text = when.encode() + b"\0"
    tags = struct.pack("<2sHIH", b"II", 42, 8, 1) + struct.pack("<HHII", 0x0132, 2, len(text), 26) + bytes(4) + text
    body = b"Exif\0\0" + tags
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(body) + 2) + body + b"\xff\xd9"


@pytest.mark.attack(95)
@pytest.mark.parametrize("kind", MAKERS)
def test_only_the_lms_says_when_a_hand_in_came(kind, tmp_path):
    late = DUE + timedelta(hours=30)
    [ada] = students(1, names=(), missing=0, zipped=0)
    ada = replace(ada, files=forged(late), received_at=late)
    made = MAKERS[kind](tmp_path / "made", [ada], **({"is_zip": True} if kind != "folder" else {}))
    for file in tmp_path.rglob("*"):
        os.utime(file, (EARLY.timestamp(), EARLY.timestamp()))
    class_list = imported(made, tmp_path / "digits")
    received = class_list.by_name[ADA].received_at
    if kind not in TIMED:
        assert received is None, "what no LMS says nobody knows"
        return
    assert received == late.replace(second=received.second)
    read = graded_as(tmp_path / "digits")[ADA]
    assert read.received_at == received
    assert lateness(Terms(due=DUE), read).days == 2


@pytest.mark.attack(95)
@pytest.mark.parametrize("kind", ["moodle", "canvas", "folder"])
def test_without_the_lmss_own_file_no_time_is_read(kind, tmp_path):
    """Neither a zip's entries, nor the files' own times, nor what they say: a person is told that nobody knows."""
    [ada] = students(1, names=(), missing=0, zipped=0)
    ada = replace(ada, files=forged(None), received_at=DUE + timedelta(hours=30))
    made = MAKERS[kind](tmp_path / "made", [ada])
    class_list = imported(made, tmp_path / "digits", worksheet=None)
    assert [one.received_at for one in class_list.hand_ins] == [None]
    [read] = graded_as(tmp_path / "digits").values()
    told = lateness(Terms(due=DUE), read)
    assert (told.received, told.days) == (None, None)


@pytest.mark.attack(95)
def test_what_git_says_of_a_clone_is_not_asked(tmp_path):
    git = shutil.which("git")
    if git is None:
        pytest.skip("there is no git here")
    class_ = students(2, names=(), missing=0, zipped=0)
    made = MAKERS["classroom"](tmp_path / "made", class_, has_git=False, has_grades=False)
    clone = made.source / "digits-user-1"
    when = {"GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z"}
    who = ["-c", "user.name=Ada", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "in time"]):
        subprocess.run([git, *words], cwd=clone, check=True, env={**os.environ, **when})
    class_list = imported(made, tmp_path / "digits")
    assert [one.received_at for one in class_list.hand_ins] == [None, None]
    assert not list((tmp_path / "digits").rglob(".git"))


# --- 96: tables with formulas, look-alikes, doubles, paths ----------------------------------------

NO_IDS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "-1",
    "../../etc/passwd",
    "a/b",
    "a\\b",
    "\u0430da",
    "a\x07",
    "a b",
    "",
]


def roster(tmp_path, *rows):
    text = io.StringIO()
    csv.writer(text).writerows([["id", "name"], *rows])
    path = tmp_path / "roster.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


@pytest.mark.attack(96)
@pytest.mark.parametrize("id_", NO_IDS)
def test_an_id_that_is_a_formula_or_a_path_is_refused_with_its_line(id_, tmp_path):
    source = write_files(tmp_path / "inbox", {"ada/model.py": b"x"}, is_zip=False)
    listed = roster(tmp_path, ("ada", "Ada"), (id_, "Eve"))
    with pytest.raises(SubmissionError) as refused:
        import_download(Asked(source, "digits", tmp_path / "digits", roster=listed))
    assert refused.value.problems[0].where == "roster.csv:3"
    assert not (tmp_path / "digits").exists()


@pytest.mark.attack(96)
@pytest.mark.parametrize("id_", [one for one in NO_IDS if one and one != "a\x07"])
def test_such_an_id_in_the_lmss_own_file_names_nothing(id_, tmp_path):
    """Where the LMS has another id, that is used, and a person is told."""
    ada, eve = students(2, names=(), missing=0, zipped=0)
    made = MAKERS["moodle"](tmp_path / "made", [ada, replace(eve, id=id_)])
    asked = Asked(made.source, "digits", tmp_path / "digits", worksheet=made.worksheet, zone=UTC)
    imported_ = import_download(asked)
    class_list = read_class(tmp_path / "digits")
    assert [one.id for one in class_list.roster] == ["s1001", "s1002@example.org"]
    assert any("cannot be an id" in remark for remark in imported_.remarks)
    assert {one.name for one in class_list.hand_ins} == {"s1001", "s1002@example.org"}


@pytest.mark.attack(96)
def test_a_look_alike_or_double_name_gets_nobodys_hand_in(tmp_path):
    """Only names are there to go by: Latin and Cyrillic are two people, two of one name are nobody."""
    source = tmp_path / "DL-digits-1.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for number, name in enumerate(["Anna Petrova", "\u0410nn\u0430 Petrova", "Kim Lee", "Bob Ray"], 1):
            archive.writestr(f"{name}_{number}_assignsubmission_file/model.py", name)
    listed = roster(tmp_path, ("a1", "Anna Petrova"), ("k1", "Kim Lee"), ("k2", "kim  lee"), ("b1", "BOB RAY"))
    import_download(Asked(source, "digits", tmp_path / "digits", roster=listed))
    class_list = read_class(tmp_path / "digits")
    assert {one.id: one.hand_in for one in class_list.roster} == {"a1": "a1", "k1": "", "k2": "", "b1": "b1"}
    assert held(tmp_path / "digits", class_list.by_name["a1"]) == {"model.py": b"Anna Petrova"}
    apart = sorted(path.split("_")[0] for one in class_list.quarantined for path in one.files)
    assert apart == ["Kim Lee", "\u0410nn\u0430 Petrova"]


@pytest.mark.attack(96)
@pytest.mark.parametrize("other", ["ada", "ADA"])
def test_one_id_for_two_people_is_refused(other, tmp_path):
    source = write_files(tmp_path / "inbox", {"ada/model.py": b"x"}, is_zip=False)
    listed = roster(tmp_path, ("ada", "Ada"), (other, "Eve"))
    with pytest.raises(SubmissionError, match="stands on line 2"):
        import_download(Asked(source, "digits", tmp_path / "digits", roster=listed))


@pytest.mark.attack(96)
def test_names_are_shown_as_text_and_name_no_file(capsys, tmp_path):
    names = ("[red]x[/red]", "\x1b[2Jx", "=1+1", "../../x", "a\u202eb", "<script>", "x" * 5_000)
    class_ = [Student(n, f"s{1000 + n}", name, f"s{1000 + n}@example.org", files={}) for n, name in enumerate(names, 1)]
    class_.append(Student(99, "s1099", "Bob", "b@example.org", files=files_of(99)))
    listed = make_roster(tmp_path / "own", class_)
    made = MAKERS["moodle"](tmp_path / "made", [class_[-1]])
    target = tmp_path / "digits"
    words = ["import", made.source, "--assignment", "digits", "--roster", listed, "--to", target, "--course", ROOT]
    assert run([str(word) for word in words]) == 0
    told = capsys.readouterr().out
    assert "\x1b[2J" not in told
    assert "\u202e" not in told
    assert "[red]x[/red]" in told
    assert [path.name for path in target.iterdir() if path.name != ".class"] == ["s1099"]
    assert len(read_class(target).roster) == 8
