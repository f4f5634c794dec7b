"""How does a program in the box answer? In frames on one pipe, each with the nonce of its request.

The other side, and what each kind means: grader/sandbox/protocol.py.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

_HEADER = struct.Struct("!4s16scQ")
MOST_STAGES = 60  # the parent reads no more than 100 remarks of one job
# Kept: code that replaces them spoils its own prints, not this.
_write, _own, _view = os.write, os.getpid, memoryview


class Fault(Exception):  # noqa: N818  the word of the outcome
    """What the student's code or file did not do. `limit` and `use` where it is about a resource."""

    def __init__(self, code: str, where: str, what: str, fix: str, *, limit: str = "", use: str = "") -> None:
        super().__init__(what)
        self.fields = {"code": code, "where": where, "what": what, "fix": fix, "limit": limit, "use": use}


class Channel:
    """The one pipe out."""

    def __init__(self, descriptor: int, nonce: bytes) -> None:
        self._descriptor = descriptor
        self._nonce = nonce
        self._process = _own()
        self._stages_left = MOST_STAGES
        self._stage = ""

    def started(self) -> None:
        """The request is read; no student's byte has been touched."""
        self._send(b"S", b"")

    def stage(self, text: str) -> None:
        """What is done now, as it would follow "while": `importing model.py`. Of many, the first are sent."""
        if text != self._stage and self._stages_left > 0:
            self._stage = text
            self._stages_left -= 1
            self._send(b"P", text.encode("utf-8", "backslashreplace")[:200])

    def notes(self, remarks: dict[str, Any]) -> None:
        """Remarks beside an answer of raw bytes."""
        self._send(b"N", _json(remarks))

    def answer(self, answer: dict[str, Any] | bytes | bytearray | memoryview) -> None:
        """The result: a plain object, or raw bytes."""
        if isinstance(answer, dict):
            self._send(b"J", _json(answer))
        else:
            self._send(b"B", answer)

    def fault(self, fault: Fault) -> None:
        """The student's fault."""
        shown = {key: str(value)[:2000] for key, value in fault.fields.items()}
        self._send(b"F", _json(shown))

    def broken(self, text: str) -> None:
        """Ours."""
        self._send(b"X", text.encode("utf-8", "backslashreplace")[-30_000:])

    def _send(self, kind: bytes, payload: bytes | bytearray | memoryview) -> None:
        if _own() != self._process:
            return  # a child that student code forked goes on where its parent does: one of them answers
        self._all(_HEADER.pack(b"GRDR", self._nonce, kind, len(payload)))
        self._all(payload)

    def _all(self, data: bytes | bytearray | memoryview) -> None:
        left = _view(data)
        while left:
            left = left[_write(self._descriptor, left) :]


def _json(value: dict[str, Any], dumps: Any = json.dumps) -> bytes:
    # A lone surrogate in a message or a name is no text: "?" for it, so that the rest is read.
    text: str = dumps(value, allow_nan=False, ensure_ascii=False)
    return text.encode("utf-8", "replace")
