"""Two networks that read MNIST's digits with few parameters: one under 20,000, one under 8,000.

Input (N, 1, 28, 28), pixels from 0 to 1; output (N, 10), one score (logit) per digit. No layer is fully connected over
positions: the mean over the last maps, then one linear layer.
"""

from torch import Tensor, nn


def block(channels_in: int, channels_out: int) -> list[nn.Module]:
    """A 3x3 convolution without padding, BatchNorm, ReLU: 9 weights per pair of channels, 2 numbers per channel out."""
    convolution = nn.Conv2d(channels_in, channels_out, kernel_size=3, bias=False)
    return [convolution, nn.BatchNorm2d(channels_out), nn.ReLU()]


class Small(nn.Module):
    def __init__(self, first: int, second: int, third: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *block(1, first),  # (N, first, 26, 26); a pixel sees 3x3
            *block(first, second),  # (N, second, 24, 24); 5x5
            nn.MaxPool2d(2),  # (N, second, 12, 12); 6x6
            *block(second, third),  # (N, third, 10, 10); 10x10
            *block(third, third),  # (N, third, 8, 8); 14x14
            *block(third, third),  # (N, third, 6, 6); 18x18
            nn.AdaptiveAvgPool2d(1),  # (N, third, 1, 1): the whole image
            nn.Flatten(),
        )
        self.classifier = nn.Linear(third, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def build_first() -> nn.Module:
    return Small(16, 24, 24)  # 19,626 parameters


def build_model() -> nn.Module:
    return Small(8, 12, 16)  # 7,578 parameters
