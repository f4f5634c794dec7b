"""How long does a student wait for a theory-only check? Run: python benchmarks/bench_startup.py

Prints the wall time of `grader check` on a hand-in of answers only, as a ratio to importing click, rich and
jsonschema, which it cannot do without. Both are measured in turns in this run; the medians of n runs each.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
RUNS = 15
BAR_S = 0.4
# As on a user's machine, whose first run keeps the bytecode.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=HERE, env=ENVIRONMENT)
    return time.perf_counter() - started


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
        times = [(seconds(check), seconds(imports)) for _ in range(RUNS)]
    checked = statistics.median(pair[0] for pair in times)
    imported = statistics.median(pair[1] for pair in times)
    print(f"theory-only `grader check` ({card['points']} of {card['max_points']} points): {checked:.3f} s wall")
    print(f"python -c 'import click, rich, jsonschema': {imported:.3f} s wall")
    print(f"ratio: {checked / imported:.2f}   (bar: at most {BAR_S} s: {'met' if checked <= BAR_S else 'not met'})")
    versions = ", ".join(f"{name} {version(name)}" for name in ("click", "rich", "jsonschema", "PyYAML"))
    print(f"n = {RUNS} each, medians; Python {platform.python_version()}, {versions}; {platform.machine()}")


if __name__ == "__main__":
    main()
