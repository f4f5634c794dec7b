import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grader.evidence.own_folder import own_folder, sweep_dead

HOLD = """
import os, subprocess, sys, tempfile
from pathlib import Path
from grader.evidence.own_folder import own_folder
with own_folder() as folder:
    Path(tempfile.mkdtemp(prefix="grader-job-"), "file").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def outer(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def holder(outer):
    """A living process with a folder of its own in `outer`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env={**os.environ, "TMPDIR": str(outer)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.folder = Path(process.stdout.readline().strip())
    yield process
    process.kill()
    process.communicate()


def is_running(pid):
    """Whether it is there, and not only its number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_all_that_is_temporary_is_made_there_by_children_too_and_goes_with_it(outer):
    with own_folder() as folder:
        made = [tempfile.mkdtemp(), subprocess.run(["mktemp"], capture_output=True, text=True, check=True).stdout]
        assert {Path(one).parent for one in made} == {folder}
        assert folder.parent == outer
    assert list(outer.iterdir()) == []
    assert tempfile.gettempdir() == str(outer)


def test_it_goes_too_where_the_work_ends_by_an_exception(outer):
    with pytest.raises(FileNotFoundError), own_folder():
        Path(tempfile.mkdtemp(), "missing").read_text()
    assert list(outer.iterdir()) == []


@pytest.mark.fault("F4")
@pytest.mark.parametrize("ends_orphans", [True, False])
@pytest.mark.usefixtures("outer")
def test_what_was_left_running_by_a_child_that_broke_is_ended_where_that_is_asked_for(ends_orphans):
    with own_folder(ends_orphans=ends_orphans):
        own = subprocess.Popen(["sleep", "1000"])
        asked = ["sh", "-c", "sleep 1000 > /dev/null 2>&1 & echo $!"]
        orphan = int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    assert own.poll() is None, "a child is its parent's business"
    own.kill()
    own.wait()
    assert is_running(orphan) != ends_orphans
    if not ends_orphans:
        os.kill(orphan, signal.SIGKILL)


@pytest.mark.fault("F3", "F5")
def test_what_a_killed_process_left_is_removed_by_the_next(outer, holder):
    holder.kill()
    holder.wait()
    assert [path.name for path in holder.folder.rglob("file")] == ["file"]
    with own_folder() as folder:
        assert list(outer.iterdir()) == [folder]


def test_what_a_living_process_has_is_left_alone(outer, holder):
    assert sweep_dead(outer) == 0
    assert list(holder.folder.rglob("file"))
    holder.communicate()
    assert list(outer.iterdir()) == []


def test_a_child_that_outlives_a_killed_parent_is_ended_and_keeps_no_folder(outer):
    code = HOLD.replace("    print", "    subprocess.Popen(['cat'])\n    print")  # it is there once the line is
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(outer)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdout.readline()
    process.kill()
    process.wait()
    assert sweep_dead(outer) == 1
    assert process.stdout.read() == "", "the child was ended: nobody holds the pipe any more"
    process.stdin.close()
    process.stdout.close()


def test_a_child_that_lost_its_environment_is_known_by_what_it_writes_and_a_reader_is_left_alone(outer, holder):
    log = holder.folder / "log"
    log.write_text("said")
    plain = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    with log.open("a") as written, log.open() as read:
        writer = subprocess.Popen(["sleep", "1000"], env=plain, stdout=written)
        reader = subprocess.Popen(["sleep", "1000"], env=plain, stdin=read)
    holder.kill()
    holder.wait()
    assert sweep_dead(outer) == 1
    assert writer.wait(10) == -signal.SIGKILL
    assert reader.poll() is None
    reader.kill()
    reader.wait()


def test_a_child_of_a_living_process_is_left_running(outer, holder):
    command = ["cat"]
    environment = {**os.environ, "TMPDIR": str(holder.folder)}
    child = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
    assert sweep_dead(outer) == 0
    assert child.poll() is None
    child.communicate()
    assert child.returncode == 0


def test_links_and_files_of_that_name_are_not_followed(outer):
    (outer / "precious").mkdir()
    (outer / "precious" / "file").write_text("")
    (outer / "grader-run-link").symlink_to(outer / "precious")
    (outer / "grader-run-file").write_text("")
    assert sweep_dead(outer) == 0
    assert (outer / "precious" / "file").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_the_folders_of_other_users_are_left_alone(outer):
    (outer / "grader-run-other").mkdir()
    os.chown(outer / "grader-run-other", 65534, 65534)
    assert sweep_dead(outer) == 0


def test_ray_is_given_a_place_where_its_sockets_fit(outer, monkeypatch):
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    with own_folder() as folder:
        place = os.environ.get("RAY_TMPDIR", os.environ["TMPDIR"])
        assert place == str(folder) if len(str(folder)) < 40 else str(outer)
    assert "RAY_TMPDIR" not in os.environ
