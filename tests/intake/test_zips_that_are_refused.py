"""Each way in which a zip is refused, with its sentence. Nothing is unpacked: `hand_in` looks."""

import io
import struct
import zipfile
import zlib

import pytest

from grader.intake import IntakeLimits


def said(submission):
    assert not submission.is_readable
    assert submission.files == ()
    return [str(problem) for problem in submission.problems[1:]] or [str(submission.problems[0])]


ANEW = "make the zip anew"
UPLOAD = "make the zip anew, and upload it again"
PLAIN = "make a plain zip: the archive program's setting is Zip with Deflate"
ZIP_IT = "zip the folder itself"
OTHER_USER = "it would run as another user (setuid or setgid)"
HEADERS = "its own header and the directory disagree about its"


def case(title, message, fix, *, shown=None, **entry):
    """An entry, and what is said of it. `shown` is its name as quoted, where that differs."""
    name = entry.setdefault("name", "x")
    return pytest.param(entry, f'hw.zip "{name if shown is None else shown}": {message}\n  fix: {fix}', id=title)


def both(**fields):
    """The same lie in both headers of an entry."""
    return {"local": fields, "central": fields}


def zip64_field(*values):
    return struct.pack(f"<2H{len(values)}Q", 1, 8 * len(values), *values)


NAMES = [
    case("up", "the name leads out of the folder by ..", ZIP_IT, name="a/../../x"),
    case(
        "absolute", "the name starts at the top of the disk", "zip the folder itself, not its full path", name="/etc/x"
    ),
    case("drive", "the name starts with the drive letter C:", ZIP_IT, name="C:/x"),
    case(
        "backslash",
        "the name has a backslash, which some systems take for a folder",
        "rename it; if Compress-Archive of an old PowerShell made the zip, make it in the Explorer instead",
        name="a\\b",
        shown="a\\\\b",
    ),
    case("NUL", "the name has the control character U+0000", "rename it", name="a\0.py", shown="a\\u0000.py"),
    case("device name", '"aux.h" is the name of a device on Windows', "rename it", name="aux.h"),
    case("trailing dot", '"a." ends with a dot', "rename it", name="a."),
    case("trailing space", '"a " ends with a space', "rename it", name="a /b"),
    case("no name", "a part of the name is empty or a single dot", ZIP_IT, name=""),
    case("no UTF-8", "the name is not UTF-8", "rename it", name=b"a\xff", shown="a\\udcff", flags=0x800),
]
KINDS = [
    case("link", "it is a symbolic link", "put the file itself in its place; a link is not followed", mode=0o120777),
    case("FIFO", "it is a named pipe (FIFO)", "remove it", mode=0o010644),
    case("block device", "it is a block device", "remove it", mode=0o060644),
    case("character device", "it is a character device", "remove it", mode=0o020644),
    case("socket", "it is a socket", "remove it", mode=0o140644),
    case("unknown kind", "it is of an unknown kind (mode 150000)", "remove it", mode=0o150000),
    case("setuid", OTHER_USER, "remove that permission", mode=0o104755),
    case("setgid", OTHER_USER, "remove that permission", mode=0o102755),
    case("setuid without a kind", OTHER_USER, "remove that permission", mode=0o004755),
    case("folder by mode", "its name and its mode disagree whether it is a file or a folder", ANEW, mode=0o040755),
    case(
        "file by mode",
        "its name and its mode disagree whether it is a file or a folder",
        ANEW,
        name="x/",
        data=b"",
        method=0,
    ),
    case("folder with bytes", "a folder that holds 7 bytes itself", ANEW, name="x/", data=b"payload", mode=0),
]
PACKING = [
    case("encrypted", "it is encrypted", "make the zip without a password", flags=1),
    case("strongly encrypted", "it is encrypted", "make the zip without a password", flags=0x41),
    case("encrypted by AES", "it is encrypted", "make the zip without a password", method=99, flags=1),
    case("bzip2", "it is packed by the method bzip2; only stored and deflated entries are read", PLAIN, method=12),
    case(
        "method 77", "it is packed by the method number 77; only stored and deflated entries are read", PLAIN, method=77
    ),
    case("patch", "it is packed by the method patch; only stored and deflated entries are read", PLAIN, flags=0x20),
]
RECORDS = [
    case("two names", f"{HEADERS} name", ANEW, local={"name": b"y"}),
    case("two methods", f"{HEADERS} method", ANEW, local={"method": 0}),
    case("two sizes", f"{HEADERS} size, packed size, checksum", ANEW, local={"crc": 1, "size": 5, "packed_size": 2}),
    case("encrypted once", f"{HEADERS} encryption", ANEW, local={"flags": 1}),
    case("two alphabets", f"{HEADERS} name", ANEW, name="ü", flags=0x800, local={"flags": 0}),
    case(
        "no header",
        "it has no header at the place that the directory gives",
        ANEW,
        local={"mark": b"PK\3\5"},
    ),
    case("another disk", "it lies in another part of a split archive", ANEW, central={"disk": 1}),
    case("cut extra field", "its extra fields are cut off", ANEW, central={"extra": b"\1\0\xff\xff"}),
    case("two ZIP64 fields", "the same extra field stands twice", ANEW, central={"extra": zip64_field(0, 0) * 2}),
    case("65 extra fields", "it has more than 64 extra fields", ANEW, central={"extra": b"\7\7\0\0" * 65}),
    case(
        "no ZIP64 field",
        "its size or place is missing: there is no ZIP64 field for it",
        ANEW,
        central={"size": 2**32 - 1},
    ),
    case(
        "short ZIP64 field",
        "its size or place is missing: there is no ZIP64 field for it",
        ANEW,
        central={"size": 2**32 - 1, "packed_size": 2**32 - 1, "extra": zip64_field(1)},
    ),
    case(
        "another ZIP64 field",
        "its ZIP64 field gives another size than its plain one",
        ANEW,
        central={"extra": zip64_field(99, 98)},
    ),
]
DATA = [
    case("declares too much", "it declares 9 bytes and holds 1", ANEW, **both(size=9)),
    case("declares too little", "it holds more than the 4 bytes it declares", ANEW, data=b"12345", **both(size=4)),
    case(
        "stored in another size",
        "it is stored as it is, but 4 bytes are said to be 5",
        ANEW,
        method=0,
        data=b"12345",
        **both(size=4),
    ),
    case("another checksum", "its bytes are damaged: their checksum is 8cdc1683, not 00000007", UPLOAD, **both(crc=7)),
    case("no deflated data", "its bytes are damaged: invalid block type", UPLOAD, packed=b"\xff\xff\xff\xff"),
    case("cut data", "its bytes end too early", UPLOAD, packed=b"\x03"),
    case("hidden data", "more bytes follow than are needed to unpack it", ANEW, data=b"", packed=b"\3\0more"),
]


@pytest.mark.parametrize(("entry", "message"), [*NAMES, *KINDS, *PACKING, *RECORDS, *DATA])
def test_a_bad_entry_refuses_the_archive_and_is_quoted(entry, message, hand_in, raw_zip):
    data = raw_zip.build(raw_zip.Raw("submission.json"), raw_zip.Raw(**entry))
    submission = hand_in(data)
    assert message in said(submission)
    assert str(submission.problems[0]) == (
        "hw.zip: the archive is refused for 1 of its entries; nothing was unpacked\n  fix: mend what is named below"
    )


def test_every_bad_entry_is_told(hand_in, raw_zip):
    names = ["../a", "ok.txt", "/b", "nul", "c\x07"]
    submission = hand_in(raw_zip.build(*(raw_zip.Raw(name) for name in names), raw_zip.Raw("l", mode=0o120777)))
    assert [problem.code for problem in submission.problems] == [
        "archive-refused", "name-parent", "name-absolute", "name-device", "name-control", "entry-link",
    ]  # fmt: skip
    assert "for 5 of its entries" in submission.problems[0].what


def test_the_first_twenty_are_named_and_the_rest_is_counted(hand_in, raw_zip):
    submission = hand_in(raw_zip.build(*(raw_zip.Raw(f"../{index}") for index in range(25))))
    assert len(submission.problems) == 1 + 20 + 1
    assert submission.problems[-1].what == "5 more entries have problems"


TWIN = "only case or the spelling of an accent differs\n  fix: rename or remove one of the two"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(
            ["a", "a"], '"a": the same name stands twice in the archive\n  fix: make the zip anew', id="twice"
        ),
        pytest.param(["X.py", "x.py"], f'"x.py": many systems take it for "X.py": {TWIN}', id="another case"),
        pytest.param(
            ["\u00fc", "u\u0308"], f'"u\u0308": many systems take it for "\u00fc": {TWIN}', id="another accent"
        ),
        pytest.param(
            ["a", "a/b"],
            '"a/b": "a" is a file, so nothing can lie in it\n  fix: rename one of the two',
            id="a file and something in it",
        ),
        pytest.param(
            ["a/b", "a"],
            '"a": the same name is a file and a folder\n  fix: rename one of the two',
            id="something in a folder and a file of its name",
        ),
    ],
)
def test_two_entries_for_one_place_are_refused_with_the_pair(names, message, hand_in, raw_zip):
    assert said(hand_in(raw_zip.build(*(raw_zip.Raw(name) for name in names)))) == [f"hw.zip {message}"]


def test_two_entries_with_the_same_bytes_are_refused(hand_in, raw_zip):
    data = raw_zip.build(raw_zip.Raw("a", b"12345", 0), raw_zip.Raw("b", b"12345", 0, central={"offset": 0}))
    assert 'hw.zip "b": its bytes are those of "a", too\n  fix: make the zip anew' in said(hand_in(data))


def test_an_entry_inside_another_is_refused(hand_in, raw_zip):
    inner = raw_zip.build(raw_zip.Raw("in", b"12345", 0))[: 30 + 2 + 5]
    # "in" lies in the bytes of "out"; its directory entry points there.
    at = 30 + 3
    data = raw_zip.build(raw_zip.Raw("out", inner, 0), raw_zip.Raw("in", b"12345", 0, central={"offset": at}))
    assert 'hw.zip "in": its bytes are those of "out", too\n  fix: make the zip anew' in said(hand_in(data))


def test_data_that_runs_into_the_directory_is_refused(hand_in, raw_zip):
    lie = {"packed_size": 60, "size": 60}
    data = raw_zip.build(raw_zip.Raw("a", b"12345", 0, central=lie, local=lie))
    assert 'hw.zip "a": its data runs into the directory\n  fix: make the zip anew' in said(hand_in(data))


def test_folders_that_no_entry_names_count(hand_in, raw_zip):
    data = raw_zip.build(raw_zip.Raw("a/b/c/x"), raw_zip.Raw("a/b/y"), raw_zip.Raw("z"))  # and a, a/b, a/b/c
    assert hand_in(data, limits=IntakeLimits(max_entries=6)).is_readable
    assert said(hand_in(data, limits=IntakeLimits(max_entries=5))) == [
        "hw.zip: it holds 6 files and folders, over the limit of 5\n  fix: hand in only the files of the template"
    ]


def test_a_name_of_64_kilobytes_costs_little(hand_in, raw_zip):
    name = "a/" * 32_000 + "../x"
    submission = hand_in(raw_zip.build(raw_zip.Raw("ok"), *(raw_zip.Raw(name, b"", 0) for _ in range(50))))
    assert {problem.code for problem in submission.problems[1:]} == {"name-too-long", "name-too-deep"}


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        pytest.param(
            {"max_entries": 2},
            "hw.zip: it holds 3 files and folders, over the limit of 2\n  fix: hand in only the files of the template",
            id="entries",
        ),
        pytest.param(
            {"max_listed": 2},
            "hw.zip: it lists 3 entries, over the limit of 2\n  fix: hand in only the files of the template",
            id="listed entries",
        ),
        pytest.param(
            {"max_file_bytes": 3_999},
            'hw.zip "c": unpacked it has 4,000 bytes, over the limit of 3,999 for a '
            "file\n  fix: leave it out, or save it smaller",
            id="a file",
        ),
        pytest.param(
            {"max_total_bytes": 4_001},
            "hw.zip: unpacked it has 4,002 bytes, over the limit of 4,001\n"
            "  fix: leave out data sets and all but the asked checkpoints",
            id="all files",
        ),
    ],
)
def test_one_over_a_limit_is_refused(limits, message, hand_in, raw_zip):
    data = raw_zip.build(raw_zip.Raw("a"), raw_zip.Raw("b"), raw_zip.Raw("c", b"\0" * 4_000))
    assert message in said(hand_in(data, limits=IntakeLimits(**limits)))


@pytest.mark.parametrize("floor", [pytest.param(1_000, id="of a file"), pytest.param(4_000, id="of all together")])
def test_a_ratio_that_no_real_file_has_is_refused(floor, hand_in, raw_zip):
    zeros, x = raw_zip.deflate(bytes(4_000)), raw_zip.deflate(b"x")
    data = raw_zip.build(raw_zip.Raw("a"), raw_zip.Raw("zeros", bytes(4_000)))
    messages = said(hand_in(data, limits=IntakeLimits(max_ratio=100, ratio_floor_bytes=floor)))
    fix = "  fix: leave out files that hold nearly nothing"
    whole = f"hw.zip: {len(zeros) + len(x)} bytes unpack to 4,001, more than 100 times as many\n{fix}"
    one = f'hw.zip "zeros": {len(zeros)} bytes unpack to 4,000, more than 100 times as many\n{fix}'
    assert messages == ([whole, one] if floor < 4_000 else [whole])


def test_an_archive_larger_than_what_it_may_hold_is_not_read(hand_in, raw_zip):
    data = raw_zip.build(raw_zip.Raw("a", bytes(300), 0))
    assert said(hand_in(data, limits=IntakeLimits(max_total_bytes=299))) == [
        (
            f"hw.zip: it has {len(data):,} bytes, over the limit of 299\n"
            "  fix: leave out data sets and all but the asked checkpoints"
        )
    ]


DAMAGED = "  fix: make the zip anew; an upload may have been cut off"


@pytest.mark.parametrize(
    ("end", "message"),
    [
        pytest.param(
            {"all": 3, "here": 3},
            f"hw.zip: its directory has 2 entries, its last record says 3\n{DAMAGED}",
            id="more entries than there are",
        ),
        pytest.param(
            {"all": 1, "here": 1},
            f"hw.zip: its directory has 2 entries, its last record says 1\n{DAMAGED}",
            id="fewer entries than there are",
        ),
        pytest.param(
            {"disk": 1, "start_disk": 1},
            "hw.zip: it is one part of a split archive\n  fix: hand in one whole zip",
            id="a part",
        ),
        pytest.param(
            {"here": 1}, "hw.zip: it is one part of a split archive\n  fix: hand in one whole zip", id="some here"
        ),
        pytest.param(
            {"offset": 10**6}, f"hw.zip: its directory is not where its last record says\n{DAMAGED}", id="far away"
        ),
        pytest.param({"size": 50}, f"hw.zip: entry 1 of its directory is damaged\n{DAMAGED}", id="a short directory"),
        pytest.param({"comment": 5}, f"hw.zip: its last record is cut off\n{DAMAGED}", id="a comment that is missing"),
    ],
)
def test_an_end_record_that_lies_is_refused(end, message, hand_in, raw_zip):
    assert said(hand_in(raw_zip.build(raw_zip.Raw("a"), raw_zip.Raw("b"), end=end))) == [message]


def test_a_directory_too_long_to_be_one_is_not_read_into_memory(hand_in, raw_zip):
    data = raw_zip.build(raw_zip.Raw("a", bytes(10_000), 0, central={"extra": bytes(60_000)}))
    [message] = said(hand_in(data, limits=IntakeLimits(max_listed=1)))
    assert message.startswith("hw.zip: its directory is 60,047 bytes long\n")


def test_two_archives_in_one_file_are_refused(hand_in, raw_zip):
    one, other = raw_zip.build(raw_zip.Raw("a")), raw_zip.build(raw_zip.Raw("b"))
    message = (
        "hw.zip: it starts with an entry that its directory does not list, as two zips in one file do\n"
        "  fix: hand in one zip"
    )
    assert said(hand_in(one + other)) == [message]
    assert said(hand_in(raw_zip.build(raw_zip.Raw("a"), comment=other))) == [message]
    assert said(hand_in(raw_zip.build(raw_zip.Raw("a", is_hidden=True), raw_zip.Raw("b")))) == [message]


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        pytest.param({"locator_offset": 0}, "its ZIP64 records disagree about where the directory is", id="elsewhere"),
        pytest.param({"gap": b"abc"}, "its ZIP64 record is not where it must be", id="not beside its locator"),
        pytest.param(
            {"plain": {"all": 7, "here": 7}}, "its last record and its ZIP64 record disagree", id="two counts"
        ),
        pytest.param({"plain": {"offset": 3}}, "its last record and its ZIP64 record disagree", id="two offsets"),
        pytest.param(
            {"record": {"disk": 1}, "plain": {}}, "its last record and its ZIP64 record disagree", id="two disks"
        ),
    ],
)
def test_zip64_records_that_disagree_are_refused(odd, message, hand_in, raw_zip):
    data = raw_zip.build(raw_zip.Raw("a"), tail=lambda *where: raw_zip.tail_64(*where, **odd))
    assert said(hand_in(data)) == [f"hw.zip: {message}\n  fix: make the zip anew"]


def test_a_zip64_record_that_agrees_is_read(hand_in, raw_zip):
    data = raw_zip.build(raw_zip.Raw("a"), tail=raw_zip.tail_64)
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["a"]
    assert [file.path for file in hand_in(data).files] == ["a"]


def test_a_unicode_name_that_differs_from_a_plain_one_is_refused(hand_in, raw_zip):
    body = b"\1" + zlib.crc32(b"a.py").to_bytes(4, "little") + b"b.py"
    extra = b"\x75\x70" + len(body).to_bytes(2, "little") + body
    assert said(hand_in(raw_zip.build(raw_zip.Raw("a.py", extra=extra)))) == [
        'hw.zip "a.py": it has two different names\n  fix: make the zip anew'
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "hw.zip: the file is empty\n  fix: upload it again", id="empty"),
        pytest.param(b"hello", "hw.zip: it is neither a folder nor a zip\n  fix: hand in a folder or a zip", id="text"),
        pytest.param(
            b"\n<!DOCTYPE html><title>Log in",
            "hw.zip: it is a web page, perhaps the log-in page of the site "
            "that it was downloaded from\n  fix: hand in a folder or a zip",
            id="a log-in page",
        ),
        pytest.param(b"%PDF-1.7", "hw.zip: it is a PDF document\n  fix: hand in a folder or a zip", id="PDF"),
        pytest.param(
            b"PK\3\4" + bytes(30),
            "hw.zip: it is a zip archive that is cut off: its directory, which stands at "
            "the end, is missing\n  fix: make the zip anew, and upload it again",
            id="a cut zip",
        ),
        pytest.param(
            b"PK\5\6" + bytes(18),
            "hw.zip: it holds no file\n  fix: hand in the folder that you worked in",
            id="a zip without entries",
        ),
        pytest.param(
            b"PK\5\6" + bytes(17),
            "hw.zip: it is neither a folder nor a zip\n  fix: hand in a folder or a zip",
            id="a cut end record",
        ),
    ],
)
def test_what_is_no_zip_is_told_what_it_is(data, message, hand_in):
    assert said(hand_in(data)) == [message]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(["a/", "b/"], "it holds no file", id="folders only"),
        pytest.param(["__MACOSX/._x", ".DS_Store"], "it holds no file but 2 that tools made", id="left-overs only"),
    ],
)
def test_an_archive_without_a_file_is_refused(names, message, hand_in, raw_zip):
    data = raw_zip.build(*(raw_zip.Raw(name, b"", 0, mode=0) for name in names))
    assert said(hand_in(data)) == [f"hw.zip: {message}\n  fix: hand in the folder that you worked in"]


def test_an_archive_of_compiled_files_says_so(hand_in, raw_zip, codes):
    assert codes(hand_in(raw_zip.build(raw_zip.Raw("a.pyc")))) == ["source-empty", "compiled-file"]


@pytest.mark.fault("F7")
def test_a_full_disk_is_the_machines_fault_and_leaves_nothing(hand_in, raw_zip, monkeypatch, codes):
    from grader.intake import zip_unpack

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zip_unpack, "_write", full)
    submission = hand_in(raw_zip.build(raw_zip.Raw("b/a")))
    assert codes(submission) == ["workspace"]
    assert "it could not be unpacked on this machine (No space left on device)" in str(submission.problems[0])


def test_what_interrupts_the_unpacking_leaves_nothing(raw_zip, monkeypatch, tmp_path):
    from grader.intake import read_submission, zip_unpack

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    (tmp_path / "hw.zip").write_bytes(raw_zip.build(raw_zip.Raw("b/a")))
    monkeypatch.setattr(zip_unpack, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read_submission(tmp_path / "hw.zip", workspace=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["hw.zip"]


def test_a_bomb_is_refused_before_a_byte_is_unpacked(hand_in, raw_zip, monkeypatch):
    from grader.intake import reading

    monkeypatch.setattr(reading, "unpack", lambda *_: pytest.fail("unpacked"))
    bomb = raw_zip.build(raw_zip.Raw("zeros", bytes(11 * 2**20)))
    assert len(bomb) < 20_000
    assert said(hand_in(bomb))


def test_a_real_file_of_any_size_passes_the_ratio(hand_in, raw_zip):
    noise = bytes(range(256)) * (12 * 2**12)
    assert hand_in(raw_zip.build(raw_zip.Raw("weights.pt", noise, 0))).is_readable
