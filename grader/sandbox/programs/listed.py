"""How does a program look at many files in one go? Each by itself: one that is broken spoils no other's result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .channel import Fault

MOST_STAGES = 80
Look = Callable[[Path, str], dict[str, Any]]


def looked_at(request: dict[str, Any], box: Any, look: Look) -> dict[str, Any]:
    """Each of the request's `files` with what `look` finds in it, or the problem that it raises as a Fault."""
    names = request["files"]
    every = max(1, len(names) // MOST_STAGES)
    made = []
    for index, name in enumerate(names):
        if index % every == 0:
            box.channel.stage(f"reading {name}")
        made.append(_one(Path(box.submission, name), name, look))
    return {"files": made}


def _one(path: Path, name: str, look: Look) -> dict[str, Any]:
    try:
        if not path.is_file():
            raise Fault("missing-file", name, "the file is not there", "hand it in under this name")  # noqa: TRY301
        return {"path": name, "problem": None, "found": look(path, name)}
    except Fault as fault:
        problem = {key: str(fault.fields[key])[:800] for key in ("code", "where", "what", "fix")}
        return {"path": name, "problem": problem, "found": None}


def whole(path: Path, name: str, most: int) -> bytes:
    """The file's bytes, at most so many of them. Raises Fault."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        what = f"has {path.stat().st_size:,} bytes, more than {most:,}"
        raise Fault("too-large", name, what, "leave out data and outputs that nobody needs to read")
    return data
