"""What can be shown of a hand-in besides words? Curves, a confusion matrix, images, a layer table: values to be drawn.

    rules of any rubric + files handed in + evidence that lies in the cache -> Exhibits -> HTML, the review page, JSON

By what a rule holds and by what its jobs gave, never by an assignment. Nothing is run: evidence that is not there is
no exhibit. Text in an exhibit may be a student's and is plain text; of a student's images there are the sandbox's
arrays, written as PNG by ourselves, or a PNG or JPEG file of theirs for an <img>, never SVG or HTML.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from grader.frozen import dataclass
from grader.model import Evidence, Job, Rule, Submission, Visibility

if TYPE_CHECKING:
    import numpy as np

    from grader.grading import Asked

log = logging.getLogger(__name__)

EvidenceOf = Callable[[Job], Evidence | None]
# (data set, split, number from 0) -> (C, H, W) uint8, or None where the set is not here
ImageOf = Callable[[str, str, int], "np.ndarray[Any, Any] | None"]

MOST: Final = 60  # exhibits of one hand-in; what is beyond is counted by whoever asks for them
MOST_BYTES: Final = 6 * 2**20  # of all pictures of one hand-in


@dataclass(frozen=True, slots=True)
class About:
    """Whose an exhibit is: the task, the rules, and who may see it.

    `is_revealed` False: what is right stays with the staff. `note` is one sentence below the drawing.
    """

    task: str
    rules: tuple[str, ...]
    title: str
    is_staff_only: bool = False
    is_revealed: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: (x, y) in the order of x. None: there is no number there (NaN), so that the curve has a gap."""

    name: str
    points: tuple[tuple[float, float | None], ...]
    total: int = 0  # points before some were left out


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines over the same axes. `is_share`: y is a share of 1, shown in percent."""

    about: About
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """An accuracy that we counted, with its 95% interval. Units: shares of 1."""

    name: str
    correct: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> Fraction:
        return Fraction(self.correct, self.n)


@dataclass(frozen=True, slots=True)
class Mark:
    """A number to compare with: "asked", "claimed". `kind` is "asked", "foot" (credit begins) or "claimed"."""

    kind: str
    name: str
    value: Fraction


@dataclass(frozen=True, slots=True)
class ReferenceBand:
    """What the course's reference reached: its runs' lowest, mean and highest accuracy. Units: shares of 1."""

    name: str
    low: Fraction
    mean: Fraction
    high: Fraction
    runs: int
    device: str = ""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Accuracies as counted, beside what is asked, what is claimed, and the band of the reference."""

    about: About
    measured: tuple[Measured, ...]
    marks: tuple[Mark, ...] = ()
    band: ReferenceBand | None = None


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each class was taken for which. `counts`: rows are the true classes, columns the predicted ones."""

    about: About
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a browser may show: PNG or JPEG, `data` as it is in the file. Empty data: it is not shown.

    `alt` is for who does not see it, `caption` for everybody. `is_small`: its pixels are to be shown large and sharp.
    """

    caption: str
    alt: str
    width: int = 0
    height: int = 0
    data: bytes = b""
    mime: str = "image/png"
    is_small: bool = False

    @property
    def uri(self) -> str:
        """For the src of an <img>.

        >>> Picture("", "", 1, 1, b"abc").uri
        'data:image/png;base64,YWJj'
        """
        if self.mime not in ("image/png", "image/jpeg"):
            raise ValueError(f"{self.mime!r} is not shown")
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Pictures:
    """Images side by side. `kind`: "worst", "maps", "own", "figures". `left_out` of them are not among these."""

    about: About
    kind: str
    pictures: tuple[Picture, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class LayerCell:
    """One cell: as the student wrote it ("" where nothing is) beside what it comes to. `verdict` is a `CellVerdict`."""

    column: str
    claimed: str
    recomputed: str
    verdict: str
    is_credited: bool


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer. `number` counts the asked ones from 1, 0 is for a row that was not asked or is none."""

    number: int
    label: str
    cells: tuple[LayerCell, ...]
    own_name: str = ""  # what the student calls it


@dataclass(frozen=True, slots=True)
class LayerTable:
    """A table of layers, claimed beside recomputed. `first_wrong` is the index of the first wrong row, or None."""

    about: About
    columns: tuple[str, ...]
    rows: tuple[LayerRow, ...]
    first_wrong: int | None = None


Exhibit = Curves | Accuracy | Confusion | Pictures | LayerTable


@dataclass(frozen=True)
class Case:
    """What the exhibits are made of: a hand-in with what its rules ask, the evidence there is, and the image sets."""

    asked: Asked
    submission: Submission
    evidence_of: EvidenceOf
    image_of: ImageOf

    def rules(self) -> Iterator[tuple[str, Rule]]:
        """Every rule with its task's id."""
        for task in self.asked.rubric.tasks:
            for rule in task.rules:
                yield task.id, rule

    def done(self, rule: Rule, kind: str) -> Iterator[tuple[Job, Evidence]]:
        """The rule's jobs of a kind that have a result, with it."""
        for job in self.asked.needs.get(rule.id, ()):
            if job.kind == kind:
                made = self.evidence_of(job)
                if made is not None and made.is_done:
                    yield job, made


def about(task: str, rule: Rule, title: str, note: str = "") -> About:
    """The `About` of an exhibit of one rule."""
    return About(
        task,
        (rule.id,),
        title,
        is_staff_only=rule.visibility is Visibility.STAFF,
        is_revealed=rule.settings.get("reveal") is not False,
        note=note,
    )


def exhibits_of(
    asked: Asked, submission: Submission, evidence_of: EvidenceOf, *, image_of: ImageOf | None = None
) -> list[Exhibit]:
    """Everything that can be shown of a hand-in, in the order of the tasks, at most `MOST`.

    `evidence_of` gives what is known of a job and None otherwise; `image_of` the images of a data set. What one
    exhibit cannot be made of (a file that is broken, a bug of ours) hides no other.
    """
    if not submission.is_readable:
        return []
    from grader.reports.exhibited import logs, pictures, predictions, tables, trainings

    case = Case(asked, submission, evidence_of, image_of or (lambda _data, _split, _number: None))
    made: list[Exhibit] = []
    for maker in (tables.made, predictions.made, trainings.made, logs.made, pictures.made):
        try:
            made.extend(maker(case))
        except Exception:
            log.exception("of %s nothing is shown by %s", submission.id, maker.__module__)
    order = {task.id: number for number, task in enumerate(asked.rubric.tasks)}
    made.sort(key=lambda one: order.get(one.about.task, len(order)))  # stable: the makers' order within a task
    return within_bytes(made[:MOST])


def within_bytes(exhibits: Sequence[Exhibit], most: int = MOST_BYTES) -> list[Exhibit]:
    """The same, where pictures beyond `most` bytes are named and not shown."""
    left, made = most, []
    for one in exhibits:
        if isinstance(one, Pictures):
            kept = []
            for picture in one.pictures:
                fits = len(picture.data) <= left
                left -= len(picture.data) if fits else 0
                kept.append(picture if fits else replace(picture, data=b"", caption=f"{picture.caption}: not shown"))
            one = replace(one, pictures=tuple(kept))  # noqa: PLW2901
        made.append(one)
    return made


def for_student(exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """What the student may see: nothing of rules for the staff, and not what is right where the rubric keeps that."""
    seen = [one if one.about.is_revealed else _unrevealed(one) for one in exhibits if not one.about.is_staff_only]
    return [one for one in seen if one is not None]


def _unrevealed(one: Exhibit) -> Exhibit | None:
    if isinstance(one, Pictures) and one.kind == "worst":
        return None  # it names the true classes
    if isinstance(one, LayerTable):
        rows = tuple(replace(row, cells=tuple(replace(cell, recomputed="") for cell in row.cells)) for row in one.rows)
        return replace(one, rows=rows)
    if isinstance(one, Accuracy):
        return replace(one, marks=tuple(mark for mark in one.marks if mark.kind == "claimed"), band=None)
    return one
