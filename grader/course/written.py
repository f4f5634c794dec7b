"""What does the file say of a rule, as far as it could be read?"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from grader.frozen import dataclass
from grader.model import Json

# What every rule may say. Every other key is a setting of its check.
COMMON_KEYS = ("id", "check", "answer", "points", "after", "visibility", "bonus", "deduction", "ramp", "variants")

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Written:
    """A rule as the file has it. None where something is not there, or is not sound."""

    path: Path_
    value: Mapping[str, Json]
    id: str | None
    check: str | None
    points: Fraction | None
    points_are_sound: bool
    after: tuple[str, ...]
    is_bonus: bool
    is_deduction: bool = False
    ramp: tuple[Fraction, Fraction] | None = None

    @property
    def is_counted(self) -> bool:
        """Whether its points are part of the task's."""
        return not self.is_bonus and not self.is_deduction

    @property
    def has_own_id(self) -> bool:
        return "id" in self.value
