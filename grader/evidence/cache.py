"""Where is a result kept? In one file per key, written at once or not at all, checked when read.

Layout: `<folder>/<first two hex digits>/<key>.json` holds {"checksum": ..., "evidence": {...}}. A file whose
checksum does not fit (a power cut, a full disk) counts as absent and is made again. Faults of the system never
get here, nor do limits that another day might not hit (a clock, memory).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from grader.errors import MachineError
from grader.model import Evidence, EvidenceStatus, Json, Problem


def is_lasting(evidence: Evidence) -> bool:
    """Whether the same inputs would give the same result again. A limit that was hit might not be, another day."""
    if evidence.status is EvidenceStatus.STUDENT_FAULT:
        return not evidence.result.get("limit")
    return evidence.status is EvidenceStatus.DONE


class Cache:
    """Results by key, in a folder. Safe for several processes: a file is renamed into place whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> Evidence | None:
        """The evidence under `key`, or None where there is none or it is damaged."""
        try:
            stored = json.loads(self._path(key).read_bytes())
            body = stored["evidence"]
            if stored["checksum"] != _checksum(body) or body["key"] != key:
                return None
            problem = Problem(**body["problem"]) if body["problem"] else None
            return Evidence(**{**body, "status": EvidenceStatus(body["status"]), "problem": problem})
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def put(self, evidence: Evidence) -> None:
        """Keep a lasting result; others are dropped. Raises MachineError where the disk refuses."""
        if not is_lasting(evidence):
            return
        body = asdict(evidence) | {"status": evidence.status.value}
        path = self._path(evidence.key)
        data = json.dumps({"checksum": _checksum(body), "evidence": body}, sort_keys=True).encode()
        temporary = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except OSError as error:
            with suppress(OSError):
                Path(temporary).unlink()
            raise MachineError.single(
                f"a result of {len(data):,} bytes cannot be kept ({error.strerror})",
                where=str(path.parent),
                fix="free some space there, or name another folder with GRADER_CACHE",
            ) from error

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


def _checksum(body: Json) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
