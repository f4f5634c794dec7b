"""How does an autograder of gradescope-utils grade the class? One process of unittest for each hand-in.

As its documentation describes: a tests/ folder whose tests wear `weight` and `number`, and a run_tests.py that
discovers them and writes results.json. The hand-in's answers.py lies beside them, where Gradescope's run_autograder
copies it. It grades without notebooks, and without any wall between the student's code and the marks.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from peers.assignment import Assignment, HandIn, Marks
from peers.environment import Environment

_RUN = """import unittest
from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner

if __name__ == "__main__":
    suite = unittest.defaultTestLoader.discover("tests")
    with open("results.json", "w") as file:
        JSONTestRunner(visibility="visible", stream=file).run(suite)
"""


def grade(environment: Environment, assignment: Assignment, hand_ins: list[HandIn], place: Path) -> tuple[float, Marks]:
    """Wall seconds of grading, and the marks."""
    environment.require("gradescope-utils")
    tests = _tests(assignment)
    for hand_in in hand_ins:
        target = place / hand_in.name
        (target / "tests").mkdir(parents=True)
        (target / "run_tests.py").write_text(_RUN)
        (target / "tests" / "test_answers.py").write_text(tests)
        (target / "answers.py").write_text("".join(f"{name} = {value!r}\n" for name, value in hand_in.answers.items()))
        for file in (*hand_in.files, *assignment.files):
            shutil.copy(file, target)
    seconds = sum(environment.run([environment.python, "run_tests.py"], place / each.name) for each in hand_ins)
    marks: Marks = {}
    for hand_in in hand_ins:
        results = json.loads((place / hand_in.name / "results.json").read_text())
        marks[hand_in.name] = {test["name"]: test["score"] for test in results["tests"]}
    return seconds, marks


def _tests(assignment: Assignment) -> str:
    lines = [
        "import unittest",
        "from gradescope_utils.autograder_utils.decorators import number, weight",
        f"from answers import {', '.join(question.name for question in assignment.questions)}",
        "",
        "class TestAnswers(unittest.TestCase):",
    ]
    for at, question in enumerate(assignment.questions, 1):
        lines += [
            "    @weight(1)",
            f'    @number("{at}")',
            f"    def test_{question.name}(self):",
            f'        """{question.name}"""',
            *(f"        {line}" for line in question.tests.splitlines()),
        ]
    return "\n".join(lines) + "\n"
