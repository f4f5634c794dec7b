"""How is a repair told to a student? As one sentence with the arithmetic in it."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from grader.architecture.readers.printed import Format, PrintedShape
from grader.architecture.recompute.layouts import channels_of
from grader.architecture.recompute.steps import Step
from grader.architecture.recompute.stories import Story

_TOTAL_WORDS = {
    "parameters": "total of the parameters",
    "trainable": "trainable and non-trainable parameters",
    "parameters_mb": "megabytes of the parameters",
    "pass_mb": "megabytes of the forward/backward pass",
    "total_mb": "sum of the megabytes",
    "mult_adds": "total of the multiply-adds",
    "input_mb": "megabytes of the input",
}


def shape_words(shape: PrintedShape, form: Format) -> str:
    """A shape as the tool prints it.

    >>> shape_words((None, 64, 7), Format.TORCHSUMMARY), shape_words((None, 7, 64), Format.KERAS)
    ('[-1, 64, 7]', '(None, 7, 64)')
    """
    if form is Format.KERAS:
        return "(" + ", ".join("None" if axis is None else str(axis) for axis in shape) + ")"
    return "[" + ", ".join("-1" if axis is None else str(axis) for axis in shape) + "]"


def article(word: str) -> str:
    """The word behind "a" or "an".

    >>> article("Add"), article("LSTM"), article("Conv2d")
    ('an Add', 'an LSTM', 'a Conv2d')
    """
    return f"an {word}" if word[:1] in "AEIO" or word[:2] in {"LS", "RN"} else f"a {word}"


def count_sentence(step: Step, story: Story, said: int, mended: frozenset[str]) -> str:
    """Why a step has the count it now has (`step.count`) and not `said`."""
    count = step.count or 0
    settings = dict(story.fit.settings) if story.fit is not None else {}
    arithmetic = _count_arithmetic(step, story, settings)
    name = article(step.name)
    if arithmetic:
        return f"{name} {arithmetic} = {count:,} parameters, printed is {said:,}{_confirmed(mended)}"
    if count == 0:
        return f"{name} has nothing to learn, printed is {said:,}"
    if "parameters" in mended:
        return f"with {count:,} parameters for {step.name} the rows add up to the printed total, printed is {said:,}"
    return f"{name} there has {count:,} parameters, printed is {said:,}"


def _count_arithmetic(step: Step, story: Story, settings: Mapping[str, object]) -> str:
    family, count = step.operation.family, step.count or 0
    out = step.outputs[0] if step.outputs else ()
    if family in {"conv", "conv_transpose"} and story.given and settings:
        kernel = settings["kernel"]
        groups = settings["groups"]
        inputs, outputs = channels_of(step.operation, story.given), channels_of(step.operation, out)
        if not isinstance(kernel, tuple) or not isinstance(groups, int) or not inputs or not outputs:
            return ""
        size = "x".join(map(str, kernel))
        times = "*".join(map(str, kernel))
        per = f"{times}*{inputs}" if groups == 1 else f"{times}*{inputs}/{groups}"
        grouped = "" if groups == 1 else f" in {groups} groups"
        formula = f"({per}+1)*{outputs}" if settings["bias"] else f"{per}*{outputs}"
        no_bias = "" if settings["bias"] else " and no bias"
        return f"from {inputs} to {outputs} channels with a {size} kernel{grouped}{no_bias} has {formula}"
    if family == "linear" and story.given and settings and out:
        features, made = story.given[-1], out[-1]
        formula = f"({features}+1)*{made}" if settings.get("bias") else f"{features}*{made}"
        no_bias = "" if settings.get("bias") else " without a bias"
        return f"from {features} to {made} features{no_bias} has {formula}"
    channels = channels_of(step.operation, out) if out else None
    if family in {"batch_norm", "channel_norm", "instance_norm"} and channels and count % channels == 0 and count:
        return f"of {channels} channels has {count // channels}*{channels}"
    if family == "layer_norm" and out and out[-1] and count == 2 * out[-1]:
        return f"of {out[-1]} features has 2*{out[-1]}"
    return ""


def output_sentence(step: Step, story: Story, said: PrintedShape, mended: frozenset[str], form: Format) -> str:
    """Why a step has the output it now has and not `said`."""
    out = step.outputs[0]
    made, printed = shape_words(out, form), shape_words(said, form)
    name = article(step.name)
    settings = dict(story.fit.settings) if story.fit is not None else {}
    given = shape_words(story.given, form) if story.given else ""
    family = step.operation.family
    if family in {"same", "batch_norm", "channel_norm", "instance_norm", "layer_norm", "rms_norm", "prelu"} and given:
        text = f"{name} keeps the shape of its input, {made}, printed is {printed}"
    elif family == "flatten" and story.given and None not in story.given[1:]:
        sizes = "*".join(str(axis) for axis in story.given[1:])
        text = f"{name} of {given} makes {sizes} = {out[-1]} features, printed is {printed}"
    elif family == "linear" and given and step.count and out[-1]:
        per = "+1" if settings.get("bias") else ""
        features = story.given[-1] if story.given else 0
        text = (
            f"{name} with {features} input features and {step.count:,} parameters has "
            f"{step.count:,}/({features}{per}) = {out[-1]} outputs, printed is {printed}"
        )
    elif given and settings.get("kernel"):
        text = f"{name} with {_window_words(settings)} makes {made} of {given}, printed is {printed}"
        said_channels, channels = channels_of(step.operation, said), channels_of(step.operation, out)
        if step.count and said_channels != channels:
            text = (
                f"{name} with {_window_words(settings)} and {step.count:,} parameters makes {channels} channels "
                f"of {given}, printed is {printed}"
            )
    elif given and not step.operation.is_custom:
        text = f"{name} makes {made} of {given}, printed is {printed}"
    else:
        text = f"the rows around {step.name} go together with {made}, printed is {printed}"
    return text + _confirmed(mended)


def _window_words(settings: Mapping[str, object]) -> str:
    def one(name: str) -> str:
        value = settings.get(name)
        if not isinstance(value, tuple):
            return str(value)
        return str(value[0]) if len(set(value)) == 1 and name != "kernel" else "x".join(map(str, value))

    words = f"a {one('kernel')} kernel, stride {one('stride')}, padding {one('padding')}"
    dilation = settings.get("dilation")
    return words + (f", dilation {one('dilation')}" if isinstance(dilation, tuple) and prod(dilation) > 1 else "")


def _confirmed(mended: frozenset[str]) -> str:
    words = [_TOTAL_WORDS[name] for name in ("parameters", "pass_mb", "mult_adds") if name in mended]
    return f" (the printed {' and the '.join(words)} is right only so)" if words else ""
