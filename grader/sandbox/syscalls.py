"""Which doors of the kernel are shut altogether? Those that no network needs, and that no other limit covers.

Memory in a memfd or a System V segment belongs to no process, so that neither RLIMIT_AS nor a sum over processes
counts it; keys outlive a box; io_uring, bpf, userfaultfd and their like are where kernels break. A list of refusals,
not of permissions: what Python and torch call differs by version, and a refusal that hits them costs a student a
grade. (The full filter comes with the warmed sandbox.)
"""

from __future__ import annotations

import errno
import platform
import struct

# Numbers of the system call tables, by what `uname -m` says. From 424 on all machines share their numbers.
_SHARED = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "mount_setattr": 442, "memfd_secret": 447,
}  # fmt: skip
REFUSED = {
    "x86_64": {
        "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "shmdt": 67, "msgget": 68, "ptrace": 101,
        "pivot_root": 155, "mount": 165, "umount2": 166, "mq_open": 240, "add_key": 248, "request_key": 249,
        "keyctl": 250, "unshare": 272, "perf_event_open": 298, "fanotify_init": 300, "name_to_handle_at": 303,
        "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "memfd_create": 319, "bpf": 321, "userfaultfd": 323, **_SHARED,
    },
    "aarch64": {
        "umount2": 39, "mount": 40, "pivot_root": 41, "unshare": 97, "ptrace": 117, "mq_open": 180, "msgget": 186,
        "semget": 190, "shmget": 194, "shmctl": 195, "shmat": 196, "shmdt": 197, "add_key": 217, "request_key": 218,
        "keyctl": 219, "perf_event_open": 241, "fanotify_init": 262, "name_to_handle_at": 264,
        "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
        "memfd_create": 279, "bpf": 280, "userfaultfd": 282, **_SHARED,
    },
}  # fmt: skip
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x4000_0000  # x86_64's second table, which would be a way around the first

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data


def program(machine: str | None = None) -> bytes:
    """The filter as the kernel reads it (an array of struct sock_filter); empty for a machine that we do not know.

    >>> len(program("x86_64")) // 8, program("vax")
    (79, b'')
    """
    machine = machine or platform.machine()
    if machine not in REFUSED:
        return b""

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    not_there, not_allowed = (step(_RETURN, _ERRNO | number) for number in (errno.ENOSYS, errno.EPERM))
    made = step(_LOAD, _ARCHITECTURE) + step(_JUMP_EQUAL, _AUDIT_ARCH[machine], 1, 0) + not_there
    made += step(_LOAD, _NUMBER)
    if machine == "x86_64":
        made += step(_JUMP_AT_LEAST, _X32, 0, 1) + not_there
    for number in REFUSED[machine].values():
        made += step(_JUMP_EQUAL, number, 0, 1) + not_allowed
    return made + step(_RETURN, _ALLOW)
