"""What tests in a real browser share: the system's chromium, a server on a free port, axe, pictures in light and dark.

    def test_the_queue_is_there(serve, visit, axe, pictures):
        url = serve(lambda port: make_app(port))   # an ASGI app by uvicorn on 127.0.0.1, ended with the test
        page = visit(url)                          # a Visit: `page.page` is Playwright's, and what it saw is kept
        assert axe(page) == []                     # serious and critical faults, one sentence each
        pictures(page, "queue")                    # queue-light.png and -dark.png under tmp_path, or GRADER_SCREENSHOTS
        page.assert_nothing_acted()                # no dialog, no error of a script, no request to anywhere else

Without Playwright or a chromium (CHROMIUM, or /usr/bin/chromium) all of it is skipped, with the reason.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
WAIT_MS = 60_000  # on a busy machine a page takes its time; nothing here asserts how long


def loaded(path):
    """A module of the tests by its file: tests are no package."""
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[path.stem]


def pytest_collection_modifyitems(items):
    """Whatever stands in this folder drives a browser, or is asked for by what does."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def words():
    """tests/attacks/words.py: everything hostile, everywhere."""
    return loaded(ROOT / "tests" / "attacks" / "words.py")


@pytest.fixture(scope="session")
def chromium():
    """The browser of this session."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        pytest.skip("no chromium: none in PATH, and CHROMIUM names none")
    sync_api.expect.set_options(timeout=WAIT_MS)  # its own 5 s are too few beside other tests
    with sync_api.sync_playwright() as playwright:
        # Root may not use chromium's own sandbox; the pages are ours, on this machine alone.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page, and what it did that nobody asked for. `origin` is the only place that it may ask."""

    page: object
    origin: str
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("request", self._request)
        self.page.on("download", lambda download: self.downloads.append(download.suggested_filename))

    def _dialog(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _request(self, request):
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.elsewhere.append(request.url)

    def go(self, path):
        """Open a path of the same server; what the server answered."""
        return self.page.goto(self.origin + path, wait_until="load")

    @contextmanager
    def moving(self):
        """What is done within it opens another page, which is there whole at the end, its scripts included.

        Nothing else tells: a click returns before the server has answered, and a key that is pressed on a page whose
        script has not run yet does nothing.
        """
        with self.page.expect_navigation(wait_until="load"):
            yield

    def assert_nothing_acted(self, *, forgiven=()):
        """No dialog, no request to another place, no script's mark; errors only such as name one of `forgiven`."""
        assert self.dialogs == []
        assert self.elsewhere == []
        assert [error for error in self.errors if not any(word in error for word in forgiven)] == []
        for frame in self.page.frames:
            assert frame.evaluate("window.owned === undefined && document.title !== 'owned by a student'"), frame.url


@pytest.fixture
def visit(chromium):
    """visit(url, scheme="light", width=1280) -> Visit: a fresh browser, with no cookies of another visit."""
    contexts = []

    def open_(url, *, scheme="light", width=1280, height=900, **options):
        context = chromium.new_context(
            color_scheme=scheme, viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        parts = urlsplit(str(url))
        seen = Visit(context.new_page(), f"{parts.scheme}://{parts.netloc}")
        seen.page.goto(str(url), wait_until="load")
        return seen

    yield open_
    for context in contexts:
        context.close()


def free_socket():
    """A socket that listens on a free port of this machine."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    return bound


@pytest.fixture
def serve():
    """serve(make_app) -> "http://127.0.0.1:PORT". `make_app(port)` gives the ASGI app, which may need its own port."""
    uvicorn = pytest.importorskip("uvicorn")
    running = []

    def start(make_app):
        bound = free_socket()
        port = bound.getsockname()[1]
        config = uvicorn.Config(make_app(port), log_level="error", lifespan="on", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        running.append((server, thread, bound))
        until = time.monotonic() + 120
        while not server.started:
            assert thread.is_alive(), "the server ended before it began"
            assert time.monotonic() < until, "the server did not begin within 120 s"
            time.sleep(0.01)
        return f"http://127.0.0.1:{port}"

    yield start
    for server, thread, bound in running:
        server.should_exit = True
        thread.join(60)
        bound.close()
        assert not thread.is_alive(), "the server did not end"


@dataclass
class Started:
    """A command of the grader that serves, in a process of its own, as its user starts it."""

    process: subprocess.Popen
    log: Path

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def line_with(self, text, seconds=120):
        """The first line of its output that holds `text`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for line in self.said().splitlines():
                if text in line:
                    return line
            assert self.process.poll() is None, f"it ended ({self.process.returncode}):\n{self.said()}"
            time.sleep(0.05)
        raise AssertionError(f"it never said {text!r}:\n{self.said()}")

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)


@pytest.fixture
def command(tmp_path):
    """command("review", "hw1", "--port", "0", cwd=course) -> Started. Ended with the test."""
    started = []

    def start(*words, cwd=ROOT, env=None):
        log = tmp_path / f"command-{len(started)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "grader", *map(str, words)],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "160", **(env or {})},
            )
        started.append(Started(process, log))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture(scope="session")
def axe():
    """axe(visit or page) -> the serious and critical faults of what is shown now, one sentence each."""
    tool = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()

    def faults(page):
        page = getattr(page, "page", page)
        found = tool.run(page).response["violations"]
        return [
            f"{one['impact']}: {one['id']}: {one['help']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"][:5]
        ]

    return faults


@pytest.fixture
def pictures(tmp_path):
    """pictures(visit or page, "queue") -> [queue-light.png, queue-dark.png], whole pages, to be looked at."""
    folder = Path(os.environ.get("GRADER_SCREENSHOTS") or tmp_path / "screenshots")

    def take(page, name, *, schemes=("light", "dark"), is_whole=True):
        page = getattr(page, "page", page)
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            made.append(folder / f"{name}-{scheme}.png")
            page.screenshot(path=made[-1], full_page=is_whole)
        page.emulate_media(color_scheme=schemes[0])
        return made

    return take
