"""The networks of the sheet. Input (N, 3, 32, 32) after `preprocess`, output (N, 10): one score per class."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


def preprocess(images: Tensor) -> Tensor:
    """Pixels from 0 to 1, normalised by the mean and the deviation of the training images, channel by channel."""
    return normalised(images, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))


def normalised(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    return (images - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


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


def pair(channels: int, filters: int) -> list[nn.Module]:
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


class Pairs(nn.Module):
    """Network 2, and the best one: six convolutions of 3x3 in pairs, each with BatchNorm: 307,946 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(*pair(3, 32), *pair(32, 64), *pair(64, 128))  # (N, 128, 4, 4)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(2048, 10))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class FineTuned(nn.Module):
    """ResNet18 with a head for ten classes, on images of 112x112 or larger: 11,181,642 parameters."""

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import resnet18

        self.resnet = resnet18(weights=None, num_classes=10)

    def preprocess(self, images: Tensor) -> Tensor:
        """Small images are enlarged, and all are normalised as ResNet18 met them: by the numbers of ImageNet."""
        if images.shape[-1] < 112:
            images = interpolate(images, size=(112, 112), mode="bilinear", align_corners=False)
        return normalised(images, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

    def forward(self, images: Tensor) -> Tensor:
        return self.resnet(images)


def build_baseline() -> nn.Module:
    return Baseline()


def build_net1() -> nn.Module:
    return NormalisedNet()


def build_net2() -> nn.Module:
    return Pairs()


def build_best() -> nn.Module:
    return Pairs()


def build_transfer() -> nn.Module:
    return FineTuned()
