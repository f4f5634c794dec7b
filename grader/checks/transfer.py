"""Which tensors of a fine-tuned checkpoint are still the pretrained ones, which were trained, is the head a new one?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import ClassVar, Final

from grader.checks._lint import setting_problem
from grader.checks._new_head import judge_head, judge_head_alone
from grader.checks._transferred import (
    STATISTICS,
    Held,
    held_in,
    is_another_network,
    is_part,
    judge_frozen,
    judge_statistics,
    judge_trained,
    of_parts,
)
from grader.checks.base import Check, fault, missing, passed, register, remark, review
from grader.evidence.jobs import checkpoint_job, transfer_job
from grader.model import EvidenceByJob, Finding, Job, Json, Outcome, Place, Problem, Rule, Submission

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

    What it looks at: the tensors of `checkpoint` and those of the course's weights file, both opened in the sandbox
    without torch. No code of the student's is run. Layers that have other names than torchvision's are found below a
    prefix such as `backbone.`, by what each part of the network holds, or by their order.

    - `frozen`: every weight is the pretrained one, bit for bit or up to the type it was saved in (half precision).
    - `trained`: every weight has changed.
    - `head`: the last part is a new one and has so many outputs.
    - `parameters`: how many the checkpoint holds.
    - BatchNorm's running statistics are looked at apart: they move in train mode even where the weights are frozen.
      By default that is a remark; `statistics: frozen` makes it a demand.

    Credit: each demand earns an equal part. Wrong is what the bits prove. A tensor that was not found, one that differs
    by rounding only, a block that was trained in part, and a network that shows no trace of the course's weights go to
    a person. Without a weights file only the head and the parameters can be told; the rest is UNKNOWN, and says which
    file is missing.

    Why it matters: that a part is frozen is easily written and easily forgotten, and the accuracy does not show it.

    Not covered: how the training was done (see `training-log`), and how good the network is (see `accuracy`). A layer
    that was unfrozen and whose weights did not move counts as frozen.

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

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Nothing demanded; a part that is demanded to be two things."""
        settings = rule.settings
        demands = ("frozen", "trained", "head", "parameters")
        if not any(key in settings for key in demands):
            what = "nothing is demanded of the checkpoint"
            yield setting_problem(rule, [], what, f"add one of {', '.join(demands)}")
        if "statistics" in settings and "frozen" not in settings:
            yield setting_problem(rule, ["statistics"], "says nothing without `frozen`", "leave it out")
        parts = [(key, part) for key in ("frozen", "trained") if key in settings for part in _listed(settings[key])]
        parts += [("head", settings["head"]["name"])] if "head" in settings else []
        for (key, part), (other, over) in combinations(parts, 2):
            if key != other and (is_part(part, over) or is_part(over, part)):
                what = f"{part!r} of `{key}` and {over!r} of `{other}` are one part, or one is within the other"
                yield setting_problem(rule, [other], what, "let each tensor be one of the two")

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """What the checkpoint holds, and how far it is from the pretrained weights."""
        path = rule.settings["checkpoint"]
        if submission.file(path) is not None:
            yield checkpoint_job(submission, path)
            yield transfer_job(submission, path, rule.settings["pretrained"])

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """Each demand for itself: what is frozen, what was trained, the head, the number of parameters."""
        settings = rule.settings
        path = settings["checkpoint"]
        if submission.file(path) is None:
            yield missing([path])
            return
        listed = evidence[checkpoint_job(submission, path)]
        broken = fault(listed)
        if broken is not None:
            yield broken
            return
        made = evidence[transfer_job(submission, path, settings["pretrained"])]
        place = Place(path)
        if made.is_done:
            yield from _compared(settings, made.result, place)
        elif (refused := fault(made)) is not None:
            yield from _alone(settings, listed.result, refused, place)
        if "parameters" in settings:
            yield _counted(settings["parameters"], listed.result, place)


def _listed(parts: Json) -> list[str]:
    return [] if isinstance(parts, str) else list(parts)


def _compared(settings: Mapping[str, Json], result: Mapping[str, Json], place: Place) -> Iterator[Finding]:
    """With the pretrained weights at hand."""
    rows = held_in(result)
    head = settings.get("head")
    unknown = [part for part in _named(settings) if not of_parts(rows, [part])]
    if unknown:
        said = f"the pretrained {settings['pretrained']} has no part {unknown[0]!r}; a person looks"
        fix = f"correct the rubric: its parts are {', '.join(_top(rows))}"
        yield Finding(Outcome.UNKNOWN, said, fix=fix, code="no-such-part")
        return
    of_weights = sum(key in settings for key in ("frozen", "trained"))
    if of_weights and is_another_network(rows):
        said = (
            f"nothing shows that this checkpoint began with the course's weights of {settings['pretrained']}: no layer "
            "is alike, so that it was trained from scratch, or began with other weights; a person looks"
        )
        fix = f"begin with torchvision's own weights of {settings['pretrained']}"
        yield review(said, weight=Fraction(of_weights), place=place, fix=fix, code="another-network")
        settings = {key: value for key, value in settings.items() if key not in ("frozen", "trained")}
    if "frozen" in settings:
        frozen = _frozen(settings, rows)
        yield judge_frozen(rows, frozen, place, is_by_name=result["way"].startswith("names"))
        yield from judge_statistics(rows, frozen, place, may_fail=settings.get("statistics", "ignore") == "frozen")
    if "trained" in settings:
        yield from judge_trained(rows, settings["trained"], place)
    if head is not None:
        yield from judge_head(head, rows, result, place)
    if result["way"] != "names":
        said = f"the tensors have other names than the pretrained ones and were matched by {result['way']}"
        yield remark(Outcome.PASSED, said, place=place, code="other-names")


def _named(settings: Mapping[str, Json]) -> list[str]:
    """Every part that the rule names."""
    head = [settings["head"]["name"]] if "head" in settings else []
    return [*_listed(settings.get("frozen", [])), *settings.get("trained", []), *head]


def _frozen(settings: Mapping[str, Json], rows: Sequence[Held]) -> list[str]:
    """The frozen parts; the rest is told by the network's own parts, or by tensors where one is frozen in part."""
    if settings["frozen"] != "rest":
        return list(settings["frozen"])
    others = [*settings.get("trained", []), *([settings["head"]["name"]] if "head" in settings else [])]
    whole = [part for part in _top(rows) if not any(is_part(other, part) for other in others)]
    single = [row.name for row in rows if not any(is_part(row.name, part) for part in [*whole, *others])]
    return whole + single


def _top(rows: Sequence[Held]) -> list[str]:
    return list(dict.fromkeys(row.name.partition(".")[0] for row in rows))


def _alone(
    settings: Mapping[str, Json], listed: Mapping[str, Json], refused: Finding, place: Place
) -> Iterator[Finding]:
    """Without the pretrained weights: the head's shape can be told, and nothing else."""
    for key in ("frozen", "trained"):
        if key in settings:
            parts = settings[key] if settings[key] == "rest" else ", ".join(settings[key])
            said = f"whether {key} ({parts}) holds cannot be told without the pretrained weights: {refused.said}"
            yield replace(refused, outcome=Outcome.UNKNOWN, credit=None, said=said)
    if "head" in settings:
        yield from judge_head_alone(settings["head"], listed, place)


def _counted(wanted: int, listed: Mapping[str, Json], place: Place) -> Finding:
    """The parameters in the checkpoint. It may hold more than they are, so that another number proves nothing."""
    found = sum(
        one["elements"]
        for one in listed["tensors"]
        if not one["is_shared"] and one["name"].rpartition(".")[2] not in STATISTICS
    )
    details: dict[str, Json] = {"place": place, "expected": f"{wanted:,}", "observed": f"{found:,}"}
    if found == wanted:
        return passed(f"the checkpoint holds {found:,} parameters", **details, code="parameters")
    said = (
        f"the checkpoint holds {found:,} numbers beside BatchNorm's statistics, and {wanted:,} parameters are asked for"
    )
    return review(f"{said}; a person looks", **details, code="parameters-differ")
