"""How LeNet on MNIST and the network on the coarse labels of CIFAR-100 are trained."""

from grader.training.recipe import Recipe

RECIPES = {
    "lenet": Recipe(
        data_set="mnist",
        optimizer="adam",
        learning_rate=0.005,
        schedule="one-cycle",
        epochs=2,
        batch_size=128,
        precision="auto",
        memory_format="channels-last",
    ),
    "coarse": Recipe(
        data_set="cifar100_coarse",
        optimizer="adamw",
        learning_rate=0.002,
        weight_decay=0.02,
        schedule="one-cycle",
        epochs=12,
        batch_size=128,
        shift_px=2,
        is_flipped=True,
        precision="auto",
        memory_format="channels-last",
        mean=(0.5071, 0.4865, 0.4409),
        std=(0.2673, 0.2564, 0.2762),
    ),
}

NETWORKS = {"coarse": "model:build_coarse"}

# Of the coarse labels the sheet demands 40%; a network that leaves room for students passes 50%.
DEMANDS = {"lenet": 0.97, "coarse": 0.40}
