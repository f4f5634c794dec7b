"""The program in the box takes marks of files of every kind; what is broken is told and spoils no other's."""

import base64
import io
import json

import numpy as np
import pytest

from grader import sandbox
from grader.sandbox.programs import passages
from grader.sandbox.programs.weight_marks import marks

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.sandbox]


@pytest.fixture
def taken(tmp_path):
    if not sandbox.level().is_isolated:
        pytest.skip(f"no sandbox: {sandbox.level().reason}")

    def take(of, **files):
        paths = {}
        for name, data in files.items():
            path = tmp_path / name.replace("__", ".")
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
            paths[path.name] = path
        ended = sandbox.run("fingerprint", files=paths, request={"of": of, "files": sorted(paths)})
        assert isinstance(ended, sandbox.Answered), ended
        return {one["path"]: one for one in ended.result["files"]}

    return take


def saved(state):
    stream = io.BytesIO()
    torch.save(state, stream)
    return stream.getvalue()


def test_every_kind_of_number_gets_the_marks_of_its_values(taken):
    torch.manual_seed(0)
    numbers = torch.randn(8, 4, 3, 3).bfloat16()
    state = {
        "as bfloat16": numbers,
        "as float32": numbers.float(),
        "turned": numbers.transpose(0, 1),
        "bias": numbers[0, 0],
    }
    [one] = taken("weights", model__pth=saved(state)).values()
    found = {tensor.pop("name"): tensor for tensor in one["found"]["tensors"]}
    assert set(found) == {"as bfloat16", "as float32", "turned"}, "nine numbers tell nothing"
    first = {key: value for key, value in found["as bfloat16"].items() if key != "dtype"}
    assert first == {key: value for key, value in found["as float32"].items() if key != "dtype"}
    assert first == {"shape": [8, 4, 3, 3], **marks(numbers.float().numpy())}
    assert found["turned"]["digest"] == marks(numbers.float().transpose(0, 1).numpy())["digest"]


def test_code_and_prose_of_a_notebook_are_told_apart(taken):
    code = "import torch\nfor epoch in range(10):\n    loss = train(model, loader)\n    print(epoch, loss.item())\n"
    prose = "The loss falls at first and then it stays where it is, which the learning rate explains."
    cells = [
        {"cell_type": "code", "source": ["%matplotlib inline\n", code]},
        {"cell_type": "markdown", "source": prose},
    ]
    found = taken("texts", a__ipynb=json.dumps({"cells": cells}), b__py=code, c__md=prose, d__ipynb="no notebook")
    assert [m for m, _ in found["a.ipynb"]["found"]["code"]] == [m for m, _ in passages.code_marks(code)]
    assert [m for m, _ in found["b.py"]["found"]["code"]] == [m for m, _ in passages.code_marks(code)]
    assert (
        found["a.ipynb"]["found"]["text"]
        == found["c.md"]["found"]["text"]
        == [list(m) for m in passages.text_marks(prose)]
    )
    assert found["d.ipynb"]["problem"]["code"] == "not-a-notebook"


def test_a_picture_is_near_to_itself_in_another_size_and_format(taken):
    from PIL import Image

    smooth = np.add.outer(np.arange(256), np.arange(256)) // 2
    files = {}
    for name, kind, side in (("a__png", "PNG", 256), ("b__jpg", "JPEG", 200)):
        stream = io.BytesIO()
        Image.fromarray(smooth.astype(np.uint8)).resize((side, side)).save(stream, kind)
        files[name] = stream.getvalue()
    found = taken("pictures", **files)
    small = [np.frombuffer(base64.b64decode(one["found"]["small"]), dtype=np.uint8) for one in found.values()]
    assert np.abs(small[0].astype(int) - small[1]).max() <= 4
    assert found["a.png"]["found"]["digest"] != found["b.jpg"]["found"]["digest"]


def test_what_is_broken_spoils_nothing(taken):
    found = taken(
        "weights",
        good__pth=saved({"w": torch.randn(8, 8)}),
        bad__pth=b"<html>",
        nan__pth=saved({"w": torch.full((8, 8), torch.nan)}),
    )
    assert len(found["good.pth"]["found"]["tensors"]) == 1
    assert [found[name]["problem"]["code"] for name in ("bad.pth", "nan.pth")] == ["html-page", "not-finite"]


def test_numbers_that_nobody_trained_have_no_marks():
    assert marks(np.ones((8, 8), dtype=np.float32)) is None
    assert marks(np.zeros((8, 8), dtype=np.float32)) is None
    assert marks(np.tril(np.ones((64, 64), dtype=np.float32))) is None


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_no_size_of_numbers_changes_the_marks(size):
    numbers = np.random.RandomState(0).standard_normal((16, 16)).astype(np.float32)
    one, other = marks(numbers), marks((numbers * np.float32(size)).astype(np.float32))
    vectors = [np.frombuffer(base64.b64decode(found["flat"]), dtype="<f4") for found in (one, other)]
    assert np.allclose(*vectors, atol=1e-5)
