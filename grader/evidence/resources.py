"""What does a job need of a node? A core; and a training of the course's own, where it asks for one, a share of a GPU.

Student code gets no GPU: the sandbox opens no device. A share is packed by an estimate of the memory, and corrected by
what the same training used before. One that runs out of memory all the same gets twice the share, at last a whole GPU.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path

from grader.errors import MachineError
from grader.evidence.jobs import REFERENCE
from grader.evidence.whole_files import write_whole
from grader.frozen import dataclass
from grader.model import Evidence, EvidenceStatus, Job, Json, Problem

# What a process on a GPU takes before it computes anything: CUDA's own context and its libraries' workspaces.
_CONTEXT_BYTES = 800 * 2**20
# A network of some ten million weights, their gradients, two moments of the optimizer and an average of the weights.
_WEIGHTS_BYTES = 500 * 2**20
# Of each byte of an input image, what its forward pass keeps for the backward pass. Sixty-four channels in float32, ten
# layers deep, are 2,560 bytes for each pixel; most networks of a course are smaller, and pool early.
_KEPT_BYTES = 2_000
_SPARE = 1.15  # the allocator's fragments, and what one run uses more than the one that was measured
_STEP = 0.05  # shares are multiples of it, so that equal trainings fill a GPU without a rest

_OUT_OF_MEMORY = re.compile(r"OutOfMemoryError|out of memory|ALLOC_FAILED", re.IGNORECASE)
_LOST_GPU = re.compile(
    r"CUDA error|CUDA driver|no CUDA|No CUDA GPUs|PyTorch sees no CUDA|GPU is lost|fallen off the bus|NVML|"
    r"CUDA-capable device|CUDNN_STATUS_(INTERNAL|NOT_INITIALIZED|EXECUTION)|unspecified launch failure"
)


def wants_gpu(job: Job) -> bool:
    """Whether it is to be computed on a GPU: only trusted trainings that say so.

    >>> wants_gpu(Job("reference", (), {"device": "cuda"})), wants_gpu(Job("train", (), {"device": "cuda"}))
    (True, False)
    """
    return job.kind == REFERENCE and str(job.parameters.get("device", "")).startswith("cuda")


def estimated_bytes(job: Job, image_bytes: int, data_bytes: int) -> int:
    """What a training may take on the GPU, from its mini-batch, the bytes of one image, and those of its data sets.

    >>> job = Job("reference", (), {"recipe": {"batch_size": 256}})
    >>> round(estimated_bytes(job, 32 * 32 * 3, 60_000 * 3072) / 2**30, 1)
    2.9
    """
    activations = job.parameters["recipe"]["batch_size"] * image_bytes * _KEPT_BYTES
    return int(_CONTEXT_BYTES + _WEIGHTS_BYTES + data_bytes + activations)


@dataclass
class Shares:
    """Which share of a GPU each training gets. `gpu_bytes` is the memory of the smallest GPU; 0: not known.

    `file` keeps what was measured, for the next run; where it cannot be written, it is measured again.
    """

    gpu_bytes: int = 0
    file: Path | None = None
    _factors: dict[str, int] = field(default_factory=dict)  # after an end by lack of memory: 2, 4, ...
    _measured: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.file is not None:
            with suppress(OSError, ValueError):
                kept = json.loads(self.file.read_text(encoding="utf-8"))
                self._measured |= {str(name): int(value) for name, value in dict(kept).items()}

    def share(self, job: Job, estimate: int) -> float:
        """Over 0 and at most 1, in steps of 0.05."""
        name = _training(job)
        if not self.gpu_bytes:
            return 1.0
        wanted = self._measured.get(name, 0) + _CONTEXT_BYTES if name in self._measured else estimate
        steps = math.ceil(wanted * _SPARE / self.gpu_bytes / _STEP) * self._factors.get(name, 1)
        return min(max(steps, 1) * _STEP, 1.0)

    def double(self, job: Job) -> None:
        """It ran out of memory: twice as much the next time, for it and its like."""
        name = _training(job)
        self._factors[name] = 2 * self._factors.get(name, 1)

    def measured(self, job: Job, used: int) -> None:
        """Keep the most that was seen of such trainings, in bytes of the allocator."""
        name = _training(job)
        if used <= self._measured.get(name, 0):
            return
        self._measured[name] = used
        self._factors.pop(name, None)
        if self.file is not None:
            with suppress(OSError, MachineError):
                self.file.parent.mkdir(parents=True, exist_ok=True)
                text = json.dumps(self._measured, indent=0, sort_keys=True)
                write_whole(self.file, text.encode(), point="gpu-memory")


def _training(job: Job) -> str:
    """Trainings that differ in their seed alone take the same memory."""
    parts = {"files": [file.digest for file in job.files], **job.parameters, "seed": 0}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def ran_out_of_memory(evidence: Evidence) -> bool:
    """Whether a training ended because the GPU was full, by its own or by a neighbour's doing."""
    return _says(evidence, _OUT_OF_MEMORY)


def lost_its_gpu(evidence: Evidence) -> bool:
    """Whether a training ended because the GPU or its driver failed: nothing is known of the training."""
    return not ran_out_of_memory(evidence) and _says(evidence, _LOST_GPU)


def _says(evidence: Evidence, what: re.Pattern[str]) -> bool:
    problem = evidence.problem
    is_fault = evidence.status is EvidenceStatus.SYSTEM_FAULT and problem is not None
    return bool(is_fault and problem and what.search(f"{problem.what} {problem.fix}"))


def too_large(job: Job, gpu_bytes: int) -> Evidence:
    """What is said of a training for which a whole GPU is too small."""
    size = f"of {gpu_bytes / 2**30:.0f} GiB " if gpu_bytes else ""
    batch = job.parameters.get("recipe", {}).get("batch_size", "?")
    what = f"the training ran out of memory on a whole GPU {size}with mini-batches of {batch}"
    fix = "end what else uses the GPU, make the recipe's mini-batch smaller, or train on the CPU: GRADER_DEVICE=cpu"
    return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=Problem("gpu-memory", "reference", what, fix))


def no_gpu(job: Job) -> Evidence:
    """What is said of a training that wants a GPU where no node has one."""
    what = f"the training is to run on {job.parameters.get('device')!r}, and no node has a GPU"
    fix = "start a node with --num-gpus, or train on the CPU: GRADER_DEVICE=cpu"
    return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=Problem("no-gpu", "reference", what, fix))


def smallest_gpu_here() -> int:
    """The memory of this node's smallest GPU in bytes, as NVIDIA's tool says it; 0 where it does not."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)  # noqa: S603  a constant
        return min(int(float(line)) for line in done.stdout.split()) * 2**20
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def on_this_node(document: Mapping[str, Json]) -> dict[str, Json]:
    """A job as a node does it: Ray shows it one GPU, whatever its number is among the driver's.

    >>> on_this_node({"kind": "reference", "parameters": {"device": "cuda:3"}})["parameters"]
    {'device': 'cuda'}
    """
    parameters = document["parameters"]
    if not str(parameters.get("device", "")).startswith("cuda:"):
        return dict(document)
    return {**document, "parameters": {**parameters, "device": "cuda"}}
