"""How do we grade the class? `grader run-all` in a course of its own.

Cache, record and gradebook are empty when it starts. The timed command is the one that a teacher types. The marks are
read by the same command with --json, which finds everything recorded and is not timed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from peers.assignment import Assignment, HandIn, Marks
from peers.environment import PeerError


def grade(assignment: Assignment, hand_ins: list[HandIn], place: Path, jobs: int | None = None) -> tuple[float, Marks]:
    """Wall seconds of grading, and the marks; `jobs` recomputations at once, left out: as `run-all` chooses."""
    course, folder = place / "course", place / "hand-ins"
    for part in ("rubrics", "reference_solutions", "submissions_template"):
        (course / part).mkdir(parents=True)
    (course / "grader.toml").write_text('name = "Five questions"\n')
    (course / "rubrics" / "ps1.yaml").write_text(_rubric(assignment))
    for hand_in in hand_ins:
        target = folder / hand_in.name
        target.mkdir(parents=True)
        student = {"id": hand_in.name, "name": hand_in.name}
        answers = {name: str(value) if isinstance(value, tuple) else value for name, value in hand_in.answers.items()}
        (target / "submission.json").write_text(json.dumps({"assignment": "ps1", "students": [student]}))
        (target / "answers.json").write_text(json.dumps({"assignment": "ps1", "answers": answers}))
        for file in hand_in.files:
            shutil.copy(file, target)
    command = [sys.executable, "-m", "grader", "run-all", str(folder), "--course", str(course)]
    if jobs is not None:
        command += ["--jobs", str(jobs)]
    seconds, _ = _run(command, place)
    _, cards = _run([*command, "--json"], place)
    marks = {}
    for card in json.loads(cards):
        rules = [rule for task in card["tasks"] for rule in task["rules"]]
        if card["open_points"]:
            raise PeerError(f"grader run-all left {card['submission']} to a person")
        marks[card["submission"]] = {rule["rule"]: float(rule["points"]) for rule in rules}
    return seconds, marks


def _run(command: list[str], place: Path) -> tuple[float, str]:
    environment = {**os.environ, "GRADER_CACHE": str(place / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    ran = subprocess.run(command, check=False, capture_output=True, text=True, cwd=place, env=environment)
    seconds = time.perf_counter() - began
    if ran.returncode:
        raise PeerError(f"grader run-all ended with {ran.returncode}: {ran.stderr.strip()}")
    return seconds, ran.stdout


def _rubric(assignment: Assignment) -> str:
    lines = ["assignment: ps1", "title: Five questions", "description: The same questions for every grader."]
    if any("recompute" in question.rule for question in assignment.questions):
        lines += ["models:", "  net: {code: model.py, factory: build_model, checkpoint: model.pth, input: [1, 28, 28]}"]
    lines += ["tasks:", '  - id: "1"', "    title: Questions", f"    points: {len(assignment.questions)}", "    rules:"]
    for question in assignment.questions:
        lines.append(f"      - {{id: {question.name}, answer: {question.name}, points: 1, {question.rule[1:]}")
    return "\n".join(lines) + "\n"
