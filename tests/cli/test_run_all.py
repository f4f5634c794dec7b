"""What a TA chooses of a class, sees of it before and while it is graded, and finds the second time."""

import json
import os
import re
import shutil
import time
from pathlib import Path

import pytest

from grader import sandbox
from grader.documents import schema, validator
from grader.intake.classes import ClassList, write_class

ROOT = Path(__file__).parents[2]


@pytest.fixture
def a_class(theory, tmp_path):
    """Three hand-ins that need no job: two right, one with another answer."""
    folder = tmp_path / "class"
    folder.mkdir()
    for name in ("ada", "adam", "ben"):
        shutil.copytree(theory, folder / name)
    answers = json.loads((folder / "ben" / "answers.json").read_text())
    answers["answers"]["translation"] = "a"
    (folder / "ben" / "answers.json").write_text(json.dumps(answers))
    return folder


@pytest.fixture
def run(grader, a_class, tmp_path):
    def go(*words, folder=a_class, code=0, course=ROOT, env=None):
        own = {"GRADER_STATE": str(tmp_path / "state"), "GRADER_CACHE": str(tmp_path / "cache"), **(env or {})}
        return grader("run-all", folder, "--course", course, *words, code=code, env=own)

    return go


@pytest.fixture
def with_models(tmp_path):
    if not sandbox.level().is_isolated:
        pytest.skip("no sandbox here")
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("01-perfect", "09-model-does-not-build"):
        shutil.copytree(ROOT / "examples" / "digits-class" / name, folder / name)
    return folder


def names(ran):
    return [card["submission"] for card in json.loads(ran.stdout)]


def test_only_takes_names_and_patterns(run):
    assert names(run("--json", "--only", "ben")) == ["ben"]
    assert names(run("--json", "--only", "ada*", "--only", "ben")) == ["ada", "adam", "ben"]
    assert names(run("--json", "--only", "ada*")) == ["ada", "adam"]


def test_a_name_that_nobody_has_is_told_with_a_near_one(run):
    said = run("--only", "adaa", code=2).stderr
    assert """--only: no submission is named "adaa"\n  fix: did you mean 'ada'?""" in said


def test_the_folder_above_a_class_is_no_class(run, a_class):
    """submissions/ instead of submissions/digits: the class would be graded as one empty hand-in."""
    write_class(a_class, ClassList("digits", "folder"))
    said = run(folder=a_class.parent, code=2).stderr
    assert "holds classes that grader import made" in said
    assert f"name one of them: {a_class}" in "".join(said.split("\n"))


def test_since_takes_what_changed_from_then_on(run, a_class):
    old = time.time() - 3 * 86400
    for path in [a_class / "ada", *(a_class / "ada").rglob("*")]:
        os.utime(path, (old, old))
    yesterday = time.strftime("%Y-%m-%d", time.localtime(time.time() - 86400))
    assert names(run("--json", "--since", yesterday)) == ["adam", "ben"]
    said = run("--since", "2999-01-01", code=2).stderr
    assert "--since: nothing was handed in or changed since 2999-01-01" in said


def test_an_unknown_check_to_rerun_is_told(run):
    assert "did you mean 'accuracy'" in run("--rerun", "acuracy", code=2).stderr


def test_the_list_is_the_same_as_if_it_were_printed_whole(run):
    ran = run("--json")
    assert ran.stdout == json.dumps(json.loads(ran.stdout), indent=2, ensure_ascii=True) + "\n"


def test_the_second_time_nothing_is_judged_and_the_cards_are_the_same(run):
    first, second = run("--json"), run("--json")
    assert first.stdout == second.stdout
    assert re.search(r"3 graded in .*, 0 hand-ins judged before", first.stderr)
    assert re.search(r"3 graded in .*, 3 hand-ins judged before", second.stderr)


def test_after_a_change_of_points_they_are_counted_anew_and_nothing_else_is_done(run, tmp_path):
    course = tmp_path / "course"
    for part in ("rubrics", "submissions_template", "reference_solutions"):
        shutil.copytree(ROOT / part, course / part)
    shutil.copy(ROOT / "grader.toml", course)
    before = json.loads(run("--json", course=course).stdout)
    rubric = course / "rubrics" / "digits.yaml"
    text = rubric.read_text()
    changed = text.replace("    correct: c\n        points: 1\n", "    correct: c\n        points: 3\n")
    assert changed != text
    assert changed.count("    points: 5\n") == 1, "the task that the rule belongs to"
    changed = changed.replace("    points: 5\n", "    points: 7\n")
    rubric.write_text(changed)
    ran = run("--json", course=course)
    after = json.loads(ran.stdout)
    assert "3 hand-ins judged before" in ran.stderr
    gained = [two["points"] - one["points"] for one, two in zip(before, after, strict=True)]
    assert gained == [2, 2, 0]


@pytest.mark.sandbox
def test_a_plan_shows_what_would_be_done_and_does_nothing(run, with_models, tmp_path):
    plan = json.loads(run("--dry-run", "--json", folder=with_models).stdout)
    assert not list(validator(schema("run-plan")).iter_errors(plan))
    kinds = {one["kind"]: one for one in plan["kinds"]}
    assert kinds["describe"]["untimed"] == kinds["describe"]["jobs"] > 0, "no earlier run tells the cost"
    assert not list((tmp_path / "cache" / "evidence").rglob("*.json"))
    run(folder=with_models)
    after = {one["kind"]: one for one in json.loads(run("--dry-run", "--json", folder=with_models).stdout)["kinds"]}
    assert after["describe"]["known"] == after["describe"]["jobs"]
    again = json.loads(run("--dry-run", "--json", "--rerun", "accuracy", folder=with_models).stdout)
    predict = next(one for one in again["kinds"] if one["kind"] == "predict")
    assert (predict["known"], predict["untimed"]) == (0, 0)
    assert predict["seconds"] > 0


@pytest.mark.sandbox
def test_rerun_recomputes_what_the_check_needs(run, with_models):
    first = run("--json", folder=with_models)
    again = run("--json", "--rerun", "accuracy", folder=with_models)
    assert first.stdout == again.stdout
    [(computed, known)] = re.findall(r": (\d+) recomputed, (\d+) from the cache", again.stderr)
    assert int(computed) > 0 < int(known)


@pytest.mark.sandbox
def test_a_missing_data_set_is_no_students_and_ends_with_5(run, tmp_path):
    if not sandbox.level().is_isolated:
        pytest.skip("no sandbox here")
    folder = tmp_path / "mnist" / "ada"
    shutil.copytree(ROOT / "submissions_template" / "mnist-optimizers", folder)
    reference = ROOT / "reference_solutions" / "mnist-optimizers"
    shutil.copy(reference / "model.py", folder)
    shutil.copy(reference / "weights" / "tuned.pth", folder / "model.pth")
    ran = run("--json", folder=folder.parent, code=5, env={"GRADER_DATA": str(tmp_path / "nowhere")})
    assert "1 not in full, for a reason that is not theirs" in ran.stderr
    [card] = json.loads(ran.stdout)
    rule = next(rule for task in card["tasks"] for rule in task["rules"] if rule["rule"] == "tuned-accuracy")
    assert (rule["points"], rule["open_points"]) == (0, rule["max_points"])


def test_a_state_folder_that_cannot_be_made_ends_it_before_anything(run, tmp_path):
    (tmp_path / "file").touch()
    said = run("--state", tmp_path / "file" / "state", code=5).stderr
    assert "--state" in said
