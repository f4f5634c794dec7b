"""How fast are networks trained? Run: python benchmarks/bench_training.py [--quick]

P4: a small training in a student's style and by our loop, epoch by epoch in turns, one thread: seconds for the whole
set's epoch, and the accuracy that the same images, seen as often, give; and what share of its rate on the bare layers
the loop keeps. Where the ratio that the bare layers would give is under the bar, no loop reaches it on this processor.
P5: two trainings at once on two cores, against one after the other. Real images where GRADER_DATA has them; else noise.

Seconds of P4 are CPU time, as others may load the machine; P5 goes by the clock, which needs both cores free, and says
what CPU time gives beside it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import torch
from figures import Figure, tell, versions_of
from image_parts import SEED, part
from layer_rates import bare_seconds, cpu_seconds, layers_of, matrix_rate, training_flop
from student_style import BATCH_SIZE, train_like_a_student
from torch import nn

from grader.datasets import ImageSet, source
from grader.training import Recipe, load_reference
from grader.training.device import settled
from grader.training.evaluation import count_correct, resident
from grader.training.loop import deterministic
from grader.training.memory import memory_kept
from grader.training.steps import trained

REFERENCES = Path(__file__).resolve().parent.parent / "reference_solutions"
NETWORKS = {"MNIST, 6,444,170 parameters": ("mnist-fashion", "mnist"), "CIFAR-10, 390,410": ("cifar10", "baseline")}
P4_BAR, P4_SHARE_BAR, P5_BAR = 5.0, 0.4, 1.7
CPU = torch.device("cpu")


def ours(model: nn.Module, recipe: Recipe, image_set: ImageSet) -> Iterator[None]:
    """An epoch each time that one is asked for, as `train` runs it."""
    data = resident(image_set, CPU)
    epochs = trained(model, recipe, data, classes=len(image_set.classes), seed=SEED)
    while True:
        with memory_kept(), deterministic(SEED, CPU):
            next(epochs)
        yield


def accuracy(model: nn.Module, recipe: Recipe, test: ImageSet) -> float:
    images, labels = resident(test, CPU)
    return count_correct(model, images, labels, recipe.mean, recipe.std) / len(test)


def measure_training(title: str, folder: str, name: str, *, n: int, epochs: int | None) -> list[Figure]:
    reference = load_reference(REFERENCES / folder)
    recipe = settled(reference.recipe(name))
    recipe = replace(recipe, epochs=epochs or recipe.epochs, log_every_steps=None)
    (images, is_real), (test, _) = part(recipe.data_set, "train", n), part(recipe.data_set, "test", 2000)
    models = []
    for _ in range(2):
        torch.manual_seed(SEED)
        models.append(reference.network(name)())
    few = replace(images, images=images.images[:256], labels=images.labels[:256])
    for style in (train_like_a_student, ours):
        next(style(reference.network(name)(), recipe, few))  # what the first step alone costs
    styles = [train_like_a_student(models[0], recipe, images), ours(models[1], recipe, images)]
    seconds = [[cpu_seconds(partial(next, style)) for style in styles] for _ in range(recipe.epochs)]
    student_s, ours_s = (median(column) for column in zip(*seconds, strict=True))
    with memory_kept():
        layers = layers_of(reference.network(name)(), source(recipe.data_set).shape, recipe.batch_size)
        dtype = torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32
        bare_s = bare_seconds(layers, dtype, is_training=True) * n / recipe.batch_size
        highest = matrix_rate(dtype)
    whole, flop = source(recipe.data_set).counts["train"] / n, training_flop(layers) * n / recipe.batch_size / 1e9
    parts = {
        "student's epoch of all images, s": student_s * whole,
        "ours, s": ours_s * whole,
        "the bare layers, s": bare_s * whole,
    }
    if is_real:
        right = [accuracy(model, recipe, test) for model in models]
        parts |= {"right of the test images after it, student, %": 100 * right[0], "ours, %": 100 * right[1]}
    how = f"{recipe.precision}, {recipe.memory_format}, batch {recipe.batch_size}, against float32, batch {BATCH_SIZE}"
    best = student_s / bare_s
    floor = f"; the bare layers, with nothing between them, would give {best:.3g}: no loop gives more here"
    about = f"{how}; {'real' if is_real else 'random'} images, {recipe.epochs} epochs of each in turns"
    return [
        Figure("P4", f"training epoch, one thread, against a student's loop ({title})", student_s / ours_s, P4_BAR,
               is_at_most=False, parts=parts, n=n, note=about + (floor if best < P4_BAR else "")),
        Figure("P4", f"share of the rate of its bare layers that the loop keeps ({title})", bare_s / ours_s,
               P4_SHARE_BAR, is_at_most=False, unit="", n=n, note=f"layers alone in {recipe.precision}",
               parts={"loop, GFLOP/s": flop / ours_s, "layers, GFLOP/s": flop / bare_s,
                      "a matrix product, GFLOP/s": highest}),
    ]  # fmt: skip


def measure_pair(folder: str, name: str, *, n: int, rounds: int) -> Figure:
    """Two trainings, each bound to a core of its own, by the clock."""
    asked = f"two trainings at once on two cores, against one after the other ({name})"
    cores = sorted(os.sched_getaffinity(0))[:2] if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        return Figure("P5", asked, None, P5_BAR, is_at_most=False, note="this process has one core")
    runs = []
    for _ in range(rounds):
        first, second, both = (together(folder, name, n, on) for on in (cores[:1], cores[1:], cores))
        runs.append((first, second, both))
    ratios = [[(first[at] + second[at]) / both[at] for first, second, both in runs] for at in (0, 1)]
    best = max(range(rounds), key=ratios[0].__getitem__)  # others can only make it worse
    first, second, both = runs[best]
    parts = {"one core, s": first[0], "the other, s": second[0], "both at once, s": both[0],
             "ratio of CPU time, x": ratios[1][best]}  # fmt: skip
    note = f"{rounds} rounds, the best by the clock; CPU time is what it would be if nobody else used the cores"
    return Figure("P5", asked, ratios[0][best], P5_BAR, is_at_most=False, parts=parts, n=n, note=note)


def together(folder: str, name: str, n: int, cores: list[int]) -> tuple[float, float]:
    """Seconds until a training on each of the cores is done, and the most CPU seconds that one of them took.

    The processes have begun, and warmed up, before.
    """
    command = [sys.executable, __file__, "--one", f"{folder}:{name}:{n}"]
    pipe = subprocess.PIPE
    children = [subprocess.Popen([*command, str(core)], stdin=pipe, stdout=pipe, text=True) for core in cores]
    pipes = [(child.stdin, child.stdout) for child in children if child.stdin and child.stdout]
    for _, said in pipes:
        said.readline()
    started = time.monotonic()
    for told, _ in pipes:
        print("go", file=told, flush=True)
    cpu_s = [float(said.readline()) for _, said in pipes]
    spent = time.monotonic() - started
    for child in children:
        child.communicate("end\n")
    return spent, max(cpu_s)


def one_training(folder: str, name: str, n: int, core: int) -> None:
    """One of the two: an epoch on n images to warm up, and one when told to."""
    os.sched_setaffinity(0, {core})
    reference = load_reference(REFERENCES / folder)
    recipe = replace(settled(reference.recipe(name)), epochs=2)
    image_set, _ = part(recipe.data_set, "train", n)
    epochs = ours(reference.network(name)(), recipe, image_set)
    for _ in range(2):
        print(cpu_seconds(lambda: next(epochs)), flush=True)
        sys.stdin.readline()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="smaller parts, once each")
    options.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    asked = options.parse_args()
    torch.set_num_threads(1)
    if asked.one:
        folder, name, n = asked.one[0].split(":")
        one_training(folder, name, int(n), int(asked.one[1]))
        return
    versions = versions_of("torch", "torchvision", "numpy")
    n, epochs = (1280, 1) if asked.quick else (5120, None)
    for title, (folder, name) in NETWORKS.items():
        tell(measure_training(title, folder, name, n=n, epochs=epochs), versions=versions)
    tell([measure_pair("cifar10", "baseline", n=n // 4, rounds=1 if asked.quick else 3)], versions=versions)


if __name__ == "__main__":
    main()
