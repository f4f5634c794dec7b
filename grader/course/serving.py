"""What may students do at the service? The table [service] of grader.toml; the defaults stand in its schema alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from grader.course.defaults import with_defaults
from grader.documents import schema
from grader.frozen import dataclass
from grader.model import Json


def _default(name: str) -> Any:
    """A field whose default is the published one, read when a Serving is first made."""
    return field(default_factory=lambda: schema("course")["properties"]["service"]["properties"][name]["default"])


@dataclass(frozen=True, slots=True)
class Serving:
    """The terms of the service, for all assignments or, by `of`, for one. Sizes in MiB, times in seconds.

    >>> Serving().attempts, Serving(upload_mb=5).upload_bytes
    (10, 5242880)
    """

    attempts: int = _default("attempts")
    upload_mb: int = _default("upload_mb")
    upload_s: float = _default("upload_s")
    uploads_per_minute: int = _default("uploads_per_minute")
    requests_per_minute: int = _default("requests_per_minute")
    feedback: str = _default("feedback")
    is_open: bool = True
    assignments: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    @property
    def upload_bytes(self) -> int:
        """The largest zip in bytes."""
        return self.upload_mb * 2**20

    @property
    def is_full(self) -> bool:
        """Whether students read findings in full."""
        return self.feedback == "full"

    def of(self, assignment: str) -> Serving:
        """The terms of one assignment."""
        return replace(self, **self.assignments.get(assignment, {}))


def serving_of(document: Mapping[str, Json]) -> Serving:
    """The terms that grader.toml sets, once its schema has nothing against it."""
    return Serving(**with_defaults(document.get("service", {}), schema("course")["properties"]["service"]))
