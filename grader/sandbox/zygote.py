"""How is a job started in a moment? As a fork of a warmed process, one for each worker, in namespaces of its own.

A box is started once (`boxes`), with no student's file in it; in there `programs/zygote.py` imports what every job
needs, and forks a child for each. Out here is the other end: a socket to it, and the pool of those that are idle.
Each is tried when it starts (`trial`), and is given up after so many jobs, or after any fault that is not the
student's. Where none can be had, jobs are started cold: slower, behind the same walls.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import select
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import IO

from grader.frozen import dataclass
from grader.limits import Limits
from grader.model import Json
from grader.sandbox import boxes, layout, syscalls, trial
from grader.sandbox.process import GRACE_S, Pipe, Watched, wait_until_over, watch, writable
from grader.sandbox.protocol import JSON_ANSWER, FrameReader, request_bytes
from grader.sandbox.usage import children, is_alive, kill, tree

Origin = tuple[str | None, layout.Installation]  # the bubblewrap and the Python that it is made of

TRAINING = b"training"  # as `programs/zygote.py` has it
WITH_TORCH = frozenset({"describe", "predict", "denoise", "activations", "train"})
MOST_JOBS = 200  # of one zygote
FEW_JOBS = 8  # more, and it makes ready for trainings too: there is code that makes an optimizer when it is imported
_START_S = {False: 20.0, True: 120.0}  # importing torch takes 2 s here, and much longer on a busy machine
_FORK_S = 30.0
_MESSAGE = 1 << 16
_LAST = frozenset({"programs/__init__.py", "programs/zygote.py", "programs/warmth.py"})  # not imported with the others
_CONTROL_MB = 1  # of the zygote's own temporary folders: nothing is written there


class NotWarmError(Exception):
    """There is no warmed process to be had, for this reason. No job was started."""


@dataclass
class Zygote:
    """A warmed process, and the socket to it."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    printed: IO[bytes]
    origin: Origin
    is_torch: bool
    jobs: int = 0
    is_spent: bool = False
    has_trained: bool = False  # it has imported what a training needs besides
    _pid: int = 0

    @property
    def pid(self) -> int:
        """The number of the warmed process out here: bubblewrap's child."""
        if not self._pid:
            found = children(self.process.pid)
            self._pid = found[0] if found else 0
        return self._pid

    def receive(self, seconds: float) -> bytes:
        """The next message; nothing where the process is gone, or silent for so long."""
        readable, _, _ = select.select([self.control], [], [], seconds)
        if not readable:
            return b""
        try:
            return self.control.recv(_MESSAGE)
        except OSError:
            return b""

    def said(self) -> str:
        """The end of what it printed, which is only ever our own words."""
        self.printed.seek(0)
        return self.printed.read()[-2000:].decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End it, and all that it started."""
        self.is_spent = True
        with suppress(OSError):
            self.control.close()
        members = list(tree(self.process.pid))
        kill(members)
        self.process.wait()
        patience = time.monotonic() + GRACE_S
        while any(map(is_alive, members)) and time.monotonic() < patience:
            time.sleep(0.002)  # a killed process is there until its memory is given back
        with suppress(OSError):
            self.printed.close()


class Forked:
    """A job that a zygote has forked."""

    def __init__(self, zygote: Zygote, keeper: int) -> None:
        self.zygote, self.keeper = zygote, keeper
        self._is_over = False

    @property
    def root(self) -> int:
        return self.keeper

    def members(self) -> list[int]:
        return list(tree(self.keeper))[1:]

    def folders(self) -> list[str]:
        first = children(self.keeper)
        return writable(first[0]) if first else []

    def is_over(self, watched: Watched) -> bool:
        if self._is_over:
            return True
        message = self.zygote.receive(0.0)
        if message:
            ended = json.loads(message)
            watched.returncode = ended["code"]
            watched.cpu_seconds = max(watched.cpu_seconds, ended["cpu_s"])
            watched.is_lost = ended["code"] < 0  # the keeper runs no student byte: it was killed from outside
            self._is_over = True
        elif self.zygote.process.poll() is not None:  # the zygote itself is gone: nothing of the job can be left
            watched.returncode, watched.is_lost = 128 + 9, True
            self._is_over = True
        self.zygote.is_spent |= watched.is_lost
        return self._is_over

    def kill(self) -> None:
        kill(self.members())

    def end(self, watched: Watched) -> None:
        if not self.is_over(watched):
            self.kill()
            if not wait_until_over(self, watched):
                self.zygote.close()


def run_warm(
    here: layout.Installation,
    files: Sequence[tuple[str, int]],
    *,
    is_torch: bool,
    is_training: bool = False,
    request: bytes,
    result: Pipe,
    reader: FrameReader,
    limits: Limits,
) -> Watched:
    """Run one job in a fork of a warmed process; for a training in one that has warmed to trainings, too.

    `files` are pairs of a path beneath the job's folder and an open descriptor. Raises NotWarmError where there is no
    warmed process; then no job was started, and the caller starts it cold.
    """
    with _borrowed(here, is_torch=is_torch, is_training=is_training) as zygote:
        return _run_on(
            zygote, files, request=request, result=result, reader=reader, limits=limits, is_training=is_training
        )


def _run_on(
    zygote: Zygote,
    files: Sequence[tuple[str, int]],
    *,
    request: bytes,
    result: Pipe,
    reader: FrameReader,
    limits: Limits,
    is_training: bool = False,
) -> Watched:
    with ExitStack() as stack:
        parcel = stack.enter_context(parcel_of(files))
        asked, printed = Pipe(), Pipe()
        stack.callback(asked.close)
        stack.callback(printed.close)
        job = _fork(zygote, [asked.reading, printed.writing, result.writing, parcel], is_training=is_training)
        for close in (asked.close_reading, printed.close_writing, result.close_writing):
            close()
        try:
            return watch(
                job, request=request, asked=asked, printed=printed, result=result, reader=reader, limits=limits
            )
        except BaseException:
            zygote.is_spent = True
            raise


def _fork(zygote: Zygote, descriptors: list[int], *, is_training: bool) -> Forked:
    zygote.jobs += 1
    is_first = not zygote.has_trained and (is_training or (zygote.is_torch and zygote.jobs > FEW_JOBS))
    zygote.has_trained |= is_first
    try:
        socket.send_fds(zygote.control, [TRAINING if is_first else b"job"], descriptors)
    except OSError as error:
        zygote.is_spent = True
        raise NotWarmError(f"the warmed process is gone ({error.strerror})") from error
    if zygote.receive(_START_S[True] if is_first else _FORK_S) != b"forked":
        zygote.is_spent = True
        raise NotWarmError(f"the warmed process forks no more: {zygote.said() or 'no word'}")
    found = children(zygote.pid)
    # None is left where it has ended already, which is then said by the next message.
    return Forked(zygote, found[0] if found else 0)


@contextmanager
def parcel_of(files: Sequence[tuple[str, int]]) -> Iterator[int]:
    """A descriptor of the files' bytes, one after another. In memory: what the child sees has no name out here."""
    descriptor = os.memfd_create("grader", os.MFD_CLOEXEC)
    try:
        for _, source in files:
            offset = 0
            while sent := os.sendfile(descriptor, source, offset, 1 << 24):
                offset += sent
        yield descriptor
    finally:
        os.close(descriptor)


# --- the pool ----------------------------------------------------------------------------------


class _Pool:
    """The idle zygotes of this process. A worker takes one for each job and gives it back."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.lock = threading.Lock()
        self.idle: list[Zygote] = []
        self.is_cold = 0  # how many want it so
        self.refused: dict[tuple[Origin, bool], str] = {}
        # A box ends with the thread that started it (PR_SET_PDEATHSIG), so that one thread starts them all, and stays.
        self.nursery = ThreadPoolExecutor(1, thread_name_prefix="zygotes")

    def take(self, here: layout.Installation, *, is_torch: bool, is_training: bool = False) -> Zygote:
        """An idle one, or a new one. Of idle ones, for a training, one that has trained. Raises NotWarmError."""
        if self.is_cold:
            raise NotWarmError("cold starts were asked for")
        origin = (boxes.bubblewrap(), here)
        with self.lock:
            if (origin, is_torch) in self.refused:
                raise NotWarmError(self.refused[origin, is_torch])
            for zygote in sorted(self.idle, key=lambda one: one.has_trained != is_training):
                if (zygote.origin, zygote.is_torch) == (origin, is_torch):
                    self.idle.remove(zygote)
                    return zygote
        try:
            zygote = self.nursery.submit(_launched, origin, is_torch=is_torch).result()
            _set_up(zygote)
            _try(zygote)
        except (OSError, NotWarmError) as error:
            with self.lock:
                self.refused[origin, is_torch] = str(error)  # it would fail again, and cost each job the wait
            raise NotWarmError(str(error)) from error
        except RuntimeError as error:  # the interpreter is shutting down
            raise NotWarmError(str(error)) from error
        return zygote

    def give_back(self, zygote: Zygote) -> None:
        if zygote.is_spent or zygote.jobs >= MOST_JOBS:
            zygote.close()
            return
        with self.lock:
            self.idle.append(zygote)

    def close(self) -> None:
        if os.getpid() != self.owner:
            return
        with self.lock:
            closing, self.idle = self.idle, []
        for zygote in closing:
            zygote.close()


@cache
def _pool_of(_process: int) -> _Pool:
    pool = _Pool()
    atexit.register(pool.close)
    return pool


def pool() -> _Pool:
    """The pool of this very process: what a fork of the grader inherited is its parent's."""
    return _pool_of(os.getpid())


@contextmanager
def cold() -> Iterator[None]:
    """As long as this lasts, jobs of this process start cold: what a box of its own does is then what is seen."""
    here = pool()
    here.is_cold += 1
    try:
        yield
    finally:
        here.is_cold -= 1


def close_idle() -> None:
    """End all warmed processes that have nothing to do; the next job starts one anew."""
    pool().close()


@contextmanager
def _borrowed(here: layout.Installation, *, is_torch: bool, is_training: bool) -> Iterator[Zygote]:
    zygote = pool().take(here, is_torch=is_torch, is_training=is_training)
    try:
        yield zygote
    finally:
        pool().give_back(zygote)


def _launched(origin: Origin, *, is_torch: bool) -> Zygote:
    """Start a box with a zygote in it, which has not said anything yet. Raises OSError."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ExitStack() as stack:
        stack.callback(far.close)
        opened = {}
        for path, file in layout.programs().items():
            descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            opened[path] = descriptor
        boxed = stack.enter_context(
            boxes.boxed(origin[1], opened, [layout.ZYGOTE, str(far.fileno())], tmpfs_mb=_CONTROL_MB, is_warm=True)
        )
        printed = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the zygote
        try:
            process = subprocess.Popen(  # noqa: S603  the command is ours, word by word
                boxed.command, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, env={},
                pass_fds=[*boxed.descriptors, far.fileno()], start_new_session=True,
            )  # fmt: skip
        except OSError:
            printed.close()
            near.close()
            raise
    return Zygote(process, near, printed, origin, is_torch)


def _set_up(zygote: Zygote) -> None:
    """Tell it what to import, and wait until it has. Raises NotWarmError, and leaves nothing then."""
    programs = [Path(path).stem for path in layout.programs() if path not in _LAST]
    setup = {
        "root": layout.BOX,
        "sites": list(zygote.origin[1].box_sites),
        "programs": programs,
        "is_torch": zygote.is_torch,
        "filter": syscalls.program().hex(),
    }
    with suppress(OSError):
        zygote.control.send(json.dumps(setup).encode())
    if not _is_ready(zygote):
        said = zygote.said() or "it said nothing"
        zygote.close()
        raise NotWarmError(f"the warmed process did not start: {said}")


def _is_ready(zygote: Zygote) -> bool:
    patience = time.monotonic() + _START_S[zygote.is_torch]
    while time.monotonic() < patience and zygote.process.poll() is None:
        if answer := zygote.receive(0.05):
            return answer == b"ready"
    return False


def _try(zygote: Zygote) -> None:
    """Let it try its own walls. Raises NotWarmError with what does not hold, and leaves nothing then."""
    try:
        with trial.baits() as (request, descriptor):
            watched, reader = _probed(zygote, request, trial.TRIED)
        found = trial.holes(json.loads(reader.payload) if reader.kind == JSON_ANSWER else None, descriptor)
        if not found and _probed(zygote, trial.SLEEP, trial.SLEPT)[0].stopped != "wall":
            found = ["the clock does not end a job"]
    except BaseException:
        zygote.close()
        raise
    if found:
        zygote.close()
        said = f" ({watched.output.text().strip()})" if watched.output.text().strip() else ""
        raise NotWarmError(f"the warmed process failed its self-test: {', '.join(found)}{said}")


def _probed(zygote: Zygote, request: Json, limits: Limits) -> tuple[Watched, FrameReader]:
    nonce = secrets.token_bytes(16)
    reader = FrameReader(nonce)
    said: dict[str, Json] = {
        "program": "probe",
        "limits": asdict(limits),
        "is_isolated": True,
        "root": layout.BOX,
        "request": request,
        "parcel": [],
    }
    result = Pipe()
    try:
        asked = request_bytes(nonce, said)
        return _run_on(zygote, (), request=asked, result=result, reader=reader, limits=limits), reader
    finally:
        result.close()
