"""Trains a network of model.py, and writes its weights and its log.

    python train.py mnist            # mnist.pth, mnist.train.jsonl
    python train.py fashion          # fashion.pth, fashion.train.jsonl
    python train.py improved         # improved.pth, improved.train.jsonl
    python train.py denoiser         # denoiser.pth, denoiser.train.jsonl
    python train.py denoiser_skip    # denoiser_skip.pth, denoiser_skip.train.jsonl

GRADER_DATA names the folder with the images. Change what you like: the grader looks at the weights and the logs, and
never runs this file. A log has a line after every epoch, as below; the names in it are those that the grader reads.
"""

import json
import sys

import model as networks
import torch
from torch.nn import functional as F

from grader.datasets import data_root, inputs, load

EPOCHS = 15
BATCH_SIZE = 64
LEARNING_RATE = 0.001
RUNS = {
    "mnist": (networks.build_model, "mnist"),
    "fashion": (networks.build_model, "fashion_mnist"),
    "improved": (networks.build_improved, "fashion_mnist"),
    "denoiser": (networks.build_denoiser, "noisy"),
    "denoiser_skip": (networks.build_denoiser_with_skip, "noisy"),
}


def tensors(name, split):
    """What goes into the network, and what shall come out: labels, or clean images."""
    if name == "noisy":
        from noisy import NoisyFashionMNIST  # yours: task 3.2 a

        pairs = NoisyFashionMNIST(split)
        noisy, clean = zip(*(pairs[i] for i in range(len(pairs))))
        return torch.stack(noisy), torch.stack(clean)
    data = load(name, split, root=data_root())
    return torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy())


def loss_of(made, wanted):
    return F.mse_loss(made, wanted) if wanted.ndim > 1 else F.cross_entropy(made, wanted)


@torch.no_grad()
def measured(model, images, wanted, split):
    """The accuracy of a classifier, the mean absolute error of a denoiser, under the name that the log has for it."""
    model.eval()
    made = torch.cat([model(part) for part in images.split(500)])
    model.train()
    if wanted.ndim > 1:
        return {f"{split}_mae": (made - wanted).abs().mean().item()}
    return {f"{split}_accuracy": (made.argmax(1) == wanted).double().mean().item()}


def main(name="mnist"):
    torch.manual_seed(0)
    build, data = RUNS[name]
    images, wanted = tensors(data, "train")
    test = tensors(data, "test")
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    step = 0
    with open(f"{name}.train.jsonl", "w") as log:
        for epoch in range(1, EPOCHS + 1):
            total = 0.0
            for batch in torch.randperm(len(images)).split(BATCH_SIZE):
                loss = loss_of(model(images[batch]), wanted[batch])
                loss.backward()
                optimizer.step()
                total += loss.item() * len(batch)
                step += 1
            record = {
                "epoch": epoch,
                "step": step,
                "train_loss": total / len(images),
                **measured(model, images, wanted, "train"),
                **measured(model, *test, "test"),
                "learning_rate": optimizer.param_groups[0]["lr"],
            }
            log.write(json.dumps(record) + "\n")
            print(record)
    torch.save(model.state_dict(), f"{name}.pth")


if __name__ == "__main__":
    main(*sys.argv[1:])
