"""Which images and labels does a name such as "mnist" stand for? The same bytes on every machine, or an error.

    data_root -> registry.Source.find -> Source.read -> cache (memory-mapped) -> ImageSet

`load` gives the images, `digest` their identity without loading them (for the key of a job), `status` what
`grader data list` shows. The real sets lie under a data root: the folder that GRADER_DATA names, or the one that
the course's grader.toml names. No set ever stands in for another: a missing one is a `DataSetMissing`, and a
folder that holds other images than its name says is an error.
"""

from __future__ import annotations

from grader.datasets.access import SetStatus, data_root, digest, load, status
from grader.datasets.image_set import ImageSet, inputs
from grader.datasets.registry import DataSetMissing, Source, names, source

__all__ = [
    "DataSetMissing",
    "ImageSet",
    "SetStatus",
    "Source",
    "data_root",
    "digest",
    "inputs",
    "load",
    "names",
    "source",
    "status",
]
