"""torchvision beside a CPU torch. Each case in a process of its own: an import cannot be undone."""

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def test_after_install_torchvision_imports_works_and_nothing_was_paid_before():
    code = """
        import sys
        from grader import torchvision_ops
        torchvision_ops.install()
        torchvision_ops.install()
        print("torch" in sys.modules, len([f for f in sys.meta_path if type(f).__name__ == "_BeforeRegistration"]))
        import torch, torchvision
        print(tuple(torchvision.models.resnet18().eval()(torch.rand(1, 3, 32, 32)).shape) == (1, 1000))
        print(torchvision_ops.declare_missing())
    """
    assert run(code) == ["False", "1", "True", "[]"]


def test_where_the_operators_are_there_nothing_is_declared():
    code = """
        import torch
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        from grader import torchvision_ops
        print(torchvision_ops.declare_missing())
        print(torchvision_ops.declare_missing())
    """
    assert run(code) == ["['qnms']", "[]"]
