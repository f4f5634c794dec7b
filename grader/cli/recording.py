"""How does a run get into the course's gradebook? Looked at before hours of work, written once at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.frozen import dataclass

if TYPE_CHECKING:
    from grader.course import Course
    from grader.gradebook.nouns import HandInFacts, Recorded
    from grader.grading import HandIn
    from grader.model import ScoreCard


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

    def with_facts(self, cards: Iterable[ScoreCard]) -> Iterator[tuple[ScoreCard, HandInFacts]]:
        """The cards of the class, in its order."""
        return ((card, self._facts[number]) for number, card in enumerate(cards))


def url_of(course: Course, said: str, state: Path | None, *, is_new_allowed: bool = True) -> str:
    """The URL of the gradebook that a run is recorded in, once it has been seen that it can be."""
    from grader.gradebook.book import Gradebook
    from grader.gradebook.place import gradebook_url

    url = gradebook_url(course, said, state=state)
    Gradebook.open(url, is_new_allowed=is_new_allowed).close()
    return url


def record(
    url: str, folder: Path, cards: Iterator[tuple[ScoreCard, HandInFacts]], *, command: str, is_whole: bool
) -> bool:
    """Record a run, and the class that `folder` says it has. False, once it was told, where the gradebook refuses.

    `is_whole`: these are the cards of all hand-ins of the folder.

    The cards stand all the same: they are printed, and the same command records them the next time.
    """
    from grader.cli.common import console
    from grader.cli.grade import program_version
    from grader.errors import GraderError
    from grader.gradebook.book import Gradebook
    from grader.intake.classes import read_class
    from grader.reports.terminal import show_problems

    try:
        with Gradebook.open(url) as book:
            class_list = read_class(folder)
            if class_list is not None:
                book.record_class(class_list)
            whole = str(folder.absolute()) if is_whole else ""
            recorded = book.record(cards, command=command, made_with=program_version(), folder=whole)
    except GraderError as error:
        click.echo("the grades could not be recorded:", err=True)
        show_problems(console(is_json=True), error.problems)
        return False
    tell(recorded)
    return True


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
