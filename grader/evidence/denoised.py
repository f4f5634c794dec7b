"""How good is a student's denoiser? Noisy images into the sandbox, images out; the clean ones never leave this process.

Some noisy images are made anew, from clean ones that the parent has: a network that removes noise does as well on
another throw of it, and one that knows the test set by heart does not.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grader.datasets import noisy
from grader.evidence.image_quality import scores
from grader.frozen import dataclass
from grader.model import Evidence, EvidenceStatus, Job, Json, Problem

if TYPE_CHECKING:
    import numpy as np

    from grader.datasets import ImageSet
    from grader.evidence.kinds import Bench

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Noise:
    """How a set's noisy images are made: `throw` makes them of clean ones; a byte v stands for v * factor / 255.

    What a byte stands for is what the sheet calls the noisy image, and what a network and a `preprocess` get.
    """

    throw: Callable[[Array, str], Array]
    factor: float

    def request(self, asked: Mapping[str, Json], channels: int) -> dict[str, Json]:
        """What the box is asked for by a job whose `mean` and `std`, if any, are of what a byte stands for.

        >>> Noise(noisy.noisy, 2.0).request({"mean": [0.5]}, 1)
        {'mean': [0.25], 'std': [0.5], 'raw_std': [0.5]}
        """
        mean = [value / self.factor for value in asked.get("mean") or [0.0] * channels]
        std = [value / self.factor for value in asked.get("std") or [1.0] * channels]
        return {**asked, "mean": mean, "std": std, "raw_std": [1 / self.factor] * channels}


NOISES: Final[Mapping[str, Noise]] = {noisy.NAME: Noise(noisy.noisy, 2.0)}
KINDS: Final[Mapping[str, bool]] = {"noise": False, "moved": True}  # -> whether the clean image is changed as well
# Other ways to write a pixel x from 0 to 1. Each is undone by scale * y + offset.
SCALES: Final[Mapping[str, tuple[float, float]]] = {
    "from 0 to 255": (1 / 255, 0.0),
    "from -1 to 1": (0.5, 0.5),
    "from -0.5 to 0.5": (1.0, 0.5),
    "from 0 to 2": (0.5, 0.0),
    "from 0 to 0.5": (2.0, 0.0),
    "inverted, from 0 to 1": (-1.0, 1.0),
    "inverted, from 0 to 255": (-1 / 255, 1.0),
    "inverted, from -1 to 1": (-0.5, 0.5),
}
NOTHING: Final = 1e-4  # a mean squared error: 40 dB
MOST: Final = 1e6  # beyond it one number could be more than all that a float holds
LEAST_BETTER: Final = 0.5  # of the squared error (3 dB): what another scale must take away to be looked at


def denoised(job: Job, folder: Path, bench: Bench) -> Evidence:
    """Result: the scores of what was made, of it cut to 0 and 1, and of the noisy images; and what lets one doubt them.

    `made`, `clipped`, `noisy` and, where they come far nearer, `rescaled` on another scale and `taken_away` from the
    noisy images are as `Scores.to_json` has them. `fitted` and `noisy_fitted` are mean squared errors after the best
    scale and offset.
    """
    from grader.evidence.kinds import fault_of, files_of, said_of_the_box
    from grader.sandbox import Answered
    from grader.sandbox.denoised import denoise, held
    from grader.sandbox.predictions import Predictions

    asked = job.parameters
    images = bench.image_set(asked["data"], asked["split"])
    if images.targets is None:
        what = f"the set {asked['data']!r} has no clean images beside its own"
        problem = Problem("no-targets", asked["data"], what, "name a set of noisy images, such as noisy_fashion_mnist")
        return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=problem)
    # From the content alone, so that a scorecard is the same each time: the hand-in's files and the images.
    seed = f"{job.key} {images.digest}"
    again = thrown_again(images, seed)
    files, noise = files_of(job, folder), NOISES.get(images.name)
    request = asked if noise is None else noise.request(asked, images.images.shape[1])
    settings: dict[str, Any] = {"limits": bench.limits, "level": bench.level}
    ended = denoise(files, request, images.images, changed=again.images if again else None, secret=seed, **settings)
    if not isinstance(ended, Predictions):
        return fault_of(ended)
    low, high = asked["output_range"]
    made, made_again = (
        _as_pixels(rows.reshape(-1, *images.images.shape[1:]), low, high)
        for rows in (ended.logits, ended.changed_logits)
    )
    result = measured(made, images) | said_of_the_box(ended)
    result["images"] = hashlib.sha256(ended.scores).hexdigest()
    result["again"] = again.compared(made, made_again, images.targets) if again else {}
    result["edition"] = images.edition
    if asked["checkpoint"]:
        found = held(files, asked["checkpoint"], images.targets, **settings)
        if not isinstance(found, Answered):  # a search of ours that ends in any way is no fault of the student's
            return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=found.problem)
        result["stored_images"] = max(result["stored_images"], found.result, key=lambda note: int(note["found"]))
    return Evidence("", EvidenceStatus.DONE, result=result)


def _as_pixels(rows: Array, low: float, high: float) -> Array:
    """From the network's own range to pixels from 0 to 1."""
    return rows if (low, high) == (0, 1) else (rows - low) / (high - low)


# --- what was made, against what was wanted ------------------------------------------------------------


def measured(made: Array, images: ImageSet) -> dict[str, Json]:
    """What the images (N, C, H, W) are worth against the clean ones, and what they look like if they are worth little.

    `scale` and `offset` of the straight line that fits them best; `between` and `within`, how much the images differ
    from each other, and the pixels of one from each other, as shares of the clean ones' (standard deviations);
    `like_input`, the median correlation of an image with its noisy one.
    """
    import numpy as np

    wanted = images.targets
    if wanted is None:
        raise ValueError(f"{images.name} has no targets")
    clean = wanted.astype(np.float32) / 255
    fit = _fit(made, clean)
    result: dict[str, Json] = {
        "n": len(wanted),
        "made": scores(made, wanted).to_json(),
        "clipped": scores(made.clip(0, 1), wanted).to_json(),
        "scale": fit[0],
        "offset": fit[1],
        "fitted": fit[2],
        "rescaled": None,
        "taken_away": None,
        **_of_noisy(images, wanted),
        "between": _share(_between(made), _between(clean)),
        "within": _share(_within(made), _within(clean)),
        "like_input": float(np.median(_correlations(made, images.images))),
    }
    squared, name = min((_squared(made, clean, *how), name) for name, how in SCALES.items())
    if squared < LEAST_BETTER * result["made"]["squared"]["mean"]:
        scale, offset = SCALES[name]
        rescaled = made * np.float32(scale) + np.float32(offset)
        result["rescaled"] = {"name": name, **scores(rescaled, wanted).to_json()}
    left = _as_meant(images) - made
    if _squared(left, clean, 1.0, 0.0) < LEAST_BETTER * result["made"]["squared"]["mean"]:
        result["taken_away"] = scores(left, wanted).to_json()
    return result


def _as_meant(images: ImageSet) -> Array:
    """The noisy images as the sheet has them: (N, C, H, W) float32."""
    import numpy as np

    known = NOISES.get(images.name)
    return images.images.astype(np.float32) * np.float32((known.factor if known else 1) / 255)


def _squared(made: Array, clean: Array, scale: float, offset: float) -> float:
    import numpy as np

    with np.errstate(over="ignore"):  # infinite is far enough
        off = made * np.float32(scale)
        off += np.float32(offset)
        off -= clean
        return float(np.square(off).mean(dtype=np.float64))


_KNOWN: dict[str, dict[str, Json]] = {}


def _of_noisy(images: ImageSet, wanted: Array) -> dict[str, Json]:
    """What the noisy images themselves are worth: as the sheet has them, and after the best scale and offset."""
    import numpy as np

    told = _KNOWN.get(images.digest)
    if told is None:
        noise = _as_meant(images)
        fitted = _fit(noise, wanted.astype(np.float32) / 255)[2]
        told = {"noisy": scores(noise, wanted).to_json(), "noisy_fitted": fitted}
        _KNOWN.clear()  # a worker grades with one set for long
        _KNOWN[images.digest] = told
    return told


def _fit(made: Array, clean: Array) -> tuple[float, float, float]:
    """Scale and offset by which the images come nearest to the clean ones (least squares), and what error is left.

    The scale is 0 where every pixel is the same.
    """
    import numpy as np

    mean, mean_clean = (float(pixels.mean(dtype=np.float64)) for pixels in (made, clean))
    one, other = made.ravel() - np.float64(mean), clean.ravel() - np.float64(mean_clean)
    variance, together = float(one @ one), float(one @ other)
    # What is left of rounding alone is no variance.
    scale = together / variance if variance > 1e-12 * max(1.0, mean * mean) * made.size else 0.0
    left = float(other @ other) - scale * together
    return scale, mean_clean - scale * mean, max(0.0, left) / made.size


def _between(images: Array) -> float:
    """How much a pixel differs from image to image: root mean square over the pixels."""
    import numpy as np

    return math.sqrt(float(images.var(axis=0, dtype=np.float64).mean()))


def _within(images: Array) -> float:
    """How much the pixels of one image differ: root mean square over the images."""
    import numpy as np

    return math.sqrt(float(images.var(axis=(1, 2, 3), dtype=np.float64).mean()))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _correlations(made: Array, given: Array) -> Array:
    """The correlation of each image with the one that went in; 0 where one of them is a single grey."""
    import numpy as np

    one, other = (
        rows - rows.mean(axis=1, keepdims=True)
        for rows in (images.reshape(len(images), -1).astype(np.float64) for images in (made, given))
    )
    length = np.sqrt(np.einsum("ij,ij->i", one, one) * np.einsum("ij,ij->i", other, other))
    length[length == 0] = np.inf
    correlations: Array = np.einsum("ij,ij->i", one, other) / length
    return correlations


# --- another throw of the noise -------------------------------------------------------------------------


@dataclass(frozen=True)
class ThrownAgain:
    """Noisy images of the parent's own making. `rows` says by kind which images of the set they come from.

    Shapes:  images and targets (P, C, H, W) uint8, kind after kind
    """

    rows: Mapping[str, Sequence[int]]
    images: Array
    targets: Array

    def compared(self, made: Array, made_again: Array, clean: Array) -> dict[str, Json]:
        """By kind: n, the mean squared error `before` and `after`, and `lower`, how often the first the second is.

        Where an image has no answer (NaN), every pixel of it counts as off by 1.
        """
        import numpy as np

        result: dict[str, Json] = {}
        start = 0
        for kind, chosen in self.rows.items():
            which, part = np.asarray(chosen), slice(start, start + len(chosen))
            start = part.stop
            before = scores(made[which], clean[which]).squared
            is_answered = np.isfinite(made_again[part]).all(axis=(1, 2, 3))
            after = np.ones(len(which))
            if is_answered.any():
                after[is_answered] = scores(made_again[part][is_answered], self.targets[part][is_answered]).squared
            result[kind] = {
                "n": len(which),
                "before": float(before.mean()),
                "after": float(after.mean()),
                "unanswered": int((~is_answered).sum()),
                "lower": lower_ratio(before, after),
            }
        return result


def lower_ratio(before: Array, after: Array) -> float:
    """The lower 99% limit (one-sided) of mean(after) / mean(before), measured on the same images; 0 where it has none.

    To both errors that of 40 dB is added: what is better than that counts as perfect, and is no reason to divide by 0.

    Source:  E. C. Fieller, Some problems in interval estimation, Journal of the Royal Statistical Society B 16, 1954

    >>> import numpy as np
    >>> before = np.array([0.9, 1.0, 1.1, 1.0] * 25)
    >>> round(lower_ratio(before, 2 * before), 3), lower_ratio(before, 2 * before[::-1]) < 1.99
    (2.0, True)
    """
    import numpy as np

    n, z = len(before), 2.3263478740408408  # the 99% point of the standard normal distribution
    if n < 2:
        return 0.0
    before, after = np.minimum(before, MOST), np.minimum(after, MOST)
    one, other = float(before.mean()) + NOTHING, float(after.mean()) + NOTHING
    spread, together, spread_after = np.cov(before, after)[np.triu_indices(2)].tolist()
    a, b, c = (
        x * y - z * z * v / n for x, y, v in ((one, one, spread), (one, other, together), (other, other, spread_after))
    )
    return (b - math.sqrt(max(0.0, b * b - a * c))) / a if a > 0 else 0.0


def thrown_again(images: ImageSet, seed: str) -> ThrownAgain | None:
    """Some images under another throw of the noise, some changed and moved before it; None where no recipe is known.

    The same for the same seed. Of each kind as many as `altered_rows` has.
    """
    import numpy as np

    from grader.datasets.mild import mildly_changed
    from grader.evidence.altered import altered_rows

    known = NOISES.get(images.name)
    if known is None or images.targets is None:
        return None
    rows = altered_rows(len(images), seed, KINDS)
    targets = []
    for kind, chosen in rows.items():
        clean = images.targets[np.asarray(chosen)]
        targets.append(mildly_changed(clean, f"{seed} {kind}", is_shifted=True) if KINDS[kind] else clean)
    wanted = np.concatenate(targets)
    return ThrownAgain(rows, known.throw(wanted, f"{seed} another throw"), wanted)
