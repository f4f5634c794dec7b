"""F25: an export that breaks off, or whose file is open elsewhere, leaves the file before it whole; again it works."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grader.errors import GraderError, MachineError, UsageError
from grader.evidence.whole_files import PREFIX, is_locked_by_us
from grader.reports.export.writing import write_export
from tests.desk import desk

OLD, NEW = b"the file before\n", b"x" * 100_000
PROGRAM = """
import sys
from pathlib import Path
from grader.reports.export.writing import write_export
write_export(Path(sys.argv[1]), b"x" * 100_000)
"""


def ended(path, point):
    """Write the new file in a process that is killed at this point."""
    environment = {**os.environ, "GRADER_CRASH_AT": point}
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], check=False, env=environment)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.fault("F25")
@pytest.mark.parametrize(
    ("point", "is_new"),
    [("export.begun", False), ("export.half-written", False), ("export.written", False), ("export.renamed", True)],
)
def test_a_kill_anywhere_leaves_the_old_file_or_the_new_one_and_the_next_export_is_whole(point, is_new, tmp_path):
    path = tmp_path / "grades.csv"
    path.write_bytes(OLD)
    ended(path, point)
    assert path.read_bytes() == (NEW if is_new else OLD)
    write_export(path, NEW)
    assert path.read_bytes() == NEW
    assert [one.name for one in tmp_path.iterdir()] == ["grades.csv"]


@pytest.mark.fault("F25")
@pytest.mark.parametrize("lock", [".~lock.grades.csv#", "~$grades.csv"], ids=["LibreOffice", "Excel"])
def test_a_file_that_is_open_in_a_spreadsheet_is_left_alone_until_it_is_closed(lock, tmp_path):
    path = tmp_path / "grades.csv"
    path.write_bytes(OLD)
    (tmp_path / lock).write_text("somebody")
    with pytest.raises(MachineError, match="open in a spreadsheet"):
        write_export(path, NEW)
    assert path.read_bytes() == OLD
    (tmp_path / lock).unlink()
    write_export(path, NEW)
    assert path.read_bytes() == NEW


@pytest.mark.fault("F25")
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PermissionError(13, "Permission denied")])
def test_a_disk_that_refuses_leaves_the_old_file_and_says_so(error, tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    path.write_bytes(OLD)

    def refuses(*_):
        raise error

    monkeypatch.setattr(os, "fsync", refuses)
    with pytest.raises(MachineError, match=f"{error.strerror}.*as it was"):
        write_export(path, NEW)
    assert path.read_bytes() == OLD
    assert [one.name for one in tmp_path.iterdir()] == ["grades.csv"]


@pytest.mark.fault("F25")
def test_a_full_disk_leaves_the_old_file(tmp_path):
    """A real one: a file system of 64 KiB in a namespace of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    code = f"""
import sys
from pathlib import Path
from grader.errors import MachineError
from grader.reports.export.writing import write_export
path = Path({str(disk)!r}) / "grades.csv"
write_export(path, {OLD!r})
try:
    write_export(path, b"x" * 100_000)
except MachineError as error:
    assert "No space left" in str(error), error
    assert path.read_bytes() == {OLD!r}
    assert [one.name for one in path.parent.iterdir()] == ["grades.csv"]
    write_export(path, b"x" * 1_000)
    assert path.read_bytes() == b"x" * 1_000
    sys.exit(7)
"""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here, to have a small disk by")
    mount = [
        "unshare",
        "--mount",
        "--map-root-user",
        "sh",
        "-c",
        f'mount -t tmpfs -o size=64k tmpfs {disk} && exec "$@"',
    ]
    tried = subprocess.run([*mount, "sh", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no disk of one's own here: {tried.stderr.strip()}")
    done = subprocess.run([*mount, "sh", sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr


@pytest.mark.fault("F25")
def test_what_another_export_is_writing_is_not_swept(tmp_path):
    theirs = tmp_path / f"{PREFIX}abcd_123"
    users = tmp_path / f"{PREFIX}notes-of-mine.txt"
    users.write_text("mine")
    descriptor = os.open(theirs, os.O_RDWR | os.O_CREAT)
    try:
        assert is_locked_by_us(descriptor)
        write_export(tmp_path / "grades.csv", NEW)
        assert theirs.exists()
    finally:
        os.close(descriptor)
    write_export(tmp_path / "grades.csv", NEW)
    assert not theirs.exists()
    assert users.read_text() == "mine"


@pytest.mark.parametrize("where", [".class/worksheet.csv", "folder"])
def test_an_export_goes_nowhere_where_it_does_harm(where, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / ".class").mkdir()
    (tmp_path / ".class" / "worksheet.csv").write_bytes(OLD)
    with pytest.raises(UsageError):
        write_export(tmp_path / where, NEW)
    assert (tmp_path / ".class" / "worksheet.csv").read_bytes() == OLD


@pytest.mark.fault("F25")
def test_the_command_that_is_killed_in_the_middle_leaves_both_files_as_they_were(tmp_path):
    made = desk(tmp_path / "course", 6, files=0)
    words = ["export", "digits", "--to", "csv", "--feedback", "feedback.zip", "--course", str(made.course)]
    command = [sys.executable, "-m", "grader", *words]
    environment = {name: value for name, value in os.environ.items() if name != "GRADER_STATE"}

    def ran(point=""):
        crash = {"GRADER_CRASH_AT": point} if point else {}
        return subprocess.run(
            command, capture_output=True, check=False, cwd=tmp_path, env={**environment, **crash}
        ).returncode

    assert ran() == 0
    files = {name: (tmp_path / name).read_bytes() for name in ("digits-grades.csv", "feedback.zip")}
    for name in files:
        (tmp_path / name).write_bytes(OLD)
    assert ran("export.half-written") == -signal.SIGKILL
    assert {(tmp_path / name).read_bytes() for name in files} == {OLD}
    assert ran("export.half-written:2") == -signal.SIGKILL  # the zip is there, the table is the old one
    assert [(tmp_path / name).read_bytes() for name in files] == [OLD, files["feedback.zip"]]
    assert ran() == 0
    assert {name: (tmp_path / name).read_bytes() for name in files} == files
    assert sorted(Path(one).name for one in tmp_path.iterdir()) == ["course", "digits-grades.csv", "feedback.zip"]


def test_an_error_of_an_export_has_a_remedy(tmp_path):
    with pytest.raises(GraderError) as caught:
        write_export(tmp_path, NEW)
    assert "fix: " in str(caught.value)
