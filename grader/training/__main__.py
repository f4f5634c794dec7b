"""Train a reference network and keep its weights, log and results: python -m grader.training FOLDER RECIPE.

`grader reference train` does the same for the references of a course; here the folder may lie anywhere.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.errors import GraderError
from grader.training.reference import load_reference, train_and_save


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
    count = f" --runs {runs}" if runs > 1 else ""
    try:
        train_and_save(
            load_reference(folder),
            recipe_name,
            out=out or folder / "weights",
            data=data,
            seeds=range(seed, seed + runs),
            threads=threads,
            command=f"python -m grader.training {folder} {recipe_name} --seed {seed}{count} --threads {threads}",
            say=click.echo,
        )
    except GraderError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
