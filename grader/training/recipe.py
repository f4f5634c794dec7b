"""How is a network trained? Everything that decides the result but the network and the seed, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Literal, get_args

from grader.frozen import dataclass
from grader.model import Json
from grader.training.steps import rate_at

Optimizer = Literal["sgd", "adam", "adamw"]
Schedule = Literal["constant", "cosine", "one-cycle", "multi-step"]
Precision = Literal["float32", "bfloat16", "auto"]
MemoryFormat = Literal["contiguous", "channels-last"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A training run.

    Units:   `learning_rate` is the highest of the schedule; `milestones` are epochs, after which the rate is
             multiplied by `gamma`; `warm_up` is a fraction of all steps; `shift_px` is the most pixels by which a
             training image is moved, up or down and left or right; `rotation_degrees` the most by which it is turned,
             either way; `cutout_px` the side of the square that is covered; `is_flipped` images are mirrored by a
             chance of one half; `log_every_steps`, `most_steps` and `lookahead_steps` count mini-batches
    Budget:  the training ends after `epochs`, or earlier after `most_steps`; the schedule is that of the steps that
             it will have. `most_seconds` ends it by the clock, after the step that passes them: such a result cannot
             be made again, and the log's last record says so
    Raises:  ValueError that names every setting out of its range

    The loss is the cross-entropy; the last mini-batch of an epoch may be smaller. Inputs are pixels from 0 to 1,
    normalised where `mean` and `std` (one number per channel) are given. "bfloat16" is autocast: the weights stay
    float32; "auto" takes it where the device computes faster with it (`grader.training.device.settled`).
    """

    data_set: str
    optimizer: Optimizer
    learning_rate: float
    epochs: int
    batch_size: int
    momentum: float = 0.0  # of sgd
    is_nesterov: bool = False  # of sgd
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    warm_up: float = 0.3  # of one-cycle
    milestones: tuple[int, ...] = ()  # of multi-step
    gamma: float = 0.1  # of multi-step
    label_smoothing: float = 0.0
    shift_px: int = 0
    is_flipped: bool = False
    rotation_degrees: float = 0.0
    cutout_px: int = 0
    ema_decay: float = 0.0  # 0 is none
    lookahead_steps: int = 0  # 0 is none
    lookahead_share: float = 0.5  # of lookahead
    precision: Precision = "float32"
    memory_format: MemoryFormat = "contiguous"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    most_steps: int | None = None
    most_seconds: float | None = None
    log_every_steps: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        demands = {
            f"optimizer {self.optimizer!r} is none of {get_args(Optimizer)}": self.optimizer in get_args(Optimizer),
            f"schedule {self.schedule!r} is none of {get_args(Schedule)}": self.schedule in get_args(Schedule),
            f"precision {self.precision!r} is none of {get_args(Precision)}": self.precision in get_args(Precision),
            f"memory_format {self.memory_format!r} is none of {get_args(MemoryFormat)}": self.memory_format
            in get_args(MemoryFormat),
            f"learning_rate {self.learning_rate} is not over 0": 0 < self.learning_rate < math.inf,
            f"epochs {self.epochs} is not at least 1": self.epochs >= 1,
            f"batch_size {self.batch_size} is not at least 1": self.batch_size >= 1,
            f"momentum {self.momentum} is not in [0, 1)": 0 <= self.momentum < 1,
            f"momentum {self.momentum} is for sgd only": self.optimizer == "sgd" or not self.momentum,
            "is_nesterov needs a momentum": self.momentum > 0 or not self.is_nesterov,
            f"weight_decay {self.weight_decay} is negative": 0 <= self.weight_decay < math.inf,
            f"warm_up {self.warm_up} is not in (0, 1)": 0 < self.warm_up < 1,
            f"milestones {self.milestones} do not rise": list(self.milestones) == sorted(set(self.milestones)),
            "milestones are for multi-step, which needs them": bool(self.milestones) == (self.schedule == "multi-step"),
            f"gamma {self.gamma} is not over 0": 0 < self.gamma < math.inf,
            f"label_smoothing {self.label_smoothing} is not in [0, 1)": 0 <= self.label_smoothing < 1,
            f"shift_px {self.shift_px} is negative": self.shift_px >= 0,
            f"rotation_degrees {self.rotation_degrees} is not from 0 to 180": 0 <= self.rotation_degrees <= 180,
            f"cutout_px {self.cutout_px} is negative": self.cutout_px >= 0,
            f"ema_decay {self.ema_decay} is not in [0, 1)": 0 <= self.ema_decay < 1,
            f"lookahead_steps {self.lookahead_steps} is negative": self.lookahead_steps >= 0,
            f"lookahead_share {self.lookahead_share} is not in (0, 1]": 0 < self.lookahead_share <= 1,
            "ema_decay and lookahead_steps are two averages, and one can count": not (
                self.ema_decay and self.lookahead_steps
            ),
            f"most_steps {self.most_steps} is not at least 1": self.most_steps is None or self.most_steps >= 1,
            f"most_seconds {self.most_seconds} is not over 0": self.most_seconds is None
            or 0 < self.most_seconds < math.inf,
            f"log_every_steps {self.log_every_steps} is not at least 1": self.log_every_steps is None
            or self.log_every_steps >= 1,
            f"seed {self.seed} is not from 0 to 2^63 - 1": 0 <= self.seed < 2**63,
        }
        wrong = [what for what, is_so in demands.items() if not is_so]
        if wrong:
            raise ValueError("recipe: " + "; ".join(wrong))

    def to_json(self) -> dict[str, Json]:
        """The recipe as plain JSON, for keys and records.

        >>> recipe = Recipe(data_set="digits", optimizer="adam", learning_rate=0.002, epochs=3, batch_size=32)
        >>> Recipe.from_json(recipe.to_json()) == recipe
        True
        """
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> Recipe:
        """The recipe that `to_json` wrote; ValueError for an unknown setting."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"recipe: unknown settings {', '.join(unknown)}")
        settings: dict[str, Json] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**settings)

    def rate_at(self, step: int, steps_per_epoch: int) -> float:
        """The learning rate of a step; the first step is 0.

        Source:  PyTorch's CosineAnnealingLR and OneCycleLR (its defaults: from 1/25 up to `learning_rate`, down to
                 1/250,000), stepped after every mini-batch, and MultiStepLR

        >>> recipe = Recipe(
        ...     data_set="digits", optimizer="sgd", learning_rate=1, epochs=2, batch_size=1, schedule="cosine"
        ... )
        >>> [round(recipe.rate_at(step, 2), 3) for step in range(4)]
        [1.0, 0.854, 0.5, 0.146]
        """
        return rate_at(self, step, steps_per_epoch)
