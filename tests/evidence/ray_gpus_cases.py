"""On two GPUs that are not there: shares are packed, never over a whole, and a failing GPU is no training's fault.

Ray counts GPUs without looking at them, and names the one that a task has in CUDA_VISIBLE_DEVICES.
"""

import json

import pytest

from grader import sandbox
from grader.datasets import ImageSet
from grader.evidence import gpus, on_ray
from grader.evidence.clusters import Cluster
from grader.evidence.kinds import Bench
from grader.evidence.nodes import Nodes
from grader.evidence.on_ray import RayRunner
from grader.evidence.plan import Plan
from grader.model import EvidenceStatus, Job
from grader.sandbox import Limits

GIB = 2**30


class TwoGpus(Cluster):
    """Started once for all tests here, with two GPUs and eight cores."""

    def _start(self):
        self.ray.init(
            address="local", num_cpus=8, num_gpus=2, include_dashboard=False, object_store_memory=2**28,
            _node_ip_address="127.0.0.1", log_to_driver=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def ray():
    cluster = TwoGpus(8)
    cluster.start()
    end, cluster.start, cluster.stop = cluster.stop, lambda: None, lambda: None
    yield cluster
    end()


@pytest.fixture
def train(ray, tmp_path, monkeypatch):
    """Run trainings, by words of Python that are done instead; gives their evidence."""
    import numpy as np

    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    zeros, labels = np.zeros((4, 1, 8, 8), np.uint8), np.zeros(4, np.int64)
    lent = {
        ("made-up", split): ImageSet("made-up", split, zeros, labels, ("a", "b"), "d") for split in ("train", "test")
    }
    monkeypatch.setattr("grader.evidence.on_ray.Cluster", lambda *_: ray)
    monkeypatch.setattr("grader.datasets.digest", lambda *_, **__: "d")

    def run(words, count=1, device="cuda", gpu_bytes=16 * GIB, batch_size=1):
        scope = {"__name__": "__main__"}  # sent by value: a worker cannot import the tests
        exec(DOES + "".join(f"    {line}\n" for line in words.splitlines()) + GIVES, scope)  # noqa: S102  our own
        monkeypatch.setattr(on_ray, "done_there", scope["do"])
        monkeypatch.setattr(gpus, "smallest_gpu_here", sized(gpu_bytes))
        recipe = {"data_set": "made-up", "batch_size": batch_size}
        jobs = [Job("reference", (), {"device": device, "seed": n, "recipe": recipe}) for n in range(count)]
        bench = Bench(Limits(), sandbox.Level("", ""), lent=lent)
        evidence = RayRunner(bench, workers=8)(Plan(dict.fromkeys(jobs, tmp_path)))
        return [evidence[job] for job in jobs]

    return run


def sized(gpu_bytes):
    scope = {"__name__": "__main__"}
    exec(f"def asked():\n    return {gpu_bytes}", scope)  # noqa: S102  our own words
    return scope["asked"]


DOES = """
def do(document, contents, settings, names, *lent):
    import os, time
    result, problem = {"GPU": os.environ.get("CUDA_VISIBLE_DEVICES"), "began": time.time()}, None
    seed = document["parameters"]["seed"]
    def broke(what):
        return {"code": "training-broke", "where": "reference", "what": what, "fix": ""}
"""
GIVES = """
    result["ended"] = time.time()
    return {"key": "", "status": "system_fault" if problem else "done", "result": result, "problem": problem,
            "device": "", "versions": {}, "sandbox": "", "seconds": 0.0}
"""


def at_once(made, moment, number):
    return sum(one.result["GPU"] == number and one.result["began"] <= moment < one.result["ended"] for one in made)


def test_shares_fill_both_gpus_and_no_gpu_has_more_than_its_own(train):
    made = train("time.sleep(1.5)", count=12, gpu_bytes=5 * GIB)  # 1.3 GiB and a reserve: 0.3 of a GPU each
    assert {one.status for one in made} == {EvidenceStatus.DONE}
    assert {one.result["GPU"] for one in made} == {"0", "1"}
    crowds = [at_once(made, one.result["began"], number) for one in made for number in "01"]
    assert max(crowds) == 3


def test_where_the_gpus_size_is_not_known_each_has_one_alone(train):
    made = train("time.sleep(0.5)", count=5, gpu_bytes=0)
    assert max(at_once(made, one.result["began"], number) for one in made for number in "01") == 1


def test_without_a_word_of_a_gpu_none_is_taken(train):
    made = train("time.sleep(1)", count=8, device="cpu")
    assert max(sum(one.result["began"] <= at.result["began"] < one.result["ended"] for one in made) for at in made) > 2


FULL = """
mark = "{mark}"
with open(mark, "a") as file:
    file.write("x")
if len(open(mark).read()) < {times}:
    problem = broke("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB")
"""


def test_a_training_that_runs_out_of_memory_gets_more_and_costs_nobody_a_fault(train, tmp_path, caplog):
    words = FULL.format(mark=tmp_path / "mark", times=4)
    [made] = train(words, gpu_bytes=20 * GIB)
    assert made.is_done
    assert "0.1 of a GPU" in caplog.text
    assert "0.4 of a GPU" in caplog.text


def test_a_training_for_which_a_whole_gpu_is_too_small_says_what_it_needs(train, tmp_path):
    words = FULL.format(mark=tmp_path / "mark", times=99)
    [made] = train(words, gpu_bytes=20 * GIB, batch_size=64)
    assert made.problem.code == "gpu-memory"
    assert "20 GiB" in made.problem.what
    assert len((tmp_path / "mark").read_text()) == 5  # 0.1, 0.2, 0.4, 0.8, whole


def test_what_was_used_packs_the_next_trainings_closer(train, tmp_path):
    train(f"result['gpu_bytes'] = {GIB}", gpu_bytes=20 * GIB, batch_size=100_000)
    kept = json.loads((tmp_path / "cache" / "gpus" / "memory.json").read_text())
    assert list(kept.values()) == [GIB]


LOSES = """
mark = "{mark}"
with open(mark, "a") as file:
    file.write("x")
if len(open(mark).read()) <= {times}:
    problem = broke("RuntimeError: CUDA error: the launch timed out and was terminated")
"""


@pytest.mark.parametrize(("times", "is_done"), [(1, True), (2, False)])
def test_a_gpu_that_fails_costs_a_second_try_and_then_a_person_is_asked(train, tmp_path, times, is_done):
    [made] = train(LOSES.format(mark=tmp_path / "mark", times=times))
    assert made.is_done is is_done
    assert is_done or made.problem.code == "worker-died"
    assert len((tmp_path / "mark").read_text()) == 2


def test_where_no_node_has_a_gpu_it_is_said_and_nothing_waits(train, monkeypatch):
    monkeypatch.setattr(Nodes, "gpus", 0.0)
    [made] = train("pass")
    assert made.problem.code == "no-gpu"
