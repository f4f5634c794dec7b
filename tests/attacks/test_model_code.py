# ruff: noqa: E501 - cases stand on one line
"""What hostile model code tries, variant by variant: attacks 39 to 41, 50 and 51, beside those of test_sandbox.py.

The promise is about the class, not the example: each test walks through the ways that there are. None needs torch.
"""

import contextlib
import uuid
from pathlib import Path

import pytest

from grader import sandbox

pytestmark = pytest.mark.sandbox


def seen(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result


def fault(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem


# --- ends (39, 40, 41) -------------------------------------------------------------------------


@pytest.mark.attack(39)
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("import os; os.execv('/proc/self/exe', ['python', '-c', 'pass'])", id="becoming another program"),
        pytest.param("import os; os.closerange(0, 4096)", id="closing every descriptor"),
        pytest.param("import os; os.closerange(0, 4096); os._exit(0)", id="closing every descriptor, and out"),
        pytest.param("import ctypes; ctypes.CDLL(None).exit(0)", id="exit of the C library"),
        pytest.param("import ctypes; ctypes.CDLL(None)._exit(0)", id="_exit of the C library"),
        pytest.param(
            "import ctypes; ctypes.CDLL(None).syscall({'x86_64': 231}.get(__import__('os').uname().machine, 94), 0)",
            id="the system call itself",
        ),
        pytest.param("import sys; sys.settrace(lambda *a: sys.exit(0)); (lambda: 0)()", id="a trace function"),
        pytest.param("import sys; sys.excepthook = lambda *a: None; raise SystemExit(0)", id="without its own hook"),
        pytest.param("raise GeneratorExit", id="GeneratorExit"),
        pytest.param("import sys; sys.modules.clear(); raise SystemExit", id="without modules"),
        pytest.param("import os\nif os.fork(): os._exit(0)", id="the child goes on in its place"),
    ],
)
def test_whoever_leaves_without_an_answer_has_none(student, lines):
    ended = student(f"{lines}\ndef f(): return 1\n", wall_s=10)
    assert not isinstance(ended, sandbox.Answered)
    assert fault(ended).code in ("no-answer", "signal", "exit", "import-error")


@pytest.mark.attack(39, 41)
@pytest.mark.parametrize("number", [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 14, 15, 19, 24, 25, 31])
def test_a_signal_to_itself_ends_it_or_changes_nothing(student, number):
    """The first process of a box does not hear every signal that it sends itself. Then its answer is its own."""
    ended = student(f"import os\nos.kill(os.getpid(), {number})\ndef f(): return 1\n", wall_s=5)
    if isinstance(ended, sandbox.Answered):
        assert ended.result == {"value": 1}
    else:
        assert fault(ended).code in ("signal", "no-answer", "import-error", "wall-time", "cpu-time")


@pytest.mark.attack(40)
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("import time; time.sleep(60)", id="asleep"),
        pytest.param("import threading; a = threading.Lock(); a.acquire(); a.acquire()", id="a lock of its own"),
        pytest.param("import os; a, b = os.pipe(); os.read(a, 1)", id="reading what nobody writes"),
        pytest.param("import os, signal; os.kill(0, signal.SIGSTOP); signal.pause()", id="its whole group stopped"),
        pytest.param("import os, time\nwhile os.fork(): time.sleep(0.05)\ntime.sleep(60)", id="children one by one"),
        pytest.param("import signal; signal.pthread_sigmask(0, range(1, 65)); signal.sigwait([10])", id="all blocked"),
        pytest.param("import os\nfor _ in range(20):\n  if os.fork() == 0: os.setsid(); os.kill(os.getpid(), 19)\n"
                     "import time; time.sleep(60)", id="twenty stopped children in sessions of their own"),
        pytest.param("import gc\nclass A:\n  def __del__(s):\n    import time; time.sleep(60)\nA()", id="in a destructor"),
    ],
)  # fmt: skip
def test_whoever_waits_is_ended_by_the_clock(student, lines):
    ended = student(f"def f():\n  {lines.replace(chr(10), chr(10) + '  ')}\n", wall_s=1.5)
    assert fault(ended).code == "wall-time"
    assert ended.seconds < 12


@pytest.mark.attack(40)
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("sum(iter(int, 1))", id="in C"),
        pytest.param("import re; re.match('(a+)+$', 'a' * 40 + 'b')", id="in a pattern"),
        pytest.param("9**9**9", id="in a power"),
        pytest.param("import resource, signal\n  signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
                     "  for l in (0, 1): resource.setrlimit(0, resource.getrlimit(0))\n  while True: pass",
                     id="deaf to the kernel's own limit"),
        pytest.param("import threading\n  for _ in range(4): threading.Thread(target=sum, args=(iter(int, 1),)).start()",
                     id="in threads that outlive the call"),
        pytest.param("import os\n  while True:\n    if os.fork() == 0: sum(range(10**6)); os._exit(0)\n    os.wait()",
                     id="in children that end at once"),
    ],
)  # fmt: skip
def test_whoever_computes_without_end_is_ended_by_its_cpu_time(student, lines):
    ended = student(f"def f():\n  {lines}\n", cpu_s=0.7, wall_s=120)
    assert not isinstance(ended, sandbox.Answered) or "threads" in lines or ended.seconds < 10
    if not isinstance(ended, sandbox.Answered):
        assert fault(ended).code in ("cpu-time", "signal")


@pytest.mark.attack(41)
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("import ctypes; ctypes.string_at(8)", id="a bad address"),
        pytest.param("import ctypes; ctypes.CFUNCTYPE(None)(8)()", id="a call to a bad address"),
        pytest.param("import ctypes; ctypes.memset(id(None), 0, 64); [None] * 9", id="its own None overwritten"),
        pytest.param("import sys; sys.setrecursionlimit(10**8)\ndef g(): return [g()]\ng()", id="the stack at its end"),
        pytest.param("import os; os.abort()", id="abort"),
        pytest.param("exec(compile('x' + '+x' * 200_000, '', 'exec'))", id="an expression too deep for the parser"),
    ],
)
def test_a_crash_in_native_code_is_named_and_the_next_job_runs(student, act, lines):
    problem = fault(student(f"{lines}\ndef f(): return 1\n", memory_mb=1024, cpu_s=5))
    assert problem.code in ("signal", "import-error", "memory", "no-answer", "cpu-time")
    assert seen(act("answer = {'next': 1}")) == {"next": 1}


# --- what stays behind (50), what floods (51) --------------------------------------------------


@pytest.mark.attack(50)
@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(
            "os.fork() == 0 and (os.setsid(), os.fork() == 0 and run(), os._exit(0))", id="twice, in a session"
        ),
        pytest.param("os.fork() == 0 and run()", id="once"),
        pytest.param("os.fork() == 0 and (os.setpgid(0, 0), run())", id="in a group of its own"),
        pytest.param("[os.fork() == 0 and run() for _ in range(5)]", id="five of them"),
        pytest.param("os.fork() == 0 and (signal.pthread_sigmask(0, range(1, 65)), run())", id="deaf"),
        pytest.param("os.fork() == 0 and (os.closerange(0, 4096), os.chdir('/'), run())", id="with nothing open"),
        pytest.param("os.posix_spawn('/proc/self/exe', WORDS, {})", id="by posix_spawn"),
        pytest.param("os.posix_spawn('/proc/self/exe', WORDS, {}, setsid=True)", id="by posix_spawn in a session"),
        pytest.param("ctypes.CDLL(None).prctl(36, 1) or os.fork() == 0 and run()", id="below a reaper of its own"),
        pytest.param(
            "ctypes.CDLL(None).prctl(1, 0) or os.fork() == 0 and run()", id="without the parent's death signal"
        ),
        pytest.param("os.fork() == 0 and run() or os._exit(0)", id="and leaves itself"),
    ],
)
def test_nothing_outlives_the_job(student, leave):
    token = uuid.uuid4().hex
    code = f"""
        import ctypes, os, signal, time
        WORDS = ["python", "-I", "-S", "-c", "import time; time.sleep(90)", "{token}"]
        def run():
            os.execv("/proc/self/exe", WORDS)
        def f():
            {leave}
            time.sleep(0.3)
            return 1
    """
    ended = student(code, wall_s=15)
    assert not isinstance(ended, sandbox.SystemFault)
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if token in _text(path)]
    assert left == []


def _text(path):
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace")
    return ""


@pytest.mark.attack(51, 84)
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("raise ValueError('\\x1b]0;owned\\x07' + 'x' * 10**7)", id="a message of ten megabytes"),
        pytest.param("raise type('\\x1b[2J' * 9, (Exception,), {})()", id="a name of escape codes"),
        pytest.param("raise type('E' * 10**6, (Exception,), {})('y')", id="a name of a megabyte"),
        pytest.param("e = ValueError('x')\nfor _ in range(50_000):\n  n = ValueError('y'); n.__cause__ = e; e = n\nraise e", id="a chain of causes"),
        pytest.param("e = ValueError('x')\nfor n in range(2000): e = ExceptionGroup('g', [e])\nraise e", id="groups in groups"),
        pytest.param("e = ValueError('x')\nfor n in range(10_000): e.add_note('\\x1b[31m' * 99)\nraise e", id="ten thousand notes"),
        pytest.param("class S(str):\n  def __str__(s): raise SystemExit\n  __repr__ = split = __str__\nraise ValueError(S('x'))", id="a text that ends the process"),
        pytest.param("class M(type):\n  @property\n  def __name__(c): raise KeyError\nclass E(Exception, metaclass=M): pass\nraise E", id="a class without a name"),
        pytest.param("e = SyntaxError('x', ('/etc/passwd\\x1b', 10**18, -5, 'z' * 10**6))\nraise e", id="a syntax error of its own making"),
        pytest.param("e = SyntaxError('x'); e.filename = e.lineno = e.text = object()\nraise e", id="a syntax error of odd fields"),
        pytest.param("e = ImportError('x'); e.name = object()\nraise e", id="an import error of odd fields"),
        pytest.param("def g(n): return g(n + 1)\ng(0)", id="a traceback of a thousand lines"),
        pytest.param("raise UnicodeDecodeError('\\ud800', b'x' * 10**6, 0, 1, '\\udfff')", id="half characters"),
        pytest.param("class E(Exception):\n  def __getattribute__(s, n): raise E\nraise E", id="an exception without attributes"),
        pytest.param("class E(Exception):\n  __traceback__ = 5\nraise E", id="an exception with another traceback"),
        pytest.param("class E(BaseException):\n  def __init__(s, a, b): pass\n  def __reduce__(s): return (exec, ('1',))\nraise E(1, 2)", id="one that cannot be made again"),
    ],
)  # fmt: skip
def test_no_exception_is_too_odd_to_be_said_in_one_plain_sentence(student, lines):
    problem = fault(student(f"{lines}\ndef f(): return 1\n"))
    assert len(str(problem)) < 2500
    assert str(problem).replace("\n", "").isprintable()
    assert str(problem).encode("utf-8")


@pytest.mark.attack(51)
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("import os\nfor _ in range(400): os.write(1, b'x' * 65536)", id="standard output"),
        pytest.param("import os\nfor _ in range(400): os.write(2, b'\\x00\\xff\\x1b' * 21845)", id="standard error, no text"),
        pytest.param("import sys\nsys.stdout.write('\\u202e' * 10**6)", id="one line without an end"),
        pytest.param("import ctypes\nfor _ in range(20_000): ctypes.CDLL(None).puts(b'y' * 999)", id="past Python"),
        pytest.param("import os, threading\nfor _ in range(8): threading.Thread(target=lambda: [os.write(1, b'z' * 9999) for _ in range(300)]).start()", id="from threads"),
        pytest.param("import warnings, logging\nfor n in range(3000): warnings.warn('w' * 99 + str(n)); logging.error('e' * 99)", id="warnings and logs"),
    ],
)  # fmt: skip
def test_no_flood_is_kept_beyond_its_end(student, lines):
    ended = student(f"{lines}\ndef f(): return 1\n", output_kb=16)
    assert isinstance(ended, sandbox.Answered | sandbox.StudentFault)
    # An escape is at most ten times as long as what it stands for.
    assert len(ended.output) <= 10 * 17 * 1024
    assert ended.output.replace("\n", "").isprintable()
