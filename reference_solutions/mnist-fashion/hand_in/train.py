"""Trains the classifier of model.py on MNIST for 15 epochs, and writes mnist.pth and mnist.train.jsonl.

    python train.py

GRADER_DATA names the folder with the images. Two things save time on a laptop. The largest layer, 25,088 to 256, is
trained as a product of two thin matrices, and saved multiplied out. After five epochs the convolutions and the first
of those matrices stay as they are, so that the other ten train the rest, on 16 numbers an image.

What is measured after an epoch is what would be saved: the weights rounded to half precision.
"""

import json

import torch
from model import build_model
from torch import nn
from torch.nn import functional as F

from grader.datasets import data_root, inputs, load

EPOCHS, WHOLE_EPOCHS = 15, 5  # in the others only the head is trained
BATCH_SIZE = 128
PER_EPOCH = 469  # mini-batches of 60,000 images; the last one is smaller
RATE, HEAD_RATE = 0.002, 0.0003  # the highest of each; both end at nearly nothing
RANK = 16
LARGEST = "classifier.1"


def tensors(split):
    data = load("mnist", split, root=data_root())
    return torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy())


def thinned():
    """The network with two layers for its largest one; its body, up to the first of them; its head, the rest."""
    model = build_model()
    largest = model.get_submodule(LARGEST)
    thin, wide = nn.Linear(largest.in_features, RANK, bias=False), nn.Linear(RANK, largest.out_features)
    model.classifier[1] = nn.Sequential(thin, wide)
    model.to(memory_format=torch.channels_last)
    return model, nn.Sequential(model.features, nn.Flatten(), thin), nn.Sequential(wide, *model.classifier[2:])


def saved(model):
    """The weights of build_model() and the two factors of its largest layer, all rounded to half precision."""
    weights = {name: tensor.detach().half().float().contiguous() for name, tensor in model.state_dict().items()}
    right, left, bias = (weights.pop(f"{LARGEST}.{name}") for name in ("0.weight", "1.weight", "1.bias"))
    weights |= {f"{LARGEST}.weight": left @ right, f"{LARGEST}.bias": bias}
    return {name: weights[name] for name in build_model().state_dict()}, (left, right)


@torch.no_grad()
def correct(weights, images, labels):
    model = build_model().eval()
    model.load_state_dict(weights)
    return sum((model(x).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))


def epoch_of(network, optimizer, schedule, images, labels):
    """Train for an epoch; the mean loss, the share that was right, and the last learning rate."""
    loss_sum, right = 0.0, 0
    for chosen in torch.randperm(len(images)).split(BATCH_SIZE):
        batch = images[chosen]
        with torch.autocast("cpu", torch.bfloat16, enabled=batch.ndim == 4):
            scores = network(batch.to(memory_format=torch.channels_last) if batch.ndim == 4 else batch).float()
        loss = F.cross_entropy(scores, labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()
        loss_sum += loss.item() * len(chosen)
        right += (scores.argmax(1) == labels[chosen]).sum().item()
    return loss_sum / len(images), right / len(images), rate


def main():
    torch.manual_seed(0)
    (images, labels), test = tensors("train"), tensors("test")
    model, body, head = thinned()
    whole = torch.optim.Adam(model.parameters())
    rising = torch.optim.lr_scheduler.OneCycleLR(whole, RATE, total_steps=WHOLE_EPOCHS * PER_EPOCH + 1, pct_start=0.2)
    only_head = torch.optim.Adam(head.parameters(), lr=HEAD_RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(only_head, (EPOCHS - WHOLE_EPOCHS) * PER_EPOCH + 1)
    with open("mnist.train.jsonl", "w") as log:
        for epoch in range(1, EPOCHS + 1):
            if epoch <= WHOLE_EPOCHS:
                loss, right, rate = epoch_of(model, whole, rising, images, labels)
            else:
                if epoch == WHOLE_EPOCHS + 1:
                    with torch.no_grad():
                        images = torch.cat([body(part) for part in images.split(500)])
                loss, right, rate = epoch_of(head, only_head, falling, images, labels)
            weights, factors = saved(model)
            record = {
                "epoch": epoch,
                "step": epoch * PER_EPOCH,
                "train_loss": loss,
                "train_accuracy": right,
                "test_accuracy": correct(weights, *test) / len(test[1]),
                "learning_rate": rate,
            }
            log.write(json.dumps(record) + "\n")
            log.flush()
            print(record, flush=True)
    torch.save(weights, "mnist.pth")
    torch.save(factors, "mnist.factors.pth")


if __name__ == "__main__":
    main()
