from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grader.intake import IntakeLimits, submission_id
from grader.intake.names import Shelf, compiled_flaw, first_few, is_left_out, name_flaws, place_of, same_key
from grader.model import Problem

LIMITS = IntakeLimits()


def codes(path):
    return [flaw.code for flaw in name_flaws(path, LIMITS)]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("model.py", id="a plain name"),
        pytest.param("runs/2024-05-01_12:30:00/train.log", id="colons of a time"),
        pytest.param("Übung 1/日本語.txt", id="letters of any language"),
        pytest.param(".gitignore", id="a leading dot"),
        pytest.param("a..b/c...d", id="dots inside a name"),
        pytest.param("auxiliary.py", id="begins like a device"),
        pytest.param("console/nulls.txt", id="contains a device"),
        pytest.param("com10.txt", id="no such port"),
        pytest.param("ab:c.txt", id="two letters before a colon"),
        pytest.param("~/x", id="a tilde is a name like any other"),
        pytest.param("$(touch x);&|.txt", id="a shell's words"),
        pytest.param("x" * 255, id="255 bytes in a part"),
        pytest.param("/".join(["x"] * 32), id="32 levels"),
        pytest.param("/".join(["x" * 199] * 5) + "y", id="1,000 bytes in a path"),
        pytest.param("a\u202eb", id="a bidi override is stored and shown escaped"),
    ],
)
def test_a_name_that_every_system_holds_is_taken(path):
    assert codes(path) == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param("../x", "name-parent", id="up at the start"),
        pytest.param("a/../../x", "name-parent", id="up inside"),
        pytest.param("a/..", "name-parent", id="up at the end"),
        pytest.param("..", "name-parent", id="up alone"),
        pytest.param("/etc/passwd", "name-absolute", id="absolute"),
        pytest.param("//server/share", "name-absolute", id="a Windows share"),
        pytest.param("C:/x", "name-drive", id="a drive with a slash"),
        pytest.param("c:x", "name-drive", id="a drive without one"),
        pytest.param("a\\b", "name-backslash", id="a backslash"),
        pytest.param("..\\..\\x", "name-backslash", id="up by backslashes"),
        pytest.param("a\0b", "name-control", id="NUL"),
        pytest.param("a\x1b[2Jb", "name-control", id="an escape sequence"),
        pytest.param("a\x7f", "name-control", id="DEL"),
        pytest.param("a\x9bb", "name-control", id="a C1 control"),
        pytest.param("a\nb", "name-control", id="a line end"),
        pytest.param("a./b", "name-trailing", id="a trailing dot of a folder"),
        pytest.param("a ", "name-trailing", id="a trailing space"),
        pytest.param("...", "name-trailing", id="three dots"),
        pytest.param("", "name-empty", id="nothing"),
        pytest.param("a//b", "name-empty", id="an empty part"),
        pytest.param("a/./b", "name-empty", id="a dot inside"),
        pytest.param("aux.py", "name-device", id="a device with a suffix"),
        pytest.param("x/NUL", "name-device", id="a device in capitals"),
        pytest.param("con .txt", "name-device", id="a device and a space"),
        pytest.param("lpt1.tar.gz", "name-device", id="a port"),
        pytest.param("COM²", "name-device", id="a port with a raised digit"),
        pytest.param("conin$", "name-device", id="the console"),
        pytest.param("x" * 256, "name-too-long", id="256 bytes in a part"),
        pytest.param("ü" * 128, "name-too-long", id="256 bytes in 128 letters"),
        pytest.param("/".join(["x" * 199] * 5) + "yz", "name-too-long", id="1,001 bytes in a path"),
        pytest.param("/".join(["x"] * 33), "name-too-deep", id="33 levels"),
        pytest.param("a\udcff", "name-not-utf8", id="a byte that is no UTF-8"),
    ],
)
def test_a_name_that_systems_take_differently_is_refused(path, code):
    assert code in codes(path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Model.py", "model.py", id="case"),
        pytest.param("STRASSE", "straße", id="a letter that folds into two"),
        pytest.param("\u00fc", "u\u0308", id="an accent in one letter or two"),
        pytest.param("\u1e9b\u0323", "\u017f\u0323\u0307", id="marks in another order"),
        pytest.param("\u212b", "å", id="the sign for angstrom"),
    ],
)
def test_twins_are_known(one, other):
    assert same_key(one) == same_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("model.py", "model_py", id="another character"),
        pytest.param("a1", "a\u00b9", id="a raised digit is another character"),
        pytest.param("paypal", "p\u0430ypal", id="a look-alike letter is another file on every system"),
    ],
)
def test_no_twins_are_invented(one, other):
    assert same_key(one) != same_key(other)


def on_a_shelf(*paths):
    shelf = Shelf()
    return [flaw and flaw.code for flaw in (shelf.put(p.removesuffix("/"), is_file=p[-1] != "/") for p in paths)]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param(("a", "b", "c/a", "d/a"), [None] * 4, id="different places"),
        pytest.param(("a/", "a/b", "a/"), [None] * 3, id="a folder listed before, between and twice"),
        pytest.param(("a/b", "a/"), [None] * 2, id="a folder listed after what is in it"),
        pytest.param(("a", "a"), [None, "name-twice"], id="a file twice"),
        pytest.param(("a", "a/b"), [None, "name-clash"], id="a file, then something in it"),
        pytest.param(("a/b", "a"), [None, "name-clash"], id="a folder, then a file of its name"),
        pytest.param(("a", "a/"), [None, "name-clash"], id="a file and an empty folder"),
        pytest.param(("a/", "a"), [None, "name-clash"], id="an empty folder and a file"),
        pytest.param(("a/b/c", "a/B/d"), [None, "name-twin"], id="folders that are twins"),
        pytest.param(("S/a", "s/b", "s/c"), [None, "name-twin", None], id="a twin folder is told once"),
        pytest.param(("a", "A"), [None, "name-twin"], id="files that are twins"),
        pytest.param(("a", "A/b"), [None, "name-twin"], id="a file and a folder that are twins"),
    ],
)
def test_a_place_is_taken_once(paths, expected):
    assert on_a_shelf(*paths) == expected


def test_a_twin_names_the_pair():
    shelf = Shelf()
    shelf.put("Model.py", is_file=True)
    flaw = shelf.put("model.py", is_file=True)
    assert str(flaw.at(place_of("hw.zip", "model.py"))) == (
        'hw.zip "model.py": many systems take it for "Model.py": only case or the spelling of an accent differs\n'
        "  fix: rename or remove one of the two"
    )


def test_a_place_is_short_and_prints():
    where = place_of("h\x1b.zip", "a\u202e\x07" + "x" * 1000)
    assert where.isprintable()
    assert where.startswith('h\\x1b.zip "a\\u202e\\u0007xxx')
    assert len(where) < 160


@pytest.mark.parametrize("name", [".git", "__MACOSX", "Thumbs.db", "._x", "x~", ".x.py.swp", "#x#", ".#x", "Icon\r"])
def test_what_tools_leave_behind_is_left_out(name):
    assert is_left_out(name)


@pytest.mark.parametrize("name", [".gitignore", "git", "pycache", "x.py", "_x", "#x", "Icon", ".env", "venv", "~", "#"])
def test_what_people_make_is_kept(name):
    assert not is_left_out(name)


@pytest.mark.parametrize("name", ["a/model.pyc", "M.SO", "libm.so.6", "x.whl", "a.b.DLL"])
def test_compiled_files_are_known(name):
    assert compiled_flaw(name).code == "compiled-file"


@pytest.mark.parametrize(
    "name", ["model.pt", "weights.pth", "so", "a.so/x.py", "log.1", "x.sos", ".so"[1:], "data.npz"]
)
def test_other_binary_files_are_not_compiled(name):
    assert compiled_flaw(name) is None


def test_problems_are_told_up_to_twenty_and_the_rest_is_counted():
    many = [Problem("x", f"e{index}", "bad", "mend") for index in range(23)]
    told = first_few(many, "hw.zip", 20)
    assert told[:20] == tuple(many[:20])
    assert told[20].what == "3 more entries have problems"
    assert first_few(many[:20], "hw.zip", 20) == tuple(many[:20])
    assert first_few(many[:21], "hw.zip", 20)[20].what == "1 more entry has a problem"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("in/ada.zip", "ada", id="a zip loses its suffix"),
        pytest.param("in/Ada.ZIP", "Ada", id="in any case"),
        pytest.param("in/ada.tar.gz", "ada.tar.gz", id="another archive keeps it"),
        pytest.param("in/v1.2", "v1.2", id="a folder with a dot"),
        pytest.param("in/.zip", "%2Ezip", id="nothing but a suffix"),
        pytest.param("in/..zip", "%2E", id="a dot and a suffix"),
        pytest.param("in/-rf", "%2Drf", id="like an option"),
        pytest.param("in/a%41", "a%2541", id="an escape is escaped"),
        pytest.param("in/con", "%63on", id="a device"),
        pytest.param("in/<b>|?", "%3Cb%3E%7C%3F", id="characters that Windows refuses"),
    ],
)
def test_an_id_is_the_name_made_safe(source, expected):
    assert submission_id(Path(source)) == expected


names = st.text(st.characters(exclude_characters="/\0"), min_size=1).filter(lambda name: name not in (".", ".."))


@given(names)
@example("\udcff\u202e")
@example("x" * 4000)
@example("ü" * 75)
@example("ü" * 76)
def test_an_id_names_a_file_on_every_system(name):
    made = submission_id(Path("/in") / name)
    assert made
    assert made.isprintable()
    assert len(made.encode()) <= 150
    assert codes(made) == []
    assert made[0] not in ".- "


@given(names, names)
@example("x" * 4000, "x" * 4001)
@example("a\x1b", "a%1B")
def test_different_names_stay_different(one, other):
    stems = {name[:-4] if name.casefold().endswith(".zip") and len(name) > 4 else name for name in (one, other)}
    assert len({submission_id(Path("/in") / name) for name in (one, other)}) == len(stems)
