"""Where does the time of a training go? Run: python benchmarks/profile_training.py [--steps 8] [ASSIGNMENT:NETWORK ...]

For each reference network: milliseconds of a mini-batch, what they were spent on, and the floor: the layers that
multiply, each by itself. An operation's time is the least over the mini-batches, by its place in the step, as others
may load the machine and a profiler's clock is the wall's; what is left of a step's CPU time is between operations
(Python, autograd). One thread; real images where GRADER_DATA has them.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Any

import torch
from image_parts import part
from layer_rates import bare_seconds, best_of, layers_of
from torch.profiler import ProfilerActivity, profile, record_function

from grader.datasets import source
from grader.errors import GraderError
from grader.training import load_reference, steps
from grader.training.device import settled
from grader.training.evaluation import resident
from grader.training.loop import deterministic
from grader.training.memory import memory_kept
from grader.training.reference import assignments

REFERENCES = Path(__file__).resolve().parent.parent / "reference_solutions"
IMAGES, OPTIMIZER, BETWEEN = "images", "optimizer", "between"
# What an operation computes, by a part of its name; the first that fits.
KINDS = (
    (IMAGES, ("aten::index", "aten::randperm")),
    ("layers back", ("convolution_backward", "aten::mm", "aten::bmm")),
    ("layers forth", ("convolution", "conv2d", "addmm", "thnn", "linear")),
    ("BatchNorm", ("batch_norm",)),
    ("pooling", ("pool",)),
    ("ReLU, dropout", ("threshold", "relu", "clamp", "dropout", "bernoulli", "aten::mul", "aten::div")),
    ("copies, casts", ("copy_", "contiguous", "clone")),
    ("loss", ("log_softmax", "nll_loss", "mse_loss", "argmax", "aten::eq", "aten::sum")),
    ("filling", ("fill_", "zero_", "aten::add")),
)
CPU = torch.device("cpu")


def profiled(folder: str, name: str, *, count: int) -> None:
    """Train for so many mini-batches, thrice; the last time under the profiler. Print where its time went."""
    reference = load_reference(REFERENCES / folder)
    recipe = settled(reference.recipe(name))
    recipe = replace(recipe, epochs=4, schedule="constant", milestones=(), log_every_steps=None)
    images, is_real = part(recipe.data_set, "train", recipe.batch_size * count)
    model = reference.network(name, reference.pretrained(name))()
    with memory_kept(), deterministic(0, CPU), _named_parts():
        data = resident(images, CPU)
        epochs = steps.trained(model, recipe, data, classes=len(images.classes), seed=0)
        next(epochs)
        step_ms = best_of(partial(next, epochs), 2) * 1000 / count
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            next(epochs)
        dtype = torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32
        bare_ms = bare_seconds(layers_of(model, source(recipe.data_set).shape, recipe.batch_size), dtype) * 1000
    spent = _by_kind(list(seen.events()))
    spent[BETWEEN] = max(0.0, step_ms - sum(spent.values()))
    whole = sum(spent.values())
    epoch_s = step_ms / 1000 * source(recipe.data_set).counts["train"] / recipe.batch_size
    print(f"{folder} {name}: {step_ms:.2f} ms of CPU time for a batch of {recipe.batch_size}, {epoch_s:.1f} s an epoch")
    print(f"  the bare layers alone {bare_ms:.2f} ms, {bare_ms / step_ms:.0%} of it ({recipe.precision}, ", end="")
    print(f"{recipe.memory_format}; {'real' if is_real else 'random'} images; n = {count} mini-batches)")
    shares = sorted(spent.items(), key=lambda item: -item[1])
    print("  " + ", ".join(f"{kind} {ms / whole:.1%}" for kind, ms in shares if ms / whole >= 0.0005), flush=True)


def _by_kind(events: list[Any]) -> dict[str, float]:
    """Milliseconds of a mini-batch by kind."""
    starts = sorted(event.time_range.start for event in events if event.name.startswith("Optimizer.zero_grad"))
    found: list[list[tuple[str, float]]] = [[] for _ in starts[1:]]
    for event in sorted(events, key=lambda event: event.time_range.start):
        at = sum(start <= event.time_range.start for start in starts) - 1
        if 0 <= at < len(found):
            found[at].append((_kind(event), event.self_cpu_time_total / 1000))
    usual = statistics.mode(len(step) for step in found)  # an epoch's first and last have more to do
    spent: dict[str, float] = defaultdict(float)
    for same in zip(*(step for step in found if len(step) == usual), strict=True):
        spent[same[0][0]] += min(ms for _, ms in same)
    return spent


def _kind(event: Any) -> str:
    above = event
    while above is not None:
        if above.name.startswith("Optimizer."):
            return OPTIMIZER
        if above.name == IMAGES:
            return IMAGES
        above = above.cpu_parent
    return next((kind for kind, parts in KINDS if any(part in event.name for part in parts)), BETWEEN)


@contextmanager
def _named_parts() -> Iterator[None]:
    """The loop's own work on the images gets a name that the profiler sees."""
    names = ("augmented", "as_inputs", "channels_last")
    plain = {name: getattr(steps, name) for name in names}

    def named(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            with record_function(IMAGES):
                return function(*args, **kwargs)

        return inner

    for name, function in plain.items():
        setattr(steps, name, named(function))
    try:
        yield
    finally:
        for name, function in plain.items():
            setattr(steps, name, function)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("networks", nargs="*", metavar="ASSIGNMENT:NETWORK", help="default: all references")
    options.add_argument("--steps", type=int, default=8, help="mini-batches that are profiled (default 8)")
    asked = options.parse_args()
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}, Python {platform.python_version()}; one thread; seed 0")
    networks = asked.networks or [
        f"{folder}:{name}" for folder in assignments(REFERENCES) for name in load_reference(REFERENCES / folder).recipes
    ]
    for named in networks:
        try:
            profiled(*named.split(":"), count=asked.steps)
        except GraderError as error:  # weights to begin with that are not here
            print(f"{named}: not profiled: {error.problems[0].what}")


if __name__ == "__main__":
    main()
