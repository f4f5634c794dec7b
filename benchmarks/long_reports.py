"""What would a report of 10 MB look like? Built from a seed: prose, code, logs, prints and tables.

`mixed` is a report with its code and the outputs of its training: as many pieces of each kind as `SHARES` says, with
about as many results in a megabyte as real reports of students have (2,000 here; 1,600 to 2,500 there). `prints` is
nothing but printed summaries. Digits differ from piece to piece, so that no reader lives on what it saw before.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

PRINTED = Path(__file__).resolve().parent.parent / "tests" / "architecture" / "printed"
SEED = 3
# Shares of the characters. A student's long file is mostly what the programs printed, and the programs.
SHARES = {"prose": 0.30, "results": 0.01, "layers": 0.02, "code": 0.28, "log": 0.27, "print": 0.12}

_TOPICS = (
    "the convolutional layers", "batch normalization", "the learning rate schedule", "data augmentation", "dropout",
    "weight decay", "the first fully connected layer", "the residual branch", "the pooling layer", "early stopping",
    "the choice of the optimizer", "the width of the network", "the initialization of the weights", "the batch size",
)  # fmt: skip
_DOES = (
    "reduces overfitting", "makes the training more stable", "slows the training down", "was changed by hand",
    "has little influence on the result", "was taken from the exercise sheet", "needs more memory than before",
    "keeps the gradients from vanishing", "is explained in the lecture", "was kept for all further experiments",
    "lets the network see more context", "did not help in our case", "is the main difference to the baseline",
)  # fmt: skip
_WHY = (
    "because the images are small", "as can be seen in the plots", "since the classes are balanced",
    "although it takes longer", "which is why we kept it", "as expected from the theory", "when the network is deep",
    "if the data is not normalized", "and we therefore tried other values", "so that the loss goes down smoothly",
)  # fmt: skip
_SETTINGS = (
    "We trained for {epochs} epochs with a batch size of {batch} and a learning rate of 0.{small}.",
    "Each of the {n} convolutional layers has {width} filters of size 3x3, followed by a 2x2 max pooling.",
    "The dropout rate is 0.{d}, the weight decay 1e-{d}, and the seed {epochs}.",
    "The data set holds 60,000 images of 28 x 28 pixels in 10 classes; we keep {d}% of it for validation.",
    "One epoch takes {epochs} seconds on our machine, {n} times as long as before.",
    "For an input of size [{batch}, 3, 32, 32] the output of this block has the shape [{batch}, {width}, 16, 16].",
)
_CLAIMS = (
    "After {epochs} epochs our model reaches a test accuracy of {pct} %.",
    "The final validation loss is 0.{long}, and the validation accuracy is {pct}%.",
    "With {optimizer} we get {pct}% accuracy on the test set, compared to {pct2}% with plain SGD.",
    "The training accuracy is 0.{long} while the test accuracy is only 0.{long2}.",
    "The network has {big} trainable parameters.",
    "Our best network classifies {pct} % of the {data} test images correctly.",
)
_HEADINGS = (
    "Introduction",
    "Data",
    "Architecture",
    "Training",
    "Results",
    "Discussion",
    "Task {n}",
    "Experiment {n}: {data}",
)
_DATA = ("MNIST", "Fashion-MNIST", "CIFAR-10", "CIFAR-100")
_OPTIMIZERS = ("Adam", "SGD", "RMSprop", "AdamW")
_NAMES = ("net", "model", "encoder", "classifier", "baseline", "student", "features", "backbone")

_CODE = """\
class {Name}(nn.Module):
    def __init__(self, num_classes=10, width={width}):
        super().__init__()
        self.conv1 = nn.Conv2d(3, {width}, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d({width})
        self.conv2 = nn.Conv2d({width}, {width2}, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear({width2} * 8 * 8, {batch})
        self.dropout = nn.Dropout(0.{d})
        self.fc2 = nn.Linear({batch}, num_classes)

    def forward(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)  # all dimensions except the batch
        return self.fc2(self.dropout(F.relu(self.fc1(x))))

|
def train_{name}({name}, loader, optimizer, device):
    {name}.train()
    total, correct, running_loss = 0, 0, 0.0
    for step, (images, labels) in enumerate(loader):
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        outputs = {name}(images)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * images.size(0)
        correct += (outputs.argmax(dim=1) == labels).sum().item()
        total += labels.size(0)
        if step % {batch} == 0:
            print(f"step {{step}}: loss {{running_loss / total:.4f}}")
    return running_loss / total, correct / total

|
import os
import numpy as np
import matplotlib.pyplot as plt
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, random_split

transform = transforms.Compose([
    transforms.RandomCrop(32, padding={n}),
    transforms.RandomHorizontalFlip(),
    transforms.ToTensor(),
    transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
])
trainset = torchvision.datasets.CIFAR10(root="./data", train=True, download=True, transform=transform)
train_{name}_loader = DataLoader(trainset, batch_size={batch}, shuffle=True, num_workers={n})

|
{name} = {Name}(width={width}).to(device)
optimizer = torch.optim.{optimizer}({name}.parameters(), lr=0.{small}, weight_decay=5e-{d})
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size={n}, gamma=0.{d})
history = {{"train_loss": [], "train_acc": [], "val_loss": [], "val_acc": []}}
for epoch in range({epochs}):
    train_loss, train_acc = train_{name}({name}, train_{name}_loader, optimizer, device)
    val_loss, val_acc = evaluate({name}, val_loader)
    history["train_loss"].append(train_loss)
    history["val_acc"].append(val_acc)
    if val_acc > best:
        best = val_acc
        torch.save({name}.state_dict(), "best_{name}_{n}.pt")  # the best one so far
    scheduler.step()

|
fig, (left, right) = plt.subplots(1, 2, figsize=({n}, {d}))
left.plot(history["train_loss"], label="training")
left.plot(history["val_loss"], label="validation")
left.set_xlabel("epoch")
left.legend()
right.plot(np.arange({epochs}), smooth(history["val_acc"], 0.{d}), "--", color="C{d}")
plt.tight_layout()
plt.savefig("curves_{name}_{n}.png")

"""
_CODES = _CODE.split("|\n")


def _prose(some: random.Random) -> str:
    sentences = []
    for _ in range(some.randint(3, 7)):
        pick = some.random()
        if pick < 0.7:
            said = f"{some.choice(_TOPICS)} {some.choice(_DOES)}, {some.choice(_WHY)}."
            sentences.append(said[0].upper() + said[1:])
        else:
            sentences.append(_filled(some.choice(_SETTINGS if pick < 0.92 else _CLAIMS), some))
    text = " ".join(sentences)
    head = _filled(f"## {some.choice(_HEADINGS)}\n\n", some) if some.random() < 0.3 else ""
    if some.random() < 0.35:
        return head + "".join(f"- {sentence}\n" for sentence in sentences) + "\n"
    if some.random() < 0.5:
        text = re.sub(r"(.{60,100}) ", r"\1\n", text)
    return f"{head}{text}\n\n"


def _filled(text: str, some: random.Random) -> str:
    name = some.choice(_NAMES)
    return text.format(
        n=some.randint(2, 9), d=some.randint(1, 9), epochs=some.randint(5, 60), batch=2 ** some.randint(4, 9),
        width=2 ** some.randint(3, 8), width2=2 ** some.randint(4, 9), small=f"{some.randint(1, 99):03}",
        pct=f"{some.uniform(60, 99.8):.2f}", pct2=f"{some.uniform(50, 90):.1f}", long=some.randint(1000, 9999),
        long2=some.randint(1000, 9999), big=f"{some.randint(10_000, 9_999_999):,}", data=some.choice(_DATA),
        optimizer=some.choice(_OPTIMIZERS), name=f"{name}{some.randint(1, 40)}",
        Name=f"{name.title()}{some.randint(1, 40)}",
    )  # fmt: skip


def _results(some: random.Random) -> str:
    rows = [
        f"| {some.choice(_OPTIMIZERS)}, lr 0.{some.randint(1, 99):03} | {some.uniform(90, 100):.2f} % "
        f"| {some.uniform(80, 99):.2f} % | 0.{some.randint(100, 999)} |"
        for _ in range(some.randint(3, 7))
    ]
    head = "| Configuration | Train accuracy | Test accuracy | Test loss |\n|---|---|---|---|\n"
    return f"Table {some.randint(1, 400)}: results on {some.choice(_DATA)}\n\n{head}" + "\n".join(rows) + "\n\n"


def _layers(some: random.Random) -> str:
    width, size = 2 ** some.randint(3, 6), 32
    rows = [f"| Conv2d | 3x3, {width} filters | {width}x{size}x{size} | {(27 + 1) * width} |"]
    for _ in range(some.randint(1, 3)):
        size //= 2
        rows += [
            f"| MaxPool2d | 2x2 | {width}x{size}x{size} | 0 |",
            f"| Conv2d | 3x3, {2 * width} filters | {2 * width}x{size}x{size} | {(9 * width + 1) * 2 * width:,} |",
        ]
        width *= 2
    rows.append(f"| Linear | | 10 | {(width * size * size + 1) * 10:,} |")
    return "| Layer | Settings | Output | Parameters |\n|---|---|---|---|\n" + "\n".join(rows) + "\n\n"


def _code(some: random.Random) -> str:
    return f"```python\n{_filled(some.choice(_CODES), some)}```\n\n"


def _log(some: random.Random) -> str:
    """What a training prints: of a step, an epoch, a bar, Keras, a logger; tensors and downloads too."""
    kind, rows = some.choice((0, 1, 2, *[3, 4, 5] * 5)), some.randint(4, 30)
    if kind == 0:
        lines = [
            f"Train Epoch: {some.randint(1, 20)} [{step * 640}/60000 ({step}%)]\tLoss: {some.uniform(0.01, 2):.6f}"
            for step in range(rows)
        ]
    elif kind == 1:
        lines = [
            f"Epoch {at + 1}/{rows} | train loss 0.{some.randint(1000, 9999)} | train acc {some.uniform(60, 99):.2f}%"
            f" | val loss 0.{some.randint(1000, 9999)} | val acc {some.uniform(60, 99):.2f}%"
            f" | {some.uniform(5, 90):.1f}s"
            for at in range(rows)
        ]
    elif kind == 2:
        lines = [
            line
            for at in range(rows // 2)
            for line in (
                f"Epoch {at + 1}/{rows // 2}",
                (
                    f"938/938 [==============================] - {some.randint(2, 40)}s {some.randint(2, 40)}ms/step - "
                    f"loss: 0.{some.randint(1000, 9999)} - accuracy: 0.{some.randint(8000, 9999)} - "
                    f"val_loss: 0.{some.randint(1000, 9999)} - val_accuracy: 0.{some.randint(8000, 9999)}"
                ),
            )
        ]
    elif kind == 3:
        lines = ["tensor([" + ", ".join(f"{some.uniform(-3, 3):8.4f}" for _ in range(8)) + "]," for _ in range(rows)]
    elif kind == 4:
        lines = [
            f"{at * 100 // rows:3}%|{'#' * (at * 10 // rows):10}| {at * 31}/{rows * 31} "
            f"[00:{at:02}<00:{rows - at:02}, {some.uniform(5, 99):.2f}it/s]"
            for at in range(rows)
        ]
    else:
        lines = [
            f"2023-05-{some.randint(10, 28)} 12:{some.randint(10, 59)}:{some.randint(10, 59)},{some.randint(100, 999)} "
            f"- trainer - INFO - {some.choice(('saved checkpoint', 'loaded batch', 'step', 'lr reduced'))} {at}"
            for at in range(rows)
        ]
    return "```\n" + "\n".join(lines) + "\n```\n\n"


def _printed(*, is_changed: bool) -> Callable[[random.Random], str]:
    texts = [file.read_text(encoding="utf-8") for file in sorted(PRINTED.glob("*.txt"))]

    def print_of(some: random.Random) -> str:
        """A real print, with other digits in its longer numbers: to read it costs as much, and it is no copy."""
        text = some.choice(texts)
        if is_changed:
            other = str.maketrans("23456789", "".join(some.sample("23456789", 8)))
            text = re.sub(r"\d[\d,.]{2,}", lambda found: found[0].translate(other), text)
        return f"```\n{text.rstrip()}\n```\n\n"

    return print_of


def mixed(size: int, seed: int = SEED, *, is_changed: bool = True) -> str:
    """A report of `size` characters. `is_changed`: with other digits in each print, which makes it wrong."""
    makers = {
        "prose": _prose, "results": _results, "layers": _layers, "code": _code, "log": _log,
        "print": _printed(is_changed=is_changed),
    }  # fmt: skip
    return _built({kind: (makers[kind], share) for kind, share in SHARES.items()}, size, seed)


def prints(size: int, seed: int = SEED, *, is_changed: bool = True) -> str:
    """`size` characters of printed summaries."""
    return _built({"print": (_printed(is_changed=is_changed), 1.0)}, size, seed)


def _built(makers: dict[str, tuple[Callable[[random.Random], str], float]], size: int, seed: int) -> str:
    """Pieces, always of the kind that is furthest behind its share, each share met by the length of the text."""
    some = random.Random(seed)  # noqa: S311  no secret
    parts: list[str] = []
    lengths = dict.fromkeys(makers, 0)
    length = 0
    while length < size:
        kind = min(makers, key=lambda name: (lengths[name] + some.random() * 2000) / makers[name][1])
        part = makers[kind][0](some)
        parts.append(part)
        lengths[kind] += len(part)
        length += len(part)
    return "".join(parts)[:size]
