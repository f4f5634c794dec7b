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
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, tell, versions_of

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
    versions = versions_of("torch", "click", "rich", "sqlalchemy")
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as scratch:
        place = Path(scratch)
        models = simulated(place / "models", WITH_MODELS, own_models=True)
        first, _, done = run(models, HERE, place / "p7")
        second, _, _ = run(models, HERE, place / "p7")
        parts = {"first, s": first, "second, s": second}
        question = "a second `run-all` of an unchanged class with a model each, to the first"
        tell([Figure("P7", question, second / first, 0.02, parts=parts, n=WITH_MODELS, note=f"first: {done}")],
             versions=versions)  # fmt: skip

        honest = simulated(place / "honest", SMALL, hostile=False)
        base, _, _ = run(honest, HERE, place / "p8")
        same, _, _ = run(honest, HERE, place / "p8")
        changed = with_other_points(place / "course")
        again, _, said = run(honest, changed, place / "p8")
        parts = {"first, s": base, "unchanged, s": same}
        tell([Figure("P8", f"scoring {SMALL:,} again after a change of points", again, 5.0, unit="s", parts=parts,
                     n=SMALL, note=said)], versions=versions)  # fmt: skip

        small = simulated(place / "small", SMALL)
        mixed, small_peak, _ = run(small, HERE, place / "p8-mixed")
        again, _, said = run(small, changed, place / "p8-mixed")
        tell([Figure("P8", "the same, one of twenty hostile, whose jobs are tried again", again, None, unit="s",
                     parts={"first, s": mixed}, n=SMALL, note=said)], versions=versions)  # fmt: skip

        large = simulated(place / "large", LARGE)
        seconds, large_peak, _ = run(large, HERE, place / "p9")
        parts = {f"{LARGE:,}, MiB": large_peak / 2**20, f"{SMALL:,}, MiB": small_peak / 2**20, "run, s": seconds}
        tell([Figure("P9", f"the driver's memory, {LARGE:,} hand-ins to {SMALL:,}", large_peak / small_peak, 1.3,
                     parts=parts, n=LARGE)], versions=versions)  # fmt: skip


if __name__ == "__main__":
    main()
