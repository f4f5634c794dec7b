"""What the filter refuses is refused by the kernel, with the number of each machine; torch does not notice it."""

import errno
import json
import platform
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from grader.sandbox import syscalls

PROGRAMS = Path(syscalls.__file__).parent / "programs"
X86, ARM = "x86_64", "aarch64"
ARCHITECTURE = {X86: 0xC000003E, ARM: 0xC00000B7}
ALLOWED = 0x7FFF0000
HEADERS = {
    X86: (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), r"#define __NR_(\w+) (\d+)"),
    ARM: (Path("/usr/include/asm-generic/unistd.h"), r"#define __NR(?:3264)?_(\w+) (\d+)"),
}


def judged(program, number, *arguments, architecture):
    """The filter's word about a call, by a machine of our own: an errno, or "allowed"."""
    data = struct.pack("=II Q 6Q", number, architecture, 0, *(list(arguments) + [0] * 6)[:6])
    at, value = 0, 0
    steps = list(struct.iter_unpack("=HBBI", program))
    while True:
        code, if_true, if_false, k = steps[at]
        at += 1
        if code == 0x20:
            (value,) = struct.unpack_from("=I", data, k)
        elif code == 0x54:
            value &= k
        elif code in (0x15, 0x35):
            at += if_true if (value == k if code == 0x15 else value >= k) else if_false
        elif code == 0x06:
            return "allowed" if k == ALLOWED else errno.errorcode[k & 0xFFFF]
        else:
            raise AssertionError(f"step {at} is {code:#x}")


@pytest.mark.parametrize("machine", [X86, ARM])
def test_the_numbers_are_those_of_the_kernels_own_headers(machine):
    path, pattern = HEADERS[machine]
    if not path.is_file():
        pytest.skip(f"no kernel headers here: {path}")
    known = {name: int(number) for name, number in re.findall(pattern, path.read_text())}
    ours = {**syscalls.REFUSED[machine], **syscalls.REFUSED_ALONE[machine], **syscalls._WATCHED[machine]}
    wrong = {name: (number, known.get(name)) for name, number in ours.items() if known.get(name, number) != number}
    assert wrong == {}
    assert len(ours.keys() & known.keys()) > 90


def test_both_machines_refuse_the_same_wherever_both_have_the_call():
    path, pattern = HEADERS[ARM]
    if not path.is_file():
        pytest.skip(f"no kernel headers here: {path}")
    on_arm = {name for name, _ in re.findall(pattern, path.read_text())}
    for tables in (syscalls.REFUSED, syscalls.REFUSED_ALONE, syscalls._WATCHED):
        assert set(tables[X86]) & on_arm <= set(tables[ARM])
        assert set(tables[ARM]) <= set(tables[X86])


@pytest.mark.parametrize("machine", [X86, ARM])
@pytest.mark.parametrize("alone", [False, True], ids=["in a box", "alone"])
def test_every_call_is_judged_as_the_tables_say(machine, alone):
    program = syscalls.program(machine, alone=alone)
    refused = {*syscalls.REFUSED[machine].values(), *(syscalls.REFUSED_ALONE[machine].values() if alone else ())}
    watched = set(syscalls._WATCHED[machine].values())
    for number in range(600):
        if number in watched:
            continue
        expected = "EPERM" if number in refused else "ENOSYS" if number == 435 else "allowed"
        assert judged(program, number, architecture=ARCHITECTURE[machine]) == expected, number


UNIX, INET, INET6, NETLINK, PACKET, VSOCK = 1, 2, 10, 16, 17, 40
ARGUMENTS = [
    ("clone", (17,), "allowed", "allowed"),  # fork
    ("clone", (0x3D0F00,), "allowed", "allowed"),  # a thread, as the C library makes it
    ("clone", (0x4111,), "allowed", "allowed"),  # vfork
    *[
        ("clone", (17 | 1 << bit,), "EPERM", "EPERM") for bit in (15, 17, 25, 26, 27, 28, 29, 30)
    ],  # a sibling; all namespaces
    ("clone", (1 << 40 | 1 << 28,), "EPERM", "EPERM"),
    ("ioctl", (0, 0x5401), "allowed", "allowed"),
    ("ioctl", (0, 0x5412), "EPERM", "EPERM"),
    ("ioctl", (0, 0x541C), "EPERM", "EPERM"),
    ("ioctl", (0, 1 << 32 | 0x5412), "EPERM", "EPERM"),  # the kernel looks at the low half
    ("socket", (UNIX, 1), "allowed", "allowed"),
    ("socket", (UNIX, 5 | 0o2000000), "allowed", "allowed"),
    ("socket", (UNIX, 2), "allowed", "EPERM"),
    ("socket", (UNIX, 3), "allowed", "EPERM"),  # the kernel makes a datagram socket of it
    ("socket", (INET, 1), "allowed", "EAFNOSUPPORT"),
    ("socket", (INET6, 2), "allowed", "EAFNOSUPPORT"),
    *[("socket", (family, 3), "EAFNOSUPPORT", "EAFNOSUPPORT") for family in (NETLINK, PACKET, VSOCK, 0, 38)],
    ("socketpair", (UNIX, 1), "allowed", "allowed"),
    ("socketpair", (UNIX, 2 | 0o2000000), "allowed", "EPERM"),
    ("prctl", (4, 0), "allowed", "EPERM"),
    ("prctl", (15, 0), "allowed", "allowed"),
    *[
        (name, arguments, "allowed", "EPERM" if arguments[0] else "allowed")
        for name in syscalls._OF_ANOTHER
        for arguments in ((0, 1), (4711, 1))
    ],
]


@pytest.mark.parametrize("machine", [X86, ARM])
@pytest.mark.parametrize(("name", "arguments", "in_box", "alone"), ARGUMENTS)
def test_some_are_judged_by_their_arguments(machine, name, arguments, in_box, alone):
    number = syscalls._WATCHED[machine][name]
    for is_alone, expected in ((False, in_box), (True, alone)):
        program = syscalls.program(machine, alone=is_alone)
        assert judged(program, number, *arguments, architecture=ARCHITECTURE[machine]) == expected


def test_a_second_table_of_numbers_is_no_way_around():
    for alone in (False, True):
        program = syscalls.program(X86, alone=alone)
        assert judged(program, 0x40000000 + 39, architecture=ARCHITECTURE[X86]) == "ENOSYS"
        assert judged(program, 39, architecture=0x40000003) == "ENOSYS"  # 32-bit calls


# --- by the kernel itself ------------------------------------------------------------------------

TRY = """
import ctypes, errno, json, os, socket, sys
sys.path.insert(0, sys.argv[1])
import filters
filters.install(bytes.fromhex(sys.argv[2]))
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(word) for word in arguments))
    if answer == 0 and number in (56, 220):
        os._exit(0)
    return "done" if answer >= 0 else errno.errorcode[ctypes.get_errno()]
def tried(do):
    try:
        do()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
"""
WORKED = """
import subprocess, threading
thread = threading.Thread(target=lambda: seen.append("thread"))
seen = []
thread.start()
thread.join()
os.waitpid(os.fork() or os._exit(0), 0)
seen += ["fork", subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout.decode().strip()]
import asyncio
async def later():
    return await asyncio.to_thread(lambda: "later")
seen.append(asyncio.run(later()))
a, b = socket.socketpair()
a.send(b"x")
print(json.dumps([*seen, b.recv(1).decode()]))
"""


def tried(code, *, alone):
    program = syscalls.program(alone=alone)
    if not program:
        pytest.skip(f"no filter for {platform.machine()}")
    script = [sys.executable, "-c", TRY + code, str(PROGRAMS), program.hex()]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("alone", [False, True], ids=["in a box", "alone"])
def test_threads_forks_pipes_and_pairs_of_sockets_go_on(alone):
    assert tried(WORKED, alone=alone) == ["thread", "fork", "1", "later", "x"]


@pytest.mark.attack(89)
@pytest.mark.parametrize("alone", [False, True], ids=["in a box", "alone"])
def test_the_kernel_refuses_namespaces_by_every_way(alone):
    numbers = (272, 56) if platform.machine() == X86 else (97, 220)
    code = f"print(json.dumps([call({numbers[0]}, 1 << 28), call({numbers[1]}, 1 << 28 | 17), call(435, 0, 0)]))"
    assert tried(code, alone=alone) == ["EPERM", "EPERM", "ENOSYS"]


@pytest.mark.attack_partly(44, 89)
def test_alone_the_kernel_refuses_what_landlock_does_not_cover(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    before = file.stat()
    code = f"""
path = {str(file)!r}
print(json.dumps({{
    "chmod": tried(lambda: os.chmod(path, 0)), "chown": tried(lambda: os.chown(path, 1, 1)),
    "utime": tried(lambda: os.utime(path, (1, 1))), "xattr": tried(lambda: os.setxattr(path, "user.x", b"y")),
    "mknod": tried(lambda: os.mknod(path + "2")), "priority": tried(lambda: os.setpriority(os.PRIO_PROCESS, 0, 5)),
    "affinity": tried(lambda: os.sched_setaffinity(os.getppid(), {{0}})),
    "UDP": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "connect": tried(lambda: socket.socket(socket.AF_UNIX).connect("/run/nothing")),
}}))
"""
    assert tried(code, alone=True) == {
        "chmod": "EPERM", "chown": "EPERM", "utime": "EPERM", "xattr": "EPERM", "mknod": "EPERM", "priority": "EPERM",
        "affinity": "EPERM", "UDP": "EAFNOSUPPORT", "connect": "EPERM",
    }  # fmt: skip
    assert (file.stat().st_mode, file.stat().st_mtime) == (before.st_mode, before.st_mtime)


def test_a_filter_that_is_none_is_refused():
    code = """
words = []
for wrong in (b"", b"1234567", bytes(8)):
    try:
        filters.install(wrong)
    except (ValueError, OSError) as error:
        words.append(type(error).__name__)
print(json.dumps(words))
"""
    assert tried(code, alone=False) == ["ValueError", "ValueError", "OSError"]


@pytest.mark.torch
@pytest.mark.parametrize("alone", [False, True], ids=["in a box", "alone"])
def test_torch_trains_and_its_loaders_load_under_it(alone):
    """With no namespaces around it has no shared memory of its own, so that a loader has no workers there."""
    code = f"""
import torch
from torch.utils.data import DataLoader, TensorDataset
torch.set_num_threads(2)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.LazyLinear(10))
data = TensorDataset(torch.rand(32, 3, 12, 12), torch.arange(32) % 10)
rows = 0
loader = DataLoader(data, batch_size=8, num_workers={0 if alone else 2})
for images, labels in loader:
    if rows == 0:
        model(images)
        optimizer = torch.optim.Adam(model.parameters())
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    rows += len(labels)
print(json.dumps([rows, bool(torch.isfinite(loss))]))
"""
    assert tried(code, alone=alone) == [32, True]
