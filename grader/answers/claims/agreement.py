"""Do two places state the same result? Report against answers.json, log, checkpoint, and against itself.

An honest text must never be called contradictory, so the rules are narrow. Between two files: the second states a
result that no claim of the first, of this metric and about nothing else, agrees with. Within one file variants of a
network are described side by side, so only a slip of the pen counts: two digits swapped, far apart in the text.
Rounding is no contradiction: 0.734, 73.4 % and 0.7339999675750732 agree; 98.92 and 98.29 do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from fractions import Fraction
from operator import itemgetter

from grader.answers.claims.found import COUNTS, RATES, FoundClaim
from grader.frozen import dataclass

FLOAT32 = Fraction(1, 10**6)  # what printing a float32 can add to a rate
SHORTEST_SLIP = 4  # digits: 0.756 and 0.765 may be two networks rather than a slip
LONGEST_SLIP = 40
NEAR = 5  # lines: closer together two values are told apart by the text between them
_NAMES = {"parameters": "number of parameters", "trainable_parameters": "number of trainable parameters"}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two places that state different values of one thing; `said` is one sentence for a person."""

    first_file: str
    first: FoundClaim
    second_file: str
    second: FoundClaim
    said: str


def contradictions(sources: Sequence[tuple[str, Sequence[FoundClaim]]], *, task: str = "") -> tuple[Contradiction, ...]:
    """All claims that another place contradicts, each named once, against the claim that comes nearest to it.

    `sources`  (file, its claims); a claim that stands on no line (one of answers.json) has line 0
    `task`     the task's id, put before the sentence

    >>> from grader.answers.claims import read_claims
    >>> from grader.documents.report_lines import Line
    >>> def of(text):
    ...     return read_claims([Line(14, text)])
    >>> report, log = of("Final test accuracy: 98.92%"), of("Test accuracy: 0.9829")
    >>> [found.said for found in contradictions([("report.md", report), ("train.log", log)], task="1a")]
    ['1a, test accuracy: report.md says 98.92% on line 14, train.log says 0.9829 on line 14']
    >>> contradictions(
    ...     [("report.md", of("Test accuracy: 73.4%")), ("train.log", of("Test accuracy: 0.7339999675750732"))]
    ... )
    ()
    """
    head = f"{task}, " if task else ""
    firm = [(file, [claim for claim in claims if _is_firm(claim)]) for file, claims in sources]
    made: list[Contradiction] = []
    for index, (file, claims) in enumerate(firm):
        for other_file, others in firm[:index]:
            made += _between(head, other_file, others, file, claims)
        made += _within(head, file, claims)
    return tuple(made)


def _is_firm(claim: FoundClaim) -> bool:
    """Is it one result of the author's own? Goals, values of others and open readings are not."""
    return claim.is_result and len(claim.readings) < 2


def _between(
    head: str, file: str, claims: Sequence[FoundClaim], other_file: str, others: Sequence[FoundClaim]
) -> Iterator[Contradiction]:
    by_metric: dict[str, list[FoundClaim]] = {}
    for claim in claims:
        by_metric.setdefault(claim.metric, []).append(claim)
    seen: set[tuple[object, ...]] = set()
    for other in others:
        about = (other.metric, other.split, other.dataset, other.model, other.value)
        near = [claim for claim in by_metric.get(other.metric, [])[:MOST_COMPARED] if _may_be_one(claim, other)]
        if about in seen or not near or any(agree(claim, other) for claim in near):
            continue
        seen.add(about)
        first = min(near, key=lambda claim: (not _is_slip(claim, other), abs(claim.value - other.value)))
        yield Contradiction(file, first, other_file, other, head + _said(file, first, other_file, other))


MOST_COMPARED = 500  # a log has a line an epoch; the first ones are enough


def _within(head: str, file: str, claims: Sequence[FoundClaim]) -> Iterator[Contradiction]:
    groups: dict[tuple[object, ...], _Same] = {}
    for claim in claims:
        if claim.epoch is not None or claim.bound or claim.is_approximate:
            continue
        about = (claim.metric, claim.split, claim.dataset, claim.model, claim.optimizer)
        same = groups.setdefault(about, _Same())
        digits = _digits(claim)
        others = [other for slip in _slips_of(digits) for other in same.by_digits.get(slip, ())]
        far = [(place, one) for place, one in others if abs(one.line - claim.line) >= NEAR]
        if far and claim.value not in same.values:
            _, found = min(far, key=itemgetter(0))
            yield Contradiction(file, found, file, claim, head + _said(file, found, file, claim))
        if same.count < MOST_COMPARED:
            same.by_digits.setdefault(digits, []).append((same.count, claim))
            same.values.add(claim.value)
            same.count += 1


@dataclass(slots=True)
class _Same:
    """Claims about one thing: by their digits, each with its place among them."""

    by_digits: dict[str, list[tuple[int, FoundClaim]]] = field(default_factory=dict)
    values: set[Fraction] = field(default_factory=set)
    count: int = 0


def _slips_of(digits: str) -> Iterator[str]:
    """What `digits` may have been, had two neighbours among them changed places."""
    if not SHORTEST_SLIP <= len(digits) <= LONGEST_SLIP:
        return
    for at in range(len(digits) - 1):
        if digits[at] != digits[at + 1]:
            yield digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]


def _may_be_one(one: FoundClaim, other: FoundClaim) -> bool:
    """Can both be about one thing? What one of them leaves open fits everything."""
    pairs = (
        (one.split, other.split),
        (one.dataset, other.dataset),
        (_letters(one.model), _letters(other.model)),
        (one.optimizer, other.optimizer),
        (one.epoch, other.epoch),
        (one.epochs, other.epochs),
    )
    return all(not left or not right or left == right for left, right in pairs)


def _letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _is_slip(one: FoundClaim, other: FoundClaim) -> bool:
    """Did two neighbouring digits change places?"""
    left, right = _digits(one), _digits(other)
    if left == right or len(left) != len(right) or len(left) < SHORTEST_SLIP:
        return False
    at = [place for place in range(len(left)) if left[place] != right[place]]
    is_swap = len(at) == 2 and at[1] == at[0] + 1
    return is_swap and left[at[0]] == right[at[1]] and left[at[1]] == right[at[0]]


def _digits(claim: FoundClaim) -> str:
    return "".join(char for char in claim.as_written if char.isdigit()).lstrip("0")


def agree(one: FoundClaim, other: FoundClaim) -> bool:
    """Can both values be the same number, each rounded or cut as it was written, a bound kept?

    >>> from grader.answers.claims import read_claims
    >>> from grader.documents.report_lines import Line
    >>> def of(text):
    ...     return read_claims([Line(1, text)])[0]
    >>> agree(of("accuracy: 0.734"), of("accuracy: 73.4%")), agree(of("accuracy: 98.92%"), of("accuracy: 98.29%"))
    (True, False)
    >>> agree(of("accuracy over 97%"), of("accuracy: 98.2%")), agree(of("accuracy: about 72%"), of("accuracy: 72.9%"))
    (True, True)
    """
    low, high = _window(one)
    other_low, other_high = _window(other)
    return low <= other_high and other_low <= high


def _window(claim: FoundClaim) -> tuple[Fraction, Fraction]:
    """The values that can stand behind what was written: rounded either way or cut off, wider where it says "about"."""
    step = claim.number.step
    below, above = step / 2, step  # rounded to the nearest, or cut off
    if claim.is_approximate:
        below = above = max(2 * step, Fraction(1, 100) if claim.metric in RATES else abs(claim.value) / 20)
    if claim.metric in COUNTS and step <= 1:
        below = above = Fraction(0)  # a count is written whole
    elif claim.metric not in COUNTS:
        below, above = max(below, FLOAT32), max(above, FLOAT32)
    low, high = claim.value - below, claim.value + above
    top = Fraction(1) if claim.metric in RATES else claim.value + 10**12
    return (
        (low, max(high, top))
        if claim.bound == ">"
        else (min(low, Fraction(0)), high)
        if claim.bound == "<"
        else (low, high)
    )


def _said(file: str, one: FoundClaim, other_file: str, other: FoundClaim) -> str:
    split = one.split or other.split or ""
    what = " ".join(part for part in (split, _NAMES.get(one.metric, one.metric.replace("_", " "))) if part)
    said = f"{what}: {file} says {one.as_written}{_on_line(one)}"
    return f"{said}, {'and' if file == other_file else other_file + ' says'} {other.as_written}{_on_line(other)}"


def _on_line(claim: FoundClaim) -> str:
    return f" on line {claim.line}" if claim.line > 0 else ""
