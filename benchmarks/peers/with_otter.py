"""How does Otter grade the class? By its Python API in one process, or by `otter run`, one hand-in at a time.

A master notebook as its documentation describes, from which `otter assign` makes the students' notebook and
autograder.zip; a hand-in is the students' notebook with the answers filled in. `otter grade` wants Docker and is not
taken: containers would cost Otter more.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from peers.assignment import Assignment, HandIn, Marks
from peers.environment import Environment, PeerError

_API = """
import json, sys
from otter.api import grade_submission

autograder, *notebooks = sys.argv[1:]
marks = {}
for notebook in notebooks:
    results = grade_submission(notebook, autograder, quiet=True)
    marks[notebook] = {name: result.score for name, result in results.results.items()}
with open("marks.json", "w") as file:
    json.dump(marks, file)
"""


def grade_by_api(
    environment: Environment, assignment: Assignment, hand_ins: list[HandIn], place: Path
) -> tuple[float, Marks]:
    """Wall seconds of grading, and the marks."""
    autograder = _handed_in(environment, assignment, hand_ins, place)
    notebooks = [f"{hand_in.name}.ipynb" for hand_in in hand_ins]
    seconds = environment.run([environment.python, "-c", _API, str(autograder), *notebooks], place)
    marks: Marks = json.loads((place / "marks.json").read_text())
    return seconds, {name.removesuffix(".ipynb"): of for name, of in marks.items()}


def grade_by_command(
    environment: Environment, assignment: Assignment, hand_ins: list[HandIn], place: Path
) -> tuple[float, Marks]:
    """Wall seconds of grading, and the marks."""
    autograder = _handed_in(environment, assignment, hand_ins, place)
    seconds, marks = 0.0, {}
    for hand_in in hand_ins:
        target = place / hand_in.name
        target.mkdir()
        command = [environment.command("otter"), "run", "-a", str(autograder), "-o", str(target), "--no-logo"]
        seconds += environment.run([*command, f"{hand_in.name}.ipynb"], place)
        results = json.loads((target / "results.json").read_text())
        marks[hand_in.name] = {
            test["name"]: test["score"] for test in results["tests"] if test["name"] in hand_in.marks
        }
    return seconds, marks


def _handed_in(environment: Environment, assignment: Assignment, hand_ins: list[HandIn], place: Path) -> Path:
    """The autograder.zip; the hand-ins are written to `place`."""
    environment.require("otter-grader", "ipykernel")
    place.mkdir(parents=True)
    (place / "ps1.ipynb").write_text(json.dumps(_master(assignment)))
    environment.run([environment.command("otter"), "assign", "--no-pdfs", "ps1.ipynb", "dist"], place)
    found = sorted((place / "dist" / "autograder").glob("*.zip"))
    if len(found) != 1:
        raise PeerError(f"otter assign made {len(found)} autograders")
    release = (place / "dist" / "student" / "ps1.ipynb").read_text()
    for hand_in in hand_ins:
        (place / f"{hand_in.name}.ipynb").write_text(json.dumps(_answered(json.loads(release), hand_in)))
    return found[0]


def _answered(notebook: dict[str, Any], hand_in: HandIn) -> dict[str, Any]:
    filled = set()
    for cell in notebook["cells"]:
        name = "".join(cell["source"]).partition(" = ")[0]
        if cell["cell_type"] == "code" and name in hand_in.answers:
            cell["source"] = f"{name} = {hand_in.answers[name]!r}"
            filled.add(name)
    if filled != set(hand_in.answers):
        raise PeerError(f"otter assign made a notebook of another form: no cell for {set(hand_in.answers) - filled}")
    return notebook


def _master(assignment: Assignment) -> dict[str, Any]:
    cells = [_raw("# ASSIGNMENT CONFIG\nname: ps1")]
    for question in assignment.questions:
        text = {"cell_type": "markdown", "metadata": {}, "source": question.text}
        parts = [
            _raw(f"# BEGIN QUESTION\nname: {question.name}\npoints: 1"),
            text,
            _raw("# BEGIN SOLUTION"),
            _code(f"{question.name} = {question.right!r} # SOLUTION"),
            _raw("# END SOLUTION"),
            _raw("# BEGIN TESTS"),
            _code(f"# HIDDEN\n{question.tests}"),
            _raw("# END TESTS"),
            _raw("# END QUESTION"),
        ]
        cells += parts
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    numbered = [{**cell, "id": f"cell-{at}"} for at, cell in enumerate(cells)]
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": numbered, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _raw(source: str) -> dict[str, Any]:
    return {"cell_type": "raw", "metadata": {}, "source": source}


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
