"""Which of the task's names does the student mean? `Cout` is C_out, `w` is W where nothing else is, `stride` is S."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Final

from grader.answers.formulas.tree import Name, Node, names_in, substituted

MAX_RENAMED: Final = 3
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "B": ("batch", "batchsize", "bs"), "C": ("channels", "channel"), "H": ("height",), "W": ("width",),
    "K": ("kernel", "kernelsize", "ksize"), "P": ("padding", "pad"), "S": ("stride", "strides"), "D": ("dilation",),
}  # fmt: skip


def bind(tree: Node, known: Sequence[str], also: Mapping[str, Sequence[str]]) -> tuple[Node, tuple[str, ...]]:
    """The tree in the task's names, and the names that are none of them.

    `also`  other names that the rubric accepts for a name: {"K": ["F"]}

    >>> from grader.answers.formulas.tree import Operation
    >>> bind(Operation("/", Name("Cout"), Name("stride")), ["C_out", "S", "s"], {})[0]
    Operation(sign='/', left=Name(name='C_out'), right=Name(name='S'))
    """
    meanings: dict[str, Node] = {}
    unknown = []
    for name in names_in(tree):
        meant = _meant(name, known, also)
        if meant is None:
            unknown.append(name)
        elif meant != name:
            meanings[name] = Name(meant)
    return (substituted(tree, meanings) if meanings else tree), tuple(unknown)


def _meant(name: str, known: Sequence[str], also: Mapping[str, Sequence[str]]) -> str | None:
    if name in known:
        return name
    for target, others in also.items():
        if name in others and target in known:
            return target
    for form in (_without_mark, _folded):
        matches = [one for one in known if form(one) == form(name)]
        if len(matches) == 1:
            return matches[0]
    word = _folded(name)
    return next((target for target, words in _WORDS.items() if word in words and target in known), None)


def _without_mark(name: str) -> str:
    return name.replace("_", "")


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()


def renamings(unknown: Sequence[str], free: Sequence[str]) -> list[dict[str, Node]]:
    """Every way in which unknown names may stand for the task's names that the formula does not use itself.

    >>> [list(one.items()) for one in renamings(["F"], ["K", "S"])]
    [[('F', Name(name='K'))], [('F', Name(name='S'))]]
    """
    if not 0 < len(unknown) <= MAX_RENAMED or len(free) > 6:
        return []
    return [
        {name: Name(target) for name, target in zip(unknown, chosen, strict=True)}
        for chosen in permutations(free, len(unknown))
    ]
