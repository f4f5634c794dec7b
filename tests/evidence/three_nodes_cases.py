"""A cluster of three nodes that share nothing with the driver's machine grades as this machine does; one may be lost.

Each node has its own network, processes, /tmp and shared memory, and sees neither the hand-ins nor the data set.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sklearn

from grader import sandbox
from tests.evidence.machines import ROOT, Machines, why_not

EXAMPLES = ROOT / "examples" / "digits-class"
DATA = Path(sklearn.__file__).parent / "datasets" / "data"  # where the embedded set comes from
PYTHON = sys.executable
RAY = f"{PYTHON} -m ray.scripts.scripts start --num-cpus=1 --object-store-memory=200000000 --block"
# How soon the head gives up a node that is cut off: 5 questions a second apart, each with 2 s for its answer.
HEAD = (
    "RAY_health_check_initial_delay_ms=1000 RAY_health_check_period_ms=1000 RAY_health_check_timeout_ms=2000 "
    f"RAY_health_check_failure_threshold=5 {RAY} --head --include-dashboard=false --port=6379"
)
pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """Three nodes, 1 to 3, and a fourth machine for the driver."""
    if why_not():
        pytest.skip(why_not())
    if not sandbox.level().is_isolated:
        pytest.skip("no sandbox here")
    folder = tmp_path_factory.mktemp("machines")
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    with Machines(4, folder, hidden=[ROOT / "examples", DATA]) as four:
        four.start(1, f"{HEAD} --node-ip-address={four.address(1)}")
        _wait(lambda: "runtime started" in four.said(1), four)
        for number in (2, 3):
            node(four, number)
        for number in (2, 3):
            _wait(lambda number=number: "runtime started" in four.said(number), four)
        yield four


def node(machines, number):
    machines.start(number, f"{RAY} --address={machines.address(1)}:6379 --node-ip-address={machines.address(number)}")


def _wait(what, machines, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, [machines.said(number)[-500:] for number in (1, 2, 3)]
        time.sleep(0.1)


SEES = f"""
import json, sys
from pathlib import Path
from grader import sandbox
from grader.evidence import on_ray
from grader.evidence.kinds import Bench
from grader.evidence.plan import Plan
from grader.model import Job
from grader.sandbox import Limits
WORK = '''
def do(document, contents, settings, names, *lent):
    import os, ray, time
    time.sleep(document["parameters"]["seconds"])
    result = {{"node": ray.util.get_node_ip_address(), "examples": os.listdir("{ROOT}/examples"),
              "data": os.listdir("{DATA}")}}
    return {{"key": "", "status": "done", "result": result, "problem": None, "device": "", "versions": {{}},
            "sandbox": "", "seconds": 0.0}}
'''
scope = {{"__name__": "__main__"}}
exec(WORK, scope)
on_ray.done_there = scope["do"]
address, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
jobs = [Job("syntax", (), {{"n": n, "seconds": seconds}}) for n in range(count)]
runner = on_ray.RayRunner(Bench(Limits(), sandbox.Level("", "")), address=address,
                          on_done=lambda *_: print("DONE", file=sys.stderr, flush=True))
evidence = runner(Plan(dict.fromkeys(jobs, Path("/"))))
print(json.dumps([made.result if made.is_done else {{"problem": str(made.problem)}} for made in evidence.values()]))
"""


def on_the_fourth(machines, script):
    """Start something on the driver's machine, where the hand-ins and the data are."""
    return machines.start(4, script, is_blind=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def seen(machines, count, seconds):
    (machines.folder / "sees.py").write_text(SEES)
    body = (machines.folder / "sees.py").read_text().replace("'", "'\\''")
    words = f"{machines.address(1)}:6379 {count} {seconds}"
    return on_the_fourth(machines, f"PYTHONPATH={ROOT} {PYTHON} -c '{body}' {words}")


def results(process):
    import json

    said, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong[-3000:]
    return json.loads(said)


def test_all_nodes_work_and_none_sees_what_is_graded(machines):
    made = results(seen(machines, 6, 1))
    assert {one["node"] for one in made} == {machines.address(number) for number in (1, 2, 3)}
    assert all(one["examples"] == one["data"] == [] for one in made)


def test_a_node_with_another_grader_or_torch_is_left_out(machines):
    process = on_the_fourth(machines, f"PYTHONPATH={ROOT} {PYTHON} -c '{UNLIKE}' {machines.address(1)}:6379")
    said, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong[-3000:]
    assert said.split() == [b"2", machines.address(2).encode(), machines.address(3).encode()]
    assert b"is left out" in wrong
    assert b"another" in wrong


UNLIKE = """
import sys
from grader import sandbox
from grader.evidence import on_ray
from grader.evidence.kinds import Bench
from grader.sandbox import Limits
head = sys.argv[1].split(":")[0]
def about(wanted):
    import ray
    from grader.evidence import there
    level, made_by = there.about(wanted)
    if ray.util.get_node_ip_address() == head:
        made_by["torch"] = "another"
    return level, made_by
on_ray.about = about
carrier = on_ray.OnRay(Bench(Limits(), sandbox.Level("", "")), address=sys.argv[1])
carrier.open()
print(carrier.workers, *sorted(node.place[0] for node in carrier._nodes.known.values()))
carrier.close(at_once=True)
"""


def test_a_node_whose_cable_is_out_loses_its_jobs_to_the_others(machines):
    process = seen(machines, 6, 3)
    while b"DONE" not in process.stderr.readline():
        assert process.poll() is None
    machines.plug(3, is_in=False)
    began = time.monotonic()
    try:
        made = results(process)
        took = time.monotonic() - began
    finally:
        machines.plug(3, is_in=True)
        machines.kill(3)
        node(machines, 3)
        _wait(lambda: machines.said(3).count("runtime started") == 2, machines)
    assert all("node" in one for one in made), made
    assert took < 60


@pytest.mark.parametrize("token", ["RAY_AUTH_TOKEN=another-token-of-enough-letters", "-u RAY_AUTH_TOKEN"])
def test_who_has_another_token_or_none_is_told_so_and_of_the_other_way(machines, token):
    words = f"-m grader run-all {EXAMPLES} --only 01-perfect --no-cache --state /tmp/state"
    process = on_the_fourth(
        machines, f"cd {ROOT} && env {token} HOME=/tmp {PYTHON} {words} --address {machines.address(1)}:6379"
    )
    _, wrong = process.communicate(timeout=120)
    assert process.returncode == 5, wrong[-3000:]
    assert b"token" in wrong
    assert b"leave out --parallel and --address" in " ".join(wrong.decode().split()).encode()


def test_scorecards_are_those_of_one_machine_although_a_node_is_lost(machines):
    words = f"-m grader run-all {EXAMPLES} --json --no-cache"
    command = [PYTHON, *words.split(), "--state", str(machines.folder / "state"), "--jobs", "2"]
    here = subprocess.run(command, capture_output=True, cwd=ROOT, check=True).stdout
    there = f"cd {ROOT} && {PYTHON} {words} --state /tmp/state --address {machines.address(1)}:6379"
    process = on_the_fourth(machines, there)
    _wait(lambda: machines.pids_of(3, "ray::done_there"), machines)
    machines.kill(3)
    said, wrong = process.communicate(timeout=300)
    assert process.returncode == 0, wrong[-3000:]
    assert b'"points"' in here
    assert said == here


def test_when_the_drivers_own_node_ends_it_joins_again(machines):
    process = seen(machines, 8, 2)
    while b"DONE" not in process.stderr.readline():
        assert process.poll() is None
    [raylet] = machines.pids_of(4, "/raylet")
    os.kill(raylet, signal.SIGKILL)
    assert all("node" in one for one in results(process))


def test_when_the_head_ends_the_run_says_so_within_half_a_minute(machines):
    process = seen(machines, 8, 4)
    while b"DONE" not in process.stderr.readline():
        assert process.poll() is None
    machines.kill(1)
    began = time.monotonic()
    _, wrong = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode
    assert b"MachineError" in wrong
    assert b"nobody answers" in wrong
