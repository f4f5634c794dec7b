"""Where do CIFAR-10 and CIFAR-100 lie, and which images are they? The released batch files, or a known JPEG copy.

The release is known by the MD5 of its files, as torchvision publishes them. The copy is known by the digest of its
files: the same images to the eye (30 dB for CIFAR-10, 37 dB for CIFAR-100), other numbers to a network. What is
handed out says which of the two it is (`ImageSet.edition`), and the release is taken where both are here.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from grader.datasets.getting import how_to_get
from grader.datasets.pictures import ARCHIVES, decoded, files_digest, read_pictures
from grader.datasets.plain_pickle import read_plain_pickle
from grader.datasets.registry import Found, Source
from grader.errors import MachineError
from grader.frozen import dataclass

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SIDE = 32
LOSSY_COPY = "lossy JPEG copy"


@dataclass(frozen=True)
class Cifar:
    """One of the two sets: `find` and `read` are those of its Source.

    `batches` holds the MD5 of each released file by split, or "" where any will do; `copy` the digest of the files
    of the JPEG copy by split, likewise; `depth` is the number of folders above a picture of the copy.
    """

    folder: str
    batch_folder: str
    labels_key: str
    classes: tuple[str, ...]
    counts: Mapping[str, int]
    batches: Mapping[str, Mapping[str, str]]
    copy: Mapping[str, str]
    depth: int

    def find(self, split: str, root: Path | None) -> Found:
        """The batch files of the split, else an archive of pictures, else a folder of them."""
        if root is None:
            return Found(is_present=False)
        own = root / self.folder
        looked_in = []
        for folder in (root / self.batch_folder, own / self.batch_folder, own):
            files = [folder / name for name in self.batches[split]]
            here = [file for file in files if file.is_file()]
            if len(here) == len(files):
                return Found(is_present=True, files=tuple(files), where=str(folder))
            lacking = next(file.name for file in files if file not in here)
            looked_in.append(f"{folder} (holds no {lacking})" if here else str(folder))
        for place in (own / f"{self.folder}{kind}{end}" for kind in ("-jpeg", "") for end in ARCHIVES):
            if place.is_file():
                return self._found_copy(place, (place,))
        folders = [own / split / name for name in self.classes]
        if all(folder.is_dir() for folder in folders):
            # The folders stand for their pictures: looking at 50,000 files each time would cost more than it tells.
            return self._found_copy(own / split, tuple(folders))
        return Found(is_present=False, looked_in=tuple(looked_in))

    def _found_copy(self, place: Path, files: tuple[Path, ...]) -> Found:
        return Found(is_present=True, files=files, where=str(place), edition=LOSSY_COPY)

    def read(self, split: str, found: Found) -> tuple[Array, Array]:
        """The images (N, 3, 32, 32) uint8 and labels (N,) int64, or MachineError where these are other files."""
        return self._read_copy(split, found) if found.edition else self._read_batches(split, found)

    def _read_batches(self, split: str, found: Found) -> tuple[Array, Array]:
        import numpy as np

        n = self.counts[split] // len(found.files)
        images = np.empty((self.counts[split], 3, SIDE, SIDE), dtype=np.uint8)
        labels = np.empty(self.counts[split], dtype=np.int64)
        for number, file in enumerate(found.files):
            self._refuse_another_file(file, self.batches[split][file.name])
            batch = read_plain_pickle(file)
            rows = slice(number * n, (number + 1) * n)
            images[rows] = _data(file, batch, n).reshape(n, 3, SIDE, SIDE)
            labels[rows] = self._labels(file, batch, n)
        return images, labels

    def _labels(self, file: Path, batch: Mapping[str, Any], n: int) -> Sequence[int]:
        labels = batch.get(self.labels_key)
        if not isinstance(labels, list) or len(labels) != n:
            _refuse(file, f"{self.labels_key!r} is no list of {n:,} labels")
        for place, label in enumerate(labels):
            if not isinstance(label, int) or not 0 <= label < len(self.classes):
                _refuse(file, f"label {place} is {label!r:.20}, not from 0 to {len(self.classes) - 1}")
        return labels

    def _refuse_another_file(self, file: Path, wanted: str) -> None:
        with file.open("rb") as opened:
            md5 = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if not wanted or md5 == wanted:
            return
        named = {known: name for files in self.batches.values() for name, known in files.items()}
        what = f"this is the released {named[md5]}" if md5 in named else f"this is not the released file: MD5 {md5}"
        _refuse(file, f"{what}, not {wanted}" if md5 not in named else f"{what}, not {file.name}")

    def _read_copy(self, split: str, found: Found) -> tuple[Array, Array]:
        place, n = Path(found.where), self.counts[split]
        pictures = read_pictures(place, split, depth=self.depth, at_most=n)
        digest, wanted = files_digest(pictures), self.copy[split]
        if wanted and digest != wanted:
            what = f"its {len(pictures):,} pictures of the {split} split are not those of a known copy of the set"
            _refuse(place, f"{what}: digest {digest[:16]}, not {wanted[:16]}")
        return decoded(place, pictures, self.classes, SIDE, per_class=n // len(self.classes))


def _data(file: Path, batch: Mapping[str, Any], n: int) -> Array:
    import numpy as np

    data = batch.get("data")
    if not isinstance(data, np.ndarray) or data.shape != (n, 3 * SIDE * SIDE):
        _refuse(file, f"'data' is no array of {n:,} x {3 * SIDE * SIDE:,} bytes")
    return data


def _refuse(where: Path, what: str) -> NoReturn:
    fix = "put the released files there: `grader data list` shows how, once these are moved away"
    raise MachineError.single(what, where=str(where), fix=fix, code="data-set-broken")


def cifar_source(name: str, of: Cifar, downloads: str) -> Source:
    """The Source of one of the sets."""
    return Source(
        name=name,
        classes=of.classes,
        shape=(3, SIDE, SIDE),
        counts=of.counts,
        find=of.find,
        read=of.read,
        fix=how_to_get((of.batch_folder,), "the released batch files", downloads),
    )


CIFAR10 = cifar_source(
    "cifar10",
    Cifar(
        folder="cifar10",
        batch_folder="cifar-10-batches-py",
        labels_key="labels",
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        counts={"train": 50_000, "test": 10_000},
        batches={
            "train": {
                "data_batch_1": "c99cafc152244af753f735de768cd75f",
                "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
                "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
                "data_batch_4": "634d18415352ddfa80567beed471001a",
                "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            },
            "test": {"test_batch": "40351d587109b95175f43aff81a1287e"},
        },
        copy={
            "train": "cdacf61c0b8c764a06aaba486145a709f8ab78b5435368134408588fea182145",
            "test": "5362487e7f8217c874f22072475cb75fce01d2d849676ec772584da7fc3b4ff0",
        },
        depth=1,
    ),
    "sets.CIFAR10('FOLDER', download=True)",
)

CIFAR100_COARSE = cifar_source(
    "cifar100_coarse",
    Cifar(
        folder="cifar100",
        batch_folder="cifar-100-python",
        labels_key="coarse_labels",
        classes=(
            "aquatic_mammals",
            "fish",
            "flowers",
            "food_containers",
            "fruit_and_vegetables",
            "household_electrical_devices",
            "household_furniture",
            "insects",
            "large_carnivores",
            "large_man-made_outdoor_things",
            "large_natural_outdoor_scenes",
            "large_omnivores_and_herbivores",
            "medium_mammals",
            "non-insect_invertebrates",
            "people",
            "reptiles",
            "small_mammals",
            "trees",
            "vehicles_1",
            "vehicles_2",
        ),
        counts={"train": 50_000, "test": 10_000},
        batches={
            "train": {"train": "16019d7e3df5f24257cddd939b257f8d"},
            "test": {"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
        },
        copy={
            "train": "3ffbb9c5163c24e9ab5a2d845df8994190be89ac39df56bac92295df09eaaa4b",
            "test": "2d32e4071a14390f1c1b299dec3922e6bc73e2bf197be23d146802058c350160",
        },
        depth=2,
    ),
    "sets.CIFAR100('FOLDER', download=True)",
)
