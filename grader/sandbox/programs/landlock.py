"""Which files, ports and processes may this process still reach? Those that it names now: the kernel denies the rest.

Landlock needs no privilege, and holds for this thread and for all that it starts, for good. What the kernel at hand
knows of it is asked, not guessed: a version that claims more than it can do is stepped down until it agrees. Whether
the walls stand is for a self-test to try (some kernels claim a version whose promises they do not keep).

Not covered by any version: existence and size of files (stat), their modes and times (chmod, utime), UDP. For these
there is the system call filter (grader/sandbox/syscalls.py).
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Iterator, Sequence

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on x86-64 and on arm64 alike
_MACHINES = ("x86_64", "aarch64")
_ASK_VERSION, _PATH_BENEATH = 1, 1
_SET_NO_NEW_PRIVS = 38

# Rights upon files, by the bit that stands for each, and from which version on.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = (1 << bit for bit in range(4))
_REMOVE_DIR, _REMOVE_FILE, _MAKE_CHAR, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK = (1 << bit for bit in range(4, 10))
_MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM, _REFER, _TRUNCATE, _IOCTL_DEV, _RESOLVE_UNIX = (1 << bit for bit in range(10, 17))
_SINCE = {1: (1 << 13) - 1, 2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEV, 9: _RESOLVE_UNIX}
_NEWEST = 9

_READING = _EXECUTE | _READ_FILE | _READ_DIR
_MAKING = _MAKE_DIR | _MAKE_REG | _MAKE_SOCK | _MAKE_FIFO | _MAKE_SYM  # no device nodes
_WRITING = _READ_FILE | _READ_DIR | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKING | _REFER
_OF_ONE_FILE = _EXECUTE | _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV
_NETWORK = {4: 0b11}  # TCP: to bind, to connect
_SIGNALS = 0b10
_SCOPES = {6: 0b01 | _SIGNALS}  # abstract unix sockets too


def abi() -> int:
    """The version of Landlock that the kernel claims; 0 where there is none.

    >>> abi() >= 0
    True
    """
    if sys.platform != "linux" or os.uname().machine not in _MACHINES:
        return 0
    return max(_call(_CREATE_RULESET, None, 0, _ASK_VERSION), 0)


def restrict(readable: Sequence[str], writable: Sequence[str], *, alone: bool, listed: Sequence[str] = ()) -> int:
    """Give up every right upon files but these, and TCP, for good. Returns the version that was used.

    Beneath `readable` files can be read and executed; beneath `writable` read, written, made and removed, but not
    executed; beneath `listed` names can be listed. A path may be a folder or a single file; one that does not exist
    is skipped. With `alone` (where no namespaces stand around it) signals and abstract sockets reach only what is as
    restricted as this process.
    Must come before any thread is started. Raises OSError where it cannot; then nothing is restricted.
    """
    _refuse_threads()
    claimed = min(abi(), _NEWEST)
    if claimed == 0:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock, or it is turned off (lsm= on its command line)")
    ruleset, version, handled = _ruleset(claimed, alone=alone)
    try:
        for path in readable:
            _allow(ruleset, path, _READING, handled)
        for path in writable:
            _allow(ruleset, path, _WRITING | _RESOLVE_UNIX, handled)
        for path in listed:
            _allow(ruleset, path, _READ_DIR, handled)
        _enforce(ruleset)
    finally:
        os.close(ruleset)
    return version


def scope_signals() -> bool:
    """Let signals of this process reach only itself and what it starts from now on. False where the kernel cannot.

    Nothing else is restricted. Whether it holds is tried upon the parent process.
    """
    if abi() < min(_SCOPES):
        return False
    attributes = struct.pack("=3Q", 0, 0, _SIGNALS)
    ruleset = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        _enforce(ruleset)
    except OSError:
        return False
    finally:
        os.close(ruleset)
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return True
    return False


def _enforce(ruleset: int) -> None:
    if _libc().prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise _error("no_new_privs")
    if _call(_RESTRICT_SELF, ruleset, 0) != 0:
        raise _error("landlock_restrict_self")


def _ruleset(claimed: int, *, alone: bool) -> tuple[int, int, int]:
    """An open ruleset, the version that the kernel took, and the rights upon files that it handles."""
    for version in range(claimed, 0, -1):
        handled = _sum(_SINCE, version)
        words = [handled]
        if version >= min(_NETWORK):
            words.append(_sum(_NETWORK, version))
        if version >= min(_SCOPES):
            words.append(_sum(_SCOPES, version) if alone else 0)
        attributes = struct.pack(f"={len(words)}Q", *words)
        ruleset = _call(_CREATE_RULESET, attributes, len(attributes), 0)
        if ruleset >= 0:
            return ruleset, version, handled
        if ctypes.get_errno() not in (errno.EINVAL, errno.E2BIG):
            break
    raise _error("landlock_create_ruleset")


def _sum(rights: dict[int, int], version: int) -> int:
    return sum(bits for since, bits in rights.items() if since <= version)


def _allow(ruleset: int, path: str, rights: int, handled: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISDIR(mode):
            rights &= _OF_ONE_FILE
        if stat.S_ISCHR(mode) and rights & _WRITE_FILE:
            rights |= _IOCTL_DEV  # a device that was named, and may be written to
        # struct landlock_path_beneath_attr is packed: 8 bytes of rights, 4 of the descriptor
        if _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights & handled, descriptor), 0) != 0:
            raise _error(path)
    finally:
        os.close(descriptor)


def _refuse_threads() -> None:
    """The kernel restricts the calling thread only: one that was there before would go on as it is."""
    count = len(tuple(_tasks()))
    if count > 1:
        raise OSError(errno.EBUSY, f"{count} threads are running: Landlock comes before the second one")


def _tasks() -> Iterator[str]:
    try:
        yield from os.listdir("/proc/self/task")  # noqa: PTH208  the fewest imports: this runs at every start
    except OSError:
        yield "self"  # without /proc they cannot be counted


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """The system call's answer, -1 for an error (its number in errno). Integers go in as longs."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    return int(_libc().syscall(ctypes.c_long(number), *words))


def _error(about: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{about}: {os.strerror(number)}")
