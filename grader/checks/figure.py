"""Are the figures that were asked for there, and is anything on them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from grader.checks._maps_settings import PATH
from grader.checks.base import Check, register
from grader.model import EvidenceByJob, Finding, Json, Outcome, Rule, Submission

_PIXELS: Final[Mapping[str, Json]] = {"type": "integer", "minimum": 1, "maximum": 100_000}
_FIGURE: Final[Mapping[str, Json]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path"],
    "properties": {
        "path": {
            "anyOf": [PATH, {"type": "array", "minItems": 1, "maxItems": 10, "items": PATH}],
            "description": "the figure's path in the hand-in; of several the first one that is there",
        },
        "title": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "what it shows, in a few words, for who looks at it: train and validation loss",
        },
        "formats": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"enum": ["PNG", "JPEG", "GIF", "PDF", "SVG"]},
            "default": ["PNG", "JPEG", "GIF", "PDF", "SVG"],
            "description": "the formats that it may have; of PDF and SVG a person sees whether anything is on it",
        },
        "min_width": {**_PIXELS, "description": "the least width in pixels"},
        "min_height": {**_PIXELS, "description": "the least height in pixels"},
        "max_width": {**_PIXELS, "description": "the largest width in pixels"},
        "max_height": {**_PIXELS, "description": "the largest height in pixels"},
        "colour": {"enum": ["grey", "colour"], "description": "whether it must be grey, or have colours"},
        "content": {
            "enum": ["review", "presence"],
            "default": "review",
            "description": "whether a person looks at what it shows, or being there and not blank is enough",
        },
    },
}


@register
class Figure(Check):
    """Looks whether the figures that the assignment asks for are there and can be opened, and that they are not blank.

    Not covered: what a figure shows. A person looks at it.

        - check: figure
          figures:
            - {path: figures/loss.png, title: train and validation loss, min_width: 300, min_height: 200}
            - {path: [figures/filters.png, figures/filters.pdf], title: filters of the first layer}
    """

    name: ClassVar[str] = "figure"
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["figures"],
        "properties": {
            "figures": {
                "type": "array",
                "minItems": 1,
                "maxItems": 30,
                "items": _FIGURE,
                "description": "the figures that must be there; each has an equal share, and no two may be the same",
            },
            "unlike": {
                "type": "array",
                "maxItems": 30,
                "items": {"type": "string", "minLength": 1, "maxLength": 200},
                "description": "paths or patterns of other files of the hand-in that none of them may be the same as",
            },
            "templates": {
                "type": "array",
                "maxItems": 30,
                "items": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "description": "SHA-256 of pictures that the template comes with, which are no student's figure",
            },
        },
    }

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """Nothing yet: a person looks."""
        del rule, submission, evidence
        yield Finding(Outcome.UNKNOWN, "these figures are not looked at yet; a person looks", code="not-compared")
