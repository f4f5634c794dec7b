"""Train a reference network and keep its weights, log and results: python -m grader.training FOLDER RECIPE."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.datasets import data_root, load
from grader.errors import GraderError
from grader.training import load_reference, save, train
from grader.training.loop import Record


@click.command(epilog="Example: python -m grader.training reference_solutions/digits reference --out /tmp/digits")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("recipe_name", metavar="RECIPE")
@click.option("--seed", default=0, show_default=True, help="Seed of the first run, whose weights are kept.")
@click.option("--runs", default=1, show_default=True, type=click.IntRange(1), help="Runs, each with the next seed.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Default: weights/ in FOLDER.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data root. Default: GRADER_DATA.")
@click.option(
    "--threads", default=1, show_default=True, type=click.IntRange(1), help="CPU threads: part of the result."
)
def main(
    *, folder: Path, recipe_name: str, seed: int, runs: int, out: Path | None, data: Path | None, threads: int
) -> None:
    """Train the reference network in FOLDER by RECIPE."""
    import torch

    torch.set_num_threads(threads)
    try:
        reference = load_reference(folder)
        recipe = reference.recipe(recipe_name)
        out = out or folder / "weights"
        out.mkdir(parents=True, exist_ok=True)
        sets = [load(recipe.data_set, split, root=data or data_root()) for split in ("train", "test")]
        trained = []
        for of in range(seed, seed + runs):
            log_path = out / f"{recipe_name}.train.jsonl" if of == seed else None
            run = train(reference.network(recipe_name), recipe, *sets, seed=of, on_epoch=_show, log_path=log_path)
            trained.append(run)
            click.echo(f"seed {of}: {run.test} in {run.seconds:.1f} s")
    except GraderError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    count = f" --runs {runs}" if runs > 1 else ""
    command = f"python -m grader.training {folder} {recipe_name} --seed {seed}{count} --threads {threads}"
    save(trained, recipe_name, recipe, out, command=command)
    first = trained[0]
    made_with = ", ".join(f"{name} {version}" for name, version in first.versions.items())
    demand = reference.demands.get(recipe_name)
    asked = "" if not demand else f", demanded {demand:.1%}" if demand <= 1 else f", demanded {demand:g} dB"
    click.echo(f"{folder} {recipe_name}: {first.test}{asked}")
    click.echo(f"  n {first.test.n:,}; {first.device}, threads {first.threads}; {made_with}; seed {seed}")
    click.echo(f"  {out / recipe_name}.pth")


def _show(record: Record) -> None:
    if "test_accuracy" in record:
        reached = f"train {record['train_accuracy']:.2%}, test {record['test_accuracy']:.2%}"
    else:
        reached = f"test mean absolute error {record['test_mae']:.4f}"
    click.echo(f"  epoch {record['epoch']}: loss {record['train_loss']:.4f}, {reached}")


if __name__ == "__main__":
    main()
