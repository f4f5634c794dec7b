"""Was this very class compared before? Then what was found stands: nothing is read or counted a second time.

What is found follows from the fingerprints, the rules, what the course gave, earlier years, and this program with the
packages that count for it. Where one of these cannot be named, or was not read in full, the class is compared anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Protocol

from grader.checks import all_checks
from grader.course import Course
from grader.errors import GraderError
from grader.evidence.whole_files import write_whole
from grader.model import Job, Json, Rubric, Rule
from grader.originality.around import earlier_files, given_hand_ins, rules_of

FILE: Final = "fingerprints/compared.json"
_PACKAGES: Final = ("numpy", "scipy", "pillow")


class Store(Protocol):
    """Where fingerprints are kept: the ledger."""

    def fingerprint_digest(self, submission: str, rule: str) -> str | None: ...


def made_from(
    course: Course,
    rubrics: Iterable[Rubric],
    names: Iterable[tuple[str, str]],
    store: Store,
    key_of: Callable[[Job], str],
    *,
    program: str,
) -> str:
    """All that goes into comparing a class, as a digest; empty where that cannot be said.

    The arguments are those of `look_at_class`; `program` is the digest of this one. A fingerprint that is damaged, a
    job without a key or a file that cannot be read leave it empty.
    """
    digest = hashlib.sha256()

    def put(*parts: Json) -> None:
        digest.update(json.dumps(parts, sort_keys=True, default=str).encode() + b"\n")

    try:
        put(program, [[name, version(name)] for name in _PACKAGES])
        rules = list(rules_of(rubrics))
        for rubric, rule in rules:
            put(rubric.assignment, rule.id, rule.check, rule.settings)
            for path in earlier_files(course, rubric):
                put(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
            for part in _given(course, rubric, rule, key_of):
                put(part)
        for kept_under, called in names:
            marks = [store.fingerprint_digest(kept_under, rule.id) for _, rule in rules]
            if None in marks:
                return ""
            put(kept_under, called, marks)
    except (GraderError, OSError, PackageNotFoundError):
        return ""
    return digest.hexdigest()


def _given(course: Course, rubric: Rubric, rule: Rule, key_of: Callable[[Job], str]) -> Iterator[Json]:
    check = all_checks()[rule.check]
    for folder, submission in given_hand_ins(course, rubric, rule):
        files = [(file.path, file.digest) for file in submission.files]
        problems = [str(problem) for problem in submission.problems]
        keys = [key_of(job) for job in check.needs(rule, submission)]
        yield [str(folder), submission.id, submission.is_readable, files, problems, keys]


def found_before(folder: Path, made_from: str) -> Mapping[str, bytes] | None:
    """The files that came of the same comparison, by their names, where they stand as they were written; else None."""
    if not made_from:
        return None
    try:
        document = json.loads((folder / FILE).read_bytes())
        if document["made_from"] != made_from:
            return None
        files = {name: (folder / name).read_bytes() for name in document["files"]}
        is_whole = all(hashlib.sha256(data).hexdigest() == document["files"][name] for name, data in files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files if is_whole else None


def note(folder: Path, made_from: str, names: Sequence[str]) -> None:
    """Note what these files, which were just written, were made from; with none of that, forget what was noted."""
    if not made_from:
        (folder / FILE).unlink(missing_ok=True)
        return
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    text = json.dumps({"made_from": made_from, "files": files}, indent=1) + "\n"
    write_whole(folder / FILE, text.encode(), point="originality")
