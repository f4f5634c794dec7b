"""What does a hand-in hold beside its parameters? Other tensors of the checkpoint, and data in the code.

Both are read without running a byte of the student's, so the code cannot answer for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import prod
from typing import Final

from grader.frozen import dataclass
from grader.model import Json

_STATISTICS: Final = ("running_mean", "running_var", "num_batches_tracked")
LEAST_HIDDEN: Final = 1_000  # numbers; a mean and a std, an index of positions or a fixed filter have fewer
SHARE_HIDDEN: Final = Fraction(1, 4)  # of the parameters
SHARE_OF_BUDGET: Final = Fraction(1, 20)
MOST_NUMBERS: Final = 2_000  # constants in one Python file; of 2,000 files of libraries 4 have more, all of them tests


@dataclass(frozen=True)
class Held:
    """Numbers in a checkpoint: all, and those that are a normalisation's statistics, which every such layer has."""

    elements: int
    statistics: int

    def beyond(self, parameters: int) -> int:
        """What is neither a parameter nor a normalisation's statistics. Statistics are few: more are something else.

        >>> Held(31_898 + 128 + 4_000, 128).beyond(31_898), Held(20_000, 19_000).beyond(1_000)
        (4000, 19000)
        """
        statistics = self.statistics if self.statistics <= parameters else 0
        return max(0, self.elements - statistics - parameters)


def held_by(tensors: Iterable[Mapping[str, Json]]) -> Held:
    """From the tensors (name, shape, is_shared) that a checkpoint job lists. What two names share counts once.

    >>> one = {"is_shared": False}
    >>> held_by([{"name": "bn.weight", "shape": [8]} | one, {"name": "bn.running_mean", "shape": [8]} | one])
    Held(elements=16, statistics=8)
    """
    elements = statistics = 0
    for tensor in tensors:
        count = 0 if tensor["is_shared"] else prod(tensor["shape"])
        elements += count
        if tensor["name"].rpartition(".")[2] in _STATISTICS and len(tensor["shape"]) <= 1:
            statistics += count
    return Held(elements, statistics)


def hidden_numbers(held: Held, parameters: int) -> str | None:
    """A sentence where the checkpoint holds much that is no parameter; None where it does not.

    >>> hidden_numbers(Held(14_538, 0), 14_538), hidden_numbers(Held(15_000, 0), 14_538)
    (None, None)
    """
    beyond = held.beyond(parameters)
    if beyond < LEAST_HIDDEN or beyond < SHARE_HIDDEN * parameters:
        return None
    return (
        f"beside {parameters:,} parameters the checkpoint holds {beyond:,} other numbers in buffers, those of "
        "BatchNorm not counted: answers or further weights could stand there"
    )


def over_budget(held: Held, parameters: int, bounds: Mapping[str, int]) -> str | None:
    """A sentence where the parameters are within the budget, and the checkpoint's numbers are clearly not."""
    most = bounds.get("exactly", bounds.get("at_most"))
    if most is None:
        return None
    beyond = held.beyond(parameters)
    if parameters > most or parameters + beyond <= most or beyond <= SHARE_OF_BUDGET * most:
        return None
    return (
        f"the model counts {parameters:,} parameters, and its checkpoint holds {beyond:,} other numbers beside them, "
        f"those of BatchNorm not counted: {parameters + beyond:,} are more than the {most:,} that are allowed"
    )


def data_in_code(source: Mapping[str, Json]) -> Iterator[str]:
    """Sentences about what a source job found: texts and numbers in the code that look like data."""
    if source["text_bytes"]:
        yield (
            f"{source['text_place']} holds a text that looks like data, {source['text_bytes']:,} bytes when compressed"
        )
    if source["numbers"] > MOST_NUMBERS:
        yield f"{source['numbers_place']} holds {source['numbers']:,} numbers"
