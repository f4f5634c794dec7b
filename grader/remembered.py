"""Was this hand-in judged before, by the same rules and from the same evidence? Then only its points are counted anew.

A verdict depends on the hand-in's bytes, on the rules without their points, on the keys of its evidence, and on this
program. What a fault of the system had a hand in is judged again each time.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from grader.cards import KeptCard, card_from, kept
from grader.errors import GraderError, MachineError
from grader.grading import Asked, HandIn, our_faults
from grader.model import Job, Json, Rubric, Rule, ScoreCard
from grader.scoring import score

if TYPE_CHECKING:
    from collections.abc import Callable


class Store(Protocol):
    """Where cards are kept: the ledger."""

    def keep_card(self, submission: str, card: Mapping[str, Json], *, made_from: str) -> None: ...
    def keep_fingerprints(self, submission: str, fingerprints: Mapping[str, Json]) -> None: ...
    def card(self, submission: str, *, made_from: str | None = None) -> Mapping[str, Json] | None: ...
    def card_bytes(self, submission: str, *, made_from: str | None = None) -> bytes | None: ...


class Aside:
    """A store that only looks: what would be kept is held here, and gone with it. For a run that changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cards: dict[str, tuple[str, bytes]] = {}

    def keep_card(self, submission: str, card: Mapping[str, Json], *, made_from: str) -> None:
        """Hold a card, packed."""
        self._cards[submission] = (made_from, zlib.compress(json.dumps(card).encode(), 1))

    def keep_fingerprints(self, submission: str, fingerprints: Mapping[str, Json]) -> None:
        """Nobody asks for them here."""

    def card(self, submission: str, *, made_from: str | None = None) -> Mapping[str, Json] | None:
        """What was held last, else what the store has."""
        if submission not in self._cards:
            return self._store.card(submission, made_from=made_from)
        data = self.card_bytes(submission, made_from=made_from)
        return None if data is None else json.loads(data)

    def card_bytes(self, submission: str, *, made_from: str | None = None) -> bytes | None:
        """The same as JSON."""
        if submission not in self._cards:
            return self._store.card_bytes(submission, made_from=made_from)
        held, packed = self._cards[submission]
        return zlib.decompress(packed) if made_from in (None, held) else None


class Remembered:
    """The cards of a class. `names` are what its hand-ins are kept under, by their numbers.

    `key_of` gives a job's key; `is_anew` says which rules are to be judged again whatever is known.
    """

    def __init__(
        self,
        store: Store,
        names: Sequence[str],
        key_of: Callable[[Job], str],
        is_anew: Callable[[Rule], bool],
    ) -> None:
        self.store, self.names = store, names
        self.recalled = 0
        self.changed = 0  # of those that were recalled: they have other points than before
        self._key_of, self._is_anew = key_of, is_anew
        self._made_from: dict[int, str] = {}  # of hand-ins that are being judged
        self._rules: dict[str, str] = {}

    def recall(self, hand_in: HandIn, asked: Asked) -> ScoreCard | None:
        """The card with today's points, or None where it has to be judged."""
        made_from = self._made_from[hand_in.number] = self._digest(asked)
        if not made_from or any(map(self._is_anew, asked.rubric.rules())):
            return None
        document = self.store.card(self.names[hand_in.number], made_from=made_from)
        if document is None:
            return None
        try:
            before = card_from(document)
        except (ValueError, KeyError, TypeError):  # of another form: of another version of this program
            return None
        findings = {rule.rule: rule.findings for task in before.tasks for rule in task.rules}
        card = score(asked.rubric, asked.submission, findings, before.made_with)
        del self._made_from[hand_in.number]
        self.recalled += 1
        if card != before:
            self.changed += 1
            self.store.keep_card(self.names[hand_in.number], kept(card), made_from=made_from)
        return card

    def keep(
        self, hand_in: HandIn, card: ScoreCard, *, is_lasting: bool, fingerprints: Mapping[str, Mapping[str, Json]]
    ) -> None:
        """Keep a card that was judged; before it the fingerprints, so that a card which is remembered has its own."""
        self.store.keep_fingerprints(self.names[hand_in.number], fingerprints)
        made_from = self._made_from.pop(hand_in.number, "")
        is_known = is_lasting and not our_faults(card)
        self.store.keep_card(self.names[hand_in.number], kept(card), made_from=made_from if is_known else "")

    def cards(self) -> Iterator[ScoreCard]:
        """All cards of the class, in its order, one at a time."""
        for name in self.names:
            document = self.store.card(name)
            if document is None:
                raise _lost(name)
            yield card_from(document)

    def kept(self) -> Iterator[KeptCard]:
        """The same, as they are kept."""
        for name in self.names:
            data = self.store.card_bytes(name)
            if data is None:
                raise _lost(name)
            yield KeptCard(data)

    def _digest(self, asked: Asked) -> str:
        """What the verdicts on a hand-in depend on; empty where that cannot be said."""
        one = asked.submission
        if asked.broken or (one.is_readable and not one.files):
            return ""
        try:
            keys = {rule: [self._key_of(job) for job in jobs] for rule, jobs in asked.needs.items() if jobs}
        except (GraderError, OSError):  # a data set that is missing: there is no result to remember
            return ""
        if asked.rubric.digest not in self._rules:
            self._rules[asked.rubric.digest] = _rules(asked.rubric)
        parts = [
            program_digest(),
            self._rules[asked.rubric.digest],
            one.id,
            one.assignment,
            one.is_readable,
            [(file.path, file.digest) for file in one.files],
            [str(problem) for problem in one.problems],
            [str(problem.code) for problem in one.problems],
            keys,
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _lost(name: str) -> MachineError:
    what = "a scorecard that was just made cannot be read back"
    fix = "run the same command again: what was recomputed is in the cache"
    return MachineError.single(what, where=name, fix=fix, code="lost-card")


def _rules(rubric: Rubric) -> str:
    """The rules without what they are worth."""
    rules = [
        [rule.id, rule.check, rule.settings, rule.answer, rule.after, rule.visibility.value] for rule in rubric.rules()
    ]
    return hashlib.sha256(json.dumps(rules, sort_keys=True, default=str).encode()).hexdigest()


@cache
def program_digest() -> str:
    """The bytes of this whole program: no number that somebody forgets to raise."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted([*folder.rglob("*.py"), *folder.rglob("*.json")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
