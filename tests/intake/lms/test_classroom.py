"""Clones of GitHub Classroom belong to whom the roster and the file of grades name, and to nobody by a likeness."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import SubmissionError, UsageError
from grader.intake.classes import RosterEntry
from grader.intake.lms.base import Options
from grader.intake.lms.classroom import team_slugs
from tests.lms.classroom import make_classroom, slug_of
from tests.lms.made import students, write_files
from tests.lms.reading import assert_nothing_lost, contents, options_for, read_made, tree_of

FORMS = {
    "as they are cloned": {},
    "without the file of grades": {"has_grades": False},
    "teams, by the file of grades": {"has_teams": True},
    "teams, by the roster's groups": {"has_teams": True, "has_grades": False, "has_group_column": True},
    "a roster of names": {"is_identifier_a_name": True},
    "the roster among the clones": {"is_roster_inside": True, "is_zip": True},
    "times as the address has them": {"time_form": "%Y-%m-%dT%H:%M:%SZ"},
    "a mark before the tables": {"bom": True},
    "a zip": {"is_zip": True},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_clone_is_read_with_its_owners_files_and_time(form, tmp_path):
    people = students(24, group_of=3 if "has_teams" in form else 0)
    made = make_classroom(tmp_path, people, **form)
    read = read_made(made.source, options_for(made))
    assert read.kind == "classroom"
    found = read.by_folder()
    assert set(found) == {one.lms_folder for one in made.hand_ins}
    logins = {one.login: one.id for one in people}
    for truth in made.hand_ins:
        one = found[truth.lms_folder]
        if one.group:
            assert {one.group} == {student.group for student in people if student.id in truth.students}
        else:
            assert [logins[who.keys["github_username"]] for who in one.who] == list(truth.students)
        assert contents(read, one) == truth.files
        minute = truth.received_at and (truth.received_at if "Z" in form.get("time_form", "") else at_minute(truth))
        assert one.received_at == minute
    assert_nothing_lost(read, [path for path in read.bytes_of if path.endswith("classroom_roster.csv")])


def at_minute(truth):
    return truth.received_at.replace(second=0)


def test_who_is_in_no_roster_keeps_their_own_name(tmp_path):
    """Whether that is somebody is for the matching to say: here nobody is put in their place."""
    made = make_classroom(tmp_path, students(3), strangers=["user-1-1", "er-1"], has_grades=False)
    found = read_made(made.source, options_for(made)).by_folder()
    logins = {name: one.who[0].keys["github_username"] for name, one in found.items()}
    assert logins["digits-user-1-1"] == "user-1-1"
    assert logins["digits-er-1"] == "er-1"
    assert logins["digits-user-1"] == "user-1"


def clones(folder, names, top="work"):
    return write_files(folder / top, {f"{name}/model.py": name.encode() for name in names}, is_zip=False)


def roster(*logins, groups=()):
    people = [RosterEntry(f"s{n}", keys={"github_username": login}) for n, login in enumerate(logins)]
    return tuple(people) + tuple(RosterEntry(f"g{n}", group=group) for n, group in enumerate(groups))


def owners(read):
    return {one.lms_folder: one.who[0].keys["github_username"] if one.who else one.group for one in read.download.found}


def test_a_user_whose_name_ends_like_anothers_is_not_the_other(tmp_path):
    """Of `hw-bob` and `bob` only bob is in the roster: the clone of hw-bob is not his."""
    names = ["digits-ada", "digits-bob", "digits-hw-bob"]
    read = read_made(clones(tmp_path, names), Options(roster=roster("ada", "bob")), "classroom")
    assert owners(read) == {"digits-ada": "ada", "digits-bob": "bob", "digits-hw-bob": "hw-bob"}


def test_a_slug_with_lines_in_it_is_found_by_what_explains_the_most(tmp_path):
    names = ["hw-2-ada", "hw-2-bob", "hw-2-2-bob"]
    read = read_made(clones(tmp_path, names), Options(roster=roster("ada", "bob", "2-bob")), "classroom")
    assert owners(read) == {"hw-2-ada": "ada", "hw-2-bob": "bob", "hw-2-2-bob": "2-bob"}


def test_where_two_slugs_fit_it_is_asked(tmp_path):
    options = Options(roster=roster("ada", "x-ada"))
    with pytest.raises(UsageError, match='may begin with "hw" or with "hw-x"'):
        read_made(clones(tmp_path, ["hw-x-ada"]), options, "classroom")


def test_the_folders_name_says_the_slug(tmp_path):
    read = read_made(clones(tmp_path, ["hw-x-ada"], "hw-submissions"), Options(roster=roster("ada", "x-ada")))
    assert owners(read) == {"hw-x-ada": "x-ada"}


def test_the_assignment_chooses_among_the_clones_of_two(tmp_path):
    names = ["digits-ada", "digits-bob", "faces-ada", "faces-bob"]
    options = Options(assignment="faces", roster=roster("ada", "bob"))
    read = read_made(clones(tmp_path, names), options, "classroom")
    assert owners(read) == {"faces-ada": "ada", "faces-bob": "bob"}
    assert read.quarantined == {"digits-ada/model.py", "digits-bob/model.py"}


def test_clones_may_be_called_by_their_users_alone(tmp_path):
    read = read_made(clones(tmp_path, ["Ada", "bob"]), Options(roster=roster("ada", "Bob")), "classroom")
    assert owners(read) == {"Ada": "ada", "bob": "Bob"}


def test_a_name_that_is_a_user_and_a_team_is_neither(tmp_path):
    options = Options(roster=roster("ada", "red", groups=["Red"]))
    read = read_made(clones(tmp_path, ["hw-ada", "hw-red"], "hw-submissions"), options)
    assert owners(read) == {"hw-ada": "ada"}
    assert read.quarantined == {"hw-red/model.py"}


def test_two_teams_of_one_short_name_are_told_apart_by_nobody(tmp_path):
    options = Options(roster=roster("ada", groups=["Team 1", "team-1"]))
    read = read_made(clones(tmp_path, ["hw-team-1"], "hw-submissions"), options)
    [kept] = read.download.quarantined
    assert (kept.files, "several teams" in kept.reason) == (("hw-team-1/model.py",), True)


def test_an_empty_repository_is_told(tmp_path):
    source = clones(tmp_path, ["hw-ada"], "hw-submissions")
    (source / "hw-bob" / ".git").mkdir(parents=True)
    notes = {one.lms_folder: one.note for one in read_made(source, Options()).download.found}
    assert notes == {"hw-ada": "", "hw-bob": "the repository is empty"}


def test_what_git_says_of_the_time_is_not_believed(tmp_path):
    made = make_classroom(tmp_path, students(4), has_grades=False)
    assert {one.received_at for one in read_made(made.source, options_for(made)).download.found} == {None}


def test_a_roster_that_is_cut_off_refuses_the_import_with_its_line(tmp_path):
    made = make_classroom(tmp_path, students(4), is_roster_inside=True)
    path = made.source / "classroom_roster.csv"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SubmissionError) as refused:
        read_made(made.source, Options())
    assert refused.value.problems[0].where == "classroom_roster.csv:5"


def test_without_a_clone_there_is_nothing_to_import(tmp_path):
    source = write_files(tmp_path / "hw-submissions", {"notes.txt": b""}, is_zip=False)
    with pytest.raises(SubmissionError, match="no folder"):
        read_made(source, Options(), "classroom")


LOGIN = st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,8}", fullmatch=True)


@settings(max_examples=200)
@given(st.sets(LOGIN, min_size=1, max_size=8), LOGIN, st.sets(LOGIN, max_size=4))
def test_in_a_named_folder_every_clone_is_exactly_its_own_users(logins, slug, strangers):
    names = {f"{slug}-{login}": login for login in logins | strangers}
    source = tree_of(f"{slug}-submissions", {f"{name}/model.py": b"" for name in names})
    read = read_made(source, Options(roster=roster(*sorted(logins))), "classroom")
    assert owners(read) == names


@settings(max_examples=200)
@given(st.sets(LOGIN, min_size=2, max_size=8), LOGIN, st.sets(LOGIN, max_size=4))
def test_without_a_name_of_the_folder_nobody_gets_anothers_clone(logins, slug, strangers):
    """Right, kept apart, or asked: never somebody else of the roster."""
    names = {f"{slug}-{login}": login for login in logins | strangers}
    source = tree_of("work", {f"{name}/model.py": b"" for name in names})
    try:
        said = owners(read_made(source, Options(roster=roster(*sorted(logins))), "classroom"))
    except UsageError:
        return
    wrong = {name: who for name, who in said.items() if who in logins and who != names[name]}
    assert not wrong


@pytest.mark.parametrize("group", ["Team_1", "Gruppe 1 é", "The A-Team!", "Équipe n° 1"])
def test_a_teams_short_name_is_among_those_that_it_may_have(group):
    assert slug_of(group) in team_slugs(group)


def test_the_roster_of_classrooms_successor_is_read(tmp_path):
    """`students.csv` of Classroom 50."""
    text = b"username,first_name,last_name,email,section,github_id\nAda,Ada,Lovelace,ada@example.org,A,17\n"
    source = clones(tmp_path, ["hw-ada"], "hw-submissions")
    (source / "students.csv").write_bytes(text)
    read = read_made(source, Options())
    [entry] = read.download.roster
    assert (entry.name, entry.email, entry.keys["github_username"]) == ("Ada Lovelace", "ada@example.org", "Ada")
    assert owners(read) == {"hw-ada": "Ada"}
