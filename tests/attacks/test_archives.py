"""Hostile hand-ins, each with its number in the list of attacks: what must happen, and that the next one is graded.

`attacked` hands an archive in beside a canary and an honest hand-in, and looks that nothing else came into being.
"""

import importlib.util
import io
import json
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from grader.intake import read_submission, submission_from

SECRET = "labels: 7 2 1 0 4"  # noqa: S105  a canary, no password
MANIFEST = json.dumps({"assignment": "digits", "students": [{"id": "s1", "name": "Ada"}]})


@pytest.fixture(scope="session")
def raw_zip():
    spec = importlib.util.spec_from_file_location("raw_zip", Path(__file__).parents[1] / "intake" / "raw_zip.py")
    module = sys.modules["raw_zip"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in ({"submission.json": MANIFEST} | files).items():
            archive.writestr(name, text)
    return buffer.getvalue()


def tree(top):
    """Every path below a folder, with what stands there; links are not followed."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = Path(folder, name)
            found[str(path.relative_to(top))] = path.read_bytes() if path.is_file() and not path.is_symlink() else None
    return found


@pytest.fixture
def world(tmp_path):
    """A teacher's machine: a canary outside, an honest hand-in, and the workspace."""
    (tmp_path / "canary").write_text(SECRET)
    (tmp_path / "workspace").mkdir()
    (tmp_path / "honest.zip").write_bytes(zipped(**{"model.py": "x = 1"}))
    return tmp_path


@pytest.fixture
def attacked(world):
    """Hand these bytes in. What comes back was looked at: nothing outside is touched, and the next one is whole."""

    def attack(data, name="evil.zip"):
        (world / name).write_bytes(data)
        before = tree(world)
        with submission_from(world / name, workspace=world / "workspace", assignment="digits") as submission:
            assert SECRET.encode() not in b"".join(
                (submission.root / file.path).read_bytes() for file in submission.files
            )
            if not submission.is_readable:
                assert submission.files == ()
                assert tree(world) == before, "a refused archive leaves something behind"
        assert tree(world) == before, "something outside the workspace changed, or was not removed"
        with submission_from(world / "honest.zip", workspace=world / "workspace") as honest:
            assert honest.is_readable
            assert honest.problems == ()
            assert (honest.root / "model.py").read_text() == "x = 1"
        for problem in submission.problems:
            assert str(problem).replace("\n", "").isprintable()
        return submission

    return attack


def codes(submission):
    return {problem.code for problem in submission.problems}


def quoted(submission):
    return " ".join(problem.where for problem in submission.problems)


@pytest.mark.attack(1)
@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("../canary", "name-parent", id="attack 1, up"),
        pytest.param("a/../../../canary", "name-parent", id="attack 1, up from inside"),
        pytest.param("/srv/canary", "name-absolute", id="attack 1, absolute"),
        pytest.param("C:/canary", "name-drive", id="attack 1, drive letter"),
        pytest.param("C:canary", "name-drive", id="attack 1, drive letter without a slash"),
        pytest.param("..\\canary", "name-backslash", id="attack 1, backslashes"),
        pytest.param("\\\\server\\canary", "name-backslash", id="attack 1, a share"),
        pytest.param("__MACOSX/../../canary", "name-parent", id="attack 1, under a name that is left out"),
    ],
)
def test_a_name_that_leads_elsewhere_refuses_the_archive_and_is_quoted(name, code, attacked, raw_zip):
    submission = attacked(raw_zip.build(raw_zip.Raw("submission.json", MANIFEST.encode()), raw_zip.Raw(name, b"gone")))
    assert not submission.is_readable
    assert code in codes(submission)
    assert json.dumps(name) in quoted(submission)


@pytest.mark.attack(1, 8)
@pytest.mark.parametrize(
    "name",
    [
        ".",
        "..",
        "./../canary",
        "a/./../../canary",
        "a/..",
        "//canary",
        "/",
        "\\canary",
        "c:\\canary",
        "C|/canary",
        "file:///canary",
        "~/canary",
        "~root/x",
        "$HOME/canary",
        "%2e%2e/canary",
        "..%2fcanary",
        "\u2024\u2024/canary",
        "\uff0e\uff0e\uff0fcanary",
        "..\u2215canary",
        "..;/canary",
        "... /canary",
        ".. /canary",
        "..\t/canary",
        "a/\0/../../canary",
        "..\0/canary",
        "a\\..\\..\\canary",
        "\ud83d\ude00/../../canary",
        "CON",
        "com1.txt",
        "nul.",
        "a:b",
        "canary::$DATA",
        "-rf",
        "",
    ],
    ids=ascii,
)
def test_no_name_lands_anywhere_but_in_its_own_folder(name, attacked, raw_zip):
    """Refused, or unpacked below the workspace: `attacked` looks that nothing else came into being."""
    raw = name.encode("utf-8", "surrogatepass")
    submission = attacked(raw_zip.build(raw_zip.Raw("submission.json", MANIFEST.encode()), raw_zip.Raw(raw, b"gone")))
    for file in submission.files:
        assert (submission.root / file.path).parent.resolve().is_relative_to(submission.root.resolve())


@pytest.mark.attack(2)
@pytest.mark.parametrize("target", ["../../canary", "/etc/passwd", "submission.json"], ids=lambda t: f"attack 2, {t}")
def test_a_link_in_an_archive_is_refused(target, attacked, raw_zip):
    link = raw_zip.Raw("weights.pt", target.encode(), mode=0o120777)
    through = raw_zip.Raw("weights.pt/x", b"gone")
    submission = attacked(raw_zip.build(raw_zip.Raw("submission.json", MANIFEST.encode()), link, through))
    assert not submission.is_readable
    assert "entry-link" in codes(submission)


@pytest.mark.attack(2)
@pytest.mark.parametrize("kind", ["symbolic", "hard"], ids=lambda kind: f"attack 2, {kind} link in a folder")
def test_a_link_in_a_folder_is_not_read(kind, world):
    top = world / "evil"
    top.mkdir()
    (top / "submission.json").write_text(MANIFEST)
    make = os.symlink if kind == "symbolic" else os.link
    make(world / "canary", top / "answers.json")
    make(world / "canary", top / "weights.pt")
    submission = read_submission(top)
    assert [file.path for file in submission.files] == ["submission.json"]
    assert submission.answers == {}
    assert codes(submission) == {"entry-link"}
    assert SECRET not in repr(submission)


@pytest.mark.attack(3)
def test_attack_3_a_planted_link_is_neither_written_to_nor_followed_by_the_cleanup(world):
    """What student code could do to its own files while the grader is at work."""
    keep = world / "keep"
    keep.mkdir()
    (keep / "x").write_text("x")
    with submission_from(world / "honest.zip", workspace=world / "workspace") as submission:
        (submission.root / "model.py").unlink()
        (submission.root / "model.py").symlink_to(world / "canary")
        (submission.root / "out").symlink_to(keep)
        (submission.root / "submission.json").unlink()
        os.link(world / "canary", submission.root / "submission.json")
    assert (keep / "x").read_text() == "x"
    assert (world / "canary").read_text() == SECRET
    assert list((world / "workspace").iterdir()) == []


@pytest.mark.attack(3)
def test_attack_3_the_folder_of_a_hand_in_is_never_written(world):
    top = world / "evil"
    (top / "a").mkdir(parents=True)
    (top / "submission.json").write_text(MANIFEST)
    (top / "results.json").symlink_to(world / "canary")
    for path in (top / "a", top):
        path.chmod(0o500)
    before = tree(world)
    with submission_from(top) as submission:
        assert submission.is_readable
    assert tree(world) == before
    for path in (top, top / "a"):
        path.chmod(0o700)


@pytest.mark.attack(4)
@pytest.mark.parametrize(
    ("entries", "code"),
    [
        pytest.param([("zeros", 11 * 2**20)], "archive-ratio", id="attack 4, one entry"),
        pytest.param([(f"{at}", 2**20) for at in range(11)], "archive-ratio", id="attack 4, many small ones"),
        pytest.param([("zeros", 513 * 2**20)], "file-too-large", id="attack 4, a file over its limit"),
    ],
)
def test_a_zip_bomb_is_refused_before_it_is_unpacked(entries, code, attacked, raw_zip, monkeypatch):
    monkeypatch.setattr("grader.intake.reading.unpack", _only_honest())
    block = raw_zip.deflate(bytes(2**20))
    lies = [  # a whole bomb of half a gigabyte is slow to make: that it declares it is enough
        raw_zip.Raw(name, packed=block * (size // 2**20), local={"size": size}, central={"size": size})
        for name, size in entries
    ]
    data = raw_zip.build(*lies)
    assert len(data) < 2**20
    assert code in codes(attacked(data))


def _only_honest():
    from grader.intake.zip_unpack import unpack

    def guarded(file, entries, folder):
        assert sum(entry.size for entry in entries) < 1000, "the bomb was unpacked"
        return unpack(file, entries, folder)

    return guarded


@pytest.mark.attack(4)
def test_attack_4_a_nested_archive_is_a_file_and_stays_shut(attacked):
    inner = zipped(**{"../../canary": "gone"})
    for _ in range(5):
        inner = zipped(**{"inner.zip": inner})
    submission = attacked(inner)
    assert submission.is_readable
    assert [file.path for file in submission.files] == ["inner.zip", "submission.json"]


@pytest.mark.attack(5)
def test_attack_5_overlapping_entries_are_refused(attacked, raw_zip):
    kernel = raw_zip.Raw("a", bytes(100_000))
    copies = [
        raw_zip.Raw(f"b{at}", bytes(100_000), packed=b"", central={"offset": 0, "packed_size": 116}) for at in range(9)
    ]
    submission = attacked(raw_zip.build(kernel, *copies))
    assert not submission.is_readable
    assert "entry-overlap" in codes(submission)


@pytest.mark.attack(6)
@pytest.mark.parametrize(
    ("lie", "code"),
    [
        pytest.param({"size": 10}, "entry-size", id="attack 6, fewer bytes than there are"),
        pytest.param({"size": 99_999}, "entry-size", id="attack 6, more bytes than there are"),
        pytest.param({"crc": 1}, "entry-checksum", id="attack 6, another checksum"),
    ],
)
def test_declared_sizes_are_counted_not_believed(lie, code, attacked, raw_zip):
    honest = raw_zip.Raw("submission.json", MANIFEST.encode())
    submission = attacked(raw_zip.build(honest, raw_zip.Raw("x", bytes(1_000), local=lie, central=lie)))
    assert not submission.is_readable
    assert code in codes(submission)


def many(count):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in range(count):
            archive.writestr(f"{index:06}", "")
    return buffer.getvalue()


@pytest.mark.attack(7)
@pytest.mark.parametrize(
    ("entries", "code"),
    [
        pytest.param(["/".join(["d"] * 1_000)], "name-too-deep", id="attack 7, 1,000 levels"),
        pytest.param(["n" * 300], "name-too-long", id="attack 7, a name of 300 bytes"),
        pytest.param([f"{index}" for index in range(2_001)], "too-many-entries", id="attack 7, 2,001 entries"),
    ],
)
def test_too_many_too_deep_and_too_long_are_refused(entries, code, attacked, raw_zip):
    submission = attacked(raw_zip.build(*(raw_zip.Raw(name, b"", 0) for name in entries)))
    assert not submission.is_readable
    assert code in codes(submission)


@pytest.mark.attack(7)
def test_attack_7_a_hundred_thousand_entries_are_not_even_listed(attacked, raw_zip):
    # The end record says so: no need to make them all, and none to read them.
    data = raw_zip.build(
        raw_zip.Raw("a"), tail=lambda *at: raw_zip.tail_64(*at, record={"here": 100_000, "all": 100_000})
    )
    submission = attacked(data)
    assert codes(submission) == {"too-many-entries"}
    assert "100,000" in submission.problems[0].what


@pytest.mark.attack(7)
def test_attack_7_a_count_that_lies_does_not_help(attacked):
    data = bytearray(many(20_001))
    end = data.rindex(b"PK\5\6")
    data[end + 8 : end + 12] = b"\1\0\1\0"
    assert codes(attacked(bytes(data))) == {"too-many-entries"}


@pytest.mark.attack(8)
@pytest.mark.parametrize(
    ("names", "code"),
    [
        pytest.param(["answers.json", "answers.json"], "name-twice", id="attack 8, the same name"),
        pytest.param(["Answers.json", "answers.json"], "name-twin", id="attack 8, another case"),
        pytest.param(["\u00fc", "u\u0308"], "name-twin", id="attack 8, another way to write an accent"),
        pytest.param(["answers.json", "answers.json\0.txt"], "name-control", id="attack 8, cut at NUL"),
        pytest.param(["answers.json", "answers.json."], "name-trailing", id="attack 8, a trailing dot"),
        pytest.param(["answers.json", "answers.json "], "name-trailing", id="attack 8, a trailing space"),
        pytest.param(["aux.py"], "name-device", id="attack 8, a device name"),
        pytest.param(["a/x", "A/y"], "name-twin", id="attack 8, folders"),
    ],
)
def test_two_names_for_one_file_are_refused_with_the_pair(names, code, attacked, raw_zip):
    submission = attacked(raw_zip.build(*(raw_zip.Raw(name, name.encode()) for name in names)))
    assert not submission.is_readable
    assert code in codes(submission)
    if code == "name-twin":
        said = " ".join(map(str, submission.problems))
        assert all(json.dumps(name.split("/")[0], ensure_ascii=False)[:-1] in said for name in names)


@pytest.mark.attack(9)
def test_attack_9_a_header_that_disagrees_with_the_directory_is_refused(attacked, raw_zip):
    hidden = raw_zip.Raw("model.py", b"evil", local={"name": b"notes.md"})
    assert "entry-mismatch" in codes(attacked(raw_zip.build(hidden)))


@pytest.mark.attack(9)
@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"locator_offset": 0}, id="attack 9, the locator points elsewhere"),
        pytest.param({"record": {"all": 9, "here": 9}, "plain": {"all": 1, "here": 1}}, id="attack 9, two counts"),
        pytest.param({"gap": bytes(9)}, id="attack 9, a record that only some readers find"),
    ],
)
def test_zip64_records_that_disagree_are_refused(odd, attacked, raw_zip):
    submission = attacked(raw_zip.build(raw_zip.Raw("a"), tail=lambda *at: raw_zip.tail_64(*at, **odd)))
    assert codes(submission) == {"archive-zip64"}


def tarred(mode):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        info = tarfile.TarInfo("../canary")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"gone"))
    return buffer.getvalue()


@pytest.mark.attack(10)
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(tarred("w:"), "a tar archive", id="attack 10, tar"),
        pytest.param(tarred("w:gz"), "a gzip file", id="attack 10, tar.gz"),
        pytest.param(tarred("w:xz"), "an xz file", id="attack 10, tar.xz"),
        pytest.param(b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40), "a 7z archive", id="attack 10, 7z"),
        pytest.param(b"Rar!\x1a\x07\0" + bytes(40), "a rar archive", id="attack 10, rar"),
        pytest.param(tarred("w:") + zipped(), "a tar archive", id="attack 10, a tar with a zip behind it"),
    ],
)
def test_another_archive_called_zip_is_refused_by_its_content(data, kind, attacked):
    submission = attacked(data)
    assert codes(submission) == {"archive-kind"}
    assert kind in submission.problems[0].what


@pytest.mark.attack(10)
@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param({"flags": 1}, "entry-encrypted", id="attack 10, encrypted"),
        pytest.param({"mode": 0o010666}, "entry-special", id="attack 10, a FIFO"),
        pytest.param({"mode": 0o020666}, "entry-special", id="attack 10, a character device"),
        pytest.param({"mode": 0o060666}, "entry-special", id="attack 10, a block device"),
        pytest.param({"mode": 0o140666}, "entry-special", id="attack 10, a socket"),
        pytest.param({"mode": 0o104755}, "entry-setuid", id="attack 10, setuid"),
        pytest.param({"mode": 0o102755}, "entry-setuid", id="attack 10, setgid"),
    ],
)
def test_an_entry_that_is_no_plain_file_is_refused(entry, code, attacked, raw_zip):
    submission = attacked(raw_zip.build(raw_zip.Raw("x", **entry)))
    assert not submission.is_readable
    assert code in codes(submission)


@pytest.mark.attack(10)
def test_attack_10_a_fifo_in_a_folder_does_not_hang_the_grader(world):
    top = world / "evil"
    top.mkdir()
    (top / "submission.json").write_text(MANIFEST)
    for name in ("answers.json", "pipe"):
        os.mkfifo(top / name)
    submission = read_submission(top)
    assert [problem.code for problem in submission.problems] == ["entry-special"] * 2
    assert submission.answers == {}


@pytest.mark.attack(11)
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["a", "a/b"], id="attack 11, a file and something in it"),
        pytest.param(["a/b", "a"], id="attack 11, something in a folder and a file of its name"),
        pytest.param(["a/", "a"], id="attack 11, a folder and a file"),
    ],
)
def test_a_clash_of_file_and_folder_is_refused(names, attacked, raw_zip):
    entries = [raw_zip.Raw(name, b"" if name[-1] == "/" else b"x", mode=0) for name in names]
    assert "name-clash" in codes(attacked(raw_zip.build(*entries)))


@pytest.mark.attack(11)
def test_attack_11_a_tree_of_mode_000_in_an_archive_is_removed(attacked, raw_zip):
    closed = [raw_zip.Raw("a/", b"", 0, mode=0o40000), raw_zip.Raw("a/b/", b"", 0, mode=0o40000)]
    honest = raw_zip.Raw("submission.json", MANIFEST.encode())
    assert attacked(raw_zip.build(honest, *closed, raw_zip.Raw("a/b/c", mode=0o100000))).is_readable


@pytest.mark.attack(11)
def test_attack_11_a_tree_that_was_closed_since_is_removed(world):
    with submission_from(world / "honest.zip", workspace=world / "workspace") as submission:
        inner = submission.root / "a" / "b"
        inner.mkdir(parents=True)
        (inner / "c").write_text("x")
        for path in (inner / "c", inner, inner.parent, submission.root):
            path.chmod(0)
    assert list((world / "workspace").iterdir()) == []


@pytest.mark.attack(12)
@pytest.mark.parametrize(
    ("before", "behind"),
    [
        pytest.param(b"GIF89a" + bytes(500), b"", id="attack 12, a picture before"),
        pytest.param(b"#!/bin/sh\nrm -rf canary\n", b"", id="attack 12, a program before"),
        pytest.param(b"", b"<script>" + bytes(500), id="attack 12, a page behind"),
    ],
)
def test_of_a_polyglot_only_the_listed_files_count(before, behind, attacked, raw_zip):
    honest = raw_zip.Raw("submission.json", MANIFEST.encode())
    submission = attacked(raw_zip.build(honest, before=before, behind=behind))
    assert submission.is_readable
    assert [file.path for file in submission.files] == ["submission.json"]
    assert submission.source.remarks


@pytest.mark.attack(12)
def test_attack_12_an_archive_behind_an_archive_is_refused(attacked):
    assert codes(attacked(zipped(**{"model.py": "one"}) + zipped(**{"model.py": "another"}))) == {"archive-twice"}


@pytest.mark.attack(22)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("gpj.\u202eyp.txt", id="attack 22, a bidi override"),
        pytest.param("mode\u0430.py", id="attack 22, a look-alike letter"),
        pytest.param("a\u200bb\u2066c\ufeff", id="attack 22, characters that do not show"),
        pytest.param("Z\u0351\u036b\u0343" * 20, id="attack 22, a pile of accents"),
    ],
)
def test_an_odd_name_is_stored_as_it_is(name, attacked, raw_zip):
    honest = raw_zip.Raw("submission.json", MANIFEST.encode())
    submission = attacked(raw_zip.build(honest, raw_zip.Raw(name)))
    assert submission.file(name) is not None


@pytest.mark.attack(22, 84)
@pytest.mark.parametrize("name", ["a\x1b]0;x\x07", "a\u202eb\\", "\x9b2J\\"], ids=lambda n: f"attack 22, {n!a}")
def test_an_odd_name_is_shown_escaped(name, attacked, raw_zip):
    submission = attacked(raw_zip.build(raw_zip.Raw(name)))
    assert not submission.is_readable
    assert "\\u" in quoted(submission) or "\\x" in quoted(submission)  # `attacked` looks that all of it prints


@pytest.mark.attack(22, 84)
def test_attack_22_a_hand_in_whose_own_name_is_odd_has_a_plain_id(world):
    for name in ("a\x1b[31m\u202e=cmd()", "\udcff\udcfe", "ada\n"):
        top = world / name
        top.mkdir()
        (top / "x").write_text("x")
        submission = read_submission(top)
        assert submission.id.isprintable()
        for problem in submission.problems:
            assert str(problem).replace("\n", "").isprintable()
            json.dumps(str(problem)).encode("ascii")
            str(problem).encode("utf-8")


@pytest.mark.attack(22)
def test_attack_22_half_a_character_in_an_answer_is_refused_there(attacked):
    submission = attacked(zipped(**{"answers.json": '{"answers": {"a": "\\ud800"}}'}))
    assert submission.is_readable
    assert submission.answers == {}
    assert codes(submission) == {"half-character"}


@pytest.mark.attack(24)
def test_attack_24_who_it_belongs_to_is_not_the_files_claim(world):
    for name in ("ada", "mallory"):
        (world / f"{name}.zip").write_bytes(zipped())  # both say that they are s1
    ids = []
    for name in ("ada", "mallory"):
        with submission_from(world / f"{name}.zip", workspace=world / "workspace") as submission:
            ids.append(submission.id)
    assert ids == ["ada", "mallory"]


@pytest.mark.attack(24)
@pytest.mark.parametrize("file", ["submission.json", "answers.json"], ids=lambda file: f"attack 24, {file}")
def test_another_assignment_than_the_one_graded_is_told_and_changes_nothing(file, attacked):
    text = {"answers.json": {"answers": {}}, "submission.json": json.loads(MANIFEST)}[file] | {"assignment": "easy"}
    submission = attacked(zipped(**{file: json.dumps(text)}))
    assert submission.assignment == "digits"
    assert codes(submission) == {"other-assignment"}


@pytest.mark.attack(70)
@pytest.mark.parametrize(
    "name",
    ["model.so", "model.cpython-311-x86_64-linux-gnu.so", "model.pyc", "a/model.PYD", "model.dll", "x.whl", "run.exe"],
    ids=lambda name: f"attack 70, {name}",
)
def test_what_is_compiled_is_named_and_not_taken(name, attacked, world):
    submission = attacked(zipped(**{name: "\x7fELF"}))
    assert submission.is_readable
    assert [file.path for file in submission.files] == ["submission.json"]
    assert codes(submission) == {"compiled-file"}
    assert f'"{name}"' in quoted(submission)
    top = world / "folder" / name
    top.parent.mkdir(parents=True)
    top.write_text("x")
    (world / "folder" / "submission.json").write_text(MANIFEST)
    in_folder = read_submission(world / "folder")
    assert [file.path for file in in_folder.files] == ["submission.json"]
    assert codes(in_folder) == {"compiled-file"}


@pytest.mark.attack(70)
def test_attack_70_what_python_left_behind_is_not_taken(attacked):
    submission = attacked(zipped(**{"__pycache__/model.cpython-311.pyc": "x", "model.py": "y"}))
    assert [file.path for file in submission.files] == ["model.py", "submission.json"]
    assert submission.problems == ()
