"""A GPU is shared by what its trainings need, given whole where nothing is known, and never to student code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence.resources import (
    Shares,
    estimated_bytes,
    lost_its_gpu,
    no_gpu,
    ran_out_of_memory,
    too_large,
    wants_gpu,
)
from grader.model import Evidence, EvidenceStatus, Job, Problem

GIB = 2**30


def training(seed=0, batch_size=256, device="cuda"):
    return Job("reference", (), {"device": device, "seed": seed, "recipe": {"batch_size": batch_size}})


def broke(said):
    return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=Problem("training-broke", "reference", said, ""))


@pytest.mark.parametrize("kind", ["predict", "train", "describe", "activations"])
def test_student_code_gets_no_gpu_whatever_it_says(kind):
    assert not wants_gpu(Job(kind, (), {"device": "cuda"}))


def test_a_gpu_of_unknown_size_is_given_whole():
    assert Shares().share(training(), GIB) == 1


@given(st.integers(1, 200 * GIB), st.integers(1, 200 * GIB))
def test_a_share_covers_the_estimate_or_is_the_whole_gpu(size, estimate):
    share = Shares(size).share(training(), estimate)
    assert 0 < share <= 1
    assert share == 1 or share * size >= estimate


def test_a_larger_batch_is_estimated_larger():
    sizes = [estimated_bytes(training(batch_size=size), 3072, GIB) for size in (1, 64, 1024)]
    assert sizes == sorted(sizes)
    assert sizes[0] > GIB


def test_what_was_measured_counts_for_other_seeds_and_other_runs(tmp_path):
    file = tmp_path / "gpus" / "memory.json"
    shares = Shares(100 * GIB, file)
    assert shares.share(training(seed=0), 50 * GIB) == pytest.approx(0.6)
    shares.measured(training(seed=0), 10 * GIB)
    assert shares.share(training(seed=1), 50 * GIB) == pytest.approx(0.15)
    assert Shares(100 * GIB, file).share(training(seed=2), 50 * GIB) == pytest.approx(0.15)
    assert shares.share(training(batch_size=512), 50 * GIB) == pytest.approx(0.6)


def test_a_record_that_is_broken_or_cannot_be_written_changes_no_share(tmp_path):
    file = tmp_path / "memory.json"
    file.write_text('{"a": ')
    assert Shares(100 * GIB, file).share(training(), 50 * GIB) == pytest.approx(0.6)
    shares = Shares(100 * GIB, tmp_path / "memory.json" / "below-a-file")
    shares.measured(training(), GIB)
    assert shares.share(training(), 50 * GIB) < 0.1


def test_after_each_lack_of_memory_the_share_doubles_to_the_whole_gpu():
    shares, seen = Shares(100 * GIB), []
    for _ in range(5):
        seen.append(shares.share(training(), 10 * GIB))
        shares.double(training())
    assert seen == pytest.approx([0.15, 0.3, 0.6, 1, 1])


@pytest.mark.fault("F27")
@pytest.mark.parametrize(
    "said",
    [
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 9 GiB",
        "RuntimeError: CUDA error: out of memory",
        "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_a_full_gpu_is_told_from_a_broken_one(said):
    assert ran_out_of_memory(broke(said))
    assert not lost_its_gpu(broke(said))


@pytest.mark.fault("F27")
@pytest.mark.parametrize(
    "said",
    [
        "RuntimeError: No CUDA GPUs are available",
        "RuntimeError: CUDA error: unspecified launch failure",
        "'cuda' is not on this machine: PyTorch sees no CUDA device",
        "RuntimeError: CUDA driver initialization failed, you might not have a CUDA gpu.",
    ],
)
def test_a_gpu_that_fails_is_not_the_trainings_fault(said):
    assert lost_its_gpu(broke(said))
    assert not ran_out_of_memory(broke(said))


@pytest.mark.parametrize("said", ["the loss is not a number", "ValueError: batch_size 0 is not at least 1"])
def test_a_training_that_breaks_by_itself_is_neither(said):
    assert not ran_out_of_memory(broke(said))
    assert not lost_its_gpu(broke(said))


@pytest.mark.fault("F27")
def test_what_a_person_is_told_names_the_need_and_another_way():
    said = too_large(training(batch_size=4096), 16 * GIB).problem
    assert "16 GiB" in said.what
    assert "4096" in said.what
    assert "GRADER_DEVICE=cpu" in said.fix
    assert "GRADER_DEVICE=cpu" in no_gpu(training()).problem.fix
