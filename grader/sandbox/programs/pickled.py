"""What does a pickle say, without doing it? Plain values; functions and classes stay inert names.

Not Python's unpickler with a filter, but a small reading of the opcodes: it has no way to import or to call. A call
in the file becomes a `Call` that remembers its name and arguments. What a state dict needs (ordered dictionaries,
tensors over storages) is told apart by the reader of weights, not here.

Bounded: so many opcodes, such memo numbers; and as nothing is ever copied or walked, shared references (a 276-byte
file that stands for 2**30 elements) cost nothing.
"""

from __future__ import annotations

import io
import pickletools
from dataclasses import dataclass, field
from typing import Any

MOST_BYTES = 32 * 2**20
MOST_OPCODES = 2_000_000
MOST_PAIRS = 200_000  # that ordered dictionaries are made of by a call: a list that is shared is walked each time
_MARK = object()


class BrokenPickleError(Exception):
    """It is no pickle, or breaks off, or does what no state dict does."""


@dataclass(frozen=True)
class Name:
    """A function or class that the file names, as `module.name`."""

    dotted: str


@dataclass
class Call:
    """What the file would have called, made, or set up: never done."""

    name: str
    arguments: Any = ()
    state: Any = None


@dataclass(frozen=True)
class Persistent:
    """A reference to something outside of the pickle: in torch's files, a storage."""

    id: Any


@dataclass
class Pickle:
    """A pickle that was read: its value, and every name in it, in order.

    `broken` says where it is none, or breaks off; the names up to there are known all the same.
    """

    value: Any = None
    names: list[str] = field(default_factory=list)
    broken: str = ""


def read(data: bytes | memoryview) -> Pickle:
    """Read one pickle that fills `data` exactly.

    >>> import pickle, os
    >>> read(pickle.dumps({"a": [1, 2.5, None]})).value
    {'a': [1, 2.5, None]}
    >>> read(pickle.dumps(os.system)).names  # named, not imported
    ['posix.system']
    """
    if len(data) > MOST_BYTES:
        return Pickle(broken=f"{len(data):,} bytes of pickle, more than {MOST_BYTES:,}")
    file = io.BytesIO(data)
    made = read_next(file)
    if not made.broken and file.tell() != len(data):
        made.broken = "bytes after its end"
    return made


def read_next(file: io.BytesIO) -> Pickle:
    """Read the next of several pickles in a row."""
    made = Pickle()
    reader = _Reader(made)
    try:
        for count, (opcode, argument, _position) in enumerate(pickletools.genops(file), start=1):
            if count > MOST_OPCODES:
                made.broken = f"more than {MOST_OPCODES:,} steps"
                return made
            if opcode.name != "STOP":
                reader.take(opcode.name, argument)
        made.value = reader.pop()
    except BrokenPickleError as error:
        made.broken = str(error)
    except (ValueError, IndexError, TypeError, KeyError, OverflowError, AttributeError, RecursionError) as error:
        made.broken = f"not a whole pickle ({error})"[:200]
    return made


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = frozenset((
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
))  # fmt: skip
_NOTHING = frozenset(("PROTO", "FRAME", "NEXT_BUFFER", "READONLY_BUFFER"))


def _plain(key: Any) -> Any:
    """A key that costs nothing to hash: of a tuple of shared tuples the hash takes 2**depth steps."""
    if not isinstance(key, str | int | float | None):
        raise BrokenPickleError("a key that is no plain value")
    return key


class _Reader:
    """The machine that a pickle is a program for, with nothing in it that could act."""

    def __init__(self, made: Pickle) -> None:
        self.made = made
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.pairs = 0

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise BrokenPickleError("a mark where a value belongs")
        return value

    def to_mark(self) -> list[Any]:
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] is _MARK:
                items = self.stack[index + 1 :]
                del self.stack[index:]
                return items
        raise BrokenPickleError("no mark")

    def take(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _NOTHING:
            return
        else:
            step = getattr(self, f"do_{name}", None)
            if step is None:
                raise BrokenPickleError(f"a step that no weights file has ({name})")
            step(argument)

    def name(self, dotted: str) -> Name:
        self.made.names.append(dotted)
        return Name(dotted)

    # --- the steps, by their names in pickletools -------------------------------------------

    def do_MARK(self, _: Any) -> None:  # noqa: N802  pickletools' own names, here and below
        self.stack.append(_MARK)

    def do_POP(self, _: Any) -> None:  # noqa: N802
        self.stack.pop()

    def do_POP_MARK(self, _: Any) -> None:  # noqa: N802
        self.to_mark()

    def do_DUP(self, _: Any) -> None:  # noqa: N802
        self.stack.append(self.stack[-1])

    def do_PUT(self, index: Any) -> None:  # noqa: N802
        self.memo[int(index)] = self.stack[-1]

    do_BINPUT = do_LONG_BINPUT = do_PUT  # noqa: N815

    def do_MEMOIZE(self, _: Any) -> None:  # noqa: N802
        self.memo[len(self.memo)] = self.stack[-1]

    def do_GET(self, index: Any) -> None:  # noqa: N802
        self.stack.append(self.memo[int(index)])

    do_BINGET = do_LONG_BINGET = do_GET  # noqa: N815

    def do_EMPTY_TUPLE(self, _: Any) -> None:  # noqa: N802
        self.stack.append(())

    def do_TUPLE(self, _: Any) -> None:  # noqa: N802
        self.stack.append(tuple(self.to_mark()))

    def do_TUPLE1(self, _: Any) -> None:  # noqa: N802
        self.stack.append((self.pop(),))

    def do_TUPLE2(self, _: Any) -> None:  # noqa: N802
        second, first = self.pop(), self.pop()
        self.stack.append((first, second))

    def do_TUPLE3(self, _: Any) -> None:  # noqa: N802
        third, second, first = self.pop(), self.pop(), self.pop()
        self.stack.append((first, second, third))

    def do_EMPTY_LIST(self, _: Any) -> None:  # noqa: N802
        self.stack.append([])

    def do_LIST(self, _: Any) -> None:  # noqa: N802
        self.stack.append(self.to_mark())

    def do_APPEND(self, _: Any) -> None:  # noqa: N802
        value = self.pop()
        self.extend([value])

    def do_APPENDS(self, _: Any) -> None:  # noqa: N802
        self.extend(self.to_mark())

    def extend(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(items)
        elif not isinstance(self.stack[-1], Call):
            raise BrokenPickleError("items added to what is no list")

    def do_EMPTY_DICT(self, _: Any) -> None:  # noqa: N802
        self.stack.append({})

    def do_DICT(self, _: Any) -> None:  # noqa: N802
        items = self.to_mark()
        self.stack.append({})
        self.update(items)

    def do_SETITEM(self, _: Any) -> None:  # noqa: N802
        value, key = self.pop(), self.pop()
        self.update([key, value])

    def do_SETITEMS(self, _: Any) -> None:  # noqa: N802
        self.update(self.to_mark())

    def update(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Call) and target.name == "collections.OrderedDict":
            target = target.arguments
        if len(items) % 2 or not isinstance(target, dict):
            if isinstance(target, Call):
                return
            raise BrokenPickleError("entries set in what is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if _plain(key) in target:
                raise BrokenPickleError(f"the key {str(key)[:80]!r} stands twice")
            target[key] = value

    def do_EMPTY_SET(self, _: Any) -> None:  # noqa: N802
        self.stack.append(Call("builtins.set"))

    def do_ADDITEMS(self, _: Any) -> None:  # noqa: N802
        self.to_mark()

    def do_FROZENSET(self, _: Any) -> None:  # noqa: N802
        self.to_mark()
        self.stack.append(Call("builtins.frozenset"))

    def do_GLOBAL(self, argument: Any) -> None:  # noqa: N802
        self.stack.append(self.name(str(argument).replace(" ", ".", 1)))

    def do_STACK_GLOBAL(self, _: Any) -> None:  # noqa: N802
        name, module = self.pop(), self.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise BrokenPickleError("a name that is no text")
        self.stack.append(self.name(f"{module}.{name}"))

    def do_INST(self, argument: Any) -> None:  # noqa: N802
        arguments = self.to_mark()
        self.stack.append(Call(self.name(str(argument).replace(" ", ".", 1)).dotted, tuple(arguments)))

    def do_OBJ(self, _: Any) -> None:  # noqa: N802
        items = self.to_mark()
        self.stack.append(self.called(items[0], tuple(items[1:])))

    def do_EXT1(self, argument: Any) -> None:  # noqa: N802
        self.stack.append(self.name(f"copyreg.extension {argument}"))

    do_EXT2 = do_EXT4 = do_EXT1  # noqa: N815

    def do_REDUCE(self, _: Any) -> None:  # noqa: N802
        arguments, function = self.pop(), self.pop()
        self.stack.append(self.called(function, arguments))

    do_NEWOBJ = do_REDUCE  # noqa: N815

    def do_NEWOBJ_EX(self, _: Any) -> None:  # noqa: N802
        _keywords, arguments, function = self.pop(), self.pop(), self.pop()
        self.stack.append(self.called(function, arguments))

    def called(self, function: Any, arguments: Any) -> Call:
        if not isinstance(function, Name):
            return Call("something that is no name")
        if function.dotted == "collections.OrderedDict":
            call = Call(function.dotted, {})
            for pair in arguments[0] if arguments else []:
                self.pairs += 1
                if self.pairs > MOST_PAIRS:
                    raise BrokenPickleError(f"more than {MOST_PAIRS:,} entries")
                key, value = pair
                call.arguments[_plain(key)] = value
            return call
        return Call(function.dotted, arguments)

    def do_BUILD(self, _: Any) -> None:  # noqa: N802
        state = self.pop()
        if isinstance(self.stack[-1], Call):
            self.stack[-1].state = state  # an OrderedDict's attributes (torch's version numbers), an object's fields

    def do_BINPERSID(self, _: Any) -> None:  # noqa: N802
        self.stack.append(Persistent(self.pop()))

    def do_PERSID(self, argument: Any) -> None:  # noqa: N802
        self.stack.append(Persistent(argument))
