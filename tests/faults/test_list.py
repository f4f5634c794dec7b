"""Every fault of the list has a test that holds it, or waits, said so; docs/surviving.md says which."""

import importlib.util
import os
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "surviving.md"
FIRST, LAST = "<!-- faults -->\n", "<!-- end of faults -->"

FAULTS = tomllib.loads((HERE / "faults.toml").read_text(encoding="utf-8"))
OPEN = tomllib.loads((HERE / "open.toml").read_text(encoding="utf-8"))


@cache
def claims():
    """The tests that claim each fault."""
    spec = importlib.util.spec_from_file_location("claims", ROOT / "tests" / "attacks" / "catalogue" / "claims.py")
    module = sys.modules["claims_of_faults"] = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.claimed("fault")["fault"]


def test_the_list_has_all_30():
    assert list(FAULTS) == [f"F{number}" for number in range(1, 31)]


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_is_held_by_tests_or_open(name):
    tests = claims().get(name, [])
    assert tests or name in OPEN, f"{name}, {FAULTS[name]['fault']}: no test claims it, and no reason is given"


def test_only_faults_of_the_list_are_claimed_or_open():
    assert {*claims(), *OPEN} <= set(FAULTS)


@pytest.mark.parametrize("name", sorted(OPEN))
def test_what_is_open_says_what_is_missing(name):
    assert set(OPEN[name]) <= {"issue", "missing"}
    assert isinstance(OPEN[name]["issue"], int)
    assert len(OPEN[name]["missing"]) > 20


def rendered():
    """The table of docs/surviving.md."""
    lines = ["| # | what happens | what must be so | held by |", "| --- | --- | --- | --- |"]
    for name, entry in FAULTS.items():
        files = sorted({test.partition("::")[0].removeprefix("tests/") for test in claims().get(name, [])})
        held = ", ".join(f"`{file}`" for file in files)
        if name in OPEN:
            held += f"{'; ' if held else ''}open, issue {OPEN[name]['issue']}: {OPEN[name]['missing']}"
        lines.append(f"| {name} | {entry['fault']} | {entry['then']} | {held} |")
    return "\n".join(lines) + "\n"


def test_the_table_of_the_page_is_what_the_tests_claim():
    """GRADER_RENEW_GOLDEN=1 (`make golden` does it too) writes it anew."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(FIRST)
    _, _, after = rest.partition(LAST)
    wanted = f"{before}{FIRST}\n{rendered()}\n{LAST}{after}"
    if "GRADER_RENEW_GOLDEN" in os.environ:
        PAGE.write_text(wanted, encoding="utf-8")
        text = wanted
    assert text == wanted, "GRADER_RENEW_GOLDEN=1 .venv/bin/python -m pytest tests/faults/test_list.py renews it"
