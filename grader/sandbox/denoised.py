"""What does a student's network make of these noisy images? Images, in their own order, and whether it does so twice.

The clean images stay here: the box in which the student's code runs has the noisy ones alone. Another box is asked
whether the clean ones stand in the checkpoint, and no code of the student's runs in that one.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grader.limits import Limits
from grader.model import Json
from grader.sandbox.agreement import COARSE, TOLERANCE, Agreement, is_coarse
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Level, StudentFault, SystemFault
from grader.sandbox.predictions import Predictions, predict

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST_LOOKED_FOR: Final = 2_000  # clean images; the program compares no more
_PLAIN: Final = 10  # tolerances; an image whose two answers are so far apart is another image


def denoise(
    files: Mapping[str, Path],
    request: Mapping[str, Json],
    images: Array,
    *,
    changed: Array | None = None,
    limits: Limits | None = None,
    level: Level | None = None,
    secret: str = "",
) -> Predictions | StudentFault | SystemFault:
    """What the student's network makes of `images`, each of them as a row of pixels; or whose fault it is.

    As `predict`, with the pixels of an image (C * H * W) in the place of classes.
    """
    return predict(
        files,
        request,
        images,
        classes=math.prod(images.shape[1:]),
        changed=changed,
        limits=limits,
        level=level,
        secret=secret,
        program="denoise",
        agree=image_agreement,
    )


def image_agreement(rows: Array, first: Array, second: Array) -> Agreement:
    """Compare two answers to the same images, in the usual contrast of all that were made.

    Shapes:  `rows` (N, pixels) of all images; `first` and `second` (R, pixels), rows of NaN in `second` are no answer

    >>> import numpy as np
    >>> made = np.array([[0.0, 1, 0], [0, 0, 1]], dtype=np.float32)
    >>> image_agreement(made, made, made * (1 + 1e-6)).is_good, image_agreement(made, made, made[::-1]).changed
    (True, 2)
    """
    import numpy as np

    tolerance = COARSE if is_coarse(rows) else TOLERANCE
    is_answered = np.isfinite(second).all(axis=1)
    one, other = (answer[is_answered].astype(np.float64) for answer in (first, second))
    if not len(one):
        return Agreement()
    scale = float(rows.std(dtype=np.float64)) or float(np.abs(rows).max()) or 1.0
    apart = np.sqrt(np.square(one - other).mean(axis=1)) / scale
    return Agreement(len(one), int((apart > _PLAIN * tolerance).sum()), float(np.median(apart)), tolerance)


def held(
    files: Mapping[str, Path],
    checkpoint: str,
    images: Array,
    *,
    limits: Limits | None = None,
    level: Level | None = None,
) -> Answered | StudentFault | SystemFault:
    """How many of the first `images` (N, C, H, W) uint8 stand in the checkpoint: `found`, `compared`, `tensor`.

    In a box that has the checkpoint and no code.
    """
    looked = images[:MOST_LOOKED_FOR]
    with tempfile.NamedTemporaryFile(prefix="grader-inputs-") as file:
        file.write(looked.tobytes())
        file.flush()
        return run(
            "held",
            files={checkpoint: files[checkpoint]},
            request={"checkpoint": checkpoint, "shape": list(looked.shape)},
            inputs=Path(file.name),
            limits=limits,
            level=level,
        )
