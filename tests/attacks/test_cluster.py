"""What hostile code tries upon Ray: cluster_cases.py, in a process of its own for the reason in test_on_ray.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).with_name("cluster_cases.py")


@pytest.mark.sandbox
@pytest.mark.attack(71, 87, 90, 91, 92)
def test_the_cases_upon_a_cluster_hold():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CASES)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
