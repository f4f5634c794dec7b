"""`grader read`: what does a report print and claim, and does it agree with itself? No rubric, no course."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from grader.cli.common import console


class InputShape(click.ParamType[tuple[int, ...]]):
    """Sizes by commas or crosses, without the batch: 3,32,32."""

    name = "C,H,W"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The sizes."""
        if isinstance(value, tuple):
            return value
        text = str(value)
        try:
            sizes = tuple(int(part) for part in text.lower().replace("x", ",").strip("()[] ").split(","))
        except ValueError:
            self.fail(f"{text!r} is no shape such as 3,32,32", param, ctx)
        if not sizes or len(sizes) > 8 or not all(0 < size < 10**9 for size in sizes):
            self.fail(f"{text!r} is no shape of 1 to 8 sizes above 0, such as 3,32,32", param, ctx)
        return sizes


@click.command(epilog="Example: grader read report.md --json")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object per file and line (schema: reading).")
@click.option("--input", "input_shape", type=InputShape(), help="What the networks take, without the batch: 3,32,32.")
def read(files: tuple[Path, ...], is_json: bool, input_shape: tuple[int, ...] | None) -> int:
    """Read the printed model summaries and the claims in FILES, and recompute each.

    Reports as Markdown, text, notebooks, LaTeX or HTML. Every row of a printed summary is shown beside its
    recomputed shape and count, and every line that disagrees is named. "-" reads standard input.

    The exit code is 0 whatever was found, 4 where a file could not be read.
    """
    from grader.documents import DocumentError
    from grader.reading import read_report
    from grader.reports.reading import report_json, report_shown, unread_json
    from grader.reports.terminal import show_problems

    is_unread = False
    for path in files:
        name = _name(path)
        try:
            text, remarks = text_of(path)
        except DocumentError as error:
            is_unread = True
            if is_json:
                click.echo(json.dumps(unread_json(name, error.problems)))
            else:
                show_problems(console(is_json=True), error.problems)
            continue
        report = read_report(text, file=name, sample=input_shape or (), remarks=remarks)
        if is_json:
            click.echo(json.dumps(report_json(report)))
        else:
            console().print(report_shown(report))
            console().print()
    return 4 if is_unread else 0


def _name(path: Path) -> str:
    return "standard input" if str(path) == "-" else str(path)


def text_of(path: Path) -> tuple[str, tuple[str, ...]]:
    """The text of a file ("-": standard input) and what there is to say about it, or DocumentError."""
    from grader.documents import DocumentError
    from grader.model import Problem
    from grader.reading import MAX_REPORT_BYTES, report_text

    try:
        if str(path) == "-":
            data: bytes = sys.stdin.buffer.read(MAX_REPORT_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(MAX_REPORT_BYTES + 1)
    except FileNotFoundError as error:
        raise DocumentError(Problem("no-file", _name(path), "there is no such file", "check the name")) from error
    except IsADirectoryError as error:
        fix = f"name the files in it, such as {path}/*.md"
        raise DocumentError(Problem("no-file", _name(path), "this is a folder", fix)) from error
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise DocumentError(Problem("unreadable", _name(path), what, "check that it is a readable file")) from error
    return report_text(data, file=_name(path))
