"""Logits against labels: what is counted, and which mistakes are kept to be shown."""

from types import SimpleNamespace

import numpy as np
import pytest

from grader.evidence.kinds import MOST_WORST, count


class Images(SimpleNamespace):
    def __len__(self):
        return len(self.labels)


def images(labels, classes=3):
    return Images(labels=np.array(labels), classes=tuple("abcdefgh"[:classes]))


def by_hand(scores, labels):
    """Plain loops: (correct, the mistakes from the clearest on)."""
    wrong, correct = [], 0
    for number, (row, label) in enumerate(zip(scores, labels, strict=True)):
        best = max(range(len(row)), key=lambda j: (row[j], -j))
        correct += best == label
        if best != label:
            wrong.append((-(row[best] - row[label]), number, label, best))
    return correct, [list(one[1:]) for one in sorted(wrong)]


def test_the_worst_mistakes_are_those_won_by_the_most():
    scores = [[9, 0, 0], [0, 5, 1], [0, 0, 2], [3, 4, 0]]
    assert count(scores, images([1, 0, 2, 0]))["worst"] == [[0, 1, 0], [1, 0, 1], [3, 0, 1]]


def test_what_is_right_is_no_mistake():
    assert count(np.eye(3), images([0, 1, 2]))["worst"] == []


def test_of_equal_mistakes_the_first_stands_first_and_there_are_so_many():
    made = count(np.tile([1.0, 0.0, 0.0], (100, 1)), images([1] * 100))
    assert made["worst"] == [[number, 1, 0] for number in range(MOST_WORST)]
    assert made["correct"] == 0


@pytest.mark.parametrize("seed", range(5))
def test_they_are_what_plain_loops_find(seed):
    dice = np.random.default_rng(seed)
    scores, labels = dice.normal(size=(60, 3)).astype(np.float32), dice.integers(0, 3, 60)
    made = count(scores, images(labels))
    correct, wrong = by_hand(scores.astype(np.float64).tolist(), labels.tolist())
    assert (made["correct"], made["worst"]) == (correct, wrong[:MOST_WORST])
