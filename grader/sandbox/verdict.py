"""Whose fault is it? Given how a job went: its answer, or the student's fault, or ours.

Before the program said that it had started, no student's byte was touched: whatever went wrong is ours. After that,
an end without an answer is the student's, unless the program says itself that it broke.
"""

from __future__ import annotations

import signal
from typing import Any

from grader.limits import Limits
from grader.model import Json, Problem
from grader.sandbox import protocol
from grader.sandbox.outcome import Answered, Level, StudentFault, SystemFault
from grader.sandbox.process import MOST_FILES, Watched
from grader.sandbox.protocol import FrameReader, MalformedError
from grader.sandbox.results import flaws
from grader.sandbox.text import harmless, harmless_values, one_line

_FIX_KILLED = "grade it again; see whether the machine runs out of memory"
_FIX_SLOW = "do nothing heavy when the file is imported: put training under `if __name__ == '__main__':`"


def judged(
    program: str, watched: Watched, reader: FrameReader, limits: Limits, level: Level
) -> Answered | StudentFault | SystemFault:
    """The outcome of a job."""
    common: dict[str, Any] = {
        "level": level.name,
        "seconds": watched.seconds,
        "cpu_seconds": watched.cpu_seconds,
        "output": watched.output.text(),
        "is_output_cut": watched.output.is_cut,
    }
    if not reader.is_started:
        return SystemFault(problem=_not_started(watched, common["output"]), **common)
    if watched.is_lost and not reader.is_complete and not watched.stopped:
        what = "the process that holds the jobs was killed from outside, and this job with it"
        return SystemFault(problem=Problem("sandbox-killed", "sandbox", what, _FIX_KILLED), **common)
    if watched.stopped and watched.stopped != "malformed":
        problem, limit, use = _past_a_limit(watched, reader, limits)
        return StudentFault(problem=problem, limit=limit, use=use, **common)
    try:
        if watched.stopped == "malformed":
            raise MalformedError(watched.why)  # noqa: TRY301  one sentence for all
        if not reader.is_complete and watched.oom_kills and _signal(watched.returncode) == signal.SIGKILL:
            return SystemFault(problem=_out_of_memory(watched), **common)
        if not reader.is_complete:
            return StudentFault(problem=_no_answer(watched, reader, limits), **common)
        if reader.kind == protocol.RAW_ANSWER:
            return Answered(payload=reader.payload, notes=reader.notes, **common)
        if reader.kind == protocol.JSON_ANSWER:
            result: Json = protocol.plain_object(reader.payload)
            flaw = flaws(program, result)
            if flaw:
                raise MalformedError(f"a result that is not as agreed ({flaw})")  # noqa: TRY301
            return Answered(result=harmless_values(result), notes=reader.notes, **common)
        if reader.kind == protocol.STUDENT:
            problem, limit, use = protocol.student_problem(reader.payload)
            if level.is_isolated and not level.has_namespaces and _is_refusal(problem):
                return SystemFault(problem=_refused_here(problem, level), **common)
            return StudentFault(problem=problem, limit=limit, use=use, **common)
    except MalformedError as error:
        what = f"the process gave {one_line(str(error))} instead of an answer"
        fix = "leave open files and processes alone: the code needs no more than to build the model and run it"
        return StudentFault(problem=Problem("no-answer", _where(reader), what, fix), **common)
    said = harmless(reader.payload.decode("utf-8", "replace"), limit=1500)
    what = f"the grader's own program broke: {one_line(said.strip().splitlines()[-1] if said.strip() else 'no word')}"
    problem = Problem("program-broke", program, what, "show this to the course staff: no points are lost by it")
    return SystemFault(problem=problem, **{**common, "output": f"{common['output']}\n{said}".strip()})


def _is_refusal(problem: Problem) -> bool:
    """Whether the student's code was refused something by the kernel, and says so in the kernel's words."""
    words = ("PermissionError", "Permission denied", "Operation not permitted")
    return problem.code in ("code-raised", "import-error") and any(word in problem.what for word in words)


def _refused_here(problem: Problem, level: Level) -> Problem:
    """At level L2 a refusal is the wall's, and some of what it refuses the full sandbox gives (a /dev/shm, a chmod)."""
    what = f"{problem.what} (the sandbox of this machine, level {level}, refuses more than the full one does)"
    return Problem(
        "refused-at-level-2", problem.where, what, f"grade it at level L3: {level.fix or 'see `grader doctor`'}"
    )


def _where(reader: FrameReader) -> str:
    return one_line(reader.stage, limit=120) or "submission"


def _past_a_limit(watched: Watched, reader: FrameReader, limits: Limits) -> tuple[Problem, str, str]:
    while_ = f" while {_where(reader)}" if reader.stage else ""
    if watched.stopped == "wall":
        limit, use = f"{limits.wall_s:g} s", f"over {limits.wall_s:g} s"
        what, code = f"was still running after {limit}{while_}, and was ended", "wall-time"
        fix = _FIX_SLOW
    elif watched.stopped == "cpu":
        limit, use = f"{limits.cpu_s:g} s of CPU time", f"{watched.cpu_seconds:.0f} s"
        what, code = f"used more than {limit}{while_}, and was ended", "cpu-time"
        fix = _FIX_SLOW
    elif watched.stopped == "files":
        limit, use = f"{MOST_FILES:,} files", f"over {MOST_FILES:,}"
        what, code = f"made more than {limit}{while_}, and was ended", "files"
        fix = "write no files: a model needs none"
    elif watched.stopped == "disk":
        limit, use = f"{limits.tmpfs_mb:,} MB", f"over {limits.tmpfs_mb:,} MB"
        what, code = f"wrote more than {limit} of files{while_}, and was ended", "disk"
        fix = "write no files: a model needs none"
    else:
        limit, use = f"{limits.memory_mb:,} MB", f"{watched.peak_bytes / 2**20:,.0f} MB"
        what, code = f"used more than {limit} of memory{while_} ({use}), and was ended", "memory"
        fix = "build a smaller model, and start no processes"
    return Problem(code, "submission", what, fix), limit, use


def _no_answer(watched: Watched, reader: FrameReader, limits: Limits) -> Problem:
    """It ended by itself, and said nothing."""
    number = _signal(watched.returncode)
    while_ = f" while {_where(reader)}" if reader.stage else ""
    if number == signal.SIGKILL:
        # A hard limit of the kernel: CPU time of one process, or the machine is out of memory.
        if watched.cpu_seconds >= limits.cpu_s:
            what = f"used more than {limits.cpu_s:g} s of CPU time{while_}, and was ended"
            return Problem("cpu-time", "submission", what, _FIX_SLOW)
        what, fix = f"the process was killed{while_} (SIGKILL)", "use less memory, and leave signals alone"
        return Problem("signal", "submission", what, fix)
    if number is not None:
        names = {signal.SIGSEGV: "a crash in native code, or recursion without end", signal.SIGABRT: "abort"}
        about = f": {names[number]}" if number in names else ""
        what = f"the process died by {number.name}{while_}{about}"
        return Problem("signal", "submission", what, "run the same call on your computer: it ends the same way")
    what = f"the code ended the process{while_} (exit code {watched.returncode}) before there was an answer"
    return Problem("no-answer", "submission", what, "remove exit(), quit(), sys.exit() and os._exit() from the code")


def _out_of_memory(watched: Watched) -> Problem:
    """The kernel chose this process when the machine ran out: another day it would have gone on."""
    used = f"{watched.peak_bytes / 2**20:,.0f} MB"
    what = f"this machine ran out of memory, and the process was killed (it used {used})"
    return Problem("machine-memory", "sandbox", what, "grade it again with --jobs 1, or on a machine with more memory")


def _signal(returncode: int) -> signal.Signals | None:
    """The signal that ended the program; bubblewrap hands it on as 128 and its number."""
    number = -returncode if returncode < 0 else returncode - 128
    try:
        return signal.Signals(number) if number > 0 else None
    except ValueError:
        return None


def _not_started(watched: Watched, output: str) -> Problem:
    if _signal(watched.returncode) == signal.SIGKILL and not watched.stopped:
        what = "the process of this job was killed from outside before it had started"
        return Problem("sandbox-killed", "sandbox", what, _FIX_KILLED)
    last = output.strip().rpartition("\n")[2] if "Traceback" in output else output[-600:]
    said = one_line(last) or f"it ended with code {watched.returncode} and said nothing"
    if watched.stopped == "wall":
        said = "it did not start within the time limit"
    elif watched.stopped:
        said = f"it passed the {watched.stopped} limit before it started ({said})"
    return Problem(
        "sandbox", "sandbox", f"the sandbox did not start: {said}", "run `grader doctor`: it says what is missing"
    )
