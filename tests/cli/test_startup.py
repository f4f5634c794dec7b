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

# Of the standard library, what a check of answers has no use for.
UNUSED = {"tarfile", "ctypes", "asyncio", "multiprocessing", "sqlite3", "ssl", "http", "subprocess", "unittest", "xml"}

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
    assert not found & (HEAVY | UNUSED)


WATCHED = """
import importlib, pkgutil, sys
import click, jsonschema, referencing.jsonschema, rich.console, rich.table, yaml
seen = []
def watch(event, arguments):
    if event == "open" and not str(arguments[0]).endswith((".py", ".pyc")):
        seen.append(str(arguments[0]))
    elif event in ("subprocess.Popen", "os.system", "os.fork", "socket.connect", "_thread.start_new_thread"):
        seen.append(event)
import grader.checks
names = [one.name for one in pkgutil.iter_modules(grader.checks.__path__)]
sys.addaudithook(watch)
for name in ("cli.check", "cli.grade", "running", "reports.terminal", "reports.scorecard"):
    importlib.import_module("grader." + name)
for name in names:
    importlib.import_module("grader.checks." + name)
print("SEEN", *seen)
"""


def test_no_module_of_a_check_reads_a_file_or_starts_anything_when_it_is_imported():
    ran = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.splitlines()[-1].split() == ["SEEN"]


MADE = """
import sys
import jsonschema.validators
made, extend = [], jsonschema.validators.extend
jsonschema.validators.extend = lambda *words, **more: made.append(words) or extend(*words, **more)
from grader.cli import run
for _ in range(2):
    code = run(sys.argv[1:])
print("MADE", len(made))
sys.exit(code)
"""


def test_the_class_of_validators_is_made_once_for_all_documents(theory):
    command = [sys.executable, "-c", MADE, "check", theory, "--course", ROOT, "--quiet"]
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.splitlines()[-1] == "MADE 1"


METHODS = """
import sys
from grader import frozen
made, looked_for = [], []
begin, get = frozen._Later.__init__, frozen._Later.__get__
frozen._Later.__init__ = lambda self, *words: made.append(1) or begin(self, *words)
frozen._Later.__get__ = lambda self, *words: looked_for.append(1) or get(self, *words)
from grader.cli import run
code = run(sys.argv[1:])
print("METHODS", len(looked_for) < len(made) / 2 and len(made) > 100)
sys.exit(code)
"""


def test_most_methods_of_the_types_are_never_compiled(theory):
    command = [sys.executable, "-c", METHODS, "check", theory, "--course", ROOT, "--quiet"]
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.splitlines()[-1] == "METHODS True"
