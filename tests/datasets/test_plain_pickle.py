from __future__ import annotations

import contextlib
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.datasets.plain_pickle import read_plain_pickle
from grader.errors import MachineError

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 12)
BATCH = {"batch_label": "training batch 1 of 5", "labels": [6, 9, 9, 300], "data": PIXELS, "filenames": ["a.png"] * 4}


def _read(tmp_path: Path, content: bytes):
    path = tmp_path / "data_batch_1"
    path.write_bytes(content)
    return read_plain_pickle(path)


def _refused(tmp_path: Path, content: bytes) -> str:
    with pytest.raises(MachineError) as caught:
        _read(tmp_path, content)
    [problem] = caught.value.problems
    assert problem.where == str(tmp_path / "data_batch_1")
    assert problem.code == "data-set-broken"
    assert problem.fix
    return problem.what


def _same(read, expected) -> bool:
    return set(read) == set(expected) and all(np.array_equal(read[key], expected[key]) for key in expected)


# --- what is read -------------------------------------------------------------------------------


def test_a_batch_as_python_2_wrote_it_is_read_as_pickle_reads_it(tmp_path, python_2_pickle):
    content = python_2_pickle(BATCH)
    oracle = pickle.loads(content, encoding="latin1")
    read = _read(tmp_path, content)
    assert set(read) == set(oracle) == set(BATCH)
    assert read["labels"] == oracle["labels"]
    assert np.array_equal(read["data"], oracle["data"])
    assert (read["data"].dtype, read["data"].shape) == (np.uint8, (4, 12))
    assert [name.decode() for name in read["filenames"]] == oracle["filenames"]


@pytest.mark.parametrize("protocol", [3, 4])
def test_a_batch_that_python_3_wrote_is_read(tmp_path, protocol):
    assert _same(_read(tmp_path, pickle.dumps(BATCH, protocol)), BATCH)


@given(
    labels=st.lists(st.integers(-(2**31), 2**31 - 1)),
    rows=st.integers(0, 3),
    texts=st.lists(st.text(max_size=300), max_size=3),
)
def test_what_python_pickles_is_read(tmp_path_factory, labels, rows, texts):
    made = {"labels": labels, "data": np.full((rows, 5), 7, dtype=np.uint8), "names": texts, "n": rows}
    assert _same(_read(tmp_path_factory.mktemp("pickle"), pickle.dumps(made, 4)), made)


def test_keys_of_bytes_become_text(tmp_path):
    assert _read(tmp_path, pickle.dumps({b"labels": [1]}, 3)) == {"labels": [1]}


def test_the_array_is_read_only(tmp_path):
    with pytest.raises(ValueError, match="read-only"):
        _read(tmp_path, pickle.dumps(BATCH, 4))["data"][0] = 1


# --- what is refused ----------------------------------------------------------------------------


class _Evil:
    def __init__(self, flag: str) -> None:
        self.flag = flag

    def __reduce__(self):
        return open, (self.flag, "w")


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_pickle_that_does_something_does_nothing_and_is_named(tmp_path, protocol):
    flag = tmp_path / "was run"
    content = pickle.dumps({"data": _Evil(str(flag))}, protocol)
    assert "the name 'io.open' is refused" in _refused(tmp_path, content).replace("_io.open", "io.open")
    assert not flag.exists()
    pickle.loads(content)["data"].close()
    assert flag.exists()  # the attack is a real one


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"\x80\x02cos\nsystem\nU\x02id\x85R.", "byte 2: the name 'os.system'", id="a call"),
        pytest.param(b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "'os.system'", id="a name from the stack"),
        pytest.param(b"\x80\x02(U\x02idios\nsystem\n.", "INST (b'i')", id="an old call"),
        pytest.param(b"\x80\x02cnumpy.core.multiarray\nscalar\n.", "'numpy.core.multiarray.scalar'", id="a scalar"),
        pytest.param(b"\x80\x02cnumpy\nload\nU\x01x\x85R.", "'numpy.load'", id="another name of numpy"),
        pytest.param(b"\x80\x02cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R.", "REDUCE of numpy.dtype", id="objects"),
        pytest.param(b"\x80\x02cnumpy\nndarray\n(K\x05tR.", "REDUCE of numpy.ndarray", id="the array's own type"),
        pytest.param(b"\x80\x02cnumpy\nndarray\n)\x81.", "NEWOBJ (b'\\x81')", id="a new object"),
        pytest.param(b"\x80\x02]K\x01b.", "BUILD of something", id="the state of a list"),
        pytest.param(b"\x80\x02Pid\n.", "PERSID (b'P')", id="a persistent id"),
        pytest.param(b"\x80\x02\x82\x01.", "EXT1", id="an extension"),
        pytest.param(b"\x80\x05}.", "protocol 5", id="a newer protocol"),
        pytest.param(b"\x80\x02]K\x01a.", "holds a list, not a dict", id="no dict"),
        pytest.param(b"\x80\x02}K\x01K\x02s.", "a key of the dict is a int", id="a key that is no text"),
        pytest.param(b"\x80\x02}U\x01a}s.", "'a' holds dict", id="a dict in the dict"),
        pytest.param(b"\x80\x02}U\x01acnumpy\nndarray\ns.", "'a' holds Name", id="a bare name as a value"),
        pytest.param(b"\x80\x02}U\x01a]q\x00h\x00as.", "'a' holds list", id="a list within itself"),
        pytest.param(b"\x80\x02}q\x00", "cut short", id="no end"),
        pytest.param(b"\x80\x02T\xff\xff\xff\x7fabc.", "cut short", id="a text longer than the file"),
        pytest.param(b"\x80\x02}u.", "a mark is missing", id="no mark"),
        pytest.param(b"\x80\x02h\x07.", "damaged", id="a memo that was never put"),
        pytest.param(b"\x80\x02}}.", "damaged", id="two values"),
        pytest.param(b"", "cut short", id="an empty file"),
        pytest.param(b"PK\x03\x04", "instruction PERSID", id="a zip"),
        pytest.param(b"\x1f\x8b\x08", "instruction b'\\x1f'", id="a gzip file"),
    ],
)
def test_anything_else_is_refused_by_its_name(tmp_path, content, said):
    assert said in _refused(tmp_path, content)


def _array(python_2_pickle, old: bytes, new: bytes) -> bytes:
    content = python_2_pickle({"data": PIXELS})
    assert content.count(old) == 1
    return content.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(b"K\x04K\x0c\x86", b"K\x04K\x0d\x86", "shape (4, 13) has 48 bytes", id="a larger shape"),
        pytest.param(b"K\x04K\x0c\x86", b"K\x04N\x86", "no tuple of whole numbers", id="a shape without a side"),
        pytest.param(b"U\x02u1", b"U\x02f8", "REDUCE of numpy.dtype", id="another type"),
        pytest.param(b"\x89T", b"\x88T", "not of uint8 in C order", id="Fortran order"),
    ],
)
def test_an_array_must_be_bytes_in_c_order(tmp_path, python_2_pickle, old, new, said):
    assert said in _refused(tmp_path, _array(python_2_pickle, old, new))


@given(st.binary(max_size=60))
def test_nothing_that_a_file_holds_raises_anything_else(tmp_path_factory, content):
    with contextlib.suppress(MachineError):
        assert isinstance(_read(tmp_path_factory.mktemp("pickle"), b"\x80\x02" + content), dict)


@given(place=st.integers(0, 200), value=st.integers(0, 255))
def test_no_flipped_byte_raises_anything_else(tmp_path_factory, python_2_pickle, place, value):
    content = bytearray(python_2_pickle(BATCH))
    content[place % len(content)] = value
    with contextlib.suppress(MachineError):
        _read(tmp_path_factory.mktemp("pickle"), bytes(content))


def test_a_file_whose_text_doubles_itself_costs_nothing(tmp_path):
    doubled = b"".join(b"h" + bytes([n]) + b"h" + bytes([n]) + b"\x86q" + bytes([n + 1]) for n in range(200))
    content = b"\x80\x02}U\x01aK\x01q\x00" + doubled + b"s."
    assert _refused(tmp_path, content)


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("grader.datasets.plain_pickle.MAX_BYTES", 30)
    assert "larger than 30 bytes" in _refused(tmp_path, struct.pack("<31s", b""))


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(MachineError, match="cannot be read"):
        read_plain_pickle(tmp_path / "gone")
