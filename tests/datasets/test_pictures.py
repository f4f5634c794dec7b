from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grader.datasets.pictures import MAX_FILE_BYTES, decoded, files_digest, read_pictures
from grader.errors import MachineError

CLASSES = ("ant", "bee")


def _png(value: int, side: int = 4) -> bytes:
    pixels = np.full((side, side, 3), value, dtype=np.uint8)
    pixels[0, 1] = (1, 2, 3)
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, "PNG")
    return made.getvalue()


FILES = {f"test/{name}/{n}.png": _png(10 * n + label) for label, name in enumerate(CLASSES) for n in range(3)}
OTHERS = {"readme.txt": b"x", "test/ant/.hidden.png": b"x", "train/ant/0.png": _png(99), "test/loose.png": b"x"}


def _folder(place: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place


def _split_folder(place: Path, files: dict[str, bytes]) -> Path:
    return _folder(place, files) / "test"


def _zip(place: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(place.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return place.with_suffix(".zip")


def _nested_zip(place: Path, files: dict[str, bytes]) -> Path:
    return _zip(place, {f"the set/{name}": content for name, content in files.items()})


def _tar(place: Path, files: dict[str, bytes]) -> Path:
    path = place.with_name("set.tar.gz")
    with tarfile.open(path, "w:gz") as archive:
        for name, content in reversed(files.items()):
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


FORMS = {"folder": _folder, "folder of the split": _split_folder, "zip": _zip, "nested zip": _nested_zip, "tar": _tar}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_pictures(tmp_path, form):
    place = FORMS[form](tmp_path / "set", {**FILES, **OTHERS})
    pictures = read_pictures(place, "test", depth=1, at_most=6)
    assert pictures == {name.removeprefix("test/"): content for name, content in FILES.items()}
    assert files_digest(pictures) == files_digest({name.removeprefix("test/"): FILES[name] for name in sorted(FILES)})


def test_a_changed_byte_and_a_changed_name_change_the_digest():
    one = {"ant/0.png": b"x"}
    assert len({files_digest(one), files_digest({"ant/0.png": b"y"}), files_digest({"bee/0.png": b"x"})}) == 3


def test_pixels_and_labels_are_those_of_the_files_in_turns_of_the_classes(tmp_path):
    pictures = read_pictures(_folder(tmp_path, FILES), "test", depth=1, at_most=6)
    images, labels = decoded(tmp_path, pictures, CLASSES, 4, per_class=3)
    assert (images.shape, images.dtype, labels.dtype) == ((6, 3, 4, 4), np.uint8, np.int64)
    assert labels.tolist() == [0, 1] * 3
    assert images[:, 0, 0, 0].tolist() == [0, 1, 10, 11, 20, 21]
    assert images[3, :, 0, 1].tolist() == [1, 2, 3]  # row 0, column 1: red, green, blue


def test_classes_in_groups_take_turns_too(tmp_path):
    pictures = {
        f"{group}/{name}/{n}.png": _png(0) for group, name in (("b", "x"), ("a", "y"), ("a", "x")) for n in "01"
    }
    with pytest.raises(MachineError, match="2 pictures of a class b, not 0"):
        decoded(tmp_path, pictures, ("a",), 4, per_class=4)
    pictures["b/z/0.png"] = pictures["b/z/1.png"] = _png(1)
    _, labels = decoded(tmp_path, pictures, ("a", "b"), 4, per_class=4)
    assert labels.tolist() == [0, 0, 1, 1] * 2


def test_grey_and_jpeg_pictures_become_rgb_as_pillow_decodes_them(tmp_path):
    rng = np.random.default_rng(0)
    made = {}
    for name, mode, form in (("ant/0.jpg", "RGB", "JPEG"), ("bee/0.jpeg", "L", "JPEG")):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).convert(mode).save(file, form)
        made[name] = file.getvalue()
    images, _ = decoded(tmp_path, made, CLASSES, 4, per_class=1)
    for image, content in zip(images, made.values(), strict=True):
        oracle = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        assert np.array_equal(image.transpose(1, 2, 0), oracle)


def _gif() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (4, 4)).save(made, "GIF")
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"no picture", "bee/0.png is no picture that can be read", id="no picture"),
        pytest.param(_png(0)[:45], "bee/0.png is no picture that can be read", id="cut short"),
        pytest.param(_png(0, side=5), "bee/0.png is 5x5 pixels, not 4x4", id="another size"),
        pytest.param(_gif(), "bee/0.png is no picture that can be read", id="a kind that no set has"),
    ],
)
def test_a_picture_that_is_none_is_named(tmp_path, content, said):
    with pytest.raises(MachineError, match=said):
        decoded(tmp_path, {"ant/0.png": _png(0), "bee/0.png": content}, CLASSES, 4, per_class=1)


def test_a_class_with_another_number_of_pictures_is_named(tmp_path):
    with pytest.raises(MachineError, match="it holds 0 pictures of a class bee, not 1"):
        decoded(tmp_path, {"ant/0.png": _png(0)}, CLASSES, 4, per_class=1)


def test_one_picture_too_many_is_refused(tmp_path):
    with pytest.raises(MachineError, match="more than the 5 pictures"):
        read_pictures(_zip(tmp_path / "set", FILES), "test", depth=1, at_most=5)


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_that_is_too_large_is_not_unpacked(tmp_path, form):
    place = FORMS[form](tmp_path / "set", {**FILES, "test/ant/large.png": bytes(MAX_FILE_BYTES + 1)})
    with pytest.raises(MachineError, match=r"ant/large\.png has 1,048,577 bytes"):
        read_pictures(place, "test", depth=1, at_most=100)


def test_a_name_that_stands_twice_in_an_archive_is_refused(tmp_path):
    place = _zip(tmp_path / "set", FILES)
    with zipfile.ZipFile(place, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("test/ant/0.png", b"another")
    with pytest.raises(MachineError, match=r"test/ant/0\.png is in it twice"):
        read_pictures(place, "test", depth=1, at_most=100)


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.8])
def test_a_damaged_archive_is_an_error_that_names_it(tmp_path, form, kept):
    place = FORMS[form](tmp_path / "set", FILES)
    content = place.read_bytes()
    place.write_bytes(content[: kept if kept in (0, 10) else int(len(content) * kept)])
    with pytest.raises(MachineError, match=str(place)):
        read_pictures(place, "test", depth=1, at_most=100)


def test_a_flipped_byte_in_a_zip_is_noticed(tmp_path):
    place = _zip(tmp_path / "set", {"test/ant/0.png": bytes(range(256)) * 40})
    content = bytearray(place.read_bytes())
    content[80] ^= 0x10
    place.write_bytes(content)
    with pytest.raises(MachineError, match="damaged or cannot be read"):
        read_pictures(place, "test", depth=1, at_most=100)
