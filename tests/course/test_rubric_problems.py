"""Whatever is wrong with a rubric is told at once: file and line, what is so, what would be right."""

from __future__ import annotations

import pytest

HEAD = "assignment: demo\ntitle: Demo\n"
TASK = HEAD + 'tasks:\n- id: "1"\n  title: One\n  points: 2\n  rules:\n'
NUMBER = "  - {check: number, answer: a, right: 3}\n"


def at(line: int, pointer: str, what: str, fix: str) -> str:
    return f"rubrics/demo.yaml:{line}{pointer and ' ' + pointer}: {what}\n  fix: {fix}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TASK + NUMBER, id="the smallest rubric"),
        pytest.param(
            TASK + NUMBER.replace("answer", "id: x, points: 2.0, after: [], answer"), id="every default stated"
        ),
        pytest.param(TASK + NUMBER + "  - {check: files}\n", id="points shared by two rules that state none"),
        pytest.param(
            TASK + "  - {check: files, points: 0.1}\n  - {id: b, check: files, points: 0.2}\n"
            "  - {id: c, check: files, points: 1.7}\n",
            id="decimals that binary fractions cannot add",
        ),
        pytest.param(
            TASK + "".join(f"  - {{id: r{n}, check: files, points: 2/3}}\n" for n in range(3)),
            id="three times two thirds is two",
        ),
        pytest.param(TASK + NUMBER + "  - {check: files, points: 0}\n", id="a rule of no points that says so"),
        pytest.param(TASK + NUMBER + "  - {check: files, points: 5, bonus: true}\n", id="bonus on top"),
        pytest.param(
            TASK + NUMBER + '- {id: "2", title: B, points: 0, rules: [{check: files, points: 1, bonus: true}]}\n',
            id="a task of nothing but bonus",
        ),
        pytest.param(
            TASK + NUMBER + '- {id: "2", title: B, points: 0, rules: [{check: files}]}\n', id="a task that only informs"
        ),
        pytest.param(HEAD + "pass_points: 2\n" + TASK.removeprefix(HEAD) + NUMBER, id="every point needed to pass"),
        pytest.param(TASK + NUMBER + "  - {check: files, after: [number]}\n", id="after a rule with a default id"),
        pytest.param(TASK + "  - {check: files, after: [number]}\n" + NUMBER, id="after a rule further down"),
        pytest.param(
            TASK + NUMBER + "  - {check: files, points: 1, bonus: true, after: [number]}\n",
            id="a bonus after a rule that counts",
        ),
        pytest.param(
            TASK + NUMBER + "  - {id: b, check: files, points: 1, bonus: true}\n"
            "  - {id: c, check: files, points: 1, bonus: true, after: [b]}\n",
            id="a bonus after a bonus",
        ),
        pytest.param(TASK + NUMBER + "  - {check: choice, answer: a, right: b}\n", id="two rules read one answer"),
        pytest.param(TASK.replace('"1"', '"1.2 (2a)"') + NUMBER, id="a number as real sheets have it"),
        pytest.param("\ufeff" + (TASK + NUMBER).replace("\n", "\r\n"), id="saved by a Windows editor"),
    ],
)
def test_a_sound_rubric_has_no_problem(said, text):
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "",
            at(
                1,
                "",
                "nothing is written here, where a table of keys belongs",
                "write a table of keys: what "
                "one assignment asks, and what it is worth: the file rubrics/ASSIGNMENT.yaml of a course",
            ),
            id="empty",
        ),
        pytest.param(
            TASK + "  - {check: nummber, answer: a, right: 3}\n",
            at(8, "/tasks/0/rules/0/check", "there is no check named 'nummber'", "did you mean 'number'?"),
            id="a check with a slip",
        ),
        pytest.param(
            TASK + "  - {check: q}\n",
            at(
                8,
                "/tasks/0/rules/0/check",
                "there is no check named 'q'",
                "known: accuracy, choice, figure, files, layer-table, number, text",
            ),
            id="no such check",
        ),
        pytest.param(
            TASK + "  - {id: x}\n",
            at(
                8,
                "/tasks/0/rules/0",
                "'check' is missing",
                "add 'check': the name of the check, such as \"layer-table\"",
            ),
            id="no check at all",
        ),
        pytest.param(
            TASK + NUMBER + NUMBER.replace("a,", "b,"),
            at(
                9,
                "/tasks/0/rules/1",
                "two rules have the id 'number', the other on line 8",
                "give each rule an id of its own (a rule without one takes its check's name)",
            ),
            id="one check twice, without ids",
        ),
        pytest.param(
            TASK + NUMBER + '- id: "2"\n  title: B\n  points: 1\n  rules:\n  - id: number\n    check: files\n',
            at(
                13,
                "/tasks/1/rules/0/id",
                "two rules have the id 'number', the other on line 8",
                "give each rule an id of its own (a rule without one takes its check's name)",
            ),
            id="an id that another rule has by default, in another task",
        ),
        pytest.param(
            TASK + "  - {id: x, check: files}\n  - {id: x, check: text, answer: t}\n",
            at(
                9,
                "/tasks/0/rules/1/id",
                "two rules have the id 'x', the other on line 8",
                "give each rule an id of its own",
            ),
            id="an id twice",
        ),
        pytest.param(
            TASK + NUMBER + '- {id: "1", title: B, points: 1, rules: [{check: files}]}\n',
            at(9, "/tasks/1/id", "two tasks have the id '1', the other on line 4", "give each task an id of its own"),
            id="a task's id twice",
        ),
        pytest.param(
            TASK + "  - {check: files, after: [numbr]}\n" + NUMBER,
            at(8, "/tasks/0/rules/0/after", "there is no rule 'numbr'", "did you mean 'number'?"),
            id="after no rule",
        ),
        pytest.param(
            TASK + "  - {check: files, after: [files]}\n",
            at(8, "/tasks/0/rules/0/after", "the rule 'files' builds on itself", "remove it from its `after`"),
            id="after itself",
        ),
        pytest.param(
            TASK + "  - {id: a, check: files, after: [c]}\n  - {id: b, check: files, after: [a]}\n"
            "  - {id: c, check: files, after: [b]}\n",
            at(
                8,
                "/tasks/0/rules/0/after",
                "the rules wait for each other: a -> c -> b -> a",
                "remove one `after` of them",
            ),
            id="a circle of three",
        ),
        pytest.param(
            TASK + NUMBER + "  - {id: b, check: files, points: 1, bonus: true}\n"
            "  - {id: c, check: files, after: [b]}\n",
            at(
                10,
                "/tasks/0/rules/2/after",
                "the rule builds on the bonus rule 'b', and is no bonus: who leaves the bonus out loses it",
                "build on a rule that counts, or write bonus: true here too",
            ),
            id="points that hang on a bonus",
        ),
        pytest.param(
            TASK + NUMBER + "  - {check: files, bonus: true}\n",
            at(9, "/tasks/0/rules/1", "the bonus rule states no points", "add points: the bonus it gives"),
            id="a bonus of how much?",
        ),
        pytest.param(
            TASK + "  - {id: a, check: files, points: 1.9}\n  - {id: b, check: files, points: 1/3}\n",
            at(
                6,
                "/tasks/0/points",
                "the rules of task '1' have 67/30 points together, the task has 2",
                "take 7/30 off them, or write points: 67/30 for the task",
            ),
            id="too many points",
        ),
        pytest.param(
            TASK + "  - {id: a, check: files, points: 0.15}\n  - {id: b, check: files, points: 0.1}\n",
            at(
                6,
                "/tasks/0/points",
                "the rules of task '1' have 0.25 points together, the task has 2",
                "add 1.75 to them, or write points: 0.25 for the task",
            ),
            id="too few points",
        ),
        pytest.param(
            TASK + "  - {id: a, check: files, points: 1}\n",
            at(
                6,
                "/tasks/0/points",
                "the rules of task '1' have 1 point together, the task has 2",
                "add 1 to them, or write points: 1 for the task",
            ),
            id="one point short",
        ),
        pytest.param(
            TASK + "  - {id: a, check: files, points: 2}\n  - {id: b, check: files}\n",
            at(
                9,
                "/tasks/0/rules/1",
                "nothing is left for this rule: the others of task '1' have all of 2 points",
                "write points: 0 if it only informs, or lower the others",
            ),
            id="nothing left to share",
        ),
        pytest.param(
            TASK + "  - {id: a, check: files, points: 3}\n  - {id: b, check: files}\n",
            at(
                6,
                "/tasks/0/points",
                "the rules of task '1' have 3 points together, the task has 2",
                "take 1 off them, or write points: 3 for the task",
            ),
            id="less than nothing left to share",
        ),
        pytest.param(
            TASK + "  - {check: files, points: 2, bonus: true}\n",
            at(
                6,
                "/tasks/0/points",
                "only bonus rules share task '1', and the task has 2",
                "write points: 0 for the task, or add a rule",
            ),
            id="points that only a bonus shares",
        ),
        pytest.param(
            TASK + "  - {check: files, points: -1}\n",
            at(8, "/tasks/0/rules/0/points", "-1 is less than the minimum of 0", "write 0 or more"),
            id="negative points",
        ),
        pytest.param(
            TASK + "  - {check: files, points: -1/3}\n",
            at(
                8,
                "/tasks/0/rules/0/points",
                '"-1/3" has not the expected form',
                'write points as a number or as a fraction, such as "1/3"',
            ),
            id="a negative fraction",
        ),
        pytest.param(
            TASK + "  - {check: files, points: 1/0}\n",
            at(
                8,
                "/tasks/0/rules/0/points",
                '"1/0" has not the expected form',
                'write points as a number or as a fraction, such as "1/3"',
            ),
            id="a fraction of nothing",
        ),
        pytest.param(
            TASK + "  - {check: files, points: true}\n",
            at(
                8,
                "/tasks/0/rules/0/points",
                "true is not a number or text",
                'write a number or text: a number such as 3.5, or a fraction as text such as "1/3"',
            ),
            id="true is no point",
        ),
        pytest.param(
            TASK + "  - {check: number, right: 3}\n",
            at(
                8,
                "/tasks/0/rules/0",
                "the check 'number' reads an answer, and the rule names none",
                'add answer: KEY, its key under "answers" in answers.json',
            ),
            id="no answer to read",
        ),
        pytest.param(
            TASK + "  - {check: files, answer: a}\n",
            at(8, "/tasks/0/rules/0/answer", "the check 'files' reads no answer", "remove answer"),
            id="an answer that is not read",
        ),
        pytest.param(
            TASK + "  - {check: number, answer: a b, right: 3}\n",
            at(
                8,
                "/tasks/0/rules/0/answer",
                '"a b" has not the expected form',
                "write letters, digits, dots, hyphens and underscores, 64 at most",
            ),
            id="a key with a space",
        ),
        pytest.param(
            TASK + NUMBER.replace("right", "rihgt: 3, right"),
            at(8, "/tasks/0/rules/0/rihgt", "unknown key 'rihgt'", "did you mean 'right'?"),
            id="a setting with a slip",
        ),
        pytest.param(
            TASK + NUMBER.replace("right", "point: 3, right"),
            at(8, "/tasks/0/rules/0/point", "unknown key 'point'", "did you mean 'points'?"),
            id="a common key with a slip",
        ),
        pytest.param(
            TASK + NUMBER.replace("3", "three"),
            at(8, "/tasks/0/rules/0/right", '"three" is not a number', "write a number: the right value"),
            id="a setting of the wrong type",
        ),
        pytest.param(
            TASK + NUMBER.replace(", right: 3", ""),
            at(8, "/tasks/0/rules/0", "'right' is missing", "add 'right': the right value"),
            id="a setting that is missing",
        ),
        pytest.param(
            HEAD.replace("demo", "other") + TASK.removeprefix(HEAD) + NUMBER,
            at(
                1,
                "/assignment",
                "the assignment is 'other', the file is named 'demo'",
                "write assignment: demo, or rename the file to other.yaml",
            ),
            id="another file's name",
        ),
        pytest.param(
            HEAD + "pass_points: 2.5\n" + TASK.removeprefix(HEAD) + NUMBER,
            at(3, "/pass_points", "to pass takes 2.5 points, all tasks together have 2", "write 2 or less"),
            id="nobody can pass",
        ),
        pytest.param(
            HEAD + "tasks: []\n",
            at(
                3,
                "/tasks",
                "the list is empty",
                "write at least 1 entry: the tasks, in the order of the assignment sheet",
            ),
            id="no tasks",
        ),
        pytest.param(
            TASK.replace("rules:\n", "rules: []\n"),
            at(7, "/tasks/0/rules", "the list is empty", "write at least 1 entry: what is checked for this task"),
            id="an empty task",
        ),
        pytest.param(
            TASK.replace('"1"', "1.10") + NUMBER,
            at(
                4,
                "/tasks/0/id",
                "1.1 is not text",
                "put it in quotes: the task's number as on the assignment sheet: letters, digits, spaces, hyphens, "
                'parentheses and stops, 32 at most, such as "1.1"',
            ),
            id="a task's number without quotes",
        ),
        pytest.param(
            "titel: x\n" + TASK + NUMBER,
            at(1, "/titel", "unknown key 'titel'", "did you mean 'title'?"),
            id="a slip at the top",
        ),
        pytest.param(
            TASK + NUMBER.replace("right", "bonus: yes, points: 1, right"),
            at(8, "/tasks/0/rules/0/bonus", '"yes" is not true or false', "write true"),
            id="yes is no true",
        ),
        pytest.param(
            TASK + "  - files\n",
            at(
                8,
                "/tasks/0/rules/0",
                '"files" is not a table of keys',
                "write a table of keys: one check with its settings, and the points that it decides on",
            ),
            id="a rule that is only a word",
        ),
        pytest.param(
            TASK + "  - {check: files}\n  x: *y\n",
            at(9, "/tasks/0/x", "an alias (*) is not read", "write the value out"),
            id="an alias",
        ),
    ],
)
def test_one_slip_is_told_once_and_exactly(said, text, expected):
    assert said(text) == [expected]


def test_everything_wrong_is_told_at_once_in_the_order_of_the_lines(said):
    text = (
        "assignment: other\n"  # 1: not the file's name
        "titel: Demo\n"  # 2: unknown; and title is missing
        "pass_points: -1\n"  # 3
        "tasks:\n"
        "- id: 1.1\n"  # 5: a number
        "  points: 2\n"
        "  rules:\n"
        "  - {check: numbr}\n"  # 8: no such check
        "  - {check: number, answer: a, right: x}\n"  # 9: right is no number
        '- id: "2"\n'
        "  points: 1\n"  # 11: the rules have 2
        "  rules:\n"
        "  - {id: x, check: files, points: 2, after: [y]}\n"  # 13: no rule y
        "  - {id: x, check: files, points: 0, needs: 3}\n"  # 14: x twice; unknown key
        "  - {check: layer-table, answer: b, network: n}\n"  # 15: no network n
    )
    assert [line.split(": ")[0] for line in said(text)] == [
        "rubrics/demo.yaml:1",
        "rubrics/demo.yaml:1 /assignment",
        "rubrics/demo.yaml:2 /titel",
        "rubrics/demo.yaml:3 /pass_points",
        "rubrics/demo.yaml:5 /tasks/0/id",
        "rubrics/demo.yaml:8 /tasks/0/rules/0/check",
        "rubrics/demo.yaml:9 /tasks/0/rules/1/right",
        "rubrics/demo.yaml:11 /tasks/1/points",
        "rubrics/demo.yaml:13 /tasks/1/rules/0/after",
        "rubrics/demo.yaml:14 /tasks/1/rules/1/needs",
        "rubrics/demo.yaml:14 /tasks/1/rules/1/id",
        "rubrics/demo.yaml:15 /tasks/1/rules/2/network",
    ]


def test_a_rule_that_the_schema_refuses_does_not_hide_the_others(said):
    told = said(TASK + "  - {id: 7, check: files}\n  - {id: b, check: files, need: x}\n  - 3\n  - {check: nmber}\n")
    assert [line.split(": ")[0].removeprefix("rubrics/demo.yaml:") for line in told] == [
        "8 /tasks/0/rules/0/id",
        "9 /tasks/0/rules/1/need",
        "10 /tasks/0/rules/2",
        "11 /tasks/0/rules/3/check",
    ]


def test_points_that_cannot_be_read_are_not_added_up_as_well(said):
    assert len(said(TASK + "  - {check: files, points: x}\n  - {id: b, check: files, points: 9}\n")) == 1


def test_two_circles_are_two_problems_and_a_chain_is_none(said):
    rules = {"a": "b", "b": "a", "c": "d", "d": "c", "e": "a", "f": "e"}
    text = TASK + "".join(f"  - {{id: {rule}, check: files, after: [{on}]}}\n" for rule, on in rules.items())
    assert [line.split("\n")[0].split(": ", 1)[1] for line in said(text)] == [
        "the rules wait for each other: a -> b -> a",
        "the rules wait for each other: c -> d -> c",
    ]


def test_a_long_chain_of_rules_is_no_circle_and_no_crash(said):
    rules = ["  - {id: r0, check: files}\n"]
    rules += [
        f"  - {{id: r{n}, check: files, after: [{', '.join(f'r{k}' for k in range(max(0, n - 5), n))}]}}\n"
        for n in range(1, 200)
    ]
    assert said(TASK + "".join(rules)) == []


def test_a_missing_file_is_a_problem_and_no_crash(checks, tmp_path):
    from grader.course import rubric_problems

    [problem] = rubric_problems(tmp_path / "none.yaml", checks)
    assert problem.what == "cannot be read (No such file or directory)"


def test_a_hostile_check_name_is_shown_escaped(said):
    [told] = said(TASK + '  - {check: "\\e[31m\\u202e"}\n')
    assert "there is no check named '\\x1b[31m\\u202e'" in told
