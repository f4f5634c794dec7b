"""The gradebook's schema, one step a file: written once, never changed."""

from __future__ import annotations

import re
from pathlib import Path

VERSION_TABLE = "gradebook_version"


def steps() -> list[str]:
    """The revisions of the schema that this version knows, in order."""
    names = sorted(path.name for path in (Path(__file__).parent / "versions").glob("[0-9]*.py"))
    return [re.match(r"[0-9]+", name)[0] for name in names]  # type: ignore[index]
