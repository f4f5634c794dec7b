"""However a download, a worksheet or a roster is damaged: a class, or words and nothing changed. Never a traceback."""

import os
import shutil
from unittest import mock

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.cli.import_ import import_
from grader.errors import GraderError
from grader.intake.classes import read_class
from tests.lms.kinds import MAKERS
from tests.lms.made import students

COURSE = 'name = "Fuzz"\ntimezone = "Europe/Oslo"\nrubrics = "rubrics"\n'
NAMES = (
    "Ada_4001_assignsubmission_file_/x.py", "ada_70001_900_model.py", "submission_metadata.yml", "classroom_roster.csv",
    "gradebook.db", "submitted/s1001/digits/timestamp.txt", "submission_1/x", "digits-user-1/x", "s1001.zip", "s1001/x",
    ".class/class.json", ".class/pending.json", "worksheet.csv", "Grades.csv", "é/é", "con", "a" * 200, "-rf", "=1+1",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small download of each kind as one zip, made once."""
    top = tmp_path_factory.mktemp("made")
    return {kind: make(top / kind, students(4, missing=4), is_zip=True) for kind, make in MAKERS.items()}


@pytest.fixture(scope="module", autouse=True)
def _no_waiting_for_the_disk():
    with mock.patch.object(os, "sync", return_value=None):
        yield


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Fresh courses, one for each example."""

    def make():
        folder = tmp_path_factory.mktemp("course")
        (folder / "rubrics").mkdir()
        rubric = (
            'assignment: digits\ntitle: Digits\ntasks:\n  - {id: "1", title: A, points: 1, rules: [{id: total, '
            "check: number, answer: total_parameters, expected: 1, points: 1}]}\n"
        )
        (folder / "rubrics" / "digits.yaml").write_text(rubric)
        (folder / "grader.toml").write_text(COURSE)
        return folder

    return make


def snapshot(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


def imported(course, source, made, *words):
    """Whether it was imported; if not, it was said in words, and nothing changed."""
    before = snapshot(course)
    given = [
        str(one) for name in ("roster", "worksheet") if (path := getattr(made, name)) for one in (f"--{name}", path)
    ]
    ran = CliRunner().invoke(import_, [str(source), "--assignment", "digits", "--course", str(course), *given, *words])
    if ran.exception is None:
        class_list = read_class(course / "submissions" / "digits")
        if "--dry-run" not in words:
            assert class_list is not None
            assert all(one.reason for one in class_list.roster)
            assert all((course / "submissions" / "digits" / one.path).exists() for one in class_list.hand_ins)
        return True
    if not isinstance(ran.exception, GraderError):
        assert isinstance(ran.exception, SystemExit), repr(ran.exception)
        assert ran.exit_code == 2
    else:
        assert all(problem.what and problem.fix for problem in ran.exception.problems)
    after = snapshot(course)
    after.pop("submissions", None)
    before.pop("submissions", None)
    assert after == before, "an import that failed left something, or took something"
    return False


def copy_of(made, folder):
    """The three files where they can be damaged."""
    folder.mkdir(exist_ok=True)
    paths = {}
    for name in ("source", "roster", "worksheet"):
        path = getattr(made, name)
        paths[name] = path and folder / path.name
        if path:
            shutil.copyfile(path, paths[name])
    return mock.Mock(**paths)


BLOCK = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [b"\0" * 4, b"\xff" * 4, b"/", b"..", b"PK\5\6", b"PK\1\2", b'"', b";", b",", b"\n", b"\xef\xbb\xbf"]
    ),
)


@st.composite
def damage(draw, data):
    held = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(held) - 1)))
        match draw(st.sampled_from(["set", "cut", "insert", "delete", "double"])):
            case "set":
                block = draw(BLOCK)
                held[at : at + len(block)] = block
            case "cut":
                del held[at:]
            case "insert":
                held[at:at] = draw(BLOCK)
            case "delete":
                del held[at : at + draw(st.integers(1, 40))]
            case "double":
                held += held[at:]
    return bytes(held)


@pytest.mark.parametrize("what", ["source", "worksheet", "roster"])
@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=25)
@given(data=st.data())
def test_a_damaged_file_is_imported_or_refused_in_words(kind, what, data, made, course):
    if getattr(made[kind], what) is None:
        return
    folder = course()
    files = copy_of(made[kind], folder / "download")
    path = getattr(files, what)
    path.write_bytes(data.draw(damage(path.read_bytes())))
    imported(folder, files.source, files)


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=10)
@given(data=st.data())
def test_a_damaged_download_over_a_good_one_takes_nothing_away(kind, data, made, course):
    folder = course()
    files = copy_of(made[kind], folder / "download")
    assert imported(folder, files.source, files)
    there = {one.name: one.digest for one in read_class(folder / "submissions" / "digits").hand_ins}
    path = getattr(
        files, data.draw(st.sampled_from([n for n in ("source", "worksheet", "roster") if getattr(files, n)]))
    )
    path.write_bytes(data.draw(damage(path.read_bytes())))
    if imported(folder, files.source, files):
        now = {one.digest for one in read_class(folder / "submissions" / "digits").hand_ins}
        assert set(there.values()) <= now, "a hand-in of before is gone"


@settings(max_examples=80)
@given(
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=8, unique=True), kind=st.sampled_from([None, *MAKERS])
)
def test_any_folder_is_imported_or_refused_in_words(names, kind, course):
    folder = course()
    for name in names:
        path = folder / "download" / name
        if any(part.is_file() for part in path.parents) or path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"id,name\n" if name.endswith(".csv") else name.encode())
    nothing = mock.Mock(roster=None, worksheet=None)
    imported(folder, folder / "download", nothing, *(["--from", kind] if kind else []))


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_read_as_any_other_is_imported_or_refused_in_words(kind, made, course):
    """A slip of the person who types --from."""
    for other in MAKERS:
        folder = course()
        files = copy_of(made[kind], folder / "download")
        imported(folder, files.source, files, "--from", other)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_worksheet_of_another_lms_is_joined_or_refused_in_words(kind, made, course):
    for other in MAKERS:
        folder = course()
        files = copy_of(made[kind], folder / "download")
        others = copy_of(made[other], folder / "other")
        imported(folder, files.source, mock.Mock(roster=None, worksheet=others.worksheet or others.roster))
