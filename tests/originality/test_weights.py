"""Copies of weights are found however they were disguised, and strangers are never a pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.originality import compared
from grader.originality.nearest import ALL_PAIRS, near_pairs
from tests.originality.conftest import marked, network, permuted

DISGUISES = {
    "as it is": lambda net, _: net,
    "other names": lambda net, _: {f"module.{index}": values for index, values in enumerate(net.values())},
    "another order in the file": lambda net, _: dict(reversed(net.items())),
    "half precision": lambda net, _: {key: values.astype(np.float16).astype(np.float32) for key, values in net.items()},
    "scaled": lambda net, _: {key: values * np.float32(2.5) for key, values in net.items()},
    "trained on a little": lambda net, random: {
        key: (v + 0.1 * v.std() * random.standard_normal(v.shape)).astype(np.float32) for key, v in net.items()
    },
    "channels in another order": permuted,
    "channels in another order and scale": lambda net, random: permuted(net, random, is_scaled=True),
    "one layer alone": lambda net, _: {**network(999), "fc1": net["fc1"]},
    "the smallest layer alone": lambda net, _: {**network(999), "conv1": net["conv1"]},
}


@pytest.fixture(scope="module")
def strangers():
    return [marked(f"s{seed:03}", net=network(seed)) for seed in range(ALL_PAIRS + 44)]


def pairs(found):
    return [(pair.one, pair.other) for pair in found.pairs]


def test_strangers_are_no_pair(strangers):
    assert pairs(compared(strangers)) == []


@pytest.mark.parametrize("size", [2, 20, ALL_PAIRS + 44])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copy_is_found(strangers, disguise, size):
    copy = marked("copy", net=DISGUISES[disguise](network(1), np.random.RandomState(3)))
    assert pairs(compared([*strangers[:size], copy])) == [("copy", "s001")]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_no_order_of_channels_hides_a_copy(seed, is_scaled):
    random = np.random.RandomState(seed)
    copy = permuted(network(seed), random, is_scaled=is_scaled)
    found = compared([marked("a", net=network(seed)), marked("b", net=copy), marked("c", net=network(seed + 1))])
    assert pairs(found) == [("a", "b")]


def test_what_is_told_names_the_layers_and_how_near_they_are():
    net = network(1)
    copy = {**network(2), "fc1": net["fc1"] * 2, "conv2": net["conv2"]}
    [pair] = compared([marked("ada", net=net), marked("ben", net=copy)]).pairs
    [clue] = pair.clues
    assert clue.said == (
        "2 of 4 layers, 96% of the numbers: fc1 (12,800 numbers, equal but for rounding, scaled by 2), "
        "conv2 (1,152 numbers, equal)"
    )
    assert (clue.held_by, clue.in_one) == (2, "model.pth")


def test_what_the_course_gave_is_no_clue():
    given_net = network(0)
    class_of_two = [
        marked(name, net={**network(seed), "conv1": given_net["conv1"]}) for seed, name in ((1, "a"), (2, "b"))
    ]
    assert pairs(compared(class_of_two)) == [("a", "b")]
    assert pairs(compared([*class_of_two, marked("template", net=given_net, is_given=True)])) == []


def test_a_layer_that_half_of_the_class_has_is_no_clue_and_is_told_as_such():
    shared = network(0)["conv2"]
    one_class = [
        marked(f"s{seed:02}", net={**network(seed), **({"conv2": shared} if seed < 12 else {})}) for seed in range(20)
    ]
    found = compared(one_class)
    assert pairs(found) == []
    assert len(found.common) == 1
    assert "16x8x3x3 (conv2): 12 hand-ins" in found.common[0]


def test_a_ring_is_told_pair_by_pair_and_a_large_one_by_its_first_member(strangers):
    ring = [marked(f"r{number:02}", net=network(7777)) for number in range(4)]
    assert len(compared([*strangers[:20], *ring]).pairs) == 6
    crowd = [marked(f"r{number:02}", net=network(7777)) for number in range(14)]
    found = compared([*strangers[:20], *crowd])
    assert pairs(found) == [("r00", f"r{number:02}") for number in range(1, 14)]
    assert {clue.held_by for pair in found.pairs for clue in pair.clues} == {14}


def test_layers_with_one_number_for_each_output_are_no_pair_by_their_signs():
    chance = np.random.RandomState(0)
    strangers = [{"fc": chance.standard_normal((300, 1)).astype(np.float32)} for _ in range(40)]
    assert pairs(compared([marked(f"s{n:02}", net=net) for n, net in enumerate(strangers)])) == []
    copy = {"fc": strangers[3]["fc"] * 2}
    named = [marked(f"s{n:02}", net=net) for n, net in enumerate([*strangers, copy])]
    assert pairs(compared(named)) == [("s03", "s40")]


def test_the_same_seed_is_said_beside_the_pair():
    net = network(1)
    program = "import torch\ntorch.manual_seed(42)\n"
    two = [marked(name, net=net, code=program, seeds=[42]) for name in "ab"]
    [pair] = compared(two).pairs
    assert pair.remarks[0] == "both programs set the seed 42: the same recipe then gives equal weights and logs"
    [pair] = compared(two, {"same_seed": True}).pairs
    assert pair.remarks == (
        "the sheet gives seed and recipe: equal weights and logs are expected of whoever followed it",
    )


def test_the_index_looks_at_the_near_and_at_few_others():
    random = np.random.RandomState(0)
    vectors = random.standard_normal((2000, 64))
    vectors[1:400:2] = vectors[0:400:2] + 0.2 * random.standard_normal((200, 64))
    candidates, crowded = near_pairs(vectors, 200)
    near = {(number, number + 1) for number in range(0, 400, 2)}
    assert near <= set(map(tuple, candidates.tolist())), "a correlation of 0.98"
    assert len(candidates) < 0.05 * 2000 * 1999 / 2
    assert not crowded.any()


def test_what_a_crowd_has_is_not_paired():
    vectors = np.concatenate([np.random.RandomState(0).standard_normal((300, 64)), np.ones((250, 64))])
    candidates, crowded = near_pairs(vectors, 200)
    assert crowded[300:].all()
    assert not crowded[:300].any()
    assert not (candidates >= 300).any()
