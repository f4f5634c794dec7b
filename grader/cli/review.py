"""`grader review`: the staff's page. Who starts it is signed in by a link that works once; others are invited."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from grader.cli.common import course_option, find_course, gradebook_option

if TYPE_CHECKING:
    from grader.service.running import Listening
    from grader.web.people import People

PORT: Final = 8300
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(epilog="Example: grader review digits")
@click.argument("assignment", required=False)
@click.option("--as", "name", metavar="NAME", help="Who you are. Default: your name on this machine.")
@click.option("--invite", "invited", metavar="NAME", help="Print a link that signs NAME in once, and end.")
@click.option("--role", type=click.Choice(["ta", "head-ta"]), help="What --invite makes of NAME. Default: ta.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 takes a free one.")
@click.option("--host-name", "names", multiple=True, metavar="NAME", help="A name that staff calls this machine by.")
@click.option("--certificate", type=_FILE, help="For TLS: a certificate as PEM.")
@click.option("--key", type=_FILE, help="For TLS: its key as PEM.")
@click.option("--behind-proxy", "is_behind_proxy", is_flag=True, help="A proxy of the course's own speaks TLS.")
@click.option("--no-browser", is_flag=True, help="Print the link, open nothing.")
@gradebook_option
@course_option
def review(
    assignment: str | None,
    name: str | None,
    invited: str | None,
    role: str | None,
    host: str,
    port: int,
    names: tuple[str, ...],
    certificate: Path | None,
    key: Path | None,
    is_behind_proxy: bool,
    no_browser: bool,
    gradebook: str,
    course_folder: Path | None,
) -> int:
    """Review hand-ins on a page: what waits for a person first, each beside what it comes to.

    The page shows ASSIGNMENT, or all that the gradebook has. It listens on this machine alone and prints a link that
    signs you in once, as a head TA if you are new to this gradebook. Ctrl-C ends it; every decision is saved at once.
    """
    from grader.errors import UsageError
    from grader.gradebook.book import Gradebook
    from grader.gradebook.place import gradebook_url
    from grader.service.running import Listening
    from grader.web.people import People

    course = find_course(course_folder)
    url = gradebook_url(course, gradebook)
    where = Listening(host, port, names, certificate, key, is_behind_proxy)
    where.see()
    with Gradebook.open(url) as book:
        people = People(book)
        if invited is not None:
            _invite(people, invited, role, where)
            return 0
        known = book.assignments()
        if assignment is not None and assignment not in known:
            from grader.documents import did_you_mean, shown

            what = f"the gradebook has no assignment {shown(assignment)}"
            fix = did_you_mean(assignment, known) if known else "grade a class first: grader run-all FOLDER"
            raise UsageError.single(what, where=book.where, fix=fix)
        token = _token(people, name or _user())
    from grader.review.app import review_app
    from grader.service.running import answering
    from grader.web.serving import listening

    app = review_app(
        course, url, only=[assignment] if assignment else [], hosts=names, is_https=where.is_https
    )  # fmt: skip
    with listening(host, port) as at, answering(app, at, where):
        link = f"{_address(where, at.getsockname()[1])}/sign-in?link={token}"
        click.echo(f"{course.name}: {link}")
        click.echo("  the link signs you in once; Ctrl-C ends the page, and what was decided is saved", err=True)
        with _opened(link, is_wanted=not no_browser):
            _wait()
    return 0


def _wait() -> None:
    """Until somebody presses Ctrl-C, or a signal ends the program."""
    import threading

    threading.Event().wait()


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "staff"


def _token(people: People, name: str) -> str:
    """For who starts the page. Who can read the gradebook's file is trusted with it: a newcomer is a head TA."""
    from grader.web.people import Role, key_of

    is_known = any(key_of(one.name) == key_of(name) for one in people.everybody())
    return people.invite(name, None if is_known else Role.HEAD)


def _invite(people: People, name: str, role: str | None, where: Listening) -> None:
    from grader.web.people import LINK_HOURS, Role

    token = people.invite(name, Role(role) if role else None)
    click.echo(f"{_address(where, where.port)}/sign-in?link={token}")
    click.echo(
        f"  signs {name} in once, within {LINK_HOURS:g} hours, while grader review runs at that address", err=True
    )


def _address(where: Listening, port: int) -> str:
    """What a browser is given: the name that staff uses, else this machine's own address."""
    scheme = "https" if where.is_https else "http"
    host = where.names[0] if where.names else f"[{where.host}]" if ":" in where.host else where.host
    return f"{scheme}://{host}" if where.is_behind_proxy and where.names else f"{scheme}://{host}:{port}"


@contextmanager
def _opened(link: str, *, is_wanted: bool) -> Iterator[None]:
    """The link in the user's browser, where there is a screen.

    By way of a file that only this user can read: a command line, with the token in it, could be read by anybody here.
    """
    import sys
    import tempfile
    import webbrowser

    has_screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not (is_wanted and has_screen):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="grader-review-") as folder:  # of mode 0700
        page = Path(folder) / "open.html"
        page.write_text(
            f'<!doctype html><meta charset="utf-8"><title>grader review</title>'
            f'<meta http-equiv="refresh" content="0; url={link}"><a href="{link}">Open the review page</a>',
            encoding="utf-8",
        )
        webbrowser.open(page.as_uri())
        yield
