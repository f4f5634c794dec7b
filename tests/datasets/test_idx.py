from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.datasets import load, source
from grader.datasets.idx import read_idx
from grader.errors import MachineError

SHAPE = (3, 4, 5)
ARRAY = np.arange(60, dtype=np.uint8).reshape(SHAPE)
HEADER = struct.pack(">HBB3I", 0, 8, 3, *SHAPE)
WHOLE = HEADER + ARRAY.tobytes()


@pytest.mark.parametrize("name", ["images.gz", "images", "misnamed.txt"])
@pytest.mark.parametrize("is_packed", [True, False], ids=["gzip", "plain"])
def test_a_file_is_read_whatever_its_name(tmp_path, name, is_packed):
    path = tmp_path / name
    path.write_bytes(gzip.compress(WHOLE) if is_packed else WHOLE)
    assert np.array_equal(read_idx(path, SHAPE), ARRAY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(shape=st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple), data=st.data(), is_packed=st.booleans())
def test_what_is_written_is_read(tmp_path, shape, data, is_packed):
    n = int(np.prod(shape))
    pixels = data.draw(st.binary(min_size=n, max_size=n))
    whole = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + pixels
    path = tmp_path / "idx"
    path.write_bytes(gzip.compress(whole) if is_packed else whole)
    read = read_idx(path, shape)
    assert (read.shape, read.dtype, read.tobytes()) == (shape, np.uint8, pixels)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "cut short: 0 bytes of 76", id="an empty file"),
        pytest.param(WHOLE[:3], "cut short: 3 bytes of 76", id="less than a magic number"),
        pytest.param(WHOLE[:10], "cut short: 10 bytes of 76", id="less than a header"),
        pytest.param(WHOLE[:-1], "cut short: 75 bytes of 76", id="one byte less"),
        pytest.param(WHOLE + b"\0", "more than the 76 bytes", id="one byte more"),
        pytest.param(b"\x89PNG" + WHOLE[4:], "magic number is 0x89504e47, not 0x00000803", id="another kind of file"),
        pytest.param(b"PK", "magic number is 0x504b, not 0x00000803", id="the start of a zip"),
        pytest.param(b"\0\0\x0d\3" + WHOLE[4:], "magic number is 0x00000d03", id="float32 instead of uint8"),
        pytest.param(struct.pack(">HBB1I", 0, 8, 1, 60) + WHOLE, "0x00000801, not 0x00000803", id="labels as images"),
        pytest.param(
            struct.pack(">HBB3I", 0, 8, 3, 3, 5, 4) + ARRAY.tobytes(),
            "says 3 x 5 x 4, not 3 x 4 x 5",
            id="sides swapped",
        ),
        pytest.param(gzip.compress(WHOLE)[:-9], "gzip file is cut short", id="gzip cut in its data"),
        pytest.param(gzip.compress(WHOLE)[:-1], "gzip file is cut short", id="gzip cut in its last byte"),
        pytest.param(gzip.compress(WHOLE)[:20], "gzip file is cut short", id="gzip cut early"),
        pytest.param(b"\x1f\x8b" + b"\xff" * 80, "gzip file is damaged", id="gzip with a broken header"),
        pytest.param(gzip.compress(WHOLE[:-1]), "cut short: 75 bytes", id="whole gzip of a short file"),
        pytest.param(
            gzip.compress(WHOLE + bytes(10**7)), "more than the 76 bytes", id="gzip that unpacks to much more"
        ),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(tmp_path, content, said):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(MachineError) as caught:
        read_idx(path, SHAPE)
    [problem] = caught.value.problems
    assert problem.where == str(path)
    assert said in problem.what
    assert problem.fix
    assert problem.code == "data-set-broken"


@pytest.mark.parametrize("place", range(-8, 0))
def test_a_flipped_bit_in_the_checksum_of_gzip_is_noticed(tmp_path, place):
    packed = bytearray(gzip.compress(WHOLE))
    packed[place] ^= 1
    path = tmp_path / "images.gz"
    path.write_bytes(bytes(packed))
    with pytest.raises(MachineError, match="damaged"):
        read_idx(path, SHAPE)


def test_a_folder_in_the_place_of_a_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(MachineError, match=str(tmp_path)):
        read_idx(tmp_path, SHAPE)


def test_a_file_that_went_away_is_an_error_that_names_it(tmp_path):
    with pytest.raises(MachineError, match="gone"):
        read_idx(tmp_path / "gone", SHAPE)


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_real_files_are_read_as_an_independent_reader_reads_them(real_root: Path, name):
    for prefix, n in (("train", 60_000), ("t10k", 10_000)):
        images_file = real_root / name / f"{prefix}-images-idx3-ubyte.gz"
        with gzip.open(images_file) as file:
            plain = np.frombuffer(file.read()[16:], np.uint8).reshape(-1, 28, 28)
        assert np.array_equal(read_idx(images_file, (n, 28, 28)), plain)
        labels_file = real_root / name / f"{prefix}-labels-idx1-ubyte.gz"
        with gzip.open(labels_file) as file:
            plain = np.frombuffer(file.read()[8:], np.uint8)
        assert np.array_equal(read_idx(labels_file, (n,)), plain)


@pytest.mark.data
@pytest.mark.torch
@pytest.mark.parametrize(("name", "kind"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_the_command_that_gets_a_set_is_one_to_paste(name, kind, tmp_path):
    """With the files in place torchvision checks their sums and downloads nothing."""
    here = Path(os.environ.get("GRADER_DATA") or "/nowhere") / name
    if not here.is_dir():
        pytest.skip(f"GRADER_DATA holds no {name}/")
    raw = tmp_path / kind / "raw"
    raw.mkdir(parents=True)
    for file in here.glob("*.gz"):
        (raw / file.name).symlink_to(file)
    command = source(name).fix.partition("this gets them: ")[2].replace("FOLDER", str(tmp_path))
    program = command.removeprefix('python -c "').removesuffix('"')
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert load(name, "test", root=tmp_path).images.shape == (10_000, 1, 28, 28)
