"""What the tests of originality share: hand-ins with marks, and networks of strangers, made of numbers alone."""

from __future__ import annotations

import numpy as np
import pytest

from grader.originality import Marked
from grader.sandbox.programs import passages
from grader.sandbox.programs.weight_marks import marks

NOTHING = {"weights": [], "code": [], "logs": [], "texts": [], "pictures": [], "documents": []}
SHAPES = {"conv1": (8, 1, 5, 5), "conv2": (16, 8, 3, 3), "fc1": (32, 400), "fc2": (10, 32)}


def network(seed):
    """Weights as PyTorch would begin with them, and as training would have changed them: of this seed's own."""
    random = np.random.RandomState(seed)
    made = {}
    for name, shape in SHAPES.items():
        bound = 1 / np.sqrt(np.prod(shape[1:]))
        begun = random.uniform(-bound, bound, shape)
        made[name] = (begun + 0.5 * bound * random.standard_normal(shape)).astype(np.float32)
    return made


def permuted(net, random, *, is_scaled=False):
    """The same function, its channels and hidden units in another order and, as ReLU allows, on other scales."""
    first, second, hidden = (random.permutation(size) for size in (8, 16, 32))
    scales = (random.uniform(0.3, 3, size) if is_scaled else np.ones(size) for size in (8, 32))
    channels, units = scales
    made = {
        "conv1": (net["conv1"] * channels[:, None, None, None])[first],
        "conv2": (net["conv2"] / channels[None, :, None, None])[second][:, first],
        "fc1": (net["fc1"] * units[:, None]).reshape(32, 16, 25)[hidden][:, second].reshape(32, 400),
        "fc2": (net["fc2"] / units[None])[:, hidden],
    }
    return {name: values.astype(np.float32) for name, values in made.items()}


def weights(net, path="model.pth"):
    rows = [{"name": name, "shape": list(a.shape), "dtype": "float32", **marks(a)} for name, a in net.items()]
    return [{"path": path, "tensors": rows}]


def marked(name, *, net=None, code=None, text=None, logs=(), seeds=(), students=(), **more):
    """A hand-in of one file of each kind that is named."""
    made = {**NOTHING, "form": 1, "assignment": "digits", "students": list(students), "logs": list(logs)}
    if net is not None:
        made["weights"] = weights(net)
    if code is not None:
        found = passages.code_marks(code)
        made["code"] = [{"path": "train.py", "marks": [list(mark) for mark in found], "seeds": list(seeds)}]
    if text is not None:
        found = passages.text_marks(text)
        made["texts"] = [{"path": "answers.json /answers/why", "marks": [list(mark) for mark in found]}]
    is_earlier, is_given = more.pop("is_earlier", False), more.pop("is_given", False)
    return Marked(name, {**made, **more}, is_earlier=is_earlier, is_given=is_given)


@pytest.fixture
def hand_in():
    return marked


@pytest.fixture
def a_network():
    return network


@pytest.fixture
def in_another_order():
    return permuted
