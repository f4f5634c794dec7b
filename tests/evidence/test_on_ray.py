"""What runs on Ray is tried in a process of its own.

Ray puts its own `print` in place of Python's, and keeps files and processes: other tests look at just these.
"""

import os
import subprocess
import sys
from pathlib import Path

CASES = Path(__file__).with_name("on_ray_cases.py")


def test_the_cases_on_ray_hold():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CASES)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
