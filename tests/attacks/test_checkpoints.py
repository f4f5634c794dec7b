# ruff: noqa: E501, PT017, S311 - cases stand on one line; paths are those of the box; dice are for tests
"""Weights files that are none, or that would run code, explode or lie: refused by name, and nothing in them is run.

Attacks 28 to 38 of the catalogue. The reader is the one that runs in the box (it needs no torch); one test sends a
file through the box itself. What torch itself writes is in tests/sandbox/test_weights.py.
"""

import io
import json
import os
import pickle
import pickletools
import random
import struct
import tracemalloc
import types
import zipfile
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader import sandbox
from grader.sandbox.programs import network, pickled, tensors, torch_zip
from grader.sandbox.programs.channel import Fault
from grader.sandbox.programs.weights import open_weights, refuse_not_finite

# --- files, byte by byte -----------------------------------------------------------------------


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def number(value):
    return b"\x8a\x08" + struct.pack("<q", value)


def row(values):
    return b"(" + b"".join(number(value) for value in values) + b"t"


ORDERED = b"ccollections\nOrderedDict\n)R"


def tensor(
    key="0", *, shape=(2, 3), strides=None, length=6, offset=0, storage="FloatStorage", function="_rebuild_tensor_v2"
):
    """The opcodes that torch.save writes for one tensor."""
    stands = b"(" + text("storage") + f"ctorch\n{storage}\n".encode() + text(key) + text("cpu") + number(length) + b"tQ"
    strides = tensors.contiguous(shape) if strides is None else strides
    return (
        f"ctorch._utils\n{function}\n(".encode()
        + stands + number(offset) + row(shape) + row(strides) + b"\x89" + ORDERED + b"tR"
    )  # fmt: skip


def state(**entries):
    """A pickle of an ordered dictionary of opcodes."""
    return b"\x80\x02" + ORDERED + b"(" + b"".join(text(k) + v for k, v in entries.items()) + b"u."


def torch_file(script, records=None, *, order=b"little", compress=(), extra=()):
    """A file as torch.save lays it out."""
    records = {"0": struct.pack("<6f", *range(6))} if records is None else records
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        parts = {
            "data.pkl": script,
            "byteorder": order,
            **{f"data/{k}": v for k, v in records.items()},
            "version": b"3\n",
        }
        for name, data in {**parts, **dict(extra)}.items():
            kind = zipfile.ZIP_DEFLATED if name in compress else zipfile.ZIP_STORED
            archive.writestr(f"model/{name}", data, kind)
    return made.getvalue()


def safetensors_file(header, data=b"", *, length=None):
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(head) if length is None else length) + head + data


class Touch:
    """A pickle that makes a marker file when it is loaded in earnest."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.fixture
def opened(tmp_path):
    def open_(data, name="model.pth", **limits):
        path = tmp_path / "file"
        path.write_bytes(data)
        weights = open_weights(path, name, **limits)
        refuse_not_finite(weights, name)
        return weights

    return open_


@pytest.fixture
def refused(opened):
    def refuse(data, **limits):
        with pytest.raises(Fault) as caught:
            opened(data, **limits)
        fields = caught.value.fields
        assert fields["where"].startswith("model.pth")
        assert fields["fix"]
        assert len(fields["what"]) < 700
        return fields

    return refuse


# --- leave it alone ----------------------------------------------------------------------------


def test_a_plain_state_dict_is_read(opened):
    weights = opened(torch_file(state(weight=tensor())))
    [one] = weights.tensors
    assert (weights.format, one.name, one.shape, one.dtype, one.elements) == (
        "torch-zip",
        "weight",
        (2, 3),
        "float32",
        6,
    )
    assert weights.data[one.start : one.stop] == struct.pack("<6f", *range(6))


def test_parameters_views_scalars_and_empty_tensors_are_read(opened):
    script = state(
        weight=b"ctorch._utils\n_rebuild_parameter\n(" + tensor() + b"\x88" + ORDERED + b"tR",
        turned=tensor(shape=(3, 2), strides=(1, 3)),
        middle=tensor(shape=(2,), offset=4),
        scalar=tensor("1", shape=(), length=1, storage="LongStorage"),
        nothing=tensor("2", shape=(0, 4), length=0),
    )
    weights = opened(torch_file(script, {"0": bytes(24), "1": bytes(8), "2": b""}))
    assert [one.elements for one in weights.tensors] == [6, 6, 2, 1, 0]


def test_safetensors_are_read(opened):
    header = {
        "__metadata__": {"format": "pt"},
        "b": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    }
    weights = opened(safetensors_file(header, bytes(32)), "model.safetensors")
    assert [(one.name, one.dtype, one.shape) for one in weights.tensors] == [
        ("a", "float32", (2, 3)),
        ("b", "int64", ()),
    ]
    assert not weights.has_module_prefix


def test_the_kind_is_read_from_the_bytes_not_from_the_name(opened):
    assert opened(torch_file(state(weight=tensor())), "model.safetensors").format == "torch-zip"


def test_the_budget_of_elements_is_inclusive(opened, refused):
    data = torch_file(state(weight=tensor()))
    assert opened(data, max_elements=6).elements == 6
    fault = refused(data, max_elements=5)
    assert (fault["code"], fault["limit"], fault["use"]) == ("too-large", "5", "6")


def test_the_budget_of_bytes_is_inclusive(opened, refused):
    data = torch_file(state(weight=tensor()))
    opened(data, max_bytes=len(data))
    assert refused(data, max_bytes=len(data) - 1)["code"] == "too-large"


# --- code --------------------------------------------------------------------------------------


@pytest.mark.attack(28)
@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "wrapped",
    [
        pytest.param(lambda bad: bad, id="alone"),
        pytest.param(lambda bad: {"weight": bad}, id="as an entry"),
        pytest.param(lambda bad: {"a": [({"b": bad},)]}, id="deep in an entry"),
    ],
)
def test_pickled_code_is_named_and_not_run(refused, tmp_path, protocol, wrapped):
    marker = tmp_path / "marker"
    script = pickle.dumps(wrapped(Touch(marker)), protocol)
    fault = refused(torch_file(script))
    assert (fault["code"], fault["what"]) == ("pickled-code", "contains pickled code: posix.mkdir")
    assert "state_dict" in fault["fix"]
    assert not marker.exists()


@pytest.mark.attack(28, 30)
@pytest.mark.parametrize(
    ("script", "name"),
    [
        pytest.param(b"cbuiltins\neval\n(X\x01\x00\x00\x001tR.", "builtins.eval", id="eval"),
        pytest.param(b"(S'true'\nios\nsystem\n.", "os.system", id="the INST opcode"),
        pytest.param(b"(cos\nsystem\nS'true'\no.", "os.system", id="the OBJ opcode"),
        pytest.param(b"\x80\x02cos\nsystem\nX\x01\x00\x00\x001\x85R", "os.system", id="and then it breaks off"),
        pytest.param(b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os.system", id="the STACK_GLOBAL opcode"),
        pytest.param(b"\x80\x02\x82\x01.", "copyreg.extension 1", id="the extension registry"),
        pytest.param(b"\x80\x02ctorch.hub\nload\n.", "torch.hub.load", id="torch's own loaders"),
        pytest.param(b"\x80\x02csubmission\nNet\n)R.", "submission.Net", id="the student's own class"),
        pytest.param(b"\x80\x02cnumpy.core.multiarray\nscalar\n.", "numpy.core.multiarray.scalar", id="a NumPy number"),
    ],
)
def test_every_way_to_name_code_is_seen(refused, script, name):
    fault = refused(torch_file(script))
    assert fault["code"] == "pickled-code"
    assert name in fault["what"]


@pytest.mark.attack(28)
def test_code_in_a_plain_pickle_and_in_an_old_file_is_named(refused, tmp_path):
    legacy = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    for start in (b"", legacy):
        fault = refused(start + pickle.dumps(Touch(tmp_path / "marker"), 2))
        assert (fault["code"], fault["what"]) == ("pickled-code", "contains pickled code: posix.mkdir")
    assert not (tmp_path / "marker").exists()


@pytest.mark.attack(31)
def test_an_old_file_and_a_plain_pickle_without_code_are_named(refused):
    legacy = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    assert refused(legacy + state(weight=tensor()))["code"] == "legacy-format"
    assert refused(pickle.dumps({"weight": [1.0, 2.0]}))["code"] == "pickle-file"


@pytest.mark.attack(31)
def test_a_whole_module_is_named_with_its_class(refused):
    script = b"\x80\x02c__main__\nNet\n)\x81}(" + text("_parameters") + ORDERED + text("conv")
    script += b"ctorch.nn.modules.conv\nConv2d\n)\x81ub."
    fault = refused(torch_file(script))
    assert (fault["code"], fault["what"]) == (
        "whole-module",
        "holds a whole model (__main__.Net), not its weights alone",
    )
    assert 'torch.save(model.state_dict(), "model.pth")' in fault["fix"]


@pytest.mark.attack(28, 31)
def test_a_whole_module_that_carries_code_is_called_code(refused, tmp_path):
    marker = tmp_path / "marker"
    script = (
        b"\x80\x02ctorch.nn.modules.conv\nConv2d\n)\x81}" + text("a") + pickle.dumps(Touch(marker), 2)[2:-1] + b"sb."
    )
    assert refused(torch_file(script))["what"] == "contains pickled code: posix.mkdir"


# --- bombs -------------------------------------------------------------------------------------


def doubled(depth):
    """Steps to a pair of a pair of ... itself: 2**depth leaves in a few hundred bytes."""
    made = b"K\x01q\x00"
    for level in range(depth):
        made += b"0h" + bytes([level]) + b"h" + bytes([level]) + b"\x86q" + bytes([level + 1])
    return made


@pytest.mark.attack(34)
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(b"\x80\x02}" + text("weight") + doubled(200) + b"s.", id="shared references"),
        pytest.param(b"\x80\x02}" + doubled(200) + b"K\x01s.", id="shared references as a key"),
        pytest.param(b"\x80\x02" + doubled(60) + b"X\x01\x00\x00\x00a\x93.", id="shared references as a name"),
        pytest.param(b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b".", id="a list 50,000 deep"),
        pytest.param(b"\x80\x02K\x01r\xff\xff\xff\xff.", id="the last number of a memo"),
        pytest.param(b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"abc.", id="a length beyond all memory"),
        pytest.param(b"L" + b"9" * 5000 + b"L\n.", id="a number of 5,000 digits"),
        pytest.param(b"\x80\x02.", id="nothing"),
        pytest.param(b"", id="not a byte"),
        pytest.param(b"\x80\x02}(" + text("a") + b"N" + text("a") + b"Nu.", id="a key twice"),
        pytest.param(b"\x80\x02}.}.", id="more after the end"),
    ],
)
def test_a_bomb_costs_nothing(refused, script):
    data = torch_file(script)
    tracemalloc.start()
    fault = refused(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fault["code"] in ("corrupt", "not-a-state-dict")
    assert peak < 64 * 2**20


@pytest.mark.attack(34)
def test_the_budget_of_steps_is_inclusive(refused, opened, monkeypatch):
    script = state(weight=tensor())
    steps = sum(1 for _ in pickletools.genops(script))
    monkeypatch.setattr(pickled, "MOST_OPCODES", steps)
    opened(torch_file(script))
    monkeypatch.setattr(pickled, "MOST_OPCODES", steps - 1)
    assert refused(torch_file(script))["code"] == "corrupt"


@pytest.mark.attack(32)
def test_a_compressed_record_is_refused(refused):
    zeros = {"0": bytes(24)}
    for name in ("data/0", "data.pkl"):
        assert refused(torch_file(state(weight=tensor()), zeros, compress=(name,)))["code"] == "compressed-record"


@pytest.mark.attack(33, 35)
@pytest.mark.parametrize(
    ("made", "code"),
    [
        pytest.param(tensor(shape=(10**5, 10**5), strides=(0, 0)), "stride-trick", id="10**10 elements of one"),
        pytest.param(tensor(shape=(7,)), "stride-trick", id="one element more than stored"),
        pytest.param(tensor(shape=(6,), offset=1), "out-of-bounds", id="past the end by the offset"),
        pytest.param(tensor(shape=(3,), strides=(3,)), "out-of-bounds", id="past the end by the stride"),
        pytest.param(tensor(shape=(2, 3), strides=(3,)), "corrupt", id="fewer strides than sides"),
        pytest.param(tensor(shape=(-1, 6)), "corrupt", id="a negative side"),
        pytest.param(tensor(offset=-1), "corrupt", id="a negative offset"),
        pytest.param(tensor(shape=(1,) * 17), "corrupt", id="seventeen dimensions"),
        pytest.param(tensor(length=5), "truncated", id="fewer bytes announced than stored"),
        pytest.param(tensor(length=2**40), "truncated", id="more announced than stored"),
        pytest.param(tensor("1"), "truncated", id="data that is not in the file"),
        pytest.param(tensor("../version"), "truncated", id="a path for a number"),
        pytest.param(tensor(storage="ComplexFloatStorage"), "bad-dtype", id="complex numbers"),
        pytest.param(tensor(storage="QInt8Storage"), "bad-dtype", id="quantised numbers"),
        pytest.param(tensor(function="_rebuild_sparse_tensor"), "unsupported-tensor", id="a sparse tensor"),
        pytest.param(
            tensor(function="_rebuild_meta_tensor_no_storage"), "unsupported-tensor", id="a tensor without data"
        ),
    ],
)
def test_a_tensor_that_lies_is_refused(refused, made, code):
    assert refused(torch_file(state(weight=made)))["code"] == code


@pytest.mark.attack(36)
def test_data_of_no_tensor_is_refused(refused):
    data = torch_file(state(weight=tensor()), {"0": bytes(24), "1": b"the test set's answers"})
    fault = refused(data)
    assert (fault["code"], "data/1" in fault["what"]) == ("stray-record", True)


# --- the container -----------------------------------------------------------------------------


def overlapping():
    """Two records in the same bytes: the table says that data/1 begins within data/0, and there is a header for it."""
    name = b"model/data/1"
    inner = 30 + len(name) + 24
    data = bytearray(torch_file(state(weight=tensor(), bias=tensor("1")), {"0": bytes(inner), "1": bytes(24)}))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        zero, one = (archive.getinfo(f"model/data/{n}").header_offset for n in (0, 1))
    start = zero + 30 + len(name)
    data[start : start + inner] = data[one : one + inner]
    table = [data.rindex(b"model/data/0") - 46, data.rindex(name) - 46]
    check_sum = struct.pack("<I", zlib.crc32(data[start : start + inner]))
    data[zero + 14 : zero + 18] = data[table[0] + 16 : table[0] + 20] = check_sum
    struct.pack_into("<I", data, table[1] + 42, start)
    return bytes(data)


def patched(old, new, *, last=False):
    data = torch_file(state(weight=tensor()))
    at = data.rindex(old) if last else data.index(old)
    return data[:at] + new + data[at + len(old) :]


def twice():
    made = io.BytesIO(torch_file(state(weight=tensor())))
    with zipfile.ZipFile(made, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("model/data.pkl", b"cos\nsystem\n.")
    return made.getvalue()


@pytest.mark.attack(30, 31)
@pytest.mark.parametrize(
    ("make", "codes"),
    [
        pytest.param(overlapping, ("overlap",), id="two records in the same bytes"),
        pytest.param(lambda: patched(b"data/0", b"data/9"), ("corrupt",), id="a record's own header has another name"),
        pytest.param(lambda: patched(struct.pack("<f", 5), b"\0\0\0\1"), ("corrupt",), id="a flipped byte"),
        pytest.param(twice, ("corrupt",), id="a name twice, the second with code"),
        pytest.param(
            lambda: b"#!/bin/sh\n" + torch_file(state(weight=tensor())), ("not-weights",), id="a script before it"
        ),
        pytest.param(
            lambda: torch_file(state(weight=tensor()), order=b"big"), ("byte-order",), id="the other byte order"
        ),
        pytest.param(
            lambda: torch_file(state(weight=tensor()), extra=[("code/net.py", b"x")]),
            ("torchscript",),
            id="TorchScript",
        ),
        pytest.param(
            lambda: torch_file(state(weight=tensor()), extra=[("models/model.json", b"{}")]),
            ("exported-program",),
            id="an exported program",
        ),
        pytest.param(
            lambda: torch_file(state(weight=tensor()), extra=[("more/data.pkl", b".")]), ("corrupt",), id="two pickles"
        ),
    ],
)
def test_a_container_that_lies_is_refused(refused, make, codes):
    assert refused(make())["code"] in codes


@pytest.mark.attack(37)
def test_a_file_cut_off_anywhere_is_refused(refused):
    data = torch_file(state(weight=tensor()))
    for end in range(4, len(data), 37):
        assert refused(data[:end])["code"] == "truncated"


def test_a_hundred_thousand_records_are_too_many(refused, monkeypatch):
    monkeypatch.setattr(torch_zip, "MOST_RECORDS", 50)
    assert refused(torch_file(state(weight=tensor()), extra=[(f"x{n}", b"") for n in range(50)]))["code"] == "too-large"


def zip_of(**files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


@pytest.mark.attack(37)
@pytest.mark.parametrize(
    ("data", "code", "word"),
    [
        pytest.param(b"", "empty-file", "0 bytes", id="nothing"),
        pytest.param(b"<!DOCTYPE html><html><title>Log in", "html-page", "log-in", id="a log-in page"),
        pytest.param(b"\xef\xbb\xbf\n <HTML><body>", "html-page", "web page", id="a page with a byte-order mark"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "lfs-pointer", "LFS", id="Git LFS"),
        pytest.param(b"\x89HDF\r\n\x1a\n" + bytes(99), "not-weights", "Keras", id="Keras"),
        pytest.param(b"\x93NUMPY\x01\x00v\x00{", "not-weights", "NumPy", id="a NumPy array"),
        pytest.param(b"weights of my network: 0.1 0.2", "not-weights", "begins with 77 65", id="text"),
        pytest.param(b"\0" * 100, "not-weights", "begins with 00 00", id="zeros"),
        pytest.param(zip_of(**{"a.npy": b"x"}), "not-weights", "NumPy archive", id="a NumPy archive"),
        pytest.param(zip_of(**{"model.py": b"x"}), "not-weights", "zip archive", id="a zip of the code"),
        pytest.param(zip_of(), "not-weights", "empty zip", id="an empty zip"),
    ],
)
def test_what_is_no_weights_file_is_said(refused, data, code, word):
    fault = refused(data)
    assert fault["code"] == code
    assert word in fault["what"]


@pytest.mark.parametrize(
    ("script", "code", "word"),
    [
        pytest.param(
            b"\x80\x02}(" + text("epoch") + b"K\x03" + text("model_state_dict") + state(w=tensor())[2:-1] + b"u.",
            "wrapper-dict", "under 'model_state_dict'", id="a dictionary around the weights",
        ),
        pytest.param(b"\x80\x02}(" + text("w") + tensor() + text("epoch") + b"K\x03u.", "not-a-state-dict",
                     "the entry 'epoch' is no tensor", id="an epoch among the weights"),
        pytest.param(b"\x80\x02](" + tensor() + b"e.", "not-a-state-dict", "a list", id="a list of tensors"),
        pytest.param(b"\x80\x02" + tensor() + b".", "not-a-state-dict", "a single tensor", id="one tensor"),
        pytest.param(b"\x80\x02}(" + text("state") + b"}" + text("param_groups") + b"]u.", "not-a-state-dict",
                     "optimizer", id="the state of an optimizer"),
        pytest.param(b"\x80\x02}.", "not-a-state-dict", "a dictionary of nothing", id="an empty dictionary"),
        pytest.param(b"\x80\x02}K\x01" + tensor() + b"s.", "not-a-state-dict", "a dictionary of 1", id="numbers for names"),
        pytest.param(b"\x80\x02N.", "not-a-state-dict", "a single value", id="None"),
    ],
)  # fmt: skip
def test_what_is_no_state_dict_is_said(refused, script, code, word):
    fault = refused(torch_file(script))
    assert fault["code"] == code
    assert word in fault["what"]


def test_a_wrapper_is_refused_with_the_line_that_mends_it(refused):
    script = b"\x80\x02}(" + text("net") + state(w=tensor())[2:-1] + b"u."
    assert refused(torch_file(script))["fix"].endswith("""torch.save(checkpoint['net'], "model.pth")""")


# --- numbers that are none ---------------------------------------------------------------------

NOT_FINITE = [
    ("FloatStorage", "<f", 4), ("DoubleStorage", "<d", 8), ("HalfStorage", "<e", 2),
]  # fmt: skip


@pytest.mark.attack(35)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(("storage", "code", "size"), NOT_FINITE)
def test_a_number_that_is_none_is_named_by_its_tensor(refused, opened, storage, code, size, value):
    largest = {"<f": 3.4028234e38, "<d": 1.7e308, "<e": 65504.0}[code]
    fine = b"".join(struct.pack(code, number) for number in (0.0, -largest, largest))
    script = state(
        fine=tensor("0", shape=(3,), length=3, storage=storage), odd=tensor("1", shape=(1,), length=1, storage=storage)
    )
    opened(torch_file(script, {"0": fine, "1": bytes(size)}))
    fault = refused(torch_file(script, {"0": fine, "1": struct.pack(code, value)}))
    assert fault["code"] == "not-finite"
    assert "'odd'" in fault["what"]


@pytest.mark.attack(35)
def test_a_bfloat16_that_is_none_is_seen(refused, opened):
    script = state(odd=tensor("0", shape=(2,), length=2, storage="BFloat16Storage"))
    opened(torch_file(script, {"0": b"\x7f\x7f\x80\x3f"}))
    assert refused(torch_file(script, {"0": b"\xc0\x7f\x80\x3f"}))["code"] == "not-finite"


def test_a_nan_between_the_numbers_of_a_view_is_not_the_tensors(opened):
    script = state(column=tensor(shape=(2,), strides=(3,), length=6))
    opened(torch_file(script, {"0": struct.pack("<6f", 1, float("nan"), float("nan"), 2, float("nan"), float("nan"))}))


# --- safetensors -------------------------------------------------------------------------------


def entry(**changes):
    return {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24], **changes}


@pytest.mark.attack(38)
@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(
            safetensors_file({"a": entry()}, bytes(24), length=2**20 + 1), "header-too-large", id="header over 1 MB"
        ),
        pytest.param(
            safetensors_file({"a": entry()}, bytes(24), length=2**63), "header-too-large", id="a lying length"
        ),
        pytest.param(safetensors_file({"a": entry()}, b"")[:40], "truncated", id="cut off in the header"),
        pytest.param(safetensors_file({"a": entry()}, bytes(23)), "truncated", id="one byte short"),
        pytest.param(safetensors_file({"a": entry()}, bytes(25)), "stray-record", id="one byte too many"),
        pytest.param(
            safetensors_file({"a": entry(data_offsets=[0, 20])}, bytes(20)), "truncated", id="shape over data"
        ),
        pytest.param(
            safetensors_file({"a": entry(), "b": entry(data_offsets=[12, 36])}, bytes(36)), "overlap", id="overlap"
        ),
        pytest.param(safetensors_file({"a": entry(), "b": entry(data_offsets=[28, 52])}, bytes(52)), "gap", id="a gap"),
        pytest.param(
            safetensors_file({"a": entry(data_offsets=[24, 0])}, bytes(24)), "truncated", id="end before begin"
        ),
        pytest.param(safetensors_file({"a": entry(shape=[-2, -3])}, bytes(24)), "corrupt", id="negative sides"),
        pytest.param(safetensors_file({"a": entry(shape=[6, True])}, bytes(24)), "corrupt", id="true for one"),
        pytest.param(safetensors_file({"a": entry(shape=[6.0])}, bytes(24)), "corrupt", id="6.0 for six"),
        pytest.param(safetensors_file({"a": entry(more=1)}, bytes(24)), "corrupt", id="a field more"),
        pytest.param(safetensors_file({"a": entry(dtype="C64")}, bytes(24)), "bad-dtype", id="complex numbers"),
        pytest.param(safetensors_file({"a": entry(dtype="F8_E4M3")}, bytes(24)), "bad-dtype", id="8-bit floats"),
        pytest.param(safetensors_file({"a": 5}), "corrupt", id="no description"),
        pytest.param(safetensors_file(b'{"a": 1, "a": 2}'), "corrupt", id="a name twice"),
        pytest.param(safetensors_file(b'{"a": NaN}'), "corrupt", id="a NaN in the header"),
        pytest.param(safetensors_file(b'{"a":' * 50_000 + b"1" + b"}" * 50_000), "corrupt", id="a deep header"),
        pytest.param(safetensors_file({}), "not-a-state-dict", id="no tensor"),
        pytest.param(
            safetensors_file({"a": entry()}, struct.pack("<6f", 1, 2, 3, 4, 5, float("nan"))), "not-finite", id="NaN"
        ),
    ],
)
def test_a_safetensors_file_that_lies_is_refused(refused, data, code):
    assert refused(data)["code"] == code


def test_a_header_of_exactly_the_limit_is_read(opened):
    header = json.dumps({"a": entry()}).encode()
    opened(safetensors_file(header + b" " * (2**20 - len(header)), bytes(24)))


# --- no bytes of a stranger crash the reader ---------------------------------------------------

WHOLE = [torch_file(state(weight=tensor(), bias=tensor("1"))), safetensors_file({"a": entry()}, bytes(24))]


@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_with_wrong_bytes_is_read_or_refused(tmp_path, data, changes):
    changed = bytearray(data)
    for place, value in changes:
        changed[int(place * len(data))] = value
    path = tmp_path / "changed"
    path.write_bytes(changed)
    try:
        refuse_not_finite(open_weights(path, "model.pth"), "model.pth")
    except Fault as fault:
        assert fault.fields["code"]


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_pickle_or_are_not(data):
    made = pickled.read(data)
    assert made.broken or data.endswith(b".")


def test_random_opcodes_are_a_pickle_or_are_not():
    """Bytes that are opcodes more often than by chance."""
    dice = random.Random(1)
    steps = [b"(", b".", b"0", b"1", b"2", b"N", b"K\x01", b"}", b"]", b")", b"t", b"l", b"d", b"s", b"u", b"a", b"e", b"b", b"R",
             b"\x81", b"\x85", b"\x86", b"\x87", b"q\x01", b"h\x01", b"Q", b"\x8f", b"\x90", b"\x91", b"\x94", text("a"),
             b"ctorch\nSize\n", b"ccollections\nOrderedDict\n", b"\x93", b"o", b"\x92"]  # fmt: skip
    for _ in range(3000):
        script = b"\x80\x04" + b"".join(dice.choices(steps, k=dice.randint(1, 25))) + b"."
        made = pickled.read(script)
        torch_zip.code_fault(made.names, "model.pth")


@pytest.mark.attack(28)
@pytest.mark.sandbox
def test_through_the_box_the_verdicts_are_the_same(tmp_path):
    level = sandbox.level()
    if not level.is_isolated:
        pytest.skip(f"no sandbox here: {level.reason}")
    marker = tmp_path / "marker"
    good, bad = tmp_path / "good.pth", tmp_path / "bad.pth"
    good.write_bytes(torch_file(state(**{"module.weight": tensor()})))
    bad.write_bytes(torch_file(pickle.dumps(Touch(marker), 2)))
    files = {"good.pth": good, "bad.pth": bad}
    ended = sandbox.run(
        "checkpoint", files=files, request={"checkpoint": "good.pth", "max_elements": None}, level=level
    )
    assert isinstance(ended, sandbox.Answered)
    [one] = ended.result.pop("tensors")
    assert ended.result == {
        "format": "torch-zip", "elements": 6, "bytes": good.stat().st_size, "module_prefix": True,
    }  # fmt: skip
    assert [one[key] for key in ("name", "shape", "dtype", "elements")] == ["module.weight", [2, 3], "float32", 6]
    ended = sandbox.run("checkpoint", files=files, request={"checkpoint": "bad.pth"}, level=level)
    assert isinstance(ended, sandbox.StudentFault)
    assert (ended.problem.code, ended.problem.where) == ("pickled-code", "bad.pth")
    assert not marker.exists()


# --- each of them through the public door --------------------------------------------------------


def deflated_megabytes(count=256):
    """Attack 32 as it was measured: a quarter of a MB on disk, 256 MB of weights."""
    size = count * 2**20
    return torch_file(state(w=tensor(shape=(size // 4,), length=size // 4)), {"0": bytes(size)}, compress=("data/0",))


def shared_pairs(calls=20_000):
    """One list of 20,000 pairs, of which each of so many ordered dictionaries is to be made."""
    pairs = b"](" + b"".join(number(n) + b"K\x01\x86" for n in range(20_000)) + b"eq\x01"
    return b"\x80\x02" + pairs + b"ccollections\nOrderedDict\nq\x020" + b"h\x02h\x01\x85R" * calls + b"."


def many_names(count=200_000):
    """Names of classes, each another one, half of them as torch's own layers are called."""
    rows = (f"c{'torch.nn.x' if n % 2 else 'own'}\nC{n}\n0".encode() for n in range(count))
    return b"\x80\x02" + b"".join(rows) + b"N."


def long_table():
    """The last record of a zip says that its table of contents is 2 GB long."""
    data = bytearray(torch_file(state(w=tensor())))
    at = data.rindex(b"PK\x05\x06")
    struct.pack_into("<L", data, at + 12, 2**31)
    return bytes(data)


def encrypted():
    """The flag of an encrypted record, which makes some scanners look away."""
    data = bytearray(torch_file(pickle.dumps(eval, 2)))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


EVAL = pickle.dumps(eval, 2)
TABLE = {
    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "F32", "shape": [2, 3], "data_offsets": [12, 36]},
}
AT_THE_DOOR = [
    # attack, file, the code of the refusal, words in the sentence
    pytest.param(28, lambda: torch_file(EVAL), "pickled-code", "__builtin__.eval", id="code in a zip"),
    pytest.param(28, lambda: EVAL, "pickled-code", "__builtin__.eval", id="code in a plain pickle"),
    pytest.param(29, lambda: pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + EVAL, "pickled-code", "__builtin__.eval", id="code in an old file"),
    pytest.param(29, lambda: b"\x80\x02ctorch.serialization\n_legacy_load\n)R.", "pickled-code", "_legacy_load", id="a bare call of torch's loader"),
    pytest.param(30, encrypted, "corrupt", "disagree", id="zip flags"),
    pytest.param(30, lambda: patched(struct.pack("<f", 5), b"\0\0\0\1"), "corrupt", "check sum", id="a bad check sum"),
    pytest.param(31, lambda: torch_file(b"\x80\x02c__main__\nNet\n)\x81}ctorch.nn.modules.conv\nConv2d\n0b."), "whole-module", "__main__.Net", id="a whole module"),
    pytest.param(31, lambda: torch_file(state(w=tensor()), extra=[("code/net.py", b"x")]), "torchscript", "TorchScript", id="TorchScript"),
    pytest.param(31, lambda: torch_file(state(w=tensor()), extra=[("archive_format", b"pt2")]), "exported-program", "exported", id="an exported program"),
    pytest.param(32, deflated_megabytes, "compressed-record", "data/0", id="256 MB deflated"),
    pytest.param(33, lambda: torch_file(state(w=tensor(shape=(10**5, 10**5), strides=(0, 0)))), "stride-trick", "10,000,000,000 elements", id="10**10 elements of one"),
    pytest.param(33, overlapping, "overlap", "within another", id="overlapping storages"),
    pytest.param(34, lambda: torch_file(b"\x80\x02}" + text("w") + doubled(30) + b"s."), "not-a-state-dict", "dictionary of 'w'", id="2**30 leaves"),
    pytest.param(34, lambda: torch_file(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."), "not-a-state-dict", "a list", id="a list 200,000 deep"),
    pytest.param(34, lambda: torch_file(shared_pairs()), "corrupt", "entries", id="a list walked again and again"),
    pytest.param(34, lambda: torch_file(many_names()), "whole-module", "own.C0", id="200,000 names"),
    pytest.param(34, lambda: torch_file(b"\x80\x02}" + b"".join(text(f"k{n}") + b"K\x01s" for n in range(300_000)) + b"."), "not-a-state-dict", "", id="300,000 entries"),
    pytest.param(35, lambda: torch_file(state(w=tensor()), {"0": struct.pack("<6f", 0, 1, 2, 3, 4, float("nan"))}), "not-finite", "'w'", id="NaN"),
    pytest.param(35, lambda: torch_file(state(w=tensor()), {"0": struct.pack("<6f", 0, 1, 2, 3, 4, float("-inf"))}), "not-finite", "'w'", id="infinity"),
    pytest.param(35, lambda: torch_file(state(w=tensor(storage="ComplexFloatStorage"))), "bad-dtype", "ComplexFloatStorage", id="complex numbers"),
    pytest.param(35, lambda: torch_file(state(w=tensor(function="_rebuild_sparse_tensor"))), "unsupported-tensor", "sparse", id="sparse"),
    pytest.param(35, lambda: torch_file(state(w=tensor(function="_rebuild_qtensor"))), "unsupported-tensor", "quantised", id="quantised"),
    pytest.param(35, lambda: torch_file(state(w=tensor(function="_rebuild_meta_tensor_no_storage"))), "unsupported-tensor", "meta", id="meta"),
    pytest.param(35, lambda: torch_file(state(w=b"ctorch._tensor\n_rebuild_from_type_v2\n)R")), "unsupported-tensor", "_rebuild_from_type_v2", id="a subclass"),
    pytest.param(36, lambda: torch_file(state(w=tensor()), {"0": bytes(24), "1": b"answers"}), "stray-record", "data/1", id="data of no tensor"),
    pytest.param(36, lambda: torch_file(state(w=tensor()), extra=[("notes.txt", bytes(5000))]), "stray-record", "notes.txt", id="a file beside the data"),
    pytest.param(36, lambda: torch_file(state(**{"w" * 501: tensor()})), "long-name", "501 characters", id="answers in a name"),
    pytest.param(37, lambda: b"", "empty-file", "0 bytes", id="empty"),
    pytest.param(37, lambda: torch_file(state(w=tensor()))[:-100], "truncated", "cut off", id="truncated"),
    pytest.param(37, lambda: b"<!DOCTYPE html><html><title>Log in", "html-page", "log-in", id="a log-in page"),
    pytest.param(37, long_table, "too-large", "table of records", id="a table of 2 GB"),
    pytest.param(38, lambda: safetensors_file({"a": TABLE["a"]}, bytes(24), length=2**20 + 1), "header-too-large", "1,048,577", id="a bloated header"),
    pytest.param(38, lambda: safetensors_file(TABLE, bytes(36)), "overlap", "overlaps", id="overlapping offsets"),
    pytest.param(38, lambda: safetensors_file({"a": TABLE["a"]}, bytes(25)), "stray-record", "no tensor", id="bytes behind the tensors"),
    pytest.param(38, lambda: safetensors_file({"a": TABLE["a"], "__metadata__": {"a": 1}}, bytes(24)), "corrupt", "library safetensors", id="what only the library minds"),
]  # fmt: skip


@pytest.mark.sandbox
@pytest.mark.attack(28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38)
@pytest.mark.parametrize(("attack", "make", "code", "word"), AT_THE_DOOR)
def test_at_the_door_each_is_refused_with_a_sentence_of_its_own(tmp_path, box, attack, make, code, word):
    """In half a gigabyte of memory, by a wrong ending too: the bytes decide, not the name."""
    file = tmp_path / "weights"
    file.write_bytes(make())
    for name in ("model.pth", "model.safetensors"):
        limits = sandbox.Limits(memory_mb=512, wall_s=60)
        ended = sandbox.run("checkpoint", files={name: file}, request={"checkpoint": name}, limits=limits, level=box)
        assert isinstance(ended, sandbox.StudentFault), (attack, ended)
        said = ended.problem
        assert (said.code, word in said.what, said.where.split()[0]) == (code, True, name), said
        assert said.fix
        assert not ended.limit


@pytest.mark.attack(29)
@pytest.mark.torch
@pytest.mark.parametrize("version", ["2.9.1", "2.9.0+cu128", "1.13.0"])
def test_a_torch_that_is_too_old_is_the_machines_fault(monkeypatch, version):
    """It ends before a student's byte is touched, so that the parent calls it a fault of the system."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch, "__version__", version)
    with pytest.raises(RuntimeError, match=r"too old, 2\.10 is the oldest"):
        network.prepare()


@pytest.mark.attack(29)
@pytest.mark.torch
@pytest.mark.parametrize("version", ["2.10.0", "2.13.1+cpu", "3.0.0a0+git1"])
def test_a_torch_that_is_new_enough_is_used(monkeypatch, version):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch, "__version__", version)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    shared = types.SimpleNamespace(install=lambda: None)  # the file that stands beside the programs in the box
    monkeypatch.setattr(network.importlib, "import_module", lambda _: shared)
    network.prepare()
