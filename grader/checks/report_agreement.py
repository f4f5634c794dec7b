"""Does the report say the same as answers.json, the training log, the checkpoint, and itself?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from grader.answers.answer_error import AnswerError
from grader.answers.numbers import Number, parse_number
from grader.answers.working import parse_working
from grader.checks._data import data_problems
from grader.checks._lint import setting_problem
from grader.checks._recomputed import absent_files, job_of, recomputed
from grader.checks._settings import MODEL, counted
from grader.checks._submitted import closest, matching, opened
from grader.checks.base import ANSWERS_FILE, Check, failed, fault, missing, passed, register, remark, review, shown
from grader.documents import DocumentError
from grader.model import EvidenceByJob, Finding, Job, Json, Outcome, Place, Problem, Rule, Submission, SubmittedFile
from grader.reading import MAX_REPORT_BYTES, claims_of, report_text

if TYPE_CHECKING:
    from grader.answers.claims import FoundClaim

_METRICS: Final = (
    "accuracy", "error", "loss", "f1", "precision", "recall", "auc", "iou", "psnr", "ssim", "mae", "mse", "rmse",
    "perplexity", "parameters", "trainable_parameters",
)  # fmt: skip
_ABOUT: Final[Mapping[str, Json]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["metric"],
    "properties": {
        "metric": {"enum": list(_METRICS), "description": "what is measured"},
        "split": {"enum": ["train", "validation", "test"], "description": "the part of the data; left out: any"},
        "dataset": {"type": "string", "minLength": 1, "maxLength": 40, "description": "such as mnist; left out: any"},
        "model": {
            "type": "string",
            "minLength": 1,
            "maxLength": 60,
            "description": "a word of the model's name in the report, such as adam; left out: any",
        },
    },
    "description": "which claims of the report this answer is about",
}
_FLOAT32: Final = Fraction(1, 10**6)
MOST_NAMED: Final = 10
MOST_FILES: Final = 20


@register
class ReportAgreement(Check):
    """Holds the numbers of a report against the answers that were handed in, against logs, and against each other.

    What it looks at: every result that `report` states (Markdown, a notebook, a PDF's text): metric, split, data set,
    model, epoch, value, and its line. Goals, values of others and readings that stay open are left out.

    - `answers` says what each answer is about: the answer's key, and the metric (split, data set, model) that the
      report states it under. A report that states another number than answers.json is a contradiction.
    - `logs` are further files whose printed results have to be those of the report: the log of the training.
    - `model` and `recompute` name the checkpoint and the images that it is counted on: one of the accuracies that the
      report states for these images has to be the checkpoint's.
    - The report against itself is always looked at.

    Rounding is no contradiction: 0.734, 73.4 % and 0.7339999675750732 agree; 98.92 and 98.29 do not. An answer that
    agrees with one of several statements of the report about the same thing is taken to be meant by that one.

    Credit: a contradiction goes to a person, with both places; `contradictions: fail` lets it cost the points. A report
    that says nothing about an answer is a remark. Which of two numbers is true is not decided here: see `claim`.

    Why it matters: two numbers for one thing cannot both be what was measured.

    Not covered: pictures of curves and tables.

        - check: report-agreement
          report: report.md
          answers:
            test_accuracy: {metric: accuracy, split: test}
          logs: ["*.log"]
    """

    name: ClassVar[str] = "report-agreement"
    uses_model: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["report"],
        "properties": {
            "report": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "the report, or a pattern such as report.*",
            },
            "answers": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 100,
                "additionalProperties": _ABOUT,
                "description": "what the answers are about, by their keys in answers.json",
            },
            "logs": {
                "type": "array",
                "minItems": 1,
                "maxItems": 20,
                "items": {"type": "string", "minLength": 1, "maxLength": 200},
                "description": "files or patterns whose printed results must be those of the report",
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
                "description": "what the report's accuracy on these images is held against: the model's checkpoint",
            },
            "contradictions": {
                "enum": ["review", "fail"],
                "default": "review",
                "description": "review: a person decides; fail: a contradiction costs the points",
            },
        },
    }

    def other_answers(self, rule: Rule) -> Mapping[str, Mapping[str, Json]]:
        """The answers that the report is held against, in whatever form the rules that grade them ask for."""
        return {key: {} for key in rule.settings.get("answers", {})}

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """A model without images to count on, or the other way round; images that are not known."""
        settings = rule.settings
        for key, other in (("model", "recompute"), ("recompute", "model")):
            if key in settings and other not in settings:
                yield setting_problem(rule, [key], f"{key!r} says nothing without {other!r}", f"add `{other}`")
        if "recompute" in settings:
            how = settings["recompute"]
            yield from data_problems(rule, how["data"], how["split"], ("recompute",))

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The checkpoint's predictions, where they are asked for and the files are there."""
        job = _job(rule.settings, submission)
        if job is not None:
            yield job

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """Contradictions, each with both places; else what was compared."""
        settings = rule.settings
        reports = matching(submission, settings["report"])[:MOST_FILES]
        if not reports:
            yield absent(settings["report"], submission)
            return
        read: list[tuple[str, tuple[FoundClaim, ...]]] = []
        logs = [file for glob in settings.get("logs", ()) for file in matching(submission, glob)]
        for file in [*reports, *(log for log in logs if log not in reports)][: 2 * MOST_FILES]:
            try:
                read.append((file.path, claims_in(submission, file)))
            except (DocumentError, OSError) as error:
                yield unread(file, error)
        stated = [one for one in read if one[0] in {file.path for file in reports}]
        found = list(_between(read))
        compared = 0
        for key, about in settings.get("answers", {}).items():
            count, finding = _answered(key, about, stated, submission)
            compared += count
            if finding is not None:
                found.append(finding)
        job = _job(settings, submission)
        made = evidence.get(job) if job is not None else None
        if made is not None:
            broken = fault(made)
            found += [replace(broken, weight=Fraction(0))] if broken else list(_counted(settings, made.result, stated))
        yield from _decided(settings, found, stated, compared)


def _job(settings: Mapping[str, Json], submission: Submission) -> Job | None:
    if "recompute" not in settings or "model" not in settings or absent_files(settings, submission):
        return None
    return job_of(settings, submission)


def _counted(
    settings: Mapping[str, Json], result: Mapping[str, Json], stated: Sequence[tuple[str, Sequence[FoundClaim]]]
) -> Iterator[Finding]:
    """What the report says of the images that the checkpoint was counted on, where none of it is what came out."""
    real, how = recomputed(settings, result), settings["recompute"]
    about = {"metric": "accuracy", "dataset": how["data"], "split": how["split"]}
    meant = [(file, claim) for file, claims in stated for claim in claims if _is_about(claim, about)]
    if not meant or any(abs(claim.value - real.value) <= _slack(claim) for _, claim in meant):
        return
    file, claim = min(meant, key=lambda one: abs(one[1].value - real.value))
    written = shown(claim.as_written, 40)
    said = f"{file} says {written} ({about['split']} accuracy) on line {claim.line}, the checkpoint reaches {real.said}"
    yield _contradiction(said, Place(file, line=claim.line), written, real.said)


def _slack(claim: FoundClaim) -> Fraction:
    """How far a claim may be off by its digits: rounded either way, cut off, or "about"."""
    return max(claim.number.step, Fraction(1, 100)) if claim.is_approximate else max(claim.number.step, _FLOAT32)


def claims_in(submission: Submission, file: SubmittedFile) -> tuple[FoundClaim, ...]:
    """The claims of a submitted file. Raises DocumentError for what is no text, OSError for what cannot be opened."""
    with opened(submission, file) as stream:
        text, _ = report_text(stream.read(MAX_REPORT_BYTES + 1), file=file.path)
    return claims_of(text, file=file.path)


def absent(report: str, submission: Submission) -> Finding:
    """The finding for a report that was not handed in, or under another name."""
    near = closest(submission, report)
    if near is None:
        return missing([report])
    said = f"{report!r} was not handed in; {near!r} was"
    return failed(said, fix=f"hand it in as {report!r}", code="missing-file")


def unread(file: SubmittedFile, error: DocumentError | OSError) -> Finding:
    """The finding for a report that is no text, or cannot be opened."""
    if isinstance(error, OSError):
        return Finding(Outcome.UNKNOWN, f"{file.path} could not be opened ({error})", code="unreadable")
    said = f"{file.path} was not read: {error.problem.what}; a person looks"
    return review(said, place=Place(file.path), fix=error.problem.fix, code=error.problem.code)


def _between(read: Sequence[tuple[str, Sequence[FoundClaim]]]) -> Iterator[Finding]:
    """Contradictions between the files, and within each."""
    from grader.answers.claims.agreement import contradictions

    for found in contradictions(read):
        place = Place(found.second_file, line=found.second.line)
        yield _contradiction(found.said, place, shown(found.second.as_written), shown(found.first.as_written))


def _contradiction(said: str, place: Place, observed: str, expected: str) -> Finding:
    fix = "find out which of the two was measured, and correct the other"
    return review(said, place=place, observed=observed, expected=expected, fix=fix, code="contradiction")


def _answered(
    key: str,
    about: Mapping[str, Json],
    stated: Sequence[tuple[str, Sequence[FoundClaim]]],
    submission: Submission,
) -> tuple[int, Finding | None]:
    """How many statements of the report were compared with an answer, and what came of it."""
    from grader.answers.claims.agreement import agree

    answer = submission.answers.get(key)
    if answer is None or answer.value in (None, "", [], {}):
        return 0, None
    try:
        number = parse_working(answer.value, answer.place).number
    except AnswerError:
        return 0, remark(
            Outcome.REVIEW, f"{key}: the answer was not read as a number, and not compared", place=answer.place
        )
    meant = [(file, claim) for file, claims in stated for claim in claims if _is_about(claim, about)]
    if not meant:
        said = f"{key}: the report states no such {about['metric']} that could be compared with the answer"
        return 0, remark(Outcome.PASSED, said, place=answer.place, code="not-stated")
    if any(agree(_as_claim(claim, one), claim) for _, claim in meant for one in _numbers(number, claim)):
        return len(meant), None
    file, claim = meant[-1]
    what = " ".join(filter(None, (claim.split, claim.metric)))
    said = (
        f"{key}: {file} says {shown(claim.as_written, 40)} ({what}) on line {claim.line}, "
        f"{ANSWERS_FILE} says {shown(answer.value, 40)}"
    )
    place = Place(file, line=claim.line)
    return len(meant), _contradiction(said, place, shown(answer.value), shown(claim.as_written))


def _numbers(number: Number, claim: FoundClaim) -> Iterator[Number]:
    """The answer as it can be meant: a bare 98.92 is a percentage where the claim is a rate."""
    from grader.answers.claims import RATES

    yield number
    if claim.metric in RATES and not number.is_percent and number.value > 1:
        yield parse_number(f"{number.written} %", Place(ANSWERS_FILE))


def _as_claim(claim: FoundClaim, number: Number) -> FoundClaim:
    """The same claim with the value of the answer."""
    return replace(claim, number=number, value=number.value, bound="", is_approximate=number.is_approximate)


def _is_about(claim: FoundClaim, about: Mapping[str, Json]) -> bool:
    if not claim.is_result or len(claim.readings) > 1 or claim.metric != about["metric"]:
        return False
    if any(about.get(key) not in (None, getattr(claim, key)) for key in ("split", "dataset") if getattr(claim, key)):
        return False
    if "split" in about and claim.split is None:
        return False
    words = f"{claim.model} {claim.optimizer or ''}".casefold()
    return "model" not in about or str(about["model"]).casefold() in words


def _decided(
    settings: Mapping[str, Json],
    said: Sequence[Finding],
    stated: Sequence[tuple[str, Sequence[FoundClaim]]],
    compared: int,
) -> Iterator[Finding]:
    wrong = [finding for finding in said if finding.code == "contradiction"]
    rest = [finding for finding in said if finding.code != "contradiction"]
    if wrong and settings.get("contradictions", "review") == "fail":
        first = wrong[0]
        yield replace(first, outcome=Outcome.FAILED, credit=Fraction(0))
    elif wrong:
        yield wrong[0]
    elif stated:
        results = sum(claim.is_result for _, claims in stated for claim in claims)
        told = f"{counted(results, 'result')} of the report contradict nothing"
        if settings.get("answers"):
            told += f"; {counted(compared, 'statement')} compared with the answers"
        yield passed(told, place=Place(stated[0][0]), code="agrees")
    yield from (replace(finding, weight=Fraction(0)) for finding in [*wrong[1:MOST_NAMED], *rest])
