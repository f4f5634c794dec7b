"""How does a submission become a scorecard? Ask what its rules need, get it done, judge, score.

The one place where the stages meet; `grader check` and `grader run-all` both end here, so that a student's
laptop and the TA's machine come to the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol

from grader.checks import Check, all_checks, run_check, take_fingerprint
from grader.evidence.cache import is_lasting
from grader.frozen import dataclass
from grader.model import (
    Evidence,
    Finding,
    Job,
    Json,
    Outcome,
    Rubric,
    Rule,
    ScoreCard,
    Submission,
)
from grader.scoring import score

_NO_MORE = object()
MOST_OPEN = 64  # hand-ins at once: more would only wait for the same jobs, and be held in memory
MOST_OPEN_BYTES = 2**30  # of unpacked files, for hand-ins that are opened only to choose from


class Doer(Protocol):
    """Who gets jobs done: `grader.evidence.runner.Runner`, here or on Ray."""

    @property
    def has_room(self) -> bool: ...
    def order(self, job: Job, root: Path, submission: str = "", *, is_anew: bool = False) -> Evidence | None: ...
    def arrived(self) -> list[tuple[Job, Evidence]]: ...


class Ahead(Protocol):
    """Who chooses among the jobs of many hand-ins, and wants more of these than workers can take just now.

    `most_open` is how many hand-ins keep its workers busy: where that is more than MOST_OPEN, so many are open.
    """

    @property
    def has_room_ahead(self) -> bool: ...
    @property
    def most_open(self) -> int: ...
    def opened(self, submission: str, jobs: Collection[Job]) -> None: ...
    def closed(self, submission: str) -> None: ...


class Memory(Protocol):
    """Who remembers how hand-ins were judged: `grader.remembered`."""

    def recall(self, hand_in: HandIn, asked: Asked) -> ScoreCard | None:
        """The scorecard, where the same hand-in was judged by the same rules and evidence: only its points are new."""

    def keep(
        self, hand_in: HandIn, card: ScoreCard, *, is_lasting: bool, fingerprints: Mapping[str, Mapping[str, Json]]
    ) -> None:
        """Keep a card, and the fingerprints by their rules. A card that is not lasting is judged anew the next time."""


@dataclass(frozen=True)
class HandIn:
    """A submission to be graded by a rubric. `number` is its place in the class; `close` removes what was unpacked."""

    submission: Submission
    rubric: Rubric
    number: int = 0
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Asked:
    """A submission with the rubric that it is graded by."""

    submission: Submission
    rubric: Rubric
    needs: Mapping[str, tuple[Job, ...]] = field(default_factory=dict)  # by rule id
    broken: Mapping[str, Finding] = field(default_factory=dict)  # rules whose needs could not even be named


def grade(
    work: Iterable[tuple[Submission, Rubric]], doer: Doer, *, made_with: Mapping[str, Json] | None = None
) -> list[ScoreCard]:
    """The scorecard of each submission, in order."""
    hand_ins = (HandIn(submission, rubric, number) for number, (submission, rubric) in enumerate(work))
    cards = {one.number: card for one, card in grade_as_done(hand_ins, doer, made_with=made_with)}
    return [cards[number] for number in sorted(cards)]


def grade_as_done(
    hand_ins: Iterable[HandIn | None],
    doer: Doer,
    *,
    made_with: Mapping[str, Json] | None = None,
    is_anew: Callable[[Rule], bool] | None = None,
    memory: Memory | None = None,
    ahead: Ahead | None = None,
) -> Iterator[tuple[HandIn, ScoreCard]]:
    """Each hand-in with its scorecard as soon as it is finished, in any order.

    Only so many are open at once as keep the workers busy: `hand_ins` is read as they take jobs, and what is finished
    is forgotten. Equal jobs of several open hand-ins are ordered once. The jobs of rules for which `is_anew` says so
    are done although their results are known. What `memory` knows is not judged again, and what is judged it keeps.
    A None among `hand_ins` says that there is none just now: what is under way goes on, and it is asked again. With
    `ahead` more are open than workers need, and it chooses whose jobs are done first: no card depends on that.
    """
    waiting: dict[Job, list[_Open]] = {}
    left = iter(hand_ins)
    opened: set[_Open] = set()
    is_all_open = False
    try:
        while not is_all_open or waiting:
            while not is_all_open and _is_more_wanted(opened, doer, ahead):
                hand_in = next(left, _NO_MORE)
                if hand_in is _NO_MORE:
                    is_all_open = True
                if not isinstance(hand_in, HandIn):
                    break
                one = _Open(hand_in, is_anew or (lambda _rule: False))
                opened.add(one)
                card = memory.recall(hand_in, one.asked) if memory is not None else None
                if ahead is not None:
                    ahead.opened(one.name, one.jobs if card is None else ())
                if card is not None:
                    _closed(one, opened, ahead)
                    yield hand_in, card
                elif one.go_on(doer, waiting):
                    yield _finished(one, opened, made_with, memory, ahead)
            for job, evidence in doer.arrived() if waiting else ():
                for one in waiting.pop(job, ()):
                    one.evidence[job] = evidence
                    if one.go_on(doer, waiting):
                        yield _finished(one, opened, made_with, memory, ahead)
    finally:
        for one in opened:
            one.hand_in.close()


def _is_more_wanted(opened: Collection[_Open], doer: Doer, ahead: Ahead | None) -> bool:
    """Whether one more hand-in is to be opened: for a worker that has room, or to choose from."""
    most = MOST_OPEN if ahead is None or len(opened) < MOST_OPEN else max(MOST_OPEN, ahead.most_open)
    if len(opened) >= most:
        return False
    if doer.has_room:
        return True
    return ahead is not None and ahead.has_room_ahead and sum(one.unpacked_bytes for one in opened) < MOST_OPEN_BYTES


def _closed(one: _Open, opened: set[_Open], ahead: Ahead | None) -> None:
    opened.discard(one)
    one.hand_in.close()
    if ahead is not None:
        ahead.closed(one.name)


def _finished(
    one: _Open,
    opened: set[_Open],
    made_with: Mapping[str, Json] | None,
    memory: Memory | None,
    ahead: Ahead | None,
) -> tuple[HandIn, ScoreCard]:
    _closed(one, opened, ahead)
    card = one.card(made_with)
    if memory is not None:
        is_kept = all(map(is_lasting, one.evidence.values()))
        memory.keep(one.hand_in, card, is_lasting=is_kept, fingerprints=one.fingerprints)
    return one.hand_in, card


def our_faults(card: ScoreCard) -> list[str]:
    """The rules that could not be judged for a reason of the machine, of the course or of this program."""
    theirs = ("unreadable-submission", "builds-on-failed", "unread-answers")
    return [
        rule.rule
        for task in card.tasks
        if task.is_counted or task.max_points  # not an optional one that was left out: there is nothing to judge
        for rule in task.rules
        if any(f.outcome is Outcome.UNKNOWN and f.weight > 0 and f.code not in theirs for f in rule.findings)
    ]


class _Open:
    """A hand-in that is being graded: which rules are judged, and what the others wait for.

    The jobs of a rule that builds on others are ordered once these are judged, and not at all where one failed: a
    network that cannot be built is not trained.
    """

    def __init__(self, hand_in: HandIn, is_anew: Callable[[Rule], bool]) -> None:
        self.hand_in = hand_in
        self.asked = ask(hand_in.submission, hand_in.rubric)
        self.evidence: dict[Job, Evidence] = {}
        self.fingerprints: dict[str, Mapping[str, Json]] = {}  # by rule
        self._is_anew = is_anew
        self._findings: dict[str, Sequence[Finding]] = {}
        self._left = list(_in_order(hand_in.rubric))

    @property
    def name(self) -> str:
        """What its jobs are ordered for."""
        return self.hand_in.submission.id

    @property
    def jobs(self) -> Collection[Job]:
        """All that its rules may need."""
        return {job for jobs in self.asked.needs.values() for job in jobs}

    @property
    def unpacked_bytes(self) -> int:
        """How much of a disk its private copy takes; nothing where it is read in its place."""
        source = self.hand_in.submission.source
        if source is None or source.unpacked_at is None:
            return 0
        return sum(file.size for file in self.hand_in.submission.files)

    def go_on(self, doer: Doer, waiting: dict[Job, list[_Open]]) -> bool:
        """Judge what can be judged, and order what can be ordered; whether that was the last rule."""
        is_further = True
        while is_further:
            is_further = False
            for rule in list(self._left):
                if set(self._findings).issuperset(rule.after) and self._judge(rule, doer, waiting):
                    self._left.remove(rule)
                    is_further = True
        return not self._left

    def _judge(self, rule: Rule, doer: Doer, waiting: dict[Job, list[_Open]]) -> bool:
        """Judge a rule; False where it waits for jobs, which have then been ordered."""
        finding = _beforehand(rule, self.asked, self._findings)
        if finding is not None:
            self._findings[rule.id] = (_stamped(finding, rule),)
            return True
        needs = self.asked.needs[rule.id]
        for job in needs:
            if job in self.evidence:
                continue
            if job not in waiting:
                submission = self.asked.submission
                known = doer.order(job, submission.root, submission.id, is_anew=self._is_anew(rule))
                if known is not None:
                    self.evidence[job] = known
                    continue
                waiting[job] = []
            if self not in waiting[job]:
                waiting[job].append(self)
        if not all(job in self.evidence for job in needs):
            return False
        check: Check = all_checks()[rule.check]
        own = {job: self.evidence[job] for job in needs}
        self._findings[rule.id] = run_check(check, rule, self.asked.submission, own)
        fingerprint = take_fingerprint(check, rule, self.asked.submission, own)
        if fingerprint is not None:
            self.fingerprints[rule.id] = fingerprint
        return True

    def card(self, made_with: Mapping[str, Json] | None) -> ScoreCard:
        """The scorecard, once every rule is judged."""
        # In the order of the rubric, whatever order they came in.
        used = [self.evidence[job] for jobs in self.asked.needs.values() for job in jobs if job in self.evidence]
        made = {**(made_with or {}), **_made_with(used)}
        return score(self.asked.rubric, self.asked.submission, self._findings, made)


def ask(submission: Submission, rubric: Rubric) -> Asked:
    """What the rules of a rubric need for one submission. Nothing where it could not be read."""
    needs: dict[str, tuple[Job, ...]] = {}
    broken: dict[str, Finding] = {}
    if submission.is_readable:
        for rule in rubric.rules():
            try:
                needs[rule.id] = tuple(all_checks()[rule.check].needs(rule, submission))
            except Exception as error:  # noqa: BLE001  a bug of ours in one rule must not stop the others
                broken[rule.id] = Finding(
                    Outcome.UNKNOWN,
                    f"this check could not say what it needs ({type(error).__name__}: {error}); a person will look",
                    code="check-broke",
                )
    return Asked(submission, rubric, needs, broken)


def _beforehand(rule: Rule, asked: Asked, before: Mapping[str, Sequence[Finding]]) -> Finding | None:
    """What is to be said of a rule without its evidence, if anything."""
    if not asked.submission.is_readable:
        said = "the submission could not be read: see the problems at the top"
        return Finding(Outcome.UNKNOWN, said, code="unreadable-submission")
    if rule.id in asked.broken:
        return asked.broken[rule.id]
    for other in rule.after:
        if any(f.outcome is Outcome.FAILED and f.weight > 0 for f in before.get(other, ())):
            said = f"not looked at, since {other!r} failed and this builds on it"
            return Finding(Outcome.UNKNOWN, said, code="builds-on-failed")
    return None


def _stamped(finding: Finding, rule: Rule) -> Finding:
    from dataclasses import replace

    return replace(finding, rule=rule.id, check=rule.check, visibility=rule.visibility)


def _in_order(rubric: Rubric) -> Iterator[Rule]:
    """The rules so that each comes after those that it builds on; the loader refused cycles."""
    waiting = list(rubric.rules())
    done: set[str] = set()
    while waiting:
        ready = [rule for rule in waiting if done.issuperset(rule.after)] or waiting
        for rule in ready:
            yield rule
            done.add(rule.id)
        waiting = [rule for rule in waiting if rule.id not in done]


def _made_with(used: Sequence[Evidence]) -> dict[str, Json]:
    """Versions, devices and sandbox levels of the evidence, as far as any was used."""
    made: dict[str, Json] = {}
    for evidence in used:
        made.update(evidence.versions)
    devices = sorted({evidence.device for evidence in used if evidence.device})
    levels = sorted({evidence.sandbox for evidence in used if evidence.sandbox})
    if devices:
        made["device"] = ", ".join(devices)
    if levels:
        made["sandbox"] = ", ".join(levels)
    return made
