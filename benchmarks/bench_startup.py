"""How long does a student wait for a theory-only check? Run: python benchmarks/bench_startup.py [--quick]

P6  the wall time of `grader check` on a hand-in of answers only, as a ratio to importing click, rich and jsonschema,
    which it cannot do without; both measured in turns in this run, the medians. The ratio of CPU time is beside it:
    others who use the machine change it less.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, tell, versions_of

HERE = Path(__file__).resolve().parent.parent
RUNS = 5 if "--quick" in sys.argv else 25
BAR, BAR_S = 2.0, 0.4
# As on a user's machine, whose first run keeps the bytecode.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str]) -> tuple[float, float]:
    """Wall and CPU."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=HERE, env=ENVIRONMENT)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def theory_only(folder: Path) -> Path:
    """The perfect example hand-in without its model: what is left is answers."""
    target = folder / "theory"
    shutil.copytree(HERE / "examples" / "digits-class" / "01-perfect", target)
    (target / "model.py").unlink()
    (target / "model.pth").unlink()
    return target


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        submission = theory_only(Path(folder))
        check = [sys.executable, "-m", "grader", "check", str(submission), "--course", str(HERE), "--json"]
        imports = [sys.executable, "-c", "import click, rich, jsonschema"]
        card = json.loads(subprocess.run(check, check=True, capture_output=True, cwd=HERE, env=ENVIRONMENT).stdout)
        times = [(*seconds(check), *seconds(imports)) for _ in range(RUNS)]
    wall, cpu, imports_wall, imports_cpu = (statistics.median(column) for column in zip(*times, strict=True))
    parts = {"check, s": wall, "imports, s": imports_wall, "check by CPU, s": cpu, "imports by CPU, s": imports_cpu}
    what = f"theory-only `grader check` ({card['points']} of {card['max_points']} points)"
    against = f"ratio by CPU time {cpu / imports_cpu:.2f}"
    tell(
        [
            Figure("P6", f"{what}, to `import click, rich, jsonschema`", wall / imports_wall, BAR, parts=parts, n=RUNS,
                   note=against),
            Figure("P6", f"{what}, wall", wall, BAR_S, unit="s", n=RUNS),
        ],
        versions=versions_of("click", "rich", "jsonschema", "PyYAML"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
