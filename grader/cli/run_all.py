"""`grader run-all`: a class in, every report's reasons and the class table out."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli.common import console, course_option, find_course, gradebook_option, grading_options, variant_option
from grader.cli.tracing import trace_option

if TYPE_CHECKING:
    from grader.cli.grade import Doer
    from grader.cli.recording import Gathered
    from grader.evidence.ledger import Ledger
    from grader.model import Json, Rule, ScoreCard
    from grader.remembered import Remembered
    from grader.running import ClassOf

_ROWS = 200  # of a table: a class of any size is printed without being held in memory


@click.command("run-all", epilog="Example: grader run-all submissions/ --parallel --json > cards.json")
@click.argument("submissions", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--assignment", help="Grade by this rubric, whatever the submissions say.")
@click.option("--parallel", "is_parallel", is_flag=True, help="Recompute in workers of Ray, on all cores.")
@click.option("--address", help="Join the Ray cluster at this address; 'auto' finds one that runs here.")
@click.option(
    "--only", multiple=True, metavar="NAME", help="Only the submission of this name, or pattern such as 'ad*'."
)
@click.option("--since", type=click.DateTime(), help="Only what was handed in, or changed, at or after this time.")
@click.option(
    "--rerun", multiple=True, metavar="CHECK", help="Recompute what this check needs, known or not; or 'all'."
)
@click.option(
    "--timeout", type=click.FloatRange(min=1), metavar="SECONDS", help="Wait no longer for one recomputation."
)
@click.option(
    "--dry-run", "is_dry_run", is_flag=True, help="Show what would be recomputed and what it costs; do nothing."
)
@click.option("--json", "is_json", is_flag=True, help="Print a list of scorecards as JSON.")
@click.option("--full", "is_full", is_flag=True, help="Print every report in full above the class table.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="GRADER_STATE",
    help="Where the record of this course's runs is kept. Default: .grader in the course's folder.",
)
@trace_option
@click.option("--no-gradebook", is_flag=True, help="Print the grades only: record nothing in the gradebook.")
@gradebook_option
@variant_option
@course_option
@grading_options
def run_all(
    submissions: Path,
    assignment: str | None,
    is_parallel: bool,
    address: str | None,
    only: tuple[str, ...],
    since: datetime | None,
    rerun: tuple[str, ...],
    timeout: float | None,
    is_dry_run: bool,
    is_json: bool,
    is_full: bool,
    state: Path | None,
    trace: Path | None,
    no_gradebook: bool,
    gradebook: str,
    variant: str,
    course_folder: Path | None,
    jobs: int | None,
    sandbox: str,
    no_cache: bool,
) -> int:
    """Grade every submission in the folder SUBMISSIONS: its sub-folders and zip files.

    One that cannot be read gets a line that says why, and stops no other. Stopped by Ctrl-C, by a kill or by a power
    cut, the same command goes on where it was. The grades are recorded in the course's gradebook, all at once at the
    end; what people decided there stays in force. The exit code is 0 when all were graded, 5 when something of the
    machine, of the course or of this program kept a rule from being judged.
    """
    from grader.cli.grade import Cluster, Doer, class_of
    from grader.cli.originality import compare
    from grader.cli.recording import Gathered, record, url_of
    from grader.cli.tracing import keep_trace
    from grader.course.class_notes import ClassNotes
    from grader.evidence.cache import Cache
    from grader.evidence.ledger import Ledger
    from grader.evidence.occupancy import Occupancy
    from grader.evidence.own_folder import own_folder
    from grader.evidence.runner import LOOK_AHEAD
    from grader.originality.around import CHECK
    from grader.places import cache_folder
    from grader.remembered import Remembered
    from grader.reports.terminal import show_problems

    course = find_course(course_folder, submissions.absolute())
    sources = chosen(submissions, only, since)
    _known_checks(rerun)
    of = class_of(course, sources, assignment, variant)

    def is_anew(rule: Rule) -> bool:
        return rule.check in rerun or "all" in rerun

    cluster = Cluster(address) if is_parallel or address else None
    with (
        own_folder(ends_orphans=cluster is not None),
        Ledger.open(state or course.root / ".grader", command=f"run-all {submissions}") as ledger,
    ):
        if not no_cache:
            Cache(cache_folder("evidence")).prepare()
        occupancy = Occupancy()
        settings: dict[str, Any] = {"record": ledger, "patience_s": timeout, "on_drain": draining}
        settings |= {"look_ahead": LOOK_AHEAD, "hand_ins": len(sources), "occupancy": occupancy}
        doer = Doer(course, jobs=jobs, sandbox=sandbox, uses_cache=not no_cache, cluster=cluster, settings=settings)
        if is_dry_run:
            return _show_plan(of, doer, ledger, is_anew, is_json=is_json)
        url = "" if no_gradebook else url_of(course, gradebook, state)
        memory = Remembered(ledger, [str(source.absolute()) for source in sources], doer.key_of, is_anew)
        pairs: list[Json] = []
        gathered = Gathered()

        def compared() -> None:
            is_new = any(name in ("all", CHECK) for name in rerun)
            pairs.append(compare(of, submissions, ledger, doer, is_anew=is_new))

        unfinished = graded_class(of, doer, memory, is_anew, compared, gathered)
        ledger.forgive()  # what was given up in this run may be tried in the next one
        if url:
            command = f"run-all {submissions}"
            unfinished += not record(url, submissions, memory, gathered, command=command, is_whole=not (only or since))
        notes = ClassNotes(course.terms)
        if is_json:
            _print_json(notes.through(memory.cards()))
        else:
            _print(notes.through(memory.cards()), is_full=is_full)
        show_problems(console(is_json=True), notes.problems(is_whole=not (only or since)))
        _show_pairs(pairs, ledger.folder, is_json=is_json)
        keep_trace(occupancy, doer, ledger.folder, trace, command=f"run-all {submissions}")
    return 5 if unfinished else 0


def chosen(folder: Path, only: Sequence[str], since: datetime | None) -> list[Path]:
    """The hand-ins that are wanted. UsageError where there are none, or where a name fits none."""
    from grader.documents import did_you_mean, shown
    from grader.errors import UsageError
    from grader.intake import find_submissions
    from grader.intake.classes import FILE, FOLDER
    from grader.running import changed_at, ids_of

    sources = find_submissions(folder)
    if not sources:
        raise UsageError.single(
            "no submission in this folder", where=str(folder), fix="name a folder that holds one folder or zip each"
        )
    if classes := [one.name for one in sources if (one / FOLDER / FILE).is_file()]:
        listed = ", ".join(shown(one) for one in classes[:5])
        what = f"it holds classes that grader import made ({listed}), and no hand-ins"
        raise UsageError.single(what, where=str(folder), fix=f"name one of them: {folder / classes[0]}")
    ids = ids_of(sources)
    for pattern in only:
        if not fnmatch.filter(ids, pattern):
            what = f"no submission is named {shown(pattern)}"
            raise UsageError.single(what, where="--only", fix=did_you_mean(pattern, ids))
    if only:
        wanted = {name for pattern in only for name in fnmatch.filter(ids, pattern)}
        sources = [source for source, name in zip(sources, ids, strict=True) if name in wanted]
    if since is not None:
        moment = since.astimezone().timestamp()
        sources = [source for source in sources if changed_at(source) >= moment]
        if not sources:
            what = f"nothing was handed in or changed since {since:%Y-%m-%d %H:%M}"
            raise UsageError.single(what, where="--since", fix="name an earlier time")
    return sources


def _known_checks(rerun: Sequence[str]) -> None:
    from grader.checks import all_checks
    from grader.documents import did_you_mean, shown
    from grader.errors import UsageError

    for name in rerun:
        if name != "all" and name not in all_checks():
            what = f"there is no check {shown(name)}"
            raise UsageError.single(what, where="--rerun", fix=did_you_mean(name, [*all_checks(), "all"]))


def graded_class(
    of: ClassOf,
    doer: Doer,
    memory: Remembered,
    is_anew: Callable[[Rule], bool],
    compare: Callable[[], None],
    gathered: Gathered,
) -> int:
    """Grade them all, then compare them; how many could not be graded in full."""
    import time

    from grader.cli.grade import program_version
    from grader.grading import grade_as_done, our_faults
    from grader.reports.progress import Progress, duration

    began = time.monotonic()
    unfinished = waiting = 0
    with Progress(len(of.sources)) as progress, doer:
        doer.on_tick = lambda doer: progress.show(doer.under_way(), doer.counts)
        done = grade_as_done(
            of.hand_ins(), doer, made_with=program_version(), is_anew=is_anew, memory=memory, ahead=doer
        )
        for hand_in, card in done:
            gathered.note(hand_in)
            unfinished += bool(our_faults(card))
            waiting += card.open_points > 0
            progress.graded()
            progress.show(doer.under_way(), doer.counts)
        try:
            compare()
        except Exception as error:  # noqa: BLE001  the grades stand: they are printed all the same
            unfinished += 1
            click.echo(f"the hand-ins could not be compared ({type(error).__name__}: {error})", err=True)
    computed, known = doer.counts
    click.echo(
        f"{len(of.sources):,} graded in {duration(time.monotonic() - began)}: {computed:,} recomputed, {known:,} from "
        f"the cache, {memory.recalled:,} hand-ins judged before; {waiting:,} with points that wait for a person",
        err=True,
    )
    if unfinished:
        click.echo(
            f"{unfinished:,} not in full, for a reason that is not theirs (? in the table): mend that and run the same "
            "command again",
            err=True,
        )
    return unfinished


def draining(count: int) -> None:
    """Said after a first Ctrl-C."""
    what = "1 recomputation comes" if count == 1 else f"{count} recomputations come"
    click.echo(f"\nstopping: {what} to an end and will be kept; Ctrl-C again stops at once", err=True)


def _print_json(cards: Iterator[ScoreCard]) -> None:
    """A list, one card after the other: the same bytes as if it were printed whole."""
    from grader.reports.scorecard import scorecard_json

    lead = "["
    for card in cards:
        text = json.dumps(scorecard_json(card), indent=2, ensure_ascii=True)
        click.echo(lead + "\n" + "\n".join("  " + line for line in text.split("\n")), nl=False)
        lead = ","
    click.echo("\n]")


def _print(cards: Iterator[ScoreCard], *, is_full: bool) -> None:
    from itertools import islice

    from grader.reports.class_facts import Stand, class_facts, stand_of_card
    from grader.reports.class_terminal import class_extras
    from grader.reports.terminal import class_table, show_card

    screen = console()
    is_first = True
    stands: list[Stand] = []  # a few numbers of each
    titles: dict[tuple[str, str], str] = {}
    while some := list(islice(cards, _ROWS)):
        if is_full:
            for card in some:
                show_card(screen, card, for_staff=True)
                screen.print()
        screen.print(class_table(some, has_title=is_first))
        is_first = False
        stands += map(stand_of_card, some)
        titles |= {(card.assignment, task.task): task.title for card in some for task in card.tasks}
    extras = class_extras(class_facts(stands, titles))
    if extras is not None:
        screen.print(extras)


def _show_pairs(pairs: Sequence[Json], state: Path, *, is_json: bool) -> None:
    """What was found alike: a table below that of the class; where cards are printed as JSON, a word on stderr."""
    from grader.cli.originality import FILE, show

    for document in pairs:
        if document is None:
            continue
        if is_json:
            count = sum(len(one["pairs"]) + one["more"] for one in document["classes"])
            click.echo(f"{count:,} pairs of hand-ins are alike: {state / FILE}", err=True)
        else:
            click.echo()
            show(document)


def _show_plan(of: ClassOf, doer: Doer, ledger: Ledger, is_anew: Callable[[Rule], bool], *, is_json: bool) -> int:
    from grader.cli.grade import output
    from grader.reports.plan import plan_json, plan_table
    from grader.running import planned

    with doer:
        plan = planned(of.hand_ins(), doer.runner(), ledger, is_anew=is_anew)
    if is_json:
        output(plan_json(plan))
    else:
        console().print(plan_table(plan, workers=doer.workers))
    return 0
