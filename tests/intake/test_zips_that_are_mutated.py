"""Whatever the bytes are: either what zipfile would extract, with right digests, or a problem. Never an exception."""

import contextlib
import hashlib
import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.intake import IntakeLimits, read_submission, remove_tree

LIMITS = IntakeLimits(max_total_bytes=2**20, max_file_bytes=2**18, ratio_floor_bytes=2**16)
MANIFEST = json.dumps({"assignment": "digits", "students": [{"id": "s1"}]})


def small_zip(method, comment=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.comment = comment
        archive.writestr("submission.json", MANIFEST)
        archive.writestr("a/model.py", "import torch\n" * 20)
        archive.writestr("ü.txt", "x")
    return buffer.getvalue()


SEEDS = [
    small_zip(zipfile.ZIP_STORED),
    small_zip(zipfile.ZIP_DEFLATED),
    small_zip(zipfile.ZIP_DEFLATED, b"PK\5\6 hello"),
]


@st.composite
def mutated(draw):
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        if not data:
            break
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["flip", "set", "cut", "insert", "delete", "copy"])):
            case "flip":
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "set":
                block = draw(
                    st.sampled_from([b"\0\0\0\0", b"\xff" * 4, b"\xff" * 2, b"/", b"..", b"PK\5\6", b"PK\1\2"])
                )
                data[at : at + len(block)] = block
            case "cut":
                del data[at:]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=30))
            case "delete":
                del data[at : at + draw(st.integers(1, 60))]
            case "copy":
                end = draw(st.integers(at, len(data)))
                data += data[at:end]
    return bytes(data)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a canary, and the workspace in it."""
    top = tmp_path_factory.mktemp("mutated")
    (top / "workspace").mkdir()
    (top / "canary").write_text("alive")
    return top


def check(data, place):
    (place / "hw.zip").write_bytes(data)
    submission = read_submission(place / "hw.zip", limits=LIMITS, workspace=place / "workspace", assignment="digits")
    try:
        assert sorted(path.name for path in place.iterdir()) == ["canary", "hw.zip", "workspace"]
        assert (place / "canary").read_text() == "alive"
        if not submission.is_readable:
            assert submission.problems
            assert submission.files == ()
            assert list((place / "workspace").iterdir()) == []
            return
        unpacked = {p for p in submission.source.unpacked_at.rglob("*") if not p.is_dir()}
        assert unpacked == {submission.root / file.path for file in submission.files}
        for file in submission.files:
            content = (submission.root / file.path).read_bytes()
            assert (file.size, file.digest) == (len(content), hashlib.sha256(content).hexdigest())
        assert_zipfile_agrees(data, submission)
    finally:
        assert (place / "hw.zip").read_bytes() == data
        assert submission.source.unpacked_at is None or remove_tree(submission.source.unpacked_at)


def assert_zipfile_agrees(data, submission):
    """What Python's reader finds under a name are the bytes that were graded: the teacher sees the same file."""
    with contextlib.suppress(zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):
        archive = zipfile.ZipFile(io.BytesIO(data))
        for info in archive.infolist():
            name = info.filename
            if not info.flag_bits & 0x800:  # it takes the old code page for granted
                with contextlib.suppress(UnicodeError):
                    name = info.orig_filename.encode("cp437").decode()
            file = submission.source.unpacked_at / name
            if file.is_file():
                assert file.read_bytes() == archive.read(info)


@given(data=mutated())
@settings(max_examples=300, deadline=None)
def test_no_mutation_raises_or_lies(data, place):
    check(data, place)


@given(data=st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: SEEDS[0][:60] + tail))
@settings(max_examples=60, deadline=None)
def test_no_bytes_raise(data, place):
    check(data, place)


@st.composite
def lying(draw, raw_zip):
    """An archive of whole records in which single fields lie."""
    small = st.integers(0, 3) | st.sampled_from([2**16 - 1])
    big = st.integers(0, 200) | st.sampled_from([2**31, 2**32 - 1])
    names = st.sampled_from(
        [b"a", b"b", b"a/b", b"../c", b"/d", b"e\0", b"\xc3\xbc", b"u\xcc\x88", b"\x81", b"f/", b""]
    )
    fields = {
        "flags": st.sampled_from([0, 1, 8, 0x800, 0x808]),
        "method": st.sampled_from([0, 8, 12]),
        "size": big,
        "packed_size": big,
        "crc": big,
        "name": names,
        "extra": st.sampled_from([b"", b"\1\0\x10\0" + bytes(16), b"\1\0\x08\0" + bytes(8), b"\x75\x70\1\0\1", b"\1"]),
    }
    lies = st.fixed_dictionaries({}, optional=fields)
    entries = [
        raw_zip.Raw(
            draw(names),
            draw(st.sampled_from([b"", b"x", b"x" * 300])),
            method=draw(st.sampled_from([0, 8])),
            mode=draw(st.sampled_from([0, 0o100644, 0o120777, 0o40755])),
            local=draw(lies) if draw(st.booleans()) else {},
            central=draw(st.fixed_dictionaries({}, optional=fields | {"offset": big})) if draw(st.booleans()) else {},
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    end = st.fixed_dictionaries(
        {}, optional={"here": small, "all": small, "size": big, "offset": big, "comment": small}
    )
    edge = st.sampled_from([b"", b"", b"x", b"PK\3\4"])
    if draw(st.integers(0, 4)) == 0:
        odd = draw(st.fixed_dictionaries({}, optional={"record": st.fixed_dictionaries({}, optional={
            "here": small, "all": small, "size": big, "offset": big})}))  # fmt: skip
        return raw_zip.build(*entries, tail=lambda *where: raw_zip.tail_64(*where, **odd))
    return raw_zip.build(*entries, before=draw(edge), behind=draw(edge), end=draw(end) if draw(st.booleans()) else None)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_no_lying_field_raises_or_is_believed(data, place, raw_zip):
    check(data.draw(lying(raw_zip)), place)
