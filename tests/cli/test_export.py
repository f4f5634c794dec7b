"""`grader export` as a TA types it: what it writes, what it says, and what it refuses."""

import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from grader.cli import run
from grader.documents import schema, validator
from grader.gradebook.nouns import HandInFacts
from tests.desk import class_of
from tests.desk import desk as made_desk
from tests.reports.export.reading_back import rows_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Thirty students, of whom one handed in nothing and some have points that wait."""
    return made_desk(tmp_path_factory.mktemp("desk") / "course", 30, files=0)


@pytest.fixture
def does(desk, tmp_path, monkeypatch, capsys):
    """Run it in an empty folder; its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def ran(*words, code=0):
        ended = run(["export", *map(str, words), "--course", str(desk.course), "--gradebook", desk.url])
        printed = capsys.readouterr()
        assert ended == code, printed.out + printed.err
        return printed.out + printed.err

    return ran


def test_the_file_is_named_after_the_assignment_and_lies_here(does, tmp_path):
    said = does("digits", "--to", "csv")
    assert [one.name for one in tmp_path.iterdir()] == ["digits-grades.csv"]
    assert "digits-grades.csv: 20 of 30 students have a grade" in said
    assert "no hand-in (1): --missing-as-zero exports a 0 for them" in said
    assert "points wait for a person (9)" in said


def test_what_was_asked_for_goes_out_and_is_said(does, tmp_path):
    said = does("digits", "--to", "csv", "--missing-as-zero", "--open-as-is", "--out", "all.csv")
    assert "30 of 30 students have a grade" in said
    assert "exported as 0 (1)" in said
    assert "exported with points open (9)" in said
    rows = rows_of((tmp_path / "all.csv").read_bytes())
    assert all(row[rows[0].index("points")] for row in rows)


def test_what_is_printed_for_machines_fits_the_schema(does):
    summary = json.loads(does("digits", "--to", "json", "--json", "--feedback", "f.zip"))
    assert list(validator(schema("export")).iter_errors(summary)) == []
    assert (summary["students"], len(summary["written"]), summary["feedback"]) == (30, 20, "f.zip")
    document = json.loads(Path("digits-grades.json").read_text())
    assert list(validator(schema("grades")).iter_errors(document)) == []


def test_the_file_of_grades_is_for_its_owner_alone(does, tmp_path):
    does("digits", "--to", "csv")
    assert (tmp_path / "digits-grades.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["digts", "--to", "csv"], "did you mean 'digits'?"),
        (["digits"], "one of: moodle"),
        (["digits", "--to", "canvas"], "--worksheet FILE"),
        (["digits", "--to", "csv", "--worksheet", "sheet.csv"], "leave --worksheet out"),
        (["digits", "--to", "moodle", "--worksheet", "sheet.csv"], "Download grading worksheet"),
        (["digits", "--to", "csv", "--card", "sheet.csv"], "--to gradescope"),
        (["digits", "--to", "csv", "--out", "."], "is a directory"),
        (["digits", "--to", "csv", "--pages"], "--feedback FILE.zip"),
        (
            ["digits", "--to", "moodle", "--worksheet", "sheet.csv", "--out", "sheet.csv"],
            "the file of --worksheet, too",
        ),
        (["digits", "--to", "csv", "--out", "a", "--feedback", "./a"], "the file of --out, too"),
    ],
    ids=[
        "a slip",
        "no form",
        "only Canvas can make it",
        "no such form",
        "no worksheet",
        "a card",
        "a folder",
        "pages without a zip",
        "its own",
        "one name",
    ],
)
def test_what_does_not_fit_together_is_refused_with_a_remedy(words, said, does, tmp_path):
    (tmp_path / "sheet.csv").write_text("id,name\ns0001,Ada\n")
    assert said in " ".join(does(*words, code=2).split())
    assert [one.name for one in tmp_path.iterdir()] == ["sheet.csv"]


def test_each_students_own_page_goes_into_the_zip_and_nothing_for_staff(does, tmp_path):
    does("digits", "--to", "csv", "--feedback", "f.zip", "--pages")
    with zipfile.ZipFile(tmp_path / "f.zip") as archive:
        pages = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith("report.html")}
        assert len(pages) == len(archive.namelist()) // 2 == 20
    names = {who.id: who.name for who in class_of(30)}
    for name, page in pages.items():
        number = int(re.search(r"_(4\d{3})_", name)[1]) - 4001
        who = class_of(30)[number]
        assert who.id in page
        assert not [other for other in names if other != who.id and other in page]
        assert "<script" not in page


@pytest.mark.fault("F22")
def test_grades_by_two_forms_of_a_rubric_do_not_go_out_in_one_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = made_desk(tmp_path / "course", 4, files=0)
    with made.gradebook() as book:
        entry = book.entry(book.rows("digits").rows[0].id)
        other = (replace(entry.card, rubric_digest="b" * 64), HandInFacts(entry.source, None, entry.digest))
        book.record([other], command="run-all", made_with={})
    assert run(["export", "digits", "--to", "csv", "--course", str(made.course), "--gradebook", made.url]) == 2
    assert "grader run-all" in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["course"]


def test_a_file_name_with_brackets_is_shown_as_it_is(does):
    assert "[bold]x.csv: 20 of 30" in does("digits", "--to", "csv", "--out", "[bold]x.csv")


def test_a_course_without_a_gradebook_is_told_what_comes_first(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GRADER_STATE", raising=False)
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "grader.toml").write_text('name = "c"\n')
    assert run(["export", "digits", "--to", "csv", "--course", str(tmp_path)]) == 2
    assert "run-all" in capsys.readouterr().err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["grader.toml", "rubrics"]


def test_a_scorecard_becomes_results_of_gradescope_without_a_course(tmp_path):
    """As run_autograder does it, from a pipe."""
    card = json.loads((ROOT / "tests" / "golden" / "digits-class.json").read_text())[0]
    command = [sys.executable, "-m", "grader", "export", "digits", "--to", "gradescope", "--card", "-"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, input=json.dumps(card), capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert list(validator(schema("gradescope-results")).iter_errors(results)) == []
    assert results["score"] == card["points"]
    shown = [rule for task in card["tasks"] for rule in task["rules"] if rule["visibility"] == "student"]
    assert len(results["tests"]) >= len(shown)


@pytest.mark.parametrize("text", ["{", "[]", '{"form": "x"}'], ids=["no JSON", "a list", "no card"])
def test_what_is_no_scorecard_is_refused(text, does, tmp_path):
    (tmp_path / "card.json").write_text(text)
    does("digits", "--to", "gradescope", "--card", "card.json", "--out", "results.json", code=2)
    assert not (tmp_path / "results.json").exists()
