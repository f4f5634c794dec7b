"""`grader data`: which image sets are known, which are here, and how to get the others."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from grader.cli.common import console, course_option, find_course


@click.group(epilog="Example: grader data list")
def data() -> None:
    """The image sets, and where they are."""


@data.command("list", epilog="Example: GRADER_DATA=~/images grader data list")
@click.option("--json", "is_json", is_flag=True, help="Print the list as JSON.")
@course_option
def list_sets(is_json: bool, course_folder: Path | None) -> None:
    """Show every known image set: here or not, where, how many images, and the way to get it."""
    from grader.datasets import status
    from grader.errors import CourseError

    try:
        root = find_course(course_folder).data_root
    except CourseError:
        if course_folder is not None:
            raise
        root = None  # outside a course GRADER_DATA alone says where the images are
    sets = status(root)
    if is_json:
        click.echo(json.dumps([asdict(one) for one in sets], indent=2))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(pad_edge=False)
    for column in ("set", "here", "images", "size", "where"):
        table.add_column(column, overflow="fold")
    for one in sets:
        table.add_row(
            one.name,
            Text("✓ yes", "green") if one.is_present else Text("✗ no", "red"),
            ", ".join(f"{count:,} {split}" for split, count in one.counts.items()),
            "×".join(map(str, one.shape)),
            Text(one.where or "below"),
        )
    console().print(table)
    for one in sets:
        if not one.is_present:  # below the table, whole: it holds a command to paste
            click.echo(f"\n{one.name}\n  fix: {one.fix}")
