"""Every attack of the list has a test that answers it, or waits, said so, for a part that does not exist yet."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

from grader.checks import all_checks
from grader.cli import COMMANDS, cli

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "security.md"
FIRST, LAST = "<!-- attacks -->\n", "<!-- end of attacks -->"


def loaded(name):
    spec = importlib.util.spec_from_file_location(f"catalogue_{name}", HERE / "catalogue" / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


catalogue = loaded("claims")
OPEN = catalogue.open_attacks()
TITLES = {number: title for rows in catalogue.attacks().values() for number, title in rows.items()}


def is_there(until):
    """Whether the part that an open attack waits for exists."""
    kind, _, rest = until.partition(" ")
    if kind == "command":
        return rest in COMMANDS
    if kind == "option":
        command, option = rest.split()
        return option in {name for one in cli.get_command(None, command).params for name in one.opts}
    if kind == "check":
        return rest in all_checks()
    if kind == "program":
        return (ROOT / "grader" / "sandbox" / "programs" / f"{rest}.py").exists()
    if kind == "glob":
        return any(ROOT.glob(rest))
    raise ValueError(f"{until!r} names no part")


def test_the_list_has_all_96():
    assert sorted(TITLES) == list(range(1, 97))


@pytest.mark.parametrize("number", range(1, 97))
def test_an_attack_is_answered_or_open_and_never_both(number):
    tests = catalogue.claims()["attack"].get(number, [])
    assert bool(tests) != (number in OPEN), f"{number} ({TITLES[number]}): answered by {tests}, open: {number in OPEN}"


def test_only_attacks_of_the_list_are_claimed():
    claimed = {number for by in catalogue.claims().values() for number in by}
    assert claimed <= set(TITLES)
    assert set(OPEN) <= set(TITLES)


@pytest.mark.parametrize("number", sorted(OPEN))
def test_an_open_attack_names_its_issue_its_reason_and_a_part_that_is_not_there(number):
    entry = OPEN[number]
    assert set(entry) == {"issue", "until", "reason"}
    assert isinstance(entry["issue"], int)
    assert len(entry["reason"]) > 10
    assert not is_there(entry["until"]), f"{entry['until']!r} is there by now: attack {number} needs its test"


@pytest.mark.parametrize(
    "until", ["command check", "option check --json", "check accuracy", "program predict", "glob grader/*.py"]
)
def test_a_part_that_is_there_is_seen(until):
    assert is_there(until)


# --- the page ----------------------------------------------------------------------------------


def rendered():
    """The table of docs/security.md."""
    by_mark = catalogue.claims()
    lines = []
    for section, rows in catalogue.attacks().items():
        lines += [
            f"**{section.replace('-', ' ').capitalize()}**",
            "",
            "| # | tried | answered in |",
            "| --- | --- | --- |",
        ]
        for number, title in rows.items():
            whole, partly = (files_of(by_mark[mark].get(number, [])) for mark in ("attack", "attack_partly"))
            if number in OPEN:
                where = f"open, issue {OPEN[number]['issue']}: {OPEN[number]['reason']}"
                where += f" (so far {partly})" if partly else ""
            else:
                where = whole
            lines.append(f"| {number} | {title} | {where} |")
        lines.append("")
    return "\n".join(lines)


def files_of(tests):
    """The files of these tests, short: `attacks/test_archives.py`."""
    return ", ".join(sorted({f"`{test.partition('::')[0].removeprefix('tests/')}`" for test in tests}))


def test_the_table_of_the_page_is_what_the_tests_claim():
    """GRADER_RENEW_GOLDEN=1 (`make golden` does it too) writes it anew."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(FIRST)
    _, _, after = rest.partition(LAST)
    wanted = f"{before}{FIRST}\n{rendered()}{LAST}{after}"
    if "GRADER_RENEW_GOLDEN" in os.environ:
        PAGE.write_text(wanted, encoding="utf-8")
        text = wanted
    assert text == wanted, "GRADER_RENEW_GOLDEN=1 .venv/bin/python -m pytest tests/attacks/test_catalogue.py renews it"


def test_every_test_that_the_page_names_exists():
    """Names in the text, such as `test_files_outside_are_not_there`."""
    text = PAGE.read_text(encoding="utf-8")
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    files = {file.name for file in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"\b(test_\w+)(?!\w*\.py)", re.sub(r"test_\w+\.py", "", text)))
    assert named
    assert named <= known
    assert set(re.findall(r"\btest_\w+\.py", text)) <= files
