"""A roster names everybody once: of any LMS, in any language, by an id that is safe; two lists become one by ids."""

import pytest

from grader.errors import SubmissionError
from grader.intake.classes import RosterEntry
from grader.intake.lms.joining import joined
from grader.intake.lms.roster import kind_of, roster_from
from grader.intake.lms.tables import read_table, read_table_file
from tests.lms.kinds import MAKERS
from tests.lms.made import make_roster, students

CLASS = students(24)
FORMS = [
    ("moodle", {}, "id"),
    ("moodle", {"words": "de", "delimiter": ";", "bom": True}, "id"),
    ("moodle", {"words": "es", "encoding": "utf-16"}, "id"),
    ("moodle", {"without": ["id_number"]}, "email"),
    ("moodle", {"without": ["id_number", "email"]}, "participant"),
    ("moodle", {"words": "de", "without": ["email"]}, "id"),
    ("moodle", {"words": "de", "without": ["id_number"]}, "email"),
    ("moodle", {"is_blind": True}, "participant"),
    ("moodle", {"plus": ["marker", "workflow", "text"]}, "id"),
    ("canvas", {}, "id"),
    ("canvas", {"has_sis": False}, "email"),
    ("canvas", {"has_split_names": True, "posting": ""}, "id"),
    ("gradescope", {}, "id"),
    ("gradescope", {"has_sids": False}, "email"),
    ("nbgrader", {}, "id"),
]


def called(student, by):
    """The id that a file of the LMS gives a student: the best that it has."""
    return {"id": student.id, "email": student.email, "participant": f"participant-{4000 + student.number}"}[by]


@pytest.mark.parametrize(("kind", "form", "by"), FORMS)
def test_everybody_of_the_lmss_own_file_is_there_once(kind, form, by, tmp_path):
    made = MAKERS[kind](tmp_path, CLASS, **form)
    table, _ = read_table_file(made.worksheet)
    roster = roster_from(table, assignment="digits")
    wanted = {
        "id": lambda s: s.id,
        "email": lambda s: s.email,
        "participant": lambda s: f"participant-{4000 + s.number}",
    }
    assert roster.kind == kind == kind_of(table)
    assert sorted(one.id for one in roster.entries) == sorted(wanted[by](one) for one in CLASS)
    if not form.get("is_blind"):
        by_id = {wanted[by](one): one for one in CLASS}
        names = {one.id: one.name for one in roster.entries}
        plain = [one for one in by_id if "," not in by_id[one].name]
        assert {one: names[one] for one in plain} == {one: by_id[one].name for one in plain}


@pytest.mark.parametrize(("has_grades", "is_name"), [(True, False), (False, False), (False, True)])
def test_classrooms_roster_knows_users_and_who_has_none(has_grades, is_name, tmp_path):
    made = MAKERS["classroom"](tmp_path, CLASS, is_identifier_a_name=is_name, unlinked=["s1003"], has_grades=has_grades)
    table, _ = read_table_file(made.roster)
    roster = roster_from(table)
    assert len(roster.entries) == len(CLASS)
    users = {one.keys.get("github_username", "") for one in roster.entries}
    assert users == {"", *(one.login for one in CLASS if one.id != "s1003")}
    if not is_name:
        assert {one.id for one in roster.entries} == {one.id for one in CLASS}


def test_the_successor_of_classroom_has_a_roster_too():
    data = b"username,first_name,last_name,email,section,github_id\nocto,Ada,Lovelace,a@x.org,A,7\n"
    [one] = roster_from(read_table(data, "students.csv")).entries
    assert (one.id, one.name, one.keys["github_username"], one.section) == ("octo", "Ada Lovelace", "octo", "A")


def test_nbgraders_table_of_several_assignments_names_everybody_once():
    head = b"assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,score,max_score\n"
    rows = b"ps1,,,s1,L,A,,0,0,1\nps1,,,s2,M,B,,0,0,1\nps2,,,s1,L,A,,0,0,1\nps2,,,s3,N,C,,0,0,1\n"
    roster = roster_from(read_table(head + rows, "grades.csv"), assignment="ps2")
    assert sorted(one.id for one in roster.entries) == ["s1", "s2", "s3"]


def test_canvass_own_rows_are_no_students():
    head = "Student,ID,SIS User ID,SIS Login ID,Section,A (1)\n"
    rows = (
        ',,,,,Manual Posting\n"    Points Possible",,,,,10\n"Lovelace, Ada",7,s7,ada,1,EX\n"Student, Test",9,,f0,1,\n'
    )
    roster = roster_from(read_table((head + rows).encode(), "g.csv"))
    assert [(one.id, one.name, one.keys["canvas_id"]) for one in roster.entries] == [("s7", "Ada Lovelace", "7")]


@pytest.mark.parametrize(
    ("head", "id_"),
    [("id,name", "s1"), ("Name,Student ID", "Ada"), ("student_id;name", "s1"), ("Email Address,Name", "a@x.org")],
)
def test_any_list_with_a_column_of_ids_will_do(head, id_):
    delimiter = ";" if ";" in head else ","
    row = {"s1": ["s1", "Ada"], "Ada": ["Ada L", "s1"], "a@x.org": ["a@x.org", "Ada"]}[id_]
    data = f"{head}\n{delimiter.join(row)}\n".encode()
    [one] = roster_from(read_table(data, "r.csv")).entries
    assert one.id == ("s1" if id_ == "Ada" else id_)


def test_ids_that_look_like_participants_are_the_courses_own(tmp_path):
    """`s1001` in the first column of four: no worksheet of Moodle."""
    table, _ = read_table_file(make_roster(tmp_path, CLASS))
    assert kind_of(table) == ""
    assert [one.id for one in roster_from(table).entries] == [one.id for one in CLASS]


def test_a_damaged_identifier_is_refused_with_its_line():
    data = b"Identifier,Full name,Status,Grade\nParticipant 1,Ada,,\nPartici,Bob,,\n"
    with pytest.raises(SubmissionError) as refused:
        roster_from(read_table(data, "w.csv"))
    assert refused.value.problems[0].where == "w.csv:3"


# --- two lists of one class -----------------------------------------------------------------------


def entry(id_, name="", email="", **keys):
    return RosterEntry(id_, name, email, keys=keys)


def test_lists_are_joined_by_ids_then_addresses_then_names_that_nobody_shares():
    own = [
        entry("s1", "Ada"),
        entry("s2", "Bob", "b@x.org"),
        entry("s3", "Cyd"),
        entry("s4", "Kim"),
        entry("s5", "Kim"),
    ]
    lms = [
        entry("participant-1", "ADA", participant="1"),
        entry("b@x.org", "Robert", "B@x.org", participant="2"),
        entry("s3", "C", participant="3"),
        entry("participant-4", "Kim", participant="4"),
    ]
    made, told = joined([own, lms])
    assert [(one.id, one.keys.get("participant", "")) for one in made] == [
        ("s1", "1"),
        ("s2", "2"),
        ("s3", "3"),
        ("s4", ""),
        ("s5", ""),
        ("participant-4", "4"),
    ]
    assert any("full names alone" in one for one in told)
    assert any("participant-4" in one for one in told)


def test_a_row_that_is_two_people_is_refused():
    own = [entry("s1", email="a@x.org"), entry("s2", email="b@x.org")]
    with pytest.raises(SubmissionError, match="may be"):
        joined([own, [entry("s1", email="b@x.org")]])


def test_two_rows_that_are_one_person_are_refused():
    with pytest.raises(SubmissionError, match="are both"):
        joined([[entry("s1", email="a@x.org")], [entry("s1"), entry("a@x.org")]])


def test_the_first_list_wins_and_what_it_lacks_is_filled_in():
    [one], _ = joined([[RosterEntry("s1", "Ada", group="g")], [RosterEntry("s1", "Other", "a@x.org", group="h")]])
    assert (one.name, one.email, one.group) == ("Ada", "a@x.org", "g")


def test_moodles_own_list_of_participants_will_do():
    """Somebody without an ID number goes by the address."""
    data = b"First name,Last name,ID number,Email address,Groups\nAda,L,s1,a@x.org,G 1\nBob,M,,b@x.org,\n"
    made = roster_from(read_table(data, "participants.csv"))
    assert [(one.id, one.name, one.group) for one in made.entries] == [("s1", "Ada L", "G 1"), ("b@x.org", "Bob M", "")]
