# ruff: noqa: E501, S108 - cases stand on one line; paths are those of the box; dice are for tests
"""What hostile model code tries, and what must happen: sections 2 and 3 of the attack catalogue.

Every payload is harmless: marker and canary files, a loopback listener of the test itself, bounded memory, processes
that end by themselves. None needs torch, so that a job takes a tenth of a second.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from pathlib import Path

import pytest

from grader import sandbox
from grader.sandbox import boxes, layout, syscalls, usage, zygote

pytestmark = pytest.mark.sandbox

ACT = """
def main(request, box):
    scope = {"box": box}
    exec(request["do"], scope)
    return scope.get("answer", {})
"""
PLAIN = """
from .student import Student

def main(request, box):
    student = Student(box)
    module = student.module(request["code"])
    return {"value": student.call("calling f()", vars(module)["f"], code=request["code"])}
"""


@pytest.fixture(scope="module", params=["warm", "cold"])
def box(request):
    """The level of a real sandbox, in both ways in which a job is started there."""
    level = sandbox.level()
    if not level.has_namespaces:
        pytest.skip(f"no sandbox here: {level.reason}")
    with zygote.cold() if request.param == "cold" else contextlib.nullcontext():
        yield level


@pytest.fixture
def act(tmp_path, box):
    """Run lines of Python as a program in the box; they leave their result in `answer`."""
    program = tmp_path / "act.py"
    program.write_text(ACT)

    def start(do, *, files=None, **settings):
        limits = sandbox.Limits(**{"wall_s": 120, **settings})
        return sandbox.run(program, files=files or {}, request={"do": textwrap.dedent(do)}, limits=limits, level=box)

    return start


@pytest.fixture
def student(tmp_path, box):
    """Import a submission's model.py in the box and call its f()."""
    program, model = tmp_path / "plain.py", tmp_path / "model.py"
    program.write_text(PLAIN)

    def start(code, **settings):
        model.write_text(textwrap.dedent(code))
        limits = sandbox.Limits(**{"wall_s": 120, **settings})
        return sandbox.run(program, files={"model.py": model}, request={"code": "model.py"}, limits=limits, level=box)

    return start


def seen(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result


def fault(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem


# --- what is not there cannot be read ----------------------------------------------------------


@pytest.mark.attack(43)
def test_files_outside_are_not_there(act, tmp_path):
    canary = tmp_path / "canary.txt"
    canary.write_text("labels")
    home = Path.home() / f".grader-canary-{uuid.uuid4().hex}"
    home.write_text("labels")
    try:
        paths = [
            canary,
            home,
            __file__,
            layout.__file__,
            boxes.__file__,
            "/etc/passwd",
            "/etc/hostname",
            "/sys",
            "/work",
        ]
        made = seen(act(f"import os; answer = {{p: os.path.exists(p) for p in {list(map(str, paths))!r}}}"))
    finally:
        home.unlink()
    assert not any(made.values()), made


@pytest.mark.attack(43)
def test_only_the_interpreter_libraries_programs_and_submission_are_there(act, tmp_path):
    model = tmp_path / "model.py"
    model.write_text("x = 1")
    made = seen(
        act(
            """
            import os
            roots = sorted(os.listdir("/"))
            answer = {"roots": roots, "box": sorted(os.listdir("/box")), "etc": os.listdir("/etc"),
                      "dev": sorted(os.listdir("/dev")), "shells": [p for p in ("/bin/sh", "/usr/bin/env") if os.path.exists(p)],
                      "grader": [s for s in os.listdir("/box/site") if os.listdir(f"/box/site/{s}/grader")]
                                if os.path.exists("/box/site/0/grader") else []}
            """,
            files={"src/model.py": model},
        )
    )
    python = Path(layout.installation().python).parts[1]
    assert set(made["roots"]) <= {"box", "dev", "etc", "lib", "lib32", "lib64", "proc", "tmp", "usr", python}
    assert made["box"] == ["job", "programs", "site"]
    assert made["dev"] == ["null", "shm", "urandom", "zero"]
    assert made["etc"] in ([], ["ld.so.cache"])
    assert made["shells"] == []
    assert made["grader"] == []


@pytest.mark.attack(43)
def test_neither_a_host_path_nor_a_students_name_shows_in_the_box(act, tmp_path):
    name = "student-4711-jane"  # whole: the addresses and inodes of `maps` hold any four digits now and then
    folder = tmp_path / name
    folder.mkdir()
    (folder / "model.py").write_text("x = 1")
    made = seen(
        act(
            """
            from pathlib import Path
            answer = {name: Path("/proc/self", name).read_text() for name in ("mountinfo", "cmdline", "environ", "maps")}
            """,
            files={"model.py": folder / "model.py"},
        )
    )
    assert not [file for file, text in made.items() if name in text or str(tmp_path) in text]


@pytest.mark.attack(42)
def test_the_environment_is_ours_and_empty_at_process_1_too(act, monkeypatch):
    monkeypatch.setenv("GRADER_TEST_SECRET", "hunter2")
    made = seen(
        act(
            """
            import os
            from pathlib import Path
            answer = {"here": sorted(os.environ), "pid": os.getpid(), "visible": [p for p in os.listdir("/proc") if p.isdigit()],
                      "first": Path("/proc/1/environ").read_text(), "command": Path("/proc/1/cmdline").read_text().split("\\0")}
            """
        )
    )
    assert made["pid"] == 1
    assert made["visible"] == ["1"]
    assert "hunter2" not in str(made)
    assert set(made["here"]) <= {*layout.environment(), "PWD", "LC_CTYPE"}
    assert made["command"][1:4] == ["-I", "-S", "-B"]


@pytest.mark.attack(48)
def test_an_inherited_descriptor_is_closed(act, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("labels")
    with secret.open() as file:
        os.set_inheritable(file.fileno(), True)
        made = seen(
            act(
                """
                import os
                def open_ones():
                    for number in range(4096):
                        try:
                            os.fstat(number)
                        except OSError:
                            continue
                        yield number
                numbers = list(open_ones())
                answer = {"open": numbers, "input": os.readlink("/proc/self/fd/0"), "pipe": os.get_inheritable(numbers[3])}
                """
            )
        )
    assert made["open"][:3] == [0, 1, 2]
    assert len(made["open"]) == 4  # and the one pipe
    assert made["input"] == "/dev/null"
    assert not made["pipe"], "what the code starts would have the pipe"


# --- what is off -------------------------------------------------------------------------------


@contextlib.contextmanager
def listener():
    accepted = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        is_done = threading.Event()

        def accept():
            while not is_done.is_set():
                with contextlib.suppress(TimeoutError, OSError):
                    accepted.append(server.accept())

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], accepted
        finally:
            is_done.set()
            thread.join()


@pytest.mark.attack(44)
def test_the_network_is_off(act):
    abstract = f"\0grader-{uuid.uuid4().hex}"
    with listener() as (port, accepted), socket.socket(socket.AF_UNIX) as unix:
        unix.bind(abstract)
        unix.listen()
        made = seen(
            act(
                f"""
                import socket
                def tried(family, address):
                    try:
                        with socket.socket(family) as one:
                            one.settimeout(1)
                            one.connect(address)
                            return "connected"
                    except OSError as error:
                        return type(error).__name__
                answer = {{"loopback": tried(socket.AF_INET, ("127.0.0.1", {port})),
                           "metadata": tried(socket.AF_INET, ("169.254.169.254", 80)),
                           "abstract": tried(socket.AF_UNIX, {abstract!r}),
                           "netlink": tried(socket.AF_NETLINK, (0, 0)) if hasattr(socket, "AF_NETLINK") else "OSError",
                           "interfaces": [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line]}}
                """
            )
        )
    assert made["loopback"] in ("ConnectionRefusedError", "PermissionError")
    assert made["metadata"] in ("OSError", "PermissionError")
    assert made["abstract"] == "ConnectionRefusedError"
    assert made["netlink"] == "OSError"
    assert made["interfaces"] == ["lo"]
    assert accepted == []


@pytest.mark.attack(49, 89)
def test_the_kernels_risky_doors_are_shut(act):
    made = seen(
        act(
            """
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            def tried(name, *arguments):
                return os.strerror(ctypes.get_errno()) if getattr(libc, name)(*arguments) < 0 else "done"
            answer = {
                "unshare": tried("unshare", 0x10000000),
                "mount": tried("mount", b"none", b"/tmp", b"tmpfs", 0, None),
                "ptrace": tried("ptrace", 0, 0, 0, 0),
                "shmget": tried("shmget", 0, 4096, 0o1600),
                "io_uring": tried("syscall", 425, 8, None),
                "bpf": tried("syscall", {"x86_64": 321, "aarch64": 280}[os.uname().machine], 0, None, 0),
                "keyctl": tried("syscall", {"x86_64": 250, "aarch64": 219}[os.uname().machine], 0, 0),
            }
            """
        )
    )
    assert set(made.values()) == {"Operation not permitted"}, made


@pytest.mark.attack(45)
def test_nothing_but_the_two_temporary_folders_can_be_written(act, tmp_path):
    model = tmp_path / "model.py"
    model.write_text("x = 1\n")
    made = seen(
        act(
            """
            import os, sys
            from pathlib import Path
            places = ["/", "/box", "/box/job/submission", "/box/programs", "/dev", "/etc", "/usr/lib", os.path.dirname(sys.executable),
                      os.path.dirname(os.__file__), "/tmp", "/dev/shm", *(f"/box/site/{n}" for n in os.listdir("/box/site"))]
            def tried(do):
                try:
                    do()
                except OSError as error:
                    return type(error).__name__ if error.errno not in (1, 13, 30) else "refused"
                return "written"
            answer = {place: tried(lambda: Path(place, "sitecustomize.py").write_text("x")) for place in places}
            answer["own file"] = tried(lambda: Path("/box/job/submission/model.py").write_text("y"))
            answer["own mode"] = tried(lambda: os.chmod("/box/job/submission/model.py", 0o777))
            answer["program"] = tried(lambda: os.unlink("/box/programs/start.py"))
            """,
            files={"model.py": model},
        )
    )
    assert [place for place, end in made.items() if end == "written"] == ["/tmp", "/dev/shm"]
    assert set(made.values()) == {"written", "refused"}
    assert model.read_text() == "x = 1\n"


# --- the traps of a plain call -----------------------------------------------------------------


def probed(request, level, **settings):
    return seen(
        sandbox.run(
            "probe", files={}, request=request, limits=sandbox.Limits(**{"wall_s": 120, **settings}), level=level
        )
    )


@pytest.fixture
def without(monkeypatch):
    """Start boxes without some of our options, to see that the door is then open: so the option is what shuts it."""

    def drop(*options, arguments=1):
        real = layout.arguments

        def fewer(*args, **kwargs):
            made = real(*args, **kwargs)
            for option in options:
                at = made.index(option)
                del made[at : at + arguments]
            return made

        monkeypatch.setattr(layout, "arguments", fewer)

    with (
        zygote.cold()
    ):  # what a zygote's child adds of its own shuts the same doors again: tests/sandbox/test_zygote.py
        yield drop


@pytest.mark.attack(72)
def test_trap_c_every_writable_folder_has_a_size(box):
    size = 6 * 2**20
    written = probed({"fill": [size, "/", "/tmp", "/dev/shm", "/dev", "/box"]}, box, tmpfs_mb=4)["fill"]
    assert {path: count for path, count in written.items() if count >= 0} == {"/tmp": 4 * 2**20, "/dev/shm": 4 * 2**20}


def test_trap_c_without_the_remount_the_root_takes_what_comes(box, without):
    without("--remount-ro", arguments=2)
    assert probed({"fill": [6 * 2**20, "/"]}, box, tmpfs_mb=4)["fill"]["/"] > 0


def test_trap_d_no_user_namespace_by_unshare_nor_by_clone(box):
    assert "made" not in probed({"namespace": None}, box)["namespace"]


@pytest.mark.parametrize(
    ("is_option_out", "is_filter_out", "is_made"),
    [
        pytest.param(True, False, False, id="the filter alone holds"),
        pytest.param(False, True, False, id="the option alone holds"),
        pytest.param(True, True, True, id="without both one is made"),
    ],
)
def test_trap_d_namespaces_are_shut_twice(box, without, monkeypatch, is_option_out, is_filter_out, is_made):
    if is_option_out:
        without("--disable-userns")
    if is_filter_out:
        monkeypatch.setattr(syscalls, "program", lambda *_, **__: b"")
    assert ("made" in probed({"namespace": None}, box)["namespace"]) is is_made


@pytest.mark.attack(40)
def test_trap_f_cpu_time_in_the_box_is_counted(box):
    ended = sandbox.run("probe", files={}, request={"spin": 1.5}, limits=sandbox.Limits(wall_s=20), level=box)
    assert isinstance(ended, sandbox.Answered)
    assert ended.cpu_seconds > 0.2  # a second and a half of spinning, on a machine that others use too


def test_trap_h_a_session_of_its_own(box):
    """Without one, a process could push characters into the TA's terminal (TIOCSTI)."""
    uid, pid, parent, session = probed({"identity": None}, box)["identity"]
    assert (uid, pid, parent) == (65534, 1, 0)
    assert session == 1


@pytest.mark.attack(42, 48)
def test_traps_a_b_g_what_starts_the_box_shows_nothing_and_holds_nothing(box, tmp_path, monkeypatch):
    """Seen from outside, while a job runs: environment, command line and open files of every process of it."""
    monkeypatch.setenv("GRADER_TEST_SECRET", "hunter2")
    secret = tmp_path / "secret-4711"
    secret.write_text("labels")
    model = tmp_path / "jane-4711.py"
    model.write_text("x = 1")
    settings = {
        "files": {"model.py": model},
        "request": {"sleep": 1.0},
        "limits": sandbox.Limits(wall_s=20),
        "level": box,
    }
    with secret.open() as file:
        os.set_inheritable(file.fileno(), True)
        thread = threading.Thread(target=sandbox.run, args=("probe",), kwargs=settings)
        thread.start()
        members = waited_for_box(os.getpid())
        shown = {
            pid: (
                read_or_nothing(Path(f"/proc/{pid}/cmdline")),
                read_or_nothing(Path(f"/proc/{pid}/environ")),
                [link_or_nothing(link) for link in Path(f"/proc/{pid}/fd").glob("*")],
            )
            for pid in members
        }
        thread.join()
    assert len(shown) >= 2
    for command, variables, opened in shown.values():
        assert "bwrap" in command or layout.START in command or layout.ZYGOTE in command
        assert not [word for word in ("4711", str(tmp_path), "ro-bind") if word in command]
        assert "hunter2" not in variables
        assert not [path for path in opened if "4711" in path]


def waited_for_box(pid):
    """The processes of the box below `pid`, outermost first, once its program runs."""
    patience = time.monotonic() + 20
    while time.monotonic() < patience:
        members = list(usage.tree(pid))[1:]
        if any(is_sleeping_box(member) for member in members):
            return members
        time.sleep(0.02)
    raise AssertionError("the box did not start")


def link_or_nothing(link):
    with contextlib.suppress(OSError):
        return str(link.readlink())
    return ""


PARENT = """
import contextlib, sys
from grader import sandbox
from grader.sandbox import cgroups, layout, zygote
if "no groups" in sys.argv:  # another grader would sweep up what is left in them
    cgroups.Group.create = staticmethod(lambda *_, **__: None)
if "no flag" in sys.argv:
    real = layout.arguments
    layout.arguments = lambda *a, **k: [word for word in real(*a, **k) if word != "--die-with-parent"]
with zygote.cold() if "cold" in sys.argv else contextlib.nullcontext():
    sandbox.run("probe", files={}, request={"sleep": 60}, limits=sandbox.Limits(wall_s=60), level=sandbox.Level("L3", ""))
"""


def left_by_a_killed_grader(*words, seconds):
    """The processes that are alive so long after their grader was killed, while a job of it was asleep."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, *words])
    try:
        members = waited_for_box(parent.pid)
        while True:  # until it sleeps: the first jobs of a warmed process end by themselves
            time.sleep(1.5)
            if members == (members := waited_for_box(parent.pid)):
                break
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    patience = time.monotonic() + seconds
    while time.monotonic() < patience and any(is_alive(pid) for pid in members):
        time.sleep(0.02)
    return [pid for pid in members if is_alive(pid)]


@pytest.mark.attack(50)
def test_trap_e_no_box_outlives_a_killed_grader(box, request):
    del box
    way = request.node.callspec.params["box"]
    assert left_by_a_killed_grader(way, seconds=10) == []
    assert left_by_a_killed_grader(way, "no groups", seconds=10) == []


def test_trap_e_without_the_flag_a_box_would(box, request):
    del box
    left = left_by_a_killed_grader(request.node.callspec.params["box"], "no groups", "no flag", seconds=2)
    usage.kill(left)
    assert left


def is_sleeping_box(pid):
    """Whether it is the program in the box, and has read its request (then its input is closed)."""
    words = read_or_nothing(Path(f"/proc/{pid}/cmdline")).split("\0")
    is_program = words[0] == layout.installation().python and (layout.START in words or layout.ZYGOTE in words)
    if layout.ZYGOTE in words and not is_process_1_of_a_job(pid):
        return False
    return is_program and link_or_nothing(Path(f"/proc/{pid}/fd/0")) == "/dev/null"


def is_process_1_of_a_job(pid):
    """Whether it is a zygote's grandchild: in a namespace within that of the box, and the first there."""
    lines = [line for line in read_or_nothing(Path(f"/proc/{pid}/status")).splitlines() if line.startswith("NSpid:")]
    numbers = lines[0].split()[1:] if lines else []
    return len(numbers) > 2 and numbers[-1] == "1"


def is_alive(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


# --- ends and exhaustion -----------------------------------------------------------------------


@pytest.mark.attack(40)
def test_a_sleep_is_ended_by_the_clock(student):
    ended = student("import time\ntime.sleep(60)", wall_s=1)
    problem = fault(ended)
    assert (problem.code, ended.limit) == ("wall-time", "1 s")
    assert "while importing model.py" in problem.what
    assert "__main__" in problem.fix


@pytest.mark.attack(40)
def test_deaf_to_every_signal_it_is_ended_all_the_same(student):
    code = """
        import os, signal, time
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU, signal.SIGALRM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(60)
    """
    assert fault(student(code, wall_s=1)).code == "wall-time"


@pytest.mark.attack(40)
def test_a_loop_is_ended_by_its_cpu_time(student):
    ended = student("while True: pass", cpu_s=0.5)
    assert (fault(ended).code, ended.limit) == ("cpu-time", "0.5 s of CPU time")
    assert ended.cpu_seconds >= 0.5


@pytest.mark.attack(40)
def test_the_cpu_time_of_all_processes_together_counts(student):
    code = """
        import os
        for _ in range(3):
            os.fork()
        while True: pass
    """
    assert fault(student(code, cpu_s=1)).code == "cpu-time"


@pytest.mark.attack(72)
def test_more_memory_than_allowed_is_a_finding_with_the_line(student):
    ended = student("x = 1\nhog = bytearray(3 * 2**30)", memory_mb=512)
    assert (fault(ended).code, fault(ended).where) == ("memory", "model.py:2")


@pytest.mark.attack(72)
def test_the_memory_of_all_processes_together_counts(student):
    code = """
        import os, time
        for _ in range(3):
            os.fork()
        hog = bytearray(60 * 2**20)
        for at in range(0, len(hog), 4096):
            hog[at] = 1
        time.sleep(20)
    """
    ended = student(code, memory_mb=200)
    assert (fault(ended).code, ended.limit) == ("memory", "200 MB")
    assert ended.seconds < 15


@pytest.mark.attack(73)
def test_a_fork_bomb_meets_the_cap(act):
    made = seen(
        act(
            """
            import os, time
            started = 0
            for _ in range(200):  # bounded: and each child ends by itself
                try:
                    if os.fork() == 0:
                        time.sleep(3)
                        os._exit(0)
                    started += 1
                except OSError:
                    break
            answer = {"started": started}
            """,
            processes=20,
        )
    )
    assert made["started"] == 19


@pytest.mark.attack(73)
def test_threads_meet_the_same_cap(student):
    code = """
        import threading, time
        def f():
            started = 0
            for _ in range(100):
                try:
                    threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
                except RuntimeError:
                    break
                started += 1
            return started
    """
    assert seen(student(code, processes=20))["value"] == 19


@pytest.mark.attack(73)
def test_two_boxes_at_once_do_not_share_the_cap(box):
    """Counted in each box's own namespace: otherwise one student's processes would starve another."""
    results = []

    def one():
        results.append(probed({"fork": 12, "sleep": 0.3}, box, processes=16)["fork"])

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [12, 12, 12]


@pytest.mark.attack(74)
def test_a_million_empty_files_are_stopped(student, monkeypatch):
    monkeypatch.setattr("grader.sandbox.process.MOST_FILES", 500)
    monkeypatch.setattr("grader.sandbox.verdict.MOST_FILES", 500)
    code = """
        import time
        for number in range(1000):
            open(f"/tmp/{number}", "w").close()
        time.sleep(20)
    """
    ended = student(code)
    assert (fault(ended).code, ended.limit) == ("files", "500 files")


@pytest.mark.attack(74)
def test_a_large_file_ends_at_the_size_of_the_folder(act):
    made = seen(
        act(
            """
            import signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            written = 0
            try:
                with open("/tmp/large", "wb", buffering=0) as file:
                    for _ in range(100):
                        written += file.write(bytes(2**20))
            except OSError:
                pass
            with open("/tmp/sparse", "wb") as file:
                try:
                    file.truncate(2**40)
                except OSError:
                    written += 0.5
            answer = {"written": written}
            """,
            tmpfs_mb=3,
        )
    )
    assert made["written"] == 3 * 2**20 + 0.5


@pytest.mark.attack(51)
def test_a_flood_of_output_is_cut_to_its_end(student):
    code = """
        def f():
            line = "x" * 999
            for number in range(20000):
                print(line)
            print("the \\x1b[31mend\\u202e")
            return 1
    """
    ended = student(code, output_kb=16)
    assert seen(ended) == {"value": 1}
    assert ended.is_output_cut
    assert len(ended.output) < 17 * 1024
    assert ended.output.endswith("the \\x1b[31mend\\u202e\n")


@pytest.mark.attack(50)
def test_a_daemon_is_gone_after_the_job(student):
    token = uuid.uuid4().hex
    code = f"""
        import os, sys, time
        def f():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execv("/proc/self/exe", ["python", "-I", "-S", "-c", "import time; time.sleep(60)", "{token}"])
                os._exit(0)
            time.sleep(0.3)
            return [p for p in os.listdir("/proc") if p.isdigit() and "{token}" in open(f"/proc/{{p}}/cmdline").read()]
    """
    ended = student(code)
    assert seen(ended)["value"], "the daemon did not start, so that its end proves nothing"
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if token in read_or_nothing(path)]
    assert left == []


def read_or_nothing(path):
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace")
    return ""


@pytest.mark.attack(87, 89)
def test_one_box_sees_nothing_of_another(act):
    seen(act("open('/tmp/mark', 'w').write('x'); open('/dev/shm/mark', 'w').write('x')"))
    made = seen(act("import os; answer = {'tmp': os.listdir('/tmp'), 'shm': os.listdir('/dev/shm')}"))
    assert made == {"tmp": [], "shm": []}


# --- forging and spoiling ----------------------------------------------------------------------


@pytest.mark.attack(39, 41, 51)
@pytest.mark.parametrize(
    ("code", "where", "word"),
    [
        pytest.param("import os; os._exit(0)", "submission", "exit code 0", id="os._exit(0) at import"),
        pytest.param("import os\ndef f(): os._exit(0)", "submission", "exit code 0", id="os._exit(0) in the call"),
        pytest.param("import sys\nsys.exit(0)", "model.py:2", "ends the process", id="sys.exit(0)"),
        pytest.param("def f():\n    raise SystemExit", "model.py:2", "ends the process", id="SystemExit"),
        pytest.param("def f(): quit()", "model.py:1", "ends the process", id="quit()"),
        pytest.param("def f(): exit()", "model.py:1", "ends the process", id="exit()"),
        pytest.param("import ctypes\ndef f(): ctypes.string_at(0)", "submission", "SIGSEGV", id="a null pointer"),
        pytest.param("import os\ndef f(): os.abort()", "submission", "SIG", id="abort"),
        pytest.param("import os, threading\nthreading.Timer(0, os._exit, (0,)).start()\nimport time; time.sleep(5)",
                     "submission", "exit code 0", id="os._exit(0) in a thread"),
        pytest.param("def f():\n  def g(): g()\n  g()", "model.py:2", "RecursionError", id="recursion without end"),
        pytest.param("def f(): raise KeyboardInterrupt", "model.py:1", "KeyboardInterrupt", id="KeyboardInterrupt"),
        pytest.param("class E(BaseException):\n  def __str__(self): raise self\ndef f(): raise E", "model.py:3",
                     "its text raises E", id="an exception that cannot be shown"),
        pytest.param("def f(): raise ValueError('x' * 10**7)", "model.py:1", "ValueError", id="a huge exception"),
    ],
)  # fmt: skip
def test_no_answer_is_no_pass(student, code, where, word):
    problem = fault(student(code))
    assert problem.where == where
    assert word in problem.what
    assert len(str(problem)) < 2000


FRAME = """
import os, struct, sys
def frames():
    # The pipe is the only descriptor beside the three; the nonce lies in the program's own memory.
    number = next(n for n in range(3, 4096) if is_open(n))
    channel = next(v for f in walk() for v in f.f_locals.values() if type(v).__name__ == "Channel")
    return number, channel
def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
def walk():
    frame = sys._getframe()
    while frame:
        yield frame
        frame = frame.f_back
"""


@pytest.mark.attack(57)
@pytest.mark.parametrize(
    "act_",
    [
        pytest.param("os.write(number, b'PASS 100/100' * 9)", id="fake protocol lines on the pipe"),
        pytest.param("os.write(number, b'\\0')", id="one byte on the pipe"),
        pytest.param("os.close(number)", id="the pipe closed"),
        pytest.param("os.dup2(1, number)", id="the pipe turned to standard output"),
        pytest.param("channel.answer({'value': 100}); channel.answer({'value': 100})", id="a second answer"),
        pytest.param("channel.answer(b'12345678')", id="raw bytes for json"),
        pytest.param("channel._send(b'J', b'{\"value\": NaN}')", id="a NaN"),
        pytest.param("channel._send(b'J', b'[]')", id="no object"),
        pytest.param("channel._send(b'F', b'{}')", id="a fault without its fields"),
        pytest.param("channel._nonce = b'x' * 16", id="another nonce"),
    ],
)
def test_what_is_not_one_whole_answer_is_none(student, act_):
    code = f"{FRAME}\nnumber, channel = frames()\n{act_}\ndef f(): return 1\n"
    assert fault(student(code)).code == "no-answer"


@pytest.mark.attack(57)
def test_an_answer_of_its_own_making_is_only_its_own(student, box):
    """Code in the program's process can say what it likes about itself, and about nobody else."""
    code = f"{FRAME}\nnumber, channel = frames()\nchannel.answer({{'value': 100}})\nos._exit(0)\n"
    assert seen(student(code)) == {"value": 100}
    assert "value" not in probed({"ping": None}, box)


@pytest.mark.attack(57)
def test_of_two_processes_after_a_fork_one_answers(student):
    assert seen(student("import os\nos.fork()\ndef f(): return 1")) == {"value": 1}


@pytest.mark.attack(57)
def test_printing_is_no_answer(student):
    ended = student("print('GRDR' + 'PASS' * 9)\nimport os; os._exit(0)")
    assert fault(ended).code == "no-answer"
    assert "PASS" in ended.output or ended.output == ""  # os._exit drops what was not flushed


@pytest.mark.attack(39)
def test_atexit_threads_and_a_patched_exit_do_not_hold_an_answer_back(student):
    code = """
        import atexit, os, sys, threading, time
        atexit.register(time.sleep, 60)
        threading.Thread(target=time.sleep, args=(60,)).start()
        os._exit = os.write = sys.exit = lambda *a: None
        def f(): return 7
    """
    ended = student(code)
    assert seen(ended) == {"value": 7}
    assert ended.seconds < 15


@pytest.mark.attack(47)
def test_patched_json_and_builtins_spoil_only_the_own_result(student):
    code = """
        import builtins, json
        json.dumps = lambda *a, **k: '{"value": 100}'
        builtins.len = lambda *a: 0
        def f(): return 1
    """
    ended = student(code)
    assert isinstance(ended, sandbox.StudentFault | sandbox.SystemFault) or ended.result == {"value": 1}
