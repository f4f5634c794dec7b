"""What is on the page of a class? Everybody's points, how they are spread, the hardest tasks, who is on the line.

For staff alone: it names everybody. A thousand hand-ins are one plain table without a script.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from grader.frozen import dataclass
from grader.model import Json
from grader.reports.class_facts import NEAR_WORDS, ClassFacts
from grader.reports.html.charts import Words, bars
from grader.reports.html.drawn import behind
from grader.reports.html.occupancy import occupancy_figure
from grader.reports.html.pages import percent, rendered

if TYPE_CHECKING:
    from markupsafe import Markup

    from grader.gradebook.nouns import Grade, Row

MOST_TASKS = 12  # columns; of more tasks the sum alone
MOST_PAIRS = 100
MOST_CLUES = 5
MOST_BORDERLINE = 200


@dataclass(frozen=True)
class Linked:
    """A row with the address of its own page, relative to this one; empty where there is none."""

    row: Row
    href: str = ""


def class_page(
    facts: ClassFacts | None,
    rows: Sequence[Row],
    *,
    assignment: str,
    title: str = "",
    titles: Mapping[str, str] | None = None,
    missing: Sequence[Grade] = (),
    pairs: Sequence[Mapping[str, Json]] = (),
    hidden_pairs: int = 0,
    href_of: Callable[[Row], str] = lambda _row: "",
    note: str = "",
    occupancy: Mapping[str, Json] | None = None,
) -> str:
    """The page. `titles` are those of tasks; `missing` the students without a grade; `pairs` as `originality` has them.

    `hidden_pairs` were found beyond these. `href_of` gives the address of a hand-in's own page. `occupancy` is what the
    workers of the last run did.
    """
    tasks = list(dict.fromkeys(task for row in rows for task in row.tasks))
    links = {row.submission: href_of(row) for row in rows}
    return rendered(
        "class.html",
        facts=facts,
        assignment=assignment,
        title=title or assignment,
        rows=[Linked(row, links[row.submission]) for row in rows],
        links=links,
        tasks=tasks if len(tasks) <= MOST_TASKS else [],
        titles=titles or {},
        missing=missing,
        pairs=pairs[:MOST_PAIRS],
        more_pairs=max(0, len(pairs) - MOST_PAIRS) + hidden_pairs,
        most_clues=MOST_CLUES,
        most_borderline=MOST_BORDERLINE,
        near=NEAR_WORDS,
        histogram=histogram(facts) if facts is not None else None,
        note=note,
        workers=occupancy_figure(occupancy) if occupancy is not None else None,
        run=occupancy,
    )


def histogram(facts: ClassFacts) -> Markup:
    """How the points are spread, with the values behind it."""
    named = [(one.name.removesuffix("%") if one.high else one.name, one.count) for one in facts.bins]
    said = ", ".join(f"{one.count} with {one.name}" for one in facts.bins if one.count) or "no hand-in has points"
    share = facts.line_share
    mark = float(share) * 10 / len(facts.bins) if share is not None and 0 <= share <= 1 else None
    picture = bars(
        Words("histogram", "How the points are spread", f"Hand-ins by their share of the points: {said}."),
        named, x_label="share of the points, in percent", y_label="hand-ins", marked=mark, mark_name="pass line",
    )  # fmt: skip
    rows = [(one.name, one.count, percent(one.count / facts.count if facts.count else 0)) for one in facts.bins]
    return picture + behind(("share of the points", "hand-ins", "of all"), rows)


def address(folder: str, submission: str) -> str:
    r"""Where the page of a hand-in lies, as a relative URL. Whatever the name is, it stays within the folder.

    >>> address("students", "Ada Lovelace_17"), address("students", 'a%2E?#"')
    ('students/Ada%20Lovelace_17.html', 'students/a%252E%3F%23%22.html')
    """
    return f"{folder}/{quote(submission, safe='')}.html"
