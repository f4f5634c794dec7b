import os
import resource
import stat

import pytest

from grader.intake import remove_tree, tidy


def deep(top, levels):
    at = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=at)
        inner = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / "tree"
    top.mkdir()
    return top


def test_a_folder_with_all_in_it_is_gone(tree, tmp_path):
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "c").write_text("x")
    (tree / "d").write_text("x")
    os.mkfifo(tree / "a" / "pipe")
    assert remove_tree(tree)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_gone(tmp_path):
    assert remove_tree(tmp_path / "nothing")


def test_a_link_is_removed_and_not_followed(tree, tmp_path):
    keep = tmp_path / "keep"
    (keep / "in").mkdir(parents=True)
    (keep / "in" / "x").write_text("x")
    keep.chmod(0o500)
    (tree / "to-folder").symlink_to(keep)
    (tree / "to-file").symlink_to(keep / "in" / "x")
    assert remove_tree(tree)
    assert (keep / "in" / "x").read_text() == "x"
    assert stat.S_IMODE(keep.stat().st_mode) == 0o500
    keep.chmod(0o700)


def test_a_link_in_the_place_of_the_folder_is_not_followed(tree, tmp_path):
    (tree / "x").write_text("x")
    (tmp_path / "link").symlink_to(tree)
    assert not remove_tree(tmp_path / "link")
    assert (tree / "x").read_text() == "x"


def test_no_depth_needs_more_descriptors_or_stack(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(tidy, "_LEVELS", 8)
    deep(tree, 60)
    (tree / "d" / "beside").mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(tree, os.O_RDONLY)  # the next descriptor that would be given
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 13, hard))
    try:
        assert remove_tree(tree)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
    again = os.open(tmp_path, os.O_RDONLY)
    os.close(again)
    assert again == free, "a descriptor stays open"


@pytest.mark.parametrize("mode", [0o000, 0o100, 0o200, 0o400, 0o500])
def test_closed_folders_are_gone_for_their_owner(mode, tree, tmp_path):
    """As another user where the tests run as root, whom no mode stops."""
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "c").write_text("x")
    for path in (tree / "a" / "b" / "c", tree / "a" / "b", tree / "a", tree):
        if os.getuid() == 0:
            os.chown(path, 65534, 65534)
        path.chmod(mode)
    tmp_path.chmod(0o777)
    if os.getuid() != 0:
        assert remove_tree(tree)
        return
    pid = os.fork()
    if pid == 0:
        told = 1
        try:
            at = os.open(tmp_path, os.O_RDONLY)
            os.setgid(65534)
            os.setuid(65534)
            os.fchdir(at)
            os.close(at)
            # By a relative path: folders above may be closed to this user.
            told = 0 if remove_tree(tidy.Path("tree")) else 2
        finally:
            os._exit(told)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert list(tmp_path.iterdir()) == []


def test_without_descriptors_of_folders_it_is_gone_too(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(tidy, "_HAS_DESCRIPTORS", False)
    (tree / "a").mkdir()
    (tree / "a" / "b").write_text("x")
    (tree / "a" / "b").chmod(0o400)
    assert remove_tree(tree)
    assert list(tmp_path.iterdir()) == []
