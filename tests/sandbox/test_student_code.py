# ruff: noqa: E501 - cases stand on one line; paths are those of the box; dice are for tests
"""How a student's files are imported, and what is said when that fails. No torch needed."""

from pathlib import Path

import pytest

from grader import sandbox

pytestmark = pytest.mark.sandbox


def value(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result["value"]


def problem(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem


def test_plain_code_is_imported_and_called(student):
    ended = student("print('hello')\ndef f(): return [1, 2.5, 'x']")
    assert value(ended) == [1, 2.5, "x"]
    assert ended.output == "hello\n"
    assert ended.level == "L3"


def test_the_students_other_files_can_be_imported(student):
    others = {
        "layers.py": "WIDTH = 3",
        "nets/__init__.py": "",
        "nets/blocks.py": "from . import sizes",
        "nets/sizes.py": "D = 4",
    }
    code = "from layers import WIDTH\nfrom nets.blocks import sizes\ndef f(): return WIDTH + sizes.D"
    assert value(student(code, others=others)) == 7


def test_code_in_a_folder_finds_its_neighbours_both_ways(student):
    others = {"src/layers.py": "WIDTH = 3"}
    code = "from layers import WIDTH\nfrom src.layers import WIDTH as SAME\nfrom .layers import WIDTH as THIRD\n"
    assert value(student(code + "def f(): return WIDTH + SAME + THIRD", others=others, name="src/model.py")) == 9


def test_two_files_that_import_each_other_share_one_module(student):
    others = {"helper.py": "def late():\n    import model\n    return model.STATE"}
    assert value(
        student("STATE = [1]\nimport helper\nSTATE.append(2)\ndef f(): return helper.late()", others=others)
    ) == [1, 2]


@pytest.mark.attack(46)
@pytest.mark.parametrize("name", ["json", "struct", "random", "numpy", "typing"])
def test_a_file_named_like_an_installed_module_does_not_stand_in_for_it(student, name):
    others = {f"{name}.py": "raise RuntimeError('the wrong one')"}
    assert value(student(f"import {name}\ndef f(): return {name}.__file__", others=others)).startswith("/")


@pytest.mark.attack(46)
def test_code_that_is_itself_named_like_an_installed_module_runs_under_another_name(student):
    assert (
        value(student("import json\ndef f(): return json.dumps([__name__])", name="json.py")) == '["submission_json"]'
    )


@pytest.mark.attack(46, 70)
def test_bytecode_beside_the_source_is_not_read(student, tmp_path):
    import py_compile

    other = tmp_path / "other.py"
    other.write_text("X = 'from the bytecode'")
    compiled = py_compile.compile(
        str(other), cfile=str(tmp_path / "x.pyc"), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    data = Path(compiled).read_bytes()
    others = {"helper.py": "X = 'from the source'", "__pycache__/helper.cpython-311.pyc": data, "sneaky.pyc": data}
    code = """
        import helper
        def f():
            try:
                import sneaky
            except ImportError:
                return helper.X
    """
    assert value(student(code, others=others)) == "from the source"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(
            "import os\nimport tensorflow as tf", ("missing-module", "model.py:2", "the module 'tensorflow' is not there"),
            id="a module that is not installed",
        ),
        pytest.param(
            "from json import nothing", ("import-error", "model.py:1", "ImportError: cannot import name 'nothing'"),
            id="a name that a module does not have",
        ),
        pytest.param(
            "def f():\n    return (1,\n\ndef g(): pass", ("syntax-error", "model.py:2", "'(' was never closed"), id="a bracket",
        ),
        pytest.param("x = 1\n  y = 2", ("syntax-error", "model.py:2", "IndentationError"), id="an indentation"),
        pytest.param("\tx = 1\n        if x:\n\tpass", ("syntax-error", "model.py:", ""), id="tabs and spaces"),
        pytest.param(b"x = '\xff'", ("syntax-error", "model.py", "codec"), id="bytes that are no UTF-8"),
        pytest.param(b"x = 1\0", ("", "model.py", "NUL bytes"), id="a null byte"),
        pytest.param("x = 1\ny = x / 0", ("import-error", "model.py:2", "in `y = x / 0`: division by zero"), id="an exception"),
        pytest.param(
            "def f():\n    return {}['conv1']", ("code-raised", "model.py:2", "KeyError while calling f()"), id="in the call",
        ),
        pytest.param(
            "import helper\ndef f(): return helper.g()", ("code-raised", "helper.py:2", "in `return 1 + 'x'`"), id="elsewhere",
        ),
        pytest.param("import json\ndef f(): json.loads('{')", ("code-raised", "model.py:2", "JSONDecodeError"), id="in a library"),
        pytest.param("open('/box/labels')", ("import-error", "model.py:1", "FileNotFoundError"), id="a file that is not there"),
        pytest.param(
            "import urllib.request\ndef f(): urllib.request.urlopen('http://example.org', timeout=3)",
            ("code-raised", "model.py:2", "while calling f()"), id="the network",
        ),
    ],
)  # fmt: skip
def test_a_failure_names_the_students_line(student, code, expected):
    found = problem(student(code, others={"helper.py": "def g():\n    return 1 + 'x'"}))
    kind, where, what = expected
    assert found.code == kind or not kind
    assert found.where.startswith(where)
    assert what in found.what
    assert found.fix


def test_a_missing_module_says_what_is_installed(student):
    found = problem(student("import keras"))
    assert "torch, torchvision, numpy" in found.fix


@pytest.mark.attack(51, 84)
def test_an_ugly_message_is_shown_plainly(student):
    found = problem(student("raise ValueError('a\\x1b[31m\\u202eb' + 'y' * 5000)"))
    assert "a\\x1b[31m\\u202eb" in found.what
    assert len(found.what) <= 800


def test_a_file_that_is_not_there_is_named(tmp_path, box):
    program = tmp_path / "plain.py"
    program.write_text(
        "from .student import Student\ndef main(r, box):\n    return {'x': str(Student(box).module('model.py'))}"
    )
    found = problem(sandbox.run(program, files={}, request={}, level=box))
    assert (found.code, found.where) == ("missing-file", "model.py")


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        pytest.param("open('data/train.csv')", "only what you hand in is here", id="a file of theirs"),
        pytest.param("open(__file__, 'w')", "write no files here", id="writing beside the code"),
        pytest.param("input('batch size? ')", "nobody answers input() here", id="a question"),
        pytest.param(
            "import urllib.request; urllib.request.urlopen('http://example.org', timeout=3)",
            "no network",
            id="a download",
        ),
        pytest.param("raise AssertionError('Torch not compiled with CUDA enabled')", "there is no GPU", id="a GPU"),
        pytest.param("raise RuntimeError('Found no NVIDIA driver on your system')", "there is no GPU", id="a driver"),
        pytest.param("1 / 0", "run the same on your computer", id="anything else"),
    ],
)
def test_what_is_only_so_here_is_not_said_to_show_on_the_students_computer(student, code, fix):
    assert fix in problem(student(f"def f():\n    {code}")).fix


def test_a_file_with_nul_bytes_is_told_as_that(student):
    found = problem(student("x = 1\0\n"))
    assert (found.code, found.where) == ("syntax-error", "model.py")
    assert "NUL" in found.what
    assert "UTF-8" in found.fix


def test_a_message_that_is_no_text_is_still_shown(student):
    found = problem(student("def f(): raise ValueError('broken \\udc80 here')"))
    assert found.code == "code-raised"
    assert "broken ? here" in found.what
