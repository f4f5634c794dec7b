"""The networks of the CIFAR-10 sheet, but the one that is fine-tuned (see transfer.py).

Input (N, 3, 32, 32), pixels normalised per channel; output (N, 10), one score (logit) per class.
This file is what a student hands in: it needs nothing but PyTorch.
"""

from torch import Tensor, nn


class Baseline(nn.Module):
    """The network of the sheet's table: three convolutions of 5x5, two fully connected layers: 390,410 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, kernel_size=5, padding=2),  # (N, 32, 32, 32): 2,432 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 32, 16, 16)
            nn.Conv2d(32, 64, kernel_size=5, padding=2),  # (N, 64, 16, 16): 51,264 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 64, 8, 8)
            nn.Conv2d(64, 128, kernel_size=5, padding=2),  # (N, 128, 8, 8): 204,928 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 128, 4, 4)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 2048)
            nn.Linear(2048, 64),  # (N, 64): 131,136 parameters
            nn.ReLU(),
            nn.Linear(64, 10),  # (N, 10): 650 parameters
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class NormalisedNet(nn.Module):
    """Network 1: the baseline with BatchNorm after every layer that has weights: 391,006 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, kernel_size=5, padding=2),
            nn.BatchNorm2d(32),  # 64 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, kernel_size=5, padding=2),
            nn.BatchNorm2d(64),  # 128 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 128, kernel_size=5, padding=2),
            nn.BatchNorm2d(128),  # 256 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(2048, 64),
            nn.BatchNorm1d(64),  # 128 parameters
            nn.ReLU(),
            nn.Linear(64, 10),
            nn.BatchNorm1d(10),  # 20 parameters
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class DropoutNet(nn.Module):
    """Network 2: the baseline with a little dropout after every pooling: 390,410 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.05),
            nn.Conv2d(32, 64, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.05),
            nn.Conv2d(64, 128, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.05),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(2048, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _block(channels: int, filters: int) -> list[nn.Module]:
    """Two 3x3 convolutions with BatchNorm, and half the side: no biases, BatchNorm has its own."""
    return [
        nn.Conv2d(channels, filters, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
        nn.Conv2d(filters, filters, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]


class BestNet(nn.Module):
    """The best network: six convolutions with BatchNorm, dropout before the scores: 1,187,274 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(3, 64),  # (N, 64, 16, 16): 38,848 parameters
            *_block(64, 128),  # (N, 128, 8, 8): 221,696 parameters
            *_block(128, 256),  # (N, 256, 4, 4): 885,760 parameters
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 4096)
            nn.Dropout(0.2),
            nn.Linear(4096, 10),  # (N, 10): 40,970 parameters
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def build_model() -> nn.Module:
    return BestNet()


def build_baseline() -> nn.Module:
    return Baseline()


def build_net1() -> nn.Module:
    return NormalisedNet()


def build_net2() -> nn.Module:
    return DropoutNet()
