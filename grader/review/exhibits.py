"""What is shown of a hand-in besides words? The exhibits of its rules, from evidence that lies in the cache.

Nothing is run, and nothing waits for a job. What was made is kept for a while: going back and forth costs little.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from markupsafe import Markup

from grader.course import Course
from grader.gradebook.nouns import Entry
from grader.model import ScoreCard
from grader.reports.exhibits import Exhibit, LayerTable
from grader.reports.html.drawn import drawn
from grader.reports.known import Known, Shelf
from grader.review.veil import Veil

KEPT: Final = 24  # hand-ins


class Exhibits:
    """The exhibits of the hand-ins that were looked at last. Safe from many threads."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._shelf = Shelf(course)
        self._made: OrderedDict[tuple[int, str, str], Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, entry: Entry) -> Known:
        """Those of an entry, in the order of its tasks, and why there are no more."""
        key = (entry.id, entry.digest, entry.card.rubric_digest)
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        made = self._shelf.known(entry.card, entry.source, entry.digest)
        if not made.exhibits and made.note:  # a rubric that was read long ago may be another one by now
            self._shelf = Shelf(self._course)
            made = self._shelf.known(entry.card, entry.source, entry.digest)
        with self._lock:
            self._made[key] = made
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made


Figures = tuple[int, list[Markup], list[Markup]]


def by_task(exhibits: Sequence[Exhibit], card: ScoreCard, veil: Veil | None) -> list[Figures]:
    """(number of a task in the card from 0, its tables of layers, its drawings); number -1, last, for no task of it."""
    places = {task.task: number for number, task in enumerate(card.tasks)}
    made: dict[int, Figures] = {}
    for number, one in enumerate(exhibits):
        shown = one if veil is None else _covered(one, veil)
        at = places.get(one.about.task, -1)
        tables, drawings = made.setdefault(at, (at, [], []))[1:]
        (tables if isinstance(one, LayerTable) else drawings).append(drawn(shown, f"exhibit-{number}"))
    return sorted(made.values(), key=lambda figures: (figures[0] < 0, figures[0]))


def _covered(value: Any, veil: Veil) -> Any:
    """The same with every text in it covered: drawings are HTML already when they come into a page."""
    if isinstance(value, str):
        return veil.over(value)
    if isinstance(value, tuple):
        return tuple(_covered(one, veil) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        kept = ("task", "rules", "kind", "mime", "verdict")  # names of ours, that code looks at
        changed = {one.name: _covered(getattr(value, one.name), veil) for one in fields(value) if one.name not in kept}
        return replace(value, **changed)
    return value
