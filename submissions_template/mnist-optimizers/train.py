"""Trains your networks, and writes the logs and weights that are handed in. GRADER_DATA names the folder of images.

    python train.py sgd                  # sgd.jsonl
    python train.py adam                 # adam.jsonl
    python train.py tuned                # train.jsonl, model.pth
    python train.py fashion              # bonus: fashion.jsonl, fashion_mnist.pth
    python train.py fashion-augmented    # bonus: fashion-augmented.jsonl, fashion_mnist.pth

The bonus hands in one fashion_mnist.pth: train the better network last. A record is printed and logged every 1000
mini-batches and after every epoch. Change what you like: the grader reads logs and code, counts with the weights, and
never runs this file.
"""

import json
import sys

import torch
from torch.nn import functional as F

from grader.datasets import data_root, inputs, load

BATCH_SIZE = 64
LOG_EVERY = 1000  # mini-batches
RUNS = {  # optimizer, learning rate, epochs: yours to choose
    "sgd": (torch.optim.SGD, 0.01, 1),
    "adam": (torch.optim.Adam, 0.001, 1),
    "tuned": (torch.optim.Adam, 0.001, 1),
    "fashion": (torch.optim.Adam, 0.001, 1),
    "fashion-augmented": (torch.optim.Adam, 0.001, 1),
}


def schedule_of(optimizer, steps):
    """What lowers the learning rate to a hundredth of its start, in `steps` mini-batches: a MultiStepLR. Yours."""
    return None


def augmented(images):
    """A batch (N, 1, 28, 28), changed so that it is still what its labels say. Yours, for the bonus."""
    return images


def tensors(data_set, split):
    data = load(data_set, split, root=data_root())
    return torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy())


def accuracy(model, images, labels):
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))
    model.train()
    return right / len(labels)


def main(name):
    torch.manual_seed(0)
    is_fashion = name.startswith("fashion")
    if is_fashion:
        from fashion_model import build_fashion as build
    else:
        from model import build_model as build
    data_set = "fashion_mnist" if is_fashion else "mnist"
    (images, labels), (test_images, test_labels) = tensors(data_set, "train"), tensors(data_set, "test")
    make_optimizer, start, epochs = RUNS[name]
    model = build()
    optimizer = make_optimizer(model.parameters(), lr=start)
    per_epoch = -(-len(images) // BATCH_SIZE)
    schedule = schedule_of(optimizer, epochs * per_epoch)
    log_name = "train.jsonl" if name == "tuned" else f"{name}.jsonl"
    step = 0
    with open(log_name, "w") as log:
        for _ in range(epochs):
            for batch in torch.randperm(len(images)).split(BATCH_SIZE):
                some = augmented(images[batch]) if name == "fashion-augmented" else images[batch]
                optimizer.zero_grad()
                loss = F.cross_entropy(model(some), labels[batch])
                loss.backward()
                optimizer.step()
                rate = optimizer.param_groups[0]["lr"]  # of this step
                if schedule is not None:
                    schedule.step()
                step += 1
                if step % LOG_EVERY == 0 or step % per_epoch == 0:
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
    if is_fashion:
        torch.save(model.state_dict(), "fashion_mnist.pth")
    elif name == "tuned":
        torch.save(model.state_dict(), "model.pth")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["sgd"]))
