"""How is the service administered? By commands, also while it runs: tokens, the queue, a class for run-all."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli.common import console
from grader.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.course import Course
    from grader.model import Json
    from grader.service.people import Issued, People
    from grader.service.queue import Queue
    from grader.service.store import Store

FORM = "grader-service/1"


@dataclass(frozen=True)
class Wanted:
    """What the command was asked for."""

    added: tuple[str, ...] = ()
    table: Path | None = None
    tokens_file: Path | None = None
    renewed: str | None = None
    closed: str | None = None
    is_list: bool = False
    is_status: bool = False
    is_retry: bool = False
    collected: str | None = None
    folder: Path | None = None


def administer(course: Course, state: Path, gradebook: str, wanted: Wanted, *, is_json: bool) -> None:
    """Do it, and show what came of it. Raises UsageError for a student that is not there, or is already."""
    from grader.cli.grade import output
    from grader.gradebook.database import opened, parsed
    from grader.gradebook.place import gradebook_url
    from grader.service.people import People
    from grader.service.queue import Queue
    from grader.service.store import Store

    engine = opened(parsed(gradebook_url(course, gradebook, state=state)))
    try:
        people, queue = People(engine), Queue(engine)
        shown: dict[str, Json] = {"form": FORM}
        issued = _issued(people, wanted)
        if issued and wanted.tokens_file is not None:
            write_tokens(wanted.tokens_file, issued)
            click.echo(f"{len(issued):,} tokens: {wanted.tokens_file}", err=True)
        elif issued:
            shown["tokens"] = [{"id": one.person.id, "token": one.token} for one in issued]
        if wanted.closed is not None:
            people.close(wanted.closed)
            click.echo(f"the token of {wanted.closed} is worth nothing now", err=True)
        if wanted.is_retry:
            count = queue.requeue(said="the course asked for it to be graded again", is_held=True, is_poison_too=True)
            click.echo(f"{count:,} uploads are graded again", err=True)
        if wanted.is_list:
            shown["students"] = [
                {"id": one.id, "name": one.name, "email": one.email, "team": one.team, "has_token": one.has_token}
                for one in people.everybody()
            ]
        if wanted.is_status:
            shown["status"] = _status(queue)
        if wanted.collected is not None:
            _collect(course, Store(state), (people, queue), wanted.collected, wanted.folder)
    finally:
        engine.dispose()
    if is_json:
        output(shown)
    else:
        _print(shown)


def _issued(people: People, wanted: Wanted) -> list[Issued]:
    from grader.documents import DocumentError, read_text
    from grader.errors import UsageError
    from grader.service.people import Person, people_from_csv

    new = [Person(one) for one in wanted.added]
    if wanted.table is not None:
        try:
            new += people_from_csv(read_text(wanted.table), name=str(wanted.table))
        except DocumentError as error:
            raise UsageError(error.problems) from error
    if new and wanted.tokens_file is not None and os.path.lexists(wanted.tokens_file):
        what, fix = (
            "this file is there already, perhaps with tokens in it",
            "name another with --tokens, or move it away",
        )
        raise UsageError.single(what, where=str(wanted.tokens_file), fix=fix, code="file-there")
    issued = people.add(new) if new else []
    if wanted.renewed is not None:
        issued.append(people.renew(wanted.renewed))
    return issued


def write_tokens(path: Path, issued: Sequence[Issued]) -> None:
    """A table of tokens, readable by its owner alone; never over a file that is there."""
    held = io.StringIO()
    rows = csv.writer(held, lineterminator="\n")
    rows.writerow(["id", "name", "email", "token"])
    for one in issued:
        rows.writerow([one.person.id, *map(_neutral, (one.person.name, one.person.email)), one.token])
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(held.getvalue())
        file.flush()
        os.fsync(file.fileno())


def _neutral(text: str) -> str:
    """A name that a spreadsheet would take for a formula, as text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _status(queue: Queue) -> dict[str, Json]:
    from grader.service.uploads import State

    counts = queue.counts()
    held = [
        {"owner": one.owner, "assignment": one.assignment, "upload": one.public, "said": queue.events(one)[-1][1]}
        for one in queue.held()
    ]
    return {**{state.value: counts.get(state, 0) for state in State}, "waiting_for_staff": held}


def _collect(course: Course, store: Store, of: tuple[People, Queue], assignment: str, folder: Path | None) -> None:
    from grader.cli.serving import open_assignments
    from grader.documents import did_you_mean
    from grader.errors import UsageError
    from grader.service.recording import class_list, collected

    known = open_assignments(course)
    if assignment not in known:
        what = f"the service has no assignment {assignment!r}"
        raise UsageError.single(what, where="--collect", fix=did_you_mean(assignment, known))
    people, queue = of
    uploads = queue.newest(assignment)
    made = class_list(assignment, people.everybody(), uploads, path="{}.zip")
    to = folder or course.root / "submissions" / assignment
    collected(to, made, uploads, store)
    click.echo(f"{len(uploads):,} hand-ins: {to}", err=True)


def _print(shown: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from grader.reports.plain import plain

    screen = console()
    for one in shown.get("tokens", ()):
        click.echo(f"{one['id']} {one['token']}")
    if shown.get("tokens"):
        click.echo("shown this once: give each student the own one, in private", err=True)
    if "students" in shown:
        table = Table(pad_edge=False)
        for name in ("id", "name", "team", "token"):
            table.add_column(name, overflow="fold")
        for one in shown["students"]:
            cells = (one["id"], one["name"], one["team"], "yes" if one["has_token"] else "taken back")
            table.add_row(*(Text(plain(cell, limit=60)) for cell in cells))
        screen.print(table)
    if "status" in shown:
        status = shown["status"]
        counts = {name: count for name, count in status.items() if name != "waiting_for_staff"}
        click.echo(", ".join(f"{count:,} {name}" for name, count in counts.items()))
        for one in status["waiting_for_staff"]:
            click.echo(f"  {one['owner']}, {one['assignment']}, {one['upload']}: {one['said']}")
