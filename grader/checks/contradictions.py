"""Does a report say two things of its own network or training that cannot both be so? Both places are quoted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from grader.checks._live import LiveLayer, live_layers
from grader.checks._settings import MODEL, counted
from grader.checks._submitted import matching, opened
from grader.checks.base import Check, passed, register, review, shown
from grader.checks.report_agreement import MOST_FILES, MOST_NAMED, absent, unread
from grader.documents import DocumentError
from grader.evidence.jobs import describe_job, missing_files
from grader.model import EvidenceByJob, Finding, Job, Json, Outcome, Place, Rule, Submission
from grader.reading import MAX_REPORT_BYTES, report_text

if TYPE_CHECKING:
    from grader.answers.descriptions import Clash

_TOPICS: Final = (
    "pooling", "optimizer", "learning_rate", "epochs", "batch_size", "dropout", "layers", "sizes", "accuracy",
)  # fmt: skip


@register
class Contradictions(Check):
    """Looks for two places of a report that describe one network or one training in ways that exclude each other.

    What it looks at: plain sentences ("in my model I use max pooling", "the network consists of four convolutional
    layers") and lines of settings ("Optimizer: Adam") under one heading. The topics are the kind of pooling, optimizer,
    learning rate, epochs, batch size, dropout and the number of convolutional layers; `sizes` are formulas of an
    output's shape, `accuracy` are results whose digits were swapped.

    - Both places are quoted with their lines. Where `model` is there, what the network really has tells which of the
      two is so: pooling, convolutional layers, dropout.
    - Doubt is silence. A sentence that compares, tries or changes something, a heading under which there is more than
      one network or phase (SGD and then Adam, Net 1 and Net 2, before and after), and two lists of settings are never
      held against each other. Statements under different headings are not either.

    Credit: a contradiction goes to a person, with all the points as the proposal. `contradictions: remark` only tells
    it, `fail` lets it cost the points.

    Why it matters: of two descriptions of one network one is wrong, and who reads the report cannot know which.

    Not covered: numbers against answers.json, logs and the checkpoint (see `report-agreement`, which looks for swapped
    digits too: leave out `accuracy` where both are used), pictures, tables, and code.

        - check: contradictions
          report: report.md
          topics: [pooling, optimizer, learning_rate]
    """

    name: ClassVar[str] = "contradictions"
    uses_model: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["report"],
        "properties": {
            "report": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "the report, or a pattern such as report.*",
            },
            "topics": {
                "type": "array",
                "minItems": 1,
                "maxItems": len(_TOPICS),
                "uniqueItems": True,
                "items": {"enum": list(_TOPICS), "description": "a topic"},
                "description": "what is looked for; left out: everything",
            },
            "model": MODEL,
            "contradictions": {
                "enum": ["remark", "review", "fail"],
                "default": "review",
                "description": "remark: told, and the points are given; review: a person decides, and is told that "
                "nothing need be lost; fail: a contradiction costs the points",
            },
        },
    }

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """What the live model is, where the rule names one and its code is there: it may tell which place is right."""
        if _has_live_model(rule, submission):
            yield describe_job(submission, rule.settings["model"])

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """Each contradiction with both places; else how many sentences were held against each other."""
        settings = rule.settings
        reports = matching(submission, settings["report"])[:MOST_FILES]
        if not reports:
            yield absent(settings["report"], submission)
            return
        live: Sequence[LiveLayer] = ()
        if _has_live_model(rule, submission):
            described = evidence.get(describe_job(submission, settings["model"]))
            live = live_layers(described.result) if described is not None and described.is_done else ()
        found: list[Finding] = []
        open_: list[Finding] = []
        read: list[str] = []
        looked = 0
        for file in reports:
            try:
                with opened(submission, file) as stream:
                    text, _ = report_text(stream.read(MAX_REPORT_BYTES + 1), file=file.path)
            except (DocumentError, OSError) as error:
                open_.append(unread(file, error))
                continue
            count, own = _in_report(settings, file.path, text, live)
            looked += count
            read.append(file.path)
            found += own
        yield from _decided(settings, found, open_, read, looked)


def _has_live_model(rule: Rule, submission: Submission) -> bool:
    model = rule.settings.get("model")
    return model is not None and not missing_files(submission, model, needs_checkpoint=False)


def _in_report(
    settings: Mapping[str, Json], file: str, text: str, live: Sequence[LiveLayer]
) -> tuple[int, list[Finding]]:
    """How many statements were held against each other, and the contradictions among them."""
    from grader.answers.claims import read_claims
    from grader.answers.claims.agreement import contradictions
    from grader.answers.descriptions import clashes, mentions_in, scopes_of
    from grader.answers.formulas import find_formulas, formula_contradictions
    from grader.documents.report_lines import report_lines

    topics = settings.get("topics", _TOPICS)
    lines = report_lines(text, name=file)
    scopes = scopes_of(lines)
    looked = sum(
        mention.said is not None and mention.topic in topics
        for scope in scopes
        for sentence in scope.sentences
        for mention in mentions_in(sentence)
    )
    found = [_described(file, clash, live) for clash in clashes(scopes, topics)]
    if "sizes" in topics:
        formulas = find_formulas(lines)
        looked += len(formulas)
        found += [
            _finding(
                f"{file}: {clash.said}",
                file,
                (clash.first.line, clash.first_says),
                (clash.second.line, clash.second_says),
            )
            for clash in formula_contradictions(formulas)
        ]
    if "accuracy" in topics:
        claims = read_claims(lines, name=file)
        looked += len(claims)
        found += [
            _finding(
                clash.said,
                file,
                (clash.first.line, shown(clash.first.as_written)),
                (clash.second.line, shown(clash.second.as_written)),
            )
            for clash in contradictions([(file, claims)])
        ]
    return looked, found


def _described(file: str, clash: Clash, live: Sequence[LiveLayer]) -> Finding:
    """The finding of two sentences, and what the live model says to them."""
    first, second = clash.first, clash.second
    said = f"{file}: {clash.said}"
    real = _real(clash, live)
    if real:
        right = next((one for one in (first, second) if one.value == real), None)
        said += f"; the network that was handed in has {_words(clash.topic, real)}"
        said += f", as line {right.line} says" if right is not None else ", as neither says"
    return _finding(said, file, (first.line, shown(first.quote, 200)), (second.line, shown(second.quote, 200)))


def _real(clash: Clash, live: Sequence[LiveLayer]) -> str:
    """What the live network has of the topic; "" where it has none or several, and for what no network shows."""
    leaves = [layer for layer in live if layer.is_leaf]
    if clash.topic == "pooling":
        kinds = {"max pooling": "max_pool2d", "average pooling": "avg_pool2d"}
        there = [name for name, kind in kinds.items() if any(layer.is_a(kind) for layer in leaves)]
        return there[0] if len(there) == 1 else ""
    if clash.topic == "layers":
        count = sum(layer.is_a("conv2d") for layer in leaves)
        return str(count) if count else ""
    if clash.topic == "dropout":
        rates = {layer.attributes.get("p") for layer in leaves if layer.is_a("any_dropout")}
        rate = rates.pop() if len(rates) == 1 else None
        return "" if rate is None else f"{float(rate):g}"
    return ""


def _words(topic: str, real: str) -> str:
    if topic == "layers":
        return counted(int(real), "convolutional layer")
    return f"a dropout of {real}" if topic == "dropout" else real


def _finding(said: str, file: str, first: tuple[int, str], second: tuple[int, str]) -> Finding:
    return review(
        said,
        credit=Fraction(1),
        place=Place(file, line=second[0]),
        expected=f"line {first[0]}: {first[1]}",
        observed=f"line {second[0]}: {second[1]}",
        fix="find out which of the two is so, and correct the other",
        code="contradiction",
    )


def _decided(
    settings: Mapping[str, Json], found: Sequence[Finding], unread: Sequence[Finding], read: Sequence[str], looked: int
) -> Iterator[Finding]:
    how, is_read = settings.get("contradictions", "review"), bool(read)
    if found and how == "fail":
        yield replace(found[0], outcome=Outcome.FAILED, credit=Fraction(0))
    elif found and how == "review":
        yield found[0]
    elif not is_read:
        yield unread[0]
        unread = unread[1:]
    else:
        said = "; points are not taken for it" if found else ""
        told = f"{counted(len(found), 'contradiction')} among {counted(looked, 'statement')} of the report{said}"
        if not found:
            told = f"{counted(looked, 'statement')} of the report, and no contradiction"
        yield passed(told, place=Place(read[0]), code="agrees")
    rest = found if how == "remark" else found[1:]
    yield from (replace(one, weight=Fraction(0)) for one in [*rest[:MOST_NAMED], *unread])
