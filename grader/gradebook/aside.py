"""Where does what is to be written wait for its transaction? In a file that nobody sees: a class may be of any size."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from typing import Generic, Self, TypeVar

from grader.errors import MachineError

T = TypeVar("T")
AT_ONCE = 200  # that are held in memory
_MOST_BYTES = 2**22  # that wait in memory; of a usual class nothing is written


class Aside(Generic[T]):
    """Values that are put aside and come back in parts, in their order. Only this process ever reads them.

    >>> with Aside() as aside:
    ...     for number in range(450):
    ...         aside.put(number)
    ...     print([len(part) for part in aside.parts()], sum(sum(part) for part in aside.parts()))
    [200, 200, 50] 101025
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MOST_BYTES)  # noqa: SIM115  closed with this
        self._last: list[T] = []
        self._parts = 0

    def put(self, value: T) -> None:
        """Put one aside. Raises MachineError where the disk is full."""
        self._last.append(value)
        if len(self._last) == AT_ONCE:
            try:
                pickle.dump(self._last, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            except OSError as error:
                what, fix = f"no space for what is to be recorded ({error.strerror})", "free some, or set TMPDIR"
                raise MachineError.single(what, where=tempfile.gettempdir(), fix=fix, code="no-space") from error
            self._last = []
            self._parts += 1

    def parts(self) -> Iterator[list[T]]:
        """All of them; nothing may be put aside meanwhile."""
        self._file.seek(0)
        for _ in range(self._parts):
            yield pickle.load(self._file)  # noqa: S301  our own
        if self._last:
            yield self._last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
