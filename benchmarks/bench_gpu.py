"""How long do all references take on one GPU, one after the other? Run: python benchmarks/bench_gpu.py [--quick]

P11: every reference network by its own recipe and loop, as `grader reference train` runs it: the images lie on the
device, bfloat16 and channels last where the recipe says so. And CIFAR-10 to 94% (fast_cifar.py): seconds of training,
with the test at each epoch's end. How several small trainings at once do there: bench_ensembles.py --all.

Without a GPU nothing is measured; with --quick each is then trained for two small mini-batches, by the same path.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from fast_cifar import RECIPE, FastNet
from figures import Figure, tell, versions_of
from image_parts import part

from grader.datasets import ImageSet, load
from grader.errors import GraderError
from grader.training import Recipe, Trained, device, load_reference, train
from grader.training.device import device_class
from grader.training.reference import assignments

REFERENCES = Path(__file__).resolve().parent.parent / "reference_solutions"
ALL_BAR_S, CIFAR_BAR_S, CIFAR_DEMAND = 300.0, 10.0, 0.94
ALL_ASKED = "all references on one GPU, one after the other in one command"
CIFAR_ASKED = f"CIFAR-10 to {CIFAR_DEMAND:.0%}, training with its tests"


def measure_all(*, is_tried: bool) -> Iterator[tuple[str, float, Trained | None, str]]:
    """Each reference: its name, its seconds with data and start, what it became, and what there is to say of it."""
    for folder in assignments(REFERENCES):
        reference = load_reference(REFERENCES / folder)
        for name, recipe in reference.recipes.items():
            started = time.monotonic()
            try:
                build = reference.network(name, reference.pretrained(name))
                made = trained(build, recipe, is_tried=is_tried)
            except GraderError as error:  # images or weights that are not here
                yield f"{folder} {name}", time.monotonic() - started, None, f"not trained: {error.problems[0].what}"
                continue
            demand = reference.demands.get(name)
            is_missed = demand is not None and made.test.value < demand and not is_tried
            missed = f", demanded {demand:g}" if is_missed else ""
            yield f"{folder} {name}", time.monotonic() - started, made, f"{made.test}{missed}"


def trained(build: Callable[[], torch.nn.Module], recipe: Recipe, *, is_tried: bool) -> Trained:
    """The whole training; where it is only tried, two mini-batches of 16 images, and 64 to test."""
    sets: list[ImageSet]
    if is_tried:
        recipe = replace(recipe, epochs=1, schedule="constant", milestones=(), most_steps=2, batch_size=16)
        sizes = (("train", 2 * recipe.batch_size), ("test", 64))
        sets = [part(recipe.data_set, split, n)[0] for split, n in sizes]
    else:
        sets = [load(recipe.data_set, split) for split in ("train", "test")]
    return train(build, recipe, *sets)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="two mini-batches of each, to see that it runs")
    asked = options.parse_args()
    on, versions = device(), versions_of("torch", "torchvision", "numpy")
    has_gpu = on.type == "cuda"
    if not has_gpu and not asked.quick:
        note = "no GPU on this machine; --quick tries every training for two mini-batches"
        tell([Figure("P11", ALL_ASKED, None, ALL_BAR_S, unit="s", n=0, note=note),
              Figure("P11", CIFAR_ASKED, None, CIFAR_BAR_S, unit="s", n=0, note=note)], versions=versions)  # fmt: skip
        return
    parts: dict[str, float] = {}
    missed = []
    for name, seconds, made, said in measure_all(is_tried=asked.quick):
        print(f"  {name}: {seconds:.1f} s, {said}", flush=True)
        if made is None or "demanded" in said:
            missed.append(f"{name} {said}")
        if made is not None:
            parts[f"{name}, s"] = seconds
    fast = trained(FastNet, RECIPE, is_tried=asked.quick)
    print(f"  FastNet on CIFAR-10: {fast.seconds:.1f} s, {fast.test}", flush=True)
    if asked.quick:
        where = device_class(on) if has_gpu else "no GPU on this machine"
        note = f"{where}: tried for two mini-batches each, {len(parts)} networks"
        tell([Figure("P11", ALL_ASKED, None, ALL_BAR_S, unit="s", n=len(parts), note=note),
              Figure("P11", CIFAR_ASKED, None, CIFAR_BAR_S, unit="s", n=1, note=note)], versions=versions)  # fmt: skip
        return
    note = "; ".join([f"{device_class(on)}, seed 0", *missed])
    is_reached = fast.test_accuracy.value >= CIFAR_DEMAND
    tell(
        [
            Figure("P11", ALL_ASKED, sum(parts.values()), ALL_BAR_S, unit="s", parts=parts, n=len(parts), note=note),
            Figure("P11", CIFAR_ASKED, fast.seconds if is_reached else None, CIFAR_BAR_S, unit="s",
                   parts={"training, s": fast.seconds, "right of the test images, %": 100 * fast.test_accuracy.value},
                   note=f"{device_class(on)}, seed 0" + "; the accuracy was not reached" * (not is_reached)),
        ],
        versions=versions,
    )  # fmt: skip


if __name__ == "__main__":
    main()
