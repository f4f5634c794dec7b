"""Why does `import torchvision` fail beside a CPU torch? Two operators are missing: declared here, it works.

torchvision's wheels for CUDA hold their C++ operators in a library that needs CUDA's own. Where that is absent the
library does not load, which torchvision forgives, but not the next step: it registers shape functions for `nms` and
`qnms`, and an operator that nobody declared cannot have one. Declared (and not implemented: who calls one still gets
torch's error), everything else of torchvision works: models, transforms, data sets.

Where torchvision is healthy, nothing is declared. This file is used on both sides of the sandbox's wall, so it
imports nothing of the grader.

    from grader import torchvision_ops
    torchvision_ops.install()
    import torchvision
"""

from __future__ import annotations

import importlib.abc
import sys
from typing import Any

OPERATORS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_declared: list[Any] = []  # torch forgets a declaration with its library object


class _BeforeRegistration(importlib.abc.MetaPathFinder):
    """Finds no module. It is asked before torchvision's registration module runs: after its library loaded, or not."""

    def find_spec(self, fullname: str, _path: object = None, _target: object = None) -> None:
        if fullname == "torchvision._meta_registrations":
            declare_missing()


def install() -> None:
    """Make a later `import torchvision` work. Costs nothing until then, and may be called twice."""
    if not any(isinstance(finder, _BeforeRegistration) for finder in sys.meta_path):
        sys.meta_path.insert(0, _BeforeRegistration())


def declare_missing() -> list[str]:
    """Declare those of the two operators that torch does not know yet; return their names. Imports torch."""
    import torch

    missing = [name for name in OPERATORS if not hasattr(torch.ops.torchvision, name)]
    if missing:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in missing:
            library.define(OPERATORS[name])
        _declared.append(library)
    return missing
