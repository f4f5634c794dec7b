"""F7, F8: a disk that is full or read-only stops cleanly, says where and how much, and costs nothing that was kept."""

import json
import shutil
import subprocess
import sys
import textwrap

import pytest

MOUNT = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
BEGIN = """
import errno, json, os
from pathlib import Path
from grader.errors import MachineError
from grader.evidence.cache import Cache
from grader.evidence.ledger import Ledger
from grader.model import Evidence, EvidenceStatus

disk = Path({disk!r})

def fill():
    "Leave no byte free."
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC

def refused(what, *arguments, **named):
    "What the call says; every one must say something."
    try:
        what(*arguments, **named)
    except MachineError as error:
        return str(error)
    raise AssertionError("nothing was refused")

def evidence(number, size):
    return Evidence(f"{{number:064x}}", EvidenceStatus.DONE, result={{"text": "x" * size}})
"""


@pytest.fixture
def on_a_disk(tmp_path):
    """Run code on a disk of so many bytes, in a namespace of its own that takes the disk with it; what it said."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def run(code, size):
        program = BEGIN.format(disk=str(disk)) + textwrap.dedent(code)
        mounted = f'mount -t tmpfs -o size={size} tmpfs {disk} && exec "$@"'
        done = subprocess.run(
            [*MOUNT, mounted, "sh", sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    if shutil.which("unshare") is None:
        pytest.skip("no unshare here, to have a small disk by")
    tried = subprocess.run([*MOUNT, f"mount -t tmpfs tmpfs {disk}"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no disk of one's own here: {tried.stderr.strip()}")
    return run


@pytest.mark.fault("F7")
def test_too_small_a_disk_is_refused_before_anything_runs(on_a_disk):
    said = on_a_disk("print(json.dumps([refused(Ledger.open, disk), refused(Cache(disk / 'c').prepare)]))", "4m")
    for one, other in zip(said, ("--state", "GRADER_CACHE"), strict=True):
        assert "the disk is full" in one
        assert "16,777,216 bytes are needed" in one
        assert other in one


@pytest.mark.fault("F7")
def test_a_ledger_whose_disk_fills_up_keeps_what_it_was_told_and_goes_on_when_there_is_space(on_a_disk):
    said, before, after, again = on_a_disk(
        """
        ledger = Ledger.open(disk / "state")
        given = [ledger.lease(f"key {n}", "predict", "ada") for n in range(100)]
        taken = [ledger.finish(f"key {n}", given[n], "done", 1.0) for n in range(50)]
        fill()
        card = lambda: {"text": os.urandom(9000).hex()}
        said = refused(lambda: [ledger.keep_card(f"s{n}", card(), made_from="") for n in range(9000)])
        before = sum(card is not None for card in ledger.cards(f"s{n}" for n in range(9000)))
        (disk / "filler").unlink()
        after = [ledger.finish(f"key {n}", given[n], "done", 1.0) for n in range(100)]
        ledger.close()
        with Ledger.open(disk / "state") as ledger:
            again = sum(card is not None for card in ledger.cards(f"s{n}" for n in range(9000)))
        print(json.dumps([said, before, after, again]))
        """,
        "20m",
    )
    assert "ledger.db: the disk is full" in said
    assert "bytes are needed" in said
    assert after == [False] * 50 + [True] * 50
    assert again == before


@pytest.mark.fault("F7")
def test_a_result_that_does_not_fit_leaves_the_others_and_no_piece_of_itself(on_a_disk):
    said, is_there, files = on_a_disk(
        """
        cache = Cache(disk / "cache")
        cache.put(evidence(1, 1000))
        fill()
        said = refused(cache.put, evidence(2, 100_000))
        is_there = [cache.get(evidence(n, 0).key) is not None for n in (1, 2)]
        files = sorted(path.name for path in (disk / "cache").rglob("*") if path.is_file())
        print(json.dumps([said, is_there, files]))
        """,
        "4m",
    )
    assert "a result of 100," in said
    assert "No space left" in said
    assert "/disk/cache/00" in said
    assert is_there == [True, False]
    assert files == [f"{1:064x}.json"]


@pytest.mark.fault("F8")
def test_a_disk_that_is_read_only_is_told_before_anything_runs(on_a_disk):
    said = on_a_disk(
        """
        import subprocess
        (disk / "state").mkdir()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        print(json.dumps([refused(Ledger.open, disk / "state"), refused(Cache(disk / "c").prepare)]))
        """,
        "20m",
    )
    for one, other in zip(said, ("--state", "GRADER_CACHE"), strict=True):
        assert "Read-only file system" in one
        assert "/disk/" in one
        assert other in one


@pytest.mark.fault("F8")
def test_a_disk_that_becomes_read_only_is_told_by_its_ledger(on_a_disk):
    said = on_a_disk(
        """
        import subprocess
        ledger = Ledger.open(disk / "state")
        ledger.close()
        database = disk / "state" / "ledger.db"
        subprocess.run(["mount", "-o", "bind,ro", str(database), str(database)], check=True)
        print(json.dumps([refused(Ledger.open, disk / "state")]))
        """,
        "20m",
    )
    assert "ledger.db: this cannot be written" in said[0]
