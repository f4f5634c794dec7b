"""Trains your networks, and writes the logs and weights that are handed in. GRADER_DATA names the folder of images.

    python train.py first    # first.jsonl, first.pth
    python train.py small    # small.jsonl, small.pth

A record is printed and logged after every epoch. Change what you like: the grader reads the log, counts with the
weights, and never runs this file.
"""

import json
import sys

import torch
from torch.nn import functional as F

import model
from grader.datasets import data_root, inputs, load

BATCH_SIZE = 128
EPOCHS = {"first": 1, "small": 1}  # yours to choose, up to 20 and 15


def augmented(images):
    """A batch (N, 1, 28, 28), changed so that it is still what its labels say. Yours."""
    return images


def tensors(split):
    data = load("mnist", split, root=data_root())
    return torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy())


def accuracy(network, images, labels):
    network.eval()
    with torch.no_grad():
        right = sum((network(x).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))
    network.train()
    return right / len(labels)


def main(name):
    torch.manual_seed(0)
    (images, labels), (test_images, test_labels) = tensors("train"), tensors("test")
    network = {"first": model.build_first, "small": model.build_model}[name]()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    with open(f"{name}.jsonl", "w") as log:
        for epoch in range(1, EPOCHS[name] + 1):
            for batch in torch.randperm(len(images)).split(BATCH_SIZE):
                optimizer.zero_grad()
                loss = F.cross_entropy(network(augmented(images[batch])), labels[batch])
                loss.backward()
                optimizer.step()
            record = {
                "epoch": epoch,
                "train_loss": loss.item(),
                "train_accuracy": accuracy(network, images, labels),
                "test_accuracy": accuracy(network, test_images, test_labels),
                "learning_rate": optimizer.param_groups[0]["lr"],
            }
            log.write(json.dumps(record) + "\n")
            log.flush()
            print(record)
    torch.save(network.state_dict(), f"{name}.pth")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["small"]))
