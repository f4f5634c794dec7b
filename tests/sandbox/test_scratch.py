"""What a job left in its folder is counted, whatever it did to it, and can be removed."""

import mmap
import os
import stat

import pytest

from grader.sandbox import scratch
from grader.sandbox.scratch import Kept, kept_in

MB = 2**20


def kept(folder, pids=(), most_files=1000):
    return kept_in(str(folder), pids, most_files=most_files)


def fill(path, size=MB):
    with path.open("wb") as file:
        file.write(os.urandom(size))
        file.flush()
        os.fsync(file.fileno())  # some file systems give out the blocks later


def test_an_empty_folder_and_an_absent_one_hold_nothing(tmp_path):
    assert kept(tmp_path) == Kept()
    assert kept(tmp_path / "absent") == Kept()


def test_bytes_and_names_are_counted_at_every_depth(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    fill(tmp_path / "a" / "b" / "x")
    fill(tmp_path / "y")
    found = kept(tmp_path)
    assert found.files == 4
    assert 2 * MB <= found.size < 3 * MB


def test_a_link_is_not_followed_and_a_second_name_is_no_second_file(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    fill(outside / "big", 8 * MB)
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    fill(inside / "x")
    os.link(inside / "x", inside / "z")
    assert kept(inside).size < 2 * MB


def test_a_sparse_file_costs_what_it_has(tmp_path):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    assert kept(tmp_path).size < MB


def test_a_file_without_a_name_counts_as_long_as_it_is_open(tmp_path):
    fill(tmp_path / "x")
    with (tmp_path / "x").open("rb"):
        (tmp_path / "x").unlink()
        assert kept(tmp_path).size == 0
        assert MB <= kept(tmp_path, [os.getpid()]).size < 2 * MB


def test_a_file_of_others_that_lost_its_name_does_not_count(tmp_path):
    """Such as a library that an update replaced while the job had it loaded."""
    work = tmp_path / "work"
    work.mkdir()
    fill(tmp_path / "library")
    with (tmp_path / "library").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ):
        (tmp_path / "library").unlink()
        assert kept(work, [os.getpid()]).size == 0
        assert MB <= kept(tmp_path, [os.getpid()]).size < 3 * MB


@pytest.mark.parametrize("most", [9, 10])
def test_many_files_are_counted_to_one_over_the_most(tmp_path, most):
    for number in range(10):
        (tmp_path / str(number)).touch()
    assert kept(tmp_path, most_files=most).files == 10


def nested(folder, depth):
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 200, dir_fd=here)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)


def test_what_is_deeper_than_a_path_is_long_is_seen_and_removed(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    nested(work, 90)
    assert not kept(work).is_too_deep
    nested(tmp_path / "work" / ("d" * 200), 0)
    scratch.empty(str(work))
    nested(work, 1500)
    assert kept(work, most_files=10_000).is_too_deep
    scratch.empty(str(work))
    assert list(work.iterdir()) == []


def test_folders_that_are_closed_to_everybody_are_opened_and_removed(tmp_path):
    work = tmp_path / "work"
    (work / "a" / "b" / "c").mkdir(parents=True)
    fill(work / "a" / "b" / "c" / "x")
    for folder in ("a/b/c", "a/b", "a"):
        (work / folder).chmod(0)
    assert kept(work).size >= MB
    for folder in ("a/b/c", "a/b", "a"):
        (work / folder).chmod(0)
    scratch.empty(str(work))
    assert list(work.iterdir()) == []


def test_emptying_follows_no_link(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    fill(outside / "kept")
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (work / "link").symlink_to(outside)
    (work / "sub" / "link").symlink_to(outside)
    os.mkfifo(work / "pipe")
    scratch.empty(str(work))
    assert list(work.iterdir()) == []
    assert (outside / "kept").exists()
    scratch.empty(str(tmp_path / "absent"))


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_files_of_a_job_can_be_read_by_whoever_it_becomes(tmp_path, mask):
    source = tmp_path / "model.py"
    source.write_text("x = 1\n")
    root = tmp_path / "root"
    root.mkdir()
    descriptor, before = os.open(source, os.O_RDONLY), os.umask(mask)
    try:
        work = scratch.furnish(str(root), {"job/submission/deep/model.py": descriptor})
    finally:
        os.umask(before)
        os.close(descriptor)
    assert work == str(root / "work")
    copy = root / "job" / "submission" / "deep" / "model.py"
    assert copy.read_text() == "x = 1\n"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o444
    assert {
        stat.S_IMODE((root / path).stat().st_mode) for path in ("job", "job/submission", "job/submission/deep")
    } == {0o755}
