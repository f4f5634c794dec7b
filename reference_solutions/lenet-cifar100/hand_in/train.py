"""Trains LeNet on MNIST, and writes the logs and weights that are handed in.

    python train.py lenet     # exercise 1: train.jsonl, model.pth
    python train.py grid      # exercise 3: logs/lr-*.jsonl, logs/maps-*.jsonl

A record is printed and logged after every epoch. The network of exercise 4 is trained by coarse_train.py.
"""

import json
import sys
from pathlib import Path

import model
import torch
from torch.nn import functional as F

from grader.datasets import data_root, inputs, load

BATCH_SIZE = 128
RATES = ["0.0001", "0.001", "0.1"]
MAPS = [1, 6, 12]
VALIDATION = 5000  # images of the training set that are kept for validation


def tensors(split):
    data = load("mnist", split, root=data_root())
    return torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy())


def accuracy(net, images, labels):
    net.eval()
    with torch.no_grad():
        right = sum((net(x).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))
    net.train()
    return right / len(labels)


def train(net, log_name, *, learning_rate, epochs):
    """Train `net`; returns it. The last 5,000 images are for validation."""
    images, labels = tensors("train")
    parts = [len(images) - VALIDATION, VALIDATION]
    (images, validation_images), (labels, validation_labels) = images.split(parts), labels.split(parts)
    test_images, test_labels = tensors("test")
    optimizer = torch.optim.Adam(net.parameters(), lr=learning_rate)
    step = 0
    Path(log_name).parent.mkdir(exist_ok=True)
    with open(log_name, "w") as log:
        for epoch in range(1, epochs + 1):
            total = 0.0
            for batch in torch.randperm(len(images)).split(BATCH_SIZE):
                optimizer.zero_grad()
                loss = F.cross_entropy(net(images[batch]), labels[batch])
                loss.backward()
                optimizer.step()
                total += loss.item() * len(batch)
                step += 1
            record = {
                "epoch": epoch,
                "step": step,
                "train_loss": total / len(images),
                "validation_accuracy": accuracy(net, validation_images, validation_labels),
                "test_accuracy": accuracy(net, test_images, test_labels),
                "learning_rate": optimizer.param_groups[0]["lr"],
            }
            log.write(json.dumps(record) + "\n")
            print(log_name, record)
    return net


def main(name):
    torch.manual_seed(0)
    if name == "lenet":
        net = train(model.build_model(), "train.jsonl", learning_rate=0.001, epochs=4)
        torch.save(net.state_dict(), "model.pth")
    elif name == "grid":
        for rate in RATES:
            train(model.build_model(), f"logs/lr-{rate}.jsonl", learning_rate=float(rate), epochs=1)
        for maps in MAPS:
            train(model.LeNet(maps), f"logs/maps-{maps}.jsonl", learning_rate=0.001, epochs=1)


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["lenet"]))
