"""`grader run-all`: a class in, every report's reasons and the class table out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.common import console, course_option, find_course, grading_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.model import ScoreCard


@click.command("run-all", epilog="Example: grader run-all submissions/ --json > cards.json")
@click.argument("submissions", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--assignment", help="Grade by this rubric, whatever the submissions say.")
@click.option("--parallel", "is_parallel", is_flag=True, help="Recompute in workers of Ray, on all cores.")
@click.option("--address", help="Join the Ray cluster at this address; 'auto' finds one that runs here.")
@click.option("--json", "is_json", is_flag=True, help="Print a list of scorecards as JSON.")
@click.option("--full", "is_full", is_flag=True, help="Print every report in full above the class table.")
@course_option
@grading_options
def run_all(
    submissions: Path,
    assignment: str | None,
    is_parallel: bool,
    address: str | None,
    is_json: bool,
    is_full: bool,
    course_folder: Path | None,
    jobs: int | None,
    sandbox: str,
    no_cache: bool,
) -> int:
    """Grade every submission in the folder SUBMISSIONS: its sub-folders and zip files.

    One that cannot be read gets a line that says why, and stops no other.
    """
    from grader.cli.grade import Cluster, graded, output
    from grader.errors import UsageError
    from grader.intake import find_submissions

    course = find_course(course_folder, submissions.absolute())
    sources = find_submissions(submissions)
    if not sources:
        raise UsageError.single(
            "no submission in this folder",
            where=str(submissions),
            fix="name a folder that holds one folder or zip each",
        )
    cluster = Cluster(address) if is_parallel or address else None
    with graded(
        course, sources, assignment=assignment, jobs=jobs, sandbox=sandbox, uses_cache=not no_cache, cluster=cluster,
        drains=True,
    ) as results:  # fmt: skip
        cards = [card for _, card in results]
        if is_json:
            from grader.reports.scorecard import scorecard_json

            output([scorecard_json(card) for card in cards])
        else:
            _show(cards, is_full)
    return 0


def _show(cards: Sequence[ScoreCard], is_full: bool) -> None:
    from grader.reports.terminal import class_table, show_card

    screen = console()
    if is_full:
        for card in cards:
            show_card(screen, card, for_staff=True)
            screen.print()
    screen.print(class_table(cards))
