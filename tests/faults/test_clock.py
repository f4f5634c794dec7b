"""F12: the time of day may jump; what lasts how long is told by a clock that cannot."""

import ast
import itertools
import time
from pathlib import Path

import pytest

from grader.evidence.kinds import Bench
from grader.evidence.ledger import Ledger
from grader.evidence.local import LocalRunner
from grader.evidence.plan import Plan
from grader.model import Evidence, EvidenceStatus, Job
from grader.sandbox import Level, Limits

GRADER = Path(__file__).parents[2] / "grader"
NUMBERS = {"time", "time_ns", "clock_gettime"}  # of the module time: what is subtracted becomes a duration
MAY_SUBTRACT = {
    "datasets/cache.py",  # the age of a file that a dead process may have begun, a day or more
    "service/moments.py",  # when something was handed in, which is held against the due time
}
MOMENTS = {"now", "utcnow", "today"}  # of datetime and date: may be shown, at once
SHOWN = {"isoformat", "strftime"}


def measured_by_the_time_of_day(file):
    """Where a file asks for the time of day for anything but to show it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    shown = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in SHOWN:
            shown |= {id(below) for below in ast.walk(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "time" and node.attr in NUMBERS:
                yield f"{file.name}:{node.lineno} time.{node.attr}"
            if node.value.id in ("datetime", "date") and node.attr in MOMENTS and id(node) not in shown:
                yield f"{file.name}:{node.lineno} {node.value.id}.{node.attr}"


@pytest.mark.fault("F12")
def test_nothing_is_measured_by_the_time_of_day():
    files = [file for file in GRADER.rglob("*.py") if str(file.relative_to(GRADER)) not in MAY_SUBTRACT]
    assert [place for file in files for place in measured_by_the_time_of_day(file)] == []


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("began = time.time()", True),
        ("began = datetime.now()", True),
        ("began = datetime.now(tz=UTC).timestamp()", True),
        ("since = datetime.now().astimezone().isoformat(sep=' ')", False),
        ("began = time.monotonic()", False),
    ],
)
def test_such_a_line_is_seen(tmp_path, line, is_found):
    (tmp_path / "a.py").write_text(line)
    assert bool(list(measured_by_the_time_of_day(tmp_path / "a.py"))) == is_found


@pytest.mark.fault("F12")
def test_a_clock_that_runs_backwards_changes_no_duration(monkeypatch, tmp_path):
    hours = itertools.count()
    monkeypatch.setattr(time, "time", lambda: 2e9 - 3600 * next(hours))
    monkeypatch.setattr(
        "grader.evidence.local.do", lambda *_: time.sleep(0.05) or Evidence("", EvidenceStatus.DONE, result={"n": 1})
    )
    job = Job("syntax", (), {"files": []})
    with Ledger.open(tmp_path / "state") as ledger:
        run = LocalRunner(Bench(Limits(), Level("L1", "a test")), workers=1, record=ledger)
        made = run(Plan({job: tmp_path}))[job]
        assert made.is_done
        assert 0.05 <= made.seconds < 60
        assert 0.05 <= ledger.seconds_of("syntax") < 60
