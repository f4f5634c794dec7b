import hashlib
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from grader.intake import IntakeLimits, read_submission
from grader.intake import folder as folder_module


def test_every_file_has_its_path_size_and_digest(folder, snapshot):
    files = {"model.py": "import torch", "a/b/c.bin": bytes(range(256)), "empty": "", "Übung/日.txt": "x", "a b": "y"}
    top = folder(files)
    before = snapshot(top)
    submission = read_submission(top)
    assert [file.path for file in submission.files] == sorted([*files, "submission.json"])
    for file in submission.files:
        content = (top / file.path).read_bytes()
        assert (file.size, file.digest) == (len(content), hashlib.sha256(content).hexdigest())
    assert (submission.root, submission.problems, submission.is_readable) == (top, (), True)
    assert submission.source.kind == "folder"
    assert submission.source.size == sum(file.size for file in submission.files)
    assert snapshot(top) == before


def test_the_digest_of_a_folder_is_that_of_its_files(folder):
    one, same = folder({"a": "1"}, name="one"), folder({"a": "1", ".DS_Store": "x"}, name="same")
    other, moved = folder({"a": "2"}, name="other"), folder({"b": "1"}, name="moved")
    digests = [read_submission(top).source.digest for top in (one, same, other, moved)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_what_tools_leave_behind_is_counted_not_read(folder):
    junk = {".git/a": "", ".git/b/c": "", "src/__pycache__/m.pyc": "", ".DS_Store": "", "x.py~": "", ".venv/aux": ""}
    submission = read_submission(folder({"src/m.py": "", **junk}))
    assert [file.path for file in submission.files] == ["src/m.py", "submission.json"]
    assert submission.source.left_out == 5
    assert submission.problems == ()


def refused(top, **options):
    submission = read_submission(top, **options)
    return [str(problem) for problem in submission.problems], [file.path for file in submission.files]


@pytest.mark.parametrize("target", ["/etc/passwd", "submission.json", "nowhere", "..", "."])
def test_a_symbolic_link_is_refused_and_the_rest_is_read(target, folder):
    top = folder({"a.txt": "x"})
    (top / "link").symlink_to(target)
    assert refused(top) == (
        [
            'hw "link": it is a symbolic link\n  fix: put the file itself in its place; a link is not followed',
        ],
        ["a.txt", "submission.json"],
    )


def test_a_linked_folder_is_not_entered(folder, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "labels.npy").write_text("1")
    top = folder()
    (top / "data").symlink_to(tmp_path / "secret", target_is_directory=True)
    problems, files = refused(top)
    assert files == ["submission.json"]
    assert len(problems) == 1


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_pipe_and_a_socket_are_refused_unopened(kind, folder, monkeypatch):
    top = folder()
    if kind == "pipe":
        os.mkfifo(top / "odd")
    else:
        monkeypatch.chdir(top)  # the path of a socket may be 107 bytes long
        socket.socket(socket.AF_UNIX).bind("odd")
    problems, files = refused(top)
    assert files == ["submission.json"]
    assert problems == [f'hw "odd": it is a {"named pipe (FIFO)" if kind == "pipe" else kind}\n  fix: remove it']


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes devices")
def test_a_device_is_refused(folder):
    top = folder()
    try:
        os.mknod(top / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("devices cannot be made here")
    assert refused(top)[0] == ['hw "null": it is a character device\n  fix: remove it']


def test_a_hard_link_to_a_file_elsewhere_is_refused(folder, tmp_path):
    (tmp_path / "labels.npy").write_text("secret")
    top = folder({"a": "x"})
    os.link(tmp_path / "labels.npy", top / "weights.npy")
    assert refused(top) == (
        [
            (
                'hw "weights.npy": it is a hard link: the same file has another name outside this folder\n'
                "  fix: put a copy in its place (cp file copy; mv copy file)"
            )
        ],
        ["a", "submission.json"],
    )


def test_hard_links_within_the_folder_are_files(folder):
    top = folder({"a": "x"})
    (top / "b").mkdir()
    os.link(top / "a", top / "b" / "c")
    assert refused(top) == ([], ["a", "b/c", "submission.json"])


def test_a_hard_link_to_what_is_left_out_has_a_name_elsewhere(folder):
    top = folder({".git/x": "1"})
    os.link(top / ".git" / "x", top / "y")
    assert refused(top)[1] == ["submission.json"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        pytest.param("a\\b", "the name has a backslash, which some systems take for a folder", id="backslash"),
        pytest.param("aux.py", '"aux.py" is the name of a device on Windows', id="device"),
        pytest.param("a\x1b[2J", "the name has the control character U+001B", id="escape sequence"),
        pytest.param("a.", '"a." ends with a dot', id="trailing dot"),
        pytest.param("x/con/y", '"con" is the name of a device on Windows', id="a folder, told once"),
    ],
)
def test_a_name_that_a_zip_could_not_have_is_refused(name, what, folder):
    problems, files = refused(folder({name: ""}))
    assert files == ["submission.json"]
    assert [problem.split(": ", 1)[1].split("\n")[0] for problem in problems] == [what]


def test_a_name_that_is_no_utf8_is_refused(folder):
    top = folder()
    os.close(os.open(os.fsencode(top) + b"/a\xff", os.O_CREAT | os.O_WRONLY))
    assert refused(top)[0] == ['hw "a\\udcff": the name is not UTF-8\n  fix: rename it']


def test_of_twins_none_is_read(folder):
    top = folder({"Model.py": "1", "model.py": "2", "a": ""})
    if len(list(top.iterdir())) == 3:
        pytest.skip("this file system takes them for one")
    problems, files = refused(top)
    assert files == ["a", "submission.json"]
    assert problems == [
        (
            'hw "model.py": many systems take it for "Model.py": only case or the spelling of an accent differs\n'
            "  fix: rename or remove one of the two"
        )
    ]


def test_compiled_files_are_told_and_left_out(folder, codes):
    submission = read_submission(folder({"fast.so": "", "old.pyc": "", "weights.pth": ""}))
    assert [file.path for file in submission.files] == ["submission.json", "weights.pth"]
    assert codes(submission) == ["compiled-file", "compiled-file"]


def test_a_depth_of_32_is_read_and_33_is_refused(folder):
    right, deep = "/".join(["d"] * 31), "/".join(["e"] * 32)
    problems, files = refused(folder({f"{right}/x": "", f"{deep}/y": ""}))
    assert files == [f"{right}/x", "submission.json"]
    assert [problem.split(": ", 1)[1].split("\n")[0] for problem in problems] == ["it lies 33 levels deep, over 32"]


def test_what_lies_far_too_deep_is_told_once(folder):
    top = folder()
    at = os.open(top, os.O_RDONLY)
    for _ in range(200):  # a thousand are no different, and slow to remove
        os.mkdir("d", dir_fd=at)
        inner = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)
    problems, files = refused(top)
    assert files == ["submission.json"]
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        pytest.param(
            {"max_entries": 3},
            "hw: it holds more than 3 files and folders\n  fix: hand in only the files of the template",
            id="entries",
        ),
        pytest.param(
            {"max_listed": 4},
            "hw: it holds more than 4 files and folders with those that are left out\n"
            "  fix: hand in only the files of the template",
            id="listed",
        ),
        pytest.param(
            {"max_total_bytes": 11},
            "hw: its files have more than 11 bytes\n  fix: leave out data sets and all but the asked checkpoints",
            id="bytes",
        ),
    ],
)
def test_one_over_a_limit_of_the_whole_is_unreadable(limits, message, folder):
    top = folder({"a/b": "12345", "c": "12345", ".git": "", "submission.json": "{}"})
    submission = read_submission(top, limits=IntakeLimits(**limits), assignment="digits")
    assert [str(problem) for problem in submission.problems] == [message]
    assert not submission.is_readable
    exact = IntakeLimits(max_entries=4, max_listed=5, max_total_bytes=12, max_file_bytes=5)
    assert read_submission(top, limits=exact, assignment="digits").is_readable


def test_one_file_over_its_limit_is_left_out(folder):
    top = folder({"a": "12345", "b": "123456", "submission.json": "{}"})
    problems, files = refused(top, limits=IntakeLimits(max_file_bytes=5), assignment="digits")
    assert files == ["a", "submission.json"]
    assert problems[0] == 'hw "b": it has more than 5 bytes\n  fix: leave it out, or save it smaller'


def test_a_file_that_grows_while_it_is_read_meets_its_limit(folder, monkeypatch):
    top = folder({"log": "x"})
    real = os.read
    monkeypatch.setattr(folder_module.os, "read", lambda at, size: real(at, size) or b"more")
    problems, _ = refused(top, limits=IntakeLimits(max_file_bytes=1000))
    assert 'hw "log": it has more than 1,000 bytes\n  fix: leave it out, or save it smaller' in problems


def test_a_name_swapped_for_a_link_is_not_followed(folder, tmp_path, monkeypatch):
    """Between the listing and the opening, somebody puts a link in the place of a file."""
    (tmp_path / "labels").write_text("secret")
    top = folder({"a": "x"})
    real = folder_module._open_file

    def swapped(name, parent):
        if name == "a":
            (top / "a").unlink()
            (top / "a").symlink_to(tmp_path / "labels")
        return real(name, parent)

    monkeypatch.setattr(folder_module, "_open_file", swapped)
    problems, files = refused(top)
    assert files == ["submission.json"]
    assert problems[0].startswith('hw "a": it cannot be read (Too many levels of symbolic links)')


def test_what_cannot_be_read_is_told(folder, tmp_path):
    """Run as another user where the tests run as root, whom no mode stops."""
    top = folder({"a": "x", "locked/b": "x", "c": "x"})
    (top / "a").chmod(0)
    (top / "locked").chmod(0)
    for each in (tmp_path, top):
        each.chmod(0o755)
    if os.getuid() == 0:
        pid = os.fork()
        if pid == 0:
            told = 1
            try:
                os.chdir(tmp_path)  # by a relative path: folders above may be closed to the other user
                os.setgid(65534)
                os.setuid(65534)
                content = folder_module.read_folder(Path(top.name), IntakeLimits())
                is_right = [(p, f.what) for p, f in content.refused] == EXPECTED and len(content.files) == 2
                told = 0 if is_right else 2
            finally:
                os._exit(told)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    else:
        content = folder_module.read_folder(top, IntakeLimits())
        assert [(path, flaw.what) for path, flaw in content.refused] == EXPECTED
    (top / "locked").chmod(0o700)


EXPECTED = [("a", "it cannot be read (Permission denied)"), ("locked", "it cannot be read (Permission denied)")]


def test_without_descriptors_of_folders_the_same_is_read(folder, monkeypatch):
    """As on Windows, which opens no folder."""
    top = folder({"a/b": "1", "c": "2", "a/__pycache__/x": ""})
    (top / "link").symlink_to("c")
    whole = read_submission(top)
    monkeypatch.setattr(folder_module, "_HAS_DESCRIPTORS", False)
    assert read_submission(top) == whole


def test_no_descriptor_stays_open(folder):
    top = folder({"a/b/c": "1", "d": ""})
    os.mkfifo(top / "p")
    before = os.dup(0)  # the next descriptor that would be given
    os.close(before)
    read_submission(top)
    after = os.dup(0)
    os.close(after)
    assert after == before


def test_a_theory_check_pays_nothing_for_intake():
    heavy = {"torch", "numpy", "jsonschema", "zipfile", "PIL"}
    code = f"import grader.intake, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
