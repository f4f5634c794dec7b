"""A download that lies: what one student can have done costs that student's file, what only damage can do costs all."""

import io
import os
import stat
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import GraderError, SubmissionError
from grader.intake.lms.base import Options, reader_of
from grader.intake.lms.matching import match
from grader.intake.lms.roster import roster_from
from grader.intake.lms.tables import read_table
from grader.intake.lms.tree import opened_tree
from tests.intake.raw_zip import Raw, build
from tests.lms.kinds import MAKERS
from tests.lms.made import Student, files_of, students, write_files

MOODLE = "Ada L_4001_assignsubmission_file_"
OTHER = "Bob M_4002_assignsubmission_file_"


def read_all(source, roster=()):
    """Read, match and take every byte, as an import does."""
    with opened_tree(source) as tree:
        download = reader_of(tree).read(tree, Options(assignment="digits", roster=tuple(roster)))
        matched = match(download, tree, [roster] if roster else [], keep="latest")
        held = {
            student: {path: b"".join(file.blocks()) for path, file in one.found.files.items()}
            for one in matched.assigned
            for student in one.students
        }
    return matched, held


def moodle_zip(folder, *entries):
    path = folder / "C-A-1.zip"
    path.write_bytes(build(Raw(f"{MOODLE}/model.py", b"ada"), Raw(f"{OTHER}/model.py", b"bob"), *entries))
    return path


HOSTILE = {
    "out of the folder": Raw(f"{MOODLE}/../../../evil.py"),
    "out of it at the top": Raw("../evil.py"),
    "from the top of the disk": Raw("/etc/cron.d/evil"),
    "a drive": Raw("C:/evil.py"),
    "a backslash": Raw(f"{MOODLE}/..\\..\\evil.py"),
    "a control character": Raw(f"{MOODLE}/a\x1b[2Jb.py"),
    "a link": Raw(f"{MOODLE}/link", b"/etc/passwd", mode=stat.S_IFLNK | 0o777),
    "a device": Raw(f"{MOODLE}/device", mode=stat.S_IFCHR | 0o600),
    "a program that runs as another": Raw(f"{MOODLE}/run", mode=stat.S_IFREG | 0o4755),
    "a bomb": Raw(f"{MOODLE}/zeros.bin", bytes(64 * 2**20)),
    "a name of a device": Raw(f"{MOODLE}/nul.py"),
    "a name that is too long": Raw(f"{MOODLE}/{'x' * 300}"),
    "too deep": Raw(f"{MOODLE}/{'d/' * 60}x"),
    "packed in an odd way": Raw(f"{MOODLE}/odd.py", method=12, packed=b"BZh"),
    "with a password": Raw(f"{MOODLE}/secret.py", flags=1),
    "another's file once more": Raw(f"{OTHER}/model.py", b"not bob"),
}


@pytest.mark.parametrize("entry", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_alone_and_told(entry, tmp_path):
    matched, held = read_all(moodle_zip(tmp_path, entry))
    assert held["participant-4001"] == {"model.py": b"ada"}
    assert held["participant-4002"] == {"model.py": b"bob"}
    assert [one for one in matched.quarantined if "refused" in one.reason], "it is told"


LIES = {
    "two entries share their bytes": lambda: build(Raw(f"{MOODLE}/a", b"x" * 50), Raw("b", central={"offset": 0})),
    "its header says another name": lambda: build(Raw(f"{MOODLE}/a", local={"name": b"other"})),
    "its header says another size": lambda: build(Raw(f"{MOODLE}/a", local={"size": 7})),
    "there are fewer entries than it says": lambda: build(Raw(f"{MOODLE}/a"), end={"all": 9, "here": 9}),
    "a part of a split archive": lambda: build(Raw(f"{MOODLE}/a"), end={"disk": 1}),
    "two archives in one": lambda: build(Raw(f"{MOODLE}/a", is_hidden=True), Raw(f"{OTHER}/b")),
    "nothing at all": lambda: b"",
    "a web page": lambda: b"<!DOCTYPE html><title>Log in</title>",
}


@pytest.mark.parametrize("archive", LIES.values(), ids=LIES)
def test_a_damaged_download_is_refused_as_a_whole(archive, tmp_path):
    path = tmp_path / "C-A-1.zip"
    path.write_bytes(archive())
    with pytest.raises(SubmissionError) as refused:
        read_all(path)
    assert all(problem.what and problem.fix for problem in refused.value.problems)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_download_that_is_cut_off_is_refused_wherever_it_is_cut(kind, tmp_path):
    made = MAKERS[kind](tmp_path / "whole", students(3), is_zip=True)
    data = made.source.read_bytes()
    path = tmp_path / "cut.zip"
    for length in (*range(0, 60, 7), *range(60, len(data), max(1, len(data) // 40)), len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(SubmissionError):
            read_all(path)


@settings(max_examples=150)
@given(data=st.data())
def test_whatever_its_bytes_are_it_is_read_or_refused(data, tmp_path_factory):
    kind = data.draw(st.sampled_from(sorted(MAKERS)))
    folder = tmp_path_factory.mktemp("mutated")
    made = MAKERS[kind](folder / "whole", students(2), is_zip=True)
    held = bytearray(made.source.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(held) - 1))
        held[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    path = folder / made.source.name
    path.write_bytes(held)
    try:
        read_all(path)
    except GraderError:
        pass
    except Exception as error:
        if type(error).__name__ != "Refused":  # told by whoever takes the bytes
            raise


def test_a_link_in_a_folder_is_not_followed(tmp_path):
    (tmp_path / "secret").write_bytes(b"labels")
    source = write_files(tmp_path / "inbox", {"ada/model.py": b"ada"}, is_zip=False)
    (source / "ada" / "link.py").symlink_to(tmp_path / "secret")
    (source / "bob").symlink_to(tmp_path)
    os.mkfifo(source / "ada" / "pipe")
    matched, held = read_all(source)
    assert held == {"ada": {"model.py": b"ada"}}
    assert sorted(path for one in matched.quarantined for path in one.files) == ["ada/link.py", "ada/pipe", "bob"]


# --- lists that lie -----------------------------------------------------------------------------


NO_IDS = (
    "../ada",
    "/ada",
    "a/b",
    "a\\b",
    "=cmd()",
    "+1",
    "-rf",
    "@ada",
    " ",
    "\u0430da",
    "a" * 65,
    "..",
    ".a",
    "a\u202eb",
)


@pytest.mark.parametrize("id_", NO_IDS)
def test_an_id_that_is_none_is_refused_with_its_line(id_):
    data = f'id,name\nbob,Bob\n"{id_}",Ada\n'.encode()
    with pytest.raises(SubmissionError) as refused:
        roster_from(read_table(data, "roster.csv"))
    assert refused.value.problems[0].where == "roster.csv:3"


@pytest.mark.parametrize("again", ["ada", "ADA", "Ada"])
def test_one_id_for_two_is_refused_with_both_lines(again):
    data = f"id,name\nada,Ada\nbob,Bob\n{again},Other\n".encode()
    with pytest.raises(SubmissionError, match="stands on line 2, too") as refused:
        roster_from(read_table(data, "roster.csv"))
    assert refused.value.problems[0].where == "roster.csv:4"


def test_a_name_that_looks_the_same_is_another(tmp_path):
    """Latin and Cyrillic: only the number counts."""
    names = ("Anna Petrova", "Аnnа Petrova")
    people = students(2, names=names, missing=0)
    made = MAKERS["moodle"](tmp_path, people)
    roster = roster_from(read_table(made.worksheet.read_bytes(), "w.csv")).entries
    _, held = read_all(made.source, roster)
    for who in people:
        assert held[who.id] == dict(who.files)


def test_a_forged_name_gets_nobody_elses_place(tmp_path):
    """`kim_70001` is user 70002, and hands in a file whose name reads like one of user 70001."""
    ada = Student(1, "s1001", "Ada Lovelace", "a@example.org", files=files_of(1))
    kim = Student(2, "s1002", "kim_70001", "k@example.org", files=files_of(2))
    made = MAKERS["canvas"](tmp_path, (ada, kim))
    roster = roster_from(read_table(made.worksheet.read_bytes(), "g.csv")).entries
    matched, held = read_all(made.source, roster)
    assert held["s1001"] == dict(ada.files)
    apart = {path for one in matched.quarantined for path in one.files}
    assert "s1002" in held or apart == set(made.hand_ins[1].listed.values())


def test_what_a_hand_in_says_of_its_student_is_not_asked(tmp_path):
    """Every made submission.json names s1001."""
    for kind, make in MAKERS.items():
        made = make(tmp_path / kind, students(6, missing=0, zipped=0))
        path = made.roster or made.worksheet
        roster = roster_from(read_table(path.read_bytes(), "r.csv"), assignment="digits").entries
        _, held = read_all(made.source, roster)
        assert len(held) == 6, kind


def test_a_zip_in_a_download_is_a_file_until_it_is_graded(tmp_path):
    """What is in a student's own zip, a bomb or a link, is the business of the reading of hand-ins."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.py", b"x")
        archive.writestr("zeros", bytes(50 * 2**20))
    ada = replace(students(1)[0], files={"hw.zip": buffer.getvalue()})
    made = MAKERS["moodle"](tmp_path, [ada])
    _, held = read_all(made.source)
    assert held == {"participant-4001": {"hw.zip": buffer.getvalue()}}


@pytest.mark.parametrize("kind", ["moodle", "canvas", "gradescope", "classroom", "nbgrader"])
def test_a_file_of_the_lms_that_is_damaged_refuses_the_download(kind, tmp_path):
    """A byte of the metadata, the roster or the time is another one: the archive's checksum knows."""
    made = MAKERS[kind](
        tmp_path, students(2), is_zip=True, **({"is_roster_inside": True} if kind == "classroom" else {})
    )
    names = {"gradescope": "submission_metadata.yml", "classroom": "classroom_roster.csv", "nbgrader": "timestamp.txt"}
    with zipfile.ZipFile(made.source) as archive:
        held = {info.filename: archive.read(info) for info in archive.infolist()}
    if kind in ("moodle", "canvas"):  # the worksheet lies among the hand-ins
        held["Grades.csv"] = made.worksheet.read_bytes()
    wanted = names.get(kind, "Grades.csv")
    entries = [
        Raw(name, data, central={"crc": 1}, local={"crc": 1}) if name.endswith(f"{wanted}") else Raw(name, data)
        for name, data in held.items()
    ]
    made.source.write_bytes(build(*entries))
    with pytest.raises(SubmissionError, match="the download is damaged at"):
        read_all(made.source)
