"""Where does a reference network stand? In a folder of the course: model.py, recipes.py and, once trained, weights/.

model.py is what a perfect student would hand in: `build_model()` and nothing of ours. recipes.py holds `RECIPES`
(name -> Recipe) and `DEMANDS` (name -> what the assignment demands of it: test accuracy, or PSNR in dB of a network
that makes images). Where an assignment has several networks, its `NETWORKS` says which function of which file
builds that of a recipe (name -> "model:build_wide"); `build_model` builds the others. A trained recipe is three
files: <recipe>.pth (the weights), <recipe>.train.jsonl (the log), <recipe>.results.json (what came out, and of what).
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from grader.errors import CourseError
from grader.model import Json
from grader.training.evaluation import Accuracy, Errors
from grader.training.loop import Trained
from grader.training.recipe import Recipe

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Reference:
    """The reference solution of an assignment."""

    folder: Path
    build_model: Callable[[], torch.nn.Module]
    recipes: Mapping[str, Recipe]
    demands: Mapping[str, float]
    networks: Mapping[str, str] = field(default_factory=dict)

    def network(self, recipe_name: str) -> Callable[[], torch.nn.Module]:
        """What builds the network of a recipe, or CourseError for a file or a function that is missing."""
        if recipe_name not in self.networks:
            return self.build_model
        stem, _, function = self.networks[recipe_name].partition(":")
        found: Callable[[], torch.nn.Module] = _named(_run(self.folder / f"{stem}.py"), function)
        return found

    def recipe(self, name: str) -> Recipe:
        """The recipe of this name, or CourseError that lists them."""
        if name not in self.recipes:
            raise CourseError.single(
                f"there is no recipe {name!r}",
                where=str(self.folder / "recipes.py"),
                fix=f"name one of {', '.join(self.recipes)}",
            )
        return self.recipes[name]


def load_reference(folder: Path) -> Reference:
    """Read a reference solution. Runs its two files: they are the teacher's, and trusted.

    Raises:  CourseError for a file or a name in it that is missing
    """
    model, recipes = (_run(folder / name) for name in ("model.py", "recipes.py"))
    return Reference(
        folder=folder,
        build_model=_named(model, "build_model"),
        recipes=_named(recipes, "RECIPES"),
        demands=_named(recipes, "DEMANDS"),
        networks=getattr(recipes, "NETWORKS", {}),
    )


def save(trained: Sequence[Trained], recipe_name: str, recipe: Recipe, folder: Path, *, command: str) -> Json:
    """Write weights and results of runs that differ in their seed only; return the results as JSON.

    The weights are those of the first run, whose log `train` has written already.
    """
    import torch

    first = trained[0]
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(dict(first.state_dict), folder / f"{recipe_name}.pth")
    results = {
        "recipe_name": recipe_name,
        **_outcome(first.test),
        "n": first.test.n,
        "seed": first.seed,
        "seconds": round(first.seconds, 1),
        "device": first.device,
        "threads": first.threads,
        "versions": dict(first.versions),
        "command": command,
        "runs": [{"seed": run.seed, **_counted(run.test), "seconds": round(run.seconds, 1)} for run in trained],
        "recipe": recipe.to_json(),
    }
    (folder / f"{recipe_name}.results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return results


def _outcome(test: Accuracy | Errors) -> dict[str, Json]:
    first = {"accuracy": test.value} if isinstance(test, Accuracy) else {"psnr_db": test.value}
    return {**first, **_counted(test)}


def _counted(test: Accuracy | Errors) -> dict[str, Json]:
    """What was counted or summed, without what follows from it."""
    return {"correct": test.correct} if isinstance(test, Accuracy) else {"mae": test.mae, "mse": test.mse}


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise CourseError.single(
            "there is no such file", where=str(path), fix="name a folder with model.py and recipes.py"
        )
    spec = importlib.util.spec_from_file_location(f"reference_{path.parent.name}_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise CourseError.single("cannot be imported", where=str(path), fix="name it *.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _named(module: ModuleType, name: str) -> Json:
    if not hasattr(module, name):
        raise CourseError.single(f"{name} is missing", where=str(module.__file__), fix=f"define {name}")
    return getattr(module, name)
