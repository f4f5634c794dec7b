"""What is a kind of mutant? One thing that students do wrong: where it can be done, how, which rules must notice."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from grader.frozen import dataclass
from grader.model import Json
from grader.mutants.original import Original


@dataclass(frozen=True)
class Spot:
    """A place where a slip can be made.

    `must` are the rules that must notice it, by their settings: losing points, or asking a person. Other rules that
    read what is changed may lose, too; a rule that reads nothing of it must not. `said` says what was done.
    """

    said: str
    must: tuple[str, ...]
    data: Mapping[str, Json] = field(default_factory=dict)


class Kind(ABC):
    """One slip. Kinds know checks, files and layers, and no assignment.

    `nothing` ends the sentence "not applicable: ..." where there is no spot: what no rule of the rubric reads.
    """

    name: ClassVar[str]
    slip: ClassVar[str]  # what a student did wrong
    nothing: ClassVar[str]
    remark: ClassVar[str] = ""  # the code of a remark that is enough: for what a check tells and never charges

    @abstractmethod
    def spots(self, original: Original) -> Iterable[Spot]:
        """Where it can be done such that a rule must notice, by the rules alone. All of them, in order."""

    @abstractmethod
    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Do it in `folder`, a copy of the reference."""


KINDS: dict[str, Kind] = {}
_K = TypeVar("_K", bound=type[Kind])


def register(kind: _K) -> _K:
    """Make a kind known by its name."""
    if kind.name in KINDS:
        raise ValueError(f"two kinds of mutants are named {kind.name!r}")
    KINDS[kind.name] = kind()
    return kind


def all_kinds() -> Mapping[str, Kind]:
    """Every kind by its name, in the order in which the modules of `kinds/` define them.

    >>> all_kinds()["bias-off"].slip
    'a layer has no bias'
    """
    from grader.mutants import kinds

    kinds.load()
    return KINDS


def replaced(path: Path, data: bytes | str) -> None:
    """Put a new file in the place of one, or where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))


def first_each(spots: Iterable[tuple[Any, Spot]]) -> Iterator[Spot]:
    """Of spots with what they belong to (a rule, a model), the first of each."""
    seen: list[Any] = []
    for belongs, spot in spots:
        if spot.must and belongs not in seen:
            seen.append(belongs)
            yield spot
