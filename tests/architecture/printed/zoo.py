"""Which networks do students print? Small ones of every shape, and torchvision's.

Every entry is (make the network, the shapes of its inputs without the batch axis). Inputs are floats for all of
them (a network that looks words up rounds them itself), because the oldest tool can make no others.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - its usual name

Shape = tuple[int, ...]
NETWORKS: dict[str, tuple[Callable[[], nn.Module], list[Shape]]] = {}


def network(name: str, *inputs: Shape) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    def register(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        NETWORKS[name] = (make, list(inputs))
        return make

    return register


@network("lenet", (1, 32, 32))
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.pool = nn.AvgPool2d(2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(torch.tanh(self.conv1(x)))
        x = self.pool(torch.tanh(self.conv2(x))).flatten(1)
        return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))


@network("lenet_modules", (1, 28, 28))
def lenet_modules():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2, stride=2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2, stride=2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10),
    )  # fmt: skip


@network("mnist_three_convs", (1, 28, 28))
class ThreeConvs(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.flat = nn.Flatten()
        self.hidden = nn.Linear(25088, 256)
        self.out = nn.Linear(256, 10)

    def forward(self, x):
        return self.out(self.hidden(self.flat(self.conv(x))))


@network("pytorch_example", (1, 28, 28))
class PyTorchExample(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = torch.flatten(self.dropout1(F.max_pool2d(x, 2)), 1)
        return F.log_softmax(self.fc2(self.dropout2(F.relu(self.fc1(x)))), dim=1)


@network("functional_cifar", (3, 32, 32))
class FunctionalCifar(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).reshape(-1, 400)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


@network("vgg_bn", (3, 32, 32))
def vgg_bn():
    layers, width = [], 3
    for wide, count in ((32, 2), (64, 2), (128, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(width, wide, 3, padding=1), nn.BatchNorm2d(wide), nn.ReLU(inplace=True)]
            width = wide
        layers.append(nn.MaxPool2d(2, 2))
    head = [nn.Flatten(), nn.Linear(128 * 16, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 10)]
    return nn.Sequential(*layers, *head)


@network("fashion_strided", (1, 28, 28))
def fashion_strided():
    layers, width = [], 1
    for wide, stride in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2)):
        layers += [nn.Conv2d(width, wide, 3, padding=1, stride=stride), nn.BatchNorm2d(wide), nn.ReLU()]
        width = wide
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 16, 512), nn.ReLU(), nn.Linear(512, 10))


class BasicBlock(nn.Module):
    def __init__(self, narrow, wide, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(narrow, wide, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.shortcut = nn.Sequential()
        if stride != 1 or narrow != wide:
            self.shortcut = nn.Sequential(nn.Conv2d(narrow, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


@network("small_resnet", (3, 32, 32))
class SmallResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(BasicBlock(16, 16), BasicBlock(16, 16))
        self.layer2 = nn.Sequential(BasicBlock(16, 32, 2), BasicBlock(32, 32))
        self.layer3 = nn.Sequential(BasicBlock(32, 64, 2), BasicBlock(64, 64))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(F.avg_pool2d(x, x.shape[3]).flatten(1))


class DoubleConv(nn.Module):
    def __init__(self, narrow, wide):
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(narrow, wide, 3, padding=1), nn.BatchNorm2d(wide), nn.ReLU(inplace=True),
            nn.Conv2d(wide, wide, 3, padding=1), nn.BatchNorm2d(wide), nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, x):
        return self.double_conv(x)


@network("unet", (1, 64, 64))
class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([DoubleConv(1, 16), DoubleConv(16, 32), DoubleConv(32, 64)])
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList([nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)])
        self.join = nn.ModuleList([DoubleConv(64, 32), DoubleConv(32, 16)])
        self.head = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        first = self.down[0](x)
        second = self.down[1](self.pool(first))
        x = self.down[2](self.pool(second))
        x = self.join[0](torch.cat([second, self.up[0](x)], 1))
        x = self.join[1](torch.cat([first, self.up[1](x)], 1))
        return self.head(x)


@network("unet_upsample", (3, 64, 64))
class UNetUpsample(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc1 = DoubleConv(3, 8)
        self.enc2 = DoubleConv(8, 16)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.dec = DoubleConv(24, 8)
        self.head = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        first = self.enc1(x)
        second = self.enc2(self.pool(first))
        return torch.sigmoid(self.head(self.dec(torch.cat([first, self.up(second)], 1))))


@network("depthwise_separable", (3, 32, 32))
def depthwise_separable():
    def block(narrow, wide, stride):
        return nn.Sequential(
            nn.Conv2d(narrow, narrow, 3, stride, 1, groups=narrow, bias=False), nn.BatchNorm2d(narrow), nn.ReLU6(),
            nn.Conv2d(narrow, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(),
        )  # fmt: skip

    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6()]
    blocks = [block(16, 32, 1), block(32, 64, 2), block(64, 64, 1), block(64, 128, 2)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


@network("dilated", (3, 40, 40))
def dilated():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.LeakyReLU(0.1), nn.Conv2d(16, 16, 3, padding=2, dilation=2),
        nn.LeakyReLU(0.1), nn.Conv2d(16, 32, 3, dilation=4), nn.LeakyReLU(0.1), nn.Conv2d(32, 8, 1),
        nn.AdaptiveMaxPool2d((2, 3)), nn.Flatten(), nn.Linear(48, 5), nn.Softmax(dim=1),
    )  # fmt: skip


@network("grouped", (4, 33, 47))
def grouped():
    return nn.Sequential(
        nn.Conv2d(4, 24, (3, 5), groups=2, padding=(1, 2)), nn.GroupNorm(6, 24), nn.SiLU(),
        nn.Conv2d(24, 48, 3, stride=(2, 1), groups=8), nn.GroupNorm(8, 48), nn.GELU(),
        nn.MaxPool2d((2, 3), stride=(1, 2), ceil_mode=True), nn.Conv2d(48, 12, 1, groups=4), nn.ELU(),
        nn.Flatten(), nn.LazyLinear(7),
    )  # fmt: skip


@network("gap_head", (3, 64, 64))
class GlobalAverageHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 5, stride=2), nn.PReLU(), nn.Conv2d(32, 64, 3, stride=2), nn.PReLU(64),
            nn.Conv2d(64, 96, 3, stride=2), nn.Hardswish(),
        )  # fmt: skip
        self.classifier = nn.Linear(96, 100)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


@network("reused_relu", (3, 32, 32))
class ReusedModules(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.relu, self.pool, self.drop = nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(0.2)
        self.fc = nn.Linear(2048, 10)

    def forward(self, x):
        x = self.pool(self.relu(self.conv1(x)))
        x = self.drop(self.pool(self.relu(self.conv2(x))))
        return self.fc(x.view(x.size(0), -1))


@network("reused_weights", (8, 16, 16))
class ReusedWeights(nn.Module):
    """One convolution called three times: torchsummary counts it three times."""

    def __init__(self):
        super().__init__()
        self.step = nn.Conv2d(8, 8, 3, padding=1)
        self.act = nn.ReLU()
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        for _ in range(3):
            x = self.act(self.step(x)) + x
        return self.fc(x.mean((2, 3)))


@network("tied_weights", (64,))
class TiedWeights(nn.Module):
    """Two layers, one tensor: counted once by PyTorch, twice by most tools."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 64, bias=False)
        self.second = nn.Linear(64, 64, bias=False)
        self.second.weight = self.first.weight
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        return self.out(torch.relu(self.second(torch.relu(self.first(x)))))


@network("two_inputs", (3, 32, 32), (12,))
class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.meta = nn.Linear(12, 16)
        self.out = nn.Linear(48, 3)

    def forward(self, picture, numbers):
        return self.out(torch.cat([self.conv(picture), torch.relu(self.meta(numbers))], 1))


@network("two_outputs", (3, 32, 32))
class TwoOutputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU())
        self.flat = nn.Flatten()
        self.digit, self.colour = nn.Linear(2048, 10), nn.Linear(2048, 3)

    def forward(self, x):
        x = self.flat(self.body(x))
        return self.digit(x), self.colour(x)


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1)

    def forward(self, x):
        large = self.first(x)
        return [large, self.second(large)]


@network("list_outputs", (3, 32, 32))
class ListOutputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.pool = Pyramid(), nn.AvgPool2d(2)
        self.head = nn.Conv2d(24, 5, 1)

    def forward(self, x):
        large, small = self.backbone(x)
        return self.head(torch.cat([self.pool(large), small], 1))


@network("conv1d", (1, 187))
def conv1d():
    return nn.Sequential(
        nn.Conv1d(1, 16, 7, padding=3), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(16, 32, 5, stride=2), nn.BatchNorm1d(32), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(),
        nn.Linear(128, 5),
    )  # fmt: skip


@network("conv3d", (1, 16, 28, 28))
def conv3d():
    return nn.Sequential(
        nn.Conv3d(1, 8, 3, padding=1), nn.BatchNorm3d(8), nn.ReLU(), nn.MaxPool3d((1, 2, 2)),
        nn.Conv3d(8, 16, (3, 3, 3), stride=2), nn.InstanceNorm3d(16, affine=True), nn.ReLU(), nn.AvgPool3d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.LazyLinear(10),
    )  # fmt: skip


@network("denoiser", (1, 28, 28))
def denoiser():
    relu = nn.ReLU
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1), relu(), nn.Conv2d(16, 16, 3, 2, 1), relu(), nn.Conv2d(16, 16, 3, 1, 1), relu(),
        nn.ConvTranspose2d(16, 16, 3, 2, 1, output_padding=1), relu(),
        nn.ConvTranspose2d(16, 16, 3, 2, 1, output_padding=1), relu(), nn.Conv2d(16, 1, 3, 1, 1), nn.Sigmoid(),
    )  # fmt: skip


@network("dcgan_generator", (100, 1, 1))
def dcgan_generator():
    layers = [nn.ConvTranspose2d(100, 128, 4, 1, 0, bias=False), nn.BatchNorm2d(128), nn.ReLU(True)]
    for narrow, wide in ((128, 64), (64, 32)):
        layers += [nn.ConvTranspose2d(narrow, wide, 4, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(32, 3, 4, 2, 1, bias=False), nn.Tanh())


@network("autoencoder", (784,))
class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 3))
        self.decoder = nn.Sequential(
            nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid()
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


@network("vae", (1, 28, 28))
class VariationalAutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x):
        hidden = F.relu(self.fc1(x.view(-1, 784)))
        mean, spread = self.fc21(hidden), self.fc22(hidden)
        return torch.sigmoid(self.fc4(F.relu(self.fc3(mean + spread)))), mean, spread


@network("lstm", (50, 12))
class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(12, 64, num_layers=2, batch_first=True, dropout=0.1)
        self.fc = nn.Linear(64, 4)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


@network("gru_words", (40,))
class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5000, 100, padding_idx=0)
        self.gru = nn.GRU(100, 48, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(96, 2)

    def forward(self, x):
        return self.fc(self.dropout(self.gru(self.embedding(x.long()))[0].mean(1)))


@network("embedding_bag_of_words", (30,))
class BagOfWords(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(1000, 32)
        self.fc1, self.fc2 = nn.Linear(32, 16), nn.Linear(16, 2)
        self.norm = nn.LayerNorm(16)

    def forward(self, x):
        return self.fc2(self.norm(torch.relu(self.fc1(self.embedding(x.long()).mean(1)))))


@network("transformer_encoder", (20, 32))
class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, dim_feedforward=64, batch_first=True)
        self.position = nn.Parameter(torch.zeros(1, 20, 32))
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(32, 6)

    def forward(self, x):
        return self.out(self.encoder(x + self.position)[:, 0])


@network("raw_parameter", (3, 16, 16))
class RawParameter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))
        self.norm = nn.LayerNorm([8, 16, 16])
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        return self.fc(self.norm(self.conv(x) * self.scale).mean((2, 3)))


@network("super_resolution", (1, 24, 24))
def super_resolution():
    return nn.Sequential(
        nn.Conv2d(1, 64, 5, padding=2), nn.Tanh(), nn.Conv2d(64, 32, 3, padding=1), nn.Tanh(),
        nn.Conv2d(32, 9, 3, padding=1), nn.PixelShuffle(3),
    )  # fmt: skip


@network("style_transfer", (3, 32, 32))
def style_transfer():
    return nn.Sequential(
        nn.ReflectionPad2d(4), nn.Conv2d(3, 16, 9), nn.InstanceNorm2d(16, affine=True), nn.ReLU(),
        nn.ZeroPad2d(1), nn.Conv2d(16, 32, 3, stride=2), nn.InstanceNorm2d(32), nn.ReLU(),
        nn.Upsample(scale_factor=2, mode="nearest"), nn.ReflectionPad2d(1), nn.Conv2d(32, 3, 3), nn.Identity(),
    )  # fmt: skip


@network("frozen_features", (3, 32, 32))
class FrozenFeatures(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(4),
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(4),
        )  # fmt: skip
        for parameter in self.features.parameters():
            parameter.requires_grad = False
        self.head = nn.Linear(256, 10)

    def forward(self, x):
        return self.head(torch.flatten(self.features(x), 1))


@network("module_dict", (3, 28, 28))
class ModuleDictionary(nn.Module):
    def __init__(self):
        super().__init__()
        self.paths = nn.ModuleDict({"small": nn.Conv2d(3, 8, 3, padding=1), "large": nn.Conv2d(3, 8, 5, padding=2)})
        self.mix = nn.ModuleList([nn.Conv2d(16, 16, 1) for _ in range(4)])
        self.out = nn.Conv2d(16, 10, 28)

    def forward(self, x):
        x = torch.cat([path(x) for path in self.paths.values()], 1)
        for layer in self.mix:
            x = F.relu(layer(x))
        return self.out(x).flatten(1)


class SqueezeExcite(nn.Module):
    def __init__(self, wide, reduction=4):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(wide, wide // reduction, bias=False), nn.ReLU(), nn.Linear(wide // reduction, wide, bias=False),
            nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x):
        return x * self.fc(self.pool(x).flatten(1))[:, :, None, None]


@network("squeeze_excite", (3, 32, 32))
def squeeze_excite():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), SqueezeExcite(32), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), SqueezeExcite(64), nn.MaxPool2d(3, 2, 1),
        nn.Flatten(), nn.Linear(4096, 10),
    )  # fmt: skip


class Inception(nn.Module):
    def __init__(self, narrow):
        super().__init__()
        self.one = nn.Conv2d(narrow, 8, 1)
        self.three = nn.Sequential(nn.Conv2d(narrow, 6, 1), nn.ReLU(), nn.Conv2d(6, 12, 3, padding=1))
        self.five = nn.Sequential(nn.Conv2d(narrow, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 5, padding=2))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(narrow, 4, 1))

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)


@network("small_inception", (3, 32, 32))
def small_inception():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), Inception(16), nn.MaxPool2d(2), Inception(32),
        nn.AvgPool2d(16), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


class DenseLayer(nn.Module):
    def __init__(self, narrow, growth):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(narrow), nn.Conv2d(narrow, growth, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv(F.relu(self.norm(x)))], 1)


@network("small_densenet", (1, 28, 28))
def small_densenet():
    layers = [nn.Conv2d(1, 8, 3, padding=1)]
    layers += [DenseLayer(8 + 4 * index, 4) for index in range(4)]
    return nn.Sequential(*layers, nn.BatchNorm2d(24), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(24 * 49, 10))


@network("linear_only", (784,))
def linear_only():
    return nn.Linear(784, 10)


@network("mlp_deep", (13,))
def mlp_deep():
    layers = []
    for narrow, wide in ((13, 64), (64, 64), (64, 32)):
        layers += [nn.Linear(narrow, wide), nn.BatchNorm1d(wide), nn.LeakyReLU(), nn.Dropout(0.1)]
    return nn.Sequential(*layers, nn.Linear(32, 1))


@network("patch_transformer", (3, 32, 32))
class PatchTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 48, 8, 8)
        self.norm1, self.norm2 = nn.LayerNorm(48), nn.LayerNorm(48)
        self.attention = nn.MultiheadAttention(48, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(48, 96), nn.GELU(), nn.Linear(96, 48))
        self.head = nn.Linear(48, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        x = x + self.mlp(self.norm2(x))
        return self.head(x.mean(1))


@network("siamese", (1, 28, 28), (1, 28, 28))
class Siamese(nn.Module):
    """One branch for both inputs: every row of it is printed twice."""

    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1152, 32))
        self.out = nn.Linear(32, 1)

    def forward(self, left, right):
        return self.out(torch.abs(self.branch(left) - self.branch(right)))


@network("all_convolutional", (3, 32, 32))
def all_convolutional():
    return nn.Sequential(
        nn.Dropout(0.2), nn.Conv2d(3, 96, 3, padding=1), nn.ReLU(), nn.Conv2d(96, 96, 3, 2, 1), nn.ReLU(),
        nn.Dropout(0.5), nn.Conv2d(96, 192, 3), nn.ReLU(), nn.Conv2d(192, 10, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.LogSoftmax(dim=1),
    )  # fmt: skip


TORCHVISION = (
    "alexnet", "vgg11", "resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "densenet121",
    "squeezenet1_0", "googlenet", "efficientnet_b0", "shufflenet_v2_x0_5", "convnext_tiny", "vit_b_16", "swin_t",
)  # fmt: skip


def from_torchvision(name: str) -> tuple[Callable[[], nn.Module], list[Shape]]:
    from torchvision import models

    extra = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    return (lambda: getattr(models, name)(weights=None, **extra)), [(3, 224, 224)]
