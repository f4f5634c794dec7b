"""docs/testing-a-rubric.md lists the kinds of mutants that there are, in their order and words."""

import re
from pathlib import Path

from grader.mutants.kind import all_kinds

PAGE = Path(__file__).parents[2] / "docs" / "testing-a-rubric.md"


def test_every_kind_stands_on_the_page_with_its_slip():
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(name, kind.slip) for name, kind in all_kinds().items()]


def test_a_kind_says_what_no_rule_reads_where_it_does_not_apply():
    assert all(kind.nothing.startswith("no rule ") for kind in all_kinds().values())
