"""Bonus: your network for Fashion-MNIST, such as torchvision's ResNet18 with one channel in and ten scores out.

Input: (N, 1, 28, 28), pixels from 0 to 1. Output: (N, 10). `grader` calls build_fashion() and loads fashion_mnist.pth
into what it returns. If you do not do the bonus, delete this file.
"""

from torch import nn


def build_fashion():
    return nn.Sequential(
        # your layers here
        nn.Flatten(),
        nn.Linear(28 * 28, 10),
    )
