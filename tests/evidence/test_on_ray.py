"""What runs on Ray is tried in a process of its own.

Ray puts its own `print` in place of Python's, and keeps files and processes: other tests look at just these.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param("on_ray_cases", marks=pytest.mark.fault("F1", "F14", "F18", "F20", "F28")),
        pytest.param("ray_loss_cases", marks=pytest.mark.fault("F4", "F18")),
        pytest.param("ray_gpus_cases", marks=pytest.mark.fault("F27")),
        pytest.param("three_nodes_cases", marks=pytest.mark.fault("F19")),
    ],
)
@pytest.mark.timeout(600)
def test_the_cases_hold(cases):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(HERE / f"{cases}.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=HERE.parents[1])
    assert done.returncode == 0, done.stdout[-4000:]
    if " passed" not in done.stdout and " skipped" in done.stdout:
        pytest.skip(done.stdout.splitlines()[-2])
    assert " passed" in done.stdout
