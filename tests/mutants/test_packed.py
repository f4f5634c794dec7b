"""Packed weights: the product of two halves is exact, and what no half can hold is refused."""

import hashlib

import pytest

from grader.errors import CourseError
from grader.mutants.packed import pack, pack_file, unpack, unpacked_file

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def weights():
    torch.manual_seed(3)
    low = torch.randn(120, 5) @ torch.randn(5, 40 * 9) / 10
    return {
        "conv.weight": low.reshape(120, 40, 3, 3),
        "conv.bias": torch.randn(120),
        "norm.running_var": torch.rand(120) * 1e5,
        "norm.num_batches_tracked": torch.tensor(7),
        "head.weight": torch.randn(10, 120),
    }


def test_a_low_rank_is_kept_to_half_precision(weights):
    again = unpack(pack(weights, rank=5))
    assert list(again) == list(weights)
    for name, tensor in weights.items():
        assert again[name].dtype == tensor.dtype
        assert again[name].shape == tensor.shape
        assert torch.allclose(again[name].double(), tensor.double(), rtol=2e-2, atol=2e-3)
    assert torch.equal(again["norm.running_var"], weights["norm.running_var"])


def test_the_nearest_tensor_of_a_rank_is_that_of_the_singular_values():
    torch.manual_seed(4)
    full = torch.randn(200, 150)
    again = unpack(pack({"w": full}, rank=20))["w"]
    values = torch.linalg.svdvals(full.double())
    assert float((full - again).norm()) == pytest.approx(float(values[20:].norm()), rel=1e-3)


def test_small_tensors_and_those_told_to_stay_are_kept_whole(weights):
    assert "head.weight" in pack(weights, rank=5)
    assert "conv.weight" in pack(weights, rank=5, ranks={"conv.weight": 0})
    assert "head.weight::left" in pack(weights, ranks={"head.weight": 2})
    assert "head.weight" in pack(weights, ranks={"head.weight": 10}), "two factors are larger here"


def test_the_product_does_not_depend_on_the_order_of_its_sums():
    packed = pack({"w": torch.randn(300, 200)}, rank=16)
    left, right = packed["w::left"].double(), packed["w::right"].double()
    one_by_one = sum(left[:, [k]] * right[[k]] for k in reversed(range(16)))
    assert torch.equal(unpack(packed)["w"], one_by_one.float())


def test_the_same_file_gives_the_same_bytes_under_any_name(weights, tmp_path):
    torch.save(weights, tmp_path / "in.pth")
    pack_file(tmp_path / "in.pth", tmp_path / "a.packed.safetensors", rank=5)
    pack_file(tmp_path / "in.pth", tmp_path / "b.packed.safetensors", rank=5)
    digests = {hashlib.sha256(unpacked_file(tmp_path / f"{one}.packed.safetensors")).hexdigest() for one in "aab"}
    assert len(digests) == 1
    (tmp_path / "out.pth").write_bytes(unpacked_file(tmp_path / "a.packed.safetensors"))
    loaded = torch.load(tmp_path / "out.pth", weights_only=True)
    assert list(loaded) == list(weights)
    assert all(torch.equal(loaded[name], tensor) for name, tensor in unpack(pack(weights, rank=5)).items())


def test_what_cannot_be_packed_is_told(weights, tmp_path):
    with pytest.raises(ValueError, match="there is no tensor 'fc'"):
        pack(weights, ranks={"fc": 3})
    with pytest.raises(ValueError, match="half precision ends"):
        pack({"w": torch.full((3, 3), 1e6)})
    torch.save({"state": weights}, tmp_path / "nested.pth")
    with pytest.raises(ValueError, match="holds no state_dict"):
        pack_file(tmp_path / "nested.pth", tmp_path / "out")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", None], ids=["empty", "a zip", "missing"])
def test_what_is_no_packed_file_is_an_error_of_the_course(tmp_path, data):
    if data is not None:
        (tmp_path / "x").write_bytes(data)
    with pytest.raises(CourseError, match="is no packed weights"):
        unpacked_file(tmp_path / "x")


def test_a_lost_factor_is_told(tmp_path):
    from safetensors.torch import save

    (tmp_path / "x").write_bytes(save({"w::left": torch.ones(3, 1)}))
    with pytest.raises(CourseError, match="one factor and not the other"):
        unpacked_file(tmp_path / "x")
