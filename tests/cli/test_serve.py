"""`grader serve` from the command line: tokens, lists, the queue; each in words and as JSON."""

import csv
import json
import stat
from pathlib import Path

import pytest

from grader.documents import schema, validator

RUBRIC = """
assignment: sums
title: Sums
tasks:
  - id: "1"
    title: Adding
    points: 1
    rules: [{id: first, check: number, answer: first, expected: 41, points: 1}]
"""


@pytest.fixture
def serve(grader, tmp_path):
    """serve("--students", code=0) -> what `grader serve` of a small course wrote."""
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "grader.toml").write_text('name = "Sums"\n')
    (tmp_path / "rubrics" / "sums.yaml").write_text(RUBRIC)
    where = ("--course", tmp_path, "--state", tmp_path / ".grader")
    return lambda *words, code=0: grader("serve", *words, *where, code=code)


def as_json(ran):
    document = json.loads(ran.stdout)
    assert list(validator(schema("service")).iter_errors(document)) == []
    return document


def test_a_token_is_shown_once(serve):
    [one] = as_json(serve("--add-student", "ada", "--json"))["tokens"]
    assert one["id"] == "ada"
    assert one["token"] not in serve("--students").stdout
    assert as_json(serve("--students", "--json"))["students"] == [
        {"id": "ada", "name": "", "email": "", "team": "", "has_token": True}
    ]


def test_a_class_comes_in_as_a_table_and_its_tokens_go_out_as_one(serve, tmp_path):
    (tmp_path / "class.csv").write_text("id,name,team\nada,=Ada,\nbob,Bob,x\n")
    out = tmp_path / "tokens.csv"
    ran = serve("--import-students", tmp_path / "class.csv", "--tokens", out)
    assert ran.stdout == ""
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["ada", "bob"]
    assert rows[0]["name"] == "'=Ada"
    again = serve("--add-student", "cleo", "--tokens", out, code=2)
    assert "there already" in again.stderr
    assert len(as_json(serve("--students", "--json"))["students"]) == 2


def test_what_is_wrong_with_one_keeps_all_out(serve, tmp_path):
    (tmp_path / "class.csv").write_text("id,name\nada,Ada\n../b,B\n")
    assert "class.csv:3" in serve("--import-students", tmp_path / "class.csv", code=2).stderr
    assert as_json(serve("--students", "--json"))["students"] == []


def test_another_token_and_none(serve):
    first = as_json(serve("--add-student", "ada", "--json"))["tokens"][0]["token"]
    second = as_json(serve("--renew-token", "ada", "--json"))["tokens"][0]["token"]
    assert first != second
    serve("--close-student", "ada")
    assert not as_json(serve("--students", "--json"))["students"][0]["has_token"]
    assert "known: ada" in serve("--renew-token", "x", code=2).stderr


def test_the_queue_is_shown(serve):
    status = as_json(serve("--status", "--json"))["status"]
    assert status == {
        "queued": 0, "grading": 0, "graded": 0, "held": 0, "superseded": 0, "waiting_for_staff": [],
    }  # fmt: skip
    assert "0 queued" in serve("--status").stdout


def test_an_assignment_that_is_not_there_is_named_before_anything_begins(serve, tmp_path):
    toml = Path(tmp_path / "grader.toml")
    toml.write_text('name = "Sums"\n[service.assignments.sum]\nattempts = 3\n')
    ran = serve("--port", "0", code=3)
    assert "did you mean 'sums'?" in ran.stderr


@pytest.mark.parametrize("setting", ["attempts = 0", "upload_mb = 5000", 'feedback = "all"', "attemps = 3"])
def test_a_setting_that_makes_no_sense_is_refused(serve, tmp_path, setting):
    (tmp_path / "grader.toml").write_text(f'name = "Sums"\n[service]\n{setting}\n')
    assert "fix:" in serve("--status", code=3).stderr
