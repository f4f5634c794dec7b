"""How is a course's own network trained as a job? By its recipe, in a process of its own, here or on a node.

    reference solution -> prepared -> Job + folder -> Runner -> Evidence -> keep_band -> bands/RECIPE.json

Trusted code: no sandbox. The job carries the reference's own files, so a node needs no folder of the course. Where
`GRADER_DEVICE` or the backend give it a card (CUDA_VISIBLE_DEVICES), the process trains there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from grader.evidence.jobs import REFERENCE
from grader.evidence.whole_files import write_whole
from grader.model import Evidence, EvidenceStatus, Job, Json, Problem, SubmittedFile

if TYPE_CHECKING:
    from grader.evidence.kinds import Bench
    from grader.training.reference import Recipes

_TICK_S = 0.2  # how soon a training that is called off ends
_SAID = 600  # characters of what a broken process said last
_RECIPES = "recipes.py"  # a job carries its own recipe: to change another one makes it no other
# Of grader.training, what has no part in how a network is trained.
_BESIDE = ("__init__.py", "__main__.py", "bands.py", "reference.py")


@contextmanager
def prepared(recipes: Recipes, weights_file: Path | None = None) -> Iterator[Prepared]:
    """The files of a reference solution in a folder of their own, as long as this lasts."""
    with tempfile.TemporaryDirectory(prefix="grader-reference-") as name:
        folder = Path(name)
        for file in sorted(file for file in recipes.folder.glob("*.py") if file.name != _RECIPES):
            shutil.copyfile(file, folder / file.name)
        if weights_file is not None:
            shutil.copyfile(weights_file, folder / weights_file.name)
        yield Prepared(recipes, folder, weights_file.name if weights_file is not None else None)


class Prepared:
    """A reference solution whose jobs can be ordered: `folder` is the root of all of them."""

    def __init__(self, recipes: Recipes, folder: Path, weights_name: str | None) -> None:
        self.recipes, self.folder, self._weights_name = recipes, folder, weights_name
        self._files = tuple(_submitted(file) for file in sorted(folder.iterdir()))

    def job(self, recipe_name: str, *, seed: int, threads: int = 1, device: str = "cpu") -> Job:
        """One training. `device` is as GRADER_DEVICE names it; with threads, it is part of what comes out."""
        parameters: dict[str, Json] = {
            "network": self.recipes.network_name(recipe_name),
            "recipe": self.recipes.recipe(recipe_name).to_json(),
            "seed": seed,
            "threads": threads,
            "device": device,
            "weights_file": self._weights_name,
        }
        return Job(REFERENCE, self._files, parameters)


def _submitted(file: Path) -> SubmittedFile:
    data = file.read_bytes()
    return SubmittedFile(file.name, len(data), hashlib.sha256(data).hexdigest())


@cache
def code_digest() -> str:
    """The bytes of all code that decides what comes out of a training."""
    from grader import training

    folder = Path(training.__file__).parent
    files = [file for file in sorted(folder.glob("*.py")) if file.name not in _BESIDE]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def trained(job: Job, folder: Path, bench: Bench) -> Evidence:
    """Train as the job says, with the files staged in `folder`. Result: that of `grader.training.child.trained`."""
    with tempfile.TemporaryDirectory(prefix="grader-training-") as name:
        scratch = Path(name)
        request = _request(job, folder, bench, scratch)
        (scratch / "request.json").write_text(json.dumps(request), encoding="utf-8")
        answer, said = scratch / "answer.json", scratch / "said.txt"
        code = _run([str(scratch / "request.json"), str(answer)], said, job.parameters)
        if code == 0 and answer.is_file():
            told = json.loads(answer.read_text(encoding="utf-8"))
            if "result" in told:
                return Evidence("", EvidenceStatus.DONE, result=told["result"])
            return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=Problem(**told["problem"]))
        return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=_broke(code, said))


def _request(job: Job, folder: Path, bench: Bench, scratch: Path) -> Mapping[str, Json]:
    asked = job.parameters
    data = asked["recipe"]["data_set"]
    splits = [(data, split) for split in ("train", "test")]
    is_lent = any(split in bench.lent for split in splits)
    if is_lent:
        from grader.training.child import lend

        for of, split in splits:
            lend(bench.image_set(of, split), scratch / split)
    return {
        **{key: asked[key] for key in ("network", "recipe", "seed", "threads")},
        "folder": str(folder),
        "weights_file": str(folder / asked["weights_file"]) if asked["weights_file"] else None,
        "sets": str(scratch) if is_lent else None,
        "root": str(bench.data_root) if bench.data_root else None,
    }


def _run(arguments: list[str], said: Path, asked: Mapping[str, Json]) -> int:
    """The exit status of the process; it is ended with this one, and when jobs here are called off."""
    import grader
    from grader.sandbox.process import is_called_off
    from grader.sandbox.usage import most_held, saw

    threads = str(asked["threads"])
    path = os.pathsep.join([str(Path(grader.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {
        **os.environ,
        "PYTHONPATH": path.rstrip(os.pathsep),
        "GRADER_DEVICE": asked["device"],
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }
    with said.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  this interpreter, and our own module
            [sys.executable, "-m", "grader.training.child", *arguments],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,  # a first Ctrl-C lets what runs come to its end
        )
    try:
        while True:
            try:
                return process.wait(_TICK_S)
            except subprocess.TimeoutExpired:
                saw(most_held(process.pid))
                if is_called_off():
                    process.kill()
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _broke(code: int, said: Path) -> Problem:
    last = said.read_bytes().decode("utf-8", "replace").strip()[-_SAID:]
    if code == -signal.SIGKILL:
        what = "the training was killed from outside, as a machine does that is short of memory"
        return Problem("machine-memory", "reference", what, "train fewer at once: --jobs 1")
    what = f"the training ended with status {code}: {last.splitlines()[-1] if last else 'it said nothing'}"
    return Problem("training-broke", "reference", what, f"run it by `grader reference train`; it said: {last}")


def keep_band(path: Path, document: Mapping[str, Json]) -> None:
    """Write a band document: whole or not at all, with one run a line, so that a change is read at a glance."""
    write_whole(path, _text(document).encode(), point="band")


def _text(document: Mapping[str, Json]) -> str:
    text = json.dumps(document, indent=2)
    for band in document["bands"]:
        for run in band["runs"]:
            text = text.replace(_indented(run), json.dumps(run))
    return text + "\n"


def _indented(run: Mapping[str, Json]) -> str:
    inner = " " * 8
    return json.dumps(run, indent=2).replace("\n", "\n" + inner)
