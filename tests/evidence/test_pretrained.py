"""Where pretrained weights are looked for, what enters a job's key, and what a node without the file is lent."""

import hashlib

import pytest

from grader.errors import MachineError
from grader.evidence import pretrained
from grader.evidence.jobs import transfer_job
from grader.evidence.kinds import Bench, cache_key, lent_splits
from grader.limits import Limits
from grader.model import EvidenceStatus, Submission, SubmittedFile
from grader.sandbox import Level


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No weights of this machine."""
    for name in ("GRADER_RESNET18", "GRADER_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def put(tmp_path):
    """put("torch/hub/checkpoints/resnet18.pth") -> the path of a file with some bytes."""

    def make(path, data=b"weights"):
        made = tmp_path / path
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_bytes(data)
        return made

    return make


def bench(root=None, **settings):
    return Bench(Limits(), Level("none", "a test"), root, **settings)


def job(path="m.pth"):
    file = SubmittedFile(path, 3, hashlib.sha256(b"abc").hexdigest())
    return transfer_job(Submission("s", "test", None, (file,)), path, "resnet18")


def test_the_named_file_comes_before_the_data_roots_and_that_before_torchs_own(put, tmp_path, monkeypatch):
    hub = put("torch/hub/checkpoints/resnet18.pth")
    assert pretrained.find("resnet18", None) == hub
    kept = put("data/pretrained/resnet18.safetensors")
    assert pretrained.find("resnet18", tmp_path / "data") == kept
    named = put("elsewhere.pth")
    monkeypatch.setenv("GRADER_RESNET18", str(named))
    assert pretrained.find("resnet18", tmp_path / "data") == named


@pytest.mark.parametrize("name", ["resnet180.pth", "resnet18_own.pth", "resnet18.txt", "resnet18-v2.pth"])
def test_no_other_file_stands_in(put, name):
    put(f"torch/hub/checkpoints/{name}")
    with pytest.raises(MachineError) as told:
        pretrained.find("resnet18", None)
    [problem] = told.value.problems
    assert (problem.code, "GRADER_RESNET18=FILE" in problem.fix) == ("weights-missing", True)


def test_a_named_file_that_is_gone_is_told_and_nothing_is_taken_in_its_place(put, tmp_path, monkeypatch):
    put("torch/hub/checkpoints/resnet18.pth")
    monkeypatch.setenv("GRADER_RESNET18", str(tmp_path / "gone.pth"))
    with pytest.raises(MachineError, match=r"gone\.pth"):
        pretrained.find("resnet18", None)


def test_a_file_whose_name_states_another_digest_is_refused(put):
    digest = hashlib.sha256(b"weights").hexdigest()
    path = put(f"torch/hub/checkpoints/resnet18-{digest[:8]}.pth")
    assert pretrained.digest("resnet18", None) == digest
    path.write_bytes(b"others")
    with pytest.raises(MachineError, match="its name says"):
        pretrained.digest("resnet18", None)


def test_a_jobs_key_is_that_of_the_weights_and_not_of_where_they_lie(put, monkeypatch):
    put("torch/hub/checkpoints/resnet18.pth")
    first = cache_key(job(), bench())
    monkeypatch.setenv("GRADER_RESNET18", str(put("elsewhere.pth")))
    assert cache_key(job(), bench()) == first
    monkeypatch.setenv("GRADER_RESNET18", str(put("newer.pth", b"other weights")))
    assert cache_key(job(), bench()) != first


def test_without_the_weights_a_job_has_no_key():
    """It is never kept that they were missing."""
    with pytest.raises(MachineError, match="not on this machine"):
        cache_key(job(), bench())


@pytest.mark.torch
def test_a_node_without_the_file_compares_with_what_it_was_lent(put, tmp_path):
    torch = pytest.importorskip("torch")
    from grader import sandbox
    from grader.evidence.kinds import do

    level = sandbox.level()
    if not level.is_isolated:
        pytest.skip(f"no sandbox here: {level.reason}")
    torch.save({"a.weight": torch.ones(3, 3), "b.weight": torch.ones(2)}, tmp_path / "torch.pth")
    own = put("torch/hub/checkpoints/resnet18.pth", (tmp_path / "torch.pth").read_bytes())
    torch.save({"net.a.weight": torch.ones(3, 3), "net.b.weight": torch.zeros(2)}, tmp_path / "m.pth")
    data = (tmp_path / "m.pth").read_bytes()
    asked = transfer_job(
        Submission("s", "test", tmp_path, (SubmittedFile("m.pth", len(data), hashlib.sha256(data).hexdigest()),)),
        "m.pth",
        "resnet18",
    )
    [split] = lent_splits(asked)
    here = Bench(Limits(wall_s=60), level)
    lent = {split: here.lendable(*split)}
    own.unlink()
    made = do(asked, tmp_path, Bench(Limits(wall_s=60), level, lent=lent))
    assert made.status is EvidenceStatus.DONE
    assert [(row["name"], row["found"], row["same"]) for row in made.result["tensors"]] == [
        ("a.weight", "net.a.weight", "exactly"),
        ("b.weight", "net.b.weight", "no"),
    ]
    assert made.result["tensors"][1]["change"] == 1.0
