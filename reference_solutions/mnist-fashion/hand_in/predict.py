"""Says which digit each of the given pictures shows, from the weights alone.

    python predict.py pictures/*.png
"""

import json
import sys

import torch
from model import build_model
from PIL import Image


def pixels(path):
    """(1, 28, 28), from 0 to 1: white ink on black, as MNIST has it."""
    image = Image.open(path).convert("L").resize((28, 28))
    return torch.tensor(list(image.tobytes()), dtype=torch.float32).view(1, 28, 28) / 255


def main(paths):
    model = build_model()
    model.load_state_dict(torch.load("mnist.pth", weights_only=True))
    model.eval()
    with torch.no_grad():
        answers = model(torch.stack([pixels(path) for path in paths])).argmax(1).tolist()
    print(json.dumps([{"file": path, "predicted": answer} for path, answer in zip(paths, answers)]))


if __name__ == "__main__":
    main(sys.argv[1:])
