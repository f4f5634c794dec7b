"""A rubric broken in the ways that happen: lint says where and what to do, and nobody is graded by it."""

from __future__ import annotations

import json

import pytest

from grader.cli import run

SOUND = """\
assignment: cnn
title: A network for small images
pass_points: 2
networks:
  table-1:
    input: [1, 28, 28]
    layers:
      - {name: conv1, kind: conv2d, out_channels: 32, kernel: 5, padding: 2}
      - {kind: relu}
      - {name: pool1, kind: max_pool2d, kernel: 2}
      - {kind: flatten}
      - {name: fc1, kind: linear, out_features: 10}
models:
  first: {code: task2.py, checkpoint: task2.pth, input: [1, 28, 28]}
  better: {code: task3.py, checkpoint: task3.pth, input: [1, 28, 28]}
tasks:
  - id: 1a
    title: By hand
    points: 0.2
    rules:
      - check: hand-convolution
        answer: 1a
        image: [[1, 0, 2], [3, 2, 0], [0, 6, 1]]
        kernel: [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
        convention: convolution
        padding: zero
        other_convention: 50%
  - id: 1b
    title: Translations
    points: 0.15
    rules:
      - check: choice
        answer: 1b
        options: [convolution, activation, max pooling]
        correct: max pooling
  - id: 1c
    title: Sizes
    points: 0.25
    rules:
      - id: kernel
        check: conv-arithmetic
        answer: 1c
        known: {input: 512, output: 504}
        unknown: kernel
        points: 0.1
      - id: total
        check: number
        answer: total
        expected: 63562
        after: [kernel]
  - id: "2"
    title: Networks
    points: 2
    rules:
      - id: files
        check: artifacts
        required: [{path: task2.py, kind: code}, {path: task2.pth, kind: checkpoint, max_bytes: 9000000}]
        points: 0.5
      - {id: structure, check: architecture, model: first, network: table-1, points: 0.5}
      - id: claimed
        check: claim
        model: first
        answer: test_accuracy
        about: accuracy
        of: {n: 10000}
        recompute: {from: predict, data: mnist, split: test}
        points: 0.5
      - {id: reached, check: accuracy, model: better, data: mnist, split: test, at_least: 75%}
      - {id: table, check: layer-table, answer: table, network: table-1, points: 0, visibility: staff}
      - {id: why, check: text, answer: why, min_words: 5, bonus: true, points: 0.1}
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """course(text) -> the exit codes of lint and check, and what lint prints."""
    (tmp_path / "grader.toml").write_text('name = "x"\n')
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "hand-in").mkdir()
    (tmp_path / "hand-in" / "submission.json").write_text('{"assignment": "cnn", "students": [{"id": "a"}]}')
    (tmp_path / "hand-in" / "answers.json").write_text('{"answers": {}}')
    monkeypatch.chdir(tmp_path)

    def tried(text, capsys):
        (tmp_path / "rubrics" / "cnn.yaml").write_text(text, encoding="utf-8")
        linted = run(["rubric", "lint", "--json"])
        problems = json.loads(capsys.readouterr().out)
        checked = run(["check", "hand-in", "--quiet"])
        return linted, checked, problems, capsys.readouterr().err

    return tried


def test_the_sound_rubric_is_sound(course, capsys):
    linted, checked, problems, _ = course(SOUND, capsys)
    assert (linted, checked, problems) == (0, 0, [])


BROKEN = [  # what, by what, the line that lint names, a part of what it says
    ("pass_points", "pass_point", 3, "did you mean 'pass_points'"),
    ("pass_points: 2", "pass_points: 20", 3, "to pass takes 20 points"),
    ("assignment: cnn", "assignment: cmm", 1, "the file is named 'cnn'"),
    ("points: 0.15", "points: 0,15", 30, '"0,15" has not the expected form'),
    ("points: 0.15", "points: 15%", 30, 'such as "1/3"'),
    ("points: 0.15", "points: -0.15", 30, "less than the minimum of 0"),
    ("points: 0.15", "points:", 30, "nothing is written here"),
    ("points: 0.15", "points: 0.15\n    points: 1", 31, "stands twice"),
    ("points: 0.25", "points: 0.1", 46, "nothing is left for this rule"),
    ("        after: [kernel]", "        points: 0.2", 38, "have 0.3 points together"),
    ("after: [kernel]", "after: [kernal]", 50, "did you mean 'kernel'"),
    ("after: [kernel]", "after: [total]", 50, "builds on itself"),
    ("after: [kernel]", "after: kernel", 50, "is not a list"),
    ("id: total", "id: kernel", 46, "two rules have the id 'kernel'"),
    ("id: 1b", "id: 1a", 28, "two tasks have the id '1a'"),
    ("id: 1c", "id: 1.10", 36, "put it in quotes"),
    ("check: choice", "check: choise", 32, "did you mean 'choice'"),
    ("      - check: choice\n        answer: 1b", "      - answer: 1b", 32, "'check' is missing"),
    ("        answer: 1b\n", "", 32, "reads an answer, and the rule names none"),
    ("answer: 1b", "answer: 1", 33, "put it in quotes"),
    ("correct: max pooling", "corect: max pooling", 35, "did you mean 'correct'"),
    ("correct: max pooling", "correct: maxpooling", 35, "'maxpooling' is no option"),
    ("    title: Sizes", "\ttitle: Sizes", 37, "indent with spaces"),
    ("title: Sizes", "title: Sizes: all", 37, "put text with a colon in quotes"),
    ("[[1, 0, 2], [3, 2, 0]", "[[1, 0, 2], [3, 2]", 23, "row 2 has 2 entries, row 1 has 3"),
    ("convention: convolution", "convention: correlation", 25, "did you mean 'cross-correlation'"),
    ("50%", "50", 27, "a share such as 0.95, or text such as '95%'"),
    ("50%", "150%", 27, "a share such as 0.95, or text such as '95%'"),
    ("at_least: 75%", "at_least: 75", 68, "a share such as 0.95, or text such as '95%'"),
    ("at_least: 75%", "at_least: 75%, from: 0.9", 68, "above the 75%"),
    ("output: 504", "output: 600", 43, "no kernel gives this output"),
    ("{input: 512", "{inputs: 512", 43, "did you mean 'input'"),
    ("unknown: kernel", "unknown: size", 44, "none of the allowed values"),
    ("expected: 63562", "expected: many", 49, "many"),
    ("expected: 63562", "expected: 1/3", 49, "give `significant_digits`"),
    ("kind: conv2d", "kind: Conv2D", 8, "did you mean 'conv2d'"),
    ("out_channels: 32, ", "", 8, "'out_channels' is missing"),
    ("kernel: 5, padding: 2", "kernel: 50", 8, "a kernel of 50 does not fit 28 pixels"),
    ("input: [1, 28, 28]\n    layers", "input: [28, 28]\n    layers", 6, "conv2d takes 3"),
    ("network: table-1, points: 0.5", "network: table1, points: 0.5", 59, "did you mean 'table-1'"),
    ("model: first, network", "model: frist, network", 59, "did you mean 'first'"),
    ("model: first, network", "network", 59, "add model: first or model: better"),
    (", network: table-1, points: 0.5}", ", points: 0.5}", 59, "nothing is demanded of the model"),
    ("task3.pth, input: [1, 28, 28]", "task3.pth", 15, "'input' is missing"),
    ("task3.pth, input: [1, 28, 28]", "task3.pth, input: [64, 1, 28, 28]", 15, "without the batch"),
    ("code: task2.py", "code: ../task2.py", 14, "a path inside the submission"),
    ("data: mnist, split: test}\n", "data: minst, split: test}\n", 66, "did you mean 'mnist'"),
    ("data: mnist, split: test,", "data: svhn, split: test,", 68, "no data set 'svhn'"),
    ("split: test, at", "split: validation, at", 68, "write train or test"),
    ("n: 10000", "n: 1000", 65, "mnist test has 10,000"),
    ("kind: checkpoint", "kind: checkpiont", 57, "did you mean 'checkpoint'"),
    ("max_bytes: 9000000", "max_bytes: 9 MB", 57, "is not a whole number"),
    ("visibility: staff", "visibility: teacher", 69, '"student", "staff"'),
    ("bonus: true, points: 0.1", "bonus: true", 70, "states no points"),
    ("bonus: true", "bonus: ja", 70, "write true or false"),
    ("answer: 1b", "answer: table", 69, "no answer fits both this rule and 'choice' on line 32"),
    ("min_words: 5", "min_words: 5, max_words: 3", 70, "ask for 5 or more"),
]


@pytest.mark.parametrize(("old", "new", "line", "said"), BROKEN, ids=[f"{old!r} -> {new!r}" for old, new, *_ in BROKEN])
def test_it_is_reported_with_its_line_and_a_fix_and_grades_nobody(course, capsys, old, new, line, said):
    assert old in SOUND
    linted, checked, problems, refused = course(SOUND.replace(old, new, 1), capsys)
    assert (linted, checked) == (3, 3)
    errors = [problem for problem in problems if not problem["code"].startswith("warning-")]
    assert all(problem["fix"] for problem in errors)
    assert any(
        said in f"{problem['what']} {problem['fix']}" and problem["where"].split(" ")[0] == f"rubrics/cnn.yaml:{line}"
        for problem in errors
    ), problems
    assert all(problem["what"].split(",")[0] in refused for problem in errors)


def test_everything_that_is_wrong_is_reported_at_once(course, capsys):
    text = SOUND
    for old, new in (("choice", "choise"), ("75%", "75"), ("[kernel]", "[kernal]"), ("mnist", "minst"), ("50%", "50")):
        text = text.replace(old, new, 1)
    *_, problems, _ = course(text, capsys)
    assert [problem["where"].split(" ")[0].split(":")[1] for problem in problems] == ["27", "32", "50", "66", "68"]
