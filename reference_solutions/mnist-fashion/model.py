"""The networks of the sheet on MNIST, Fashion-MNIST and its noisy pairs.

Input (N, 1, 28, 28). The two classifiers see pixels from 0 to 1 and give (N, 10), one score (logit) per class; the
denoiser sees a pixel plus its noise, from 0 to 2, and gives (N, 1, 28, 28), the clean pixels from 0 to 1.
This file is what a student hands in: it needs nothing but PyTorch.
"""

from torch import Tensor, nn


class Net(nn.Module):
    """Three convolutions and two fully connected layers: 6,444,170 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=3, padding=1),  # (N, 32, 28, 28): 320 parameters
            nn.ReLU(),
            nn.Conv2d(32, 32, kernel_size=3, padding=1),  # (N, 32, 28, 28): 9,248 parameters
            nn.ReLU(),
            nn.Conv2d(32, 32, kernel_size=3, padding=1),  # (N, 32, 28, 28): 9,248 parameters
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 25088)
            nn.Linear(25_088, 256),  # (N, 256): 6,422,784 parameters
            nn.ReLU(),
            nn.Linear(256, 10),  # (N, 10): 2,570 parameters
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class WideNet(nn.Module):
    """Sixteen convolutions in the manner of VGG, each with BatchNorm, smaller by stride: 30,292,490 parameters."""

    # Filters and stride of each; the side is 28, 14, 7, 4, 2 and at last 1.
    LAYERS = (
        (32, 1), (32, 2), (32, 1),
        (64, 2), (64, 1), (64, 1),
        (128, 2), (128, 1), (128, 1),
        (256, 2), (512, 1), (512, 1), (512, 1),
        (1024, 2), (1024, 1), (1024, 1),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for filters, stride in self.LAYERS:
            layers += [
                nn.Conv2d(channels, filters, kernel_size=3, stride=stride, padding=1),
                nn.BatchNorm2d(filters),
                nn.ReLU(),
            ]
            channels = filters
        self.features = nn.Sequential(*layers)  # (N, 1024, 1, 1)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(1024, 10))  # (N, 10): 10,250 parameters

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class ImprovedNet(nn.Module):
    """Five convolutions with BatchNorm, smaller by stride, and the mean over the places: 390,122 parameters.

    A sixteenth of the classifier's, and better on Fashion-MNIST. It trains on a laptop, which `WideNet` does not.
    """

    LAYERS = ((32, 5, 2), (64, 3, 1), (128, 3, 2), (128, 3, 1), (128, 3, 1))  # filters, kernel, stride

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for filters, kernel, stride in self.LAYERS:
            layers += [
                nn.Conv2d(channels, filters, kernel, stride=stride, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(filters),
                nn.ReLU(),
            ]
            channels = filters
        self.features = nn.Sequential(*layers)  # (N, 128, 7, 7)
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class Denoiser(nn.Module):
    """Six layers of 3x3, of 16 filters but for the last, which makes the one channel of the image: 9,585 parameters.

    The sheet's "16 filters each" cannot hold for the last one, and its sizes 28, 14, 7, 7, 14, 28 need
    `output_padding=1` in the transposed convolutions.
    """

    def __init__(self, *, has_skip: bool) -> None:
        super().__init__()
        self.has_skip = has_skip
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1),  # (N, 16, 14, 14): 160 parameters
            nn.ReLU(),
            nn.Conv2d(16, 16, kernel_size=3, stride=2, padding=1),  # (N, 16, 7, 7): 2,320 parameters
            nn.ReLU(),
            nn.Conv2d(16, 16, kernel_size=3, padding=1),  # (N, 16, 7, 7): 2,320 parameters
            nn.ReLU(),
            nn.ConvTranspose2d(16, 16, kernel_size=3, stride=2, padding=1, output_padding=1),  # (N, 16, 14, 14): 2,320
            nn.ReLU(),
            nn.ConvTranspose2d(16, 16, kernel_size=3, stride=2, padding=1, output_padding=1),  # (N, 16, 28, 28): 2,320
            nn.ReLU(),
            nn.Conv2d(16, 1, kernel_size=3, padding=1),  # (N, 1, 28, 28): 145 parameters
        )

    def forward(self, images: Tensor) -> Tensor:
        made = self.layers(images)
        return images + made if self.has_skip else made


def build_model() -> nn.Module:
    return Net()


def build_improved() -> nn.Module:
    return ImprovedNet()


def build_wide() -> nn.Module:
    return WideNet()


def build_denoiser() -> nn.Module:
    return Denoiser(has_skip=False)


def build_denoiser_with_skip() -> nn.Module:
    return Denoiser(has_skip=True)
