"""Memory that a training used a moment ago is not fetched anew from the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from grader.training import memory
from grader.training.memory import memory_kept

pytestmark = pytest.mark.torch

# In a process of its own: what was asked of the C library before stays with a process, in part.
STEPS = """
import resource
from contextlib import nullcontext
import torch
from torch import nn
from grader.training.memory import memory_kept

torch.set_num_threads(1)
conv = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU())
images = torch.rand(256, 3, 32, 32)  # 15 MB after the first layer

def pages_fetched(steps):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        conv(images).sum().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

for place in (nullcontext, memory_kept):
    with place():
        pages_fetched(6)
        print(pages_fetched(4))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives each large block back at once")
def test_the_steps_of_a_training_use_the_pages_of_those_before():
    ended = subprocess.run([sys.executable, "-c", STEPS], check=True, capture_output=True, text=True)
    without, kept = map(int, ended.stdout.split())
    if without < 2000:
        pytest.skip(f"{without} pages were fetched without it: this machine has huge ones, or keeps them by itself")
    assert kept < without / 4


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _name: pytest.fail("nothing is to be asked of the C library"))
    with memory_kept():
        pass
