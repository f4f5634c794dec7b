"""Of a fine-tuned checkpoint: which tensors are still the pretrained ones, which were trained, is the head a new one?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from grader.checks.base import Check, register
from grader.model import EvidenceByJob, Finding, Json, Rule, Submission

_NAMES: Final[Mapping[str, Json]] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 100,
    "uniqueItems": True,
    "items": {"type": "string", "minLength": 1, "maxLength": 200},
}


@register
class Transfer(Check):
    """Holds a fine-tuned checkpoint against the pretrained weights that it began with, tensor by tensor.

    Not covered: how the training was done (see `training-log`), and how good the network is (see `accuracy`).

        - check: transfer
          checkpoint: resnet.pth
          pretrained: resnet18
          frozen: [conv1, bn1, layer1, layer2, layer3]
          trained: [layer4]
          head: {name: fc, classes: 10}
    """

    name: ClassVar[str] = "transfer"
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["checkpoint", "pretrained"],
        "properties": {
            "checkpoint": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "the student's weights file, such as resnet.pth",
            },
            "pretrained": {
                "type": "string",
                "pattern": "^[a-z][a-z0-9_]{0,63}$",
                "description": "the network that it began with, as torchvision calls it, such as resnet18. Its weights "
                "file is the one that GRADER_RESNET18 names (GRADER_ and the name in capitals), else "
                "pretrained/resnet18*.pth under the data root, else torch.hub's own copy",
            },
            "frozen": {
                "anyOf": [
                    {"const": "rest", "description": "all that is named neither in `trained` nor in `head`"},
                    {**_NAMES, "description": "parts by the names that the pretrained network has for them"},
                ],
                "description": "the parts whose weights must still be the pretrained ones, such as [conv1, layer1]; "
                "rest: all but those of `trained` and `head`",
            },
            "trained": {
                **_NAMES,
                "description": "the parts whose weights must have been trained on, such as [layer4]",
            },
            "head": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "classes"],
                "properties": {
                    "name": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 200,
                        "description": "what the pretrained network calls its last part, such as fc",
                    },
                    "classes": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": 100_000,
                        "description": "how many classes the new one has to tell apart",
                    },
                },
                "description": "the part that has to be replaced by a new one",
            },
            "statistics": {
                "enum": ["ignore", "frozen"],
                "default": "ignore",
                "description": "BatchNorm's running statistics in frozen parts: they move in train mode even where all "
                "weights are frozen. ignore: told, and nothing more; frozen: they must be the pretrained ones too",
            },
            "parameters": {
                "type": "integer",
                "minimum": 1,
                "maximum": 10**12,
                "description": "how many parameters the network has with its new head; left out: not looked at",
            },
        },
    }

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """Not built yet: a person looks."""
        raise NotImplementedError("being built")
        yield
