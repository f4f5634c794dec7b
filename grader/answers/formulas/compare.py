"""Do two formulas agree for all whole numbers of a domain? A proof, or the smallest counterexample, or "not known".

Points are tried first, small ones first. Then three proofs, each complete on its own ground: every point of a small
domain; rewriting (`normal`), which knows divisors with names; classes of remainders (`residues`), which is complete
where all divisors are numbers. Where none of them decides, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from itertools import product
from typing import Final

from grader.answers.formulas.binding import bind, renamings
from grader.answers.formulas.domain import Domain, Range, points, size_of
from grader.answers.formulas.normal import is_same
from grader.answers.formulas.reading import Formula
from grader.answers.formulas.residues import NotProvableError, differing_classes
from grader.answers.formulas.tree import (
    ROUNDING,
    Call,
    Node,
    Operation,
    names_in,
    nodes,
    rebuilt,
    render,
    rounds,
    substituted,
)
from grader.answers.formulas.values import Point, UndefinedError, Value, compiled
from grader.answers.writing import spoken
from grader.frozen import dataclass

TRIED: Final = 4_000  # points that are tried before a proof is attempted
MAX_POINTS: Final = 60_000  # of a domain that is gone through whole
EVERYWHERE: Final = Domain()
MAX_DIVISOR: Final = 12  # an endless range of a divisor is gone through so far, which is then said


class Agreement(StrEnum):
    """What is known of two formulas on the domain."""

    EQUAL = "equal"
    UNFLOORED = "unfloored"  # equal wherever the stated one, which does not round, is a whole number
    DIFFERENT = "different"
    RENAMED = "renamed"  # equal, if names that the task does not have are understood
    UNKNOWN_NAMES = "unknown names"
    AMBIGUOUS = "ambiguous"  # one reading agrees, another does not
    UNDECIDED = "undecided"  # no counterexample, and no proof


@dataclass(frozen=True)
class Counterexample:
    """A point where the two differ, and what each gives; `stated` is a sentence's end where it has no value."""

    point: tuple[tuple[str, int], ...]
    stated: Value | str
    expected: Value
    is_smallest: bool = True

    @property
    def said(self) -> str:
        """One phrase: the right value first.

        >>> Counterexample((("T", 3),), 2, 1).said
        'T = 3 gives 1, not 2'
        """
        where = ", ".join(f"{name} = {value:,}" for name, value in self.point)
        start = f"{where} gives {spoken(self.expected)}" if where else f"the value is {spoken(self.expected)}"
        if isinstance(self.stated, str):
            return f"{start}, and there the formula {self.stated}"
        return f"{start}, not {spoken(self.stated)}"


@dataclass(frozen=True)
class FormulaVerdict:
    """What is known, and why.

    `stated`    the reading that the verdict is about, in the task's names
    `assumed`   what this reading takes for granted, "" for nothing
    `proof`     how agreement is known: "by rewriting", "on all 12 points", ...
    `renamed`   what the student's own names would stand for: (("F", "K"),)
    `unknown`   names that the task does not have
    `others`    the verdicts on the other readings, where they differ
    """

    agreement: Agreement
    stated: Node
    expected: Node
    counterexample: Counterexample | None = None
    assumed: str = ""
    proof: str = ""
    renamed: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    others: tuple[FormulaVerdict, ...] = ()

    @property
    def is_right(self) -> bool:
        return self.agreement is Agreement.EQUAL

    @property
    def said(self) -> str:
        """One sentence."""
        stated, expected = render(self.stated), render(self.expected)
        if self.agreement is Agreement.EQUAL:
            return f"{stated} is right" + ("" if stated == expected else f": it equals {expected}")
        if self.agreement is Agreement.UNFLOORED:
            example = f" ({self.counterexample.said})" if self.counterexample else ""
            return f"no rounding is written in {stated}; it is right wherever it is a whole number{example}"
        if self.agreement is Agreement.RENAMED:
            names = " and ".join(f"{own} as {name}" for own, name in self.renamed)
            return f"{stated} is right with {names}, which the task does not say"
        if self.agreement is Agreement.UNKNOWN_NAMES:
            return f"{stated} holds {' and '.join(self.unknown)}, which the task does not define"
        if self.agreement is Agreement.AMBIGUOUS:
            both = "; ".join(f"{one.assumed}: {_short(one)}" for one in (self, *self.others))
            return f"two readings fit: {both}"
        if self.agreement is Agreement.UNDECIDED:
            return f"no counterexample to {stated} was found, and no proof ({self.proof})"
        return f"{stated} is not {expected}" + (f": {self.counterexample.said}" if self.counterexample else "")


def _short(one: FormulaVerdict) -> str:
    return one.counterexample.said if one.counterexample else "right"


def compare_formulas(
    stated: Formula | Node,
    expected: Formula | Node,
    domain: Domain = EVERYWHERE,
    *,
    known: Sequence[str] = (),
    also: Mapping[str, Sequence[str]] | None = None,
) -> FormulaVerdict:
    """Compare what was stated, in all its readings, with what is expected.

    `known`  names that the task has besides those of `expected` and the domain
    `also`   other names accepted for a name: {"K": ["F"]}

    >>> from grader.answers.formulas.reading import parse_formula
    >>> from grader.model import Place
    >>> def compare(stated, expected, **ranges):
    ...     read = [parse_formula(text, Place("")) for text in (stated, expected)]
    ...     return compare_formulas(*read, Domain(ranges, least=1)).said
    >>> compare("ceil(T/2)", "floor((T-3)/2) + 1")
    'ceil(T/2) is not floor((T - 3)/2) + 1: T = 3 gives 1, not 2'
    >>> compare("floor((T-1)/2)", "floor((T-3)/2) + 1")
    'floor((T - 1)/2) is right: it equals floor((T - 3)/2) + 1'
    >>> compare("(T-1)/2", "floor((T-3)/2) + 1")
    'no rounding is written in (T - 1)/2; it is right wherever it is a whole number (T = 4 gives 1, not 1.5)'
    """
    right = expected.tree if isinstance(expected, Formula) else expected
    readings = stated.readings if isinstance(stated, Formula) else None
    names = tuple(dict.fromkeys((*names_in(right), *domain.ranges, *known)))
    if readings is None:
        assert not isinstance(stated, Formula)  # noqa: S101  for the type checker
        return _compared(stated, right, domain, names, also or {})
    verdicts = [replace(_compared(one.tree, right, domain, names, also or {}), assumed=one.assumed) for one in readings]
    first = verdicts[0]
    if all(one.agreement is first.agreement for one in verdicts):
        return first if len(verdicts) == 1 or not first.is_right else replace(first, assumed="")
    rights = [one for one in verdicts if one.agreement in (Agreement.EQUAL, Agreement.UNFLOORED, Agreement.RENAMED)]
    if not rights:
        return first
    others = tuple(one for one in verdicts if one is not rights[0])
    return replace(rights[0], agreement=Agreement.AMBIGUOUS, others=others)


def _compared(
    tree: Node, expected: Node, domain: Domain, names: Sequence[str], also: Mapping[str, Sequence[str]]
) -> FormulaVerdict:
    stated, unknown = bind(tree, names, also)
    if not unknown:
        return compare_trees(stated, expected, domain)
    free = [name for name in names_in(expected) if name not in names_in(stated)]
    for meanings in renamings(unknown, free):
        verdict = compare_trees(substituted(stated, meanings), expected, domain)
        if verdict.is_right:
            pairs = tuple((own, render(name)) for own, name in meanings.items())
            return replace(verdict, agreement=Agreement.RENAMED, stated=stated, renamed=pairs)
    return FormulaVerdict(Agreement.UNKNOWN_NAMES, stated, expected, unknown=unknown)


def agree(stated: Node, expected: Node, domain: Domain) -> bool:
    """Are they equal on the domain, for certain? All names have to be the domain's or start where names do."""
    return compare_trees(stated, expected, domain, tried=400).is_right


def compare_trees(stated: Node, expected: Node, domain: Domain, *, tried: int = TRIED) -> FormulaVerdict:
    """Compare one reading, all of whose names are known. What many students state is compared once."""
    return _compare_trees(stated, expected, tuple(domain.ranges.items()), domain.conditions, domain.least, tried)


@lru_cache(maxsize=1024)
def _compare_trees(
    stated: Node, expected: Node, ranges: tuple[tuple[str, Range], ...], conditions: tuple[Node, ...],
    least: int | None, tried: int,
) -> FormulaVerdict:  # fmt: skip
    domain = Domain(dict(ranges), conditions, least)
    names = tuple(dict.fromkeys((*names_in(expected), *names_in(stated))))
    total = size_of(domain, names)
    budget = MAX_POINTS if total is not None and total <= MAX_POINTS else tried
    example, count, wholes = _search(stated, expected, domain, names, budget)
    equal = FormulaVerdict(Agreement.EQUAL, stated, expected, proof=f"on all {count:,} points")
    is_gone_through = total is not None and total <= budget
    if example is None:
        if is_gone_through and count:
            return equal
        proof = _proof(stated, expected, domain, names)
        if proof:
            return replace(equal, proof=proof)
        further = _in_a_class(stated, expected, domain, names)
        if further is None:
            why = f"{count:,} points were tried" if count else "the domain holds no point"
            return FormulaVerdict(Agreement.UNDECIDED, stated, expected, proof=why)
        example = _smaller(further, stated, expected, domain, names)
    unrounded = not rounds(stated) and rounds(expected) and not isinstance(example.stated, str)
    if unrounded and wholes and _is_unfloored(stated, expected, domain, names, is_gone_through):
        return FormulaVerdict(Agreement.UNFLOORED, stated, expected, example)
    return FormulaVerdict(Agreement.DIFFERENT, stated, expected, example)


def _search(
    stated: Node, expected: Node, domain: Domain, names: Sequence[str], budget: int
) -> tuple[Counterexample | None, int, bool]:
    """The first counterexample, how many points count, and whether `stated` is right wherever it is whole there."""
    left, right = compiled(stated, names), compiled(expected, names)
    example: Counterexample | None = None
    count = wholes = 0
    unrounded = not rounds(stated)
    for point in points(domain, names, at_most=budget):
        try:
            wanted = right(point)
        except UndefinedError:
            continue
        if domain.least is not None and wanted < domain.least:
            continue
        count += 1
        found = _value(left, point)
        if found == wanted:
            wholes += 1
            continue
        if example is None:
            example = Counterexample(tuple(zip(names, point, strict=True)), found, wanted)
        if not unrounded or isinstance(found, (int, str)):
            return example, count, False
        if count > 400:
            break
    return example, count, wholes > 1


def _value(function: Callable[[Point], Value], point: Point) -> Value | str:
    try:
        return function(point)
    except UndefinedError as error:
        return str(error)


def _proof(stated: Node, expected: Node, domain: Domain, names: Sequence[str]) -> str:
    """How agreement on all of the domain is proved, "" where it is not."""
    if is_same(stated, expected, domain):
        return "by rewriting"
    spread = _fixed_divisors(stated, expected, domain, names)
    if spread is None or spread[1]:
        return ""
    try:
        for one in spread[0]:
            if differing_classes(stated, expected, one, names):
                return ""
    except NotProvableError:
        return ""
    return "by the classes of remainders"


def _fixed_divisors(
    stated: Node, expected: Node, domain: Domain, names: Sequence[str]
) -> tuple[list[Domain], bool] | None:
    """The domain once for each choice of the names that divide, and whether that leaves some of them out.

    None where they would be too many.
    """
    divisors = _divisors(stated) | _divisors(expected)
    choices: list[list[tuple[str, int]]] = []
    is_cut = False
    for name in names:
        if name not in divisors:
            continue
        one = domain.range_of(name)
        high = one.low + MAX_DIVISOR - 1 if one.high is None else one.high
        is_cut |= one.high is None
        choices.append([(name, value) for value in range(one.low, high + 1)])
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > 64:
        return None
    return [
        replace(domain, ranges={**domain.ranges, **{name: Range(value, value) for name, value in chosen}})
        for chosen in product(*choices)
    ], is_cut


def _divisors(tree: Node) -> set[str]:
    """The names that stand in a divisor or an exponent."""
    return {
        name
        for one in nodes(tree)
        if isinstance(one, Operation) and one.sign in ("/", "//", "%", "^")
        for name in names_in(one.right)
    }


def _in_a_class(stated: Node, expected: Node, domain: Domain, names: Sequence[str]) -> Counterexample | None:
    """A counterexample further out, where a class of remainders differs."""
    spread = _fixed_divisors(stated, expected, domain, names)
    for one in spread[0] if spread else []:
        try:
            classes = differing_classes(stated, expected, one, names)
        except NotProvableError:
            continue
        for kind in classes:
            for point in _grid(kind.start, kind.step):
                example = _example_at(stated, expected, one, names, point)
                if example is not None:
                    return example
    return None


def _smaller(
    example: Counterexample, stated: Node, expected: Node, domain: Domain, names: Sequence[str]
) -> Counterexample:
    """The smallest one, where a single name leads up to `example` in few steps."""
    if len(names) != 1:
        return example
    steps = example.point[0][1] - domain.range_of(names[0]).low + 1
    first = _search(stated, expected, domain, names, steps)[0] if steps <= MAX_POINTS else None
    return first or example


def _grid(start: tuple[int, ...], step: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    reach = {1: 40, 2: 12, 3: 8, 4: 6}.get(len(start), 4)
    scales = (1, 10, 1_000, 10**6)
    for scale in scales:
        for counts in product(range(reach), repeat=len(start)):
            yield tuple(at + by * count * scale for at, by, count in zip(start, step, counts, strict=True))


def _example_at(
    stated: Node, expected: Node, domain: Domain, names: Sequence[str], point: tuple[int, ...]
) -> Counterexample | None:
    """The point as a counterexample, if it belongs to the domain and is one."""
    ranges = [domain.range_of(name) for name in names]
    if any(one.high is not None and value > one.high for one, value in zip(ranges, point, strict=True)):
        return None
    there = replace(domain, ranges={name: Range(value, value) for name, value in zip(names, point, strict=True)})
    example, _, _ = _search(stated, expected, there, names, 1)
    return replace(example, is_smallest=False) if example else None


def _is_unfloored(stated: Node, expected: Node, domain: Domain, names: Sequence[str], is_gone_through: bool) -> bool:
    """Is it right wherever it is a whole number? Known by its form, by classes, or on every point."""
    if is_gone_through or is_same(stated, without_rounding(expected), domain):
        return True
    spread = _fixed_divisors(stated, expected, domain, names)
    try:
        return spread is not None and not any(
            differing_classes(stated, expected, one, names, only_whole=True) for one in spread[0]
        )
    except NotProvableError:
        return False


def without_rounding(tree: Node) -> Node:
    """The formula with every floor and ceil left out.

    >>> from grader.answers.formulas.tree import Name, number
    >>> render(without_rounding(Call("floor", (Operation("//", Name("T"), number(2)),))))
    'T/2'
    """
    if isinstance(tree, Call) and tree.name in ROUNDING:
        return without_rounding(tree.arguments[0])
    if isinstance(tree, Operation) and tree.sign == "//":
        return Operation("/", without_rounding(tree.left), without_rounding(tree.right))
    return rebuilt(tree, without_rounding)
