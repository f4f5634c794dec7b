"""The zip for Gradescope is unpacked as Gradescope does it, and its script is run: the checks run inside it."""

import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grader.course import load_course
from grader.documents import schema, validator
from grader.errors import CourseError
from grader.reports.export.autograder import NOT_NEEDED, autograder_zip, requirements

ROOT = Path(__file__).parents[3]
RUBRIC = """
assignment: small
title: A small one
description: Three rules that need nothing but the answers.
tasks:
  - id: "1"
    title: Numbers
    points: 3
    rules:
      - {id: total, check: number, answer: total_parameters, expected: 14538, points: 1}
      - {id: side, check: number, answer: side, expected: 14, points: 1}
      - {id: secret, check: number, answer: side, expected: 15, points: 1, visibility: staff}
"""


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "course"
    for part in ("rubrics", "submissions/small/ada", ".grader", "submissions_template/small"):
        (folder / part).mkdir(parents=True)
    (folder / "grader.toml").write_text('name = "A test"\nrubrics = "rubrics"\n')
    (folder / "rubrics" / "small.yaml").write_text(RUBRIC)
    (folder / "rubrics" / "next-week.yaml").write_text(RUBRIC.replace("small", "next-week"))
    (folder / "submissions_template" / "small" / "answers.json").write_text('{"answers": {"side": null}}')
    (folder / "submissions" / "small" / "ada" / "answers.json").write_text('{"answers": {"side": 14}}')
    for part in ("reference_solutions/small/hand_in", "reference_solutions/small/weights"):
        (folder / part).mkdir(parents=True)
        (folder / part / "answers.json").write_text('{"answers": {"side": 14}}')
    return load_course(folder)


def installed(top, data, answers):
    """Unpack the zip, and lay things out: source/, submission/, results/, and the script beside them."""
    for part in ("source", "submission", "results"):
        (top / part).mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(top / "source")
        for one in archive.infolist():  # extractall forgets modes
            (top / "source" / one.filename).chmod(stat.S_IMODE(one.external_attr >> 16))
    script = top / "run_autograder"
    script.write_bytes((top / "source" / "run_autograder").read_bytes())
    script.chmod(0o755)
    for name, text in answers.items():
        (top / "submission" / name).parent.mkdir(parents=True, exist_ok=True)
        (top / "submission" / name).write_text(text)
    metadata = {"id": 1, "users": [{"name": "Ada", "email": "a@example.org"}], "previous_submissions": []}
    (top / "submission_metadata.json").write_text(json.dumps(metadata))
    return top


def ran(top):
    """What the script did, and results.json where there is one."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for name in ("PYTHONPATH", "GRADER_STATE", "GRADER_COURSE"):
        environment.pop(name, None)
    done = subprocess.run(
        [str(top / "run_autograder")], capture_output=True, text=True, check=False, cwd=top, env=environment
    )
    file = top / "results" / "results.json"
    return done, json.loads(file.read_text()) if file.exists() else None


GOOD = {"answers.json": '{"answers": {"total_parameters": 14538, "side": 13}}'}


def test_the_checks_run_inside_and_gradescope_reads_what_they_found(course, tmp_path):
    top = installed(tmp_path / "autograder", autograder_zip(course, "small"), GOOD)
    for name in NOT_NEEDED:  # is not installed there
        module = name.replace("python-", "").replace("-", "_")
        (top / "source" / "lib" / f"{module}.py").write_text("raise ImportError('not installed')")
    mark = top / "results" / "used"
    with (top / "source" / "lib" / "grader" / "__init__.py").open("a") as file:
        file.write(f"\nopen({str(mark)!r}, 'w').close()\n")
    done, results = ran(top)
    assert done.returncode == 0, done.stderr
    assert mark.exists()
    assert list(validator(schema("gradescope-results")).iter_errors(results)) == []
    assert results["score"] == 1
    shown = [(one["number"], one["score"], one["max_score"], one["status"]) for one in results["tests"]]
    assert shown == [("1.1", 1, 1, "passed"), ("1.2", 0, 1, "failed"), ("1.3", 0, 1, "failed")]
    assert "13" in results["tests"][1]["output"]
    assert results["tests"][2]["output"] == ""  # a rule for staff


def test_findings_for_staff_are_in_one_hidden_test_where_they_are_asked_for(course, tmp_path):
    data = autograder_zip(course, "small", for_staff=True, visibility="after_published")
    done, results = ran(installed(tmp_path / "autograder", data, GOOD))
    assert done.returncode == 0, done.stderr
    assert [one["visibility"] for one in results["tests"]] == ["after_published"] * 3 + ["hidden"]
    assert "[1 secret]" in results["tests"][-1]["output"]


def test_what_cannot_be_read_waits_for_a_person_and_says_why(course, tmp_path):
    done, results = ran(installed(tmp_path / "autograder", autograder_zip(course, "small"), {"answers.json": "{"}))
    assert done.returncode == 0, done.stderr
    assert results["score"] == 0
    assert results["extra_data"]["open_points"] + sum("wait" in one["output"] for one in results["tests"]) > 0
    assert "answers.json" in results["output"]


def test_a_fault_that_is_not_the_students_leaves_no_result_and_no_zero(course, tmp_path):
    top = installed(tmp_path / "autograder", autograder_zip(course, "small"), GOOD)
    (top / "results" / "results.json").write_text('{"score": 99}')
    (top / "source" / "course" / "rubrics" / "small.yaml").write_text("broken: [")
    done, results = ran(top)
    assert done.returncode != 0
    assert results is None
    assert "not the student's" in done.stderr


def test_nothing_that_a_student_uploads_is_imported_or_chooses_the_rules(course, tmp_path):
    acts = f"open({str(tmp_path / 'acted')!r}, 'w').close()\n"
    trap = dict.fromkeys(("sitecustomize.py", "grader/__init__.py", "grader/__main__.py", "json.py", "click.py"), acts)
    easy = {"grader.toml": 'name = "mine"\nrubrics = "."\n', "small.yaml": RUBRIC.replace("14538", "1")}
    answers = {"answers.json": '{"answers": {"total_parameters": 1}}', "results.json": '{"score": 99}'}
    done, results = ran(
        installed(tmp_path / "autograder", autograder_zip(course, "small"), {**trap, **easy, **answers})
    )
    assert done.returncode == 0, done.stderr
    assert results["score"] == 0
    assert not (tmp_path / "acted").exists()


def test_the_zip_holds_no_hand_in_no_solution_and_no_state(course):
    with zipfile.ZipFile(io.BytesIO(autograder_zip(course, "small"))) as archive:
        names = archive.namelist()
        modes = {one.filename: one.external_attr >> 16 & 0o777 for one in archive.infolist()}
    of_course = [name for name in names if name.startswith("course/")]
    assert of_course == [
        "course/grader.toml", "course/rubrics/small.yaml", "course/submissions_template/small/answers.json",
    ]  # fmt: skip
    assert modes["run_autograder"] == modes["setup.sh"] == 0o755
    assert "lib/grader/cli/check.py" in names
    assert not any("__pycache__" in name or name.startswith("/") or ".." in name for name in names)
    assert autograder_zip(course, "small") == autograder_zip(course, "small")


def test_every_file_of_the_package_that_is_read_is_in_the_zip(course):
    with zipfile.ZipFile(io.BytesIO(autograder_zip(course, "small"))) as archive:
        there = set(archive.namelist())
    package = ROOT / "grader"
    files = {
        f"lib/grader/{one.relative_to(package).as_posix()}"
        for one in package.rglob("*")
        if one.is_file() and "__pycache__" not in one.parts and one.name != ".gitkeep"
    }
    assert files - there == set()


def test_the_libraries_are_named_in_the_versions_that_are_here():
    names = [one.partition("==")[0].lower() for one in requirements()]
    assert {"click", "torch", "numpy", "jsonschema"} <= set(names)
    assert not NOT_NEEDED & set(names)
    assert all("==" in one and "+" not in one for one in requirements())


def test_rubrics_outside_of_the_course_are_refused(course, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "small.yaml").write_text(RUBRIC)
    (course.root / "grader.toml").write_text('name = "A test"\nrubrics = "../elsewhere"\n')
    with pytest.raises(CourseError, match="not in the course"):
        autograder_zip(load_course(course.root), "small")


@pytest.mark.parametrize("script", ["setup.sh", "run_autograder"])
def test_the_scripts_are_sound_for_the_shell(script, course, tmp_path):
    top = installed(tmp_path / "autograder", autograder_zip(course, "small"), {})
    checked = subprocess.run(["bash", "-n", str(top / "source" / script)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_others_code_is_not_run_without_a_sandbox(monkeypatch, tmp_path):
    """`check --of-others` is what the script says."""
    from grader.cli import run

    asked = []

    def graded(*_, **how):
        asked.append(how["is_own_code"])
        raise SystemExit(0)

    monkeypatch.setattr("grader.cli.grade.graded", graded)
    for words in (["--of-others"], []):
        with pytest.raises(SystemExit):
            run(["check", str(tmp_path), "--course", str(ROOT), *words])
    assert asked == [False, True]
