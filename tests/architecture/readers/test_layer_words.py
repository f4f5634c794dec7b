"""Looking where a word can begin finds what looking everywhere finds."""

from __future__ import annotations

import random

from grader.architecture.readers import _layer_words
from grader.architecture.readers._layer_words import begins_with_layer, may_begin_with_layer

WORDS = (
    "conv", "Conv2D", "3x3", "max", "MaxPool", "fully connected", "ReLU", "softmax", "batch", "norm", "up-sampling",
    "transposed conv", "FC", "linear", "hidden", "deconv", "pool", "BN", "group", "lstm", "1st", "layer", "drop-out",
)  # fmt: skip


def test_the_same_words_are_found():
    some, found = random.Random(5), 0  # noqa: S311  no secret
    for _ in range(3000):
        text = "".join(some.choice(WORDS) + some.choice((" ", "", "-", "_", ", ", ": ", "(", "1")) for _ in range(6))
        ways = [
            [(one.span(), one.lastgroup) for one in way]
            for way in (_layer_words._matches(text, text.lower()), _layer_words._ANY.finditer(text))
        ]
        assert ways[0] == ways[1], text
        found += len(ways[0])
        word = begins_with_layer(text)
        assert word is None or may_begin_with_layer(text, word.start)
    assert found > 3000
