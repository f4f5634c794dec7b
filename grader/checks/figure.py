"""Are the figures that were asked for there, and is anything on them?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import ClassVar, Final

from grader.checks._figure_files import Kind, kind_of, said_of
from grader.checks._lint import setting_problem
from grader.checks._maps_settings import PATH
from grader.checks._submitted import closest, matching
from grader.checks.base import Check, failed, fault, passed, register, remark, review, shown
from grader.evidence.jobs import figures_job
from grader.model import (
    EvidenceByJob,
    Finding,
    Job,
    Json,
    Outcome,
    Place,
    Problem,
    Rule,
    Submission,
    SubmittedFile,
)

LEAST_INK: Final = 0.0002  # of the pixels: 61 of a figure of 640 x 480. Its axes alone have a hundred times as many
_FORMATS: Final = ("PNG", "JPEG", "GIF", "PDF", "SVG")
_MOST_OTHERS: Final = 60
_ALIKE: Final = 3  # levels of 255 by which small copies of one figure in two files may differ
_PIXELS: Final[Mapping[str, Json]] = {"type": "integer", "minimum": 1, "maximum": 100_000}
_FIGURE: Final[Mapping[str, Json]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path"],
    "properties": {
        "path": {
            "anyOf": [PATH, {"type": "array", "minItems": 1, "maxItems": 10, "items": PATH}],
            "description": "the figure's path in the hand-in; of several the first one that is there",
        },
        "title": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "what it shows, in a few words, for who looks at it: train and validation loss",
        },
        "formats": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"enum": list(_FORMATS)},
            "default": list(_FORMATS),
            "description": "the formats that it may have; of PDF and SVG a person sees whether anything is on it",
        },
        "min_width": {**_PIXELS, "description": "the least width in pixels"},
        "min_height": {**_PIXELS, "description": "the least height in pixels"},
        "max_width": {**_PIXELS, "description": "the largest width in pixels"},
        "max_height": {**_PIXELS, "description": "the largest height in pixels"},
        "colour": {"enum": ["grey", "colour"], "description": "whether it must be grey, or have colours"},
        "content": {
            "enum": ["review", "presence"],
            "default": "review",
            "description": "whether a person looks at what it shows, or being there and not blank is enough",
        },
    },
}


@register
class Figure(Check):
    """Looks whether the figures that the assignment asks for are there and can be opened, and that they are not blank.

    What it looks at: each entry of `figures` is one demand, with an equal share. A PNG, JPEG or GIF is decoded in the
    sandbox. It is wrong where it is missing, cannot be opened, is of another format or size than the sheet demands, or
    has nothing on it: one colour, a few specks, a pair of axes with nothing in them. It is wrong too where it is pixel
    for pixel the same as a figure that stands before it, as a file under `unlike`, or where it is a picture that came
    with the template (`templates`).

    What it shows is not for a machine to say: a figure with something on it waits for a person, and nothing is
    proposed. With `content: presence` it earns its share.

    A person looks as well where nothing is left within the axes but lines of a grid, where something light stands on a
    transparent ground, and where two figures differ in size or format only: that is said.

    PDF and SVG are not rendered: both may hold far more than a drawing. Of a PDF its first and last bytes are looked
    at, of an SVG whether it is text that draws something; whether anything is to be seen is for a person. An SVG with
    scripts or with links to elsewhere says so: look at it in a viewer, not in a browser.

    Size is that of the pixels as they lie in the file: a note by which a camera's picture is turned is not followed.
    Of an animated GIF the first picture is looked at.

    Not covered: what a figure shows. A person looks at it.

        - check: figure
          figures:
            - {path: figures/loss.png, title: train and validation loss, min_width: 300, min_height: 200}
            - {path: [figures/filters.png, figures/filters.pdf], title: filters of the first layer}
    """

    name: ClassVar[str] = "figure"
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["figures"],
        "properties": {
            "figures": {
                "type": "array",
                "minItems": 1,
                "maxItems": 30,
                "items": _FIGURE,
                "description": "the figures that must be there; each has an equal share, and no two may be the same",
            },
            "unlike": {
                "type": "array",
                "maxItems": 30,
                "items": {"type": "string", "minLength": 1, "maxLength": 200},
                "description": "paths or patterns of other files of the hand-in that none of them may be the same as",
            },
            "templates": {
                "type": "array",
                "maxItems": 30,
                "items": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "description": "SHA-256 of pictures that the template comes with, which are no student's figure",
            },
        },
    }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Sizes that no figure has, pixels of what has none, one path for two figures."""
        seen: set[str] = set()
        for index, entry in enumerate(rule.settings["figures"]):
            for side in ("width", "height"):
                if entry.get(f"min_{side}", 1) > entry.get(f"max_{side}", 100_000):
                    what = (
                        f"no figure has a {side} of at least {entry[f'min_{side}']} and at most {entry[f'max_{side}']}"
                    )
                    yield setting_problem(rule, ["figures", index, f"min_{side}"], what, f"raise max_{side}")
            for path in paths_of(entry):
                if path in seen:
                    fix = "give each figure a path of its own"
                    yield setting_problem(rule, ["figures", index, "path"], f"{path!r} stands for two figures", fix)
                seen.add(path)

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """All pictures of the rule in one job."""
        job = _job(rule, submission)
        if job is not None:
            yield job

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding for each figure."""
        job = _job(rule, submission)
        made = evidence[job] if job is not None else None
        broken = fault(made) if made is not None else None
        rows = {row["path"]: row for row in made.result["files"]} if made is not None and broken is None else {}
        before = {file.path: rows[file.path] for file in _others(rule, submission) if file.path in rows}
        for entry in rule.settings["figures"]:
            file = _file(entry, submission)
            if file is None:
                yield _absent(entry, submission)
                continue
            kind = kind_of(submission, file)
            if file.digest in rule.settings.get("templates", ()):
                fix = "hand in the figure that your own run has made"
                yield failed(f"{_named(entry, file)} is a picture of the template, as it came", place=Place(file.path),
                             fix=fix, code="template")  # fmt: skip
            elif not kind.is_picture:
                yield _unrendered(entry, file, kind)
            elif broken is not None:
                yield broken
            else:
                yield from _judged(entry, file, rows[file.path], before)
                before[file.path] = rows[file.path]


def paths_of(entry: Mapping[str, Json]) -> list[str]:
    """The paths under which a file may be handed in.

    >>> paths_of({"path": "a.png"}), paths_of({"path": ["a.png", "a.pdf"]})
    (['a.png'], ['a.png', 'a.pdf'])
    """
    return [entry["path"]] if isinstance(entry["path"], str) else list(entry["path"])


def _file(entry: Mapping[str, Json], submission: Submission) -> SubmittedFile | None:
    return next((file for path in paths_of(entry) if (file := submission.file(path)) is not None), None)


def _others(rule: Rule, submission: Submission) -> list[SubmittedFile]:
    """The files that no figure may be the same as, but for the figures themselves."""
    own = {path for entry in rule.settings["figures"] for path in paths_of(entry)}
    found = [file for glob in rule.settings.get("unlike", ()) for file in matching(submission, glob)]
    kept = {file.path: file for file in found if file.path not in own and kind_of(submission, file).is_picture}
    return list(kept.values())[:_MOST_OTHERS]


def _job(rule: Rule, submission: Submission) -> Job | None:
    files = [_file(entry, submission) for entry in rule.settings["figures"]]
    pictures = [file for file in files if file is not None and kind_of(submission, file).is_picture]
    paths = dict.fromkeys(file.path for file in (*pictures, *_others(rule, submission)))
    return figures_job(submission, list(paths)) if pictures else None


def _named(entry: Mapping[str, Json], file: SubmittedFile) -> str:
    title = entry.get("title")
    return f"{shown(file.path)!r}" + (f" ({title})" if title else "")


def _absent(entry: Mapping[str, Json], submission: Submission) -> Finding:
    paths = paths_of(entry)
    wanted = " or ".join(repr(path) for path in paths) + (f" ({entry['title']})" if "title" in entry else "")
    near = closest(submission, paths[0])
    fix = f"rename {shown(near)!r} to {paths[0]!r}, if that is the figure" if near else f"add {paths[0]!r}"
    return failed(f"the figure {wanted} was not handed in", fix=fix, code="missing-file")


def _allowed(entry: Mapping[str, Json]) -> list[str]:
    return list(entry.get("formats", _FORMATS))


def _of_another_format(entry: Mapping[str, Json], file: SubmittedFile, name: str) -> Finding:
    wanted = " or ".join(_allowed(entry))
    return failed(f"{_named(entry, file)} is {name}", expected=wanted, observed=name, place=Place(file.path),
                  fix=f"export the figure as {_allowed(entry)[0]}", code="format")  # fmt: skip


def _unrendered(entry: Mapping[str, Json], file: SubmittedFile, kind: Kind) -> Finding:
    """A PDF or an SVG: for a person; or what is none of the formats."""
    if kind.problem:
        return failed(f"{_named(entry, file)}: {kind.problem}", place=Place(file.path), fix=kind.fix,
                      code="not-an-image")  # fmt: skip
    if kind.format not in _allowed(entry):
        return _of_another_format(entry, file, kind.format)
    said = f"{_named(entry, file)} is {kind.words}; it is not drawn here: a person sees whether anything is on it"
    return review(said, place=Place(file.path), code="not-rendered")


def _judged(
    entry: Mapping[str, Json], file: SubmittedFile, row: Mapping[str, Json], before: Mapping[str, Mapping[str, Json]]
) -> Iterator[Finding]:
    """The finding of a picture that was decoded, and remarks on it."""
    name, place, found = _named(entry, file), Place(file.path), row["found"]
    if found is None:
        problem = row["problem"]
        yield failed(f"{name}: {problem['what']}", place=place, fix=problem["fix"], code=problem["code"])
        return
    wrong = _wrong(entry, file, found) or _same(name, place, found, before)
    if wrong is not None:
        yield wrong
    else:
        yield _content(entry, name, place, found, before)
    if found["is_animated"]:
        said = f"{name} is animated: its first picture was looked at"
        yield remark(Outcome.PASSED, said, place=place, code="animated")


def _wrong(entry: Mapping[str, Json], file: SubmittedFile, found: Mapping[str, Json]) -> Finding | None:
    """What is proven against the picture by itself."""
    name, place = _named(entry, file), Place(file.path)
    if found["format"] not in _allowed(entry):
        return _of_another_format(entry, file, found["format"])
    size = f"{found['width']:,} x {found['height']:,} pixels"
    for side in ("width", "height"):
        least, most = entry.get(f"min_{side}", 1), entry.get(f"max_{side}", 10**9)
        if not least <= found[side] <= most:
            word, limit = ("at least", least) if found[side] < least else ("at most", most)
            return failed(f"{name} has {size}", expected=f"{word} {limit:,} pixels of {side}", observed=size,
                          place=place, fix="export the figure in that size", code="size")  # fmt: skip
    if max(found["ink"], found["ink_on_black"]) < LEAST_INK:
        what = "is of one colour" if found["is_blank"] else "has almost nothing on it"
        return failed(f"{name} {what}", observed=f"{100 * found['ink']:.2g}% of its pixels differ from the ground",
                      place=place, fix="save the figure after it was drawn, and before it is closed",
                      code="blank")  # fmt: skip
    if found["plot"] is not None and found["plot"]["all"] == 0:
        return failed(f"{name} shows axes with nothing in them", place=place,
                      fix="plot the curves before the figure is saved", code="empty-axes")  # fmt: skip
    wanted = entry.get("colour")
    if wanted and found["is_grey"] != (wanted == "grey"):
        is_now = "grey" if found["is_grey"] else "coloured"
        return failed(f"{name} is {is_now}", expected=wanted, observed=is_now, place=place,
                      fix=f"export it in {wanted}", code="colour")  # fmt: skip
    return None


def _same(
    name: str, place: Place, found: Mapping[str, Json], before: Mapping[str, Mapping[str, Json]]
) -> Finding | None:
    for path, other in before.items():
        if other["found"] and other["found"]["digest"] == found["digest"]:
            said = f"{name} is pixel for pixel the same picture as {shown(path)!r}"
            return failed(said, place=place, fix="hand in the figure that belongs here", code="same-figure")
    return None


def _alike(found: Mapping[str, Json], before: Mapping[str, Mapping[str, Json]]) -> str | None:
    """The file before it whose small copy is this one's."""
    own = bytes.fromhex(found["print"])
    for path, other in before.items():
        if other["found"]:
            theirs = bytes.fromhex(other["found"]["print"])
            if max(abs(a - b) for a, b in zip(own, theirs, strict=True)) <= _ALIKE:
                return path
    return None


def _content(
    entry: Mapping[str, Json],
    name: str,
    place: Place,
    found: Mapping[str, Json],
    before: Mapping[str, Mapping[str, Json]],
) -> Finding:
    """A picture with something on it: for a person, unless its presence is enough."""
    words = said_of(found)
    plot, twin = found["plot"], _alike(found, before)
    doubt = ""
    if found["ink"] < LEAST_INK:
        doubt, code = (
            "on a white page nothing of it is seen: what is on it is white, and its ground transparent",
            "white",
        )
    elif plot is not None and plot["without_grid"] == 0:
        doubt, code = "within its axes nothing is seen, but perhaps lines of a grid", "grid-only"
    elif twin is not None:
        doubt, code = f"it looks like {shown(twin)!r} in another size or format", "alike"
    if doubt:
        return review(f"{name}, {words}: {doubt}; a person looks", place=place, code=code)
    if entry.get("content", "review") == "presence":
        return passed(f"{name} is there: {words}", weight=Fraction(1), place=place, code="present")
    return review(f"{name} is there: {words}; a person sees what it shows", place=place, code="content")
