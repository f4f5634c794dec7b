"""What is the set "digits"? The 1,797 real handwritten digits that come with scikit-learn, as 28x28 images.

No download, so it is the default of the quick start. Made with whole numbers only, so that it has the same bytes
on every machine and with every version of every library:

- Size: 8x8 -> 28x28, bilinear with half-pixel centres and repeated edges (as PyTorch's `align_corners=False`).
- Brightness: 0..16 -> 0..255, rounded to the nearest once, at the end.
- Split: of the n images of a digit, the one with rank r (0..n-1, in the order of the file) is a test image if
  36(r+1)//n > 36r//n. That is 36 per digit, spread evenly over the file, which is ordered by writer.

Test: 360 images, 36 of each digit. Train: 1,437 images, 138 to 147 of each digit. Both in the order of the file.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (CC BY 4.0), its test half.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.datasets.registry import Found, Source
from grader.errors import MachineError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SIDE = 28
TEST_PER_CLASS = 36
_HELD = "datasets/data/digits.csv.gz"  # beneath scikit-learn's folder


def enlarged(grey: Array) -> Array:
    """Enlarge 8x8 images of brightness 0..16 to 28x28 of 0..255.

    Shapes:  (N, 8, 8) of any integer type -> (N, 28, 28) uint8
    Errors:  none but the one rounding at the end: the bilinear value exactly, rounded half up

    >>> import numpy as np
    >>> enlarged(np.full((1, 8, 8), 16))[0, 0, :3].tolist()
    [255, 255, 255]
    """
    import numpy as np

    small = grey.shape[-1]
    # The centre of pixel i lies at (i + 1/2) 8/28 - 1/2 = (4i - 5)/14 of the small image: whole fourteenths.
    at = np.clip(4 * np.arange(SIDE) - 5, 0, 14 * (small - 1))
    low, part = at // 14, at % 14
    high = np.minimum(low + 1, small - 1)
    wide = grey.astype(np.int64)
    wide = wide[:, low, :] * (14 - part)[:, None] + wide[:, high, :] * part[:, None]  # (N, 28, 8), in 14ths
    wide = wide[:, :, low] * (14 - part) + wide[:, :, high] * part  # (N, 28, 28), in 196ths
    whole = 14 * 14 * 16
    return ((wide * 255 + whole // 2) // whole).astype(np.uint8)


def is_test(labels: Array) -> Array:
    """Which images are test images, by the rule above.

    Shapes:  (N,) integer labels -> (N,) bool

    >>> import numpy as np
    >>> int(is_test(np.zeros(178, dtype=int)).sum())
    36
    """
    import numpy as np

    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        [places] = np.nonzero(labels == label)
        rank, n = np.arange(len(places)), len(places)
        chosen[places] = TEST_PER_CLASS * (rank + 1) // n > TEST_PER_CLASS * rank // n
    return chosen


def _find(_split: str, _root: Path | None) -> Found:
    return Found(is_present=True, where="embedded (scikit-learn)")


def _read(split: str, _found: Found) -> tuple[Array, Array]:
    small, labels = _held()
    chosen = is_test(labels) == (split == "test")
    return enlarged(small[chosen])[:, None], labels[chosen]


def _held() -> tuple[Array, Array]:
    """The images (1797, 8, 8) and labels (1797,) that scikit-learn holds, int64.

    From its file, for importing it takes a second; by itself where it keeps them elsewhere. Either way the set's digest
    says whether they are right.
    """
    import gzip
    from importlib.util import find_spec

    import numpy as np

    package = find_spec("sklearn")
    file = Path(package.origin).parent / _HELD if package is not None and package.origin else Path(_HELD)
    if file.is_file():
        with gzip.open(file, "rt") as lines:
            table = np.loadtxt(lines, delimiter=",").astype(np.int64)
        return table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MachineError.single(
            f"scikit-learn, which holds the images, does not import ({error})",
            where="data set digits",
            fix="pip install scikit-learn",
            code="data-set-broken",
        ) from error
    raw = load_digits()
    return raw.images.astype(np.int64), raw.target.astype(np.int64)


SOURCE = Source(
    name="digits",
    classes=tuple("0123456789"),
    shape=(1, SIDE, SIDE),
    counts={"train": 1437, "test": 360},
    find=_find,
    read=_read,
    digests={
        "train": "9c92f556003bd7c67ba3af1ee94719d12137c35844b8ca8d92e7bafbd146993b",
        "test": "28461ddc8603faa49d8ad027098d02e2d0909a82c794923401e3c87edb940793",
    },
)
