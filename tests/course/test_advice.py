"""Warnings: what loads, and is hardly ever meant. They stop nothing, and a plain rubric has none."""

from __future__ import annotations

import pytest

HEAD = "assignment: demo\ntitle: Demo\n"
TASK = 'tasks:\n- id: "1"\n  title: One\n  points: 2\n  rules:\n'
COPIED = '- id: "2"\n  title: Two\n  points: 2\n  rules: [{id: b, check: number, answer: a, right: 2}]\n'
FILES = "  - {check: files}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEAD + TASK + FILES, id="the smallest rubric"),
        pytest.param(
            HEAD + TASK + FILES + "  - {check: text, answer: a}\n", id="a text beside a check that recomputes"
        ),
        pytest.param(
            HEAD + TASK + FILES + "  - {id: s, check: files, points: 0, visibility: staff}\n",
            id="a staff rule of no points",
        ),
        pytest.param(
            HEAD + TASK + FILES + "  - {id: s, check: files, points: 1, bonus: true, visibility: staff}\n",
            id="a staff rule that can only give",
        ),
        pytest.param(
            HEAD + "models: {net: {input: [4]}}\n" + TASK + FILES, id="one model, which rules take by default"
        ),
        pytest.param(
            HEAD + "models: {net: {input: [4]}}\n" + TASK + "  - {check: accuracy, at_least: 0.001}\n",
            id="a small demand",
        ),
        pytest.param(HEAD + TASK + "  - {id: layer-table-2, check: files}\n", id="an id in lower case with hyphens"),
    ],
)
def test_what_is_usual_gets_no_warning(said, text):
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        pytest.param(
            HEAD + TASK.replace("  title: One\n", "") + FILES,
            "4 /tasks/0: the task '1' has no title: reports show its number only\n"
            "  fix: add title: what the task is about",
            id="no title",
        ),
        pytest.param(
            HEAD + TASK + "  - {id: Rule_1, check: files}\n",
            "8 /tasks/0/rules/0/id: the id 'Rule_1' is not in lower case with hyphens, as those of checks and "
            "findings are\n  fix: write it such as layer-table",
            id="an id that reads badly",
        ),
        pytest.param(
            HEAD + TASK + "  - {check: files, visibility: staff}\n",
            "8 /tasks/0/rules/0: the student never sees the findings of this rule, which is worth 2 points\n"
            "  fix: write points: 0, or visibility: student",
            id="points lost unseen",
        ),
        pytest.param(
            HEAD + TASK + "  - {check: text, answer: a}\n",
            "3 /tasks: every point hangs on the check 'text', which recomputes nothing: a person grades it all\n"
            "  fix: add a check that recomputes a claim",
            id="nothing recomputed",
        ),
        pytest.param(
            HEAD + "models: {net: {input: [4]}}\n" + TASK + "  - {check: accuracy, at_least: 0.0}\n",
            "9 /tasks/0/rules/0/at_least: at_least is 0: everything passes\n  fix: write what is demanded",
            id="a demand of nothing",
        ),
        pytest.param(
            HEAD + "pass_points: 0\n" + TASK + FILES,
            "3 /pass_points: to pass takes 0 points: everybody does\n  fix: raise or remove it",
            id="everybody passes",
        ),
        pytest.param(
            HEAD + TASK.replace("2", "0") + FILES,
            "3 /tasks: no task has points: every scorecard is 0 of 0\n  fix: give the tasks points",
            id="no points at all",
        ),
        pytest.param(
            HEAD + "networks:\n  n: {input: [1], layers: [{kind: relu}]}\n" + TASK + FILES,
            "4 /networks/n: no rule uses the network 'n'\n  fix: remove it, or name it in a rule",
            id="a network that no rule uses",
        ),
        pytest.param(
            HEAD + "models:\n  a: {input: [4]}\n  b: {input: [4]}\n" + TASK + "  - {check: figure, model: a}\n",
            "5 /models/b: no rule uses the model 'b'\n  fix: remove it, or name it in a rule",
            id="a model that no rule uses",
        ),
        pytest.param(
            HEAD + TASK + "  - {check: number, answer: a, right: 1}\n" + COPIED,
            "12 /tasks/1/rules/0/answer: the tasks '1' and '2' read one answer, 'a'\n"
            "  fix: give each its own, if it has one",
            id="a rule that was copied with its answer",
        ),
    ],
)
def test_what_is_hardly_meant_gets_one_warning(said, text, warning):
    assert said(text) == [f"rubrics/demo.yaml:{warning}"]


def test_warnings_wait_until_there_is_no_error(said):
    [told] = said(HEAD + "pass_points: 0\n" + TASK + "  - {check: filse}\n")
    assert "there is no check" in told
