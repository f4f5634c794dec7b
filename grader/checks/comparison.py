"""Is one training better than another, as the student says, and by as much?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import ClassVar

from grader.checks._compared import Run, gap_said, given, interchanged, order_of, run_of
from grader.checks._compared_again import judge_again
from grader.checks._compared_words import TIE, is_low_better, judge_best, judge_gap
from grader.checks._lint import setting_problem
from grader.checks._logged import decided
from grader.checks._recipes import RECIPE, recipe_problems
from grader.checks._retrained import BUDGET, SEEDS, jobs_of
from grader.checks._settings import MODEL
from grader.checks._working import ANSWER, RESULT
from grader.checks.base import Check, failed, passed, register, remark, review, unanswered, unread_answers
from grader.evidence.jobs import embedded_job, missing_files
from grader.model import EvidenceByJob, Finding, Job, Json, Outcome, Problem, Rule, Submission


@register
class Comparison(Check):
    """Holds what a student says of two or more trainings against their logs, and against trainings of our own.

    What it looks at: SGD and Adam, with and without augmentation, or whatever the `runs` are called.

    - The result that is claimed of each run (`answer`) against the end of its `log`: the last or the best value, or
      what `take` says. `part` is for a log that holds several trainings. Results that stand in each other's logs are
      told as such.
    - The order of the claims against the order of the logs, neighbour by neighbour; and, where `best` names an answer,
      the run that the student calls the best ("no difference" is an answer too). Values that differ by less than
      their last digits tell, or, with `n` test images, by less than chance explains (95%), are a tie. A tie
      contradicts nobody.
    - The difference that an answer (`gap`, of two runs) states: in points, relative, or of the errors.
    - With `retrain: true`: the student's network is trained in the sandbox by each run's `recipe`, from `seeds` seeds.
      Those recipes are not the student's own training, so that another order than the claimed one goes to a person,
      as does code that gives no result, and another difference is a remark. Student's t and the binomial of the test
      images say what chance explains.

    Credit: one wrong thing decides, and names both places. By default a person decides about it;
    `contradictions: fail` lets it cost the points. What is not there to be compared goes to a person.

    Why it matters: that one way is better than another is what an experiment is for, and chance makes some winners.

    Not covered: why one is better (see `text`), how fast they got there, and whether a log was made by its training.

        - check: comparison
          runs:
            SGD: {log: "sgd*", answer: sgd_accuracy}
            Adam: {log: "adam*", answer: adam_accuracy}
          n: 10000
          best: better_optimizer
    """

    name: ClassVar[str] = "comparison"
    uses_model: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["runs"],
        "properties": {
            "runs": {
                "type": "object",
                "minProperties": 2,
                "maxProperties": 6,
                "propertyNames": {"minLength": 1, "maxLength": 40},
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": False,
                    "minProperties": 1,
                    "properties": {
                        "log": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 200,
                            "description": "its log, or a pattern such as sgd*",
                        },
                        "part": {
                            "type": "integer",
                            "minimum": 1,
                            "maximum": 100,
                            "description": "which training of a log that holds several; left out: any",
                        },
                        "answer": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 100,
                            "description": "the key in answers.json that states its result",
                        },
                        "recipe": RECIPE,
                    },
                },
                "description": "the trainings, by the names that the sheet gives them",
            },
            "metric": {
                "enum": ["accuracy", "loss", "error", "f1", "mae", "mse", "psnr", "ssim", "auc"],
                "default": "accuracy",
                "description": "what is compared",
            },
            "split": {
                "enum": ["train", "validation", "test"],
                "default": "test",
                "description": "the part of the data on which it is measured",
            },
            "take": {
                "enum": ["either", "last", "best"],
                "default": "either",
                "description": "the value of the last epoch, the best one, or either of them",
            },
            "n": {
                "type": "integer",
                "minimum": 1,
                "maximum": 10**9,
                "description": "how many images the accuracy is counted on: says what chance explains",
            },
            "best": {
                "type": "string",
                "minLength": 1,
                "maxLength": 100,
                "description": "the key in answers.json that names the best run",
            },
            "gap": {
                "type": "string",
                "minLength": 1,
                "maxLength": 100,
                "description": "the key in answers.json that states how far two runs are apart",
            },
            "retrain": {
                "type": "boolean",
                "default": False,
                "description": "whether the student's network is trained by each run's `recipe`",
            },
            "model": MODEL,
            "seeds": {**SEEDS, "default": 1},
            "budget_s": BUDGET,
            "contradictions": {
                "enum": ["review", "fail"],
                "default": "review",
                "description": "review: a person decides; fail: what is wrong costs the points",
            },
        },
    }

    def other_answers(self, rule: Rule) -> Mapping[str, Mapping[str, Json]]:
        """The result of each run, which one is the best, and how far they are apart."""
        settings = rule.settings
        result = RESULT if settings.get("metric", "accuracy") == "accuracy" else ANSWER
        made = {about["answer"]: result for about in settings["runs"].values() if "answer" in about}
        if "best" in settings:
            names = ", ".join(settings["runs"])
            about = f"the better one of {names}, or {TIE!r}"
            made[settings["best"]] = {"type": ["string", "integer"], "description": about}
        if "gap" in settings:
            made[settings["gap"]] = {**ANSWER, "description": "how far the two results are apart, such as 1.2 points"}
        return made

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Runs that share a log or an answer, nothing to compare, trainings that are not whole."""
        settings = rule.settings
        runs = settings["runs"]
        for (name, one), (other, two) in combinations(runs.items(), 2):
            if "answer" in one and one["answer"] == two.get("answer"):
                what = f"reads the same answer as {other!r}"
                yield setting_problem(rule, ["runs", name, "answer"], what, "give each run its own")
            if "log" in one and (one["log"], one.get("part")) == (two.get("log"), two.get("part")):
                what = f"is the log of {other!r} too"
                yield setting_problem(rule, ["runs", name, "log"], what, "say which `part` of it each of them is")
        for name, one in runs.items():
            if "part" in one and "log" not in one:
                yield setting_problem(rule, ["runs", name, "part"], "says nothing without `log`", "add `log`")
            if "log" not in one and not settings.get("retrain"):
                what = "has neither a log nor a training to be compared with"
                yield setting_problem(rule, ["runs", name], what, "add `log`, or `retrain: true` and a `recipe`")
        if not any("answer" in one for one in runs.values()) and not {"best", "gap"} & settings.keys():
            what = "nothing is claimed: no answer is read"
            yield setting_problem(rule, ["runs"], what, "give each run an `answer`, or add `best`")
        if "gap" in settings and len(runs) > 2:
            yield setting_problem(rule, ["gap"], f"between which of {len(runs)} runs?", "compare two runs in this rule")
        yield from _retrain_problems(rule)

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The trainings of every run, where they are asked for and the code is there."""
        settings = rule.settings
        if settings.get("retrain") and not missing_files(submission, settings["model"], needs_checkpoint=False):
            for about in settings["runs"].values():
                yield from jobs_of(submission, settings, about["recipe"])
            yield embedded_job(submission)

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """What is wrong, with both places; else what is open; else what the comparison shows."""
        settings = rule.settings
        runs = [run_of(name, settings, submission) for name in settings["runs"]]
        found = [finding for run in runs for finding in run.findings if finding.code != "no-answer"]
        crossed = list(interchanged(runs))
        if crossed:
            found = [one for one in found if one.code not in ("claim-differs", "another-epoch")] + crossed
        found += _unclaimed(rule, submission)
        if not crossed:  # else what follows would say the same slip again
            found += _orders(settings, runs)
            found += judge_best(rule, submission, runs) if "best" in settings else ()
            found += judge_gap(rule, submission, runs) if "gap" in settings else ()
        if settings.get("retrain"):
            found += judge_again(settings, submission, runs, evidence)
        yield from decided(found, may_fail=settings.get("contradictions", "review") == "fail")


def _unclaimed(rule: Rule, submission: Submission) -> Iterator[Finding]:
    """The answers that are not there."""
    keys = [about["answer"] for about in rule.settings["runs"].values() if "answer" in about]
    absent = [key for key in keys if given(submission, key) is None]
    unread = unread_answers(submission) if absent else None
    if unread is not None:
        yield unread
        return
    for key in absent:
        missing = unanswered(replace(rule, answer=key))
        yield replace(missing, said=f"{key}: {missing.said}")


def _orders(settings: Mapping[str, Json], runs: Sequence[Run]) -> Iterator[Finding]:
    """The claimed order, from the best to the worst, held against the logs."""
    is_low, n = is_low_better(settings), settings.get("n")
    claimed = [run for run in runs if run.claimed is not None]
    claimed.sort(key=lambda run: run.claimed.share if run.claimed else 0, reverse=not is_low)
    for one, other in pairwise(claimed):
        if one.claimed is None or other.claimed is None or not one.measured or not other.measured:
            continue
        stated = order_of([one.claimed], [other.claimed], n, is_low_better=is_low)
        order = order_of(one.measured, other.measured, n, is_low_better=is_low)
        words = f"{one.name} {one.measured[0].said} and {other.name} {other.measured[0].said}"
        gap = one.measured[0].share - other.measured[0].share
        apart = gap_said(gap) if settings.get("metric", "accuracy") == "accuracy" else f"{float(abs(gap)):g}"
        details: dict[str, Json] = {"place": one.measured[0].place, "expected": words}
        if order == "over":
            yield passed(f"{words}: {one.name} is better by {apart}", place=details["place"], code="order")
        elif order == "tie":
            said = f"{words}: {apart} apart, within what chance and rounding explain: a tie"
            yield passed(said, place=details["place"], code="tie")
        elif order is None:
            said = f"{words}, and other values of these logs have it otherwise; a person looks"
            yield review(said, place=details["place"], code="two-readings")
        elif stated == "tie":
            said = f"{one.claimed.said} and {other.claimed.said} are claimed, a tie; the logs have {words}"
            yield remark(Outcome.REVIEW, said, **details, code="order-differs")
        else:
            said = (
                f"{one.name} {one.claimed.said} is claimed to be better than {other.name} {other.claimed.said}; "
                f"the logs have it the other way round, by {apart}: {words}"
            )
            fix = "compare what the logs end on, or hand in the logs of the trainings that are claimed"
            yield failed(said, **{**details, "place": one.claimed.place}, fix=fix, code="order-differs")


def _retrain_problems(rule: Rule) -> Iterator[Problem]:
    settings = rule.settings
    runs = settings["runs"]
    if not settings.get("retrain"):
        for key in ("model", "seeds", "budget_s"):
            if key in settings and key != "model":
                yield setting_problem(rule, [key], "says nothing without `retrain: true`", "leave it out")
        return
    for key in ("model", "budget_s"):
        if key not in settings:
            yield setting_problem(rule, ["retrain"], f"needs `{key}`", f"add `{key}`")
    if settings.get("metric", "accuracy") != "accuracy":
        yield setting_problem(rule, ["metric"], "only accuracies are counted by training again", "leave it out")
    for name, about in runs.items():
        if "recipe" not in about:
            yield setting_problem(rule, ["runs", name], "has no recipe to be trained by", "add `recipe`")
        else:
            yield from recipe_problems(rule, about["recipe"], ("runs", name, "recipe"))
    sets = {about["recipe"]["data_set"] for about in runs.values() if "recipe" in about}
    if len(sets) > 1:
        what = f"trained on {' and '.join(sorted(sets))}, these runs cannot be compared"
        yield setting_problem(rule, ["runs"], what, "use one data set")
