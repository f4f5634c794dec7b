"""How do the course's own networks get their weights? By a recipe, in a loop that gives the same bytes again.

    Recipe + build_model + ImageSet -> train -> Trained (weights, log, accuracy, seconds, device, versions)

Trusted code only: a student's network is trained in the sandbox. Nothing here imports PyTorch before it trains.
"""

from __future__ import annotations

from grader.training.device import device, device_class
from grader.training.evaluation import Accuracy, Errors, evaluate
from grader.training.loop import Trained, train, versions
from grader.training.recipe import Recipe
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
