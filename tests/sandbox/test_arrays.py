"""Files of numbers, through the public door. The oracle is NumPy, which wrote them; hostile ones end in a sentence."""

import io
import json
import struct
import zipfile

import pytest

from grader import sandbox
from grader.sandbox.arrays import Arrays, arrays
from grader.sandbox.programs import arrays as program
from grader.sandbox.programs.channel import Fault

np = pytest.importorskip("numpy")


def npy(array, **settings):
    stream = io.BytesIO()
    np.save(stream, array, **settings)
    return stream.getvalue()


def npz(compressed=True, **named):
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **named)
    return stream.getvalue()


def read(data):
    return list(program._arrays(data, "maps"))


NUMBERS = np.arange(24).reshape(2, 3, 4)


@pytest.fixture
def opened(tmp_path, box):
    def run(data, name="maps.npy"):
        (tmp_path / "maps").write_bytes(data)
        return arrays(tmp_path / "maps", name, limits=sandbox.Limits(wall_s=20), level=box)

    return run


@pytest.mark.sandbox
def test_all_arrays_of_a_file_come_back_with_their_names_and_shapes(opened):
    ended = opened(npz(one=NUMBERS / 7, two=NUMBERS[0]), "maps.npz")
    assert isinstance(ended, Arrays), ended
    assert list(ended.arrays) == ["one", "two"]
    np.testing.assert_allclose(ended.arrays["one"], NUMBERS / 7, rtol=1e-6)
    np.testing.assert_array_equal(ended.arrays["two"], NUMBERS[0])


@pytest.mark.sandbox
@pytest.mark.attack(28, 58)
def test_a_pickle_in_an_array_is_refused_and_never_run(opened, tmp_path):
    class Bad:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    ended = opened(npy(np.array([Bad()], dtype=object), allow_pickle=True))
    assert isinstance(ended, sandbox.StudentFault)
    assert ended.problem.code == "not-an-array"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4", "i1", "u1", "i8", "?", "<u2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_plain_type_and_both_orders_are_read(kind, order):
    array = np.asarray(NUMBERS % 2 if kind == "?" else NUMBERS, dtype=kind, order=order)
    [(_, made)] = read(npy(array))
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made, array)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([[1, 2.5], [3, 4]], id="lists"),
        pytest.param([[[1]], [[2]]], id="deeper lists"),
        pytest.param({"conv1": [[1, 2]], "conv2": [[3]]}, id="by name"),
    ],
)
def test_lists_of_json_are_arrays(value):
    made = dict(read(json.dumps(value).encode()))
    expected = value if isinstance(value, dict) else {"": value}
    assert {name: array.tolist() for name, array in made.items()} == expected


def bomb():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(program.MOST_BYTES + 10))
    return stream.getvalue()


def claiming(shape):
    """A header that says more than there is."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(16)


@pytest.mark.attack(77)
@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "not-an-array", id="nothing"),
        pytest.param(b"\x93NUMPY", "not-an-array", id="a mark alone"),
        pytest.param(npy(NUMBERS)[:-5], "not-an-array", id="cut off"),
        pytest.param(npy(NUMBERS) + b"12345678", "not-an-array", id="bytes behind it"),
        pytest.param(npy(np.zeros((0, 4))), "not-an-array", id="no numbers"),
        pytest.param(npy(np.array([1.0, np.nan])), "not-an-array", id="NaN"),
        pytest.param(npy(np.array([1e300])), "not-an-array", id="too large for float32"),
        pytest.param(npy(np.array([1j])), "not-an-array", id="complex numbers"),
        pytest.param(npy(np.array(["a"])), "not-an-array", id="text"),
        pytest.param(npy(np.zeros(2, dtype=[("a", "f4")])), "not-an-array", id="records"),
        pytest.param(claiming("(100000, 100000)"), "too-large", id="a header of ten thousand million numbers"),
        pytest.param(
            claiming("(99999999999999999999, 99999999999999999999)"), "too-large", id="a header beyond 64 bits"
        ),
        pytest.param(claiming("(-4, -1)"), "not-an-array", id="negative sides"),
        pytest.param(claiming("(" + "1, " * 40 + ")"), "too-large", id="forty axes"),
        pytest.param(claiming("(4,), 'x': __import__('os')"), "not-an-array", id="code in the header"),
        pytest.param(bomb(), "too-large", id="a zip bomb"),
        pytest.param(npz(a=NUMBERS)[:-30], "not-an-array", id="a broken zip"),
        pytest.param(npz(**{f"a{n}": NUMBERS for n in range(70)}), "too-large", id="too many arrays"),
        pytest.param(b"[" * 100_000, "not-an-array", id="lists without end"),
        pytest.param(b"[1, NaN]", "not-an-array", id="NaN in JSON"),
        pytest.param(b"[[1, 2], [3]]", "not-an-array", id="ragged lists"),
        pytest.param(b"[1, [2]]", "not-an-array", id="numbers and lists"),
        pytest.param(b'[true, "a"]', "not-an-array", id="no numbers in the list"),
        pytest.param(b"{}", "not-an-array", id="an empty table"),
        pytest.param(b"7", "not-an-array", id="a bare number"),
        pytest.param(b"\xff\xfe", "not-an-array", id="no text"),
    ],
)
def test_what_is_no_array_is_said(tmp_path, data, code):
    (tmp_path / "maps").write_bytes(data)

    class Box:
        submission = tmp_path

        class channel:  # noqa: N801
            stage = staticmethod(lambda _: None)

    with pytest.raises(Fault) as caught:
        program.main({"file": "maps"}, Box)
    assert caught.value.fields["code"] == code, caught.value.fields
