"""What rules keep of a hand-in lies in the ledger: over what was kept before, and checked when it is read."""

import sqlite3

import pytest

from grader.evidence.ledger import FILE, Ledger


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path) as opened:
        yield opened


def test_it_is_read_back_by_hand_in_and_rule(ledger):
    ledger.keep_fingerprints("ada", {"one": {"code": [1, 2]}, "two": {}})
    ledger.keep_fingerprints("ben", {"one": {"code": [3]}})
    assert ledger.fingerprint("ada", "one") == {"code": [1, 2]}
    assert ledger.fingerprint("ada", "two") == {}
    assert ledger.fingerprint("ben", "one") == {"code": [3]}
    assert ledger.fingerprint("ben", "two") is None


def test_what_was_kept_before_is_gone(ledger):
    ledger.keep_fingerprints("ada", {"one": {"old": 1}, "two": {"old": 1}})
    ledger.keep_fingerprints("ada", {"one": {"new": 1}})
    assert ledger.fingerprint("ada", "one") == {"new": 1}
    assert ledger.fingerprint("ada", "two") is None


def test_a_damaged_one_is_none(ledger, tmp_path):
    ledger.keep_fingerprints("ada", {"one": {"code": [1]}})
    with sqlite3.connect(tmp_path / FILE) as other:
        other.execute("UPDATE fingerprints SET fingerprint = x'00'")
    other.close()
    assert ledger.fingerprint("ada", "one") is None
