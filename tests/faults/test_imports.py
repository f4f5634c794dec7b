"""An import that breaks off, or is of an odd form, leaves what was there: F26. It is tried at every step."""

import os
import re
import signal
import sys
from dataclasses import replace
from datetime import UTC

import pytest

from grader.errors import CourseError, SubmissionError
from grader.intake import find_submissions
from grader.intake.classes import read_class
from grader.intake.lms.importing import Asked, import_download
from grader.intake.lms.tables import read_table
from tests.lms.kinds import MAKERS
from tests.lms.made import resubmitted, students

pytestmark = pytest.mark.fault("F26")
CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "open")


def asked(made, target):
    return Asked(made.source, "digits", target, roster=made.roster, worksheet=made.worksheet, zone=UTC)


def snapshot(folder):
    """Everything in it, but for what an import that was broken off has left behind hidden."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if "incoming-" not in path.as_posix() and not path.name.startswith(".new-")
    }


def killed_at(step, work):
    """Do `work` in a process of its own that is killed at its `step`-th change of the disk; whether it came so far."""
    child = os.fork()
    if child == 0:
        count = 0

        def hook(event, arguments):
            nonlocal count
            if event not in CHANGES or (event == "open" and not _writes(arguments)):
                return
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _writes(arguments):
    _, mode, flags = arguments
    return bool((isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR))


@pytest.fixture
def two(tmp_path):
    """Two downloads of a class: between them one hands in again, one is new, one leaves the quarantine."""
    class_ = list(students(4, names=(), missing=0, zipped=2))
    first = MAKERS["canvas"](tmp_path / "a", [*class_[:3], replace(class_[3], files={})])
    class_[1] = resubmitted(class_[1])
    second = MAKERS["canvas"](tmp_path / "b", class_)
    return first, second


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_first_import_that_is_killed_at_any_step_leaves_nothing_or_all(two, tmp_path):
    first, _ = two
    import_download(asked(first, tmp_path / "whole"))
    whole = snapshot(tmp_path / "whole")
    target = tmp_path / "course" / "digits"
    step = 0
    while killed_at(step := step + 1, lambda: import_download(asked(first, target))):
        assert not target.exists() or snapshot(target) == whole, f"half of it is there after step {step}"
        if target.exists():
            for path in sorted(target.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            target.rmdir()
    assert step > 15
    assert snapshot(target) == whole
    assert [path.name for path in target.parent.iterdir()] == ["digits"], "what the dead ones began is cleared away"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_an_import_over_another_that_is_killed_at_any_step_is_undone_or_ended(two, tmp_path):
    first, second = two
    import_download(asked(first, tmp_path / "whole"))
    before = snapshot(tmp_path / "whole")
    import_download(asked(second, tmp_path / "whole"))
    behind = snapshot(tmp_path / "whole")
    assert before != behind
    step, seen = 0, set()
    while True:
        step += 1
        target = tmp_path / f"course-{step}" / "digits"
        import_download(asked(first, target))
        was_killed = killed_at(step, lambda target=target: import_download(asked(second, target)))
        if (target / ".class" / "pending.json").exists():
            with pytest.raises(CourseError, match="broken off"):  # nobody grades what is half renamed
                read_class(target)
            seen.add("pending")
        else:
            class_list = read_class(target)
            now = snapshot(target)
            assert now in (before, behind)
            seen.add("before" if now == before else "behind")
            assert {path.name for path in find_submissions(target)} == {
                one.path for one in class_list.hand_ins if one.is_counted
            }
        import_download(asked(second, target))
        assert snapshot(target) == behind, f"killed at step {step}"
        assert not list((target / ".class").glob("incoming-*"))
        if not was_killed:
            break
    assert seen == {"before", "pending", "behind"}
    assert step > 15


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_the_ending_of_a_broken_off_import_may_be_broken_off_too(two, tmp_path):
    first, second = two
    import_download(asked(first, tmp_path / "whole"))
    import_download(asked(second, tmp_path / "whole"))
    behind = snapshot(tmp_path / "whole")
    target = tmp_path / "course" / "digits"
    import_download(asked(first, target))
    step = 1
    while not (target / ".class" / "pending.json").exists():
        killed_at(step := step + 1, lambda: import_download(asked(second, target)))
        assert step < 200
    for again in (1, 2, 3, 2, 1):
        killed_at(again, lambda: import_download(asked(second, target)))
    import_download(asked(second, target))
    assert snapshot(target) == behind


@pytest.mark.parametrize("kind", ["moodle", "canvas"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_in_any_usual_form_is_read(kind, encoding, delimiter, tmp_path):
    class_ = students(24)
    form = {"encoding": encoding} if kind == "moodle" else {"bom": encoding == "utf-8-sig"}
    made = MAKERS[kind](tmp_path / "made", class_, delimiter=delimiter, **form)
    import_download(asked(made, tmp_path / "digits"))
    assert {one.id: one.name for one in read_class(tmp_path / "digits").roster}["s1002"] == "山田 太郎"


def outcome(one):
    """(what came of an import, "") or (None, where it is refused)."""
    try:
        return import_download(one), ""
    except SubmissionError as error:
        return None, error.problems[0].where


@pytest.mark.parametrize("form", [{}, {"line_end": "\r\n"}, {"bom": True, "delimiter": ";"}, {"is_all_quoted": True}])
def test_a_worksheet_that_is_cut_off_anywhere_imports_nothing_or_is_told(form, tmp_path):
    """Wherever it is cut: refused with the line, or whole lines are missing and their students are told of."""
    class_ = students(5, names=(), missing=0)
    made = MAKERS["moodle"](tmp_path / "made", class_, **form)
    data = made.worksheet.read_bytes()
    ends = {0}
    for length in range(len(data) - 1, 0, -7):
        made.worksheet.write_bytes(data[:length])
        target = tmp_path / "course" / "digits"
        done, refused = outcome(asked(made, target))
        if done is None:
            assert re.search(r":[0-9]+$", refused), "with the line"
            assert not target.exists()
            assert not target.parent.exists() or list(target.parent.iterdir()) == []
            continue
        ends.add(length)
        class_list = read_class(target)
        cut = len(class_) - len([one for one in class_list.roster if one.hand_in])
        assert cut == len({file.split("_")[1] for one in class_list.quarantined for file in one.files})
        assert cut or done.remarks or data[length:].strip() == b""
        target.rename(tmp_path / f"{length}")
    assert len(ends) < 20


BROKEN = {
    "cut off in a row": (b"id,name,email\ns1,Ada,a@x\ns2,Bo", 3, "cut off"),
    "cut off in quotes": (b'id,name\ns1,Ada\ns2,"Bob\n', 3, "never closed"),
    "cut off in a letter": ("id,name\ns1,Zoë".encode()[:-1], 2, "within a character"),
    "another delimiter below": (b"id,name\ns1;Ada\n", 2, "1 cell where"),
    "another delimiter in one line": (b"id;name\ns1;Ada\ns2,Bob\n", 3, "1 cell where"),
    "a delimiter without quotes": (b"id,name\ns1,Lovelace, Ada\n", 2, "3 cells"),
    "two delimiters": (b"id,name;x\ns1,Ada;y\n", 1, "delimiter may be"),
    "two encodings": ("id,name\ns1,Zoë\n".encode() + "s2,José\n".encode("cp1252"), 3, "two encodings"),
    "two encodings below a mark": (b"\xef\xbb\xbfid,name\n" + "s2,José\n".encode("cp1252"), 2, "two encodings"),
    "half of UTF-16": ("id,name\ns1,Ada\n".encode("utf-16")[:-1], 2, "cut off"),
    "NUL characters": (b"id,name\ns1,A\0da\n", 2, "NUL"),
    "a spreadsheet": (b"PK\3\4\24\0\6\0", 1, "a spreadsheet"),
    "a web page": (b"<!DOCTYPE html><html><body>Log in</body></html>\n", 1, "no column says"),
    "nothing": (b"", 1, "empty"),
    "a header alone": (b"id,name\n", 1, "no student"),
    "no ids": (b"when,what\n1,2\n", 1, "no column says"),
    "a quote within a cell": (b'id,name\ns1,"Ada" Lovelace\n', 2, "expected after"),
}


@pytest.mark.parametrize(("data", "line", "said"), BROKEN.values(), ids=BROKEN)
def test_a_table_of_an_odd_form_is_refused_with_its_line_and_nothing_is_imported(data, line, said, tmp_path):
    made = MAKERS["folder"](tmp_path / "made", students(3, names=()))
    listed = tmp_path / "list.csv"
    listed.write_bytes(data)
    with pytest.raises(SubmissionError) as refused:
        import_download(replace(asked(made, tmp_path / "digits"), roster=listed, worksheet=None))
    [problem] = refused.value.problems
    assert problem.where == f"list.csv:{line}"
    assert said in problem.what
    assert problem.fix
    assert not (tmp_path / "digits").exists()


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_a_table_of_an_old_windows_is_read(encoding):
    table = read_table("id;name\ns1;José Ångström\n".encode(encoding), "x.csv")
    assert (table.encoding, table.rows[0].cells[1]) == ("cp1252", "José Ångström")


def test_a_download_over_a_broken_disk_leaves_what_was_there(two, tmp_path, monkeypatch):
    """The disk is full half way: told, and the class is as it was."""
    first, second = two
    target = tmp_path / "digits"
    import_download(asked(first, target))
    before = snapshot(target)
    real, written = os.write, []

    def full(descriptor, data):
        if written:
            raise OSError(28, "No space left on device")
        written.append(real(descriptor, data[:10]))
        return written[0]

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        import_download(asked(second, target))
    monkeypatch.undo()
    assert snapshot(target) == before
    assert read_class(target) is not None
    assert not list((target / ".class").glob("incoming-*"))
