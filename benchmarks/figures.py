"""What does a benchmark tell, and in which form? A figure: a measured value beside its bar, with what it is made of.

    tell([Figure("P7", "second run of an unchanged class, against the first", second / first, 0.02, is_at_most=True,
                 parts={"first, s": first, "second, s": second}, n=20)], versions=versions_of("torch", "click"))

`tell` prints them. Where GRADER_BENCH_FIGURES names a file (as `make bench` does), it also appends one line of JSON for
each: what was measured, when, where, with which versions and by which command. Part of a figure is a number with a
name that ends with its unit, behind a comma, where it has one: "first, s".
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FILE_VARIABLE = "GRADER_BENCH_FIGURES"
UNITS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # of a processor, that decide how fast networks are


@dataclass(frozen=True)
class Figure:
    """One measured value.

    `name` is that of the bar ("P3"); one that has several demands has several figures. `value` is None where it could
    not be measured, `note` then says why; `bar` is None where nothing is demanded. `unit` is "x" for a ratio.
    A `note` also says what keeps a figure that is not met from its bar: the floor that was measured.

    >>> figure = Figure("P7", "a second run, against the first", 0.75 / 31.2, 0.02, parts={"first, s": 31.2})
    >>> figure.is_met, figure.verdict, figure.demand
    (False, 'not met', 'at most 0.02 x')
    >>> Figure("P2", "against nbgrader", None, 10.0, is_at_most=False, note="no pip here").verdict
    'not measured'
    """

    name: str
    question: str
    value: float | None
    bar: float | None
    is_at_most: bool = True
    unit: str = "x"
    parts: Mapping[str, float] = field(default_factory=dict)
    n: int = 1
    note: str = ""

    @property
    def is_met(self) -> bool:
        """False where it was not measured; true where nothing is demanded. No number (NaN) meets no bar."""
        if self.value is None:
            return False
        if self.bar is None:
            return True
        return self.value <= self.bar if self.is_at_most else self.value >= self.bar

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        if self.bar is None:
            return "measured"
        return "met" if self.is_met else "not met"

    @property
    def demand(self) -> str:
        if self.bar is None:
            return ""
        return f"at {'most' if self.is_at_most else 'least'} {self.bar:g} {self.unit}".rstrip()


def tell(figures: Iterable[Figure], *, versions: Mapping[str, str], is_quick: bool | None = None) -> None:
    """Print the figures; append them to the file that GRADER_BENCH_FIGURES names.

    `is_quick` is whether less was measured than is published; left out: whether --quick is on the command line.
    """
    quick = "--quick" in sys.argv[1:] if is_quick is None else is_quick
    told = list(figures)
    for figure in told:
        print("\n".join(lines(figure)), flush=True)
    target = os.environ.get(FILE_VARIABLE)
    if target:
        command = " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
        common = {
            "is_quick": quick,
            "command": command,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": machine(),
            "load": round(os.getloadavg()[0], 2),
            "versions": {"Python": platform.python_version(), **versions},
        }
        with Path(target).open("a", encoding="utf-8") as file:
            for figure in told:
                written = {**asdict(figure), "parts": dict(figure.parts), "verdict": figure.verdict, **common}
                file.write(json.dumps(written) + "\n")


def lines(figure: Figure) -> list[str]:
    """How a figure is printed: the value beside its bar; below it the parts, n and the note.

    >>> print("\\n".join(lines(Figure("P7", "a second run", 0.0241, 0.02, parts={"first, s": 31.24}, n=20))))
    P7  a second run: 0.0241 x (at most 0.02 x: not met)
        first 31.2 s; n = 20
    """
    value = "not measured" if figure.value is None else shown(figure.value, figure.unit)
    beside = f" ({figure.demand}: {figure.verdict})" if figure.bar is not None else ""
    below = "; ".join(filter(None, [parts_said(figure.parts), f"n = {figure.n:,}", figure.note]))
    return [f"{figure.name:3} {figure.question}: {value}{beside}", f"    {below}"]


def parts_said(parts: Mapping[str, float]) -> str:
    """The parts in words.

    >>> parts_said({"first, s": 31.24, "hand-ins": 20, "memory, MiB": 1206.4})
    'first 31.2 s, hand-ins 20, memory 1,206 MiB'
    """
    said = []
    for name, value in parts.items():
        label, comma, unit = name.rpartition(", ")
        said.append(f"{label} {shown(value, unit)}" if comma else f"{name} {shown(value, '')}")
    return ", ".join(said)


def shown(value: float, unit: str) -> str:
    """Three digits that count, and never as a power of ten.

    >>> shown(0.02413, "x"), shown(31.249, "s"), shown(8, ""), shown(123456.7, "rows/s"), shown(0.0000123, "s")
    ('0.0241 x', '31.2 s', '8', '123,457 rows/s', '0.0000123 s')
    """
    if not math.isfinite(value):
        number = "no number"
    elif float(value).is_integer() or abs(value) >= 1000:
        number = f"{value:,.0f}"
    else:
        number = f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
    return f"{number} {unit}".rstrip()


def machine() -> str:
    """This machine as a reader must know it: processor, its units that count here, cores of this process, memory."""
    name, flags = platform.processor() or platform.machine(), ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, said = line.partition(":")
            if key.strip() == "model name":
                name = said.strip()
            elif key.strip() == "flags":
                flags = said
                break
    except OSError:
        pass  # no Linux
    units = [unit for unit in UNITS if unit in flags.split()]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{name} ({', '.join(units) or 'units not known'}), {cores} cores, {memory:.0f} GiB"


def versions_of(*packages: str) -> dict[str, str]:
    """What is installed; "none" where it is not."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found
