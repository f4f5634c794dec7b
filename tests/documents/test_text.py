"""Reading bytes as text: bounded, UTF-8, and the place of what is not."""

from __future__ import annotations

import pytest

from grader.documents import Document, DocumentError, decode, read_text


def test_a_file_of_exactly_the_limit_is_read(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 10)
    assert read_text(tmp_path / "a", max_bytes=10) == "x" * 10


@pytest.mark.attack(14)
def test_one_byte_over_the_limit_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 11)
    with pytest.raises(DocumentError) as caught:
        read_text(tmp_path / "a", name="a.json", max_bytes=10)
    assert str(caught.value) == "a.json: larger than 10 bytes\n  fix: hand in a smaller file"


def test_a_byte_order_mark_is_dropped():
    assert decode(b"\xef\xbb\xbf{}", name="a.json") == "{}"


def test_line_ends_stay_as_they_are():
    assert decode(b"a\r\nb\n", name="a") == "a\r\nb\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"a\nb\xe9", "a.json:2: byte 3 (0xe9) is not UTF-8 text", id="latin-1 on the second line"),
        pytest.param(b"\xef\xbb\xbf\xff", "a.json:1: byte 3 (0xff) is not UTF-8 text", id="behind a byte-order mark"),
        pytest.param("{}".encode("utf-16"), "a.json: the text is UTF-16, not UTF-8", id="UTF-16 of a Windows editor"),
        pytest.param(b"\xed\xa0\x80", "a.json:1: byte 0 (0xed) is not UTF-8 text", id="an encoded half character"),
    ],
)
def test_what_is_not_utf8_is_named(data, said):
    with pytest.raises(DocumentError) as caught:
        decode(data, name="a.json")
    assert str(caught.value) == f"{said}\n  fix: save the file as UTF-8"


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(DocumentError) as missing:
        read_text(tmp_path / "nowhere", name="x")
    with pytest.raises(DocumentError) as folder:
        read_text(tmp_path, name="x")
    assert (missing.value.problem.code, folder.value.problem.code) == ("no-file", "unreadable")


def test_a_place_takes_the_line_of_the_nearest_parent_that_has_one():
    document = Document("a.yaml", {}, {(): 1, ("x",): 4})
    assert str(document.place(["x", "y", 0])) == "a.yaml:4 /x/y/0"
    assert str(document.place(["z"])) == "a.yaml:1 /z"


def test_the_lines_are_only_looked_for_when_a_place_is_asked_for():
    asked = []
    document = Document("a.json", {}, lambda: asked.append(1) or {(): 7})
    assert asked == []
    assert [document.place().line, document.place(["x"]).line] == [7, 7]
    assert asked == [1]
