"""Draws the layers of the network for CIFAR-100 as a row of boxes: figures/architecture.png.

    python draw_architecture.py
"""

from pathlib import Path

from model import build_coarse
from PIL import Image, ImageDraw

COLOURS = {
    "Conv2d": "steelblue",
    "BatchNorm2d": "gold",
    "ReLU": "lightgrey",
    "MaxPool2d": "darkorange",
    "Flatten": "white",
    "Linear": "indianred",
    "Dropout": "lightskyblue",
}
WIDTH, HEIGHT = 34, 150


def main():
    layers = [layer for part in build_coarse().children() for layer in part]
    picture = Image.new("RGB", (20 + (WIDTH + 6) * len(layers), HEIGHT + 60), "white")
    pen = ImageDraw.Draw(picture)
    for at, layer in enumerate(layers):
        left = 10 + at * (WIDTH + 6)
        kind = type(layer).__name__
        pen.rectangle([left, 20, left + WIDTH, 20 + HEIGHT], fill=COLOURS[kind], outline="black")
        label = Image.new("L", (HEIGHT - 10, 12), 0)
        ImageDraw.Draw(label).text((0, 0), kind, fill=255)
        picture.paste("black", (left + 11, 26), label.rotate(90, expand=True))
    pen.text((10, HEIGHT + 35), "3x32x32 image  ->  20 scores; max pooling halves height and width", fill="black")
    Path("figures").mkdir(exist_ok=True)
    picture.save("figures/architecture.png")


if __name__ == "__main__":
    main()
