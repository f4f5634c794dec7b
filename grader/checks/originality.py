"""What does a hand-in have that another one of the class might have as well?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Final

from grader.checks._fingerprint import FORM, code_marks, log_marks, picture_marks, weights_marks, written_marks
from grader.checks._lint import setting_problem
from grader.checks._submitted import matching
from grader.checks.base import Check, fault, passed, register, remark
from grader.evidence.jobs import fingerprint_job
from grader.model import (
    EvidenceByJob,
    Finding,
    Job,
    Json,
    Outcome,
    Place,
    Problem,
    Rule,
    Submission,
    SubmittedFile,
    Visibility,
)

KINDS: Final = ("weights", "code", "logs", "texts", "pictures", "documents")
_GLOBS: Final[Mapping[str, tuple[str, ...]]] = {
    "weights": ("**.pth", "**.pt", "**.safetensors", "**.ckpt", "**.bin"),
    "code": ("**.py", "**.ipynb"),
    "logs": ("**.csv", "**.jsonl", "**.log", "**tfevents**"),
    "texts": ("**.md", "**.ipynb", "**.tex", "**.rst"),
    "pictures": ("**.png", "**.jpg", "**.jpeg", "**.gif"),
    "documents": ("**.pdf", "**.docx", "**.odt", "**.pth", "**.pt", "**.safetensors", "**.ckpt", "**.bin"),
}
_MOST: Final[Mapping[str, int]] = dict.fromkeys(KINDS, 60) | {"weights": 12, "logs": 20}
_MOST_BYTES: Final = 512 * 2**20  # of one file that goes into the sandbox
_LEAST_BYTES: Final = 1024  # of a document that is compared by its bytes alone


def _near(default: float, description: str) -> dict[str, Json]:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": default, "description": description}


@register
class Originality(Check):
    """Takes a fingerprint of a hand-in, by which `grader run-all` finds the pairs of a class that are alike.

    What it looks at: weights, layer by layer; code and notebooks; training logs; written answers, reports and the
    prose of notebooks; pictures; documents. Once the class is graded, each pair that has more in common than chance,
    the course's template and its reference explain is listed for the staff, with where it stands in both
    (docs/originality.md says what a pair means, and what it does not).

    - A copy of weights is found under other names and in other types, after some more training, scaled, with
      channels in another order, and where one layer alone was taken.
    - A copy of a program is found with other names, comments and layout, and with its functions in another order.
    - A copy of a log is found with a number changed, under other names, and with a constant added.

    Credit: none. A rule of this check has `points: 0` and `visibility: staff`, or the rubric is refused: what two
    hand-ins have in common is a question to people, and no report for students mentions it.

    Why it matters: a grade says what its owner can do.

    Not covered: help from outside of the class, text in pictures and PDF (equal files are found), a program that was
    written anew after another one, translations, and weights that were trained on for long.

        - check: originality
          points: 0
          visibility: staff
          same_seed: true          # the sheet gives seed and recipe: equal weights are expected, and each pair says so
    """

    name: ClassVar[str] = "originality"
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "compare": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"enum": list(KINDS)},
                "default": list(KINDS),
                "description": "what is compared",
            },
            "leave_out": {
                "type": "array",
                "maxItems": 100,
                "uniqueItems": True,
                "items": {"type": "string", "minLength": 1, "maxLength": 200},
                "default": [],
                "description": "files that everybody was given, by path or pattern such as data/**",
            },
            "given": {
                "type": "array",
                "maxItems": 20,
                "uniqueItems": True,
                "items": {"type": "string", "minLength": 1, "maxLength": 200},
                "default": [],
                "description": "folders of the course that students were given, besides the template and the"
                " reference: what stands in them is in no pair",
            },
            "same_seed": {
                "type": "boolean",
                "default": False,
                "description": "whether the sheet gives seed and recipe, so that honest weights and logs are equal",
            },
            "weights_near": _near(0.9, "the correlation from which on two layers are told as alike"),
            "code_near": _near(0.4, "the share of the smaller program's rare passages that both have to have"),
            "text_near": _near(0.4, "the same of texts"),
            "least_passages": {
                "type": "integer",
                "minimum": 5,
                "maximum": 1_000,
                "default": 40,
                "description": "the fewest rare passages that two programs share, one for about four words of code: a"
                " network that the sheet prescribes is written alike by many, and 40 are more than a small one has",
            },
            "least_words": {
                "type": "integer",
                "minimum": 5,
                "maximum": 10_000,
                "default": 12,
                "description": "the fewest words of a text that is compared: short right answers are equal by nature",
            },
        },
    }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Points, and findings that students would see."""
        if rule.points:
            yield setting_problem(rule, ["points"], "being alike is no fault that a machine may charge", "points: 0")
        if rule.visibility is not Visibility.STAFF:
            what = "students would read of a suspicion that nobody has looked at"
            yield setting_problem(rule, ["visibility"], what, "visibility: staff")
        for index, path in enumerate(rule.settings.get("given", [])):
            if path.startswith("/") or ".." in path.split("/"):
                what = f"{path!r} leads out of the course's folder"
                yield setting_problem(rule, ["given", index], what, "name a folder within it")

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """One job for the weights, one for code and texts, one for pictures."""
        for of, files in _asked(rule, submission).items():
            if files:
                yield fingerprint_job(submission, of, [file.path for file in files])

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """That the fingerprint was taken, and what could not be compared."""
        broken = [found for job in self.needs(rule, submission) if (found := fault(evidence[job])) is not None]
        ours = [found for found in broken if found.outcome is Outcome.UNKNOWN]
        yield from ours[:1]
        if ours:
            return
        marks = self.fingerprint(rule, submission, evidence)
        counts = [f"{len(marks[kind])} {word}" for kind, word in _WORDS.items() if marks[kind]]
        what = ", ".join(counts) or "nothing that can be compared"
        yield passed(f"a fingerprint was taken: {what}", code="fingerprint-taken")
        for found in broken:
            yield remark(Outcome.REVIEW, f"not compared: {found.said}", observed=found.observed, code="not-compared")
        for problem in _problems(self.needs(rule, submission), evidence):
            said = f"not compared: {problem['where']} {problem['what']}"
            yield remark(Outcome.REVIEW, said, place=Place(problem["path"]), code="not-compared")

    def fingerprint(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Mapping[str, Json]:
        """The marks of a hand-in, as `grader.originality` reads them."""
        compared = rule.settings.get("compare", KINDS)
        found: dict[str, Sequence[Mapping[str, Json]]] = {"weights": (), "texts": (), "pictures": ()}
        for job in self.needs(rule, submission):
            result = evidence[job]
            found[job.parameters["of"]] = result.result["files"] if result.is_done else ()
        least = rule.settings.get("least_words", 12)
        made = {
            "weights": weights_marks(found["weights"]),
            "code": code_marks(found["texts"]),
            "logs": log_marks(submission, _files(rule, submission, "logs")) if "logs" in compared else [],
            "texts": written_marks(found["texts"], submission, least),
            "pictures": picture_marks(found["pictures"]),
            "documents": [
                {"path": file.path, "digest": file.digest}
                for file in _files(rule, submission, "documents")
                if file.size >= _LEAST_BYTES
            ],
        }
        students = sorted(student.id for student in submission.students)
        kept = {kind: made[kind] if kind in compared else [] for kind in KINDS}
        return {"form": FORM, "assignment": submission.assignment, "students": students, **kept}


_WORDS: Final = {
    "weights": "weights files",
    "code": "programs",
    "logs": "logs",
    "texts": "texts",
    "pictures": "pictures",
    "documents": "whole files",
}


def _files(rule: Rule, submission: Submission, kind: str) -> list[SubmittedFile]:
    """The files of a kind, each once, but for those that are left out."""
    if kind not in rule.settings.get("compare", KINDS):
        return []
    left_out = {file.path for glob in rule.settings.get("leave_out", ()) for file in matching(submission, glob)}
    found = {file.path: file for glob in _GLOBS[kind] for file in matching(submission, glob)}
    kept = [file for path, file in sorted(found.items()) if path not in left_out and 0 < file.size <= _MOST_BYTES]
    return kept[: _MOST[kind]]


def _asked(rule: Rule, submission: Submission) -> dict[str, list[SubmittedFile]]:
    """The files that go into the sandbox, by what is asked of them."""
    texts = {file.path: file for kind in ("code", "texts") for file in _files(rule, submission, kind)}
    return {
        "weights": _files(rule, submission, "weights"),
        "texts": [texts[path] for path in sorted(texts)],
        "pictures": _files(rule, submission, "pictures"),
    }


def _problems(jobs: Iterable[Job], evidence: EvidenceByJob) -> Iterator[Mapping[str, Json]]:
    for job in jobs:
        for file in evidence[job].result["files"] if evidence[job].is_done else ():
            if file["problem"]:
                yield {**file["problem"], "path": file["path"]}
