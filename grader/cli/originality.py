"""`grader originality`: the pairs that the last `run-all` found, once more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.common import console, course_option, find_course

if TYPE_CHECKING:
    from grader.cli.grade import Doer
    from grader.evidence.ledger import Ledger
    from grader.model import Json, Rubric
    from grader.running import ClassOf

FILE = "originality.json"


@click.command(epilog="Example: grader originality --json")
@click.option("--json", "is_json", is_flag=True, help="Print them as JSON.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="GRADER_STATE",
    help="Where the record of this course's runs is kept. Default: .grader in the course's folder.",
)
@course_option
def originality(is_json: bool, state: Path | None, course_folder: Path | None) -> None:
    """Show the pairs of hand-ins that were alike in the last run of `grader run-all`, for staff.

    docs/originality.md says what a pair means, and what it does not.
    """
    from grader.errors import UsageError

    file = (state or find_course(course_folder).root / ".grader") / FILE
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        what = "no class has been compared yet"
        fix = "give a rubric a rule `check: originality`, and run `grader run-all` on the class"
        raise UsageError.single(what, where=str(file), fix=fix) from error
    if is_json:
        click.echo(text, nl=False)
    else:
        show(json.loads(text))


def compare(of: ClassOf, folder: Path, ledger: Ledger, doer: Doer, *, is_anew: bool = False) -> Json | None:
    """Look at the whole class in `folder`, and write what was found to the state folder; None without such a rule.

    The hand-ins that this run left out are compared too, as far as an earlier run has seen them. What was found of the
    same class before is read, unless it `is_anew`.
    """
    from grader.intake import find_submissions
    from grader.originality.around import CHECK
    from grader.originality.kept import found_before, made_from, note
    from grader.remembered import program_digest
    from grader.running import ids_of

    rubrics: list[Rubric] = [one for one in of.rubrics if any(rule.check == CHECK for rule in one.rules())]
    if not rubrics:
        return None
    sources = find_submissions(folder)
    names = [(str(source.absolute()), called) for source, called in zip(sources, ids_of(sources), strict=True)]

    def made() -> str:
        return made_from(of.course, rubrics, names, ledger, doer.key_of, program=program_digest())

    begun_from = made() if doer.uses_cache else ""
    before = None if is_anew else found_before(ledger.folder, begun_from)
    if before is not None:
        return json.loads(before[FILE])
    files, document, is_whole = _found(of, rubrics, names, ledger, doer)
    is_still_so = is_whole and bool(begun_from) and made() == begun_from  # files may change while they are read
    note(ledger.folder, begun_from if is_still_so else "", files)
    return document


def _found(
    of: ClassOf, rubrics: Sequence[Rubric], names: Sequence[tuple[str, str]], ledger: Ledger, doer: Doer
) -> tuple[list[str], Json, bool]:
    """Compare, and write: the names of the files, what they say, and whether nothing was missing."""
    from grader.evidence.whole_files import write_whole
    from grader.originality.around import CHECK
    from grader.originality.classes import look_at_class, packed
    from grader.reports.originality import originality_json

    looked = look_at_class(of.course, rubrics, names, ledger, doer)
    document = originality_json(looked)
    text = json.dumps(document, indent=2, ensure_ascii=True) + "\n"
    write_whole(ledger.folder / FILE, text.encode(), point="originality")
    files = [FILE]
    for one in looked:
        name = one.assignment if one.rule == CHECK else f"{one.assignment}-{one.rule}"
        files.append(f"fingerprints/{name}.json.gz")
        write_whole(ledger.folder / files[-1], packed(one), point="originality")
    return files, document, all(one.is_whole for one in looked)


def show(document: Json) -> None:
    """Print the pairs."""
    from grader.reports.originality import originality_table

    console().print(originality_table(document))
