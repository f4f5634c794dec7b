"""How do the course's own networks get their weights? By a recipe, in a loop that gives the same bytes again.

    Recipe + build_model + ImageSet -> train -> Trained (weights, log, accuracy, seconds, device, versions)

Trusted code only: a student's network is trained in the sandbox. Nothing here imports PyTorch before it trains.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from grader.training.device import device, device_class  # now: a submodule has the name of the function
from grader.training.recipe import Recipe

if TYPE_CHECKING:
    from grader.training.evaluation import Accuracy, Errors, evaluate
    from grader.training.loop import Trained, train, versions
    from grader.training.reference import Reference, load_reference, save

__all__ = [
    "Accuracy",
    "Errors",
    "Recipe",
    "Reference",
    "Trained",
    "device",
    "device_class",
    "evaluate",
    "load_reference",
    "save",
    "train",
    "versions",
]

# A student's check asks what a recipe is, and trains nothing.
_LATER = {
    "evaluation": ("Accuracy", "Errors", "evaluate"),
    "loop": ("Trained", "train", "versions"),
    "reference": ("Reference", "load_reference", "save"),
}


def __getattr__(name: str) -> object:
    for module, offered in _LATER.items():
        if name in offered:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
