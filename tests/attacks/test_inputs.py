# ruff: noqa: E501 - cases stand on one line
"""Notebooks, Python and pictures of strangers, through the public door: each ends in one sentence, and none runs.

Attacks 13, 14, 25 to 27, 77, 78 and 82 of the catalogue, and that no library in the grader's own process ever parses
what a student wrote. What is read without the box is our own code for plain text (grader/documents), with limits.
"""

import ast
import io
import json
import struct
import zlib
from pathlib import Path

import pytest

import grader
from grader import sandbox
from grader.checks import all_checks
from grader.course import load_assignment, load_course
from grader.grading import ask
from grader.model import Submission, SubmittedFile
from grader.sandbox import levels
from grader.sandbox.pictures import Pixels, pixels

pytestmark = [pytest.mark.sandbox]
LIMITS = sandbox.Limits(wall_s=60)
ROOT = Path(grader.__file__).parents[1]


@pytest.fixture
def opened(tmp_path, box):
    """Open files by a program in the box: the row of each, by its name."""

    def run(program, files, *, level=box, limits=LIMITS, **request):
        paths = {}
        for name, data in files.items():
            paths[name] = tmp_path / name
            paths[name].write_bytes(data if isinstance(data, bytes) else data.encode())
        request |= {"files": list(files)}
        ended = sandbox.run(program, files=paths, request=request, limits=limits, level=level)
        assert isinstance(ended, sandbox.Answered), ended
        return {row["path"]: row for row in ended.result["files"]}

    return run


def codes(rows):
    return {name: row["problem"]["code"] if row["problem"] else "" for name, row in rows.items()}


# --- pictures -----------------------------------------------------------------------------------


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width=4, height=3, *, rows=None, kind=0, extra=b"", end=True):
    size = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x40" * width for _ in range(height)) if rows is None else rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size)
        + extra
        + chunk(b"IDAT", rows)
        + (chunk(b"IEND", b"") if end else b"")
    )


def png_bomb(width=20_000, height=20_000):
    """Some 400 KB that decode to 400 MB of one byte a pixel."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def written(kind, mode="RGB", size=(6, 5), colour="red", **settings):
    from PIL import Image

    made = io.BytesIO()
    Image.new(mode, size, colour).save(made, kind, **settings)
    return made.getvalue()


def turned_by_a_note():
    """A JPEG of 6 x 5 pixels whose EXIF says that it is to be turned."""
    from PIL import Image

    notes = Image.Exif()
    notes[0x0112] = 6
    return written("JPEG", exif=notes)


def animated(frames):
    from PIL import Image

    made = io.BytesIO()
    first, *more = (Image.new("P", (6, 5), number % 200) for number in range(frames))
    first.save(made, "GIF", save_all=True, append_images=more, optimize=False)
    return made.getvalue()


def gif_with_a_frame_beyond_its_screen():
    """The screen is 4 x 4, the frame in it 30,000 x 30,000."""
    head = b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0x80, 0, 0) + bytes(6)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 30_000, 30_000, 0)
    return head + frame + b"\x02\x02\x4c\x01\x00\x3b"


def two_headers():
    """A JPEG whose second frame header says another size than the first."""
    data = written("JPEG")
    at = data.index(b"\xff\xc0")
    length = struct.unpack(">H", data[at + 2 : at + 4])[0]
    frame = bytearray(data[at : at + 2 + length])
    frame[5:9] = struct.pack(">HH", 60_000, 60_000)
    return data[:at] + bytes(frame) + data[at:]


@pytest.mark.attack(77)
def test_every_picture_bomb_is_refused_by_its_header_and_the_honest_ones_beside_it_are_read(opened):
    rows = opened("picture", {
        "honest.png": png(),
        "bomb.png": png_bomb(),
        "huge header.png": png(2**31 - 1, 2**31 - 1, rows=b"\0"),
        "frame.gif": gif_with_a_frame_beyond_its_screen(),
        "text bomb.png": png(extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200 * 2**20), 9))),
        "profile bomb.png": png(extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(200 * 2**20), 9))),
        "two headers.jpg": two_headers(),
        "last.jpg": written("JPEG"),
    })  # fmt: skip
    said = codes(rows)
    assert (said.pop("honest.png"), said.pop("last.jpg")) == ("", "")
    assert (said.pop("bomb.png"), said.pop("huge header.png")) == ("image-too-large", "image-too-large")
    assert "20,000 x 20,000 pixels" in rows["bomb.png"]["problem"]["what"]
    assert (said["text bomb.png"], said["profile bomb.png"]) == ("", "")  # notes are left out before Pillow looks
    assert set(said.values()) <= {"", "not-an-image", "image-too-large"}
    assert said["frame.gif"] == "image-too-large" or rows["frame.gif"]["found"]["width"] == 4


@pytest.mark.attack(77)
def test_the_cap_of_pixels_is_inclusive(opened):
    file = {"a.png": png(40, 30)}
    assert codes(opened("picture", file, max_pixels=1200)) == {"a.png": ""}
    assert codes(opened("picture", file, max_pixels=1199)) == {"a.png": "image-too-large"}


@pytest.mark.attack(77)
def test_what_is_no_whole_picture_is_said(opened):
    rows = opened("picture", {
        "cut.png": png(300, 300)[:-60],
        "no rows.png": png(rows=b""),
        "check sum.png": png()[:-20] + b"\1" + png()[-19:],
        "cut.jpg": written("JPEG", size=(300, 300))[:400],
        "page.png": b"<!DOCTYPE html><title>Log in</title>",
        "vector.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n(%pipe%touch marker) (w) file\n",
        "picture.tiff": written("TIFF"),
        "picture.bmp": written("BMP"),
        "picture.webp": written("WEBP"),
        "nothing.png": b"\x89PNG\r\n\x1a\n",
        "archive.png": b"PK\x03\x04" + bytes(40),
    })  # fmt: skip
    assert set(codes(rows).values()) == {"not-an-image"}
    assert all(row["problem"]["fix"] for row in rows.values())


def test_what_is_seen_of_a_picture_is_what_pillow_sees(opened, tmp_path):
    from PIL import Image

    rows = opened("picture", {
        "red.png": written("PNG"),
        "grey.png": png(),
        "turned.jpg": turned_by_a_note(),
        "deep.png": written("PNG", "I;16", colour=257 * 100),
        "clear.png": written("PNG", "RGBA", colour=(10, 20, 30, 0)),
        "bits.png": written("PNG", "1", colour=1),
        "many.gif": animated(3),
        "few.gif": animated(1),
    })  # fmt: skip
    assert set(codes(rows).values()) == {""}
    found = {name: row["found"] for name, row in rows.items()}
    assert (found["red.png"]["is_grey"], found["red.png"]["is_blank"], found["grey.png"]["is_grey"]) == (
        False,
        True,
        True,
    )
    assert found["grey.png"]["mean"] == found["grey.png"]["border"] == 0x40
    assert (found["turned.jpg"]["width"], found["turned.jpg"]["height"]) == (6, 5)  # the note is not followed
    assert (found["deep.png"]["mean"], found["clear.png"]["mean"], found["bits.png"]["mean"]) == (100, 255, 255)
    assert (found["many.gif"]["is_animated"], found["few.gif"]["is_animated"]) == (True, False)
    with Image.open(tmp_path / "red.png") as picture:
        assert found["red.png"]["mean"] == pytest.approx(picture.convert("L").getpixel((0, 0)))


def test_notes_in_a_picture_change_nothing_of_what_is_seen(opened):
    """A diagram's source of some megabytes is honest, and Pillow alone would refuse it."""
    source = b"diagram\0\0" + zlib.compress(b"<node/>" * 700_000)
    clear = written("PNG", "P", colour=0, transparency=0)
    rows = opened("picture", {
        "plain.png": png(),
        "noted.png": png(extra=chunk(b"zTXt", source) + chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0\0\0")),
        "clear.png": clear,
        "cut note.png": png()[:-12] + struct.pack(">I", 10**9) + b"tEXt",
    })  # fmt: skip
    assert codes(rows) == {"plain.png": "", "noted.png": "", "clear.png": "", "cut note.png": "not-an-image"}
    assert rows["noted.png"]["found"] == rows["plain.png"]["found"]
    assert rows["clear.png"]["found"]["mean"] == 255  # transparency is of the pixels


@pytest.mark.parametrize("channels", [1, 3])
def test_the_pixels_are_those_that_pillow_decodes(tmp_path, box, channels):
    import numpy as np
    from PIL import Image

    dice = np.random.default_rng(1)
    file = tmp_path / "digit.png"
    Image.fromarray(dice.integers(0, 256, (7, 9, 3), dtype=np.uint8)).save(file)
    made = pixels(file, "digit.png", (9, 7), channels=channels, limits=LIMITS, level=box)
    assert isinstance(made, Pixels), made
    with Image.open(file) as picture:
        expected = np.asarray(picture.convert("L" if channels == 1 else "RGB")).reshape(7, 9, channels)
    assert (made.array == expected).all()
    other = pixels(file, "digit.png", (7, 9), channels=channels, limits=LIMITS, level=box)
    assert isinstance(other, sandbox.StudentFault)
    assert other.problem.code == "another-size"


# --- Python -------------------------------------------------------------------------------------


@pytest.mark.attack(78)
def test_source_that_breaks_parsers_is_said_and_the_honest_one_beside_it_is_read(opened, tmp_path):
    marker = tmp_path / "marker"
    rows = opened("syntax", {
        "honest.py": '"""Doc."""\nimport torch.nn as nn\nfrom .data import x\nclass Net(nn.Module):\n    pass\n',
        "open brackets.py": "x = " + "[" * 100_000,
        "minus.py": "x = " + "-" * 100_000 + "1",
        "attributes.py": "x" + ".a" * 100_000,
        "sum.py": "x = " + "+".join(["1"] * 50_000),
        "indents.py": "".join(" " * depth + "if 1:\n" for depth in range(500)) + " " * 500 + "pass\n",
        "digits.py": "x = " + "9" * 5_000,
        "nul.py": b"x = 1\0",
        "bytes.py": b"\xff\xfe\x00x",
        "encoding.py": b"# coding: rot13\nk = 1\n",
        "long.py": b"#" * (2 * 2**20 + 1),
        "data.py": "x = [" + "1," * 500_000 + "]",
        "half.py": "def f(:\n",
        "surrogate.py": "x = '\\ud800'\n",
        "runs.py": f"import os\nos.mkdir({str(marker)!r})\n",
        "last.py": "x = 1",
    })  # fmt: skip
    said = codes(rows)
    for name in ("honest.py", "runs.py", "last.py", "surrogate.py"):
        assert said.pop(name) == ""
    assert said["long.py"] == said["data.py"] == "too-large"
    assert set(said.values()) <= {"syntax-error", "too-deep", "too-large"}
    assert rows["half.py"]["problem"]["where"] == "half.py:1"
    assert "Python 3." in rows["half.py"]["problem"]["what"]
    found = rows["honest.py"]["found"]
    assert (found["imports"], found["definitions"], found["lines"]) == (["torch"], ["Net"], 5)
    assert not marker.exists()


def test_the_digest_of_code_knows_no_layout_comments_and_docstrings(opened):
    rows = opened("syntax", {
        "a.py": '"""A."""\ndef f(x):\n    """Adds."""\n    return x + 1  # one\n',
        "b.py": "def f( x ):\n\n    return (x + 1)\n",
        "c.py": "def f(x):\n    return x + 2\n",
    })  # fmt: skip
    a, b, c = (rows[name]["found"]["digest"] for name in ("a.py", "b.py", "c.py"))
    assert a == b != c


# --- notebooks ----------------------------------------------------------------------------------


def notebook(*cells, **changes):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **changes})


def code(source, *, outputs=(), run=1, **changes):
    return {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": source,
        "outputs": list(outputs),
        "execution_count": run,
        **changes,
    }


@pytest.mark.attack(13, 78)
def test_notebooks_that_break_parsers_are_said_and_the_honest_one_beside_it_is_read(opened):
    rows = opened("notebook", {
        "honest.ipynb": notebook(code("x = 1\n")),
        "deep.ipynb": "[" * 100_000,
        "deep cell.ipynb": notebook(code("x", metadata=None))[:-2] + ', "a": ' + "[" * 50_000 + "]" * 50_000 + "}",
        "nothing.ipynb": "",
        "list.ipynb": "[]",
        "page.ipynb": "<html>",
        "old.ipynb": json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}),
        "future.ipynb": notebook(nbformat=9),
        "flag.ipynb": notebook(nbformat=True),
        "no cells.ipynb": json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": {"a": 1}}),
        "odd cells.ipynb": notebook(1, None),
        "digits.ipynb": '{"nbformat": ' + "9" * 5_000 + "}",
        "many.ipynb": notebook(*[code("x")] * 3_001),
        "bytes.ipynb": b"\xff\xfe{}",
        "last.ipynb": notebook(),
    })  # fmt: skip
    said = codes(rows)
    assert (said.pop("honest.ipynb"), said.pop("last.ipynb")) == ("", "")
    assert set(said.values()) <= {"not-a-notebook", "too-deep", "too-large"}
    assert said["deep.ipynb"] == "too-deep"
    assert said["many.ipynb"] == "too-large"
    assert "format 3" in rows["old.ipynb"]["problem"]["what"]


@pytest.mark.attack(25, 27)
@pytest.mark.attack_partly(82)
def test_nothing_of_a_notebook_runs_or_is_followed_and_its_outputs_are_only_listed(opened, tmp_path):
    marker = tmp_path / "marker"
    html = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"text/html": f"<img src='file://{marker}'>", "image/png": "QQ=="},
    }
    error = {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "x", "traceback": ["\x1b[31mno"]}
    rows = opened("notebook", {
        "magics.ipynb": notebook(
            code(f"!touch {marker}\n%load /etc/passwd\nx = !ls\nx?\ny = 1\n", outputs=[html]),
            code(f"%%bash\ntouch {marker}", outputs=[error]),
            code("%%time\nawait f()"),
            code("def f(:"),
            code("assert = 1", run="9" * 50),
            {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "![x](attachment:a)", "attachments": {"a": {"text/html": "<script>"}}},
        ),
    })  # fmt: skip
    found = rows["magics.ipynb"]["found"]
    assert [cell["kind"] for cell in found["cells"]] == ["code"] * 5 + ["markdown"]
    assert [bool(cell["syntax"]) for cell in found["cells"]] == [False, False, False, True, True, False]
    assert found["cells"][0]["outputs"] == ["text/html", "image/png"]
    assert found["cells"][1]["error"] == "ZeroDivisionError"
    assert found["cells"][4]["run"] is None
    assert "cell 4" in found["cells"][3]["syntax"]
    assert found["flaw"]  # a run of 50 digits as text is against the form
    assert not marker.exists()


@pytest.mark.attack(26)
def test_a_notebook_that_is_not_quite_of_the_form_is_read_with_a_remark(opened):
    """Other programs than Jupyter write such notebooks: that is no reason to take points."""
    cell = {"cell_type": "code", "source": ["x = 1\n", "y = 2"], "locked": True}
    row = opened("notebook", {"a.ipynb": notebook(cell, nbformat_minor=0)})["a.ipynb"]
    assert row["problem"] is None
    assert row["found"]["flaw"]
    assert row["found"]["cells"][0]["lines"] == 2


# --- every program ------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["L2", "L1"])
@pytest.mark.parametrize("program", ["picture", "syntax", "notebook"])
def test_files_are_opened_alike_at_every_level(opened, program, level):
    """L1 is a student's own computer, without walls: the same program, the same answer."""
    files = {"a.png": png(), "b.py": "x = 1", "c.ipynb": notebook(), "d.py": "def f(:"}
    alone = levels._alone(sandbox.Level("L1", "")) if level == "L2" else None
    if alone is not None and not alone.is_isolated:
        pytest.skip(f"no level L2 here{alone.reason}")
    assert opened(program, files, level=sandbox.Level(level, "a test")) == opened(program, files)


@pytest.mark.attack(72)
@pytest.mark.parametrize("program", ["picture", "syntax", "notebook"])
def test_a_file_that_is_not_there_is_a_problem_of_that_file(tmp_path, box, program):
    (tmp_path / "a").write_bytes(b"x")
    ended = sandbox.run(program, files={"a": tmp_path / "a"}, request={"files": ["a", "b"]}, limits=LIMITS, level=box)
    assert isinstance(ended, sandbox.Answered)
    assert [row["problem"]["code"] for row in ended.result["files"] if row["path"] == "b"] == ["missing-file"]


@pytest.mark.parametrize("assignment", [file.stem for file in sorted((ROOT / "rubrics").glob("*.yaml"))])
def test_a_hand_in_of_answers_alone_starts_no_box(tmp_path, assignment):
    """Theory is checked in a moment, also where there is no sandbox."""
    rubric = load_assignment(load_course(ROOT), assignment, all_checks())
    answers = SubmittedFile("answers.json", 2, "0" * 64)
    asked = ask(Submission("s1", assignment, tmp_path, (answers,)), rubric)
    assert {rule: jobs for rule, jobs in asked.needs.items() if jobs} == {}
    assert asked.needs


# --- no library outside ----------------------------------------------------------------------------

OPENERS = {"PIL", "nbformat", "nbconvert", "ast", "tokenize", "pickle", "marshal", "shelve", "cloudpickle", "dill", "joblib",
           "safetensors", "fickling", "picklescan", "pypdf", "cv2", "imageio", "lxml", "h5py"}  # fmt: skip
CALLS = {"eval", "exec", "compile", "__import__"}
PACKAGE = Path(grader.__file__).parent
TRUSTED = {
    "training": "trains the course's own references",
    "datasets": "reads data sets of the course",
    "mutants": "breaks the course's own reference hand-ins; what comes of it is graded as any hand-in",
    "sandbox/programs": "runs in the box",
}
OWN = {  # what opens nothing but what this very process wrote
    ("frozen.py", "exec()"): "the methods of our own types, from the names of their fields",
    ("gradebook/aside.py", "pickle"): "what waits for its transaction, in a file without a name",
    ("gradebook/aside.py", "pickle.load"): "the same",
}


def uses(tree):
    """The modules that a file imports, and the calls by which data becomes code, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            yield f"{node.func.id}()", node.lineno
        elif (
            isinstance(node, ast.Attribute)
            and node.attr in ("load", "unsafe_load", "full_load")
            and isinstance(node.value, ast.Name)
        ):
            yield f"{node.value.id}.{node.attr}", node.lineno


@pytest.mark.attack(28, 58, 77, 78)
def test_no_library_outside_of_the_box_opens_what_a_student_wrote():
    """Every file of the grader that could meet a student's bytes, by its syntax tree."""
    refused = OPENERS | {f"{name}()" for name in CALLS}
    refused |= {f"{module}.load" for module in ("torch", "np", "numpy", "pickle", "yaml", "marshal", "joblib")}
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE).as_posix()
        if not place.startswith(tuple(f"{folder}/" for folder in TRUSTED)):
            tree = ast.parse(file.read_bytes())
            found += [(place, what, line) for what, line in uses(tree) if what in refused]
    assert [one for one in found if one[:2] not in OWN] == []
    assert {one[:2] for one in found} >= OWN.keys(), "an exception that nobody needs any more"


@pytest.mark.attack(28, 58)
def test_nothing_in_the_box_unpickles_and_nothing_calls_torchs_loader():
    """A checkpoint is read by our own reader alone: no call could forget weights_only=True."""
    refused = {"pickle", "marshal", "joblib", "dill", "cloudpickle", "torch.load", "np.load", "pickle.load"}
    found = []
    for file in sorted((PACKAGE / "sandbox" / "programs").glob("*.py")):
        found += [f"{file.name}:{line} {what}" for what, line in uses(ast.parse(file.read_bytes())) if what in refused]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from PIL import Image", "import ast", "torch.load(path)", "eval(text)", "exec(text)",
        "np.load(path, allow_pickle=True)", "yaml.load(text)",
    ],
)  # fmt: skip
def test_the_search_for_libraries_finds_each_of_them(line):
    refused = OPENERS | {f"{name}()" for name in CALLS} | {"torch.load", "np.load", "yaml.load"}
    assert [what for what, _ in uses(ast.parse(line)) if what in refused]
