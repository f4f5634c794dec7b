"""Which doors of the kernel are shut altogether? Those that no network needs, and that no other limit covers.

Memory in a memfd or a System V segment belongs to no process, so that neither RLIMIT_AS nor a sum over processes
counts it; keys outlive a box; namespaces, io_uring, bpf, userfaultfd and their like are where kernels break. A list
of refusals, not of permissions: what Python and torch call differs by version, and a refusal that hits them costs a
student a grade. One filter serves bubblewrap (--seccomp) and a process that installs it itself (programs/filters.py).
"""

from __future__ import annotations

import errno
import platform
import struct
import subprocess
import sys
from pathlib import Path

# Numbers of the system call tables, by what `uname -m` says. From 424 on all machines share their numbers.
_SHARED = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438, "process_madvise": 440,
    "mount_setattr": 442, "quotactl_fd": 443, "memfd_secret": 447, "process_mrelease": 448, "open_tree_attr": 467,
}  # fmt: skip
REFUSED = {
    "x86_64": {
        "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65, "semctl": 66, "shmdt": 67, "msgget": 68,
        "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "ptrace": 101, "syslog": 103, "personality": 135, "vhangup": 153,
        "modify_ldt": 154, "pivot_root": 155, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165,
        "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170, "setdomainname": 171,
        "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176, "quotactl": 179, "semtimedop": 220,
        "clock_settime": 227, "mq_open": 240, "mq_unlink": 241, "kexec_load": 246, "add_key": 248,
        "request_key": 249, "keyctl": 250, "migrate_pages": 256, "unshare": 272, "move_pages": 279,
        "inotify_init": 253, "inotify_init1": 294, "perf_event_open": 298,
        "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304,
        "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313,
        "memfd_create": 319, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323, **_SHARED,
    },
    "aarch64": {
        "inotify_init1": 26, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "vhangup": 58, "quotactl": 60,
        "acct": 89,
        "personality": 92, "unshare": 97, "kexec_load": 104, "init_module": 105, "delete_module": 106,
        "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142, "sethostname": 161, "setdomainname": 162,
        "settimeofday": 170, "mq_open": 180, "mq_unlink": 181, "msgget": 186, "msgctl": 187, "msgrcv": 188,
        "msgsnd": 189, "semget": 190, "semctl": 191, "semtimedop": 192, "semop": 193, "shmget": 194, "shmctl": 195,
        "shmat": 196, "shmdt": 197, "add_key": 217, "request_key": 218, "keyctl": 219, "swapon": 224, "swapoff": 225,
        "migrate_pages": 238, "move_pages": 239, "perf_event_open": 241, "fanotify_init": 262,
        "name_to_handle_at": 264, "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270,
        "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "memfd_create": 279, "bpf": 280,
        "userfaultfd": 282, "kexec_file_load": 294, **_SHARED,
    },
}  # fmt: skip

# Where no namespaces stand around a process: what Landlock does not cover of other people's files and processes.
_SHARED_ALONE = {"fchmodat2": 452, "setxattrat": 463, "removexattrat": 466, "file_setattr": 469}
REFUSED_ALONE = {
    "x86_64": {
        "connect": 42, "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "utime": 132, "mknod": 133,
        "setpriority": 141, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197,
        "lremovexattr": 198, "fremovexattr": 199, "utimes": 235, "ioprio_set": 251,
        "mknodat": 259, "fchownat": 260, "futimesat": 261, "fchmodat": 268, "utimensat": 280, **_SHARED_ALONE,
    },
    "aarch64": {
        "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
        "ioprio_set": 30, "mknodat": 33, "fchmod": 52, "fchmodat": 53, "fchownat": 54,
        "fchown": 55, "utimensat": 88, "setpriority": 140, "connect": 203, **_SHARED_ALONE,
    },
}  # fmt: skip

# Refused for some arguments only. clone3 has its flags in memory, where no filter can look: without it the C library
# makes its threads by clone.
_CLONE3 = 435
_WATCHED = {
    "x86_64": {
        "ioctl": 16, "socket": 41, "socketpair": 53, "clone": 56, "fcntl": 72, "flock": 73, "sched_setparam": 142,
        "sched_setscheduler": 144, "prctl": 157, "sched_setaffinity": 203, "prlimit64": 302, "sched_setattr": 314,
    },
    "aarch64": {
        "fcntl": 25, "ioctl": 29, "flock": 32, "sched_setparam": 118, "sched_setscheduler": 119,
        "sched_setaffinity": 122, "prctl": 167, "socket": 198, "socketpair": 199, "clone": 220,
        "prlimit64": 261, "sched_setattr": 274,
    },
}  # fmt: skip
_OF_ANOTHER = ("sched_setparam", "sched_setscheduler", "sched_setaffinity", "prlimit64", "sched_setattr")
_CLONE_PARENT, _CLONE_NEW = 0x8000, 0x7E02_0000  # a sibling of its parent; every kind of namespace
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # typing into a terminal
_UNIX, _INET, _INET6 = 1, 2, 10
_STREAM, _IN_ORDER, _KIND = 1, 5, 0xF  # SOCK_STREAM, SOCK_SEQPACKET, and the bits that say which kind
_SET_DUMPABLE = 4
_SET_LOCKS = (6, 7, 37, 38)  # F_SETLK, F_SETLKW, and those of open files
_ASK_LOCKS = (5, 36, 1024, 1025, 1026)  # F_GETLK, F_OFD_GETLK, leases, notices
_ALL = 0xFFFF_FFFF

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x4000_0000  # x86_64's second table, which would be a way around the first

_STEP = 8  # bytes of one instruction
_LOAD, _AND, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; both machines are little-endian


def program(machine: str | None = None, *, alone: bool = False) -> bytes:
    """The filter as the kernel reads it (an array of struct sock_filter); empty for a machine that we do not know.

    With `alone` it is the one for a process that stands in no namespaces of its own: no sockets but those that join
    its own processes, and nothing done to the files and processes of others that Landlock would let through.

    >>> len(program("x86_64")) < len(program("x86_64", alone=True)), program("vax")
    (True, b'')
    """
    machine = machine or platform.machine()
    if machine not in REFUSED:
        return b""
    made = _step(_LOAD, _ARCHITECTURE) + _step(_JUMP_EQUAL, _AUDIT_ARCH[machine], 1, 0) + _refuse(errno.ENOSYS)
    made += _step(_LOAD, _NUMBER)
    if machine == "x86_64":
        made += _step(_JUMP_AT_LEAST, _X32, 0, 1) + _refuse(errno.ENOSYS)
    for number in (*REFUSED[machine].values(), *(REFUSED_ALONE[machine].values() if alone else ())):
        made += _step(_JUMP_EQUAL, number, 0, 1) + _refuse(errno.EPERM)
    made += _step(_JUMP_EQUAL, _CLONE3, 0, 1) + _refuse(errno.ENOSYS)
    for name, judged in {**_ALWAYS, **(_ALONE if alone else {})}.items():
        body = judged + _allow()
        made += _step(_JUMP_EQUAL, _WATCHED[machine][name], 0, len(body) // _STEP) + body
    return made + _allow()


_TRY = """
import os, sys
sys.path.insert(0, sys.argv[1])
import filters
filters.install(bytes.fromhex(sys.argv[2]))
try:
    os.memfd_create("grader")
except PermissionError:
    print("refused")
"""


def tried() -> tuple[bool, str]:
    """Whether this kernel takes the filter and keeps to it, tried in a process of its own; and what was seen."""
    made = program()
    if not made:
        return False, f"none is known for {platform.machine()}"
    code = [sys.executable, "-I", "-S", "-B", "-c", _TRY, str(Path(__file__).parent / "programs"), made.hex()]
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter
            code, capture_output=True, text=True, env={}, timeout=30, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        return False, f"could not be tried: {error}"
    if done.stdout.strip() == "refused":
        return True, f"{len(made) // _STEP} steps, and a call that it refuses is refused"
    return False, done.stderr.strip().rpartition("\n")[2] or "a call that it refuses went through"


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction; a jump goes over so many of the next ones."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _allow() -> bytes:
    return _step(_RETURN, _ALLOW)


def _refuse(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)


def _load(argument: int, mask: int) -> bytes:
    """The low 32 bits of an argument: of those judged here the kernel looks at no more."""
    return _step(_LOAD, _ARGUMENTS + 8 * argument) + _step(_AND, mask)


def _refuse_bits(argument: int, bits: int) -> bytes:
    """Refuse where any of the bits is set; otherwise go on."""
    return _load(argument, bits) + _step(_JUMP_EQUAL, 0, 1, 0) + _refuse(errno.EPERM)


def _refuse_values(argument: int, *values: int) -> bytes:
    """Refuse each of these values; otherwise go on."""
    steps = (_step(_JUMP_EQUAL, value, 0, 1) + _refuse(errno.EPERM) for value in values)
    return _load(argument, _ALL) + b"".join(steps)


def _only_values(argument: int, *values: int, mask: int = _ALL, error: int = errno.EPERM) -> bytes:
    """Refuse all but these values; for them go on."""
    steps = (_step(_JUMP_EQUAL, value, len(values) - index) for index, value in enumerate(values))
    return _load(argument, mask) + b"".join(steps) + _refuse(error)


def _pretend(argument: int, *values: int) -> bytes:
    """Do nothing for each of these values and say that it was done; otherwise go on."""
    return _load(argument, _ALL) + b"".join(_step(_JUMP_EQUAL, value, 0, 1) + _refuse(0) for value in values)


_JOINED = _only_values(1, _STREAM, _IN_ORDER, mask=_KIND)  # a datagram could be sent to any socket with a name
_ALWAYS = {
    "clone": _refuse_bits(0, _CLONE_NEW | _CLONE_PARENT),
    "ioctl": _refuse_values(1, _TIOCSTI, _TIOCLINUX),
    # A lock on a file that several boxes can read (a library) would be seen in all of them: two of them could talk.
    # Within a box nothing but the student's own code could want one, and it goes on as if it had it.
    "flock": _refuse(0),
    "fcntl": _pretend(1, *_SET_LOCKS) + _refuse_values(1, *_ASK_LOCKS),
    "socket": _only_values(0, _UNIX, _INET, _INET6, error=errno.EAFNOSUPPORT),
}
_ALONE = {
    "socket": _only_values(0, _UNIX, error=errno.EAFNOSUPPORT) + _JOINED,
    "socketpair": _JOINED,
    "prctl": _refuse_values(0, _SET_DUMPABLE),  # whoever watches must see what it holds open
    **{name: _only_values(0, 0) for name in _OF_ANOTHER},  # 0 is the caller itself
}
