import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from grader.errors import MachineError
from grader.evidence.database import MIGRATIONS
from grader.evidence.ledger import FILE, Ledger

KEY, OTHER = "ab" * 32, "cd" * 32
CARD = {"submission": "ada", "points": "7/3", "tasks": [{"z": 1, "a": "é\u2028 \ud83d"}], "open": None}


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def ledger(state):
    with Ledger.open(state) as opened:
        yield opened


def rows(state, asked):
    with sqlite3.connect(state / FILE) as database:
        return database.execute(asked).fetchall()


# --- leases ----------------------------------------------------------------------------------------


def test_each_lease_is_higher_than_all_before_over_runs_too(state):
    given = []
    for _ in range(3):
        with Ledger.open(state) as ledger:
            given += [ledger.lease(KEY, "predict", "ada"), ledger.lease(OTHER, "predict", "bob")]
    assert given == sorted(set(given))


@pytest.mark.fault("F9")
def test_a_result_counts_once_however_often_it_is_delivered(state):
    with Ledger.open(state) as ledger:
        lease = ledger.lease(KEY, "predict", "ada")
        assert [ledger.finish(KEY, lease, "done", 1.0) for _ in range(3)] == [True, False, False]
    assert rows(state, "SELECT key, status FROM leases") == [(KEY, "done")]


@pytest.mark.fault("F10")
def test_a_result_under_a_lease_that_is_over_is_dropped_and_logged(ledger, caplog):
    lost = ledger.lease(KEY, "predict", "ada")
    again = ledger.lease(KEY, "predict", "ada")
    assert not ledger.finish(KEY, lost, "done", 1.0)
    assert "late or second" in caplog.text
    assert ledger.finish(KEY, again, "done", 1.0)


@pytest.mark.fault("F10")
def test_a_result_after_the_fault_of_its_worker_is_dropped(ledger):
    lease = ledger.lease(KEY, "predict", "ada")
    ledger.fault(KEY, lease, "the worker was killed")
    assert not ledger.finish(KEY, lease, "done", 1.0)
    assert ledger.faults(KEY) == 1


def test_that_a_job_is_given_up_after_its_fault_is_written_down(state):
    with Ledger.open(state) as ledger:
        lease = ledger.lease(KEY, "predict", "ada")
        ledger.fault(KEY, lease, "the worker was killed")
        assert ledger.finish(KEY, lease, "system_fault", 1.0)
        assert not ledger.finish(KEY, lease, "system_fault", 1.0)
    assert rows(state, "SELECT status FROM leases") == [("system_fault",)]


def test_a_lease_of_another_job_finishes_nothing(ledger):
    lease = ledger.lease(KEY, "predict", "ada")
    assert not ledger.finish(OTHER, lease, "done", 1.0)
    assert ledger.finish(KEY, lease, "done", 1.0)


def test_a_job_may_be_done_again_in_a_later_run(state):
    for _ in range(2):
        with Ledger.open(state) as ledger:
            assert ledger.finish(KEY, ledger.lease(KEY, "predict", "ada"), "done", 1.0)


def test_threads_share_it(ledger):
    def work(number):
        for one in range(50):
            key = f"{number} {one}"
            taken.append(ledger.finish(key, ledger.lease(key, "predict", "ada"), "done", 0.1))

    taken = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [True] * 200


# --- faults ----------------------------------------------------------------------------------------


@pytest.mark.fault("F14")
def test_faults_are_counted_over_runs(state):
    for count in (1, 2, 3):
        with Ledger.open(state) as ledger:
            assert ledger.fault(KEY, ledger.lease(KEY, "predict", "ada"), "the worker was killed") == count
            assert ledger.faults(OTHER) == 0


def test_a_fault_that_is_told_twice_counts_once(ledger):
    lease = ledger.lease(KEY, "predict", "ada")
    assert [ledger.fault(KEY, lease, "killed"), ledger.fault(KEY, lease, "killed, says the other one")] == [1, 1]


def test_who_comes_to_the_end_is_no_poison(ledger):
    ledger.fault(KEY, ledger.lease(KEY, "predict", "ada"), "killed")
    assert ledger.finish(KEY, ledger.lease(KEY, "predict", "ada"), "student_fault", 1.0)
    assert ledger.faults(KEY) == 0


def test_a_fault_of_the_system_forgives_nothing(ledger):
    ledger.fault(KEY, ledger.lease(KEY, "predict", "ada"), "killed")
    assert ledger.finish(KEY, ledger.lease(KEY, "predict", "ada"), "system_fault", 1.0)
    assert ledger.faults(KEY) == 1


def test_faults_are_forgiven_by_name_or_all(ledger):
    for key in (KEY, OTHER):
        ledger.fault(key, ledger.lease(key, "predict", "ada"), "killed")
    assert ledger.forgive([KEY, "never seen"]) == 1
    assert (ledger.faults(KEY), ledger.faults(OTHER)) == (0, 1)
    assert ledger.forgive(None) == 1
    assert ledger.faults(OTHER) == 0
    assert ledger.fault(KEY, ledger.lease(KEY, "predict", "ada"), "killed") == 1


# --- seconds ---------------------------------------------------------------------------------------


def test_the_seconds_of_a_kind_are_the_median_of_those_that_ran(ledger):
    for number, (seconds, status) in enumerate([(1, "done"), (9, "done"), (2, "student_fault"), (500, "system_fault")]):
        key = f"key {number}"
        ledger.finish(key, ledger.lease(key, "predict", "ada"), status, seconds)
    assert ledger.seconds_of("predict") == 2
    assert ledger.seconds_of("predict", "key 1") == 9
    assert ledger.seconds_of("predict", "another") == 2
    assert ledger.seconds_of("train") is None
    ledger.finish("key", ledger.lease("key", "predict", "ada"), "done", 100)
    assert ledger.seconds_of("predict") == 5.5


# --- cards -----------------------------------------------------------------------------------------


def test_a_card_comes_back_equal_in_its_own_order_and_over_runs(state):
    with Ledger.open(state) as ledger:
        ledger.keep_card("ada", {"old": 1}, made_from="x")
        ledger.keep_card("ada", CARD, made_from="y")
    with Ledger.open(state) as ledger:
        assert ledger.card("ada") == CARD
        assert list(ledger.card("ada")) == list(CARD)
        assert ledger.card("bob") is None


def test_a_card_of_something_else_is_not_taken(ledger):
    ledger.keep_card("ada", CARD, made_from="y")
    assert ledger.card("ada", made_from="y") == CARD
    assert ledger.card("ada", made_from="x") is None


def test_cards_come_in_the_order_asked_and_one_by_one(ledger):
    for name in "abc":
        ledger.keep_card(name, {"submission": name}, made_from="")
    assert [card and card["submission"] for card in ledger.cards(["c", "a", "nobody", "b"])] == ["c", "a", None, "b"]
    asked = []
    cards = ledger.cards(asked.append(name) or name for name in "abc")
    next(cards)
    assert asked == ["a"]


@pytest.mark.fault("F6")
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("UPDATE cards SET card = substr(card, 1, 9)", id="cut short"),
        pytest.param("UPDATE cards SET card = zeroblob(0)", id="empty"),
        pytest.param("UPDATE cards SET made_from = 'z'", id="of another origin"),
        pytest.param("UPDATE cards SET submission = 'bob'", id="of another hand-in"),
    ],
)
def test_a_damaged_card_counts_as_absent_and_is_logged(state, damage, caplog):
    with Ledger.open(state) as ledger:
        ledger.keep_card("ada", CARD, made_from="y")
    with sqlite3.connect(state / FILE) as database:
        database.execute(damage)
    with Ledger.open(state) as ledger:
        assert ledger.card("ada") is None
        assert ledger.card("bob") is None
    assert "damaged" in caplog.text


# --- the death of the grader -----------------------------------------------------------------------


def killed_at(point, state, code):
    """Run code with a ledger `one` in a process that ends at a crash point."""
    program = f"""
from pathlib import Path
from grader.evidence.ledger import Ledger
one = Ledger.open(Path({str(state)!r}), command="killed")
key, other = "ab" * 32, "cd" * 32
"""
    process = subprocess.run(
        [sys.executable, "-c", program + textwrap.dedent(code)],
        env={**os.environ, "GRADER_CRASH_AT": point}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == -signal.SIGKILL, process.stderr


STEPS = """
    lease = one.lease(key, "predict", "ada")
    one.finish(key, lease, "done", 1.5)
    one.fault(other, one.lease(other, "predict", "bob"), "killed")
    one.keep_card("ada", {"submission": "ada"}, made_from="x")
"""


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    ("point", "leases", "has_card"),
    [
        ("ledger.lease", [], False),
        ("ledger.leased", ["lost"], False),
        ("ledger.finish", ["lost"], False),
        ("ledger.finished", ["done"], False),
        ("ledger.lease:2", ["done"], False),
        ("ledger.leased:2", ["done", "lost"], False),
        ("ledger.fault", ["done", "lost"], False),
        ("ledger.keep-card", ["done", "fault"], False),
        ("ledger.kept-card", ["done", "fault"], True),
    ],
)
def test_whatever_was_told_before_a_kill_is_there_after_it(state, point, leases, has_card):
    killed_at(point, state, STEPS)
    with Ledger.open(state) as ledger:
        assert ledger.lost == leases.count("lost")
        assert ledger.faults(OTHER) == leases.count("fault")
        assert (ledger.card("ada") is not None) == has_card
        assert ledger.lease(KEY, "predict", "ada") > len(leases)
    assert [status for (status,) in rows(state, "SELECT status FROM leases ORDER BY lease")][: len(leases)] == leases


# --- the file --------------------------------------------------------------------------------------


@pytest.mark.fault("F24")
def test_a_ledger_of_a_newer_grader_is_left_alone(state):
    with Ledger.open(state) as ledger:
        ledger.keep_card("ada", CARD, made_from="")
    with sqlite3.connect(state / FILE) as database:
        database.execute("UPDATE schema_version SET version = ?", (len(MIGRATIONS) + 1,))
    before = (state / FILE).read_bytes()
    with pytest.raises(MachineError, match=r"newer grader.*\n.*update the grader"):
        Ledger.open(state)
    assert (state / FILE).read_bytes() == before


@pytest.mark.fault("F24")
def test_a_file_of_another_program_is_left_alone(state):
    state.mkdir()
    with sqlite3.connect(state / FILE) as database:
        database.execute("CREATE TABLE photographs (name TEXT)")
    with pytest.raises(MachineError, match="another program"):
        Ledger.open(state)
    assert rows(state, "SELECT name FROM sqlite_schema") == [("photographs",)]


def overwritten(data):
    return b"\xa5" * len(data)


def half(data):
    return data[: len(data) // 2]


def with_a_bad_page(data):
    return data[:8192] + b"\xa5" * 4096 + data[12288:]


@pytest.mark.fault("F6", "F24")
@pytest.mark.parametrize("damage", [overwritten, half, with_a_bad_page])
def test_a_damaged_file_is_named_with_how_to_go_on_and_left_as_it_is(state, damage):
    with Ledger.open(state) as ledger:
        for number in range(200):
            ledger.keep_card(f"s{number}", CARD, made_from="")
    file = state / FILE
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)
    with pytest.raises(MachineError, match=f"{FILE}: the ledger is damaged.*\n.*mv .*{FILE}"):
        Ledger.open(state)
    assert file.read_bytes() == damaged
    file.rename(f"{file}.damaged")
    with Ledger.open(state) as ledger:
        assert ledger.card("s1") is None


@pytest.mark.fault("F24")
def test_an_emptied_file_next_to_its_log_is_not_begun_anew(state):
    killed_at("ledger.kept-card", state, STEPS)
    log = Path(f"{state / FILE}-wal")
    assert log.stat().st_size
    (state / FILE).write_bytes(b"")
    with pytest.raises(MachineError, match="damaged"):
        Ledger.open(state)
    assert log.stat().st_size


@pytest.mark.fault("F24")
def test_a_ledger_that_another_program_holds_is_waited_for_and_then_named(state, monkeypatch):
    monkeypatch.setattr("grader.evidence.database.PATIENCE_S", 0.2)
    with Ledger.open(state) as ledger:
        holder = sqlite3.connect(state / FILE, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(MachineError, match="another program has held the ledger"):
            ledger.lease(KEY, "predict", "ada")
        holder.execute("ROLLBACK")
        holder.close()
        assert ledger.lease(KEY, "predict", "ada")


@pytest.mark.fault("F8")
def test_a_ledger_that_is_taken_away_is_missed_before_the_next_job(state):
    with Ledger.open(state) as ledger:
        (state / FILE).unlink()
        with pytest.raises(MachineError, match="removed or replaced"):
            ledger.lease(KEY, "predict", "ada")


@pytest.mark.fault("F5")
def test_a_kill_while_the_file_is_made_leaves_one_that_can_be_opened(state, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.evidence.database._check", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Ledger.open(state)
    monkeypatch.undo()
    with Ledger.open(state) as ledger:
        assert ledger.lease(KEY, "predict", "ada")


def test_closing_twice_is_no_fault_and_leaves_the_file_and_the_lock_alone(state):
    ledger = Ledger.open(state)
    ledger.lease(KEY, "predict", "ada")
    ledger.close()
    ledger.close()
    assert sorted(path.name for path in state.iterdir()) == [FILE, "lock"]
    assert rows(state, "SELECT count(*) FROM runs WHERE ended IS NOT NULL") == [(1,)]
