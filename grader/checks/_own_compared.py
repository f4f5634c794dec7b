"""Does the network say of each image what the student says that it said, and how many are right?

From the result of an own-images job and the student's list alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from grader.answers.own_images import Stated, said_by_name
from grader.frozen import dataclass
from grader.model import Json

AS_THEY_ARE: Final = "answer"
INVERTED: Final = "inverted"


@dataclass(frozen=True)
class Pair:
    """An image of the hand-in (None: there is none of that name) with what is stated of it."""

    image: Mapping[str, Json] | None
    stated: Stated | None
    true: str | None
    is_true_by_name: bool  # a number in a file's name may be a number of the file

    @property
    def claimed(self) -> str | None:
        """What the network is said to have answered."""
        return self.stated.predicted if self.stated is not None else None

    def answer(self, mode: str) -> str | None:
        """What it answers."""
        return self.image[mode]["class"] if self.image is not None and mode in self.image else None

    def is_doubtful(self, mode: str) -> bool:
        """Whether another machine, or another way to put the image into size, might give another answer."""
        return self.image is not None and bool(self.image["is_scaled"] or self.image[mode]["is_near_tie"])


def pairs(images: Sequence[Mapping[str, Json]], listed: Sequence[Stated], classes: Sequence[str]) -> list[Pair]:
    """Every entry of the list with its image, then the images of which nothing is listed."""
    left = {image["path"]: image for image in images}
    made = []
    for one in listed:
        path = _found(one.file, left)
        image = left.pop(path) if path is not None else None
        by_name, _ = said_by_name(path or one.file, classes)
        made.append(Pair(image, one, one.true or by_name, is_true_by_name=one.true is None))
    for path, image in left.items():
        true, predicted = said_by_name(path, classes)
        if predicted is not None and not listed:
            place = _place(path)
            made.append(Pair(image, Stated(path, true, predicted, place), true, is_true_by_name=True))
        else:
            made.append(Pair(image, None, true, is_true_by_name=True))
    return made


def _place(path: str) -> Json:
    from grader.model import Place

    return Place(path)


def _found(named: str, images: Mapping[str, Json]) -> str | None:
    """The path that is meant: itself, or the only one that ends so, or whose name but for its ending is that."""
    if named in images:
        return named
    wanted = PurePosixPath(named)
    for same in (
        lambda path: path.endswith("/" + named),
        lambda path: PurePosixPath(path).name.casefold() == wanted.name.casefold(),
        lambda path: PurePosixPath(path).stem.casefold() == wanted.name.casefold(),
    ):
        found = [path for path in images if same(path)]
        if len(found) == 1:
            return found[0]
    return None


def mode_of(compared: Sequence[Pair]) -> str:
    """As the images are, or with colours inverted: where the claims fit better; as they are where both do alike."""
    agreeing = {mode: sum(one.answer(mode) == one.claimed for one in _claiming(compared)) for mode in _MODES}
    return INVERTED if agreeing[INVERTED] > agreeing[AS_THEY_ARE] else AS_THEY_ARE


_MODES: Final = (AS_THEY_ARE, INVERTED)


def _claiming(compared: Sequence[Pair]) -> list[Pair]:
    return [one for one in compared if one.claimed is not None and one.answer(AS_THEY_ARE) is not None]


def right(compared: Sequence[Pair], mode: str) -> tuple[int, int]:
    """(how many of those whose class is known the network answers right, how many those are)."""
    known = [one for one in compared if one.true is not None and one.answer(mode) is not None]
    return sum(one.answer(mode) == one.true for one in known), len(known)


def claimed_right(compared: Sequence[Pair]) -> tuple[int, int]:
    """The same by the student's own list."""
    known = [one for one in compared if one.true is not None and one.claimed is not None]
    return sum(one.claimed == one.true for one in known), len(known)
