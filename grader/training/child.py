"""How is one reference trained in a process of its own? python -m grader.training.child REQUEST ANSWER

The request and the answer are JSON files. A process of its own has its own threads, device and memory, and ends with
its parent: it lives as long as its standard input is open. Trusted code only.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.datasets import ImageSet, load
from grader.errors import GraderError
from grader.model import Json
from grader.training.evaluation import Accuracy
from grader.training.loop import train
from grader.training.recipe import Recipe
from grader.training.reference import network

if TYPE_CHECKING:
    import torch

_ARRAYS = ("images", "labels", "targets")


def lend(images: ImageSet, folder: Path) -> None:
    """Write a set into `folder`, for a child on a machine that has no data root. `lent` reads it."""
    import numpy as np

    folder.mkdir(parents=True)
    for name in _ARRAYS:
        if getattr(images, name) is not None:
            np.save(folder / f"{name}.npy", getattr(images, name))
    about = {name: getattr(images, name) for name in ("name", "split", "classes", "digest", "edition")}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def lent(folder: Path) -> ImageSet:
    """The set that `lend` wrote; its arrays are mapped, not read."""
    import numpy as np

    about: dict[str, Any] = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    about["classes"] = tuple(about["classes"])
    files = {name: folder / f"{name}.npy" for name in _ARRAYS}
    return ImageSet(**about, **{name: np.load(file, mmap_mode="r") for name, file in files.items() if file.exists()})


def trained(request: Mapping[str, Json]) -> dict[str, Json]:
    """Train as the request says: `folder`, `network`, `recipe`, `seed`, `threads`, `weights_file`, `sets`, `root`.

    Result:  `seed`, `correct` or `mae` and `mse`, `n`, `seconds`, `cpu_seconds`, `day`, `device`, `threads`,
             `precision`, `versions`, `data` (digests and edition), `parameters`, `gpu_bytes`, `weights` (digest), `log`
    """
    import torch

    torch.set_num_threads(request["threads"])
    recipe = Recipe.from_json(request["recipe"])
    weights_file = Path(request["weights_file"]) if request["weights_file"] else None
    build = network(Path(request["folder"]), request["network"], weights_file)
    if request["sets"]:
        sets = [lent(Path(request["sets"]) / split) for split in ("train", "test")]
    else:
        root = Path(request["root"]) if request["root"] else None
        sets = [load(recipe.data_set, split, root=root) for split in ("train", "test")]
    began = time.process_time()
    made = train(build, recipe, *sets, seed=request["seed"])
    cpu_seconds = time.process_time() - began
    test = made.test
    counted = {"correct": test.correct} if isinstance(test, Accuracy) else {"mae": test.mae, "mse": test.mse}
    learnt, unseen = sets
    return {
        "seed": made.seed,
        **counted,
        "n": test.n,
        "seconds": made.seconds,
        "cpu_seconds": cpu_seconds,
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "device": made.device,
        "threads": made.threads,
        "precision": made.precision,
        "versions": dict(made.versions),
        "data": {"train": learnt.digest, "test": unseen.digest, "edition": unseen.edition},
        "parameters": sum(tensor.numel() for tensor in build().parameters()),
        "gpu_bytes": torch.cuda.max_memory_reserved(),  # 0 where there is no GPU: what packs the next trainings
        "weights": weights_digest(made.state_dict),
        "log": [dict(record) for record in made.log],
    }


def weights_digest(state_dict: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over the names, shapes and bytes of the tensors, in hex: the same for the same weights."""
    digest = hashlib.sha256()
    for name, tensor in state_dict.items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _end_with_parent() -> None:
    def watch() -> None:
        os.read(0, 1)  # until the other end is closed, by the parent or by its death
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(request_file: str, answer_file: str) -> None:
    """Do what the request says, and write the answer: `result`, or the `problem` for a person."""
    _end_with_parent()
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    try:
        answer: Json = {"result": trained(request)}
    except GraderError as error:
        answer = {"problem": asdict(error.problems[0])}
    Path(answer_file).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
