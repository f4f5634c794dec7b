"""Twenty rounds of the soak: whatever is killed, and when, the scorecards are the same bytes. `make soak` runs more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader import sandbox

SOAK = Path(__file__).with_name("soak.py")
ROUNDS, ON_RAY = 20, 20  # of which the last on Ray, which takes seconds to start


@pytest.mark.fault("F1", "F2", "F3", "F4")
@pytest.mark.sandbox
@pytest.mark.timeout(1200)
def test_whatever_is_killed_the_scorecards_are_the_same():
    if not sandbox.level().is_isolated:
        pytest.skip(f"no sandbox: {sandbox.level().reason}")
    seed = int(os.environ.get("GRADER_SOAK_SEED", "1"))
    command = [sys.executable, str(SOAK), "--rounds", str(ROUNDS), "--ray", str(ON_RAY), "--seed", str(seed)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout, ran.stderr
    *rounds, summary = map(json.loads, ran.stdout.splitlines())
    assert [one for one in rounds if one["wrong"]] == []
    assert (ran.returncode, summary["rounds"], summary["wrong"]) == (0, ROUNDS, 0), ran.stderr
    assert summary["hit"] > ROUNDS / 2, "it has to hit something"
