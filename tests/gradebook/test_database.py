"""Whatever is wrong with the database is said in words, and nothing is ever made anew over what is there."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest
import sqlalchemy as sa

from grader.errors import GraderError, MachineError, UsageError
from grader.gradebook import database
from grader.gradebook.book import Gradebook
from grader.gradebook.tables import cards, metadata
from grader.model import DecisionKind
from tests.gradebook.cases import card, recorded, with_facts

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "books" / "gradebook.db"


@pytest.fixture
def at(file):
    return f"sqlite:///{file}"


def filled(url, count=30):
    with Gradebook.open(url) as book:
        return [one.id for one in recorded(book, *(card(f"s{number:03}") for number in range(count)))]


def beside(file):
    return sorted(path.name for path in file.parent.iterdir())


def asked(file, statement):
    with closing(sqlite3.connect(file)) as opened, opened:
        return opened.execute(statement).fetchall()


# --- the schema --------------------------------------------------------------------------------------


def test_the_migrations_make_the_tables_that_this_version_writes(url):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def is_ours(thing, name, kind, *_):
        del thing
        return kind != "table" or name in metadata.tables

    with Gradebook.open(url) as book, book.reading() as connection:
        settings = {"version_table": database.VERSION_TABLE, "include_object": is_ours}
        assert compare_metadata(MigrationContext.configure(connection, opts=settings), metadata) == []


def test_the_steps_follow_one_another():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    settings = Config()
    settings.set_main_option("script_location", str(ROOT / "grader" / "gradebook" / "migrations"))
    script = ScriptDirectory.from_config(settings)
    assert [one.revision for one in reversed(list(script.walk_revisions()))] == database.steps()


def test_a_kill_while_it_is_made_leaves_nothing_half_made(at, file):
    killed("gradebook.commit", at, "")
    with Gradebook.open(at) as book:
        assert book.assignments() == []
    assert beside(file) == ["gradebook.db", "gradebook.db-changes"]


@pytest.mark.fault("F24")
def test_one_of_a_newer_grader_is_left_alone(url):
    with Gradebook.open(url) as book:
        recorded(book, card())
        with book.writing() as connection:
            connection.exec_driver_sql("UPDATE gradebook_version SET version_num = '9999'")
    with pytest.raises(MachineError, match=r"newer grader \(its form is 9999.*\n.*update the grader"):
        Gradebook.open(url)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM entries").scalar() == 1
    engine.dispose()


# --- what is not ours ----------------------------------------------------------------------------------


@pytest.mark.fault("F24")
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_file_of_another_program_is_left_as_it_is(at, file, mode):
    file.parent.mkdir()
    asked(file, f"PRAGMA journal_mode = {mode}")
    asked(file, "CREATE TABLE photographs (name TEXT)")
    before = file.read_bytes()
    with pytest.raises(MachineError, match=r"another program.*\n.*--gradebook"):
        Gradebook.open(at)
    assert file.read_bytes() == before
    assert beside(file) == ["gradebook.db"]


@pytest.mark.fault("F24")
def test_a_ledger_is_no_gradebook(at, file):
    from grader.evidence.ledger import FILE, Ledger

    with Ledger.open(file.parent):
        pass
    (file.parent / FILE).rename(file)
    with pytest.raises(MachineError, match="another program"):
        Gradebook.open(at)


@pytest.mark.postgres
def test_tables_of_another_program_in_the_database_are_left_alone(postgres):
    url = postgres.database()
    name = url.split("@/")[1].split("?")[0]
    postgres.asked("CREATE TABLE events (what TEXT)", name)
    with pytest.raises(MachineError, match="another program"):
        Gradebook.open(url)
    assert postgres.asked("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == "1"


@pytest.mark.parametrize(
    "said", ["", "mysql://host/grades", "sqlite://", "no url at all:", "postgresql+psycopg://host"]
)
def test_what_is_no_gradebook_is_told_with_how_one_is_written(said):
    with pytest.raises(UsageError, match=r"is no gradebook\n.*sqlite:///FILE"):
        Gradebook.open(said)


def test_a_password_is_never_shown():
    with pytest.raises(GraderError) as raised:
        Gradebook.open("mysql://ada:secret@host/grades")
    assert "secret" not in str(raised.value)
    with pytest.raises(GraderError) as raised:
        Gradebook.open("postgresql+psycopg://ada:secret@127.0.0.1:9/grades")
    assert "secret" not in str(raised.value)
    assert "does not answer" in str(raised.value)


def test_one_that_is_not_there_is_not_made_where_that_is_not_wanted(url, tmp_path):
    with pytest.raises(UsageError, match=r"no gradebook yet\n.*grader run-all"):
        Gradebook.open(url, is_new_allowed=False)
    assert not list(tmp_path.iterdir())


# --- damage, and what is missing -----------------------------------------------------------------------


def overwritten(data):
    return b"\xa5" * len(data)


def half(data):
    return data[: len(data) // 2]


def with_a_bad_page(data):
    return data[:8192] + b"\xa5" * 4096 + data[12288:]


@pytest.mark.fault("F24")
@pytest.mark.parametrize("has_count", [True, False])
@pytest.mark.parametrize("damage", [overwritten, half, with_a_bad_page])
def test_a_damaged_file_is_named_and_left_as_it_is(at, file, damage, has_count):
    filled(at)
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)
    if not has_count:
        Path(f"{file}-changes").unlink()
    with pytest.raises(MachineError, match=r"gradebook.db: the gradebook is damaged.*\n.*latest copy"):
        Gradebook.open(at)
    assert file.read_bytes() == damaged


PROGRAM = """
import sys
from grader.gradebook.book import Gradebook
from tests.gradebook.cases import card, recorded
book = Gradebook.open(sys.argv[1])
"""


def killed(point, url, code="recorded(book, card('ada'))\n"):
    """Run code with an open gradebook in a process that ends at a crash point."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM + code, url], cwd=ROOT, env={**os.environ, "GRADER_CRASH_AT": point},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == -signal.SIGKILL, ran.stderr


def test_what_was_told_to_be_saved_is_there_after_a_kill_and_what_was_not_is_not(url):
    filled(url, 2)
    killed("gradebook.commit", url)
    with Gradebook.open(url) as book:
        assert book.rows("demo").total == 2
    killed("gradebook.committed", url)
    with Gradebook.open(url) as book:
        assert book.rows("demo").total == 3
        assert book.record(with_facts(card("ada"))).same == 1


def left_by_a_kill(at, file):
    """A gradebook whose last changes are in its log."""
    filled(at, 2)
    program = "recorded(book, card('ada'))\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    killed("", at, program)
    assert Path(f"{file}-wal").stat().st_size


@pytest.mark.fault("F24")
def test_a_log_that_was_taken_away_is_missed_and_put_back_all_is_there(at, file):
    left_by_a_kill(at, file)
    log = Path(f"{file}-wal")
    log.rename(f"{log}.away")
    Path(f"{file}-shm").unlink()
    before = file.read_bytes()
    with pytest.raises(
        MachineError, match=r"the last 1 is not there, and its log.*\n.*gradebook.db-wal back"
    ) as raised:
        Gradebook.open(at)
    assert raised.value.problems[0].code == "gradebook-without-log"
    assert file.read_bytes() == before
    Path(f"{log}.away").rename(log)
    with Gradebook.open(at) as book:
        assert book.rows("demo").total == 3


@pytest.mark.fault("F24")
def test_who_has_read_it_goes_on_without_what_is_lost(at, file):
    left_by_a_kill(at, file)
    for end in ("-wal", "-shm", "-changes"):
        Path(f"{file}{end}").unlink()
    with Gradebook.open(at) as book:
        assert book.rows("demo").total == 2


@pytest.mark.fault("F24")
def test_an_older_copy_in_its_place_is_noticed(at, file):
    filled(at, 2)
    shutil.copy(file, f"{file}.copy")
    with Gradebook.open(at) as book:
        recorded(book, card("later"))
    shutil.copy(f"{file}.copy", file)
    with pytest.raises(MachineError, match="the last 1 is not there"):
        Gradebook.open(at)


@pytest.mark.fault("F24")
@pytest.mark.parametrize("has_log", [True, False])
def test_a_file_that_is_gone_is_not_begun_anew(at, file, has_log):
    left_by_a_kill(at, file)
    if not has_log:
        Path(f"{file}-wal").unlink()
    file.unlink()
    with pytest.raises(
        MachineError, match="the file is missing, and its log is not" if has_log else "is gone: .* saved"
    ):
        Gradebook.open(at)
    assert not file.exists()


@pytest.mark.fault("F24")
def test_an_emptied_file_next_to_its_log_is_not_begun_anew(at, file):
    left_by_a_kill(at, file)
    file.write_bytes(b"")
    with pytest.raises(MachineError, match="damaged"):
        Gradebook.open(at)
    assert Path(f"{file}-wal").stat().st_size


@pytest.mark.parametrize("column", ["card", "digest"])
def test_a_damaged_card_is_told_and_made_anew_by_a_run(book, column):
    [entry] = recorded(book, card(a=0))
    broken = {"card": sa.cast(b"other", sa.LargeBinary), "digest": "other"}[column]
    with book.writing() as connection:
        connection.execute(sa.update(cards).values({column: broken}))
    if column == "card":
        with pytest.raises(MachineError, match=r"ada: the card in the gradebook is damaged.*\n.*run-all again"):
            book.entry(entry.id)
        assert book.rows("demo").total == 1
        assert book.record(with_facts(card(a=0))).changed == 1
    after = book.entry(entry.id)
    assert after.card == entry.card
    assert book.record(with_facts(card(a=0))).same == 1


# --- who holds it ----------------------------------------------------------------------------------------


@pytest.mark.fault("F24")
def test_one_that_another_program_holds_is_waited_for_and_then_named(url, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE_S", 1)
    with Gradebook.open(url) as book:
        [entry] = recorded(book, card())
        with Gradebook.open(url) as other:
            with other.writing() as connection:
                connection.exec_driver_sql("UPDATE entries SET assigned_to = 'x'")
                with pytest.raises(MachineError, match=r"another program has held the gradebook for 1 s; nothing"):
                    book.mark_reviewed(entry.id, "ta", entry.version)
                assert book.entry(entry.id) == entry, "who only reads does not wait"
            assert book.mark_reviewed(entry.id, "ta", entry.version).row.is_reviewed


def test_what_was_begun_and_refused_is_undone(book):
    [entry] = recorded(book, card(a=0))

    def refused():
        with book.writing() as connection:
            connection.exec_driver_sql("UPDATE entries SET points = '99'")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        refused()
    assert book.entry(entry.id) == entry


@pytest.fixture
def small_disk(tmp_path):
    """One of a MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]
    if os.geteuid() or shutil.which("mount") is None or subprocess.run(words, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=False)


@pytest.mark.fault("F24")
def test_one_that_cannot_be_written_is_named(small_disk):
    at = f"sqlite:///{small_disk}/gradebook.db"
    filled(at, 1)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(MachineError, match=r"gradebook.db: this cannot be written.*\n.*--gradebook URL"):
        Gradebook.open(at)
    new = f"sqlite:///{small_disk}/new/gradebook.db"
    with pytest.raises(MachineError, match=r"new: this cannot be written \(Read-only"):
        Gradebook.open(new)


@pytest.mark.fault("F24")
def test_a_full_disk_is_told_and_what_was_saved_stays(small_disk):
    at = f"sqlite:///{small_disk}/gradebook.db"
    filled(at, 3)
    there = sum(path.stat().st_size for path in small_disk.iterdir())
    (small_disk / "filler").write_bytes(bytes(2**20 - 2**17 - there))
    big = [card(f"big{number}", a=tuple(_finding(number))) for number in range(40)]
    with Gradebook.open(at) as book:
        with pytest.raises(MachineError, match="the disk is full"):
            book.record(with_facts(*big))
        (small_disk / "filler").unlink()
        assert book.rows("demo").total == 3
        assert book.record(with_facts(*big)).new == 40


def _finding(number):
    from random import Random

    from grader.model import Finding, Outcome

    noise = Random(number).randbytes(8000).hex()  # noqa: S311  what does not pack
    yield Finding(Outcome.PASSED, noise, Fraction(1))


@pytest.mark.postgres
@pytest.mark.fault("F24")
def test_a_database_that_stops_answering_is_told_and_used_again_once_it_does(postgres):
    url = postgres.database()
    name = url.split("@/")[1].split("?")[0]
    with Gradebook.open(url) as book:
        [entry] = recorded(book, card(a=0))
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "

        def interrupted():
            with book.writing() as connection:
                postgres.asked(f"{others} '{name}'")
                connection.exec_driver_sql("SELECT 1")

        with pytest.raises(MachineError, match="does not answer"):
            interrupted()
        after = book.decide(
            entry.id, DecisionKind.OVERRIDE, task="1", points=Fraction(1), reason="x", author="ta", seen_version=1
        )
        assert after.version == 2


def test_nobody_else_on_the_machine_reads_it_unless_that_is_allowed(at, file):
    with Gradebook.open(at) as book:
        recorded(book, card())
        assert {path.stat().st_mode & 0o777 for path in file.parent.glob("*.db*") if "-changes" not in path.name} == {
            0o600
        }
    file.chmod(0o660)
    filled(at, 2)
    assert file.stat().st_mode & 0o777 == 0o660


def test_nothing_is_left_beside_it_once_it_is_closed(at, file):
    filled(at, 2)
    assert beside(file) == ["gradebook.db", "gradebook.db-changes"]


def test_one_of_an_older_grader_is_brought_up_with_all_that_is_in_it(url, monkeypatch):
    every = database.steps()
    monkeypatch.setattr(database, "steps", lambda: every[:1])
    monkeypatch.setattr(database, "HEAD", every[0])
    with Gradebook.open(url) as book:
        [entry] = recorded(book, card(a=0))
        with book.reading() as connection:
            tables_then = set(sa.inspect(connection).get_table_names())
    monkeypatch.undo()
    with Gradebook.open(url) as book:
        assert book.entry(entry.id) == entry
        with book.reading() as connection:
            version = connection.exec_driver_sql("SELECT version_num FROM gradebook_version").scalar()
            assert set(sa.inspect(connection).get_table_names()) >= tables_then
    assert version == every[-1]


def test_two_gradebooks_may_be_made_at_once(tmp_path):
    barrier = threading.Barrier(3)

    def made(number):
        barrier.wait()
        with Gradebook.open(f"sqlite:///{tmp_path}/{number}.db") as book:
            return recorded(book, card())[0].version

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(made, range(3))) == [1, 1, 1]
