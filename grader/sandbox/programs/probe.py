"""What can code in the box do? Tries the doors that must be closed, and says what happened. Harmless by itself.

Used by `grader doctor` and at the first start; holds no secret and needs no library.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

CLONE_NEWUSER = 0x10000000


def main(request: dict[str, Any], _box: Any) -> dict[str, Any]:
    """Try each door that the request names: {name: argument} -> {name: what happened}."""
    tries: dict[str, Callable[[Any], Any]] = {
        "ping": lambda _: "here",
        "read": _read,
        "connect": _connect,
        "fork": _fork,
        "allocate": _allocate,
        "sleep": _sleep,
        "spin": _spin,
        "fill": _fill,
        "hoard": _hoard,
        "keep": _keep,
        "datagram": _datagram,
        "local": _local,
        "signal": _signal,
        "memory": _memory,
        "change": _change,
        "environment": lambda _: _environment(),
        "descriptors": lambda _: _descriptors(),
        "namespace": lambda _: _namespace(),
        "identity": lambda _: [os.getuid(), os.getpid(), os.getppid(), os.getsid(0)],
    }
    return {name: tries[name](argument) for name, argument in request.items()}


def _read(paths: list[str]) -> dict[str, str]:
    seen = {}
    for path in paths:
        try:
            seen[path] = f"read {len(Path(path).read_bytes())} bytes"
        except OSError as error:
            seen[path] = type(error).__name__
    return seen


def _connect(port: int) -> str:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return "connected"
    except OSError as error:
        return type(error).__name__


def _tried(do: Callable[[], Any]) -> str:
    try:
        do()
    except OSError as error:
        return type(error).__name__
    return "done"


def _datagram(port: int) -> str:
    """A packet to a port of this machine, without a connection."""
    return _tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)))


def _local(path: str) -> str:
    """A connection to a socket that is a file: such are the doors of services that run as root."""
    return _tried(lambda: socket.socket(socket.AF_UNIX).connect(path))


def _signal(pids: list[int]) -> list[str]:
    """The signal that does nothing, to these processes and to the parent."""
    return [_tried(lambda pid=pid: os.kill(pid, 0)) for pid in (*pids, os.getppid())]  # type: ignore[misc]


def _memory(pid: int) -> dict[str, str]:
    """Three ways into another process; none of them changes or stops it."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = (ctypes.c_size_t * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8)

    def call(name: str, *arguments: Any) -> None:
        if getattr(libc, name)(*arguments) < 0:
            raise OSError(ctypes.get_errno(), name)

    return {
        "file": _tried(lambda: Path(f"/proc/{pid}/mem").open("rb").close()),
        "read": _tried(lambda: call("process_vm_readv", pid, place, 1, place, 1, 0)),
        "trace": _tried(lambda: call("ptrace", 0x4206, pid, None, None)),
    }


def _change(path: str) -> dict[str, str]:
    """What is no reading or writing of a file: its mode, its times, its owner. As they are."""
    seen = Path(path).stat()
    return {
        "mode": _tried(lambda: Path(path).chmod(seen.st_mode & 0o7777)),
        "times": _tried(lambda: os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))),
        "owner": _tried(lambda: os.chown(path, os.getuid(), -1)),
        "length": _tried(lambda: os.truncate(path, seen.st_size)),
    }


def _keep(size: int) -> str:
    """So many bytes in the folder for temporary files, which stay there."""
    number = 0
    for number in range(size >> 20):
        Path(f"kept-{number}").write_bytes(bytes(1 << 20))
    return f"kept {number + 1} MB"


def _fork(most: int) -> int:
    """How many children can be started, at most `most`. All of them end by themselves."""
    children = []
    for _ in range(most):
        try:
            pid = os.fork()
        except OSError:
            break
        if pid == 0:
            time.sleep(5)
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return len(children)


def _allocate(size: int) -> str:
    try:
        return f"got {len(bytearray(size)):,} bytes"
    except MemoryError:
        return "MemoryError"


def _sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def _spin(seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "spun"


def _fill(arguments: list[Any]) -> dict[str, int]:
    """Bytes that can be written to each of the folders, at most `size`; -1 where no file can be made.

    In files of 1 MiB: one large file would meet the limit of a file before that of the folder.
    """
    size, *folders = arguments
    written = {}
    for folder in folders:
        count = -1
        made: list[Path] = []
        try:
            while count < size:
                made.append(Path(folder, f"fill-{len(made)}"))
                with made[-1].open("wb", buffering=0) as file:
                    count = max(count, 0)
                    for _ in range(16):
                        count += file.write(bytes(1 << 16))
        except OSError:
            pass
        for path in made:
            with suppress(OSError):
                path.unlink()
        written[folder] = count
    return written


def _hoard(_: Any) -> dict[str, str]:
    """Ways to memory that belongs to no process. Asks for little, and gives it back."""
    seen = {}
    try:
        os.close(os.memfd_create("probe"))
        seen["memfd"] = "made"
    except OSError as error:
        seen["memfd"] = type(error).__name__
    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(0, 4096, 0o1600)
    seen["segment"] = os.strerror(ctypes.get_errno()) if segment < 0 else "made"
    if segment >= 0:
        libc.shmctl(segment, 0, None)
    return seen


def _environment() -> dict[str, list[str]]:
    """The names of the variables of this process and of process 1, and its command line."""
    first = Path("/proc/1/environ").read_bytes().split(b"\0")
    return {
        "here": sorted(os.environ),
        "first": sorted(word.partition(b"=")[0].decode() for word in first if word),
        "command": Path("/proc/1/cmdline").read_bytes().decode().split("\0"),
    }


def _descriptors() -> list[int]:
    """Which descriptors are open."""
    found = []
    for number in range(4096):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def _namespace() -> list[str]:
    """Two ways to a new user namespace: by unshare, and by clone (which a filter of unshare alone forgets)."""
    libc = ctypes.CDLL(None, use_errno=True)
    by_unshare = "made" if libc.unshare(CLONE_NEWUSER) == 0 else os.strerror(ctypes.get_errno())
    number = {"x86_64": 56, "aarch64": 220}.get(os.uname().machine)
    if number is None:
        return [by_unshare]
    pid = libc.syscall(number, CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return [by_unshare, "made" if pid > 0 else os.strerror(ctypes.get_errno())]
