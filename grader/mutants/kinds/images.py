"""Images of a student's own, and what the network is said to see on them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from grader.mutants.kind import Kind, Spot, register, replaced
from grader.mutants.kinds._answers import put
from grader.mutants.kinds.pictures import redrawn
from grader.mutants.original import Original


class OwnKind(Kind):
    """A change of the student's own images, or of what is claimed of them."""

    nothing: ClassVar[str] = "no rule looks at images of the student's own"


@register
class ImageInverted(OwnKind):
    name, slip = "image-inverted", "the images are dark on light, and the network was trained on light on dark"
    remark = "inverted"  # the student may have inverted them before the network got them, and that is no fault

    def spots(self, original: Original) -> Iterator[Spot]:
        """All images of a rule: pictures, not a zip of them."""
        for rule in original.rules("own-digits"):
            paths = [path for path in original.paths(rule.settings["images"]) if not path.endswith(".zip")]
            if paths:
                yield Spot(f"{rule.settings['images']}: {self.slip}", (rule.id,), {"paths": paths})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Every pixel is what is missing to white."""
        from PIL import Image, ImageOps

        del original
        for one in spot.data["paths"]:
            path = folder / one
            data = path.read_bytes()
            with Image.open(io.BytesIO(data)) as old:
                plain = old.convert("L") if old.mode not in ("L", "RGB") else old
                replaced(path, redrawn(data, path.suffix, ImageOps.invert(plain)))


@register
class ImagesTooFew(OwnKind):
    name, slip = "images-too-few", "most of the images are missing"

    def spots(self, original: Original) -> Iterator[Spot]:
        """One is left, where more are asked."""
        for rule in original.rules("own-digits"):
            paths = original.paths(rule.settings["images"])
            if len(paths) > 1 and rule.settings.get("at_least", 1) > 1:
                yield Spot(f"{rule.settings['images']}: {self.slip}", (rule.id,), {"paths": paths[1:]})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Take them away."""
        del original
        for path in spot.data["paths"]:
            (folder / path).unlink()


@register
class PredictionEdited(OwnKind):
    name, slip = "prediction-edited", "what the network is said to see is not what it sees"
    nothing: ClassVar[str] = "no rule holds predictions that were handed in against the network"

    def spots(self, original: Original) -> Iterator[Spot]:
        """Of every image the network is said to see the next class."""
        for rule in original.rules("own-digits"):
            key = rule.settings.get("predictions")
            listed: Any = original.value(str(key)) if key else None
            if isinstance(listed, list) and all(isinstance(one, dict) and "predicted" in one for one in listed):
                changed = [{**one, "predicted": _next(one["predicted"])} for one in listed]
                yield Spot(f"{key}: {self.slip}", (rule.id,), {"answers": {key: changed}})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Write the answers."""
        del original
        put(folder, spot.data["answers"])


def _next(label: Any) -> Any:
    """Another class. Only digits have a next one; of other names none is known here."""
    try:
        return type(label)((int(label) + 1) % 10)
    except ValueError:
        return label
