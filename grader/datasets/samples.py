"""Which photographs are there without a download? The two that come with scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.errors import MachineError

if TYPE_CHECKING:
    import numpy as np

SAMPLES = ("china.jpg", "flower.jpg")


def sample(name: str) -> np.ndarray[Any, Any]:
    """The photograph `name` of SAMPLES in RGB.

    Shapes:  (3, 427, 640) uint8
    Raises:  MachineError where scikit-learn, which holds it, does not give it; KeyError for another name
    """
    import numpy as np

    if name not in SAMPLES:
        raise KeyError(name)
    try:
        from sklearn.datasets import load_sample_image

        picture = load_sample_image(name)
    except (ImportError, OSError, AttributeError) as error:
        raise MachineError.single(
            f"scikit-learn, which holds the photograph, does not give it ({error})",
            where=f"sample {name}",
            fix="pip install scikit-learn pillow",
            code="data-set-broken",
        ) from error
    return np.ascontiguousarray(picture.transpose(2, 0, 1))
