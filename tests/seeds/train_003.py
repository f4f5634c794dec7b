"""Made tests/seeds/003/model.pth: trains the seven layers on MNIST until 9,912 of the 10,000 test images are right.

    GRADER_DATA=... python tests/seeds/train_003.py

The report claims 99.12% and came without its weights; this stands in for them. Seed 0, one thread, torch 2.13.0 (CPU):
step 1,956, about 40 s. Choosing weights by the test set is what no student may do; here it makes the claim confirmable.
"""

import sys
from pathlib import Path

import torch
from torch.nn import functional

from grader.datasets import inputs, load
from grader.training import load_reference

HERE = Path(__file__).parent
WANTED = 9912
EPOCHS, BATCH_SIZE, PER_EPOCH, EVERY = 6, 128, 469, 12


def tensors(split):
    data = load("mnist", split)
    return torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy())


def right(model, images, labels):
    model.eval()
    with torch.no_grad():
        pairs = zip(images.split(500), labels.split(500), strict=True)
        return sum((model(x).argmax(1) == y).sum().item() for x, y in pairs)


def main():
    torch.set_num_threads(1)
    (images, labels), test = tensors("train"), tensors("test")
    torch.manual_seed(0)
    model = load_reference(HERE.parent.parent / "reference_solutions" / "mnist-optimizers").build_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.005, total_steps=EPOCHS * PER_EPOCH, pct_start=0.3)
    step = 0
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(BATCH_SIZE):
            model.train()
            optimizer.zero_grad()
            functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()
            step += 1
            if step > 4 * PER_EPOCH and step % EVERY == 0 and right(model, *test) == WANTED:
                torch.save(model.state_dict(), HERE / "003" / "model.pth")
                return f"step {step}: {WANTED} right"
    return f"no step had {WANTED} right"


if __name__ == "__main__":
    sys.exit(main())
