"""Each denial of Landlock is tried in a process of its own: what is not named is out of reach, for good."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from grader.sandbox.programs import landlock

TRY = """
import ctypes, errno, json, os, signal, socket, sys
sys.path.insert(0, sys.argv[1])
import landlock
def tried(do):
    try:
        return do() or "done"
    except OSError as error:
        return errno.errorcode[error.errno]
    except ValueError as error:
        return str(error)
readable, writable, alone, at = json.loads(sys.argv[2])
home = [path for path in (sys.base_prefix + "/lib", "/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/nowhere")]
version = landlock.restrict([*home, *readable], writable, alone=alone)
answer = {}
"""
pytestmark = pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")


@pytest.fixture
def ground(tmp_path):
    for name in ("open", "work", "shut"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("text")
    (tmp_path / "single").write_text("one")
    (tmp_path / "tool").write_text("#!/bin/true\n")
    return tmp_path


def seen(ground, code, *, readable=("open", "single"), writable=("work",), alone=False, **settings):
    """What the lines left in `answer`, after the restriction."""
    programs = str(Path(landlock.__file__).parent)
    asked = [[str(ground / name) for name in readable], [str(ground / name) for name in writable], alone, str(ground)]
    script = [sys.executable, "-I", "-c", f"{TRY}{code}\nprint(json.dumps(answer))", programs, json.dumps(asked)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False, **settings)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def holds_since(version, answer, wanted):
    """A denial that this kernel may be too old for: then it must say so in its version."""
    if landlock.abi() < version:
        pytest.skip(f"this kernel has version {landlock.abi()} of Landlock, this came with {version}")
    assert answer == wanted


@pytest.mark.attack_partly(43)
def test_what_is_not_named_cannot_be_opened_listed_or_executed(ground):
    code = """
answer["named"] = [open(f"{at}/open/file").read(), open(f"{at}/single").read(), open(f"{at}/work/file").read()]
answer["read"] = tried(lambda: open(f"{at}/shut/file"))
answer["list"] = tried(lambda: os.listdir(f"{at}/shut"))
answer["up"] = tried(lambda: open(f"{at}/open/../shut/file"))
answer["link"] = tried(lambda: (os.symlink(f"{at}/shut/file", f"{at}/work/link"), open(f"{at}/work/link")))
answer["execute"] = tried(lambda: os.execv("/bin/true", ["true"]))
answer["passwd"] = tried(lambda: open("/etc/passwd"))
answer["environment"] = tried(lambda: open(f"/proc/{os.getppid()}/environ"))
"""
    assert seen(ground, code) == {
        "named": ["text", "one", "text"],
        **dict.fromkeys(("read", "list", "up", "link", "execute", "passwd", "environment"), "EACCES"),
    }


@pytest.mark.attack_partly(45)
def test_only_what_is_writable_is_written_and_nothing_there_is_executed(ground):
    code = """
def write(path):
    with open(path, "w") as file:
        file.write("new")
for name in ("open/file", "open/new", "single", "shut/new", "work/file", "work/new"):
    answer[name] = tried(lambda: write(f"{at}/{name}"))
answer["remove"] = tried(lambda: os.unlink(f"{at}/open/file"))
answer["move"] = tried(lambda: os.rename(f"{at}/work/new", f"{at}/open/moved"))
answer["make"] = tried(lambda: (os.mkdir(f"{at}/work/sub"), os.rename(f"{at}/work/file", f"{at}/work/sub/file"))[0])
answer["device"] = tried(lambda: os.mknod(f"{at}/work/null", 0o20600, os.makedev(1, 3)))
os.chmod(f"{at}/work/new", 0o755)
answer["execute"] = tried(lambda: os.execv(f"{at}/work/new", ["new"]))
"""
    answer = seen(ground, code)
    assert {name for name, end in answer.items() if end == "done"} == {"work/file", "work/new", "make"}
    assert {answer.pop("move"), answer.pop("device")} <= {"EXDEV", "EACCES", "EPERM"}
    assert set(answer.values()) == {"done", "EACCES"}
    assert (ground / "open/file").read_text() == "text"


def test_a_single_file_may_be_written_where_it_is_named(ground):
    code = """
answer["null"] = tried(lambda: open("/dev/null", "w").close())
answer["zero"] = tried(lambda: open("/dev/zero").close())
answer["single"] = tried(lambda: open(f"{at}/single", "r+").close())
"""
    assert seen(ground, code, writable=("work", "/dev/null", "single")) == {
        "null": "done", "zero": "EACCES", "single": "done",
    }  # fmt: skip


def test_a_file_is_not_cut_short_by_its_path(ground):
    answer = seen(ground, 'answer["end"] = tried(lambda: os.truncate(f"{at}/open/file", 0))')
    holds_since(3, answer, {"end": "EACCES"})
    assert (ground / "open/file").read_text() == "text"


@pytest.mark.attack_partly(44)
def test_tcp_is_off(ground):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"""
answer["connect"] = tried(lambda: socket.create_connection(("127.0.0.1", {port}), 5))
answer["bind"] = tried(lambda: socket.socket().bind(("127.0.0.1", 0)))
"""
        holds_since(4, seen(ground, code), {"connect": "EACCES", "bind": "EACCES"})


def test_a_device_that_is_only_readable_takes_no_commands(ground):
    code = """
import fcntl
with open("/dev/urandom", "rb") as device:
    answer["end"] = tried(lambda: fcntl.ioctl(device, 0x80045200, bytes(4)) and "")  # asks for a number
"""
    holds_since(5, seen(ground, code, readable=("open", "/dev/urandom")), {"end": "EACCES"})


@pytest.mark.attack(49)
def test_signals_reach_only_its_own(ground):
    code = """
answer["parent"] = tried(lambda: os.kill(os.getppid(), 0))
pid = os.fork()
if pid == 0:
    signal.pause()
answer["child"] = tried(lambda: os.kill(pid, signal.SIGKILL))
os.waitpid(pid, 0)
"""
    holds_since(6, seen(ground, code, alone=True), {"parent": "EPERM", "child": "done"})
    # Where namespaces stand around it there is no need, and nothing is in the way.
    assert seen(ground, code, alone=False) == {"parent": "done", "child": "done"}


@pytest.mark.attack_partly(89)
def test_abstract_sockets_reach_only_its_own(ground):
    name = f"\0grader-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        code = f"""
name = {name!r}
answer["others"] = tried(lambda: socket.socket(socket.AF_UNIX).connect(name))
own = socket.socket(socket.AF_UNIX)
own.bind(name + "-own")
own.listen()
answer["own"] = tried(lambda: socket.socket(socket.AF_UNIX).connect(name + "-own"))
"""
        holds_since(6, seen(ground, code, alone=True), {"others": "EPERM", "own": "done"})


@pytest.mark.attack(49)
def test_the_memory_of_others_is_out_of_reach(ground):
    code = """
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
buffer = ctypes.create_string_buffer(8)
class Part(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t)]
here = Part(ctypes.addressof(buffer), 8)
parent = os.getppid()
answer["ptrace"] = tried(lambda: call("ptrace", 16, parent, None, None))
answer["read"] = tried(lambda: call("process_vm_readv", parent, ctypes.byref(here), 1, ctypes.byref(here), 1, 0))
answer["mem"] = tried(lambda: open(f"/proc/{parent}/mem"))
"""
    answer = seen(ground, code, readable=("open", "/proc"))
    assert set(answer.values()) <= {"EPERM", "EACCES"}, answer


def test_it_holds_for_children_and_programs_and_cannot_be_undone(ground):
    code = """
import subprocess
again = tried(lambda: landlock.restrict(["/"], ["/"], alone=False) and "done")
pid = os.fork()
if pid == 0:
    os._exit(0 if tried(lambda: open(f"{at}/shut/file")) == "EACCES" else 1)
answer = [again, os.waitpid(pid, 0)[1], tried(lambda: open(f"{at}/shut/file"))]
done = subprocess.run([sys._base_executable, "-I", "-c", f"open('{at}/shut/file')"], capture_output=True, text=True)
answer.append(done.stderr.strip().rpartition("\\n")[2].partition(":")[0])
"""
    assert seen(ground, code, readable=("open", Path(sys.base_prefix))) == ["done", 0, "EACCES", "PermissionError"]


def test_a_thread_that_would_go_on_unrestricted_is_refused():
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        with pytest.raises(OSError, match="threads are running"):
            landlock.restrict([], [], alone=False)
    finally:
        end.set()
        thread.join()
    assert Path("/etc/passwd").read_text()


@pytest.mark.parametrize("claimed", [1, 2, 3, 5, 9, 99])
def test_a_version_that_the_kernel_does_not_keep_is_stepped_down(ground, claimed):
    """Older than what is here, or more than it can do."""
    code = f"""
pid = os.fork()  # restricted once already: a second layer
if pid == 0:
    landlock.abi = lambda: {claimed}
    version = landlock.restrict([f"{{at}}/open"], [], alone=True)
    os._exit(version if tried(lambda: open(f"{{at}}/work/file")) == "EACCES" else 100)
answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""
    used = seen(ground, code)  # some versions bring no new right, so that they cannot be told apart
    assert landlock._sum(landlock._SINCE, used) == landlock._sum(landlock._SINCE, min(claimed, landlock.abi()))


def test_without_landlock_it_says_so_and_restricts_nothing(monkeypatch):
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(landlock, "_refuse_threads", lambda: None)
    with pytest.raises(OSError, match="no Landlock"):
        landlock.restrict([], [], alone=False)
    assert Path("/etc/passwd").read_text()
