"""How the seven-layer network is trained on MNIST, under a minute each on one core, and another one on Fashion-MNIST.

`sgd` and `adam` differ in nothing but the optimizer and its learning rate, so that they can be compared. `tuned` is
free to use more: a one-cycle schedule and more epochs. All print every 1000 mini-batches, as the sheet asks.
`fashion` and `fashion-augmented` differ in nothing but that the second moves, turns and mirrors its training images.
"""

from dataclasses import replace

from grader.training.recipe import Recipe

_FASHION = Recipe(
    data_set="fashion_mnist",
    optimizer="adamw",
    learning_rate=0.01,
    weight_decay=0.01,
    schedule="one-cycle",
    epochs=8,
    batch_size=128,
    memory_format="channels-last",
    log_every_steps=1000,
)

RECIPES = {
    "sgd": Recipe(
        data_set="mnist",
        optimizer="sgd",
        learning_rate=0.01,
        momentum=0.9,
        schedule="cosine",
        epochs=2,
        batch_size=64,
        log_every_steps=1000,
    ),
    "adam": Recipe(
        data_set="mnist",
        optimizer="adam",
        learning_rate=0.002,
        schedule="cosine",
        epochs=2,
        batch_size=64,
        log_every_steps=1000,
    ),
    "tuned": Recipe(
        data_set="mnist",
        optimizer="adam",
        learning_rate=0.005,
        schedule="one-cycle",
        epochs=6,
        batch_size=128,
        log_every_steps=1000,
    ),
    "fashion": _FASHION,
    "fashion-augmented": replace(_FASHION, shift_px=2, rotation_degrees=5.0, is_flipped=True),
}

NETWORKS = {"fashion": "fashion_model:build_fashion", "fashion-augmented": "fashion_model:build_fashion"}

# Of Fashion-MNIST the sheet demands 90%, with augmentation or without.
DEMANDS = {"sgd": 0.94, "adam": 0.978, "tuned": 0.99, "fashion": 0.90, "fashion-augmented": 0.90}
