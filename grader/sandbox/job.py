"""How is one job done in the box? Files and a request go in, an answer comes out, or a fault with its owner."""

from __future__ import annotations

import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path, PurePosixPath

from grader.limits import Limits
from grader.model import Json, Problem
from grader.sandbox import boxes, layout, scratch
from grader.sandbox.launched import launch
from grader.sandbox.outcome import Answered, Level, StudentFault, SystemFault
from grader.sandbox.process import Pipe, Watched
from grader.sandbox.protocol import RAW_ANSWER, FrameReader, request_bytes
from grader.sandbox.verdict import judged
from grader.sandbox.zygote import WITH_TORCH, NotWarmError, run_warm

_MOST_FILES = 400  # each is held open while the box is set up
_OPEN_FILES = 8192  # for eight boxes at once, and what else is open
_MOST_BYTES = 2 * 2**30  # of all files of one job: they are held in memory while it runs


def run(
    program: str | Path,
    *,
    files: Mapping[str, Path],
    request: Json,
    inputs: Path | None = None,
    answer_bytes: int | None = None,
    limits: Limits | None = None,
    level: Level | None = None,
    is_warm: bool | None = None,
) -> Answered | StudentFault | SystemFault:
    """Run one of our programs on a student's files, in the box.

    `program` is a name in grader/sandbox/programs, or (for tests) the path of another such file. `files` are the
    student's, by their relative POSIX paths: they stand read-only under /box/job/submission. `inputs` is a file of
    raw bytes, read-only at /box/job/inputs. With `answer_bytes` the answer is exactly that many raw bytes, otherwise
    JSON. Without `level` it is run in a sandbox or not at all: code runs without one only where a caller says so, by
    `level("none")` or by handing on the level that `level()` found. A warmed process is used where there is one, and a
    cold start otherwise, behind the same walls; `is_warm` says which of the two it must be.

    Raises ValueError where the call itself makes no sense (a path that leads out of the folder, an unknown program).
    """
    from grader.sandbox.levels import level as best_level

    limits = limits or Limits()
    if level is None:
        level = best_level()
        if not level.is_isolated:
            problem = Problem("no-sandbox", "sandbox", f"there is no sandbox here: {level.reason}", level.fix)
            return SystemFault(level.name, 0.0, problem=problem)
    if os.name == "posix":
        _allow_open_files()
        tight = _too_tight(limits)
        if tight is not None:
            return SystemFault(level.name, 0.0, problem=tight)
    programs = _programs(program)
    name = Path(program).stem if isinstance(program, Path) else program
    staged = {_checked(path): source for path, source in files.items()}
    _refuse_clashes(staged)
    if len(staged) > _MOST_FILES:
        what, fix = f"{len(staged):,} files are too many for one job", "hand in your own code only, no environment"
        problem = Problem("too-many-files", "submission", what, f"{fix}: at most {_MOST_FILES} files")
        return StudentFault(
            level.name, 0.0, problem=problem, limit=f"{_MOST_FILES} files", use=f"{len(staged):,} files"
        )
    nonce = secrets.token_bytes(16)
    reader = FrameReader(nonce, answer_bytes=answer_bytes)
    here = layout.installation()
    said: dict[str, Json] = {
        "program": name,
        "limits": asdict(limits),
        "is_isolated": level.has_namespaces,
        "request": request,
    }
    moved: list[tuple[str, str]] = []  # paths of this machine that the job sees, and what they are called in a box
    with ExitStack() as stack:
        try:
            opened = {
                **{path: stack.enter_context(_regular(file)) for path, file in programs.items()},
                **{f"job/submission/{path}": stack.enter_context(_regular(file)) for path, file in staged.items()},
            }
            if inputs is not None:
                opened["job/inputs"] = stack.enter_context(_regular(inputs))
            total = sum(os.fstat(descriptor).st_size for descriptor in opened.values())
            if total > _MOST_BYTES:
                what = f"the files have {total:,} bytes together"
                problem = Problem("too-large", name, what, f"hand in at most {_MOST_BYTES:,} bytes")
                return StudentFault(level.name, 0.0, problem=problem, limit=f"{_MOST_BYTES:,} bytes", use=f"{total:,}")
            result = Pipe()
            stack.callback(result.close)
            if level.has_namespaces:
                said |= {"root": layout.BOX, "sites": list(here.box_sites)}
                watched = _isolated(here, opened, nonce, said, result, reader, limits, is_warm=is_warm)
            else:
                root = stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="grader-box-", ignore_cleanup_errors=True)
                )
                said |= {"root": root, "sites": list(here.sites)}
                moved = _names(here, root)
                start = _bare
                if level.is_isolated:
                    from grader.sandbox import alone  # needs Linux

                    said |= alone.words(here, root)
                    start = alone.alone
                watched = start(here, opened, root, request_bytes(nonce, said), result, reader, limits)
        except NotWarmError as error:
            problem = Problem("sandbox", "sandbox", f"the sandbox could not be set up: {error}", "see `grader doctor`")
            return SystemFault(level.name, 0.0, problem=problem)
        except OSError as error:
            what = f"the sandbox could not be set up: {error.strerror or error} ({error.filename or name})"
            return SystemFault(level.name, 0.0, problem=Problem("sandbox", "sandbox", what, "see `grader doctor`"))
    if moved:
        reader.stage = _renamed(reader.stage, moved)
        if reader.kind != RAW_ANSWER:
            text = reader.payload.decode("utf-8", "surrogateescape")
            reader.payload = _renamed(text, moved).encode("utf-8", "surrogateescape")
    ended = judged(name, watched, reader, limits, level)
    return replace(ended, output=_renamed(ended.output, moved)) if moved else ended


def _names(here: layout.Installation, root: str) -> list[tuple[str, str]]:
    """The folders of a job without namespaces, and their names in a box: a finding must not depend on the machine."""
    folders = ((f"{root}/work", layout.TEMPORARY), (root, layout.BOX), *zip(here.sites, here.box_sites, strict=True))
    return list(dict.fromkeys((real, name) for path, name in folders for real in (os.path.realpath(path), path)))


def _renamed(text: str, moved: list[tuple[str, str]]) -> str:
    for path, name in moved:
        text = text.replace(path, name)
    return text


def _too_tight(limits: Limits) -> Problem | None:
    """Whether this machine gives a process less than the course does: an end there would look like the student's."""
    import resource

    asked = (
        ("RLIMIT_AS", limits.memory_mb * 2**20, "bytes of address space", "ulimit -v unlimited", "memory_mb"),
        ("RLIMIT_CPU", limits.cpu_s, "s of CPU time", "ulimit -t unlimited", "cpu_s"),
    )
    for name, wanted, unit, command, setting in asked:
        _, most = resource.getrlimit(getattr(resource, name))
        if most != resource.RLIM_INFINITY and most < wanted:
            what = f"this machine lets a process have {most:,} {unit}, the course allows {int(wanted):,}"
            fix = f"raise it ({command}), or lower [sandbox] {setting} in grader.toml"
            return Problem("machine-limit", "sandbox", what, fix)
    return None


@cache
def _allow_open_files() -> None:
    """As many open files as this user may have: several boxes at once hold each file of their submissions open."""
    import resource

    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
    if now != resource.RLIM_INFINITY and now < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _programs(program: str | Path) -> dict[str, Path]:
    """Every file of ours that stands in the box for this run, by its path there."""
    own = layout.programs()
    name = f"programs/{program.name}" if isinstance(program, Path) else f"programs/{program}.py"
    if isinstance(program, Path):
        if name in own:
            raise ValueError(f"{program.name} stands for one of ours")
        own[f"job/{name}"] = program
    elif name not in own:
        raise ValueError(f"there is no program {program!r}")
    return own


def _checked(path: str) -> str:
    """A relative path of plain names, as intake lets through; anything else is a mistake of the caller."""
    pure = PurePosixPath(path)
    if not path or "\0" in path or pure.is_absolute() or ".." in pure.parts or str(pure) != path:
        raise ValueError(f"{path!r} is no path within a submission")
    return path


def _refuse_clashes(paths: Mapping[str, Path]) -> None:
    for path in paths:
        for parent in PurePosixPath(path).parents:
            if str(parent) in paths:
                raise ValueError(f"{str(parent)!r} is both a file and a folder")


def _isolated(
    here: layout.Installation,
    opened: Mapping[str, int],
    nonce: bytes,
    said: dict[str, Json],
    result: Pipe,
    reader: FrameReader,
    limits: Limits,
    *,
    is_warm: bool | None,
) -> Watched:
    """In a fork of the warmed process, or in a box of its own."""
    if is_warm is not False:
        own = [(path.removeprefix("job/"), file) for path, file in opened.items() if path.startswith("job/")]
        listed: Json = [[path, os.fstat(file).st_size] for path, file in own]
        asked = request_bytes(nonce, {**said, "parcel": listed})
        warmth = {"is_torch": said["program"] in WITH_TORCH, "is_training": said["program"] == "train"}
        try:
            return run_warm(here, own, request=asked, result=result, reader=reader, limits=limits, **warmth)
        except NotWarmError:
            if is_warm:
                raise
    return boxes.isolated(here, opened, request_bytes(nonce, said), result, reader, limits)


@contextmanager
def _regular(path: Path) -> Iterator[int]:
    """An open descriptor of a regular file: no link is followed, no pipe waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "not a regular file", str(path))
        yield descriptor
    finally:
        os.close(descriptor)


def _bare(
    here: layout.Installation,
    opened: Mapping[str, int],
    root: str,
    request: bytes,
    result: Pipe,
    reader: FrameReader,
    limits: Limits,
) -> Watched:
    """L1: a plain process with limits, a clean environment and copies of the files. No wall around it."""
    folder = scratch.furnish(root, opened)
    start = str(Path(root) / "programs" / "start.py")
    command = [here.python, *layout.PYTHON_OPTIONS, start, str(result.writing)]
    environment = layout.environment() | {"HOME": folder, "TMPDIR": folder}
    if sys.platform == "win32":
        raise OSError(0, "the sandbox needs a POSIX system")
    return launch(
        command,
        environment=environment,
        descriptors=(),
        request=request,
        result=result,
        reader=reader,
        limits=limits,
        is_wrapped=False,
        folder=folder,
    )
