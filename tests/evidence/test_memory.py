"""Workers are as many as memory reaches for, unless more are asked for; then that is said."""

import os

import pytest

from grader.evidence import memory
from grader.limits import Limits

GB = 2**30


@pytest.fixture
def machine(monkeypatch):
    def use(*, cores, size):
        monkeypatch.setattr(os, "cpu_count", lambda: cores)
        monkeypatch.setattr(memory, "memory_bytes", lambda: size)

    return use


@pytest.mark.fault("F16")
@pytest.mark.parametrize(
    ("cores", "size", "workers"),
    [(2, 24 * GB, 2), (8, 24 * GB, 6), (64, 512 * GB, 8), (8, 3 * GB, 1), (4, None, 4)],
    ids=["cores decide", "memory decides", "the most", "less than one job's cap", "not told"],
)
def test_all_that_run_at_once_fit_into_memory(machine, cores, size, workers):
    machine(cores=cores, size=size)
    assert memory.workers_for(Limits(memory_mb=4096)) == workers


@pytest.mark.fault("F16")
def test_more_than_fit_run_where_asked_and_it_is_said_what_may_happen(machine, caplog):
    machine(cores=8, size=8 * GB)
    assert memory.workers_for(Limits(memory_mb=4096), 2) == 2
    assert not caplog.messages
    assert memory.workers_for(Limits(memory_mb=4096), 5) == 5
    [said] = caplog.messages
    assert said == (
        "5 jobs at once may take 4,096 MB each, and this machine has 8,192 MB: where it runs short, jobs are killed\n"
        "  fix: --jobs 2, or a lower [sandbox] memory_mb in grader.toml"
    )


def test_a_container_has_the_memory_that_it_was_given(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("1073741824\n")
    (tmp_path / "odd").write_text("max\n")
    whole = memory.memory_bytes()
    monkeypatch.setattr(memory, "_CONTAINER", (tmp_path / "odd", tmp_path / "missing"))
    assert memory.memory_bytes() >= whole
    monkeypatch.setattr(memory, "_CONTAINER", (tmp_path / "memory.max",))
    assert memory.memory_bytes() == GB
