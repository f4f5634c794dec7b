"""How does nbgrader grade the class? `nbgrader autograde`, which takes all hand-ins of an assignment in one process.

A course folder as its documentation describes: source/ with a notebook of solution cells and locked tests, hidden from
the students; `nbgrader generate_assignment` makes the release; a hand-in is the release with the answers filled in.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from peers.assignment import Assignment, HandIn, Marks
from peers.environment import Environment

_CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'bench'\n"
_MARKS = """
import json
from nbgrader.api import Gradebook

marks = {}
with Gradebook("sqlite:///gradebook.db") as gradebook:
    for submission in gradebook.assignment_submissions("ps1"):
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        marks[submission.student.id] = {grade.name.removeprefix("test-"): grade.score for grade in grades}
with open("marks.json", "w") as file:
    json.dump(marks, file)
"""


def grade(environment: Environment, assignment: Assignment, hand_ins: list[HandIn], place: Path) -> tuple[float, Marks]:
    """Wall seconds of grading, and the marks."""
    environment.require("nbgrader", "ipykernel")
    source = place / "source" / "ps1"
    source.mkdir(parents=True)
    (place / "nbgrader_config.py").write_text(_CONFIG)
    (source / "ps1.ipynb").write_text(json.dumps(_notebook(assignment)))
    for file in assignment.files:
        shutil.copy(file, source)
    environment.run([environment.command("nbgrader"), "generate_assignment", "ps1"], place)
    release = (place / "release" / "ps1" / "ps1.ipynb").read_text()
    for hand_in in hand_ins:
        target = place / "submitted" / hand_in.name / "ps1"
        target.mkdir(parents=True)
        (target / "ps1.ipynb").write_text(json.dumps(_answered(json.loads(release), hand_in)))
        for file in hand_in.files:
            shutil.copy(file, target)
    seconds = environment.run([environment.command("nbgrader"), "autograde", "ps1"], place)
    environment.run([environment.python, "-c", _MARKS], place)
    marks: Marks = json.loads((place / "marks.json").read_text())
    return seconds, marks


def _answered(notebook: dict[str, Any], hand_in: HandIn) -> dict[str, Any]:
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in hand_in.answers:
            cell["source"] = f"{name} = {hand_in.answers[name]!r}"
    return notebook


def _notebook(assignment: Assignment) -> dict[str, Any]:
    cells: list[dict[str, Any]] = []
    for question in assignment.questions:
        solution = f"### BEGIN SOLUTION\n{question.name} = {question.right!r}\n### END SOLUTION"
        tests = f"### BEGIN HIDDEN TESTS\n{question.tests}\n### END HIDDEN TESTS"
        cells += [
            {"cell_type": "markdown", "id": f"text-{len(cells)}", "metadata": {}, "source": question.text},
            _code(len(cells), solution, grade_id=question.name, grade=False, locked=False, solution=True),
            _code(
                len(cells), tests, grade_id=f"test-{question.name}", grade=True, locked=True, solution=False, points=1
            ),
        ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _code(number: int, source: str, **of_nbgrader: object) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"{of_nbgrader['grade_id']}-{number}".replace("_", "-"),
        "execution_count": None,
        "metadata": {"nbgrader": {"schema_version": 3, "task": False, **of_nbgrader}},
        "outputs": [],
        "source": source,
    }
