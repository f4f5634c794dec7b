"""`grader import` as a TA runs it: what is told, what machines read, and what run-all makes of it."""

import json
import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli import run
from grader.cli.import_ import _KINDS, import_
from grader.documents import schema, validator
from grader.intake.classes import read_class
from grader.intake.lms.base import readers
from tests.lms.kinds import MAKERS
from tests.lms.made import DUE, resubmitted, students, write_files

ROOT = Path(__file__).parents[2]


@pytest.fixture
def course(tmp_path):
    """A course of one theory rubric, whose clock is UTC, with a due time."""
    folder = tmp_path / "course"
    (folder / "rubrics").mkdir(parents=True)
    (folder / "rubrics" / "digits.yaml").write_text(
        "assignment: digits\ntitle: Digits\ntasks:\n"
        '  - {id: "1", title: Numbers, points: 2, rules: [{id: total, check: number, answer: total_parameters, '
        "expected: 1, points: 2}]}\n"
    )
    (folder / "grader.toml").write_text(
        f'name = "Deep learning"\ntimezone = "UTC"\n[assignments.digits]\ndue = "{DUE:%Y-%m-%d %H:%M}"\n'
        '[assignments.digits.late]\nper_day = "50%"\n'
    )
    return folder


@pytest.fixture
def told(capsys, monkeypatch):
    """Run a command in this process; (what it printed, its exit code)."""
    monkeypatch.setenv("COLUMNS", "100")

    def asked(*words):
        code = run([str(word) for word in words])
        shown = capsys.readouterr()
        return shown.out + shown.err, code

    return asked


def words_for(made, course, *more):
    listed = [("--worksheet", made.worksheet), ("--roster", made.roster)]
    given = [word for option, path in listed if path for word in (option, path)]
    return ["import", made.source, "--course", course, *given, *more]


def test_every_kind_has_its_reader():
    assert set(_KINDS) == set(readers())


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_printed_as_json_fits_its_schema_and_is_the_class(kind, told, course, tmp_path):
    made = MAKERS[kind](tmp_path / "made", students(9))
    text, code = told(*words_for(made, course, "--json"))
    printed = json.loads(text)
    assert code == 0
    assert list(validator(schema("import")).iter_errors(printed)) == []
    assert list(validator(schema("class")).iter_errors(printed["class"])) == []
    folder = course / "submissions" / "digits"
    assert Path(printed["folder"]) == folder
    assert printed["class"] == json.loads((folder / ".class" / "class.json").read_text())


def test_a_ta_reads_how_many_who_is_missing_and_what_is_next(told, course, tmp_path):
    class_ = list(students(12, names=()))
    class_[0] = replace(class_[0], name="kim_12")
    made = MAKERS["canvas"](tmp_path / "made", class_, has_worksheet=False)
    lines, code = told("import", made.source, "--course", course)
    assert code == 0
    assert "students who handed in (there is no roster)" in lines
    assert "In quarantine" in lines
    assert "give Canvas's gradebook by --roster" in lines
    assert "next: grader run-all" in lines
    with_roster = MAKERS["canvas"](tmp_path / "again", class_)
    lines, code = told(*words_for(with_roster, course, "--to", tmp_path / "b"))
    assert "Without a hand-in" in lines
    assert "s1005" in lines
    assert "no submission" in lines
    again, _ = told(*words_for(with_roster, course, "--to", tmp_path / "b"))
    assert "nothing has changed" in again


def test_a_dry_run_says_so_and_writes_nothing(told, course, tmp_path):
    made = MAKERS["moodle"](tmp_path / "made", students(5))
    lines, code = told(*words_for(made, course, "--dry-run"))
    assert code == 0
    assert "nothing was written" in lines
    assert not (course / "submissions").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["--assignment", "digitz"], 2, "did you mean 'digits'", id="no such assignment"),
        pytest.param(["--from", "noodle"], 2, "noodle", id="no such kind"),
        pytest.param(["--from", "gradescope"], 4, "submission_metadata.yml", id="another kind than it is"),
        pytest.param(["--roster", "nowhere.csv"], 2, "nowhere.csv", id="no such file"),
    ],
)
def test_a_slip_is_told_with_its_exit_code(words, code, said, told, course, tmp_path):
    made = MAKERS["moodle"](tmp_path / "made", students(5))
    lines, got = told("import", made.source, "--course", course, *words)
    assert (got, said in lines) == (code, True), lines
    assert not (course / "submissions").exists()


@pytest.mark.parametrize("damage", ["cut", "page", "empty"])
def test_a_download_that_is_none_is_told_in_words(damage, told, course, tmp_path):
    made = MAKERS["moodle"](tmp_path / "made", students(5))
    data = made.source.read_bytes()
    made.source.write_bytes({"cut": data[:-100], "page": b"<!doctype html>Log in", "empty": b""}[damage])
    lines, code = told(*words_for(made, course))
    assert code == 4
    assert "fix:" in lines
    assert "Traceback" not in lines
    assert not (course / "submissions").exists()


def test_the_way_of_an_assignment_from_the_lms_to_the_table(told, course, tmp_path):
    """Imported and graded: everybody's own, late by the LMS's clock, whatever submission.json says."""
    class_ = list(students(4, names=(), missing=0, zipped=2))
    class_[1] = replace(class_[1], received_at=DUE + timedelta(hours=2))
    answer = json.dumps({"assignment": "digits", "answers": {"total_parameters": 1}}).encode()
    class_ = [replace(one, files={**one.files, "answers.json": answer}) for one in class_]
    made = MAKERS["moodle"](tmp_path / "made", class_)
    assert told(*words_for(made, course))[1] == 0
    folder = course / "submissions" / "digits"
    text, code = told("run-all", folder, "--course", course, "--json", "--no-gradebook")
    cards = json.loads(text[text.index("[") : text.rindex("]") + 1])
    assert code == 0
    assert {card["submission"]: [one["id"] for one in card["students"]] for card in cards} == {
        one.id: [one.id] for one in class_
    }
    assert {card["submission"]: card["points"] for card in cards} == {
        "s1001": 2, "s1002": 1, "s1003": 2, "s1004": 1
    }  # fmt: skip


def test_run_all_does_not_grade_a_class_that_is_half_imported(told, course, tmp_path, monkeypatch):
    monkeypatch.setattr("grader.running._PATIENCE_S", 0.0)
    made = MAKERS["moodle"](tmp_path / "made", students(4))
    told(*words_for(made, course))
    folder = course / "submissions" / "digits"
    (folder / ".class" / "pending.json").write_text('{"moves": []}')
    lines, code = told("run-all", folder, "--course", course, "--no-gradebook")
    assert code == 3
    assert "run the same grader import again" in lines
    assert told(*words_for(made, course))[1] == 0
    assert read_class(folder) is not None


def test_the_assignment_need_not_be_said_where_the_course_has_one(told, course, tmp_path):
    made = MAKERS["nbgrader"](tmp_path / "made", students(4))
    (course / "rubrics" / "two.yaml").write_text('assignment: two\ntitle: T\ntasks: [{id: "1", title: A, rules: []}]\n')
    lines, code = told(*words_for(made, course))
    assert (code, "digits, two" in lines) == (2, True)
    assert told(*words_for(made, course, "--assignment", "digits"))[1] == 0
    assert told(*words_for(made, course, "--to", course / "submissions" / "digits"))[1] == 0


def test_a_course_without_a_zone_has_no_times_and_is_told(told, course, tmp_path):
    text = (course / "grader.toml").read_text()
    (course / "grader.toml").write_text(text.split("timezone")[0])
    made = MAKERS["moodle"](tmp_path / "made", students(4))
    lines, _ = told(*words_for(made, course))
    assert "timezone" in lines
    assert all(one.received_at is None for one in read_class(course / "submissions" / "digits").hand_ins)


def test_the_help_is_read_without_anything_heavy():
    shown = CliRunner().invoke(import_, ["--help"])
    assert shown.exit_code == 0
    for word in ("--roster", "--worksheet", "--keep", "--dry-run", "--from"):
        assert word in shown.output


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_is_told(told, course, tmp_path):
    made = MAKERS["moodle"](tmp_path / "made", students(4))
    (tmp_path / "closed").mkdir(mode=0o500)
    lines, code = told(*words_for(made, course, "--to", tmp_path / "closed" / "digits"))
    assert (code, "Permission" in lines) == (5, True)


def test_the_example_of_the_help_runs(told, tmp_path):
    """A folder of zips into a copy of this course."""
    course = tmp_path / "course"
    for part in ("rubrics", "submissions_template", "reference_solutions"):
        shutil.copytree(ROOT / part, course / part)
    shutil.copy(ROOT / "grader.toml", course)
    source = write_files(tmp_path / "inbox", {"s1/answers.json": b"{}", "s2/answers.json": b"{}"}, is_zip=False)
    lines, code = told("import", source, "--assignment", "digits", "--course", course)
    assert (code, "2 new" in lines) == (0, True), lines


def test_files_that_canvas_numbered_get_the_names_that_the_rubric_knows(told, course, tmp_path):
    rubric = course / "rubrics" / "digits.yaml"
    rubric.write_text(
        rubric.read_text().replace(
            "rules: [", "rules: [{id: files, check: artifacts, required: [{path: model.pth}], points: 0}, "
        )
    )
    files = {"answers.json": b'{"answers": {"total_parameters": 1}}', "model.pth": b"weights", "notes.txt": b"mine"}
    class_ = [replace(one, is_zipped=False) for one in students(1, names=())]
    class_ = [resubmitted(replace(class_[0], files=files, text=""), files=files)]
    made = MAKERS["canvas"](tmp_path / "made", class_)
    _, code = told(*words_for(made, course))
    assert code == 0
    folder = course / "submissions" / "digits"
    [one] = read_class(folder).hand_ins
    assert {path.name for path in (folder / one.path).iterdir()} == {"answers.json", "model.pth", "notes-1.txt"}
    printed, _ = told("run-all", folder, "--course", course, "--no-gradebook", "--json")
    assert json.loads(printed[printed.index("[") : printed.rindex("]") + 1])[0]["points"] == 2
