"""Does the result depend on a hyperparameter as the student says: by the table, the logs, and trained again?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar, Final

from grader.checks._compared import interchanged
from grader.checks._grid import EPOCHS, VALUE, impossible_entries, levels_of, runs_of_grid, table_in
from grader.checks._grid_again import Trained, jobs_at, recipe_at, recipe_names, trained_grid
from grader.checks._lint import setting_problem
from grader.checks._logged import decided
from grader.checks._recipes import RECIPE, recipe_problems
from grader.checks._retrained import BUDGET, SEEDS
from grader.checks._settings import MODEL
from grader.checks._trend_claims import CLAIMS, DIRECTIONS, SAME, judge_trends
from grader.checks._working import ANSWER, RESULT
from grader.checks.base import Check, register
from grader.evidence.jobs import embedded_job, missing_files
from grader.model import EvidenceByJob, Finding, Job, Json, Problem, Rule, Submission

_KEY: Final[Mapping[str, Json]] = {"type": "string", "minLength": 1, "maxLength": 100}


@register
class Hyperparameters(Check):
    """Holds what a student says about one hyperparameter against runs at several of its values.

    What it looks at: a small grid (`over`, `values`), such as three learning rates or 6 and 16 feature maps.

    - `table`: the result that is claimed at each value, against the end of that value's `log`, or, for epochs, against
      the one log at that epoch. With several logs of one value (seeds) an entry may be their mean. Without a log an
      entry must be possible: k right of `n` images.
    - Claims about the trend: the `best` value, the `direction` (rises, falls, peak, no difference), and an `order` of
      some values. Each is held against the table's own entries, against the logs, and with `retrain: true` against
      trainings of the student's network: by the `recipe`, or that of a course's `reference`, with the hyperparameter
      set, from `seeds` seeds, in `budget_s` each. What no recipe sets is built by a `factory` for each value.
    - A pair of results is told apart where their difference is more than the test images (`n`) and, trained again, the
      spread between seeds explain (95%). A training whose loss is no number any more is worse than any other.

    Credit: confirmed where pairs that are told apart show it and none excludes it; a pair that excludes it is a
    contradiction, which goes to a person, or with `contradictions: fail` costs the points. What lies within the spread
    is never wrong: a person decides, with all the points as the proposal. Where the student's own logs are there,
    trainings of ours that have it otherwise cost nothing, and where these logs confirm the claim they are only told;
    from a single seed they never contradict.

    Why it matters: one run at each value shows a difference nearly always, and often it is chance.

    Not covered: why it is so (see `text`), and values between those of the grid.

        - check: hyperparameters
          over: learning_rate
          values: [0.1, 0.01, 0.001]
          table: accuracy_by_learning_rate
          best: best_learning_rate
          log: "logs/lr-{value}.csv"
          n: 10000
    """

    name: ClassVar[str] = "hyperparameters"
    uses_model: ClassVar[bool] = True
    uses_reference: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["over", "values"],
        "properties": {
            "over": {
                "type": "string",
                "minLength": 1,
                "maxLength": 40,
                "description": "the hyperparameter, such as learning_rate, epochs or feature_maps. One that a recipe "
                "has is set in the `recipe` when the networks are trained again",
            },
            "values": {
                "type": "array",
                "minItems": 2,
                "maxItems": 8,
                "uniqueItems": True,
                "items": {"type": ["number", "string"], "minLength": 1, "maxLength": 40, "description": "a value"},
                "description": "the grid; text where {value} is to be written so, such as '1e-4'. Numbers are sorted, "
                "words (small, large) stand from the smallest to the largest",
            },
            "table": {
                **_KEY,
                "description": "the key in answers.json of the table of results: {'0.1': 0.098, '0.01': 0.9787}",
            },
            "best": {**_KEY, "description": "the key in answers.json that names the best value, or 'no difference'"},
            "direction": {
                **_KEY,
                "description": "the key in answers.json that says what a larger value does: 'rises', 'falls', 'peak' "
                "(the best lies between), or 'no difference'",
            },
            "order": {
                **_KEY,
                "description": "the key in answers.json that lists values from the best to the worst, such as [16, 6]",
            },
            "log": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "the student's log of each run, with {value} in its name or pattern, such as "
                "lr-{value}.*; without it, and over epochs, one log in which the epochs are looked up",
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
                "description": "the value of a log's last epoch, its best one, or either of them",
            },
            "n": {
                "type": "integer",
                "minimum": 1,
                "maximum": 10**9,
                "description": "how many images the accuracy is counted on: says what chance explains, and which "
                "accuracies of the table are possible",
            },
            "retrain": {
                "type": "boolean",
                "default": False,
                "description": "whether the student's network is trained again at each value",
            },
            "model": MODEL,
            "factory": {
                "type": "string",
                "minLength": 1,
                "maxLength": 100,
                "description": "the function that builds the network of each value, such as build_{value}_maps; left "
                "out: the model's own for all",
            },
            "recipe": RECIPE,
            "reference": {
                "type": ["string", "object"],
                "description": "instead of `recipe`: that of a reference of the course, as RECIPE or ASSIGNMENT/RECIPE",
            },
            "seeds": {**SEEDS, "default": 1},
            "budget_s": BUDGET,
            "contradictions": {
                "enum": ["review", "fail"],
                "default": "review",
                "description": "review: a person decides; fail: what the runs contradict costs the points",
            },
        },
    }

    def other_answers(self, rule: Rule) -> Mapping[str, Mapping[str, Json]]:
        """The table, the best value, the direction, the order."""
        settings = rule.settings
        names = [level.name for level in levels_of(settings)]
        result = RESULT if settings.get("metric", "accuracy") == "accuracy" else ANSWER
        one: dict[str, Json] = {"type": ["string", "number"]}
        made: dict[str, Mapping[str, Json]] = {}
        if "table" in settings:
            about = f"the result at each {settings['over']}: {', '.join(names)}"
            made[settings["table"]] = {
                "type": ["object", "array"],
                "additionalProperties": result,
                "description": about,
            }
        if "best" in settings:
            made[settings["best"]] = {**one, "description": f"the best of {', '.join(names)}, or {SAME!r}"}
        if "direction" in settings:
            made[settings["direction"]] = {"enum": list(DIRECTIONS), "description": "what a larger value does"}
        if "order" in settings:
            about = f"from the best to the worst, of {', '.join(names)}"
            made[settings["order"]] = {"type": "array", "items": one, "minItems": 2, "description": about}
        return made

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """A value that stands there twice, nothing claimed, nothing to compare with, trainings that are not whole."""
        settings = rule.settings
        levels = levels_of(settings)
        numbers = [level.number for level in levels if level.number is not None]
        if len(numbers) == len(levels) and any(one == other for one, other in pairwise(numbers)):
            yield setting_problem(rule, ["values"], "two of the values are one number", "write each once")
        if not any(key in settings for key in ("table", *CLAIMS)):
            fix = "add `table`, `best`, `direction` or `order`"
            yield setting_problem(rule, [], "nothing is claimed: no answer is read", fix)
        has_results = "log" in settings or "table" in settings or settings.get("retrain")
        if not has_results and any(key in settings for key in CLAIMS):
            what = "there is neither a log nor a training that a trend could be held against"
            yield setting_problem(rule, [], what, "add `log`, or `retrain: true`")
        if "log" in settings and VALUE not in settings["log"] and settings["over"] != EPOCHS:
            what = f"one log for all values of {settings['over']}"
            yield setting_problem(rule, ["log"], what, f"write {VALUE} where the value stands in its name")
        yield from _retrain_problems(rule)

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The trainings at each value, where they are asked for and the code is there."""
        settings = rule.settings
        if settings.get("retrain") and not missing_files(submission, settings["model"], needs_checkpoint=False):
            for level in levels_of(settings):
                yield from jobs_at(submission, settings, level)
            yield embedded_job(submission)

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """The table's entries, then each claimed trend, against logs and trainings."""
        settings = rule.settings
        entries, found = table_in(rule, submission)
        runs, said = runs_of_grid(rule, submission, entries)
        found += said
        found += [finding for run in runs for finding in run.findings if finding.code != "no-answer"]
        crossed = list(interchanged(runs))
        if crossed:
            found = [one for one in found if one.code not in ("claim-differs", "another-epoch")] + crossed
        found += impossible_entries(settings, entries, runs)
        trained: Mapping[str, Trained] = {}
        if settings.get("retrain"):
            trained, told = trained_grid(settings, submission, evidence)
            found += told
        if not crossed:  # else what follows would say the same slip again
            found += judge_trends(rule, submission, runs, trained)
        yield from decided(found, may_fail=settings.get("contradictions", "review") == "fail")


def _retrain_problems(rule: Rule) -> Iterator[Problem]:
    settings = rule.settings
    over = settings["over"]
    if not settings.get("retrain"):
        for key in ("seeds", "budget_s", "factory", "recipe", "reference"):
            if key in settings:
                yield setting_problem(rule, [key], "says nothing without `retrain: true`", "leave it out")
        return
    for key in ("model", "budget_s"):
        if key not in settings:
            yield setting_problem(rule, ["retrain"], f"needs `{key}`", f"add `{key}`")
    if ("recipe" in settings) == ("reference" in settings):
        yield setting_problem(rule, ["retrain"], "needs one training", "add `recipe` or `reference`, and not both")
    if settings.get("metric", "accuracy") != "accuracy":
        yield setting_problem(rule, ["metric"], "only accuracies are counted by training again", "leave it out")
    if over not in recipe_names() and VALUE not in settings.get("factory", ""):
        what = f"a recipe has no {over}, and all networks are the same: nothing would differ"
        yield setting_problem(
            rule, ["over"], what, f"add a `factory` with {VALUE} in its name, such as build_{VALUE}_maps"
        )
        return
    base = "recipe" if "recipe" in settings else "reference"
    if isinstance(settings.get(base), Mapping):
        for level in levels_of(settings):
            told = list(recipe_problems(rule, recipe_at(settings, level), (base,)))
            yield from told
            if told:
                break
    if settings.get("seeds", 1) == 1:
        problem = setting_problem(rule, ["seeds"], "one seed says nothing of what another one gives", "ask for 3 seeds")
        yield replace(problem, code="warning-single-run")
