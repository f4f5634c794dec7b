"""What does a batch file of CIFAR hold? Its dict of texts, lists of whole numbers and arrays of bytes, and no object.

A pickle is a program. This one is not run: its instructions are read one by one, and only those that build plain
values are known. An array is told by the three names that NumPy writes for it, which are compared and never
looked up. Everything else is refused by its name, before anything after it is read.

Source: the opcodes and their arguments as `pickletools` documents them; NumPy's `ndarray.__reduce__`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from grader.errors import MachineError
from grader.frozen import dataclass

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MAX_BYTES = 2**28  # the largest released file, the training half of CIFAR-100, has 155,249,918
_RECONSTRUCT = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
_NDARRAY, _DTYPE = "numpy ndarray", "numpy dtype"
_NAMES = (*_RECONSTRUCT, _NDARRAY, _DTYPE)
_MARK = object()


@dataclass(frozen=True)
class _Name:
    text: str


@dataclass
class _Bytes:
    """The type uint8, or an array of it: blank until its state is set."""

    is_array: bool
    array: Any = None


class _RefusedError(Exception):
    pass


def read_plain_pickle(path: Path) -> dict[str, Any]:
    """The dict of a pickle file: text keys to texts, whole numbers, lists of these, and uint8 arrays.

    Shapes:  arrays as the file states them; their bytes are those of the file, not copied, and read-only
    Raises:  MachineError that names the file and the instruction or the name that is refused, and its place
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        _refuse_file(path, f"it cannot be read ({error.strerror})")
    if len(data) > MAX_BYTES:
        _refuse_file(path, f"it is larger than {MAX_BYTES:,} bytes")
    reader = _Reader(data)
    try:
        made = reader.run()
    except _RefusedError as error:
        _refuse_file(path, f"byte {reader.began:,}: {error}")
    except (IndexError, KeyError, TypeError, ValueError, struct.error):
        _refuse_file(path, f"byte {reader.began:,}: it is damaged or cut short")
    if not isinstance(made, dict):
        _refuse_file(path, f"it holds a {type(made).__name__}, not a dict")
    return {_text(key): _plain(path, _text(key), value) for key, value in made.items()}


def _text(key: str | bytes) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else key


def _plain(path: Path, key: str, value: Any) -> Any:
    """A value as the caller gets it; what is neither of the known kinds is refused, before anybody walks into it."""
    if isinstance(value, _Bytes) and value.array is not None:
        return value.array
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, (str, bytes, int)) for item in items):
        kinds = sorted({type(item).__name__.strip("_") for item in items})
        _refuse_file(path, f"{key!r:.80} holds {', '.join(kinds)}: only texts, whole numbers and arrays are read")
    return value


def _refuse_file(path: Path, what: str) -> NoReturn:
    raise MachineError.single(
        what, where=str(path), fix="copy or download the released file again", code="data-set-broken"
    ) from None


class _Reader:
    """A stack, a memo, and one method or table entry per known instruction."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = self.began = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        while True:
            self.began = self.at
            code = self._take(1)
            if code == b".":
                [made] = self.stack
                return made
            do = _INSTRUCTIONS.get(code)
            if do is None:
                raise _RefusedError(f"the instruction {_named(code)} is refused: only plain values are read")
            do(self)

    def _take(self, n: int) -> bytes:
        taken = self.data[self.at : self.at + n]
        if len(taken) < n:
            raise _RefusedError("the file is cut short")
        self.at += n
        return taken

    def number(self, form: str) -> int:
        number: int = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return number

    def _line(self) -> bytes:
        end = self.data.find(b"\n", self.at, self.at + 200)
        if end < 0:
            raise _RefusedError("a line has no end")
        return self._take(end + 1 - self.at)[:-1]

    def since_mark(self) -> list[Any]:
        place = next((at for at in reversed(range(len(self.stack))) if self.stack[at] is _MARK), None)
        if place is None:
            raise _RefusedError("a mark is missing")
        taken = self.stack[place + 1 :]
        del self.stack[place:]
        return taken

    def protocol(self) -> None:
        version = self.number("<B")
        if version not in (2, 3, 4):
            raise _RefusedError(f"pickle protocol {version} is not one of 2, 3, 4")

    def skip_frame(self) -> None:
        self._take(8)

    def whole_line(self) -> None:
        """INT: a number in digits; `00` and `01` are how protocol 1 writes false and true."""
        line = self._line()
        if not line.lstrip(b"-").isdigit() or len(line) > 20:
            raise _RefusedError("INT is followed by no whole number")
        self.stack.append({b"00": False, b"01": True}.get(line, int(line)))

    def unicode(self, form: str) -> None:
        self.stack.append(self._take(self.number(form)).decode())

    def raw(self, form: str) -> None:
        self.stack.append(self._take(self.number(form)))

    def memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def put(self, form: str) -> None:
        self.memo[self.number(form)] = self.stack[-1]

    def get(self, form: str) -> None:
        self.stack.append(self.memo[self.number(form)])

    def items(self, taken: list[Any]) -> None:
        into = self.stack[-1]
        if not isinstance(into, dict) or len(taken) % 2:
            raise _RefusedError("SETITEMS without a dict")
        for key, value in zip(taken[::2], taken[1::2], strict=True):
            if not isinstance(key, (str, bytes)):
                raise _RefusedError(f"a key of the dict is a {type(key).__name__}, not text")
            into[key] = value

    def append(self, taken: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise _RefusedError("APPENDS without a list")
        self.stack[-1].extend(taken)

    def last(self, n: int) -> list[Any]:
        taken = self.stack[-n:]
        if len(taken) < n:
            raise _RefusedError("the stack is empty")
        del self.stack[-n:]
        return taken

    def name(self) -> None:
        self._named_by(self._line().decode("latin-1"), self._line().decode("latin-1"))

    def name_from_stack(self) -> None:
        module, name = self.last(2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise _RefusedError("STACK_GLOBAL without a name")
        self._named_by(module, name)

    def _named_by(self, module: str, name: str) -> None:
        text = f"{module} {name}"
        if text not in _NAMES:
            raise _RefusedError(f"the name {f'{module}.{name}'!r:.120} is refused: no object is made")
        self.stack.append(_Name(text))

    def call(self) -> None:
        """REDUCE: of the three names only two are called, each with the one set of arguments that NumPy writes."""
        name, arguments = self.last(2)
        if name in map(_Name, _RECONSTRUCT) and arguments == (_Name(_NDARRAY), (0,), b"b"):
            self.stack.append(_Bytes(is_array=True))
        elif name == _Name(_DTYPE) and arguments[0] in (b"u1", "u1") and len(arguments) == 3:
            self.stack.append(_Bytes(is_array=False))
        else:
            said = name.text.replace(" ", ".") if isinstance(name, _Name) else f"a {type(name).__name__}"
            raise _RefusedError(f"REDUCE of {said} is refused: only arrays of uint8 are read")

    def state(self) -> None:
        """BUILD: of the type it is NumPy's own habit and ignored; of an array its shape and its bytes."""
        import numpy as np

        of, state = self.last(2)
        if not isinstance(of, _Bytes) or not isinstance(state, tuple):
            raise _RefusedError("BUILD of something that is no array is refused")
        if of.is_array:
            _version, shape, kind, is_fortran, raw = state
            if not isinstance(kind, _Bytes) or kind.is_array or is_fortran or not isinstance(raw, bytes):
                raise _RefusedError("an array is not of uint8 in C order")
            if not isinstance(shape, tuple) or not all(isinstance(side, int) and side >= 0 for side in shape):
                raise _RefusedError("the shape of an array is no tuple of whole numbers")
            if len(raw) != math.prod(shape):
                raise _RefusedError(f"an array of shape {shape} has {len(raw):,} bytes")
            of.array = np.frombuffer(raw, np.uint8).reshape(shape)
        self.stack.append(of)


def _named(code: bytes) -> str:
    import pickletools

    known = {one.code.encode("latin-1"): one.name for one in pickletools.opcodes}
    return f"{known[code]} ({code!r})" if code in known else repr(code)


_INSTRUCTIONS: dict[bytes, Callable[[_Reader], None]] = {
    b"\x80": _Reader.protocol,
    b"\x95": _Reader.skip_frame,
    b"(": lambda of: of.stack.append(_MARK),
    b"}": lambda of: of.stack.append({}),
    b"]": lambda of: of.stack.append([]),
    b")": lambda of: of.stack.append(()),
    b"N": lambda of: of.stack.append(None),
    b"\x88": lambda of: of.stack.append(True),
    b"\x89": lambda of: of.stack.append(False),
    b"K": lambda of: of.stack.append(of.number("<B")),
    b"M": lambda of: of.stack.append(of.number("<H")),
    b"J": lambda of: of.stack.append(of.number("<i")),
    b"I": _Reader.whole_line,
    b"U": lambda of: of.raw("<B"),
    b"T": lambda of: of.raw("<I"),
    b"C": lambda of: of.raw("<B"),
    b"B": lambda of: of.raw("<I"),
    b"X": lambda of: of.unicode("<I"),
    b"\x8c": lambda of: of.unicode("<B"),
    b"q": lambda of: of.put("<B"),
    b"r": lambda of: of.put("<I"),
    b"\x94": _Reader.memoize,
    b"h": lambda of: of.get("<B"),
    b"j": lambda of: of.get("<I"),
    b"t": lambda of: of.stack.append(tuple(of.since_mark())),
    b"\x85": lambda of: of.stack.append(tuple(of.last(1))),
    b"\x86": lambda of: of.stack.append(tuple(of.last(2))),
    b"\x87": lambda of: of.stack.append(tuple(of.last(3))),
    b"a": lambda of: of.append(of.last(1)),
    b"e": lambda of: of.append(of.since_mark()),
    b"s": lambda of: of.items(of.last(2)),
    b"u": lambda of: of.items(of.since_mark()),
    b"c": _Reader.name,
    b"\x93": _Reader.name_from_stack,
    b"R": _Reader.call,
    b"b": _Reader.state,
}
