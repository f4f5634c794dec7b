"""Is a submitted file what its name promises? One look per kind of file, each with all problems it finds.

Here text is decoded, JSON read strictly, of an image the header read: all by our own few lines, within limits. What
needs a library to be opened (weights, the pixels of an image, a notebook's cells, the grammar of Python) is opened in
the sandbox: `opening` names the job, `opened_problems` and `opened_words` read what it found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from grader.checks._images import NoImageError, read_header
from grader.checks._settings import counted
from grader.checks._submitted import opened
from grader.documents import (
    MAX_BYTES,
    Document,
    DocumentError,
    decode,
    json_document,
    parse_json,
    problems_in,
    schema,
    validator,
)
from grader.evidence.jobs import notebook_job, picture_job, syntax_job
from grader.model import Evidence, Job, Json, Problem, Submission, SubmittedFile

MAX_PROBLEMS = 20  # of one file; who has more has handed in another kind of file
MAX_PIXELS = 50_000_000  # a 7,000 x 7,000 figure; beyond, opening it is what hurts
NOTEBOOK_BYTES = 32 * 2**20  # notebooks hold their figures as text


class Look(NamedTuple):
    """What was found: problems, or a few words on what the file is."""

    problems: tuple[Problem, ...]
    words: str = ""


Entry = Mapping[str, Json]
OPENED_BYTES = 128 * 2**20  # of one file that goes into the sandbox to be opened


def opening(submission: Submission, files: Sequence[SubmittedFile], entry: Entry) -> Job | None:
    """The job that opens the entry's files, all in one go; None where looking at them here is enough."""
    kind = entry.get("kind", "any")
    asked = [file.path for file in files if 0 < file.size <= OPENED_BYTES]
    if kind == "code":
        asked = [path for path in asked if path.endswith(".py")]
    if not asked or kind not in ("code", "image", "notebook"):
        return None
    if kind == "image":
        return picture_job(submission, asked, max_pixels=entry.get("max_pixels", MAX_PIXELS))
    return (syntax_job if kind == "code" else notebook_job)(submission, asked)


def opened_problems(evidence: Evidence, entry: Entry) -> tuple[Problem, ...]:
    """What is wrong with the files that were opened. Of code and of a notebook's form it is a warning, no more.

    The grader's Python is one of several: what it does not parse, a newer one may.
    """
    made = []
    for file in evidence.result["files"]:
        problem, found = file["problem"], file["found"]
        if problem is not None:
            code = f"warning-{problem['code']}" if entry.get("kind") == "code" else problem["code"]
            made.append(Problem(code, problem["where"], problem["what"], problem["fix"]))
        elif found.get("flaw"):
            fix = "open it in Jupyter and save it"
            made.append(Problem("warning-notebook", file["path"], f"not quite a notebook: {found['flaw']}", fix))
    return tuple(made)


def opened_words(evidence: Evidence, path: str) -> str:
    """A few words on a file that was opened, where there is more to say than its first bytes told."""
    found = next((file["found"] for file in evidence.result["files"] if file["path"] == path), None)
    if not found:
        return ""
    if "cells" in found:
        code = sum(cell["kind"] == "code" for cell in found["cells"])
        shown = counted(len(found["cells"]), "cell")
        return f"a notebook of {shown}, {code} of them code, whose content is for a person to read"
    if "format" in found:
        blank = ", all of one colour" if found["is_blank"] else ""
        size = f"{found['format']} of {found['width']} x {found['height']} pixels{blank}"
        return f"{size}, whose content is for a person to see"
    return ""


def look(submission: Submission, file: SubmittedFile, entry: Entry) -> Look:
    """Everything that is wrong with a file's size and content. `entry` is what the rubric asks of it."""
    size = _size(file, entry)
    if size is not None:
        return Look((size,))
    kind = entry.get("kind", "any")
    if kind not in _LOOKS:
        return Look((), f"{file.size:,} bytes")
    try:
        return _LOOKS[kind](submission, file, entry)
    except DocumentError as error:
        return Look(error.problems[:MAX_PROBLEMS])


def _size(file: SubmittedFile, entry: Entry) -> Problem | None:
    least, most = entry.get("min_bytes", 1), entry.get("max_bytes")
    if file.size == 0 and least > 0:
        return Problem("empty-file", file.path, "the file is empty", "hand in the file with its content")
    if file.size < least:
        what = f"{file.size:,} bytes, at least {least:,} are expected"
        return Problem("too-small", file.path, what, "check that it is the whole file")
    if most is not None and file.size > most:
        what = f"{file.size:,} bytes, at most {most:,} are allowed"
        return Problem("too-large", file.path, what, "hand in a smaller file")
    return None


def _text(submission: Submission, file: SubmittedFile, entry: Entry, most: int = MAX_BYTES) -> str:
    """The whole file as text. The rubric may raise the limit on its size, which `_size` has looked at."""
    most = max(most, entry.get("max_bytes", 0))
    with opened(submission, file) as stream:
        return decode(stream.read(most + 1), name=file.path, max_bytes=most)


def _plain(submission: Submission, file: SubmittedFile, entry: Entry) -> Look:
    """Code and logs: text that a person can read. Whether code runs is found out in the sandbox."""
    text = _text(submission, file, entry)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        what = "holds a NUL character: this is no text"
        return Look((Problem("not-text", f"{file.path}:{line}", what, "hand in the source as plain text"),))
    if not text.strip():
        return Look((Problem("empty-file", file.path, "holds only blanks", "hand in the file with its content"),))
    return Look((), counted(text.count("\n") + (not text.endswith("\n")), "line"))


def _json(submission: Submission, file: SubmittedFile, entry: Entry) -> Look:
    document = json_document(_text(submission, file, entry), name=file.path)
    rules = _rules(entry)
    found = tuple(problems_in(document, rules))[:MAX_PROBLEMS] if rules is not None else ()
    return Look(found, "valid JSON" + (", as its schema asks" if rules is not None else ""))


def _jsonl(submission: Submission, file: SubmittedFile, entry: Entry) -> Look:
    rules = _rules(entry)
    checker = validator(rules) if rules is not None else None
    problems: list[Problem] = []
    records = 0
    # Not splitlines(): a JSON string may hold U+2028 as it is.
    for number, line in enumerate(_text(submission, file, entry).split("\n"), 1):
        if not line.strip():
            continue
        records += 1
        try:
            value = parse_json(line, name=file.path, first_line=number)
        except DocumentError as error:
            problems += error.problems
        else:
            if checker is not None:
                problems += problems_in(Document(file.path, value, {(): number}), checker)
        if len(problems) >= MAX_PROBLEMS:
            break
    if not records:
        problems.append(Problem("empty-file", file.path, "holds no record", "write one JSON object per line"))
    return Look(tuple(problems[:MAX_PROBLEMS]), counted(records, "record"))


def _rules(entry: Entry) -> Mapping[str, Json] | None:
    asked = entry.get("schema")
    return schema(asked) if isinstance(asked, str) else asked


def _notebook(submission: Submission, file: SubmittedFile, entry: Entry) -> Look:
    """Strict JSON with the two keys that make a notebook; its cells are for a person to read."""
    value = parse_json(_text(submission, file, entry, NOTEBOOK_BYTES), name=file.path)
    version = value.get("nbformat") if isinstance(value, dict) else None
    cells = value.get("cells") if isinstance(value, dict) else None
    if version != 4 or isinstance(version, bool) or not isinstance(cells, list):
        old = isinstance(version, int) and version < 4
        what = (
            f"a notebook of format {version}, not 4" if old else "not a notebook: 'nbformat': 4 and 'cells' are missing"
        )
        fix = "open it in Jupyter and save it, then hand in the .ipynb file"
        return Look((Problem("not-a-notebook", file.path, what, fix),))
    if not cells:
        return Look((Problem("empty-file", file.path, "a notebook without cells", "hand in the one with your work"),))
    return Look((), f"a notebook of {counted(len(cells), 'cell')}, whose content is for a person to read")


def _image(submission: Submission, file: SubmittedFile, entry: Entry) -> Look:
    with opened(submission, file) as stream:
        try:
            header = read_header(stream, file.size)
        except NoImageError as error:
            fix = "export the figure again, as PNG"
            return Look((Problem("not-an-image", file.path, str(error), fix),))
    most = entry.get("max_pixels", MAX_PIXELS)
    if header.pixels > most:
        what = f"{header.width:,} x {header.height:,} pixels are more than the {most:,} that are opened"
        return Look((Problem("image-too-large", file.path, what, "export the figure smaller"),))
    words = f"{header.format} of {header.width} x {header.height} pixels, whose content is for a person to see"
    return Look((), words)


def _report(submission: Submission, file: SubmittedFile, entry: Entry) -> Look:
    """A PDF or a Word file by its first bytes, else text."""
    with opened(submission, file) as stream:
        start = stream.read(1024)
    suffix = file.path.rpartition(".")[2].lower()
    words = "whose content is for a person to read"
    if b"%PDF-" in start:
        return Look((), f"a PDF, {words}")
    if suffix == "docx" and start.startswith(b"PK\x03\x04"):
        return Look((), f"a Word file, {words}")
    if suffix in ("pdf", "docx"):
        what = f"does not begin as a .{suffix} file does"
        return Look((Problem("not-a-report", file.path, what, "export the report again"),))
    return _plain(submission, file, entry)


_LOOKS: Mapping[str, Callable[[Submission, SubmittedFile, Entry], Look]] = {
    "code": _plain,
    "log": _plain,
    "json": _json,
    "jsonl": _jsonl,
    "notebook": _notebook,
    "image": _image,
    "report": _report,
}
