"""What does a student's checkpoint say of the student's own images? Decoded in one box, answered in another."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grader.model import Evidence, EvidenceStatus, Job, Json, Problem

if TYPE_CHECKING:
    import numpy as np

    from grader.datasets import ImageSet
    from grader.evidence.kinds import Bench

    Array = np.ndarray[Any, Any]

MOST_IMAGES: Final = 200
MOST_ARCHIVE: Final = 64 * 2**20  # bytes that a zip of images unpacks to
# Levels of 255, root of the mean square: less is one image, saved as JPEG or rounded. Measured (2026-11): of 1,000 test
# images of MNIST the nearest of the 60,000 others is 10.0 away at least, of the 360 of digits 11.2.
SAME: Final = 6.0
_NEAR_TIE: Final = 0.05  # of the usual gap between the two highest scores: another machine may answer otherwise
_FIRST: Final = 2000  # images of the set by which its ground is told
_ROWS: Final = 5000  # images of the set that are held against at once
_OF_AN_IMAGE: Final = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".heic")


def answered(job: Job, folder: Path, bench: Bench) -> Evidence:
    """Result: `images`, `size` [width, height] and `ground` of the set (0 black to 255 white), `classes`, `left_out`.

    Each image: `path` (in a zip: `digits.zip/4.png`), `problem`, and where it could be opened `found` (as `picture`
    says it), `is_scaled`, `spread` (standard deviation of its pixels in the set's size), `copy_of` (the path of an
    equal image before it, or null), `twin` (the image of the set that it is: `split`, `index`, `label`, `is_inverted`,
    or null), and what the network says: `answer`, and `inverted` of it with colours inverted, each with `class` and
    `is_near_tie`. `refused` is why the network gave no answer at all, or null.
    """
    from grader import sandbox
    from grader.evidence.kinds import fault_of, files_of

    asked = job.parameters
    images = bench.image_set(asked["data"], asked["split"])
    files = files_of(job, folder)
    with _opened({path: files[path] for path in asked["files"] if path in files}) as (pictures, refused, left_out):
        rows = list(refused)
        if pictures:
            looked = sandbox.run(
                "picture",
                files=pictures,
                request={"files": list(pictures), "max_pixels": None},
                limits=bench.limits,
                level=bench.level,
            )
            if not isinstance(looked, sandbox.Answered):
                return fault_of(looked)
            rows += looked.result["files"]
        whole = [row["path"] for row in rows if row["found"] is not None]
        said = None
        if whole:
            done = _whole({path: pictures[path] for path in whole}, rows, images, bench)
            if isinstance(done, Evidence):
                return done
            code = {path: file for path, file in files.items() if path not in asked["files"]}
            said = _said(job, code, done, rows, images, bench)
            if isinstance(said, Evidence):
                return said
    border = images.images[:_FIRST]
    result = {
        "images": rows,
        "size": [images.images.shape[3], images.images.shape[2]],
        "channels": int(images.images.shape[1]),
        "ground": round(float(_borders(border).mean()), 3),
        "classes": list(images.classes),
        "left_out": left_out,
        "refused": said,
    }
    return Evidence("", EvidenceStatus.DONE, result=result)


def _borders(images: Array) -> Array:
    import numpy as np

    sides = (images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1])
    return np.concatenate([side.reshape(-1) for side in sides])


@contextmanager
def _opened(files: Mapping[str, Path]) -> Iterator[tuple[dict[str, Path], list[Json], int]]:
    """The pictures by their paths, zips unpacked; what could not be; and how many are too many."""
    pictures: dict[str, Path] = {}
    refused: list[Json] = []
    with tempfile.TemporaryDirectory(prefix="grader-images-") as folder:
        for number, (path, file) in enumerate(files.items()):
            with file.open("rb") as stream:
                is_zip = stream.read(4) == b"PK\x03\x04"
            if not is_zip:
                pictures[path] = file
                continue
            inner, problem = _unzipped(file, path, Path(folder, str(number)))
            pictures |= inner
            if problem is not None:
                refused.append({"path": path, "problem": problem, "found": None})
        kept = dict(list(pictures.items())[:MOST_IMAGES])
        yield kept, refused, len(pictures) - len(kept)


def _unzipped(file: Path, name: str, folder: Path) -> tuple[dict[str, Path], Json]:
    """The pictures of a zip, by the reader that opens hand-ins, with limits of its own; or what is wrong with it."""
    from grader.intake.limits import IntakeLimits
    from grader.intake.zip_checks import entry_flaws, kept_entries
    from grader.intake.zip_listing import BrokenArchive, read_listing
    from grader.intake.zip_unpack import unpack

    limits = IntakeLimits(max_entries=2 * MOST_IMAGES, max_total_bytes=MOST_ARCHIVE, max_file_bytes=MOST_ARCHIVE)
    folder.mkdir(mode=0o700)
    with file.open("rb") as stream:
        try:
            listing = read_listing(stream, file.stat().st_size, limits)
        except BrokenArchive as error:
            return {}, _problem(error.flaw.at(name))
        kept, _ = kept_entries(listing.entries)
        flaws = [flaw for _, flaw in entry_flaws(listing.entries, kept, limits)]
        if not flaws:
            taken = [one for one in kept if one.is_folder or one.path.lower().endswith(_OF_AN_IMAGE)]
            written, wrong = unpack(stream, taken, folder)
            flaws = [flaw for _, flaw in wrong]
    if flaws:
        return {}, _problem(flaws[0].at(name))
    found = {f"{name}/{one.path}": folder / one.path for one in sorted(written, key=lambda one: one.path)}
    if not found:
        return {}, _problem(Problem("empty-archive", name, "holds no picture", "pack the pictures themselves"))
    return found, None


def _problem(problem: Problem) -> dict[str, Json]:
    return {"code": problem.code, "where": problem.where, "what": problem.what, "fix": problem.fix}


def _whole(pictures: Mapping[str, Path], rows: list[Json], images: ImageSet, bench: Bench) -> Array | Evidence:
    """All of them in the set's size and channels, (N, C, H, W); what is seen of them is added to `rows`."""
    import numpy as np

    from grader.evidence.kinds import fault_of
    from grader.sandbox.pictures import Scaled, scaled

    _, channels, height, width = images.images.shape
    made = scaled(pictures, (width, height), channels=channels, limits=bench.limits, level=bench.level)
    if not isinstance(made, Scaled):
        return fault_of(made)
    pixels = np.ascontiguousarray(made.images)
    seen: dict[bytes, str] = {}
    for row, image in zip([row for row in rows if row["found"] is not None], pixels, strict=True):
        found = row["found"]
        key = image.tobytes()
        row["is_scaled"] = (found["width"], found["height"]) != (width, height)
        row["spread"] = round(float(image.std()), 3)
        row["copy_of"] = seen.get(key)
        seen.setdefault(key, row["path"])
    _find_twins(pixels, rows, images, bench)
    return pixels


def _find_twins(pixels: Array, rows: list[Json], images: ImageSet, bench: Bench) -> None:
    """The image of the set that each is, as it is or with colours inverted; from both splits, where they are there."""
    import numpy as np

    from grader.datasets import source
    from grader.errors import GraderError

    flat = pixels.reshape(len(pixels), -1).astype(np.float32)
    both = np.concatenate([flat, 255 - flat])
    best: list[tuple[float, Json]] = [(SAME, None)] * len(flat)
    for split in source(images.name).counts:
        try:
            of = images if split == images.split else bench.image_set(images.name, split)
        except GraderError:  # the other split is not on this machine: an image of it is not found
            continue
        for start in range(0, len(of), _ROWS):
            known = of.images[start : start + _ROWS].reshape(-1, flat.shape[1]).astype(np.float32)
            apart = np.maximum(
                (both**2).sum(1)[:, None] - 2 * both @ known.T + (known**2).sum(1)[None], 0
            ) / flat.shape[1]  # fmt: skip
            for place, near in enumerate(apart.argmin(axis=1).tolist()):
                root, row = float(apart[place, near]) ** 0.5, place % len(flat)
                if root < best[row][0]:
                    label = of.classes[int(of.labels[start + near])] if of.classes else ""
                    is_inverted = place >= len(flat)
                    twin = {"split": split, "index": start + near, "label": label, "is_inverted": is_inverted}
                    best[row] = root, twin
    for row, (_, twin) in zip([row for row in rows if row["found"] is not None], best, strict=True):
        row["twin"] = twin


def _said(
    job: Job, code: Mapping[str, Path], pixels: Array, rows: list[Json], images: ImageSet, bench: Bench
) -> Json | Evidence:
    """Add the network's answers to `rows`; or why there are none, where that is the student's fault."""
    import numpy as np

    from grader.evidence.kinds import fault_of
    from grader.sandbox import StudentFault
    from grader.sandbox.predictions import Predictions, predict

    if job.parameters["checkpoint"] is None:
        return None
    both = np.ascontiguousarray(np.concatenate([pixels, 255 - pixels]))
    request = {key: job.parameters.get(key) for key in ("code", "factory", "checkpoint", "mean", "std")}
    made = predict(
        code, request, both, classes=len(images.classes), limits=bench.limits, level=bench.level, secret=job.key
    )
    if isinstance(made, StudentFault):
        return _problem(made.problem)
    if not isinstance(made, Predictions):
        return fault_of(made)
    if not made.is_repeatable:
        what = "an image gets another answer in other company: the answers depend on the batch or on chance"
        fix = "let an image's scores depend on that image alone: eval() must switch dropout and batch statistics off"
        return _problem(Problem("not-repeatable", job.parameters["code"], what, fix))
    two = np.sort(made.logits.astype(np.float64), axis=1)[:, -2:]
    gaps = two[:, -1] - two[:, 0]
    usual = float(np.median(gaps))
    chosen = made.logits.argmax(axis=1)
    answers = [
        {"class": images.classes[int(one)], "is_near_tie": bool(gap <= _NEAR_TIE * usual)}
        for one, gap in zip(chosen, gaps, strict=True)
    ]
    for place, row in enumerate(row for row in rows if row["found"] is not None):
        row["answer"], row["inverted"] = answers[place], answers[place + len(pixels)]
    return None
