"""Writes the feature maps of your trained LeNet: figures/conv1.npy, pool1.npy, conv2.npy, and a PNG of each.

    python show_maps.py 7     # the image of MNIST's training set with this number, from 0

Write the same number into answers.json as feature_map_image. The layers are the first three of model.py that are a
convolution or a pooling, before their activation.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from model import build_model
from PIL import Image
from torch import nn

from grader.datasets import data_root, inputs, load


def main(number):
    image = torch.from_numpy(inputs(load("mnist", "train", root=data_root()).images[number : number + 1]))
    net = build_model().eval()
    net.load_state_dict(torch.load("model.pth"))
    layers = [layer for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.AvgPool2d))][:3]
    Path("figures").mkdir(exist_ok=True)
    for name, layer in zip(("conv1", "pool1", "conv2"), layers):
        layer.register_forward_hook(lambda _layer, _inputs, maps, name=name: show(name, maps[0].detach().numpy()))
    with torch.no_grad():
        net(image)


def show(name, maps):
    """Keep the numbers, and draw the maps (C, H, W) side by side: black is the lowest value of all, white the highest."""
    np.save(f"figures/{name}.npy", maps)
    grey = (255 * (maps - maps.min()) / (maps.max() - maps.min())).astype(np.uint8)
    row = np.concatenate([np.pad(one, 1) for one in grey], axis=1)
    Image.fromarray(row).resize((4 * row.shape[1], 4 * row.shape[0]), 0).save(f"figures/{name}.png")


if __name__ == "__main__":
    main(int(sys.argv[1]))
