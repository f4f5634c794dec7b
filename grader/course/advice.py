"""What in a sound rubric is worth a second look? Only what is hardly ever meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from math import sqrt

from grader.course.bands import ACCURACY, Bands, band_on, chance_to_miss
from grader.course.points import points_words
from grader.course.variants import TABLE, Chosen
from grader.course.written import Path_
from grader.documents.wording import clean
from grader.model import Json, Place, Problem, Rubric, Rule, Task, Visibility

_Placed = tuple[Task, Path_, list[Path_]]  # with the task's path in the file and those of its rules

PRESENCE_ONLY = "text"  # the check that looks whether something was written, and leaves the rest to a person
# Settings under which 0 lets everything through, whatever the check.
DEMANDS = frozenset({"at_least", "threshold", "demand", "min_accuracy", "full_from"})
MOST_MISSES = 1 / 20  # of the times that the reference is trained: more often, the demand is what is wrong


def warnings(rubric: Rubric, chosen: Chosen, bands: Bands) -> Iterator[tuple[Place, Problem]]:
    """The warnings about a rubric that loaded, each with the place that it belongs to."""
    for code, path, what, fix in _all(rubric, chosen, bands):
        place = chosen.document.place(path)
        yield place, Problem(f"warning-{code}", clean(str(place)), what, fix)


def _all(rubric: Rubric, chosen: Chosen, bands: Bands) -> Iterator[tuple[str, Path_, str, str]]:
    tasks = list(_with_paths(rubric, chosen))
    yield from _tasks(rubric, tasks)
    yield from _unused(chosen)
    yield from _shared(tasks)
    for task, _, rules in tasks:
        for rule, path in zip(task.rules, rules, strict=True):
            if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", rule.id):
                what = f"the id {rule.id!r} is not in lower case with hyphens, as those of checks and findings are"
                yield "rule-id", (*path, "id"), what, "write it such as layer-table"
            if rule.visibility is Visibility.STAFF and rule.points > 0 and not rule.is_bonus:
                what = f"the student never sees the findings of this rule, which is worth {points_words(rule.points)}"
                yield "hidden-points", path, what, "write points: 0, or visibility: student"
            yield from _too_hard(rule, path, bands)
            for key, setting in rule.settings.items():
                if key in DEMANDS and _is_nought(setting):
                    yield "no-demand", (*path, key), f"{key} is 0: everything passes", "write what is demanded"


def _with_paths(rubric: Rubric, chosen: Chosen) -> Iterator[_Placed]:
    """Each task with its path in the file and those of its rules: a variant may leave out some between them."""
    entries = chosen.entries(chosen.document.value["tasks"])
    for task, (at, entry) in zip(rubric.tasks, entries, strict=True):
        yield task, ("tasks", at), [("tasks", at, "rules", index) for index, _ in chosen.entries(entry["rules"])]


def _tasks(rubric: Rubric, tasks: list[_Placed]) -> Iterator[tuple[str, Path_, str, str]]:
    for task, path, _ in tasks:
        if not task.title:
            what = f"the task {task.id!r} has no title: reports show its number only"
            yield "no-title", path, what, "add title: what the task is about"
    rules = list(rubric.rules())
    if rubric.points == 0:
        yield "no-points", ("tasks",), "no task has points: every scorecard is 0 of 0", "give the tasks points"
    elif all(rule.check == PRESENCE_ONLY for rule in rules if rule.points > 0 and not rule.is_bonus):
        what = f"every point hangs on the check {PRESENCE_ONLY!r}, which recomputes nothing: a person grades it all"
        yield "text-only", ("tasks",), what, "add a check that recomputes a claim"
    if rubric.pass_points == 0:
        yield "no-demand", ("pass_points",), "to pass takes 0 points: everybody does", "raise or remove it"


def _unused(chosen: Chosen) -> Iterator[tuple[str, Path_, str, str]]:
    """Names that nothing asks for, and entries of `networks` and `models` that no rule of any variant names."""
    document = chosen.document
    for name in chosen.unused:
        yield "unused-name", (TABLE, chosen.name, name), f"nothing asks for ${{{name}}}", "remove it, or use it"
    lists = [task.get("rules") for task in document.value["tasks"]]
    rules = [rule for entries in lists if isinstance(entries, list) for rule in entries if isinstance(rule, dict)]
    for table, key in (("networks", "network"), ("models", "model")):
        entries = document.value.get(table, {})
        named = {rule[key] for rule in rules if isinstance(rule.get(key), str)}
        is_default = key == "model" and len(entries) == 1  # taken by rules that name none
        for name in entries:
            if name not in named and not is_default:
                yield (
                    f"unused-{key}",
                    (table, name),
                    f"no rule uses the {key} {name!r}",
                    "remove it, or name it in a rule",
                )


def _shared(tasks: list[_Placed]) -> Iterator[tuple[str, Path_, str, str]]:
    """An answer that two tasks read: a rule was copied, and its key forgotten. Meant where a rule says so itself."""
    first: dict[str, Task] = {}
    for task, _, paths in tasks:
        for rule, path in zip(task.rules, paths, strict=True):
            if rule.answer is None or "judged_elsewhere" in rule.settings:
                continue
            other = first.setdefault(rule.answer, task)
            if other is not task:
                what = f"the tasks {other.id!r} and {task.id!r} read one answer, {rule.answer!r}"
                yield "shared-answer", (*path, "answer"), what, "give each its own, if it has one"


def _too_hard(rule: Rule, path: Path_, bands: Bands) -> Iterator[tuple[str, Path_, str, str]]:
    """An accuracy that the reference itself often misses: measured, so that no teacher finds it out in class."""
    demanded = _share(rule.settings.get("at_least"))
    if demanded is None or rule.settings.get("about", ACCURACY) != ACCURACY:
        return
    reference = rule.settings.get("reference")
    if isinstance(reference, dict):
        name = str(reference["recipe_name"])
    else:
        data = rule.settings.get("data") or (rule.settings.get("recompute") or {}).get("data")
        found = bands.of_data_set(data) if isinstance(data, str) else None
        if found is None:
            return
        name, reference = found
    if reference["metric"] != ACCURACY:
        return
    band = band_on(reference)
    step = _share(rule.settings.get("round_to"))
    least = float(demanded - step / 2 if step else demanded)
    if rule.settings.get("borderline") == "pass":  # what lies within the 95% interval of the demand has reached it
        least -= 1.96 * sqrt(least * (1 - least) / int(band["n"]))
    misses = chance_to_miss(band, least)
    if misses > MOST_MISSES:
        runs = len(band["runs"])
        what = (
            f"the reference {name!r} itself misses this {_how_often(misses)}: "
            f"{float(band['mean']):.2%} in the mean of {runs} run{'s' * (runs != 1)} on {band['device']}"
        )
        yield "too-hard", (*path, "at_least"), what, "demand less, or give the assignment a better reference"


def _how_often(share: float) -> str:
    """A probability as a reader takes it in.

    >>> _how_often(0.12), _how_often(0.5), _how_often(0.9999)
    ('about 12 times in 100', 'about 50 times in 100', 'nearly every time')
    """
    return "nearly every time" if share > 0.995 else f"about {100 * share:.0f} times in 100"


def _share(value: Json) -> Fraction | None:
    """A share of 1, as rubrics write it; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,10})?%", value):
        return Fraction(value.removesuffix("%")) / 100
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return Fraction(str(value))
    return None


def _is_nought(value: Json) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"0+(\.0*)?%", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0
