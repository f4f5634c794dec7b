# ruff: noqa: E501 - cases stand on one line
"""What hostile code looks and reaches for, way by way: attacks 42 to 45, 48 and 49, beside those of test_sandbox.py.

The promise is about the class, not the example: each test walks through the ways that there are. None needs torch.
"""

import contextlib
import os
import socket
import threading
import uuid
from pathlib import Path

import pytest

from grader import sandbox

pytestmark = pytest.mark.sandbox


def seen(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result


def fault(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem


# --- what is not there (42, 43, 48) ------------------------------------------------------------

SCAN = """
import os, re
def memory_of(pid):
    # Every readable byte of a process, map by map.
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if found and "[v" not in line:
                start, stop = (int(word, 16) for word in found.groups())
                try:
                    memory.seek(start)
                    yield memory.read(min(stop - start, 2**27))
                except (OSError, OverflowError, ValueError):
                    pass
"""


@pytest.mark.attack(42)
def test_no_process_in_sight_has_our_environment(act, monkeypatch):
    monkeypatch.setenv("GRADER_TEST_SECRET", "hunter2-hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-hunter2")
    made = seen(
        act(
            """
            import ctypes, os
            found = [str(dict(os.environ)), str(os.environb)]
            libc = ctypes.CDLL(None)
            libc.getenv.restype = ctypes.c_char_p
            found += [str(libc.getenv(name)) for name in (b"GRADER_TEST_SECRET", b"AWS_SECRET_ACCESS_KEY", b"PATH")]
            for top in ["/proc/self", "/proc/thread-self"] + [f"/proc/{p}" for p in os.listdir("/proc") if p.isdigit()]:
                for name in ("environ", "cmdline", "comm", "auxv", "stat", "task/1/environ"):
                    try:
                        found.append(open(f"{top}/{name}", "rb").read().decode("latin-1"))
                    except OSError:
                        pass
            answer = {"found": [one for one in found if "hunter2" in one]}
            """
        )
    )
    assert made["found"] == []


@pytest.mark.attack(42, 69, 87)
def test_the_memory_of_the_box_holds_nothing_of_the_grader_nor_of_the_job_before(act, monkeypatch):
    """Every readable byte of its own process: a fork would inherit whatever its parent had read."""
    words = [uuid.uuid4().hex for _ in range(3)]
    monkeypatch.setenv("GRADER_TEST_SECRET", words[0])
    kept = [f"label {words[1]}" * 100]  # in the memory of the grader, as labels are
    act(f"word = '{words[2]}'; more = [word + str(n) for n in range(1000)]; answer = {{}}")
    backwards = [word[::-1] for word in words]  # so that the question is not its own answer
    made = seen(
        act(
            SCAN
            + f"""
words = [word[::-1].encode() for word in {backwards!r}]
hits = [0, 0, 0]
for block in memory_of("self"):
    for at, word in enumerate(words):
        # One place is the word that was just made; each further copy came from elsewhere.
        hits[at] += block.count(word)
answer = {{"hits": hits}}
""",
            wall_s=60,
        )
    )
    assert kept
    # The words made in the question itself may be found a few times (the string, a buffer); none a hundred times.
    assert min(made["hits"]) >= 1, "the search does not see its own memory"
    assert max(made["hits"]) < 20, made
    assert abs(made["hits"][0] - made["hits"][1]) < 15


@pytest.mark.attack(43)
def test_no_way_leads_to_a_file_outside(act, tmp_path):
    canary, word = tmp_path / "canary.txt", uuid.uuid4().hex
    canary.write_text(word)
    canary.chmod(0o666)
    tmp_path.chmod(0o777)
    made = seen(
        act(
            f"""
            import ctypes, os
            target = {str(canary)!r}
            libc = ctypes.CDLL(None, use_errno=True)
            roots = ["", "/proc/self/root", "/proc/1/root", "/proc/self/cwd/..", "/proc/1/cwd/../../..", "/box/submission/..",
                     "/proc/self/task/1/root", "//", "/./../..", "/dev/fd/../../root", *(f"/proc/self/fd/{{n}}/.." for n in range(9))]
            ways = {{}}
            for root in roots:
                path = root + target
                for name, do in {{
                    "open": lambda p: open(p).read(), "stat": os.stat, "lstat": os.lstat, "access": lambda p: 1 / os.access(p, 0),
                    "list": lambda p: os.listdir(os.path.dirname(p)), "scan": lambda p: list(os.scandir(os.path.dirname(p))),
                    "link": lambda p: os.link(p, "/tmp/link"), "rename": lambda p: os.rename(p, "/tmp/x"),
                    "path": lambda p: os.open(p, os.O_PATH), "chmod": lambda p: os.chmod(p, 0o777), "utime": os.utime,
                    "truncate": lambda p: os.truncate(p, 0), "unlink": os.unlink, "write": lambda p: open(p, "w").write("gone"),
                    "make": lambda p: os.mkdir(p + ".d"), "statvfs": os.statvfs, "chdir": lambda p: os.chdir(os.path.dirname(p)),
                    "xattr": os.listxattr, "exec": lambda p: os.execv(p, [p]),
                }}.items():
                    try:
                        do(path)
                        ways[f"{{name}} {{root}}"] = "DONE"
                    except ZeroDivisionError:
                        pass
                    except OSError as error:
                        if type(error).__name__ not in ("FileNotFoundError", "NotADirectoryError", "PermissionError"):
                            ways[f"{{name}} {{root}}"] = type(error).__name__
            os.symlink(target, "/tmp/symbolic")
            for name, do in {{
                "symbolic": lambda: open("/tmp/symbolic").read(), "chroot": lambda: os.chroot("/proc/1/root"),
                "mknod": lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(8, 0)),
                "mount": lambda: 1 / (libc.mount(b"/", b"/tmp", None, 4096, None) + 1),
                "handle": lambda: 1 / (libc.syscall(303, -100, target.encode(), b"\\0" * 99, b"\\0" * 9, 0) + 1),
            }}.items():
                try:
                    do()
                    ways[name] = "DONE"
                except (OSError, ZeroDivisionError):
                    pass
            answer = {{"ways": ways, "open": isinstance(ways, dict)}}
            """
        )
    )
    assert made["ways"] == {}
    assert canary.read_text() == word
    assert not (tmp_path / "canary.txt.d").exists()


@pytest.mark.attack(43)
def test_what_is_outside_is_not_there_rather_than_forbidden(act, tmp_path):
    (tmp_path / "labels").write_text("7 2 1 0 4")
    paths = [str(tmp_path / "labels"), str(Path.home() / ".ssh"), __file__, "/etc/shadow", "/home", "/var/lib", "/run"]
    made = seen(
        act(
            f"""
            import os
            def tried(path):
                try:
                    os.stat(path)
                except OSError as error:
                    return type(error).__name__
                return "there"
            answer = {{path: tried(path) for path in {paths!r}}}
            """
        )
    )
    assert set(made.values()) == {"FileNotFoundError"}, made


@pytest.mark.attack(48)
def test_no_descriptor_of_ours_is_open_under_any_number(act, tmp_path):
    """A file, a folder, a listening socket and a pipe of ours: all inheritable, under numbers low and high."""
    secret = tmp_path / "secret"
    secret.write_text("labels")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        opened = [os.open(secret, os.O_RDWR), os.open(tmp_path, os.O_RDONLY), os.dup(server.fileno()), *os.pipe()]
        opened += [os.dup2(opened[0], number) for number in (700, 1000)]
        for number in opened:
            stack.callback(os.close, number)
            os.set_inheritable(number, True)
        made = seen(
            act(
                """
                import os, stat
                kinds = {}
                for number in range(1024):
                    try:
                        kinds[number] = stat.S_IFMT(os.fstat(number).st_mode)
                    except OSError:
                        continue
                listed = sorted(int(name) for name in os.listdir("/proc/self/fd"))
                def end(number):
                    try:
                        return os.readlink(f"/proc/self/fd/{number}")
                    except OSError:
                        return ""
                answer = {"open": {str(n): end(n) for n in kinds}, "listed": len(listed)}
                """
            )
        )
    kinds = {number: end.partition(":")[0] for number, end in made["open"].items()}
    assert len(kinds) == 4
    assert kinds["0"] == "/dev/null"
    assert set(kinds.values()) <= {"/dev/null", "pipe"}, kinds
    assert made["listed"] <= 5  # and the one that lists them
    assert secret.read_text() == "labels"


# --- what is off (44, 45, 49) ------------------------------------------------------------------


@pytest.mark.attack(44)
def test_no_family_of_sockets_reaches_anything(act, tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as unix, socket.create_server(("127.0.0.1", 0)) as server:
        unix.bind(str(path))
        unix.listen()
        path.chmod(0o777)
        server.settimeout(0.2)
        made = seen(
            act(
                f"""
                import socket
                port, path, reached = {server.getsockname()[1]}, {str(path)!r}, []
                def tried(name, family, kind, address, number=0):
                    try:
                        with socket.socket(family, kind, number) as one:
                            one.settimeout(0.5)
                            one.connect(address)
                            one.send(b"gone")
                            if kind == socket.SOCK_STREAM:
                                reached.append(name)
                    except (OSError, ValueError, OverflowError):
                        pass
                for host in ("127.0.0.1", "0.0.0.0", "127.1.2.3", "169.254.169.254", "10.0.0.1", "172.17.0.1", "192.168.0.1"):
                    tried(host, socket.AF_INET, socket.SOCK_STREAM, (host, port))
                for host in ("::1", "::ffff:127.0.0.1", "fe80::1"):
                    tried(host, socket.AF_INET6, socket.SOCK_STREAM, (host, port))
                tried("unix", socket.AF_UNIX, socket.SOCK_STREAM, path)
                tried("vsock", getattr(socket, "AF_VSOCK", 40), socket.SOCK_STREAM, (2, port))
                names = []
                for host in ("localhost.", "example.invalid", "metadata"):
                    try:
                        names += socket.getaddrinfo(host, 80)
                    except OSError:
                        pass
                raw = []
                for family, kind in ((socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW)):
                    try:
                        socket.socket(family, kind, 1).close()
                        raw.append(str(family))
                    except OSError:
                        pass
                try:
                    links = [name for _, name in socket.if_nameindex()]
                except OSError:
                    links = []
                answer = {{"reached": reached, "raw": raw, "links": links}}
                """,
                wall_s=40,
            )
        )
        with pytest.raises(TimeoutError):
            server.accept()
    assert made["reached"] == []
    assert made["raw"] == []
    assert made["links"] in (["lo"], [])


@pytest.mark.attack(44)
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            "import urllib.request; urllib.request.urlopen('http://example.invalid/weights.pth')", id="urllib"
        ),
        pytest.param("import socket; socket.create_connection(('192.0.2.1', 80), 1)", id="a socket"),
        pytest.param(
            "import http.client; http.client.HTTPConnection('192.0.2.1', timeout=1).request('GET', '/')", id="http"
        ),
    ],
)
def test_a_download_is_told_that_the_network_is_off(student, lines):
    problem = fault(student(f"{lines}\ndef f(): return 1\n"))
    assert "no network here" in problem.fix


@pytest.mark.attack(45)
def test_no_way_of_writing_touches_what_later_code_loads(act, tmp_path):
    model = tmp_path / "model.py"
    model.write_text("x = 1\n")
    made = seen(
        act(
            """
            import os, sys
            places = [os.__file__, "/box/programs/start.py", "/box/programs/channel.py", "/box/submission/model.py"]
            places += [p for p in (f"{s}/{n}" for s in sys.path for n in ("torch/__init__.py", "numpy/__init__.py")) if os.path.exists(p)]
            folders = sorted({os.path.dirname(p) for p in places} | {"/box/site/0", "/", "/box", "/proc/self", "/dev"})
            done = []
            def tried(name, do):
                try:
                    do()
                    done.append(name)
                except (OSError, AttributeError):
                    pass
            for p in places:
                tried(f"write {p}", lambda: open(p, "r+").write("x"))
                tried(f"append {p}", lambda: open(p, "a").write(""))
                tried(f"truncate {p}", lambda: os.truncate(p, 3))
                tried(f"chmod {p}", lambda: os.chmod(p, 0o777))
                tried(f"chown {p}", lambda: os.chown(p, 65534, 65534))
                tried(f"utime {p}", lambda: os.utime(p, (1, 1)))
                tried(f"unlink {p}", lambda: os.unlink(p))
                tried(f"rename {p}", lambda: os.rename(p, "/tmp/stolen.py"))
                tried(f"replace {p}", lambda: (open("/tmp/new.py", "w").close(), os.replace("/tmp/new.py", p)))
                tried(f"xattr {p}", lambda: os.setxattr(p, "user.x", b"x"))
            for f in folders:
                for name in ("sitecustomize.py", "usercustomize.py", "evil.pth", "torch.py"):
                    tried(f"make {f}/{name}", lambda: open(f"{f}/{name}", "w").close())
                tried(f"mkdir {f}", lambda: os.mkdir(f"{f}/__pycache__x"))
                tried(f"symlink {f}", lambda: os.symlink("/tmp", f"{f}/evil"))
                tried(f"link {f}", lambda: (open("/tmp/l.py", "w").close(), os.link("/tmp/l.py", f"{f}/l.py")))
                tried(f"fifo {f}", lambda: os.mkfifo(f"{f}/fifo"))
                tried(f"temporary {f}", lambda: os.close(os.open(f, os.O_TMPFILE | os.O_RDWR)))
            answer = {"done": done}
            """,
            files={"model.py": model},
        )
    )
    assert made["done"] == []
    assert model.read_text() == "x = 1\n"


@pytest.mark.attack(49, 89)
def test_a_neighbour_in_a_box_of_its_own_is_out_of_reach(act, tmp_path):
    """Two jobs at once: one tries every signal and every way into another's memory, the other just computes."""
    del tmp_path
    ends = []
    honest = threading.Thread(
        target=lambda: ends.append(act("import time; time.sleep(1.5); answer = {'sum': sum(range(100))}"))
    )
    honest.start()
    made = seen(
        act(
            f"""
            import ctypes, os, signal, time
            libc = ctypes.CDLL(None, use_errno=True)
            done, me = [], os.getpid()
            pids = [{os.getpid()}, {os.getppid()}, *range(1, 400)]
            patience = time.monotonic() + 1
            while time.monotonic() < patience:
                for pid in pids:
                    if pid == me:
                        continue
                    for number in (0, signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):
                        try:
                            os.kill(pid, number)
                            done.append(f"signal {{number}} to {{pid}}")
                        except OSError:
                            pass
                    for name in ("mem", "environ", "maps"):
                        try:
                            open(f"/proc/{{pid}}/{{name}}", "rb").read(1)
                            done.append(f"{{name}} of {{pid}}")
                        except OSError:
                            pass
                    for request in (16, 0x4206):  # attach, seize
                        if libc.ptrace(request, pid, 0, 0) == 0:
                            done.append(f"ptrace {{pid}}")
                    if libc.syscall(310, pid, b"\\0" * 16, 1, b"\\0" * 16, 1, 0) >= 0:
                        done.append(f"memory of {{pid}}")
                    if libc.syscall(434, pid, 0) >= 0:  # pidfd_open
                        done.append(f"pidfd of {{pid}}")
                    try:
                        os.sched_setaffinity(pid, [0])
                        done.append(f"affinity of {{pid}}")
                    except OSError:
                        pass
            answer = {{"done": sorted(set(done))}}
            """,
            wall_s=60,
        )
    )
    honest.join()
    assert made["done"] == []
    assert seen(ends[0]) == {"sum": 4950}
