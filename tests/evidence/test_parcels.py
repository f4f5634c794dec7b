"""What travels to another machine is the job, its files' own bytes, and nothing that could be swapped on the way."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import MachineError
from grader.evidence.parcels import heard, packed, told, unpacked
from grader.model import Evidence, EvidenceStatus, Job, Problem, SubmittedFile


@pytest.fixture
def handed_in(tmp_path):
    root = tmp_path / "handed-in"
    files = {"model.py": b"x = 1\n", "deep/er/weights.pt": bytes(range(256)) * 100, "empty.txt": b""}
    listed = []
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
        listed.append(SubmittedFile(path, len(data), hashlib.sha256(data).hexdigest()))
    return root, Job("describe", tuple(listed), {"input": [1, 28, 28], "checkpoint": None})


def test_a_job_comes_out_as_it_went_in(handed_in, tmp_path):
    root, job = handed_in
    document, contents = packed(job, root)
    there = tmp_path / "there"
    there.mkdir()
    assert unpacked(document, contents, there) == job
    for file in job.files:
        assert (there / file.path).read_bytes() == (root / file.path).read_bytes()


def test_a_file_that_changed_since_intake_is_not_sent(handed_in):
    root, job = handed_in
    (root / "model.py").write_bytes(b"x = 2\n")
    with pytest.raises(MachineError, match="changed while it was graded"):
        packed(job, root)


@pytest.mark.parametrize(
    "swap",
    [
        pytest.param(lambda contents: [(path, data + b"!") for path, data in contents], id="other bytes"),
        pytest.param(lambda contents: contents[1:], id="one less"),
        pytest.param(lambda contents: [("../out", data) for _, data in contents], id="another name"),
    ],
)
def test_what_was_changed_on_its_way_is_refused(handed_in, tmp_path, swap):
    root, job = handed_in
    document, contents = packed(job, root)
    there = tmp_path / "there"
    there.mkdir()
    with pytest.raises(ValueError, match=r"changed on its way|other files"):
        unpacked(document, tuple(swap(contents)), there)
    assert not (tmp_path / "out").exists()


@given(
    status=st.sampled_from(EvidenceStatus),
    result=st.dictionaries(
        st.text(max_size=5), st.integers() | st.text(max_size=5) | st.lists(st.floats(allow_nan=False))
    ),
    problem=st.none()
    | st.builds(Problem, st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), st.text(max_size=5)),
)
def test_evidence_is_heard_as_it_was_told(status, result, problem):
    made = Evidence("k", status, result, problem, "cpu", {"torch": "2"}, "L3", 1.5)
    assert heard(told(made)) == made
