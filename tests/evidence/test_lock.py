import json
import os
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

from grader.errors import MachineError
from grader.evidence import lock as module
from grader.evidence.ledger import Ledger
from grader.evidence.lock import Lock, Owner, started

pytestmark = pytest.mark.fault("F11")


TAKE = """
from pathlib import Path
from grader.evidence.lock import Lock
Lock.take(Path({!r}))
"""


@contextmanager
def another_grader(folder, command="grader run-all ex1"):
    """A process that has the lock of the folder."""
    code = f"""
import sys
from pathlib import Path
from grader.evidence.lock import Lock
lock = Lock.take(Path({str(folder)!r}), command={command!r})
print("here", flush=True)
sys.stdin.read()
lock.release()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert process.stdout.readline() == "here\n"
    try:
        yield process
    finally:
        with suppress(BrokenPipeError):
            process.communicate()


def test_a_second_grader_is_told_who_the_first_is(tmp_path):
    with another_grader(tmp_path) as first:
        with pytest.raises(MachineError) as refused:
            Lock.take(tmp_path)
        said = str(refused.value)
        assert f"process {first.pid} on {os.uname().nodename} since 20" in said
        assert "grader run-all ex1" in said
        assert "--state" in said


def test_a_second_ledger_in_the_same_process_is_refused_and_takes_nothing_from_the_first(tmp_path):
    with Ledger.open(tmp_path), pytest.raises(MachineError, match=f"process {os.getpid()}"):
        Ledger.open(tmp_path)
    with Ledger.open(tmp_path):
        refused = subprocess.run(
            [sys.executable, "-c", TAKE.format(str(tmp_path))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "another grader works in this folder" in refused.stderr


def test_whoever_ends_lets_the_next_one_in(tmp_path):
    with another_grader(tmp_path):
        pass
    lock = Lock.take(tmp_path)
    assert lock.before is None
    lock.release()


def test_a_killed_grader_keeps_nobody_out_and_is_named(tmp_path):
    with another_grader(tmp_path) as first:
        first.kill()
        first.wait()
    lock = Lock.take(tmp_path)
    assert lock.before.pid == first.pid
    assert not lock.before.is_alive
    lock.release()


def test_a_child_that_outlives_a_killed_grader_holds_no_lock(tmp_path):
    code = f"""
import os, subprocess, sys, time
from pathlib import Path
from grader.evidence.lock import Lock
lock = Lock.take(Path({str(tmp_path)!r}))
if os.fork() == 0:
    print(os.getpid(), flush=True)
    sys.stdin.read()
    os._exit(0)
time.sleep(1000)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert int(process.stdout.readline()) != process.pid
    process.kill()
    process.wait()
    Lock.take(tmp_path).release()
    process.stdin.close()
    process.stdout.close()


def test_a_number_that_another_process_has_by_now_is_not_believed():
    alive = Owner.here()
    assert alive.is_alive
    assert not Owner(alive.host, alive.pid, "another boot 17", alive.since).is_alive
    assert not Owner("another-host", alive.pid, alive.started, alive.since).is_alive


def test_a_process_is_told_by_its_start_whatever_its_name():
    name = "a) b ("
    code = f"from pathlib import Path\nPath('/proc/self/comm').write_text({name!r})\nprint(flush=True)\ninput()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    assert started(process.pid).split()[-1].isdigit()
    process.communicate("\n")
    assert started(process.pid) == ""


def test_the_name_of_a_dead_grader_is_not_given_to_one_that_has_just_started(tmp_path):
    with another_grader(tmp_path):
        owner = {"host": os.uname().nodename, "pid": 1, "started": "long ago", "since": "then", "command": "old"}
        (tmp_path / "lock").write_text(json.dumps(owner))
        with pytest.raises(MachineError, match="one that has just started"):
            Lock.take(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"pid": 1}', "\x00\x00"])
def test_a_damaged_name_keeps_nobody_out(tmp_path, text):
    (tmp_path / "lock").write_text(text)
    Lock.take(tmp_path).release()


def test_a_grader_of_another_machine_is_believed_where_the_file_system_keeps_locks_to_itself(tmp_path, monkeypatch):
    owner = {"host": "lab-3", "pid": 1, "started": "x", "since": "2026-11-21 10:00", "command": ""}
    (tmp_path / "lock").write_text(json.dumps(owner))
    monkeypatch.setattr(module, "file_system", lambda _: "fuse.sshfs")
    with pytest.raises(MachineError, match=r"process 1 on lab-3.*cannot tell\n.*remove .*lock"):
        Lock.take(tmp_path)
    monkeypatch.setattr(module, "file_system", lambda _: "nfs4")
    lock = Lock.take(tmp_path)
    assert lock.before.host == "lab-3"
    lock.release()


def test_the_file_system_is_known(tmp_path):
    listed = subprocess.run(["stat", "-f", "-c", "%T", "/proc"], capture_output=True, text=True, check=True)
    assert module.file_system(type(tmp_path)("/proc")) == listed.stdout.strip()
