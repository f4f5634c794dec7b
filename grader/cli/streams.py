"""What if the terminal cannot show a sign, the disk is full, or the reader has gone? Nobody sees a traceback for that.

A reader that went away (`| head -1`) ends the printing, not the command: its exit code is still that of the grade.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from grader.errors import MachineError

# Our own signs where the encoding lacks them. Never "?", which is a verdict: it could not be looked at.
PLAIN_SIGNS = {
    "✓": "+", "✗": "x", "◐": "~", "✎": "@", "·": "-", "–": "-", "—": "-", "×": "x", "…": "...", "→": "->", "█": "#",
    "╭": "+", "╮": "+", "╰": "+", "╯": "+", "─": "-", "━": "-", "│": "|", "┃": "|",
}  # fmt: skip
_ERRORS = "grader.plain_signs"


def prepare() -> None:
    """Make standard output and error safe to print to, whatever they are."""
    codecs.register_error(_ERRORS, _plain)
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:  # closed (`>&-`): the next file that is opened must not become our output
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = _safe(sys.stdout, is_error=False)
    sys.stderr = _safe(sys.stderr, is_error=True)


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    hard = error.object[error.start : error.end]
    return "".join(PLAIN_SIGNS.get(char) or ascii(char)[1:-1] for char in hard), error.end


def _safe(stream: TextIO | None, *, is_error: bool) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  as long as the process
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    try:
        is_screen, descriptor = stream.isatty(), stream.fileno()
    except (OSError, ValueError):
        return stream
    if is_screen:
        stream.reconfigure(errors=_ERRORS)
        return stream
    raw = _Output(descriptor, is_error=is_error)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=stream.encoding, errors=_ERRORS, line_buffering=is_error)


class _Output(io.FileIO):
    """A pipe or a file that may fail at any time. After that, what is printed goes nowhere."""

    def __init__(self, descriptor: int, *, is_error: bool) -> None:
        self._is_error = is_error
        super().__init__(descriptor, "w", closefd=False)

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            with suppress(OSError):
                os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if self._is_error or isinstance(error, BrokenPipeError):
                return len(data)  # nobody to tell
            raise MachineError.single(
                f"the report cannot be written ({error.strerror})",
                where="standard output",
                fix="free some space there, or write it to another place",
            ) from error
