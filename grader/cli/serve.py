"""`grader serve`: students hand in by themselves and read their results; the course gives them tokens."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.common import course_option, find_course, gradebook_option, grading_options, variant_option

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(epilog="Example: grader serve --add-student s123456 && grader serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8400, show_default=True, help="0 takes a free one.")
@click.option("--host-name", "names", multiple=True, metavar="NAME", help="A name that students call this machine by.")
@click.option("--certificate", type=_FILE, help="For TLS: a certificate as PEM.")
@click.option("--key", type=_FILE, help="For TLS: its key as PEM.")
@click.option("--behind-proxy", "is_behind_proxy", is_flag=True, help="A proxy of the course's own speaks TLS.")
@click.option("--parallel", "is_parallel", is_flag=True, help="Recompute in workers of Ray, on all cores.")
@click.option("--address", help="Join the Ray cluster at this address; 'auto' finds one that runs here.")
@click.option("--add-student", "added", multiple=True, metavar="ID", help="Take a student in; the token is shown once.")
@click.option("--import-students", "table", type=_FILE, help="Take in a CSV file: id, and name, email, team if wanted.")
@click.option(
    "--tokens", "tokens_file", type=click.Path(dir_okay=False, path_type=Path), help="Where tokens are written to."
)
@click.option("--renew-token", "renewed", metavar="ID", help="Another token for a student; the old one ends.")
@click.option("--close-student", "closed", metavar="ID", help="Take a token back. What was handed in counts.")
@click.option("--students", "is_list", is_flag=True, help="Show the students.")
@click.option("--status", "is_status", is_flag=True, help="Show the queue, and what waits for staff.")
@click.option("--retry", "is_retry", is_flag=True, help="Grade again what a fault of ours holds, at the next look.")
@click.option(
    "--collect", "collected", metavar="ASSIGNMENT", help="Write the uploads that count as a class, for run-all."
)
@click.option(
    "--to", "folder", type=click.Path(path_type=Path), help="Where --collect writes. Default: submissions/ASSIGNMENT."
)
@click.option("--json", "is_json", is_flag=True, help="Print what is shown as JSON (schema: service).")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="GRADER_STATE",
    help="Where uploads and the service's record are kept. Default: .grader in the course's folder.",
)
@gradebook_option
@variant_option
@course_option
@grading_options
def serve(
    host: str,
    port: int,
    names: tuple[str, ...],
    certificate: Path | None,
    key: Path | None,
    is_behind_proxy: bool,
    is_parallel: bool,
    address: str | None,
    added: tuple[str, ...],
    table: Path | None,
    tokens_file: Path | None,
    renewed: str | None,
    closed: str | None,
    is_list: bool,
    is_status: bool,
    is_retry: bool,
    collected: str | None,
    folder: Path | None,
    is_json: bool,
    state: Path | None,
    gradebook: str,
    variant: str,
    course_folder: Path | None,
    jobs: int | None,
    sandbox: str,
    no_cache: bool,
) -> int:
    """Take hand-ins from students, grade them as run-all does, and show each student the own result.

    With --add-student, --import-students, --renew-token, --close-student, --students, --status, --retry or --collect
    only that is done, also while the service runs. Stopped in whatever way, the same command goes on where it was.
    """
    course = find_course(course_folder)
    kept = state or course.root / ".grader"
    if added or table or renewed or closed or is_list or is_status or is_retry or collected:
        from grader.cli.service_desk import Wanted, administer

        wanted = Wanted(added, table, tokens_file, renewed, closed, is_list, is_status, is_retry, collected, folder)
        administer(course, kept, gradebook, wanted, is_json=is_json)
        return 0
    from grader.cli.grade import Cluster
    from grader.cli.serving import serve_course
    from grader.service.running import Listening

    where = Listening(host, port, names, certificate, key, is_behind_proxy)
    cluster = Cluster(address) if is_parallel or address else None
    how = {"jobs": jobs, "sandbox": sandbox, "uses_cache": not no_cache, "cluster": cluster}
    serve_course(course, kept, gradebook, where, variant=variant, how=how)
    return 0
