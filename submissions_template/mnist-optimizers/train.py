"""Trains the network in model.py on MNIST, and writes model.pth and train.jsonl.

    python train.py sgd          # or adam; GRADER_DATA names the folder with the images

A record is printed and logged every 1000 mini-batches and after every epoch. Change what you like: the grader looks
at model.py, model.pth and train.jsonl, and never runs this file.
"""

import json
import sys

import torch
from model import build_model
from torch.nn import functional as F

from grader.datasets import data_root, inputs, load

EPOCHS = 2
BATCH_SIZE = 64
LEARNING_RATES = {"sgd": 0.01, "adam": 0.001}
LOG_EVERY = 1000  # mini-batches


def tensors(split):
    data = load("mnist", split, root=data_root())
    return torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy())


def accuracy(model, images, labels):
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))
    model.train()
    return right / len(labels)


def main(name="sgd"):
    torch.manual_seed(0)
    (train_images, train_labels), (test_images, test_labels) = tensors("train"), tensors("test")
    model = build_model()
    optimizers = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    optimizer = optimizers[name](model.parameters(), lr=LEARNING_RATES[name])
    per_epoch = -(-len(train_images) // BATCH_SIZE)
    # The learning rate ends at a hundredth of its start.
    steps = EPOCHS * per_epoch
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [steps // 2, steps * 3 // 4], gamma=0.1)
    step = 0
    with open("train.jsonl", "w") as log:
        for epoch in range(1, EPOCHS + 1):
            for batch in torch.randperm(len(train_images)).split(BATCH_SIZE):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(train_images[batch]), train_labels[batch])
                loss.backward()
                optimizer.step()
                schedule.step()
                step += 1
                if step % LOG_EVERY == 0 or step % per_epoch == 0:
                    record = {
                        "epoch": round(step / per_epoch, 4),
                        "step": step,
                        "train_loss": loss.item(),
                        "train_accuracy": accuracy(model, train_images, train_labels),
                        "test_accuracy": accuracy(model, test_images, test_labels),
                        "learning_rate": optimizer.param_groups[0]["lr"],
                    }
                    log.write(json.dumps(record) + "\n")
                    print(record)
    torch.save(model.state_dict(), "model.pth")


if __name__ == "__main__":
    main(*sys.argv[1:])
