"""Tensors of another network's names are found: renamed, wrapped, in a row; and a compared pair is as torch has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.sandbox.programs.matched import matched

NAMES = st.lists(st.sampled_from("abcde"), min_size=1, max_size=3).map(".".join)
SHAPES = st.dictionaries(NAMES, st.lists(st.integers(1, 5), max_size=2).map(tuple), min_size=1, max_size=8)


@given(SHAPES, st.sampled_from(["", "net.", "x.y.", "module."]))
def test_the_same_names_below_any_prefix_are_found(shapes, prefix):
    found, way = matched(shapes, {prefix + name: shape for name, shape in shapes.items()})
    assert found == {name: prefix + name for name in shapes}
    assert way.startswith("names")


@given(SHAPES, SHAPES)
def test_nobody_is_found_twice_or_where_he_is_not(pretrained, student):
    found, _ = matched(pretrained, student)
    assert set(found) <= set(pretrained)
    assert set(found.values()) <= set(student)
    assert len(set(found.values())) == len(found)


@given(st.lists(st.tuples(st.sampled_from(["weight", "bias"]), st.integers(1, 40)), min_size=1, max_size=12))
def test_a_row_of_tensors_is_found_whatever_its_layers_are_called(kinds):
    """No part of one holds what a part of the other holds, so that only the order is left."""
    pretrained = {f"p{at}.deep.{kind}": (size,) for at, (kind, size) in enumerate(kinds)}
    student = {f"s.{at}.{kind}": (size,) for at, (kind, size) in enumerate(kinds)}
    found, _ = matched(pretrained, student)
    assert [student[found[name]] for name in pretrained] == list(pretrained.values())


def test_a_head_of_another_shape_keeps_its_name():
    found, way = matched(
        {f"conv{at}.weight": (at + 1, 3) for at in range(12)} | {"fc.weight": (1000, 8)},
        {f"conv{at}.weight": (at + 1, 3) for at in range(12)} | {"fc.weight": (10, 8)},
    )
    assert (found["fc.weight"], way) == ("fc.weight", "names")


def test_twins_keep_their_order():
    pretrained = {"a.weight": (2, 2), "b.weight": (2, 2), "c.weight": (3, 3)}
    found, way = matched(pretrained, {"0.weight": (2, 2), "10.weight": (3, 3), "2.weight": (2, 2)})
    assert (found, way) == ({"a.weight": "0.weight", "b.weight": "2.weight", "c.weight": "10.weight"}, "parts")


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_numbers_are_rounded_as_torch_rounds_them(kind):
    torch = pytest.importorskip("torch")
    from grader.sandbox.programs.transfer import _rounded

    torch.manual_seed(3)
    drawn = torch.cat([torch.randn(4096), torch.randn(64) * 1e-6, torch.tensor([0.0, -0.0, 1.00390625, 1.01171875])])
    wanted = drawn.to(getattr(torch, kind)).double().numpy()
    assert (_rounded(drawn.double().numpy(), kind) == wanted).all()
