"""Whoever stops a run finds nothing left of it: no process, no scratch file."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from grader import sandbox
from grader.sandbox.usage import tree

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60  # half of the time after which the sleeping job would be ended anyhow

SLEEPS = """
import time
print("here", flush=True)
time.sleep(1000)
"""


@pytest.fixture(params=[pytest.param("auto", id="in the sandbox"), pytest.param("none", id="with limits only")])
def running(request, tmp_path):
    """A `grader check` whose job is going on, with all processes below it; what it may leave is in `scratch`."""
    if request.param == "auto" and not sandbox.level().is_isolated:
        pytest.skip("no sandbox here")
    folder = tmp_path / "sleeps"
    shutil.copytree(ROOT / "examples" / "digits-class" / "01-perfect", folder)
    (folder / "model.py").write_text(SLEEPS)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "GRADER_CACHE": str(tmp_path / "cache")}
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "check", str(folder), "--jobs", "1", "--sandbox", request.param],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    process.scratch = scratch
    process.below = _within_patience(lambda: _programs_below(process.pid))
    yield process
    process.kill()
    process.communicate()


def _programs_below(pid):
    """The processes below, once student code is about to run in one of them."""
    below = list(tree(pid))[1:]
    return below if any(map(_is_a_job, below)) else []


def _is_a_job(pid):
    """A process of its own (cold), or process 1 of namespaces within those of the warmed process's box."""
    command = _command(pid)
    if "zygote.py" not in command:
        return "start.py" in command and "reach.py" not in command
    try:
        lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    except OSError:
        return False
    numbers = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return len(numbers) > 2 and numbers[-1] == "1"


def _command(pid):
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_text()
    except OSError:
        return ""


def _as_shells_count(code):
    """Where Ctrl-C came while Python ran a text (`exec`), it ends by the signal itself: to a shell the same."""
    return 128 - code if code == -signal.SIGINT else code


def _within_patience(looks):
    end = time.monotonic() + PATIENCE_S
    while not (seen := looks()):
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)
    return seen


@pytest.mark.fault("F15")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 143, id="a request to end"),
        pytest.param(signal.SIGHUP, 129, id="the terminal was closed"),
    ],
)
def test_a_run_that_is_stopped_leaves_nothing(running, number, code):
    running.send_signal(number)
    out, err = running.communicate(timeout=PATIENCE_S)
    assert (_as_shells_count(running.returncode), out, err.strip()) == (code, "", "stopped")
    assert list(running.scratch.iterdir()) == []
    assert not any(map(_command, running.below))  # a dead process has no command line


@pytest.mark.fault("F3")
def test_a_run_that_is_killed_leaves_no_process(running):
    running.kill()
    running.wait()
    _within_patience(lambda: not any(map(_command, running.below)))


# --- a class: the first Ctrl-C lets what runs come to its end ------------------------------------

NAPS = """
import time
time.sleep({seconds})
raise ValueError("after the nap")
"""


@pytest.fixture
def class_of_two(tmp_path):
    """Start `grader run-all` with one worker on two hand-ins, of which the first sleeps for so many seconds."""
    if not sandbox.level().is_isolated:
        pytest.skip("no sandbox here")
    started = []

    def start(seconds, *, is_parallel=False):
        folder = tmp_path / "class"
        for name in ("a", "b"):
            if not (folder / name).exists():
                shutil.copytree(ROOT / "examples" / "digits-class" / "01-perfect", folder / name)
                (folder / name / "model.py").write_text(NAPS.format(seconds=seconds) + f"# {name}")
        environment = {**os.environ, "GRADER_CACHE": str(tmp_path / "cache")}
        process = subprocess.Popen(
            [sys.executable, "-m", "grader", "run-all", str(folder), "--jobs", "1", "--course", str(ROOT),
             *(["--parallel"] if is_parallel else [])],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _is_napping():
    """Whether a job that naps was given to a worker: the ledger of the tests knows."""
    ledger = Path(os.environ["GRADER_STATE"]) / "ledger.db"
    if not ledger.exists():
        return False
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database, suppress(sqlite3.OperationalError):
        asked = "SELECT count(*) FROM leases WHERE kind = 'describe' AND status IS NULL"
        return database.execute(asked).fetchone()[0] > 0
    return False


def _kept(cache):
    return [file for file in cache.rglob("*.json") if "after the nap" in file.read_text()]


@pytest.mark.fault("F15")
@pytest.mark.parametrize("is_parallel", [pytest.param(False, id="here"), pytest.param(True, id="on Ray")])
def test_a_first_ctrl_c_keeps_what_comes_to_its_end(class_of_two, tmp_path, is_parallel):
    process = class_of_two(3, is_parallel=is_parallel)
    _within_patience(_is_napping)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to all of the group
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (_as_shells_count(process.returncode), out) == (130, "")
    assert "to an end and will be kept" in err
    assert 0 < len(_kept(tmp_path / "cache")) < 4
    again = class_of_two(3)
    out, err = again.communicate(timeout=2 * PATIENCE_S)
    assert again.returncode == 0, err
    assert "after the nap" in " ".join(out.split())


@pytest.mark.fault("F15")
def test_a_second_ctrl_c_stops_at_once(class_of_two, tmp_path):
    process = class_of_two(1000)
    _within_patience(_is_napping)
    process.below = _within_patience(lambda: _programs_below(process.pid))
    process.send_signal(signal.SIGINT)
    while "to an end" not in (line := process.stderr.readline()):  # two signals at once would be one
        assert line, "it ended, and never said that it lets the job come to its end"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert _as_shells_count(process.returncode) == 130
    _within_patience(lambda: not any(map(_command, process.below)))
    assert _kept(tmp_path / "cache") == []


# --- a signal that arrives where Python drops what its handler raises -----------------------------

IN_A_FINALIZER = """
import os, signal, sys, time
import click
import grader.cli
class Finalized:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        for _ in range(1000):  # the handler runs between two steps of Python
            pass
@click.command()
def waits():
    Finalized()
    time.sleep(600)
grader.cli.cli = waits
grader.cli.main([])
"""


@pytest.mark.fault("F15")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 143, id="a request to end"),
        pytest.param(signal.SIGHUP, 129, id="the terminal was closed"),
    ],
)
def test_a_signal_that_comes_within_a_finalizer_is_not_lost(number, code):
    command = [sys.executable, "-c", IN_A_FINALIZER, str(int(number))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert (ran.returncode, ran.stdout, ran.stderr.strip()) == (code, "", "stopped")
