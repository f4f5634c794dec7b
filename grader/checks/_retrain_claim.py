"""Is the accuracy that the student claims one that this network can reach? As far as another training can tell."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from grader.answers.answer_error import AnswerError
from grader.answers.granularity import claim_of
from grader.answers.working import parse_working
from grader.checks._settings import percent, share
from grader.checks._spread import ONE_IN_1000, Runs, expected, spread_of
from grader.checks.base import remark, review, shown, unread_answers
from grader.model import Finding, Json, Outcome, Submission


def held_claim(
    settings: Mapping[str, Json], submission: Submission, runs: Runs, reference: Runs | None
) -> Finding | None:
    """The claim against the runs: a finding of weight 0, or, for a claim that is far above them, REVIEW of weight 1.

    None where the rubric names no claim.
    """
    key = settings.get("claimed")
    if key is None:
        return None
    answer = submission.answers.get(key)
    if answer is None or answer.value in (None, "", [], {}):
        unread = unread_answers(submission)
        said = f"{key}: no answer was given that could be held against the training"
        if unread is not None:
            said = f"{key} could not be read, and was not held against the training"
        return remark(Outcome.REVIEW, said, code="no-claim")
    details: dict[str, Json] = {"observed": shown(answer.value), "place": answer.place}
    try:
        claim = claim_of(parse_working(answer.value, answer.place).number)
    except AnswerError:
        claim = None
    if claim is None:
        said = f"{key}: the answer was not read as an accuracy, and not held against the training"
        return remark(Outcome.REVIEW, said, **details, code="unread-claim")
    allowed = share(settings.get("allowed_gap", 0.02))
    groups = [runs] if reference is None else [runs, reference]
    spread = spread_of(*groups)
    highest = max(expected(group, 1, ONE_IN_1000, spread)[1] for group in groups)
    best = max(group.mean for group in groups)
    least = claim.value - max(claim.step, claim.noise)
    trained = f"this training gives {percent(runs.mean)}"
    if least > Fraction(highest) and least > best + allowed:
        said = f"{percent(claim.value, 4)} is claimed, and {trained}: far more than another training explains"
        fix = "hand in the log and the weights of the training that the claim is of"
        return review(
            f"{said}; a person looks", **details, expected=percent(runs.mean), fix=fix, code="claim-far-above"
        )
    said = f"{percent(claim.value, 4)} is claimed of the student's own training, and {trained}"
    return remark(Outcome.PASSED, said, **details, code="claim-held")
