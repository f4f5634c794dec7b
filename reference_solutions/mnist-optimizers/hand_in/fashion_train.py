"""Trains the network of fashion_model.py on Fashion-MNIST, without augmentation and with it.

    python fashion_train.py plain        # fashion.jsonl, fashion_mnist.pth
    python fashion_train.py augmented    # fashion-augmented.jsonl, fashion-augmented.pth

AdamW with a one-cycle schedule, 8 epochs of mini-batches of 128. Augmented images are moved by up to 2 pixels, turned
by up to 5 degrees, and mirrored.
"""

import sys
from pathlib import Path

import torch
from fashion_model import build_fashion

from grader.datasets import data_root, load
from grader.training import Recipe, train

SETTINGS = {
    "data_set": "fashion_mnist",
    "optimizer": "adamw",
    "learning_rate": 0.01,
    "weight_decay": 0.01,
    "schedule": "one-cycle",
    "epochs": 8,
    "batch_size": 128,
    "memory_format": "channels-last",
    "log_every_steps": 1000,
}
AUGMENTED = {"shift_px": 2, "rotation_degrees": 5.0, "is_flipped": True}


def main(name):
    is_augmented = name == "augmented"
    recipe = Recipe(**SETTINGS, **(AUGMENTED if is_augmented else {}))
    sets = [load("fashion_mnist", split, root=data_root()) for split in ("train", "test")]
    log = "fashion-augmented.jsonl" if is_augmented else "fashion.jsonl"
    made = train(build_fashion, recipe, *sets, seed=0, log_path=Path(log))
    torch.save(dict(made.state_dict), "fashion-augmented.pth" if is_augmented else "fashion_mnist.pth")


if __name__ == "__main__":
    main(sys.argv[1])
