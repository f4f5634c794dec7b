"""Is the student's model built as the assignment demands?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import ClassVar

from grader.checks import _demands as demands
from grader.checks._cheating import code_remarks
from grader.checks._live import IGNORED, WORDS, live_layers
from grader.checks._network import batched_input, network_problems
from grader.checks._settings import MODEL, NETWORK
from grader.checks.base import Check, fault, missing, register
from grader.documents import did_you_mean
from grader.evidence.jobs import checkpoint_job, describe_job, embedded_job, missing_files
from grader.model import Evidence, EvidenceByJob, Finding, Job, Json, Place, Problem, Rule, Submission

_COUNT = {"type": "integer", "minimum": 0}
_BOUNDS: Mapping[str, Json] = {
    "at_least": {**_COUNT, "description": "the smallest number that is accepted"},
    "at_most": {**_COUNT, "description": "the largest number that is accepted"},
    "exactly": {**_COUNT, "description": "the only number that is accepted"},
}
_KIND: Mapping[str, Json] = {
    "type": "string",
    "minLength": 1,
    "description": "a kind of layer, such as conv2d, or a family: any_activation, any_dropout, any_norm, any_pool",
}
_KINDS: Mapping[str, Json] = {"type": "array", "minItems": 1, "items": _KIND}
_SHAPE: Mapping[str, Json] = {"type": "array", "maxItems": 8, "items": {"type": "integer", "minimum": 1}}
_VALUE: Mapping[str, Json] = {
    "type": ["integer", "number", "string", "boolean", "array"],
    "items": {"type": "integer"},
    "description": "the value under PyTorch's name for it; one number stands for all axes",
}


def _bounded(description: str) -> Mapping[str, Json]:
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": _BOUNDS,
        "description": description,
    }


@register
class ArchitectureCheck(Check):
    """Holds demands on structure against the live model: what it does in a forward pass, not what its code says.

    What it looks at: the model is built and called once in the sandbox, and every layer is noted with its kind,
    attributes, shapes and parameters. Every demand that is set comes to one finding, with equal credit:

    - `parameters`, `trainable`: a count `at_least`, `at_most` or `exactly`. Shared tensors count once, buffers not; but
      where the checkpoint holds so many other numbers that `parameters` is clearly exceeded, a person decides.
    - `input`, `output`: shapes without the batch.
    - `contains`: so many layers of a kind, `with` attributes under PyTorch's names (`kernel` for `kernel_size`).
    - `sequence`: these kinds in this order. Others may stand between, unless `exact: true`; the kinds under
      `ignoring` are skipped either way (by default activations, dropout and flatten).
    - `network`: output shape and parameters of every layer of one of the rubric's networks, one by one. What these
      do not tell goes to a person: another kind of pooling or norm, weights in no layer that is called.
    - `after_each`: directly behind `every` layer of a kind `follows` one of another; `except_last` spares the last.
    - `dropout`: how many layers, and their `p`. `forbidden`: kinds that must not occur.
    - `checkpoint_fits`: the weights that were handed in belong to this model.

    Kinds are matched by what they do: `relu` is `nn.ReLU` and `F.relu` alike, names of attributes are free, and
    5 is (5, 5). Families: any_activation, any_dropout, any_norm, any_pool.

    Not covered: a student's own subclass of a layer goes by its own class name; branches are seen in the order in
    which they are called; what happens only in training is not seen.

        - check: architecture
          model: cnn
          parameters: {at_most: 40000}
          output: [10]
          contains:
            - {kind: conv2d, at_least: 2, with: {kernel_size: 3}}
          after_each:
            - {every: conv2d, follows: batch_norm2d}
          dropout: {p: 0.5}
          forbidden: [any_pool]
          checkpoint_fits: true
    """

    name: ClassVar[str] = "architecture"
    uses_model: ClassVar[bool] = True
    uses_network: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["model"],
        "properties": {
            "model": MODEL,
            "network": NETWORK,
            "parameters": _bounded("how many parameters the model may have"),
            "trainable": _bounded("how many of them may be trained"),
            "input": {**_SHAPE, "description": "the shape of one input, without the batch"},
            "output": {**_SHAPE, "description": "the shape of the output for one input, without the batch"},
            "contains": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["kind"],
                    "properties": {
                        "kind": _KIND,
                        **_BOUNDS,
                        "with": {
                            "type": "object",
                            "minProperties": 1,
                            "additionalProperties": _VALUE,
                            "description": "attributes that the layers must have, such as {kernel_size: 5}",
                        },
                    },
                },
                "description": "layers that must occur; without a number, at least one",
            },
            "sequence": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["kind"],
                    "properties": {"kind": _KIND},
                    "additionalProperties": _VALUE,
                },
                "description": "kinds in the order in which they must come, each with attributes if wanted",
            },
            "exact": {
                "type": "boolean",
                "default": False,
                "description": "whether nothing else may stand between the layers of `sequence`",
            },
            "ignoring": {
                **_KINDS,
                "minItems": 0,
                "default": list(IGNORED),
                "description": "kinds that `sequence` skips where it does not ask for them",
            },
            "after_each": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["every", "follows"],
                    "properties": {
                        "every": _KIND,
                        "follows": _KIND,
                        "except_last": {
                            "type": "boolean",
                            "default": False,
                            "description": "whether the last layer of the kind `every` is spared",
                        },
                    },
                },
                "description": "kinds that must directly follow every layer of another kind",
            },
            "dropout": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    **_BOUNDS,
                    "p": {
                        "type": "number",
                        "minimum": 0,
                        "maximum": 1,
                        "description": "the share of values that every dropout layer drops",
                    },
                },
                "description": "dropout layers of any kind: how many (without a number, at least one), and their p",
            },
            "forbidden": {**_KINDS, "description": "kinds that must not occur"},
            "checkpoint_fits": {
                "const": True,
                "description": "true: the checkpoint's tensors must be those of the model",
            },
        },
    }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """A network that does not fit, bounds that leave nothing, `exact` without a sequence, unknown kinds."""
        settings, place = rule.settings, rule.place
        if set(settings) <= {"model", "exact", "ignoring", "reveal"}:
            yield Problem("setting", str(place), "nothing is demanded of the model", "add a demand, such as parameters")
        elif "sequence" not in settings:
            for word in ("exact", "ignoring"):
                if word in settings:
                    what, fix = "says nothing without a sequence", "add `sequence`, or leave it out"
                    yield Problem("setting", str(place.child(word)), what, fix)
        if isinstance(settings.get("network"), Mapping):
            told = list(network_problems(settings["network"], place.child("network")))
            yield from told or _input_problems(settings["network"], settings["model"], place)
        for bounds, at in _all_bounds(settings, place):
            least = max(bounds.get("at_least", 0), bounds.get("exactly", 0))
            if least > min(bounds.get("at_most", least), bounds.get("exactly", least)):
                what = f"{demands.bounds_words(bounds)}: no number is both"
                yield Problem("setting", str(at), what, "keep one of the two")
        for word, at in _kinds(settings, place):
            if word not in WORDS:
                what = f"{word!r} is no kind of layer that is known here, only a class of that name would count"
                yield Problem("warning-kind", str(at), what, did_you_mean(word, WORDS))

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The description of the live model, where its code is there; where its weights are asked, one with them."""
        if not missing_files(submission, rule.settings["model"], needs_checkpoint=False):
            yield from _jobs(rule, submission)
            yield from _held_jobs(rule, submission)

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding per demand."""
        absent = missing_files(submission, rule.settings["model"], needs_checkpoint=False)
        if absent:
            yield missing(absent)
            return
        described, *with_weights = (evidence[job] for job in _jobs(rule, submission))
        broken = fault(described)
        if broken is not None:
            yield broken
            return
        held, source = ([evidence.get(job) for job in _held_jobs(rule, submission)] or [None, None])[:2]
        yield from _findings(rule.settings, described.result, held)
        yield from code_remarks(source, Place(rule.settings["model"]["code"]))
        if "checkpoint_fits" in rule.settings:
            checkpoint = rule.settings["model"]["checkpoint"]
            # The model itself was built: what goes wrong with the weights is the weights' fault.
            broken = fault(with_weights[0]) if with_weights else None
            state = with_weights[0].result.get("state") if with_weights else None
            yield broken or demands.state_demand(state, checkpoint)


def _jobs(rule: Rule, submission: Submission) -> Iterator[Job]:
    """Without the checkpoint, so that a broken one hides nothing else; and with it, where it is there and asked."""
    model = rule.settings["model"]
    yield describe_job(submission, model)
    if "checkpoint_fits" in rule.settings and submission.file(model["checkpoint"]) is not None:
        yield describe_job(submission, model, with_checkpoint=True)


def _held_jobs(rule: Rule, submission: Submission) -> Iterator[Job]:
    """What numbers checkpoint and code hold, where there is a limit to them: read without running the model."""
    checkpoint = rule.settings["model"]["checkpoint"]
    if "parameters" in rule.settings and submission.file(checkpoint) is not None:
        yield checkpoint_job(submission, checkpoint)
        yield embedded_job(submission)


def _findings(settings: Mapping[str, Json], result: Mapping[str, Json], held: Evidence | None) -> Iterator[Finding]:
    place = Place(settings["model"]["code"])
    layers = live_layers(result)
    for word in ("parameters", "trainable"):
        if word in settings:
            called = "parameters" if word == "parameters" else "trainable parameters"
            found = demands.count_demand(called, int(result[word]), settings[word], place)
            yield demands.with_hidden(found, held, int(result[word]), settings[word]) if word == "parameters" else found
    for word in ("input", "output"):
        if word in settings:
            yield demands.shape_demand(word, result[f"{word}_shape"], settings[word], place)
    for wanted in settings.get("contains", ()):
        yield demands.contains_demand(layers, wanted, place)
    if "sequence" in settings:
        ignoring = settings.get("ignoring", IGNORED)
        is_exact = settings.get("exact", False)
        yield demands.sequence_demand(layers, settings["sequence"], ignoring, place, is_exact=is_exact)
    if "network" in settings:
        yield demands.network_demand(layers, settings["network"], int(result["parameters"]), place)
    for wanted in settings.get("after_each", ()):
        yield demands.after_each_demand(layers, wanted, place)
    if "dropout" in settings:
        yield demands.dropout_demand(layers, settings["dropout"], place)
    if "forbidden" in settings:
        yield demands.forbidden_demand(layers, settings["forbidden"], place)


def _input_problems(network: Mapping[str, Json], model: Mapping[str, Json], place: Place) -> Iterator[Problem]:
    """A network and a live model that take other inputs: no layer of the two would have one shape."""
    sample, own = batched_input(network)[0][1:], tuple(model.get("input") or ())
    if own and prod(sample) != prod(own):
        what = f"the model's input is {own}, that of the network it is held against is {sample}"
        yield Problem("warning-input", str(place.child("model", "input")), what, "write one of the two")


def _all_bounds(settings: Mapping[str, Json], place: Place) -> Iterator[tuple[Mapping[str, Json], Place]]:
    for word in ("parameters", "trainable", "dropout"):
        if word in settings:
            yield settings[word], place.child(word)
    for index, wanted in enumerate(settings.get("contains", ())):
        yield wanted, place.child("contains", index)


def _kinds(settings: Mapping[str, Json], place: Place) -> Iterator[tuple[str, Place]]:
    for group in ("contains", "sequence"):
        for index, entry in enumerate(settings.get(group, ())):
            yield entry["kind"], place.child(group, index, "kind")
    for group in ("forbidden", "ignoring"):
        for index, word in enumerate(settings.get(group, ())):
            yield word, place.child(group, index)
    for index, entry in enumerate(settings.get("after_each", ())):
        for word in ("every", "follows"):
            yield entry[word], place.child("after_each", index, word)
