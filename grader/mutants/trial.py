"""Does the rubric notice? The reference and its mutants are graded like a class, and each mutant is held against it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from fractions import Fraction
from functools import partial
from pathlib import Path

from grader.checks._live import LiveLayer, live_layers
from grader.checks.base import ANSWERS_FILE
from grader.course import Course
from grader.evidence.jobs import describe_job
from grader.frozen import dataclass
from grader.grading import Doer, HandIn, grade_as_done
from grader.intake import read_submission, remove_tree
from grader.model import Evidence, Job, Outcome, Rubric, Rule, RuleScore, ScoreCard, Submission
from grader.mutants.hand_ins import absent_tasks, reference_hand_in
from grader.mutants.kind import Kind, Spot, all_kinds
from grader.mutants.original import Built, Original, is_unjudged


class Verdict(StrEnum):
    """What became of a mutant, or of a kind of them."""

    CAUGHT = "caught"  # every rule that had to notice took points away
    ASKED = "asked"  # it noticed, and at least one of those rules leaves the points to a person
    TOLD = "told"  # it costs nothing by the check's own word, and a remark says it
    MISSED = "missed"  # a rule that had to notice gives the same points as before
    ELSEWHERE = "elsewhere"  # it noticed, and so did a rule that reads nothing of what was changed
    NOT_APPLICABLE = "not applicable"  # no rule reads anything that such a mutant changes
    SKIPPED = "skipped"  # the rules that had to notice cannot be judged here


@dataclass(frozen=True)
class Loss:
    """What a rule did not give to a mutant that it gave to the reference. `is_asked`: a person decides on it."""

    task: str
    rule: str
    points: Fraction
    is_asked: bool
    said: str
    code: str = ""


@dataclass(frozen=True)
class Trial:
    """One mutant, or one kind without any. `missed` are the rules that had to notice and did not."""

    kind: str
    slip: str
    said: str
    verdict: Verdict
    must: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    missed: tuple[str, ...] = ()
    elsewhere: tuple[Loss, ...] = ()
    why: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether rubric, check or mutant is at fault."""
        return self.verdict in (Verdict.MISSED, Verdict.ELSEWHERE)


@dataclass(frozen=True)
class Tested:
    """The reference and all trials of one rubric."""

    rubric: Rubric
    card: ScoreCard
    short: tuple[Loss, ...]  # where the reference itself has not got all points
    unjudged: Mapping[str, str]  # rules that nobody can judge here, with the reason
    trials: tuple[Trial, ...] = field(default=())
    absent: Mapping[str, str] = field(default_factory=dict)  # tasks that the reference leaves out, with the reason

    @property
    def is_passed(self) -> bool:
        """Full marks for the reference, and no mutant missed."""
        return not self.short and not any(trial.is_fault for trial in self.trials)

    def count(self, verdict: Verdict) -> int:
        """How many mutants (or kinds) ended so."""
        return sum(trial.verdict is verdict for trial in self.trials)


def try_out(
    course: Course,
    rubric: Rubric,
    doer: Doer,
    workspace: Path,
    *,
    only: Sequence[str] = (),
    on_done: Callable[[int], None] = lambda _planned: None,
) -> Tested:
    """Grade the reference hand-in and its mutants. `workspace` is a folder for them, which the caller removes.

    `only` names kinds; left out, all of them are tried. `on_done` hears after each mutant how many there are in all.

    Raises:  CourseError where there is no reference hand-in, or it is broken
    """
    absent = absent_tasks(course, rubric)
    shown = tuple(task for task in rubric.tasks if task.id not in absent)
    choices = tuple(choice for choice in rubric.choices if not absent.keys() & set(choice.tasks))
    rubric = replace(rubric, tasks=shown, choices=choices)
    folder = reference_hand_in(course, rubric.assignment, workspace / "reference", variant=rubric.variant or None)
    submission = read_submission(folder)
    [(_, card)] = grade_as_done(iter([HandIn(submission, rubric)]), doer)
    original = Original(rubric, submission, card)
    original = replace(original, layers=_layers(original, doer))
    short = tuple(_short(original))
    planned: list[tuple[Kind, Spot]] = []
    trials: dict[int, Trial] = {}
    kinds = all_kinds()
    for kind in (kinds[name] for name in only or kinds):
        spots = [
            spot for spot in (_judged(original, spot) for spot in _merged(kind.spots(original))) if spot is not None
        ]
        planned += [(kind, spot) for spot in spots]
        if not spots:
            trials[-len(trials) - 1] = Trial(kind.name, kind.slip, "", Verdict.NOT_APPLICABLE, why=kind.nothing)
    ready = []
    for number, (kind, spot) in enumerate(planned):
        can = [rule for rule in spot.must if rule not in original.unjudged]
        if can:
            ready.append((number, kind, replace(spot, must=tuple(can))))
        else:
            why = original.unjudged[spot.must[0]]
            trials[number] = Trial(kind.name, kind.slip, spot.said, Verdict.SKIPPED, spot.must, why=why)
    touched: dict[int, frozenset[str]] = {}
    by_number = {number: (kind, spot) for number, kind, spot in ready}
    for hand_in, graded in grade_as_done(_made(original, ready, workspace, touched), doer):
        kind, spot = by_number[hand_in.number]
        trials[hand_in.number] = held(original, kind, spot, graded, touched.pop(hand_in.number))
        on_done(len(ready))
    order = list(kinds)
    done = sorted(trials.items(), key=lambda one: (order.index(one[1].kind), one[0]))
    return Tested(rubric, card, short, original.unjudged, tuple(trial for _, trial in done), absent)


def _merged(spots: Iterable[Spot]) -> Iterator[Spot]:
    """One spot for all that do the same thing: what several rules must notice is one mutant."""
    found: dict[str, Spot] = {}
    for spot in spots:
        same = json.dumps(spot.data, sort_keys=True)
        found[same] = replace(found[same], must=(*found[same].must, *spot.must)) if same in found else spot
    yield from found.values()


def _judged(original: Original, spot: Spot) -> Spot | None:
    """The spot with those of its rules that can notice anything: the reference has, or may yet get, points by them."""
    must = tuple(
        rule for rule in dict.fromkeys(spot.must) if _possible(original.scores[rule]) > _least(original.scores[rule])
    )
    return replace(spot, must=must) if must else None


def _possible(score: RuleScore) -> Fraction:
    return score.points + score.open_points


def _least(score: RuleScore) -> Fraction:
    """What it comes to at the worst: a deduction goes below nothing."""
    return -score.max_points if score.is_deduction else Fraction(0)


def _short(original: Original) -> Iterator[Loss]:
    """Where the reference has not got what it could, and no person decides about it."""
    for task in original.card.tasks:
        for score in task.rules:
            most = Fraction(0) if score.is_deduction else score.max_points
            if task.is_counted and _possible(score) < most:
                worst = min(
                    score.findings, key=lambda one: (one.weight == 0, one.credit if one.credit is not None else 1)
                )
                yield Loss(
                    task.task, score.rule, most - _possible(score), is_asked=False, said=worst.said, code=worst.code
                )


def _layers(original: Original, doer: Doer) -> dict[Built, tuple[LiveLayer, ...]]:
    """The layers of every model of the reference. One that cannot be built here has none, and no mutants."""
    found = {}
    for name, model in original.built.items():
        made = _evidence(describe_job(original.submission, model), original.submission, doer)
        if made.is_done:
            found[name] = live_layers(made.result)
    return found


def _evidence(job: Job, submission: Submission, doer: Doer) -> Evidence:
    known = doer.order(job, submission.root, submission.id)
    while known is None:
        known = next((evidence for done, evidence in doer.arrived() if done == job), None)
    return known


def _made(
    original: Original,
    ready: Sequence[tuple[int, Kind, Spot]],
    workspace: Path,
    touched: dict[int, frozenset[str]],
) -> Iterator[HandIn]:
    """Each mutant in a folder of its own, which is gone once it is graded."""
    for number, kind, spot in ready:
        folder = workspace / f"{kind.name}-{number}"
        shutil.copytree(original.folder, folder)
        kind.apply(original, spot, folder)
        submission = read_submission(folder, assignment=original.rubric.assignment)
        touched[number] = frozenset(_touched(original.submission, submission))
        rubric = _without_needless_trainings(original, spot, touched[number])
        yield HandIn(submission, rubric, number, partial(_removed, folder))


def _removed(folder: Path) -> None:
    remove_tree(folder)  # what cannot be removed now goes with the workspace


def _touched(before: Submission, after: Submission) -> Iterator[str]:
    """What a mutant has otherwise than the reference: paths, and answers as `answers.json#KEY`."""
    digests = [{file.path: file.digest for file in one.files} for one in (before, after)]
    yield from (path for path in {**digests[0], **digests[1]} if digests[0].get(path) != digests[1].get(path))
    if before.answers and not after.answers:
        yield f"{ANSWERS_FILE}#*"
    for key in {**before.answers, **after.answers}:
        values = [json.dumps(one.answers[key].value) if key in one.answers else None for one in (before, after)]
        if values[0] != values[1]:
            yield f"{ANSWERS_FILE}#{key}"


def _without_needless_trainings(original: Original, spot: Spot, touched: frozenset[str]) -> Rubric:
    """The rubric less the rules that would train a mutated network anew and need not notice: their loss is no fault."""
    needless = {
        rule.id
        for rule in original.rubric.rules()
        if (rule.check == "retrain" or rule.settings.get("retrain"))
        and rule.id not in spot.must
        and original.reads(rule) & touched
    }
    if not needless:
        return original.rubric

    def kept(rules: Sequence[Rule]) -> tuple[Rule, ...]:
        after = ((rule, tuple(one for one in rule.after if one not in needless)) for rule in rules)
        return tuple(replace(rule, after=left) for rule, left in after if rule.id not in needless)

    return replace(
        original.rubric, tasks=tuple(replace(task, rules=kept(task.rules)) for task in original.rubric.tasks)
    )


def held(original: Original, kind: Kind, spot: Spot, card: ScoreCard, touched: frozenset[str]) -> Trial:
    """A mutant's card against the reference's: what was noticed, by which rules, and was it theirs to notice?"""
    losses = tuple(_losses(original, card))
    by_rule = {loss.rule: loss for loss in losses}
    told = {
        score.rule
        for task in card.tasks
        for score in task.rules
        if kind.remark and any(one.code == kind.remark for one in score.findings)
    }
    missed = tuple(rule for rule in spot.must if rule not in by_rule and rule not in told)
    elsewhere = tuple(loss for loss in losses if loss.rule not in spot.must and _is_elsewhere(original, loss, touched))
    unjudged = {
        score.rule: one.said
        for task in card.tasks
        for score in task.rules
        for one in score.findings
        if one.weight > 0 and is_unjudged(one.outcome, one.code)
    }
    why = ""
    if missed and all(rule in unjudged for rule in missed):
        verdict, why = Verdict.SKIPPED, unjudged[missed[0]]
    elif missed:
        verdict = Verdict.MISSED
        names = ", ".join(f"{rule} (task {original.task_of[rule]})" for rule in missed)
        why = f"gives the same points as before: {names}"
    elif elsewhere:
        verdict = Verdict.ELSEWHERE
        why = "; ".join(f"{loss.rule} (task {loss.task}) reads nothing of it: {loss.said}" for loss in elsewhere)
    else:
        noticed = [by_rule[rule] for rule in spot.must if rule in by_rule]
        is_asked = any(loss.is_asked for loss in noticed)
        verdict = Verdict.ASKED if is_asked else Verdict.CAUGHT if noticed else Verdict.TOLD
    return Trial(kind.name, kind.slip, spot.said, verdict, spot.must, losses, missed, elsewhere, why)


def _losses(original: Original, card: ScoreCard) -> Iterator[Loss]:
    """The rules that give less than to the reference, or would let a person decide who had not to before."""
    for task in card.tasks:
        for score in task.rules:
            before = original.scores[score.rule]
            lost = _possible(before) - _possible(score)
            asks = [one for one in score.findings if one.weight > 0 and _asks(one.outcome, one.code)]
            asked_before = sum(one.weight > 0 and _asks(one.outcome, one.code) for one in before.findings)
            # A rule that proposed its points to a person (a borderline accuracy) may propose none now.
            proposes_less = bool(asks) and score.points < before.points
            is_asked = lost <= 0 and (len(asks) > asked_before or proposes_less)
            if lost <= 0 and not is_asked:
                continue
            told = asks if is_asked else [one for one in score.findings if one.weight > 0 and one.credit != 1]
            first = (told or list(score.findings))[0]
            yield Loss(
                task.task,
                score.rule,
                lost if lost > 0 else before.points - score.points,
                is_asked,
                first.said,
                first.code,
            )


def _asks(outcome: Outcome, code: str) -> bool:
    return outcome is Outcome.REVIEW or (outcome is Outcome.UNKNOWN and not is_unjudged(outcome, code))


def _is_elsewhere(original: Original, loss: Loss, touched: frozenset[str]) -> bool:
    """Whether the rule reads nothing of what was changed. One that waits for a rule that failed is told as such."""
    return loss.code != "builds-on-failed" and not original.reads(original.rule(loss.rule)) & touched
