import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.sandbox import protocol
from grader.sandbox.programs.channel import Channel, Fault
from grader.sandbox.protocol import HEADER, MAGIC, FrameReader, MalformedError

NONCE = b"n" * 16


def frame(kind, payload=b"", *, nonce=NONCE, length=None, magic=MAGIC):
    return HEADER.pack(magic, nonce, kind, len(payload) if length is None else length) + payload


START = frame(protocol.STARTED)
RAW = frame(protocol.RAW_ANSWER, b"12345678")


def read(*parts, answer_bytes=8):
    reader = FrameReader(NONCE, answer_bytes=answer_bytes)
    for part in parts:
        reader.feed(part)
    reader.finish()
    return reader


def test_an_answer_of_the_agreed_length_is_taken():
    reader = read(START, RAW)
    assert reader.payload == b"12345678"


def test_a_json_answer_is_taken_where_no_length_was_agreed():
    reader = read(START, frame(protocol.JSON_ANSWER, b'{"a": 1}'), answer_bytes=None)
    assert protocol.plain_object(reader.payload) == {"a": 1}


def test_remarks_come_before_the_answer():
    reader = read(START, frame(protocol.STAGE, b"importing model.py"), frame(protocol.NOTES, b'{"x": true}'), RAW)
    assert (reader.stage, reader.notes) == ("importing model.py", {"x": True})


def test_no_answer_is_no_answer():
    assert not read(START).is_complete


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([RAW], id="an answer before the start"),
        pytest.param([b"PASS 100/100\n" * 5], id="a fake protocol line"),
        pytest.param([START, START], id="two starts"),
        pytest.param([START, RAW, RAW], id="two answers"),
        pytest.param([START, RAW, b"\n"], id="one byte after the answer"),
        pytest.param([START, RAW[:-1]], id="one byte short"),
        pytest.param([START, RAW[:20]], id="half a header"),
        pytest.param([START, frame(protocol.RAW_ANSWER, b"1234567")], id="a length that is one too small"),
        pytest.param([START, frame(protocol.RAW_ANSWER, b"123456789")], id="a length that is one too large"),
        pytest.param([START, frame(protocol.RAW_ANSWER, b"", length=2**60)], id="a length beyond all memory"),
        pytest.param([START, frame(protocol.RAW_ANSWER, b"12345678", nonce=b"x" * 16)], id="another job's nonce"),
        pytest.param([START, frame(protocol.RAW_ANSWER, b"12345678", magic=b"grdr")], id="another magic word"),
        pytest.param([START, frame(protocol.JSON_ANSWER, b"{}")], id="json where raw bytes were agreed"),
        pytest.param([START, frame(b"Z", b"")], id="a kind that does not exist"),
        pytest.param([START, frame(protocol.NOTES, b"[1]"), RAW], id="remarks that are no object"),
        pytest.param([START, frame(protocol.NOTES, b'{"a": NaN}'), RAW], id="remarks with a NaN"),
        pytest.param([START, frame(protocol.STAGE, b"x" * 201), RAW], id="a remark that is too long"),
        pytest.param([START, *[frame(protocol.STAGE, b"x")] * 101, RAW], id="a flood of remarks"),
    ],
)
def test_anything_else_is_malformed(parts):
    with pytest.raises(MalformedError):
        read(*parts)


def test_raw_bytes_are_malformed_where_json_was_agreed():
    with pytest.raises(MalformedError):
        read(START, RAW, answer_bytes=None)


@pytest.mark.parametrize("text", [b'{"a": 1, "a": 2}', b'{"a": 1e999}', b"[]", b'{"a": "\xff"}', b"{" * 100_000, b""])
def test_an_answer_in_loose_json_is_malformed(text):
    reader = read(START, frame(protocol.JSON_ANSWER, text), answer_bytes=None)
    with pytest.raises(MalformedError):
        protocol.plain_object(reader.payload)


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=30))
def test_how_the_bytes_are_cut_does_not_matter(cuts):
    stream = START + frame(protocol.STAGE, b"reading model.pth") + frame(protocol.NOTES, b'{"a": [1, 2]}') + RAW
    reader = FrameReader(NONCE, answer_bytes=8)
    at = 0
    for cut in cuts:
        reader.feed(stream[at : at + cut])
        at += cut
    reader.feed(stream[at:])
    reader.finish()
    assert (reader.payload, reader.notes, reader.stage) == (b"12345678", {"a": [1, 2]}, "reading model.pth")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_of_a_stranger_crash_the_reader(data):
    reader = FrameReader(NONCE, answer_bytes=8)
    try:
        reader.feed(START + data)
        reader.finish()
    except MalformedError:
        return
    assert not reader.is_complete


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["code", "where", "what", "fix", "limit", "use", "x"]), st.text() | st.integers())
)
def test_a_fault_is_plain_text_or_malformed(fields):
    try:
        problem, limit, use = protocol.student_problem(json.dumps(fields).encode())
    except MalformedError:
        return
    assert all(text.isprintable() for text in (problem.where, problem.what, problem.fix, limit, use))


def test_both_sides_speak_the_same(tmp_path):
    path = tmp_path / "pipe"
    with path.open("wb") as file:
        channel = Channel(file.fileno(), NONCE)
        channel.started()
        channel.stage("calling build_model()")
        channel.notes({"a": 1})
        channel.fault(Fault("keys-differ", "model.pth", "two keys", "hand in\nthe right one", limit="l", use="u"))
    reader = FrameReader(NONCE)
    reader.feed(path.read_bytes())
    problem, limit, use = protocol.student_problem(reader.payload)
    assert (problem.code, problem.where, problem.fix) == ("keys-differ", "model.pth", "hand in the right one")
    assert (reader.stage, limit, use) == ("calling build_model()", "l", "u")
