"""F13: whatever a result depends on is in its key, so that a change is a miss and never a wrong hit."""

import pytest

from grader import sandbox
from grader.evidence import kinds
from grader.evidence.kinds import Bench, cache_key
from grader.model import Job, SubmittedFile
from grader.sandbox import Limits

FILE = SubmittedFile("model.py", 1, "ab" * 32)
JOBS = [Job("describe", (FILE,), {}), Job("predict", (FILE,), {"data": "digits", "split": "test"})]


def bench(name="L3"):
    return Bench(Limits(), sandbox.Level(name, "a test"))


CHANGES = {
    "versions": lambda kind: {"torch": f"another for {kind}"},
    "code_digest": lambda kind: f"another for {kind}",
    "device_class": lambda _kind: "another",
}


@pytest.mark.fault("F13")
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.kind)
@pytest.mark.parametrize("name", CHANGES)
def test_another_version_code_or_device_is_another_key(job, name, monkeypatch):
    before = cache_key(job, bench())
    assert cache_key(job, bench()) == before
    monkeypatch.setattr(kinds, name, CHANGES[name])
    assert cache_key(job, bench()) != before


@pytest.mark.fault("F13")
def test_another_wall_data_set_file_or_setting_is_another_key(monkeypatch):
    job = JOBS[1]
    keys = {cache_key(job, bench()), cache_key(job, bench("L1"))}
    keys.add(cache_key(Job("predict", (SubmittedFile("model.py", 1, "cd" * 32),), job.parameters), bench()))
    keys.add(cache_key(Job("predict", (FILE,), {**job.parameters, "split": "train"}), bench()))
    monkeypatch.setattr("grader.datasets.digest", lambda *_, **__: "another")
    keys.add(cache_key(job, bench()))
    assert len(keys) == 5
