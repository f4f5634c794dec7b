"""A download is taken for what it is: never for another kind, whatever students named their files."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import UsageError
from grader.intake.lms.base import reader_of, readers
from grader.intake.lms.tree import opened_tree
from tests.lms.kinds import MAKERS
from tests.lms.made import HARD_NAMES, students, write_files
from tests.lms.reading import tree_of

# What another kind has at its top, as the name of a student's own file.
FOREIGN = (
    "Ada Lovelace_4001_assignsubmission_file_x.py",
    "ada_70001_900_model.py",
    "submission_metadata.yml",
    "classroom_roster.csv",
    "gradebook.db",
    "timestamp.txt",
    "nbgrader_config.py",
    "LATE_anon_12aBc_900_model.py",
    "ada_70001_text.html",
)  # fmt: skip
FOREIGN_PATHS = (
    *FOREIGN,
    "submitted/s1/digits/timestamp.txt",
    "Ada_4001_assignsubmission_file_/x.py",
    "assignment_1_export/submission_metadata.yml",
    "submission_1/x.py",
    "digits-submissions/digits-ada/x.py",
    "source/x.py",
)
FORMS = [
    ("moodle", {}),
    ("moodle", {"is_flat": True}),
    ("moodle", {"is_blind": True, "words": "de"}),
    ("moodle", {"has_teams": True, "words": "es"}),
    ("moodle", {"has_old_folders": True, "has_usernames": True}),
    ("moodle", {"is_zip": False}),
    ("canvas", {}),
    ("canvas", {"is_anonymous": True}),
    ("canvas", {"has_groups": True, "is_zip": False}),
    ("gradescope", {}),
    ("gradescope", {"is_wrapped": False}),
    ("gradescope", {"is_pdf": True, "is_zip": False}),
    ("classroom", {}),
    ("classroom", {"is_zip": True, "is_roster_inside": True}),
    ("nbgrader", {}),
    ("nbgrader", {"is_zip": True, "is_submitted_alone": True}),
    ("nbgrader", {"has_gradebook": False, "has_config": False}),
    ("folder", {}),
    ("folder", {"is_zip": True, "style": "name"}),
    ("folder", {"folders": [f"s{1000 + n}" for n in range(1, 25)], "has_noise": False}),
]


def kind_of(source):
    with opened_tree(source) as tree:
        return reader_of(tree).kind


def with_files_like_others(paths, count=24):
    """A class whose members hand in files that are called as other LMSs call things."""
    made = []
    for number, who in enumerate(students(count, group_of=2)):
        files = {**who.files, paths[number % len(paths)]: b"mine"} if who.files else {}
        made.append(replace(who, files=files))
    return tuple(made)


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_a_download_is_of_its_kind(kind, form, tmp_path):
    made = MAKERS[kind](tmp_path, students(len(HARD_NAMES), group_of=3), **form)
    assert kind_of(made.source) == kind


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_what_students_call_their_files_changes_nothing(kind, form, tmp_path):
    """Every name, also in folders where the LMS keeps folders."""
    paths = FOREIGN if kind == "canvas" or form.get("is_flat") else FOREIGN_PATHS
    made = MAKERS[kind](tmp_path, with_files_like_others(paths), **form)
    assert kind_of(made.source) == kind


@pytest.mark.parametrize(("kind", "form"), FORMS)
@pytest.mark.parametrize("count", [1, 2])
def test_a_small_class_is_of_its_kind_too(kind, form, count, tmp_path):
    made = MAKERS[kind](tmp_path, students(count, names=("Ada Lovelace", "Kim Lee"), group_of=1), **form)
    assert kind_of(made.source) == kind


@pytest.mark.parametrize("kind", MAKERS)
def test_a_folder_around_it_changes_nothing(kind, tmp_path):
    form = {"is_wrapped": False} if kind == "gradescope" else {}
    made = MAKERS[kind](tmp_path / "made", students(6), is_zip=False, **form)
    outer = tmp_path / "outer"
    outer.mkdir()
    made.source.rename(outer / made.source.name)
    assert kind_of(outer) == kind


def test_where_two_kinds_fit_it_is_asked(tmp_path):
    files = {"gradebook.db": b"", "submitted/s1/digits/x": b"", "submission_metadata.yml": b"", "submission_1/x": b""}
    source = write_files(tmp_path / "both", files, is_zip=False)
    with pytest.raises(UsageError, match="--from gradescope or --from nbgrader"):
        kind_of(source)


def test_every_kind_can_be_named():
    assert set(readers()) == set(MAKERS)


PART = st.sampled_from(
    [*FOREIGN_PATHS, "s1001", "a_1_2_b", "submitted", "x-submissions", "..", "é", "a.zip", "model.py"]
)


@settings(max_examples=300)
@given(st.lists(st.lists(PART, min_size=1, max_size=3).map("/".join), min_size=1, max_size=6, unique=True))
def test_any_tree_is_of_one_kind_or_is_asked_about(paths):
    files = {path: b"" for path in paths if not any(other.startswith(f"{path}/") for other in paths)}
    try:
        assert reader_of(tree_of("download", files)).kind in MAKERS
    except UsageError as error:
        assert "--from" in error.problems[0].fix  # noqa: PT017
