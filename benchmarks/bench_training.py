"""How fast are networks trained and evaluated? Run: python benchmarks/bench_training.py [--quick]

P4: a small training in a student's style and by our loop, epoch by epoch in turns, one thread: seconds for the whole
set's epoch, and the accuracy that the same images, seen as often, give; and what share of its rate on the bare layers
the loop keeps. Where the ratio that the bare layers would give is under the bar, no loop reaches it on this processor.
P3: evaluation against a plain pass with batches of 1,000, and against the bare layers. P5: two trainings at once on two
cores against one after the other. Real images where GRADER_DATA has them; else noise, and no accuracy.

Seconds of P4 and P3 are CPU time, as others may load the machine; P5 has both, and by the clock it needs both cores.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from layer_rates import bare_seconds, best_of, cpu_seconds, layers_of, matrix_rate, training_flop
from student_style import BATCH_SIZE, train_like_a_student
from torch import nn

from grader.datasets import DataSetMissing, ImageSet, load, source
from grader.training import Recipe, load_reference
from grader.training.device import cpu_features, settled
from grader.training.evaluation import count_correct, resident
from grader.training.memory import memory_kept
from grader.training.steps import as_inputs, trained

REFERENCES = Path(__file__).resolve().parent.parent / "reference_solutions"
NETWORKS = {"MNIST, 6,444,170 parameters": ("mnist-fashion", "mnist"), "CIFAR-10, 390,410": ("cifar10", "baseline")}
P3_BAR, P4_BAR, P4_SHARE_BAR, P5_BAR = 4.0, 5.0, 0.4, 1.7
SEED = 0
CPU = torch.device("cpu")


def part(name: str, split: str, n: int) -> tuple[ImageSet, bool]:
    """The first n images of a shuffled split, and whether they are real."""
    try:
        whole = load(name, split)
    except DataSetMissing:
        of, rng = source(name), np.random.default_rng(SEED)
        images = rng.integers(0, 256, (n, *of.shape), dtype=np.uint8)
        return ImageSet(name, split, images, rng.integers(0, len(of.classes), n), of.classes, ""), False
    chosen = np.random.default_rng(SEED).permutation(len(whole))[:n]
    return replace(whole, images=whole.images[chosen], labels=whole.labels[chosen]), True


def ours(model: nn.Module, recipe: Recipe, image_set: ImageSet) -> Iterator[None]:
    """An epoch each time that one is asked for."""
    data = resident(image_set, CPU)
    epochs = trained(model, recipe, data, classes=len(image_set.classes), seed=SEED)
    while True:
        with memory_kept():
            next(epochs)
        yield


def accuracy(model: nn.Module, recipe: Recipe, test: ImageSet) -> float:
    images, labels = resident(test, CPU)
    return count_correct(model, images, labels, recipe.mean, recipe.std) / len(test)


def measure_training(title: str, folder: str, name: str, *, n: int, epochs: int | None) -> None:
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
    ratio, share = student_s / ours_s, bare_s / ours_s
    print(f"P4 {title}: {n:,} {'real' if is_real else 'random'} images, {recipe.epochs} epochs of each in turns")
    for who, spent, model, how in (
        ("student", student_s, models[0], f"DataLoader, float32, batch {BATCH_SIZE}"),
        ("ours", ours_s, models[1], f"{recipe.precision}, {recipe.memory_format}, batch {recipe.batch_size}"),
    ):
        right = f"then {accuracy(model, recipe, test):.1%} of {len(test):,} right" if is_real else ""
        print(f"  {who:8} {spent * whole:6.1f} s an epoch of all, {flop / spent:4.0f} GFLOP/s {right} ({how})")
    print(f"  ratio {ratio:.2f}, bar {P4_BAR:g}: {verdict(ratio, P4_BAR)}; of the bare layers {student_s / bare_s:.2f}")
    print(f"  bare layers {flop / bare_s:.0f} GFLOP/s in {recipe.precision}, a matrix product {highest:.0f}")
    print(f"  share of the bare layers' rate {share:.2f}, bar {P4_SHARE_BAR:g}: {verdict(share, P4_SHARE_BAR)}")


def measure_evaluation(title: str, folder: str, name: str, *, n: int) -> None:
    reference = load_reference(REFERENCES / folder)
    recipe, model = reference.recipe(name), reference.network(name)()
    images, labels = resident(part(recipe.data_set, "test", n)[0], CPU)
    model.eval()

    def plain() -> int:
        with torch.inference_mode():
            pairs = zip(images.split(1000), labels.split(1000), strict=True)
            return sum(int((model(as_inputs(x, recipe.mean, recipe.std)).argmax(1) == y).sum()) for x, y in pairs)

    plain_s = best_of(plain, 2)  # before ours: what it asks of the C library stays for the process, in part
    with memory_kept():
        ours_s = best_of(lambda: count_correct(model, images, labels, recipe.mean, recipe.std), 2)
        is_equal = plain() == count_correct(model, images, labels, recipe.mean, recipe.std)
        layers = layers_of(model, tuple(images.shape[1:]), 64)
        flop = sum(layer.flop for layer in layers) / 64
        rate, highest = 64 * flop / bare_seconds(layers, torch.float32, is_training=False), matrix_rate(torch.float32)
    used, ratio = flop * n / ours_s, plain_s / ours_s
    equal = "equal" if is_equal else "NOT EQUAL"
    print(f"P3 {title}: {n:,} images, exact float32, untrained weights; the counts are {equal}")
    print(f"  for 10,000: batches of 1,000 {plain_s * 1e4 / n:.2f} s, ours {ours_s * 1e4 / n:.2f} s")
    print(f"  ratio {ratio:.2f}, bar {P3_BAR:g} (meant for bfloat16 first, not built yet): {verdict(ratio, P3_BAR)}")
    print(f"  {used / 1e9:.0f} GFLOP/s, {used / rate:.2f} of the bare layers, {used / 1e9 / highest:.2f} of a product")


def measure_pair(folder: str, name: str, *, n: int, rounds: int) -> None:
    """Two trainings, each bound to a core of its own, by the clock."""
    cores = sorted(os.sched_getaffinity(0))[:2] if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        print("P5 two trainings at once: not measured, this process has one core")
        return
    for _ in range(rounds):
        first, second, both = (together(folder, name, n, on) for on in (cores[:1], cores[1:], cores))
        by_clock, by_cpu = ((first[at] + second[at]) / both[at] for at in (0, 1))
        print(f"P5 two trainings at once on two cores ({name}, {n:,} images each) against one after the other")
        print(f"  by the clock {by_clock:.2f}, bar {P5_BAR:g}: {verdict(by_clock, P5_BAR)}", end="; ")
        print(f"by CPU time, as if nobody else used the cores: {by_cpu:.2f}: {verdict(by_cpu, P5_BAR)}")


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


def verdict(ratio: float, bar: float) -> str:
    return "reached" if ratio >= bar else "NOT REACHED"


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
    n, epochs = (1280, 1) if asked.quick else (5120, None)
    units = sorted(cpu_features() & {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}) or ["not known"]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, units {', '.join(units)}, load {os.getloadavg()[0]:.1f}; "
        f"PyTorch {torch.__version__}, Python {platform.python_version()}; seeds from {SEED}, one thread"
    )
    for title, (folder, name) in NETWORKS.items():
        measure_training(title, folder, name, n=n, epochs=epochs)
    for title, (folder, name) in NETWORKS.items():
        measure_evaluation(title, folder, name, n=1000 if asked.quick else 2000)
    measure_pair("cifar10", "baseline", n=n // 4, rounds=1 if asked.quick else 2)
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
