"""What a sentence states: numbers, each with the label that governs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from grader.answers.claims.mentions import Label, Mention
from grader.answers.claims.quantities import Quantity
from grader.answers.claims.tokens import Token
from grader.frozen import dataclass


@dataclass(slots=True)
class Value:
    """A number with the metric that governs it. `label_end`: up to which token its label goes."""

    quantity: Quantity
    label: Label
    tie: str  # "key", "behind", "list", "far", "inferred", "bare"
    mention: Mention | None = None
    first: int = 0
    last: int = 0
    is_percent: bool = False
    reasons: list[str] = field(default_factory=list)
    is_keras: bool = False


@dataclass(slots=True)
class Places:
    """Where a sentence says what is of use to all of its numbers: looked for once."""

    lows: list[str]
    epochs: list[int]
    optimizers: list[int]
    names_dataset: bool
    names_network: bool


@dataclass(slots=True)
class Sentence:
    """Tokens of one sentence, and what was found in it."""

    tokens: Sequence[Token]
    mentions: list[Mention] = field(default_factory=list)
    quantities: list[Quantity] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    places: Places | None = None  # once somebody asked for them
