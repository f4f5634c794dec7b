"""What may come out of the box? Frames on one private pipe; anything else is no answer.

A frame is the magic word, the nonce that the parent made for this job, a kind, a length and as many bytes. The first
one says that the program has read its request (so it knows the nonce) and has not touched a student's byte yet; then
remarks; then one last frame, and nothing after it. Code that runs in the program's process can read the nonce: it can
spoil its own result, and no other.
"""

from __future__ import annotations

import json
import struct
from typing import Final

from grader.documents import DocumentError, parse_json
from grader.model import Json, Problem

MAGIC: Final = b"GRDR"
HEADER: Final = struct.Struct("!4s16scQ")

STARTED: Final = b"S"
STAGE: Final = b"P"  # what it is doing now: text, for the sentence when a limit ends it
NOTES: Final = b"N"  # a JSON object of remarks
JSON_ANSWER: Final = b"J"
RAW_ANSWER: Final = b"B"
STUDENT: Final = b"F"  # a JSON object: code, where, what, fix, and limit and use where there are some
OURS: Final = b"X"  # text: the program itself failed

MOST: Final = {STARTED: 0, STAGE: 200, NOTES: 65_536, JSON_ANSWER: 8 * 2**20, STUDENT: 65_536, OURS: 65_536}
MOST_STAGES: Final = 100
LAST: Final = frozenset((JSON_ANSWER, RAW_ANSWER, STUDENT, OURS))


class MalformedError(Exception):
    """What came is not what was agreed on."""


class FrameReader:
    """Reads frames as they come, and never keeps more than was agreed on.

    `answer_bytes` is the exact length of a raw answer; without it the answer must be JSON.
    """

    def __init__(self, nonce: bytes, *, answer_bytes: int | None = None) -> None:
        self.is_started = False
        self.stage = ""
        self.notes: dict[str, Json] = {}
        self.kind = b""  # of the last frame, once it is complete
        self.payload = b""
        self._nonce = nonce
        self._answer_bytes = answer_bytes
        self._stages = 0
        self._buffer = bytearray()
        self._wanted: tuple[bytes, int] | None = None

    @property
    def is_complete(self) -> bool:
        return bool(self.kind)

    def feed(self, data: bytes) -> None:
        """Take the next bytes, or raise MalformedError."""
        self._buffer += data
        while True:
            if self.is_complete:
                if self._buffer:
                    raise MalformedError("bytes after the answer")
                return
            if self._wanted is None:
                if len(self._buffer) < HEADER.size:
                    return
                self._wanted = self._header(bytes(self._buffer[: HEADER.size]))
                del self._buffer[: HEADER.size]
            kind, length = self._wanted
            if len(self._buffer) < length:
                return
            payload = bytes(self._buffer[:length])
            del self._buffer[:length]
            self._wanted = None
            self._take(kind, payload)

    def finish(self) -> None:
        """The pipe is closed: raise MalformedError where it closed within a frame."""
        if not self.is_complete and (self._buffer or self._wanted is not None):
            raise MalformedError("the answer breaks off")

    def _header(self, header: bytes) -> tuple[bytes, int]:
        magic, nonce, kind, length = HEADER.unpack(header)
        if magic != MAGIC or nonce != self._nonce:
            raise MalformedError("bytes that are no answer")
        if (kind == STARTED) == self.is_started:
            raise MalformedError("an answer before the start" if not self.is_started else "a second start")
        if kind == RAW_ANSWER and self._answer_bytes is not None:
            if length != self._answer_bytes:
                raise MalformedError(f"an answer of {length:,} bytes where {self._answer_bytes:,} were asked for")
            return kind, length
        if kind not in MOST or (kind == JSON_ANSWER and self._answer_bytes is not None):
            raise MalformedError("an answer of the wrong kind")
        if length > MOST[kind]:
            raise MalformedError(f"an answer of {length:,} bytes where {MOST[kind]:,} are the most")
        return kind, length

    def _take(self, kind: bytes, payload: bytes) -> None:
        if kind == STARTED:
            self.is_started = True
        elif kind in (STAGE, NOTES):
            self._stages += 1
            if self._stages > MOST_STAGES:
                raise MalformedError("too many remarks")
            if kind == STAGE:
                self.stage = payload.decode("utf-8", "replace")
            else:  # what was said first stays: a program says it before a student's code runs beside it
                self.notes = {**plain_object(payload), **self.notes}
        elif kind in LAST:
            self.kind, self.payload = kind, payload


def plain_object(payload: bytes) -> dict[str, Json]:
    """A JSON object, read strictly, or MalformedError."""
    try:
        value = parse_json(payload.decode("utf-8"), name="answer")
    except (DocumentError, UnicodeDecodeError) as error:
        raise MalformedError("an answer that is not strict JSON") from error
    if not isinstance(value, dict):
        raise MalformedError("an answer that is no JSON object")
    return value


def student_problem(payload: bytes) -> tuple[Problem, str, str]:
    """The problem, the limit and the use in a STUDENT frame, or MalformedError."""
    from grader.sandbox.text import one_line

    said = plain_object(payload)
    wanted = ("code", "where", "what", "fix", "limit", "use")
    if set(said) != set(wanted) or not all(isinstance(said[key], str) for key in wanted):
        raise MalformedError("a fault without the agreed fields")
    code = said["code"]
    if not code or len(code) > 40 or not all(c.isascii() and (c.isalnum() or c == "-") for c in code):
        raise MalformedError("a fault without a code")
    where, what, fix = (one_line(said[key], limit=most) for key, most in (("where", 200), ("what", 800), ("fix", 400)))
    return Problem(code, where, what, fix), one_line(said["limit"]), one_line(said["use"])


def request_bytes(nonce: bytes, request: Json) -> bytes:
    """What is written to the program's standard input: the length, then JSON with the nonce in it."""
    text = json.dumps({"nonce": nonce.hex(), **request}, allow_nan=False).encode()
    return struct.pack("!Q", len(text)) + text
