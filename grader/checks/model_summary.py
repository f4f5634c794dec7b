"""Does the model summary that the student printed into the report agree with itself, and with the model handed in?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final

from grader.architecture import TORCH_NAMES, build
from grader.checks._network import batched_input, network_problems
from grader.checks._settings import MODEL, NETWORK, counted
from grader.checks._submitted import closest, matching, opened
from grader.checks.base import Check, failed, fault, missing, partial, passed, register, remark, review, shown
from grader.documents import DocumentError
from grader.documents.report_lines import report_lines
from grader.evidence.jobs import describe_job, missing_files
from grader.model import EvidenceByJob, Finding, Job, Json, Outcome, Place, Problem, Rule, Submission, SubmittedFile
from grader.reading import MAX_REPORT_BYTES, report_text, summaries_in

if TYPE_CHECKING:
    from grader.architecture.recompute.verdict import Disagreement, SummaryVerdict

FORMATS: Final = (
    "torchsummary", "torchsummaryX", "pytorch_model_summary", "torchinfo", "print", "keras", "lightning", "handtable",
)  # fmt: skip
TOOLS: Final = FORMATS[:-1]
MOST_FILES: Final = 20  # of one pattern
MOST_NAMED: Final = 20  # lines that disagree; a print with more is another one, and the first twenty say so


@register
class ModelSummary(Check):
    """Reads the model summaries that a report prints, rebuilds the layers, and recomputes every number in them.

    What it looks at: the text of `report` (Markdown, a notebook, LaTeX, HTML, plain text). Prints of torchsummary,
    torchsummaryX, pytorch_model_summary, torchinfo, `print(model)`, Keras and Lightning are found by themselves, and
    so are tables of layers made by hand. `kinds` says which of them count here; `at_least` how many there must be.

    Each print is held against itself. A row's count has to follow from its kind, its input and its output; its shape
    from the rows before it; the totals from the rows, and the megabytes from both, by the rule of the tool that
    printed them. Kernel, stride and padding are worked out where the format does not print them. Faults of the tools
    (a module used twice that is counted twice) are known, said, and charged to nobody.

    With `model`, the print is held against the live model too, row by row; with `network`, against a network of the
    rubric. Rows without a module (functional pooling, flatten) may be missing in a print. Where a print is of
    another input size than the model's, counts are compared and shapes are not.

    Credit: with `credit: all` (the default) a print with a line that cannot be right fails; with `credit: share`
    the rows that hold earn their share. A slip is charged once: what follows from it is not named again. What could
    not be read, what an honest network could print too, and a report in which no summary is found (it may be a
    picture) go to a person, with the line.

    Why it matters: a summary says what was really built, but only if it was not typed by hand.

    Not covered: whether the architecture is a good one (see `architecture`), and pictures of prints.

        - check: model-summary
          report: report.md
          kinds: [torchsummary, torchinfo]
          model: net
    """

    name: ClassVar[str] = "model-summary"
    uses_model: ClassVar[bool] = True
    uses_network: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["report"],
        "properties": {
            "report": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "the file with the print, or a pattern such as report.* or **/*.ipynb",
            },
            "kinds": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"enum": list(FORMATS)},
                "description": "which prints count; left out: all but tables made by hand",
            },
            "at_least": {
                "type": "integer",
                "minimum": 1,
                "default": 1,
                "description": "how many summaries the report must hold",
            },
            "input": {
                "type": "array",
                "minItems": 1,
                "maxItems": 8,
                "items": {"type": "integer", "minimum": 1},
                "description": "what the network takes, without the batch: for prints that show no shapes",
            },
            "model": MODEL,
            "network": NETWORK,
            "credit": {
                "enum": ["all", "share"],
                "default": "all",
                "description": "all: a print with a wrong line earns nothing; share: the rows that hold earn theirs",
            },
        },
    }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """A network that does not fit; two things to compare with."""
        settings = rule.settings
        if isinstance(settings.get("network"), Mapping):
            yield from network_problems(settings["network"], rule.place.child("network"))
        if "network" in settings and "model" in settings:
            what = "a print is held against the model or against a network, not both"
            yield Problem("setting", str(rule.place.child("network")), what, "leave one of the two out")

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The description of the live model, where it is asked for and its code is there."""
        if "model" in rule.settings and not missing_files(submission, rule.settings["model"], needs_checkpoint=False):
            yield describe_job(submission, rule.settings["model"])

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding that decides per print, and a remark for each line that disagrees."""
        settings = rule.settings
        files = matching(submission, settings["report"])
        if not files:
            yield _absent(submission, settings["report"])
            return
        found: list[tuple[str, SummaryVerdict]] = []
        for file in files[:MOST_FILES]:
            try:
                verdicts = summaries_of(submission, file, tuple(settings.get("input", ())))
            except (DocumentError, OSError) as error:
                yield _unread(file, error)
                continue
            kinds = settings.get("kinds", TOOLS)
            found += [(file.path, verdict) for verdict in verdicts if verdict.summary.format.value in kinds]
        if len(found) < settings.get("at_least", 1):
            yield _too_few(settings, files, len(found))
        live, broken = _live(rule, submission, evidence)
        if broken is not None:
            yield replace(broken, weight=broken.weight if found else Fraction(0))
        for path, verdict in found:
            yield from _findings(path, verdict, settings, live)


def summaries_of(submission: Submission, file: SubmittedFile, sample: tuple[int, ...]) -> tuple[SummaryVerdict, ...]:
    """The summaries of a submitted report, recomputed. A report is read once, however many rules ask.

    `sample`  the input shape without the batch; () where it is not known
    Raises:   DocumentError for what is no text, OSError for what cannot be opened
    """
    with opened(submission, file) as stream:
        data = stream.read(MAX_REPORT_BYTES + 1)
    return _recomputed(data, file.path, sample)


@lru_cache(maxsize=8)
def _recomputed(data: bytes, path: str, sample: tuple[int, ...]) -> tuple[SummaryVerdict, ...]:
    text, _ = report_text(data, file=path)
    return summaries_in(report_lines(text, name=path), sample=sample)


def _absent(submission: Submission, wanted: str) -> Finding:
    near = closest(submission, wanted)
    if near is None:
        return missing([wanted])
    said = f"{wanted!r} was not handed in; {near!r} was"
    return failed(said, fix=f"hand it in as {wanted!r}", code="missing-file")


def _unread(file: SubmittedFile, error: DocumentError | OSError) -> Finding:
    if isinstance(error, OSError):
        return Finding(Outcome.UNKNOWN, f"{file.path} could not be opened ({error})", code="unreadable")
    problem = error.problem
    said = f"{file.path} was not read: {problem.what}; a person looks"
    return review(said, place=Place(file.path), fix=problem.fix, code=problem.code)


def _too_few(settings: Mapping[str, Json], files: Sequence[SubmittedFile], count: int) -> Finding:
    """Not FAILED: a print may be there as a picture, or in a form that no reader knows."""
    least = settings.get("at_least", 1)
    where = " and ".join(repr(file.path) for file in files[:3])
    what = "no printed summary was" if not count else f"only {count} of {least} printed summaries were"
    said = f"{what} found in {where}: it may be a picture, or in another form; a person looks"
    return review(said, place=Place(files[0].path), fix="paste the print as text", code="no-summary")


# --- what it is held against --------------------------------------------------------------------


def _live(
    rule: Rule, submission: Submission, evidence: EvidenceByJob
) -> tuple[Mapping[str, Json] | None, Finding | None]:
    """The layers to compare with, in the form of a `describe` result; or the finding that there are none."""
    settings = rule.settings
    if "network" in settings:
        return described(settings["network"]), None
    if "model" not in settings:
        return None, None
    absent = missing_files(submission, settings["model"], needs_checkpoint=False)
    if absent:
        names = " and ".join(map(repr, absent))
        said = f"the print could not be held against the model, for {names} was not handed in; a person looks"
        return None, review(said, fix=f"add {names} to the submission", code="no-model")
    made = evidence[describe_job(submission, settings["model"])]
    return (made.result, None) if made.is_done else (None, fault(made))


def described(network: Mapping[str, Json]) -> Mapping[str, Json]:
    """A network of the rubric in the form that the sandbox describes a live model in."""
    shape, _ = batched_input(network)
    built = build(shape, network["layers"])
    names = {word: name for name, word in TORCH_NAMES.items()}
    layers = [
        {
            "name": node.name,
            "kind": names.get(node.kind, node.kind),
            "torch_kind": names.get(node.kind, node.kind),
            "attributes": {},
            "input_shape": list(node.input_shape),
            "output_shape": list(node.output_shape),
            "parameters": node.parameters,
            "is_leaf": True,
        }
        for node in built.nodes
    ]
    return {
        "layers": layers,
        "parameters": built.parameter_count,
        "trainable": built.trainable_count,
        "input_shape": list(shape),
        "output_shape": list(built.output_shape),
    }


# --- what is said -------------------------------------------------------------------------------


def _findings(
    path: str, verdict: SummaryVerdict, settings: Mapping[str, Json], live: Mapping[str, Json] | None
) -> Iterator[Finding]:
    """The finding that decides, and one remark for each line beyond the first."""
    from grader.architecture.recompute.live import compare_live

    summary = verdict.summary
    against = compare_live(verdict, _as_printed(live, verdict)) if live is not None else ()
    own = {one.line for one in verdict.disagreements}
    said = [*verdict.disagreements, *(one for one in against if one.line not in own)]
    # A row that was not read can explain whatever does not fit: nothing is certain beside it.
    wrong = [one for one in said if one.is_certain and not summary.unread]
    open_ = [one for one in said if one not in wrong]
    place = Place(path, line=summary.first_line)
    if wrong:
        yield _wrong(path, verdict, wrong, settings)
        yield from (_remark(path, one) for one in [*wrong[1:MOST_NAMED], *open_[:MOST_NAMED]])
    elif summary.unread or open_ or verdict.doubts:
        yield _open(path, verdict, open_)
        yield from (_remark(path, one) for one in open_[1:MOST_NAMED])
    else:
        held = " and with " + ("your model" if "model" in settings else "the network of the task") if live else ""
        said_ = f"the {summary.format.value} print of {counted(len(summary.rows), 'row')} agrees with itself{held}"
        yield passed(said_, place=place, code="consistent")
    for defect in verdict.defects:
        yield remark(Outcome.PASSED, defect, place=place, code="tool-defect")


def _as_printed(live: Mapping[str, Json], verdict: SummaryVerdict) -> Mapping[str, Json]:
    """What the print has to show. Functions may do what learns nothing, and leave no row of that kind anywhere."""
    printed = {row.type for row in verdict.summary.rows}
    kept = [layer for layer in live["layers"] if layer["parameters"] or layer["kind"] in printed]
    return {**live, "layers": kept}


def _wrong(path: str, verdict: SummaryVerdict, wrong: Sequence[Disagreement], settings: Mapping[str, Json]) -> Finding:
    first = wrong[0]
    details: dict[str, Json] = {
        "place": Place(path, line=first.line),
        "observed": shown(first.said, 80),
        "expected": shown(first.recomputed, 80),
        "fix": "paste the print as the tool made it, and run it again where the model has changed since",
        "code": "summary-disagrees",
    }
    said = f"line {first.line} cannot be right: {first.why}"
    if settings.get("credit", "all") == "all":
        return failed(said, **details)
    cells = len(verdict.rows) + len(verdict.summary.totals)
    return partial(said, Fraction(max(cells - len({one.line for one in wrong}), 0), max(cells, 1)), **details)


def _open(path: str, verdict: SummaryVerdict, open_: Sequence[Disagreement]) -> Finding:
    """A person decides: what could not be read, what an honest network could print too, what is not known."""
    summary = verdict.summary
    if summary.unread:
        first = summary.unread[0]
        said = f"line {first.line} of the print was not read ({first.why}); a person looks"
        return review(said, place=Place(path, line=first.line), observed=shown(first.text, 80), code="unread-line")
    if open_:
        one = open_[0]
        said = f"line {one.line} is odd: {one.why}; a person looks"
        details: dict[str, Json] = {"observed": shown(one.said, 80), "expected": shown(one.recomputed, 80)}
        return review(said, place=Place(path, line=one.line), **details, code="summary-doubtful")
    said = f"everything that can be recomputed agrees, but {verdict.doubts[0]}; a person looks"
    return review(said, credit=Fraction(1), place=Place(path, line=summary.first_line), code="summary-doubtful")


def _remark(path: str, one: Disagreement) -> Finding:
    outcome = Outcome.FAILED if one.is_certain else Outcome.REVIEW
    place = Place(path, line=one.line)
    details: dict[str, Json] = {"observed": shown(one.said, 80), "expected": shown(one.recomputed, 80)}
    return remark(outcome, f"line {one.line}: {one.why}", place=place, **details, code="summary-disagrees")
