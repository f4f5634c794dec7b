"""`grader reference`: the course's own networks. What there is, train one, measure what several seeds come to."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli.common import console, course_option, find_course, grading_options

if TYPE_CHECKING:
    from grader.course import Course
    from grader.evidence.calibration import Asked, Calibrated
    from grader.model import Json
    from grader.training.reference import Recipes


@click.group(epilog="Example: grader reference list")
def reference() -> None:
    """The course's own networks: list, train, measure."""


def _threads_option(function: Any) -> Any:
    return click.option(
        "--threads", default=1, show_default=True, type=click.IntRange(1), help="CPU threads: part of the result."
    )(function)


def _weights_option(function: Any) -> Any:
    return click.option(
        "--weights",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The weights that a fine-tuned network begins with, such as torchvision's ResNet18.",
    )(function)


# --- list -----------------------------------------------------------------------------------------


@reference.command("list", epilog="Example: grader reference list --json")
@click.option("--json", "is_json", is_flag=True, help="Print the list as JSON.")
@click.option("--markdown", "is_markdown", is_flag=True, help="Print the tables of a page, with versions and commands.")
@course_option
def list_references(is_json: bool, is_markdown: bool, course_folder: Path | None) -> None:
    """Show every reference network: its size, its data, what is demanded, and what was measured where."""
    from grader.reports.references import markdown, mean_text, value_text
    from grader.training.bands import listed

    rows = listed(find_course(course_folder).reference_solutions)
    if is_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if is_markdown:
        click.echo(markdown(rows))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in ("network", "parameters", "data", "demand", "mean ± sd", "worst", "measured"):
        is_number = column in ("parameters", "demand", "mean ± sd", "worst")
        folds = column in ("data", "measured")
        table.add_column(column, justify="right" if is_number else "left", no_wrap=not folds, overflow="fold",
                         min_width={"data": 8, "measured": 12}.get(column))  # fmt: skip
    for row in rows:
        metric, demand = row["metric"], row["demand"]
        named = (f"{row['assignment']} {row['network']}", f"{row['parameters']:,}", row["data_set"])
        demanded = "" if demand is None else value_text(demand, metric)
        for band in row["bands"]:
            is_met = demand is None or band["min"] >= demand
            worst = Text(value_text(band["min"], metric), "" if is_met else "red")
            measured = f"{len(band['runs'])} × {band['seconds']:g} s, {band['device']}"
            table.add_row(*named, demanded, mean_text(band, metric), worst, measured)
        if not row["bands"]:
            table.add_row(*named, demanded, "", "", Text("not measured", "yellow"))
    console().print(table)
    missing = [row["command"] for row in rows if not row["bands"]]
    if missing:  # below the table, whole: to paste
        click.echo("\nTo measure the others:\n" + "\n".join(f"  {command}" for command in missing))


def _band_words(band: Mapping[str, Json], metric: str) -> str:
    from grader.reports.references import mean_text, value_text

    runs = len(band["runs"])
    return (
        f"{mean_text(band, metric)} (worst {value_text(band['min'], metric)}), "
        f"{runs} run{'s' * (runs != 1)}, {band['device']}, {band['seconds']:g} s each"
    )


# --- train ----------------------------------------------------------------------------------------


@reference.command(epilog="Example: grader reference train digits reference --out /tmp/digits")
@click.argument("assignment")
@click.argument("network")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="The seed of the run.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Default: weights/ beside the recipe.")
@click.option("--until-demand", "is_until_demand", is_flag=True, help="Stop as soon as the demand is met.")
@_threads_option
@_weights_option
@click.option("--json", "is_json", is_flag=True, help="Print the results as JSON.")
@course_option
def train(
    assignment: str,
    network: str,
    seed: int,
    out: Path | None,
    is_until_demand: bool,
    threads: int,
    weights: Path | None,
    is_json: bool,
    course_folder: Path | None,
) -> None:
    """Train the reference NETWORK of ASSIGNMENT; keep its weights, log and results."""
    from grader.training.reference import train_and_save

    course = find_course(course_folder)
    recipes = _recipes(course, assignment)
    recipes.recipe(network)
    more = " --until-demand" * is_until_demand
    made = train_and_save(
        recipes,
        network,
        out=out or recipes.folder / "weights",
        data=course.data_root,
        seeds=[seed],
        threads=threads,
        is_until_demand=is_until_demand,
        weights_file=recipes.pretrained(network, weights),
        command=f"grader reference train {assignment} {network} --seed {seed} --threads {threads}{more}",
        say=lambda line: click.echo(line, err=is_json),
    )
    if is_json:
        click.echo(json.dumps(made, indent=2))


# --- calibrate ------------------------------------------------------------------------------------


@reference.command(epilog="Example: grader reference calibrate digits reference --runs 5")
@click.argument("assignment", required=False)
@click.argument("network", required=False)
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1), help="Seeds of each network, from 0.")
@click.option("--parallel", "is_parallel", is_flag=True, help="Train in workers of Ray.")
@click.option("--address", help="Join the Ray cluster at this address; 'auto' finds one that runs here.")
@_threads_option
@_weights_option
@click.option("--json", "is_json", is_flag=True, help="Print the band documents as JSON.")
@course_option
@grading_options
def calibrate(
    assignment: str | None,
    network: str | None,
    runs: int,
    is_parallel: bool,
    address: str | None,
    threads: int,
    weights: Path | None,
    is_json: bool,
    course_folder: Path | None,
    jobs: int | None,
    sandbox: str,
    no_cache: bool,
) -> int:
    """Train with several seeds and write the band: mean, spread, worst run, seconds, device, versions.

    Of one NETWORK of ASSIGNMENT, of all of that assignment, or of all of the course. What was measured on other kinds
    of devices stays.
    """
    del sandbox  # our own networks need none
    from grader.errors import MachineError
    from grader.evidence.calibration import calibrated
    from grader.evidence.own_folder import own_folder

    course = find_course(course_folder)
    wanted, refused = _wanted(course, assignment, network, runs=runs, threads=threads, weights=weights)
    runner = _runner(course, jobs=jobs, threads=threads, uses_cache=not no_cache, is_parallel=is_parallel,
                     address=address)  # fmt: skip

    def on_run(asked: Asked, result: Mapping[str, Json], count: int) -> None:
        from grader.reports.references import value_text
        from grader.training.bands import value_of

        metric = "accuracy" if "correct" in result else "psnr_db"
        reached = value_text(value_of(result, result["n"]), metric)
        said = f"{asked.assignment} {asked.recipe_name} seed {result['seed']}: {reached} in {result['seconds']:.1f} s"
        click.echo(f"{said} ({count} of {asked.runs})", err=True)

    documents, problems = [], list(refused)
    with own_folder(ends_orphans=is_parallel or bool(address)):
        for made in calibrated(wanted, runner, course.reference_solutions, on_run=on_run):
            if made.problem is not None:
                problems.append(made.problem)
            else:
                documents.append(made.document)
                click.echo(_summary(made), err=is_json)
    if is_json:
        click.echo(json.dumps(documents, indent=2))
    if problems:
        raise MachineError(problems)
    return 0


def _wanted(
    course: Course, assignment: str | None, network: str | None, *, runs: int, threads: int, weights: Path | None
) -> tuple[list[Asked], list[Any]]:
    """What is asked for; and, where all are, the problems of those that this machine cannot train."""
    from grader.errors import GraderError
    from grader.evidence.calibration import Asked
    from grader.training import device
    from grader.training.reference import assignments

    wanted: list[Asked] = []
    problems: list[Any] = []
    on = os.environ.get("GRADER_DEVICE", "").strip().lower() or device().type
    for name in [assignment] if assignment else assignments(course.reference_solutions):
        recipes = _recipes(course, name)
        names = [network] if network else list(recipes.recipes)
        for recipe_name in names:
            data = recipes.recipe(recipe_name).data_set
            try:
                _look_for(course, data)
                weights_file = recipes.pretrained(recipe_name, weights if network else None)
            except GraderError as error:
                if network:
                    raise
                problems.extend(error.problems)
                continue
            command = f"grader reference calibrate {name} {recipe_name} --runs {runs} --threads {threads}"
            wanted.append(Asked(name, recipes, recipe_name, runs, threads, on, command, weights_file))
    return wanted, problems


def _look_for(course: Course, data: str) -> None:
    """Raise DataSetMissing, or the damage, before anything is started."""
    from grader.datasets import digest

    for split in ("train", "test"):
        digest(data, split, root=course.data_root)


def _runner(
    course: Course, *, jobs: int | None, threads: int, uses_cache: bool, is_parallel: bool, address: str | None
) -> Any:
    from grader import sandbox
    from grader.evidence.cache import Cache
    from grader.evidence.kinds import Bench
    from grader.evidence.local import LocalRunner
    from grader.evidence.memory import workers_for
    from grader.places import cache_folder

    workers = jobs or max(1, workers_for(course.limits) // threads)
    if is_parallel or address:
        from grader.evidence.on_ray import RayRunner

        return RayRunner.for_course(course, workers=workers, address=address, sandbox="none", uses_cache=uses_cache)
    bench = Bench(course.limits, sandbox.level("none"), course.data_root)
    return LocalRunner(bench, workers=workers, cache=Cache(cache_folder("evidence")) if uses_cache else None)


def _summary(made: Calibrated) -> str:
    from grader.reports.references import value_text

    document = made.document or {}
    metric, demand = document["metric"], document["demand"]
    lines = [f"{made.asked.assignment} {made.asked.recipe_name}"]
    for band in document["bands"]:
        verdict = ""
        if demand is not None:
            missed = sum(value < demand for value in _values(band))
            verdict = f"; demanded {value_text(demand, metric)}: " + (
                "met by every run" if not missed else f"MISSED by {missed} of {len(band['runs'])} runs"
            )
        lines.append(f"  {_band_words(band, metric)}{verdict}")
    return "\n".join([*lines, f"  {made.file}"])


def _values(band: Mapping[str, Json]) -> Sequence[float]:
    from grader.training.bands import value_of

    return [value_of(run, band["n"]) for run in band["runs"]]


def _recipes(course: Course, assignment: str) -> Recipes:
    from grader.documents import did_you_mean
    from grader.errors import CourseError
    from grader.training.reference import assignments, load_recipes

    known = assignments(course.reference_solutions)
    if assignment not in known:
        raise CourseError.single(
            f"{assignment!r} has no reference solution",
            where=str(course.reference_solutions),
            fix=did_you_mean(assignment, known),
            code="no-reference",
        )
    return load_recipes(course.reference_solutions / assignment)
