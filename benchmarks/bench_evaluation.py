"""How fast are exact predictions? Run: python benchmarks/bench_evaluation.py [--quick]

P3: the classes of 10,000 test images by `grader.training.exact`, against the plain pass that everybody writes (float32,
batches of 1,000) and that it must equal image by image; in turns, one thread, CPU seconds, as others may load the
machine. Beside it what the bare convolutions and products would take in bfloat16, each alone and nothing between them:
no way to compute first answers in bfloat16 is faster than that. The networks are trained (the weights of the
references), for how many images are doubtful depends on that. Real images where GRADER_DATA has them; else noise.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from statistics import median

import torch
from figures import Figure, tell, versions_of
from image_parts import part
from layer_rates import bare_seconds, layers_of
from torch import Tensor, nn

from grader.mutants.packed import unpacked_file
from grader.training import Recipe, load_reference
from grader.training.evaluation import resident
from grader.training.exact import Course, classes_of
from grader.training.memory import memory_kept
from grader.training.steps import as_inputs

REFERENCES = Path(__file__).resolve().parent.parent / "reference_solutions"
NETWORKS = {"MNIST, 6,444,170 parameters": ("mnist-fashion", "mnist"), "CIFAR-10, 390,410": ("cifar10", "baseline")}
BAR = 4.0
LAYER_BATCH = 250


def trained_network(folder: str, name: str) -> tuple[nn.Module, Recipe]:
    """A reference's network with the weights that the repository has."""
    reference = load_reference(REFERENCES / folder)
    model = reference.network(name)().eval()
    weights = unpacked_file(REFERENCES / folder / "weights" / f"{name}.packed.safetensors")
    model.load_state_dict(torch.load(io.BytesIO(weights), weights_only=True))
    return model, reference.recipe(name)


def plain(model: nn.Module, recipe: Recipe, images: Tensor) -> tuple[Tensor, float]:
    """The classes as everybody finds them, and the CPU seconds that it takes."""
    began = time.process_time()
    with torch.inference_mode():
        found = [model(as_inputs(batch, recipe.mean, recipe.std)).argmax(dim=1) for batch in images.split(1000)]
    return torch.cat(found), time.process_time() - began


def ours(model: nn.Module, recipe: Recipe, images: Tensor) -> tuple[Tensor, float, Course]:
    began = time.process_time()
    with memory_kept():
        found, course = classes_of(model, images, recipe.mean, recipe.std)
    return found, time.process_time() - began, course


def measure(title: str, folder: str, name: str, *, n: int, rounds: int) -> Figure:
    model, recipe = trained_network(folder, name)
    image_set, is_real = part(recipe.data_set, "test", n)
    images, _ = resident(image_set, torch.device("cpu"))
    n = len(images)
    ours(model, recipe, images)  # the fastest way is measured, where it is not kept of an earlier run
    pairs = [(plain(model, recipe, images), ours(model, recipe, images)) for _ in range(rounds)]
    plain_s, ours_s = (median(one[at][1] for one in pairs) for at in (0, 1))
    off = sum(int((one[0] != other[0]).sum()) for one, other in pairs)
    course = pairs[-1][1][2]
    with memory_kept():
        layers = layers_of(model, tuple(images.shape[1:]), LAYER_BATCH)
        bare = {dtype: bare_seconds(layers, dtype, is_training=False) for dtype in (torch.bfloat16, torch.float32)}
    bare_s, full_s = (bare[dtype] * n / LAYER_BATCH for dtype in (torch.bfloat16, torch.float32))
    how = course.why_plain or (f"first answers in {course.pace.precision}" if course.pace else "")
    notes = [
        f"{'real images' if is_real else 'noise'}, trained weights, one thread, CPU time, median of {rounds} in turns",
        f"{how}; {off} of {rounds * n:,} images differ from the plain pass",
        f"bare bfloat16 layers alone would give {plain_s / bare_s:.2f}",
    ]
    return Figure(
        "P3",
        f"exact float32 predictions, against float32 in batches of 1,000 ({title})",
        None if off else plain_s / ours_s,
        BAR,
        is_at_most=False,
        parts={
            "plain, s": plain_s,
            "ours, s": ours_s,
            **{f"of it {part_}, s": spent for part_, spent in course.seconds.items()},
            "doubtful": course.again / n,
            "in plain batches": course.plain,
            "bare bfloat16 layers, s": bare_s,
            "bare float32 layers, s": full_s,
        },
        n=n,
        note="; ".join(notes),
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="2,000 images, once")
    asked = options.parse_args()
    torch.set_num_threads(1)
    for title, (folder, name) in NETWORKS.items():
        figure = measure(title, folder, name, n=2000 if asked.quick else 10_000, rounds=1 if asked.quick else 3)
        tell([figure], versions=versions_of("torch", "numpy"))


if __name__ == "__main__":
    main()
