"""Which training does a rule ask for? A recipe that stands in the rule, or the one of a reference's band."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Final

from grader.checks._data import data_problems
from grader.checks._lint import setting_problem
from grader.datasets import names, source
from grader.documents import did_you_mean
from grader.model import Json, Problem, Rule

# Which settings a recipe has is said by `grader.training.Recipe` alone; `recipe_problems` asks it.
RECIPE: Final[Mapping[str, Json]] = {
    "type": "object",
    "required": ["data_set", "optimizer", "learning_rate", "epochs", "batch_size"],
    "description": "the training, for who has no reference: a recipe's settings, as in reference_solutions/, such as "
    "{data_set: mnist, optimizer: adam, learning_rate: 0.002, epochs: 2, batch_size: 64}",
}


def recipe_problems(rule: Rule, recipe: Mapping[str, Json], steps: tuple[str | int, ...]) -> Iterator[Problem]:
    """What is wrong with a recipe that stands below `steps` in the rule, and with the model that it would train."""
    from grader.training.recipe import Recipe

    data = recipe["data_set"]
    if data not in names():
        fix = did_you_mean(data, names())
        yield setting_problem(rule, [*steps, "data_set"], f"there is no data set {data!r}", fix)
        return
    if source(data).targets:
        what = f"{data!r} holds images to be made, and students' networks are trained to name classes only"
        yield setting_problem(rule, [*steps, "data_set"], what, "name a data set with labels")
        return
    try:
        made = Recipe.from_json(recipe)
    except (TypeError, ValueError) as error:
        said = str(error).removeprefix("recipe: ")
        named = ", ".join(field.name for field in fields(Recipe))
        yield setting_problem(rule, steps, said, f"a recipe has the settings {named}")
        return
    if made.most_seconds is not None:
        what = "a training that a clock ends comes out differently on each machine"
        yield setting_problem(rule, [*steps, "most_seconds"], what, "end it by epochs or by steps")
    channels = source(data).shape[0]
    for key, values in (("mean", made.mean), ("std", made.std)):
        if len(values) not in (0, channels):
            what = f"{len(values)} numbers for images of {data!r}, which have {channels} channels"
            yield setting_problem(rule, [*steps, key], what, "write a number for each channel")
    yield from data_problems(rule, data, "test", steps)
