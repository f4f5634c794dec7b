"""How fast is a long report read? Run: python benchmarks/bench_readers.py [--quick] [--megabytes 10] [--traps]

R1  reading a mixed report, and one that is nothing but prints (`long_reports`): its lines, summaries and claims, to the
    bar of 3 s for 10 MB, by CPU time. Beside it the speed of each step and of `read_report`, which recomputes too
R2  the memory that reading took at most, above the text

With --traps also the seconds for a megabyte of the worst texts.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import long_reports
from figures import Figure, tell

from grader.answers.claims import read_claims
from grader.answers.claims.agreement import contradictions
from grader.answers.formulas import find_formulas
from grader.architecture.readers import read_summaries
from grader.documents.report_lines import report_lines
from grader.reading import read_report

TESTS = Path(__file__).resolve().parent.parent / "tests"
FUZZ = (TESTS / "architecture" / "test_readers_fuzz.py", TESTS / "answers" / "claims" / "test_claims_fuzz.py")
BAR_S_PER_10_MB, TRAP_BAR_S, BAR_MB = 3.0, 2.0, 200.0
TEXTS = {"mixed": long_reports.mixed, "prints": long_reports.prints}


def timed(step: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor: others may load the machine."""
    started = time.process_time()
    result = step()
    return time.process_time() - started, result


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def warm_up() -> None:
    read_report(long_reports.mixed(60_000), file="report.md")


def measure_steps(name: str, size: int) -> None:
    """Each step of reading, apart; collections are off, as in `read_report`."""
    warm_up()
    text, before = TEXTS[name](size), peak_mb()
    bar_s = BAR_S_PER_10_MB * len(text) / 1e7
    gc.disable()
    lines_s, lines = timed(lambda: report_lines(text))
    summaries_s, summaries = timed(lambda: read_summaries(lines))
    claims_s, claims = timed(lambda: read_claims(lines))
    clashes_s, _ = timed(lambda: contradictions([("report.md", claims)]))
    formulas_s, _ = timed(lambda: find_formulas(lines))
    memory = peak_mb() - before
    rows = sum(len(summary.rows) for summary in summaries)
    megabytes = len(text) / 1e6
    print(
        f"{name}: {megabytes:.0f} MB, {len(lines):,} lines; found {len(summaries):,} summaries of {rows:,} rows, "
        f"{len(claims):,} claims ({len(claims) / megabytes:,.0f} in a MB)"
    )
    both_s = lines_s + summaries_s
    for what, seconds, count in (
        ("lines of the report", lines_s, f"{len(lines) / lines_s:10,.0f} lines/s"),
        ("summaries, tables", summaries_s, f"{rows / summaries_s:10,.0f} rows/s"),
        ("lines and summaries", both_s, f"{rows / both_s:10,.0f} rows/s, {both_s / bar_s:.2f} of the bar"),
        ("claims", claims_s, f"{len(claims) / claims_s:10,.0f} claims/s"),
        ("contradictions", clashes_s, ""),
        ("formulas", formulas_s, ""),
        ("all that is read", both_s + claims_s, f"{'':17}{(both_s + claims_s) / bar_s:.2f} of the bar"),
    ):
        print(f"  {what:20} {seconds:6.2f} s  {megabytes / max(seconds, 1e-3):7.1f} MB/s  {count}")
    read_s, note = both_s + claims_s, f"seed {long_reports.SEED}"
    parts = {"lines, s": lines_s, "summaries, s": summaries_s, "claims, s": claims_s, "report, MB": megabytes}
    tell(
        [
            Figure("R1", f"a {name} report is read, for each 10 MB, CPU", 10 * read_s / megabytes, BAR_S_PER_10_MB,
                   unit="s", parts=parts, note=note),
            Figure("R2", f"memory above the text of a {name} report", memory, BAR_MB if megabytes <= 10.5 else None,
                   unit="MB", parts={"report, MB": megabytes}, note=note),
        ],
        versions={},
    )  # fmt: skip


def measure_report(name: str, size: int) -> None:
    """`read_report`: what a student waits for, recomputing included. The prints are as their tools printed them."""
    warm_up()
    text, before = TEXTS[name](size, is_changed=False), peak_mb()
    seconds, report = timed(lambda: read_report(text, file="report.md"))
    rows = sum(len(verdict.rows) for verdict in report.summaries)
    print(
        f"  {'read_report':20} {seconds:6.2f} s  {len(text) / 1e6 / seconds:7.1f} MB/s  {rows / seconds:10,.0f} rows/s "
        f"of honest prints, memory {peak_mb() - before:.0f} MB"
    )


def everything(text: str) -> None:
    lines = report_lines(text)
    read_summaries(lines)
    contradictions([("report.md", read_claims(lines))])


def measure_traps() -> None:
    warm_up()
    before, slow = peak_mb(), []
    for file in FUZZ:
        spec = importlib.util.spec_from_file_location(file.stem, file)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, trap in module.TRAPS.items():
            megabyte = (trap * (1 + 1_000_000 // len(trap)))[:1_000_000]
            seconds, _ = timed(lambda text=megabyte: everything(text))
            slow.append((seconds, name))
    print(f"seconds to read 1 MB of each of {len(slow)} traps, the slowest first:")
    for seconds, name in sorted(slow, reverse=True)[:8]:
        print(f"  {seconds:6.2f}  {seconds / TRAP_BAR_S:5.2f} of the bar  {name}")
    print(f"memory {peak_mb() - before:.0f} MB, {(peak_mb() - before) / BAR_MB:.2f} of the bar")


def apart(step: Callable[..., None], *arguments: Any) -> None:
    """In a process of its own, whose memory is that of this step alone."""
    process = multiprocessing.get_context("spawn").Process(target=step, args=arguments)
    process.start()
    process.join()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="1 MB")
    asked.add_argument("--megabytes", type=float, default=None, help="default: 10")
    asked.add_argument("--traps", action="store_true", help="the worst texts too (minutes)")
    options = asked.parse_args()
    size = int((options.megabytes or (1 if options.quick else 10)) * 1e6)
    for name in TEXTS:
        apart(measure_steps, name, size)
        apart(measure_report, name, size)
    if options.traps:
        apart(measure_traps)


if __name__ == "__main__":
    main()
