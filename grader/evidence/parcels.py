"""What of a job travels to another machine, and what comes back? Plain data both ways; the two share no folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from grader.evidence.local import stage
from grader.model import Evidence, EvidenceStatus, Job, Json, Problem, SubmittedFile

Contents = tuple[tuple[str, bytes], ...]


def packed(job: Job, root: Path) -> tuple[dict[str, Json], Contents]:
    """The job in plain JSON, and its files' bytes as intake saw them.

    Raises MachineError where a file is no longer what intake saw.
    """
    import tempfile

    document: dict[str, Json] = {
        "kind": job.kind,
        "files": [asdict(file) for file in job.files],
        "parameters": dict(job.parameters),
    }
    with tempfile.TemporaryDirectory(prefix="grader-parcel-") as folder:
        stage(job, root, Path(folder))
        return document, tuple((file.path, (Path(folder) / file.path).read_bytes()) for file in job.files)


def unpacked(document: Mapping[str, Json], contents: Contents, folder: Path) -> Job:
    """Write the files into `folder`, and give the job. Raises ValueError where the bytes are not the job's."""
    job = Job(
        document["kind"], tuple(SubmittedFile(**file) for file in document["files"]), dict(document["parameters"])
    )
    if sorted(path for path, _ in contents) != sorted(file.path for file in job.files):
        raise ValueError("the parcel holds other files than its job")
    by_path = dict(contents)
    for file in job.files:
        data = by_path[file.path]
        if hashlib.sha256(data).hexdigest() != file.digest:
            raise ValueError(f"{file.path} was changed on its way")
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return job


def told(evidence: Evidence) -> dict[str, Json]:
    """Evidence in plain JSON."""
    return asdict(evidence) | {"status": evidence.status.value}


def heard(document: Mapping[str, Json]) -> Evidence:
    """Evidence out of plain JSON.

    >>> heard(told(Evidence("k", EvidenceStatus.DONE, {"n": 3}))).result
    {'n': 3}
    """
    problem = Problem(**document["problem"]) if document["problem"] else None
    return Evidence(**{**document, "status": EvidenceStatus(document["status"]), "problem": problem})
