"""Which pairs of a class are told to the staff? As JSON (schema: originality), and as a table made of that JSON.

No student reads any of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from grader.model import Json
from grader.reports.plain import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from grader.originality import Clue, Compared
    from grader.originality.classes import LookedAt

FORM = "grader-originality/1"
MOST_SHOWN = 50  # pairs of a table; the JSON has all


def originality_json(looked: Sequence[LookedAt]) -> dict[str, Json]:
    """What came of looking at a class, as plain JSON. The same class gives the same bytes."""
    return {"form": FORM, "classes": [_class(one.assignment, one.rule, one.found) for one in looked]}


def _class(assignment: str, rule: str, found: Compared) -> dict[str, Json]:
    return {
        "assignment": assignment,
        "rule": rule,
        "hand_ins": found.hand_ins,
        "earlier": found.earlier,
        "pairs": [
            {
                "one": pair.one,
                "other": pair.other,
                "clues": [_clue(clue) for clue in pair.clues],
                "remarks": list(pair.remarks),
            }
            for pair in found.pairs
        ],
        "more": found.more,
        "common": list(found.common),
    }


def _clue(clue: Clue) -> dict[str, Json]:
    return {
        "kind": clue.kind,
        "said": clue.said,
        "similarity": clue.similarity,
        "held_by": clue.held_by,
        "in_one": clue.in_one,
        "in_other": clue.in_other,
    }


def originality_table(document: Json) -> RenderableType:
    """The pairs of `originality_json`, one row each, and what may explain them."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = []
    for one in document["classes"]:
        of = f"{one['hand_ins']:,} hand-ins" + (f" and {one['earlier']:,} of earlier years" if one["earlier"] else "")
        if not one["pairs"]:
            parts.append(Text(f"Originality of {one['assignment']}: no pairs among {of}"))
        else:
            table = Table(
                title=f"Originality of {one['assignment']}: look at these", title_style="bold", pad_edge=False
            )
            table.add_column("pair", overflow="fold")
            table.add_column("what is alike, where, and who has it", overflow="fold")
            for pair in one["pairs"][:MOST_SHOWN]:
                names = Text(f"{plain(pair['one'], limit=60)}\n{plain(pair['other'], limit=60)}")
                clues = [Text(_words(clue, one["hand_ins"] + one["earlier"])) for clue in pair["clues"]]
                remarks = [Text("  " + plain(said, limit=300), style="dim") for said in pair["remarks"]]
                table.add_row(names, Group(*clues, *remarks))
            parts.append(table)
            more = max(0, len(one["pairs"]) - MOST_SHOWN) + one["more"]
            if more:
                parts.append(Text(f"and {more:,} more pairs"))
            parts.append(
                Text(f"{len(one['pairs']) + one['more']:,} pairs among {of}; what a pair means, and what it does")
            )
            parts.append(Text("not: docs/originality.md. No points are taken, and no student is told."))
        parts += [Text(plain(said, limit=300), style="dim") for said in one["common"][:10]]
    return Group(*parts)


def _words(clue: Json, count: int) -> str:
    where = plain(clue["in_one"], limit=160)
    if clue["in_one"] != clue["in_other"]:
        where += " ~ " + plain(clue["in_other"], limit=160)
    return f"{clue['kind']}: {plain(clue['said'], limit=400)} [{where}; {clue['held_by']:,} of {count:,} have it]"
