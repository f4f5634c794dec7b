"""Gradescope's export is read as its metadata says, and as nothing else says."""

import contextlib

import pytest
import yaml as yaml_of_python
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import GraderError, SubmissionError
from grader.intake.lms.base import Options
from tests.lms.gradescope import make_gradescope
from tests.lms.made import Student, files_of, resubmitted, students, write_files
from tests.lms.reading import assert_nothing_lost, contents, options_for, read_made, tree_of

FORMS = {
    "as it comes": {},
    "with the results of tests": {"has_results": True},
    "with Ruby's tags": {"has_results": True, "has_tags": True},
    "groups": {"has_groups": True},
    "unpacked by hand": {"is_zip": False, "is_wrapped": False},
    "a folder in a folder": {"is_zip": False},
    "without times": {"has_times": False},
    "with a mark and semicolons": {"bom": True, "delimiter": ";"},
    "without student numbers": {"has_sids": False},
    "work on paper": {"is_pdf": True},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_submission_is_read_with_its_people_files_and_time(form, tmp_path):
    people = students(24, group_of=3 if "has_groups" in form else 0)
    made = make_gradescope(tmp_path, people, **form)
    read = read_made(made.source, options_for(made))
    assert read.kind == "gradescope"
    found = read.by_folder()
    assert set(found) == {one.lms_folder for one in made.hand_ins}
    ids = {one.email: one.id for one in people}
    for truth in made.hand_ins:
        one = found[truth.lms_folder]
        assert [ids[who.email] for who in one.who] == list(truth.students)
        assert sorted(contents(read, one).values()) == sorted(truth.files.values())
        assert (one.received_at, one.is_late) == (truth.received_at, truth.is_late)
    metadata = [path for path in read.bytes_of if path.endswith("submission_metadata.yml") and path.count("/") < 2]
    assert_nothing_lost(read, metadata)


def test_the_number_of_an_attempt_is_that_of_the_earlier_ones_and_one(tmp_path):
    [first] = students(1)
    made = make_gradescope(tmp_path, [resubmitted(resubmitted(first))], has_results=True)
    [found] = read_made(made.source, Options()).download.found
    assert found.attempt == 3


def test_an_id_keeps_its_zeros_and_a_name_that_reads_as_a_number_is_text(tmp_path):
    who = Student(1, "00123", "1e5", "", files=files_of(1))
    made = make_gradescope(tmp_path, [who])
    [found] = read_made(made.source, Options()).download.found
    assert [(one.id, one.name) for one in found.who] == [("00123", "1e5")]
    assert found.lms_folder == made.hand_ins[0].lms_folder


def test_what_a_test_printed_names_nobody(tmp_path):
    """Its output quotes metadata, word for word."""
    made = make_gradescope(tmp_path, students(3), has_results=True)
    names = {who.name for one in read_made(made.source, Options()).download.found for who in one.who}
    assert names == {one.name for one in made.students}


def export(folder, metadata, files=None):
    held = {"submission_metadata.yml": metadata.encode(), **(files or {"submission_1/model.py": b"x"})}
    return write_files(folder / "assignment_5_export", held, is_zip=False)


def test_a_folder_that_is_not_named_is_kept_apart(tmp_path):
    files = {"submission_1/model.py": b"x", "submission_2/model.py": b"y", "notes.txt": b"z"}
    source = export(tmp_path, "submission_1:\n  :submitters:\n  - :sid: a1\n", files)
    read = read_made(source, Options())
    assert read.quarantined == {"submission_2/model.py", "notes.txt"}
    assert all("does not name" in one.reason for one in read.download.quarantined)


def test_a_submission_without_people_is_nobodys(tmp_path):
    read = read_made(export(tmp_path, "submission_1:\n  :submitters: []\n"), Options())
    assert (read.download.found, read.quarantined) == ((), {"submission_1/model.py"})


def test_a_submission_without_files_is_told(tmp_path):
    text = "submission_1:\n  :submitters:\n  - :sid: a1\nsubmission_2:\n  :submitters:\n  - :sid: a2\n"
    one, two = read_made(export(tmp_path, text), Options()).download.found
    assert (one.note, dict(two.files), two.note) == ("", {}, "the export holds no files of it")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("submission_1:\n  :submitters:\n  - :name: 'Ada", 3, id="cut off within a name"),
        pytest.param("submission_1:\n  :submitters: [\n", 3, id="cut off within a list"),
        pytest.param("submission_1:\n\t:submitters: []\n", 2, id="a tab"),
        pytest.param("submission_1: {}\nsubmission_1: {}\n", 2, id="one id twice"),
        pytest.param("submission_1: {}\n---\nsubmission_2: {}\n", 3, id="a second document"),
        pytest.param("[" * 5000, 1, id="deep"),
    ],
)
def test_broken_metadata_is_refused_with_its_line(text, line, tmp_path):
    with pytest.raises(SubmissionError) as refused:
        read_made(export(tmp_path, text), Options())
    [problem] = refused.value.problems
    assert problem.where == f"submission_metadata.yml:{line}"


@pytest.mark.parametrize("text", ["", "just words\n", "- a list\n", "{}\n", "\N{BYTE ORDER MARK}"])
def test_metadata_that_names_nothing_is_refused(text, tmp_path):
    with pytest.raises(SubmissionError, match="it names no submission"):
        read_made(export(tmp_path, text), Options())


def test_references_are_followed_once_and_never_multiply(tmp_path):
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    entries = ["submission_1:", "  :submitters:", "  - &p", "    :sid: s1", "submission_2:", "  :submitters:", "  - *p"]
    text = "\n".join([*lines, *entries, ""])
    found = read_made(export(tmp_path, text), Options()).download.found
    assert [[who.id for who in one.who] for one in found] == [["s1"], ["s1"]]
    assert len({one.key for one in found}) == 1, "two submissions of one student are two attempts of theirs"


def test_metadata_of_a_student_is_a_file_of_theirs(tmp_path):
    """A hand-in holds a whole export of its own: in a folder of hand-ins it must not become the download."""
    own = "inbox/s1/assignment_1_export"
    files = {f"{own}/submission_metadata.yml": b"submission_1: {}", f"{own}/submission_1/x": b"", "inbox/s2/a": b""}
    write_files(tmp_path, files, is_zip=False)
    assert read_made(tmp_path / "inbox", Options()).kind == "folder"


# Not the line ends that Python's writer of YAML leaves as they are.
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029\ufeff"), max_size=20)
VALUES = st.recursive(
    st.none() | TEXT | st.integers() | st.floats(allow_nan=False) | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
PEOPLE = st.lists(st.fixed_dictionaries({":name": TEXT, ":sid": TEXT}), max_size=3)


@settings(max_examples=150)
@given(st.dictionaries(st.integers(1, 99).map("submission_{}".format), PEOPLE, min_size=1, max_size=5), VALUES)
def test_whatever_the_names_are_the_people_are_those_that_were_written(entries, extra):
    written = {key: {":submitters": who, ":results": extra, ":score": None} for key, who in entries.items()}
    text = yaml_of_python.safe_dump(written, allow_unicode=True)
    files = {"submission_metadata.yml": text.encode(), **{f"{key}/model.py": b"" for key in entries}}
    source = tree_of("assignment_5_export", files)
    read = read_made(source, Options())
    named = {key: [one for one in who if one[":sid"] or one[":name"]] for key, who in entries.items()}
    found = {one.lms_folder: [(who.id, who.name) for who in one.who] for one in read.download.found}
    assert found == {key: [(one[":sid"], one[":name"]) for one in who] for key, who in named.items() if who}
    assert read.quarantined == {f"{key}/model.py" for key, who in named.items() if not who}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The metadata of a small class, and the names of its files."""
    made = make_gradescope(tmp_path_factory.mktemp("export"), students(3), is_zip=False, is_wrapped=False)
    return (made.source / "submission_metadata.yml").read_bytes(), [one.lms_folder for one in made.hand_ins]


@settings(max_examples=300)
@given(st.binary(max_size=40), st.integers(0, 400), st.integers(0, 40))
def test_whatever_the_metadata_is_it_is_read_or_refused(good, junk, at, gone):
    data, keys = good
    files = {"submission_metadata.yml": data[:at] + junk + data[at + gone :], **{f"{key}/a": b"" for key in keys}}
    with contextlib.suppress(GraderError):
        read_made(tree_of("assignment_5_export", files), Options(), "gradescope")
