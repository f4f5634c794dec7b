"""What does a node do with a job? Stage its files in a folder of its own, run it in the sandbox there, and tell.

Runs in a worker of Ray: plain data in, plain data out. Student code never runs in this process: there it could submit
tasks and read objects. It runs in the sandbox that this process starts, and a node without a sandbox refuses.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.evidence.jobs import PREDICT
from grader.evidence.kinds import Bench, code_digest, versions
from grader.evidence.local import finished
from grader.evidence.own_folder import own_folder
from grader.evidence.parcels import Contents, told, unpacked
from grader.evidence.resources import on_this_node
from grader.model import Evidence, EvidenceStatus, Json, Problem

PEAK = "peak_bytes"  # beside the evidence: no part of it, for it is never twice the same


def done_there(
    document: Mapping[str, Json],
    contents: Contents,
    settings: Mapping[str, Json],
    names: tuple[list[str], list[tuple[str, str]]],
    *lent: Any,
) -> dict[str, Json]:
    """Do a job on a node.

    `lent` holds what came by the object store, in the order of `names`: the larger files of the job by their paths,
    then the data sets by name and split. Beside the evidence it tells the most memory that was seen of the job.
    """
    from grader import sandbox
    from grader.limits import Limits
    from grader.sandbox.usage import most_seen

    most_seen()  # of jobs before it
    began = time.monotonic()
    paths, splits = names
    level = sandbox.level(settings["sandbox"])
    refused = _refused(document["kind"], settings, level)
    if refused is not None:
        return told(Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=refused))
    sets = dict(zip(splits, lent[len(paths) :], strict=True))
    bench = Bench(Limits(**settings["limits"]), level, lent=sets)
    with own_folder(), tempfile.TemporaryDirectory(prefix="grader-job-") as folder:
        by_path = dict(contents) | dict(zip(paths, lent[: len(paths)], strict=True))
        job = unpacked(on_this_node(document), tuple(by_path.items()), Path(folder))
        return {**told(finished(job, Path(folder), bench, began)), PEAK: most_seen()}


def _refused(kind: str, settings: Mapping[str, Json], level: Any) -> Problem | None:
    """Why this node must not do the job: its results would not be those of the other nodes."""
    if settings["sandbox"] != "none" and not level.is_isolated:
        what = f"the code of other people is not run without a sandbox, and a node has none: {level.reason}"
        return Problem("no-sandbox", "sandbox", what, level.fix)
    if level.name != settings.get("level", level.name):
        what = f"a node has a sandbox of level {level.name}, and the others one of {settings['level']}"
        return Problem(
            "other-sandbox", "cluster", what, "see `grader doctor` there: what one wall refuses, another lets"
        )
    here, there = made_by(kind), settings["made_by"][kind]
    if here != there:
        differ = ", ".join(
            f"{name} {here.get(name)} and not {there[name]}" for name in there if here.get(name) != there[name]
        )
        what = f"a node of the cluster has {differ}: its results would not be those of the others"
        return Problem("other-version", "cluster", what, "install the same grader and the same packages on every node")
    return None


def about(wanted: str) -> tuple[str, dict[str, str]]:
    """A node's sandbox level, by its name, and by what it would make a prediction."""
    from grader import sandbox

    return sandbox.level(wanted).name, made_by(PREDICT)


def made_by(kind: str) -> dict[str, str]:
    """What a result of this kind is made by, here: the grader's own code, and the versions of what it uses."""
    return {"grader": code_digest(kind)[:12], **versions(kind)}
