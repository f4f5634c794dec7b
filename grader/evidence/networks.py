"""How are a student's layers shown, and how is a student's network trained? Two kinds of job, in the sandbox.

Arrays go into the evidence as text: raw float32 in base64, which `unpacked` reads back.
"""

from __future__ import annotations

import base64
import math
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.model import Evidence, EvidenceStatus, Job, Json, Problem

if TYPE_CHECKING:
    import numpy as np

    from grader.evidence.kinds import Bench

MOST_BYTES = 32 * 2**20  # of all layers of one job: they lie in the cache
WAITING = 3  # seconds on the clock that a training may take for each second of CPU time of its budget
_WEIGHTS = "trained.safetensors"


def activated(job: Job, folder: Path, bench: Bench) -> Evidence:
    """Result: `layers`, each with `name`, `shape` (N first) and `data`; read them with `unpacked`.

    Where maps are asked for, `grader.evidence.shown_maps` says what the result is.
    """
    import numpy as np

    from grader.evidence.kinds import fault_of, files_of
    from grader.sandbox.activations import Activations, activations

    if "show" in job.parameters:
        from grader.evidence.shown_maps import mapped

        return mapped(job, folder, bench)
    chosen = job.parameters["images"]
    images = bench.image_set(job.parameters["data"], job.parameters["split"])
    if not all(0 <= number < len(images) for number in chosen):
        what = f"of the {len(images):,} images, one is asked for that is not there ({max(chosen)})"
        return _ours("no-such-image", job.parameters["data"], what, "name images by their numbers, from 0")
    ended = activations(
        files_of(job, folder),
        job.parameters,
        np.ascontiguousarray(images.images[chosen]),
        job.parameters["layers"],
        limits=bench.limits,
        level=bench.level,
    )
    if not isinstance(ended, Activations):
        return fault_of(ended)
    size = sum(len(layer.data) for layer in ended.layers)
    if size > MOST_BYTES:
        what = f"the layers give {size:,} bytes, more than the {MOST_BYTES:,} that are kept"
        return _ours("too-large", job.parameters["code"], what, "ask for fewer layers or images")
    layers = [packed(layer.name, layer.shape, layer.data) for layer in ended.layers]
    return Evidence("", EvidenceStatus.DONE, result={"layers": layers})


def trained(job: Job, folder: Path, bench: Bench) -> Evidence:
    """Result: that of `predict` for the trained weights on the test split, and how they came about.

    `log` is the training's, `loss_before` and `accuracy_before` are of the network as it was built, `is_fresh` says
    whether the training made it what it is, `unmoved` names the tensors that stayed as they were, `weights` is the
    SHA-256 of the trained ones; `data` has the digests of both splits and the edition, `threads` those of the CPU,
    `precision` is that of the forward passes.

    `budget_s` are seconds of CPU time. A training that only waits is ended after `WAITING` times as many on the
    clock: a busy machine must not decide what a network is worth.
    """
    from grader.evidence.kinds import fault_of, files_of, predicted
    from grader.sandbox.trainings import Trained, train
    from grader.training import Recipe

    asked = job.parameters
    recipe = Recipe.from_json(asked["recipe"])
    learnt, unseen = (bench.image_set(recipe.data_set, split) for split in ("train", "test"))
    if learnt.targets is not None:
        what = "holds images to be made, and students' networks are trained to name classes only"
        return _ours("no-classes", recipe.data_set, what, "ask for a training on a data set with labels")
    files = files_of(job, folder)
    limits = replace(bench.limits, wall_s=asked["budget_s"] * WAITING, cpu_s=asked["budget_s"])
    made = train(
        files,
        asked,
        learnt.images,
        learnt.labels,
        classes=len(learnt.classes),
        recipe=recipe,
        seed=asked["seed"],
        limits=limits,
        level=bench.level,
    )
    if not isinstance(made, Trained):
        return fault_of(made)
    with tempfile.NamedTemporaryFile(prefix="grader-weights-") as weights:
        weights.write(made.safetensors())
        weights.flush()
        request = {**asked, "checkpoint": _WEIGHTS, "mean": list(recipe.mean), "std": list(recipe.std)}
        answered = predicted(job.key, {**files, _WEIGHTS: Path(weights.name)}, request, unseen, bench)
    if not answered.is_done:
        return answered
    how = {
        "log": [dict(record) for record in made.log],
        "loss_before": made.loss_before,
        "accuracy_before": made.accuracy_before,
        "is_fresh": made.is_fresh,
        "unmoved": list(made.unmoved),
        "weights": made.digest,
        "seed": made.seed,
        "precision": made.precision,
        "threads": 1,
        "data": {"train": learnt.digest, "test": unseen.digest, "edition": unseen.edition},
    }
    return replace(answered, result={**answered.result, **how})


def packed(name: str, shape: tuple[int, ...], data: bytes) -> dict[str, Json]:
    """One layer's output (raw little-endian float32) as plain JSON."""
    return {"name": name, "shape": list(shape), "data": base64.b64encode(data).decode("ascii")}


def unpacked(layer: Mapping[str, Json]) -> np.ndarray[Any, Any]:
    """A layer's output as an array, from the evidence.

    >>> unpacked(packed("fc", (1, 2), bytes(8))).tolist()
    [[0.0, 0.0]]
    """
    import numpy as np

    data = base64.b64decode(layer["data"], validate=True)
    if len(data) != 4 * math.prod(layer["shape"]):
        raise ValueError(f"{len(data)} bytes for the shape {layer['shape']}")
    return np.frombuffer(data, dtype="<f4").reshape(layer["shape"])


def _ours(code: str, where: str, what: str, fix: str) -> Evidence:
    return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=Problem(code, where, what, fix))
