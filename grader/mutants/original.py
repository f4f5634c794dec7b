"""What is there to be broken? The reference hand-in, how it was graded, and what each rule reads of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any

from grader.checks import all_checks
from grader.checks._live import LiveLayer
from grader.checks._submitted import matching
from grader.checks.base import ANSWERS_FILE
from grader.frozen import dataclass
from grader.model import Json, Outcome, Rubric, Rule, RuleScore, ScoreCard, Submission

Model = Mapping[str, Json]  # an entry of the rubric's `models`, in full
Built = tuple[str, str]  # file and function of a network
ModelName = tuple[str, str, str]  # these and the file of its weights

THEIRS = ("unreadable-submission", "builds-on-failed", "unread-answers")


@dataclass(frozen=True)
class Original:
    """The reference hand-in, in `submission.root`, with the scorecard that it got."""

    rubric: Rubric
    submission: Submission
    card: ScoreCard
    layers: Mapping[Built, Sequence[LiveLayer]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.submission.root

    @cached_property
    def scores(self) -> Mapping[str, RuleScore]:
        """What each rule gave, by its id."""
        return {score.rule: score for task in self.card.tasks for score in task.rules}

    @cached_property
    def task_of(self) -> Mapping[str, str]:
        """The task that each rule belongs to."""
        return {rule.id: task.id for task in self.rubric.tasks for rule in task.rules}

    def rules(self, *checks: str) -> Iterator[Rule]:
        """The rules of these checks, in the order of the rubric."""
        return (rule for rule in self.rubric.rules() if rule.check in checks)

    def rule(self, rule_id: str) -> Rule:
        """The rule of this id."""
        return next(rule for rule in self.rubric.rules() if rule.id == rule_id)

    def answer(self, rule: Rule) -> Any:
        """What the reference answers, None where nothing."""
        return self.value(rule.answer or "")

    def value(self, key: str) -> Any:
        """What the reference answers under a key."""
        answer = self.submission.answers.get(key)
        return answer.value if answer is not None else None

    def paths(self, pattern: str) -> list[str]:
        """The files that a path or pattern means."""
        return [file.path for file in matching(self.submission, pattern)]

    @cached_property
    def models(self) -> Mapping[ModelName, Model]:
        """Every model that a rule names, by file, function and weights."""
        made: dict[ModelName, Model] = {}
        for rule in self.rubric.rules():
            model = rule.settings.get("model")
            if isinstance(model, Mapping) and self.submission.file(model["code"]) is not None:
                made.setdefault(self._name(model), model)
        return made

    @staticmethod
    def _name(model: Model) -> ModelName:
        return model["code"], model["factory"], model["checkpoint"]

    @property
    def built(self) -> Mapping[Built, Model]:
        """Every network that code builds, whatever weights it gets."""
        return {name[:2]: model for name, model in reversed(list(self.models.items()))}

    def rules_of(self, name: Built | ModelName, *checks: str) -> Iterator[Rule]:
        """The rules of these checks that are about one model, or about a network with whatever weights."""
        for rule in self.rules(*checks):
            model = rule.settings.get("model")
            if isinstance(model, Mapping) and self._name(model)[: len(name)] == name:
                yield rule

    @cached_property
    def unjudged(self) -> Mapping[str, str]:
        """Rules that nobody could judge here, with the reason: a data set that is missing, mostly."""
        found = {}
        for rule, score in self.scores.items():
            why = next((one for one in score.findings if is_unjudged(one.outcome, one.code) and one.weight > 0), None)
            if why is not None:
                found[rule] = why.said
        return found

    def reads(self, rule: Rule) -> frozenset[str]:
        """What a rule reads of the hand-in: paths, and answers as `answers.json#KEY`.

        Those of the jobs that it needs, and whatever its settings name that is a file of the hand-in.
        """
        if rule.id not in self._reads:
            check = all_checks()[rule.check]
            keys = {*check.other_answers(rule), *([rule.answer] if rule.answer else ())}
            found = {f"{ANSWERS_FILE}#{key}" for key in keys}
            found.update(file.path for job in check.needs(rule, self.submission) for file in job.files)
            for text in _strings(rule.settings):
                # {value} stands for each of several values, as in lr-{value}.csv
                found.update(self.paths(re.sub(r"\{\w+\}", "*", text)))
                found.add(text)  # also one that is not there
                found.update({f"{ANSWERS_FILE}#{text}"} if text in self.submission.answers else ())
            found.update({f"{ANSWERS_FILE}#*"} if any("#" in one for one in found) else ())  # if all of it is gone
            self._reads[rule.id] = frozenset(found)
        return self._reads[rule.id]

    @cached_property
    def _reads(self) -> dict[str, frozenset[str]]:
        return {}


def is_unjudged(outcome: Outcome, code: str) -> bool:
    """Whether a finding says that we, and not the hand-in, are why nothing was found out."""
    return outcome is Outcome.UNKNOWN and code not in THEIRS


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _strings(one)
