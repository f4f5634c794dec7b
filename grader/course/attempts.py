"""Which answers and files do rules ask for? Those of an optional task alone show that it was attempted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from grader.model import Json, Rubric, Rule, Task

if TYPE_CHECKING:
    from grader.course.rubrics import Checks

# The settings under which checks name files of a hand-in, by path or pattern, wherever they stand in a rule.
FILE_KEYS = frozenset({"path", "glob", "code", "checkpoint", "log", "logs", "file", "report", "images", "list"})
# What below a rule names files that are not the student's, or that others handed in.
_NOT_THEIRS = frozenset({"reference", "network", "unlike", "leave_out", "given", "recipe", "pretrained"})


def files_asked_for(rubric: Rubric) -> frozenset[str]:
    """The files of a hand-in that any rule of the rubric names, by path or pattern."""
    return frozenset(path for rule in rubric.rules() for path in _files(rule.settings))


def signs_of(tasks: list[Task], task: Task, checks: Checks) -> tuple[frozenset[str], frozenset[str]]:
    """The answers and the files (paths and patterns) of an optional task that no compulsory one asks for."""
    shared = [_asked(rule, checks) for other in tasks if not other.is_optional for rule in other.rules]
    own = [_asked(rule, checks) for rule in task.rules]

    def only_own(part: int) -> frozenset[str]:
        return frozenset().union(*(asked[part] for asked in own)) - frozenset().union(
            *(asked[part] for asked in shared)
        )

    return only_own(0), only_own(1)


def _asked(rule: Rule, checks: Checks) -> tuple[frozenset[str], frozenset[str]]:
    check = checks.get(rule.check)
    answers = set(check.other_answers(rule)) if check is not None else set()
    if rule.answer is not None:
        answers.add(rule.answer)
    return frozenset(answers), frozenset(_files(rule.settings))


def _files(value: Json, key: str = "") -> Iterator[str]:
    """Every text below `value` that stands under a key which names files.

    >>> sorted(_files({"model": {"code": "a.py", "factory": "f"}, "required": [{"glob": "*.png"}], "file": ["b", "c"]}))
    ['*.png', 'a.py', 'b', 'c']
    """
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name not in _NOT_THEIRS:
                yield from _files(part, str(name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _files(part, key)
    elif isinstance(value, str) and key in FILE_KEYS:
        yield value
