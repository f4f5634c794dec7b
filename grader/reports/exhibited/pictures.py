"""Which images are there to look at? Maps of layers, the student's own images, figures that were handed in.

A file of a student's goes onto a page only as a PNG or a JPEG that the sandbox's decoder has opened, of a size that
harms no browser; else a small grey copy that was made from the sandbox's pixels, or words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from grader.checks._maps_wanted import NAMED, Wanted, wanted_maps
from grader.checks._submitted import opened
from grader.evidence.handed_maps import arrays_of, pixels_of
from grader.evidence.jobs import ACTIVATIONS, FIGURES, HANDED_MAPS, OWN_IMAGES
from grader.model import Evidence, Job, Json, Rule, Submission
from grader.reports.exhibited.images import as_grey, png, smaller
from grader.reports.exhibits import About, Case, Exhibit, Picture, Pictures, about

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST_MAPS: Final = 16  # of one entry
MOST_IMAGES: Final = 24
MOST_BYTES: Final = 768 * 1024  # of one file
MOST_PIXELS: Final = 6_000_000
MOST_SIDE: Final = 640  # of a picture that was decoded here
_PRINT: Final = 48  # pixels to a side of the small copy in the evidence
_MIME: Final = {"PNG": ("image/png", b"\x89PNG\r\n\x1a\n"), "JPEG": ("image/jpeg", b"\xff\xd8\xff")}


def made(case: Case) -> Iterator[Exhibit]:
    """Of each rule that looks at images."""
    for task, rule in case.rules():
        recomputed = next((one for _, one in case.done(rule, ACTIVATIONS) if "show" in one.result), None)
        handed = next(iter(case.done(rule, HANDED_MAPS)), None)
        yield from _maps(about(task, rule, ""), recomputed, handed)
        for _, one in case.done(rule, OWN_IMAGES):
            yield from _own(about(task, rule, "The student's own images"), case.submission, one.result)
        for _, one in case.done(rule, FIGURES):
            yield from _figures(about(task, rule, "Figures that were handed in"), case.submission, rule, one.result)


# --- maps ---------------------------------------------------------------------------------------


def _maps(whose: About, recomputed: Evidence | None, handed: tuple[Job, Evidence] | None) -> Iterator[Pictures]:
    """What was handed in; then the maps as the checkpoint gives them, for staff alone where nothing was handed in."""
    if handed is not None:
        job, evidence = handed
        yield from _handed(replace(whose, title=f"{job.parameters['file']} as it was handed in"), evidence.result)
    if recomputed is None:
        return
    wants = wanted_maps(recomputed.result)
    for one in wants:
        what = "filters" if one.what == "weights" else "maps"
        of_all = f"{one.count} of its {one.total}" if one.count < one.total else f"all {one.total}"
        title = f"The {what} of {one.name} as the checkpoint gives them ({of_all})"
        is_hidden = whose.is_staff_only or handed is None or not whose.is_revealed
        yield Pictures(
            replace(whose, title=title, is_staff_only=is_hidden),
            "maps",
            tuple(_of_layer(one)),
            max(0, one.count - MOST_MAPS),
        )


def _of_layer(one: Wanted) -> Iterator[Picture]:
    reading = one.of(NAMED)[0]
    for number, values in list(zip(one.numbers, reading.maps, strict=True))[:MOST_MAPS]:
        yield _map(values, f"map {number}", f"{one.name}, map {number}", is_colour=reading.is_colour)


def _map(values: Array, caption: str, alt: str, *, is_colour: bool = False) -> Picture:
    shown = as_grey(values.reshape(values.shape[0], -1)).reshape(values.shape) if is_colour else as_grey(values)
    shown = smaller(shown, MOST_SIDE)
    height, width = shown.shape[:2]
    return Picture(caption, alt, width, height, png(shown), is_small=max(width, height) < 128)


def _handed(whose: About, result: Mapping[str, Json]) -> Iterator[Pictures]:
    if result["picture"] is not None:
        pixels = smaller(pixels_of(result["picture"]), MOST_SIDE)
        height, width = pixels.shape[:2]
        words = f"{result['picture']['width']:,} x {result['picture']['height']:,} pixels"
        yield Pictures(
            whose, "maps", (Picture(words, f"The picture as handed in, {words}.", width, height, png(pixels)),)
        )
        return
    pictures: list[Picture] = []
    total = 0
    for name, array in arrays_of(result).items():
        for number, values in enumerate(_planes(array)):
            total += 1
            if len(pictures) < MOST_MAPS:
                said = f"{name}, {number}" if name else f"map {number}"
                pictures.append(_map(values, said, f"As handed in: {said}"))
    if pictures:
        yield Pictures(whose, "maps", tuple(pictures), total - len(pictures))


def _planes(array: Array) -> Iterator[Array]:
    """The last two axes of an array, one plane after the other, as far as planes are to be seen."""
    if array.ndim < 2 or not array.size:
        return
    yield from array.reshape(-1, *array.shape[-2:])


# --- files --------------------------------------------------------------------------------------


def _own(whose: About, submission: Submission, result: Mapping[str, Json]) -> Iterator[Pictures]:
    rows = [row for row in result["images"] if row["found"] is not None]
    pictures = []
    for row in rows[:MOST_IMAGES]:
        answer = row["answer"]["class"] if "answer" in row else None
        said = f"{row['path']}: answered {answer}" if answer is not None else row["path"]
        pictures.append(_file(submission, row["path"], row["found"], said))
    left_out = len(rows) - len(pictures) + int(result["left_out"])
    if pictures:
        yield Pictures(whose, "own", tuple(pictures), left_out)


def _figures(whose: About, submission: Submission, rule: Rule, result: Mapping[str, Json]) -> Iterator[Pictures]:
    named = _titles(rule)
    rows = [row for row in result["files"] if row["found"] is not None and row["path"] in named]
    pictures = tuple(
        _file(submission, row["path"], row["found"], ": ".join(filter(None, (row["path"], named[row["path"]]))))
        for row in rows[:MOST_IMAGES]
    )
    if pictures:
        yield Pictures(whose, "figures", pictures, len(rows) - len(pictures))


def _titles(rule: Rule) -> dict[str, str]:
    """What the sheet calls each figure, by every path under which it may be handed in."""
    made_: dict[str, str] = {}
    for entry in rule.settings.get("figures", ()):
        paths: Iterable[str] = [entry["path"]] if isinstance(entry["path"], str) else entry["path"]
        made_ |= {path: entry.get("title", "") for path in paths}
    return made_


def _file(submission: Submission, path: str, found: Mapping[str, Json], caption: str) -> Picture:
    """The file itself where a browser may have it, else its small copy, else words alone."""
    width, height = int(found["width"]), int(found["height"])
    data = _bytes(submission, path, found)
    if data is not None:
        mime, _ = _MIME[found["format"]]
        is_small = max(width, height) < 128
        return Picture(caption, f"The image {path}.", width, height, data, mime, is_small=is_small)
    copy = bytes.fromhex(found["print"]) if "print" in found else b""
    if len(copy) == _PRINT**2:
        import numpy as np

        grey = np.frombuffer(copy, dtype=np.uint8).reshape(_PRINT, _PRINT)
        said = f"{caption} (a small grey copy of {width:,} x {height:,} pixels)"
        return Picture(said, f"A small copy of the image {path}.", _PRINT, _PRINT, png(grey), is_small=True)
    return Picture(caption, f"The image {path}, not shown.", width, height)


def _bytes(submission: Submission, path: str, found: Mapping[str, Json]) -> bytes | None:
    file = submission.file(path)
    known = _MIME.get(found["format"])
    if file is None or known is None or found.get("is_animated") or file.size > MOST_BYTES:
        return None
    if int(found["width"]) * int(found["height"]) > MOST_PIXELS:
        return None
    try:
        with opened(submission, file) as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError:
        return None
    return data if data.startswith(known[1]) and len(data) == file.size else None
