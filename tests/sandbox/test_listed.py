"""The programs that look at files, called as they are: no bytes of a stranger break one, and each says what it sees.

Through the box: tests/attacks/test_inputs.py.
"""

import io
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.sandbox.programs import notebook, picture, syntax
from grader.sandbox.programs.channel import Fault
from grader.sandbox.programs.listed import looked_at
from grader.sandbox.results import flaws

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Box:
    """What a program sees of its box."""

    def __init__(self, folder):
        self.submission = str(folder)
        self.channel = self
        self.stages = []

    def stage(self, text):
        self.stages.append(text)


@pytest.fixture(scope="module", autouse=True)
def _prepared():
    picture.prepare()
    notebook.prepare()


def pictures():
    from PIL import Image

    made = []
    dice = random.Random(3)  # noqa: S311
    for kind, mode in (
        ("PNG", "RGB"),
        ("PNG", "P"),
        ("PNG", "RGBA"),
        ("PNG", "I;16"),
        ("PNG", "1"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("GIF", "P"),
    ):
        file = io.BytesIO()
        image = Image.new(mode, (9, 7))
        if mode in ("RGB", "L", "P"):
            image.putdata(
                [tuple(dice.randrange(256) for _ in "RGB") if mode == "RGB" else dice.randrange(256) for _ in range(63)]
            )
        settings_ = {"save_all": True, "append_images": [image.copy()]} if kind == "GIF" else {}
        image.save(file, kind, **settings_)
        made.append(file.getvalue())
    return made


PICTURES = pictures()
BOOK = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"language": "python"}}, "cells": [
    {"cell_type": "code", "id": "a", "metadata": {}, "source": ["x = 1\n"], "execution_count": 2,
     "outputs": [{"output_type": "stream", "name": "stdout", "text": "hi"}]},
]}).encode()  # fmt: skip
CODE = b'import os\n\nclass A:\n    """Doc."""\n    def f(self, x=1):\n        return f"{x!r:>{3}}" + \'a\'\n'


def opened(program, tmp_path, data):
    """The row of one file with these bytes, which must be as agreed."""
    (tmp_path / "file").write_bytes(data)
    look = {"notebook": notebook._look, "syntax": syntax._look}.get(
        program, lambda path, name: picture._look(path, name, 10**6)
    )
    result = looked_at({"files": ["file"]}, Box(tmp_path), look)
    assert flaws(program, json.loads(json.dumps(result))) == ""
    return result["files"][0]


CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8)


def changed(data, changes):
    made = bytearray(data)
    for place, value in changes:
        made[int(place * len(data))] = value
    return bytes(made)


@pytest.mark.attack(77)
@given(st.sampled_from(PICTURES), CHANGES, st.floats(0, 1))
@QUICK
def test_a_picture_with_wrong_bytes_is_read_or_refused(tmp_path, data, changes, end):
    cut = changed(data, changes)
    opened("picture", tmp_path, cut if end > 0.5 else cut[: int(2 * end * len(cut))])


@pytest.mark.attack(78)
@given(CHANGES, st.binary(max_size=20))
@QUICK
def test_code_with_wrong_bytes_is_parsed_or_refused(tmp_path, changes, more):
    opened("syntax", tmp_path, changed(CODE, changes) + more)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["cells", "cell_type", "source", "outputs", "output_type", "metadata", "data", "language_info", "name", "text"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.attack(78)
@given(CHANGES)
@QUICK
def test_a_notebook_with_wrong_bytes_is_read_or_refused(tmp_path, changes):
    opened("notebook", tmp_path, changed(BOOK, changes))


@given(
    st.dictionaries(st.sampled_from(["cells", "metadata", "nbformat_minor"]), JSON_VALUES),
    st.lists(JSON_VALUES, max_size=3),
)
@QUICK
def test_a_notebook_of_any_shape_is_read_or_refused(tmp_path, odd, cells):
    opened(
        "notebook",
        tmp_path,
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **odd}).encode(),
    )


@pytest.mark.parametrize("data", PICTURES)
def test_the_pictures_that_are_changed_here_are_whole(tmp_path, data):
    assert opened("picture", tmp_path, data)["problem"] is None


def test_many_files_are_named_now_and_then_and_all_are_looked_at(tmp_path):
    """Of a file on which the process dies, the last remark says about where."""
    box = Box(tmp_path)
    names = [f"{number}.py" for number in range(300)]
    for name in names:
        (tmp_path / name).write_text("x = 1")
    result = looked_at({"files": names}, box, syntax._look)
    assert [row["path"] for row in result["files"]] == names
    assert 50 < len(box.stages) <= 100


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("x = 1", True, id="Python"),
        pytest.param("!pip install torch\nimport torch", True, id="a command of the shell"),
        pytest.param("%matplotlib inline\nimport torch", True, id="a magic line"),
        pytest.param("files = !ls\nlr, n = %env LR", True, id="a magic line that is assigned"),
        pytest.param("torch.nn?\nx = 1", True, id="a question"),
        pytest.param("for i in x:\n    %time f(i)", True, id="a magic line in a block"),
        pytest.param("s = '''\n%d of %d\n'''", True, id="a percent sign that is none"),
        pytest.param("%%time\nx = 1", True, id="a timed cell"),
        pytest.param("await f()", True, id="await, which notebooks allow"),
        pytest.param("%%bash\nls -l", None, id="another language"),
        pytest.param("%%time\ndef f(:", False, id="a timed cell with a slip"),
        pytest.param("def f(:", False, id="a slip"),
    ],
)
def test_a_cell_parses_as_jupyter_would_run_it(source, says):
    try:
        tree = syntax.parsed_cell(source, "cell")
    except Fault:
        assert says is False
    else:
        assert (tree is not None) is says or (tree is None and says is None)
