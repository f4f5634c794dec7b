"""How is a program started in bubblewrap? With an empty environment, its options on a descriptor, as nobody."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from grader.frozen import dataclass
from grader.limits import Limits
from grader.sandbox import layout, syscalls
from grader.sandbox.launched import launch
from grader.sandbox.process import Pipe, Watched
from grader.sandbox.protocol import FrameReader

_REACH = Path(__file__).parent / "reach.py"
_STAGES = ("/mnt", "/media", "/tmp")  # noqa: S108  an empty folder is enough: it is covered in a private namespace


@cache
def bubblewrap() -> str | None:
    """The path of bwrap, or None."""
    return shutil.which("bwrap") or shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin")


@dataclass(frozen=True, slots=True)
class Boxed:
    """The command that starts a box, and the descriptors that must stay open in it."""

    command: list[str]
    descriptors: list[int]


@contextmanager
def boxed(
    here: layout.Installation, opened: Mapping[str, int], program: list[str], *, tmpfs_mb: int, is_warm: bool = False
) -> Iterator[Boxed]:
    """What starts `program` (arguments of the interpreter) in a fresh box, as long as this lasts.

    `opened` are descriptors of the box's files, by their path beneath /box. With `is_warm` it is the box of a zygote,
    whose children make namespaces of their own and are filtered there. Raises OSError where it cannot be prepared.
    """
    bwrap = bubblewrap()
    if bwrap is None:
        raise FileNotFoundError(2, "bubblewrap is not installed", "bwrap")
    is_root = os.geteuid() == 0
    stage = next(path for path in _STAGES if Path(path).is_dir()) if is_root else ""
    moved = {source: f"{stage}/{index}" for index, (source, _) in enumerate(here.binds)} if is_root else {}
    files = [(descriptor, f"{layout.BOX}/{path}") for path, descriptor in opened.items()]
    options = layout.arguments(here, files, tmpfs_mb=tmpfs_mb, moved=moved, is_warm=is_warm)
    with ExitStack() as stack:
        descriptors = [*opened.values()]
        refused = b"" if is_warm else syscalls.program()
        if refused:
            descriptors.append(stack.enter_context(in_memory(refused)))
            options += ["--seccomp", str(descriptors[-1])]
        # Options on a descriptor: on the command line they would show host paths to the box and to everybody here.
        arguments = stack.enter_context(in_memory(b"".join(os.fsencode(option) + b"\0" for option in options)))
        command = [bwrap, "--args", str(arguments), "--", here.python, *layout.PYTHON_OPTIONS, *program]
        descriptors.append(arguments)
        if is_root:
            plan = {
                "binds": [source for source, _ in here.binds],
                "stage": stage,
                "uid": layout.UID,
                "command": command,
            }
            planned = stack.enter_context(in_memory(json.dumps(plan).encode()))
            command = [sys.executable, "-I", "-S", "-B", str(_REACH), str(planned)]
            descriptors.append(planned)
        yield Boxed(command, descriptors)


def isolated(
    here: layout.Installation,
    opened: Mapping[str, int],
    request: bytes,
    result: Pipe,
    reader: FrameReader,
    limits: Limits,
) -> Watched:
    """Run /box/programs/start.py in a fresh box. `opened` are descriptors of its files, by their path in it.

    Raises OSError where it cannot be started at all.
    """
    program = [layout.START, str(result.writing)]
    with boxed(here, opened, program, tmpfs_mb=limits.tmpfs_mb) as box:
        return launch(
            box.command,
            environment={},  # bubblewrap's own: what it has, the box could read
            descriptors=box.descriptors,
            request=request,
            result=result,
            reader=reader,
            limits=limits,
            is_wrapped=True,
        )


@contextmanager
def in_memory(data: bytes) -> Iterator[int]:
    """A descriptor from which `data` can be read."""
    descriptor = os.memfd_create("grader")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
