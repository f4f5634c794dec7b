"""docs/checks holds the page of every check as its docstring and schema say it, and of no other."""

import os
from pathlib import Path

import pytest

from grader.checks import all_checks
from grader.reports.check_pages import check_page, index_page

PAGES = Path(__file__).parents[2] / "docs" / "checks"
RENEW = "GRADER_RENEW_GOLDEN=1 .venv/bin/python -m pytest tests/reports/test_check_pages.py renews it"


def wanted():
    checks = all_checks()
    return {"README.md": index_page(checks)} | {f"{name}.md": check_page(name, check) for name, check in checks.items()}


if os.environ.get("GRADER_RENEW_GOLDEN"):
    PAGES.mkdir(exist_ok=True)
    for _old in PAGES.glob("*.md"):
        _old.unlink()
    for _name, _text in wanted().items():
        (PAGES / _name).write_text(_text, encoding="utf-8")


@pytest.mark.parametrize("name", wanted())
def test_the_page_is_what_the_check_says(name):
    assert (PAGES / name).read_text(encoding="utf-8") == wanted()[name], RENEW


def test_there_is_no_page_of_a_check_that_is_not_there():
    assert {path.name for path in PAGES.glob("*")} == set(wanted()), RENEW


def test_a_setting_with_a_bar_in_it_does_not_break_the_table():
    for name, text in wanted().items():
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        columns = {line.replace("\\|", "").count("|") for line in rows}
        assert len(columns) == 1, name
