from torch import nn


class LeNet(nn.Module):
    def __init__(self, maps=6):
        super().__init__()
        self.conv1 = nn.Conv2d(1, maps, 5, padding=2)
        self.pool = nn.AvgPool2d(2, 2)
        self.conv2 = nn.Conv2d(maps, 16, 5)
        self.relu = nn.ReLU()
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        x = self.relu(self.fc1(x.flatten(1)))
        return self.fc3(self.relu(self.fc2(x)))


class CoarseNet(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        for here, there in ((3, 32), (32, 32), (32, 64), (64, 64)):
            stride = 2 if here == 3 else 1
            layers += [nn.Conv2d(here, there, 3, stride, padding=1), nn.BatchNorm2d(there), nn.ReLU()]
            if here == there:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(1024, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 20)
        )

    def preprocess(self, images):
        mean = images.new_tensor([0.5071, 0.4865, 0.4409]).view(3, 1, 1)
        std = images.new_tensor([0.2673, 0.2564, 0.2762]).view(3, 1, 1)
        return (images - mean) / std

    def forward(self, x):
        return self.classifier(self.features(x))


def build_model():
    return LeNet()


def build_1_maps():
    return LeNet(1)


def build_6_maps():
    return LeNet(6)


def build_12_maps():
    return LeNet(12)


def build_coarse():
    return CoarseNet()
