"""Does the result depend on a hyperparameter as the student says: by the table, the logs, and trained again?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from grader.checks._recipes import RECIPE
from grader.checks._retrained import BUDGET, SEEDS
from grader.checks._settings import MODEL
from grader.checks.base import Check, register
from grader.model import EvidenceByJob, Finding, Json, Rule, Submission

_KEY: Final[Mapping[str, Json]] = {"type": "string", "minLength": 1, "maxLength": 100}


@register
class Hyperparameters(Check):
    """Holds what a student says about one hyperparameter against runs at several of its values.

    Not covered: why it is so (see `text`).

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
                "description": "the grid, from the smallest value to the largest; text where the digits are to be kept "
                "for {value}, such as '1e-4'",
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

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """Not built yet: a person looks."""
        raise NotImplementedError("being built")
        yield
