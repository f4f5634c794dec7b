from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.datasets import cache, digest, load, registry, turns


def _forbid_reading(tiny, monkeypatch):
    """From now on the set's own files must not be read."""

    def read(split, found):
        raise AssertionError(f"{split} was read from {found.where}")

    monkeypatch.setattr(registry, "_sources", lambda: {"tiny": replace(tiny.source, read=read)})


def _is_right(tiny, split="test") -> bool:
    loaded = load("tiny", split, root=tiny.root)
    return (
        np.array_equal(loaded.images[:, 0], tiny.images[split])
        and np.array_equal(loaded.labels, tiny.labels[split])
        and loaded.digest == digest("tiny", split, root=tiny.root)
    )


def _only(folder: Path, pattern: str) -> Path:
    [path] = folder.glob(pattern)
    return path


def test_the_second_use_does_not_read_the_files_again(tiny, monkeypatch):
    first = load("tiny", "test", root=tiny.root)
    _forbid_reading(tiny, monkeypatch)
    second = load("tiny", "test", root=tiny.root)
    assert np.array_equal(second.images, first.images)
    assert np.array_equal(second.labels, first.labels)
    assert second.digest == first.digest
    assert isinstance(second.images, np.memmap)


def test_the_digest_is_known_without_the_images(tiny, monkeypatch, empty_cache):
    first = load("tiny", "test", root=tiny.root).digest
    _forbid_reading(tiny, monkeypatch)
    for path in [*empty_cache.glob("*.images"), *empty_cache.glob("*.labels")]:
        path.unlink()
    assert digest("tiny", "test", root=tiny.root) == first


def test_a_digest_asked_for_first_is_that_of_the_images(tiny):
    assert digest("tiny", "train", root=tiny.root) == load("tiny", "train", root=tiny.root).digest


def test_labels_lie_apart_from_images(tiny, empty_cache):
    load("tiny", "test", root=tiny.root)
    assert _only(empty_cache, "*.images").read_bytes() == tiny.images["test"].tobytes()
    assert _only(empty_cache, "*.labels").read_bytes() == tiny.labels["test"].astype("<i8").tobytes()


def test_changed_files_are_read_anew(tiny, save_idx):
    assert _is_right(tiny)
    before = load("tiny", "test", root=tiny.root)
    tiny.images["test"] = 255 - tiny.images["test"]
    save_idx(tiny.file("test", "images"), tiny.images["test"])
    assert _is_right(tiny)
    assert before.digest != digest("tiny", "test", root=tiny.root)


def test_a_raised_reader_version_reads_anew(tiny, monkeypatch):
    load("tiny", "test", root=tiny.root)
    _forbid_reading(tiny, monkeypatch)
    raised = replace(registry.source("tiny"), reader_version=2)
    monkeypatch.setattr(registry, "_sources", lambda: {"tiny": raised})
    with pytest.raises(AssertionError, match="was read"):
        load("tiny", "test", root=tiny.root)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("pattern", "harm"),
    [
        pytest.param("*.images", _flip, id="a flipped bit in the images"),
        pytest.param("*.labels", _flip, id="a flipped bit in the labels"),
        pytest.param("*.images", lambda path: path.write_bytes(path.read_bytes()[:-1]), id="images one byte short"),
        pytest.param("*.images", lambda path: path.write_bytes(path.read_bytes() + b"0"), id="images one byte long"),
        pytest.param("*.labels", lambda path: path.write_bytes(b""), id="empty labels"),
        pytest.param("*.images", Path.unlink, id="no images"),
        pytest.param("*.labels", Path.unlink, id="no labels"),
        pytest.param("*.json", lambda path: path.write_bytes(b""), id="an empty record"),
        pytest.param("*.json", lambda path: path.write_bytes(b"\xff{"), id="a record that is no text"),
        pytest.param("*.json", lambda path: path.write_text("[]"), id="a record of another form"),
        pytest.param("*.json", lambda path: _edit(path, digest="0" * 64), id="the record names another content"),
        pytest.param("*.json", lambda path: _edit(path, digest="../../x"), id="the record names a path"),
        pytest.param("*.json", lambda path: _edit(path, digest=7), id="the record's digest is a number"),
        pytest.param("*.json", lambda path: _edit(path, shape=[10, 1, 28, 27]), id="the record has another shape"),
        pytest.param("*.json", lambda path: _edit(path, format=0), id="a record of another version"),
    ],
)
def test_a_damaged_cache_is_made_again(tiny, empty_cache, monkeypatch, pattern, harm):
    load("tiny", "test", root=tiny.root)
    harm(_only(empty_cache, pattern))
    assert _is_right(tiny)
    _forbid_reading(tiny, monkeypatch)
    assert _is_right(tiny)


def test_a_damaged_cache_is_said_to_be_so_and_an_absent_one_is_not(tiny, empty_cache, caplog):
    load("tiny", "test", root=tiny.root)
    _only(empty_cache, "*.labels").unlink()
    load("tiny", "test", root=tiny.root)
    assert caplog.text == ""
    _flip(_only(empty_cache, "*.images"))
    load("tiny", "test", root=tiny.root)
    assert "damaged, so tiny (test) is made again" in caplog.text


def test_a_cache_that_cannot_be_written_only_costs_time(tiny, tmp_path, monkeypatch, caplog):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("GRADER_CACHE", str(blocked))
    assert _is_right(tiny)
    assert _is_right(tiny)
    assert caplog.text.count("cannot be written") == 1  # said once, however often it is met
    assert "GRADER_CACHE" in caplog.text
    with pytest.raises(ValueError, match="read-only"):
        load("tiny", "test", root=tiny.root).labels[0] = 1


def test_a_failed_write_leaves_neither_a_half_file_nor_a_temporary_one(tiny, monkeypatch, empty_cache):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "fsync", full)
    assert _is_right(tiny)
    assert not list(empty_cache.iterdir())


def test_temporary_files_of_the_dead_are_swept_and_those_of_the_living_left_alone(tiny, empty_cache):
    empty_cache.mkdir(parents=True)
    dead, alive = empty_cache / ".dead-1.tmp", empty_cache / ".alive-1.tmp"
    for path in (dead, alive):
        path.write_bytes(b"half")
    long_ago = time.time() - cache.STALE_AFTER_S - 1
    os.utime(dead, (long_ago, long_ago))
    load("tiny", "test", root=tiny.root)
    assert (dead.exists(), alive.exists()) == (False, True)


def _load_together(root, barrier, out):
    barrier.wait()
    loaded = [load("tiny", split, root=root) for split in ("test", "train")]
    out.put([(of.digest, int(of.images.sum()), of.labels.tolist()) for of in loaded])


def _slowly(tiny, monkeypatch, trace: Path, *, seconds: float) -> None:
    """From now on reading the files takes its time, and each beginning leaves the process's number in a file."""

    def read(split, found):
        with trace.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(seconds)
        return tiny.source.read(split, found)

    monkeypatch.setattr(registry, "_sources", lambda: {"tiny": replace(tiny.source, read=read)})


def _load_one(root, out):
    loaded = load("tiny", "test", root=root)
    out.put((loaded.digest, int(loaded.images.sum())))


def _four(root):
    processes = multiprocessing.get_context("fork")  # the set "tiny" is known to this process only
    out = processes.Queue()
    workers = [processes.Process(target=_load_one, args=(root, out)) for _ in range(4)]
    for worker in workers:
        worker.start()
    return workers, out


def test_four_processes_build_a_set_once(tiny, monkeypatch, tmp_path, empty_cache):
    trace = tmp_path / "trace"
    _slowly(tiny, monkeypatch, trace, seconds=0.5)
    workers, out = _four(tiny.root)
    results = {out.get(timeout=60) for _ in workers}
    assert len(trace.read_text().split()) == 1
    assert results == {(digest("tiny", "test", root=tiny.root), int(tiny.images["test"].sum()))}
    assert sorted(path.suffix for path in empty_cache.iterdir()) == [".images", ".json", ".labels"]


def test_when_the_builder_is_killed_in_the_middle_another_one_builds(tiny, monkeypatch, tmp_path, empty_cache):
    trace = tmp_path / "trace"
    _slowly(tiny, monkeypatch, trace, seconds=1)
    workers, out = _four(tiny.root)
    until = time.monotonic() + 60
    while not trace.exists() or not trace.read_text().endswith("\n"):
        assert time.monotonic() < until
        time.sleep(0.01)
    builder = int(trace.read_text())
    os.kill(builder, signal.SIGKILL)
    results = {out.get(timeout=60) for _ in range(3)}
    for worker in workers:
        worker.join()
    assert sorted(worker.exitcode for worker in workers) == [-signal.SIGKILL, 0, 0, 0]
    assert len(trace.read_text().split()) == 2
    assert results == {(digest("tiny", "test", root=tiny.root), int(tiny.images["test"].sum()))}
    assert sorted(path.suffix for path in empty_cache.iterdir()) == [".images", ".json", ".labels"]


@pytest.mark.parametrize("written", range(4))
def test_a_writer_killed_between_any_two_files_leaves_nothing_that_is_taken_for_whole(tiny, monkeypatch, written):
    put = cache._put
    count = iter(range(10))

    def dying(path, data):
        if next(count) == written:
            os.kill(os.getpid(), signal.SIGKILL)
        put(path, data)

    monkeypatch.setattr(cache, "_put", dying)
    processes = multiprocessing.get_context("fork")
    worker = processes.Process(target=_load_one, args=(tiny.root, processes.Queue()))
    worker.start()
    worker.join(60)
    assert worker.exitcode == (-signal.SIGKILL if written < 3 else 0)
    monkeypatch.setattr(cache, "_put", put)
    assert _is_right(tiny)


def test_a_holder_that_stands_still_costs_only_patience(tiny, monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_S", 0.2)
    of = registry.source("tiny")
    with cache.building(of, "test", of.find("test", tiny.root)):
        assert _is_right(tiny)


def test_four_processes_that_build_at_once_all_get_the_right_bytes(tiny, empty_cache):
    processes = multiprocessing.get_context("fork")  # the set "tiny" is known to this process only
    for _ in range(3):
        barrier, out = processes.Barrier(4), processes.Queue()
        workers = [processes.Process(target=_load_together, args=(tiny.root, barrier, out)) for _ in range(4)]
        for worker in workers:
            worker.start()
        results = [out.get(timeout=60) for _ in workers]
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0] * 4
        expected = [
            (digest("tiny", split, root=tiny.root), int(tiny.images[split].sum()), tiny.labels[split].tolist())
            for split in ("test", "train")
        ]
        assert results == [expected] * 4
        assert _is_right(tiny)
        assert len(list(empty_cache.iterdir())) == 6
        for path in empty_cache.iterdir():
            path.unlink()
