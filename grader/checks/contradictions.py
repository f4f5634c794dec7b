"""Does a report say two things of its own network or training that cannot both be so? Both places are quoted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from grader.checks._settings import MODEL
from grader.checks.base import Check, register
from grader.model import EvidenceByJob, Finding, Json, Rule, Submission

_TOPICS: Final = (
    "pooling", "optimizer", "learning_rate", "epochs", "batch_size", "dropout", "layers", "channels", "sizes",
    "accuracy",
)  # fmt: skip


@register
class Contradictions(Check):
    """Looks for two places of a report that describe one network or one training in ways that exclude each other.

    Not covered: numbers against answers.json and logs (see `report-agreement`).

        - check: contradictions
          report: report.md
          topics: [pooling, optimizer, learning_rate]
    """

    name: ClassVar[str] = "contradictions"
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
            "topics": {
                "type": "array",
                "minItems": 1,
                "maxItems": len(_TOPICS),
                "uniqueItems": True,
                "items": {"enum": list(_TOPICS), "description": "a topic"},
                "description": "what is looked for; left out: everything",
            },
            "model": MODEL,
            "contradictions": {
                "enum": ["remark", "review", "fail"],
                "default": "review",
                "description": "remark: told, and the points are given; review: a person decides, and is told that "
                "nothing need be lost; fail: a contradiction costs the points",
            },
        },
    }

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """Not built yet: a person looks."""
        raise NotImplementedError("being built")
        yield
