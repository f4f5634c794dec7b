"""Packs trained weights for the repository: half precision, large layers cut to a low rank.

    python scripts/pack_weights.py model.pth reference_solutions/cifar10/weights/net.packed.safetensors --rank 16
    python scripts/pack_weights.py model.pth out.packed.safetensors --rank 16 --layer fc1.weight=32 --layer fc2.weight=0
    python scripts/pack_weights.py out.packed.safetensors model.pth --unpack

What is unpacked is not what was trained: measure its accuracy again, and claim that one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.errors import GraderError
from grader.mutants.packed import pack_file, unpacked_file


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--rank", type=click.IntRange(min=1), help="Of every tensor with 20,000 numbers or more.")
@click.option("--layer", "layers", multiple=True, metavar="NAME=RANK", help="Of one tensor; 0 keeps it whole.")
@click.option("--unpack", "is_unpacked", is_flag=True, help="The other way round: a packed file to a .pth.")
def main(source: Path, target: Path, rank: int | None, layers: tuple[str, ...], is_unpacked: bool) -> None:
    """Pack the weights in SOURCE (a state_dict, .pth) into TARGET (.packed.safetensors)."""
    try:
        if is_unpacked:
            target.write_bytes(unpacked_file(source))
        else:
            ranks = {name: int(own) for name, _, own in (layer.rpartition("=") for layer in layers)}
            pack_file(source, target, rank=rank, ranks=ranks)
    except (GraderError, ValueError) as error:
        sys.exit(str(error))
    click.echo(f"{target}: {target.stat().st_size:,} bytes (of {source.stat().st_size:,})")


if __name__ == "__main__":
    main()
