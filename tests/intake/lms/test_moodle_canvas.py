"""Moodle's and Canvas's names are read as they make them; what two could have made is nobody's."""

import shutil
from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from grader.intake.classes import RosterEntry
from grader.intake.lms.base import Download, Found, Options, Who
from grader.intake.lms.canvas import readings
from grader.intake.lms.matching import match
from grader.intake.lms.tree import Tree
from tests.lms.canvas import make_canvas
from tests.lms.made import DUE, students, zip_of
from tests.lms.moodle import make_moodle
from tests.lms.reading import options_for, read_made, tree_of

CLASS = students(8, names=("Ada Lovelace", "Bob Lee"), missing=5, zipped=3)


def by_key(read):
    return {one.key: one for one in read.download.found}


# --- Moodle -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"is_flat": True},
        {"has_old_folders": True},
        {"has_usernames": True},
        {"words": "de"},
        {"words": "es", "is_flat": True},
        {"is_zip": False},
    ],
    ids=str,
)
def test_moodles_folders_flat_old_and_in_other_languages_are_one(form, tmp_path):
    made = make_moodle(tmp_path, CLASS, **form)
    found = by_key(read_made(made.source, options_for(made)))
    assert set(found) == {str(4000 + one.number) for one in CLASS if one.files}
    for one in CLASS:
        if one.files:
            mine = found[str(4000 + one.number)]
            truth = made.hand_in_of(one.id)
            assert (
                set(mine.files) == set(truth.listed)
                if not form.get("is_flat")
                else len(mine.files) == len(truth.listed)
            )
            assert mine.received_at == one.received_at.replace(second=0)
            assert mine.is_late is one.is_late
            assert mine.lms_folder == truth.lms_folder


def test_a_worksheet_beside_the_folders_is_the_worksheet(tmp_path):
    made = make_moodle(tmp_path, CLASS, is_zip=False)
    shutil.copy(made.worksheet, made.source / "Grades.csv")
    read = read_made(made.source, Options(assignment="digits", zone=UTC))
    assert read.download.worksheet.data == made.worksheet.read_bytes()
    assert {one.id for one in read.download.roster} == {one.id for one in CLASS}
    assert read.download.quarantined == ()


def test_a_students_table_is_no_worksheet(tmp_path):
    """Not one that lies in their folder, nor one that is flat beside it."""
    made = make_moodle(tmp_path / "made", CLASS)
    stolen = made.worksheet.read_bytes()
    for form in ({}, {"is_flat": True}):
        eve = replace(CLASS[0], files={"Grades.csv": stolen})
        read = read_made(make_moodle(tmp_path / str(form), [eve], **form).source, Options(zone=UTC))
        assert read.download.worksheet is None
        assert read.download.roster is None


def test_a_typed_text_and_a_file_are_one_hand_in(tmp_path):
    [ada] = students(1, names=(), missing=0, zipped=0)
    both, text = replace(ada, text="<p>see</p>"), replace(ada, number=2, id="s1002", files={}, text="<p>only</p>")
    for form in ({}, {"is_flat": True}):
        found = by_key(read_made(make_moodle(tmp_path / str(form), [both, text], **form).source, Options()))
        assert set(found["4001"].files) >= {"model.py", "onlinetext.html"} - ({"onlinetext.html"} if form else set())
        assert len(found["4001"].files) == len(ada.files) + 1
        assert "typed" in found["4002"].note
        assert found["4001"].note == ""


def test_without_a_zone_there_are_no_times_and_a_person_is_told(tmp_path):
    made = make_moodle(tmp_path, CLASS)
    read = read_made(made.source, replace(options_for(made), zone=None))
    assert {one.received_at for one in read.download.found} == {None}
    assert any("timezone" in one for one in read.download.remarks)


def test_a_date_in_unknown_words_is_no_time_and_told(tmp_path):
    made = make_moodle(tmp_path, CLASS)
    text = made.worksheet.read_text(encoding="utf-8").replace("November", "Brumaire")
    made.worksheet.write_text(text, encoding="utf-8")
    read = read_made(made.source, options_for(made))
    assert {one.received_at for one in read.download.found} == {None}
    assert any("not known here" in one for one in read.download.remarks)


def test_what_moodle_did_not_name_is_kept_apart():
    tree = tree_of("x", {"A_1_assignsubmission_file/a.py": b"", "stray.py": b"", "folder/b.py": b""})
    read = read_made(tree, Options(), "moodle")
    assert {path for one in read.download.quarantined for path in one.files} == {"stray.py", "folder/b.py"}


# --- whose: people, teams, contradictions -----------------------------------------------------------

ROSTER = (
    RosterEntry("s1", "Ada", "a@x.org", group="Team 1", keys={"participant": "1", "sid": "s1"}),
    RosterEntry("s2", "Bob", "b@x.org", group="Team 1", keys={"participant": "2", "sid": "s2"}),
    RosterEntry("s3", "Team 1", "c@x.org", keys={"participant": "3", "sid": "s3"}),
)
FILE = tree_of("x", {"a.py": b"a", "b.py": b"b"}).files


def matched(kind, *found, roster=ROSTER, keep="latest"):
    tree = Tree(FILE["a.py"].path, "x", "folder")
    made = match(Download(kind, found), tree, [roster], keep=keep)
    return {one.id: one for one in made.roster}, made


def hand_in(key, name="", number="", **more):
    who = (Who(name=name, keys={"participant": number}),) if number else ()
    return Found(key, who, group=name, files={"a.py": FILE["a.py"]}, lms_folder=key, **more)


def test_a_team_is_known_by_its_name_whatever_its_number():
    people, _ = matched("moodle", hand_in("1", "Team 1", "1"))
    assert {one.hand_in for one in people.values() if one.group} == {people["s1"].hand_in}
    assert people["s1"].hand_in
    assert people["s3"].hand_in == ""


def test_a_person_who_calls_themselves_a_team_gets_no_team():
    """Others of the download are people: so are all, and this number is another person's."""
    people, made = matched("moodle", hand_in("2", "Bob", "2"), hand_in("1", "Team 1", "1"))
    assert (people["s1"].hand_in, people["s2"].hand_in, people["s3"].hand_in) == ("", "s2", "")
    assert any("is a group of the roster" in one.reason for one in made.quarantined)


def test_a_person_who_is_called_like_a_team_has_their_own():
    people, _ = matched("moodle", hand_in("2", "Bob", "2"), hand_in("3", "Team 1", "3"))
    assert (people["s1"].hand_in, people["s2"].hand_in, people["s3"].hand_in) == ("", "s2", "s3")


def test_an_id_and_an_address_of_two_people_are_nobodys():
    who = Who("s1", "Ada", "b@x.org", {"sid": "s1"})
    people, made = matched("gradescope", Found("k", (who,), files={"a.py": FILE["a.py"]}, lms_folder="k"))
    assert not any(one.hand_in for one in people.values())
    assert "different students" in made.quarantined[0].reason


def test_a_number_that_the_lms_does_not_know_is_not_found_by_name():
    """The worksheet knows Ada by another number: this is somebody else of that name, or a forged one."""
    people, made = matched("moodle", hand_in("9", "Ada", "9"))
    assert people["s1"].hand_in == ""
    assert "nobody in the roster" in made.quarantined[0].reason


def test_a_group_that_two_groups_may_be_is_nobodys():
    roster = (*ROSTER, RosterEntry("s4", "Dee", group="team_1"))
    people, made = matched("classroom", hand_in("team-1", "Team 1"), roster=roster)
    assert not any(one.hand_in for one in people.values())
    assert "several groups" in made.quarantined[0].reason


def test_who_is_in_the_class_and_who_is_not_may_hand_in_together():
    who = (Who("s1", keys={"sid": "s1"}), Who("s9", "Eve", keys={"sid": "s9"}))
    people, _ = matched("gradescope", Found("k", who, files={"a.py": FILE["a.py"]}, lms_folder="k"))
    assert people["s1"].hand_in == "s1"
    assert "Eve" in people["s1"].reason


def test_a_student_in_two_groups_has_the_latest_of_both():
    early = Found("g", (Who("s1"), Who("s2")), files={"a.py": FILE["a.py"]}, received_at=DUE, lms_folder="g")
    late = Found("h", (Who("s1"),), files={"b.py": FILE["b.py"]}, received_at=DUE + timedelta(hours=1), lms_folder="h")
    people, made = matched("gradescope", early, late)
    assert [one.students for one in made.assigned if one.found is late or one.found.key == "h"] == [("s1",)]
    assert [one.students for one in made.assigned if one.found.key == "g"] == [("s2",)]
    assert people["s1"].hand_in != people["s2"].hand_in
    people, made = matched("gradescope", early, late, keep="first")
    assert people["s1"].hand_in == people["s2"].hand_in


def test_names_of_hand_ins_are_their_own_ids_as_submissions(tmp_path):
    ids = ["nul", "a.zip", "ada.", "desktop.ini", "x" * 64, "Ada", "b@x.org", "a+b"]
    roster = tuple(RosterEntry(one) for one in ids)
    found = [Found(one, (Who(one),), files={"a.py": FILE["a.py"]}, lms_folder=one) for one in ids]
    _, made = matched("nbgrader", *found, roster=roster)
    names = [one.name for one in made.assigned]
    assert len({one.casefold() for one in names}) == len(ids)
    from grader.intake import find_submissions, submission_id

    for name in names:
        (tmp_path / name).mkdir()
        assert submission_id(tmp_path / name) == name
    assert {path.name for path in find_submissions(tmp_path)} == set(names)


# --- Canvas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("lovelaceada_70001_900_model.py", [("lovelaceada", "70001", "model.py", False)]),
        ("lovelaceada_LATE_70001_900_my_model_v2.py", [("lovelaceada", "70001", "my_model_v2.py", True)]),
        ("lovelaceada_70001_text.html", [("lovelaceada", "70001", "text.html", False)]),
        ("lovelaceada_LATE_70001_link.html", [("lovelaceada", "70001", "link.html", True)]),
        ("山田太郎_70001_900_報告.pdf", [("山田太郎", "70001", "報告.pdf", False)]),
        ("_70001_900_x", [("", "70001", "x", False)]),
        ("kim_12_70001_900_a.py", [("kim", "12", "900_a.py", False), ("kim_12", "70001", "a.py", False)]),
        ("kim_12_LATE_70001_900_a.py", [("kim_12", "70001", "a.py", True)]),
        ("anon_aBcD5_900_a.py", [("", "aBcD5", "a.py", False)]),
        ("LATE_anon_aBcD5_900_a.py", [("", "aBcD5", "a.py", True)]),
        ("LovelaceAda_70001_900_a.py", []),
        ("model.py", []),
        ("a_b_c.py", []),
    ],
)
def test_canvass_names_are_read_in_every_way_that_they_can_be_meant(name, read):
    assert [(one.name, one.user, one.file, one.is_late) for one in readings(name)] == read


def test_canvass_late_is_the_lmss_and_its_time_is_nobodys(tmp_path):
    made = make_canvas(tmp_path, CLASS)
    found = by_key(read_made(made.source, options_for(made)))
    assert {key: one.is_late for key, one in found.items()} == {
        str(70000 + one.number): one.is_late for one in CLASS if one.files
    }
    assert {one.received_at for one in found.values()} == {None}


def test_anonymous_hand_ins_are_nobodys_where_there_is_a_roster(tmp_path):
    made = make_canvas(tmp_path, CLASS, is_anonymous=True)
    read = read_made(made.source, options_for(made))
    lists = [options_for(made).roster]
    result = match(read.download, read.tree, lists, keep="latest")
    assert result.assigned == ()
    assert len({file for one in result.quarantined for file in one.files}) == len(read.bytes_of)


def test_a_group_of_canvas_is_all_of_it_where_the_roster_says_who_is_in_it(tmp_path):
    class_ = students(6, names=(), group_of=3, missing=0)
    made = make_canvas(tmp_path, class_, has_groups=True)
    options = options_for(made)
    read = read_made(made.source, options)
    own = tuple(RosterEntry(one.id, one.name, group=one.group) for one in class_)
    result = match(read.download, read.tree, [own, options.roster], keep="latest")
    assert {one.students for one in result.assigned} == {("s1001", "s1002", "s1003"), ("s1004", "s1005", "s1006")}
    alone = match(read.download, read.tree, [options.roster], keep="latest")
    assert {one.students for one in alone.assigned} == {("s1001",), ("s1004",)}
    assert any("group" in one for one in alone.remarks)


def test_a_zip_beside_a_typed_text_is_two_files_of_one(tmp_path):
    [ada] = students(1, names=(), missing=0)
    ada = replace(ada, files={"work.zip": zip_of({"model.py": b"x"})}, text="<p>hello</p>", is_zipped=False)
    found = by_key(read_made(make_canvas(tmp_path, [ada]).source, Options()))
    assert set(found["70001"].files) == {"work.zip", "text.html"}
    assert found["70001"].note == ""


def test_canvass_names_are_matched_where_the_roster_has_no_number_of_canvas(tmp_path):
    """Only where the mashed name is one student's and one hand-in's; a person is told."""
    people = students(4, names=("Ada Lovelace", "Ann Alee", "Anna Lee", "Bob Ray"), missing=0, zipped=2)
    made = make_canvas(tmp_path, people, has_worksheet=False)
    own = tuple(RosterEntry(one.id, one.name) for one in people)
    read = read_made(made.source, Options(roster=own))
    result = match(read.download, read.tree, [own], keep="latest")
    given = {student for one in result.assigned for student in one.students}
    assert "s1004" in given
    for one in result.assigned:
        assert {file.path for file in one.found.files.values()} <= set(made.hand_in_of(one.students[0]).listed.values())
    assert any("full name alone" in one for one in result.remarks)
