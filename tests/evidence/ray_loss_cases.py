"""What Ray loses is done again, and where Ray cannot be had at all, the same grades are had without it: F4 and F18."""

import hashlib
import os
import signal
import sys
import time
import types
from contextlib import suppress
from pathlib import Path

import pytest

from grader import sandbox
from grader.errors import MachineError
from grader.evidence import on_ray
from grader.evidence.clusters import Cluster
from grader.evidence.kinds import Bench
from grader.evidence.on_ray import RayRunner
from grader.evidence.plan import Plan
from grader.model import EvidenceStatus, Job, SubmittedFile
from grader.sandbox import Limits
from grader.sandbox.usage import tree

SLEEPS = """
def do(document, contents, settings, names, *lent):
    import time
    time.sleep(float(contents[0][1]))
    return {"key": "", "status": "done", "result": {"slept": contents[0][1].decode()}, "problem": None, "device": "",
            "versions": {}, "sandbox": "", "seconds": 0.0}
"""


@pytest.fixture
def runner(monkeypatch):
    scope = {"__name__": "__main__"}  # sent by value: a worker cannot import the tests
    exec(SLEEPS, scope)  # noqa: S102  our own words, above
    monkeypatch.setattr(on_ray, "done_there", scope["do"])
    return RayRunner(Bench(Limits(), sandbox.Level("", "")), workers=2)


def jobs(folder, seconds, count):
    made = []
    for number in range(count):
        data = f"{seconds}{number:04d}".encode()
        (folder / f"{number}.txt").write_bytes(data)
        file = SubmittedFile(f"{number}.txt", len(data), hashlib.sha256(data).hexdigest())
        made.append(Job("syntax", (file,), {}))
    return Plan(dict.fromkeys(made, folder))


def processes(name):
    found = []
    for pid in tree(os.getpid()):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if Path(words[0].decode()).name == name:
            found.append(pid)
    return found


def workers_of(node):
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"RAY_RAYLET_PID={node}".encode() in file.read_bytes().split(b"\0"):
                found.append(file.parent.name)
    return found


@pytest.mark.parametrize("name", ["raylet", "gcs_server"])
def test_what_ends_of_ray_is_started_again_and_every_job_is_done(name, runner, tmp_path):
    plan = jobs(tmp_path, "3.", 5)
    killed, nodes = [], []

    def kill(*_):
        if not killed:
            nodes.extend(processes("raylet"))
            [pid] = processes(name)
            os.kill(pid, signal.SIGKILL)
            killed.append(time.monotonic())

    runner.on_done = kill
    evidence = runner(plan)
    took = time.monotonic() - killed[0]
    assert [made.status for made in evidence.values()] == [EvidenceStatus.DONE] * 5
    assert took < 120  # not forever: how quickly it is, benchmarks say
    assert not processes("raylet")
    assert not workers_of(nodes[0]), "a worker whose node is dead goes on with its job"


def test_ray_that_ends_again_and_again_is_said_with_what_helps(runner, tmp_path):
    def kill(*_):
        for pid in processes("raylet"):
            os.kill(pid, signal.SIGKILL)

    runner.on_done = kill
    runner.backend.cluster.lost = lambda: "Ray's node on this machine has ended"
    began = time.monotonic()
    with pytest.raises(MachineError, match="3 times in this run") as said:
        runner(jobs(tmp_path, "5.", 4))
    assert "leave out --parallel" in said.value.problems[0].fix
    assert time.monotonic() - began < 60
    assert not processes("raylet")


def test_a_cluster_at_which_nobody_listens_is_said_at_once():
    began = time.monotonic()
    with pytest.raises(MachineError, match="nobody answers") as said:
        Cluster(1, "127.0.0.1:9").start()
    assert time.monotonic() - began < 10
    assert "the same grades" in said.value.problems[0].fix


def test_what_was_started_leaves_no_folder_and_no_process(runner, tmp_path):
    children = set(tree(os.getpid()))
    assert all(made.is_done for made in runner(jobs(tmp_path, "0.", 3)).values())
    assert not list(Path("/tmp/ray").glob(f"session_*_{os.getpid()}"))  # noqa: S108  Ray's own place
    assert set(tree(os.getpid())) <= children


def test_where_no_cluster_runs_here_it_is_said(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    # Or another test's own Ray is found, which lets nobody else in.
    with pytest.raises(MachineError, match=r"refused|no answer|token") as said:
        Cluster(1, "auto").start()
    assert "leave out --parallel and --address" in said.value.problems[0].fix


@pytest.mark.parametrize("address", ["here", "ray://there", "a:b"])
def test_what_is_no_address_is_said(address):
    with pytest.raises(MachineError, match="no address of a cluster"):
        Cluster(1, address).start()


def test_a_service_that_is_no_ray_is_said(tmp_path):
    import subprocess

    command = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    other = subprocess.Popen([command[0], "-u", *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        port = other.stdout.readline().split()[5].decode()
        with pytest.raises(MachineError, match=r"refused|no answer"):
            Cluster(1, f"127.0.0.1:{port}").start()
    finally:
        other.kill()
        other.communicate()


@pytest.mark.parametrize(("module", "said"), [(None, "cannot be imported"), ("2.9.1", "too old")])
def test_no_ray_or_an_old_one_is_said(module, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(__version__=module) if module else None)
    with pytest.raises(MachineError, match=said):
        Cluster(1).start()


def test_ray_that_does_not_start_is_said(monkeypatch):
    def refuses(**_):
        raise RuntimeError("Version mismatch: The cluster was started with\n    Ray: 2.55.0")

    library = types.SimpleNamespace(__version__="2.60.0", init=refuses, shutdown=lambda: None)
    monkeypatch.setitem(sys.modules, "ray", library)
    with pytest.raises(MachineError, match="Version mismatch"):
        Cluster(1).start()
