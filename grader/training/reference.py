"""Where does a reference network stand? In a folder of the course: model.py, recipes.py and, once trained, weights/.

model.py is what a perfect student would hand in: `build_model()` and nothing of ours. recipes.py holds `RECIPES`
(name -> Recipe) and `DEMANDS` (name -> what the assignment demands of it: test accuracy, or PSNR in dB of a network
that makes images). Where an assignment has several networks, its `NETWORKS` says which function of which file
builds that of a recipe (name -> "model:build_wide"); `build_model` builds the others. A file whose networks begin
with weights that others trained has a `find_weights()`, and its function takes `weights_file`. A trained recipe is
three files: <recipe>.pth (the weights), <recipe>.train.jsonl (the log), <recipe>.results.json (what came out, and of
what). What several seeds came to is its band: bands/<recipe>.json, see bands.py.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from grader.datasets import data_root, load
from grader.documents import did_you_mean
from grader.errors import CourseError
from grader.frozen import dataclass
from grader.model import Json
from grader.training.evaluation import Accuracy, Errors
from grader.training.loop import Trained, train
from grader.training.recipe import Recipe

if TYPE_CHECKING:
    import torch


MODEL = "model:build_model"  # the network of a recipe that NETWORKS does not name


@dataclass(frozen=True)
class Recipes:
    """What recipes.py says. To read it takes no PyTorch."""

    folder: Path
    recipes: Mapping[str, Recipe]
    demands: Mapping[str, float]
    networks: Mapping[str, str] = field(default_factory=dict)

    def recipe(self, name: str) -> Recipe:
        """The recipe of this name, or CourseError that lists them."""
        if name not in self.recipes:
            raise CourseError.single(
                f"there is no recipe {name!r}",
                where=str(self.folder / "recipes.py"),
                fix=did_you_mean(name, self.recipes),
            )
        return self.recipes[name]

    def network_name(self, recipe_name: str) -> str:
        """What builds the network of a recipe, as FILE:FUNCTION."""
        return self.networks.get(recipe_name, MODEL)

    def network(self, recipe_name: str, weights_file: Path | None = None) -> Callable[[], torch.nn.Module]:
        """What builds the network of a recipe, or CourseError for a file or a function that is missing.

        `weights_file` holds the weights that it begins with, of a network whose function takes them.
        """
        return network(self.folder, self.network_name(recipe_name), weights_file)

    def pretrained(self, recipe_name: str, named: Path | None = None) -> Path | None:
        """The file of weights that the network begins with: `named`, else where its own file finds it.

        None for a network that begins without weights. Raises MachineError where there is no such file here.
        """
        stem, _, function = self.network_name(recipe_name).partition(":")
        module = _run(self.folder / f"{stem}.py")
        if not hasattr(module, "find_weights"):
            return None if named is None else _refuse_weights(module, function)
        found: Path = named or module.find_weights()
        return found

    def parameters(self, recipe_name: str) -> int:
        """How many numbers the network has, trained or frozen. It is built without memory, and without weights."""
        import torch

        stem, _, function = self.network_name(recipe_name).partition(":")
        module = _run(self.folder / f"{stem}.py")
        with torch.device("meta"):
            built = _named(module, "build_without_weights" if hasattr(module, "find_weights") else function)()
        return sum(tensor.numel() for tensor in built.parameters())


@dataclass(frozen=True, kw_only=True)
class Reference(Recipes):
    """The reference solution of an assignment."""

    build_model: Callable[[], torch.nn.Module]


def assignments(root: Path) -> tuple[str, ...]:
    """The assignments that have a reference solution below `root`, sorted."""
    return tuple(sorted(path.parent.name for path in root.glob("*/recipes.py")))


def load_recipes(folder: Path) -> Recipes:
    """Read recipes.py of a reference solution by running it: it is the teacher's, and trusted.

    Raises:  CourseError for a file or a name in it that is missing
    """
    recipes = _run(folder / "recipes.py")
    return Recipes(
        folder=folder,
        recipes=_named(recipes, "RECIPES"),
        demands=_named(recipes, "DEMANDS"),
        networks=getattr(recipes, "NETWORKS", {}),
    )


def load_reference(folder: Path) -> Reference:
    """Read a reference solution. Runs its two files: they are the teacher's, and trusted.

    Raises:  CourseError for a file or a name in it that is missing
    """
    build_model = _named(_run(folder / "model.py"), "build_model")
    read = load_recipes(folder)
    return Reference(folder, read.recipes, read.demands, read.networks, build_model=build_model)


def network(folder: Path, named: str, weights_file: Path | None = None) -> Callable[[], torch.nn.Module]:
    """What builds the network `named` (FILE:FUNCTION) of the reference solution in `folder`.

    Raises:  CourseError for a file or a function that is missing, or one that takes no `weights_file`
    """
    stem, _, function = named.partition(":")
    module = _run(folder / f"{stem}.py")
    found: Callable[..., torch.nn.Module] = _named(module, function)
    if weights_file is None:
        return found
    if "weights_file" not in inspect.signature(found).parameters:
        _refuse_weights(module, function)
    return partial(found, weights_file=weights_file)


def _refuse_weights(module: ModuleType, function: str) -> NoReturn:
    raise CourseError.single(
        f"{function} begins without weights, and a file of them was named",
        where=str(module.__file__),
        fix="leave out --weights: it is for networks that are fine-tuned",
    )


def train_and_save(
    reference: Recipes,
    recipe_name: str,
    *,
    out: Path,
    data: Path | None,
    seeds: Sequence[int],
    threads: int,
    command: str,
    is_until_demand: bool = False,
    weights_file: Path | None = None,
    say: Callable[[str], None] = print,
) -> Json:
    """Train a network with each of the seeds, and keep the first one's weights and log in `out`; the results as JSON.

    `say` hears of every epoch, and of every seed at its end.

    Raises:  CourseError for an unknown recipe, or `is_until_demand` where nothing is demanded; DataSetMissing;
             MachineError where the training diverges, or `is_until_demand` and no epoch reached the demand
    """
    import torch

    torch.set_num_threads(threads)
    recipe = reference.recipe(recipe_name)
    demand = reference.demands.get(recipe_name)
    if is_until_demand and demand is None:
        raise CourseError.single(
            f"nothing is demanded of {recipe_name!r}",
            where=str(reference.folder / "recipes.py"),
            fix=f"add {recipe_name!r} to DEMANDS, or leave out --until-demand",
        )
    build = reference.network(recipe_name, weights_file)
    sets = [load(recipe.data_set, split, root=data or data_root()) for split in ("train", "test")]
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for seed in seeds:
        log_path = out / f"{recipe_name}.train.jsonl" if seed == seeds[0] else None
        run = train(
            build,
            recipe,
            *sets,
            seed=seed,
            on_epoch=lambda record: say(_epoch(record)),
            log_path=log_path,
            until_demand=demand if is_until_demand else None,
        )
        made.append(run)
        say(f"seed {seed}: {run.test} in {run.seconds:.1f} s")
    first = made[0]
    asked = "" if demand is None else f", demanded {demand:.1%}" if demand <= 1 else f", demanded {demand:g} dB"
    is_missed = demand is not None and first.test.value < demand
    with_versions = ", ".join(f"{name} {version}" for name, version in first.versions.items())
    say(f"{reference.folder} {recipe_name}: {first.test}{asked}{' and MISSED' * is_missed}")
    say(f"  n {first.test.n:,}; {first.device}, threads {first.threads}; {with_versions}; seed {first.seed}")
    say(f"  {out / recipe_name}.pth")
    return save(made, recipe_name, recipe, out, command=command)


def _epoch(record: Mapping[str, Json]) -> str:
    if "test_accuracy" in record:
        reached = f"train {record['train_accuracy']:.2%}, test {record['test_accuracy']:.2%}"
    else:
        reached = f"test mean absolute error {record['test_mae']:.4f}"
    return f"  epoch {record['epoch']}: loss {record['train_loss']:.4f}, {reached}"


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
