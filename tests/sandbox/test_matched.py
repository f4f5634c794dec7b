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


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64", "int64"])
def test_a_compared_tensor_is_what_torch_says_of_it(tmp_path, monkeypatch, dtype):
    """In blocks smaller than the tensor, of any type, lying in memory in any order."""
    torch = pytest.importorskip("torch")
    from grader.sandbox.programs import transfer
    from grader.sandbox.programs.weights import open_weights

    monkeypatch.setattr(transfer, "_BLOCK", 7)
    torch.manual_seed(5)
    before = (torch.randn(6, 5) * 10).to(getattr(torch, dtype))
    after = (before.double() + torch.randn(6, 5)).to(before.dtype)
    turned = after.t().contiguous().t()
    found = {}
    for name, tensor in {"before": before, "after": after, "turned": turned}.items():
        torch.save({name: tensor}, tmp_path / name)
        weights = open_weights(tmp_path / name, name)
        found[name] = (weights, weights.tensors[0])
    told = transfer.compared(*found["before"], *found["after"])
    assert told["same"] == "no"
    assert told["change"] == pytest.approx(float((after.double() - before.double()).norm() / before.double().norm()))
    cosine = torch.nn.functional.cosine_similarity(before.double().flatten(), after.double().flatten(), dim=0)
    assert told["likeness"] == pytest.approx(float(cosine))
    assert transfer.compared(*found["after"], *found["turned"])["same"] == "exactly"
    assert transfer.compared(*found["before"], *found["before"]) == {"same": "exactly", "change": 0.0, "likeness": 1.0}


def test_a_file_of_very_many_deep_names_is_not_searched_for_parts():
    """Names are the student's to choose: 4,000 of them with 100 parts each would take hours."""
    student = {".".join([str(at)] * 100): (1,) for at in range(4000)}
    found, _ = matched({f"p{at}.weight": (2, at) for at in range(50)}, student)
    assert found == {}
