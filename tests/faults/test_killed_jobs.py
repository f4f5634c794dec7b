"""F1, F2, F14: who kills a job from outside costs its student nothing; a job that is killed each time is given up."""

import os
import signal
import threading
import time

import pytest

from grader import sandbox
from grader.evidence.cache import Cache
from grader.evidence.jobs import describe_job
from grader.evidence.kinds import Bench
from grader.evidence.ledger import Ledger
from grader.evidence.local import LocalRunner
from grader.evidence.plan import Plan
from grader.intake import read_submission
from grader.model import Evidence, EvidenceStatus, Problem
from grader.sandbox import Limits
from grader.sandbox.usage import tree

pytestmark = pytest.mark.sandbox

SLOW = "import time\ntime.sleep({})\nraise ValueError('after the nap')\n# {}"


class Killer(threading.Thread):
    """Kills processes below this one that do a job, so many of them, each so long after it began."""

    def __init__(self, times, after_s):
        super().__init__(daemon=True)
        self.times, self.after_s, self.killed = times, after_s, []
        self.is_over = threading.Event()

    def run(self):
        while len(self.killed) < self.times and not self.is_over.is_set():
            for pid in tree(os.getpid()):
                if pid not in self.killed and len(self.killed) < self.times and is_a_job(pid):
                    time.sleep(self.after_s)
                    os.kill(pid, signal.SIGKILL)
                    self.killed.append(pid)
            time.sleep(0.001)


def is_a_job(pid):
    """Whether it is process 1 of namespaces within those of the warmed process."""
    try:
        with open(f"/proc/{pid}/status") as status:  # noqa: PTH123  a few thousand times a second
            numbers = next(line.split()[1:] for line in status if line.startswith("NSpid:"))
    except (OSError, StopIteration):
        return False
    return len(numbers) == 3 and numbers[-1] == "1"


@pytest.fixture
def described(tmp_path):
    """described(sleep_s, killer) -> the evidence of a job that naps and then raises, and its record in the ledger."""
    level = sandbox.level()
    if not (level.is_isolated and level.has_namespaces):
        pytest.skip("no sandbox with namespaces here")

    def run(sleep_s, killer, *, cache=None):
        folder = tmp_path / "hand-in"
        folder.mkdir(exist_ok=True)
        (folder / "model.py").write_text(SLOW.format(sleep_s, tmp_path.name))
        submission = read_submission(folder)
        job = describe_job(submission, {"code": "model.py", "factory": "build_model", "input": [1, 28, 28]})
        with Ledger.open(tmp_path / "state") as ledger:
            runner = LocalRunner(Bench(Limits(wall_s=60), level), workers=1, record=ledger, cache=cache)
            if killer is not None:
                killer.start()
            made = runner(Plan({job: folder}))[job]
            if killer is not None:
                killer.is_over.set()
                killer.join()
            return made, ledger.faults(made.key)

    return run


@pytest.mark.fault("F1", "F2")
@pytest.mark.parametrize("after_s", [0, 0.002, 0.01, 0.05, 0.5])
def test_a_job_that_is_killed_from_outside_once_has_the_result_of_one_that_is_not(described, after_s):
    undisturbed, _ = described(1, None)
    assert "after the nap" in undisturbed.problem.what
    killer = Killer(1, after_s)
    made, faults = described(1, killer)
    assert len(killer.killed) == 1
    assert (made.status, made.result, made.problem) == (undisturbed.status, undisturbed.result, undisturbed.problem)
    assert faults == 0, "it came to its end"


@pytest.mark.fault("F14")
def test_a_job_that_is_killed_before_it_begins_each_time_is_given_up_and_not_kept(described, tmp_path, monkeypatch):
    from grader.evidence import local

    killed = Problem("sandbox-killed", "sandbox", "killed from outside", "grade it again")
    monkeypatch.setattr(local, "do", lambda *_: Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=killed))
    cache = Cache(tmp_path / "cache")
    made, _ = described(1, None, cache=cache)
    assert (made.status, made.problem.code) == (EvidenceStatus.SYSTEM_FAULT, "worker-died")
    assert "2 workers died" in made.problem.what
    assert list((tmp_path / "cache").rglob("*.json")) == []
    again, _ = described(1, None, cache=cache)
    assert "earlier run" in again.problem.what
