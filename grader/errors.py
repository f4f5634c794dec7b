"""What can stop a run: one message for the user, with the place and the remedy, and an exit code.

A traceback that reaches a user is a bug of ours; a low mark is no error.
"""

from __future__ import annotations

import errno
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


def refused_by_machine(error: BaseException) -> MachineError | None:
    """What the machine refused, where that is its user's to mend; None for what looks like a bug of ours.

    >>> print(refused_by_machine(PermissionError(13, "Permission denied", "/data/mnist")))
    /data/mnist: Permission denied
      fix: check its permissions
    >>> refused_by_machine(ValueError("a bug")) is None
    True
    """
    busy = "close other programs, or use --jobs 1"
    if isinstance(error, MemoryError):
        return MachineError.single("there is not enough memory", where="machine", fix=busy)
    if not isinstance(error, OSError):
        return None
    space = "free some space there, or name another folder for temporary files: export TMPDIR=FOLDER"
    rights = "check its permissions"
    remedies = {
        errno.ENOSPC: space, errno.EDQUOT: space, errno.EFBIG: "allow larger files: ulimit -f unlimited",
        errno.EACCES: rights, errno.EPERM: rights, errno.EROFS: "name another place", errno.EIO: "check the disk",
        errno.EMFILE: "allow more open files: ulimit -n 4096", errno.ENFILE: busy,
        errno.ENOMEM: busy, errno.EAGAIN: "allow more processes: ulimit -u",
    }  # fmt: skip
    remedy = remedies.get(error.errno or 0)
    where = str(error.filename) if error.filename else "temporary files" if remedy == space else "machine"
    return MachineError.single(str(error.strerror), where=where, fix=remedy) if remedy else None
