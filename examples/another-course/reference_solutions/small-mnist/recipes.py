"""How the two small networks are trained: within the sheet's 20 and 15 epochs, on images that are moved and turned."""

from dataclasses import replace

from grader.training.recipe import Recipe

_SMALL = Recipe(
    data_set="mnist",
    optimizer="sgd",
    momentum=0.9,
    is_nesterov=True,
    learning_rate=0.4,
    weight_decay=1e-4,
    schedule="one-cycle",
    epochs=14,
    batch_size=128,
    shift_px=2,
    rotation_degrees=7.0,
    memory_format="channels-last",
)

RECIPES = {"first": replace(_SMALL, epochs=8), "small": _SMALL}

NETWORKS = {"first": "model:build_first", "small": "model:build_model"}

DEMANDS = {"first": 0.99, "small": 0.994}
