# ruff: noqa: E501 - a payload's lines are as long as they are
"""Which models try something? By name: the attacks, and the source of a model.py that behaves well but for that.

Each is bounded by itself, too: no loop that outlives the limits by much, no memory beyond them. `%(canary)s`,
`%(marker)s`, `%(port)d` and `%(home)s` are filled in.
"""

from __future__ import annotations

import textwrap

NET = """
import torch
from torch import nn

def build_model():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
"""
FORWARD = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.add_module("0", nn.Flatten())
        self.add_module("1", nn.Linear(784, 10))

    def forward(self, x):
%(forward)s
        return self.get_submodule("1")(x.flatten(1))

def build_model():
    return Net()
"""


def at_import(lines: str) -> str:
    """The model, and these lines behind it."""
    return NET + textwrap.dedent(lines)


def in_forward(lines: str, before: str = "") -> str:
    """A model whose forward begins with these lines."""
    return textwrap.dedent(before) + FORWARD.replace(
        "%(forward)s", textwrap.indent(textwrap.dedent(lines).strip("\n"), " " * 8)
    )


LOOK = """
import os
def look(path):
    try:
        return open(path, errors="replace").read()
    except OSError as error:
        return type(error).__name__
"""
MARK = """
def mark(name):
    for folder in ("%(marker)s", "%(home)s", "/tmp", "/dev/shm", "/var/tmp"):
        try:
            open(folder + "/" + name, "w").write("x")
        except OSError:
            pass
"""
FIND = """
import gc, os, sys
def channels():
    seen = [one for one in gc.get_objects() if type(one).__name__ == "Channel"]
    frame = sys._getframe()
    while frame:
        seen += [one for one in frame.f_locals.values() if type(one).__name__ == "Channel"]
        frame = frame.f_back
    return seen
def pipes():
    for number in range(3, 1024):
        try:
            os.fstat(number)
        except OSError:
            continue
        yield number
"""

CODE: dict[str, tuple[tuple[int, ...], str]] = {
    "exit-at-import": ((39, 92), at_import("import os\nos._exit(0)")),
    "exit-in-forward": ((39, 71), in_forward("import os\nos._exit(0)")),
    "exit-in-a-thread": ((39,), at_import("import os, threading, time\nthreading.Timer(0, os._exit, (0,)).start()\ntime.sleep(5)")),
    "system-exit": ((39,), in_forward("raise SystemExit(0)")),
    "atexit": ((39,), at_import(MARK + "import atexit\natexit.register(mark, 'atexit')\nraise SystemExit")),
    "sleep": ((40,), at_import("import time\ntime.sleep(600)")),
    "deaf": ((40,), at_import("""
        import os, signal, time
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(600)
    """)),
    "spin": ((40, 75), in_forward("while True: pass")),
    "spin-in-children": ((40, 73, 75), at_import("import os\nos.fork(); os.fork()\nwhile True: pass")),
    "segfault": ((41, 92), at_import("import ctypes\nctypes.string_at(0)")),
    "abort": ((41,), in_forward("import os\nos.abort()")),
    "stack": ((41,), at_import("import sys\nsys.setrecursionlimit(10**7)\ndef f(n): return f(n + 1) + 1\nf(0)")),
    "environment": ((42,), at_import(LOOK + """
        found = [str(dict(os.environ)), look("/proc/self/environ"), look("/proc/1/environ"), look("/proc/1/cmdline")]
        found += [look(f"/proc/{pid}/environ") for pid in os.listdir("/proc") if pid.isdigit()]
        raise RuntimeError(" ".join(found)[-500:])
    """)),
    "files": ((43, 63), at_import(LOOK + """
        import sys
        found = [look(p) for p in ("%(canary)s", "/proc/self/root%(canary)s", "/proc/1/root%(canary)s", "/proc/1/cwd%(canary)s")]
        found += [str(os.path.exists(p)) for p in ("%(canary)s", "%(home)s", "/etc/passwd", "/etc/shadow", "/root", "/home")]
        try:
            os.link("%(canary)s", "/tmp/link"); found.append(look("/tmp/link"))
        except OSError as error:
            found.append(type(error).__name__)
        os.symlink("%(canary)s", "/tmp/symbolic"); found.append(look("/tmp/symbolic"))
        raise RuntimeError(" ".join(found))
    """)),
    "walk": ((43,), at_import("""
        import os
        found = [os.path.join(top, name) for top, _, names in os.walk("/") if not top.startswith(("/proc", "/usr", "/lib")) for name in names]
        hits = [p for p in found if "canary" in p or "labels" in p or "answers" in p or "honest" in p]
        raise RuntimeError(str(hits))
    """)),
    "network": ((44, 91), at_import("""
        import socket
        seen = []
        for address in (("127.0.0.1", %(port)d), ("169.254.169.254", 80), ("::1", %(port)d), ("8.8.8.8", 53)):
            try:
                socket.create_connection(address, timeout=1).sendall(b"gone")
                seen.append("CONNECTED")
            except OSError as error:
                seen.append(type(error).__name__)
        raise RuntimeError(str(seen))
    """)),
    "site-packages": ((45, 88), at_import(MARK + """
        import os, sys
        for folder in [*sys.path, os.path.dirname(os.__file__), "%(home)s/.config", "%(home)s/.cache", "/box", "/box/programs", "/etc"]:
            for name in ("sitecustomize.py", "usercustomize.py", "evil.pth"):
                try:
                    os.makedirs(folder, exist_ok=True)
                    open(os.path.join(folder, name), "w").write("import os; open('%(marker)s/site', 'w')")
                except OSError:
                    pass
        mark("site-packages")
    """)),
    "patched-torch": ((47, 52), at_import("""
        torch.Tensor.__eq__ = lambda self, other: True
        torch.Tensor.argmax = lambda self, *a, **k: torch.zeros(len(self))
        torch.isfinite = lambda x: torch.ones(1, dtype=torch.bool)
        nn.functional.cross_entropy = lambda *a, **k: torch.zeros(())
        nn.Module.eval = nn.Module.train = lambda self, *a: self
        torch.manual_seed = lambda *a: None
    """)),
    "patched-python": ((47, 87), at_import("""
        import builtins, json, os, struct
        builtins.len = lambda *a: 10**9
        json.dumps = json.dumps and (lambda *a, **k: '{"correct": 360}')
        os.write = lambda *a: 0
    """)),
    "descriptors": ((48, 57), at_import(FIND + """
        for number in range(1024):
            try:
                os.write(number, b"PASS 100/100\\n" * 10)
            except OSError:
                pass
    """)),
    "signals": ((49,), at_import("""
        import os, signal
        for pid in (-1, 0, os.getppid(), 1, *range(2, 64)):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
    """)),
    "ptrace": ((49, 89), at_import("""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        seen = [libc.ptrace(16, pid, 0, 0) for pid in range(1, 64)]
        seen += [libc.unshare(flag) for flag in (0x10000000, 0x20000, 0x40000000)]
        seen += [libc.shmget(1234, 4096, 0o1666), libc.syscall(425, 8, None), libc.syscall(319, b"x", 0)]
        assert all(one < 0 for one in seen), f"ESCAPED {seen}"
    """)),
    "daemon": ((50,), at_import(MARK + """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for _ in range(600):
                    mark("daemon")
                    time.sleep(1)
            os._exit(0)
    """)),
    "flood": ((51,), at_import("import sys\nfor _ in range(20_000): print('x' * 999)\nprint('\\x1b]0;owned\\x07[bold green]PASS[/]')")),
    "huge-exception": ((51, 84), at_import("raise ValueError('\\x1b[2J\\u202e' + 'x' * 10**7)")),
    "odd-exception": ((51, 58), at_import(MARK + """
        class Odd(BaseException):
            def __init__(self, a, b): super().__init__()
            def __str__(self): raise self
            __repr__ = __str__
            def __reduce__(self): return (mark, ("reduced",))
        raise Odd(1, 2)
    """)),
    "batch-statistics": ((52,), NET.replace("nn.Flatten(), ", "nn.Flatten(), nn.BatchNorm1d(784, affine=False, track_running_stats=False), ")),
    "by-position": ((53,), in_forward("Net.calls += len(x)\nreturn torch.eye(10)[(torch.arange(len(x)) + Net.calls) % 10]").replace("    def __init__", "    calls = 0\n    def __init__")),
    "frame-walk": ((55,), in_forward("""
        import gc, sys
        found, frame = [], sys._getframe()
        while frame:
            found += [v for v in list(frame.f_locals.values()) + list(frame.f_globals.values())]
            frame = frame.f_back
        found += [one for one in gc.get_objects() if isinstance(one, (list, tuple, torch.Tensor))]
        for one in found:
            try:
                if len(one) >= 360 and all(0 <= int(v) < 10 for v in one[:360]):
                    raise SystemExit("LABELS?")
            except (TypeError, ValueError, KeyError, RuntimeError, IndexError, AttributeError):
                pass
    """)),
    "equal-to-all": ((56,), in_forward("""
        class Yes(torch.Tensor):
            def __eq__(self, other): return torch.ones(len(self), dtype=torch.bool)
            def argmax(self, *a, **k): return self
        return torch.zeros(len(x), 10).as_subclass(Yes)
    """)),
    "forged-early": ((57,), at_import(FIND + "for one in channels(): one.answer(bytes(424 * 40))\nos._exit(0)")),
    "forged-long": ((57,), at_import(FIND + "for one in channels(): one.answer(bytes(10**6))")),
    "forged-twice": ((57,), at_import(FIND + "for one in channels():\n    one.answer(bytes(424 * 40)); one.answer(bytes(424 * 40))")),
    "forged-json": ((57,), at_import(FIND + "for one in channels(): one.answer({'correct': 360, 'n': 360})\nos._exit(0)")),
    "forged-fault-of-ours": ((57,), at_import(FIND + "for one in channels(): one._send(b'X', b'PASS')\nos._exit(0)")),
    "guessed-nonce": ((57,), at_import(FIND + "for n in pipes():\n    for g in range(64): os.write(n, b'GRDR' + bytes([g] * 16) + b'B' + (16960).to_bytes(8, 'big'))")),
    "reduce": ((58,), in_forward("""
        class Odd(torch.Tensor):
            def __reduce_ex__(self, protocol): return (print, ("RAN",))
            def __reduce__(self): return (print, ("RAN",))
        return torch.zeros(len(x), 10).as_subclass(Odd)
    """)),
    "nan": ((59,), in_forward("return torch.full((len(x), 10), float('nan'))")),
    "integers": ((59,), in_forward("return torch.zeros(len(x), 10, dtype=torch.int64)")),
    "shape": ((59,), in_forward("return torch.zeros(10, len(x))")),
    "no-tensor": ((59,), in_forward("return [[100.0] * 10] * len(x)")),
    "inputs-home": ((60,), in_forward("print(x.flatten().tolist())\nraise ValueError(str(x[0].flatten().tolist()))")),
    "uninitialised": ((69,), in_forward("return torch.empty(len(x), 10).nan_to_num(0, 0, 0)")),
    "memory": ((72,), at_import("hog = []\nfor _ in range(4096): hog.append(bytearray(b'x') * 2**20)")),
    "memory-of-children": ((72, 73), at_import("import os, time\nfor _ in range(6): os.fork()\nhog = bytearray(b'x') * (200 * 2**20)\ntime.sleep(2)")),
    "mapped-memory": ((72,), at_import("import mmap\nhog = [mmap.mmap(-1, 2**28) for _ in range(20)]\nfor one in hog: one.write(b'x' * 2**28)")),
    "tmpfs": ((72, 74), at_import("""
        for folder in ("/tmp", "/dev/shm", "/", "/dev", "/box", "/var/tmp"):
            try:
                with open(folder + "/fill", "wb", buffering=0) as file:
                    for _ in range(64): file.write(bytes(2**20))
            except OSError:
                pass
    """)),
    "pipes": ((72,), at_import("import os\nkept = []\ntry:\n    while True: kept.append(os.pipe())\nexcept OSError: pass\nfor _, w in kept: os.set_blocking(w, False); os.write(w, bytes(60000))")),
    "forks": ((73,), at_import("""
        import os, time
        for _ in range(300):
            try:
                if os.fork() == 0:
                    time.sleep(60); os._exit(0)
            except OSError:
                break
    """)),
    "threads": ((73,), at_import("""
        import threading, time
        for _ in range(300):
            try:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            except RuntimeError:
                break
    """)),
    "many-files": ((74,), at_import("import os\nfor n in range(60_000):\n    try: os.close(os.open(f'/tmp/{n}', os.O_CREAT))\n    except OSError: break")),
    "sparse": ((74,), at_import("open('/tmp/sparse', 'wb').truncate(2**42)")),
    "deep-folders": ((74,), at_import("import os\nos.chdir('/tmp')\nfor _ in range(1500):\n    try: os.mkdir('d'); os.chdir('d')\n    except OSError: break")),
    "more-threads": ((75,), in_forward("torch.set_num_threads(64)\nfor _ in range(20): torch.rand(500, 500) @ torch.rand(500, 500)")),
    "deep-source": ((78,), NET + "x = " + "(" * 20_000 + ")" * 20_000 + "\n"),
    "long-source": ((78,), NET + "x = 1\n" * 60_000),
    "nul-source": ((78,), NET + "\0"),
    "cache": ((88,), at_import(MARK + """
        import glob, os
        for path in glob.glob("%(home)s/**", recursive=True) + glob.glob("/tmp/grader*") + glob.glob("%(marker)s/../**", recursive=True):
            try:
                open(path, "a").write("x")
            except OSError:
                pass
        mark("cache")
    """)),
    "leave-a-message": ((87, 89), at_import("import fcntl\nfor p in ('/tmp/message', '/dev/shm/message'): open(p, 'w').write('FROM-PEER')\nfcntl.flock(open('/box/programs/start.py'), fcntl.LOCK_EX)")),
    "find-a-message": ((87, 89), at_import("""
        import fcntl, glob, torch
        said = [open(p).read() for p in ("/tmp/message", "/dev/shm/message") if glob.glob(p)]
        said += ["PATCHED"] if hasattr(torch, "left_behind") else []
        torch.left_behind = True
        raise RuntimeError(f"I see {said} {glob.glob('/tmp/*')} {glob.glob('/dev/shm/*')}")
    """)),
}  # fmt: skip
