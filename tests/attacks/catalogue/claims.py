"""Which tests say that they answer which attack, or fault? Asked of pytest itself: what it would collect counts.

    python tests/attacks/catalogue/claims.py attack    # {"attack": {"1": ["tests/attacks/...::test_..."]}} as JSON

A mark on a test that pytest does not collect, or that is skipped or expected to fail whatever happens, is no claim.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MARKS = ("attack", "attack_partly")
ALL_MARKS = (*MARKS, "fault")
Claims = dict[str, dict[int, list[str]]]  # by mark, then by attack: the tests, without their parameters
ByName = dict[str, dict[str, list[str]]]


def attacks() -> dict[str, dict[int, str]]:
    """Titles by number, in their sections."""
    read = tomllib.loads((HERE / "attacks.toml").read_text(encoding="utf-8"))
    return {section: {int(number): title for number, title in rows.items()} for section, rows in read.items()}


def open_attacks() -> dict[int, dict[str, object]]:
    """The attacks on parts to come, by number."""
    read = tomllib.loads((HERE.parent / "open.toml").read_text(encoding="utf-8"))
    return {int(number): entry for number, entry in read.items()}


@cache
def claims() -> Claims:
    """What the tests of this checkout claim about attacks."""
    read = claimed(*MARKS)
    return {mark: {int(number): tests for number, tests in read[mark].items()} for mark in MARKS}


def claimed(*marks: str) -> ByName:
    """What the tests of this checkout claim by these marks."""
    from tests.once import once  # here: the program below, which it asks, needs none of it

    read = once("claims", _asked)
    return {mark: read[mark] for mark in marks}


def _asked() -> ByName:
    """Of all marks, collected in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), *ALL_MARKS]
    asked = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert asked.returncode == 0, asked.stderr
    read: ByName = json.loads(asked.stdout)
    return read


class _Listener:
    """A plugin of pytest that reads the marks of what was collected."""

    def __init__(self, marks: list[str]) -> None:
        self.found: dict[str, dict[int | str, set[str]]] = {mark: {} for mark in marks}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if item.get_closest_marker("skip") or item.get_closest_marker("xfail"):
                continue
            for mark in self.found:
                for one in item.iter_markers(mark):
                    for number in one.args:
                        self.found[mark].setdefault(number, set()).add(item.nodeid.partition("[")[0])


def _main(marks: list[str]) -> int:
    sources = {file: file.read_text("utf-8") for file in sorted((ROOT / "tests").rglob("test_*.py"))}
    files = [file for file, text in sources.items() if any(f"mark.{mark}" in text for mark in marks)]
    listener, said = _Listener(marks), io.StringIO()
    with contextlib.redirect_stdout(said):
        ended = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *map(str, files)], plugins=[listener])
    if ended != 0:
        sys.stderr.write(said.getvalue())
        return int(ended)
    json.dump(
        {mark: {n: sorted(tests) for n, tests in sorted(by.items())} for mark, by in listener.found.items()}, sys.stdout
    )
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
