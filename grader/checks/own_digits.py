"""Are the student's own images there, are they what was asked for, and what does the checkpoint say of them?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import ClassVar, Final

from grader.answers.answer_error import AnswerError
from grader.answers.granularity import possible_counts
from grader.answers.numbers import Number, parse_number
from grader.answers.own_images import FORM, Stated, class_named, stated
from grader.checks._data import data_problems
from grader.checks._lint import setting_problem
from grader.checks._own_compared import AS_THEY_ARE, INVERTED, Pair, claimed_right, mode_of, pairs, right
from grader.checks._own_images import own_image_findings
from grader.checks._own_settings import SETTINGS
from grader.checks._settings import counted, percent, share
from grader.checks._submitted import matching, opened
from grader.checks._working import RESULT
from grader.checks.base import (
    ANSWERS_FILE,
    Check,
    failed,
    fault,
    missing,
    partial,
    passed,
    register,
    review,
    shown,
    unread_answers,
    unreadable,
)
from grader.datasets import names, source
from grader.documents import MAX_BYTES, DocumentError, decode, parse_json
from grader.evidence.jobs import missing_files, own_images_job
from grader.model import EvidenceByJob, Finding, Job, Json, Place, Problem, Rule, Submission

SPLIT: Final = "train"
_MOST_PATHS: Final = 200
_MOST_NAMED: Final = 4
_ABOUT: Final = Fraction(1, 100)  # of "~67 %"
_MODE: Final = {AS_THEY_ARE: "", INVERTED: " with their colours inverted"}


@register
class OwnDigits(Check):
    """Looks at images of the student's own making, and at what the student's checkpoint says of them.

    What it looks at: up to four things, each with an equal share.

    The images: at least `at_least` of them, with `per_class` of each of `classes`, must be there. One counts where it
    opens (PNG, JPEG, GIF), is not blank, no copy of another, and of `size` and `grey` where the rubric asks for that.
    They lie in the hand-in, or in a zip in it. What an image shows is what the list says, or else its name:
    `4.png`, `four/a.png` with a class of that name, `digit_7_pred_1.png`. With `given: true` they come with the task:
    that they are there earns nothing, and images of the set's are as good as others.

    The predictions, where there are any: the checkpoint answers to each image, and its answer is held against the one
    that the student reports, in answers.json (`predictions`), in a JSON file (`list`) or in the files' names. Credit is
    the share that agrees. The student may have inverted the colours before: where the reports fit the inverted images
    better, those are meant, and that is said. An image that is not of the set's size is put into it by the bilinear
    filter that torchvision uses; there may have been another, so that what disagrees then waits for a person, as does
    an answer that was nearly another one.

    The score (`score`): 6/9, 66.7% or 0.667 must be what the checkpoint reaches. One that follows from the student's
    own list has followed: a wrong prediction costs once. One that is lower than the truth is a remark.

    The demand (`min_score`): the checkpoint's own score. Few sheets have one, for handwriting differs.

    What it says besides: colours that are inverted against the set's (dark digits on light ground, where the set has
    light on dark), with what the network answers either way; and images that are one of the set's. Those are no
    handwriting of the student's: a person looks, and no point is taken.

    Why it matters: a network that knows its test set may not know the world.

    Not covered: whether an image shows what is said of it, and whose handwriting it is.

        - check: own-digits
          model: net
          data: mnist
          images: own_digits/*
          predictions: own_digits
          score: own_digits_accuracy
          at_least: 9
    """

    name: ClassVar[str] = "own-digits"
    uses_model: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = SETTINGS

    def other_answers(self, rule: Rule) -> Mapping[str, Mapping[str, Json]]:
        """The list of predictions, and the score."""
        settings = rule.settings
        made = {settings["predictions"]: FORM} if "predictions" in settings else {}
        return made | ({settings["score"]: RESULT} if "score" in settings else {})

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """A set without classes, classes that it has not, two places for one list."""
        settings = rule.settings
        yield from data_problems(rule, settings["data"], SPLIT)
        if "predictions" in settings and "list" in settings:
            yield setting_problem(rule, ["list"], "the predictions stand in two places", "name one of them")
        classes = source(settings["data"]).classes if settings["data"] in names() else ()
        for index, name in enumerate(settings.get("classes", ())):
            if classes and class_named(name, classes) is None:
                fix = f"write one of {', '.join(classes[:20])}"
                yield setting_problem(rule, ["classes", index], f"{name!r} is no class of {settings['data']!r}", fix)
        if "per_class" in settings and "classes" not in settings:
            yield setting_problem(rule, ["per_class"], "says nothing without `classes`", "name the classes")

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The images, opened and answered, where there is one."""
        job = _job(rule, submission)
        if job is not None:
            yield job

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """The images; then the predictions, the score and the demand, as far as the rubric asks for them."""
        job = _job(rule, submission)
        if job is None:
            glob = rule.settings["images"]
            yield failed(f"no image of your own fits {glob!r}", fix=f"add them as {glob!r}", code="missing-file")
            return
        made = evidence[job]
        broken = fault(made)
        if broken is not None:
            yield broken
            return
        result = made.result
        try:
            listed, unlisted = _listed(rule, submission, result["classes"]), None
        except AnswerError as error:
            listed, unlisted = (), unreadable(error.problem)
        except DocumentError as error:
            listed, unlisted = (), unreadable(error.problems[0])
        compared = pairs([image for image in result["images"] if image["found"]], listed or (), result["classes"])
        yield from own_image_findings(rule, result, compared)
        silent = _silent(rule, submission, result)
        mode = mode_of(compared)
        if _wants_predictions(rule) or (listed is None and any(one.claimed for one in compared)):
            if unlisted is None and listed is None and not any(one.claimed for one in compared):
                unlisted = _no_list(rule, submission)
            yield unlisted or silent or _predictions(compared, mode)
        if "score" in rule.settings:
            yield _score(rule, submission, compared, mode, silent)
        if "min_score" in rule.settings:
            yield silent or _demand(rule, compared, mode)


def _job(rule: Rule, submission: Submission) -> Job | None:
    paths = [file.path for file in matching(submission, rule.settings["images"]) if file.size][:_MOST_PATHS]
    if not paths:
        return None
    return own_images_job(submission, rule.settings["model"], data=rule.settings["data"], split=SPLIT, paths=paths)


def _wants_predictions(rule: Rule) -> bool:
    return "predictions" in rule.settings or "list" in rule.settings


def _listed(rule: Rule, submission: Submission, classes: Sequence[str]) -> tuple[Stated, ...] | None:
    """What the student states of the images; None where there is no list. Raises AnswerError, DocumentError."""
    settings = rule.settings
    if "predictions" in settings:
        answer = submission.answers.get(settings["predictions"])
        if answer is None or answer.value in (None, "", [], {}):
            return None
        return stated(answer.value, classes, answer.place)
    file = submission.file(settings["list"]) if "list" in settings else None
    if file is None:
        return None
    with opened(submission, file) as stream:
        text = decode(stream.read(MAX_BYTES + 1), name=file.path, max_bytes=MAX_BYTES)
    return stated(parse_json(text, name=file.path), classes, Place(file.path))


def _no_list(rule: Rule, submission: Submission) -> Finding:
    settings = rule.settings
    if "list" in settings:
        return missing([settings["list"]])
    unread = unread_answers(submission)
    if unread is not None:
        return unread
    place = Place(ANSWERS_FILE, f"/answers/{settings['predictions']}")
    fix = f'add "{settings["predictions"]}": [{{"file": "4.png", "true": 4, "predicted": 9}}, ...] to answers.json'
    return failed("what the network answered to your images is not reported", place=place, fix=fix, code="unanswered")


def _silent(rule: Rule, submission: Submission, result: Mapping[str, Json]) -> Finding | None:
    """Why the network says nothing of any image; None where it does."""
    absent = missing_files(submission, rule.settings["model"])
    if absent:
        return missing(absent)
    refused = result["refused"]
    if refused is not None:
        if refused["code"] == "not-repeatable":
            return review(f"{refused['what']}; a person looks", fix=refused["fix"], code=refused["code"])
        return failed(refused["what"], observed=refused["where"], fix=refused["fix"], code=refused["code"])
    if not any("answer" in image for image in result["images"]):
        return failed("none of the images could be shown to the network", code="no-image")
    return None


def _predictions(compared: Sequence[Pair], mode: str) -> Finding:
    """Each reported answer against the network's own."""
    claiming = [one for one in compared if one.claimed is not None]
    agreeing = [one for one in claiming if one.answer(mode) == one.claimed]
    others = [one for one in claiming if one.answer(mode) != one.claimed]
    said = (
        f"of {counted(len(claiming), 'answer')} that you report the network gives {len(agreeing)}"
        f"{_MODE[mode]}"
    )  # fmt: skip
    place = next((one.stated.place for one in others if one.stated is not None), None)
    if not others:
        return passed(said, place=place, code="predictions-agree")
    named = "; ".join(_difference(one, mode) for one in others[:_MOST_NAMED])
    named += f"; and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    credit = Fraction(len(agreeing), len(claiming))
    doubtful = [one for one in others if one.image is not None and one.is_doubtful(mode)]
    if len(doubtful) == len(others):
        why = "they are not of the set's size, or nearly got another answer"
        return review(f"{said}: {named}; {why}, so that a person looks", credit=credit, place=place,
                      code="predictions-doubtful")  # fmt: skip
    fix = "report what the checkpoint that you hand in answers, image by image"
    return partial(f"{said}: {named}", credit, place=place, fix=fix, code="predictions-differ")


def _difference(one: Pair, mode: str) -> str:
    file = shown(one.stated.file if one.stated is not None else "", 60)
    if one.image is None:
        return f"{file} was not handed in, or cannot be opened"
    return f"{file} gets {one.answer(mode)!r}, not {one.claimed!r}"


def _score(rule: Rule, submission: Submission, compared: Sequence[Pair], mode: str, silent: Finding | None) -> Finding:
    """The reported score against the network's own, and against the student's own list."""
    key = rule.settings["score"]
    answer = submission.answers.get(key)
    if answer is None or answer.value in (None, "", [], {}):
        fix = f'add "{key}" under "answers" in answers.json, such as "6/9"'
        return unread_answers(submission) or failed(
            "your score is not reported", place=Place(ANSWERS_FILE, f"/answers/{key}"), fix=fix, code="unanswered"
        )
    details: dict[str, Json] = {"observed": shown(answer.value), "place": answer.place}
    try:
        number = parse_number(answer.value, answer.place)
    except AnswerError as error:
        return review(f"only a person can tell what is meant: {error.problem.what}", **details,
                      fix=error.problem.fix, code="unclear-answer")  # fmt: skip
    if silent is not None:
        return silent
    k, n = right(compared, mode)
    if not n:
        said = "what your images show is not said, so that no score can be counted; a person looks"
        fix = 'say what each image shows: {"file": "a.png", "true": 4, ...}, or name it 4.png'
        return review(said, **details, fix=fix, code="no-truth")
    details["expected"] = f"{k} of {n} ({percent(Fraction(k, n))})"
    said = f"the network answers {k} of {counted(n, 'image')} right{_MODE[mode]} ({percent(Fraction(k, n))})"
    if _can_be(number, k, n):
        return passed(said, **details, code="score-agrees")
    own_k, own_n = claimed_right(compared)
    if own_n and _can_be(number, own_k, own_n):
        said += f"; the score is that of your own list, {own_k} of {own_n}, whose slips are charged there"
        return passed(said, **details, code="score-follows")
    values = [value for value in number.readings if 0 <= value <= 1] or [
        value / 100 for value in number.readings if 0 <= value <= 100
    ]
    written = f"{said}; {shown(number.written, 40)} is reported"
    fix = f"report {k} of {n}"
    known = [one for one in compared if one.true is not None and one.answer(mode) is not None]
    if any(one.is_true_by_name or one.is_doubtful(mode) for one in known) or number.is_approximate:
        said = f"{written}; that may come of how names or sizes are read, so that a person looks"
        return review(said, **details, fix=fix, code="score-doubtful")
    if values and max(values) < Fraction(k, n):
        return passed(f"{written}, which is less than it is worth", **details, code="score-understated")
    return failed(written, **details, fix=fix, code="score-differs")


def _can_be(number: Number, k: int, n: int) -> bool:
    """Whether the score as written can stand for k of n."""
    if number.count is not None and number.total is not None:
        return number.count * n == k * number.total
    if number.is_approximate and any(abs(value - Fraction(k, n)) <= _ABOUT for value in number.readings):
        return True
    return k in possible_counts(number, n) or Fraction(k, n) in number.readings


def _demand(rule: Rule, compared: Sequence[Pair], mode: str) -> Finding:
    least = share(rule.settings["min_score"])
    k, n = right(compared, mode)
    if not n:
        return review("what your images show is not said, so that no score can be counted", code="no-truth")
    said = f"{k} of {counted(n, 'image')} right{_MODE[mode]} ({percent(Fraction(k, n))}); {percent(least)} was asked"
    if Fraction(k, n) >= least:
        return passed(said, code="reached")
    fix = "prepare your images as the training images are: light on dark, in the middle, of the same size"
    if any(one.is_true_by_name or one.is_doubtful(mode) for one in compared if one.image is not None):
        return review(f"{said}; a person looks", credit=Fraction(0), fix=fix, code="below-demand")
    return failed(said, fix=fix, code="below-demand")
