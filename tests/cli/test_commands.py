import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from grader.cli import COMMANDS, run
from grader.documents import validator
from grader.sandbox import level

ROOT = Path(__file__).parents[2]
EXAMPLES = [  # 06 is no JSON at all
    folder
    for folder in sorted((ROOT / "examples" / "digits-class").iterdir())
    if folder.is_dir() and "06" not in folder.name
]


def test_help_names_every_command(grader):
    ran = grader("--help")
    assert all(name in ran.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    "command", [*COMMANDS, "rubric lint", "rubric show", "rubric schema", "rubric checks", "data list"]
)
def test_every_command_has_help_that_ends_with_a_line_to_paste(grader, command):
    assert "Example: " in grader(*command.split(), "--help").stdout.splitlines()[-1]


def test_a_mistyped_command_is_told_the_nearest(grader):
    assert "Did you mean 'check'?" in grader("chek", code=2).stderr


def test_the_version_is_that_of_the_package(grader):
    from grader import __version__

    assert __version__ in grader("--version").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(grader, shell):
    assert "_GRADER_COMPLETE" in grader("completion", shell).stdout


def test_completion_completes_commands():
    ran = subprocess.run(
        [sys.executable, "-m", "grader"],
        capture_output=True,
        text=True,
        check=False,
        env={"_GRADER_COMPLETE": "bash_complete", "COMP_WORDS": "grader run", "COMP_CWORD": "1", "PATH": "/usr/bin"},
        cwd=ROOT,
    )
    assert "run-all" in ran.stdout


# --- init -------------------------------------------------------------------------------------


@pytest.mark.parametrize("assignment", ["digits", "mnist-optimizers", "lenet-cifar100"])
def test_a_fresh_template_is_checked_without_a_complaint_about_form(grader, tmp_path, assignment):
    folder = tmp_path / "mine"
    grader("init", assignment, folder, "--course", ROOT)
    made = json.loads(grader("check", folder, "--course", ROOT, "--json").stdout)
    assert made["problems"] == []
    codes = {f["code"] for task in made["tasks"] for rule in task["rules"] for f in rule["findings"]}
    assert "unanswered" in codes
    assert "check-broke" not in codes


@pytest.mark.parametrize("assignment", ["digits", "mnist-optimizers", "lenet-cifar100"])
def test_the_template_names_every_answer_and_fits_its_schema(grader, tmp_path, assignment):
    folder = tmp_path / "mine"
    grader("init", assignment, folder, "--course", ROOT)
    schema = json.loads((folder / "answers.schema.json").read_text())
    answers = json.loads((folder / "answers.json").read_text())
    assert set(answers["answers"]) == set(schema["properties"]["answers"]["properties"])
    unfilled = answers | {"answers": dict.fromkeys(answers["answers"])}
    assert list(validator(schema).iter_errors(unfilled)) == []


def test_init_never_overwrites(grader, tmp_path):
    (tmp_path / "work.txt").write_text("mine")
    ran = grader("init", "digits", tmp_path, "--course", ROOT, code=2)
    assert "not empty" in ran.stderr
    assert (tmp_path / "work.txt").read_text() == "mine"
    assert not (tmp_path / "answers.json").exists()


def test_init_copies_all_or_nothing(grader, tmp_path):
    (tmp_path / "file").touch()
    ran = grader("init", "digits", tmp_path / "file" / "mine", code=5)
    assert "the template cannot be copied there (Not a directory)" in ran.stderr
    assert "fix: " in ran.stderr


def test_a_disk_that_fills_up_leaves_no_half_template(tmp_path, monkeypatch, capsys):
    def refuse(source, target):
        if Path(target).name == "model.py":
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        Path(target).write_bytes(Path(source).read_bytes())

    monkeypatch.setattr("shutil.copyfile", refuse)
    for folder, stays in ((tmp_path / "new", False), (tmp_path / "empty", True)):
        if stays:
            folder.mkdir()
        assert run(["init", "digits", str(folder), "--course", str(ROOT)]) == 5
        assert folder.exists() is stays
    assert list((tmp_path / "empty").iterdir()) == []
    assert "No space left on device" in capsys.readouterr().err


def test_the_next_command_can_be_pasted(grader, tmp_path):
    ran = grader("init", "digits", "-my digits", "--course", ROOT, cwd=tmp_path, code=2)
    ran = grader("init", "digits", "./-my digits", "--course", ROOT, cwd=tmp_path)
    assert "grader check './-my digits'" in ran.stdout


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(OSError(errno.EMFILE, "Too many open files", "model.py"), "model.py: Too many", id="files"),
        pytest.param(OSError(errno.EACCES, "Permission denied", "/x"), "/x: Permission denied", id="rights"),
        pytest.param(MemoryError(), "not enough memory", id="memory"),
    ],
)
def test_what_the_machine_refuses_is_told_without_a_traceback(monkeypatch, capsys, error, said):
    def refuse(*_arguments, **_settings):
        raise error

    monkeypatch.setattr("grader.cli.cli.main", refuse)
    assert run([]) == 5
    err = capsys.readouterr().err
    assert said in err
    assert "fix: " in err
    assert "Traceback" not in err


def test_init_of_an_unknown_assignment_names_those_there_are(grader, tmp_path):
    ran = grader("init", "digit", tmp_path / "x", "--course", ROOT, code=3)
    assert "digits" in ran.stderr


# --- rubric -----------------------------------------------------------------------------------


def test_every_rubric_of_this_course_is_sound(grader):
    said = grader("rubric", "lint").stdout
    assert ": 0 errors, " in said
    # Fine-tuning and the widest network were never measured: what stands in for them reaches less.
    warnings = [line for line in said.splitlines() if line.startswith("! warning")]
    assert [line for line in warnings if "itself misses this" not in line] == []


def test_show_prints_tasks_rules_and_points(grader):
    shown = grader("rubric", "show", "digits").stdout
    assert "layer-table" in shown
    assert "20 points, pass line 10" in shown


def test_show_has_a_machine_form(grader):
    made = json.loads(grader("rubric", "show", "digits", "--json").stdout)
    assert made["points"] == "20"


def test_the_schema_of_the_answers_accepts_the_perfect_hand_in_and_refuses_a_stray_key(grader):
    rules = validator(json.loads(grader("rubric", "schema", "digits").stdout))
    answers = json.loads((ROOT / "examples" / "digits-class" / "01-perfect" / "answers.json").read_text())
    assert list(rules.iter_errors(answers)) == []
    answers["answers"]["same_paddin"] = 3
    assert [error.validator for error in rules.iter_errors(answers)] == ["additionalProperties"]


@pytest.mark.parametrize(
    ("assignment", "folder"),
    [
        *(("digits", f"examples/digits-class/{path.name}") for path in EXAMPLES),
        ("mnist-optimizers", "tests/seeds/003"),
    ],
)
def test_the_answers_of_every_example_have_the_form_that_an_editor_checks(grader, assignment, folder):
    """Wrong answers, right form: what is wrong with them is the grader's to say, not the editor's."""
    rules = validator(json.loads(grader("rubric", "schema", assignment).stdout))
    answers = json.loads((ROOT / folder / "answers.json").read_text())
    assert [f"{error.json_path}: {error.message}" for error in rules.iter_errors(answers)] == []


@pytest.mark.parametrize("assignment", ["digits", "mnist-optimizers", "lenet-cifar100"])
def test_an_editor_can_tell_what_every_answer_is_and_how_it_is_written(grader, assignment):
    made = json.loads(grader("rubric", "schema", assignment).stdout)
    for key, answer in made["properties"]["answers"]["properties"].items():
        assert answer["title"], key
        assert answer["description"], key


def test_checks_are_listed_and_looked_up_outside_of_any_course(grader, tmp_path):
    from grader.checks import all_checks

    listed = grader("rubric", "checks", cwd=tmp_path).stdout
    assert all(name in listed for name in all_checks())
    shown = grader("rubric", "checks", "claim", cwd=tmp_path).stdout
    assert shown.startswith("Holds a reported number against its recomputation")
    assert "    - check: claim" in shown.splitlines()
    assert "recompute.split" in shown


def test_a_mistyped_check_is_told_the_nearest(grader):
    assert "did you mean 'number'?" in grader("rubric", "checks", "numbr", code=2).stderr


@pytest.fixture
def course(tmp_path):
    """A course with one small rubric; course(text) writes another one in its place."""

    def write(text, name="small.yaml"):
        (tmp_path / "rubrics").mkdir(exist_ok=True)
        (tmp_path / "grader.toml").write_text('name = "x"\n')
        (tmp_path / "rubrics" / name).write_text(text)
        return tmp_path

    return write


SMALL = """\
assignment: small
title: Small
tasks:
  - {id: a, title: A, points: 1, rules: [{check: number, answer: n, expected: 3}]}
"""


def test_a_warning_does_not_look_like_an_error(grader, course):
    told = grader("rubric", "lint", cwd=course(SMALL.replace("title: A, ", ""))).stdout
    assert told.startswith("! warning rubrics/small.yaml:4 /tasks/0: the task 'a' has no title")
    assert "✗" not in told
    assert told.endswith("1 rubric: 0 errors, 1 warning\n")


def test_one_error_is_counted_as_one(grader, course):
    told = grader("rubric", "lint", cwd=course(SMALL.replace("points: 1", "points: one")), code=3).stdout
    assert told.startswith("✗ rubrics/small.yaml:4 /tasks/0/points")
    assert told.endswith("1 rubric: 1 error, 0 warnings\n")


def test_a_rubric_that_is_not_read_for_its_name_is_an_error(grader, course):
    told = grader("rubric", "lint", cwd=course(SMALL, "small.yml"), code=3).stdout
    assert "rubrics/small.yml: is not read" in told
    assert "rename it to small.yaml" in told
    assert "rubrics/small.yml: is not read" in grader("rubric", "lint", cwd=course(SMALL), code=3).stdout
    assert "0 errors" in grader("rubric", "lint", "small", cwd=course(SMALL)).stdout


def test_a_course_without_a_rubric_is_not_sound(grader, course):
    folder = course(SMALL)
    (folder / "rubrics" / "small.yaml").unlink()
    assert "there is no rubric" in grader("rubric", "lint", cwd=folder, code=3).stdout


# --- data and doctor --------------------------------------------------------------------------


def test_data_list_says_where_a_set_is_or_how_to_get_it(grader, tmp_path):
    env = {"GRADER_DATA": str(tmp_path)}
    shown = grader("data", "list", env=env).stdout
    assert "digits" in shown
    assert "fix: export GRADER_DATA=FOLDER" in shown
    made = {one["name"]: one for one in json.loads(grader("data", "list", "--json", env=env).stdout)}
    assert made["digits"]["is_present"]
    assert not made["mnist"]["is_present"]


def test_a_missing_set_is_unknown_with_the_command_that_gets_it(grader, tmp_path):
    from shutil import copytree

    copytree(ROOT / "tests" / "seeds" / "003", tmp_path / "003")
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = grader("check", tmp_path / "003", "--course", ROOT, "--json", env={"GRADER_DATA": str(empty)})
    rules = {rule["rule"]: rule for task in json.loads(ran.stdout)["tasks"] for rule in task["rules"]}
    [finding] = rules["tuned-accuracy"]["findings"]
    assert finding["outcome"] == "unknown"
    assert "GRADER_DATA" in finding["fix"]
    assert rules["tuned-accuracy"]["open_points"] == rules["tuned-accuracy"]["max_points"]


@pytest.mark.sandbox
def test_doctor_tries_every_wall_and_is_content_here(grader):
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    looks = json.loads(grader("doctor", "--json").stdout)
    walls = [look for look in looks if look["area"] == "sandbox"]
    assert len(walls) > 8
    assert [look["name"] for look in walls if not look["is_good"]] == []


def test_doctor_says_how_to_raise_the_level_in_lines_to_paste(monkeypatch):
    from click.testing import CliRunner

    from grader.cli.doctor import doctor
    from grader.sandbox import Level, raising
    from grader.sandbox.raising import System

    ubuntu = System(words=("ubuntu",), restricts_namespaces=True)
    monkeypatch.setattr("grader.sandbox.level", lambda: Level("L1", "bubblewrap is not installed", "install it"))
    monkeypatch.setattr("grader.sandbox.self_test", lambda _: [])
    monkeypatch.setattr(raising, "this_system", lambda: ubuntu)
    looks = json.loads(CliRunner().invoke(doctor, ["--json"]).output)
    said = [look["fix"] for look in looks if look["area"] == "to raise the level"]
    assert said == raising.steps(ubuntu, Level("L1", ""))
    printed = CliRunner().invoke(doctor).output
    for line in "\n".join(said).splitlines():
        assert line in printed
    assert {"Landlock", "system call filter", "control groups"} <= {look["name"] for look in looks}


# --- run-all ----------------------------------------------------------------------------------


def test_one_unreadable_hand_in_stops_no_other(grader, theory, tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    theory.rename(folder / "ada")
    (folder / "ben.zip").write_bytes(b"no archive")
    cards = json.loads(grader("run-all", folder, "--course", ROOT, "--json").stdout)
    assert [(card["submission"], card["points"], card["open_points"]) for card in cards] == [
        ("ada", 12, 2),
        ("ben", 0, 20),
    ]


def test_two_hand_ins_of_one_name_are_told_apart(grader, theory, tmp_path):
    import shutil

    folder = tmp_path / "class"
    folder.mkdir()
    shutil.make_archive(str(folder / "ada"), "zip", theory)
    theory.rename(folder / "ada")
    cards = json.loads(grader("run-all", folder, "--course", ROOT, "--json").stdout)
    assert [card["submission"] for card in cards] == ["ada", "ada.zip"]


def test_an_empty_class_is_a_usage_error(grader, tmp_path):
    assert "no submission" in grader("run-all", tmp_path, "--course", ROOT, code=2).stderr


# --- errors -----------------------------------------------------------------------------------


def test_a_bug_of_ours_is_no_low_mark(monkeypatch, capsys):
    def broken(*_words, **_options):
        raise ZeroDivisionError("our bug")

    monkeypatch.setattr("grader.cli.cli.main", broken)
    assert run(["check", "x"]) == 5
    assert "bug in grader" in capsys.readouterr().err


def test_ctrl_c_says_one_word(monkeypatch, capsys):
    def stopped(*_words, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.cli.cli.main", stopped)
    assert run([]) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_init_adds_a_notebook_where_it_is_asked_for(grader, tmp_path):
    said = grader("init", "digits", tmp_path / "mine", "--notebook").stdout
    assert "digits.ipynb" in said
    notebook = json.loads((tmp_path / "mine" / "digits.ipynb").read_text())
    assert notebook["cells"][0]["source"].startswith("# A first convolutional network")
    template = {path.name for path in (ROOT / "submissions_template" / "digits").iterdir()}
    held = {path.name for path in (tmp_path / "mine").iterdir()}
    assert held == template | {"answers.schema.json", "digits.ipynb"}
