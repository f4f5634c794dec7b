"""What is the set "noisy_fashion_mnist"? Fashion-MNIST under noise of its own strength, and the clean images to it.

The sheet asks for x + u, with pixels x from 0 to 1 and u uniform from 0 to 1: a number from 0 to 2. Kept as a byte
it is halved, and nothing is cut off: a byte v stands for x + u = 2v/255, to 1/255. So a network that shall see what
the sheet says gets its inputs normalised by `std: [0.5]`, and one that was trained on x + u cut at 1 can still cut.

    v = (clean + noise) // 2, clean and noise from 0 to 255

The noise is the same on every machine: the bytes of Python's own generator, seeded by the set's name and split.
The labels are those of fashion_mnist, and so are its images, in the same order, as the `targets` of a denoiser.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from grader.datasets.idx_sets import FASHION_MNIST
from grader.datasets.registry import Found, Source

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

NAME = "noisy_fashion_mnist"
AT_ONCE = 1000  # images, so that memory stays flat; the generator's bytes are the same in any fours


def noisy(images: Array, seed: str) -> Array:
    """Half the sum of each pixel and of noise that is uniform from 0 to 255, rounded down.

    Shapes:  (N, C, H, W) uint8 -> (N, C, H, W) uint8, where C H W is a multiple of four

    >>> import numpy as np
    >>> noisy(np.array([[[[0, 0, 255, 255]]]], dtype=np.uint8), "a seed")[0, 0, 0].tolist()
    [70, 114, 235, 178]
    """
    import numpy as np

    dice = random.Random(seed)  # noqa: S311  no cipher
    made = np.empty(images.shape, dtype=np.uint8)
    for start in range(0, len(images), AT_ONCE):
        clean = images[start : start + AT_ONCE]
        thrown = np.frombuffer(dice.randbytes(clean.size), dtype=np.uint8).reshape(clean.shape)
        made[start : start + AT_ONCE] = (clean.astype(np.uint16) + thrown) // 2
    return made


def _read(split: str, found: Found) -> tuple[Array, Array]:
    images, labels = FASHION_MNIST.read(split, found)
    return noisy(images, f"{NAME} {split}"), labels


SOURCE = Source(
    name=NAME,
    classes=FASHION_MNIST.classes,
    shape=FASHION_MNIST.shape,
    counts=FASHION_MNIST.counts,
    find=FASHION_MNIST.find,
    read=_read,
    targets=FASHION_MNIST.name,
    digests={
        "train": "dc69c14b098f62fe0a1679af9d9b5a624149efbae023c04202f10f4a4e3cb7f9",
        "test": "a3d02f9a082d01a5f45aa2aa534be69ae9c368c8fb11e61250a5183d0d775ae7",
    },
    fix=f"it is made from {FASHION_MNIST.name}: {FASHION_MNIST.fix}",
)
