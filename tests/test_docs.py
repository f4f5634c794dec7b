"""The pages of docs/ say what is so: their examples load and are graded as they say, their commands exist."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from grader.answers.choices import parse_choice
from grader.answers.matrices import parse_matrix
from grader.answers.shapes import parse_shape
from grader.answers.working import parse_working
from grader.architecture import KINDS, layer_schema
from grader.checks import all_checks
from grader.checks.base import REVEAL
from grader.cli import cli
from grader.course import rubric_problems
from grader.course.written import COMMON_KEYS
from grader.documents import schema
from grader.model import Place
from grader.reports.terminal import REMARKS, SIGNS

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
TEACHER = (ROOT / "docs" / "writing-a-rubric.md").read_text(encoding="utf-8")
STUDENT = (ROOT / "docs" / "for-students.md").read_text(encoding="utf-8")
EXAMPLE = dict(re.findall(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", TEACHER, re.DOTALL))


@pytest.fixture
def first_steps(tmp_path):
    """The course and the hand-in of the teacher's page, letter by letter."""
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "hand-in").mkdir()
    (tmp_path / "grader.toml").write_text(re.search(r'`(name = ".*?")`', TEACHER)[1])
    for name, text in EXAMPLE.items():
        path = "rubrics/first-steps.yaml" if name == "rubric" else f"hand-in/{name}"
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def ran(folder, *words):
    command = [sys.executable, "-m", "grader", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_has_no_problem_and_no_warning(first_steps):
    assert ran(first_steps, "rubric", "lint", "first-steps") == "1 rubric: 0 errors, 0 warnings\n"


def test_the_example_is_graded_as_the_page_says(first_steps):
    promised = re.search(r"The second command prints `(.*?)`", TEACHER)[1]
    assert ran(first_steps, "check", "hand-in", "--quiet", "--sandbox", "none").strip() == promised


def test_the_example_keeps_what_its_keys_promise(first_steps):
    card = json.loads(ran(first_steps, "check", "hand-in", "--json", "--sandbox", "none"))
    rules = {rule["rule"]: rule for task in card["tasks"] for rule in task["rules"]}
    assert rules["why"]["open_points"] == 0.5
    assert all(finding["expected"] == "" for finding in rules["total"]["findings"])
    assert "no-pool" not in ran(first_steps, "check", "hand-in", "--sandbox", "none")
    assert "no-pool" in ran(first_steps, "check", "hand-in", "--sandbox", "none", "--staff")


def test_a_failed_rule_leaves_what_builds_on_it_to_a_person(first_steps):
    (first_steps / "hand-in" / "model.py").unlink()
    card = json.loads(ran(first_steps, "check", "hand-in", "--json"))
    rules = {rule["rule"]: rule for task in card["tasks"] for rule in task["rules"]}
    assert (rules["structure"]["points"], rules["structure"]["open_points"]) == (0, 1.5)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_yaml_and_json_can_be_read(page):
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        assert yaml.safe_load(block)
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        assert json.loads(block)


def commands(text):
    """What stands behind `grader`, in code within a line and in lines of four spaces."""
    yield from re.findall(r"`grader ([^`]+)`", text)
    yield from re.findall(r"^    grader (.+?)(?:  +#.*)?$", text, re.MULTILINE)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists_with_its_options(page):
    for line in commands(page.read_text(encoding="utf-8")):
        group, words = cli, line.split()
        while isinstance(group, click.Group):
            found = group.get_command(click.Context(group), words[0])
            assert found is not None, line
            group, words = found, words[1:]
        options = {name for parameter in group.params for name in parameter.opts}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= options, line


# --- writing a rubric -------------------------------------------------------------------------


def rows(text, mark):
    """The rows of the first table behind `mark`, without its head."""
    table = text.split(mark, 1)[1].split("| --- ", 1)[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n\n")[0].splitlines()[1:]]


SHOWN = re.findall(r"<!-- rubric: (\S+) -->\n```yaml\n(.*?)```", TEACHER, re.DOTALL)


@pytest.mark.parametrize(("name", "text"), SHOWN, ids=[name for name, _ in SHOWN])
def test_every_rubric_that_is_shown_has_no_problem_in_any_variant(name, text, tmp_path):
    file = tmp_path / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    assert rubric_problems(file, all_checks(), layer_schema=layer_schema()) == ()


def test_the_rules_of_a_course_do_what_the_page_says(tmp_path):
    """Two days late in a group of three, one of the tasks to choose wrong, no report, the optional task left out."""
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "rubrics" / "essay.yaml").write_text(dict(SHOWN)["essay"])
    (tmp_path / "grader.toml").write_text(
        re.search(r"<!-- grader.toml: essay -->\n```toml\n(.*?)```", TEACHER, re.DOTALL)[1]
    )
    (tmp_path / "received.csv").write_text("id,received\nada,2026-03-10 10:00\n")
    students = [{"id": name} for name in ("s7", "s8", "s9")]
    (tmp_path / "class" / "ada" / "submission.json").write_text(
        json.dumps({"assignment": "essay", "students": students})
    )
    answers = {"side": 14, "one": 1, "two": 3, "three": 3, "more": None}
    (tmp_path / "class" / "ada" / "answers.json").write_text(json.dumps({"answers": answers}))
    [card] = json.loads(ran(tmp_path, "run-all", "class", "--json"))
    assert (card["points"], card["max_points"], card["open_points"]) == (4 - 1 + 3 + 3 - 2, 4 + 3 + 3, 0)
    assert [(one["kind"], one["points"]) for one in card["adjustments"]] == [("choice", 0), ("late", -2), ("group", 0)]
    report = ran(tmp_path, "check", "class/ada")
    assert "in time" not in report
    assert "2 days late: handed in 2026-03-10 10:00:00 CET" in report
    shown = " ".join(ran(tmp_path, "rubric", "show", "essay").split())
    for words in (
        "the best 2 of the tasks 2, 3, 4 count",
        "due 2026-03-08 23:59:00 CET",
        "groups of at most 2",
        "s1, s2",
    ):
        assert words in shown


def test_every_key_of_a_rule_is_explained_with_its_default():
    table = {key.strip("`"): default for key, _, default in rows(TEACHER, "## The keys that every rule has")}
    assert set(table) == {*COMMON_KEYS, "reveal"}
    properties = {**schema("rubric")["$defs"]["rule"]["properties"], "reveal": REVEAL}
    for key in ("visibility", "bonus", "deduction", "reveal"):
        assert table[key].strip("`") == str(properties[key]["default"]).replace("True", "true").replace(
            "False", "false"
        )


def test_every_kind_of_layer_that_needs_settings_is_named_with_them():
    named = {
        kind.strip(): re.findall(r"`(\w+)`", settings)
        for kinds, settings in rows(TEACHER, "<!-- layers -->")
        for kind in kinds.split(",")
    }
    needed = {name: [s.name for s in kind.settings if s.is_required] for name, kind in KINDS.items()}
    assert named == {name: settings for name, settings in needed.items() if settings}


def test_only_the_input_of_a_model_has_no_default():
    model = schema("rubric")["$defs"]["model"]
    assert len(model["properties"]) == 4
    assert (
        [key for key, about in model["properties"].items() if "default" not in about] == model["required"] == ["input"]
    )


def test_the_settings_that_the_page_calls_shares_are_shares():
    found = set()

    def look(part):
        for name, about in part.get("properties", {}).items():
            if any("%" in form.get("pattern", "") for form in about.get("anyOf", ())):
                found.add(name)
            look(about)
            look(about.get("items", {}))

    for check in all_checks().values():
        look(check.settings_schema)
    named = re.findall(r"`(\w+)`", re.search(r"Shares \((.*?)\)", TEACHER)[1])
    assert set(named) - {"credit"} <= found
    assert "credit" in found


# --- for students -----------------------------------------------------------------------------


def test_every_sign_of_the_report_is_explained():
    signs = {sign for sign, _ in [*SIGNS.values(), *REMARKS.values()]}
    assert {sign for sign, _ in rows(STUDENT, "## What the signs mean")} == signs


def test_what_the_report_says_is_said_somewhere_in_the_program():
    program = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "grader").rglob("*.py"))
    for said, fix in rows(STUDENT, "## What to do about it"):
        assert said in program
        assert fix


OPTIONS = {"a": "convolution", "b": "activation", "c": "max pooling"}
HERE = Place("answers.json", "/answers/a")
READERS = {
    "number": lambda value: parse_working(value, HERE).number.value,
    "accuracy": lambda value: parse_working(value, HERE).number.value,
    "shape": lambda value: parse_shape(value, HERE).entries,
    "matrix": lambda value: parse_matrix(value, HERE),
    "choice": lambda value: parse_choice(value, OPTIONS, HERE),
}
FORMS = re.findall(r"^- (\w+).*?: (`.*)$", STUDENT.split("<!-- forms -->", 1)[1], re.MULTILINE)


def test_there_are_forms_for_every_kind_of_answer():
    assert [kind for kind, _ in FORMS] == list(READERS)


@pytest.mark.parametrize(("kind", "forms"), FORMS)
def test_all_forms_of_an_answer_are_read_and_mean_the_same(kind, forms):
    first, *others = [json.loads(form) for form in re.findall(r"`(.*?)`", forms)]
    assert others
    assert {str(READERS[kind](form)) for form in others} == {str(READERS[kind](first))}
