"""Whatever people and files are called: everybody of the class once, their own files or nobody's, and nothing lost."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grader.intake.lms.base import reader_of
from grader.intake.lms.matching import match
from grader.intake.lms.roster import roster_from
from grader.intake.lms.tables import read_table_file
from grader.intake.lms.tree import opened_tree
from tests.lms.classroom import slug_of
from tests.lms.kinds import MAKERS
from tests.lms.made import HARD_NAMES, Student, files_of, make_roster, students
from tests.lms.reading import Read, contents, options_for

KNOWN = ("submission_metadata.yml", "classroom_roster.csv", "gradebook.db", "nbgrader_config.py", "timestamp.txt")
FORMS = [
    ("moodle", {}),
    ("moodle", {"is_flat": True, "bom": True}),
    ("moodle", {"words": "de", "delimiter": ";", "decimal": ","}),
    ("moodle", {"words": "es", "has_old_folders": True, "is_all_quoted": True}),
    ("moodle", {"has_usernames": True, "encoding": "utf-16", "line_end": "\r\n"}),
    ("moodle", {"is_blind": True}),
    ("moodle", {"has_teams": True}),
    ("moodle", {"has_teams": True, "words": "de", "is_flat": True}),
    ("moodle", {"is_zip": False, "without": ["id_number"]}),
    ("canvas", {}),
    ("canvas", {"delimiter": ";", "bom": False, "has_sis": False}),
    ("canvas", {"has_split_names": True, "posting": ""}),
    ("canvas", {"is_anonymous": True}),
    ("canvas", {"is_zip": False, "line_end": "\r\n"}),
    ("gradescope", {"has_results": True, "has_tags": True}),
    ("gradescope", {"has_groups": True}),
    ("classroom", {}),
    ("classroom", {"has_teams": True}),
    ("classroom", {"has_teams": True, "has_grades": False, "has_group_column": True}),
    ("classroom", {"is_identifier_a_name": True, "has_grades": False}),
    ("nbgrader", {"is_zip": True}),
    ("folder", {"is_zip": True, "has_top": True}),
    ("folder", {"style": "email"}),
    ("folder", {"style": "name", "strangers": ["nobody"], "also_as_folder": ["s1001"]}),
]


def lists_of(made, extra=()):
    paths = [*extra, *(path for path in (made.roster, made.worksheet) if path)]
    return [roster_from(read_table_file(path)[0], assignment="digits").entries for path in paths]


def matched_to(made, keep="latest", extra=()):
    options = options_for(made)
    with opened_tree(made.source) as tree:
        reader = reader_of(tree, made.kind)
        download = reader.read(tree, options)
        bytes_of = {file.path: b"".join(file.blocks()) for file in tree.files.values()}
        matched = match(download, tree, lists_of(made, extra), keep=keep)
    return Read(reader.kind, download, tree, bytes_of), matched


def assert_everybody_once(made, read, matched, *, is_sure=True):
    """By the truth of the maker. `is_sure`: whoever is not ambiguous has been found, not only kept apart."""
    by_id = {one.id: one for one in made.students}
    others = {called: one.id for one in made.students for called in (one.email, one.login)}
    said = {one.id: (one.email, one.keys.get("github_username", "")) for one in matched.roster}
    course_id = {one: next((others[called] for called in said[one] if called in others), one) for one in said}
    if any(one.id.startswith("participant-") for one in matched.roster):  # blind: only the number is known
        course_id = {one.id: f"s{int(one.keys['participant']) - 3000}" for one in matched.roster}
    known = [course_id[one.id] for one in matched.roster]
    assert sorted(known) == sorted(by_id), "everybody of the class, once, and nobody else"
    assert all(one.reason for one in matched.roster)
    given = {}
    for one in matched.assigned:
        for student in one.students:
            given.setdefault(course_id[student], []).append(one)
    apart = {path for one in matched.quarantined for path in one.files}
    for truth in made.hand_ins:
        paths = set(truth.listed.values())
        mine = {path for path in read.bytes_of if path in paths or any(path == p.split("/", 1)[-1] for p in paths)}
        for student in truth.students:
            if student not in given:
                assert mine <= apart or truth.is_ambiguous or not truth.files, f"{student}: lost"
                assert truth.is_ambiguous or not is_sure or student not in truth.named, f"{student}: not found"
                continue
            [one] = given[student]
            held = contents(read, one.found)
            assert sorted(held.values()) == sorted(truth.files.values()), f"{student} has the files of somebody else"
    handed_in = {student for one in made.hand_ins for student in one.students}
    assert set(given) <= handed_in, "a hand-in for somebody who handed nothing in"
    taken = {file.path for one in matched.assigned for file in one.found.files.values()}
    lost = {path for path in set(read.bytes_of) - taken - apart if not path.endswith((*KNOWN, ".csv"))}
    assert not {path for path in lost if not other_step(path)}
    names = [one.name for one in matched.assigned if one.is_counted]
    assert len({name.casefold() for name in names}) == len(names)


def other_step(path):
    """What nbgrader keeps beside what was handed in, and an empty hand-in's record."""
    return any(f"{step}/" in path for step in ("autograded", "feedback", "release", "source"))


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_a_class_with_all_that_is_hard_comes_out_as_it_went_in(kind, form, tmp_path):
    is_grouped = any("team" in key or "group" in key for key in form)
    people = students(len(HARD_NAMES) + 6, group_of=3 if is_grouped else 0)
    is_by_name = form.get("style") == "name"
    names = ("Ada Lovelace", "山田 太郎", "José Ångström")
    people = students(12, names=names) if is_by_name else people
    made = MAKERS[kind](tmp_path, people, **form)
    extra = [make_roster(tmp_path / "own", people)] if form.get("has_grades") is False else []
    read, matched = matched_to(made, extra=extra if not made.worksheet and kind != "classroom" else [])
    assert_everybody_once(made, read, matched, is_sure=not form.get("is_identifier_a_name"))


NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=24).filter(str.strip)
LIKE = st.sampled_from(
    ["Kim Lee", "kim_70001", "Kim_4002", "LATE", "anon", "a_1_2", "=1+1", "../x", "Default group", "\u00e9", "e\u0301"]
)
TAKEN = ("thumbs", "desktop", "con", "aux", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)))
FILE = st.one_of(
    st.sampled_from(
        ["model.py", "a_b.py", "70001_9_x.py", "LATE_1_2_x", "x-1.py", "assignsubmission_file_x.py", "ü.md"]
    ),
    st.from_regex(r"[A-Za-z0-9é](?:[_ .-]?[A-Za-z0-9é]){0,8}", fullmatch=True),
).filter(lambda name: name.lower().split(".")[0] not in TAKEN)


@st.composite
def classes(draw):
    """A few people whose names and files may be called anything."""
    made = []
    for number, name in enumerate(draw(st.lists(st.one_of(NAME, LIKE), min_size=1, max_size=5)), 1):
        own = draw(st.lists(FILE, max_size=3, unique_by=str.casefold))
        files = {path: f"{number} {path}".encode() for path in own if not path.lower().endswith(".zip")}
        text = " ".join(name.split())
        made.append(
            Student(number, f"s{1000 + number}", text, f"s{1000 + number}@example.org", f"user-{number}", files=files)
        )
    return tuple(made)


@pytest.mark.parametrize("kind", ["moodle", "canvas", "gradescope", "classroom", "nbgrader"])
@settings(max_examples=40)
@given(people=classes())
def test_whatever_they_are_called_nobody_gets_anothers_files(kind, people, tmp_path_factory):
    made = MAKERS[kind](tmp_path_factory.mktemp("made"), people)
    if not any(one.files for one in people):
        return  # an empty download is none
    read, matched = matched_to(made)
    assert_everybody_once(made, read, matched)


def test_files_of_a_class_differ():
    """Else the tests above would prove nothing."""
    contents_of = [tuple(sorted(files_of(number).values())) for number in range(1, 40)]
    assert len(set(contents_of)) == len(contents_of)


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("moodle", {}),
        ("moodle", {"is_flat": True}),
        ("moodle", {"words": "es", "has_old_folders": True}),
        ("canvas", {}),
        ("canvas", {"has_links": ["s1002", "s1003"]}),
    ],
)
def test_what_is_typed_into_the_lms_is_part_of_the_hand_in(kind, form, tmp_path):
    """Of one student the text alone, of one with files, of one an address; of one nothing."""
    first, second, third, fourth = students(4, missing=4, zipped=0)
    people = (replace(first, text="<p>see my files</p>"), replace(second, text="<p>done</p>", files={}), third, fourth)
    made = MAKERS[kind](tmp_path, people, **form)
    read, matched = matched_to(made)
    assert_everybody_once(made, read, matched)
    reasons = {one.id: one.reason for one in matched.roster}
    assert "no file" in reasons["s1002"]
    assert "no file" not in reasons["s1001"]


def test_who_has_nothing_is_told_that_something_in_quarantine_may_be_theirs(tmp_path):
    people = students(6, missing=3)
    made = MAKERS["folder"](tmp_path, people, strangers=["whose"])
    _, matched = matched_to(made)
    told = {one.id: one.reason for one in matched.roster if not one.hand_in}
    assert told == dict.fromkeys(("s1003", "s1006"), "no submission; 1 in quarantine that may be anybody's")


def test_a_group_that_no_roster_explains_is_told(tmp_path):
    """Canvas names one of a group: else the others would look as if they had handed nothing in."""
    people = students(6, group_of=3, missing=0)
    made = MAKERS["canvas"](tmp_path, people, has_groups=True)
    _, matched = matched_to(made)
    assert [one for one in matched.remarks if "column group" in one and one.startswith("2 hand-ins")]
    _, matched = matched_to(made, extra=[make_roster(tmp_path / "own", people)])
    assert all(one.hand_in for one in matched.roster)
    assert not [one for one in matched.remarks if "column group" in one]


GROUP = st.one_of(
    st.sampled_from(
        ["Team 1", "team-1", "Team_1", "Default group", "Ada Lovelace", "s1001", "user-1", "Équipe 1", "70001", "=x"]
    ),
    st.from_regex(r"[A-Za-z0-9é]([ _.-]?[A-Za-z0-9é]){0,6}", fullmatch=True),
)


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("moodle", {"has_teams": True}),
        ("moodle", {"has_teams": True, "is_flat": True, "words": "es"}),
        ("gradescope", {"has_groups": True}),
        ("classroom", {"has_teams": True}),
        ("classroom", {"has_teams": True, "has_grades": False, "has_group_column": True}),
        ("canvas", {"has_groups": True}),
    ],
)
@settings(max_examples=30)
@given(groups=st.lists(st.one_of(st.just(""), GROUP), min_size=5, max_size=5), missing=st.sets(st.integers(0, 4)))
def test_whatever_groups_are_called_a_hand_in_is_its_members_or_nobodys(kind, form, groups, missing, tmp_path_factory):
    people = tuple(
        replace(one, group=group, files={} if at in missing else one.files)
        for at, (one, group) in enumerate(zip(students(5, missing=0, zipped=0), groups, strict=True))
    )
    if kind == "classroom":  # GitHub gives no two repositories one name
        names = [slug_of(group) for group in {*groups} - {""}] + [one.login for one in people if not one.group]
        assume(all(names) and len(set(names)) == len(names))
    assume(
        "Default group" not in groups or "" not in groups
    )  # Moodle's own word: its worksheet tells them apart no more
    if kind == "canvas":  # a group that is called as one of its members: told, below
        assume(all(one.group != one.name for one in people))
    assume(any(one.files for one in people))
    folder = tmp_path_factory.mktemp("made")
    made = MAKERS[kind](folder, people, **form)
    own = [make_roster(folder / "own", people)]
    read, matched = matched_to(made, extra=own if kind in ("canvas", "moodle") else [])
    assert_everybody_once(made, read, matched, is_sure=False)


def test_a_canvas_group_that_is_called_as_one_of_its_members_is_told(tmp_path):
    ada, bo = students(2, names=("Ada Lovelace", "Bo Li"), missing=0)
    people = (replace(ada, group="Ada Lovelace"), replace(bo, group="Ada Lovelace", files={}))
    made = MAKERS["canvas"](tmp_path, people, has_groups=True)
    _, matched = matched_to(made, extra=[make_roster(tmp_path / "own", people)])
    assert [bool(one.hand_in) for one in matched.roster] == [True, False]
    assert [one for one in matched.remarks if one.startswith("1 hand-in") and "group" in one]
