from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.datasets import DataSetMissing, data_root, digest, load, names, registry, status
from grader.errors import CourseError, MachineError

# --- layouts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["tiny", "TINY/raw"], ids=["own folder", "folder of torchvision"])
@pytest.mark.parametrize("form", ["{}-idx{}-ubyte.gz", "{}-idx{}-ubyte", "{}.idx{}-ubyte"])
def test_every_known_layout_is_read(tiny, save_idx, tmp_path, folder, form):
    root = tmp_path / "another root"
    save_idx(root / folder / form.format("t10k-images", 3), tiny.images["test"])
    save_idx(root / folder / form.format("t10k-labels", 1), tiny.labels["test"])
    loaded = load("tiny", "test", root=root)
    assert np.array_equal(loaded.images[:, 0], tiny.images["test"])
    assert np.array_equal(loaded.labels, tiny.labels["test"])
    assert (loaded.images.shape, loaded.images.dtype, loaded.labels.dtype) == ((10, 1, 28, 28), np.uint8, np.int64)
    assert (loaded.name, loaded.split, loaded.classes, len(loaded)) == ("tiny", "test", ("a", "b", "c"), 10)


def test_a_split_is_read_where_the_other_one_is_missing(tiny):
    for kind in ("images", "labels"):
        tiny.file("train", kind).unlink()
    assert len(load("tiny", "test", root=tiny.root)) == 10
    with pytest.raises(DataSetMissing, match="the train split"):
        load("tiny", "train", root=tiny.root)


def test_a_half_folder_does_not_hide_a_whole_one(tiny, save_idx):
    tiny.file("test", "labels").unlink()
    save_idx(tiny.root / "TINY/raw/t10k-images-idx3-ubyte", tiny.images["test"])
    save_idx(tiny.root / "TINY/raw/t10k-labels-idx1-ubyte", tiny.labels["test"])
    assert np.array_equal(load("tiny", "test", root=tiny.root).labels, tiny.labels["test"])


def test_the_arrays_cannot_be_written(tiny):
    loaded = load("tiny", "test", root=tiny.root)
    for array in (loaded.images, loaded.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


# --- missing ------------------------------------------------------------------------------------


def _missing(root: Path | None, name: str = "mnist") -> str:
    with pytest.raises(DataSetMissing) as caught:
        load(name, "test", root=root)
    assert isinstance(caught.value, MachineError)
    assert caught.value.exit_code == 5
    [problem] = caught.value.problems
    assert problem.code == "data-set-missing"
    assert "export GRADER_DATA=" in problem.fix
    assert "grader data list" in problem.fix
    return problem.what


def test_a_missing_set_names_every_folder_that_was_looked_in(tmp_path):
    what = _missing(tmp_path)
    assert str(tmp_path / "mnist") in what
    assert str(tmp_path / "MNIST/raw") in what


@pytest.mark.usefixtures("no_data_root")
def test_without_a_data_root_the_message_says_so():
    assert "neither GRADER_DATA nor grader.toml names a data root" in _missing(None)


def test_a_data_root_that_is_no_folder_is_named(tmp_path):
    assert f"the data root {tmp_path / 'typo'} is no folder" in _missing(tmp_path / "typo")


def test_a_folder_with_half_of_the_files_says_which_file_it_lacks(tiny):
    tiny.file("test", "labels").unlink()
    with pytest.raises(DataSetMissing, match="holds no t10k-labels file"):
        load("tiny", "test", root=tiny.root)


def test_digest_of_a_missing_set_is_the_same_error(tmp_path):
    with pytest.raises(DataSetMissing, match="looked in"):
        digest("fashion_mnist", "test", root=tmp_path)


def test_no_set_stands_in_for_a_missing_one(tmp_path, save_idx):
    n = np.zeros((10_000, 28, 28))
    save_idx(tmp_path / "fashion_mnist/t10k-images-idx3-ubyte", n)
    save_idx(tmp_path / "fashion_mnist/t10k-labels-idx1-ubyte", n[:, 0, 0])
    _missing(tmp_path)


def test_a_misspelt_name_gets_a_suggestion():
    with pytest.raises(CourseError, match="did you mean 'fashion_mnist'"):
        load("fashion-mnist", "test")


def test_an_unknown_name_gets_the_list():
    with pytest.raises(CourseError, match="known sets: digits, mnist, fashion_mnist"):
        load("xyz", "test")


def test_an_unknown_split_gets_the_list():
    with pytest.raises(CourseError, match="name one of train, test"):
        load("digits", "validation")


# --- not what it seems --------------------------------------------------------------------------


def test_a_label_over_the_last_class_is_an_error_that_names_file_and_place(tiny, save_idx):
    labels = tiny.labels["test"].copy()
    labels[4] = 3
    save_idx(tiny.file("test", "labels"), labels)
    with pytest.raises(MachineError, match=r"t10k-labels.*\n?.*label 4 is 3, over the largest class 2"):
        load("tiny", "test", root=tiny.root)


def test_the_largest_class_is_allowed(tiny, save_idx):
    save_idx(tiny.file("test", "labels"), np.full(10, 2))
    assert load("tiny", "test", root=tiny.root).labels.tolist() == [2] * 10


def test_other_images_than_the_released_ones_are_refused(tiny, monkeypatch, empty_cache):
    pinned = replace(tiny.source, digests={"test": "0" * 64})
    monkeypatch.setattr(registry, "_sources", lambda: {"tiny": pinned})
    for read in (load, digest):
        with pytest.raises(MachineError, match=r"not the images and labels of tiny \(test\)"):
            read("tiny", "test", root=tiny.root)
    assert not list(empty_cache.glob("*"))


@pytest.mark.data
def test_fashion_mnist_in_a_folder_named_mnist_is_not_taken_for_mnist(real_root, tmp_path):
    shutil.copytree(real_root / "fashion_mnist", tmp_path / "mnist", ignore=shutil.ignore_patterns("train*"))
    with pytest.raises(MachineError, match=r"this is fashion_mnist \(test\), not mnist \(test\)"):
        load("mnist", "test", root=tmp_path)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "split", "first", "per_class"),
    [
        ("mnist", "train", [5, 0, 4, 1, 9], [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
        ("mnist", "test", [7, 2, 1, 0, 4], [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
        ("fashion_mnist", "train", [9, 0, 0, 3, 0], [6000] * 10),
        ("fashion_mnist", "test", [9, 2, 1, 1, 6], [1000] * 10),
    ],
)
def test_the_real_sets_are_those_of_the_release(real_root, name, split, first, per_class):
    loaded = load(name, split, root=real_root)
    assert loaded.labels[:5].tolist() == first
    assert np.bincount(loaded.labels).tolist() == per_class
    assert loaded.digest == registry.source(name).digests[split] == digest(name, split, root=real_root)


# --- roots and status ---------------------------------------------------------------------------


def test_the_environment_wins_over_the_course(monkeypatch):
    monkeypatch.setenv("GRADER_DATA", "/from/environment")
    assert data_root(Path("/from/course")) == Path("/from/environment")
    monkeypatch.setenv("GRADER_DATA", "")
    assert data_root(Path("/from/course")) == Path("/from/course")
    monkeypatch.delenv("GRADER_DATA")
    assert data_root() is None


def test_a_root_that_is_given_is_the_only_one_looked_at(tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADER_DATA", str(tiny.root))
    assert len(load("tiny", "test")) == 10
    with pytest.raises(DataSetMissing):
        load("tiny", "test", root=tmp_path)


def test_the_status_shows_what_is_there_and_what_to_do_about_the_rest(tmp_path):
    shown = status(tmp_path)
    digits, mnist, fashion = shown[:3]
    assert digits.is_present
    assert not digits.fix
    assert (mnist.name, mnist.is_present, mnist.where) == ("mnist", False, "")
    assert "export GRADER_DATA=" in mnist.fix
    assert fashion.classes[9] == "Ankle boot"
    assert [of.name for of in shown] == list(names())
    assert [of.is_present for of in shown] == [True] + [False] * 5


def test_the_status_shows_a_digest_once_the_images_have_been_read(tiny):
    assert status(tiny.root)[0].digests == {}
    read = load("tiny", "test", root=tiny.root).digest
    [shown] = status(tiny.root)
    assert shown.digests == {"test": read}
    assert (shown.is_present, shown.where, shown.counts) == (
        True,
        str(tiny.root / "tiny"),
        {"train": 20, "test": 10},
    )


def test_the_status_of_half_a_set_names_the_missing_split(tiny):
    tiny.file("train", "images").unlink()
    [shown] = status(tiny.root)
    assert not shown.is_present
    assert shown.where.endswith("tiny (no train split)")
    assert shown.fix


def test_importing_data_sets_and_training_imports_no_heavy_library():
    heavy = "{'numpy', 'torch', 'sklearn', 'PIL', 'scipy'}"
    code = f"import sys, grader.datasets, grader.training; sys.exit(str({heavy} & set(sys.modules) or ''))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stderr.strip() == ""
