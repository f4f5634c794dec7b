"""Pairs of a noisy and a clean image of Fashion-MNIST, and a picture of some of them.

    python noisy.py        # figures/pairs.jpg; prints how far the two images of a pair are apart on average

GRADER_DATA names the folder with the images.
"""

import torch
from torch.utils.data import Dataset

from grader.datasets import data_root, inputs, load

SHOWN = 8  # pairs


class NoisyFashionMNIST(Dataset):
    """(noisy, clean), both (1, 28, 28): pixels from 0 to 1, and the same with noise that is uniform from 0 to 1."""

    def __init__(self, split, seed=0):
        images = load("fashion_mnist", split, root=data_root()).images
        self.clean = torch.from_numpy(inputs(images))
        # Drawn once, so that each image has its noise in every epoch and on every machine.
        self.noise = torch.rand(self.clean.shape, generator=torch.Generator().manual_seed(seed))

    def __len__(self):
        return len(self.clean)

    def __getitem__(self, index):
        return self.clean[index] + self.noise[index], self.clean[index]


def picture(pairs):
    """Rows of a noisy image and its clean one, as bytes: (28 * SHOWN, 56)."""
    rows = [torch.cat([noisy / 2, clean], dim=2)[0] for noisy, clean in (pairs[i] for i in range(SHOWN))]
    return (torch.cat(rows) * 255).round().byte().numpy()


def main():
    from PIL import Image

    pairs = NoisyFashionMNIST("test")
    image = Image.fromarray(picture(pairs))
    image.resize((4 * image.width, 4 * image.height), Image.Resampling.NEAREST).save("figures/pairs.jpg", quality=90)
    print((pairs.noise.double()).abs().mean().item())


if __name__ == "__main__":
    main()
