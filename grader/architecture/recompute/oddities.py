"""Which printed window can no network use, and which is unlike all others of its network?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.architecture.recompute.chains import Leaf
from grader.architecture.recompute.verdict import Disagreement
from grader.model import Json

_WINDOW = ("kernel", "kernel_size", "stride", "padding")
_ENOUGH = 2  # windows that are alike, before one that is not is odd


def odd_windows(leaves: Sequence[Leaf]) -> Iterator[Disagreement]:
    """A pooling that PyTorch refuses to run (certain), and the one window whose sides differ (for a person)."""
    windows = [leaf for leaf in leaves if any(_sides(leaf.row.settings.get(name)) for name in _WINDOW)]
    for leaf in windows:
        refused = _refused(leaf)
        if refused is not None:
            yield refused
        elif (skipping := _skipping(leaf)) is not None:
            yield skipping
    lopsided = [(leaf, name) for leaf in windows for name in _WINDOW if _is_lopsided(leaf.row.settings.get(name))]
    if len(lopsided) != 1 or len(windows) <= _ENOUGH:
        return
    [(leaf, name)] = lopsided
    sides = _sides(leaf.row.settings.get(name))
    shown = "(" + ", ".join(map(str, sides)) + ")"
    why = f"{leaf.row.name} has {name.removesuffix('_size')} {shown}, the windows of all other modules are square"
    yield Disagreement(leaf.row.line, "kernel", f"{name}={shown}", "", why, leaf.index, is_certain=False)


def _refused(leaf: Leaf) -> Disagreement | None:
    """PyTorch pads a pooling by half of its kernel at most."""
    if "Pool" not in leaf.row.type or "Adaptive" in leaf.row.type:
        return None
    settings = leaf.row.settings
    kernel, padding = _sides(settings.get("kernel", settings.get("kernel_size"))), _sides(settings.get("padding"))
    if not kernel or not padding or (2 * min(padding) <= max(kernel) and 2 * max(padding) <= max(kernel)):
        return None
    why = f"a pooling with a kernel of {kernel[0]} can be padded by {kernel[0] // 2} at most: PyTorch refuses to run it"
    said, right = f"padding={padding[0]}", f"padding={kernel[0] // 2} or less"
    return Disagreement(leaf.row.line, "kernel", said, right, why, leaf.index)


def _skipping(leaf: Leaf) -> Disagreement | None:
    """A window that steps farther than it sees leaves pixels out; kernels of 1 do so in shortcuts."""
    kernel = _sides(leaf.row.settings.get("kernel", leaf.row.settings.get("kernel_size")))
    stride = _sides(leaf.row.settings.get("stride"))
    if not kernel or not stride or max(stride) <= max(kernel) or max(kernel) == 1 or "Adaptive" in leaf.row.type:
        return None
    why = f"{leaf.row.name} steps {max(stride)} pixels and sees {max(kernel)}: it leaves pixels out"
    said = f"stride={max(stride)}"
    return Disagreement(leaf.row.line, "kernel", said, "", why, leaf.index, is_certain=False)


def _is_lopsided(value: Json) -> bool:
    return len(set(_sides(value))) > 1


def _sides(value: Json) -> tuple[int, ...]:
    """A window's setting per axis; () for what is none.

    >>> _sides([3, 5]), _sides(2), _sides("same")
    ((3, 5), (2,), ())
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(one, int) for one in value):
        return tuple(value)
    return ()
