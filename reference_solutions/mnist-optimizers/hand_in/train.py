"""Trains the seven layers on MNIST, and writes the logs and weights that are handed in.

    python train.py sgd      # sgd.jsonl
    python train.py adam     # adam.jsonl
    python train.py tuned    # train.jsonl, model.pth

A record is printed and logged every 1000 mini-batches and at the end.
"""

import json
import sys

import torch
from model import build_model
from torch.nn import functional as F

from grader.datasets import data_root, inputs, load

BATCH_SIZE = 64
LOG_EVERY = 1000  # mini-batches
RUNS = {  # optimizer, learning rate, epochs
    "sgd": (torch.optim.SGD, 0.05, 2),
    "adam": (torch.optim.Adam, 0.002, 2),
    "tuned": (torch.optim.Adam, 0.003, 3),
}


def schedule_of(optimizer, steps):
    """Ten times lower after half of all `steps` mini-batches, and ten times again after three quarters."""
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, [steps // 2, steps * 3 // 4], gamma=0.1)


def tensors(split):
    data = load("mnist", split, root=data_root())
    return torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy())


def accuracy(model, images, labels):
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))
    model.train()
    return right / len(labels)


def main(name):
    torch.manual_seed(0)
    (images, labels), (test_images, test_labels) = tensors("train"), tensors("test")
    make_optimizer, start, epochs = RUNS[name]
    model = build_model()
    optimizer = make_optimizer(model.parameters(), lr=start)
    per_epoch = -(-len(images) // BATCH_SIZE)
    schedule = schedule_of(optimizer, epochs * per_epoch)
    log_name = "train.jsonl" if name == "tuned" else f"{name}.jsonl"
    step = 0
    with open(log_name, "w") as log:
        for _ in range(epochs):
            for batch in torch.randperm(len(images)).split(BATCH_SIZE):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images[batch]), labels[batch])
                loss.backward()
                optimizer.step()
                rate = optimizer.param_groups[0]["lr"]  # of this step
                schedule.step()
                step += 1
                if step % LOG_EVERY == 0 or step == epochs * per_epoch:
                    record = {
                        "epoch": round(step / per_epoch, 4),
                        "step": step,
                        "train_loss": loss.item(),
                        "train_accuracy": accuracy(model, images, labels),
                        "test_accuracy": accuracy(model, test_images, test_labels),
                        "learning_rate": rate,
                    }
                    log.write(json.dumps(record) + "\n")
                    log.flush()
                    print(record)
    if name == "tuned":
        torch.save(model.state_dict(), "model.pth")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["sgd"]))
