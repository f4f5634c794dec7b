"""What does a student's network say about these images? Logits, in the images' own order, and whether it says it twice.

The images go in shuffled, some of them a second time: a network that answers by position, or by what else is in the
batch, gives itself away. The labels stay here. What comes back is so many float32 numbers, each of them finite.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import tempfile
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.limits import Limits
from grader.model import Json, Problem
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault

if TYPE_CHECKING:
    import numpy as np

BATCH_SIZE = 250
REPEATED = 64  # images that go in twice
_WORDS = ("code", "factory", "checkpoint", "mean", "std", "batch_size", "threads", "max_elements")
TOLERANCE = 1e-3  # of two answers to one image, relative to the largest: rounding differs by 1e-6, dropout by 1


@dataclass(frozen=True, slots=True)
class Predictions(Ended):
    """Logits of N images in `classes` columns.

    `scores` are raw float32, row after row, in the order of the images. `repeated` images were given twice;
    `disagreement` is the largest difference between the two answers to one of them, relative to the largest score
    (not over TOLERANCE for a network in eval mode), and `changed` of them were put into another class.
    """

    scores: bytes = b""
    rows: int = 0
    classes: int = 0
    repeated: int = 0
    disagreement: float = 0.0
    changed: int = 0
    notes: Mapping[str, Json] | None = None

    @property
    def logits(self) -> np.ndarray[Any, Any]:
        """The scores as an array (N, classes) of float32, read-only."""
        import numpy as np

        return np.frombuffer(self.scores, dtype=np.float32).reshape(self.rows, self.classes)

    @property
    def is_repeatable(self) -> bool:
        """Whether an image gets the same answer wherever it stands."""
        return self.changed == 0 and self.disagreement <= TOLERANCE


def predict(
    files: Mapping[str, Path],
    request: Mapping[str, Json],
    images: Any,
    *,
    classes: int,
    limits: Limits | None = None,
    level: Level | None = None,
    secret: str = "",
) -> Predictions | StudentFault | SystemFault:
    """The logits of the student's network for `images`, or whose fault it is that there are none.

    Shapes:  images (N, C, H, W) uint8 (a NumPy array, memory-mapped or not)
    Request: `code`, `factory`, `checkpoint`; `mean` and `std` per channel, `batch_size`, `threads` where wanted
    The order in which the images go in follows from `secret`, the request and the images: the same each time.
    Raises ValueError where the images are no such array.
    """
    shape = [int(side) for side in images.shape]
    if len(shape) != 4 or math.prod(shape) == 0 or str(images.dtype) != "uint8":
        raise ValueError(f"images of shape {tuple(shape)} and type {images.dtype} are not (N, C, H, W) uint8")
    data = memoryview(images).cast("B") if images.flags["C_CONTIGUOUS"] else memoryview(images.tobytes())
    asked = {"mean": None, "std": None, "batch_size": BATCH_SIZE, "threads": 1, **request}
    wanted = {key: asked.get(key) for key in _WORDS}  # no word of which data these are goes in
    order = _order(shape[0], secret, wanted, data)
    wanted |= {"shape": [len(order), *shape[1:]], "classes": classes}
    with tempfile.NamedTemporaryFile(prefix="grader-inputs-") as file:
        size = math.prod(shape[1:])
        for row in order:
            file.write(data[row * size : (row + 1) * size])
        file.flush()
        ended = run(
            "predict",
            files=files,
            request=wanted,
            inputs=Path(file.name),
            answer_bytes=len(order) * classes * 4,
            limits=limits,
            level=level,
        )
    return _predictions(ended, order, shape[0], classes) if isinstance(ended, Answered) else ended


def _order(rows: int, secret: str, request: Mapping[str, Json], data: memoryview) -> list[int]:
    """The rows in the order in which they go in: each once, and some a second time."""
    digest = hashlib.sha256(json.dumps([secret, request], sort_keys=True).encode())
    digest.update(data)
    dice = random.Random(digest.digest())  # noqa: S311  no cipher: it must only be unknown to the student's code
    order = list(range(rows)) + dice.sample(range(rows), min(REPEATED, rows))
    dice.shuffle(order)
    return order


def _predictions(
    ended: Answered, order: Sequence[int], rows: int, classes: int
) -> Predictions | StudentFault | SystemFault:
    """Put the answers back in order, and look at those that were given twice."""
    common: dict[str, Any] = {
        "level": ended.level,
        "seconds": ended.seconds,
        "cpu_seconds": ended.cpu_seconds,
        "output": ended.output,
        "is_output_cut": ended.is_output_cut,
    }
    numbers = array("f")
    numbers.frombytes(ended.payload)
    if not math.isfinite(sum(numbers)):  # in doubles, which the sum of finite float32 cannot leave
        what = "the scores that came back are not all finite numbers"
        problem = Problem("not-finite", "submission", what, "return finite scores from forward")
        return StudentFault(problem=problem, **common)
    width = classes * 4
    placed: list[bytes | None] = [None] * rows
    largest = max((abs(number) for number in numbers), default=0.0) or 1.0
    disagreement, changed = 0.0, 0
    for position, row in enumerate(order):
        scores = ended.payload[position * width : (position + 1) * width]
        before = placed[row]
        if before is None:
            placed[row] = scores
            continue
        first, second = array("f", before), array("f", scores)
        disagreement = max(disagreement, *(abs(a - b) / largest for a, b in zip(first, second, strict=True)))
        changed += _top(first) != _top(second)
    scores = b"".join(row for row in placed if row is not None)
    return Predictions(
        scores=scores,
        rows=rows,
        classes=classes,
        repeated=len(order) - rows,
        disagreement=disagreement,
        changed=changed,
        notes=ended.notes,
        **common,
    )


def _top(scores: Sequence[float]) -> int:
    return max(range(len(scores)), key=scores.__getitem__)
