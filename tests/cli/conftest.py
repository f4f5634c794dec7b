import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def grader():
    """Run the command as its user would, in a process of its own; what it wrote and its exit code."""

    def run(*words, cwd=ROOT, code=0, env=None):
        command = [sys.executable, "-m", "grader", *map(str, words)]
        environment = {**os.environ, "COLUMNS": "100", **(env or {})}
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)
        assert ran.returncode == code, f"exit {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran

    return run


@pytest.fixture
def theory(tmp_path):
    """A hand-in of the quick start with right answers and nothing else: no job is needed to grade it."""
    folder = tmp_path / "theory"
    shutil.copytree(ROOT / "examples" / "digits-class" / "01-perfect", folder)
    (folder / "model.py").unlink()
    (folder / "model.pth").unlink()
    return folder


@pytest.fixture
def card(grader):
    """The scorecard of a hand-in."""

    def read(*words, code=0):
        return json.loads(grader("check", *words, "--course", ROOT, "--json", code=code).stdout)

    return read
