"""What a start imports: a student waits for it every time."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "torch", "torchvision", "ray", "numpy", "scipy", "sklearn", "PIL", "matplotlib", "sympy", "sqlalchemy", "alembic",
    "fastapi", "jinja2", "openpyxl",
}  # fmt: skip

PROBE = """
import sys
from grader.cli import run
code = run(sys.argv[1:])
print("IMPORTED", *sorted({name.partition(".")[0] for name in sys.modules}))
sys.exit(code)
"""


def imported(*words):
    command = [sys.executable, "-c", PROBE, *map(str, words)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    last = ran.stdout.splitlines()[-1]
    assert last.startswith("IMPORTED ")
    return set(last.split()[1:])


def test_the_probe_sees_what_is_imported():
    assert "grader" in imported("--help")


def test_help_imports_click_and_nothing_heavy():
    assert not imported("--help") & (HEAVY | {"rich", "jsonschema", "yaml"})


@pytest.mark.parametrize("form", ["--quiet", "--json"])
def test_a_theory_only_check_imports_nothing_heavy(theory, form):
    found = imported("check", theory, "--course", ROOT, form)
    assert "jsonschema" in found
    assert not found & HEAVY
