"""How is an answer changed? In a copy of answers.json, all others as they are."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from grader.checks.base import ANSWERS_FILE
from grader.model import Json, Rule
from grader.mutants.kind import Kind, Spot, replaced
from grader.mutants.original import Original


class AnswerKind(Kind):
    """One answer that is changed, for each rule whose answer can be."""

    checks: ClassVar[tuple[str, ...]]

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each rule: its answer, changed."""
        for rule in original.rules(*self.checks):
            answer = original.answer(rule)
            if answer is None:
                continue
            changed = self.changed(original, rule, copy.deepcopy(answer))
            if changed is not None and changed != answer:
                must = self.must(original, rule)
                yield Spot(
                    f"{rule.answer}: {_told(answer, changed, self.slip)}", must, {"answers": {rule.answer: changed}}
                )

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """The wrong answer; None where the rule cannot be expected to notice any."""
        raise NotImplementedError

    def must(self, original: Original, rule: Rule) -> tuple[str, ...]:
        """The rules that must notice."""
        del original
        return (rule.id,)

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Write the answers anew."""
        del original
        put(folder, spot.data["answers"])


def put(folder: Path, answers: dict[str, Json]) -> None:
    """Change answers in the folder's answers.json; None takes one away."""

    def change(document: dict[str, Any]) -> None:
        for key, value in answers.items():
            if value is None:
                document["answers"].pop(key, None)
            else:
                document["answers"][key] = value

    edit(folder / ANSWERS_FILE, change)


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Read a JSON file, change what it holds, and write it."""
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    replaced(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def integers(value: Json) -> list[int]:
    """The whole numbers of a shape, as text or as a list; of a chain, what stands at its end.

    >>> integers("(16, 1, 28, 28) -> (16, 6, 24, 24)"), integers([8, 10])
    ([16, 6, 24, 24], [8, 10])
    """
    if isinstance(value, list):
        return [int(one) for one in value if isinstance(one, int)]
    return [int(one) for one in re.findall(r"\d+", re.split(r"->|→|⟶", str(value))[-1])]


def count(value: Json) -> int | None:
    """The whole number that an answer ends on.

    >>> count("(1*5*5+1)*8 = 1,208"), count(7), count("none")
    (1208, 7, None)
    """
    if isinstance(value, int):
        return value
    found = re.findall(r"\d[\d,]*", str(value).rpartition("=")[2])
    return int(found[-1].replace(",", "")) if found else None


def written_shape(numbers: list[int]) -> str:
    """A shape as a student writes it.

    >>> written_shape([16, 6])
    '(16, 6)'
    """
    return f"({', '.join(map(str, numbers))})"


def _told(old: Json, new: Json, slip: str) -> str:
    """What was changed, where that is short."""
    texts = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in (old, new)]
    return f"{texts[1]} instead of {texts[0]}" if max(map(len, texts)) <= 40 else slip
