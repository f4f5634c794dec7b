"""What is in the file in which a student shows maps: arrays of numbers, or a picture with panels? Read in the box."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grader.evidence.figures import ink, shrink_for
from grader.evidence.networks import MOST_BYTES, packed, unpacked
from grader.evidence.panels import panels_of
from grader.model import Evidence, EvidenceStatus, Job, Json, Problem

if TYPE_CHECKING:
    import numpy as np

    from grader.evidence.kinds import Bench

MOST_SHOWN: Final = 1_500_000  # pixels that are kept; of a larger picture, means of so many by so many
_PICTURES: Final = (b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"\xff\xd8\xff")


def handed(job: Job, folder: Path, bench: Bench) -> Evidence:
    """Result: `arrays` (read with `unpacked`) or `picture`, the other is null.

    `picture`: what the program `picture` says of it, `pixels` (read with `pixels_of`), `ink`, and `panels`, the boxes
    (left, top, right, bottom) of a grid in reading order.
    """
    from grader.evidence.kinds import fault_of, files_of
    from grader.sandbox.arrays import Arrays, arrays

    name = job.parameters["file"]
    file = files_of(job, folder)[name]
    with file.open("rb") as stream:
        head = stream.read(16)
    if head.startswith(_PICTURES):
        return _picture(file, name, bench)
    made = arrays(file, name, limits=bench.limits, level=bench.level)
    if not isinstance(made, Arrays):
        return fault_of(made)
    if len(made.data) > MOST_BYTES:
        what = f"holds {len(made.data) // 4:,} numbers, more than the {MOST_BYTES // 4:,} that are compared"
        problem = Problem("too-large", name, what, "hand in the asked maps only")
        return Evidence("", EvidenceStatus.STUDENT_FAULT, problem=problem)
    listed, start = [], 0
    for label, shape in made.shapes:
        size = 4 * math.prod(shape)
        listed.append(packed(label, shape, made.data[start : start + size]))
        start += size
    return Evidence("", EvidenceStatus.DONE, result={"arrays": listed, "picture": None})


def _picture(file: Path, name: str, bench: Bench) -> Evidence:
    from grader import sandbox
    from grader.evidence.kinds import fault_of
    from grader.sandbox.pictures import Pixels, pixels

    ended = sandbox.run(
        "picture",
        files={name: file},
        request={"files": [name], "max_pixels": None},
        limits=bench.limits,
        level=bench.level,
    )
    if not isinstance(ended, sandbox.Answered):
        return fault_of(ended)
    [row] = ended.result["files"]
    if row["found"] is None:
        return Evidence("", EvidenceStatus.STUDENT_FAULT, problem=Problem(**row["problem"]))
    size = (row["found"]["width"], row["found"]["height"])
    shrink = shrink_for(size, MOST_SHOWN)
    made = pixels(file, name, size, channels=3, shrink=shrink, limits=bench.limits, level=bench.level)
    if not isinstance(made, Pixels):
        return fault_of(made)
    picture = {
        **row["found"],
        "pixels": {
            "width": made.width,
            "height": made.height,
            "data": base64.b64encode(zlib.compress(made.data, 6)).decode("ascii"),
        },
        "ink": ink(made.array),
        "panels": [list(box) for box in panels_of(made.array)],
    }
    return Evidence("", EvidenceStatus.DONE, result={"arrays": None, "picture": picture})


def pixels_of(picture: Mapping[str, Json]) -> np.ndarray[Any, Any]:
    """The pixels of a picture of the evidence, (height, width, 3) uint8."""
    import numpy as np

    kept = picture["pixels"]
    size = kept["width"] * kept["height"] * 3
    data = zlib.decompressobj().decompress(base64.b64decode(kept["data"]), size)
    return np.frombuffer(data, dtype=np.uint8).reshape(kept["height"], kept["width"], 3)


def arrays_of(result: Mapping[str, Json]) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of the evidence by name."""
    return {one["name"]: unpacked(one) for one in result["arrays"]}
