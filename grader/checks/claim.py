"""Is a number that the student reports possible, and is it what comes out when it is recomputed?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar, Final

from grader.answers.answer_error import AnswerError
from grader.answers.numbers import Number, parse_number
from grader.answers.working import Working, parse_working
from grader.answers.writing import spoken
from grader.checks._cheating import undoubted
from grader.checks._data import data_problems, image_count
from grader.checks._doubt import doubtful
from grader.checks._enough import threshold
from grader.checks._granular import Impossible, Possible, Unclear, judge_accuracy
from grader.checks._lint import as_meant, setting_problem
from grader.checks._network import network_problems
from grader.checks._recomputed import Recomputed, absent_files, compare, job_of, recomputed
from grader.checks._settings import MODEL, NETWORK
from grader.checks._working import ANSWER, RESULT, working_remarks
from grader.checks.base import Check, answer_to, failed, fault, passed, register, review, shown, unanswered, unreadable
from grader.model import Answer, EvidenceByJob, Finding, Job, Json, Outcome, Problem, Rule, Submission

_SHARE: Final[Mapping[str, Json]] = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "minLength": 1, "maxLength": 40}]
}


@register
class Claim(Check):
    """Holds a reported number against its recomputation, and against what is possible at all.

    What it looks at: three things, as far as the rubric asks for them. Each gives its own finding.

    Possible? An accuracy on n images is k of n, so "97.055 %" of 10,000 images is none, and the nearest ones are
    named. Long decimals tell more: 0.9082844034830729 is no k of 60,000, but exactly 54,468 of 59,968 = 937 batches
    of 64 with the last one dropped. Rounding either way, digits cut off and float32 printing are allowed for. `of`
    says what n is and what is known of the batches; without `batch_sizes` the usual ones are tried, and what they
    explain counts where chance would seldom explain a number as well; else it is named only.

    Enough? `at_least` is the value that the assignment demands of the claim, the limit included. Where only its
    rounding lifts a claim over the demand ("95 %" for 94.96 %), or may keep it below, a person decides; a claim that
    is lower than what was recomputed is not held against who reached the demand.

    True? `recompute` names the source: the student's checkpoint counted on a data set (`predict`), the live model
    (`describe`) or the rubric's own layers (`network`). A claim agrees as far as its digits go: "97.1 %" with
    97.14 %. `tolerance` allows more; "~97 %" is within `approximate_tolerance`. An accuracy that is claimed higher
    than it is counts as inflated. One that is claimed lower is a remark: nobody gains by it. A number of parameters
    has to agree in both directions.

    Credit: all or nothing. Where the files to confirm a claim are not there, a person decides
    (`needs_confirmation: false` lets a possible claim pass). A claim too coarse to be told from a better value
    ("1" for 60 %) goes to a person too.

    Why it matters: only numbers that were recomputed are results.

    Not covered: whether the accuracy itself is good enough (see `accuracy`), and claims about training (see
    `training-log`).

        - check: claim
          answer: test_accuracy
          about: accuracy
          of: {n: 10000}
          at_least: 0.95
          model: net
          recompute: {from: predict, data: mnist, split: test}
    """

    name: ClassVar[str] = "claim"
    reads_answer: ClassVar[bool] = True
    uses_model: ClassVar[bool] = True
    uses_network: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "about": {
                "enum": ["accuracy", "parameters", "loss", "free"],
                "default": "free",
                "description": "what the number is: an accuracy (0.9892 or 98.92 %), a number of parameters, a loss, "
                "or anything else",
            },
            "of": {
                "type": "object",
                "additionalProperties": False,
                "required": ["n"],
                "properties": {
                    "n": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": 10**9,
                        "description": "how many images the accuracy is counted on",
                    },
                    "batch_sizes": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 50,
                        "uniqueItems": True,
                        "items": {"type": "integer", "minimum": 1, "maximum": 10**6},
                        "description": "the batch sizes that the task allows; left out: the usual ones",
                    },
                    "drop_last": {
                        "enum": ["maybe", "never", "always"],
                        "default": "maybe",
                        "description": "whether the last incomplete batch may be, is never, or is always left out",
                    },
                },
                "description": "what is known of the images that an accuracy is counted on",
            },
            "at_least": {
                **_SHARE,
                "description": "the least value that the task demands, itself included",
            },
            "recompute": {
                "type": "object",
                "additionalProperties": False,
                "required": ["from"],
                "properties": {
                    "from": {
                        "enum": ["predict", "describe", "network"],
                        "description": "the checkpoint on a data set, the live model, or the rubric's network",
                    },
                    "data": {
                        "type": "string",
                        "minLength": 1,
                        "description": "for predict: the image set, such as mnist",
                    },
                    "split": {"type": "string", "minLength": 1, "description": "for predict: its part, such as test"},
                    "field": {
                        "enum": ["parameters", "trainable"],
                        "description": "for describe and network: all parameters, or those that are trained",
                    },
                },
                "description": "what the claim is held against",
            },
            "model": MODEL,
            "network": NETWORK,
            "tolerance": {
                **_SHARE,
                "description": "how far off a claim may be; left out: as far as its digits go",
            },
            "approximate_tolerance": {
                **_SHARE,
                "default": 0.01,
                "description": "how far off a claim with ~ or 'about' may be: 0.01 is one percent point of an "
                "accuracy, and a hundredth of another number",
            },
            "needs_confirmation": {
                "type": "boolean",
                "description": "whether a claim that is possible waits for a person until it is confirmed; left out: "
                "yes where there is something to recompute it from",
            },
        },
    }

    def answer_schema(self, rule: Rule) -> Mapping[str, Json]:
        """A number in the form that the claim has."""
        words = {
            "accuracy": RESULT["description"],
            "parameters": "a number of parameters, such as 12345",
            "loss": "a loss, with the digits that were printed",
        }
        return {**ANSWER, "description": words.get(rule.settings.get("about", "free"), "a number")}

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Nothing to check, sources that do not fit the number, models and networks that are missing."""
        yield from _lint_demands(rule)
        yield from _lint_source(rule)

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The recomputation, where there is an answer and the files are there."""
        if answer_to(rule, submission) is None or absent_files(rule.settings, submission):
            return
        job = job_of(rule.settings, submission)
        if job is not None:
            yield job

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """What was found wrong decides; where nothing was, the recomputation does, or that the claim is possible."""
        answer = answer_to(rule, submission)
        if answer is None:
            yield unanswered(rule)
            return
        try:
            working = parse_working(answer.value, answer.place)
        except AnswerError as error:
            yield _doubtful(rule.settings, submission, evidence, answer, error.problem)
            return
        details: dict[str, Json] = {"observed": shown(answer.value), "place": answer.place}
        found = list(_findings(rule.settings, submission, evidence, working, details))
        yield from _weighted(found)
        yield from working_remarks(working, answer.place)


def _doubtful(
    settings: Mapping[str, Json], submission: Submission, evidence: EvidenceByJob, answer: Answer, problem: Problem
) -> Finding:
    """A person reads what cannot be read, where a number in it would do as a claim alone."""

    def is_right(piece: str) -> bool:
        alone = Working(parse_number(piece, answer.place))
        return all(f.outcome is not Outcome.FAILED for f in _findings(settings, submission, evidence, alone, {}))

    return doubtful(answer, problem, is_right) or unreadable(problem, answer.place)


def _weighted(findings: list[Finding]) -> Iterator[Finding]:
    """What failed carries the points; else what is open; else the last word, which is the most certain one."""
    wrong = [finding for finding in findings if finding.outcome is Outcome.FAILED]
    is_open = [finding for finding in findings if finding.outcome in (Outcome.UNKNOWN, Outcome.REVIEW)]
    deciding = wrong or is_open or findings[-1:]
    for finding in findings:
        yield finding if finding in deciding else replace(finding, weight=Fraction(0))


def _findings(
    settings: Mapping[str, Json],
    submission: Submission,
    evidence: EvidenceByJob,
    working: Working,
    details: Mapping[str, Json],
) -> Iterator[Finding]:
    judged = _possible(settings, working.number)
    if isinstance(judged, Impossible):
        really = _really(settings, submission, evidence)
        yield failed(judged.said, **details, expected=really, fix=judged.fix, code="impossible-value")
        return
    possible = Possible(judged.value, judged.said)
    if isinstance(judged, Unclear):
        yield review(judged.said, **details, fix=judged.fix, code="dropped-batch-perhaps")
    last = None
    if "recompute" in settings:
        last = _confirmed(settings, submission, evidence, working.number, possible, details)
    elif settings.get("needs_confirmation"):
        said = f"{possible.said}: that is possible, and a person confirms it"
        last = review(said, **details, code="unconfirmed")
    is_said = isinstance(judged, Unclear) or (last is not None and last.code == "unconfirmed")
    if settings.get("about") == "accuracy" and not is_said:
        yield passed(possible.said, **details, code="possible")
    if "at_least" in settings:
        yield threshold(settings, working.number, possible.value, _known(settings, submission, evidence), details)
    if last is not None:
        yield last


def _possible(settings: Mapping[str, Json], number: Number) -> Possible | Impossible | Unclear:
    about = settings.get("about", "free")
    if about == "accuracy":
        return judge_accuracy(number, settings.get("of"))
    written = shown(number.written, 60)
    if about == "parameters" and not any(v >= 0 and v.denominator == 1 for v in number.readings):
        return Impossible(f"{written} is no number of parameters", "write a whole number, such as 12345")
    return Possible(number.value, f"{written} is claimed")


def _known(settings: Mapping[str, Json], submission: Submission, evidence: EvidenceByJob) -> Recomputed | None:
    """What the claim really is; None where nothing was recomputed, or it gave no trustworthy result."""
    if "recompute" not in settings or absent_files(settings, submission):
        return None
    job = job_of(settings, submission)
    made = evidence.get(job) if job is not None else None
    if job is not None and (made is None or fault(made) is not None):
        return None
    return recomputed(settings, made.result if made is not None else {})


def _really(settings: Mapping[str, Json], submission: Submission, evidence: EvidenceByJob) -> str:
    """The recomputed value for who reads of an impossible one; "" where there is none."""
    real = _known(settings, submission, evidence)
    return real.said if real is not None else ""


def _confirmed(
    settings: Mapping[str, Json],
    submission: Submission,
    evidence: EvidenceByJob,
    number: Number,
    possible: Possible,
    details: Mapping[str, Json],
) -> Finding:
    absent = absent_files(settings, submission)
    if absent:
        return _unconfirmed(settings, possible, " and ".join(map(repr, absent)), details)
    job = job_of(settings, submission)
    result: Mapping[str, Json] = {}
    if job is not None:
        broken = fault(evidence[job])
        if broken is not None:
            return broken
        result = evidence[job].result
    found = _compared(settings, number, recomputed(settings, result), details)
    return found if job is None else undoubted(found, result, settings["model"])


def _unconfirmed(settings: Mapping[str, Json], possible: Possible, absent: str, details: Mapping[str, Json]) -> Finding:
    if settings.get("needs_confirmation", True):
        said = f"{possible.said}: that is possible, and needs {absent} to be confirmed"
        return review(said, **details, fix=f"hand in {absent}", code="unconfirmed")
    said = f"{possible.said}: that is possible, but not confirmed, for {absent} is not there"
    return passed(said, **details, code="unconfirmed")


_SOURCES: Final = {
    "predict": "your checkpoint reaches",
    "describe": "your model has",
    "network": "the network of the task has",
}


def _compared(settings: Mapping[str, Json], number: Number, real: Recomputed, details: Mapping[str, Json]) -> Finding:
    verdict = compare(settings, number, real)
    written = shown(number.written, 60)
    source = settings["recompute"]["from"]
    details = {**details, "expected": real.said if source == "predict" else f"{real.said} parameters"}
    if verdict.agrees:
        return passed(f"{written} is confirmed: {_SOURCES[source]} {details['expected']}", **details, code="confirmed")
    if source == "network":
        said = f"{written} is not what the layers of the task come to"
        fix = "count each layer's weights and biases, and add them up"
        return failed(said, **details, fix=fix, code="inflated-claim" if verdict.is_too_high else "understated-claim")
    said = f"{written} was claimed, {_SOURCES[source]} {details['expected']}"
    if verdict.is_too_coarse and verdict.is_too_high:
        said += ": that may be rounding, but the claim has too few digits to tell"
        return review(said, **details, fix="report the number with all its digits", code="too-coarse")
    if verdict.is_too_high and 0 < verdict.gap <= real.may_cost:
        said += ": the released images may give what is claimed, so a person decides"
        return review(said, **details, fix="keep the output of the program that counted it", code="another-edition")
    if verdict.is_too_high:
        fix = "report what the files that you hand in reach, or hand in those that reach more"
        return failed(said, **details, fix=fix, code="inflated-claim")
    if source == "predict":
        return passed(f"{said}: more than was claimed", **details, code="understated-claim")
    fix = "report the number of the model that you hand in"
    return failed(said, **details, fix=fix, code="understated-claim")


# --- the rubric -------------------------------------------------------------------------------


def _lint_demands(rule: Rule) -> Iterator[Problem]:
    settings = rule.settings
    about = settings.get("about", "free")
    checked = ("of", "at_least", "recompute")
    if not any(key in settings for key in checked) and not settings.get("needs_confirmation"):
        yield setting_problem(rule, [], "nothing is checked of this claim", "add `recompute`, `at_least` or `of`")
    if "of" in settings and about != "accuracy":
        yield setting_problem(rule, ["of"], "only an accuracy is counted on images", "set `about: accuracy`")
    of = settings.get("of", {})
    if of.get("drop_last") == "always" and not any(size <= of["n"] for size in of.get("batch_sizes", ())):
        what = "the last batch is always dropped, and no batch size is known that leaves one"
        yield setting_problem(rule, ["of", "drop_last"], what, "add `batch_sizes`")
    for key in ("at_least", "tolerance", "approximate_tolerance"):
        try:
            value = as_meant(settings.get(key, 0))
        except AnswerError as error:
            yield setting_problem(rule, [key], error.problem.what, error.problem.fix)
            continue
        if about == "accuracy" and value > 1:
            what = f"{spoken(value)} is more than 100 %"
            yield setting_problem(rule, [key], what, 'write a share such as 0.95, or "95 %"')
    if "at_least" in settings and about == "loss":
        what = "a loss is better when it is lower"
        yield setting_problem(rule, ["at_least"], what, "leave it out, or ask for an accuracy")


def _lint_source(rule: Rule) -> Iterator[Problem]:
    settings = rule.settings
    how = settings.get("recompute", {})
    source, about = how.get("from"), settings.get("about", "free")
    if source is None:
        return
    if source == "predict" and about != "accuracy":
        what = f"predictions give an accuracy, and the claim is about {about!r}"
        yield setting_problem(rule, ["recompute", "from"], what, "set `about: accuracy`")
    if source != "predict" and about not in ("parameters", "free"):
        what = f"layers give a number of parameters, and the claim is about {about!r}"
        yield setting_problem(rule, ["recompute", "from"], what, "set `about: parameters`")
    wanted = ("data", "split") if source == "predict" else ("field",)
    for key in wanted:
        if key not in how:
            yield setting_problem(rule, ["recompute"], f"{key!r} is missing", f"add it: `from: {source}` needs it")
    for key in ("data", "split", "field"):
        if key in how and key not in wanted:
            what = f"{key!r} says nothing with `from: {source}`"
            yield setting_problem(rule, ["recompute", key], what, "leave it out")
    if source == "predict" and isinstance(how.get("data"), str) and isinstance(how.get("split"), str):
        yield from data_problems(rule, how["data"], how["split"], ("recompute",))
        n, there = settings.get("of", {}).get("n"), image_count(how["data"], how["split"])
        if None not in (n, there) and n != there:
            what = f"the accuracy is claimed on {n:,} images, {how['data']} {how['split']} has {there:,}"
            yield setting_problem(rule, ["of", "n"], what, f"write {there}, or recompute on the images that are meant")
    named = "network" if source == "network" else "model"
    if named not in settings:
        fix = f"add `{named}: NAME`, one of the rubric's `{named}s`"
        yield setting_problem(rule, ["recompute", "from"], f"no {named} is named", fix)
    elif source == "network":
        yield from network_problems(settings["network"], rule.place.child("network"))
