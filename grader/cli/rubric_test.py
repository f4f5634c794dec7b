"""`grader rubric test`: the reference hand-in gets full marks, and loses them where something of it is broken."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.common import console, course_option, find_course, grading_options, load_rubric, variant_option


@click.command("test", epilog="Example: grader rubric test digits --only bias-off")
@click.argument("assignment")
@variant_option
@click.option("--only", multiple=True, metavar="KIND", help="Only mutants of this kind, or pattern such as 'log-*'.")
@click.option("--parallel", "is_parallel", is_flag=True, help="Recompute in workers of Ray, on all cores.")
@click.option("--address", help="Join the Ray cluster at this address; 'auto' finds one that runs here.")
@click.option("--json", "is_json", is_flag=True, help="Print everything as JSON (schema: rubric-test).")
@course_option
@grading_options
def test(
    assignment: str,
    variant: str,
    only: tuple[str, ...],
    is_parallel: bool,
    address: str | None,
    is_json: bool,
    course_folder: Path | None,
    jobs: int | None,
    sandbox: str,
    no_cache: bool,
) -> int:
    """Grade the reference hand-in of ASSIGNMENT, and mutants of it: each must lose points, and at the right task.

    The exit code is 0 when the reference has full marks and every mutant was noticed, 1 when not, 5 when some could
    not be judged on this machine, such as for an image set that is missing.
    """
    import tempfile

    from grader.cli.grade import Cluster, Doer, output
    from grader.evidence.own_folder import own_folder
    from grader.mutants.trial import Verdict, try_out
    from grader.reports.mutants import json_of, show_tested
    from grader.reports.progress import Progress

    course = find_course(course_folder)
    rubric = load_rubric(course, assignment, variant=variant)
    kinds = _chosen(only)
    cluster = Cluster(address) if is_parallel or address else None
    with (
        own_folder(ends_orphans=cluster is not None),
        tempfile.TemporaryDirectory(prefix="mutants-") as workspace,
        Progress(0) as progress,
        Doer(course, jobs=jobs, sandbox=sandbox, uses_cache=not no_cache, is_own_code=True, cluster=cluster) as doer,
    ):

        def on_done(planned: int) -> None:
            progress.total = planned
            progress.graded()
            progress.show(doer.under_way(), doer.counts)

        tested = try_out(course, rubric, doer, Path(workspace), only=kinds, on_done=on_done)
    if is_json:
        output(json_of(tested))
    else:
        show_tested(console(), tested)
    if not tested.is_passed:
        return 1
    return 5 if tested.count(Verdict.SKIPPED) else 0


def _chosen(only: tuple[str, ...]) -> list[str]:
    """The kinds that fit, in their order; none stands for all. UsageError for a pattern that fits none."""
    import fnmatch

    from grader.documents import did_you_mean, shown
    from grader.errors import UsageError
    from grader.mutants.kind import all_kinds

    known = all_kinds()
    for pattern in only:
        if not fnmatch.filter(known, pattern):
            what = f"there is no kind of mutant {shown(pattern)}"
            raise UsageError.single(what, where="--only", fix=did_you_mean(pattern, known))
    return [name for name in known if any(fnmatch.fnmatch(name, pattern) for pattern in only)]
