"""Are the student's own images there, are they what was asked for, and what does the checkpoint say of them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from grader.checks._own_settings import SETTINGS
from grader.checks.base import Check, register
from grader.model import EvidenceByJob, Finding, Json, Outcome, Rule, Submission


@register
class OwnDigits(Check):
    """Looks at images of the student's own making, and at what the student's checkpoint says of them.

    Not covered: whether a picture shows what its name says.

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

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """Nothing yet: a person looks."""
        del rule, submission, evidence
        yield Finding(Outcome.UNKNOWN, "these images are not looked at yet; a person looks", code="not-compared")
