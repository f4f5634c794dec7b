"""How the networks of the sheet on MNIST and Fashion-MNIST are trained.

`fashion-improved` is an improved network for a laptop, `fashion-wide` one for a GPU. The two denoisers differ in
nothing but the skip connection, so that they can be compared; `std=(0.5,)` turns the halved bytes of the noisy set
into the sheet's pixel plus noise, from 0 to 2.
"""

from dataclasses import replace

from grader.training.recipe import Recipe

_DENOISER = Recipe(
    data_set="noisy_fashion_mnist",
    optimizer="adam",
    learning_rate=0.005,
    schedule="one-cycle",
    epochs=10,
    batch_size=64,
    memory_format="channels-last",
    std=(0.5,),
)

RECIPES = {
    "mnist": Recipe(
        data_set="mnist",
        optimizer="adam",
        learning_rate=0.0015,
        schedule="one-cycle",
        warm_up=0.2,
        epochs=3,
        batch_size=128,
        shift_px=1,
        precision="auto",
        memory_format="channels-last",
    ),
    "fashion": Recipe(
        data_set="fashion_mnist",
        optimizer="adam",
        learning_rate=0.001,
        schedule="one-cycle",
        epochs=2,
        batch_size=128,
        precision="auto",
        memory_format="channels-last",
    ),
    "fashion-improved": Recipe(
        data_set="fashion_mnist",
        optimizer="adamw",
        learning_rate=0.004,
        weight_decay=0.02,
        schedule="one-cycle",
        epochs=9,
        batch_size=128,
        is_flipped=True,
        precision="auto",
        memory_format="channels-last",
    ),
    "fashion-wide": Recipe(
        data_set="fashion_mnist",
        optimizer="adamw",
        learning_rate=0.002,
        weight_decay=0.02,
        schedule="one-cycle",
        epochs=10,
        batch_size=128,
        label_smoothing=0.1,
        shift_px=2,
        is_flipped=True,
        precision="auto",
        memory_format="channels-last",
    ),
    "denoiser": _DENOISER,
    "denoiser-skip": replace(_DENOISER),
}

NETWORKS = {
    "fashion-improved": "model:build_improved",
    "fashion-wide": "model:build_wide",
    "denoiser": "model:build_denoiser",
    "denoiser-skip": "model:build_denoiser_with_skip",
}

# Of the denoisers in dB: the noisy input itself has 4.8 (the mean square of noise from 0 to 1 is 1/3), and 10.8 after
# its mean is taken away (1/12). Another 6 dB are a quarter of the squared error that is left.
DEMANDS = {
    "mnist": 0.989,
    "fashion": 0.89,
    "fashion-improved": 0.92,
    "fashion-wide": 0.92,
    "denoiser": 16.8,
    "denoiser-skip": 16.8,
}
