"""How does a run get into the course's gradebook? Looked at before hours of work, written once at the end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from grader.frozen import dataclass

if TYPE_CHECKING:
    from grader.course import Course
    from grader.gradebook.nouns import HandInFacts, Recorded
    from grader.grading import HandIn
    from grader.intake.classes import ClassList
    from grader.remembered import Remembered


T = TypeVar("T")


@dataclass
class Gathered:
    """What cards do not say of their hand-ins, noted as each is graded, by its number in the class."""

    _facts: dict[int, HandInFacts] = field(default_factory=dict)

    def note(self, hand_in: HandIn) -> None:
        """Keep it: some hundred bytes of each hand-in."""
        from grader.course.late import received_at
        from grader.gradebook.nouns import HandInFacts

        one = hand_in.submission
        source = one.source
        self._facts[hand_in.number] = HandInFacts(
            source=str(source.path.absolute()) if source is not None else "",
            received_at=received_at(hand_in.rubric.terms, one),
            digest=source.digest if source is not None else "",
        )

    def with_facts(self, cards: Iterable[T]) -> Iterator[tuple[T, HandInFacts]]:
        """The cards of the class, in its order."""
        return ((card, self._facts[number]) for number, card in enumerate(cards))


def url_of(course: Course, said: str, state: Path | None, *, is_new_allowed: bool = True) -> str:
    """The URL of the gradebook that a run is recorded in, once it has been seen that it can be."""
    from grader.gradebook.place import gradebook_url
    from grader.gradebook.unchanged import is_ready

    url = gradebook_url(course, said, state=state)
    if not is_ready(url):
        from grader.gradebook.book import Gradebook

        Gradebook.open(url, is_new_allowed=is_new_allowed).close()
    return url


def record(url: str, folder: Path, memory: Remembered, gathered: Gathered, *, command: str, is_whole: bool) -> bool:
    """Record a run, and the class that `folder` says it has. False, once it was told, where the gradebook refuses.

    `is_whole`: these are the cards of all hand-ins of the folder.

    The cards stand all the same: they are printed, and the same command records them the next time.
    """
    from grader.cli.common import console
    from grader.errors import GraderError
    from grader.intake.classes import read_class
    from grader.reports.terminal import show_problems

    whole = str(folder.absolute()) if is_whole else ""
    try:
        recorded = _recorded(url, read_class(folder), memory, gathered, command=command, folder=whole)
    except GraderError as error:
        click.echo("the grades could not be recorded:", err=True)
        show_problems(console(is_json=True), error.problems)
        return False
    tell(recorded)
    return True


def _recorded(
    url: str, class_list: ClassList | None, memory: Remembered, gathered: Gathered, *, command: str, folder: str
) -> Recorded:
    """A run that changes nothing is noted, and any other written."""
    from grader.cli.grade import program_version
    from grader.gradebook import unchanged

    run = {"command": command, "made_with": json.dumps(program_version())}
    cards = gathered.with_facts(memory.kept())
    if not memory.changed:
        recorded = unchanged.recorded(url, cards, class_list=class_list, run=run, folder=folder)
        if recorded is not None:
            return recorded
    from grader.gradebook.book import Gradebook

    with Gradebook.open(url) as book:
        if class_list is not None:
            book.record_class(class_list)
        cards = gathered.with_facts(memory.kept())
        return book.record(cards, command=command, made_with=program_version(), folder=folder)


def tell(recorded: Recorded) -> None:
    """Say what a person has to look at; nothing where there is nothing."""
    from grader.cli.common import console
    from grader.reports.terminal import show_problems

    if recorded.flagged:
        who = "1 hand-in has" if recorded.flagged == 1 else f"{recorded.flagged:,} hand-ins have"
        click.echo(
            f"{who} decisions on findings that have changed since: they stand, and wait to be looked at", err=True
        )
    show_problems(console(is_json=True), recorded.problems)
