import io
import json
import os
import socket
import tarfile
import zipfile
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.intake import find_submissions, read_submission, remove_tree, submission_from

MANIFEST = json.dumps({"assignment": "digits", "students": [{"id": "s1"}]})


def write_zip(path, files=(("submission.json", MANIFEST), ("a/b.txt", "x"))):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files:
            archive.writestr(name, text)
    return path


def test_a_folder_and_its_zip_are_the_same_hand_in(folder, tmp_path):
    files = {"a/b.txt": "x", "model.py": "y", "answers.json": '{"answers": {"k": 1}}'}
    top = folder(files)
    with zipfile.ZipFile(tmp_path / "hw.zip", "w") as archive:
        for path in sorted(top.rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    read = read_submission(top)
    with submission_from(tmp_path / "hw.zip") as unpacked:
        for what in ("id", "assignment", "files", "students", "answers", "problems", "is_readable"):
            assert getattr(read, what) == getattr(unpacked, what), what


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda _: None, "hw: there is no such file or folder\n  fix: check the path", id="missing"),
        pytest.param(
            lambda path: path.mkdir(),
            "hw: it holds no file\n  fix: hand in the folder that you worked in",
            id="an empty folder",
        ),
        pytest.param(
            lambda path: (path / ".git").mkdir(parents=True),
            "hw: it holds no file but 1 that tools made\n  fix: hand in the folder that you worked in",
            id="only left-overs",
        ),
        pytest.param(lambda path: path.touch(), "hw: the file is empty\n  fix: upload it again", id="an empty file"),
        pytest.param(
            os.mkfifo, "hw: it is a pipe, a socket or a device\n  fix: hand in a folder or a zip", id="a FIFO"
        ),
        pytest.param(lambda path: path.symlink_to("nowhere"), None, id="a dangling link"),
        pytest.param(
            lambda path: path.symlink_to("/etc"),
            "hw: it is a link, which is not followed\n  fix: name what it leads to: /etc",
            id="a link to a folder",
        ),
        pytest.param(lambda path: path.symlink_to(path), None, id="a link to itself"),
    ],
)
def test_a_source_that_cannot_be_read_says_why(make, message, tmp_path):
    make(tmp_path / "hw")
    with submission_from(tmp_path / "hw", assignment="digits") as submission:
        assert (submission.id, submission.assignment, submission.files) == ("hw", "digits", ())
        assert not submission.is_readable
        [problem] = submission.problems
        assert problem.fix
        assert message in (None, str(problem))


def test_a_socket_is_no_submission(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    socket.socket(socket.AF_UNIX).bind("hw")
    [problem] = read_submission(Path("hw")).problems
    assert problem.code == "source-special"


@pytest.mark.parametrize("path", [Path("a\0b"), Path("x" * 5000), Path("/dev/null"), Path("/dev/null/x")])
def test_no_path_raises(path):
    assert not read_submission(path).is_readable


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(b"7z\xbc\xaf\x27\x1c" + bytes(30), "a 7z archive", id="7z"),
        pytest.param(b"Rar!\x1a\x07\x01\x00" + bytes(30), "a rar archive", id="rar"),
        pytest.param(b"\x1f\x8b\x08" + bytes(30), "a gzip file (.gz or .tar.gz)", id="gzip"),
        pytest.param(b"\xfd7zXZ\x00" + bytes(30), "an xz file (.xz or .tar.xz)", id="xz"),
        pytest.param(b"BZh9" + bytes(30), "a bzip2 file (.bz2 or .tar.bz2)", id="bzip2"),
    ],
)
@pytest.mark.parametrize("has_a_zip_behind", [False, True])
def test_another_archive_is_told_by_its_content(data, kind, has_a_zip_behind, tmp_path):
    path = tmp_path / "hw.zip"
    path.write_bytes(data + (write_zip(tmp_path / "in.zip").read_bytes() if has_a_zip_behind else b""))
    [problem] = read_submission(path).problems
    assert str(problem) == f"hw.zip: it is {kind}, not a zip\n  fix: pack it as a zip"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, None])
def test_a_tar_is_told_in_every_form(form, tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form or tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
    data = bytearray(buffer.getvalue())
    if form is None:  # the oldest form has no mark: its header ends with zeros, and only the checksum tells it
        data[257:512] = bytes(255)
        data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    (tmp_path / "hw.zip").write_bytes(data)
    [problem] = read_submission(tmp_path / "hw.zip").problems
    assert "it is a tar archive, not a zip" in problem.what


@pytest.mark.fault("F21")
def test_a_hand_in_that_changes_while_it_is_read_is_not_graded(tmp_path, monkeypatch, codes):
    from grader.intake import reading

    path = write_zip(tmp_path / "hw.zip")
    real = reading._receive_zip

    def then_changed(*arguments):
        received = real(*arguments)
        path.write_bytes(path.read_bytes() + b"x")
        return received

    monkeypatch.setattr(reading, "_receive_zip", then_changed)
    submission = read_submission(path, workspace=tmp_path)
    assert codes(submission) == ["file-changed"]
    assert [each.name for each in tmp_path.iterdir()] == ["hw.zip"]


def test_what_was_unpacked_goes_when_the_block_ends(tmp_path):
    path = write_zip(tmp_path / "hw.zip")
    with submission_from(path, workspace=tmp_path) as submission:
        root = submission.root
        assert (root / "a/b.txt").read_text() == "x"
        assert root.stat().st_mode & 0o777 == 0o700
        (root / "a").chmod(0)
    assert [each.name for each in tmp_path.iterdir()] == ["hw.zip"]


def test_it_goes_after_an_error_too(tmp_path):
    path = write_zip(tmp_path / "hw.zip")

    with pytest.raises(ZeroDivisionError), submission_from(path, workspace=tmp_path):
        raise ZeroDivisionError
    assert [each.name for each in tmp_path.iterdir()] == ["hw.zip"]


def test_a_folder_is_never_removed(folder, snapshot):
    top = folder({"a": "x"})
    before = snapshot(top)
    with submission_from(top):
        pass
    assert snapshot(top) == before


def test_what_cannot_be_removed_is_said(tmp_path, monkeypatch, caplog):
    from grader.intake import reading

    monkeypatch.setattr(reading, "remove_tree", lambda _: False)
    with submission_from(write_zip(tmp_path / "hw.zip"), workspace=tmp_path) as submission:
        pass
    assert f"{submission.source.unpacked_at} could not be removed" in caplog.text


def test_a_workspace_that_is_missing_is_the_machines_fault(tmp_path, codes):
    submission = read_submission(write_zip(tmp_path / "hw.zip"), workspace=tmp_path / "nowhere")
    assert codes(submission) == ["workspace"]


def test_without_a_workspace_the_systems_own_is_used(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    submission = read_submission(write_zip(tmp_path / "hw.zip"))
    assert submission.source.unpacked_at.parent == tmp_path
    assert remove_tree(submission.source.unpacked_at)


def test_nothing_but_the_source_and_the_workspace_is_touched(folder, tmp_path, opened):
    top = folder({"a/b": "x"})
    path, workspace = write_zip(tmp_path / "hw.zip"), tmp_path / "workspace"
    workspace.mkdir()
    with submission_from(path, workspace=workspace), submission_from(top):
        pass  # what is imported late is imported now
    with opened() as seen, submission_from(path, workspace=workspace), submission_from(top):
        pass
    inside = (str(path), str(workspace), str(top), "grader-hand-in-")
    relative = {"a", "b", "submission.json"}  # opened from the descriptor of their folder, as is what is removed
    assert seen
    assert [one for one in seen if not one.startswith(inside) and one not in relative] == []


def test_the_submissions_of_a_class_are_its_folders_and_archives(tmp_path):
    for name in ("bob", "Eve", ".hidden", "__pycache__", "__MACOSX"):
        (tmp_path / name).mkdir()
    for name in (
        "ada.zip",
        "CLEO.ZIP",
        "dan.tar.gz",
        "fay.7z",
        "grades.csv",
        "marks.xlsx",
        "README",
        ".x.zip",
        "z.zip~",
    ):
        (tmp_path / name).write_bytes(b"x")
    write_zip(tmp_path / "gus", [("a", "")])
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "linked").symlink_to(tmp_path / "bob")
    (tmp_path / "dangling.zip").symlink_to("nowhere")
    found = find_submissions(tmp_path)
    assert [path.name for path in found] == [
        "CLEO.ZIP", "Eve", "ada.zip", "bob", "dan.tar.gz", "dangling.zip", "fay.7z", "gus", "linked",
    ]  # fmt: skip
    assert all(path.parent == tmp_path for path in found)
    for path in found:  # each gets a scorecard, whatever it is
        with submission_from(path, workspace=tmp_path) as submission:
            assert submission.problems


def test_a_class_folder_that_is_none_is_the_callers_error(tmp_path):
    with pytest.raises(UsageError, match="the folder cannot be read"):
        find_submissions(tmp_path / "nowhere")
    assert find_submissions(tmp_path) == []


@pytest.mark.parametrize("beside", [{}, {"report.pdf": "x"}, {"notes.txt": "x", "plot.png": "y"}])
@pytest.mark.parametrize("name", ["hw.zip", "hw.tar.gz", "hw.rar", "hw.7z", "hw.TGZ", "deep/er/hw.zip"])
def test_a_hand_in_that_is_all_in_a_shut_archive_is_looked_at_by_a_person(name, beside, folder):
    """Its files are not missing: nobody has looked. In a zip of its own it would be graded."""
    submission = read_submission(folder({name: "x", **beside}, manifest=None), assignment="digits")
    assert not submission.is_readable
    [problem] = submission.problems
    assert (problem.code, problem.where) == ("only-archive", f'hw "{name}"')
    assert name in [file.path for file in submission.files]


@pytest.mark.parametrize("other", ["submission.json", "answers.json", "model.py", "report.md", "model.pth", "hw.ipynb"])
def test_an_archive_beside_what_can_be_graded_is_a_file(other, folder):
    submission = read_submission(folder({"data.zip": "x", other: "{}"}, manifest=None), assignment="digits")
    assert submission.is_readable
    assert "only-archive" not in [problem.code for problem in submission.problems]


def test_a_zip_in_a_zip_is_not_a_hand_in_without_files(tmp_path):
    inner = write_zip(tmp_path / "inner.zip").read_bytes()
    outer = write_zip(tmp_path / "hw.zip", [("hw.zip", inner)])
    with submission_from(outer, assignment="digits") as submission:
        assert (submission.is_readable, [problem.code for problem in submission.problems]) == (False, ["only-archive"])
