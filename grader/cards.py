"""How is a scorecard kept? As plain JSON that loses nothing: points stay exact fractions.

The form that is published, rounded for readers, is `grader.reports.scorecard`; this one is for ourselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from functools import cached_property, lru_cache

from grader.frozen import dataclass
from grader.model import (
    Adjustment,
    Amount,
    Choice,
    Counting,
    Finding,
    Json,
    LatePolicy,
    LateStep,
    Outcome,
    Place,
    Problem,
    RuleScore,
    ScoreCard,
    Student,
    TaskScore,
    Visibility,
)

_NOUNS = ("tasks", "rules", "findings", "students", "problems", "place", "made_with", "adjustments", "counting")
_FIELDS: dict[type, tuple[str, ...]] = {}  # of each noun: asked once, not for each finding of a class
FORM = 4  # raise it when a noun gains or loses a field; gradebooks have cards of this form: go on reading it


def kept(card: ScoreCard) -> dict[str, Json]:
    """The card as plain JSON."""
    return {
        "form": FORM,
        **_plain(card),
        "students": [_plain(student) for student in card.students],
        "problems": [_plain(problem) for problem in card.problems],
        "made_with": dict(card.made_with),
        "adjustments": [_plain(one) for one in card.adjustments],
        "tasks": [_kept_task(task) for task in card.tasks],
        "counting": _kept_counting(card.counting),
    }


def _kept_task(task: TaskScore) -> Json:
    return {**_plain(task), "rules": [{**_plain(rule), "findings": _findings(rule)} for rule in task.rules]}


def _kept_counting(rules: Counting) -> Json:
    late = rules.late
    return {
        "choices": [[choice.count, *choice.tasks] for choice in rules.choices],
        "late": None if late is None else [late.said, late.days, _kept_policy(late.policy)],
        "said": [_plain(one) for one in rules.said],
        "as_attempted": [_kept_task(task) for task in rules.as_attempted],
        "days_late": rules.days_late,
        "terms": rules.terms,
    }


def _kept_policy(policy: LatePolicy | None) -> Json:
    """What a step of lateness holds of a policy: what a day costs, of what, and the cap."""
    if policy is None:
        return None
    amounts = [None if one is None else [str(one.value), one.is_share] for one in (policy.per_day, policy.cap)]
    return [*amounts, policy.is_of_earned]


def card_from(document: Mapping[str, Json]) -> ScoreCard:
    """The card that `kept` wrote. Raises ValueError for one of another form.

    >>> card = ScoreCard("ada", "digits", (), "0" * 64, (), Fraction(7, 3), Fraction(20), Fraction(0))
    >>> card_from(kept(card)) == card
    True
    """
    if document.get("form") != FORM:
        raise ValueError(f"a kept scorecard of form {document.get('form')!r}, not {FORM}")
    return ScoreCard(
        **_points(document),
        submission=document["submission"],
        assignment=document["assignment"],
        students=tuple(Student(**student) for student in document["students"]),
        rubric_digest=document["rubric_digest"],
        tasks=tuple(_task(task) for task in document["tasks"]),
        problems=tuple(Problem(**problem) for problem in document["problems"]),
        pass_points=_fraction(document["pass_points"]),
        made_with=document["made_with"],
        variant=document["variant"],
        adjustments=tuple(map(_adjustment, document["adjustments"])),
        counting=_counting(document["counting"]),
    )


@dataclass(frozen=True)
class KeptCard:
    """A card by the bytes that it is kept as, read as far as it is asked. Equal cards have equal bytes.

    >>> card = ScoreCard("ada", "digits", (), "0" * 64, (), Fraction(7, 3), Fraction(20), Fraction(0))
    >>> KeptCard.of(card).document["submission"], KeptCard.of(card).card == card
    ('ada', True)
    """

    data: bytes

    @classmethod
    def of(cls, card: ScoreCard) -> KeptCard:
        """The card as it would be kept."""
        return cls(json.dumps(kept(card)).encode())

    @cached_property
    def document(self) -> Mapping[str, Json]:
        """As `kept` made it."""
        made: Mapping[str, Json] = json.loads(self.data)
        return made

    @cached_property
    def card(self) -> ScoreCard:
        """The card. Raises ValueError for one of another form."""
        return card_from(self.document)


def _adjustment(one: Mapping[str, Json]) -> Adjustment:
    return Adjustment(**{**one, **_points(one)})


def _counting(document: Mapping[str, Json]) -> Counting:
    late = document["late"]
    return Counting(
        choices=tuple(Choice(tuple(tasks), count) for count, *tasks in document["choices"]),
        late=None if late is None else LateStep(late[0], late[1], _policy(late[2])),
        said=tuple(map(_adjustment, document["said"])),
        as_attempted=tuple(map(_task, document["as_attempted"])),
        days_late=document["days_late"],
        terms=document["terms"],
    )


def _policy(kept_policy: Json) -> LatePolicy | None:
    if kept_policy is None:
        return None
    per_day, cap, is_of_earned = kept_policy
    return LatePolicy(_amount(per_day), is_of_earned, cap=None if cap is None else _amount(cap))


def _amount(kept_amount: Json) -> Amount:
    return Amount(_read(kept_amount[0]), kept_amount[1])


def _task(task: Mapping[str, Json]) -> TaskScore:
    return TaskScore(
        **_points(task),
        task=task["task"],
        title=task["title"],
        rules=tuple(_rule(rule) for rule in task["rules"]),
        is_counted=task["is_counted"],
        note=task["note"],
        pass_points=_fraction(task["pass_points"]),
    )


def _rule(rule: Mapping[str, Json]) -> RuleScore:
    return RuleScore(
        **_points(rule),
        rule=rule["rule"],
        check=rule["check"],
        is_bonus=rule["is_bonus"],
        visibility=Visibility(rule["visibility"]),
        findings=tuple(_finding(finding) for finding in rule["findings"]),
        is_deduction=rule["is_deduction"],
    )


def _findings(rule: RuleScore) -> list[Json]:
    return [
        {**_plain(finding), "place": None if finding.place is None else _plain(finding.place)}
        for finding in rule.findings
    ]


def _finding(finding: Mapping[str, Json]) -> Finding:
    place = finding["place"]
    return Finding(
        **{
            **finding,
            "outcome": Outcome(finding["outcome"]),
            "visibility": Visibility(finding["visibility"]),
            "credit": _fraction(finding["credit"]),
            "weight": _read(finding["weight"]),
            "place": None if place is None else Place(**place),
        }
    )


def _points(document: Mapping[str, Json]) -> dict[str, Fraction]:
    return {word: _read(document[word]) for word in ("points", "max_points", "open_points")}


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else _read(text)


@lru_cache(maxsize=4096)
def _read(text: str) -> Fraction:
    """A class has few different numbers of points, and many of each: reading them was a fifth of a re-scored class."""
    return Fraction(text)


def _plain(noun: Json) -> dict[str, Json]:
    """The fields that are no nouns themselves: fractions as text, such as "7/2"; words as they are."""
    kind = type(noun)
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(one.name for one in fields(kind) if one.name not in _NOUNS)
    made = {}
    for name in _FIELDS[kind]:
        value = getattr(noun, name)
        made[name] = str(value) if isinstance(value, Fraction) else value
    return made
