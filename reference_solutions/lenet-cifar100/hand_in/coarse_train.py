"""Trains the network for the 20 coarse classes of CIFAR-100, and writes coarse.pth and coarse.jsonl.

    python coarse_train.py

AdamW with a one-cycle schedule, 4 epochs of mini-batches of 128; images are mirrored.
"""

from pathlib import Path

import torch
from model import MEAN, STD, build_coarse

from grader.datasets import data_root, load
from grader.training import Recipe, train

RECIPE = Recipe(
    data_set="cifar100_coarse",
    optimizer="adamw",
    learning_rate=0.005,
    weight_decay=0.02,
    schedule="one-cycle",
    epochs=4,
    batch_size=128,
    is_flipped=True,
    memory_format="channels-last",
    mean=MEAN,
    std=STD,
)

if __name__ == "__main__":
    sets = [load("cifar100_coarse", split, root=data_root()) for split in ("train", "test")]
    made = train(build_coarse, RECIPE, *sets, seed=0, log_path=Path("coarse.jsonl"))
    torch.save(dict(made.state_dict), "coarse.pth")
