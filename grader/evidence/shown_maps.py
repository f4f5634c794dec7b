"""Which maps does a checkpoint give for the image that a task names? In every way in which it may have been prepared.

The rubric says how images are prepared, or the student's own `preprocess` does; a picture may have been drawn without.
Maps of other images come with them, so that a comparison can say whose they are.
"""

from __future__ import annotations

import base64
import hashlib
import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grader.evidence.networks import packed
from grader.frozen import dataclass
from grader.model import Evidence, EvidenceStatus, Job, Json, Problem

if TYPE_CHECKING:
    import numpy as np

    from grader.evidence.kinds import Bench

    Array = np.ndarray[Any, Any]

MOST_BYTES: Final = 24 * 2**20  # of all maps that are kept: other images are left out before it is more
_MEANT: Final = "as the rubric says"
# How networks' images are usually prepared: (name, channels or 0 for any, mean, std).
_USUAL: Final = (
    ("from 0 to 1", 0, (), ()),
    ("from -1 to 1", 0, (0.5,), (0.5,)),
    ("from 0 to 255", 0, (0.0,), (1 / 255,)),
    ("as MNIST usually is", 1, (0.1307,), (0.3081,)),
    ("as ImageNet usually is", 3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ("as CIFAR-10 usually is", 3, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
)


@dataclass(frozen=True)
class Row:
    """One image that the network gets. `of` is "named" or "other"; `label` says which it is, `view` how prepared."""

    of: str
    label: str
    view: str
    image: Array
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None


def mapped(job: Job, folder: Path, bench: Bench) -> Evidence:
    """Result: `rows`, each with `of`, `label` and `view`; and `show`, in the order in which it was asked for.

    Each of `show`: `what` ("layer" or "weights"), `name`, `total` (how many maps there are), `maps` (the numbers of
    those that are here), and `array` (read with `unpacked`): (rows, maps, H, W) of a layer, (maps, C, H, W) of weights.
    `own_preprocess` is not known here: rows of several views are then the same.
    """
    import numpy as np

    from grader.evidence.kinds import fault_of, files_of
    from grader.sandbox.activations import Activations, activations

    asked = job.parameters
    layers = [one["layer"] for one in asked["show"] if "layer" in one]
    weights = [one["weights"] for one in asked["show"] if "weights" in one]
    rows = _rows(job, folder, bench) if layers else [_nothing(asked["input"])]
    if isinstance(rows, Evidence):
        return rows
    own = (asked["image"] or {}).get("file")
    files = {path: file for path, file in files_of(job, folder).items() if path != own}
    request = {key: asked.get(key) for key in ("code", "factory", "checkpoint", "mean", "std")}
    while True:
        made = activations(
            files,
            request,
            np.ascontiguousarray(np.stack([row.image for row in rows])),
            layers,
            weights=weights,
            views=[{"rows": 1, "mean": row.mean, "std": row.std} for row in rows],
            limits=bench.limits,
            level=bench.level,
        )
        fewer = len(rows) // 2
        if not isinstance(made, Activations) and made.problem.code in ("too-large", "memory") and fewer:
            rows = rows[:fewer]
            continue
        break
    if not isinstance(made, Activations):
        return fault_of(made)
    arrays = {layer.name: layer.array for layer in made.layers}
    names = iter([*made.names[: len(layers)]]), iter([*made.names[len(layers) :]])
    shown: list[dict[str, Json]] = []
    for one in asked["show"]:
        what = "layer" if "layer" in one else "weights"
        name = next(names[what == "weights"])
        got = _chosen(what, name, arrays[name], one.get("maps"), job)
        if isinstance(got, Evidence):
            return got
        shown.append(got)
    kept = _kept(shown, len(rows))
    for one in shown:
        array = one.pop("numbers")
        array = np.ascontiguousarray(array[:kept] if one["what"] == "layer" else array, dtype="<f4")
        one["array"] = packed(one["name"], array.shape, array.tobytes())
    listed = [{"of": row.of, "label": row.label, "view": row.view} for row in rows[:kept]] if layers else []
    return Evidence("", EvidenceStatus.DONE, result={"rows": listed, "show": shown})


def _kept(shown: list[dict[str, Json]], rows: int) -> int:
    """How many rows fit into what is kept; at least one does."""
    each = sum(4 * math.prod(one["numbers"].shape[1:]) for one in shown if one["what"] == "layer")
    return max(1, min(rows, MOST_BYTES // each)) if each else rows


def _chosen(what: str, name: str, array: Array, maps: list[int] | None, job: Job) -> dict[str, Json] | Evidence:
    """The maps that are asked for, or whose fault it is that they are not there."""
    axis = 1 if what == "layer" else 0
    if array.ndim != 4:
        sides = array.shape[1:] if what == "layer" else array.shape
        text = f"the {'layer' if what == 'layer' else 'tensor'} {name!r} has no maps: its shape is {tuple(sides)}"
        problem = Problem("no-maps", job.parameters["code"], text, "name a convolution or a pooling")
        return Evidence("", EvidenceStatus.STUDENT_FAULT, problem=problem)
    total = array.shape[axis]
    chosen = list(range(total)) if maps is None else list(maps)
    absent = [number for number in chosen if number >= total]
    if absent:
        text = f"{name!r} has {total} maps, and number {absent[0]} (from 0) is asked for"
        problem = Problem("no-such-map", job.parameters["code"], text, "build the network that the sheet asks for")
        return Evidence("", EvidenceStatus.STUDENT_FAULT, problem=problem)
    return {"what": what, "name": name, "total": total, "maps": chosen, "numbers": array.take(chosen, axis=axis)}


def _nothing(side: list[int]) -> Row:
    import numpy as np

    return Row("named", "none", _MEANT, np.zeros(side, dtype=np.uint8), None, None)


# --- the images -------------------------------------------------------------------------------


def _rows(job: Job, folder: Path, bench: Bench) -> list[Row] | Evidence:
    """The image that is named, in all its ways, then the others."""
    asked, image = job.parameters, job.parameters["image"]
    channels = int(asked["input"][0])
    if "data" in image:
        images = bench.image_set(image["data"], image["split"])
        index = image["index"]
        if index >= len(images):
            what = f"has {len(images):,} images in the split {image['split']!r}, number {index} (from 0) is asked for"
            problem = Problem("no-such-image", image["data"], what, "name an image by its number, from 0")
            return Evidence("", EvidenceStatus.STUDENT_FAULT, problem=problem)
        named = [("", images.images[index])]
        others = [
            (f"image {number} of the {image['split']} split", images.images[number])
            for number in _others(len(images), index, asked["others"], images.digest)
        ]
    else:
        found = _picture(job, folder, bench)
        if isinstance(found, Evidence):
            return found
        size = (int(asked["input"][1]), int(asked["input"][2]))
        named = list(_fitted(found, size, channels, image.get("fit")))
        others = list(_photographs(image, size, channels, asked["others"]))
    mean, std = (tuple(asked[key]) if asked.get(key) else None for key in ("mean", "std"))
    views = [(_MEANT, mean, std)]
    for name, only, usual_mean, usual_std in _USUAL:
        if only in (0, channels):
            wide = [value * channels if len(value) == 1 else value for value in (usual_mean, usual_std)]
            if tuple(wide) != (mean or (), std or ()):
                views.append((name, wide[0] or None, wide[1] or None))
    rows = [Row("named", label, name, pixels, m, s) for name, m, s in views for label, pixels in named]
    return rows + [Row("other", label, _MEANT, pixels, mean, std) for label, pixels in others]


def _others(count: int, index: int, wanted: int, digest: str) -> list[int]:
    """Numbers of other images: the neighbours, for one may count from 1; then from all over, the same each time."""
    made = [number for number in (index - 1, index + 1, 0, 1) if 0 <= number < count and number != index]
    throw = 0
    while len(set(made)) < min(wanted, count - 1):
        word = hashlib.sha256(f"{digest} {index} {throw}".encode()).digest()
        number = int.from_bytes(word[:8], "big") % count
        made += [number] if number != index else []
        throw += 1
    return list(dict.fromkeys(made))[:wanted]


def _fitted(image: Array, size: tuple[int, int], channels: int, fit: str | None) -> Iterator[tuple[str, Array]]:
    """The picture in the size of the network's input, in one way or in both."""
    from grader.datasets.resizing import middle, resized

    image = _in_channels(image, channels)
    if fit != "crop" or image.shape[1:] == size:
        yield "", resized(image, size)
    is_square = image.shape[1] * size[1] == image.shape[2] * size[0]
    if fit == "crop" or (fit is None and not is_square):
        yield "its middle", middle(image, size)


def _in_channels(image: Array, channels: int) -> Array:
    """Grey by the weights of ITU-R 601, as Pillow has them, or three times the same."""
    import numpy as np

    if image.shape[0] == channels:
        return image
    if channels == 1:
        grey = image.astype(np.float64).transpose(1, 2, 0) @ np.array([0.299, 0.587, 0.114])
        made: Array = np.floor(grey + 0.5).astype(np.uint8)[None]
        return made
    return np.repeat(image[:1], channels, axis=0)


def _photographs(
    image: Mapping[str, Json], size: tuple[int, int], channels: int, wanted: int
) -> Iterator[tuple[str, Array]]:
    from grader.datasets.samples import SAMPLES, sample

    for name in [name for name in SAMPLES if name != image.get("sample")][:wanted]:
        for label, pixels in _fitted(sample(name), size, channels, image.get("fit")):
            yield f"the photograph {name} {label}".strip(), pixels


def _picture(job: Job, folder: Path, bench: Bench) -> Array | Evidence:
    """The pixels of a picture: (3, H, W) uint8."""
    from grader.datasets.samples import sample
    from grader.evidence.kinds import files_of

    image = job.parameters["image"]
    if "sample" in image:
        return sample(image["sample"])
    if "file" in image:
        return _decoded(files_of(job, folder)[image["file"]], image["file"], bench)
    with tempfile.TemporaryDirectory(prefix="grader-picture-") as place:
        file = Path(place, "picture")
        file.write_bytes(base64.b64decode(image["bytes"]))
        made = _decoded(file, image.get("course", "the course's picture"), bench)
    if isinstance(made, Evidence) and made.status is EvidenceStatus.STUDENT_FAULT:  # it is the course's
        return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=made.problem)
    return made


def _decoded(file: Path, name: str, bench: Bench) -> Array | Evidence:
    """Decoded in the box, whoever it came from."""
    import numpy as np

    from grader import sandbox
    from grader.evidence.kinds import fault_of
    from grader.sandbox.pictures import Pixels, pixels

    inner = Path(name).name
    ended = sandbox.run(
        "picture",
        files={inner: file},
        request={"files": [inner], "max_pixels": None},
        limits=bench.limits,
        level=bench.level,
    )
    if not isinstance(ended, sandbox.Answered):
        return fault_of(ended)
    [row] = ended.result["files"]
    if row["found"] is None:
        return Evidence("", EvidenceStatus.STUDENT_FAULT, problem=Problem(**row["problem"]))
    size = (row["found"]["width"], row["found"]["height"])
    made = pixels(file, inner, size, channels=3, limits=bench.limits, level=bench.level)
    if not isinstance(made, Pixels):
        return fault_of(made)
    return np.ascontiguousarray(made.array.transpose(2, 0, 1))
