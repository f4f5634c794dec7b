"""Where is a result kept? In one file per key, written at once or not at all, checked when read.

Layout: `<folder>/<first two hex digits>/<key>.json` holds {"checksum": ..., "evidence": {...}}. A file whose
checksum does not fit (a power cut, a full disk), or that another version of the grader wrote in another form, counts as
absent and is made again; the log tells of it. Faults of the system never get here, nor do limits that another day might
not hit (a clock, memory).
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path

from grader.errors import MachineError
from grader.evidence.room import tried
from grader.evidence.whole_files import sweep, write_whole
from grader.model import Evidence, EvidenceStatus, Json, Problem

log = logging.getLogger(__name__)


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
        path = self._path(key)
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            log.warning("%s cannot be read (%s): its result is made again", path, error.strerror)
            return None
        try:
            stored = json.loads(data)
            body = stored["evidence"]
            if stored["checksum"] == _checksum(body) and body["key"] == key:
                problem = Problem(**body["problem"]) if body["problem"] else None
                return Evidence(**{**body, "status": EvidenceStatus(body["status"]), "problem": problem})
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        log.warning("%s (%d bytes) is damaged or in another form: its result is made again", path, len(data))
        return None

    def put(self, evidence: Evidence) -> None:
        """Keep a lasting result; others are dropped. Raises MachineError where the disk refuses."""
        if not is_lasting(evidence):
            return
        body = asdict(evidence) | {"status": evidence.status.value}
        path = self._path(evidence.key)
        data = json.dumps({"checksum": _checksum(body), "evidence": body}, sort_keys=True).encode()
        try:
            write_whole(path, data, point="cache")
        except OSError as error:
            raise MachineError.single(
                f"a result of {len(data):,} bytes cannot be kept ({error.strerror})",
                where=str(path.parent),
                fix="free some space there, or name another folder with GRADER_CACHE",
            ) from error

    def prepare(self) -> None:
        """See, before anything runs, that results can be kept, and clear away what dead processes had begun to write.

        Raises MachineError with the folder, and with the bytes that are needed.
        """
        tried(self.folder, other="GRADER_CACHE")
        sweep(self.folder)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


def _checksum(body: Json) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
