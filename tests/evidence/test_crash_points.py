import os
import signal
import subprocess
import sys

import pytest

CODE = """
from grader.evidence.crash_points import crash_point
for number in range(3):
    print(number, flush=True)
    crash_point("other")
    crash_point("here")
"""


@pytest.mark.parametrize(
    ("at", "lines", "code"),
    [
        pytest.param(None, 3, 0, id="nobody asks"),
        pytest.param("here", 1, -signal.SIGKILL, id="at the first pass"),
        pytest.param("here:2", 2, -signal.SIGKILL, id="at the second"),
        pytest.param("here:9", 3, 0, id="at one that is never made"),
        pytest.param("elsewhere", 3, 0, id="at another point"),
    ],
)
def test_a_process_ends_at_the_point_that_is_named_and_nowhere_else(at, lines, code):
    environment = {**os.environ, **({"GRADER_CRASH_AT": at} if at else {})}
    ran = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, len(ran.stdout.splitlines())) == (code, lines)
