"""Which network is trained to 94% of CIFAR-10 in seconds? Seven small convolutions, in the shape of airbench94.

Its published results come with tricks that are not here: a first layer of whitening filters, biases with a rate of
their own, mirrored images at the test. Whether 94% are reached without them, in 12 epochs, has never been measured.

Source:  Keller Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU (2024): the widths, the order of layers, the
         batch, the momentum, the label smoothing; rate and weight decay as they are for a mean loss
"""

from __future__ import annotations

from torch import Tensor, nn

from grader.training import Recipe

RECIPE = Recipe(
    data_set="cifar10",
    optimizer="sgd",
    learning_rate=1.5,
    momentum=0.85,
    is_nesterov=True,
    weight_decay=1.3e-3,
    schedule="one-cycle",
    warm_up=0.23,
    epochs=12,
    batch_size=1024,
    label_smoothing=0.2,
    shift_px=2,
    is_flipped=True,
    lookahead_steps=5,
    precision="auto",
    memory_format="channels-last",
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
)


def _block(channels: int, filters: int) -> list[nn.Module]:
    """Two 3x3 convolutions with BatchNorm, and half the side after the first."""
    return [
        nn.Conv2d(channels, filters, 3, padding=1, bias=False),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(filters, momentum=0.4),
        nn.GELU(),
        nn.Conv2d(filters, filters, 3, padding=1, bias=False),
        nn.BatchNorm2d(filters, momentum=0.4),
        nn.GELU(),
    ]


class FastNet(nn.Module):
    """(N, 3, 32, 32) -> (N, 10); 1,972,792 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 24, 2),  # (N, 24, 31, 31)
            nn.GELU(),
            *_block(24, 64),  # (N, 64, 15, 15)
            *_block(64, 256),  # (N, 256, 7, 7)
            *_block(256, 256),  # (N, 256, 3, 3)
            nn.MaxPool2d(3),
            nn.Flatten(),
        )
        self.classifier = nn.Linear(256, 10, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.classifier(self.features(images)) / 9
        return scores
