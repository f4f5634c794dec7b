"""A folder of hand-ins: whose each is, its whole name says by the roster; a likeness says nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import SubmissionError, UsageError
from grader.intake.classes import RosterEntry
from grader.intake.lms.base import Options
from grader.intake.lms.matching import match
from tests.lms.kinds import MAKERS
from tests.lms.made import students, write_files
from tests.lms.reading import assert_nothing_lost, contents, read_made, tree_of
from tests.lms.zips import STYLES, make_zips

NAMES = ["Ada Lovelace", "Kim Lee", "José Ångström", "山田 太郎", "Zoë Müller"]


@pytest.mark.parametrize("is_zip", [False, True], ids=["a folder", "a zip"])
@pytest.mark.parametrize("style", STYLES)
def test_every_hand_in_is_its_students_by_whatever_names_them_alone(style, is_zip, tmp_path):
    people = students(12, names=NAMES)
    made = make_zips(tmp_path, people, style=style, is_zip=is_zip, folders=["s1001", "s1002"], has_top=True)
    roster = tuple(RosterEntry(p.id, p.name, p.email, keys={"github_username": p.login}) for p in people)
    read = read_made(made.source, Options(roster=roster))
    assert read.kind == "folder"
    found = read.by_folder()
    assert set(found) == {one.lms_folder for one in made.hand_ins}
    for truth in made.hand_ins:
        one = found[truth.lms_folder]
        assert [who.id for who in one.who] == list(truth.students)
        assert contents(read, one) == truth.files
        assert (one.received_at, one.is_late) == (None, None)
    assert_nothing_lost(read, ["inbox/grades.csv", "grades.csv"])


def test_without_a_roster_the_name_is_the_id(tmp_path):
    made = make_zips(tmp_path, students(5), has_roster=False)
    assert {one.who[0].id for one in read_made(made.source, Options()).download.found} == {
        f"s100{n}" for n in range(1, 5)
    }


def inbox(folder, names):
    files = {name if name.endswith(".zip") else f"{name}/model.py": b"x" for name in names}
    return write_files(folder / "inbox", files, is_zip=False)


def roster(*people):
    return Options(roster=tuple(RosterEntry(id_, name) for id_, name in people))


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["ada.zip", "ada"], id="an archive and a folder"),
        pytest.param(["ada.zip", "Ada.zip"], id="another case"),
        pytest.param(["ada.zip", "Ada Lovelace.zip"], id="by id and by name"),
    ],
)
def test_two_of_one_student_are_kept_apart_both(names, tmp_path):
    options = roster(("ada", "Ada Lovelace"), ("bob", "Bob"))
    read = read_made(inbox(tmp_path, [*names, "bob.zip"]), options)
    matched = match(read.download, read.tree, [options.roster], keep="latest")
    assert [one.name for one in matched.assigned] == ["bob"]
    assert len({file for one in matched.quarantined for file in one.files}) == 2
    assert all("nothing says which came last" in one.reason for one in matched.quarantined)
    assert "2 hand-ins" in next(one.reason for one in matched.roster if one.id == "ada")


def test_two_students_of_one_name_are_named_by_their_ids_alone(tmp_path):
    read = read_made(inbox(tmp_path, ["Kim Lee.zip", "k2.zip"]), roster(("k1", "Kim Lee"), ("k2", "Kim Lee")))
    assert {one.lms_folder: one.who[0].id for one in read.download.found} == {"Kim Lee": "", "k2": "k2"}


@pytest.mark.parametrize("name", ["ada_hw1.zip", "hw1-ada.zip", "ada (1).zip", "аda.zip"])
def test_a_name_that_holds_an_id_is_not_that_student(name, tmp_path):
    [found] = read_made(inbox(tmp_path, [name]), roster(("ada", "Ada"))).download.found
    assert found.who[0].id != "ada"


def test_single_files_are_kept_apart_and_lists_left_where_they_are(tmp_path):
    files = {"ada.zip": b"x", "bob.py": b"y", "grades.csv": b"z", "README": b""}
    read = read_made(write_files(tmp_path / "inbox", files, is_zip=False), Options())
    assert read.quarantined == {"bob.py", "README"}
    assert "grades.csv" in read.download.remarks[0]


def test_other_archives_are_hand_ins_whose_owner_can_be_told(tmp_path):
    files = {"ada.tar.gz": b"x", "bob.7z": b"y", ".zip": b"z"}
    read = read_made(write_files(tmp_path / "inbox", files, is_zip=False), Options())
    assert {one.who[0].id: list(one.files) for one in read.download.found} == {"ada": ["ada.tar.gz"], "bob": ["bob.7z"]}


@pytest.mark.parametrize(
    ("files", "owners"),
    [
        pytest.param({"inbox/ada.zip": b"", "inbox/bob/x": b""}, {"ada", "bob"}, id="a folder of hand-ins"),
        pytest.param({"ada/src/x": b"", "ada/data/y": b""}, {"ada"}, id="the folder of one student"),
        pytest.param({"class/x/model.py": b"", "class/model.py": b""}, {"class"}, id="a folder with files of its own"),
    ],
)
def test_the_only_folder_is_the_hand_ins_or_one_of_them(files, owners, tmp_path):
    source = write_files(tmp_path / "some.zip", files, is_zip=True)
    found = read_made(source, roster(("ada", "Ada"), ("bob", "Bob"))).download.found
    assert {one.lms_folder for one in found} == owners


def test_nothing_to_import_is_told(tmp_path):
    source = write_files(tmp_path / "inbox", {"grades.csv": b""}, is_zip=False)
    with pytest.raises(SubmissionError, match="no archive and no folder"):
        read_made(source, Options())


def test_a_class_that_was_imported_is_no_download(tmp_path):
    files = {"ada.zip": b"", ".class/class.json": b"{}"}
    with pytest.raises(UsageError, match="a class that grader import wrote"):
        read_made(write_files(tmp_path / "digits", files, is_zip=False), Options())


@pytest.mark.parametrize("kind", ["moodle", "canvas", "gradescope", "classroom", "nbgrader"])
def test_the_folder_that_a_download_lies_in_is_none(kind, tmp_path):
    """Else the download would be the hand-in of a student who is called like it."""
    made = MAKERS[kind](tmp_path, students(3), is_zip=True)
    outer = tmp_path / "Downloads"
    outer.mkdir()
    made.source.rename(outer / made.source.name)
    (outer / "Grades.csv").write_bytes(b"id\nada\n")
    with pytest.raises(UsageError) as refused:
        read_made(outer, Options(roster=()))
    assert refused.value.problems[0].fix == f"name that file: {outer / made.source.name}"


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_the_only_hand_in_may_be_broken(content, tmp_path):
    [found] = read_made(write_files(tmp_path / "inbox", {"ada.zip": content}, is_zip=False), Options()).download.found
    assert found.who[0].id == "ada"


def test_capitals_make_nobody_else(tmp_path):
    files = {"ADA.ZIP": b"", "Bob.Tar.GZ": b""}
    found = read_made(
        write_files(tmp_path / "inbox", files, is_zip=False), roster(("ada", ""), ("bob", ""))
    ).download.found
    assert {one.who[0].id: one.lms_folder for one in found} == {"ada": "ADA", "bob": "Bob"}


def test_clones_that_are_not_known_as_such_are_told(tmp_path):
    people = Options(roster=tuple(RosterEntry(f"s{n}", keys={"github_username": f"User{n}"}) for n in (1, 2, 3)))
    read = read_made(inbox(tmp_path, ["hw-user1", "hw-user2"]), people)
    assert [one.who[0].id for one in read.download.found] == ["hw-user1", "hw-user2"], "and nobody is guessed"
    assert "2 names end like users" in read.download.remarks[0]
    assert read_made(inbox(tmp_path / "own", ["user1", "user2", "hw-user3"]), people).download.remarks == ()


def test_a_hidden_name_is_nobodys(tmp_path):
    source = write_files(tmp_path / "inbox", {".ada/x": b"", ".bob.zip": b"", "cy.zip": b""}, is_zip=False)
    assert read_made(source, Options()).quarantined == {".ada/x", ".bob.zip"}


ID = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,6}[A-Za-z0-9]", fullmatch=True)


@settings(max_examples=200)
@given(st.lists(ID, min_size=1, max_size=6, unique_by=str.casefold), st.lists(ID, max_size=4, unique_by=str.casefold))
def test_every_archive_is_its_own_students_or_nobodys(ids, strangers):
    known = {one.casefold() for one in ids}
    names = [*ids, *(one for one in strangers if one.casefold() not in known)]
    source = tree_of("inbox", {f"{name}.zip": b"" for name in names})
    read = read_made(source, roster(*((one, "") for one in ids)), "folder")
    assert {one.lms_folder: one.who[0].id for one in read.download.found} == {name: name for name in names}, (
        "each under its own name, which the roster has or has not"
    )
