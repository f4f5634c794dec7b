"""Level L2: without bubblewrap a job still reaches nothing of others, stays within its limits, and leaves nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader import sandbox
from grader.sandbox import alone, cgroups, doors, layout, process
from grader.sandbox.programs import landlock

L2 = sandbox.Level("L2", "a test")
ACT = """
def main(request, box):
    scope = {"box": box}
    exec(request["do"], scope)
    return scope.get("answer", {})
"""


@pytest.fixture(scope="module")
def here():
    """An installation that the user of a job may read: as root with a Python in root's home, the system's own."""
    real = layout.installation()
    if os.geteuid() != 0 or not alone._closed([real.python, *(source for source, _ in real.binds)]):
        return real
    python = f"/usr/bin/python3.{sys.version_info.minor}"
    if not Path(python).is_file():
        pytest.skip(f"the Python of these tests is closed to other users, and there is no {python}")
    binds = tuple(bind for bind in real.binds if not alone._closed([bind[0]]))
    return replace(real, python=python, binds=(*binds, (python, python)))


@pytest.fixture
def level(here, monkeypatch):
    """L2, or a skip that says why there is none."""
    monkeypatch.setattr(layout, "installation", lambda: here)
    lacking = alone.why_not(here)
    if lacking:
        pytest.skip(f"no level L2 here: {lacking[0]}")
    if landlock.abi() < 6 and os.geteuid() != 0:
        pytest.skip("this kernel's Landlock does not keep signals in")
    return L2


@pytest.fixture
def act(tmp_path, level):
    """Run lines of Python at level L2; they leave their result in `answer`."""
    program = tmp_path / "act.py"
    program.write_text(ACT)

    def run(do, *, files=None, **settings):
        limits = sandbox.Limits(**{"wall_s": 20, **settings})
        return sandbox.run(program, files=files or {}, request={"do": textwrap.dedent(do)}, limits=limits, level=level)

    return run


def seen(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result


def fault(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem.code


# --- walls ------------------------------------------------------------------------------------


@pytest.mark.attack_partly(43, 44, 45, 48, 49, 72, 73, 89)
def test_every_door_of_level_2_holds_here(level):
    probes = sandbox.self_test(level)
    assert [probe for probe in probes if not probe.is_passed] == []
    assert len(probes) == 15


@pytest.mark.parametrize(
    ("wall", "names"),
    [
        pytest.param(
            "landlock",
            {"files outside cannot be read", "files outside cannot be made or changed"},
            id="without Landlock",
        ),
        pytest.param(
            "filter",
            {"the network is off", "no memory outside of processes", "files outside cannot be made or changed"},
            id="without the filter",
        ),
    ],
)
def test_the_self_test_sees_a_missing_wall(level, monkeypatch, wall, names):
    real = alone.words

    def fewer(*arguments):
        said = real(*arguments)
        if wall == "filter":
            said["walls"]["filter"] = (b"\x06" + bytes(5) + b"\xff\x7f").hex()  # one step: allowed
        else:
            said["walls"] |= {"readable": ["/"], "writable": ["/"]}
        return said

    monkeypatch.setattr(alone, "words", fewer)
    with doors.baits() as bait:
        failed = {probe.name for probe in doors.walls(level, bait) if not probe.is_passed}
    if os.geteuid() == 0:  # what is another user's, the machine itself lets nobody change
        names = names - {"files outside cannot be made or changed"}
    assert names <= failed


def test_a_wall_that_cannot_be_put_up_is_no_start_and_nobodys_fault(level, monkeypatch):
    real = alone.words
    monkeypatch.setattr(alone, "words", lambda *a: {**real(*a), "walls": {**real(*a)["walls"], "filter": "00"}})
    ended = sandbox.run("probe", files={}, request={"ping": None}, level=level)
    assert isinstance(ended, sandbox.SystemFault)
    assert "a filter of 1 bytes" in ended.problem.what


@pytest.mark.attack_partly(43, 88)
def test_of_the_machine_only_the_interpreter_and_its_own_files_can_be_opened(act, tmp_path):
    other = Path(tempfile.mkdtemp(prefix="grader-test-"))
    try:
        other.chmod(0o777)
        (other / "model.py").write_text("another's")
        (other / "model.py").chmod(0o666)
        model = tmp_path / "model.py"
        model.write_text("own = 1\n")
        made = seen(
            act(
                f"""
                import os
                from pathlib import Path
                other = Path({str(other)!r})
                def tried(do):
                    try:
                        return str(do())
                    except OSError as error:
                        return type(error).__name__
                answer = {{
                    "own": tried(lambda: Path(box.submission, "model.py").read_text()),
                    "own changed": tried(lambda: Path(box.submission, "model.py").write_text("x")),
                    "own removed": tried(lambda: os.unlink(Path(box.submission, "model.py"))),
                    "program": tried(lambda: Path(box.root, "programs", "start.py").write_text("x")),
                    "other": tried(lambda: (other / "model.py").read_text()),
                    "other changed": tried(lambda: (other / "model.py").write_text("x")),
                    "other listed": tried(lambda: os.listdir(other)),
                    "temporary": tried(lambda: os.listdir(os.path.dirname(box.root))),
                    "home": tried(lambda: os.listdir(os.path.expanduser("~root"))),
                    "linked": tried(lambda: os.link(other / "model.py", "stolen")),
                    "work": tried(lambda: Path("mine").write_text("x")),
                    "grader": tried(lambda: Path({str(Path(alone.__file__))!r}).read_text()),
                }}
                """,
                files={"model.py": model},
            )
        )
        assert made.pop("own") == "own = 1\n"
        assert made.pop("work") == "1"
        assert {end for end in made.values() if not end.endswith("Error")} == set(), made
        assert (other / "model.py").read_text() == "another's"
    finally:
        shutil.rmtree(other)


def test_the_graders_own_package_is_left_out_wherever_it_is_installed(tmp_path):
    site = tmp_path / "site"
    for name in ("torch", "grader", "grader/rubrics", "numpy"):
        (site / name).mkdir(parents=True)
    readable, listed = alone._around(site, {site / "grader"})
    assert sorted(readable) == [str(site / "numpy"), str(site / "torch")]
    assert listed == [str(site), str(site / "grader")]
    assert alone._around(site, {tmp_path / "elsewhere"}) == ([str(site)], [])


@pytest.mark.attack_partly(42)
def test_the_environment_is_ours(act, monkeypatch):
    monkeypatch.setenv("GRADER_TEST_SECRET", "hunter2")
    made = seen(
        act(
            """
            import os
            answer = {"names": sorted(os.environ)}
            for who in (os.getppid(), "self"):
                try:
                    answer[str(who == "self")] = open(f"/proc/{who}/environ").read()
                except OSError as error:
                    answer[str(who == "self")] = type(error).__name__
            """
        )
    )
    assert set(made["names"]) <= {*layout.environment(), "LC_CTYPE", "PWD"}
    assert made["False"] == made["True"] == "PermissionError"


@pytest.mark.attack_partly(49)
def test_a_signal_to_all_reaches_only_its_own(act):
    """SIGKILL to -1 is the worst that there is: as a user of his own, or behind Landlock, it ends nobody else."""
    bystander = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    try:
        made = seen(
            act(
                """
                import os, signal
                child = os.fork()
                if child == 0:
                    signal.pause()
                try:
                    os.kill(-1, signal.SIGKILL)
                except OSError as error:
                    answer = {"end": type(error).__name__}
                else:
                    answer = {"end": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}
                """
            )
        )
        assert made == {"end": -9}
        assert bystander.poll() is None
    finally:
        bystander.communicate()


PLAIN = """
from .student import Student

def main(request, box):
    student = Student(box)
    module = student.module("model.py")
    return {"value": student.call("calling f()", vars(module)["f"], code="model.py")}
"""


@pytest.mark.parametrize(
    "code",
    [
        "import os\ndef f():\n    os.chmod('x', 0o700)",
        "import multiprocessing\nlock = multiprocessing.Lock()",
        "def f():\n    raise RuntimeError('unable to open shared memory object </torch_1>: Permission denied (13)')",
    ],
)
def test_what_only_this_level_refuses_is_not_held_against_the_student(level, tmp_path, code):
    """A person looks: in the full sandbox it might have gone on."""
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "model.py").write_text(code)
    ended = sandbox.run(tmp_path / "plain.py", files={"model.py": tmp_path / "model.py"}, request={}, level=level)
    assert isinstance(ended, sandbox.SystemFault), ended
    assert ended.problem.code == "refused-at-level-2"
    assert ended.problem.where.startswith("model.py")
    assert "level L3" in ended.problem.fix


@pytest.mark.parametrize(
    ("code", "word"),
    [
        pytest.param("def f():\n    return 1 / 0", "the error shows there too", id="a mistake"),
        pytest.param(
            "import socket\ndef f():\n    socket.create_connection(('192.0.2.1', 80), 1)", "no network", id="TCP"
        ),
        pytest.param(
            "import urllib.request as u\ndef f():\n    u.urlopen('http://192.0.2.1/')", "no network", id="URL"
        ),
    ],
)
def test_what_no_level_gives_is_the_students_at_this_level_too(level, tmp_path, code, word):
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "model.py").write_text(code)
    ended = sandbox.run(tmp_path / "plain.py", files={"model.py": tmp_path / "model.py"}, request={}, level=level)
    assert fault(ended) == "code-raised"
    assert word in ended.problem.fix


# --- limits -----------------------------------------------------------------------------------


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
answer = {"uid": os.getuid(), "folder": os.getcwd()}
"""


@pytest.mark.attack_partly(50, 73)
@pytest.mark.parametrize("with_groups", [True, False], ids=["with control groups", "without"])
def test_what_forks_faster_than_it_can_be_listed_is_gone_too(act, monkeypatch, with_groups):
    if not with_groups:
        without_groups(monkeypatch)
    started = time.monotonic()
    made = seen(act(COMET, wall_s=20, cpu_s=10))
    assert time.monotonic() - started < 15  # of the clock's 20: it was not the clock that ended it
    assert [pid for pid, folder in folders_of_processes() if folder.startswith(made["folder"])] == []


def without_groups(monkeypatch):
    monkeypatch.setattr(cgroups, "usable", lambda: ("", "a test"))
    monkeypatch.setattr(cgroups.Group, "create", staticmethod(lambda *_, **__: None))


def folders_of_processes():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield int(entry.name), str((entry / "cwd").readlink())
            except OSError:
                continue


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


def test_the_cpu_time_of_all_processes_counts(act):
    ended = act(
        "import os\nos.fork()\nos.setsid() if os.getpid() != os.getsid(0) else None\nwhile True: pass", cpu_s=0.6
    )
    assert fault(ended) == "cpu-time"


@pytest.mark.attack_partly(72)
def test_memory_is_capped_and_summed(act):
    assert seen(act("try:\n    bytearray(2**31)\nexcept MemoryError:\n    answer = {'end': 'refused'}", memory_mb=1024))
    many = """
        import os, time
        for _ in range(4):
            if os.fork() == 0:
                break
        data = bytearray(b"x") * (90 * 2**20)
        time.sleep(10)
    """
    assert fault(act(many, memory_mb=300)) == "memory"


@pytest.mark.attack_partly(73)
@pytest.mark.parametrize("with_groups", [True, False], ids=["with control groups", "without"])
def test_processes_are_capped(act, monkeypatch, with_groups):
    if not with_groups:
        without_groups(monkeypatch)
    bomb = """
        import os, time
        count = 0
        try:
            for count in range(400):
                if os.fork() == 0:
                    time.sleep(30)
        except OSError:
            pass
        answer = {"count": count}
    """
    limits = sandbox.Limits(processes=12)
    assert 8 <= seen(act(bomb, processes=12, memory_mb=8192))["count"] <= alone.most_processes(limits) + 16


DISK = {
    "many files": "for n in range(40): open(f'f{n}', 'wb').write(bytes(2**20))",
    "two large files": "for n in range(2): open(f'f{n}', 'wb').write(bytes(7 * 2**20))",
    "unlinked but open": """
import os
held = []
for n in range(20):
    held.append(open('f', 'wb', buffering=0)); held[-1].write(bytes(2**20)); os.unlink('f')
""",
    "unlinked but mapped": """
import mmap, os
held = []
for n in range(20):
    with open('f', 'w+b', buffering=0) as file:
        file.write(bytes(2**20)); held.append(mmap.mmap(file.fileno(), 2**20))
    os.unlink('f')
""",
    "unlinked and made unreadable by itself": """
import ctypes, os
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # what /proc shows of it would then be root's
held = []
for n in range(20):
    held.append(open('f', 'wb', buffering=0)); held[-1].write(bytes(2**20)); os.unlink('f')
""",
    "in a folder that is closed to everybody": """
import os
os.umask(0o777)
os.mkdir('shut')
folder = os.open('.', os.O_RDONLY)
os.umask(0)
os.mkdir('open')
for n in range(20): open(f'open/f{n}', 'wb').write(bytes(2**20))
os.rename('open', 'moved')
""",
    "behind a name that is a link": """
import os
os.mkdir('far'); os.symlink('/', 'root'); os.symlink('.', 'far/loop')
for n in range(20): open(f'far/f{n}', 'wb').write(bytes(2**20))
""",
}


@pytest.mark.attack_partly(74)
@pytest.mark.parametrize("do", DISK.values(), ids=DISK)
def test_what_it_keeps_on_the_disk_is_capped(act, do):
    ended = act(f"{do}\nimport time\ntime.sleep(20)", tmpfs_mb=8)
    assert fault(ended) == "disk"
    assert (ended.limit, ended.use) == ("8 MB", "over 8 MB")


@pytest.mark.attack_partly(11, 74)
def test_folders_without_end_are_stopped_and_removed(act):
    ended = act(
        """
        import os, time
        for _ in range(3000):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        time.sleep(20)
        """
    )
    assert fault(ended) == "files"
    assert [
        path for path in Path(tempfile.gettempdir()).glob("grader-box-*") if path.stat().st_uid == os.geteuid()
    ] == []


# --- with others ------------------------------------------------------------------------------


def test_two_at_once_do_not_share_a_cap_nor_see_each_other(level, monkeypatch):
    """An ordinary user's go one after another where nothing else keeps them from counting together."""
    from concurrent.futures import ThreadPoolExecutor

    without_groups(monkeypatch)
    limits = sandbox.Limits(processes=12, wall_s=60, memory_mb=8192)

    def one(_):
        return sandbox.run("probe", files={}, request={"fork": 8, "identity": None}, limits=limits, level=level)

    with ThreadPoolExecutor(3) as pool:
        made = [seen(ended) for ended in pool.map(one, range(3))]
    assert [answer["fork"] for answer in made] == [8, 8, 8]
    if os.geteuid() == 0:
        assert len({answer["identity"][0] for answer in made}) == 3


def test_a_job_that_waits_for_its_turn_can_be_called_off(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    without_groups(monkeypatch)
    with alone._turn(is_counted_alone=False):
        process.call_off()
        try:
            with pytest.raises(process.CalledOffError), alone._turn(is_counted_alone=False):
                pass
        finally:
            process.call_on()
    with alone._turn(is_counted_alone=False):
        pass


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


# --- as root ----------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_root_becomes_a_user_that_nobody_else_is(act):
    made = seen(
        act(
            """
            import os
            answer = {"user": os.getresuid(), "group": os.getresgid(), "groups": os.getgroups()}
            """
        )
    )
    assert len({*made["user"], *made["group"]}) == 1
    assert made["user"][0] >= 61184
    assert made["groups"] == []


def test_a_python_that_only_root_may_read_is_said(tmp_path):
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o700)
    assert alone._closed(["/usr/lib", str(shut / "bin" / "python")]) in (str(shut), *map(str, shut.parents))
    assert alone._closed(["/usr/lib"]) == ""


@pytest.mark.torch
def test_a_network_is_described_as_in_the_box(level, tmp_path, monkeypatch):
    """The libraries find what they ask about the machine, and no number depends on the level."""
    code = tmp_path / "model.py"
    code.write_text(
        "import torch\nimport torchvision\nclass Net(torch.nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.a = torch.nn.Conv2d(3, 4, 3)\n"
        "        self.b = torch.nn.Linear(144, 10)\n"
        "    def forward(self, x):\n        return self.b(torch.flatten(self.a(x), 1))\n"
    )
    request = {"code": "model.py", "factory": "Net", "checkpoint": None, "input": [3, 8, 8]}
    result = seen(sandbox.run("describe", files={"model.py": code}, request=request, level=level))
    assert (result["parameters"], result["output_shape"]) == (3 * 4 * 9 + 4 + 144 * 10 + 10, [2, 10])
    monkeypatch.undo()
    best = sandbox.level()
    if best.has_namespaces:
        assert result == seen(sandbox.run("describe", files={"model.py": code}, request=request, level=best))
