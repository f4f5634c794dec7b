import hashlib
import json
import os
import signal
import subprocess
import sys

import pytest

from grader.errors import MachineError
from grader.evidence.cache import Cache
from grader.model import Evidence, EvidenceStatus, Problem

KEY = "ab" * 32


def done(**result):
    return Evidence(KEY, EvidenceStatus.DONE, result=result, device="cpu", versions={"torch": "2"}, seconds=1.5)


def fault(code, status=EvidenceStatus.STUDENT_FAULT, **result):
    return Evidence(KEY, status, result=result, problem=Problem(code, "model.py:3", "what", "fix"))


def test_nothing_is_known_at_first(tmp_path):
    assert Cache(tmp_path).get(KEY) is None


def test_what_was_put_comes_back_equal(tmp_path):
    cache = Cache(tmp_path)
    cache.put(done(correct=3, n=4))
    assert cache.get(KEY) == done(correct=3, n=4)


def test_a_lasting_fault_of_the_student_is_kept(tmp_path):
    cache = Cache(tmp_path)
    cache.put(fault("pickled-code"))
    assert cache.get(KEY) == fault("pickled-code")


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(fault("data-set-missing", EvidenceStatus.SYSTEM_FAULT), id="a fault of the system"),
        pytest.param(fault("wall-time", limit="120 s", use="120.1 s"), id="a clock that another day could beat"),
        pytest.param(fault("memory", limit="4,096 MB", use="4,100 MB"), id="memory that another day could have"),
    ],
)
def test_what_could_change_is_not_kept(tmp_path, evidence):
    cache = Cache(tmp_path)
    cache.put(evidence)
    assert cache.get(KEY) is None


@pytest.mark.attack(88)
@pytest.mark.fault("F6", "F13")
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty after a power cut"),
        pytest.param(lambda data: data[: len(data) // 2], id="half written"),
        pytest.param(lambda data: data.replace(b'"correct": 3', b'"correct": 4'), id="edited"),
        pytest.param(lambda _: b"[]", id="another document"),
        pytest.param(lambda data: data.replace(b'"seconds"', b'"minutes"'), id="in the form of another version"),
        pytest.param(lambda _: b"\xff\xfe", id="not text"),
    ],
)
def test_a_damaged_file_counts_as_absent_is_logged_and_made_again(tmp_path, damage, caplog):
    cache = Cache(tmp_path)
    cache.put(done(correct=3))
    [file] = tmp_path.rglob("*.json")
    file.write_bytes(damage(file.read_bytes()))
    assert cache.get(KEY) is None
    assert str(file) in caplog.text
    cache.put(done(correct=3))
    assert cache.get(KEY) == done(correct=3)


@pytest.mark.fault("F13")
def test_a_file_of_another_form_with_a_right_checksum_counts_as_absent(tmp_path):
    Cache(tmp_path).put(done(correct=3))
    [file] = tmp_path.rglob("*.json")
    stored = json.loads(file.read_text())
    body = stored["evidence"] | {"accelerator": "none"}
    checksum = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    file.write_text(json.dumps({"checksum": checksum, "evidence": body}))
    assert Cache(tmp_path).get(KEY) is None


@pytest.mark.attack(88)
def test_a_result_filed_under_another_key_is_not_taken(tmp_path):
    cache = Cache(tmp_path)
    cache.put(done())
    [file] = tmp_path.rglob("*.json")
    other = "ab" + "cd" * 31
    file.rename(file.with_name(f"{other}.json"))
    assert cache.get(other) is None


def test_a_folder_that_cannot_be_written_is_named_with_a_fix(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(MachineError, match="GRADER_CACHE"):
        Cache(blocked).put(done())


def test_no_scratch_file_is_left(tmp_path):
    Cache(tmp_path).put(done())
    names = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert names == [f"{KEY}.json"]
    assert json.loads(next(tmp_path.rglob("*.json")).read_text())["evidence"]["key"] == KEY


def test_what_is_absent_is_not_logged(tmp_path, caplog):
    assert Cache(tmp_path).get(KEY) is None
    assert caplog.text == ""


PUT = """
from pathlib import Path
from grader.evidence.cache import Cache
from grader.model import Evidence, EvidenceStatus
Cache(Path({!r})).put(Evidence("ab" * 32, EvidenceStatus.DONE, result={{"correct": 3}}))
"""


@pytest.mark.fault("F5")
@pytest.mark.parametrize(
    ("point", "is_kept"),
    [("cache.begun", False), ("cache.half-written", False), ("cache.written", False), ("cache.renamed", True)],
)
def test_a_kill_while_a_result_is_kept_leaves_it_whole_or_absent_and_nothing_else(tmp_path, point, is_kept):
    environment = {**os.environ, "GRADER_CRASH_AT": point}
    ended = subprocess.run([sys.executable, "-c", PUT.format(str(tmp_path))], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    cache = Cache(tmp_path)
    cache.prepare()
    assert (cache.get(KEY) is not None) == is_kept
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == is_kept


@pytest.mark.fault("F8")
def test_a_cache_that_cannot_be_written_is_known_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="GRADER_CACHE"):
        Cache(tmp_path / "file").prepare()
