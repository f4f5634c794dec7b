"""Which weights stand in for those of report 002, which came without? Networks of the course, as good as it claims.

    GRADER_DATA=... python tests/seeds/stand_ins_002.py     # prints SHIFTS anew

Each begins as weights that were trained here. Then one class is made likelier, by a shift of its score, until exactly
as many of the 10,000 test images are right as the report says. No student may do that; here it makes a claim
confirmable. Of the best network the report prints nothing: another one of the course stands in for it altogether.
"""

import importlib.util
import io
import sys
from itertools import pairwise
from pathlib import Path

import torch

from grader.datasets import inputs, load
from grader.mutants.packed import unpacked_file

HERE = Path(__file__).parent
TRAINED = HERE.parents[1] / "reference_solutions" / "cifar10" / "weights"
DROPOUT = HERE / "weights" / "002-net2.packed.safetensors"  # grader reference train cifar10 net2: 78.03%
SOURCES = {
    "baseline": DROPOUT,  # the same layers: dropout has no weights
    "net1": TRAINED / "net1.packed.safetensors",
    "net2": DROPOUT,
    "best": TRAINED / "net2.packed.safetensors",
}
WANTED = {"baseline": 7340, "net1": 7533, "net2": 7614, "best": 8026}
SHIFTS = {  # network -> class, and what is added to its score
    "baseline": (5, -6.12366),  # from 7803
    "net1": (0, -2.368527),  # from 7756
    "net2": (2, 1.299471),  # from 7803
    "best": (1, -3.150945),  # from 8173
}


def networks():
    """The model.py of the hand-in."""
    spec = importlib.util.spec_from_file_location("model_002", HERE / "002" / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained(name):
    """The weights that a network begins as, under its own names: the tensors come in the same order."""
    stored = torch.load(io.BytesIO(unpacked_file(SOURCES[name])), weights_only=True)
    own = getattr(networks(), f"build_{name}")().state_dict()
    return dict(zip(own, stored.values(), strict=True))


def stand_in(name):
    """The weights that are handed in."""
    weights = trained(name)
    chosen, shift = SHIFTS[name]
    last = [key for key in weights if key.endswith("bias")][-1]
    weights[last][chosen] += shift
    return weights


def scores(name, images):
    """(N, 10) of the unshifted network."""
    module = networks()
    net = getattr(module, f"build_{name}")().eval()
    net.load_state_dict(trained(name))
    with torch.no_grad():
        return torch.cat([net(module.preprocess(batch)) for batch in images.split(500)])


def shift_for(wanted, found, labels):
    """The class and the shift that leave `wanted` right, as far from another count as can be; None for none."""
    best = None
    for chosen in range(found.shape[1]):
        others = found.clone()
        others[:, chosen] = -torch.inf
        limit, other = others.max(1)
        limit = limit - found[:, chosen]  # from this shift on, the image is taken to be of the chosen class
        is_chosen = labels == chosen
        gained, lost = limit[is_chosen], limit[other == labels]
        steps = torch.cat([gained, lost]).unique()
        for low, high in pairwise(steps.tolist()):
            shift = (low + high) / 2
            width = high - low
            is_wider = best is None or width > best[0]
            if is_wider and (gained < shift).sum() + (lost > shift).sum() == wanted:
                best = width, chosen, round(shift, 6)
    return best and best[1:]


def main():
    """The lines of SHIFTS, one for each network."""
    torch.set_num_threads(1)
    data = load("cifar10", "test")
    images, labels = torch.from_numpy(inputs(data.images)), torch.from_numpy(data.labels.copy()).long()
    for name in sys.argv[1:] or WANTED:
        found = scores(name, images)
        right = (found.argmax(1) == labels).sum().item()
        sys.stdout.write(f'    "{name}": {shift_for(WANTED[name], found, labels)},  # from {right}\n')


if __name__ == "__main__":
    sys.exit(main())
