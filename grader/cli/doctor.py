"""`grader doctor`: is this machine ready to grade? Every part is tried, and what is wrong comes with its remedy."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.common import console, course_option, find_course
from grader.frozen import dataclass

if TYPE_CHECKING:
    from grader.sandbox import Level


@dataclass(frozen=True)
class Look:
    """One thing that was looked at. `is_needed` False: grading works without it, with less."""

    area: str
    name: str
    is_good: bool
    said: str
    fix: str = ""
    is_needed: bool = True


@click.command(epilog="Example: grader doctor")
@click.option("--json", "is_json", is_flag=True, help="Print what was found as JSON.")
@course_option
def doctor(is_json: bool, course_folder: Path | None) -> int:
    """Look at Python, the packages, the sandbox (every wall is tried), the image sets and the cache.

    The exit code is 5 when something that grading needs is broken.
    """
    from grader.errors import MachineError

    looks = [*_python(), *_packages(), *_sandbox(), *_data(course_folder), *_cache()]
    if is_json:
        click.echo(json.dumps([asdict(look) for look in looks], indent=2))
    else:
        _show(looks)
    return MachineError.exit_code if any(look.is_needed and not look.is_good for look in looks) else 0


_RAISING = "to raise the level"
# Package -> whether grading needs it. torchvision is for students' code, ray for clusters.
PACKAGES = {"torch": True, "torchvision": False, "ray": False, "numpy": True, "safetensors": True}


def _python() -> Iterator[Look]:
    from grader.evidence.memory import memory_bytes

    is_new = sys.version_info >= (3, 11)
    yield Look("machine", "Python", is_new, platform.python_version(), "install Python 3.11 or newer")
    size = memory_bytes()
    memory = f", {size / 2**30:.0f} GiB memory" if size else ""
    yield Look("machine", "cores", is_good=True, said=f"{os.cpu_count()} cores{memory}, {platform.system()}")


def _packages() -> Iterator[Look]:
    for package, is_needed in PACKAGES.items():
        try:
            found, is_good = version(package), True
        except PackageNotFoundError:
            found, is_good = "not installed", False
        yield Look("packages", package, is_good, found, f"pip install {package}", is_needed=is_needed)


def _sandbox() -> Iterator[Look]:
    from grader.sandbox import level, self_test
    from grader.sandbox.raising import steps, this_system

    found = level()
    said = f"{found}: {found.reason}"
    # Without walls a student may still check his own code: less, but not broken.
    yield Look("sandbox", "level", found.is_isolated, said, "" if found.has_namespaces else found.fix, is_needed=False)
    for probe in self_test(found):
        yield Look("sandbox", probe.name, probe.is_passed, probe.said, probe.fix)
    if found.has_namespaces:
        yield _warmth(found)
    yield from _kernel()
    for number, step in enumerate(steps(this_system(), found), 1):
        yield Look(_RAISING, f"step {number}", is_good=False, said="", fix=step, is_needed=False)


def _warmth(found: Level) -> Look:
    """Whether jobs start in a moment here. Where they do not, they start cold: slower, behind the same walls."""
    from grader.sandbox import Answered, run

    ended = [run("probe", files={}, request={"ping": None}, level=found, is_warm=True) for _ in range(2)][-1]
    if isinstance(ended, Answered):
        said = f"a job starts and ends in {ended.seconds:.2f} s"
        return Look("sandbox", "a warmed process", is_good=True, said=said, is_needed=False)
    fix = "nothing needs to be done: each job starts a box of its own, which is slower and as safe"
    return Look("sandbox", "a warmed process", is_good=False, said=ended.problem.what, fix=fix, is_needed=False)


def _kernel() -> Iterator[Look]:
    """What the kernel gives to build walls of. None of it is needed by itself: what counts is that every wall holds."""
    from grader.sandbox import cgroups, syscalls
    from grader.sandbox.programs import landlock

    version = landlock.abi()
    fix = "use a kernel from 5.13 on with landlock in its list of security modules (lsm=)"
    said = f"version {version}" if version else "not there"
    yield Look("kernel", "Landlock", version > 0, said, "" if version else fix, is_needed=False)
    is_good, said = syscalls.tried()
    fix = "" if is_good else "grade on Linux, on x86-64 or arm64"
    yield Look("kernel", "system call filter", is_good, said, fix, is_needed=False)
    kind, said = cgroups.usable()
    fix = "" if kind else cgroups.REMEDY
    yield Look("kernel", "control groups", bool(kind), said, fix, is_needed=False)


def _data(course_folder: Path | None) -> Iterator[Look]:
    from grader.datasets import status
    from grader.errors import CourseError

    root = None
    try:
        course = find_course(course_folder)
        root = course.data_root
        yield Look("course", "grader.toml", is_good=True, said=f"{course.name} ({course.root})")
    except CourseError as error:
        problem = error.problems[0]
        is_absent = problem.code == "no-course" and course_folder is None
        yield Look("course", "grader.toml", is_good=False, said=problem.what, fix=problem.fix, is_needed=not is_absent)
    for one in status(root):
        yield Look("image sets", one.name, one.is_present, one.where or "not here", one.fix, is_needed=False)


def _cache() -> Iterator[Look]:
    import tempfile

    from grader.places import cache_folder

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        fix = "name a writable folder: export GRADER_CACHE=FOLDER"
        yield Look("cache", str(folder), is_good=False, said=str(error.strerror), fix=fix)
        return
    yield Look("cache", "folder", is_good=True, said=f"{folder} can be written")


def _show(looks: list[Look]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(pad_edge=False)
    for column in ("part", "what", "", "found"):
        table.add_column(column, overflow="fold")
    area = ""
    for look in looks:
        if look.area == _RAISING:
            continue
        sign = Text("✓", "green") if look.is_good else Text("✗", "red") if look.is_needed else Text("–", "yellow")
        found = Text(look.said if look.is_good or not look.fix else f"{look.said}\nfix: {look.fix}")
        table.add_row(look.area if look.area != area else "", look.name, sign, found)
        area = look.area
    screen = console()
    screen.print(table)
    todo = [look.fix for look in looks if look.area == _RAISING]
    if todo:
        screen.print("to raise the level of the sandbox here:")
    for number, step in enumerate(todo, 1):
        screen.print(Text(f"{number}. {step}"), soft_wrap=True)  # to be copied: not one line more than there is
    bad = [look for look in looks if look.is_needed and not look.is_good]
    screen.print("ready to grade" if not bad else f"not ready: {', '.join(look.name for look in bad)}")
