"""The same grades on Ray as without it; a worker that dies costs its job a second try, and nobody else anything."""

import hashlib
import shutil
from pathlib import Path

import pytest

from grader import sandbox
from grader.course import load_course
from grader.evidence import on_ray
from grader.evidence.cache import Cache
from grader.evidence.clusters import Cluster
from grader.evidence.kinds import Bench
from grader.evidence.local import LocalRunner
from grader.evidence.on_ray import RayRunner
from grader.evidence.plan import Plan
from grader.grading import grade
from grader.intake import find_submissions, submission_from
from grader.model import EvidenceStatus, Job, SubmittedFile
from grader.reports.scorecard import scorecard_json
from grader.sandbox import Limits

ROOT = Path(__file__).parents[2]
SOURCES = ("01-perfect", "02-channel-slip", "07-code-in-checkpoint", "09-model-does-not-build")


@pytest.fixture(scope="module")
def ray():
    """Ray with two workers, once for all tests here: it takes seconds to start."""
    cluster = Cluster(2)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def runner(ray, monkeypatch):
    """A runner that uses the Ray that is there. `do` replaces what a worker does."""

    def make(*, do=None, **settings):
        if do is not None:
            scope = {"__name__": "__main__"}  # sent by value: a worker cannot import the tests
            exec(do, scope)  # noqa: S102  our own words, below
            monkeypatch.setattr(on_ray, "done_there", scope["do"])
        made = RayRunner(Bench(Limits(), sandbox.Level("", "")), workers=2, **settings)
        made.backend.cluster = Already(ray)
        return made

    return make


class Already(Cluster):
    """One that is there: nothing is started, and nothing stopped."""

    def __init__(self, cluster):
        self.__dict__.update(cluster.__dict__)

    def start(self):
        pass

    def stop(self):
        pass


@pytest.fixture
def handed_in(tmp_path):
    def put(name, data=b"x = 1\n"):
        (tmp_path / name).write_bytes(data)
        file = SubmittedFile(name, len(data), hashlib.sha256(data).hexdigest())
        return Job("syntax", (file,), {"files": [name]})

    put.root = tmp_path
    return put


@pytest.mark.sandbox
def test_scorecards_are_the_same_byte_for_byte_as_without_ray(runner):
    if not sandbox.level().is_isolated:
        pytest.skip("no sandbox here")
    course = load_course(ROOT)
    from grader.cli.common import load_rubric

    rubric = load_rubric(course, "digits")
    wanted = [source for source in find_submissions(ROOT / "examples/digits-class") if source.name in SOURCES]
    assert len(wanted) == len(SOURCES)
    cards = []
    for run in (LocalRunner(Bench(course.limits, sandbox.level(), course.data_root), workers=2), runner()):
        read = [submission_from(source) for source in wanted]
        submissions = [one.__enter__() for one in read]
        with run:
            cards.append([scorecard_json(card) for card in grade([(one, rubric) for one in submissions], run)])
        assert run.computed
        assert not run.from_cache
        for one in read:
            one.__exit__(None, None, None)
    assert cards[0] == cards[1]
    assert any(card["points"] for card in cards[0])


DIES = """
def do(document, contents, settings, names, *lent):
    import os
    if b"poison" in contents[0][1]:
        os._exit(0)
    return {"key": "", "status": "done", "result": {"read": len(contents[0][1])}, "problem": None, "device": "",
            "versions": {}, "sandbox": "", "seconds": 0.0}
"""


def test_a_job_that_kills_every_worker_is_given_up_and_the_others_are_done(runner, handed_in):
    jobs = [handed_in(f"{n}.py", b"poison" if n == 2 else b"x" * n) for n in range(1, 6)]
    arrived = []
    run = runner(do=DIES, on_done=lambda _, made: arrived.append(made.status))
    evidence = run(Plan(dict.fromkeys(jobs, handed_in.root)))
    assert len(evidence) == len(arrived) == 5
    [poison] = [made for made in evidence.values() if made.status is EvidenceStatus.SYSTEM_FAULT]
    assert poison.problem.code == "worker-died"
    assert "2 workers" in poison.problem.what
    assert sorted(made.result["read"] for made in evidence.values() if made.is_done) == [1, 3, 4, 5]


DIES_ONCE = """
def do(document, contents, settings, names, *lent):
    import os
    from pathlib import Path
    mark = Path(contents[0][1].decode())
    if not mark.exists():
        mark.write_text("x")
        os._exit(1)
    return {"key": "", "status": "done", "result": {"tries": 2}, "problem": None, "device": "", "versions": {},
            "sandbox": "", "seconds": 0.0}
"""


def test_a_worker_that_was_killed_costs_its_job_nothing(runner, handed_in, tmp_path):
    job = handed_in("a.py", str(tmp_path / "mark").encode())
    evidence = runner(do=DIES_ONCE)(Plan({job: handed_in.root}))
    assert evidence[job].result == {"tries": 2}


RAISES = """
def do(document, contents, settings, names, *lent):
    raise ZeroDivisionError("ours")
"""


def test_a_fault_of_ours_on_a_node_is_no_students(runner, handed_in):
    job = handed_in("a.py")
    made = runner(do=RAISES)(Plan({job: handed_in.root}))[job]
    assert made.status is EvidenceStatus.SYSTEM_FAULT
    assert "ZeroDivisionError" in made.problem.what


def test_a_file_that_changed_is_refused_and_the_rest_goes_on(runner, handed_in):
    jobs = [handed_in("a.py", b"1"), handed_in("b.py", b"2")]
    (handed_in.root / "a.py").write_bytes(b"changed")
    evidence = runner(do=DIES)(Plan(dict.fromkeys(jobs, handed_in.root)))
    assert evidence[jobs[0]].problem.code == "file-changed"
    assert evidence[jobs[1]].is_done


@pytest.mark.sandbox
def test_what_has_arrived_is_kept_and_ray_is_not_started_again(runner, handed_in, tmp_path, monkeypatch):
    if not sandbox.level().is_isolated:
        pytest.skip("no sandbox here")
    job = handed_in("a.py")
    cache = Cache(tmp_path / "cache")
    first = runner(cache=cache)(Plan({job: handed_in.root}))[job]
    assert first.is_done

    def never(_):
        raise AssertionError("Ray was started for what is known")

    again = runner(cache=cache)
    monkeypatch.setattr(Already, "start", never)
    assert again(Plan({job: handed_in.root}))[job] == first
    shutil.rmtree(tmp_path / "cache")


def test_a_set_that_was_lent_is_used_and_no_folder_is_asked_for():
    lent = object()
    bench = Bench(Limits(), sandbox.Level("", ""), Path("/nowhere"), lent={("cifar10", "test"): lent})
    assert bench.image_set("cifar10", "test") is lent


def test_where_ray_is_too_old_it_is_said_and_nothing_is_started(monkeypatch):
    import types

    from grader.errors import MachineError

    monkeypatch.setitem(__import__("sys").modules, "ray", types.SimpleNamespace(__version__="2.9.1"))
    with pytest.raises(MachineError, match="too old") as refused:
        Cluster(1).start()
    assert "leave out --parallel" in refused.value.problems[0].fix


def test_nothing_to_do_starts_nothing(monkeypatch):
    monkeypatch.setattr(Cluster, "start", None)
    assert RayRunner(Bench(Limits(), sandbox.Level("", "")))(Plan({})) == {}


NOTHING = """
def do(document, contents, settings, names, *lent):
    return {"key": "", "status": "done", "result": {"read": sum(len(data) for data in lent)}, "problem": None,
            "device": "", "versions": {}, "sandbox": "", "seconds": 0.0}
"""


def own_bytes():
    """This process's memory without what it shares with the object store."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_neither_the_driver_nor_the_object_store_grows_with_the_number_of_jobs(runner, ray, tmp_path, monkeypatch):
    """A file of 200 kB each: 1,000 of them would be 200 MB, in either place."""
    from collections import deque

    monkeypatch.setattr(on_ray, "_MOST_LENT_BYTES", 10_000_000)
    run = runner(do=NOTHING, cache=Cache(tmp_path / "cache"))
    waiting = deque(range(1_000))
    used, done = {}, 0
    with run:
        while waiting or not run.is_idle:
            while waiting and run.has_room:
                number = waiting.popleft()
                data = number.to_bytes(4, "big") * 50_000
                path = tmp_path / f"{number % 50}.pt"
                path.unlink(missing_ok=True)
                path.write_bytes(data)
                file = SubmittedFile(path.name, len(data), hashlib.sha256(data).hexdigest())
                assert run.order(Job("syntax", (file,), {}), tmp_path) is None
            done += len(run.arrived())
            if done in (250, 1_000):
                free = ray.ray.available_resources().get("object_store_memory", 0)
                used[done] = (own_bytes(), ray.ray.cluster_resources()["object_store_memory"] - free)
        assert done == 1_000
        assert not run.backend.under_way()
    grown = [after - before for before, after in zip(used[250], used[1_000], strict=True)]
    assert grown[0] < 30e6, f"the driver grew by {grown[0] / 1e6:.0f} MB"
    assert grown[1] < 30e6, f"the store grew by {grown[1] / 1e6:.0f} MB"


MODEL = "from torch import nn\n\n\ndef build_model():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
RECIPES = """
from grader.training.recipe import Recipe
RECIPES = {"quick": Recipe(data_set="digits", optimizer="sgd", learning_rate=0.1, batch_size=64, epochs=2)}
DEMANDS = {"quick": 0.5}
"""


@pytest.mark.torch
def test_a_reference_trained_on_ray_is_the_one_trained_here(runner, tmp_path, monkeypatch):
    from grader.evidence.references import prepared
    from grader.training.reference import load_recipes

    monkeypatch.setenv("GRADER_DEVICE", "cpu")
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "recipes.py").write_text(RECIPES)
    with prepared(load_recipes(tmp_path)) as ready:
        plan = Plan.of([(ready.job("quick", seed=seed), ready.folder) for seed in (1, 2)])
        here = LocalRunner(Bench(Limits(), sandbox.level("none")), workers=2)(plan)
        there = runner(sandbox="none")(plan)
    for job, made in here.items():
        assert made.is_done
        for name in ("correct", "n", "weights", "device", "data", "gpu_bytes"):
            assert there[job].result[name] == made.result[name]
        assert there[job].key == made.key
    assert len({made.result["weights"] for made in there.values()}) == 2


SLOW = """
def do(document, contents, settings, names, *lent):
    import time
    with open(MARK, "a") as file:
        file.write("x")
    time.sleep(2)
    return {"key": "", "status": "done", "result": {}, "problem": None, "device": "", "versions": {}, "sandbox": "",
            "seconds": 0.0}
"""


def test_after_a_first_ctrl_c_what_runs_is_kept_and_nothing_more_is_started(runner, handed_in, tmp_path):
    jobs = [handed_in(f"{n}.py", b"x" * n) for n in range(1, 9)]
    told, cache = [], Cache(tmp_path / "cache")

    def interrupt(*_):
        raise KeyboardInterrupt

    words = SLOW.replace("MARK", repr(str(tmp_path / "mark")))
    run = runner(do=words, cache=cache, on_done=interrupt, on_drain=told.append)
    with pytest.raises(KeyboardInterrupt):
        run(Plan(dict.fromkeys(jobs, handed_in.root)))
    started = len((tmp_path / "mark").read_text())
    assert 1 <= started <= 4
    assert len(list((tmp_path / "cache").rglob("*.json"))) == started
    assert told
    assert told[0] <= 2
