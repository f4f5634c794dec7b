"""A small class in a course of its own, graded by the command as a TA runs it."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from grader import sandbox

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "digits-class"
RUBRIC = """
assignment: digits
title: A small one
description: Four rules, of which two need a job without torch.
models:
  net: {code: model.py, factory: build_model, checkpoint: model.pth, input: [1, 28, 28]}
tasks:
  - id: "1"
    title: Numbers
    points: 2
    rules:
      - {id: total, check: number, answer: total_parameters, expected: 14538, points: 1}
      - id: strided
        check: conv-arithmetic
        answer: strided_size
        known: {input: 28, kernel: 3, stride: 2, padding: 1}
        unknown: output
        points: 1
  - id: "2"
    title: Files
    points: 2
    rules:
      - id: code
        check: artifacts
        required: [{path: model.py, kind: code}]
        points: 1
      - id: weights
        check: artifacts
        required: [{path: model.pth, kind: checkpoint, max_bytes: 2000000}]
        points: 1
"""


class Class:
    """Hand-ins in a course; `run` grades them and gives what the command did."""

    def __init__(self, top, rubric):
        self.top, self.course, self.hand_ins = top, top / "course", top / "class"
        self.cache, self.scratch, self.state = top / "cache", top / "tmp", self.course / ".grader"
        for folder in (self.course / "rubrics", self.hand_ins, self.scratch):
            folder.mkdir(parents=True)
        (self.course / "grader.toml").write_text('name = "A test"\nrubrics = "rubrics"\n')
        (self.course / "rubrics" / "digits.yaml").write_text(rubric)

    def add(self, *names):
        for name in names:
            shutil.copytree(EXAMPLES / name, self.hand_ins / name)
        return self

    @property
    def environment(self):
        left_out = ("GRADER_STATE", "GRADER_CRASH_AT")
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        return {**kept, "GRADER_CACHE": str(self.cache), "TMPDIR": str(self.scratch), "OMP_NUM_THREADS": "1"}

    def run(self, *words, before="", **environment):
        """Grade; `before` is Python that runs in the grader's process first."""
        program = f"import sys\n{before}\nfrom grader.cli import main\nsys.exit(main())"
        command = [sys.executable, "-c", program, "run-all", str(self.hand_ins), "--course", str(self.course), *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.top, env={**self.environment, **environment}
        )

    def cards(self, *words, code=0, **how):
        ran = self.run("--json", *words, **how)
        assert ran.returncode == code, ran.stderr
        return {card["submission"]: card for card in json.loads(ran.stdout)}

    def leases(self):
        """The key and the end of every lease, in order."""
        with sqlite3.connect(self.state / "ledger.db") as database:
            return database.execute("SELECT key, status FROM leases ORDER BY lease").fetchall()


@pytest.fixture
def a_class(tmp_path):
    """a_class("01-perfect", ...) -> these hand-ins of the example class, with four cheap rules."""
    if not sandbox.level().is_isolated:
        pytest.skip(f"no sandbox: {sandbox.level().reason}")
    return lambda *names, rubric=RUBRIC: Class(tmp_path, rubric).add(*names)
