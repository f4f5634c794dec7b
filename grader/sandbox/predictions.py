"""What does a student's network say about these images? Logits, in the images' own order, and whether it says it twice.

The images go in shuffled. Then a slice of them goes to a fresh copy of the network in a box of its own, in other
company, some one by one: a network that answers by position, by what else is in the batch, by what it saw before or
by chance gives itself away. Changed copies of some images go there too, where the images that they were made of are
not at hand. The labels stay here. What comes back is so many float32 numbers, each of them finite.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.frozen import dataclass
from grader.limits import Limits
from grader.model import Json, Problem
from grader.sandbox.agreement import Agreement, agreement
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault
from grader.sandbox.text import one_line

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BATCH_SIZE = 250
AGAIN = 64  # images that the second box is asked about
ALONE = 16  # of them one by one
_SMALL = (2, 3, 5, 8, 13, 17)  # the batches of the others
_WORDS = ("code", "factory", "checkpoint", "mean", "std", "threads", "max_elements")
_RARE_WORDS = ("raw_std",)
_MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class Predictions(Ended):
    """Logits of N images in `classes` columns.

    `scores` are raw float32, row after row, in the order of the images, and `changed_scores` those of the changed ones.
    `again` compares the answers to a slice of the images with those of the second box; `unanswered` of that slice it
    refused, and `why` says how. `moved` names parameters and buffers that changed while the network answered,
    `replaced` functions of torch or Python that its code put its own in place of, `own_class` the class of tensor that
    it returns where that is not torch's. `stored` is how many of so many images the checkpoint holds itself: (found,
    compared, tensor's name).
    `parameters` is how many numbers the network counts as such.
    These words are the box's own, and the code in it may lie about itself; the numbers are compared here.
    """

    scores: bytes = b""
    rows: int = 0
    classes: int = 0
    changed_scores: bytes = b""
    again: Agreement = field(default_factory=Agreement)
    unanswered: int = 0
    why: str = ""
    moved: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    own_class: str = ""
    parameters: int = 0
    stored: tuple[int, int, str] = (0, 0, "")
    notes: Mapping[str, Json] | None = None

    @property
    def logits(self) -> np.ndarray[Any, Any]:
        """The scores as an array (N, classes) of float32, read-only."""
        import numpy as np

        return np.frombuffer(self.scores, dtype=np.float32).reshape(self.rows, self.classes)

    @property
    def changed_logits(self) -> np.ndarray[Any, Any]:
        """The scores of the changed images (P, classes); NaN where there was no answer."""
        import numpy as np

        return np.frombuffer(self.changed_scores, dtype=np.float32).reshape(-1, self.classes)

    @property
    def is_repeatable(self) -> bool:
        """Whether an image gets the same answer wherever it stands, as far as it was answered again at all."""
        return self.again.is_good and 2 * self.unanswered <= self.again.compared + self.unanswered


def predict(
    files: Mapping[str, Path],
    request: Mapping[str, Json],
    images: Any,
    *,
    classes: int,
    changed: Any = None,
    limits: Limits | None = None,
    level: Level | None = None,
    secret: str = "",
    program: str = "predict",
    agree: Callable[[Array, Array, Array], Agreement] = agreement,
) -> Predictions | StudentFault | SystemFault:
    """The logits of the student's network for `images`, or whose fault it is that there are none.

    Shapes:  images (N, C, H, W) uint8 (a NumPy array, memory-mapped or not); `changed` (P, C, H, W) uint8, which only
             the second box is asked about
    Request: `code`, `factory`, `checkpoint`; `mean` and `std` per channel, `batch_size`, `threads` where wanted;
             `raw_std` per channel, by which the images are divided before a `preprocess` of the student's gets them
    `program` is the one that is run; `agree` says whether two answers are one.
    Costs:   the second box is one more start, and 64 images in 22 calls besides `changed`; a fault of the student's in
             it alone is no fault of these predictions, but they are not repeatable then
    The order in which the images go in follows from `secret`, the request and the images: the same each time.
    Raises ValueError where the images are no such array.
    """
    shape = [int(side) for side in images.shape]
    if len(shape) != 4 or math.prod(shape) == 0 or str(images.dtype) != "uint8":
        raise ValueError(f"images of shape {tuple(shape)} and type {images.dtype} are not (N, C, H, W) uint8")
    data = memoryview(images).cast("B") if images.flags["C_CONTIGUOUS"] else memoryview(images.tobytes())
    wanted = {"mean": None, "std": None, "threads": 1, **request}
    # No word of which data these are goes in.
    wanted = {key: wanted.get(key) for key in (*_WORDS, *(key for key in _RARE_WORDS if key in request))}
    dice = _dice(secret, wanted, data)
    order = list(range(shape[0]))
    dice.shuffle(order)
    slice_ = dice.sample(order, min(AGAIN, len(order)))
    size = math.prod(shape[1:])
    rows = [data[row * size : (row + 1) * size] for row in order]
    second, sizes, places = _second_rows([data[row * size : (row + 1) * size] for row in slice_], changed, dice)

    def asked(given: Sequence[Any], sizes: Sequence[int], *, is_again: bool) -> Answered | StudentFault | SystemFault:
        said = wanted | {"shape": [len(given), *shape[1:]], "classes": classes, "batches": sizes, "is_again": is_again}
        with tempfile.NamedTemporaryFile(prefix="grader-inputs-") as file:
            file.writelines(given)
            file.flush()
            return run(
                program,
                files=files,
                request=said,
                inputs=Path(file.name),
                answer_bytes=len(given) * classes * 4,
                limits=limits,
                level=level,
            )

    ended = asked(rows, _equal(len(rows), request.get("batch_size") or BATCH_SIZE), is_again=False)
    if not isinstance(ended, Answered):
        return ended
    again = asked(second, sizes, is_again=True)
    if isinstance(again, SystemFault):
        return again
    return _predictions(ended, _Second(again, slice_, places), order, classes, agree)


def _second_rows(chosen: list[Any], changed: Any, dice: random.Random) -> tuple[list[Any], list[int], list[int]]:
    """What the second box gets: the images in its order, the sizes of the batches, and the place of each row.

    Places count the chosen images first, then the changed ones. The chosen ones stand in small batches, and the order
    of all batches is thrown.
    """
    rows = [*chosen, *(() if changed is None else (image.tobytes() for image in changed))]
    others = list(range(len(chosen), len(rows)))
    dice.shuffle(others)
    left = [*range(len(chosen)), *others]
    batches = []
    for size in (*_uneven(len(chosen), dice), *_equal(len(others), BATCH_SIZE)):
        batches.append(left[:size])
        del left[:size]
    dice.shuffle(batches)
    places = [place for batch in batches for place in batch]
    return [rows[place] for place in places], [len(batch) for batch in batches], places


@dataclass(frozen=True)
class _Second:
    """How the second box ended. `places` of its rows: first those of the slice, then the changed images."""

    ended: Answered | StudentFault
    slice_: Sequence[int]
    places: Sequence[int]

    def scores(self, classes: int) -> np.ndarray[Any, Any]:
        """Row after row as `places` counts them; NaN where there is no answer."""
        import numpy as np

        made = np.full((len(self.places), classes), np.nan, dtype=np.float32)
        if isinstance(self.ended, Answered):
            made[np.asarray(self.places)] = np.frombuffer(self.ended.payload, np.float32).reshape(made.shape)
        return made


def _dice(secret: str, request: Mapping[str, Json], data: memoryview) -> random.Random:
    digest = hashlib.sha256(json.dumps([secret, request], sort_keys=True).encode())
    digest.update(data)
    return random.Random(digest.digest())  # noqa: S311  no cipher: it must only be unknown to the student's code


def _equal(rows: int, size: int) -> list[int]:
    """Batches of one size, and what is left.

    >>> _equal(700, 250)
    [250, 250, 200]
    """
    return [min(size, rows - start) for start in range(0, rows, size)]


def _uneven(rows: int, dice: random.Random) -> list[int]:
    """A quarter of the rows one by one, the others in small batches of different sizes, in any order."""
    sizes = [1] * min(ALONE, math.ceil(rows / 4))
    for size in _SMALL:
        sizes.append(min(size, rows - sum(sizes)))
    sizes = [size for size in (*sizes, rows - sum(sizes)) if size]
    dice.shuffle(sizes)
    return sizes


def _predictions(
    ended: Answered,
    second: _Second,
    order: Sequence[int],
    classes: int,
    agree: Callable[[Array, Array, Array], Agreement],
) -> Predictions | StudentFault:
    """Put the answers back in order, and hold those of the slice against the second ones."""
    import numpy as np

    again = second.ended
    common: dict[str, Any] = {
        "level": ended.level,
        "seconds": ended.seconds + again.seconds,
        "cpu_seconds": ended.cpu_seconds + again.cpu_seconds,
        "output": ended.output,
        "is_output_cut": ended.is_output_cut,
    }
    answered = np.frombuffer(ended.payload, dtype=np.float32).reshape(len(order), classes)
    if not np.isfinite(answered).all():
        what = "the scores that came back are not all finite numbers"
        problem = Problem("not-finite", "submission", what, "return finite scores from forward")
        return StudentFault(problem=problem, **common)
    scores = np.empty_like(answered)
    scores[np.asarray(order)] = answered
    others = second.scores(classes)
    count = len(second.slice_)
    met = agree(scores, scores[np.asarray(second.slice_)], others[:count])
    said, why = (again.notes, again.notes.get("why")) if isinstance(again, Answered) else ({}, again.problem.what)
    stored = ended.notes.get("stored")
    return Predictions(
        scores=scores.tobytes(),
        rows=len(order),
        classes=classes,
        changed_scores=others[count:].tobytes(),
        again=met,
        unanswered=count - met.compared,
        why=_text(why, 300),
        moved=_names(ended.notes.get("moved"), said.get("moved")),
        replaced=_names(ended.notes.get("replaced"), said.get("replaced")),
        own_class=_text(ended.notes.get("own_class"), 80),
        parameters=_count(ended.notes.get("parameters")),
        stored=_stored(stored) if isinstance(stored, dict) else (0, 0, ""),
        notes=ended.notes,
        **common,
    )


# --- what the box says of itself: of any kind, until it was looked at ---------------------------------


def _text(value: Json, most: int) -> str:
    return one_line(value, limit=most) if isinstance(value, str) else ""


def _names(*lists: Json) -> tuple[str, ...]:
    """The names in these lists, each once, as harmless text."""
    given: Iterable[Json] = (name for one in lists if isinstance(one, list) for name in one[:_MOST_NAMES])
    return tuple(dict.fromkeys(_text(name, 80) for name in given if isinstance(name, str)))


def _count(value: Json) -> int:
    return value if type(value) is int and 0 <= value < 2**60 else 0


def _stored(note: Mapping[str, Json]) -> tuple[int, int, str]:
    found, compared = note.get("found"), note.get("compared")
    if type(found) is not int or type(compared) is not int or not 0 <= found <= compared:
        return 0, 0, ""
    return found, compared, _text(note.get("tensor"), 80)
