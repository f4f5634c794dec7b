# ruff: noqa: E501 - cases stand on one line
"""Memory, processes and files of every kind end at their caps: attacks 72 to 75, beside those of test_sandbox.py.

Each payload stops by itself a little above the cap, so that a cap that failed would be seen and not felt.
"""

import os
import threading

import pytest

from grader import sandbox

pytestmark = pytest.mark.sandbox

MB = 2**20


def seen(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result


def fault(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem


# --- memory (72) -------------------------------------------------------------------------------

HOARD = """
import ctypes, mmap, os, socket, time
MB = 2**20
libc = ctypes.CDLL(None, use_errno=True)
def refused(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result
def one(held):
    MAKE
held, kept, ended = 0, [], "none"
try:
    for _ in range(1200):  # bounded: 1,200 MB where nothing stops it
        kept.append(one(held))
        held += MB
except (MemoryError, OSError, ValueError, BufferError) as error:
    ended = type(error).__name__
time.sleep(0.35)  # the parent looks ten times a second
answer = {"held": held, "ended": ended}
"""


@pytest.mark.attack(72)
@pytest.mark.parametrize(
    ("make", "most_mb"),
    [
        pytest.param("return bytearray(b'x') * MB", 512, id="plain objects"),
        pytest.param("m = mmap.mmap(-1, MB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); m.write(b'x' * MB); return m", 512, id="private maps"),
        pytest.param("m = mmap.mmap(-1, MB); m.write(b'x' * MB); return m", 512, id="shared maps"),
        pytest.param("f = open(f'/tmp/{held}', 'wb', 0); assert f.write(bytes(MB)) == MB or 1 / 0; return f", 4, id="files in /tmp"),
        pytest.param("f = open('/tmp/one', 'ab', 0); os.unlink('/tmp/one'); f.write(bytes(MB)); f.write(b'x'); return f", 4, id="removed files that are open"),
        pytest.param("f = open(f'/dev/shm/{held}', 'wb', 0); f.write(bytes(MB)); f.write(b'x'); return f", 4, id="shared memory"),
        pytest.param("f = open('/dev/shm/one', 'ab', 0); f.write(bytes(MB)); f.write(b'x'); return mmap.mmap(f.fileno(), held + MB, prot=1)", 4, id="a mapped file in shared memory"),
        pytest.param("n = os.memfd_create('x'); os.write(n, bytes(MB)); return n", 0, id="memfd"),
        pytest.param("return refused(libc.memfd_secret(0) if hasattr(libc, 'memfd_secret') else libc.syscall(447, 0))", 0, id="secret memory"),
        pytest.param("return refused(libc.shmget(0, MB, 0o1600))", 0, id="System V segments"),
        pytest.param("return refused(libc.msgget(0, 0o1600))", 0, id="System V queues"),
        pytest.param("return refused(libc.semget(0, 100, 0o1600))", 0, id="System V semaphores"),
        pytest.param("return refused(libc.syscall(425, 4096, bytes(200)))", 0, id="io_uring"),
        pytest.param("ends = [os.pipe() for _ in range(16)]; [(os.set_blocking(w, False), os.write(w, bytes(65536))) for _, w in ends]; return ends", 64, id="full pipes"),
        pytest.param("a, b = socket.socketpair(); a.setblocking(False); a.setsockopt(1, 7, 10 * MB); a.send(bytes(MB)); return a, b", 256, id="full sockets"),
    ],
)  # fmt: skip
def test_no_kind_of_memory_grows_beyond_its_cap(act, make, most_mb):
    ended = act(HOARD.replace("MAKE", make), memory_mb=512, tmpfs_mb=4)
    if isinstance(ended, sandbox.StudentFault):
        assert ended.problem.code == "memory"
        assert ended.limit == "512 MB"
    else:
        made = seen(ended)
        assert made["ended"] != "none"
        assert made["held"] <= most_mb * MB


@pytest.mark.attack(72)
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("hog = [bytearray(b'x') * 2**20 for _ in range(3000)]", id="a list"),
        pytest.param("x = 'x'\nwhile True: x += x", id="a text that doubles"),
        pytest.param("x = ()\nwhile True: x = (x, x, *x)", id="tuples of tuples"),
        pytest.param("import itertools\nx = list(itertools.repeat('a' * 99, 10**10))", id="a list asked for at once"),
        pytest.param("x = 10**(10**10)", id="one number"),
        pytest.param("x = {n: str(n) * 99 for n in range(10**9)}", id="a dictionary"),
        pytest.param("x = b''.join(bytes(2**20) for _ in range(10**6))", id="bytes joined"),
        pytest.param("import sys\nsys.setrecursionlimit(10**9)\ndef g(n): return g(n + 1)\ng(0)", id="frames"),
    ],
)
def test_memory_without_end_is_a_finding_that_names_the_limit(student, lines):
    ended = student(f"{lines}\ndef f(): return 1\n", memory_mb=512, cpu_s=3)
    assert fault(ended).code in ("memory", "cpu-time")
    assert ended.limit


@pytest.mark.attack(72, 73)
def test_children_cannot_share_out_what_one_may_not_have(student):
    code = """
        import os, time
        for _ in range(6):
            if os.fork() == 0:
                hog = bytearray(b"x") * (150 * 2**20)
                time.sleep(20)
                os._exit(0)
        def f():
            time.sleep(5)
            return 1
    """
    ended = student(code, memory_mb=512)
    assert fault(ended).code == "memory"
    assert ended.seconds < 5


def test_memory_that_forks_share_is_counted_once(student):
    """A data loader forks workers that hold nothing of their own: many times one network is not their memory."""
    code = """
        import os, time
        kept = bytearray(b"x") * (150 * 2**20)
        children = []
        for _ in range(6):
            child = os.fork()
            if child == 0:
                time.sleep(1)
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        def f():
            return len(kept)
    """
    assert seen(student(code, memory_mb=512)) == {"value": 150 * MB}


# --- processes (73) ----------------------------------------------------------------------------


@pytest.mark.attack(73)
@pytest.mark.parametrize(
    "start",
    [
        pytest.param("os.fork() or (time.sleep(8), os._exit(0))", id="fork"),
        pytest.param("os.posix_spawn('/proc/self/exe', ['p', '-I', '-S', '-c', 'import time; time.sleep(8)'], {})", id="vfork"),
        pytest.param("threading.Thread(target=time.sleep, args=(8,), daemon=True).start()", id="threads"),
        pytest.param("(os.fork() or (time.sleep(8), os._exit(0))) if n % 2 else threading.Thread(target=time.sleep, args=(8,), daemon=True).start()", id="both in turns"),
        pytest.param("os.fork() or (os.setsid(), os.setpgid(0, 0) if False else 0, time.sleep(8), os._exit(0))", id="in sessions of their own"),
        pytest.param("(resource.setrlimit(6, (9999, 9999)) if n == 0 else 0, os.fork() or (time.sleep(8), os._exit(0)))", id="after raising the limit"),
    ],
)  # fmt: skip
def test_no_way_of_starting_passes_the_cap(act, start):
    ended = act(
        f"""
        import os, resource, threading, time
        started = 0
        for n in range(120):
            try:
                {start}
            except (OSError, RuntimeError, ValueError):
                if n:
                    break
                continue
            started += 1
        answer = {{"started": started}}
        """,
        processes=16,
        memory_mb=2048,
    )
    assert seen(ended)["started"] < 16


@pytest.mark.attack(73)
def test_a_bomb_that_forks_in_every_child_is_over_with_its_job(student):
    code = """
        import os, time
        end = time.monotonic() + 60  # bounded: each of them stops by itself
        while time.monotonic() < end:
            try:
                os.fork()
            except OSError:
                time.sleep(0.01)
    """
    ended = student(code, processes=24, wall_s=3, cpu_s=20)
    assert isinstance(ended, sandbox.StudentFault)
    assert ended.seconds < 50


@pytest.mark.attack(73)
def test_the_cap_of_one_is_not_the_cap_of_another(act):
    """A neighbour at its cap: an honest job beside it starts its threads all the same."""
    bomb = threading.Thread(
        target=act,
        args=("import os, time\nfor _ in range(60):\n  try:\n    os.fork() or (time.sleep(3), os._exit(0))\n  except OSError: break\ntime.sleep(2)",),
        kwargs={"processes": 20},
    )  # fmt: skip
    bomb.start()
    made = seen(
        act(
            """
            import threading, time
            time.sleep(0.5)
            counted = threading.Event()
            threads = [threading.Thread(target=counted.wait) for _ in range(10)]
            for one in threads: one.start()
            answer = {"alive": sum(one.is_alive() for one in threads)}
            counted.set()
            """,
            processes=20,
        )
    )
    bomb.join()
    assert made["alive"] == 10


# --- files (74) --------------------------------------------------------------------------------


@pytest.mark.attack(74)
@pytest.mark.parametrize(
    "make",
    [
        pytest.param("open(f'/tmp/{n}', 'w').close()", id="empty files"),
        pytest.param("os.mkdir(f'/dev/shm/{n}')", id="folders"),
        pytest.param("os.symlink('x', f'/tmp/{n}')", id="links"),
        pytest.param("os.mkfifo(f'/tmp/{n}')", id="pipes with names"),
        pytest.param("open(f'/tmp/{n}' + 'n' * 200, 'w').close()", id="long names"),
        pytest.param("(os.mkdir('d'), os.chdir('d'))", id="folder in folder"),
    ],
)
def test_no_kind_of_entry_passes_the_cap(student, monkeypatch, make):
    for module in ("process", "verdict"):
        monkeypatch.setattr(f"grader.sandbox.{module}.MOST_FILES", 300)
    ended = student(
        f"import os, time\nos.chdir('/tmp')\nfor n in range(900):\n    {make}\ntime.sleep(20)\n", tmpfs_mb=16
    )
    assert (fault(ended).code, ended.limit) == ("files", "300 files")
    assert ended.seconds < 10


@pytest.mark.attack(74)
@pytest.mark.parametrize(
    "write",
    [
        pytest.param("open('/tmp/large', 'wb').write(bytes(50 * 2**20))", id="at once"),
        pytest.param("[open(f'/tmp/{n}', 'wb').write(bytes(2**20)) for n in range(50)]", id="in parts"),
        pytest.param("os.posix_fallocate(os.open('/tmp/large', os.O_CREAT | os.O_RDWR), 0, 50 * 2**20)", id="asked for"),
        pytest.param("os.pwrite(os.open('/tmp/large', os.O_CREAT | os.O_RDWR), b'x', 2**40)", id="far behind"),
        pytest.param("open('/tmp/large', 'wb').truncate(2**45)", id="a hole"),
        pytest.param("os.sendfile(os.open('/tmp/large', os.O_CREAT | os.O_RDWR), os.open('/dev/zero', 0), 0, 50 * 2**20) == 50 * 2**20 or 1 / 0", id="by the kernel"),
    ],
)  # fmt: skip
def test_no_way_of_writing_passes_the_size_of_the_folder(student, write):
    ended = student(
        f"import os, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n{write}\ndef f(): return 1\n", tmpfs_mb=4
    )
    assert isinstance(ended, sandbox.StudentFault)


@pytest.mark.attack(74)
def test_the_graders_own_disk_is_not_written(student, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "private"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "private").mkdir()
    student("for n in range(30):\n  open(f'/tmp/{n}', 'wb').write(bytes(2**17))\ndef f(): return 1\n", tmpfs_mb=4)
    left = [path for path in (tmp_path / "private").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in left) < MB
    assert not [path for path in left if path.name.isdigit()]


# --- CPU (75) ----------------------------------------------------------------------------------


@pytest.mark.attack_partly(75)
@pytest.mark.parametrize("word", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"])
def test_no_library_starts_more_threads_than_one_by_itself(act, word):
    assert seen(act(f"import os; answer = {{'threads': os.environ[{word!r}]}}")) == {"threads": "1"}


@pytest.mark.attack_partly(75)
def test_many_threads_are_counted_together(student):
    """More cores do not give more CPU time: the sum is what counts."""
    code = f"import os\nfor _ in range(3): os.fork()\nwhile True: pass  # {os.cpu_count()} cores\n"
    ended = student(code, cpu_s=1)
    assert fault(ended).code == "cpu-time"
    assert ended.cpu_seconds < 4
