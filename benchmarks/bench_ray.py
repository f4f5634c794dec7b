"""What does Ray cost? 1,000 jobs through RayRunner and through LocalRunner: python benchmarks/bench_ray.py [--quick]

P10  Ray's seconds to the local runner's, after Ray has started. Three kinds of job: one whose result is in the cache; a
     trivial one (a file of one line is parsed in the sandbox); and one that does nothing at all, which shows the
     carriage alone and has no bar.

Both have two workers; the rounds alternate, and the best of each counts.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import Figure, tell, versions_of

from grader import sandbox
from grader.evidence import local, on_ray
from grader.evidence.cache import Cache
from grader.evidence.clusters import Cluster
from grader.evidence.kinds import Bench
from grader.evidence.local import LocalRunner
from grader.evidence.on_ray import RayRunner
from grader.evidence.plan import Plan
from grader.evidence.runner import Runner
from grader.limits import Limits
from grader.model import Evidence, EvidenceStatus, Job, SubmittedFile

WORKERS = 2
ROUNDS = 2
COUNT = 100 if "--quick" in sys.argv else 1000
BAR = 1.5
NOTHING = """
def do(document, contents, settings, names, *lent):
    return {"key": "", "status": "done", "result": {}, "problem": None, "device": "", "versions": {}, "sandbox": "",
            "seconds": 0.0}
"""


class Standing(Cluster):
    """Ray that was started before the clock."""

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It goes on."""


def plan(folder: Path, count: int, mark: str) -> Plan:
    jobs = {}
    for number in range(count):
        data = f"x = {number}  # {mark}\n".encode()
        (folder / f"{number}.py").write_bytes(data)
        file = SubmittedFile(f"{number}.py", len(data), hashlib.sha256(data).hexdigest())
        jobs[Job("syntax", (file,), {"files": [file.path]})] = folder
    return Plan(jobs)


def seconds(runner: Runner, jobs: Plan) -> float:
    began = time.perf_counter()
    evidence = runner(jobs)
    took = time.perf_counter() - began
    wrong = [made for made in evidence.values() if not made.is_done]
    if wrong or len(evidence) != len(jobs):
        raise SystemExit(f"{len(wrong)} jobs failed: {wrong[:1]}")
    return took


@contextmanager
def started(bench: Bench) -> Iterator[tuple[Callable[..., RayRunner], float]]:
    """What makes runners on a Ray that runs, and the seconds of its start."""
    began = time.perf_counter()
    ray = Cluster(WORKERS)
    ray.start()
    took = time.perf_counter() - began
    standing = Standing(WORKERS)
    standing.__dict__.update(ray.__dict__)

    def made(**settings: Cache) -> RayRunner:
        runner = RayRunner(bench, workers=WORKERS, **settings)
        runner.backend.cluster = standing  # type: ignore[attr-defined]
        return runner

    try:
        yield made, took
    finally:
        ray.stop()


def let_jobs_do_nothing() -> None:
    """From now on, in this process, and on Ray."""
    scope: dict[str, object] = {"__name__": "__main__"}
    exec(NOTHING, scope)  # noqa: S102  the words above
    on_ray.done_there = scope["do"]  # type: ignore[assignment]
    local.finished = lambda *_: Evidence("", EvidenceStatus.DONE)


def main() -> None:
    level = sandbox.level()
    bench = Bench(Limits(), level)
    with started(bench) as (on_ray_runner, start), tempfile.TemporaryDirectory() as name:
        print(f"Ray starts in {start:.1f} s", flush=True)
        trivial = compare("trivial", name, bench, on_ray_runner)
        folder, cache = Path(name), Cache(Path(name) / "cache")
        jobs = plan(folder, COUNT, "cached")
        seconds(LocalRunner(bench, workers=WORKERS, cache=cache), jobs)
        runners = lambda: LocalRunner(bench, workers=WORKERS, cache=cache), lambda: on_ray_runner(cache=cache)
        turns = [[seconds(made(), jobs) for made in runners] for _ in range(5)]
        here, there = map(min, zip(*turns, strict=True))
        let_jobs_do_nothing()
        nothing = compare("nothing", name, bench, on_ray_runner)
    tell(
        [
            figure("cached jobs, to the local runner", here, there, BAR, f"sandbox {level}, {WORKERS} workers"),
            figure("trivial jobs, to the local runner", *trivial, BAR, f"Ray started before, in {start:.1f} s"),
            figure("jobs that do nothing, to the local runner", *nothing, None, "the carriage alone"),
        ],
        versions=versions_of("ray"),
    )


def compare(kind: str, name: str, bench: Bench, on_ray_runner: Callable[..., RayRunner]) -> tuple[float, float]:
    """The best seconds here and on Ray."""
    here, there = [], []
    seconds(on_ray_runner(), plan(Path(name), 2 * WORKERS, f"{kind} warm"))  # workers and their zygotes
    seconds(LocalRunner(bench, workers=WORKERS), plan(Path(name), 2 * WORKERS, f"{kind} warm"))
    for number in range(ROUNDS):
        here.append(seconds(LocalRunner(bench, workers=WORKERS), plan(Path(name), COUNT, f"{kind} here {number}")))
        there.append(seconds(on_ray_runner(), plan(Path(name), COUNT, f"{kind} there {number}")))
    return min(here), min(there)


def figure(question: str, here: float, there: float, bar: float | None, note: str) -> Figure:
    parts = {
        "local, s": here,
        "Ray, s": there,
        "local each, ms": 1e3 * here / COUNT,
        "Ray each, ms": 1e3 * there / COUNT,
    }
    return Figure("P10", question, there / here, bar, parts=parts, n=COUNT, note=note)


if __name__ == "__main__":
    main()
