"""The program `checkpoint`: what tensors are in a weights file, without torch and without a student's code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .weights import open_weights, refuse_not_finite


def main(request: dict[str, Any], box: Any) -> dict[str, Any]:
    """Request: `checkpoint` (its path), `max_elements` and `max_bytes` (or null). Result: grader/sandbox/results.py."""
    name = request["checkpoint"]
    box.channel.stage(f"reading {name}")
    weights = open_weights(
        Path(box.submission, name), name, max_elements=request.get("max_elements"), max_bytes=request.get("max_bytes")
    )
    refuse_not_finite(weights, name)
    first: dict[tuple[int, int], str] = {}  # where it stands -> the first tensor that stands there
    for tensor in weights.tensors:
        first.setdefault((tensor.start, tensor.stop), tensor.name)
    return {
        "format": weights.format,
        "tensors": [
            {
                "name": tensor.name,
                "shape": tensor.shape,
                "dtype": tensor.dtype,
                "elements": tensor.elements,
                "is_shared": first[tensor.start, tensor.stop] != tensor.name,
            }
            for tensor in weights.tensors
        ],
        "elements": weights.elements,
        "bytes": len(weights.data),
        "module_prefix": weights.has_module_prefix,
    }
