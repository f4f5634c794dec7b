"""How far are images from the wanted ones? The errors of each pixel, PSNR and SSIM, by their published definitions.

Pixels are from 0 to 1, so the data range is 1 everywhere. Nothing is cut off: a pixel of 1.2 where 1 is wanted is off
by 0.2, as in `grader.training.evaluation.Errors`, which measures the course's own networks.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from grader.frozen import dataclass
from grader.model import Json

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

WINDOW: Final = 11  # pixels; the images must be as large
SIGMA: Final = 1.5
K1: Final = 0.01
K2: Final = 0.03
AT_ONCE: Final = 250  # images, so that what is computed with stays in the processor's cache


@dataclass(frozen=True)
class Scores:
    """One number for each of N images, all (N,) float64: mean absolute and mean squared error, SSIM in two readings."""

    absolute: Array
    squared: Array
    ssim: Array
    ssim_bordered: Array

    def to_json(self) -> dict[str, Json]:
        """Means over the images, each with its standard error, for the evidence.

        `psnr_db` is the mean over the images of each one's PSNR, null where an image is met exactly.
        """
        import numpy as np

        made: dict[str, Json] = {"n": len(self.squared)}
        each = np.array([psnr_db(value) for value in self.squared.tolist()])
        for name, values in (*vars(self).items(), ("psnr_db", each)):
            if not np.isfinite(values).all():
                made[name] = None
                continue
            spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
            made[name] = {"mean": float(values.mean()), "error": spread / math.sqrt(len(values))}
        return made


def psnr_db(mean_squared_error: float) -> float:
    """The peak signal-to-noise ratio of pixels from 0 to 1, in dB: 10 log10(1 / MSE); infinite for no error at all.

    Of several images: of all their pixels together, where the error is the mean over all of them. The mean over the
    images of each one's PSNR is another number, and never a smaller one.

    >>> psnr_db(0.01), psnr_db(1.0), psnr_db(0.0)
    (20.0, -0.0, inf)
    """
    return -10 * math.log10(mean_squared_error) if mean_squared_error > 0 else math.inf


def scores(made: Array, wanted: Array) -> Scores:
    """How far each image that was made is from the wanted one.

    Shapes:  made (N, C, H, W) of pixels from 0 to 1 in floating point; wanted (N, C, H, W) uint8 from 0 to 255
    Errors:  computed in float64
    Raises:  ValueError for other shapes, and for images smaller than the window of SSIM
    """
    import numpy as np

    if made.shape != wanted.shape or made.ndim != 4 or not len(made) or wanted.dtype != np.uint8:
        raise ValueError(f"images of shape {made.shape} are not those of {wanted.shape} {wanted.dtype}")
    rows = np.empty((4, len(made)))
    for start in range(0, len(made), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        one = made[part].astype(np.float64)
        other = (wanted[part].astype(np.float32) / 255).astype(np.float64)  # the pixels that a network is trained to
        off = one - other
        rows[0, part] = np.abs(off).mean(axis=(1, 2, 3))
        rows[1, part] = np.square(off).mean(axis=(1, 2, 3))
        rows[2:, part] = structural_similarity(one, other)
    return Scores(*rows)


def structural_similarity(one: Array, other: Array) -> Array:
    """SSIM of each pair of images: (2, N), without and with the border, where the window reaches over the edge.

    The mean over all places of a Gaussian window of 11 x 11 pixels with sigma 1.5, with K1 = 0.01, K2 = 0.03 and
    weights that sum to 1 (no sample covariance). The first row has the places where the window lies within the image:
    the authors' own code and scikit-image (gaussian_weights=True, sigma=1.5, use_sample_covariance=False). The second
    has every pixel, with the image mirrored at its edge: torchmetrics. Several channels: the mean over them.

    Shapes:  (N, C, H, W) floating point, both -> (2, N) float64
    Source:  Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, Image quality assessment: from error visibility to
             structural similarity, IEEE Transactions on Image Processing 13(4), 2004
    Raises:  ValueError for images smaller than the window

    >>> import numpy as np
    >>> grey = np.full((1, 1, 16, 16), 0.5)
    >>> structural_similarity(grey, grey).tolist()
    [[1.0], [1.0]]
    """
    import numpy as np

    height, width = one.shape[2:]
    if min(height, width) < WINDOW:
        raise ValueError(f"images of {height} x {width} pixels are smaller than the window of {WINDOW}")
    down, across = _window(height), _window(width).T

    def blurred(images: Array) -> Array:
        made: Array = down @ images @ across
        return made

    mean, mean_other = blurred(one), blurred(other)
    variance = blurred(one * one) - mean * mean
    variance_other = blurred(other * other) - mean_other * mean_other
    together = blurred(one * other) - mean * mean_other
    c1, c2 = K1**2, K2**2
    places = (2 * mean * mean_other + c1) * (2 * together + c2)
    places /= (mean**2 + mean_other**2 + c1) * (variance + variance_other + c2)
    edge = WINDOW // 2
    inner = places[:, :, edge : height - edge, edge : width - edge]
    made: Array = np.stack([inner.mean(axis=(1, 2, 3)), places.mean(axis=(1, 2, 3))])
    return made


@cache
def _window(side: int) -> Array:
    """The window along one axis as a matrix (side, side): a row for each place, mirrored at the edge."""
    import numpy as np

    steps = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(steps**2) / (2 * SIGMA**2))
    weights /= weights.sum()
    made = np.zeros((side, side))
    for place in range(side):
        for step, weight in zip(steps.tolist(), weights.tolist(), strict=True):
            at = abs(place + step)  # -1 is 1: the edge itself is not repeated
            made[place, at if at < side else 2 * (side - 1) - at] += weight
    made.flags.writeable = False
    return made
