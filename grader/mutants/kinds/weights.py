"""Weights that are not those of the network, or not those that were reported."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from grader.model import Rule
from grader.mutants.kind import Kind, Spot, register, replaced
from grader.mutants.kinds._demands import rules_on_weights
from grader.mutants.original import ModelName, Original

if TYPE_CHECKING:
    from torch import Tensor


def fits_asked(original: Original, name: ModelName) -> Iterator[Rule]:
    """The rules that demand that the weights belong to the model."""
    return (rule for rule in original.rules_of(name, "architecture") if "checkpoint_fits" in rule.settings)


def files_asked(original: Original, path: str, *kinds: str) -> Iterator[Rule]:
    """The rules that ask for a file of these kinds at this very path."""
    for rule in original.rules("artifacts"):
        if any(path in original.paths(entry.get("path") or entry["glob"]) and entry.get("kind", "any") in kinds
               for entry in rule.settings["required"]):  # fmt: skip
            yield rule


class WeightsKind(Kind):
    """A checkpoint that is changed, of each model whose weights a rule needs."""

    nothing: ClassVar[str] = "no rule reads weights in a way that this would change"

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each model."""
        for name, model in original.models.items():
            path = model["checkpoint"]
            if original.submission.file(path) is None:
                continue
            must = tuple(dict.fromkeys(rule.id for rule in self.must(original, name, path)))
            if must:
                yield Spot(f"{path}: {self.slip}", must, {"path": path})

    def must(self, original: Original, name: ModelName, path: str) -> Iterator[Rule]:
        """The rules that must notice. By default those that load the weights."""
        yield from rules_on_weights(original, name)
        yield from fits_asked(original, name)
        yield from files_asked(original, path, "checkpoint")

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Write the changed bytes."""
        del original
        path = folder / spot.data["path"]
        changed = self.changed(path.read_bytes(), spot)
        if changed is None:
            path.unlink()
        else:
            replaced(path, changed)

    def changed(self, data: bytes, spot: Spot) -> bytes | None:
        """The new bytes of the file; None where it is gone."""
        raise NotImplementedError


@register
class WeightsMissing(WeightsKind):
    name, slip = "weights-missing", "the file was not handed in"

    def changed(self, data: bytes, spot: Spot) -> bytes | None:
        """Nothing."""
        del data, spot
        return None


@register
class WeightsTruncated(WeightsKind):
    name, slip = "weights-truncated", "the upload stopped half-way"

    def changed(self, data: bytes, spot: Spot) -> bytes | None:
        """The first half."""
        del spot
        return data[: len(data) // 2]


class TensorKind(WeightsKind):
    """A change of the numbers."""

    def changed(self, data: bytes, spot: Spot) -> bytes | None:
        """Loaded, changed, saved again."""
        import torch

        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        torch.manual_seed(1)
        written = io.BytesIO()
        torch.save(self.other(state, spot), written)
        return written.getvalue()

    def other(self, state: Mapping[str, Tensor], spot: Spot) -> dict[str, Tensor]:
        """The new tensors."""
        raise NotImplementedError


def _is_weight(tensor: Tensor) -> bool:
    return bool(tensor.is_floating_point() and tensor.dim() > 1)


@register
class WeightsUntrained(TensorKind):
    name, slip = "weights-untrained", "they are those that a network begins with"

    def must(self, original: Original, name: ModelName, path: str) -> Iterator[Rule]:
        """They load, and answer by chance."""
        del path
        return rules_on_weights(original, name)

    def other(self, state: Mapping[str, Tensor], spot: Spot) -> dict[str, Tensor]:
        """As PyTorch begins: uniform, to one through the root of the inputs."""
        import torch

        del spot

        def begun(tensor: Tensor) -> Tensor:
            bound = max(tensor[0].numel(), 1) ** -0.5
            return (torch.rand_like(tensor) * 2 - 1) * bound

        return {name: begun(tensor) if _is_weight(tensor) else tensor for name, tensor in state.items()}


@register
class WeightsOfAnotherTraining(TensorKind):
    name, slip = "weights-of-another-training", "they are of another training than the one that was reported"
    nothing = "no rule holds a claim against the weights"

    def must(self, original: Original, name: ModelName, path: str) -> Iterator[Rule]:
        """Claims that were those of the other weights. What the weights are worth is another question."""
        del path
        return (rule for rule in rules_on_weights(original, name) if rule.check == "claim")

    def other(self, state: Mapping[str, Tensor], spot: Spot) -> dict[str, Tensor]:
        """Every number is moved by a good part of its layer's spread: a network that has learnt less."""
        import torch

        del spot

        return {
            name: tensor + 0.6 * tensor.float().std().to(tensor.dtype) * torch.randn_like(tensor)
            if _is_weight(tensor)
            else tensor
            for name, tensor in state.items()
        }


@register
class WeightsOfAnotherNetwork(TensorKind):
    name, slip = "weights-of-another-network", "a layer of the network that they were saved from is wider"

    def must(self, original: Original, name: ModelName, path: str) -> Iterator[Rule]:
        """They are weights, and load into no model here."""
        del path
        yield from rules_on_weights(original, name)
        yield from fits_asked(original, name)

    def other(self, state: Mapping[str, Tensor], spot: Spot) -> dict[str, Tensor]:
        """One output more in the first layer."""
        import torch

        del spot

        made = dict(state)
        first = next(name for name, tensor in state.items() if _is_weight(tensor))
        for name in (first, first.removesuffix("weight") + "bias"):
            if name in made:
                made[name] = torch.cat([made[name], made[name][:1]])
        return made


class TransferKind(TensorKind):
    """A fine-tuned checkpoint that is changed."""

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each rule on transfer that demands what this breaks."""
        for rule in original.rules("transfer"):
            path = rule.settings["checkpoint"]
            part = self.part(rule)
            if part and original.submission.file(path) is not None:
                yield Spot(f"{path}: {self.slip}", (rule.id,), {"path": path, "part": part})

    def part(self, rule: Rule) -> str:
        """The part of the network that is changed; empty where the rule demands nothing of the kind."""
        raise NotImplementedError


@register
class FrozenNotFrozen(TransferKind):
    name, slip = "frozen-not-frozen", "a layer that had to stay frozen was trained"
    nothing = "no rule demands a frozen part"

    def part(self, rule: Rule) -> str:
        """The first one that is named; of `rest` the stem."""
        frozen = rule.settings.get("frozen")
        return "" if not frozen else frozen[0] if isinstance(frozen, list) else "conv1"

    def other(self, state: Mapping[str, Tensor], spot: Spot) -> dict[str, Tensor]:
        """Moved by a hundredth, as a short training does."""
        chosen = [name for name, tensor in state.items() if _is_weight(tensor) and spot.data["part"] in name.split(".")]
        return {name: tensor * 1.01 if name in chosen[:1] else tensor for name, tensor in state.items()}


@register
class HeadNotReplaced(TransferKind):
    name, slip = "head-not-replaced", "the last layer has other outputs than there are classes"
    nothing = "no rule demands a new head"

    def part(self, rule: Rule) -> str:
        """What the rule calls the head."""
        return str(rule.settings.get("head", {}).get("name", ""))

    def other(self, state: Mapping[str, Tensor], spot: Spot) -> dict[str, Tensor]:
        """One output more."""
        import torch

        return {
            name: torch.cat([tensor, tensor[:1]]) if spot.data["part"] in name.split(".") and tensor.dim() else tensor
            for name, tensor in state.items()
        }
