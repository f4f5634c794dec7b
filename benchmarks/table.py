"""What does one run of every benchmark say? Run: python benchmarks/table.py [--quick] [--all] [--only P3] [--from FILE]

Runs the benchmarks of the ratios P1 to P11 and of docs/scale.md one after the other, each in a process of its own, with
--all those of other questions too; prints the table of their figures, and writes it into docs/performance.md and
docs/scale.md, between the two comments there. The words around it stay as they are.

Nothing is written by a run with --quick or --only, which measure less than is published, nor where a benchmark failed:
the figures are kept in a file, which is named at the end. With that file as GRADER_BENCH_FIGURES a single benchmark can
be run again, and with --from the tables are made of the file: of figures with one name and question, the last.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import FILE_VARIABLE, Figure, parts_said, shown

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
RATIOS = tuple(f"P{number}" for number in range(1, 12))
BEGIN, END = "<!-- figures: written by `make bench`, not by hand -->", "<!-- end of figures -->"


@dataclass(frozen=True)
class Benchmark:
    """A file, and the names of the figures that it must tell: a letter and a number each."""

    file: str
    tells: tuple[str, ...]
    is_extra: bool = False


BENCHMARKS = (
    Benchmark("bench_startup.py", ("P6",)),
    Benchmark("bench_evaluation.py", ("P3",)),
    Benchmark("bench_training.py", ("P4", "P5")),
    Benchmark("bench_run_all.py", ("P7", "P8", "P9")),
    Benchmark("bench_ray.py", ("P10",)),
    Benchmark("bench_peers.py", ("P1", "P2")),
    Benchmark("bench_gpu.py", ("P11",)),
    Benchmark("bench_scale.py", tuple(f"S{number}" for number in range(1, 9))),
    Benchmark("bench_sandbox.py", ("W1", "W2"), is_extra=True),
    Benchmark("bench_readers.py", ("R1", "R2"), is_extra=True),
    Benchmark("bench_desk.py", ("D1", "D2", "D3"), is_extra=True),
    Benchmark("bench_ensembles.py", ("E1",), is_extra=True),
    Benchmark("bench_originality.py", ("O1", "O2"), is_extra=True),
)
# Which page shows which figures, by their letter.
PAGES = {"performance.md": "PWRDE", "scale.md": "SO"}
Told = dict[str, Any]  # a line of the file: a figure and its circumstances


def run(benchmark: Benchmark, file: Path, *, is_quick: bool) -> str:
    """Why it failed, or nothing. What it prints is printed."""
    before = len(read(file))
    ran = subprocess.run(
        [sys.executable, str(HERE / benchmark.file), *(["--quick"] if is_quick else [])],
        check=False,
        cwd=HERE.parent,
        env={**os.environ, FILE_VARIABLE: str(file)},
    )
    if ran.returncode:
        return f"{benchmark.file} ended with {ran.returncode}"
    missing = set(benchmark.tells) - {told["name"] for told in read(file)[before:]}
    return f"{benchmark.file} told nothing of {', '.join(sorted(missing))}" if missing else ""


def program() -> str:
    """What was measured: the digest of our source files, and of the benchmarks."""
    whole = hashlib.sha256()
    for path in sorted([*(HERE.parent / "grader").rglob("*.py"), *HERE.rglob("*.py")]):
        whole.update(f"{path}\n".encode() + path.read_bytes())
    return whole.hexdigest()


def read(file: Path) -> list[Told]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def latest(told: Iterable[Told]) -> list[Told]:
    """The last of each name and question, in the order of the pages and numbers: P2 stands before P10."""
    kept = {(one["name"], one["question"]): one for one in told}
    letters = "".join(PAGES.values())
    return sorted(kept.values(), key=lambda one: (letters.index(one["name"][0]), int(one["name"][1:])))


def figure_of(told: Told) -> Figure:
    return Figure(**{name: told[name] for name in Figure.__dataclass_fields__})


def table(told: Sequence[Told]) -> list[str]:
    """The lines of Markdown: where and when it was measured, a row for each figure, the commands."""
    rows = ["| # | question | measured | bar | | made of |", "| --- | --- | --- | --- | --- | --- |"]
    for one in told:
        figure = figure_of(one)
        value = "-" if figure.value is None else shown(figure.value, figure.unit)
        made_of = "; ".join(filter(None, [parts_said(figure.parts), f"n = {figure.n:,}", figure.note]))
        cells = (figure.name, figure.question, value, figure.demand or "-", figure.verdict, made_of)
        rows.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    commands: dict[str, list[str]] = {}
    for one in told:
        names = commands.setdefault(one["command"], [])
        names += [one["name"]] if one["name"] not in names else []
    made_by = "; ".join(f"{', '.join(names)}: `{command}`" for command, names in commands.items())
    return [*circumstances(told), "", *rows, "", f"{made_by}."]


def circumstances(told: Sequence[Told]) -> Iterator[str]:
    times, loads = sorted(one["at"] for one in told), [one["load"] for one in told]
    versions = sorted({f"{name} {version}" for one in told for name, version in one["versions"].items()}, key=str.lower)
    first, last = (moment[:16].replace("T", " ") for moment in (times[0], times[-1]))
    span = first if first == last else f"{first} to {last[11:] if first[:10] == last[:10] else last}"
    yield f"Measured {span} UTC on {' and '.join(sorted({one['machine'] for one in told}))};"
    yield f"load average when the figures came in {min(loads):.1f} to {max(loads):.1f}."
    yield f"{', '.join(versions)}."


def written(page: str, told: Sequence[Told]) -> str:
    """The text of a page with the table in its place. Raises ValueError where it has not one place for it."""
    head, begun, rest = page.partition(BEGIN)
    _, ended, foot = rest.partition(END)
    if not begun or not ended or BEGIN in rest or END in foot:
        raise ValueError(f"there is not one place between {BEGIN} and {END}")
    return "\n".join([head + BEGIN, *table(told), END]) + foot


def publish(told: Sequence[Told]) -> None:
    """Write the pages, or none: SystemExit says why not."""
    if any(one["is_quick"] for one in told):
        raise SystemExit("not published: some of these figures are of a run with --quick")
    absent = [name for name in RATIOS if name not in {one["name"] for one in told}]
    if absent:
        raise SystemExit(f"not published: there are no figures of {', '.join(absent)}")
    pages = {}
    for name, kinds in PAGES.items():
        page, shown_there = DOCS / name, [one for one in told if one["name"][0] in kinds]
        if shown_there:
            try:
                pages[page] = written(page.read_text(encoding="utf-8"), shown_there)
            except (OSError, ValueError) as error:
                raise SystemExit(f"not published: docs/{name}: {error}") from error
    for page, text in pages.items():
        page.write_text(text, encoding="utf-8")
        print(f"written: docs/{page.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything: does it run at all? Writes no page")
    parser.add_argument("--all", action="store_true", help="the benchmarks beside the ratios too")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="the benchmarks of these figures. Writes no page")
    parser.add_argument("--from", dest="file", type=Path, metavar="FILE", help="measure nothing: write what FILE holds")
    asked = parser.parse_args()
    if asked.file:
        told = latest(read(asked.file))
        print("\n".join(table(told)))
        publish(told)
        return
    chosen = [one for one in BENCHMARKS if asked.all or not one.is_extra]
    if asked.only:
        chosen = [one for one in BENCHMARKS if set(asked.only) & set(one.tells)]
    if not chosen:
        raise SystemExit(f"no benchmark tells {', '.join(asked.only)}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "grader-bench" / "figures"
    cache.mkdir(parents=True, exist_ok=True)
    file = cache / f"{time.strftime('%Y-%m-%d-%H%M%S', time.gmtime())}{'-quick' if asked.quick else ''}.jsonl"
    failures, began, measured = [], time.monotonic(), program()
    for benchmark in chosen:
        at = time.monotonic()
        print(f"\n--- {benchmark.file}, load {os.getloadavg()[0]:.1f}", flush=True)
        failure = run(benchmark, file, is_quick=asked.quick)
        print(f"--- {benchmark.file} took {time.monotonic() - at:.0f} s {failure}", flush=True)
        failures += [failure] if failure else []
    if program() != measured:
        failures.append("the program was changed while it was measured")
    told = latest(read(file))
    print(f"\nAll of it took {(time.monotonic() - began) / 60:.1f} minutes; the figures are in {file}\n")
    if told:
        print("\n".join(table(told)), flush=True)
    if failures:
        raise SystemExit("not published: " + "; ".join(failures))
    if asked.quick or asked.only:
        print(f"\nnot published: this run has {'--quick' if asked.quick else '--only'}")
        return
    publish(told)


if __name__ == "__main__":
    main()
