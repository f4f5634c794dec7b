"""The only door to student code: inputs go in, raw float32 of an exact length or strict JSON comes out.

    run(program, files, request) -> Answered | StudentFault | SystemFault

Labels, metrics and rubric answers never enter. Nothing that comes out is unpickled, imported or rendered. No
payload is no pass, whatever the exit code; and where the sandbox itself fails, it is never the student's fault.
Nothing here imports torch: that happens in the box, in `grader/sandbox/programs`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.limits import Limits
    from grader.sandbox.doors import Probe
    from grader.sandbox.job import run
    from grader.sandbox.levels import level, self_test
    from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault
    from grader.sandbox.process import CalledOffError, call_off, call_on

# Imported where they are first used: the text programs alone are wanted by a check that opens no box.
_HOMES = {
    "Answered": "outcome",
    "CalledOffError": "process",
    "Ended": "outcome",
    "Level": "outcome",
    "Probe": "doors",
    "StudentFault": "outcome",
    "SystemFault": "outcome",
    "call_off": "process",
    "call_on": "process",
    "level": "levels",
    "run": "job",
    "self_test": "levels",
}

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


def __getattr__(name: str) -> Any:
    if name == "Limits":
        return import_module("grader.limits").Limits
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
