"""The seven-layer network of the optimizer comparison on MNIST.

Input (N, 1, 28, 28), pixels from 0 to 1; output (N, 10), one score (logit) per digit; 31,898 parameters.
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
            nn.Conv2d(32, 16, kernel_size=1),  # (N, 16, 5, 5): 528 parameters
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 400)
            nn.Linear(400, 64),  # (N, 64): 25,664 parameters
            nn.ReLU(),
            nn.Linear(64, 10),  # (N, 10): 650 parameters
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def build_model() -> nn.Module:
    return Net()
