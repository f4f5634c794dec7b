"""At level L2 nothing of a job is left when it ends, whatever it started, nor when the grader is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from grader import sandbox


def seen(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result


def fault(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem.code


@pytest.mark.attack(50)
def test_a_daemon_is_gone_after_the_job(act):
    made = seen(
        act(
            """
            import os, time
            reading, writing = os.pipe()
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.write(writing, str(os.getpid()).encode())
                    for descriptor in (0, 1, 2, reading, writing):
                        os.close(descriptor)
                    time.sleep(600)
                os._exit(0)
            answer = {"daemon": int(os.read(reading, 20))}
            """
        )
    )
    assert not is_running(made["daemon"])


COMET = """
import os
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    os.write(writing, b"x")
    while True:  # a process that is another one each moment: no list of them is ever true
        if os.fork() != 0:
            os._exit(0)
os.read(reading, 1)
answer = {"uid": os.getuid()}
"""


@pytest.mark.attack_partly(50, 73)
@pytest.mark.parametrize("with_groups", [True, False], ids=["with control groups", "without"])
def test_what_forks_faster_than_it_can_be_listed_is_gone_too(act, request, with_groups):
    if not with_groups:
        request.getfixturevalue("without_groups")
    started = time.monotonic()
    made = seen(act(COMET, wall_s=120, cpu_s=10))
    assert time.monotonic() - started < 110  # of the clock's 120: it was not the clock that ended it
    boxes = [pid for pid, folder in folders_of_processes() if "/grader-box-" in folder]
    assert [pid for pid in boxes if is_running(pid) and Path(f"/proc/{pid}").stat().st_uid == made["uid"]] == []


@pytest.mark.attack_partly(40)
def test_a_clock_ends_all_of_it(act):
    ended = act(
        """
        import os, signal, time
        for _ in range(5):
            if os.fork() == 0:
                os.setsid()
                break
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(60)
        """,
        wall_s=0.7,
    )
    assert fault(ended) == "wall-time"
    assert [folder for _, folder in folders_of_processes() if "grader-box-" in folder and "(deleted)" in folder] == []


KILLED = """
import json, sys, time
from dataclasses import replace
from grader import sandbox
from grader.sandbox import layout
here = json.loads(sys.argv[1])
real = layout.installation()
layout.installation = lambda: replace(real, python=here[0], binds=tuple(map(tuple, here[1])))
print("here", flush=True)
sandbox.run("probe", files={}, request={"sleep": 600}, limits=sandbox.Limits(wall_s=600), level=sandbox.Level("L2", ""))
"""


@pytest.mark.attack_partly(50)
def test_nothing_outlives_a_killed_grader(here, level, tmp_path):
    del level
    code = [sys.executable, "-c", KILLED, json.dumps([here.python, here.binds])]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    if os.geteuid() == 0:
        environment["TMPDIR"] = tempfile.mkdtemp(prefix="grader-test-")
        Path(environment["TMPDIR"]).chmod(0o711)
    try:
        grader = subprocess.Popen(code, stdout=subprocess.PIPE, env=environment)
        box = waited_for(
            lambda: [
                (pid, folder) for pid, folder in folders_of_processes() if folder.startswith(environment["TMPDIR"])
            ]
        )
        os.kill(grader.pid, signal.SIGKILL)
        grader.communicate()
        waited_for(lambda: not any(is_running(pid) for pid, _ in box))
        waited_for(lambda: not list(Path(environment["TMPDIR"]).glob("grader-box-*")))
    finally:
        shutil.rmtree(environment["TMPDIR"], ignore_errors=True)


def waited_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def folders_of_processes():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield int(entry.name), str((entry / "cwd").readlink())
            except OSError:
                continue
