"""Your networks. `grader` calls each of these functions, loads the weights that belong to it, and runs what it returns.

    build_model                mnist.pth and fashion.pth     (N, 1, 28, 28) -> (N, 10), one score a class
    build_improved             improved.pth                  the same
    build_denoiser             denoiser.pth                  (N, 1, 28, 28) -> (N, 1, 28, 28)
    build_denoiser_with_skip   denoiser_skip.pth             the same

Classifiers see pixels from 0 to 1. A denoiser sees a pixel plus its noise, from 0 to 2, and gives the clean pixels,
from 0 to 1. One of the two bugs of task 3.1 a is in this file, the other one in train.py.
"""

from torch import nn


def build_model():
    """Three convolutions of 32 filters 3x3 that keep the size, then 256 and 10 features. Two convolutions are missing."""
    return nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 28 * 28, 256),
        nn.ReLU(),
        nn.Linear(256, 10),
        nn.Softmax(dim=1),
    )


def build_improved():
    """A better network for Fashion-MNIST: task 3.1 c."""
    raise NotImplementedError("task 3.1 c")


def build_denoiser():
    """Six layers of 16 filters 3x3, padding 1: task 3.2 b."""
    raise NotImplementedError("task 3.2 b")


def build_denoiser_with_skip():
    """The same, added to its input: task 3.2 c."""
    raise NotImplementedError("task 3.2 c")
