"""Trains a network of model.py on CIFAR-10, and writes its weights, its log and its print.

    python train.py baseline     # baseline.pth, logs/baseline.train.jsonl, baseline.txt
    python train.py net1         # or net2, best, transfer; GRADER_DATA names the folder with the images
    python train.py before       # the training that your most useful trick is compared with; then: after

5,000 of the 50,000 training images validate. An epoch is a line of the log; the weights with the lowest validation
loss are kept, and their line gets the train and test accuracy over the whole sets: copy all of their digits into
answers.json. Training ends after 4 epochs without a lower validation loss.
Change what you like: the grader looks at model.py, the weights and the logs, and never runs this file.
"""

import copy
import json
import sys
from pathlib import Path

import model as networks
import torch
from torch.nn import functional as F

from grader.datasets import data_root, inputs, load

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
EPOCHS = 10
PATIENCE = 4
VALIDATION = 5000
SGD = {"optimizer": torch.optim.SGD, "rate": 5e-2, "batch": 64}
ADAM = {"optimizer": torch.optim.Adam, "rate": 5e-4, "batch": 32}
RUNS = {  # name -> the function that builds the network, and how it is trained
    "baseline": {"build": networks.build_baseline, **SGD},
    "net1": {"build": networks.build_net1, **SGD},
    "net2": {"build": networks.build_net2, **SGD},
    "best": {"build": networks.build_best, **SGD},
    "before": {"build": networks.build_net1, **SGD},
    "after": {"build": networks.build_net1, **SGD},
    "transfer": {"build": networks.build_transfer, **ADAM},
}


def pretrained(net):
    """ResNet18's weights, put into a network whose head may be another one; the frozen parts learn nothing."""
    from torchvision.models import ResNet18_Weights

    weights = ResNet18_Weights.IMAGENET1K_V1.get_state_dict(progress=True)
    own = net.resnet.state_dict()
    net.resnet.load_state_dict({name: weights[name] if weights[name].shape == own[name].shape else own[name] for name in own})
    for name, parameter in net.resnet.named_parameters():
        parameter.requires_grad = name.startswith(("layer4", "fc"))


def augmented(images):
    return images  # your augmentation of a batch (N, 3, 32, 32) here


def tensors(split):
    data = load("cifar10", split, root=data_root())
    return torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy())


def prepared(net, images):
    """A batch as the network takes it."""
    own = getattr(net, "preprocess", networks.preprocess)
    return own(images).to(DEVICE)


def evaluate(net, images, labels):
    """Mean cross-entropy and accuracy over all of the images."""
    net.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for batch, classes in zip(images.split(250), labels.split(250)):
            scores = net(prepared(net, batch)).cpu()
            loss += F.cross_entropy(scores, classes, reduction="sum").item()
            right += (scores.argmax(1) == classes).sum().item()
    return loss / len(labels), right / len(labels)


def main(name="baseline"):
    run = RUNS[name]
    torch.manual_seed(0)
    images, labels = tensors("train")
    order = torch.randperm(len(labels))
    held, learnt = order[:VALIDATION], order[VALIDATION:]
    validation, images, labels = (images[held], labels[held]), images[learnt], labels[learnt]
    net = run["build"]()
    if name == "transfer":
        pretrained(net)
    Path(f"{name}.txt").write_text(f"{net}\n", encoding="utf-8")
    net.to(DEVICE)
    optimizer = run["optimizer"]([p for p in net.parameters() if p.requires_grad], lr=run["rate"])
    per_epoch = len(labels) // run["batch"]  # a last batch that is not full is left out
    log = Path("logs") / f"{name}.train.jsonl"
    log.parent.mkdir(exist_ok=True)
    records, best, weights = [], None, None
    for epoch in range(1, EPOCHS + 1):
        net.train()
        total = 0.0
        for chosen in torch.randperm(len(labels)).split(run["batch"])[:per_epoch]:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(prepared(net, augmented(images[chosen]))), labels[chosen].to(DEVICE))
            loss.backward()
            optimizer.step()
            total += loss.item()
        validation_loss, validation_accuracy = evaluate(net, *validation)
        record = {
            "epoch": epoch,
            "step": epoch * per_epoch,
            "train_loss": total / per_epoch,
            "validation_loss": validation_loss,
            "validation_accuracy": validation_accuracy,
            "learning_rate": optimizer.param_groups[0]["lr"],
        }
        records.append(record)
        print(record)
        if best is None or validation_loss < best["validation_loss"]:
            best, weights = record, copy.deepcopy(net.state_dict())
        if epoch - best["epoch"] >= PATIENCE:
            break
    net.load_state_dict(weights)
    best["train_accuracy"] = evaluate(net, images, labels)[1]
    best["test_accuracy"] = evaluate(net, *tensors("test"))[1]
    print(f"kept: {best}")
    log.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    torch.save({key: tensor.cpu() for key, tensor in weights.items()}, f"{name}.pth")


if __name__ == "__main__":
    main(*sys.argv[1:])
