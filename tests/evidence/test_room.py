import errno
import os

import pytest

from grader.errors import MachineError
from grader.evidence import room
from grader.evidence.room import NEEDED_BYTES, tried

OTHER = "--state FOLDER"


def test_a_folder_with_space_is_made_and_nothing_is_left_in_it(tmp_path):
    tried(tmp_path / "a" / "b", other=OTHER)
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.fault("F7")
def test_too_little_space_is_told_with_the_path_and_the_bytes_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "free_bytes", lambda _: NEEDED_BYTES - 1)
    with pytest.raises(MachineError, match=rf"{tmp_path}.*{NEEDED_BYTES - 1:,} bytes are free, {NEEDED_BYTES:,} bytes"):
        tried(tmp_path, other=OTHER)


@pytest.mark.fault("F8")
def test_a_quota_is_met_by_writing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match="disk is full"):
        tried(tmp_path, other=OTHER)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("F8")
def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match=r"cannot be written.*\n.*--state FOLDER"):
        tried(tmp_path / "file" / "state", other=OTHER)


def test_space_that_cannot_be_known_is_no_reason_to_refuse(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "free_bytes", lambda _: -1)
    tried(tmp_path, other=OTHER)
