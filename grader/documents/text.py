"""What may a file from a stranger be at all, and what is it once it is read? Bounded UTF-8 text; a Document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path

from grader.frozen import dataclass
from grader.model import Json, Place, Problem

MAX_BYTES = 8 * 2**20
MAX_DEPTH = 64
MAX_DIGITS = 308  # every whole number this long is still within float64, and int() reads it at once
MAX_PROBLEMS = 50  # a file with more is of another kind: the first fifty say so

Path_ = tuple[str | int, ...]  # the keys and indexes from the top of a document down to a value
Lines = Mapping[Path_, int]


class DocumentError(Exception):
    """The text is not a document at all. `problems` say where and why; `problem` is the first of them."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def problem(self) -> Problem:
        return self.problems[0]


def broken(code: str, where: str, what: str, fix: str) -> DocumentError:
    """A DocumentError with one problem."""
    return DocumentError(Problem(code, where, what, fix))


def read_text(path: Path, *, name: str | None = None, max_bytes: int = MAX_BYTES) -> str:
    """The text of a UTF-8 file (a byte-order mark is dropped), or DocumentError.

    `name` is what the messages call the file; `max_bytes` is the largest size read.
    """
    name = name or str(path)
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise broken("no-file", name, "there is no such file", "check the name, or create the file") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise broken("unreadable", name, f"cannot be read ({why})", "check that it is a readable file") from error
    return decode(data, name=name, max_bytes=max_bytes)


def decode(data: bytes, *, name: str, max_bytes: int = MAX_BYTES) -> str:
    r"""`data` as UTF-8 text, or DocumentError that names the line and the byte, or the size.

    >>> decode(b"a: 1\nb: \xe9", name="x.yaml")
    Traceback (most recent call last):
    grader.documents.text.DocumentError: x.yaml:2: byte 8 (0xe9) is not UTF-8 text
      fix: save the file as UTF-8
    """
    if len(data) > max_bytes:
        raise broken("too-large", name, f"larger than {max_bytes:,} bytes", "hand in a smaller file")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise broken("not-utf8", name, "the text is UTF-16, not UTF-8", "save the file as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a byte-order mark the codec counts from behind it.
        start = error.start + len(data) - len(error.object)
        line = data.count(b"\n", 0, start) + 1
        raise broken(
            "not-utf8",
            f"{name}:{line}",
            f"byte {start} (0x{data[start]:02x}) is not UTF-8 text",
            "save the file as UTF-8",
        ) from error


@dataclass(frozen=True)
class Document:
    """A parsed file: its value, and the line of every path in it (1-based).

    `lines` are those of the parser, or a function that finds them when they are first asked for.
    """

    name: str
    value: Json
    lines: Lines | Callable[[], Lines] = field(default_factory=dict, repr=False)

    @cached_property
    def _lines(self) -> Lines:
        return self.lines() if callable(self.lines) else self.lines

    def at(self, path: Iterable[str | int]) -> Json:
        """The value at `path`, None where there is nothing.

        >>> Document("a.yaml", {"x": [1]}).at(["x", 0]), Document("a.yaml", {"x": [1]}).at(["y", 0])
        (1, None)
        """
        value = self.value
        for step in path:
            if isinstance(value, list):
                value = value[step] if isinstance(step, int) and 0 <= step < len(value) else None
            else:
                value = value.get(str(step)) if isinstance(value, Mapping) else None
        return value

    def place(self, path: Iterable[str | int] = ()) -> Place:
        """The place of the value at `path`: its line where known, or that of the nearest parent.

        >>> str(Document("a.yaml", {"x": [1]}, {(): 1, ("x",): 2}).place(["x", 0]))
        'a.yaml:2 /x/0'
        """
        steps = tuple(path)
        line = next((self._lines[steps[:end]] for end in range(len(steps), -1, -1) if steps[:end] in self._lines), None)
        return Place(self.name, line=line).child(*steps)
