"""In which form does a student write shapes? With or without the batch, the channels in front or last.

A form that was not asked for is one slip, however many rows are written in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from grader.answers.shapes import Entry, is_open
from grader.checks._network import Sample
from grader.frozen import dataclass

ANY: Final = -1  # any batch size; a size itself is never negative


@dataclass(frozen=True)
class Form:
    """`batch` is its size, ANY, or None where it is left out."""

    batch: int | None
    is_channels_last: bool = False

    def fits(self, entries: tuple[Entry, ...], sample: Sample) -> bool:
        """Whether `entries` are `sample` in this form. A batch that is left open (-1, None, N) fits every size."""
        return self.sample(entries) == sample

    def sample(self, entries: tuple[Entry, ...]) -> Sample | None:
        """The sample that `entries` say in this form; None where they do not have it."""
        body = entries
        if self.batch is not None:
            if not entries or not (is_open(entries[0]) or self.batch in (ANY, entries[0])):
                return None
            body = entries[1:]
        sizes = tuple(entry for entry in body if isinstance(entry, int))
        if len(sizes) != len(body) or (self.is_channels_last and len(sizes) < 2):
            return None
        return (sizes[-1], *sizes[:-1]) if self.is_channels_last else sizes

    def shown(self, sample: Sample) -> str:
        """The sample as a shape for a sentence.

        >>> Form(16).shown((6, 24, 24)), Form(ANY).shown((10,)), Form(None, is_channels_last=True).shown((6, 24, 24))
        ('(16, 6, 24, 24)', '(N, 10)', '(24, 24, 6)')
        """
        body = (*sample[1:], sample[0]) if self.is_channels_last and len(sample) > 1 else sample
        head = [] if self.batch is None else ["N" if self.batch == ANY else str(self.batch)]
        words = [*head, *map(str, body)]
        return f"({', '.join(words)}{',' if len(words) == 1 else ''})"

    def slip(self, asked: Form) -> tuple[str, str]:
        """Code and words for this form, where `asked` is the one that was asked for."""
        if self.is_channels_last:
            return "channels-last", "the channels stand last; asked is (N, C, H, W)"
        if self.batch is None:
            return "batch-left-out", "the batch is left out"
        return "batch-size", f"the batch is {self.batch}, not {asked.batch}"


def accepted_forms(batch: int | None) -> tuple[Form, ...]:
    """What is right: the stated batch; where none is stated, any batch or none."""
    return (Form(batch),) if batch is not None else (Form(ANY), Form(None))


def other_forms(entries: tuple[Entry, ...], batch: int | None) -> Iterator[Form]:
    """Forms in which `entries` may have been meant, though they were not asked for; the smallest slip first."""
    sizes = [batch if batch is not None else ANY]
    if batch is not None:
        yield Form(None)
        if entries and isinstance(entries[0], int) and entries[0] != batch:
            sizes.append(entries[0])
            yield Form(entries[0])
    for size in (*sizes, None):
        yield Form(size, is_channels_last=True)
