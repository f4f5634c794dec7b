"""Faults of a whole `grader run-all`: what it leaves, what it says, and that the next run comes to the same cards."""

import json
import os
import shutil
import signal
from collections import Counter

import pytest

from grader.evidence.ledger import Ledger

pytestmark = pytest.mark.sandbox


def of_rule(card, name):
    """A rule of a scorecard."""
    return next(one for task in card["tasks"] for one in task["rules"] if one["rule"] == name)


# --- the grader dies -------------------------------------------------------------------------------

POINTS = [
    "ledger.lease", "ledger.leased:2", "ledger.finish", "ledger.finished:2", "ledger.keep-card:2", "ledger.kept-card",
    "cache.begun:2", "cache.half-written", "cache.written", "cache.renamed:2",
]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed():
    """What was printed for a class that nobody disturbed, by the hand-ins' names: graded once."""
    return {}


@pytest.mark.fault("F3", "F5", "F9")
@pytest.mark.parametrize("point", POINTS)
def test_the_next_run_goes_on_where_a_killed_one_was(a_class, point, undisturbed):
    names = ("01-perfect", "07-code-in-checkpoint")
    handed_in = a_class(*names)
    if names not in undisturbed:
        ran = handed_in.run("--json", "--state", str(handed_in.top / "other"), GRADER_CACHE=str(handed_in.top / "c"))
        assert ran.returncode == 0, ran.stderr
        undisturbed[names] = ran.stdout

    killed = handed_in.run("--json", GRADER_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL
    assert any(handed_in.scratch.iterdir())
    kept = {file.stem for file in handed_in.cache.rglob("*.json")}

    again = handed_in.run("--json")
    assert (again.returncode, again.stdout) == (0, undisturbed[names]), again.stderr
    started = Counter(key for key, _ in handed_in.leases())
    ended = Counter(key for key, status in handed_in.leases() if status in ("done", "student_fault"))
    assert all(started[key] <= 1 for key in kept), "what was kept is not done again"
    assert set(ended.values()) == {1}
    assert list(handed_in.scratch.iterdir()) == []
    assert [path for path in handed_in.cache.rglob(".*") if path.is_file()] == []


# --- what the machine refuses ----------------------------------------------------------------------

NO_JOB = """
import grader.evidence.kinds
def never(*_):
    raise AssertionError("student code was run")
grader.evidence.kinds.do = never
"""


@pytest.mark.fault("F8")
def test_a_state_that_cannot_be_kept_is_told_before_any_job(a_class):
    handed_in = a_class("01-perfect")
    (handed_in.top / "file").write_text("")
    ran = handed_in.run("--state", str(handed_in.top / "file" / "state"), before=NO_JOB)
    assert (ran.returncode, ran.stdout) == (5, "")
    assert "file/state: this cannot be written" in ran.stderr
    assert "fix: " in ran.stderr
    assert not handed_in.cache.exists()


@pytest.mark.fault("F8")
def test_a_cache_that_cannot_be_kept_is_told_before_any_job(a_class):
    handed_in = a_class("01-perfect")
    handed_in.cache.write_text("")
    ran = handed_in.run(before=NO_JOB)
    assert (ran.returncode, ran.stdout) == (5, "")
    assert "GRADER_CACHE" in ran.stderr
    assert handed_in.leases() == []


FULL = """
import errno, os
import grader.evidence.whole_files as files
def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "somewhere")
"""


@pytest.mark.fault("F7")
def test_a_cache_whose_disk_fills_up_costs_no_grade(a_class):
    handed_in = a_class("01-perfect")
    cards = handed_in.cards(before=FULL + "files._begun = full")
    assert cards["01-perfect"]["points"] == 4
    assert handed_in.cards()["01-perfect"] == cards["01-perfect"]


@pytest.mark.fault("F7")
def test_a_ledger_whose_disk_fills_up_stops_the_run_which_goes_on_when_there_is_space(a_class):
    handed_in = a_class("01-perfect", "07-code-in-checkpoint")
    before = """
import sqlite3
from grader.evidence import ledger
from grader.evidence.room import no_space
class Full(ledger.Ledger):
    def keep_card(self, *_, **__):
        raise no_space(self.path, other="--state FOLDER")
ledger.Ledger = Full
"""
    ran = handed_in.run("--json", before=before)
    assert (ran.returncode, ran.stdout) == (5, "")
    assert "ledger.db: the disk is full" in ran.stderr
    assert "bytes are needed" in ran.stderr
    done = len(handed_in.leases())
    assert len(handed_in.cards()) == 2
    assert len(handed_in.leases()) <= max(done, 4)


@pytest.mark.fault("F11")
def test_a_second_run_in_a_course_is_refused_and_told_who_the_first_is(a_class):
    handed_in = a_class("01-perfect")
    with Ledger.open(handed_in.state, command="run-all ex1"):
        ran = handed_in.run(before=NO_JOB)
    assert (ran.returncode, ran.stdout) == (5, "")
    assert f"process {os.getpid()} on " in ran.stderr
    assert "run-all ex1" in ran.stderr
    assert handed_in.cards()["01-perfect"]["points"] == 4


@pytest.mark.fault("F6", "F13")
def test_damaged_results_are_made_again_and_told(a_class):
    handed_in = a_class("01-perfect")
    wanted = handed_in.cards()
    files = sorted(handed_in.cache.rglob("*.json"))
    assert len(files) >= 2
    files[0].write_bytes(b"")
    files[1].write_bytes(files[1].read_bytes()[:50])
    shutil.rmtree(handed_in.state)  # else the cards are known, and no result is read
    ran = handed_in.run("--json")
    assert json.loads(ran.stdout) == list(wanted.values())
    assert ran.stderr.count("is damaged or in another form: its result is made again") == 2
    assert len(handed_in.leases()) == 2


# --- a fault of ours -------------------------------------------------------------------------------

BROKEN = """
import grader.checks
known = dict(grader.checks.all_checks())
class Broken:
    def __init__(self, check):
        self.check = check
    def __getattr__(self, name):
        return getattr(self.check, name)
    def {name}(self, *_, **__):
        raise ZeroDivisionError("a bug of ours")
known["number"] = Broken(known["number"])
grader.checks.all_checks = lambda: known
import grader.grading
grader.grading.all_checks = grader.checks.all_checks
"""


@pytest.mark.fault("F29")
@pytest.mark.parametrize("name", ["judge", "needs"])
def test_a_check_of_ours_that_breaks_costs_nobody_a_point_and_the_run_says_so(a_class, name):
    handed_in = a_class("01-perfect", "02-channel-slip", "07-code-in-checkpoint")
    cards = handed_in.cards(code=5, before=BROKEN.format(name=name))
    assert len(cards) == 3
    for card in cards.values():
        broken = of_rule(card, "total")
        assert [finding["outcome"] for finding in broken["findings"]] == ["unknown"]
        assert (broken["points"], broken["open_points"]) == (0, 1), "open, not lost"
        assert of_rule(card, "strided")["open_points"] == 0
    assert cards["01-perfect"]["points"] == 3
    mended = handed_in.cards()
    assert mended["01-perfect"]["points"] == 4
    assert of_rule(mended["02-channel-slip"], "total")["open_points"] == 0


@pytest.mark.fault("F29")
def test_a_job_of_ours_that_breaks_costs_nobody_a_point_and_is_not_kept(a_class):
    handed_in = a_class("01-perfect")
    before = """
import grader.evidence.local
def broken(*_):
    raise ZeroDivisionError("a bug of ours")
grader.evidence.local.do = broken
"""
    [card] = handed_in.cards(code=5, before=before).values()
    assert (card["points"], card["open_points"]) == (3, 1)
    assert list((handed_in.cache / "evidence").rglob("*.json")) == []
    assert handed_in.cards()["01-perfect"]["points"] == 4


# --- a submission that is replaced -----------------------------------------------------------------


@pytest.mark.fault("F21")
def test_a_file_that_is_replaced_meanwhile_is_not_mixed_with_what_was_handed_in(a_class):
    handed_in = a_class("01-perfect")
    file = handed_in.hand_ins / "01-perfect" / "model.pth"
    before = f"""
import grader.evidence.local as local
from pathlib import Path
stage = local.stage
def replaced(*arguments):
    Path({str(file)!r}).write_bytes(b"another")
    return stage(*arguments)
local.stage = replaced
"""
    whole = file.read_bytes()
    [card] = handed_in.cards(code=5, before=before).values()
    assert of_rule(card, "weights")["open_points"] == 1
    file.write_bytes(whole)
    assert handed_in.cards()["01-perfect"]["points"] == 4
