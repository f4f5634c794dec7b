"""Trains a network of model.py on CIFAR-10, and writes its weights and its log.

    python train.py baseline     # baseline.pth, logs/baseline.train.jsonl
    python train.py net1         # net2: the best network too, so best.pth is a copy of net2.pth

GRADER_DATA names the folder with the images. 5,000 of the 50,000 training images, chosen at random, validate: the
weights of the epoch with the lowest validation loss are kept, and training ends after PATIENCE epochs without a lower
one. A line of the log is an epoch; that of the kept epoch has train and test accuracy too, over the whole sets.
"""

import copy
import json
import sys
from pathlib import Path

import model as networks
import torch
from torch.nn import functional as F

from grader.datasets import data_root, inputs, load

PATIENCE = 4  # epochs
VALIDATION = 5_000  # images
_SGD = {"optimizer": torch.optim.SGD, "momentum": 0.9, "decay": 5e-4}
SETTINGS = {
    "baseline": {**_SGD, "momentum": 0.0, "decay": 0.0, "epochs": 6, "batch": 64, "rate": 0.05, "cycle": False},
    "net1": {**_SGD, "epochs": 4, "batch": 128, "rate": 0.1, "cycle": True},
    "net2": {"optimizer": torch.optim.AdamW, "epochs": 6, "batch": 128, "rate": 0.002, "decay": 0.02, "cycle": True},
}
BUILD = {"baseline": networks.build_baseline, "net1": networks.build_net1, "net2": networks.build_net2}


def tensors(split):
    data = load("cifar10", split, root=data_root())
    return networks.preprocess(torch.from_numpy(inputs(data.images))), torch.from_numpy(data.labels.copy())


def evaluate(net, images, labels):
    """Mean cross-entropy and accuracy over all of the images."""
    net.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for batch, classes in zip(images.split(500), labels.split(500)):
            scores = net(batch.to(memory_format=torch.channels_last))
            loss += F.cross_entropy(scores, classes, reduction="sum").item()
            right += (scores.argmax(1) == classes).sum().item()
    return loss / len(labels), right / len(labels)


def mirrored(images):
    """Each image turned left to right by a chance of one half."""
    is_turned = torch.rand(len(images)) < 0.5
    return torch.where(is_turned[:, None, None, None], images.flip(3), images)


def halved(net):
    """The weights as they are kept: rounded to half precision, so that they can be packed without a loss."""
    return {
        name: tensor.half().float() if tensor.is_floating_point() else tensor.clone()
        for name, tensor in net.state_dict().items()
    }


def main(name="baseline"):
    asked = SETTINGS[name]
    torch.manual_seed(0)
    images, labels = tensors("train")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    held, learnt = order[:VALIDATION], order[VALIDATION:]
    validation, (images, labels) = (images[held], labels[held]), (images[learnt], labels[learnt])
    net = BUILD[name]().to(memory_format=torch.channels_last)
    more = {"momentum": asked["momentum"]} if "momentum" in asked else {}
    optimizer = asked["optimizer"](net.parameters(), lr=asked["rate"], weight_decay=asked["decay"], **more)
    per_epoch = len(labels) // asked["batch"]  # the last batch is dropped where it is not full
    schedule = (
        torch.optim.lr_scheduler.OneCycleLR(optimizer, asked["rate"], total_steps=asked["epochs"] * per_epoch)
        if asked["cycle"]
        else None
    )
    log = Path("logs") / f"{name}.train.jsonl"
    log.parent.mkdir(exist_ok=True)
    records, kept, kept_at = [], None, 0
    for epoch in range(1, asked["epochs"] + 1):
        net.train()
        loss_sum, rate = 0.0, 0.0
        for chosen in torch.randperm(len(labels)).split(asked["batch"])[:per_epoch]:
            batch = mirrored(images[chosen]) if name != "baseline" else images[chosen]
            with torch.autocast("cpu", torch.bfloat16):
                scores = net(batch.to(memory_format=torch.channels_last)).float()
            loss = F.cross_entropy(scores, labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            rate = optimizer.param_groups[0]["lr"]
            optimizer.step()
            if schedule is not None:
                schedule.step()
            loss_sum += loss.item()
        validation_loss, validation_accuracy = evaluate(net, *validation)
        records.append({
            "epoch": epoch,
            "step": epoch * per_epoch,
            "train_loss": loss_sum / per_epoch,
            "validation_loss": validation_loss,
            "validation_accuracy": validation_accuracy,
            "learning_rate": rate,
        })
        print(records[-1], flush=True)
        if kept is None or validation_loss < records[kept_at]["validation_loss"]:
            kept, kept_at = copy.deepcopy(halved(net)), len(records) - 1
        if len(records) - 1 - kept_at >= PATIENCE:
            break
    net.load_state_dict(kept)
    records[kept_at] |= {
        "validation_accuracy": evaluate(net, *validation)[1],
        "train_accuracy": evaluate(net, images, labels)[1],
        "test_accuracy": evaluate(net, *tensors("test"))[1],
    }
    print(records[kept_at], flush=True)
    log.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    torch.save(net.state_dict(), f"{name}.pth")


if __name__ == "__main__":
    main(*sys.argv[1:])
