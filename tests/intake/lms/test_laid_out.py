"""However a student puts the same files into the LMS, the same files are graded."""

import io
import zipfile

import pytest

from grader.intake.classes import read_class
from grader.intake.lms.importing import Asked, import_download
from grader.intake.reading import read_submission
from tests.lms.made import write_files, zip_of

WORK = {"answers.json": b'{"answers": {}}', "model.py": b"# mine\n", "maps/1.npy": b"123"}
LEAD = "Ada Lovelace_4001_assignsubmission_file"


def imported(tmp_path, files, *, text=b""):
    """What is graded of Moodle's download of one student's `files`: (path -> bytes, the reason beside the name)."""
    listed = {f"{LEAD}/{path}": data for path, data in files.items()}
    if text:
        listed["Ada Lovelace_4001_assignsubmission_onlinetext/onlinetext.html"] = text
    source = write_files(tmp_path / "DL-digits-1.zip", listed, is_zip=True)
    roster = tmp_path / "roster.csv"
    roster.write_text("id,name\ns1,Ada Lovelace\n")
    target = tmp_path / "class"
    said = import_download(Asked(source, "digits", target, roster=roster)).remarks
    [entry] = read_class(target).by_name.values()
    read = read_submission(target / entry.path)
    found = {one.path: (read.root / one.path).read_bytes() for one in read.files}
    reason = read_class(target).roster[0].reason
    assert any("by hand" in one for one in said) == ("by hand" in reason)
    return found, reason, entry


@pytest.mark.parametrize(
    ("files", "more"),
    [
        pytest.param(WORK, {}, id="file by file"),
        pytest.param({f"my work/{path}": data for path, data in WORK.items()}, {}, id="in a folder"),
        pytest.param({"work.zip": zip_of(WORK)}, {}, id="as a zip"),
        pytest.param(
            {"Work.ZIP": zip_of(WORK, top="work/"), "r.md": b"report"}, {"r.md": b"report"}, id="zip and report"
        ),
        pytest.param({"x/work.zip": zip_of(WORK), "x/r.md": b"r"}, {"r.md": b"r"}, id="zip and report in a folder"),
    ],
)
def test_the_same_files_are_graded_however_they_were_put_in(tmp_path, files, more):
    found, reason, entry = imported(tmp_path, files)
    assert found == {**WORK, **more}
    assert "by hand" not in reason
    assert len(entry.was) == len(files)


def test_a_zip_with_a_text_that_was_typed_beside_it_is_opened(tmp_path):
    found, _, _ = imported(tmp_path, {"work.zip": zip_of(WORK)}, text=b"<p>see my zip</p>")
    assert found == {**WORK, "onlinetext.html": b"<p>see my zip</p>"}


def damaged():
    made = bytearray(zip_of(WORK))
    at = made.index(b"# mine") if b"# mine" in made else 60
    made[at] ^= 0xFF
    return bytes(made)


def leading_out():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("../../answers.json", b"{}")
    return made.getvalue()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param({"a.zip": zip_of(WORK), "b.zip": zip_of(WORK)}, "2 zips", id="two zips"),
        pytest.param({"a.zip": damaged(), "r.md": b"r"}, "cannot be read", id="a damaged one"),
        pytest.param({"a.zip": b"no zip at all", "r.md": b"r"}, "cannot be read", id="none at all"),
        pytest.param({"a.zip": leading_out(), "r.md": b"r"}, "refused", id="one that leads out"),
        pytest.param({"a.zip": zip_of(WORK), "Model.PY": b"r"}, "called like those", id="a file of the same name"),
    ],
)
def test_what_cannot_be_opened_for_certain_stays_as_it_is_and_a_person_is_told(tmp_path, files, said):
    found, reason, _ = imported(tmp_path, files)
    assert found == files
    assert said in reason
    assert "look at it by hand" in reason


def test_the_same_download_once_more_changes_nothing(tmp_path):
    files = {"work.zip": zip_of(WORK), "r.md": b"report"}
    imported(tmp_path, files)
    again = import_download(
        Asked(tmp_path / "DL-digits-1.zip", "digits", tmp_path / "class", roster=tmp_path / "roster.csv")
    )
    assert not again.written.is_changed
