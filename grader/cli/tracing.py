"""What is left of what a run's workers did? A file beside the run's record, and one that was asked for by `--trace`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from grader.cli.grade import Doer
    from grader.evidence.occupancy import Occupancy
    from grader.model import Json

F = TypeVar("F", bound=Callable[..., Any])


def _kind_of_file(_context: click.Context, _option: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and value.suffix not in (".svg", ".json"):
        raise click.BadParameter(f"{value.name} is neither .svg, a picture, nor .json (schema: occupancy)")
    return value


def trace_option(function: F) -> F:
    """`--trace FILE`, as the parameter `trace`."""
    return click.option(
        "--trace",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_kind_of_file,
        metavar="FILE",
        help="Draw who was busy when: FILE.svg is a picture, FILE.json the numbers (schema: occupancy).",
    )(function)


def keep_trace(occupancy: Occupancy, doer: Doer, state: Path, trace: Path | None, *, command: str) -> None:
    """Leave the trace beside the run's record, where a job was done; and write and show it where it is asked for.

    Grades are not touched by a disk that refuses it: that is said, and no more.
    """
    from grader.evidence.occupancy import FILE

    if not occupancy.kinds and trace is None:
        return
    document = occupancy.document(workers=doer.workers, command=command, memory_mb=doer.course.limits.memory_mb)
    if occupancy.kinds:
        _written(state / FILE, json.dumps(document))
    if trace is not None:
        from grader.cli.common import console
        from grader.reports.occupancy import occupancy_strip

        _written(trace, _picture(document) if trace.suffix == ".svg" else json.dumps(document, indent=1) + "\n")
        screen = console(is_json=True)
        screen.print(occupancy_strip(document, width=screen.width))


def _picture(document: Json) -> str:
    from grader.reports.html.occupancy import occupancy_file

    return occupancy_file(document)


def _written(path: Path, text: str) -> None:
    from grader.evidence.whole_files import write_whole

    try:
        write_whole(path, text.encode(), point="occupancy")
    except OSError as error:
        click.echo(f"{path}: what the workers did cannot be written ({error.strerror})", err=True)
