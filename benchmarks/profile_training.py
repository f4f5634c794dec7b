"""Where does the time of a training go? Run: python benchmarks/profile_training.py [--steps 8] [ASSIGNMENT:NETWORK ...]

For each reference network: milliseconds of a mini-batch, what they were spent on, and the floor: the layers that
multiply, each by itself. All is CPU time of one thread, as others may load the machine (torch.profiler has the wall's
clock); what is left of a step is between its operations: Python, autograd. Real images where GRADER_DATA has them.
"""

from __future__ import annotations

import argparse
import platform
import time
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
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

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
    (IMAGES, ("aten.index", "aten.randperm", "aten.split")),
    ("layers back", ("convolution_backward", "aten.mm", "aten.bmm")),
    ("layers forth", ("convolution", "addmm", "linear")),
    ("BatchNorm", ("batch_norm",)),
    ("pooling", ("pool",)),
    ("ReLU, dropout", ("threshold", "relu", "dropout", "bernoulli", "aten.mul", "aten.div")),
    ("copies, casts", ("copy", "clone")),
    ("loss", ("log_softmax", "nll_loss", "mse_loss", "argmax", "aten.eq", "aten.sum")),
    ("filling, adding", ("fill_", "zero", "ones", "aten.add")),
)
CPU = torch.device("cpu")


def profiled(folder: str, name: str, *, count: int) -> None:
    """Train for so many mini-batches, four times; in the last, time every operation. Print where the time went."""
    reference = load_reference(REFERENCES / folder)
    recipe = settled(reference.recipe(name))
    recipe = replace(recipe, epochs=5, schedule="constant", milestones=(), log_every_steps=None)
    images, is_real = part(recipe.data_set, "train", recipe.batch_size * count)
    model = reference.network(name, reference.pretrained(name))()
    operations = Operations()
    with memory_kept(), deterministic(0, CPU), _named_parts(operations):
        data = resident(images, CPU)
        epochs = steps.trained(model, recipe, data, classes=len(images.classes), seed=0)
        next(epochs)
        step_ms = best_of(partial(next, epochs), 2) * 1000 / count
        with operations:
            next(epochs)
        dtype = torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32
        bare_ms = bare_seconds(layers_of(model, source(recipe.data_set).shape, recipe.batch_size), dtype) * 1000
    spent = {kind: 1000 * seconds / count for kind, seconds in operations.seconds.items()}
    spent[BETWEEN] = max(0.0, step_ms - sum(spent.values()))
    whole = sum(spent.values())
    epoch_s = step_ms / 1000 * source(recipe.data_set).counts["train"] / recipe.batch_size
    print(f"{folder} {name}: {step_ms:.2f} ms of CPU time for a batch of {recipe.batch_size}, {epoch_s:.1f} s an epoch")
    print(f"  the bare layers alone {bare_ms:.2f} ms, {bare_ms / step_ms:.0%} of it ({recipe.precision}, ", end="")
    print(f"{recipe.memory_format}; {'real' if is_real else 'random'} images; n = {count} mini-batches)")
    shares = sorted(spent.items(), key=lambda item: -item[1])
    print("  " + ", ".join(f"{kind} {ms / whole:.1%}" for kind, ms in shares if ms / whole >= 0.0005), flush=True)


class Operations(TorchDispatchMode):
    """CPU seconds of each operation of this thread, forth and back, by what it computes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = defaultdict(float)
        self.named = ""  # what all operations count as, for now

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        started = time.thread_time()
        made = function(*args, **(kwargs or {}))
        self.seconds[self.named or _kind(str(function))] += time.thread_time() - started
        return made

    def named_as(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            self.named = kind
            try:
                return function(*args, **kwargs)
            finally:
                self.named = ""

        return inner


def _kind(operation: str) -> str:
    return next((kind for kind, parts in KINDS if any(part in operation for part in parts)), "others")


@contextmanager
def _named_parts(operations: Operations) -> Iterator[None]:
    """The loop's own work on the images, and the optimizer's on the weights, count as that."""
    names = ("augmented", "as_inputs", "channels_last")
    plain = {name: getattr(steps, name) for name in names}
    for name, function in plain.items():
        setattr(steps, name, operations.named_as(IMAGES, function))
    hooks = [
        register_optimizer_step_pre_hook(lambda *_: setattr(operations, "named", OPTIMIZER)),
        register_optimizer_step_post_hook(lambda *_: setattr(operations, "named", "")),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
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
