"""How are the types made whose values never change? By the standard library, but for the methods: those are made late.

`dataclasses.dataclass` compiles six methods for each frozen type when its module is imported. That was a quarter of
what a student's check takes, and most of those types have no part in it. The `dataclass` of this file compiles a method
when it is first looked for. Fields, methods, errors, pickles, `replace` and `fields` are those of the standard one,
which the tests hold it against; arguments that are not named below are left to it altogether. A type and those that
inherit from it are made by the same of the two: the standard one refuses a mixture.

>>> @dataclass(frozen=True)
... class Pair:
...     one: int
...     other: int = 2
>>> Pair(1), Pair(1) == Pair(1, 2), len({Pair(1), Pair(1)})
(Pair(one=1, other=2), True, 1)
"""

from __future__ import annotations

import dataclasses
import inspect
import reprlib
from dataclasses import MISSING, Field, FrozenInstanceError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  for who imports it from here
else:

    def dataclass(
        cls: type | None = None,
        /,
        *,
        frozen: bool = False,
        eq: bool = True,
        slots: bool = False,
        unsafe_hash: bool = False,
        kw_only: bool = False,
        **others: bool,
    ) -> Any:
        """As `dataclasses.dataclass`."""

        def made(of: type) -> type:
            named = " ".join(map(str, inspect.get_annotations(of).values()))
            if others or "InitVar" in named or "KW_ONLY" in named:
                arguments = {"frozen": frozen, "eq": eq, "slots": slots, "unsafe_hash": unsafe_hash}
                return dataclasses.dataclass(kw_only=kw_only, **arguments, **others)(of)
            fielded = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)
            return _made(of, fielded, is_frozen=frozen, has_eq=eq, has_slots=slots, has_hash=unsafe_hash)

        return made if cls is None else made(cls)


def _made(
    cls: type, fielded: Callable[[type], Any], *, is_frozen: bool, has_eq: bool, has_slots: bool, has_hash: bool
) -> type:
    if not cls.__doc__:
        cls.__doc__ = cls.__name__  # else the standard one spells out the signature, which costs as much as a method
    own = dict(cls.__dict__)
    made = fielded(cls)
    _check_order(made)
    methods = {"__init__": _frozen_init if is_frozen else _init, "__repr__": _repr}
    if has_eq:
        methods["__eq__"] = _eq
    has_own_hash = "__hash__" in own and not (own["__hash__"] is None and "__eq__" in own)
    if has_hash and has_own_hash:
        raise TypeError(f"{cls.__name__} has a __hash__ of its own")
    if has_hash or (has_eq and is_frozen and not has_own_hash):
        made.__hash__ = _Later(made, "__hash__", _hash)
    elif has_eq and not has_own_hash:
        made.__hash__ = None
    for name, source in methods.items():
        if name not in own:
            setattr(made, name, _Later(made, name, source))
    if is_frozen:
        if "__setattr__" in own or "__delattr__" in own:
            raise TypeError(f"{cls.__name__} has a __setattr__ or __delattr__ of its own, and cannot be frozen")
        made.__setattr__, made.__delattr__ = _set, _delete
        if has_slots and "__getstate__" not in own:
            made.__getstate__ = _state
        if has_slots and "__setstate__" not in own:
            made.__setstate__ = _restore
    result: type = made
    return result


def _check_order(cls: type) -> None:
    has_default = ""
    for field in _fields(cls):
        if field.kw_only:
            continue
        if field.init and (field.default is not MISSING or field.default_factory is not MISSING):
            has_default = field.name
        elif field.init and has_default:
            raise TypeError(f"non-default argument {field.name!r} follows default argument {has_default!r}")


class _Later:
    """Stands for a method until somebody looks for it."""

    def __init__(self, cls: type, name: str, source: Callable[[type, dict[str, Any]], str]) -> None:
        self.cls, self.name, self.source = cls, name, source

    def __get__(self, instance: object, owner: type) -> Any:
        scope: dict[str, Any] = {"_none_given": MISSING, "_put": object.__setattr__}
        exec(self.source(self.cls, scope), scope)  # noqa: S102  of field names of our own types, as dataclasses does
        method = scope[self.name]
        method.__qualname__, method.__module__ = f"{self.cls.__qualname__}.{self.name}", self.cls.__module__
        if self.name == "__repr__":
            method = reprlib.recursive_repr()(method)
        setattr(self.cls, self.name, method)
        return method.__get__(instance, owner)


# --- the methods: each gives the source, and puts what it needs into its scope ----------------


def _init(cls: type, scope: dict[str, Any]) -> str:
    return _init_by("self.{0} = {1}", cls, scope)


def _frozen_init(cls: type, scope: dict[str, Any]) -> str:
    return _init_by("_put(self, {0!r}, {1})", cls, scope)


def _init_by(put: str, cls: type, scope: dict[str, Any]) -> str:
    head, behind, body = ["self"], ["*"], []
    for field in _fields(cls):
        parameters = behind if field.kw_only else head
        name, default, factory = field.name, f"_default_{field.name}", f"_factory_{field.name}"
        if field.default_factory is not MISSING:
            scope[factory] = field.default_factory
            parameters += [f"{name}=_none_given"] if field.init else []
            body.append(
                put.format(name, f"{factory}() if {name} is _none_given else {name}" if field.init else f"{factory}()")
            )
        elif field.default is not MISSING:
            scope[default] = field.default
            parameters += [f"{name}={default}"] if field.init else []
            if field.init or "__slots__" in cls.__dict__:
                body.append(put.format(name, name if field.init else default))
        elif field.init:
            parameters.append(name)
            body.append(put.format(name, name))
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    head += behind if len(behind) > 1 else []
    return f"def __init__({', '.join(head)}):\n" + "".join(f" {line}\n" for line in body or ["pass"])


def _repr(cls: type, scope: dict[str, Any]) -> str:
    del scope
    shown = ", ".join(f"{field.name}={{self.{field.name}!r}}" for field in _fields(cls) if field.repr)
    return f'def __repr__(self):\n return self.__class__.__qualname__ + f"({shown})"\n'


def _eq(cls: type, scope: dict[str, Any]) -> str:
    del scope
    compared = [field.name for field in _fields(cls) if field.compare]
    return (
        "def __eq__(self, other):\n if other.__class__ is self.__class__:\n"
        f"  return {_tuple('self', compared)} == {_tuple('other', compared)}\n return NotImplemented\n"
    )


def _hash(cls: type, scope: dict[str, Any]) -> str:
    del scope
    hashed = [field.name for field in _fields(cls) if (field.compare if field.hash is None else field.hash)]
    return f"def __hash__(self):\n return hash({_tuple('self', hashed)})\n"


def _tuple(of: str, names: list[str]) -> str:
    return f"({''.join(f'{of}.{name}, ' for name in names)})"


def _fields(cls: Any) -> tuple[Field[Any], ...]:
    return dataclasses.fields(cls)


def _set(self: object, name: str, value: object) -> None:
    _refuse(self, name, "assign to")
    object.__setattr__(self, name, value)


def _delete(self: object, name: str) -> None:
    _refuse(self, name, "delete")
    object.__delattr__(self, name)


def _refuse(instance: object, name: str, what: str) -> None:
    """What inherits from a frozen type and is no dataclass itself has attributes of its own, but no other fields."""
    cls: Any = type(instance)
    if "__dataclass_fields__" in cls.__dict__ or name in cls.__dataclass_fields__:
        raise FrozenInstanceError(f"cannot {what} field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=False):
        object.__setattr__(self, field.name, value)
