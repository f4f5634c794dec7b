"""What all tests share: no clock decides a property test, and no test touches the user's own cache."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_ROOT = str(Path(__file__).parents[1])
if _ROOT not in sys.path:  # `python -m pytest` has put it there, `pytest` has not
    sys.path.insert(0, _ROOT)

from tests.once import FOLDER  # noqa: E402

# A busy machine is no failure. CI draws the same examples each time; a developer draws new ones.
settings.register_profile(
    "grader", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("grader")

# Who runs the tests in the background (nohup, &) has them, and every command that they start, ignore a Ctrl-C and a
# terminal that closes. A handler of our own is not handed down: what a test starts listens to both again.
for _one in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_one) is signal.SIG_IGN:
        signal.signal(_one, lambda *_: None)

# Where the surroundings forbid bytecode, each worker would compile all tests anew, and each command that a test starts
# all of the grader: a fifth of the time. It lies in __pycache__, as anywhere else.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory):
    """What one worker has made the others find."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADER_CACHE", str(shared / "cache"))
        patch.setenv(FOLDER, str(shared / "together"))
        yield


@pytest.fixture(autouse=True)
def _state_of_the_test(tmp_path_factory, monkeypatch):
    """No two tests write one ledger, and none the repository's."""
    monkeypatch.setenv("GRADER_STATE", str(tmp_path_factory.getbasetemp() / "state"))


@pytest.fixture
def no_stall():
    """The test fails where this process computes for a minute: by the clock, beside other tests, it may take many."""
    began = time.process_time()
    yield
    assert time.process_time() - began < 60
