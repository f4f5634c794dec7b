from __future__ import annotations

import hashlib
import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grader.datasets import DataSetMissing, load, registry, source, status
from grader.datasets.cifar import CIFAR10, CIFAR100_COARSE, LOSSY_COPY, Cifar, cifar_source
from grader.datasets.pictures import files_digest
from grader.errors import MachineError

COUNTS = {"train": 8, "test": 4}
BATCHES = {"train": {"data_batch_1": "", "data_batch_2": ""}, "test": {"test_batch": ""}}
TINY = Cifar(
    folder="cifar10",
    batch_folder="cifar-10-batches-py",
    labels_key="labels",
    classes=("cat", "dog"),
    counts=COUNTS,
    batches=BATCHES,
    copy={"train": "", "test": ""},
    depth=1,
)


def _know(monkeypatch, of: Cifar) -> None:
    made = cifar_source("cifar10", of, "")
    monkeypatch.setattr(registry, "_sources", lambda: {"cifar10": made})


@pytest.fixture
def batches(tmp_path, monkeypatch, python_2_pickle):
    """The folder of two training batches and one test batch of four images each, and what they hold."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    held = {}
    for name in ("data_batch_1", "data_batch_2", "test_batch"):
        pixels = rng.integers(0, 256, (4, 3072), dtype=np.uint8)
        held[name] = (pixels, rng.integers(0, 2, 4).tolist())
        content = python_2_pickle(
            {"batch_label": name, "labels": held[name][1], "data": pixels, "filenames": ["a"] * 4}
        )
        (folder / name).write_bytes(content)
    _know(monkeypatch, TINY)
    return folder, held


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


# --- the released files -------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["cifar-10-batches-py", "cifar10/cifar-10-batches-py", "cifar10"])
def test_the_batches_are_read_in_their_order_wherever_they_lie(batches, tmp_path, below):
    folder, held = batches
    root = tmp_path / "another root"
    (root / below).parent.mkdir(parents=True, exist_ok=True)
    folder.rename(root / below)
    train, test = (load("cifar10", split, root=root) for split in ("train", "test"))
    pixels = np.concatenate([held["data_batch_1"][0], held["data_batch_2"][0]])
    assert np.array_equal(train.images, pixels.reshape(8, 3, 32, 32))
    assert train.labels.tolist() == held["data_batch_1"][1] + held["data_batch_2"][1]
    assert np.array_equal(test.images.reshape(4, 3072), held["test_batch"][0])
    assert (train.images.dtype, train.labels.dtype, train.edition, train.targets) == (np.uint8, np.int64, "", None)


@pytest.mark.torch
def test_images_and_labels_are_those_of_torchvision(batches, tmp_path, monkeypatch):
    from grader import torchvision_ops

    torchvision_ops.install()
    from torchvision.datasets import CIFAR10 as ORACLE

    folder, _ = batches
    monkeypatch.setattr(ORACLE, "train_list", [[name, _md5(folder / name)] for name in BATCHES["train"]])
    monkeypatch.setattr(ORACLE, "test_list", [["test_batch", _md5(folder / "test_batch")]])
    monkeypatch.setattr(ORACLE, "_load_meta", lambda _self: None)
    for split in COUNTS:
        oracle, loaded = ORACLE(tmp_path, train=split == "train"), load("cifar10", split, root=tmp_path)
        assert np.array_equal(oracle.data, loaded.images.transpose(0, 2, 3, 1))
        assert oracle.targets == loaded.labels.tolist()


@pytest.mark.torch
@pytest.mark.parametrize(("mine", "kind"), [(CIFAR10, "CIFAR10"), (CIFAR100_COARSE, "CIFAR100")])
def test_the_released_files_are_those_that_torchvision_knows(mine, kind):
    from grader import torchvision_ops

    torchvision_ops.install()
    import torchvision

    oracle = getattr(torchvision.datasets, kind)
    of = mine.find.__self__
    assert list(of.batches["train"].items()) == [tuple(pair) for pair in oracle.train_list]
    assert list(of.batches["test"].items()) == [tuple(pair) for pair in oracle.test_list]
    assert of.batch_folder == oracle.base_folder


@pytest.fixture
def known_batches(batches, monkeypatch):
    """As `batches`, and their MD5 is known."""
    folder, _ = batches
    known = {split: {name: _md5(folder / name) for name in names} for split, names in BATCHES.items()}
    _know(monkeypatch, replace(TINY, batches=known))
    return folder


def test_files_that_are_the_known_ones_are_read(known_batches, tmp_path):
    assert known_batches.is_dir()
    assert len(load("cifar10", "train", root=tmp_path)) == 8


def test_a_changed_file_is_refused_before_it_is_read(known_batches, tmp_path):
    file = known_batches / "data_batch_2"
    file.write_bytes(b"cos\nsystem\n" + file.read_bytes())
    with pytest.raises(MachineError, match=rf"data_batch_2: this is not the released file: MD5 {_md5(file)}"):
        load("cifar10", "train", root=tmp_path)
    assert len(load("cifar10", "test", root=tmp_path)) == 4


def test_two_files_that_changed_places_are_told(known_batches, tmp_path):
    (known_batches / "data_batch_1").write_bytes((known_batches / "data_batch_2").read_bytes())
    with pytest.raises(MachineError, match="this is the released data_batch_2, not data_batch_1"):
        load("cifar10", "train", root=tmp_path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"labels": [0, 1, 0]}, "'labels' is no list of 4 labels", id="a label missing"),
        pytest.param({"labels": [0, 1, 2, 0]}, "label 2 is 2, not from 0 to 1", id="a label over the last class"),
        pytest.param({"labels": [0, "1", 0, 0]}, "label 1 is b'1'", id="a label that is text"),
        pytest.param({"data": [1]}, "'data' is no array of 4 x 3,072 bytes", id="no array"),
        pytest.param({"data": np.zeros((4, 3071), np.uint8)}, "'data' is no array of 4 x 3,072", id="a byte less"),
    ],
)
def test_a_batch_of_another_form_is_an_error_that_names_it(batches, tmp_path, python_2_pickle, changed, said):
    folder, held = batches
    content = {"labels": held["test_batch"][1], "data": held["test_batch"][0], **changed}
    (folder / "test_batch").write_bytes(python_2_pickle(content))
    with pytest.raises(MachineError) as caught:
        load("cifar10", "test", root=tmp_path)
    [problem] = caught.value.problems
    assert problem.where == str(folder / "test_batch")
    assert said in problem.what


# --- the copy -----------------------------------------------------------------------------------


def _jpeg(value: int) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (32, 32), (value, 0, 0)).save(made, "JPEG")
    return made.getvalue()


PICTURES = {f"{name}/{n}.jpg": _jpeg(60 * n + 30 * label) for label, name in enumerate(TINY.classes) for n in range(2)}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A zip with the four test pictures, which are known."""
    _know(monkeypatch, replace(TINY, copy={"train": "0", "test": files_digest(PICTURES)}))
    path = tmp_path / "cifar10" / "cifar10-jpeg.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in PICTURES.items():
            archive.writestr(f"test/{name}", content)
    return path


def test_a_known_copy_is_read_and_says_that_it_is_one(copy, tmp_path):
    loaded = load("cifar10", "test", root=tmp_path)
    assert loaded.labels.tolist() == [0, 1, 0, 1]
    assert np.allclose(loaded.images[:, 0].mean((1, 2)), [0, 30, 60, 90], atol=2)
    assert loaded.edition == LOSSY_COPY
    [shown] = status(tmp_path)
    assert shown.where == f"{copy} (lossy JPEG copy)"


def test_an_unpacked_copy_is_the_same_copy(copy, tmp_path):
    packed = load("cifar10", "test", root=tmp_path)
    root = tmp_path / "unpacked"
    with zipfile.ZipFile(copy) as archive:
        archive.extractall(root / "cifar10")
    assert load("cifar10", "test", root=root).digest == packed.digest


def test_another_copy_is_refused_and_nothing_of_it_decoded(copy, tmp_path, monkeypatch):
    with zipfile.ZipFile(copy, "w") as archive:
        for name, content in PICTURES.items():
            archive.writestr(f"test/{name}", content + b" ")
    monkeypatch.setattr("grader.datasets.cifar.decoded", lambda *_: pytest.fail("decoded"))
    with pytest.raises(MachineError, match="not those of a known copy of the set"):
        load("cifar10", "test", root=tmp_path)


def test_the_release_is_taken_where_both_are_here(batches, tmp_path):
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / "cifar10-jpeg.zip").write_bytes(b"")
    assert load("cifar10", "test", root=tmp_path).edition == ""
    assert batches[0].is_dir()


# --- missing, and the real ones -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "folder"), [("cifar10", "cifar-10-batches-py"), ("cifar100_coarse", "cifar-100-python")]
)
def test_a_missing_set_names_what_to_put_where(tmp_path, name, folder):
    with pytest.raises(DataSetMissing) as caught:
        load(name, "test", root=tmp_path)
    [problem] = caught.value.problems
    assert str(tmp_path / folder) in problem.what
    assert f"FOLDER holds {folder}/ with the released batch files" in problem.fix
    assert f"sets.{'CIFAR10(' if name == 'cifar10' else 'CIFAR100('}'FOLDER', download=True)" in problem.fix


def test_half_of_the_batches_is_not_the_set(batches, tmp_path):
    folder, _ = batches
    (folder / "data_batch_2").unlink()
    with pytest.raises(DataSetMissing, match=r"cifar-10-batches-py \(holds no data_batch_2\)"):
        load("cifar10", "train", root=tmp_path)


@pytest.mark.data
@pytest.mark.parametrize("name", ["cifar10", "cifar100_coarse"])
def test_the_real_test_split_is_that_of_the_release_or_its_copy(name):
    root = Path(os.environ.get("GRADER_DATA") or "/nowhere")
    of = source(name)
    if not of.find("test", root).is_present:
        pytest.skip(f"GRADER_DATA holds no {name}")
    loaded = load(name, "test", root=root)
    assert loaded.images.shape == (10_000, 3, 32, 32)
    assert np.bincount(loaded.labels).tolist() == [10_000 // len(of.classes)] * len(of.classes)
    assert loaded.edition in ("", LOSSY_COPY)
    mean = loaded.images.mean((0, 2, 3)) / 255
    known = {"cifar10": [0.4942, 0.4851, 0.4504], "cifar100_coarse": [0.5088, 0.4874, 0.4419]}[name]
    assert np.allclose(mean, known, atol=1e-3)
