"""Pictures that show nothing, or cannot be opened."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from grader.mutants.kind import Kind, Spot, register, replaced
from grader.mutants.kinds.files import FileKind, entries
from grader.mutants.original import Original

if TYPE_CHECKING:
    from PIL.Image import Image

_DRAWN = (".png", ".jpg", ".jpeg", ".gif")


def figures(original: Original) -> Iterator[tuple[str, list[str]]]:
    """The rules on figures, each with the pictures of its demands that are there and can be decoded."""
    for rule in original.rules("figure"):
        found = []
        for entry in rule.settings["figures"]:
            wanted = entry["path"] if isinstance(entry["path"], list) else [entry["path"]]
            there = [path for path in wanted if original.submission.file(path) is not None]
            found += [path for path in there[:1] if path.lower().endswith(_DRAWN)]
        if found:
            yield rule.id, found


class PictureKind(FileKind):
    """A picture that a rule on figures or on files asks for."""

    kinds: ClassVar[tuple[str, ...]] = ("image",)

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each rule."""
        for rule_id, paths in figures(original):
            yield Spot(f"{paths[0]}: {self.slip}", (rule_id,), {"path": paths[0]})
        yield from self.others(original)

    def others(self, original: Original) -> Iterator[Spot]:
        """Those of rules on files, where these can notice it."""
        del original
        yield from ()


@register
class PictureUnreadable(PictureKind):
    name, slip = "picture-unreadable", "half of the picture's file is missing"
    nothing: ClassVar[str] = "no rule asks for a picture"

    def others(self, original: Original) -> Iterator[Spot]:
        """A rule on files decodes pictures, too."""
        for rule, entry, paths in entries(original):
            if entry.get("kind") == "image":
                yield Spot(f"{paths[0]}: {self.slip}", (rule.id,), {"path": paths[0]})

    def changed(self, data: bytes, suffix: str) -> bytes:
        """The first half."""
        del suffix
        return data[: len(data) // 2]


def redrawn(data: bytes, suffix: str, picture: Image | None = None) -> bytes:
    """A picture in the format of a file; of one colour, and of that file's size, where none is given."""
    from PIL import Image

    if picture is None:
        with Image.open(io.BytesIO(data)) as old:
            picture = Image.new("RGB", old.size, (255, 255, 255))
    written = io.BytesIO()
    picture.save(written, {".png": "PNG", ".gif": "GIF"}.get(suffix.lower(), "JPEG"))
    return written.getvalue()


@register
class PictureBlank(PictureKind):
    name, slip = "picture-blank", "nothing is on the picture"
    nothing: ClassVar[str] = "no rule looks whether anything is on a figure"

    def changed(self, data: bytes, suffix: str) -> bytes:
        """White, of the same size."""
        return redrawn(data, suffix)


@register
class PictureTwice(Kind):
    name, slip = "picture-twice", "one figure was handed in under two names"
    nothing: ClassVar[str] = "no rule asks for two figures"

    def spots(self, original: Original) -> Iterator[Spot]:
        """The second one is the first."""
        for rule_id, paths in figures(original):
            same = [path for path in paths[1:] if Path(path).suffix == Path(paths[0]).suffix]
            if same:
                data = {"from": paths[0], "path": same[0]}
                yield Spot(f"{same[0]}: it is {paths[0]} once more", (rule_id,), data)

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Copy it."""
        del original
        path = folder / spot.data["path"]
        path.unlink()
        shutil.copyfile(folder / spot.data["from"], path)


@register
class FigureMissing(Kind):
    name, slip = "figure-missing", "the figure was not handed in"
    nothing: ClassVar[str] = "no rule asks for a figure"

    def spots(self, original: Original) -> Iterator[Spot]:
        """The first one of each rule."""
        for rule_id, paths in figures(original):
            yield Spot(f"{paths[0]}: {self.slip}", (rule_id,), {"path": paths[0]})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Take it away."""
        del original
        (folder / spot.data["path"]).unlink()


@register
class MapsMirrored(Kind):
    name, slip = "maps-mirrored", "the feature maps are those of another picture"
    nothing: ClassVar[str] = "no rule holds feature maps against the weights"

    def spots(self, original: Original) -> Iterator[Spot]:
        """The first file of each rule that is there."""
        for rule in original.rules("feature-maps"):
            file = rule.settings.get("file")
            wanted = file if isinstance(file, list) else [file]
            there = [path for path in wanted if path and original.submission.file(path) is not None]
            if there and there[0].lower().endswith((*_DRAWN, ".npy")):
                yield Spot(f"{there[0]}: {self.slip}", (rule.id,), {"path": there[0]})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Upside down and mirrored: maps of such a picture, and in another order."""
        del original
        path = folder / spot.data["path"]
        data = path.read_bytes()
        if path.suffix == ".npy":
            import numpy as np

            written = io.BytesIO()
            np.save(written, np.ascontiguousarray(np.load(io.BytesIO(data))[..., ::-1, ::-1]))
            replaced(path, written.getvalue())
        else:
            from PIL import Image

            with Image.open(io.BytesIO(data)) as old:
                replaced(path, redrawn(data, path.suffix, old.convert("RGB").rotate(180)))
