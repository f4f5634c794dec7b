"""What has a reference network reached? Its band: several seeds measured, as a file of the course.

    reference_solutions/ASSIGNMENT/bands/RECIPE.json -> Bands -> the setting `reference` of a rule, advice on demands

The form is schemas/band.schema.json; `grader reference calibrate` writes it. Here it is read only.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import erf, sqrt
from pathlib import Path

from grader.documents import DocumentError, did_you_mean, json_document, problems_in, read_text, schema
from grader.documents.wording import clean
from grader.errors import CourseError
from grader.model import Json

FOLDER = "bands"
ACCURACY = "accuracy"
MOST_PICTURE = 2**20  # bytes; it goes with every job that shows it to a network
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


class Bands:
    """The bands that a rubric may refer to: those of its own assignment by name, others as ASSIGNMENT/RECIPE."""

    def __init__(self, reference_solutions: Path | None, assignment: str) -> None:
        self._root = reference_solutions
        self._assignment = assignment
        self._read: dict[Path, tuple[str, Json]] = {}

    def named(self, name: str) -> Json:
        """The band document of a reference.

        Raises:  CourseError where the name leads nowhere, or the file is no band
        """
        form = re.fullmatch(rf"(?:({_NAME})/)?({_NAME})", name)
        if form is None or self._root is None:
            what, fix = f"{clean(repr(name), 80)} is no name of a reference", "write RECIPE or ASSIGNMENT/RECIPE"
            if form:
                what = f"the reference {name!r} is not found: this rubric belongs to no course"
                fix = "put it into the rubrics of a course, whose folder has grader.toml"
            raise CourseError.single(what, where="", fix=fix, code="unknown-reference")
        assignment, recipe = form[1] or self._assignment, form[2]
        path = band_file(self._root, assignment, recipe)
        if not path.is_file():
            known = [path.stem for path in sorted(path.parent.glob("*.json"))]
            fix = f"measure it: grader reference calibrate {assignment} {recipe} --runs 5"
            if known:
                fix += f"; or {did_you_mean(recipe, known)}"
            what = f"the reference {recipe!r} of {assignment!r} has no measured band"
            raise CourseError.single(what, where="", fix=fix, code="no-band")
        return self._document(path)

    def of_data_set(self, data: str) -> tuple[str, Json] | None:
        """The reference of the rubric's own assignment that classifies this set best, with its name.

        A demand that the best of them meets can be met. Files that are no bands are passed over.
        """
        found = [(name, band) for name, band in self._all() if band["recipe"]["data_set"] == data]
        of_accuracy = [one for one in found if one[1]["metric"] == ACCURACY]
        return max(of_accuracy, key=lambda one: one[1]["bands"][0]["mean"], default=None)

    def picture(self, path: str) -> str:
        """The bytes of a picture of the course, by its path below the reference solutions, in base64.

        Raises:  CourseError where it is not there, or too large
        """
        file = self._root / path if self._root is not None else None
        fix = f"put it at reference_solutions/{path}"
        if file is None or ".." in path.split("/") or not file.is_file() or file.is_symlink():
            raise CourseError.single(f"the picture {path!r} is not found", where="", fix=fix, code="no-picture")
        data = file.read_bytes()
        if len(data) > MOST_PICTURE:
            what = f"the picture {path!r} has {len(data):,} bytes, more than {MOST_PICTURE:,}"
            raise CourseError.single(what, where="", fix="save it smaller, as JPEG", code="no-picture")
        self._read[file] = (hashlib.sha256(data).hexdigest(), None)
        return base64.b64encode(data).decode("ascii")

    def digest(self, digest: str) -> str:
        """`digest`, and with it the bytes of every file that was named: what a rubric's findings depend on."""
        if not self._read:
            return digest
        parts = [digest, *(self._read[path][0] for path in sorted(self._read))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _document(self, path: Path) -> Json:
        if path not in self._read:
            self._read[path] = (hashlib.sha256(path.read_bytes()).hexdigest(), read_band(path))
        return self._read[path][1]

    def _all(self) -> Iterator[tuple[str, Json]]:
        folder = self._root / self._assignment / FOLDER if self._root is not None else None
        for path in sorted(folder.glob("*.json")) if folder is not None else ():
            try:
                yield path.stem, read_band(path)
            except CourseError:  # told by whoever names it
                continue


def band_file(reference_solutions: Path, assignment: str, recipe: str) -> Path:
    """Where the band of a recipe lies.

    >>> band_file(Path("reference_solutions"), "digits", "reference").as_posix()
    'reference_solutions/digits/bands/reference.json'
    """
    return reference_solutions / assignment / FOLDER / f"{recipe}.json"


def read_band(path: Path) -> Json:
    """The document of a band file, or CourseError with every way in which it breaks the published form."""
    try:
        document = json_document(read_text(path), name=f"{path.parent.parent.name}/{FOLDER}/{path.name}")
    except DocumentError as error:
        raise CourseError(error.problems) from error
    problems = list(problems_in(document, schema("band"), code="bad-band"))
    if problems:
        raise CourseError(problems)
    if document.value["recipe_name"] != path.stem:
        raise CourseError.single(
            f"this is the band of {document.value['recipe_name']!r}",
            where=document.name,
            fix="measure it again: a file that was renamed is another reference's",
            code="bad-band",
        )
    return document.value


def band_on(document: Mapping[str, Json], device: str = "cpu") -> Mapping[str, Json]:
    """The band of a kind of device; the first one there is where it was not measured on that.

    >>> band_on({"bands": [{"device": "cuda NVIDIA H200"}, {"device": "cpu"}]})
    {'device': 'cpu'}
    """
    bands: list[Mapping[str, Json]] = document["bands"]
    return next((band for band in bands if band["device"] == device), bands[0])


def chance_to_miss(band: Mapping[str, Json], at_least: Fraction | float) -> float:
    """How likely a network as good as the reference is measured below `at_least`.

    A normal distribution about the mean of the runs. Its variance is that between the seeds, and that of a share
    among n images: mean (1 - mean) / n, for the test set is a sample too. Of a single run it is the latter alone.

    Units:   accuracies and the result as shares of 1

    >>> band = {"mean": 0.95, "sd": 0.002, "n": 10_000}
    >>> round(chance_to_miss(band, 0.95), 3), round(chance_to_miss(band, 0.945), 3)
    (0.5, 0.045)
    """
    mean = float(band["mean"])
    spread = sqrt(float(band["sd"] or 0) ** 2 + max(0.0, mean * (1 - mean)) / int(band["n"]))
    below = float(at_least) - mean
    if spread == 0:
        return 1.0 if below > 0 else 0.0
    return (1 + erf(below / spread / sqrt(2))) / 2
