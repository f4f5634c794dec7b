"""Student code and Ray: it never runs in a worker's process, reaches none of its ports, and no crash is repeated.

Attacks 90, 91 and 92, with the Ray that `run-all --parallel` starts.
"""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from grader import sandbox
from grader.evidence import on_ray
from grader.evidence.clusters import Cluster
from grader.evidence.jobs import describe_job
from grader.evidence.kinds import Bench
from grader.evidence.on_ray import RayRunner
from grader.evidence.plan import Plan
from grader.intake import read_submission
from grader.model import EvidenceStatus
from grader.sandbox.usage import tree

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(400)]

MODEL = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "input": [1, 28, 28]}
NET = "from torch import nn\ndef build_model():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"


@pytest.fixture(scope="module")
def ray():
    if not sandbox.level().is_isolated:
        pytest.skip(f"no sandbox here: {sandbox.level().reason}")
    cluster = Cluster(2)
    cluster.start()
    end, cluster.start, cluster.stop = cluster.stop, lambda: None, lambda: None  # once for all tests here
    yield cluster
    end()


COUNTED = """
def do(document, contents, settings, names, *lent):
    from grader.evidence import there
    with open(MARK, "a") as file:
        file.write("x")
    return there.done_there(document, contents, settings, names, *lent)
"""


@pytest.fixture
def described(ray, tmp_path, monkeypatch):
    """Have networks described by workers of Ray: the evidence of each, and how many jobs were run in all."""

    def run(*codes):
        mark, jobs = tmp_path / "mark", {}
        scope = {"__name__": "__main__", "MARK": str(mark)}  # sent by value: a worker cannot import the tests
        exec(COUNTED, scope)  # noqa: S102  the words above
        monkeypatch.setattr(on_ray, "done_there", scope["do"])
        for number, code in enumerate(codes):
            folder = tmp_path / str(number)
            folder.mkdir()
            (folder / "model.py").write_text(code)
            (folder / "submission.json").write_text('{"assignment": "digits"}')
            jobs[describe_job(read_submission(folder), MODEL)] = folder
        runner = RayRunner(Bench(sandbox.Limits(wall_s=90), sandbox.Level("", "")), workers=2)
        runner.backend.cluster = ray
        evidence = runner(Plan(jobs))
        return [evidence[job] for job in jobs], len(mark.read_text())

    return run


def listening(pids=None):
    """Addresses and ports on which processes listen: those of `pids`, or all of this machine."""
    inodes = set()
    for pid in pids or ():
        with suppress(OSError):
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    inodes.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
    found = set()
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                address, port = fields[1].split(":")
                if fields[3] == "0A" and (pids is None or fields[9] in inodes):
                    found.add((address, int(port, 16)))
    return found


JOIN = """
import glob, os, socket, sys
seen = []
for port in {ports}:
    for host in ("127.0.0.1", "::1"):
        try:
            socket.create_connection((host, port), timeout=0.2)
            seen.append(f"REACHED-{{port}}")
        except OSError:
            pass
seen += [name for name in os.environ if name.startswith("RAY")]
for place in ("/tmp/ray*", os.path.expanduser("~/.ray*"), {home!r} + "/.ray*", "/dev/shm/*"):
    seen += glob.glob(place)
seen += ["IN-A-WORKER" for name in sys.modules if name == "ray" or name.startswith("ray.")][:1]
seen += ["IN-A-WORKER"] if any("ray::" in open(p).read() for p in glob.glob("/proc/[0-9]*/cmdline")) else []
try:
    import ray
    ray.init(address="auto", log_to_driver=False)
    seen.append("JOINED")
    ray.get(ray.remote(lambda: seen.append("RAN")).remote())
except BaseException as error:
    seen.append(type(error).__name__ if type(error).__name__ in ("JOINED", "RAN") else "refused")
raise RuntimeError(f"I saw {{seen}}")
"""


def test_student_code_in_a_cluster_cannot_see_reach_or_join_it(described):
    ports = sorted({port for _, port in listening()})
    assert ports, "Ray listens somewhere"
    [made, _], _ = described(JOIN.format(ports=ports, home=str(Path.home())), NET)
    assert made.status is EvidenceStatus.STUDENT_FAULT
    assert "I saw ['refused']" in made.problem.what


def test_ray_listens_on_the_loopback_alone_and_has_no_dashboard(ray):
    del ray
    ours = list(tree(os.getpid()))
    found = listening(ours)
    assert found
    loopback = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
    assert {address for address, _ in found} <= loopback, found
    assert 8265 not in {port for _, port in found}
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in ours if Path(f"/proc/{pid}").exists()]
    heads = [one for one in commands if b"dashboard/dashboard.py" in one]  # one of Ray's own, for its counters
    assert all(b"--disable-frontend" in one and b"--modules-to-load=UsageStatsHead" in one for one in heads)


def test_who_has_no_token_does_not_join(ray, tmp_path):
    address = ray.ray.get_runtime_context().gcs_address
    code = f"import ray; ray.init(address={address!r}, log_to_driver=False); print('JOINED', ray.cluster_resources())"

    def asked(environment):
        command = [sys.executable, "-c", code]
        joins = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=tmp_path
        )
        try:
            return joins.communicate(timeout=30)[0]
        except subprocess.TimeoutExpired:  # it goes on asking: that is no either
            joins.kill()
            return joins.communicate()[0]

    assert "JOINED" in asked(dict(os.environ)), "with the token it joins"
    without = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    assert "JOINED" not in asked({**without, "HOME": str(tmp_path), "RAY_AUTH_MODE": "disabled"})


def test_on_ray_too_a_crash_is_run_once_and_an_end_by_a_signal_once_more(described):
    """Ray's own default would run each of these four times. A signal may have come from outside: once more."""
    crashes = ["import os\nos._exit(0)\n", "import ctypes\nctypes.string_at(0)\n", "x = bytearray(10**12)\n"]
    made, times = described(NET, *crashes)
    assert [one.status for one in made] == [EvidenceStatus.DONE, *[EvidenceStatus.STUDENT_FAULT] * 3]
    assert times == 5


def test_what_one_job_leaves_the_next_in_the_same_worker_does_not_find(described):
    leaves = "import torch, os\ntorch.left = 1\nopen('/tmp/left', 'w').close()\nos.environ['LEFT'] = '1'\n"
    left = "hasattr(torch, 'left') or os.path.exists('/tmp/left') or 'LEFT' in os.environ"
    finds = f"import torch, os\nassert not ({left})\n{NET}"
    made, _ = described(*[f"{leaves}{NET}# {n}\n" for n in range(3)], *[f"{finds}# {n}\n" for n in range(3)])
    assert {one.status for one in made} == {EvidenceStatus.DONE}


def test_the_ports_that_are_tried_are_open_from_here(ray):
    """Otherwise it would prove nothing that the box does not reach them."""
    host, _, port = ray.ray.get_runtime_context().gcs_address.partition(":")
    socket.create_connection((host, int(port)), timeout=5).close()
    assert int(port) in {number for _, number in listening()}
