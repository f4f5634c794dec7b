"""Data in Python files is told, prose and plain code are not, and nothing of them is run."""

import base64
from pathlib import Path

import numpy as np
import pytest

from grader import sandbox
from grader.sandbox.programs.embedded import MOST_PARSED_BYTES, measured

BYTES = np.random.default_rng(3).bytes(3000)
ENCODED = base64.b64encode(BYTES).decode()
LOG = "".join(
    f"Epoch {n}: loss {2.3 / (n + 1):.4f}, accuracy {0.9 + n / 2000:.4f}, learning rate 0.001\n" for n in range(100)
)


def of(code):
    return measured({"model.py": code if isinstance(code, bytes) else code.encode()})


@pytest.mark.attack(67)
@pytest.mark.parametrize(
    "code",
    [
        pytest.param(f"x = {ENCODED!r}", id="base64"),
        pytest.param(f"x = {BYTES.hex()!r}", id="hexadecimal"),
        pytest.param(f"x = {BYTES!r}", id="bytes"),
        pytest.param(f"def f():\n    '''{ENCODED}'''", id="a docstring"),
        pytest.param(f"x = {chr(10).join(ENCODED[i : i + 76] for i in range(0, 4000, 76))!r}", id="base64 in lines"),
        pytest.param("\n".join(f"# {ENCODED[i : i + 76]}" for i in range(0, 4000, 76)), id="comments"),
        pytest.param(f"x = {int.from_bytes(BYTES):#x}", id="one enormous number"),
        pytest.param(f"x = {' '.join(str(byte) for byte in BYTES)!r}", id="digits in a text"),
        pytest.param(f"def f(x={ENCODED!r}): pass", id="a default"),
        pytest.param(f"x = f'{ENCODED}{{1}}'", id="an f-string"),
    ],
)
def test_data_in_a_text_is_told(code):
    assert of(code)["text_bytes"] > 1024
    assert of(code)["text_place"].startswith("model.py:")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(Path(__file__).read_text().replace(ENCODED, ""), id="this file"),
        pytest.param(
            "'''" + "A convolution slides a kernel over the image and adds what it meets. " * 200 + "'''", id="prose"
        ),
        pytest.param(f"'''{LOG}'''", id="a training log"),
        pytest.param(
            "x = ['airplane', 'automobile', 'bird', 'cat', 'deer']\nMEAN = (0.4914, 0.4822, 0.4465)", id="names"
        ),
        pytest.param(f"x = {ENCODED[:800]!r}", id="a short key"),
        pytest.param("", id="nothing"),
    ],
)
def test_prose_logs_and_code_are_not(code):
    assert of(code)["text_bytes"] == 0


def test_numbers_are_counted_file_by_file():
    made = measured({"a.py": b"x = [1, 2.5, -3, 4j, True]", "b.py": b"y = 7"})
    assert (made["numbers"], made["numbers_place"], made["bytes"]) == (4, "a.py", 31)


@pytest.mark.attack(78)
@pytest.mark.parametrize(
    "code",
    [b"x = = 1", b"\0", b"\xff\xfe", b"(" * 5000, b"-" * 100_000 + b"1", b"'''"],
    ids=["no Python", "NUL", "no UTF-8", "deep brackets", "deep signs", "an open text"],
)
def test_what_cannot_be_parsed_is_named_and_hides_nothing_else(code):
    made = measured({"broken.py": code, "model.py": f"x = {ENCODED!r}".encode()})
    assert made["unread"] == ["broken.py"]
    assert made["text_place"] == "model.py:1"


def test_a_file_too_large_to_parse_counts_as_one_text():
    made = of(base64.b64encode(np.random.default_rng(1).bytes(MOST_PARSED_BYTES)))
    assert made["text_bytes"] > MOST_PARSED_BYTES / 2


@pytest.mark.sandbox
def test_in_the_box_nothing_is_run(box, tmp_path):
    (tmp_path / "model.py").write_text(f"raise SystemExit\nx = {ENCODED!r}")
    files = {"net/model.py": tmp_path / "model.py"}
    ended = sandbox.run("embedded", files=files, request={}, limits=sandbox.Limits(wall_s=20), level=box)
    assert isinstance(ended, sandbox.Answered), ended
    assert ended.result["text_place"] == "net/model.py:2"
