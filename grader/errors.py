"""What can stop a run: one message for the user, with the place and the remedy, and an exit code.

A traceback that reaches a user is a bug of ours; a low mark is no error.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from grader.model import Problem


class GraderError(Exception):
    """What a user can mend. Carries one problem or many: all of them are shown at once."""

    exit_code = 5

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[Problem, ...]]]:
        """Errors cross processes: what is rebuilt there must carry the same problems."""
        return type(self), (self.problems,)

    @classmethod
    def single(cls, what: str, *, where: str, fix: str, code: str = "") -> Self:
        """An error with one problem.

        >>> print(CourseError.single("no such file", where="grader.toml", fix="run it in the course's folder"))
        grader.toml: no such file
          fix: run it in the course's folder
        """
        return cls(Problem(code or cls.__name__, where, what, fix))


class UsageError(GraderError):
    """The command's words do not fit together."""

    exit_code = 2


class CourseError(GraderError):
    """grader.toml or a rubric is broken."""

    exit_code = 3


class SubmissionError(GraderError):
    """A submission cannot be read at all."""

    exit_code = 4


class MachineError(GraderError):
    """The sandbox, the disk, a data set or another part of the machine failed."""

    exit_code = 5
