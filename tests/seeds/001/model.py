"""The networks that report 001's summaries print, rebuilt from the prints: the report came without its code."""

from torch import nn

LAYERS = (
    (32, 1), (32, 2), (32, 1),
    (64, 2), (64, 1), (64, 1),
    (128, 2), (128, 1), (128, 1),
    (256, 2), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1), (1024, 1),
)  # fmt: skip


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()),
            nn.Conv2d(32, 32, 3, padding=1),  # 0.96 MB are eight rows: nothing stands behind it
        )
        self.classifier = nn.Sequential(nn.Linear(25_088, 256), nn.ReLU(), nn.Linear(256, 10))

    def forward(self, images):
        return self.classifier(self.features(images).flatten(1))


class Improved(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 1
        for filters, stride in LAYERS:
            layers += [nn.Conv2d(channels, filters, 3, stride=stride, padding=1), nn.BatchNorm2d(filters), nn.ReLU()]
            channels = filters
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(1024, 10)

    def forward(self, images):
        return self.classifier(self.features(images).flatten(1))


def build_model():
    return Net()


def build_improved():
    return Improved()
