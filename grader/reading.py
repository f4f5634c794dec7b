"""What does a report say, and does it agree with itself? Everything that can be told without a rubric.

    bytes -> text -> report lines -> printed summaries, claims, formulas -> each recomputed

`grader read` shows it, and the checks that look into a report use the same function.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING, Final

from grader.documents import DocumentError
from grader.frozen import dataclass
from grader.model import Problem

if TYPE_CHECKING:
    from grader.answers.claims import FoundClaim
    from grader.answers.formulas import FoundFormula
    from grader.architecture import Shape
    from grader.architecture.readers.printed import PrintedSummary
    from grader.architecture.recompute.verdict import SummaryVerdict
    from grader.documents.report_lines import Line
    from grader.model import Json, Rubric, Rule

MAX_REPORT_BYTES: Final = 64 * 2**20  # a notebook with pictures in it is large, and its text is not
MOST_COUNTED: Final = 200  # different accuracies of one report that are counted on images: 2 ms each

# What a file is, by its first bytes, and how its text is had: nobody should have to guess why nothing was found.
_NOT_TEXT: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"%PDF-", "a PDF", "convert it first: pdftotext -layout report.pdf report.txt"),
    (b"PK\x03\x04", "an archive (a zip, a Word or an OpenDocument file)", "unpack it, or export the report as text"),
    (b"\x89PNG", "a picture", "give the printed text, not its picture"),
    (b"\xff\xd8\xff", "a picture", "give the printed text, not its picture"),
    (b"GIF8", "a picture", "give the printed text, not its picture"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"SQLite format 3", "a database", "give the report, as text"),
)
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True)
class Report:
    """A report with everything that was found in it.

    `formulas`     each with what can be said of it without a rubric, one sentence each
    `granularity`  for each claim of an accuracy that stands in `claims`, what it can be a count of, most likely first
    `remarks`      how the file was read where that is not plain, one sentence each
    """

    file: str
    summaries: tuple[SummaryVerdict, ...] = ()
    claims: tuple[FoundClaim, ...] = ()
    formulas: tuple[tuple[FoundFormula, tuple[str, ...]], ...] = ()
    contradictions: tuple[str, ...] = ()
    granularity: Mapping[int, tuple[Mapping[str, Json], ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def summaries_in(lines: Sequence[Line], *, sample: Shape = ()) -> tuple[SummaryVerdict, ...]:
    """Every printed summary in the lines, recomputed. `sample` is the input without the batch, () where not known."""
    from grader.architecture.readers import read_summaries

    shape = (1, *sample) if sample else None
    return tuple(_judged(summary, shape) for summary in read_summaries(lines))


def _judged(summary: PrintedSummary, shape: Shape | None) -> SummaryVerdict:
    """The verdict; where our own judging breaks, a person looks, and the rest of the report is still read."""
    from grader.architecture.recompute import RowVerdict, SummaryVerdict, verify

    try:
        return verify(summary, input_shape=shape)
    except Exception as error:  # noqa: BLE001  our own bug must not cost a student anything
        doubt = f"this print could not be judged, by a fault of the grader ({type(error).__name__}: {error})"
        return SummaryVerdict(summary, tuple(RowVerdict(row) for row in summary.rows), doubts=(doubt,))


def read_report(text: str, *, file: str, sample: Shape = (), remarks: tuple[str, ...] = ()) -> Report:
    """Everything that `text` prints and claims, recomputed.

    `file`    what the messages call it; its ending is a hint only
    `sample`  what the networks take, without the batch, where it is known: prints without shapes need it

    >>> report = read_report("The test accuracy on MNIST is 98.92 %.", file="report.md")
    >>> [(claim.line, claim.metric, claim.split, str(claim.value)) for claim in report.claims]
    [(1, 'accuracy', 'test', '2473/2500')]
    """
    from grader.answers.claims import read_claims
    from grader.answers.claims.agreement import contradictions
    from grader.answers.formulas import find_formulas, formula_contradictions, remarks_on
    from grader.architecture.readers import read_summaries
    from grader.documents.report_lines import report_lines

    with _without_collections():
        lines = report_lines(text, name=file)
        printed = read_summaries(lines)
        claims = read_claims(lines, name=file)
    shape = (1, *sample) if sample else None
    summaries = tuple(_judged(summary, shape) for summary in printed)
    formulas = find_formulas(lines)
    clashes = [clash.said for clash in contradictions([(file, claims)])]
    clashes += [clash.said for clash in formula_contradictions(formulas)]
    return Report(
        file=file,
        summaries=summaries,
        claims=claims,
        formulas=tuple((found, remarks_on(found)) for found in formulas),
        contradictions=tuple(clashes),
        granularity=_granularity(claims),
        remarks=remarks,
    )


@contextmanager
def _without_collections() -> Iterator[None]:
    """Without Python's search for cycles: readers make objects by the million, none of them a cycle."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def claims_of(text: str, *, file: str) -> tuple[FoundClaim, ...]:
    """The claims alone, as in `read_report`."""
    from grader.answers.claims import read_claims
    from grader.documents.report_lines import report_lines

    return read_claims(report_lines(text, name=file), name=file)


def draft_for(rubric: Rubric, claims: Sequence[FoundClaim], *, file: str) -> tuple[dict[str, Json], int]:
    """A draft of answers.json under the keys of a rubric, and how many results fit none of them.

    A claim fits a rule `claim` about an accuracy of the data set and split that the rule recomputes, or about a number
    of parameters. One value that fits is filled in; several are listed for the student to choose; every other
    answer stays null. Keys that begin with _ are comments.
    """
    results = [claim for claim in claims if claim.is_result]
    answers: dict[str, Json] = {}
    used: set[int] = set()
    for rule in rubric.rules():
        if rule.answer is None or rule.answer in answers:
            continue
        fitting = [index for index, claim in enumerate(results) if _fits(rule, claim)]
        used.update(fitting)
        answers[rule.answer] = _drafted([results[index] for index in fitting], file)
    made = {"assignment": rubric.assignment, "answers": answers}
    return made, len(results) - len(used)


def _fits(rule: Rule, claim: FoundClaim) -> bool:
    if rule.check != "claim":
        return False
    about, source = rule.settings.get("about", "free"), rule.settings.get("recompute", {})
    if about == "parameters":
        return claim.metric == ("trainable_parameters" if source.get("field") == "trainable" else "parameters")
    if about != claim.metric:
        return False
    return all(
        stated is None or asked is None or stated == asked
        for stated, asked in ((claim.dataset, source.get("data")), (claim.split, source.get("split")))
    )


def _drafted(claims: Sequence[FoundClaim], file: str) -> Json:
    if not claims:
        return None
    found = [{"value": claim.as_written, "_from": f"{file}:{claim.line}"} for claim in claims]
    if len({claim.value for claim in claims}) == 1:
        return found[0]
    return {"value": None, "_candidates": found[:20]}


def _granularity(claims: Sequence[FoundClaim]) -> dict[int, tuple[Mapping[str, Json], ...]]:
    """For the accuracies, by their place among the claims. A log of thousands tells nothing by its last ones."""
    from grader.answers.granularity import granularity_readings

    known: dict[tuple[str, str | None, str | None], tuple[Mapping[str, Json], ...]] = {}
    made: dict[int, tuple[Mapping[str, Json], ...]] = {}
    for index, claim in enumerate(claims):
        if claim.metric != "accuracy" or not claim.is_result:
            continue
        about = (claim.as_written, claim.dataset, claim.split)
        if about not in known and len(known) < MOST_COUNTED:
            known[about] = tuple(granularity_readings(claim))
        made[index] = known.get(about, ())
    return made


def report_text(data: bytes, *, file: str) -> tuple[str, tuple[str, ...]]:
    r"""The text of a report's bytes, and what there is to say about them.

    UTF-8, UTF-16 and UTF-32 with a mark, and as a last resort Windows-1252, which is said.

    Raises:  DocumentError for what is no text (a PDF, an archive, a picture) or too large

    >>> report_text("96,5 % – gut".encode("cp1252"), file="bericht.txt")
    ('96,5 % – gut', ('bericht.txt is not UTF-8: it was read as Windows-1252',))
    """
    if len(data) > MAX_REPORT_BYTES:
        what = f"larger than {MAX_REPORT_BYTES // 2**20} MB"
        raise DocumentError(Problem("too-large", file, what, "give the report without its pictures"))
    for start, kind, fix in _NOT_TEXT:
        if data.startswith(start):
            raise DocumentError(Problem("no-text", file, f"this is {kind}, not text", fix))
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), ()
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        if b"\x00" in data[:4096]:
            what = "this is no text (there are zero bytes in it)"
            raise DocumentError(Problem("no-text", file, what, "give the report as text or Markdown")) from None
        said = f"{file} is not UTF-8: it was read as Windows-1252"
        return data.decode("cp1252", errors="replace"), (said,)
