"""The types' decorator makes what the standard one makes, later. The standard one is the oracle."""

import copy
import dataclasses
import inspect
import pickle
import sys
import threading
from dataclasses import FrozenInstanceError, field
from functools import cached_property

import pytest

from grader.frozen import dataclass

FORMS = [
    {},
    {"frozen": True},
    {"frozen": True, "slots": True},
    {"slots": True},
    {"frozen": True, "eq": False},
    {"unsafe_hash": True, "slots": True},
    {"frozen": True, "kw_only": True},
    {"frozen": True, "order": True},
]
named = pytest.mark.parametrize("form", FORMS, ids=lambda form: " ".join(form) or "plain")


def point():
    class Point:
        """A point."""

        x: int
        y: float = 2.0
        tags: list = field(default_factory=list)
        note: str = field(default="", compare=False)
        aside: str = field(default="s", repr=False, hash=False)
        count: int = field(default=7, init=False)

    return Point


def both(form, made=point):
    return dataclasses.dataclass(**form)(made()), dataclass(**form)(made())


def told(do):
    """What comes of it: a value's text, or the error."""
    try:
        return repr(do())
    except Exception as error:  # noqa: BLE001  whatever it is, it must be the same
        return f"{type(error).__name__}: {error}"


@named
@pytest.mark.parametrize(
    "words",
    [
        ((), {"x": 1}),
        ((), {"x": 1, "y": 3, "tags": ["a"], "note": "n", "aside": "t"}),
        ((1, 2, ["a"]), {}),
        ((), {}),
        ((1, 2, 3, 4, 5, 6), {}),
        ((), {"x": 1, "count": 8}),
        ((), {"x": 1, "other": 8}),
        ((1,), {"x": 1}),
    ],
    ids=["the least", "all", "by place", "too few", "too many", "one that is not set", "unknown", "twice"],
)
def test_an_object_is_made_or_refused_as_by_the_standard_one(form, words):
    arguments, keywords = words
    standard, ours = (told(lambda one=one: one(*arguments, **keywords)) for one in both(form))
    assert ours == standard


@named
def test_equality_and_hash_are_those_of_the_standard_one(form):
    said = []
    for one in both(form):
        same = one(x=1, tags=())
        said.append(
            [
                told(lambda one=one: one(x=1) == one(x=1)),
                told(lambda one=one: one(x=1) == one(x=2)),
                told(lambda one=one: one(x=1, note="a") == one(x=1, note="b")),
                told(lambda one=one: one(x=1) == 1),
                told(lambda one=one, same=same: hash(one(x=1, tags=(), aside="t")) == hash(same)),
                told(lambda one=one: hash(one(x=1)) and "by its identity"),
                one.__hash__ is None,
            ]
        )
    assert said[0] == said[1]


@named
def test_what_is_frozen_cannot_be_set_nor_deleted(form):
    said = []
    for one in both(form):
        instance = one(x=1)
        said.append(
            [
                told(lambda instance=instance: setattr(instance, "x", 2)),
                told(lambda instance=instance: setattr(instance, "new", 2)),
                told(lambda instance=instance: delattr(instance, "x")),
                instance.y,
            ]
        )
    if form == {"frozen": True, "slots": True}:  # where the standard one of Python 3.11 fails over its own super()
        said[0][1] = "FrozenInstanceError: cannot assign to field 'new'"
    assert said[0] == said[1]


@named
def test_fields_replace_and_asdict_work_on_it(form):
    standard, ours = both(form)
    assert [(f.name, f.init, f.repr, f.hash, f.compare) for f in dataclasses.fields(ours)] == [
        (f.name, f.init, f.repr, f.hash, f.compare) for f in dataclasses.fields(standard)
    ]
    one, other = (dataclasses.replace(of(x=1), x=5, y=6) for of in (standard, ours))
    assert dataclasses.asdict(one) == dataclasses.asdict(other)
    assert dataclasses.is_dataclass(ours)
    assert getattr(ours, "__match_args__", None) == getattr(standard, "__match_args__", None)
    assert inspect.signature(ours).parameters.keys() == inspect.signature(standard).parameters.keys()
    assert getattr(ours, "__slots__", None) == getattr(standard, "__slots__", None)


@named
def test_it_is_copied_and_pickled(form, monkeypatch):
    _, ours = both(form)
    ours.__qualname__ = "Point"
    monkeypatch.setattr(sys.modules[__name__], "Point", ours, raising=False)
    one = ours(x=1, y=3, tags=["a"])
    for again in (pickle.loads(pickle.dumps(one)), copy.copy(one), copy.deepcopy(one)):
        assert dataclasses.asdict(again) == dataclasses.asdict(one)
        if form.get("frozen"):
            with pytest.raises(FrozenInstanceError):
                again.x = 2


def test_a_pickle_of_the_standard_one_is_read(monkeypatch):
    standard, ours = both({"frozen": True, "slots": True})
    for one in (standard, ours):
        one.__qualname__ = "Point"
    monkeypatch.setattr(sys.modules[__name__], "Point", standard, raising=False)
    written = pickle.dumps(standard(x=1, y=3))
    monkeypatch.setattr(sys.modules[__name__], "Point", ours)
    assert pickle.loads(written) == ours(x=1, y=3)


def test_what_a_type_says_itself_stays():
    @dataclass(frozen=True)
    class Own:
        x: int

        def __repr__(self):
            return "own"

        def __hash__(self):
            return 7

        def __eq__(self, other):
            return True

        def __post_init__(self):
            object.__setattr__(self, "x", self.x + 1)

    assert (repr(Own(1)), hash(Own(1)), Own(1) == 3, Own(1).x) == ("own", 7, True, 2)


def test_inheritance_adds_and_changes_fields():
    @dataclass(frozen=True)
    class Base:
        x: int
        y: int = 0

    @dataclass(frozen=True)
    class Child(Base):
        y: int = 5
        z: int = 6

        @cached_property
        def total(self):
            return self.x + self.y + self.z

    class Plain(Base):
        pass

    assert repr(Child(1)) == f"{Child.__qualname__}(x=1, y=5, z=6)"
    assert Child(1).total == 12
    assert Base(1) != Child(1)
    plain = Plain(1)
    plain.own = 3
    with pytest.raises(FrozenInstanceError):
        plain.x = 2
    assert (plain.own, plain == Plain(1)) == (3, True)


def test_one_field_may_be_given_by_its_name_alone():
    @dataclass(frozen=True)
    class Named:
        x: int = field(default=1, kw_only=True)
        y: int

    assert repr(Named(2)).endswith("Named(x=1, y=2)")
    assert Named(2, x=3).x == 3
    with pytest.raises(TypeError, match="positional"):
        Named(2, 3)


def test_a_type_that_holds_itself_is_shown():
    @dataclass
    class Node:
        inner: object = None

    node = Node()
    node.inner = node
    assert repr(node).endswith("Node(inner=...)")


def test_a_mixture_with_the_standard_one_is_refused_at_once():
    @dataclass(frozen=True)
    class Ours:
        x: int

    with pytest.raises(TypeError, match="inherit"):
        dataclasses.dataclass(frozen=True)(type("Child", (Ours,), {"__annotations__": {"y": int}}))


@pytest.mark.parametrize(
    ("annotations", "values"),
    [
        pytest.param({"x": int, "y": int}, {"x": 1}, id="no default behind a default"),
        pytest.param({"x": list}, {"x": []}, id="a default that can change"),
    ],
)
def test_a_slip_in_a_type_is_told_when_it_is_written(annotations, values):
    with pytest.raises((TypeError, ValueError)):
        dataclass(frozen=True)(type("Slip", (), {"__annotations__": annotations, **values}))


def test_nothing_is_compiled_before_it_is_looked_for():
    _, ours = both({"frozen": True})
    assert "function" not in {
        type(ours.__dict__[name]).__name__ for name in ("__init__", "__repr__", "__eq__", "__hash__")
    }
    ours(x=1)
    assert [type(ours.__dict__[name]).__name__ for name in ("__init__", "__repr__")] == ["function", "_Later"]


def test_threads_that_need_a_method_at_once_all_get_it():
    for _ in range(50):
        _, ours = both({"frozen": True, "slots": True})
        barrier, made = threading.Barrier(4), []

        def make(barrier=barrier, made=made, ours=ours):
            barrier.wait()
            made.append(ours(x=1))

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [ours(x=1)] * 4
