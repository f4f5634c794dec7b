import os
import signal
import subprocess
import sys

import pytest

from grader.evidence.whole_files import PREFIX, sweep, write_whole

OLD, NEW = b"old" * 1000, b"new" * 1000


WRITE = """
from pathlib import Path
import grader.evidence.whole_files as module
{}
module.write_whole(Path({!r}), b"new" * 1000, point="it")
"""
WAIT = """
def waits(point):
    if point == "it.written":
        print("here", flush=True)
        input()
module.crash_point = waits
"""


@pytest.mark.fault("F5")
@pytest.mark.parametrize("has_old", [True, False])
@pytest.mark.parametrize(
    ("point", "is_new"), [("it.begun", False), ("it.half-written", False), ("it.written", False), ("it.renamed", True)]
)
def test_after_a_kill_the_old_file_is_there_or_the_new_one_and_the_rest_is_swept(tmp_path, point, is_new, has_old):
    path = tmp_path / "ab" / "file"
    path.parent.mkdir()
    if has_old:
        path.write_bytes(OLD)
    ended = subprocess.run(
        [sys.executable, "-c", WRITE.format("", str(path))], env={**os.environ, "GRADER_CRASH_AT": point}, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    left = [file for file in path.parent.iterdir() if file != path]
    assert bool(left) != is_new
    assert sweep(tmp_path) == len(left)
    found = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert found == ({"file": NEW} if is_new else {"file": OLD} if has_old else {})


@pytest.mark.fault("F5")
def test_what_a_living_process_writes_is_not_swept(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE.format(WAIT, str(tmp_path / "file"))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "here\n"
    assert sweep(tmp_path) == 0
    process.communicate("\n")
    assert process.returncode == 0
    assert (tmp_path / "file").read_bytes() == NEW


def test_a_sweep_between_the_steps_of_a_beginning_is_survived(tmp_path, monkeypatch):
    import grader.evidence.whole_files as module

    locked, swept = module.is_locked_by_us, []

    def swept_first(descriptor, **options):
        if not swept:
            swept.append(0)
            swept[0] = sweep(tmp_path)
        return locked(descriptor, **options)

    monkeypatch.setattr(module, "is_locked_by_us", swept_first)
    write_whole(tmp_path / "file", NEW, point="it")
    assert swept == [1]
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"file": NEW}


def test_nothing_is_left_of_what_the_disk_refuses(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "file", NEW, point="it")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_other_files_are_not_swept(tmp_path):
    for name in ("file", f"x{PREFIX}1", ".hidden"):
        (tmp_path / name).write_text("")
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "file")
    assert sweep(tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_that_is_not_there_holds_nothing_to_sweep(tmp_path):
    assert sweep(tmp_path / "nowhere") == 0
