"""Which runs of the reference is a student's training comparable with? Those on the same images and kind of device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.checks._retrained import Usual
from grader.checks._settings import counted, percent
from grader.checks._spread import Runs
from grader.evidence.jobs import TRAIN
from grader.evidence.kinds import device_class
from grader.frozen import dataclass
from grader.model import Evidence, Json


@dataclass(frozen=True)
class Band:
    """The reference's runs on one kind of device."""

    name: str
    device: str
    runs: Runs
    seconds: float
    data: Mapping[str, Json]
    versions: Mapping[str, str]
    precision: str

    @property
    def usual(self) -> Usual:
        """What its training takes."""
        return Usual(self.seconds)

    @property
    def said(self) -> str:
        """The band in words: "98.89% to 99.17% in 5 runs"."""
        low, high = (percent(Runs((count,), self.runs.n).mean) for count in (min(self.counts), max(self.counts)))
        between = low if low == high else f"{low} to {high}"
        return f"{between} in {counted(len(self.counts), 'run')}"

    @property
    def counts(self) -> tuple[int, ...]:
        return self.runs.counts


def band_in(document: Mapping[str, Json]) -> Band | None:
    """The band for the kind of device on which students' networks are trained; None where it was not measured there."""
    device = device_class(TRAIN)
    for band in document["bands"]:
        if band["device"] == device and all("correct" in run for run in band["runs"]):
            runs = Runs(tuple(run["correct"] for run in band["runs"]), band["n"])
            seconds = max(run["cpu_seconds"] for run in band["runs"])
            name, versions, precision = document["recipe_name"], band["versions"], band["precision"]
            return Band(name, device, runs, seconds, band["data"], versions, precision)
    return None


def strange(band: Band, made: Evidence) -> str:
    """Why the band says nothing about this training: another kind of device, other images. Empty where it does."""
    if made.device != band.device:
        return f"the band is of the device {band.device!r}, this training of {made.device or 'an unknown one'!r}"
    own, data = made.result["data"], band.data
    if own["edition"] != data["edition"]:
        names = [edition or "the released images" for edition in (data["edition"], own["edition"])]
        return f"the band was measured on {names[0]}, this training on {names[1]}"
    if any(own[split] != data[split] for split in ("train", "test")) or made.result["n"] != band.runs.n:
        return "the band was measured on other images than these"
    return ""


def other_precision(band: Band, made: Sequence[Evidence]) -> str:
    """In words, where these were trained in another precision than the band; empty where not."""
    others = sorted({one.result["precision"] for one in made} - {band.precision})
    return f"{' and '.join(others)}, where the band was measured in {band.precision}" if others else ""


def other_versions(band: Band, made: Evidence) -> str:
    """The packages that the band was measured with in another release, in words; empty where none differs."""
    told = [
        f"{name} {version} (here {made.versions[name]})"
        for name, version in sorted(band.versions.items())
        if name in made.versions and _release(version) != _release(made.versions[name])
    ]
    return ", ".join(told)


def _release(version: str) -> tuple[str, ...]:
    """The first two numbers of a version.

    >>> _release("2.13.0+cpu")
    ('2', '13')
    """
    return tuple(version.partition("+")[0].split(".")[:2])
