"""The two networks of the second week: LeNet on MNIST, and one on the coarse labels of CIFAR-100.

LeNet: input (N, 1, 28, 28), pixels from 0 to 1; output (N, 10). The other one: input (N, 3, 32, 32), pixels
normalised per channel, which its `preprocess` does; output (N, 20). One score (logit) per class.
This file is what a student hands in: it needs nothing but PyTorch.
"""

import torch
from torch import Tensor, nn

MEAN, STD = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)  # of CIFAR-100's training images


class LeNet(nn.Module):
    """6 and 16 maps with average pooling between and after: 61,706 parameters. `maps` are those of the first layer."""

    def __init__(self, maps: int = 6) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, maps, kernel_size=5, padding=2),  # (N, 6, 28, 28): 156 parameters
            nn.ReLU(),
            nn.AvgPool2d(2),  # (N, 6, 14, 14)
            nn.Conv2d(maps, 16, kernel_size=5),  # (N, 16, 10, 10): 2,416 parameters
            nn.ReLU(),
            nn.AvgPool2d(2),  # (N, 16, 5, 5)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 400)
            nn.Linear(400, 120),  # (N, 120): 48,120 parameters
            nn.ReLU(),
            nn.Linear(120, 84),  # (N, 84): 10,164 parameters
            nn.ReLU(),
            nn.Linear(84, 10),  # (N, 10): 850 parameters
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class CoarseNet(nn.Module):
    """Four convolutions with BatchNorm, max pooling behind every two, dropout of one half: 199,732 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1),  # (N, 32, 16, 16): 896 parameters
            nn.BatchNorm2d(32),  # 64 parameters
            nn.ReLU(),
            nn.Conv2d(32, 32, kernel_size=3, padding=1),  # (N, 32, 16, 16): 9,248 parameters
            nn.BatchNorm2d(32),  # 64 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 32, 8, 8)
            nn.Conv2d(32, 64, kernel_size=3, padding=1),  # (N, 64, 8, 8): 18,496 parameters
            nn.BatchNorm2d(64),  # 128 parameters
            nn.ReLU(),
            nn.Conv2d(64, 64, kernel_size=3, padding=1),  # (N, 64, 8, 8): 36,928 parameters
            nn.BatchNorm2d(64),  # 128 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 64, 4, 4)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 1024)
            nn.Linear(1024, 128),  # (N, 128): 131,200 parameters
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, 20),  # (N, 20): 2,580 parameters
        )

    def preprocess(self, images: Tensor) -> Tensor:
        return (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def build_model() -> nn.Module:
    return LeNet()


def build_1_maps() -> nn.Module:
    return LeNet(1)


def build_6_maps() -> nn.Module:
    return LeNet(6)


def build_12_maps() -> nn.Module:
    return LeNet(12)


def build_coarse() -> nn.Module:
    return CoarseNet()
