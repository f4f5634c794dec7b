"""The network of the quick start: two convolutions, two poolings, two fully connected layers.

Input (N, 1, 28, 28), pixels from 0 to 1; output (N, 10), one score (logit) per digit; 14,538 parameters.
This file is what a student hands in: it needs nothing but PyTorch.
"""

from torch import Tensor, nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=5),  # (N, 8, 24, 24): 208 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 8, 12, 12)
            nn.Conv2d(8, 16, kernel_size=3),  # (N, 16, 10, 10): 1,168 parameters
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 16, 5, 5)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 400)
            nn.Linear(400, 32),  # (N, 32): 12,832 parameters
            nn.ReLU(),
            nn.Linear(32, 10),  # (N, 10): 330 parameters
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def build_model() -> nn.Module:
    return Net()
