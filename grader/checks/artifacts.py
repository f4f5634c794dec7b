"""Is everything there that was asked for, and is each file what it should be?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import PurePosixPath
from typing import ClassVar

from grader.checks._artifact_kinds import Entry, look, opened_problems, opened_words, opening
from grader.checks._artifact_rules import entry_problems
from grader.checks._settings import counted
from grader.checks._submitted import closest, matching
from grader.checks.base import Check, failed, fault, passed, register, remark, shown
from grader.evidence.jobs import checkpoint_job
from grader.model import EvidenceByJob, Finding, Job, Json, Outcome, Place, Problem, Rule, Submission, SubmittedFile

MAX_MATCHES = 200  # files of one glob that are looked at; the sum of all is intake's to cap

_BYTES = {"type": "integer", "minimum": 0}
_ENTRY: Mapping[str, Json] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "path": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "pattern": r"^(?!.*(^|/)\.{0,2}(/|$))[^\\:*?\"<>|\u0000-\u001f]+$",
            "description": "the file's path inside the submission, with forward slashes",
        },
        "glob": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "a pattern instead of a path: * and ? within a folder, ** through folders",
        },
        "kind": {
            "enum": ["code", "checkpoint", "json", "jsonl", "log", "image", "notebook", "report", "any"],
            "default": "any",
            "description": "what the file must be",
        },
        "at_least": {
            "type": "integer",
            "minimum": 1,
            "default": 1,
            "description": "how many files must fit the glob",
        },
        "min_bytes": {**_BYTES, "default": 1, "description": "the smallest size that is accepted"},
        "max_bytes": {**_BYTES, "description": "the largest size that is accepted"},
        "max_pixels": {
            "type": "integer",
            "minimum": 1,
            "default": 50_000_000,
            "description": "width times height that an image may have",
        },
        "max_elements": {"type": "integer", "minimum": 1, "description": "numbers that a checkpoint may hold in all"},
        "schema": {
            "type": ["string", "object"],
            "pattern": "^[a-z][a-z0-9-]*$",
            "description": "for json and jsonl: the name of a published schema, such as training-log, or a JSON Schema",
        },
    },
}


@register
class Artifacts(Check):
    """Looks whether the files that the assignment asks for are there, and whether each is what it should be.

    What it looks at: every entry of `required` is one demand, with equal credit. A file must be there, within its
    sizes (an empty one never counts), and of its `kind`:

    - `code` and `log`: text in UTF-8. Where a `.py` file does not parse that is said, and costs nothing: a newer
      Python may read it. Whether code runs is found out by the checks that run it.
    - `json`, `jsonl`: strictly valid (no key twice, no NaN), and as `schema` says: a published one by its name
      (`training-log`) or one written here. Every problem is named with its line and its place in the file.
    - `checkpoint`: opened without running anything of it. A file that would run code when loaded is refused,
      and the finding says how to save the weights alone.
    - `image`: PNG, JPEG or GIF of a size that can be opened safely, and whole: its pixels are decoded in the sandbox.
    - `notebook`: a notebook of format 4 with cells; where Jupyter's own library finds its form odd, that is said.
    - `report`: PDF, Word or text.
    - `any`: only its size is looked at.

    A `glob` stands for several files: at least `at_least` must be there, and all that fit are looked at.
    Files under `optional` cost nothing when they are missing or broken, but problems are shown. With
    `allowed_extensions` there is one more demand: that nothing else was handed in.

    Problems that came up when the submission was read (a refused archive entry, a malformed answers.json)
    are shown here; where they are about a required file, that file's demand is not met.

    Not covered: what images, notebooks and reports show. A person looks at them.

        - check: artifacts
          required:
            - {path: model.py, kind: code}
            - {path: model.pth, kind: checkpoint, max_bytes: 50000000}
            - {path: train.jsonl, kind: jsonl, schema: training-log}
            - {glob: "figures/*.png", kind: image, at_least: 2}
          optional:
            - {path: report.pdf, kind: report}
          allowed_extensions: [.py, .pth, .json, .jsonl, .png, .pdf]
    """

    name: ClassVar[str] = "artifacts"
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["required"],
        "properties": {
            "required": {
                "type": "array",
                "minItems": 1,
                "maxItems": 100,
                "items": _ENTRY,
                "description": "the files that must be there; each is one demand",
            },
            "optional": {
                "type": "array",
                "maxItems": 100,
                "items": _ENTRY,
                "description": "files that are looked at where they are there, and cost nothing",
            },
            "allowed_extensions": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "pattern": r"^\.[A-Za-z0-9]{1,16}$"},
                "description": "the endings that any submitted file may have, such as .py",
            },
        },
    }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Entries that ask for nothing, for the impossible, or for a schema that is none."""
        for group in ("required", "optional"):
            for index, entry in enumerate(rule.settings.get(group, ())):
                yield from entry_problems(entry, rule.place.child(group, index))

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """One opened checkpoint per file that is to be one, and one job for each entry of images, notebooks, code."""
        for entry in _entries(rule):
            if entry.get("kind") == "checkpoint":
                for file in _files(submission, entry):
                    yield _job(submission, file, entry)
            job = opening(submission, _files(submission, entry), entry)
            if job is not None:
                yield job

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding per required entry; everything else is remarks."""
        told: set[tuple[str, str]] = set()
        for entry in rule.settings["required"]:
            yield from _judged(submission, entry, evidence, told, is_required=True)
        for entry in rule.settings.get("optional", ()):
            yield from _judged(submission, entry, evidence, told, is_required=False)
        if "allowed_extensions" in rule.settings:
            yield _only_allowed(submission, rule.settings["allowed_extensions"])
        for problem in submission.problems:
            if (problem.where, problem.what) not in told:
                yield _remark(submission, problem)


def _entries(rule: Rule) -> Iterator[Entry]:
    yield from rule.settings["required"]
    yield from rule.settings.get("optional", ())


def _files(submission: Submission, entry: Entry) -> tuple[SubmittedFile, ...]:
    if "glob" in entry:
        return matching(submission, entry["glob"])[:MAX_MATCHES]
    file = submission.file(entry["path"])
    return (file,) if file is not None else ()


def _job(submission: Submission, file: SubmittedFile, entry: Entry) -> Job:
    return checkpoint_job(submission, file.path, max_elements=entry.get("max_elements"))


def _judged(
    submission: Submission,
    entry: Entry,
    evidence: EvidenceByJob,
    told: set[tuple[str, str]],
    *,
    is_required: bool,
) -> Iterator[Finding]:
    """The finding of one entry, then further problems of it as remarks. `told` collects what was said."""
    files = _files(submission, entry)
    problems = [problem for file in files for problem in _about(submission, file)]
    words, unknown = "", None
    for file in files:
        found = look(submission, file, entry)
        problems += found.problems
        words = found.words
        if entry.get("kind") == "checkpoint" and not found.problems:
            made = evidence[_job(submission, file, entry)]
            broken = fault(made)
            if broken is None:
                words = checkpoint_words(made.result)
            elif broken.outcome is Outcome.UNKNOWN:
                unknown = broken
            elif made.problem is not None:
                problems.append(made.problem)
    job = opening(submission, files, entry)
    if job is not None:
        made = evidence[job]
        broken = fault(made)
        if broken is None:
            here = {problem.where.partition(":")[0] for problem in problems}
            problems += (one for one in opened_problems(made, entry) if not any(map(one.where.startswith, here)))
            words = opened_words(made, files[-1].path) or words
        elif entry.get("kind") != "code":  # whether code parses is a remark, and costs nothing
            if broken.outcome is Outcome.UNKNOWN:
                unknown = broken
            elif made.problem is not None:
                problems.append(made.problem)
    problems = list({(p.where, p.what): p for p in problems}.values())
    told.update((p.where, p.what) for p in problems)
    wrong = [problem for problem in problems if not _is_warning(problem)]
    absent = _absence(submission, entry, len(files))
    if not is_required:
        yield from (_remark(submission, problem) for problem in problems)
        return
    if absent is not None:
        yield absent
    elif wrong:
        yield _found(submission, wrong[0])
    elif unknown is not None:
        yield unknown
    else:
        yield passed(_praise(entry, files, words), place=Place(files[0].path), code="present")
    told_above = wrong[:1] if absent is None else []
    yield from (_remark(submission, problem) for problem in problems if problem not in told_above)


def _about(submission: Submission, file: SubmittedFile) -> Iterator[Problem]:
    """What came up about this file when the submission was read."""
    for problem in submission.problems:
        if _is_in(file.path, problem.where) and not _is_warning(problem):
            yield problem


def _is_warning(problem: Problem) -> bool:
    return problem.code.startswith("warning-")


def _absence(submission: Submission, entry: Entry, count: int) -> Finding | None:
    wanted = entry.get("at_least", 1)
    if count >= wanted:
        return None
    if "glob" in entry:
        glob = entry["glob"]
        have = f"{counted(count, 'file')} of {wanted}" if count else "no file"
        return failed(
            f"{have} fits {glob!r}: {counted(wanted, 'file')} must be there" if count else f"no file fits {glob!r}",
            expected=counted(wanted, "file"),
            observed=counted(count, "file"),
            fix=f"add files whose path fits {glob!r}",
            code="missing-file",
        )
    path = entry["path"]
    near = closest(submission, path)
    fix = f"rename {shown(near)!r} to {path!r}, if that is the file" if near else f"add {path!r} to the submission"
    return failed(f"{path!r} was not handed in", fix=fix, code="missing-file")


def _found(submission: Submission, problem: Problem) -> Finding:
    place = _place(submission, problem)
    return failed(f"{place.file}: {problem.what}", place=place, fix=problem.fix, code=problem.code)


def _remark(submission: Submission, problem: Problem) -> Finding:
    outcome = Outcome.PARTIAL if _is_warning(problem) else Outcome.FAILED
    place = _place(submission, problem)
    return remark(outcome, f"{place.file}: {problem.what}", place=place, fix=problem.fix, code=problem.code)


def _place(submission: Submission, problem: Problem) -> Place:
    """Where the problem is, with its line and pointer, if it is in a submitted file: 'a.json:3 /answers/x'."""
    where = problem.where
    file = max((f.path for f in submission.files if _is_in(f.path, where)), key=len, default=None)
    if file is None:
        return Place(shown(where))
    first, _, pointer = where.removeprefix(file).partition(" ")
    line = first.removeprefix(":")
    return Place(shown(file), shown(pointer), int(line) if line.isdecimal() else None)


def _is_in(path: str, where: str) -> bool:
    return where.startswith(path) and where[len(path) : len(path) + 1] in ("", ":", " ")


def _praise(entry: Entry, files: tuple[SubmittedFile, ...], words: str) -> str:
    if "glob" in entry and len(files) > 1:
        return f"{len(files):,} files fit {entry['glob']!r}"
    return f"{shown(files[0].path)!r} is there: {words}"


def checkpoint_words(result: Mapping[str, Json]) -> str:
    """What a checkpoint holds, in a few words.

    >>> checkpoint_words({"format": "torch-zip", "tensors": [{"name": "w", "shape": [2, 3]}], "elements": 6})
    'torch-zip, 1 tensor, 6 numbers'
    """
    words = [str(result["format"])] if "format" in result else []
    tensors = result.get("tensors")
    if tensors is not None:
        words.append(counted(tensors if isinstance(tensors, int) else len(tensors), "tensor"))
    if "elements" in result:
        words.append(counted(int(result["elements"]), "number"))
    return ", ".join(words) or "weights"


def _only_allowed(submission: Submission, extensions: list[str]) -> Finding:
    allowed = {extension.lower() for extension in extensions}
    others = sorted(f.path for f in submission.files if PurePosixPath(f.path).suffix.lower() not in allowed)
    listed = ", ".join(extensions)
    if not others:
        return passed(f"only files of the allowed kinds were handed in ({listed})", weight=Fraction(1), code="allowed")
    named = ", ".join(repr(shown(path, 60)) for path in others[:5]) + (" and more" if len(others) > 5 else "")
    return failed(
        f"{counted(len(others), 'file')} of another kind: {named}",
        expected=listed,
        observed=named,
        fix="leave them out",
        code="extension",
    )
