"""What do several runs of a reference come to? Its band, in the form of schemas/band.schema.json.

A band belongs to one kind of device: the same seed gives other weights on another. Runs of other kinds stay beside it
as long as they are of the same recipe.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.course.bands import band_file, read_band
from grader.errors import MachineError
from grader.model import Json
from grader.training.recipe import Recipe
from grader.training.reference import Recipes, assignments, load_recipes

_COUNTED = ("correct", "mae", "mse")


def value_of(run: Mapping[str, Json], n: int) -> float:
    """What a run reached: its accuracy, or its PSNR in dB.

    >>> value_of({"correct": 9401}, 10_000), value_of({"mae": 0.05, "mse": 0.01}, 10_000)
    (0.9401, 20.0)
    """
    if "correct" in run:
        return float(run["correct"]) / n
    return -10 * math.log10(run["mse"])


def band_of(results: Sequence[Mapping[str, Json]], *, command: str) -> dict[str, Json]:
    """The band of runs that differ in nothing but their seed.

    Raises:  MachineError where runs were made with other versions, threads or images: that would not be the spread of
             the seeds
    """
    first = results[0]
    same = ("device", "threads", "precision", "versions", "data", "n")
    for result in results:
        differing = [key for key in same if result[key] != first[key]]
        if differing:
            key = differing[0]
            raise MachineError.single(
                f"seed {first['seed']} ran with {key} {first[key]}, seed {result['seed']} with {result[key]}",
                where="calibration",
                fix="use machines that are alike, or calibrate on one of them",
                code="runs-differ",
            )
    ordered = sorted(results, key=lambda result: result["seed"])
    values = [value_of(result, result["n"]) for result in ordered]
    return {
        **{key: first[key] for key in same},
        "runs": [
            {
                "seed": result["seed"],
                **{key: result[key] for key in _COUNTED if key in result},
                "seconds": round(result["seconds"], 1),
                "cpu_seconds": round(result["cpu_seconds"], 1),
            }
            for result in ordered
        ],
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else None,
        "min": min(values),
        "max": max(values),
        "seconds": round(statistics.fmean(result["seconds"] for result in ordered), 1),
        "cpu_seconds": round(statistics.fmean(result["cpu_seconds"] for result in ordered), 1),
        "command": command,
        "made": max(result["day"] for result in results),
    }


def banded(
    recipes: Recipes,
    recipe_name: str,
    results: Sequence[Mapping[str, Json]],
    *,
    command: str,
    known: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """The band document of a recipe: a new band for each kind of device in `results`, beside those of `known`.

    Bands of `known` on the same kind of device, of another recipe or of another network are replaced.
    """
    by_device: dict[str, list[Mapping[str, Json]]] = {}
    for result in results:
        by_device.setdefault(result["device"], []).append(result)
    document: dict[str, Json] = {
        "recipe_name": recipe_name,
        "recipe": recipes.recipe(recipe_name).to_json(),
        "network": recipes.network_name(recipe_name),
        "parameters": results[0]["parameters"],
        "metric": "accuracy" if "correct" in results[0] else "psnr_db",
        "demand": recipes.demands.get(recipe_name),
    }
    kept = known["bands"] if known is not None and is_of(known, recipes) else []
    if known is not None and known["parameters"] != document["parameters"]:
        kept = []
    bands = [band for band in kept if band["device"] not in by_device]
    bands += [band_of(runs, command=command) for runs in by_device.values()]
    return {**document, "bands": sorted(bands, key=lambda band: str(band["device"]))}


def is_of(document: Mapping[str, Json], recipes: Recipes) -> bool:
    """Whether a band document measures its recipe as it stands now, with the network that it names now.

    Settings that a recipe has since, and that it leaves at their defaults, make it no other.
    """
    name = document["recipe_name"]
    try:
        measured = Recipe.from_json(document["recipe"])
    except (TypeError, ValueError):  # a setting that there is no longer
        return False
    return measured == recipes.recipe(name) and document["network"] == recipes.network_name(name)


def stored(root: Path, assignment: str, recipes: Recipes, recipe_name: str) -> Json | None:
    """The band document that was measured for the recipe as it stands now; None where there is none.

    A band of an older form of the recipe says nothing of this one.

    Raises:  CourseError for a file that is no band
    """
    path = band_file(root, assignment, recipe_name)
    if not path.is_file():
        return None
    document = read_band(path)
    return document if is_of(document, recipes) else None


def listed(root: Path) -> list[dict[str, Json]]:
    """Every reference network below `root`, as schemas/references.schema.json has it: the band where it was measured.

    Raises:  CourseError for recipes.py that cannot be read, or a file that is no band
    """
    rows = []
    for assignment in assignments(root):
        recipes = load_recipes(root / assignment)
        for name, recipe in recipes.recipes.items():
            document = stored(root, assignment, recipes, name)
            demand = recipes.demands.get(name)
            rows.append(
                {
                    "assignment": assignment,
                    "network": name,
                    "parameters": document["parameters"] if document else recipes.parameters(name),
                    "data_set": recipe.data_set,
                    "metric": document["metric"] if document else "psnr_db" if (demand or 0) > 1 else "accuracy",
                    "demand": demand,
                    "bands": document["bands"] if document else [],
                    "command": f"grader reference calibrate {assignment} {name} --runs 5",
                }
            )
    return rows
