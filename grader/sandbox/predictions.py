"""What does a student's network say about these images? Logits, in the images' own order, and whether it says it twice.

The images go in shuffled. Then a slice of them goes to a fresh copy of the network in a box of its own, in other
company, some one by one: a network that answers by position, by what else is in the batch, by what it saw before or
by chance gives itself away. The labels stay here. What comes back is so many float32 numbers, each of them finite.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.limits import Limits
from grader.model import Json, Problem
from grader.sandbox.agreement import Agreement, agreement
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault
from grader.sandbox.text import one_line

if TYPE_CHECKING:
    import numpy as np

BATCH_SIZE = 250
AGAIN = 64  # images that the second box is asked about
ALONE = 16  # of them one by one
_SMALL = (2, 3, 5, 8, 13, 17)  # the batches of the others
_WORDS = ("code", "factory", "checkpoint", "mean", "std", "threads", "max_elements")
_MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class Predictions(Ended):
    """Logits of N images in `classes` columns.

    `scores` are raw float32, row after row, in the order of the images. `again` compares the answers to a slice of
    them with those of the second box; `unanswered` of that slice it refused, and `why` says how. `moved` names
    parameters and buffers that changed while the network answered, `replaced` functions of torch or Python that its
    code put its own in place of, `own_class` the class of tensor that it returns where that is not torch's.
    `stored` is how many of so many images the checkpoint holds itself: (found, compared, tensor's name).
    `parameters` is how many numbers the network counts as such.
    These words are the box's own, and the code in it may lie about itself; the numbers are compared here.
    """

    scores: bytes = b""
    rows: int = 0
    classes: int = 0
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
    def is_repeatable(self) -> bool:
        """Whether an image gets the same answer wherever it stands, as far as it was answered again at all."""
        return self.again.is_good and 2 * self.unanswered <= self.again.compared + self.unanswered


def predict(
    files: Mapping[str, Path],
    request: Mapping[str, Json],
    images: Any,
    *,
    classes: int,
    limits: Limits | None = None,
    level: Level | None = None,
    secret: str = "",
) -> Predictions | StudentFault | SystemFault:
    """The logits of the student's network for `images`, or whose fault it is that there are none.

    Shapes:  images (N, C, H, W) uint8 (a NumPy array, memory-mapped or not)
    Request: `code`, `factory`, `checkpoint`; `mean` and `std` per channel, `batch_size`, `threads` where wanted
    Costs:   the second box is one more start and 64 images in 22 calls; a fault of the student's in it alone is no
             fault of these predictions, but they are not repeatable then
    The order in which the images go in follows from `secret`, the request and the images: the same each time.
    Raises ValueError where the images are no such array.
    """
    shape = [int(side) for side in images.shape]
    if len(shape) != 4 or math.prod(shape) == 0 or str(images.dtype) != "uint8":
        raise ValueError(f"images of shape {tuple(shape)} and type {images.dtype} are not (N, C, H, W) uint8")
    data = memoryview(images).cast("B") if images.flags["C_CONTIGUOUS"] else memoryview(images.tobytes())
    wanted = {"mean": None, "std": None, "threads": 1, **request}
    wanted = {key: wanted.get(key) for key in _WORDS}  # no word of which data these are goes in
    dice = _dice(secret, wanted, data)
    order = list(range(shape[0]))
    dice.shuffle(order)
    slice_ = dice.sample(order, min(AGAIN, len(order)))

    def asked(rows: Sequence[int], sizes: Sequence[int], *, is_again: bool) -> Answered | StudentFault | SystemFault:
        said = wanted | {"shape": [len(rows), *shape[1:]], "classes": classes, "batches": sizes, "is_again": is_again}
        with tempfile.NamedTemporaryFile(prefix="grader-inputs-") as file:
            size = math.prod(shape[1:])
            file.writelines(data[row * size : (row + 1) * size] for row in rows)
            file.flush()
            return run(
                "predict",
                files=files,
                request=said,
                inputs=Path(file.name),
                answer_bytes=len(rows) * classes * 4,
                limits=limits,
                level=level,
            )

    ended = asked(order, _equal(len(order), request.get("batch_size") or BATCH_SIZE), is_again=False)
    if not isinstance(ended, Answered):
        return ended
    again = asked(slice_, _uneven(len(slice_), dice), is_again=True)
    if isinstance(again, SystemFault):
        return again
    return _predictions(ended, again, order, slice_, classes)


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
    ended: Answered, again: Answered | StudentFault, order: Sequence[int], slice_: Sequence[int], classes: int
) -> Predictions | StudentFault:
    """Put the answers back in order, and hold those of the slice against the second ones."""
    import numpy as np

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
    if isinstance(again, Answered):
        second = np.frombuffer(again.payload, dtype=np.float32).reshape(len(slice_), classes)
        said, why = again.notes, _text(again.notes.get("why"), 300)
    else:
        second = np.full((len(slice_), classes), np.nan, dtype=np.float32)
        said, why = {}, f"{again.problem.what}"
    met = agreement(scores, scores[np.asarray(slice_)], second)
    stored = ended.notes.get("stored")
    return Predictions(
        scores=scores.tobytes(),
        rows=len(order),
        classes=classes,
        again=met,
        unanswered=len(slice_) - met.compared,
        why=why,
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
