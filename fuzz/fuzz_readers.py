# ruff: noqa: INP001
"""Can any text crash or stall the readers of summaries? Run: make fuzz (FUZZ_SECONDS=600 make fuzz for longer)

atheris (libFuzzer for Python) changes bytes so that more of grader's own lines are reached, starting from the real
prints in tests/architecture/printed. The first byte chooses what the rest is:

    even    the text of a file, as it is
    odd     pieces of real prints, put together by the bytes: rows of one tool under another's header, cut, doubled

It stops at a crash, or at a text that takes more than 2 s and 2 s a megabyte (ten times that under atheris, which makes
everything slower), and leaves it in build/fuzz/.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["grader"]):
    from grader.architecture.readers import read_summaries
    from grader.architecture.recompute import verify
    from grader.documents.report_lines import report_lines

PRINTED = Path(__file__).resolve().parent.parent / "tests" / "architecture" / "printed"
PIECES = sorted(
    {
        line
        for file in PRINTED.glob("*.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if len(line) < 200
    }
)
ENDS = ("\n", "\n", "\n", " ", "", '\\n",\n', " \\\\\n", "\n\n", "<br/>", "\r\n", " | ")
SLOWER = 10  # times, by what atheris puts into every line of grader
PATIENCE_S, PATIENCE_S_PER_MB = 2.0 * SLOWER, 2.0 * SLOWER


def assembled(data: bytes) -> str:
    """A text of pieces: three bytes choose each, where it is cut, and what follows it."""
    parts = []
    for index in range(0, len(data) - 3, 4):
        piece = PIECES[int.from_bytes(data[index : index + 2], "big") % len(PIECES)]
        cut = data[index + 2]
        parts.append(piece[: len(piece) * cut // 200] if cut < 200 else piece)
        parts.append(ENDS[data[index + 3] % len(ENDS)])
    return "".join(parts)


def one_input(data: bytes) -> None:
    if not data:
        return
    text = assembled(data[1:]) if data[0] % 2 else data[1:].decode("utf-8", errors="replace")
    started = time.perf_counter()
    for summary in read_summaries(report_lines(text)):
        verify(summary)
    took = time.perf_counter() - started
    allowed = PATIENCE_S + PATIENCE_S_PER_MB * len(text) / 1e6
    if took > allowed:
        raise TimeoutError(f"{took:.1f} s for {len(text):,} characters")


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
