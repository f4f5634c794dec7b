"""Trains the classifier of model.py on Fashion-MNIST for 15 epochs, and writes fashion.pth and fashion.train.jsonl.

    python train_fashion.py      # after `python train.py mnist`

GRADER_DATA names the folder with the images. The convolutions are those of mnist.pth and stay as they are, so that
what they make of the images is computed once, in 3 GB; the fully connected layers are trained anew. The largest one,
25,088 to 256, is trained as a product of two thin matrices, and saved multiplied out. What is measured after an epoch
is what would be saved: the weights rounded to half precision.
"""

import json

import torch
from model import build_model
from torch import nn
from torch.nn import functional as F

from grader.datasets import data_root, inputs, load

EPOCHS = 15
BATCH_SIZE = 128
PER_EPOCH = 469  # mini-batches of 60,000 images; the last one is smaller
RATE = 0.001  # the highest: it rises for a fifth of the steps, and falls to nearly nothing
WEIGHT_DECAY = 0.05
RANK = 16


@torch.no_grad()
def maps(model, split, dtype):
    """What the convolutions make of the images, (N, 25088), and the labels."""
    data = load("fashion_mnist", split, root=data_root())
    images, labels = torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy())
    made = torch.empty(len(images), 25_088, dtype=dtype)
    for start in range(0, len(images), 500):
        part = images[start : start + 500].to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            made[start : start + 500] = model.features(part).flatten(1)
    return made, labels


def rounded(layer):
    return layer.weight.detach().half().float()


@torch.no_grad()
def correct(thin, head, maps_of_test, labels):
    """How many are right by the rounded factors."""
    made = maps_of_test @ rounded(thin).T @ rounded(head[0]).T + head[0].bias.half().float()
    return (F.linear(made.relu(), rounded(head[2]), head[2].bias.half().float()).argmax(1) == labels).sum().item()


def main():
    torch.manual_seed(0)
    model = build_model().to(memory_format=torch.channels_last)
    model.load_state_dict(torch.load("mnist.pth", weights_only=True))
    images, labels = maps(model, "train", torch.bfloat16)
    test = maps(model, "test", torch.float32)
    thin = nn.Linear(25_088, RANK, bias=False)
    head = nn.Sequential(nn.Linear(RANK, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = torch.optim.AdamW([*thin.parameters(), *head.parameters()], weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * PER_EPOCH + 1, pct_start=0.2)
    with open("fashion.train.jsonl", "w") as log:
        for epoch in range(1, EPOCHS + 1):
            loss_sum, right = 0.0, 0
            for chosen in torch.randperm(len(images)).split(BATCH_SIZE):
                scores = head(F.linear(images[chosen], thin.weight.bfloat16()).float())
                loss = F.cross_entropy(scores, labels[chosen])
                optimizer.zero_grad()
                loss.backward()
                rate = optimizer.param_groups[0]["lr"]
                optimizer.step()
                schedule.step()
                loss_sum += loss.item() * len(chosen)
                right += (scores.argmax(1) == labels[chosen]).sum().item()
            record = {
                "epoch": epoch,
                "step": epoch * PER_EPOCH,
                "train_loss": loss_sum / len(images),
                "train_accuracy": right / len(images),
                "test_accuracy": correct(thin, head, *test) / len(test[1]),
                "learning_rate": rate,
            }
            log.write(json.dumps(record) + "\n")
            print(record, flush=True)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    weights["classifier.1.weight"] = rounded(head[0]) @ rounded(thin)
    weights["classifier.1.bias"] = head[0].bias.detach().half().float()
    weights["classifier.3.weight"] = rounded(head[2])
    weights["classifier.3.bias"] = head[2].bias.detach().half().float()
    torch.save(weights, "fashion.pth")
    torch.save((rounded(head[0]), rounded(thin)), "fashion.factors.pth")


if __name__ == "__main__":
    main()
