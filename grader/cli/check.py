"""`grader check`: one submission in, the report out. The same code that the TA's run uses."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.common import console, course_option, find_course, grading_options, variant_option

if TYPE_CHECKING:
    from grader.model import ScoreCard


class Line(click.ParamType[tuple[Fraction, bool]]):
    """A pass line: points, or a share of them with a percent sign."""

    name = "POINTS|PERCENT%"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Fraction, bool]:
        """`(amount, is_percent)`; the amount of "60%" is 60."""
        if isinstance(value, tuple):
            return value
        text = str(value)
        try:
            amount = Fraction(text.removesuffix("%").strip())
        except (ValueError, ZeroDivisionError):
            self.fail(f"{text!r} is not a number of points such as 12.5, nor a percentage such as 60%", param, ctx)
        if amount < 0 or (text.endswith("%") and amount > 100):
            self.fail(f"{text!r} is out of range", param, ctx)
        return amount, text.endswith("%")


@click.command(epilog="Example: grader check my-digits --fail-under 60%")
@click.argument("submission", type=click.Path(path_type=Path))
@click.option("--assignment", help="Grade by this rubric, whatever submission.json says.")
@click.option("--json", "is_json", is_flag=True, help="Print the scorecard as JSON (schema: scorecard).")
@click.option("--fail-under", "line", type=Line(), help="Exit with 1 when the points are lower: 12.5 or 60%.")
@click.option("--quiet", "is_quiet", is_flag=True, help="One line only.")
@click.option("--staff", "for_staff", is_flag=True, help="Show the findings meant for staff, too.")
@click.option(
    "--of-others", "is_of_others", is_flag=True, help="The code is not your own: none of it is run without a sandbox."
)
@variant_option
@course_option
@grading_options
def check(
    submission: Path,
    assignment: str | None,
    is_json: bool,
    line: tuple[Fraction, bool] | None,
    is_quiet: bool,
    for_staff: bool,
    is_of_others: bool,
    variant: str,
    course_folder: Path | None,
    jobs: int | None,
    sandbox: str,
    no_cache: bool,
) -> int:
    """Recompute every claim in SUBMISSION (a folder or a zip) and print the report.

    A submission that cannot be read at all still gets a report that says why; the exit code is then 4.
    """
    from grader.cli.grade import graded, output

    course = find_course(course_folder, submission.absolute())
    handed_in, card = graded(
        course,
        submission,
        assignment=assignment,
        variant=variant,
        jobs=jobs,
        sandbox=sandbox,
        uses_cache=not no_cache,
        is_own_code=not is_of_others,  # else a student's own, on their own machine
    )
    if is_json:
        from grader.reports.scorecard import scorecard_json

        output(scorecard_json(card, for_staff=for_staff))
    elif is_quiet:
        from grader.reports.terminal import summary_line

        console().print(summary_line(card), soft_wrap=True)
    else:
        from grader.reports.terminal import show_card

        show_card(console(), card, for_staff=for_staff)
    if sandbox == "auto" and card.made_with.get("sandbox") == "L1":
        from grader.sandbox import level

        found = level()
        click.echo(
            f"note: run without a sandbox ({found.reason}): for your own code only\n  fix: {found.fix}", err=True
        )
    if not handed_in.is_readable:
        return 4
    return 1 if line is not None and is_under(card, line) else 0


def is_under(card: ScoreCard, line: tuple[Fraction, bool]) -> bool:
    """Whether the decided points are below the line."""
    amount, is_percent = line
    return card.points < (card.max_points * amount / 100 if is_percent else amount)
