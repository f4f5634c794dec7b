"""Torch's own functions go on working, and what was put in their place is named; what torch itself changes is not."""

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.torch
pytest.importorskip("torch")


def in_a_fresh_python(code):
    """What `code` prints, in a process in which nothing has touched torch yet. `kept` is there."""
    start = "import torch\nfrom grader.sandbox.programs.kept import Kept\nkept = Kept()\n"
    command = [sys.executable, "-c", start + textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.attack(47)
def test_what_honest_code_does_replaces_nothing():
    """Cold, so that torch's own late imports happen under the eyes of `kept`."""
    code = """
        import os, json, sklearn, PIL.Image, torch._dynamo, torch.fx, torch.distributed
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(1)
        torch.use_deterministic_algorithms(True)
        net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
        torch.fx.symbolic_trace(net)
        torch.jit.trace(net, torch.ones(1, 3))
        torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(2, 2))
        torch.optim.Adam(net.parameters()).step()
        torch.my_own_name = os.environ["MINE"] = "new names replace nothing"
        print(kept.replaced())
    """
    assert in_a_fresh_python(code) == "[]"


@pytest.mark.attack(47)
def test_names_in_any_of_the_places_are_told():
    code = """
        import builtins, json, os
        torch.argmax = torch.argmin
        torch.Tensor.__eq__ = lambda a, b: True
        torch.nn.functional.softmax = len
        torch.nn.Module.__call__ = print
        builtins.memoryview = json.dumps = os.write = lambda *a: None
        print(*kept.replaced())
    """
    assert in_a_fresh_python(code).split() == [
        "builtins.memoryview",
        "json.dumps",
        "os.write",
        "torch.Tensor.__eq__",
        "torch.argmax",
        "torch.nn.Module.__call__",
        "torch.nn.functional.softmax",
    ]


@pytest.mark.attack(47, 56)
def test_the_numbers_of_a_tensor_are_read_past_whatever_was_put_in_the_way():
    code = """
        class Loose(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                raise RuntimeError("not you")
        given = torch.tensor([[1.5, -2.0], [float("nan"), 3.0]], dtype=torch.float64, requires_grad=True)
        loose = given.as_subclass(Loose)
        for name in ("detach", "to", "clamp", "numpy", "contiguous", "sum", "item", "__eq__", "as_subclass", "view"):
            setattr(torch.Tensor, name, None)
        torch.isfinite = None
        rows = kept.float_rows(loose)
        print(bytes(kept.data(rows)).hex(), kept.finite_rows(rows), kept.fingerprint(loose) == kept.fingerprint(given))
    """
    import numpy as np

    wanted = np.array([[1.5, -2.0], [np.nan, 3.0]], dtype=np.float32).tobytes().hex()
    assert in_a_fresh_python(code).split() == [wanted, "1", "True"]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_a_fingerprint_changes_with_the_numbers_and_with_nothing_else(dtype):
    code = f"""
        tensor = torch.arange(12, dtype=torch.{dtype}).reshape(3, 4)
        before = kept.fingerprint(tensor)
        print(before == kept.fingerprint(tensor.clone()), before == kept.fingerprint(tensor.T))
        tensor[1, 1] += 1
        print(before == kept.fingerprint(tensor), kept.fingerprint(torch.zeros(0)))
    """
    assert in_a_fresh_python(code).split() == ["True", "True", "False", "0"]
