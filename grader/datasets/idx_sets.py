"""Where do MNIST and Fashion-MNIST lie, and which images are they? Four IDX files each, in known folders.

Under the data root a set is looked for in a folder of its own name and in the one that torchvision makes; each
file may be gzip or unpacked. The two sets have the same file names and shapes, so only the digest of the content
tells one from the other: it is pinned to that of the official release.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.datasets.getting import how_to_get
from grader.datasets.idx import read_idx
from grader.datasets.registry import Found, Source
from grader.errors import MachineError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

PREFIXES = {"train": "train", "test": "t10k"}


def find_files(split: str, root: Path | None, *, folders: tuple[str, ...]) -> Found:
    """The images file and the labels file of a split, in the first of `folders` under `root` that has both."""
    if root is None:
        return Found(is_present=False)
    looked_in = []
    for folder in (root / name for name in folders):
        files = [_first_of(folder, PREFIXES[split], *kind) for kind in (("images", 3), ("labels", 1))]
        if all(files):
            return Found(is_present=True, files=tuple(file for file in files if file), where=str(folder))
        lacking = [kind for kind, file in zip(("images", "labels"), files, strict=True) if file is None]
        half = f" (holds no {PREFIXES[split]}-{lacking[0]} file)" if folder.is_dir() else ""
        looked_in.append(f"{folder}{half}")
    return Found(is_present=False, looked_in=tuple(looked_in))


def _first_of(folder: Path, prefix: str, kind: str, dimensions: int) -> Path | None:
    plain = f"{prefix}-{kind}-idx{dimensions}-ubyte"
    unzipped_by_hand = f"{prefix}-{kind}.idx{dimensions}-ubyte"
    for name in (f"{plain}.gz", plain, unzipped_by_hand):
        if (folder / name).is_file():
            return folder / name
    return None


def read_files(split: str, found: Found, *, counts: dict[str, int], classes: int) -> tuple[Array, Array]:
    """The images (N, 1, 28, 28) uint8 and labels (N,) int64 of two IDX files, or MachineError that names one."""
    import numpy as np

    images_file, labels_file = found.files
    n = counts[split]
    labels = read_idx(labels_file, (n,))
    if labels.max() >= classes:
        place = int(np.argmax(labels >= classes))
        raise MachineError.single(
            f"label {place} is {labels[place]}, over the largest class {classes - 1}",
            where=str(labels_file),
            fix="copy or download this file again",
            code="data-set-broken",
        )
    images = read_idx(images_file, (n, 28, 28))
    return images[:, None], labels.astype(np.int64)


def _how_to_get(folders: tuple[str, ...]) -> str:
    """The last of the folders is torchvision's own layout."""
    kind = folders[-1].partition("/")[0]
    downloads = f"[sets.{kind}('FOLDER', train=part, download=True) for part in (True, False)]"
    return how_to_get(folders, "the four IDX files of the set", downloads)


def idx_source(
    name: str,
    classes: tuple[str, ...],
    folders: tuple[str, ...],
    digests: dict[str, str],
    counts: dict[str, int] | None = None,
) -> Source:
    """A set of 28x28 grey images in the four files of MNIST."""
    counts = counts or {"train": 60_000, "test": 10_000}
    return Source(
        name=name,
        classes=classes,
        shape=(1, 28, 28),
        counts=counts,
        find=partial(find_files, folders=folders),
        read=partial(read_files, counts=counts, classes=len(classes)),
        digests=digests,
        fix=_how_to_get(folders),
    )


MNIST = idx_source(
    "mnist",
    tuple("0123456789"),
    ("mnist", "MNIST/raw"),
    {
        "train": "8397d1e04f963f56bcb72d833a2e8d3ae7119925f5b37602cd7cf4ccbe00172f",
        "test": "3d263b941b77d7d04073c7aa91793e35097005518d88ab6a5a6b5aba39852e23",
    },
)

FASHION_MNIST = idx_source(
    "fashion_mnist",
    (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    ("fashion_mnist", "FashionMNIST/raw"),
    {
        "train": "daea301598ccd475fbaea06bd292fea9272d6496bbc7b3ffb4acc615c9ce057e",
        "test": "ac700955c7da7c368f67cc56357f1c634610c1a5b67030de5d934e425b66de56",
    },
)
