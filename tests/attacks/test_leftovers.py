# ruff: noqa: E501 - cases stand on one line
"""Nothing of one job reaches another, and no crash buys a second try: attacks 69, 71, 87, 88, 89 and 92."""

import fcntl
import os
import threading
import time
import uuid
from pathlib import Path

import pytest

from grader import sandbox
from grader.evidence.cache import Cache
from grader.evidence.jobs import describe_job
from grader.evidence.kinds import Bench
from grader.evidence.local import LocalRunner
from grader.evidence.plan import Plan
from grader.intake import read_submission
from grader.model import EvidenceStatus

pytestmark = pytest.mark.sandbox


def seen(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result


# --- state (69, 87) ----------------------------------------------------------------------------


@pytest.mark.attack(87)
@pytest.mark.parametrize(
    ("leave", "look"),
    [
        pytest.param("import json; json.left = 1", "import json; value = hasattr(json, 'left')", id="a patched module"),
        pytest.param("import builtins; builtins.len = None", "value = len([1]) != 1", id="a patched builtin"),
        pytest.param("import sys; sys.modules['evil'] = sys", "import sys; value = 'evil' in sys.modules", id="a module"),
        pytest.param("import sys; sys.path.insert(0, '/tmp/x')", "import sys; value = '/tmp/x' in sys.path", id="a path"),
        pytest.param("import os; os.environ['LEFT'] = '1'", "import os; value = 'LEFT' in os.environ", id="a variable"),
        pytest.param("import os; os.umask(0o777)", "import os; value = os.umask(0o22) == 0o777", id="the umask"),
        pytest.param("import os; os.chdir('/dev')", "import os; value = os.getcwd() == '/dev'", id="the folder"),
        pytest.param("import os; os.nice(19)", "import os; value = os.nice(0) == 19", id="the priority"),
        pytest.param("import signal; signal.signal(10, signal.SIG_IGN)",
                     "import signal; value = signal.getsignal(10) == signal.SIG_IGN", id="a signal's handler"),
        pytest.param("import resource; resource.setrlimit(7, (64, 64))",
                     "import resource; value = resource.getrlimit(7)[0] == 64", id="a limit"),
        pytest.param("import random; random.seed(1)", "import random; value = random.random() == 0.13436424411240122",
                     id="a seed"),
        pytest.param("import os; os.open('/tmp', 0); os.open('/tmp', 0)",
                     "import os; value = len(os.listdir('/proc/self/fd')) > 5", id="an open folder"),
        pytest.param("import threading, time; threading.Thread(target=time.sleep, args=(30,), daemon=True).start()",
                     "import threading; value = threading.active_count() > 1", id="a thread"),
        pytest.param("import os; os.fork() or __import__('time').sleep(30)",
                     "import os; value = len([p for p in os.listdir('/proc') if p.isdigit()]) > 2", id="a process"),
        pytest.param("import socket; socket.socket(1).bind('\\0left')",
                     "import socket\ntry:\n  value = socket.socket(1).connect('\\0left') is None\nexcept OSError: value = False",
                     id="a socket with a name"),
        pytest.param("import ctypes; ctypes.memset(id(True) + 24, 0, 4)", "value = int(True) != 1", id="the number one"),
    ],
)  # fmt: skip
def test_what_one_job_leaves_the_next_does_not_find(act, leave, look):
    """The same worker does both: a second call takes the process that the first one was a fork of."""
    for _ in range(2):
        act(f"{leave}\nanswer = {{}}")
        scope = "\n".join(look.splitlines())
        assert seen(act(f"{scope}\nanswer = {{'found': bool(value)}}")) == {"found": False}


@pytest.mark.attack(69, 87)
def test_memory_that_was_given_back_holds_nothing_of_the_job_before(act):
    word = uuid.uuid4().hex
    for _ in range(2):
        act(f"kept = [('{word}' + str(n)).encode() * 50 for n in range(20_000)]; del kept; answer = {{}}")
        made = seen(
            act(
                f"""
                import ctypes, mmap
                word = {word[::-1]!r}[::-1].encode()
                libc = ctypes.CDLL(None)
                libc.malloc.restype = ctypes.c_void_p
                found = 0
                for size in (64, 2000, 10**5, 10**7):
                    for _ in range(50 if size < 10**6 else 3):
                        found += ctypes.string_at(libc.malloc(ctypes.c_size_t(size)), size).count(word)
                found += mmap.mmap(-1, 2**26).read(2**26).count(word)
                answer = {{"found": found}}
                """
            )
        )
        # A buffer with the word that the question itself made may be among what malloc gives.
        assert made["found"] < 20


@pytest.mark.attack(69, 87)
def test_two_jobs_do_not_draw_the_same_numbers_from_the_system(act):
    """Forks of one process share what it drew at its start; what is drawn for secrets must not be of that."""
    code = "import os, secrets, uuid; answer = {'drawn': [os.urandom(8).hex(), secrets.token_hex(8), uuid.uuid4().hex]}"
    drawn = [tuple(seen(act(code))["drawn"]) for _ in range(3)]
    assert len({word for words in drawn for word in words}) == 9


@pytest.mark.attack(49, 87, 89)
@pytest.mark.parametrize("is_warm", [True, False], ids=["warmed", "cold"])
def test_a_job_stands_with_no_power_and_with_nothing_shared_that_can_be_written(box, tmp_path, is_warm):
    """Seen from within: capabilities, filter, maps, descriptors, and the files of /proc."""
    program = tmp_path / "seen.py"
    program.write_text(SEEN)
    ended = sandbox.run(program, files={}, request={}, limits=sandbox.Limits(wall_s=20), level=box, is_warm=is_warm)
    made = seen(ended)
    assert set(made["capabilities"]) == {"0000000000000000"}
    assert (made["NoNewPrivs"], made["Seccomp"], made["Groups"]) == ("1", "2", "")
    assert made["shared"] == []
    assert set(made["machine"]) <= {"/proc/sys/kernel/ns_last_pid"}  # of its own namespace, and refused when written
    assert len(made["open"]) == 4


SEEN = """
import os

def main(request, box):
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    maps = [line.split() for line in open("/proc/self/maps")]
    machine = []
    for top in ("/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/driver"):
        for folder, _, names in os.walk(top):
            for name in names:
                try:
                    os.close(os.open(os.path.join(folder, name), os.O_WRONLY))
                    machine.append(os.path.join(folder, name))
                except OSError:
                    pass
    for name in ("sysrq-trigger", "kcore", "kmsg", "mtrr", "timer_list", "slabinfo"):
        try:
            os.close(os.open("/proc/" + name, os.O_WRONLY))
            machine.append(name)
        except OSError:
            pass
    return {
        "capabilities": [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
        **{name: status[name].strip() for name in ("NoNewPrivs", "Seccomp", "Groups")},
        "shared": [line[-1] for line in maps if line[1][3] == "s" and "w" in line[1]],
        "machine": machine,
        "open": [n for n in os.listdir("/proc/self/fd") if os.path.lexists("/proc/self/fd/" + n)],
    }
"""


# --- talking (89) ------------------------------------------------------------------------------


@pytest.mark.attack(89)
def test_two_jobs_at_once_find_no_way_to_talk(act):
    """Names, files, locks, queues: whatever one puts up, the other looks for while it stands."""
    token = uuid.uuid4().hex
    put = f"""
        import ctypes, fcntl, os, socket, time
        token = {token!r}
        libc = ctypes.CDLL(None)
        done = []
        def tried(name, do):
            try:
                do()
                done.append(name)
            except (OSError, AttributeError, ZeroDivisionError):
                pass
        kept = []
        for place in ("/tmp", "/dev/shm", "/var/tmp", "/run", "/box", "/"):
            tried("file", lambda: open(f"{{place}}/{{token}}", "w").write("x"))
            tried("pipe", lambda: os.mkfifo(f"{{place}}/{{token}}.pipe"))
        for name in ("\\0" + token, f"/tmp/{{token}}.socket"):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                one = socket.socket(socket.AF_UNIX, kind)
                kept.append(one)
                tried("socket", lambda: one.bind(name))
                tried("socket", lambda: one.listen())
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                one = socket.socket(family)
            except OSError:
                continue
            kept.append(one)
            tried("port", lambda: (one.bind(("", 45454)), one.listen()))
        tried("queue", lambda: 1 / (libc.mq_open(b"/" + token.encode(), 0o102, 0o666, None) >= 0))
        for path in ("/box/programs/start.py", "/usr/lib", "/dev/null", "/dev/zero", os.__file__):
            tried("lock", lambda: (kept.append(os.open(path, os.O_RDONLY)), fcntl.flock(kept[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)))
        time.sleep(2.5)
        answer = {{"done": sorted(set(done))}}
    """
    look = f"""
        import ctypes, fcntl, os, socket, time
        token = {token!r}
        libc = ctypes.CDLL(None)
        time.sleep(0.7)
        found = []
        for top in ("/tmp", "/dev/shm", "/var/tmp", "/run", "/box", "/", "/dev", "/proc"):
            try:
                found += [name for name in os.listdir(top) if token in name]
            except OSError:
                pass
        found += [line for line in open("/proc/net/unix") if token in line] if os.path.exists("/proc/net/unix") else []
        for name in ("\\0" + token, f"/tmp/{{token}}.socket"):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                try:
                    socket.socket(socket.AF_UNIX, kind).connect(name)
                    found.append("socket")
                except OSError:
                    pass
        for host in ("127.0.0.1", "::1", "0.0.0.0"):
            try:
                socket.create_connection((host, 45454), timeout=0.3)
                found.append("port")
            except OSError:
                pass
        if getattr(libc, "mq_open", None) and libc.mq_open(b"/" + token.encode(), 0, 0, None) >= 0:
            found.append("queue")
        answer = {{"found": found}}
    """
    ends = []
    one = threading.Thread(target=lambda: ends.append(act(put)))
    one.start()
    made = seen(act(look))
    one.join()
    assert "file" in seen(ends[0])["done"], "nothing was put up, so that finding nothing proves nothing"
    assert made["found"] == []


LOCKS = """
import fcntl, os, time
held, got = [], []
for path in ("/box/programs/start.py", os.__file__, "/etc/ld.so.cache", "/dev/null", "/dev/zero", "/usr/lib", "/box"):
    for name, lock in {
        "flock": lambda n: fcntl.flock(n, fcntl.LOCK_EX | fcntl.LOCK_NB),
        "shared": lambda n: fcntl.lockf(n, fcntl.LOCK_SH | fcntl.LOCK_NB),
        "of the open file": lambda n: fcntl.fcntl(n, 37, b"\\0" * 32),
        "lease": lambda n: fcntl.fcntl(n, 1024, 0),
        "asked": lambda n: fcntl.fcntl(n, 5, b"\\1" + b"\\0" * 31),
        "notice": lambda n: fcntl.fcntl(n, 1026, 0x3F),
    }.items():
        try:
            held.append(os.open(path, os.O_RDONLY))
            lock(held[-1])
            got.append(f"{name} {path}")
        except OSError:
            pass
time.sleep(SLEEP)
answer = {"got": got}
"""


@pytest.mark.attack(89)
def test_a_lock_on_a_file_of_the_machine_is_seen_by_nobody_else(act):
    """Libraries are the same files in every box and out here: a lock on one would be a bit that two boxes share."""
    alone = seen(act(LOCKS.replace("SLEEP", "0")))["got"]
    holder = threading.Thread(target=act, args=(LOCKS.replace("SLEEP", "2.5"),))
    holder.start()
    time.sleep(1)
    beside = seen(act(LOCKS.replace("SLEEP", "0")))["got"]
    with Path(os.__file__).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where the box's lock is real
    assert holder.is_alive()
    holder.join()
    assert beside == alone
    assert not [way for way in alone if way.startswith(("lease", "notice"))]


@pytest.mark.attack(89)
def test_nothing_in_the_box_is_told_who_opens_a_file_of_the_machine(act):
    made = seen(
        act(
            """
            import ctypes
            libc = ctypes.CDLL(None)
            answer = {"made": [name for name in ("inotify_init", "inotify_init1") if getattr(libc, name)(0) >= 0]}
            """
        )
    )
    assert made == {"made": []}


# --- one run for one fault (71, 92), and what is kept (88) ----------------------------------------

CRASHES = [
    pytest.param("import os\nos._exit(0)", id="an exit"),
    pytest.param("import ctypes\nctypes.string_at(0)", id="a crash"),
    pytest.param("x = bytearray(10**12)", id="memory"),
    pytest.param("raise ValueError", id="an exception"),
    pytest.param("import time\ntime.sleep(60)", id="a sleep"),
    pytest.param("import os, signal\nos.kill(0, signal.SIGKILL)\nraise KeyboardInterrupt", id="a kill"),
]


@pytest.fixture
def graded(tmp_path, box, monkeypatch):
    """Have a model.py described by the runner of the grader: the evidence, and how often the box was entered."""

    def run(code, *, cache=None, **limits):
        folder = tmp_path / "hand-in"
        folder.mkdir(exist_ok=True)
        (folder / "model.py").write_text(code)
        (folder / "submission.json").write_text('{"assignment": "digits"}')
        submission = read_submission(folder)
        model = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "input": [1, 28, 28]}
        job = describe_job(submission, model)
        entered, real = [], sandbox.run
        monkeypatch.setattr(sandbox, "run", lambda *words, **more: entered.append(1) or real(*words, **more))
        runner = LocalRunner(Bench(sandbox.Limits(**{"wall_s": 30, **limits}), box), cache=cache, workers=1)
        evidence = runner(Plan.of([(job, submission.root)]))[job]
        monkeypatch.setattr(sandbox, "run", real)
        return evidence, len(entered)

    return run


@pytest.mark.attack(71, 92)
@pytest.mark.parametrize("code", CRASHES)
def test_a_crash_is_run_once(graded, code):
    """An end by a signal, which may have come from outside, once more: what the code does, it does again."""
    evidence, times = graded(code, wall_s=3)
    assert evidence.status is EvidenceStatus.STUDENT_FAULT
    assert times == (2 if evidence.problem.code == "signal" else 1)


@pytest.mark.attack(71)
def test_another_try_meets_the_same_dice(graded):
    """A network that fails or shines by luck has the same luck each time."""
    code = """
import random, torch
from torch import nn
def build_model():
    raise ValueError(f"drawn {torch.rand(3).tolist()}")
"""
    drawn = {graded(code)[0].problem.what for _ in range(3)}
    assert len(drawn) == 1
    assert "drawn [0." in drawn.pop()


@pytest.mark.attack(88)
def test_what_is_kept_is_not_within_reach_and_stays_as_it_was(graded, tmp_path):
    cache = Cache(tmp_path / "cache")
    honest = "from torch import nn\ndef build_model():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
    first, times = graded(honest, cache=cache)
    assert (first.status, times) == (EvidenceStatus.DONE, 1)
    kept = {path: path.read_bytes() for path in cache.folder.rglob("*.json")}
    evil = f"""
import os
for top, _, names in os.walk("/"):
    if top.startswith(("/proc", "/usr")):
        continue
    for name in names:
        if "{cache.folder.name}" in top.split("/")[-2:] or name.endswith(".json"):
            try:
                open(os.path.join(top, name), "w").write("poison")
            except OSError:
                pass
assert not os.path.exists({str(cache.folder)!r}), "ESCAPED"
{honest}
"""
    evidence, _ = graded(evil, cache=cache)
    assert evidence.status is EvidenceStatus.DONE
    assert {path: path.read_bytes() for path in kept} == kept
    again, times = graded(honest, cache=cache)
    assert (again, times) == (first, 0)


@pytest.mark.attack(88)
def test_a_result_is_kept_under_all_that_it_depends_on(graded, tmp_path):
    """Same file, other limits of a student's making, other code: no result stands for another."""
    cache = Cache(tmp_path / "cache")
    net = "from torch import nn\ndef build_model():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, {}))\n"
    ten, eleven = graded(net.format(10), cache=cache)[0], graded(net.format(11), cache=cache)[0]
    assert ten.key != eleven.key
    assert ten.result != eleven.result
