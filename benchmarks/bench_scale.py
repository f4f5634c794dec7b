"""What does each further hand-in cost, part by part? Run: python benchmarks/bench_scale.py [--quick]

S1  the driver's CPU time, S2 its memory, S3 disk: `grader run-all` of simulated theory-only hand-ins, which need no
    job, so that the driver is all there is. S4 the CPU time of the same run once more
S5  the ledger's jobs a second: a lease and its end each, as before and after every job
S6  the gradebook's new hand-ins a second, in the one transaction at the end of a run (SQLite)
S7  the Ray queue's jobs a second, of jobs that do nothing
S8  100,000 theory-only hand-ins, by the slopes above

A slope is between the two larger of three sizes; that between the two smaller is beside it: where both agree, the part
grows as the class does. Nothing has a bar. docs/scale.md says what follows.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from figures import Figure, tell, versions_of
from simulated import hand_in

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))
IS_QUICK = "--quick" in sys.argv
SIZES = (50, 100, 200) if IS_QUICK else (1000, 3000, 9000)
ROWS = 100 if IS_QUICK else 5000
JOBS = (40, 80, 160) if IS_QUICK else (250, 500, 1500)
FAR = 100_000
# The most memory of this program alone: getrusage also tells of the process that it was forked from.
PROBE = """
import sys
from grader.cli import run
code = run(sys.argv[1:])
with open("/proc/self/status") as file:
    print("PEAK", *(line.split()[1] for line in file if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Ran:
    """One run of a class."""

    n: int
    cpu_s: float
    wall_s: float
    peak: int  # bytes
    disk: int  # bytes of cache, ledger and gradebook


def theory_only(folder: Path, count: int) -> Path:
    """So many hand-ins of answers alone."""
    for number in range(count):
        hand_in(folder / f"s{number:05}", number, with_model=False)
    return folder


def graded(folder: Path, n: int, place: Path) -> Ran:
    environment = {**os.environ, "GRADER_CACHE": str(place / "cache"), "GRADER_STATE": str(place / "state")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", PROBE, "run-all", str(folder), "--course", str(HERE), "--jobs", "1"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(command, check=False, capture_output=True, text=True, cwd=HERE, env=environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode:
        raise SystemExit(f"exit {ran.returncode}: {ran.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = int(ran.stderr.strip().splitlines()[-1].split()[1]) * 1024
    return Ran(n, cpu, wall, peak, sum(file.stat().st_size for file in place.rglob("*") if file.is_file()))


def classes(place: Path) -> Iterator[tuple[Ran, Ran]]:
    """Of each size the first run, and the same once more."""
    for n in SIZES:
        folder, own = theory_only(place / f"class-{n}", n), place / f"own-{n}"
        own.mkdir()
        yield graded(folder, n, own), graded(folder, n, own)
        shutil.rmtree(folder)
        shutil.rmtree(own)


def slope(sizes: tuple[int, ...] | list[int], values: list[float]) -> tuple[float, float]:
    """What each further one adds: between the two larger sizes, and between the two smaller."""
    (a, b, c), (first, second, third) = sizes, values
    return (third - second) / (c - b), (second - first) / (b - a)


def of_the_driver(place: Path) -> Iterator[Figure]:
    runs = list(classes(place))
    first, again = [one for one, _ in runs], [other for _, other in runs]
    slopes: dict[str, float] = {}
    for name, question, unit, scale, values in (
        ("S1", "driver, each further theory-only hand-in, CPU", "ms", 1e3, [one.cpu_s for one in first]),
        ("S2", "driver's memory, each further hand-in", "KiB", 1 / 2**10, [one.peak for one in first]),
        ("S3", "disk (ledger, cache, gradebook), each further hand-in", "KiB", 1 / 2**10, [one.disk for one in first]),
        ("S4", "the same class once more, each further hand-in, CPU", "ms", 1e3, [one.cpu_s for one in again]),
    ):
        here, below = slope(SIZES, values)
        slopes[name] = here
        whole = {"S1": ("s", 1), "S4": ("s", 1)}.get(name, ("MiB", 2**20))
        parts = {f"{n:,} hand-ins, {whole[0]}": value / whole[1] for n, value in zip(SIZES, values, strict=True)}
        parts[f"slope below {SIZES[1]:,}, {unit}"] = scale * below
        yield Figure(name, question, scale * here, None, unit=unit, parts=parts, n=SIZES[-1])
    last = first[-1]
    parts = {
        "driver's memory, GiB": (last.peak + (FAR - last.n) * slopes["S2"]) / 2**30,
        "disk, GiB": (last.disk + (FAR - last.n) * slopes["S3"]) / 2**30,
        "the same once more, minutes": (again[-1].cpu_s + (FAR - last.n) * slopes["S4"]) / 60,
    }
    question = f"{FAR:,} theory-only hand-ins, the driver's CPU, extrapolated"
    yield Figure("S8", question, (last.cpu_s + (FAR - last.n) * slopes["S1"]) / 60, None, unit="minutes", parts=parts,
                 n=last.n, note="not run: by the slopes")  # fmt: skip


def of_the_ledger(place: Path) -> Figure:
    from grader.evidence.ledger import Ledger

    with Ledger.open(place / "ledger") as ledger:
        times = []
        for turn in range(3):
            began = time.process_time()
            for number in range(ROWS):
                key = f"{turn}-{number}"
                ledger.finish(key, ledger.lease(key, "predict", f"s{number}"), "done", 1.5)
            times.append(time.process_time() - began)
        size = (place / "ledger" / "ledger.db").stat().st_size
    rates = {f"jobs {1 + turn * ROWS:,} to {(turn + 1) * ROWS:,}, jobs/s": ROWS / s for turn, s in enumerate(times)}
    parts = {**rates, "file, bytes a job": size / (3 * ROWS)}
    return Figure("S5", "ledger, jobs a second of CPU", ROWS / times[-1], None, unit="jobs/s", parts=parts, n=3 * ROWS)


def of_the_gradebook(place: Path) -> Figure:
    from grader.gradebook.book import Gradebook
    from grader.gradebook.nouns import HandInFacts
    from grader.model import Student
    from tests import desk

    times = []
    with Gradebook.open(f"sqlite:///{place / 'gradebook.db'}") as book:
        for turn in range(3):  # another section of one class, beside those that are there
            folder = f"/section-{turn}"
            made = []
            for number, card in enumerate(desk.cards(ROWS, seed=turn)):
                name, facts = f"{turn}-{number}", HandInFacts(source=f"{folder}/{number}", digest=f"{number:064x}")
                made.append((replace(card, submission=name, students=(Student(name, name),)), facts))
            began = time.process_time()
            recorded = book.record(made, command="bench", folder=folder)
            times.append(time.process_time() - began)
            if recorded.new != ROWS:
                raise SystemExit(f"the gradebook took {recorded.new} of {ROWS} as new: {recorded.problems[:1]}")
    size = (place / "gradebook.db").stat().st_size
    parts = {
        f"hand-ins {1 + turn * ROWS:,} to {(turn + 1) * ROWS:,}, hand-ins/s": ROWS / spent
        for turn, spent in enumerate(times)
    }
    parts["file, KiB a hand-in"] = size / 2**10 / (3 * ROWS)
    question = "gradebook (SQLite), new hand-ins a second of CPU"
    return Figure("S6", question, ROWS / times[-1], None, unit="hand-ins/s", parts=parts, n=3 * ROWS)


def of_ray(place: Path) -> Figure:
    import bench_ray

    from grader import sandbox
    from grader.evidence.kinds import Bench
    from grader.limits import Limits

    bench_ray.let_jobs_do_nothing()
    with bench_ray.started(Bench(Limits(), sandbox.level())) as (runner, start):
        bench_ray.seconds(runner(), bench_ray.plan(place, 4, "warm"))
        spent = [bench_ray.seconds(runner(), bench_ray.plan(place, n, f"scale {n}")) for n in JOBS]
    here, below = slope(JOBS, spent)
    parts = {f"{n:,} jobs, s": value for n, value in zip(JOBS, spent, strict=True)}
    parts |= {f"slope below {JOBS[1]:,}, ms": 1e3 * below, "slope, ms": 1e3 * here, "start, s": start}
    note = f"wall, {bench_ray.WORKERS} workers on the driver's own cores"
    return Figure("S7", "Ray queue, jobs a second that do nothing", 1 / here, None, unit="jobs/s", parts=parts,
                  n=JOBS[-1], note=note)  # fmt: skip


def main() -> None:
    versions = versions_of("ray", "sqlalchemy")
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as scratch:
        place = Path(scratch)
        tell(of_the_driver(place), versions=versions)
        tell([of_the_ledger(place), of_the_gradebook(place)], versions=versions)
        tell([of_ray(place)], versions=versions)


if __name__ == "__main__":
    main()
