"""The makers of downloads say the truth: what they list is there, byte for byte, and everybody is in it once."""

import csv
import io
import zipfile

import pytest
import yaml

from tests.lms.kinds import MAKERS
from tests.lms.made import HARD_NAMES, resubmitted, students, uploaded
from tests.lms.moodle import make_moodle


def content(source):
    """The files of a folder or zip by their paths, seen from where the maker wrote."""
    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            return {one: archive.read(one) for one in archive.namelist()}
    return {str(one.relative_to(source.parent)): one.read_bytes() for one in source.rglob("*") if one.is_file()}


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("kind", MAKERS)
def test_every_file_that_is_listed_is_in_the_download(kind, is_zip, tmp_path):
    people = students(len(HARD_NAMES) + 4)
    made = MAKERS[kind](tmp_path / kind, people, is_zip=is_zip)
    held = content(made.source)
    listed = [path for one in made.hand_ins for path in one.listed.values()]
    assert len(listed) == len(set(listed))
    for path in listed:
        short = path.split("/", 1)[-1]
        assert path in held or any(one.endswith("/" + short) for one in held), path


@pytest.mark.parametrize("kind", MAKERS)
def test_everybody_who_handed_in_is_in_one_hand_in(kind, tmp_path):
    people = students(20)
    made = MAKERS[kind](tmp_path / kind, people)
    belongs = [student for one in made.hand_ins for student in one.students]
    assert sorted(belongs) == sorted(one.id for one in people if one.files)


def test_a_group_is_one_hand_in_and_who_has_no_group_shares_moodles_own(tmp_path):
    people = students(10, group_of=3, missing=0)
    made = make_moodle(tmp_path, people, has_teams=True)
    assert [len(one.students) for one in made.hand_ins] == [3, 3, 3, 1]


def test_the_worksheet_names_everybody_in_any_language(tmp_path):
    people = students(24)
    for words in ("en", "de", "es"):
        made = make_moodle(tmp_path / words, people, words=words, delimiter=";", bom=True, decimal=",")
        text = made.worksheet.read_bytes().decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text), delimiter=";"))
        assert [row[1] for row in rows[1:]] == [one.name for one in people]
        assert len({len(row) for row in rows}) == 1


def test_the_metadata_of_gradescope_is_yaml_that_says_who(tmp_path):
    people = students(24)
    made = MAKERS["gradescope"](tmp_path, people, has_results=True)
    metadata = next(
        data for path, data in content(made.source).items() if path.endswith("export/submission_metadata.yml")
    )
    said = yaml.safe_load(metadata)
    assert {one[":submitters"][0][":sid"] for one in said.values()} == {one.id for one in people if one.files}
    assert {one[":submitters"][0][":name"] for one in said.values()} == {one.name for one in people if one.files}


def test_an_attempt_that_follows_is_another_and_later():
    [first] = students(1)
    second = resubmitted(first)
    assert (second.attempt, second.received_at > first.received_at) == (2, True)
    assert uploaded(second) != uploaded(first)
