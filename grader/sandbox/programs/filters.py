"""How does a process shut doors of the kernel behind itself? With a filter that the parent has built, for good."""

from __future__ import annotations

import ctypes
import os

_SET_NO_NEW_PRIVS = 38
_SECCOMP, _SET_MODE_FILTER, _TO_ALL_THREADS = {"x86_64": 317, "aarch64": 277}, 1, 1
_STEP = 8  # bytes of one struct sock_filter
_MOST_STEPS = 4096


class _Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def install(program: bytes) -> None:
    """Let `program` (an array of struct sock_filter) judge each system call of all threads and children from now on.

    Raises ValueError for what is no such array, OSError where the kernel does not take it; then nothing is filtered.
    """
    steps, rest = divmod(len(program), _STEP)
    if rest or not 0 < steps <= _MOST_STEPS:
        raise ValueError(f"a filter of {len(program)} bytes")
    number = _SECCOMP.get(os.uname().machine)
    if number is None:
        raise OSError(38, f"no system call filter is known for {os.uname().machine}")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise _error("no_new_privs")
    # Not by prctl, which would filter the calling thread alone.
    made = ctypes.byref(_Program(steps, program))
    words = [ctypes.c_long(word) for word in (number, _SET_MODE_FILTER, _TO_ALL_THREADS)]
    answer = libc.syscall(*words, made)
    if answer > 0:
        raise OSError(16, f"thread {answer} did not take the filter")
    if answer < 0:
        raise _error("seccomp")


def _error(about: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, f"{about}: {os.strerror(code)}")
