"""What stands around one forked job, beside what the zygote's box has? Fresh namespaces, private folders, no powers.

In two steps, each in a process of its own: `apart` (a new user with nobody's powers outside, and all that it needs
in here to build the rest), then, as process 1 of the new namespaces, `furnish`, and `give_up` before a student's
byte is touched. The box around has taken away network, files and foreign processes already; what this adds is that
one job sees nothing of another.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Sequence

_NEW = {
    "mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000, "pid": 0x20000000,
    "net": 0x40000000,
}  # fmt: skip
_NOSUID, _NODEV, _NOEXEC, _READ_ONLY, _REMOUNT, _BIND, _REC, _PRIVATE = 2, 4, 8, 1, 0x20, 0x1000, 0x4000, 0x40000
_HARMLESS = _NOSUID | _NODEV | _NOEXEC
MOST_INODES = 60_000  # a little over what the parent allows, so that its sentence is the one that is said
_BLOCK = 1 << 20

TEMPORARY, SHARED = "/tmp", "/dev/shm"  # noqa: S108  in the box: its own
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")


def apart() -> None:
    """Leave every namespace of the zygote. The next child is process 1 of its own. Raises OSError."""
    uid, gid = os.getuid(), os.getgid()
    flags = 0
    for flag in _NEW.values():
        flags |= flag
    _call("unshare", flags)
    for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(descriptor, line.encode())
        os.close(descriptor)


def furnish(job: str, files: Sequence[tuple[str, int]], parcel: int, *, tmpfs_mb: int) -> None:
    """Mount what is this job's own: its files, read-only, and empty temporary folders of a stated size.

    `files` are pairs of a path within `job` and a number of bytes; the bytes stand one after another in `parcel`.
    Raises OSError.
    """
    _mount("none", "/", None, _REC | _PRIVATE, None)
    _mount("proc", "/proc", "proc", _HARMLESS, None)
    pages = sum(size // 4096 + 2 for _, size in files)
    size = (pages + 1024) * 4096
    _mount("tmpfs", job, "tmpfs", _HARMLESS, f"size={size},nr_inodes={4 * len(files) + 64},mode=755")
    offset = 0
    for path, length in files:
        target = f"{job}/{path}"
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)  # noqa: PTH103, PTH120  no pathlib in here
        _copy(parcel, offset, length, target)
        offset += length
    os.makedirs(f"{job}/submission", mode=0o755, exist_ok=True)  # noqa: PTH103
    _mount("none", job, None, _REMOUNT | _BIND | _READ_ONLY | _HARMLESS, None)
    for folder in (TEMPORARY, SHARED):
        options = f"size={tmpfs_mb * 2**20},nr_inodes={MOST_INODES},mode=1777"
        _mount("tmpfs", folder, "tmpfs", _HARMLESS, options)
    os.chdir(TEMPORARY)
    _loopback()


def _copy(parcel: int, offset: int, length: int, target: str) -> None:
    made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    try:
        stop = offset + length
        while offset < stop:
            sent = os.sendfile(made, parcel, offset, min(stop - offset, _BLOCK))
            if sent == 0:
                raise OSError(0, "the parcel of files breaks off", target)
            offset += sent
    finally:
        os.close(made)


def _loopback() -> None:
    """The new network has a loopback that is down; a box that was started cold has it up."""
    get, put, up = 0x8913, 0x8914, 1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sH22x", b"lo", 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(any_socket, get, asked), 16)
        fcntl.ioctl(any_socket, put, struct.pack("16sH22x", b"lo", flags | up))


def give_up() -> None:
    """Give up every power within the new namespaces, for good. Raises OSError."""
    bounding_drop, no_new_privileges, clear_ambient, ambient = 24, 38, 4, 47
    number = 0
    while _libc().prctl(bounding_drop, number, 0, 0, 0) == 0:
        number += 1
    _prctl(ambient, clear_ambient)
    _prctl(no_new_privileges, 1)
    header = struct.pack("Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
    _call("capset", header, bytes(24))


def _prctl(which: int, value: int) -> None:
    _call("prctl", which, value, 0, 0, 0)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None) -> None:
    words = [word.encode() if word is not None else None for word in (source, target, kind)]
    _call("mount", *words, ctypes.c_ulong(flags), data.encode() if data is not None else None)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc(), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
