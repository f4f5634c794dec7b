"""At level L2 processes, memory, CPU time and what is kept on the disk end at their caps, for each job by itself."""

import os
import tempfile
from pathlib import Path

import pytest

from grader import sandbox
from grader.sandbox import alone, process


def seen(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result


def fault(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem.code


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
def test_processes_are_capped(act, request, with_groups):
    if not with_groups:
        request.getfixturevalue("without_groups")
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


@pytest.mark.usefixtures("without_groups")
def test_two_at_once_do_not_share_a_cap_nor_see_each_other(level):
    """An ordinary user's go one after another where nothing else keeps them from counting together."""
    from concurrent.futures import ThreadPoolExecutor

    limits = sandbox.Limits(processes=12, wall_s=60, memory_mb=8192)

    def one(_):
        return sandbox.run("probe", files={}, request={"fork": 8, "identity": None}, limits=limits, level=level)

    with ThreadPoolExecutor(3) as pool:
        made = [seen(ended) for ended in pool.map(one, range(3))]
    assert [answer["fork"] for answer in made] == [8, 8, 8]
    if os.geteuid() == 0:
        assert len({answer["identity"][0] for answer in made}) == 3


@pytest.mark.usefixtures("without_groups")
def test_a_job_that_waits_for_its_turn_can_be_called_off(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    with alone._turn(is_counted_alone=False):
        process.call_off()
        try:
            with pytest.raises(process.CalledOffError), alone._turn(is_counted_alone=False):
                pass
        finally:
            process.call_on()
    with alone._turn(is_counted_alone=False):
        pass
