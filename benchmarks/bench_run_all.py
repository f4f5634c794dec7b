"""What does a second look at a class cost, and what does a large one? Run: python benchmarks/bench_run_all.py

P7  a second `run-all` on an unchanged class, against the first; hand-ins with a model and a checkpoint each
P8  re-scoring 1,000 hand-ins after a change of points; and once more with hostile ones among them
P9  the driver's memory on 10,000 simulated hand-ins, hostile ones among them, against 1,000

All by the command line, in processes of their own, one after the other, in this run. The simulated hand-ins are copies
of the example with a number of their own in the answers, and one and the same model: their jobs are done once. Where
hostile ones are among them, one of twenty has code that ends its process, crashes it, or takes memory or processes
without end; a job that hit a limit is tried again by every run, which is what the difference costs.
`--quick` takes fewer.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
EXAMPLE = HERE / "examples" / "digits-class" / "01-perfect"
# One hand-in of twenty.
HOSTILE = (
    "import os\nos._exit(0)\n",
    "import ctypes\nctypes.string_at(0)\n",
    "held = [bytearray(10**8) for _ in range(10**6)]\n",
    "import os\nwhile True:\n    os.fork()\n",
)
IS_QUICK = "--quick" in sys.argv
WITH_MODELS = 6 if IS_QUICK else 20
SMALL, LARGE = (100, 1000) if IS_QUICK else (1000, 10_000)


def run(folder: Path, course: Path, place: Path) -> tuple[float, int, str]:
    """Wall seconds, the most memory of the driver (bytes), and what it said at the end."""
    environment = {**os.environ, "GRADER_CACHE": str(place / "cache"), "GRADER_STATE": str(place / "state")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    probe = (
        "import resource, sys\nfrom grader.cli import run\ncode = run(sys.argv[1:])\n"
        "print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\nsys.exit(code)"
    )
    command = [sys.executable, "-c", probe, "run-all", str(folder), "--course", str(course)]
    began = time.perf_counter()
    ran = subprocess.run(command, check=False, capture_output=True, text=True, cwd=HERE, env=environment)
    seconds = time.perf_counter() - began
    if ran.returncode:
        raise SystemExit(f"exit {ran.returncode}: {ran.stderr}")
    *_, said, peak = ran.stderr.strip().splitlines()
    return seconds, int(peak.split()[1]) * 1024, said


def simulated(folder: Path, count: int, *, own_models: bool = False, hostile: bool = True) -> Path:
    """So many hand-ins, whose numbers make them differ; with `own_models` in their code too."""
    answers = json.loads((EXAMPLE / "answers.json").read_text())
    for number in range(count):
        target = folder / f"s{number:05}"
        shutil.copytree(EXAMPLE, target)
        (target / "answers.json").write_text(json.dumps({**answers, "_number": number}))
        if hostile and number % 20 == 19:
            (target / "model.py").write_text(HOSTILE[number // 20 % len(HOSTILE)])
        elif own_models:
            with (target / "model.py").open("a") as file:
                file.write(f"\n# hand-in {number}\n")
    return folder


def with_other_points(target: Path) -> Path:
    """The course with one rule's points doubled."""
    shutil.copytree(HERE / "rubrics", target / "rubrics")
    for part in ("reference_solutions", "submissions_template"):
        (target / part).symlink_to(HERE / part)
    shutil.copy(HERE / "grader.toml", target)
    rubric = target / "rubrics" / "digits.yaml"
    text = rubric.read_text()
    changed = text.replace("    correct: c\n        points: 1\n", "    correct: c\n        points: 2\n")
    changed = changed.replace("    points: 5\n", "    points: 6\n", 1)
    if changed.count("\n") != text.count("\n") or changed == text:
        raise SystemExit("rubrics/digits.yaml has another form than this benchmark knows")
    rubric.write_text(changed)
    return target


def main() -> None:
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "click", "rich"))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{machine} | Python {sys.version.split()[0]}, {packages}")
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as scratch:
        place = Path(scratch)
        models = simulated(place / "models", WITH_MODELS, own_models=True)
        first, _, done = run(models, HERE, place / "p7")
        second, _, _ = run(models, HERE, place / "p7")
        print(f"P7  n = {WITH_MODELS} with a model each: first {first:.2f} s, second {second:.2f} s")
        print(f"    ratio {second / first:.3f} (bar 0.02); first: {done}")

        honest = simulated(place / "honest", SMALL, hostile=False)
        base, _, _ = run(honest, HERE, place / "p8")
        same, _, _ = run(honest, HERE, place / "p8")
        changed = with_other_points(place / "course")
        again, _, said = run(honest, changed, place / "p8")
        print(f"P8  n = {SMALL:,}: first {base:.2f} s, unchanged {same:.2f} s")
        print(f"    after a change of points {again:.2f} s (bar 5 s for 1,000); {said}")

        small = simulated(place / "small", SMALL)
        mixed, small_peak, _ = run(small, HERE, place / "p8-mixed")
        again, _, said = run(small, changed, place / "p8-mixed")
        print(f"    one of twenty hostile: first {mixed:.2f} s, after a change of points {again:.2f} s; {said}")

        large = simulated(place / "large", LARGE)
        seconds, large_peak, _ = run(large, HERE, place / "p9")
        print(f"P9  n = {LARGE:,} in {seconds:.1f} s: most memory {large_peak / 2**20:.0f} MiB")
        print(f"    {small_peak / 2**20:.0f} MiB for {SMALL:,}, ratio {large_peak / small_peak:.2f} (bar 1.3)")


if __name__ == "__main__":
    main()
