"""What is a data set? Images as bytes, a label for each, and a digest that names exactly these."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from grader.frozen import dataclass

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """One split of a data set.

    Shapes:  images (N, C, H, W), labels (N,), targets as images
    Units:   images uint8, 0 is black and 255 white; labels int64, an index into `classes`
    The arrays are read-only, and may be memory-mapped files. `targets` are what a network should make of the images,
    None for a set to classify. `edition` is empty for the images as they were released; a copy with other pixels
    says so here ("lossy JPEG copy"): a number measured on it is not the number of the release.
    """

    name: str
    split: str
    images: Array
    labels: Array
    classes: tuple[str, ...]
    digest: str
    edition: str = ""
    targets: Array | None = None

    def __len__(self) -> int:
        return len(self.labels)


def content_digest(images: Array, labels: Array) -> str:
    """SHA-256 over shapes, images and labels, in hex: the same on every machine and byte order.

    Shapes:  images (N, C, H, W) uint8, labels (N,) of any integer type

    >>> import numpy as np
    >>> images = np.arange(8, dtype=np.uint8).reshape(2, 1, 2, 2)
    >>> content_digest(images, np.array([3, 1]))[:16]
    'a3b8cc75ad38cc8a'
    >>> content_digest(images.reshape(2, 2, 2, 1), np.array([3, 1]))[:16]  # another shape is another set
    '119a1eab7b89564a'
    """
    import numpy as np

    if images.dtype != np.uint8:
        raise ValueError(f"images are {images.dtype}, not uint8")
    whole = hashlib.sha256()
    whole.update(f"grader image set 1: uint8 {tuple(images.shape)}, int64 {tuple(labels.shape)}\n".encode())
    whole.update(np.ascontiguousarray(images).data)
    whole.update(np.ascontiguousarray(labels, dtype="<i8").data)
    return whole.hexdigest()


def inputs(images: Array, *, mean: Sequence[float] = (), std: Sequence[float] = ()) -> Array:
    """What a network sees of these images: float32 from 0 to 1, then normalised where a mean and a std are given.

    Shapes:  (N, C, H, W) uint8 -> (N, C, H, W) float32; `mean` and `std` one number per channel
    Errors:  the result equals torchvision's ToTensor and Normalize to the last bit
    Raises:  ValueError if `mean` or `std` does not have C numbers, or a std is not over 0

    >>> import numpy as np
    >>> inputs(np.array([[[[0, 51, 255]]]], dtype=np.uint8), mean=[0.5], std=[0.5]).ravel().tolist()
    [-1.0, -0.6000000238418579, 1.0]
    """
    import numpy as np

    made = images.astype(np.float32)
    made /= np.float32(255)
    channels = images.shape[1]
    for values, word in ((mean, "mean"), (std, "std")):
        if len(values) not in (0, channels):
            raise ValueError(f"{word} has {len(values)} numbers for images of {channels} channels")
    if any(value <= 0 for value in std):
        raise ValueError(f"std {list(std)} is not over 0")
    if len(mean):
        made -= np.asarray(mean, dtype=np.float32)[:, None, None]
    if len(std):
        made /= np.asarray(std, dtype=np.float32)[:, None, None]
    return made
