"""Does the log of a training show what was asked, can it be, and does it end where claim and checkpoint are?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from grader.checks._data import data_problems
from grader.checks._lint import as_meant, setting_problem
from grader.checks._log_curves import impossible_curves
from grader.checks._log_demands import judge_demands
from grader.checks._log_final import TOLERANCE, judge_final
from grader.checks._logged import Logged, decided, read_of
from grader.checks._recomputed import absent_files, job_of
from grader.checks._settings import MODEL, counted, share_schema
from grader.checks._submitted import closest, matching
from grader.checks._working import ANSWER, RESULT
from grader.checks.base import Check, missing, passed, register, remark, review
from grader.model import EvidenceByJob, Finding, Job, Json, Outcome, Place, Problem, Rule, Submission

MOST_FILES: Final = 20
_WHOLE: Final[Mapping[str, Json]] = {"type": "integer", "minimum": 1, "maximum": 10**9}
_RATE: Final[Mapping[str, Json]] = {"type": "number", "exclusiveMinimum": 0, "maximum": 10**6}
_SPLIT: Final[Mapping[str, Json]] = {"enum": ["train", "validation", "test"]}
_SIZES: Final[Mapping[str, Json]] = {
    "type": "array", "minItems": 1, "maxItems": 50, "uniqueItems": True,
    "items": {"type": "integer", "minimum": 1, "maximum": 10**6},
}  # fmt: skip
_DROP_LAST: Final[Mapping[str, Json]] = {
    "enum": ["maybe", "never", "always"],
    "default": "maybe",
    "description": "whether the last incomplete batch may be, is never, or is always left out",
}
_COUNTED: Final[Mapping[str, Json]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["n"],
    "properties": {
        "n": {**_WHOLE, "description": "how many images the accuracy is counted on"},
        "batch_sizes": {**_SIZES, "description": "the batch sizes of the evaluation; left out: the usual ones"},
        "drop_last": _DROP_LAST,
    },
}
_PRINTABLE: Final = (
    "train_accuracy", "validation_accuracy", "test_accuracy", "train_loss", "validation_loss", "test_loss",
    "learning_rate", "epoch", "step",
)  # fmt: skip


@register
class TrainingLog(Check):
    """Reads the log of a training, and holds it against the task, against the claim, and against what can be at all.

    What it looks at: every file that fits `log`, by its content: CSV with a header; JSON, one object a line, a list
    of objects, or a list for each name; TensorBoard's event files; printed lines such as those of Keras, of Lightning,
    of PyTorch's examples ("Epoch 3/10 - loss: 0.25", "[1, 2000] loss: 0.8", "Train Epoch: 1 [640/60000 (1%)]").

    - `epochs`, `batches`, `learning_rate`, `every` and `prints` are what the task asks of the training. Epochs may be
      counted from 0 or from 1, steps within the epoch or since the start; a log may hold several trainings.
    - `of`, `classes` and `loss` say what is possible: an accuracy is k of n, a cross-entropy is never negative, and it
      is not near zero where the accuracy is no better than guessing. Accuracies outside of 0 to 100 %, a loss that is
      NaN, lines that repeat, and epochs that are missing or go back are always looked for.
    - `final` names the curve whose last or best value has to be the answer's, and, with `model` and `recompute`, the
      checkpoint's, up to `tolerance`.

    Credit: one wrong thing decides, and each is a finding with its line. By default a person decides about what is
    wrong; `contradictions: fail` lets it cost the points. What a log does not show, or shows in one reading of
    two, goes to a person in any case.

    Why it matters: a number is believed when the way to it can be seen.

    Not covered: whether the log was made by this training (see `retrain`), pictures of curves, and binary formats
    other than TensorBoard's.

        - check: training-log
          log: "train*"
          epochs: {at_least: 10}
          batches: {n: 60000, size: 64}
          every: 1000
          prints: [train_accuracy, test_accuracy, learning_rate]
          of: {test: {n: 10000}}
          final: {metric: accuracy, split: test, answer: test_accuracy}
    """

    name: ClassVar[str] = "training-log"
    uses_model: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["log"],
        "properties": {
            "log": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "the log, or a pattern such as logs/**",
            },
            "epochs": {
                "anyOf": [
                    _WHOLE,
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "minProperties": 1,
                        "properties": {
                            "at_least": {**_WHOLE, "description": "the fewest"},
                            "at_most": {**_WHOLE, "description": "the most"},
                        },
                    },
                ],
                "description": "how many epochs the training has: a number, or at_least and at_most",
            },
            "batches": {
                "type": "object",
                "additionalProperties": False,
                "required": ["n", "size"],
                "properties": {
                    "n": {**_WHOLE, "description": "how many images an epoch goes through"},
                    "size": {
                        "anyOf": [{**_WHOLE, "maximum": 10**6}, _SIZES],
                        "description": "the batch size of the training, or those that are allowed",
                    },
                    "drop_last": _DROP_LAST,
                },
                "description": "what the steps of the log have to fit: images and batch size of the training",
            },
            "learning_rate": {
                "anyOf": [
                    _RATE,
                    {"type": "array", "minItems": 1, "maxItems": 50, "items": _RATE},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "minProperties": 1,
                        "properties": {
                            "at_least": {**_RATE, "description": "the lowest"},
                            "at_most": {**_RATE, "description": "the highest"},
                        },
                    },
                ],
                "description": "the learning rate: a number, those that are allowed, or at_least and at_most",
            },
            "every": {**_WHOLE, "description": "there has to be an entry every so many mini-batches"},
            "prints": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"enum": list(_PRINTABLE)},
                "description": "what has to be in the log",
            },
            "of": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {
                    "validation": {**_COUNTED, "description": "of the validation accuracy"},
                    "test": {**_COUNTED, "description": "of the test accuracy"},
                },
                "description": "on how many images accuracies are counted, so that each has to be k of n",
            },
            "classes": {
                "type": "integer",
                "minimum": 2,
                "maximum": 10**6,
                "description": "how many classes there are: guessing is right once in so many times",
            },
            "loss": {
                "enum": ["cross_entropy", "other"],
                "default": "other",
                "description": "what the loss is: of a cross-entropy it is known how low it can be",
            },
            "final": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "metric": {
                        "enum": ["accuracy", "loss", "error", "f1", "mae", "mse", "psnr", "ssim", "auc"],
                        "default": "accuracy",
                        "description": "what is measured",
                    },
                    "split": {**_SPLIT, "description": "the part of the data; left out: the only one in the log"},
                    "take": {
                        "enum": ["either", "last", "best"],
                        "default": "either",
                        "description": "the value of the last epoch, the best one, or either of them",
                    },
                    "answer": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 100,
                        "description": "the key in answers.json that states the same value",
                    },
                },
                "description": "the result of the training as the log has it",
            },
            "model": MODEL,
            "recompute": {
                "type": "object",
                "additionalProperties": False,
                "required": ["from", "data", "split"],
                "properties": {
                    "from": {"const": "predict", "description": "the checkpoint counted on a data set"},
                    "data": {"type": "string", "minLength": 1, "description": "the image set, such as mnist"},
                    "split": {"type": "string", "minLength": 1, "description": "its part, such as test"},
                },
                "description": "what the final accuracy is held against: the model's checkpoint",
            },
            "tolerance": {
                **share_schema("how far the log's accuracy may be from the checkpoint's"),
                "default": TOLERANCE,
            },
            "contradictions": {
                "enum": ["review", "fail"],
                "default": "review",
                "description": "review: a person decides; fail: what is wrong costs the points",
            },
        },
    }

    def other_answers(self, rule: Rule) -> Mapping[str, Mapping[str, Json]]:
        """The result that is held against the log."""
        final = rule.settings.get("final", {})
        about = RESULT if final.get("metric", "accuracy") == "accuracy" else ANSWER
        return {final["answer"]: about} if "answer" in final else {}

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Ranges that are empty; a checkpoint without a curve, or a curve of another kind than is counted."""
        settings = rule.settings
        for key in ("epochs", "learning_rate"):
            about = settings.get(key)
            if isinstance(about, Mapping) and as_meant(about.get("at_least", 0)) > as_meant(
                about.get("at_most", 10**9)
            ):
                yield setting_problem(rule, [key], "at_least is over at_most", "let at_least be the smaller one")
        if "recompute" not in settings:
            if "model" in settings:
                yield setting_problem(rule, ["model"], "'model' says nothing without 'recompute'", "add `recompute`")
            return
        final, how = settings.get("final", {}), settings["recompute"]
        if "model" not in settings or "final" not in settings:
            fix = "add `model` and `final: {metric: accuracy, split: test}`"
            yield setting_problem(rule, ["recompute"], "needs 'model' and 'final'", fix)
        if final.get("metric", "accuracy") != "accuracy" or final.get("split", how["split"]) != how["split"]:
            what = "the checkpoint is counted as another accuracy than `final` names"
            yield setting_problem(rule, ["final"], what, f"write metric: accuracy, split: {how['split']}")
        yield from data_problems(rule, how["data"], how["split"], ("recompute",))

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The checkpoint's predictions, where they are asked for and the files are there."""
        job = _job(rule.settings, submission)
        if job is not None and matching(submission, rule.settings["log"]):
            yield job

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """What is wrong, each with its line; else what is open; else what the log shows."""
        settings = rule.settings
        files = matching(submission, settings["log"])
        if not files:
            near = closest(submission, settings["log"])
            absent = missing([settings["log"]])
            yield absent if near is None else replace(absent, said=f"{absent.said}; {near!r} was")
            return
        found: list[Finding] = []
        logs: list[Logged] = []
        for file in files[:MOST_FILES]:
            read = read_of(submission, file)
            if isinstance(read, Finding):
                found.append(read)
            else:
                logs.append(read)
                found += _unread(read)
        if len(files) > MOST_FILES:
            said = f"{counted(len(files), 'file')} fit {settings['log']!r}; the first {MOST_FILES} were read"
            found.append(review(said, fix="hand in the logs of the training alone", code="too-many-files"))
        logs = [logged for logged in logs if logged.entries]
        if logs:
            found += _told(settings, logs, submission, evidence)
        yield from decided(found, may_fail=settings.get("contradictions", "review") == "fail")


def _job(settings: Mapping[str, Json], submission: Submission) -> Job | None:
    if "recompute" not in settings or "model" not in settings or absent_files(settings, submission):
        return None
    return job_of(settings, submission)


def _unread(logged: Logged) -> Iterator[Finding]:
    if not logged.entries:
        said = f"{logged.path} holds no line that names an epoch, a step, a loss or an accuracy; a person looks"
        fix = "print a line such as: epoch 3 loss=0.25 test_accuracy=0.97"
        yield review(said, place=Place(logged.path), fix=fix, code="no-values")
    elif logged.log.doubts:
        said = f"{logged.path}: not read: {'; '.join(logged.log.doubts[:3])}"
        yield remark(Outcome.REVIEW, said, place=Place(logged.path), code="partly-read")


def _told(
    settings: Mapping[str, Json], logs: Sequence[Logged], submission: Submission, evidence: EvidenceByJob
) -> Iterator[Finding]:
    entries = sum(len(logged.entries) for logged in logs)
    words = "entry" if entries == 1 else "entries"
    said = f"{entries:,} {words} of {counted(len(logs), 'log')} were read, and nothing in them is impossible"
    yield passed(said, place=Place(logs[0].path), code="read")
    for logged in logs:
        yield from impossible_curves(settings, logged)
    yield from judge_demands(settings, logs)
    if "final" in settings:
        answer = submission.answers.get(settings["final"].get("answer", ""))
        is_empty = answer is None or answer.value in (None, "", [], {})
        job = _job(settings, submission)
        made = evidence.get(job) if job is not None else None
        yield from judge_final(settings, logs, None if is_empty else answer, made)
