"""How does a check's page look in docs/checks? Its docstring and its settings, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from grader.checks import Check
from grader.course.written import COMMON_KEYS
from grader.documents import schema
from grader.reports.checks import page, setting_rows


def check_page(name: str, check: Check) -> str:
    """One check's page.

    >>> from grader.checks import all_checks
    >>> check_page("choice", all_checks()["choice"]).splitlines()[0]
    '# `choice`'
    """
    above = f"# `{name}`\n\n{page(check)}\n\n## Settings\n\n"
    rows = [("setting", "type", "left out", "description"), ("---",) * 4]
    if check.reads_answer:
        about = schema("rubric")["$defs"]["rule"]["properties"]["answer"]["description"]
        rows.append(("`answer`", "text", "required", about))
    rows += [(f"`{setting}`", words, default, said) for setting, words, default, said in setting_rows(check)]
    table = "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in rows)
    common = ", ".join(f"`{key}`" for key in COMMON_KEYS if key != "answer")
    return f"{above}{table}\nEvery rule also takes {common}: see [the rubric's page](../writing-a-rubric.md).\n"


def index_page(checks: Mapping[str, Check]) -> str:
    """The list of all checks, each with the first sentence of its page."""
    lines = ["# The checks", ""]
    lines += [
        "What a rule of a rubric can look at. `grader rubric checks NAME` prints the same page in a terminal.",
        "",
    ]
    lines += ["| check | what it does |", "| --- | --- |"]
    for name, check in checks.items():
        lines.append(f"| [{name}]({name}.md) | {_cell(page(check).splitlines()[0])} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
