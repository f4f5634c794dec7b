"""Networks whose numbers are known from elsewhere."""

from __future__ import annotations

from grader.architecture import build


def conv(channels, kernel, **more):
    return {"kind": "conv2d", "out_channels": channels, "kernel": kernel, **more}


def linear(features):
    return {"kind": "linear", "out_features": features}


POOL = {"kind": "max_pool2d", "kernel": 2}
RELU = {"kind": "relu"}
FLAT = {"kind": "flatten"}


def test_lenet():
    average = {"kind": "avg_pool2d", "kernel": 2}
    net = build(
        (1, 1, 28, 28),
        [conv(6, 5, padding=2), average, conv(16, 5), average, FLAT, linear(120), linear(84), linear(10)],
    )
    shapes = [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (400,), (120,), (84,), (10,)]
    assert [node.output_shape[1:] for node in net.nodes] == shapes
    assert [node.parameters for node in net.nodes] == [156, 0, 2416, 0, 0, 48120, 10164, 850]
    assert net.parameter_count == 61_706
    assert net.multiply_adds == 6 * 28 * 28 * 25 + 16 * 10 * 10 * 150 + 400 * 120 + 120 * 84 + 84 * 10


def test_the_seven_layer_mnist_net():
    net = build((16, 1, 28, 28), [conv(16, 5), POOL, conv(32, 3), POOL, conv(16, 1), FLAT, linear(64), linear(10)])
    rows = [(node.output_shape, node.parameters) for node in net.nodes if node.kind != "flatten"]
    assert rows == [
        ((16, 16, 24, 24), 416),
        ((16, 16, 12, 12), 0),
        ((16, 32, 10, 10), 4640),
        ((16, 32, 5, 5), 0),
        ((16, 16, 5, 5), 528),
        ((16, 64), 25664),
        ((16, 10), 650),
    ]
    assert net.parameter_count == 31_898


def three_convs(*, norm2d=(), norm1d=()):
    block = [*norm2d, RELU, POOL]
    return build(
        (64, 3, 32, 32),
        [
            conv(32, 5, padding=2), *block, conv(64, 5, padding=2), *block, conv(128, 5, padding=2), *block,
            FLAT, linear(64), *norm1d, RELU, linear(10),
        ],
    )  # fmt: skip


def test_the_three_conv_cifar_net():
    net = three_convs()
    assert [node.parameters for node in net.nodes if node.parameters] == [2432, 51264, 204928, 131136, 650]
    assert net.parameter_count == 390_410
    assert net.buffer_count == 0


def test_the_three_conv_cifar_net_with_batch_norm():
    net = three_convs(norm2d=[{"kind": "batch_norm2d"}], norm1d=[{"kind": "batch_norm1d"}])
    assert net.parameter_count == 390_410 + 2 * (32 + 64 + 128) + 2 * 64
    assert net.buffer_count == 2 * (32 + 64 + 128 + 64) + 4


def test_the_three_conv_mnist_net():
    net = build(
        (1, 1, 28, 28),
        [conv(32, 3, padding=1), conv(32, 3, padding=1), conv(32, 3, padding=1), FLAT, linear(256), linear(10)],
    )
    assert [node.parameters for node in net.nodes] == [320, 9248, 9248, 0, 6_422_784, 2570]
    assert net.nodes[3].output_shape == (1, 25_088)
    assert net.parameter_count == 6_444_170


def test_the_stem_of_resnet():
    net = build(
        (1, 3, 224, 224),
        [
            conv(64, 7, stride=2, padding=3, bias=False),
            {"kind": "batch_norm2d"},
            RELU,
            {"kind": "max_pool2d", "kernel": 3, "stride": 2, "padding": 1},
        ],
    )
    assert net.output_shape == (1, 64, 56, 56)
    assert net.parameter_count == 9408 + 128


def test_the_denoiser_gives_back_the_size():
    def up():
        return {
            "kind": "conv_transpose2d",
            "out_channels": 16,
            "kernel": 3,
            "stride": 2,
            "padding": 1,
            "output_padding": 1,
        }

    down = conv(16, 3, stride=2, padding=1)
    net = build((1, 1, 28, 28), [down, down, conv(16, 3, padding=1), up(), up(), conv(1, 3, padding=1)])
    assert [node.output_shape[-1] for node in net.nodes] == [14, 7, 7, 14, 28, 28]
    assert net.output_shape == (1, 1, 28, 28)


def test_alexnet():
    pool = {"kind": "max_pool2d", "kernel": 3, "stride": 2}
    net = build(
        (1, 3, 224, 224),
        [
            conv(64, 11, stride=4, padding=2), pool, conv(192, 5, padding=2), pool,
            conv(384, 3, padding=1), conv(256, 3, padding=1), conv(256, 3, padding=1), pool,
            FLAT, linear(4096), linear(4096), linear(1000),
        ],
    )  # fmt: skip
    assert net.parameter_count == 61_100_840  # as torchvision publishes it


def test_vgg11():
    convolutions = [
        layer
        for block in ([64], [128], [256, 256], [512, 512], [512, 512])
        for layer in (*(conv(channels, 3, padding=1) for channels in block), POOL)
    ]
    net = build((1, 3, 224, 224), [*convolutions, FLAT, linear(4096), linear(4096), linear(1000)])
    assert net.parameter_count == 132_863_336  # as torchvision publishes it
