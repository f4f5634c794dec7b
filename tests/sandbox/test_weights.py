# ruff: noqa: E501, PLW0108 - cases stand on one line; paths are those of the box; dice are for tests
"""What torch writes is read as torch reads it: torch itself is the oracle."""

import random
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.sandbox.programs import network
from grader.sandbox.programs.channel import Fault
from grader.sandbox.programs.weights import not_finite, open_weights

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

TYPES = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def read(path):
    weights = open_weights(path, "model.pth")
    return {one.name: network.as_torch(weights, one) for one in weights.tensors}


def same(ours, theirs):
    assert list(ours) == list(theirs)
    for name, tensor in ours.items():
        assert (tensor.dtype, tensor.shape) == (theirs[name].dtype, theirs[name].shape)
        assert torch.equal(tensor, theirs[name].detach())


def net():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.LSTM(4, 2, bidirectional=True)
    )


@st.composite
def tensors(draw):
    """Tensors of every type that is read, dense or a view: turned, stepped through, narrowed, with no elements."""
    dtype = getattr(torch, draw(st.sampled_from(TYPES)))
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    made = (torch.rand(shape) * 100 - 20).to(dtype)
    for _ in range(draw(st.integers(0, 2))):
        if made.ndim < 2:
            break
        axis = draw(st.integers(0, made.ndim - 1))
        kind = draw(st.sampled_from(["turn", "step", "narrow"]))
        if kind == "turn":
            made = made.transpose(0, axis)
        elif kind == "step":
            made = made[::2]
        elif made.shape[axis] > 1:
            made = made.narrow(axis, 1, made.shape[axis] - 1)
    return made


@given(st.dictionaries(st.text("abc._0", min_size=1, max_size=12), tensors(), min_size=1, max_size=5))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_state_dict_is_read_as_torch_reads_it(tmp_path, state):
    path = tmp_path / "model.pth"
    torch.save(state, path)
    same(read(path), torch.load(path, weights_only=True))


@given(st.dictionaries(st.text("abc._0", min_size=1, max_size=12), tensors(), min_size=1, max_size=5))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_safetensors_file_is_read_as_its_own_library_reads_it(tmp_path, state):
    from safetensors.torch import load_file, save_file

    path = tmp_path / "model.safetensors"
    save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, path)
    ours, theirs = read(path), load_file(path)
    same(dict(sorted(ours.items())), dict(sorted(theirs.items())))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_pickle_protocol_is_read(tmp_path, protocol):
    path = tmp_path / "model.pth"
    state = net().state_dict()
    torch.save(state, path, pickle_protocol=protocol)  # torch's own weights-only reader knows 2 and 3
    same(read(path), state)


def test_parameters_and_shared_tensors_are_read(tmp_path):
    path = tmp_path / "model.pth"
    model = net()
    torch.save({**dict(model.named_parameters()), "tied": model[0].weight}, path)
    same(read(path), torch.load(path, weights_only=True))


@pytest.mark.attack(31)
@pytest.mark.parametrize(
    ("save", "code"),
    [
        pytest.param(lambda m, p: torch.save(m, p), "whole-module", id="the whole model"),
        pytest.param(
            lambda m, p: torch.save(m.state_dict(), p, _use_new_zipfile_serialization=False), "legacy-format", id="old format"
        ),
        pytest.param(
            lambda m, p: torch.save(m, p, _use_new_zipfile_serialization=False), "legacy-format", id="old whole model"
        ),
        pytest.param(lambda m, p: torch.jit.script(m[:3]).save(p), "torchscript", id="TorchScript"),
        pytest.param(lambda m, p: torch.save({"model": m.state_dict(), "epoch": 3}, p), "wrapper-dict", id="wrapped"),
        pytest.param(
            lambda m, p: torch.save(
                {"epoch": 1, "model_state_dict": m.state_dict(), "loss": 0.5,
                 "optimizer_state_dict": torch.optim.Adam(m.parameters()).state_dict()}, p,
            ),
            "wrapper-dict", id="the checkpoint of torch's tutorial",
        ),
        pytest.param(lambda m, p: torch.save(torch.optim.SGD(m.parameters()).state_dict(), p), "not-a-state-dict", id="optimizer"),
        pytest.param(lambda m, p: torch.save(list(m.parameters()), p), "not-a-state-dict", id="a list of parameters"),
        pytest.param(lambda m, p: torch.save(m[0].weight, p), "not-a-state-dict", id="one parameter"),
        pytest.param(lambda _, p: torch.save({"a": torch.zeros(3).to_sparse()}, p), "unsupported-tensor", id="sparse"),
        pytest.param(lambda _, p: torch.save({"a": torch.zeros(3, device="meta")}, p), "unsupported-tensor", id="meta"),
        pytest.param(lambda _, p: torch.save({"a": torch.zeros(3, dtype=torch.complex64)}, p), "bad-dtype", id="complex"),
        pytest.param(lambda _, p: torch.save({"a": torch.zeros(3, dtype=torch.uint16)}, p), "unsupported-tensor", id="uint16"),
        pytest.param(lambda _, p: torch.save({"a": torch.zeros(1).expand(10**6)}, p), "stride-trick", id="an expanded one"),
        pytest.param(lambda m, p: torch.save({"w": m[0].weight, "f": torch.load}, p), "pickled-code", id="a function"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_else_torch_writes_is_refused_by_name(tmp_path, save, code):
    path = tmp_path / "model.pth"
    save(net(), path)
    with pytest.raises(Fault) as caught:
        open_weights(path, "model.pth")
    assert caught.value.fields["code"] == code


@pytest.mark.attack(37)
def test_a_checkpoint_that_is_cut_off_never_loads(tmp_path):
    path = tmp_path / "model.pth"
    torch.save(net().state_dict(), path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(Fault, match="cut off"):
        open_weights(path, "model.pth")


def test_a_nan_is_found_in_every_float_type_and_in_a_turned_view(tmp_path):
    state = {f"{dtype}": torch.ones(2, 3, dtype=getattr(torch, dtype)) for dtype in TYPES}
    for dtype in ("float32", "float16", "bfloat16", "float64"):
        state[dtype][1, 2] = float("nan")
    state["turned"] = torch.tensor([[1.0, float("inf")], [2.0, 3.0]]).t()
    path = tmp_path / "model.pth"
    torch.save(state, path)
    assert not_finite(open_weights(path, "model.pth")) == ["float32", "float64", "float16", "bfloat16", "turned"]


# --- into a network ----------------------------------------------------------------------------


def compared(tmp_path, model, state):
    path = tmp_path / "model.pth"
    torch.save(state, path)
    weights = open_weights(path, "model.pth")
    return network.compare(model, weights), weights


def test_the_own_checkpoint_fits_and_gives_the_same_numbers(tmp_path):
    first, second = net(), net()
    state, weights = compared(tmp_path, second, first.state_dict())
    assert network.fits(state)
    network.load(second, weights)
    assert all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


@pytest.mark.attack(36)
def test_missing_extra_and_misshaped_keys_are_told_apart(tmp_path):
    state = net().state_dict()
    del state["0.bias"]
    state["9.weight"] = torch.zeros(1)
    state["1.weight"] = torch.zeros(5)
    found, _ = compared(tmp_path, net(), state)
    assert (found["missing"], found["extra"]) == (["0.bias"], ["9.weight"])
    assert found["misshaped"] == [{"name": "1.weight", "expected": [4], "found": [5]}]
    assert not network.fits(found)
    fault = network.keys_fault(found, "model.pth").fields
    assert fault["code"] == "keys-differ"
    assert all(
        word in fault["what"] for word in ("0.bias", "9.weight", "1.weight", "[5] in the file, [4] in the model")
    )


def test_the_prefix_of_data_parallel_training_is_left_out(tmp_path):
    model = net()
    state = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    found, weights = compared(tmp_path, model, state)
    assert (found["module_prefix"], network.fits(found)) == (True, True)
    network.load(model, weights, prefix="module.")


def test_a_model_whose_own_part_is_called_module_keeps_the_prefix(tmp_path):
    model = torch.nn.ModuleDict({"module": torch.nn.Linear(2, 1)})
    found, _ = compared(tmp_path, model, model.state_dict())
    assert (found["module_prefix"], network.fits(found)) == (False, True)


def test_a_missing_batch_counter_is_forgiven_as_torch_does(tmp_path):
    state = net().state_dict()
    del state["1.num_batches_tracked"]
    found, _ = compared(tmp_path, net(), state)
    assert network.fits(found)


def test_many_odd_keys_are_listed_in_part_and_counted(tmp_path):
    found, _ = compared(tmp_path, net(), {f"x{n}": torch.zeros(1) for n in range(200)})
    assert (len(found["extra"]), found["extra_count"]) == (50, 200)
    assert len(network.keys_fault(found, "model.pth").fields["what"]) < 600


# --- files that were changed ---------------------------------------------------------------------


def changed(script, dice):
    """The steps of a pickle with some bytes replaced, left out or repeated."""
    made = bytearray(script)
    for _ in range(dice.randint(1, 3)):
        kind, at = dice.random(), dice.randrange(len(made))
        if kind < 0.6:
            made[at] = dice.randrange(256)
        elif kind < 0.8:
            del made[at : at + dice.randint(1, 6)]
        else:
            start = dice.randrange(len(made))
            made[at:at] = made[start : start + dice.randint(1, 20)]
    return bytes(made)


@pytest.mark.attack(29, 30)
@pytest.mark.filterwarnings("ignore")
def test_of_a_changed_file_torch_never_reads_other_tensors_than_the_box(tmp_path):
    """Each with right check sums, so that only the list of tensors differs: what is taken has one reading."""
    dice, path = random.Random(5), tmp_path / "model.pth"  # noqa: S311
    weight = torch.randn(3, 4)
    state = {
        "a": weight,
        "b": torch.randn(3).half(),
        "n": torch.tensor(5),
        "v": torch.randn(4, 4).t()[1:3],
        "tied": weight,
    }
    torch.save(state, path)
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    script = next(name for name in records if name.endswith("/data.pkl"))
    taken = 0
    for _ in range(400):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, data in records.items():
                archive.writestr(name, changed(data, dice) if name == script else data)
        try:
            ours = read(path)
        except Fault:
            continue
        try:
            theirs = torch.load(path, weights_only=True)
        except Exception:  # noqa: BLE001, S112  torch minds more: the names of devices, say
            continue
        taken += 1
        same({name: torch.nan_to_num(tensor) for name, tensor in ours.items()}, {
            name: torch.nan_to_num(tensor.detach()) for name, tensor in theirs.items()
        })  # fmt: skip
    assert taken >= 3
