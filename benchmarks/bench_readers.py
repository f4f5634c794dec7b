"""How fast are summaries read and recomputed? Run: python benchmarks/bench_readers.py

Prints rows per second and the seconds for a report of 10 MB (many real summaries in prose), each step apart, the
seconds for a megabyte of the worst texts that the tests know, and the memory that both needed at most.
"""

from __future__ import annotations

import importlib.util
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.documents.report_lines import report_lines

HERE = Path(__file__).resolve().parent.parent
TESTS = HERE / "tests" / "architecture"
SIZE = 10_000_000  # characters
BAR_S, TRAP_BAR_S, BAR_MB = 3.0, 2.0, 200.0
PROSE = """
## Results

The network was trained for 10 epochs with Adam (learning rate 0.001, batch size 64) and reached a test accuracy of
98.92 % after {number} epochs, against 97.05 % before. The kernel size is 3, the stride 1; see Table {number}.

"""


def report(size: int) -> str:
    """Prose and real prints in turns, up to a size."""
    prints = [file.read_text(encoding="utf-8") for file in sorted((TESTS / "printed").glob("*.txt"))]
    parts, length, number = [], 0, 0
    while length < size:
        parts += [PROSE.format(number=number), PROSE, prints[number % len(prints)]]
        length += sum(len(part) for part in parts[-3:])
        number += 1
    return "".join(parts)[:size]


def timed(step: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = step()
    return time.perf_counter() - started, result


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def traps() -> dict[str, str]:
    """The built traps of the fuzz test."""
    spec = importlib.util.spec_from_file_location("traps", TESTS / "test_readers_fuzz.py")
    if spec is None or spec.loader is None:
        return {}
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TRAPS


def main() -> None:
    print(f"{platform.platform()}, Python {platform.python_version()}")
    verify(read_summaries(report_lines(report(30_000)))[0])
    text, before = report(SIZE), peak_mb()
    lines_s, lines = timed(lambda: report_lines(text))
    lines = tuple(lines)
    read_s, summaries = timed(lambda: read_summaries(lines))
    rows = sum(len(summary.rows) for summary in summaries)
    memory = peak_mb() - before
    verify_s, _ = timed(lambda: [verify(summary) for summary in summaries])
    print(f"{len(text) / 1e6:.0f} MB: {len(lines):,} lines, {len(summaries):,} summaries, {rows:,} rows")
    print(f"  lines of the report  {lines_s:6.2f} s")
    print(f"  reading              {read_s:6.2f} s   {rows / (lines_s + read_s):,.0f} rows/s with the lines")
    print(
        f"  both                 {lines_s + read_s:6.2f} s   {(lines_s + read_s) / BAR_S:.2f} of the bar of {BAR_S} s"
    )
    print(f"  recomputing          {verify_s:6.2f} s   {rows / verify_s:,.0f} rows/s")
    print(f"  memory, read         {memory:6.0f} MB  {memory / BAR_MB:.2f} of the bar of {BAR_MB:.0f} MB")
    slow = []
    for name, trap in traps().items():
        megabyte = (trap * (1 + 1_000_000 // len(trap)))[:1_000_000]
        seconds, _ = timed(lambda text=megabyte: [verify(one) for one in read_summaries(report_lines(text))])
        slow.append((seconds, name))
    print("seconds for 1 MB of each trap, the slowest first:")
    for seconds, name in sorted(slow, reverse=True)[:8]:
        print(f"  {seconds:6.2f}  {seconds / TRAP_BAR_S:5.2f} of the bar  {name}")
    print(f"memory in all: {peak_mb() - before:.0f} MB")


if __name__ == "__main__":
    main()
