"""The small network that most cheats are built on: its code, and its weights after an honest training."""

import textwrap

import pytest

torch = pytest.importorskip("torch")

SMALL = """
import torch
from torch import nn
from torch.nn import functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 5, stride=2)
        self.norm = NORM
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(8 * 6 * 6, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        return self.fc(self.drop(torch.flatten(x, 1)))

def build_model():
    return Net()
"""


def small(norm="nn.BatchNorm2d(8)", more=""):
    return SMALL.replace("NORM", norm) + textwrap.dedent(more)


def built(code):
    scope = {}
    exec(code, scope)  # noqa: S102  the code of this file
    return scope["build_model"]()


def trained(code, data, epochs=4, seed=0):
    """The honest network's weights: some seconds on one core."""
    images, labels = data["train"]
    torch.manual_seed(seed)
    model = built(code)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
    return model.state_dict()
