"""How is each kind of job done? Student files into the sandbox, plain numbers out, labels outside.

Every function here takes a staged folder (a private copy whose digests were checked) and gives Evidence without
its key and times, which the runner adds.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from grader.evidence import pretrained
from grader.evidence.jobs import (
    ACTIVATIONS,
    CHECKPOINT,
    DENOISE,
    EMBEDDED,
    FIGURES,
    FINGERPRINT,
    HANDED_MAPS,
    NOTEBOOK,
    OWN_IMAGES,
    PICTURE,
    PREDICT,
    REFERENCE,
    SYNTAX,
    TRAIN,
    TRANSFER,
)
from grader.frozen import dataclass
from grader.model import Evidence, EvidenceStatus, Job, Json, Problem

if TYPE_CHECKING:
    from grader.datasets import ImageSet
    from grader.limits import Limits
    from grader.sandbox import Level, StudentFault, SystemFault
    from grader.sandbox.predictions import Predictions

MOST_WORST = 24  # images that are shown to whoever wants to see what a network gets wrong

# Of kinds that run no network, the package whose version decides.
_WITHOUT_TORCH = {
    CHECKPOINT: "safetensors", TRANSFER: "safetensors", EMBEDDED: "", SYNTAX: "", NOTEBOOK: "nbformat",
    PICTURE: "pillow", FINGERPRINT: "numpy", FIGURES: "pillow", HANDED_MAPS: "pillow",
}  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """Where jobs are done: the sandbox's level and limits, and the data sets' folder, or sets that were sent along."""

    limits: Limits
    level: Level
    data_root: Path | None = None
    lent: Mapping[tuple[str, str], ImageSet | bytes] = field(default_factory=dict)

    def image_set(self, data: str, split: str) -> ImageSet:
        """A split of a data set: one that was lent by its name, for a node that has no data root, or from the root.

        Raises MachineError where it is missing or damaged.
        """
        from grader.datasets import load

        lent = self.lent.get((data, split))
        return lent if lent is not None and not isinstance(lent, bytes) else load(data, split, root=self.data_root)

    def lendable(self, data: str, split: str) -> ImageSet | bytes:
        """What is lent to a node under this name: a split, or the bytes of a file of pretrained weights."""
        return pretrained.contents(data, self.data_root) if split == pretrained.SPLIT else self.image_set(data, split)


def cache_key(job: Job, bench: Bench) -> str:
    """The job's key with what its result depends on besides: code, versions, device class, data set, sandbox level.

    The level, for code with no wall around it can say of itself what it likes, and a lower wall refuses some code what
    a higher one gives it.

    Raises MachineError where the data set is missing: a job without its data has no key.
    """
    parts: dict[str, Json] = {
        "job": job.key,
        "code": code_digest(job.kind),
        "versions": versions(job.kind),
        "device": device_class(job.kind),
        "level": bench.level.name,
    }
    if job.kind == REFERENCE:  # trusted code, in a process without walls
        parts["level"] = ""
    read = lent_splits(job)
    if read:
        from grader.datasets import digest

        digests = [
            pretrained.digest(data, bench.data_root)
            if split == pretrained.SPLIT
            else digest(data, split, root=bench.data_root)
            for data, split in read
        ]
        parts["data"] = digests[0] if len(digests) == 1 else digests
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def lent_splits(job: Job) -> list[tuple[str, str]]:
    """The data sets that a job reads, with their splits; a file of pretrained weights stands among them."""
    if job.kind == TRANSFER:
        return [(job.parameters["pretrained"], pretrained.SPLIT)]
    if job.kind == ACTIVATIONS and not job.parameters.get("data"):  # a picture
        return []
    if job.kind in (PREDICT, DENOISE, ACTIVATIONS, OWN_IMAGES):
        return [(job.parameters["data"], job.parameters["split"])]
    if job.kind in (TRAIN, REFERENCE):
        return [(job.parameters["recipe"]["data_set"], split) for split in ("train", "test")]
    return []


def code_digest(kind: str) -> str:
    """The bytes of all code that makes a result of this kind: no number to be forgotten."""
    if kind != REFERENCE:
        return _in_and_around_the_box()
    from grader.evidence import references

    return references.code_digest()


@cache
def _in_and_around_the_box() -> str:
    from grader import sandbox
    from grader.datasets import mild, resizing, samples
    from grader.evidence import (
        altered,
        denoised,
        figures,
        handed_maps,
        image_quality,
        networks,
        own_images,
        panels,
        shown_maps,
    )
    from grader.sandbox.layout import BOTH_SIDES

    folder = Path(sandbox.__file__).parent
    parts = (
        mild, altered, denoised, figures, handed_maps, image_quality, networks, own_images, panels, pretrained,
        resizing, samples, shown_maps,
    )  # fmt: skip
    beside = [*BOTH_SIDES, *(Path(one.__file__ or "") for one in parts)]
    digest = hashlib.sha256()
    for file in (*sorted(folder.rglob("*.py")), *beside, Path(__file__)):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def versions(kind: str) -> dict[str, str]:
    """The versions that a job's result depends on."""
    package = _WITHOUT_TORCH.get(kind, "torch")
    made = {package: _version(package)} if package else {}
    return made | ({"python": platform.python_version()} if kind in (EMBEDDED, SYNTAX, NOTEBOOK) else {})


def device_class(kind: str) -> str:
    """Where student models run. On the CPU: the sandbox opens no device, and a CPU's answer is the same everywhere.

    A reference is trained where its job says, and its result names the device.
    """
    return "" if kind in _WITHOUT_TORCH or kind == REFERENCE else "cpu"


def do(job: Job, folder: Path, bench: Bench) -> Evidence:
    """Do a job on the staged files in `folder`."""
    if job.kind == PREDICT:
        return _predict(job, folder, bench)
    if job.kind == DENOISE:
        from grader.evidence.denoised import denoised

        return denoised(job, folder, bench)
    if job.kind == FIGURES:
        from grader.evidence.figures import looked_at

        return looked_at(job, folder, bench)
    if job.kind == HANDED_MAPS:
        from grader.evidence.handed_maps import handed

        return handed(job, folder, bench)
    if job.kind == OWN_IMAGES:
        from grader.evidence.own_images import answered

        return answered(job, folder, bench)
    if job.kind in (ACTIVATIONS, TRAIN):
        from grader.evidence import networks

        return (networks.activated if job.kind == ACTIVATIONS else networks.trained)(job, folder, bench)
    if job.kind == REFERENCE:
        from grader.evidence import references

        return references.trained(job, folder, bench)
    if job.kind == TRANSFER:
        return pretrained.compared(job, folder, bench)
    return _program(job, folder, bench)


def _program(job: Job, folder: Path, bench: Bench) -> Evidence:
    from grader import sandbox

    ended = sandbox.run(
        job.kind, files=files_of(job, folder), request=dict(job.parameters), limits=bench.limits, level=bench.level
    )
    if not isinstance(ended, sandbox.Answered):
        return fault_of(ended)
    return Evidence("", EvidenceStatus.DONE, result=ended.result)


def _predict(job: Job, folder: Path, bench: Bench) -> Evidence:
    images = bench.image_set(job.parameters["data"], job.parameters["split"])
    return predicted(job.key, files_of(job, folder), dict(job.parameters), images, bench)


def predicted(
    key: str, files: Mapping[str, Path], request: Mapping[str, Json], images: ImageSet, bench: Bench
) -> Evidence:
    """What the network of these files says of a data set, and what lets its word be doubted. `key` is the job's."""
    from grader.evidence.altered import altered_counts, altered_images, altered_rows
    from grader.sandbox.predictions import Predictions, predict

    # From the content alone, so that a scorecard is the same each time: the hand-in's files, the images, their labels.
    seed = f"{key} {images.digest}"
    rows = altered_rows(len(images), seed)
    ended = predict(
        files,
        request,
        images.images,
        classes=len(images.classes),
        changed=altered_images(images.images, rows, seed),
        limits=bench.limits,
        level=bench.level,
        secret=seed,
    )
    if not isinstance(ended, Predictions):
        return fault_of(ended)
    result = count(ended.logits, images)
    result["edition"] = images.edition
    result["altered"] = altered_counts(ended.logits, ended.changed_logits, images.labels, rows)
    result |= said_of_the_box(ended)
    return Evidence("", EvidenceStatus.DONE, result=result)


def said_of_the_box(ended: Predictions) -> dict[str, Json]:
    """What was seen of the network besides its answers, and what the box says of itself."""
    found, compared, tensor = ended.stored
    return {
        "repeated": ended.again.compared,
        "changed": ended.again.changed,
        "is_repeatable": ended.is_repeatable,
        "unanswered": ended.unanswered,
        "why_unanswered": ended.why,
        "went_on_learning": list(ended.moved),
        "replaced": list(ended.replaced),
        "own_class": ended.own_class,
        "parameters": ended.parameters,
        "stored_images": {"found": found, "compared": compared, "tensor": tensor},
    }


def count(logits: Json, images: ImageSet) -> dict[str, Json]:
    """What the logits (N, classes) are worth against the labels, which never left this process.

    A tie goes to the lowest class, as torch.argmax has it on the CPU. Result: correct, n, confusion (rows: true
    class, columns: predicted), classes, the predicted class of every image as a digest, and the `worst` images: those
    whose wrong class won over the right one by the most, each as [number in the split, true class, predicted class].
    """
    import numpy as np

    scores = np.asarray(logits, dtype=np.float32)
    classes = len(images.classes)
    if scores.shape != (len(images), classes) or not np.isfinite(scores).all():
        # The sandbox's parent refuses these before; a score that is no number must never count as an answer.
        raise ValueError(f"logits of shape {scores.shape} are not {len(images)} finite rows of {classes}")
    predicted = scores.argmax(axis=1)
    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, (images.labels, predicted), 1)
    rows = np.arange(len(images.labels))
    margins = scores.max(axis=1).astype(np.float64) - scores[rows, images.labels]
    wrong = np.flatnonzero(predicted != images.labels)
    worst = wrong[np.argsort(-margins[wrong], kind="stable")][:MOST_WORST]
    return {
        "correct": int((predicted == images.labels).sum()),
        "n": len(images.labels),
        "confusion": confusion.tolist(),
        "classes": list(images.classes),
        "predictions": hashlib.sha256(predicted.astype("<u2").tobytes()).hexdigest(),
        "worst": [[int(row), int(images.labels[row]), int(predicted[row])] for row in worst],
    }


def files_of(job: Job, folder: Path) -> Mapping[str, Path]:
    return {file.path: folder / file.path for file in job.files}


def fault_of(ended: StudentFault | SystemFault) -> Evidence:
    from grader import sandbox

    if isinstance(ended, sandbox.StudentFault):
        result = {"limit": ended.limit, "use": ended.use} if ended.limit else {}
        return Evidence("", EvidenceStatus.STUDENT_FAULT, result=result, problem=ended.problem)
    return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=ended.problem)


def system_fault(error: Exception) -> Evidence:
    """An exception of ours, a missing data set, a full disk: a person looks, nothing is cached."""
    from grader.errors import GraderError, refused_by_machine

    told = error if isinstance(error, GraderError) else refused_by_machine(error)
    if told is not None:
        return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=told.problems[0])
    what = f"the recomputation broke ({type(error).__name__}: {error}); a person will look"
    return Evidence(
        "", EvidenceStatus.SYSTEM_FAULT, problem=Problem("job-broke", "grader", what, "report this to the course staff")
    )
