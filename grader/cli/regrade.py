"""`grader regrade`: grade a class by today's rules, and see who changes, before anything is written or with it."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.common import console, course_option, find_course, gradebook_option, grading_options, variant_option


@click.command("regrade", epilog="Example: grader regrade submissions/ --preview")
@click.argument("submissions", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--preview", "is_preview", is_flag=True, help="Only show it: record nothing.")
@click.option("--assignment", help="Grade by this rubric, whatever the submissions say.")
@click.option(
    "--only", multiple=True, metavar="NAME", help="Only the submission of this name, or pattern such as 'ad*'."
)
@click.option("--parallel", "is_parallel", is_flag=True, help="Recompute in workers of Ray, on all cores.")
@click.option("--address", help="Join the Ray cluster at this address; 'auto' finds one that runs here.")
@click.option("--json", "is_json", is_flag=True, help="Print the changes as JSON.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="GRADER_STATE",
    help="Where the record of this course's runs is kept. Default: .grader in the course's folder.",
)
@gradebook_option
@variant_option
@course_option
@grading_options
def regrade(
    submissions: Path,
    is_preview: bool,
    assignment: str | None,
    only: tuple[str, ...],
    is_parallel: bool,
    address: str | None,
    is_json: bool,
    state: Path | None,
    gradebook: str,
    variant: str,
    course_folder: Path | None,
    jobs: int | None,
    sandbox: str,
    no_cache: bool,
) -> int:
    """Grade the folder SUBMISSIONS by today's rubric, and show who changes against the gradebook, and by how much.

    What people decided stays in force; where the findings under a decision change, the change says so. With --preview
    nothing is recorded: neither in the gradebook, nor as a card that a later run would take for judged. Results of
    recomputations are kept in the cache all the same. The exit code is that of `grader run-all`.
    """
    from grader.cli.grade import Cluster, Doer, class_of, output
    from grader.cli.recording import Gathered, record, url_of
    from grader.cli.run_all import chosen, draining, graded_class
    from grader.evidence.cache import Cache
    from grader.evidence.ledger import Ledger
    from grader.evidence.own_folder import own_folder
    from grader.gradebook.book import Gradebook
    from grader.places import cache_folder
    from grader.remembered import Aside, Remembered
    from grader.reports.changes import changes_table, regrade_json, summary

    course = find_course(course_folder, submissions.absolute())
    sources = chosen(submissions, only, None)
    of = class_of(course, sources, assignment, variant)
    cluster = Cluster(address) if is_parallel or address else None
    command = f"regrade {submissions}"
    with (
        own_folder(ends_orphans=cluster is not None),
        Ledger.open(state or course.root / ".grader", command=command) as ledger,
    ):
        url = url_of(course, gradebook, state, is_new_allowed=not is_preview)
        if not no_cache:
            Cache(cache_folder("evidence")).prepare()
        settings = {"record": ledger, "on_drain": draining}
        doer = Doer(course, jobs=jobs, sandbox=sandbox, uses_cache=not no_cache, cluster=cluster, settings=settings)
        names = [str(source.absolute()) for source in sources]
        memory = Remembered(Aside(ledger) if is_preview else ledger, names, doer.key_of, lambda _rule: False)
        gathered = Gathered()
        unfinished = graded_class(of, doer, memory, lambda _rule: False, lambda: None, gathered)
        ledger.forgive()
        with Gradebook.open(url, is_new_allowed=False) as book:
            changes = book.preview(gathered.with_facts(memory.cards()))
        if not is_preview:
            unfinished += not record(url, submissions, memory, gathered, command=command, is_whole=not only)
    document = regrade_json(changes, hand_ins=len(sources), is_preview=is_preview)
    if is_json:
        output(document)
    else:
        if changes:
            console().print(changes_table(changes))
        click.echo(summary(document) + (": nothing was recorded" if is_preview else ""))
    return 5 if unfinished else 0
