"""Honest zips: what Python's own zipfile extracts is what intake has, byte for byte."""

import hashlib
import io
import json
import shutil
import stat
import subprocess
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.intake import IntakeLimits
from grader.intake.names import Shelf, compiled_flaw, is_left_out, name_flaws

MANIFEST = json.dumps({"assignment": "digits", "students": [{"id": "s1"}]})
FILES = {"submission.json": MANIFEST, "src/model.py": "import torch\n" * 500, "empty.txt": "", "a b/ü.txt": "x"}


def zipped(files, method=zipfile.ZIP_DEFLATED, into=None, **options):
    buffer = into or io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method, **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue() if into is None else None


def as_zipfile_extracts(data, top, out):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(out)
    found = out / top
    return {
        path.relative_to(found).as_posix(): path.read_bytes() for path in sorted(found.rglob("*")) if path.is_file()
    }


def as_read(submission):
    assert submission.is_readable, submission.problems
    assert [file.path for file in submission.files] == sorted(file.path for file in submission.files)
    read = {}
    for file in submission.files:
        read[file.path] = content = (submission.root / file.path).read_bytes()
        assert (file.size, file.digest) == (len(content), hashlib.sha256(content).hexdigest())
    return read


class Pipe(io.RawIOBase):
    """A stream that cannot go back: zipfile then writes the sizes behind the data."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, block):
        self.data += block
        return len(block)


def streamed():
    pipe = Pipe()
    zipped(FILES, into=pipe)
    return bytes(pipe.data)


def with_zip64():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(content.encode())
    return buffer.getvalue()


def with_comment():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = b"made on a Friday" * 4000
        for name, content in FILES.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(zipped(FILES), id="deflated"),
        pytest.param(zipped(FILES, zipfile.ZIP_STORED), id="stored"),
        pytest.param(zipped(FILES, compresslevel=1), id="deflated in a hurry"),
        pytest.param(streamed(), id="streamed, sizes behind the data"),
        pytest.param(with_zip64(), id="ZIP64 fields in small files"),
        pytest.param(with_comment(), id="a comment of 64 kB"),
        pytest.param(zipped({"a/": "", "a/b/": "", **FILES}), id="empty folders"),
        pytest.param(zipped({**FILES, "inner.zip": zipped(FILES)}), id="an archive within is a file"),
        pytest.param(
            zipped({**FILES, "in.zip": zipped(FILES, zipfile.ZIP_STORED)}, zipfile.ZIP_STORED), id="last, stored"
        ),
    ],
)
def test_the_tree_is_what_zipfile_extracts(data, hand_in, tmp_path):
    submission = hand_in(data)
    assert as_read(submission) == as_zipfile_extracts(data, "", tmp_path / "out")
    assert submission.problems == ()


def test_a_zip_needs_no_suffix(hand_in):
    assert as_read(hand_in(zipped(FILES), name="hand-in"))["empty.txt"] == b""


def test_what_info_zip_writes_is_read_with_its_names(hand_in, tmp_path):
    program = shutil.which("zip")
    if program is None:
        pytest.skip("Info-ZIP's zip is not installed")
    out = tmp_path / "out"
    (out / "hw" / "Übung").mkdir(parents=True)
    (out / "hw" / "submission.json").write_text(MANIFEST)
    (out / "hw" / "Übung" / "日本.txt").write_text("x" * 1000)
    subprocess.run([program, "-qr", "hw.zip", "hw"], cwd=out, check=True)
    read = as_read(hand_in((out / "hw.zip").read_bytes()))
    assert read == {"submission.json": MANIFEST.encode(), "Übung/日本.txt": b"x" * 1000}  # in UTF-8, unsaid
    packed = subprocess.run([program, "-qr", "-", "hw"], cwd=out, check=True, stdout=subprocess.PIPE).stdout
    assert as_read(hand_in(packed)) == read


def test_a_name_in_the_old_code_page_is_read_as_zipfile_does(hand_in, raw_zip, tmp_path):
    data = raw_zip.build(raw_zip.Raw(b"\x9abung.txt"), raw_zip.Raw("b"))
    assert set(as_read(hand_in(data))) == {"Übung.txt", "b"} == set(as_zipfile_extracts(data, "", tmp_path / "out"))


def unicode_name(raw, name, version=1):
    body = bytes([version]) + zlib.crc32(raw).to_bytes(4, "little") + name.encode()
    return b"\x75\x70" + len(body).to_bytes(2, "little") + body


def test_a_unicode_name_beside_an_unreadable_one_counts(hand_in, raw_zip):
    entry = raw_zip.Raw(b"\x81\x82", extra=unicode_name(b"\x81\x82", "日.txt"))
    assert set(as_read(hand_in(raw_zip.build(entry)))) == {"日.txt"}


def test_a_unicode_name_made_for_another_name_does_not_count(hand_in, raw_zip):
    entry = raw_zip.Raw(b"a.txt", extra=unicode_name(b"b.txt", "c.txt"))
    assert set(as_read(hand_in(raw_zip.build(entry)))) == {"a.txt"}


def test_an_entry_called_deflated_with_no_bytes_at_all_is_an_empty_file(hand_in, raw_zip):
    assert as_read(hand_in(raw_zip.build(raw_zip.Raw("a", b"", packed=b""), raw_zip.Raw("b")))) == {"a": b"", "b": b"x"}


def test_the_single_folder_at_the_top_is_the_root(hand_in):
    submission = hand_in(zipped({"hw/": "", **{f"hw/{name}": text for name, text in FILES.items()}}))
    assert as_read(submission) == {name: text.encode() for name, text in FILES.items()}
    assert submission.root.name == "hw"
    assert submission.problems == ()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"a/x": "", "b/y": ""}, {"a/x", "b/y"}, id="two folders"),
        pytest.param({"a/x": "", "y": ""}, {"a/x", "y"}, id="a folder and a file"),
        pytest.param({"x": ""}, {"x"}, id="one file"),
        pytest.param({"a/a/x": ""}, {"a/x"}, id="one level only"),
        pytest.param({"a/x": "", "__MACOSX/a/._x": "", ".DS_Store": ""}, {"x"}, id="what a Mac adds does not count"),
        pytest.param({"./": "", "./a/": "", "./a/x": "", "./y": ""}, {"a/x", "y"}, id="names of bsdtar"),
    ],
)
def test_the_root_is_found(files, expected, hand_in):
    assert set(as_read(hand_in(zipped(files)))) == expected


def test_what_tools_leave_behind_is_counted_not_read(hand_in, raw_zip):
    junk = [
        raw_zip.Raw(".git/config"),
        raw_zip.Raw(".git/objects/aa/" + "b" * 300),  # its name alone would refuse it
        raw_zip.Raw("src/__pycache__/model.cpython-311.pyc"),
        raw_zip.Raw(".venv/bin/python", b"/usr/bin/python3", mode=0o120777),
        raw_zip.Raw("__MACOSX/._a", flags=1),
        raw_zip.Raw("Icon\r", b""),
        raw_zip.Raw("model.py~"),
        raw_zip.Raw(".git/big", b"\0" * 30_000_000),
    ]
    submission = hand_in(raw_zip.build(raw_zip.Raw("model.py"), *junk), limits=IntakeLimits(max_entries=1))
    assert as_read(submission) == {"model.py": b"x"}
    assert submission.source.left_out == 6
    assert [p.code for p in submission.problems] == ["no-manifest"]


def test_compiled_files_are_told_and_left_out(hand_in, codes):
    submission = hand_in(zipped({**FILES, "evil.so": "\x7fELF", "src/m.pyc": "x"}))
    assert set(as_read(submission)) == set(FILES)
    assert codes(submission) == ["compiled-file", "compiled-file"]
    assert str(submission.problems[0]) == (
        'hw.zip "evil.so": a compiled file, which nobody can read; it was left out\n'
        "  fix: hand in the source it was made from"
    )
    assert not list(submission.source.unpacked_at.rglob("*.so"))


@pytest.mark.parametrize(
    ("before", "behind", "remarks"),
    [
        pytest.param(b"", b"", (), id="nothing"),
        pytest.param(b"#!/bin/sh\n", b"", ("10 bytes before the archive were not read",), id="before"),
        pytest.param(b"", b"more", ("4 bytes behind the archive were not read",), id="behind"),
    ],
)
def test_data_around_the_archive_is_a_remark(before, behind, remarks, hand_in, raw_zip, codes):
    data = raw_zip.build(raw_zip.Raw("a"), raw_zip.Raw("submission.json", MANIFEST.encode()), behind=behind)
    for archive in (
        before + data,
        raw_zip.build(
            raw_zip.Raw("a"), raw_zip.Raw("submission.json", MANIFEST.encode()), before=before, behind=behind
        ),
    ):  # with offsets from either start
        submission = hand_in(archive)
        assert submission.source.remarks == remarks
        assert codes(submission) == []
        assert set(as_read(submission)) == {"a", "submission.json"}


def test_no_mode_of_the_archive_is_taken_over(hand_in, raw_zip):
    odd = [raw_zip.Raw("a", mode=0o100777), raw_zip.Raw("b/", b"", 0, mode=0o42777), raw_zip.Raw("b/c", mode=0o100000)]
    submission = hand_in(raw_zip.build(*odd))
    assert set(as_read(submission)) == {"a", "b/c"}
    for path in [submission.source.unpacked_at, *submission.source.unpacked_at.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_limits_are_inclusive(hand_in, raw_zip):
    data = raw_zip.build(raw_zip.Raw("a", b"12345"), raw_zip.Raw("b", b"123"))
    exact = IntakeLimits(max_entries=2, max_listed=2, max_total_bytes=len(data), max_file_bytes=5)
    assert hand_in(data, limits=exact).is_readable


def test_a_high_ratio_of_a_small_file_does_no_harm(hand_in, raw_zip):
    limits = IntakeLimits(max_ratio=10, ratio_floor_bytes=1_000)
    assert hand_in(raw_zip.build(raw_zip.Raw("a", b"\0" * 1_000)), limits=limits).is_readable
    assert not hand_in(raw_zip.build(raw_zip.Raw("a", b"\0" * 1_001)), limits=limits).is_readable


LIMITS = IntakeLimits()
part = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=12)
paths = st.lists(part, min_size=1, max_size=3).map("/".join).filter(lambda path: not list(name_flaws(path, LIMITS)))
trees = st.dictionaries(paths, st.binary(max_size=300), min_size=1, max_size=6)


def is_kept_as_it_is(tree):
    shelf = Shelf()
    is_kept = not any(compiled_flaw(path) or any(map(is_left_out, path.split("/"))) for path in tree)
    return is_kept and not any(shelf.put(path, is_file=True) for path in tree)


@given(tree=trees.filter(is_kept_as_it_is), method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
@settings(max_examples=60, deadline=None)
def test_every_legal_name_makes_the_round_trip(tree, method, tmp_path_factory):
    from grader.intake import submission_from

    tree = {"root.txt": b"", **{f"top/{path}": content for path, content in tree.items()}}
    where = tmp_path_factory.mktemp("trip")
    (where / "hw.zip").write_bytes(zipped(tree, method))
    with submission_from(where / "hw.zip", assignment="digits", workspace=where) as submission:
        assert as_read(submission) == tree
    assert [path.name for path in where.iterdir()] == ["hw.zip"]
