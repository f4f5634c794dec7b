"""Are the feature maps and filters that were handed in those of the student's own checkpoint?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from grader.checks._maps_settings import SETTINGS
from grader.checks.base import Check, register
from grader.model import EvidenceByJob, Finding, Json, Outcome, Rule, Submission


@register
class FeatureMaps(Check):
    """Compares feature maps and filters that were handed in with those of the student's checkpoint, computed anew.

    Not covered: what the student says about them, and how they are drawn.

        - check: feature-maps
          model: net
          file: [figures/conv1.png, figures/conv1.npy]
          image: {data: mnist, split: test, index: 0}
          show:
            - {layer: {kind: conv2d, nth: 1}}
    """

    name: ClassVar[str] = "feature-maps"
    uses_model: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = SETTINGS

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """Nothing yet: a person looks."""
        del rule, submission, evidence
        yield Finding(Outcome.UNKNOWN, "these maps are not compared yet; a person looks", code="not-compared")
