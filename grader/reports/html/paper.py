"""How does a page come onto paper? Printed to PDF by a chromium of the machine, which gets no way out of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from grader.errors import MachineError

VARIABLE: Final = "CHROMIUM"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
SECONDS: Final = 120  # that one page may take, on a busy machine


def chromium() -> str:
    """The program: the one that CHROMIUM names, or the first that is installed. Raises MachineError where none is."""
    named = os.environ.get(VARIABLE)
    found = shutil.which(named) if named else next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        what = f"{VARIABLE} names {named!r}, which is no program here" if named else "no chromium is installed here"
        fix = "install chromium or Chrome, or name it: export CHROMIUM=/path/to/it; or print the HTML page yourself"
        raise MachineError.single(what, where="--pdf", fix=fix, code="no-chromium")
    return found


def print_to_pdf(page: Path, made: Path, *, program: str) -> None:
    """Print an HTML file. Raises MachineError where the browser does not do it; a PDF that was there stays then."""
    with tempfile.TemporaryDirectory(prefix="grader-print-") as folder:
        out = Path(folder, "page.pdf")
        words = [
            program, "--headless", "--disable-gpu", "--no-pdf-header-footer", "--disable-extensions",
            "--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-sync",
            "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>",  # nothing listens there: no way out
            f"--user-data-dir={folder}/profile", f"--print-to-pdf={out}", page.absolute().as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            words.insert(1, "--no-sandbox")  # as root it refuses to have one; the page is ours, without scripts
        try:
            ended = subprocess.run(words, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
            said = ended.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {ended.returncode}"]
        except subprocess.TimeoutExpired:
            said = [f"nothing came within {SECONDS} s"]
        except OSError as error:
            said = [str(error.strerror)]
        data = out.read_bytes() if out.exists() else b""
    if not data.startswith(b"%PDF-"):
        what, fix = f"chromium printed no PDF ({said[0][:200]})", "open the HTML page and print it yourself"
        raise MachineError.single(what, where=program, fix=fix, code="no-pdf")
    from grader.evidence.whole_files import write_whole

    write_whole(made, data, point="report")
