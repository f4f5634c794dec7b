"""What commands print for machines fits the schemas that are published for it."""

import json
from pathlib import Path

import pytest

from grader.documents import schema, validator

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "form"),
    [
        ("doctor --json", "doctor"),
        ("data list --json", "data-sets"),
        ("rubric lint --json", "problems"),
        ("rubric show digits --json", "rubric-shown"),
        ("rubric show mnist-optimizers --json", "rubric-shown"),
    ],
)
def test_what_is_printed_fits_the_published_schema(grader, words, form):
    printed = json.loads(grader(*words.split()).stdout)
    assert printed or form == "problems"
    assert list(validator(schema(form)).iter_errors(printed)) == []


def test_a_broken_rubric_is_printed_as_problems(grader, tmp_path):
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "grader.toml").write_text('name = "c"\n')
    (tmp_path / "rubrics" / "a.yaml").write_text("assignment: b\ntasks: []\n")
    printed = json.loads(grader("rubric", "lint", "--json", "--course", tmp_path, code=3).stdout)
    assert len(printed) >= 2
    assert list(validator(schema("problems")).iter_errors(printed)) == []


def test_a_class_is_printed_as_a_list_of_cards(grader, theory, tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    theory.rename(folder / "ada")
    printed = json.loads(grader("run-all", folder, "--course", ROOT, "--json").stdout)
    assert list(validator(schema("scorecards")).iter_errors(printed)) == []
    assert [list(validator(schema("scorecard")).iter_errors(card)) for card in printed] == [[]]
