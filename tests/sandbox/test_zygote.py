"""The warmed process: as quick to start as a fork, and as far from every other job as a box of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from grader import sandbox
from grader.sandbox import job, layout, syscalls, trial, usage, zygote
from grader.sandbox.programs import walls

pytestmark = pytest.mark.sandbox

NETWORK = """
import torch
from torch import nn

def build():
    first = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU()]
    return nn.Sequential(*first, nn.Flatten(), nn.Dropout(0.5), nn.Linear(144, 3))
"""


@pytest.fixture(autouse=True)
def fresh(box):
    """No process that another test has warmed, and none left behind."""
    del box
    zygote.close_idle()
    yield
    zygote.close_idle()


@pytest.fixture
def warm(tmp_path, box):
    """Run lines of Python as a program in a fork; they leave their result in `answer`."""
    program = tmp_path / "act.py"
    program.write_text(
        'def main(request, box):\n    s = {"box": box}\n    exec(request["do"], s)\n    return s.get("answer", {})'
    )

    def run(do, *, files=None, also=None, **settings):
        limits = sandbox.Limits(**{"wall_s": 120, **settings})
        request = {"do": textwrap.dedent(do), "also": also}
        return sandbox.run(program, files=files or {}, request=request, limits=limits, level=box, is_warm=True)

    return run


def seen(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result


def warmed():
    """The one that is idle now."""
    [only] = zygote.pool().idle
    return only


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


# --- the same as a cold start ------------------------------------------------------------------


def test_a_warm_start_answers_what_a_cold_one_answers(tmp_path, box):
    torch = pytest.importorskip("torch")
    (tmp_path / "model.py").write_text(NETWORK)
    scope = {}
    exec(NETWORK, scope)  # noqa: S102  our own, above
    torch.save(scope["build"]().state_dict(), tmp_path / "weights.pt")
    images = tmp_path / "images"
    images.write_bytes(bytes(range(64)) * 5)
    files = {name: tmp_path / name for name in ("model.py", "weights.pt")}
    asked = {"code": "model.py", "factory": "build", "checkpoint": "weights.pt"}
    described, predicted = [], []
    for is_warm in (True, False, True):
        ended = job.run("describe", files=files, request={**asked, "input": [1, 8, 8]}, level=box, is_warm=is_warm)
        described.append(seen(ended))
        request = {**asked, "shape": [5, 1, 8, 8], "classes": 3, "batches": [2, 2, 1], "threads": 1}
        ended = job.run(
            "predict", files=files, request=request, inputs=images, answer_bytes=60, level=box, is_warm=is_warm
        )
        assert isinstance(ended, sandbox.Answered), ended
        predicted.append(ended.payload)
    assert described[0] == described[1] == described[2]
    assert predicted[0] == predicted[1] == predicted[2]


def test_a_fork_may_compute_with_more_threads_than_the_warmed_process(box, tmp_path):
    """A parent that ever used two threads would hang here; it used one."""
    pytest.importorskip("torch")
    code = NETWORK + "torch.set_num_threads(2)\nx = torch.rand(64, 64, 64) @ torch.rand(64, 64, 64)\n"
    (tmp_path / "model.py").write_text(code)
    request = {"code": "model.py", "factory": "build", "checkpoint": None, "input": [1, 8, 8]}
    limits = sandbox.Limits(wall_s=60)
    files = {"model.py": tmp_path / "model.py"}
    for _ in range(3):
        assert seen(job.run("describe", files=files, request=request, level=box, limits=limits, is_warm=True))


# --- one job, and the next ---------------------------------------------------------------------


WARMTH = """
import sys
from torch import nn

def build():
    return nn.Linear(1, 2 if "torch._dynamo" in sys.modules else 1)
"""


def test_what_optimizers_need_is_imported_for_a_training_or_behind_some_jobs(tmp_path, box, monkeypatch):
    pytest.importorskip("torch")
    (tmp_path / "model.py").write_text(WARMTH)
    files = {"model.py": tmp_path / "model.py"}
    asked = {"code": "model.py", "factory": "build", "checkpoint": None, "input": [1]}

    def outputs():
        """Of the layer; two where it was imported."""
        described = seen(job.run("describe", files=files, request=asked, level=box, is_warm=True))
        return described["layers"][0]["parameters"] // 2

    assert outputs() == 1
    pid = warmed().pid
    warmed().jobs = zygote.FEW_JOBS
    assert [outputs(), outputs()] == [2, 2]
    assert warmed().pid == pid  # the same one, and no second thread in it
    zygote.close_idle()
    assert outputs() == 1
    fork = zygote._fork
    monkeypatch.setattr(zygote, "_fork", lambda *args, **_: fork(*args, is_training=True))
    assert outputs() == 2
    assert warmed().has_trained


def test_a_training_takes_one_that_has_trained_and_other_jobs_take_others(box):
    del box
    here = layout.installation()
    kind = {"is_torch": False, "is_training": False}
    with zygote._borrowed(here, **kind) as one, zygote._borrowed(here, **kind) as other:
        assert one is not other
    other.has_trained = True
    for is_training, expected in ((True, other), (False, one), (True, other)):
        with zygote._borrowed(here, is_torch=False, is_training=is_training) as taken:
            assert taken is expected


def test_nothing_of_one_job_is_left_for_the_next(warm):
    first = warm(
        """
        import builtins, os, random, sys
        for folder in ("/tmp", "/dev/shm"):
            open(folder + "/left", "w").write("x")
        os.environ["LEFT"] = builtins.LEFT = sys.modules["left"] = "x"
        random.seed(7)
        sys.path.append("/tmp")
        if os.fork() == 0:
            os.setsid()
            import time
            time.sleep(60)
        """,
    )
    assert isinstance(first, sandbox.Answered), first
    second = seen(
        warm(
            """
            import builtins, os, sys
            answer = {"files": os.listdir("/tmp") + os.listdir("/dev/shm"), "environment": "LEFT" in os.environ,
                      "builtins": hasattr(builtins, "LEFT"), "modules": "left" in sys.modules,
                      "path": "/tmp" in sys.path,
                      "processes": [name for name in os.listdir("/proc") if name.isdigit()]}
            """
        )
    )
    assert second == {
        "files": [], "environment": False, "builtins": False, "modules": False, "path": False, "processes": ["1"],
    }  # fmt: skip


def test_no_word_of_one_job_is_in_the_memory_of_the_next(warm, tmp_path):
    """What the warmed process had read, each child would inherit: so it reads nothing of a job."""
    word = "canary-of-the-first-job-4711"
    (tmp_path / "model.py").write_text(f"secret = {word[::-1]!r}")
    assert warm("answer = {}", files={f"{word}.py": tmp_path / "model.py"}, also=word).result == {}
    look = f"""
    import re
    wanted = {word[::-1]!r}[::-1].encode()
    found = 0
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in open("/proc/self/maps"):
            start, stop = (int(n, 16) for n in line.split()[0].split("-"))
            if "r" in line.split()[1] and "[v" not in line and stop - start < 2**28:
                try:
                    memory.seek(start)
                    found += memory.read(stop - start).count(wanted)
                except (OSError, ValueError):
                    pass
    answer = {{"found": found}}
    """
    [own] = [seen(warm(look.replace("found = 0", "found = 0; held = wanted * 2")))["found"]]
    assert own >= 2  # it sees its own memory
    assert seen(warm(look))["found"] <= 1  # `wanted` itself, and nothing else
    assert zygote.pool().idle[0].jobs >= 5  # all of it in one warmed process: two trials, three jobs


def test_a_child_cannot_reach_the_process_that_forked_it(warm):
    made = seen(
        warm(
            """
            import ctypes, os
            answer = {"numbers": sorted(int(n) for n in os.listdir("/proc") if n.isdigit()), "parent": os.getppid()}
            def tried(do):
                try:
                    do()
                except OSError as error:
                    return type(error).__name__
                return "done"
            answer["kill"] = [tried(lambda pid=pid: os.kill(pid, 0)) for pid in range(2, 50)]
            answer["group"] = tried(lambda: os.killpg(os.getppid() or 2, 0))
            """
        )
    )
    assert made["numbers"] == [1]
    assert made["parent"] == 0
    assert set(made["kill"]) == {"ProcessLookupError"}
    assert made["group"] != "done"


def test_two_jobs_at_once_see_nothing_of_each_other(warm):
    look = """
    import os, time
    open(f"/tmp/{os.urandom(4).hex()}", "w").close()
    time.sleep(0.3)
    answer = {"files": len(os.listdir("/tmp")), "processes": sum(n.isdigit() for n in os.listdir("/proc"))}
    """
    ended = []
    threads = [threading.Thread(target=lambda: ended.append(warm(look))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [seen(one) for one in ended] == [{"files": 1, "processes": 1}] * 3


def test_files_come_in_whole_and_read_only(warm, tmp_path):
    contents = {"a.bin": os.urandom(3_000_001), "deep/er/b.bin": b"", "c.txt": b"x" * 4096}
    files = {}
    for name, data in contents.items():
        files[name] = tmp_path / name.replace("/", "-")
        files[name].write_bytes(data)
    made = seen(
        warm(
            """
            import hashlib, os
            answer = {}
            for folder, _, names in os.walk(box.submission):
                for name in names:
                    path = os.path.join(folder, name)
                    answer[os.path.relpath(path, box.submission)] = hashlib.sha256(open(path, "rb").read()).hexdigest()
                    for do in (lambda: os.chmod(path, 0o777), lambda: open(path, "ab"), lambda: os.unlink(path)):
                        try:
                            do()
                            answer["changed"] = path
                        except OSError:
                            pass
            """,
            files=files,
        )
    )
    import hashlib

    assert made == {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}


# --- what a fork has of its own: each shuts a door ---------------------------------------------


def _without(monkeypatch, tmp_path, *lines):
    """Programs of which one lost these lines, as if somebody had taken out the wall."""
    copied = tmp_path / "programs"
    copied.mkdir()
    for path, file in layout.programs().items():
        text = file.read_text()
        for line in lines:
            text = text.replace(line, "pass")
        (copied / Path(path).name).write_text(text)
    monkeypatch.setattr(layout, "programs", lambda: {f"programs/{file.name}": file for file in copied.glob("*.py")})


@pytest.mark.parametrize(
    ("line", "hole"),
    [
        pytest.param(
            "os.setsid()  # no typing into a terminal, whatever the grader was started from", "session", id="session"
        ),
        pytest.param('filters.install(bytes.fromhex(setup["filter"]))', "namespace", id="filter"),
        pytest.param('_mount("tmpfs", folder, "tmpfs", _HARMLESS, options)', "size", id="sized folders"),
        pytest.param("start.run(said, result, lambda: _enclose(setup), keepers=1)", "self-test", id="no job at all"),
    ],
)
def test_a_wall_that_is_missing_is_noticed_before_the_first_job(box, monkeypatch, tmp_path, line, hole):
    _without(monkeypatch, tmp_path, line)
    ended = sandbox.run("probe", files={}, request={"ping": None}, level=box, is_warm=True)
    assert isinstance(ended, sandbox.SystemFault), ended
    assert hole in ended.problem.what
    assert zygote.pool().idle == []
    zygote.pool().refused.clear()


def test_without_a_warmed_process_jobs_start_cold(box, monkeypatch, tmp_path):
    _without(monkeypatch, tmp_path, "start.run(said, result, lambda: _enclose(setup), keepers=1)")
    ended = sandbox.run("probe", files={}, request={"ping": None}, level=box)
    zygote.pool().refused.clear()
    assert seen(ended) == {"ping": "here"}


def test_every_hole_is_told_apart():
    good = {
        "read": {"a": "FileNotFoundError"}, "connect": "OSError", "descriptors": [0, 1, 2, 5],
        "hoard": {"memfd": "EPERM"}, "namespace": ["EPERM"], "identity": [65534, 1, 0, 1], "fork": 7,
        "fill": {layout.TEMPORARY: 2 * 2**20, "/": -1},
        "allocate": "MemoryError",
    }  # fmt: skip
    assert trial.holes(good, 99) == []
    bad = {
        "read": {"a": "read 3 bytes"}, "connect": "connected", "descriptors": [0, 1, 2, 5, 99],
        "hoard": {"memfd": "made"}, "namespace": ["made"], "identity": [0, 7, 1, 0], "fork": 24,
        "fill": {"/": 4194304}, "allocate": "got it",
    }  # fmt: skip
    for name, value in bad.items():
        assert len(trial.holes({**good, name: value}, 99)) == 1, name
    assert len(trial.holes({}, 99)) == len(bad) == len(trial.holes(None, 99))


def test_no_machine_code_of_a_students_is_mapped(warm, tmp_path):
    """Folders that can be written, and the submission, are mounted without the right to execute."""
    library = next(
        Path(p)
        for p in ("/usr/lib/x86_64-linux-gnu/libm.so.6", "/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6")
        if Path(p).exists()
    )
    (tmp_path / "libm.so").write_bytes(library.read_bytes())
    made = seen(
        warm(
            """
            import ctypes, shutil
            answer = {}
            shutil.copyfile(box.submission + "/libm.so", "/tmp/libm.so")
            for path in ("/tmp/libm.so", box.submission + "/libm.so"):
                try:
                    ctypes.CDLL(path)
                    answer[path] = "mapped"
                except OSError as error:
                    answer[path] = "refused"
            """,
            files={"libm.so": tmp_path / "libm.so"},
        )
    )
    assert set(made.values()) == {"refused"}


def test_files_without_size_meet_a_number(warm):
    ended = warm(
        """
        count = 0
        try:
            for count in range(200_000):
                open(f"/tmp/{count}", "w").close()
        except OSError:
            answer = {"count": count}
        """
    )
    if isinstance(ended, sandbox.Answered):
        assert ended.result["count"] <= walls.MOST_INODES
    else:
        assert ended.problem.code == "files"


@pytest.mark.fault("F16")
@pytest.mark.parametrize("is_warm", [True, False])
def test_where_memory_runs_out_the_job_is_ended_and_not_the_grader(act, is_warm):
    with contextlib.nullcontext() if is_warm else zygote.cold():
        made = seen(act("answer = {'adjustment': int(open('/proc/self/oom_score_adj').read())}"))
    assert made["adjustment"] == 1000 > int(Path("/proc/self/oom_score_adj").read_text())


# --- its own life ------------------------------------------------------------------------------


@pytest.mark.fault("F17")
def test_it_is_given_up_after_so_many_jobs(warm, monkeypatch):
    monkeypatch.setattr(zygote, "MOST_JOBS", 4)
    seen(warm("answer = {}"))  # after the two trials: the third
    first = warmed().process.pid
    seen(warm("answer = {}"))
    assert zygote.pool().idle == []
    assert not is_alive(first)
    seen(warm("answer = {}"))
    assert warmed().process.pid != first


@pytest.mark.fault("F2", "F17")
@pytest.mark.parametrize("when", ["between two jobs", "during a job"])
def test_one_that_is_killed_is_never_the_students_fault(warm, when):
    seen(warm("answer = {}"))
    victim = warmed()
    if when == "between two jobs":
        os.kill(victim.pid, signal.SIGKILL)
        victim.process.wait()
        ended = warm("answer = {'a': 1}")
        if isinstance(ended, sandbox.SystemFault):  # it was asked to be warm, and said that it is not
            assert "gone" in ended.problem.what or "forks no more" in ended.problem.what
    else:
        threading.Timer(0.5, os.kill, (victim.pid, signal.SIGKILL)).start()
        ended = warm("import time; time.sleep(20)")
        assert isinstance(ended, sandbox.SystemFault), ended
        assert "killed from outside" in ended.problem.what
    assert seen(warm("answer = {'a': 1}")) == {"a": 1}


@pytest.mark.fault("F17")
def test_a_killed_one_costs_no_job_its_result(box, warm):
    """Where it may be either, the job is started cold at once."""
    seen(warm("answer = {}"))
    victim = warmed()
    os.kill(victim.pid, signal.SIGKILL)
    victim.process.wait()
    assert seen(sandbox.run("probe", files={}, request={"ping": None}, level=box)) == {"ping": "here"}


@pytest.mark.fault("F17")
def test_a_job_past_its_clock_leaves_the_warmed_process_well(warm):
    seen(warm("answer = {}"))
    before = warmed().process.pid
    ended = warm("import time; time.sleep(60)", wall_s=0.5)
    assert isinstance(ended, sandbox.StudentFault)
    assert ended.problem.code == "wall-time"
    seen(warm("answer = {}"))
    assert warmed().process.pid == before
    assert usage.children(warmed().pid) == []


def test_a_run_that_is_called_off_leaves_no_process(warm):
    seen(warm("answer = {}"))
    below = set(usage.tree(warmed().process.pid))
    ended = []

    def go():
        try:
            warm("import time; time.sleep(60)")
        except sandbox.CalledOffError:
            ended.append("called off")

    thread = threading.Thread(target=go)
    thread.start()
    time.sleep(0.5)
    below |= {pid for member in below for pid in usage.tree(member)}
    sandbox.call_off()
    thread.join()
    sandbox.call_on()
    assert ended == ["called off"]
    patience = time.monotonic() + 10
    while time.monotonic() < patience and any(map(is_alive, below)):
        time.sleep(0.02)
    assert not [pid for pid in below if is_alive(pid)]


GRADER = """
import sys, time
from grader import sandbox
level = sandbox.Level("L3", "")
sandbox.run("probe", files={}, request={"ping": None}, level=level, is_warm=True)
print("idle", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda one: one.name)
def test_an_idle_one_does_not_outlive_its_grader(number):
    parent = subprocess.Popen([sys.executable, "-c", GRADER], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "idle\n"
    members = list(usage.tree(parent.pid))[1:]
    assert len(members) >= 2
    parent.send_signal(number)
    parent.wait()
    patience = time.monotonic() + 10
    while time.monotonic() < patience and any(is_alive(pid) for pid in members):
        time.sleep(0.02)
    assert not [pid for pid in members if is_alive(pid)]


def test_it_outlives_the_thread_that_asked_for_it(warm):
    """PR_SET_PDEATHSIG looks at the thread that started a process, not at its process."""
    thread = threading.Thread(target=warm, args=("answer = {}",))
    thread.start()
    thread.join()
    time.sleep(0.2)
    first = warmed().process.pid
    assert is_alive(first)
    seen(warm("answer = {}"))
    assert warmed().process.pid == first


def test_the_filter_is_really_there(monkeypatch, warm):
    """The regression of trap (d): in a box without --disable-userns only the child's own filter shuts namespaces."""
    look = """
    import ctypes, os, signal
    libc = ctypes.CDLL(None, use_errno=True)
    number = {"x86_64": (56, 435), "aarch64": (220, 435)}[os.uname().machine]
    def made(pid):
        if pid == 0:
            os._exit(0)
        if pid > 0:
            os.waitpid(pid, 0)
        return pid > 0
    NEWUSER = 0x10000000
    answer = {"unshare": libc.unshare(NEWUSER) == 0}
    for name, flags in (("clone", NEWUSER | signal.SIGCHLD), ("high bits", 1 << 40 | NEWUSER | signal.SIGCHLD)):
        answer[name] = made(libc.syscall(number[0], ctypes.c_long(flags), 0, 0, 0, 0))
    arguments = (ctypes.c_uint64 * 8)(NEWUSER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    answer["clone3"] = made(libc.syscall(number[1], ctypes.byref(arguments), 64))
    """
    assert set(seen(warm(look)).values()) == {False}
    zygote.close_idle()
    monkeypatch.setattr(syscalls, "program", lambda *_, **__: b"")
    monkeypatch.setattr(trial, "holes", lambda *_: [])
    assert True in seen(warm(look)).values()
