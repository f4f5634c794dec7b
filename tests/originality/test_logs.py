"""Logs of one training are found though a number was changed, and logs of two trainings are not."""

import random

import pytest

from grader.originality import compared
from tests.originality.conftest import marked


def curve(seed, *, name="train loss", epochs=20, digits=4):
    """A loss as a training prints it, in units of its last digit."""
    chance = random.Random(seed)  # noqa: S311
    values = [round((2.3 * 0.8**epoch + chance.gauss(0, 0.02) + 0.1) * 10**digits) for epoch in range(epochs)]
    return {"name": name, "unit": f"1/{10**digits}", "values": values}


def accuracy(seed, *, epochs=20, images=360):
    """An accuracy in hundredths of a percent, counted on few images: few values are possible."""
    chance = random.Random(seed)  # noqa: S311
    counts = [min(images, round(images * (0.98 - 0.5 * 0.6**epoch) + chance.gauss(0, 1.5))) for epoch in range(epochs)]
    return {"name": "test accuracy", "unit": "1/100", "values": [round(10_000 * count / images) for count in counts]}


def of(name, *curves):
    return marked(name, logs=[{"path": "train.csv", "curves": list(curves)}])


def pairs(*hand_ins):
    return [(pair.one, pair.other, pair.clues[0].said) for pair in compared(hand_ins).pairs]


def changed(one, values):
    return {**one, "values": values}


def test_logs_of_strangers_are_no_pair():
    assert pairs(*[of(f"s{seed:03}", curve(seed), accuracy(seed)) for seed in range(300)]) == []


def test_the_same_log_is_told():
    assert pairs(of("a", curve(1)), of("b", curve(1)), of("c", curve(2))) == [
        ("a", "b", "train loss: 20 values are equal")
    ]


def test_a_log_with_one_number_changed_is_told():
    values = list(curve(1)["values"])
    values[7] += 123
    assert pairs(of("a", curve(1)), of("b", changed(curve(1), values))) == [
        ("a", "b", "train loss: 17 of 19 steps from value to value are equal")
    ]


def test_a_log_with_a_constant_added_and_another_name_is_told():
    values = [value + 500 for value in curve(1)["values"]]
    other = {**changed(curve(1), values), "name": "validation loss"}
    assert pairs(of("a", curve(1)), of("b", other)) == [
        ("a", "b", "train loss and validation loss: equal but for a constant (+500 in the last digit)")
    ]


def test_a_log_that_was_cut_off_is_told():
    assert pairs(of("a", curve(1)), of("b", changed(curve(1), curve(1)["values"][:12])))


@pytest.mark.parametrize(
    "values",
    [[9800] * 40, [10_000] * 40, list(range(0, 4000, 100)), [100, 200] * 20],
    ids=["constant", "perfect", "even steps", "to and fro"],
)
def test_a_curve_that_tells_nothing_is_no_clue(values):
    flat = {"name": "test accuracy", "unit": "1/100", "values": values}
    assert pairs(of("a", flat), of("b", flat)) == []


def test_the_logs_of_the_course_are_no_clue():
    given = marked("reference", logs=[{"path": "train.csv", "curves": [curve(1)]}], is_given=True)
    assert pairs(of("a", curve(1)), of("b", curve(1)), given) == []
