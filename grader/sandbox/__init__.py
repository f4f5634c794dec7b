"""The only door to student code: inputs go in, raw float32 of an exact length or strict JSON comes out.

    run(program, files, request) -> Answered | StudentFault | SystemFault

Labels, metrics and rubric answers never enter. Nothing that comes out is unpickled, imported or rendered. No
payload is no pass, whatever the exit code; and where the sandbox itself fails, it is never the student's fault.
Nothing here imports torch: that happens in the box, in `grader/sandbox/programs`.
"""

from grader.limits import Limits
from grader.sandbox.doors import Probe
from grader.sandbox.job import run
from grader.sandbox.levels import level, self_test
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault
from grader.sandbox.process import CalledOffError, call_off, call_on

__all__ = [
    "Answered",
    "CalledOffError",
    "Ended",
    "Level",
    "Limits",
    "Probe",
    "StudentFault",
    "SystemFault",
    "call_off",
    "call_on",
    "level",
    "run",
    "self_test",
]
