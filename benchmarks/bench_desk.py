"""Does the TA's desk keep up with a class of 1,000? Run: python benchmarks/bench_desk.py [--quick]

D1  import of a download of 1,000 students, Moodle and Canvas: hand-ins a second (bar 50), and of the same once more
D2  the class page of 1,000 hand-ins opens in a browser (bar 1 s): the page of the review and the page of the report
D3  a filter of the queue of 1,000 hand-ins, from the key pressed to the rows shown (bar 200 ms), and in the server

Import is `grader import` in a process of its own, start included, each hand-in with code, weights, answers and a
manifest (65 KiB) or, every third, the same as a zip. The gradebook is SQLite with the scorecards of tests/desk.py; the
page is `grader review` in a process of its own, the browser the system's chromium, without which what is seen in one
is not measured. Medians of 9, the slowest beside. `--quick` takes 100 students.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from figures import Figure, tell, versions_of

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))

from grader.intake.classes import read_class  # noqa: E402
from tests import desk  # noqa: E402  tests are no package that is installed
from tests.lms.canvas import make_canvas  # noqa: E402
from tests.lms.made import DUE, Student  # noqa: E402
from tests.lms.moodle import make_moodle  # noqa: E402

COUNT = 100 if "--quick" in sys.argv else 1000
RUNS = 9
PAGE_MS, FILTER_MS = 1000.0, 200.0
FILES = {path.name: path.read_bytes() for path in sorted((HERE / "examples" / "digits-class" / "01-perfect").iterdir())}


def grader(*words: object, cwd: Path) -> float:
    """Wall seconds of a command."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "grader", *map(str, words)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, env=environment(cwd))
    seconds = time.perf_counter() - began
    if ran.returncode:
        raise SystemExit(f"grader {words[0]}: exit {ran.returncode}\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}")
    return seconds


def environment(course: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRADER_")}
    return {**kept, "GRADER_CACHE": str(course / "cache"), "PYTHONPATH": str(HERE)}


def students() -> list[Student]:
    """So many, a third of whom hand in a zip; everybody's answers differ."""
    return [
        Student(
            number,
            f"s{1000 + number}",
            f"Student Number{number}",
            f"s{1000 + number}@example.org",
            f"user-{number}",
            files={**FILES, "answers.json": FILES["answers.json"] + b" " * number},
            is_zipped=number % 3 == 0,
            received_at=DUE,
        )
        for number in range(1, COUNT + 1)
    ]


def imports(place: Path) -> Iterator[Figure]:
    for kind, make in (("moodle", make_moodle), ("canvas", make_canvas)):
        course = desk.course(place / kind)
        made = make(place / f"{kind}-download", students())
        words = ("import", made.source, "--assignment", desk.ASSIGNMENT, "--worksheet", made.worksheet)
        first = grader(*words, cwd=course)
        again = grader(*words, cwd=course)
        listed = read_class(course / "submissions" / desk.ASSIGNMENT)
        if listed is None or len(listed.by_name) != COUNT or listed.quarantined:
            raise SystemExit(f"{kind}: not everybody was imported")
        size = made.source.stat().st_size / 2**20
        parts = {"import, s": first, "the same once more, s": again, "download, MiB": size}
        yield Figure("D1", f"import of a download of {kind}, hand-ins a second", COUNT / first, 50.0, is_at_most=False,
                     unit="hand-ins/s", parts=parts, n=COUNT)  # fmt: skip
        shutil.rmtree(course)
        made.source.unlink()


# --- the pages --------------------------------------------------------------------------------


@contextmanager
def reviewing(made: desk.Desk) -> Iterator[str]:
    """`grader review` of that desk; the link that signs in once."""
    command = [sys.executable, "-m", "grader", "review", desk.ASSIGNMENT, "--port", "0", "--no-browser"]
    command += ["--gradebook", made.url]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=made.course,
        env={**environment(made.course), "PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        try:
            said = process.stdout.readline() if process.stdout else ""
            found = re.search(r"http://\S+", said)
            if not found:
                raise SystemExit(f"grader review did not begin: {said}")
            yield found[0]
        finally:
            process.terminate()


def timed(name: str, question: str, bar_ms: float | None, do: Callable[[], object]) -> Figure:
    """How long it takes, in the middle and at most."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        do()
        times.append(time.perf_counter() - began)
    middle, slowest = (1000 * of(times) for of in (statistics.median, max))
    asked = f"{question}, {COUNT:,} hand-ins"
    return Figure(name, asked, middle, bar_ms, unit="ms", parts={"slowest, ms": slowest}, n=RUNS)


def by_requests(link: str, place: str) -> tuple[list[Figure], list[dict[str, str]]]:
    """The pages as a program gets them; the cookies of who is signed in."""
    import httpx

    base, _, token = link.partition("/sign-in?link=")
    with httpx.Client(base_url=base, follow_redirects=True) as client:
        page = client.get(f"/sign-in?link={token}").text
        csrf = re.search(r'name="csrf" value="(\w+)"', page)
        client.post("/sign-in", data={"csrf": csrf[1] if csrf else "", "link": token}).raise_for_status()
        part = {"hx-target": "list", "hx-request": "true"}
        figures = []
        for name, question, words, headers in (
            ("D2", "the queue's page, as answered", "", {}),
            ("D3", "a search of all, as answered", "?show=all&q=ada", part),
            ("D3", "what waits because a person decides, as answered", "?why=review", part),
            ("D3", "open points in task 3, as answered", "?task=3", part),
        ):
            get = partial(client.get, place + words, headers=headers)
            figures.append(timed(name, question, None, lambda get=get: get().raise_for_status()))
        return figures, [{"name": one.name, "value": one.value or "", "url": base} for one in client.cookies.jar]


def by_browser(base: str, cookies: list[dict[str, str]], place: str, report: Path) -> Iterator[Figure]:
    """The pages as a person sees them."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        yield from unseen("no Playwright here")
        return
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not program:
        yield from unseen("no chromium here")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies(cookies)
        page = context.new_page()
        yield timed("D2", "the queue's page opens", PAGE_MS, lambda: page.goto(base + place))
        yield timed("D2", "the queue's page with everybody opens", None, lambda: page.goto(base + place + "?show=all"))
        yield timed("D2", "the report's page of the class opens", PAGE_MS, lambda: page.goto(report.as_uri()))
        page.goto(base + place)
        turns = itertools.cycle(["review", "unknown"])

        def choose() -> None:
            page.evaluate("document.querySelector('#list').dataset.old = '1'")
            page.select_option("#why", next(turns))
            page.wait_for_selector("#list:not([data-old]) caption")

        def search() -> None:
            page.evaluate("document.querySelector('#list').dataset.old = '1'")
            page.focus("#q")
            page.keyboard.press("a" if not page.input_value("#q") else "Backspace")
            page.wait_for_selector("#list:not([data-old]) caption")

        yield timed("D3", "a filter, from the choice to the rows", FILTER_MS, choose)
        page.goto(base + place + "?show=all")
        yield timed("D3", "a search, from the key to the rows", FILTER_MS, search)
        browser.close()


def unseen(why: str) -> Iterator[Figure]:
    yield Figure("D2", "the queue's page opens", None, PAGE_MS, unit="ms", n=0, note=why)
    yield Figure("D3", "a filter, from the choice to the rows", None, FILTER_MS, unit="ms", n=0, note=why)


def pages(place: Path) -> Iterator[Figure]:
    made = desk.desk(place / "course", COUNT, files=5, missing=0)
    seconds = grader("report", desk.ASSIGNMENT, "--html", place / "report", "--gradebook", made.url, cwd=made.course)
    print(f"    {COUNT:,} pages of reports and that of the class: {seconds:.1f} s")
    with reviewing(made) as link:
        at = f"/a/{desk.ASSIGNMENT}"
        figures, cookies = by_requests(link, at)
        yield from figures
        yield from by_browser(link.partition("/sign-in")[0], cookies, at, place / "report" / "class.html")


def main() -> None:
    versions = versions_of("sqlalchemy", "fastapi", "uvicorn", "jinja2", "playwright")
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as scratch:
        tell(imports(Path(scratch)), versions=versions)
        tell(pages(Path(scratch)), versions=versions)


if __name__ == "__main__":
    main()
