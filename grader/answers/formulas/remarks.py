"""What is there to say about a formula of a report, without a rubric? Its name, and steps that do not hold.

A known formula is recognised by the letters' usual meanings (W or H for a size, K or F for a kernel) and then compared,
so "known as" is proved. A formula that is not known is not called wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from grader.answers.answer_error import AnswerError
from grader.answers.formulas.compare import Agreement, compare_trees
from grader.answers.formulas.domain import Domain
from grader.answers.formulas.finding import FoundFormula
from grader.answers.formulas.near_misses import near_misses
from grader.answers.formulas.reading import Formula, parse_formula
from grader.answers.formulas.tree import Name, Node, names_in, substituted
from grader.answers.working import parse_working
from grader.model import Place

_ROLES: Final[Mapping[str, str]] = {
    "W": "W", "H": "W", "N": "W", "X": "W", "I": "W", "L": "W", "n": "W", "w": "W", "h": "W",
    "K": "K", "F": "K", "k": "K", "f": "K", "P": "P", "p": "P", "S": "S", "s": "S",
}  # fmt: skip
_KNOWN: Final = (
    ("the output size of a convolution or pooling", "floor((W - K + 2P)/S) + 1"),
    ("the output size of a convolution or pooling without padding", "floor((W - K)/S) + 1"),
    ("the output size of a convolution with stride 1", "W - K + 2P + 1"),
    ("the output size of a convolution with stride 1, without padding", "W - K + 1"),
    ("the padding that keeps the size, for an odd kernel", "(K - 1)/2"),
)
_FRACTION: Final = re.compile(r"\bfrac\{([^{}]{1,60})\}\{([^{}]{1,60})\}")
_PARTS: Final = 2  # a near miss has at least so many letters of the formula


def remarks_on(found: FoundFormula) -> tuple[str, ...]:
    r"""Sentences about one formula, none where nothing is known of it.

    >>> from grader.answers.formulas.finding import find_formulas
    >>> from grader.documents.report_lines import Line
    >>> def said(text):
    ...     return [remark for one in find_formulas([Line(1, text)]) for remark in remarks_on(one)]
    >>> said("$$[(W - K + 2P)/S] + 1$$")
    ['right as the output size of a convolution or pooling (the square brackets round down)']
    >>> said(r"$X_2 = \frac{X_1 - F_x + 2P_x}{S_x} + 1 = \frac{252 - 3}{1} - 1 = 250$")
    ['the output size of a convolution or pooling, but no rounding is written', '"(252 - 3)/1 - 1" is 248, not 250']
    """
    if not isinstance(found.formula, Formula):
        return ()
    known = _known(found.formula)
    return (*([known] if known else []), *_steps(found.text))


def _steps(text: str) -> tuple[str, ...]:
    """Steps of the working that do not hold."""
    if text.count("=") < 1 or not any(char.isdigit() for char in text):
        return ()
    try:
        working = parse_working(text, Place(""))
    except AnswerError:
        return ()
    return tuple(_FRACTION.sub(r"(\1)/\2", one.said) for one in working.disagreements)


@lru_cache(maxsize=1)
def _templates() -> tuple[tuple[str, Node, frozenset[str]], ...]:
    read = [(said, parse_formula(text, Place("")).tree) for said, text in _KNOWN]
    return tuple((said, tree, frozenset(names_in(tree))) for said, tree in read)


@lru_cache(maxsize=256)  # a report writes one formula many times
def _known(formula: Formula) -> str:
    domain = Domain(least=1)
    for said, right, names in _templates():
        for reading in formula.readings:
            tree = _in_roles(reading.tree)
            if tree is None or frozenset(names_in(tree)) != names:
                continue
            verdict = compare_trees(tree, right, domain, tried=600)
            if verdict.agreement is Agreement.EQUAL:
                return f"right as {said}" + (f" ({reading.assumed})" if reading.assumed else "")
            if verdict.agreement is Agreement.UNFLOORED:
                return f"{said}, but no rounding is written"
            if reading is formula.readings[-1] and len(names) > _PARTS:
                misses = [one for one in near_misses(tree, right, domain) if one.code in ("constant", "sign")]
                if misses:
                    return f"near {said}: {misses[0].said}"
    return ""


def _in_roles(tree: Node) -> Node | None:
    """With each name as what its first letter usually means; None where two names would mean the same."""
    roles = {name: _ROLES.get(name[0]) for name in names_in(tree)}
    meant = [role for role in roles.values() if role is not None]
    if len(meant) != len(roles) or len(set(meant)) != len(meant):
        return None
    return substituted(tree, {name: Name(role) for name, role in roles.items() if role is not None})
