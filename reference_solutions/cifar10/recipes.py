"""How the networks of the CIFAR-10 sheet are trained: it allows ten epochs, and fewer do; ResNet18 in its five.

`mean` and `std` are those of the training images; `transfer` has those of ImageNet, which its weights were made for.
"""

from dataclasses import replace

from grader.training.recipe import Recipe

_BASELINE = Recipe(
    data_set="cifar10",
    optimizer="sgd",
    learning_rate=0.05,
    momentum=0.9,
    weight_decay=5e-4,
    schedule="one-cycle",
    epochs=5,
    batch_size=128,
    is_flipped=True,
    precision="auto",
    memory_format="channels-last",
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
)

RECIPES = {
    "baseline": _BASELINE,
    "net1": replace(_BASELINE, learning_rate=0.1, epochs=8, shift_px=2),
    "net2": replace(_BASELINE, epochs=8, shift_px=2),
    "best": replace(  # plain SGD at 0.1 and at 0.03 loses its way in the first steps: the head sees 4,096 features
        _BASELINE,
        optimizer="adamw",
        momentum=0.0,
        learning_rate=0.002,
        weight_decay=0.02,
        epochs=6,
        label_smoothing=0.1,
        shift_px=3,
    ),
    "transfer": Recipe(
        data_set="cifar10",
        optimizer="adam",
        learning_rate=5e-4,
        schedule="cosine",
        epochs=5,
        batch_size=32,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    ),
}

NETWORKS = {
    "baseline": "model:build_baseline",
    "net1": "model:build_net1",
    "net2": "model:build_net2",
    "best": "model:build_model",
    "transfer": "transfer:build_model",
}

DEMANDS = {"baseline": 0.73, "net1": 0.75, "net2": 0.75, "best": 0.80, "transfer": 0.88}
