"""The seven-layer network of the optimizer comparison on MNIST, as of spring 2023.

Input (N, 1, 28, 28), pixels from 0 to 1; output (N, 10), one score (logit) per digit; 33,450 parameters.
This file is what a student hands in: it needs nothing but PyTorch.
"""

from torch import Tensor, nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=5),  # (N, 16, 24, 24): 416 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 16, 12, 12)
            nn.Conv2d(16, 32, kernel_size=3),  # (N, 32, 10, 10): 4,640 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 32, 5, 5)
            nn.Conv2d(32, 32, kernel_size=3),  # (N, 32, 3, 3): 9,248 parameters
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 288)
            nn.Linear(288, 64),  # (N, 64): 18,496 parameters
            nn.ReLU(),
            nn.Linear(64, 10),  # (N, 10): 650 parameters
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def build_model() -> nn.Module:
    return Net()
