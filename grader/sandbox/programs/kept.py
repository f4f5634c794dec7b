"""Which functions of torch does a program go on using, whatever a student's file puts in their place?

Held before the first student's byte is run. Code in the same process can still reach everything: it spoils its own
numbers, and this keeps the simple replacements from doing even that, and says which names were replaced.
"""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Iterator
from typing import Any

MOST_NAMED = 8
_LOOKED_AT = 65_536
_CHANGED_BY_PYTHON = {"exit", "quit", "_"}
_CHANGED_BY_TORCH = {"manual_seed", "Storage"}  # by torch._dynamo, and with the default type of numbers


class Kept:
    """Torch as it was imported."""

    def __init__(self) -> None:
        import torch
        from torch.nn import functional

        tensor = torch.Tensor
        self.tensor, self.module = tensor, torch.nn.Module
        self.float32, self.lowest = torch.float32, torch.finfo(torch.float32).min
        self.whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}
        self.inference_mode = torch.inference_mode
        self._plain = torch._C.DisableTorchFunctionSubclass  # noqa: SLF001  the public way leads through a name that code may replace
        self._detach, self._to, self._as, self._view = tensor.detach, tensor.to, tensor.as_subclass, tensor.view
        self._clamp, self._sum, self._numpy, self._rows = tensor.clamp, tensor.sum, tensor.numpy, tensor.contiguous
        self._isfinite, self._item = torch.isfinite, tensor.item
        self._owners = {
            "torch": torch,
            "torch.Tensor": tensor,
            "torch.nn.functional": functional,
            "torch.nn.Module": torch.nn.Module,
            "builtins": builtins,
            "os": os,
            "json": json,
        }
        self._before = {name: dict(vars(owner)) for name, owner in self._owners.items()}

    def is_tensor(self, value: Any, is_a: Any = isinstance) -> bool:
        """Whether it is a tensor, of torch's class or one derived from it."""
        return bool(is_a(value, self.tensor))

    def float_rows(self, output: Any) -> Any:
        """A tensor's own numbers as float32 in memory, past every method that a class of the student's defines."""
        with self._plain():
            made = self._as(self._detach(output), self.tensor)
            made = self._to(made, device="cpu", dtype=self.float32)
            # The logarithm of a probability of 0 is a score like others.
            return self._rows(self._clamp(made, min=self.lowest))

    def finite_rows(self, rows: Any) -> int:
        """How many rows hold finite numbers only."""
        with self._plain():
            return int(self._item(self._sum(self._isfinite(rows).all(dim=1))))

    def data(self, rows: Any, view: Any = memoryview) -> memoryview:
        """The bytes of float32 rows."""
        with self._plain():
            made: memoryview = view(self._numpy(rows)).cast("B")
        return made

    def fingerprint(self, tensor: Any) -> int:
        """A number that changes when the tensor's numbers do: the sum of their bits as integers.

        Of a large tensor the first 65,536 are looked at: a step of training changes nearly all.
        """
        with self._plain():
            plain = self._as(self._detach(tensor), self.tensor).reshape(-1)[:_LOOKED_AT]
            return int(self._item(self._sum(self._view(plain, self.whole[plain.element_size()]))))

    def replaced(self) -> list[str]:
        """What the code has put something else in place of, such as `torch.argmax`; the first few names."""
        return sorted(self._replaced())[:MOST_NAMED]

    def _replaced(self) -> Iterator[str]:
        for name, owner in self._owners.items():
            before, kinds = self._before[name], getattr(owner, "__mro__", (owner,))[1:]
            for word, value in vars(owner).items():
                is_new = word not in before and not any(word in vars(kind) for kind in kinds)
                is_torchs = word in _CHANGED_BY_TORCH and str(getattr(value, "__module__", "")).startswith("torch")
                is_usual = is_new or is_torchs or word in _CHANGED_BY_PYTHON
                if not is_usual and before.get(word) is not value:
                    yield f"{name}.{word}"
