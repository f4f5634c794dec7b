"""Do several seeds train faster at once than one by one? Run: python benchmarks/bench_ensembles.py [--quick] [--all]

E1: for each network, k seeds one after the other against all of them in the same steps (grader/training/ensemble.py):
CPU time of one thread, in turns; on a GPU seconds by the clock. And how far the weights are apart: the largest
difference of a tensor, against its own size. --all takes every reference whose network draws no chance itself.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from figures import Figure, tell, versions_of
from image_parts import part

from grader.training import Recipe, device, load_reference
from grader.training.device import device_class, settled
from grader.training.ensemble import trained_together
from grader.training.evaluation import resident
from grader.training.loop import deterministic
from grader.training.memory import memory_kept
from grader.training.steps import trained

REFERENCES = Path(__file__).resolve().parent.parent / "reference_solutions"
# Mini-batches that each is trained for, and seeds: about a second of CPU time each.
SMALL = (("digits", "reference", 40, 10), ("mnist-optimizers", "adam", 10, 4), ("lenet-cifar100", "lenet", 6, 4))
OTHERS = (
    ("mnist-optimizers", "sgd", 10, 4),
    ("mnist-optimizers", "fashion", 4, 4),
    ("mnist-fashion", "denoiser", 6, 4),
    ("mnist-fashion", "fashion-improved", 2, 2),
    ("mnist-fashion", "mnist", 2, 2),
    ("cifar10", "baseline", 2, 2),
    ("cifar10", "net1", 2, 2),
)


def measure(folder: str, name: str, *, steps: int, k: int, rounds: int) -> Figure:
    on = device()
    reference = load_reference(REFERENCES / folder)
    recipe = replace(settled(reference.recipe(name), on.type), epochs=1, log_every_steps=None)
    images, is_real = part(recipe.data_set, "train", recipe.batch_size * steps)
    data, build, classes = resident(images, on), reference.network(name), len(images.classes)
    alone_s, together_s, alone, together = [], [], [], []
    for _ in range(rounds + 1):
        spent, alone = _timed(lambda: [_alone(build, recipe, data, classes, seed) for seed in range(k)], on)
        alone_s.append(spent)
        spent, together = _timed(
            lambda: trained_together(build, recipe, data, classes=classes, seeds=range(k)), on
        )  # fmt: skip
        together_s.append(spent)
    apart = max(
        _apart(tensor, member.state_dict[key])
        for state, member in zip(alone, together, strict=True)
        for key, tensor in state.items()
    )
    first, second = min(alone_s[1:]), min(together_s[1:])  # the first round warms up
    parts = {"one by one, s": first, "at once, s": second, "weights apart, of their size": apart}
    note = f"{recipe.precision}, {device_class(on)}, {steps} mini-batches, {'real' if is_real else 'random'} images"
    asked = f"{k} seeds at once, against one by one ({folder} {name})"
    return Figure("E1", asked, first / second, None, is_at_most=False, parts=parts, n=steps * recipe.batch_size,
                  note=note)  # fmt: skip


def _alone(
    build: Callable[[], torch.nn.Module],
    recipe: Recipe,
    data: tuple[torch.Tensor, torch.Tensor],
    classes: int,
    seed: int,
) -> dict[str, torch.Tensor]:
    with deterministic(seed, data[0].device), memory_kept():
        model = build().to(data[0].device)
        for _ in trained(model, recipe, data, classes=classes, seed=seed):
            pass
    return {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}


def _timed(step: Callable[[], Any], on: torch.device) -> tuple[float, Any]:
    """CPU seconds on a CPU, which others may use too; by the clock elsewhere, until the device is done."""
    clock = time.process_time if on.type == "cpu" else time.monotonic
    started = clock()
    made = step()
    return clock() - started, made  # the weights lie on the CPU: nothing is left to be done


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    size = one.double().norm().item()
    return (one.double() - other.double()).norm().item() / size if size else 0.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="the smallest network, once")
    options.add_argument("--all", action="store_true", help="the larger networks too")
    asked = options.parse_args()
    torch.set_num_threads(1)
    networks = SMALL[:1] if asked.quick else SMALL + OTHERS if asked.all else SMALL
    for folder, name, steps, k in networks:
        figure = measure(folder, name, steps=steps, k=k, rounds=1 if asked.quick else 3)
        tell([figure], versions=versions_of("torch", "numpy"))


if __name__ == "__main__":
    main()
