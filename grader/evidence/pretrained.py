"""Where do the weights lie that a fine-tuned network began with, and what of them is still in a student's checkpoint?

The file is the course's, public, and never downloaded here. It enters a job's key by its digest, as a data set does.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grader.errors import MachineError
from grader.model import Evidence, EvidenceStatus, Job, Problem

if TYPE_CHECKING:
    from grader.evidence.kinds import Bench

SPLIT: Final = "pretrained"  # what stands where a data set has its split
FOLDER: Final = "pretrained"  # below the data root
_ENDINGS: Final = "pth|pt|safetensors"


def find(name: str, root: Path | None) -> Path:
    """The weights file of a network: the one that GRADER_NAME names, below the data root, or torch.hub's own copy.

    `root`  the course's data root; GRADER_DATA wins over it
    Raises:  MachineError where there is none, with what to do
    """
    from grader.datasets import data_root

    variable = f"GRADER_{name.upper()}"
    named = os.environ.get(variable)
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise _refused(name, f"{variable} names {path}, and there is no such file", code="weights-missing")
        return path
    root = data_root(root)
    folders = ([root / FOLDER] if root is not None else []) + [_hub() / "checkpoints"]
    pattern = re.compile(rf"{re.escape(name)}(-[0-9a-f]{{8,}})?\.({_ENDINGS})")
    for folder in folders:
        here = sorted(path for path in folder.glob(f"{name}*") if pattern.fullmatch(path.name) and path.is_file())
        if here:
            return here[0]
    looked = " and ".join(str(folder) for folder in folders)
    raise _refused(name, f"the weights of {name} are not on this machine: looked in {looked}", code="weights-missing")


def _hub() -> Path:
    """torch.hub's folder, by its rule and without torch."""
    home = os.environ.get("TORCH_HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home or f"{cache}/torch").expanduser() / "hub"


def digest(name: str, root: Path | None) -> str:
    """SHA-256 of the file, in hex. Raises MachineError as `find`, and where its name states another digest."""
    path = find(name, root)
    found = path.stat()
    made = _digest(path, found.st_size, found.st_mtime_ns)
    stated = re.fullmatch(rf".*-([0-9a-f]{{8,}})\.({_ENDINGS})", path.name)
    if stated and not made.startswith(stated[1]):
        what = f"{path}: its SHA-256 begins with {made[:8]}, not with {stated[1]} as its name says"
        raise _refused(name, what, code="weights-broken")
    return made


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, changed_ns: int) -> str:
    del size, changed_ns  # another file at the same place has others
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents(name: str, root: Path | None) -> bytes:
    """The file's bytes, for a machine that has none. Raises MachineError as `digest`."""
    digest(name, root)
    return find(name, root).read_bytes()


def compared(job: Job, folder: Path, bench: Bench) -> Evidence:
    """Result: that of grader/sandbox/programs/transfer.py, and `digest` of the pretrained file."""
    from grader import sandbox
    from grader.evidence.kinds import fault_of, files_of

    name = job.parameters["pretrained"]
    with tempfile.TemporaryDirectory(prefix="grader-weights-") as scratch:
        lent = bench.lent.get((name, SPLIT))
        if isinstance(lent, bytes):
            path = Path(scratch) / "weights"
            path.write_bytes(lent)
            known = hashlib.sha256(lent).hexdigest()
        else:
            path, known = find(name, bench.data_root).resolve(), digest(name, bench.data_root)
        ended = sandbox.run(
            job.kind,
            files=files_of(job, folder),
            request=dict(job.parameters),
            inputs=path,
            limits=bench.limits,
            level=bench.level,
        )
    if not isinstance(ended, sandbox.Answered):
        return fault_of(ended)
    refused = ended.result["refused"]
    if refused is not None:
        fix = f"save it again: torch.save(torch.load({path.name!r}, weights_only=True), 'new.pth'), and {_fix(name)}"
        problem = Problem("weights-broken", refused["where"], f"{path.name} {refused['what']}", fix)
        return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=problem)
    return Evidence("", EvidenceStatus.DONE, result={**ended.result, "digest": known})


def _fix(name: str) -> str:
    return (
        f"export GRADER_{name.upper()}=FILE, where FILE holds torchvision's weights of {name}, or put it under the "
        f"data root as {FOLDER}/{name}.pth"
    )


def _refused(name: str, what: str, *, code: str) -> MachineError:
    return MachineError.single(what, where=f"pretrained {name}", fix=_fix(name), code=code)
