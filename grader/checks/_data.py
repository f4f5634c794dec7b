"""Does a rubric name images that there are, and a model that they fit?"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from grader.checks._lint import setting_problem
from grader.checks._settings import percent, share
from grader.datasets import names, source
from grader.documents import did_you_mean
from grader.model import Json, Problem, Rule


def data_problems(rule: Rule, data: str, split: str, steps: tuple[str | int, ...] = ()) -> Iterator[Problem]:
    """What is wrong with `data` and `split`, which stand below `steps` in the rule, and with its model's input."""
    if data not in names():
        fix = did_you_mean(data, names())
        yield setting_problem(rule, [*steps, "data"], f"there is no data set {data!r}", fix)
        return
    images = source(data)
    if split not in images.counts:
        what = f"the data set {data!r} has no split {split!r}"
        yield setting_problem(rule, [*steps, "split"], what, f"write {' or '.join(images.counts)}")
    model: Json = rule.settings.get("model")
    shape = tuple(model.get("input") or ()) if isinstance(model, dict) else ()
    if len(shape) > len(images.shape):
        what = f"the model's input {shape} has more axes than an image of {data!r}: {images.shape}"
        yield setting_problem(rule, ["model", "input"], what, "write the shape of one input, without the batch")
    elif shape and shape != images.shape:
        what = f"the model's input is {shape}, an image of {data!r} is {images.shape}"
        fix = f"write {list(images.shape)}, unless a `preprocess(images)` of the students turns one into the other"
        problem = setting_problem(rule, ["model", "input"], what, fix)
        yield Problem("warning-input", problem.where, problem.what, problem.fix)


def chance_problems(rule: Rule, data: str) -> Iterator[Problem]:
    """A warning where guessing earns credit: `at_least` at or under the chance level of the set, `from` under it."""
    if data not in names():
        return
    classes = len(source(data).classes)
    if not classes:
        return
    chance = Fraction(1, classes)
    at_least, start = (share(rule.settings[key]) if key in rule.settings else None for key in ("at_least", "from"))
    low = [
        ("at_least", at_least is not None and 0 < at_least <= chance),
        ("from", start is not None and start < chance),
    ]
    for key in (key for key, is_low in low if is_low):
        what = f"guessing among the {classes} classes of {data!r} gets {percent(chance)}: that earns credit here"
        problem = setting_problem(rule, [key], what, "demand clearly more than chance")
        yield Problem("warning-chance", problem.where, problem.what, problem.fix)


def image_count(data: Json, split: Json) -> int | None:
    """How many images a split has; None for one that is not known."""
    return source(data).counts.get(split) if data in names() else None
