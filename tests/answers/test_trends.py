"""A claim that is true of the real values is never contradicted, whatever chance hides; a confirmed one is true."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.answers.trends import best_holds, direction_holds, ranking_holds

VALUES = st.lists(st.integers(0, 6), min_size=2, max_size=6)
WAYS = ("rises", "falls", "peak", "no difference")


def told_apart(values, least):
    """What is known of the values where only a difference of at least `least` can be told."""

    def order(one, other):
        gap = values[one] - values[other]
        return "tie" if abs(gap) < least else "over" if gap > 0 else "under"

    return order


def is_so(way, values):
    """The claim itself, of the real values: the oracle."""
    if way == "no difference":
        return len(set(values)) == 1
    if way == "peak":
        return any(
            values[: top + 1] == sorted(values[: top + 1]) and values[top:] == sorted(values[top:], reverse=True)
            for top in range(1, len(values) - 1)
        )
    return values == sorted(values, reverse=way == "falls")


@given(VALUES, st.integers(1, 8), st.sampled_from(WAYS))
def test_a_direction_that_is_so_is_never_contradicted(values, least, way):
    held = direction_holds(way, told_apart(values, least), len(values))
    assert held.verdict != "contradicted" or not is_so(way, values)


@given(VALUES, st.sampled_from(WAYS))
def test_where_every_difference_can_be_told_a_direction_that_is_not_so_is_contradicted(values, way):
    held = direction_holds(way, told_apart(values, 1), len(values))
    assert (held.verdict == "contradicted") == (not is_so(way, values))


@given(VALUES, st.integers(1, 8), st.data())
def test_a_best_value_is_judged_as_the_real_values_have_it(values, least, data):
    best = data.draw(st.integers(0, len(values) - 1))
    verdict = best_holds(best, told_apart(values, least), len(values)).verdict
    others = [value for at, value in enumerate(values) if at != best]
    if verdict == "contradicted":
        assert max(others) > values[best]
    if verdict == "confirmed":
        assert max(others) < values[best]
    if max(others) >= values[best] + least:
        assert verdict == "contradicted"


@given(VALUES, st.integers(1, 8), st.data())
def test_an_order_is_judged_as_the_real_values_have_it(values, least, data):
    ranking = data.draw(st.permutations(range(len(values))))
    held = ranking_holds(ranking, told_apart(values, least))
    real = [values[at] for at in ranking]
    if held.verdict == "contradicted":
        assert real != sorted(real, reverse=True)
        assert values[held.pair[0]] > values[held.pair[1]]
    if held.verdict == "confirmed":
        assert real == sorted(set(real), reverse=True)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_there_confirms_and_contradicts_nothing(way):
    assert direction_holds(way, lambda _one, _other: None, 3).verdict == "open"
