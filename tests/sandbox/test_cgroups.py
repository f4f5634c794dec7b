"""A control group caps and counts all processes of a job together, and nothing of it is left afterwards."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.sandbox import cgroup_places, cgroups
from grader.sandbox.cgroups import Group, GroupUse

MB = 2**20


@pytest.fixture
def group():
    """A real one: 200 MB, 20 processes."""
    kind, said = cgroups.usable()
    if not kind:
        pytest.skip(f"no control groups here: {said}")
    made = Group.create("a test / one", memory_bytes=200 * MB, processes=20)
    assert made is not None
    yield made
    made.remove()


def run(group, code):
    """Run lines of Python in the group."""
    started = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", f"input()\n{code}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    group.add(started.pid)
    printed, _ = started.communicate(b"\n", timeout=60)
    return started.returncode, printed.decode().strip()


BOMB = """
import os, time
count = 0
with_error = ""
while count < 100:
    try:
        pid = os.fork()
    except OSError as error:
        with_error = type(error).__name__
        break
    if pid == 0:
        os.setsid()
        os.close(1)
        time.sleep(600)
    count += 1
print(count, with_error)
"""


@pytest.mark.attack_partly(72)
def test_less_memory_than_the_cap_is_no_matter(group):
    assert run(group, f"bytearray({100 * MB})")[0] == 0
    use = group.use()
    assert use.oom_kills == 0
    assert 100 * MB <= use.peak_bytes <= 200 * MB


@pytest.mark.attack_partly(72)
def test_more_memory_than_the_cap_is_ended_by_the_kernel_and_counted(group):
    assert run(group, f"bytearray({400 * MB})")[0] == -signal.SIGKILL
    use = group.use()
    assert use.oom_kills == 1
    assert use.peak_bytes <= 200 * MB


@pytest.mark.attack_partly(72)
def test_memory_in_a_file_that_no_process_owns_counts_too(group):
    code = f"import os, mmap\nfile = os.memfd_create('x')\nfor _ in range(400): os.write(file, bytes({MB}))"
    assert run(group, code)[0] == -signal.SIGKILL
    assert group.use().oom_kills == 1


@pytest.mark.attack_partly(73)
def test_a_fork_bomb_stops_at_the_cap_and_the_refusals_are_counted(group):
    assert run(group, BOMB) == (0, "19 BlockingIOError")
    assert group.use().pids_denied >= 1


@pytest.mark.attack_partly(50)
def test_kill_ends_daemons_too(group):
    run(group, BOMB)
    members = group.members()
    assert len(members) == 19
    group.kill()
    assert group.members() == []
    assert not any(is_running(pid) for pid in members)


def test_cpu_time_of_a_child_that_nobody_waited_for_counts(group):
    code = (
        "import os, time\nif os.fork() == 0:\n    end = time.process_time() + 0.3\n"
        "    while time.process_time() < end: pass\n    os._exit(0)\ntime.sleep(0.1)\nos._exit(0)"
    )
    run(group, code)
    end = time.monotonic() + 30
    while group.members() and time.monotonic() < end:
        time.sleep(0.01)
    assert group.use().cpu_s >= 0.3


def test_after_remove_no_folder_is_left_and_a_second_time_is_no_error(group):
    run(group, BOMB)
    group.remove()
    assert [folder for folder in group._all() if folder.exists()] == []
    group.remove()
    group.kill()
    assert group.use() == GroupUse()


def test_two_groups_do_not_share_a_cap(group):
    other = Group.create("another", memory_bytes=200 * MB, processes=20)
    try:
        assert run(group, BOMB) == (0, "19 BlockingIOError")
        assert run(other, BOMB) == (0, "19 BlockingIOError")
    finally:
        other.remove()


ORPHANED = """
import os, subprocess, sys
from grader.sandbox.cgroups import Group
group = Group.create("left over", memory_bytes=2**28, processes=20)
daemon = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"], stdout=2)
group.add(daemon.pid)
print(daemon.pid, *group._all(), flush=True)
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_grader_left_is_ended_and_removed_by_the_next_one(group):
    del group  # only for the skip
    done = subprocess.run(
        [sys.executable, "-c", ORPHANED],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=60,
    )
    daemon, *folders = done.stdout.split()
    assert done.returncode == -signal.SIGKILL
    assert all(Path(folder).is_dir() for folder in folders)
    Group.create("the next", memory_bytes=2**28, processes=20).remove()
    assert [folder for folder in folders if Path(folder).is_dir()] == []
    assert not is_running(int(daemon))


def is_running(pid):
    """Not a zombie either: here nobody may be waiting for it."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def test_what_a_v2_group_used_is_read_as_the_kernel_writes_it(tmp_path):
    for name, text in {
        "cpu.stat": "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n",
        "memory.peak": "209715200\n",
        "memory.current": "1\n",
        "memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n",
        "pids.events": "max 3\n",
    }.items():
        (tmp_path / name).write_text(text)
    group = Group("v2", {"": tmp_path}, None)
    assert group.use() == GroupUse(cpu_s=1.5, peak_bytes=200 * MB, oom_kills=1, pids_denied=3)
    (tmp_path / "memory.peak").unlink()  # before Linux 5.19
    assert group.use().peak_bytes == 1


# --- where, read from files as the kernel writes them ----------------------------------------------


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A made-up /proc/self and /sys/fs/cgroup."""

    def make(own, mounts, files):
        (tmp_path / "cgroup").write_text(own)
        (tmp_path / "mountinfo").write_text(mounts.format(at=tmp_path))
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        monkeypatch.setattr(cgroup_places, "_SELF", tmp_path)
        return tmp_path

    return make


V2 = "30 1 0:26 / {at}/sys rw - cgroup2 cgroup2 rw\n"
ALL = "cpu memory pids\n"


def test_v2_below_the_users_own_slice(tree):
    """A terminal of a desktop: its own group has a process in it, but the slice above it is the user's."""
    top = "sys/user.slice/user-1000.slice/user@1000.service"
    files = {
        "sys/cgroup.controllers": ALL,
        f"{top}/app.slice/cgroup.subtree_control": ALL,
        f"{top}/app.slice/term.scope/cgroup.subtree_control": "",
        f"{top}/app.slice/term.scope/cgroup.controllers": ALL,
    }
    at = tree("0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n", V2, files)
    place = cgroup_places.place_v2()
    assert (place.kind, place.folders) == ("v2", {"": at / top / "app.slice"})


def test_v2_in_a_delegated_group_we_move_into_a_leaf(tree):
    files = {
        "sys/cgroup.controllers": ALL,
        "sys/run.scope/cgroup.subtree_control": "",
        "sys/run.scope/cgroup.controllers": ALL,
        "sys/run.scope/cgroup.procs": "",
        "sys/run.scope/grader-itself/cgroup.procs": "",
    }
    at = tree("0::/run.scope\n", V2, files)
    place = cgroup_places.place_v2()
    assert place.folders == {"": at / "sys/run.scope"}
    assert (at / "sys/run.scope/grader-itself/cgroup.procs").read_text() == str(os.getpid())
    assert (at / "sys/run.scope/cgroup.subtree_control").read_text() == "+memory +pids"


@pytest.mark.parametrize(
    ("own", "mounts", "files", "word"),
    [
        pytest.param("0::/\n", V2, {"sys/cgroup.controllers": "hugetlb\n"}, "has not the controllers", id="hybrid"),
        pytest.param("0::/\n", "", {}, "no cgroup file system", id="not mounted"),
        pytest.param("", "", {}, "no cgroup file system", id="no groups at all"),
    ],
)
def test_v2_that_cannot_be_used_says_why(tree, own, mounts, files, word):
    tree(own, mounts, files)
    assert word in cgroup_places.place_v2()


def test_v1_in_a_container_whose_root_is_a_group_of_the_host(tree):
    """The kernel names our group as the host sees it; the mount shows it as the root."""
    mounts = "".join(
        f"3{n} 1 0:2{n} /docker/abc {{at}}/{name} rw - cgroup cgroup rw,{name}\n"
        for n, name in enumerate(("memory", "pids", "cpuacct"))
    )
    files = {f"{name}/job/tasks": "" for name in ("memory", "pids", "cpuacct")}
    at = tree("3:memory:/docker/abc/job\n2:pids:/docker/abc\n1:cpu,cpuacct:/elsewhere\n", mounts, files)
    place = cgroup_places.place_v1()
    assert place.folders == {"memory": at / "memory/job", "pids": at / "pids", "cpuacct": at / "cpuacct"}


def test_v1_without_a_controller_says_which(tree):
    tree("3:memory:/\n", "31 1 0:2 / {at}/memory rw - cgroup cgroup rw,memory\n", {"memory/tasks": ""})
    assert cgroup_places.place_v1() == "the cgroup controller pids is not there"
