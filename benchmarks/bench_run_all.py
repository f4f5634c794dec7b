"""What does a second look at a class cost, and what does a large one? Run: python benchmarks/bench_run_all.py

P7  a second `run-all` on an unchanged class, against the first; hand-ins with a model and a checkpoint each
P8  re-scoring 1,000 hand-ins after a change of points; and once more with hostile ones among them
P9  the driver's memory on 10,000 simulated hand-ins, hostile ones among them, against 1,000

All by the command line, in processes of their own, one after the other, in this run. The simulated hand-ins are copies
of the example with a number of their own in the answers, and one and the same model: their jobs are done once. Where
hostile ones are among them, one of twenty has code that ends its process, crashes it, or takes memory or processes
without end; a job that hit a limit is tried again by every run, which is what the difference costs.
Second runs are measured three times, and their median is told. `--quick` takes fewer hand-ins.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from figures import Figure, tell, versions_of
from simulated import hand_in

HERE = Path(__file__).resolve().parent.parent
# One hand-in of twenty.
HOSTILE = (
    "import os\nos._exit(0)\n",
    "import ctypes\nctypes.string_at(0)\n",
    "held = [bytearray(10**8) for _ in range(10**6)]\n",
    "import os\nwhile True:\n    os.fork()\n",
)
IS_QUICK = "--quick" in sys.argv
WITH_MODELS = 6 if IS_QUICK else 20
AGAIN = 3  # second runs
SMALL, LARGE = (100, 1000) if IS_QUICK else (1000, 10_000)


PROBE = (
    "import atexit, resource, sys\nfrom grader.cli import main\n"
    "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
    "atexit.register(lambda: print('PEAK', peak(), file=sys.stderr))\nmain(sys.argv[1:])"
)


@dataclass(frozen=True)
class Ran:
    """A run: wall and CPU seconds, those of its workers too; the most memory of the driver (bytes); what it said."""

    seconds: float
    cpu: float
    peak: int
    said: str


def run(folder: Path, course: Path, place: Path) -> Ran:
    """The command as its users run it."""
    environment = {**os.environ, "GRADER_CACHE": str(place / "cache"), "GRADER_STATE": str(place / "state")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", PROBE, "run-all", str(folder), "--course", str(course)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(command, check=False, capture_output=True, text=True, cwd=HERE, env=environment)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode:
        raise SystemExit(f"exit {ran.returncode}: {ran.stderr}")
    lines = ran.stderr.strip().splitlines()
    said = next(line for line in lines if " graded in " in line)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(seconds, cpu, int(lines[-1].split()[1]) * 1024, said)


def simulated(folder: Path, count: int, *, own_models: bool = False, hostile: bool = True) -> Path:
    """So many hand-ins, whose numbers make them differ; with `own_models` in their code too."""
    for number in range(count):
        target = hand_in(folder / f"s{number:05}", number)
        if hostile and number % 20 == 19:
            (target / "model.py").write_text(HOSTILE[number // 20 % len(HOSTILE)])
        elif own_models:
            with (target / "model.py").open("a") as file:
                file.write(f"\n# hand-in {number}\n")
    return folder


def a_course(target: Path) -> Path:
    """The course, with rubrics that can be changed."""
    shutil.copytree(HERE / "rubrics", target / "rubrics")
    for part in ("reference_solutions", "submissions_template"):
        (target / part).symlink_to(HERE / part)
    shutil.copy(HERE / "grader.toml", target)
    return target


def change_points(course: Path) -> None:
    """Two rules are worth a point more from now on."""
    rubric = course / "rubrics" / "digits.yaml"
    text = rubric.read_text()
    changed = text.replace("    correct: c\n        points: 1\n", "    correct: c\n        points: 2\n")
    changed = changed.replace("    points: 5\n", "    points: 6\n", 1)
    if changed.count("\n") != text.count("\n") or changed == text:
        raise SystemExit("rubrics/digits.yaml has another form than this benchmark knows")
    rubric.write_text(changed)


def second_run(place: Path) -> list[Figure]:
    models = simulated(place / "models", WITH_MODELS, own_models=True)
    first = run(models, HERE, place / "p7")
    again = [run(models, HERE, place / "p7") for _ in range(AGAIN)]
    seconds = statistics.median(one.seconds for one in again)
    parts = {
        "first, s": first.seconds,
        "second, s": seconds,
        "second by CPU, s": statistics.median(one.cpu for one in again),
    }
    question = "second `run-all` on an unchanged class, against the first; a model and a checkpoint each"
    note = f"{first.said}; the second: the median of {AGAIN}"
    return [Figure("P7", question, seconds / first.seconds, 0.02, parts=parts, n=WITH_MODELS, note=note)]


def new_points(place: Path) -> list[Figure]:
    honest, course = simulated(place / "honest", SMALL, hostile=False), a_course(place / "course")
    first = run(honest, course, place / "p8")
    same = run(honest, course, place / "p8")
    change_points(course)
    changed = run(honest, course, place / "p8")
    parts = {
        "first, s": first.seconds,
        "unchanged, s": same.seconds,
        "unchanged by CPU, s": same.cpu,
        "by CPU, s": changed.cpu,
    }
    question = f"re-scoring {SMALL:,} hand-ins after a change of points"
    bar = 5.0 * SMALL / 1000
    return [Figure("P8", question, changed.seconds, bar, unit="s", parts=parts, n=SMALL, note=changed.said)]


def memory(place: Path) -> list[Figure]:
    small, course = simulated(place / "small", SMALL), a_course(place / "course-mixed")
    first = run(small, course, place / "p8-mixed")
    change_points(course)
    changed = run(small, course, place / "p8-mixed")
    parts = {"first, s": first.seconds, "after a change of points, s": changed.seconds}
    question = "re-scoring after a change of points, one of twenty hostile"
    mixed = Figure("P8", question, changed.seconds, None, unit="s", parts=parts, n=SMALL, note=changed.said)
    large = run(simulated(place / "large", LARGE), HERE, place / "p9")
    parts = {
        "large, MiB": large.peak / 2**20,
        "small, MiB": first.peak / 2**20,
        "KiB a hand-in": (large.peak - first.peak) / 1024 / (LARGE - SMALL),
        "large, s": large.seconds,
    }
    question = f"the driver's memory, {LARGE:,} simulated hand-ins against {SMALL:,}"
    return [mixed, Figure("P9", question, large.peak / first.peak, 1.3, parts=parts, n=LARGE)]


def main() -> None:
    versions = versions_of("torch", "click", "rich", "sqlalchemy")
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as scratch:
        for part in (second_run, new_points, memory):
            tell(part(Path(scratch)), versions=versions)


if __name__ == "__main__":
    main()
