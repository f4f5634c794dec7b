"""Printed summaries and reports that were edited."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from grader.mutants.kind import Kind, Spot, register, replaced
from grader.mutants.kinds.claims import share_of
from grader.mutants.original import Original


class PrintKind(Kind):
    """A number of a printed summary that is changed: the first that `pattern` finds, its group 1."""

    pattern: ClassVar[str]
    nothing: ClassVar[str] = "no rule reads a printed summary with such a number"

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each rule: in the first file that has one."""
        for rule in original.rules("model-summary"):
            for path in original.paths(rule.settings["report"]):
                text = _text(original.folder / path)
                found = re.search(self.pattern, text, re.MULTILINE) if text else None
                if found:
                    yield Spot(f"{path}: {self.slip}: {found[1]}", (rule.id,), {"path": path})
                    break

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Write another number in its place, with as many commas."""
        del original
        path = folder / spot.data["path"]
        text = _text(path)
        found = re.search(self.pattern, text, re.MULTILINE)
        if found:
            replaced(path, text[: found.start(1)] + self.other(found[1]) + text[found.end(1) :])

    def other(self, number: str) -> str:
        """The wrong number."""
        value = int(number.replace(",", "")) + 1
        return f"{value:,}" if "," in number else str(value)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@register
class PrintedShape(PrintKind):
    name, slip = "printed-shape", "a shape in the print is not the layer's"
    pattern = r"[\[(](?:-?\d+|None), \d+, \d+, (\d+)[\])]"


@register
class PrintedCount(PrintKind):
    name, slip = "printed-count", "a layer's number of parameters in the print is not the layer's"
    pattern = r"[\[(](?:-?\d+|None)(?:, \d+)+[\])]\s+\|?\s*([1-9][\d,]*)\s*\|?\s*$"


@register
class PrintedTotal(PrintKind):
    name, slip = "printed-total", "the total in the print is not the sum"
    pattern = r"Total params:\s*([\d,]+)"


@register
class PrintedMegabytes(PrintKind):
    name, slip = "printed-megabytes", "the megabytes in the print are not those of the parameters"
    pattern = r"Params size \(MB\):\s*(\d+\.\d+)"

    def other(self, number: str) -> str:
        """Half as large again, and a bit."""
        return f"{float(number) * 1.5 + 0.1:.2f}"


@register
class ReportContradicts(Kind):
    name, slip = "report-contradicts", "the report states another number than answers.json"
    nothing: ClassVar[str] = "no rule holds a report against the answers"

    def spots(self, original: Original) -> Iterator[Spot]:
        """The first answer whose digits stand in the report; all of them there are changed."""
        for rule in original.rules("report-agreement"):
            for path in original.paths(rule.settings["report"]):
                text = _text(original.folder / path)
                for key in rule.settings.get("answers", {}):
                    share = share_of(original.value(key)) if original.value(key) is not None else None
                    written = re.search(r"\d+\.\d+", str(original.value(key)))
                    if share and written and written[0] in text:
                        wrong = f"{float(written[0]) * 0.93:.{len(written[0].partition('.')[2])}f}"
                        data = {"path": path, "from": written[0], "to": wrong}
                        yield Spot(f"{path}: {wrong} instead of {written[0]}", (rule.id,), data)
                        break

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Change every one."""
        del original
        path = folder / spot.data["path"]
        replaced(path, _text(path).replace(spot.data["from"], spot.data["to"]))


@register
class ReportContradictsItself(Kind):
    name, slip = "report-contradicts-itself", "the report describes one network in two ways"
    nothing: ClassVar[str] = "no rule holds the sentences of a report against each other"

    _SENTENCES: ClassVar[Mapping[str, tuple[str, str]]] = {
        "pooling": ("In my network I use max pooling.", "In my network I use average pooling."),
        "optimizer": ("I train my network with the optimizer SGD.", "I train my network with the optimizer Adam."),
        "epochs": ("I train my network for 10 epochs.", "I train my network for 25 epochs."),
        "batch_size": ("I use a batch size of 32.", "I use a batch size of 128."),
        "learning_rate": ("I use a learning rate of 0.1.", "I use a learning rate of 0.003."),
    }

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each rule whose report is plain text, on the first of its topics that is known here."""
        for rule in original.rules("contradictions"):
            if rule.settings.get("contradictions") == "remark":
                continue
            topics = [one for one in rule.settings.get("topics", self._SENTENCES) if one in self._SENTENCES]
            paths = [path for path in original.paths(rule.settings["report"]) if path.endswith((".md", ".txt"))]
            if topics and paths:
                said = f"{paths[0]}: two sentences on the {topics[0].replace('_', ' ')}"
                yield Spot(said, (rule.id,), {"path": paths[0], "topic": topics[0]})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Under a heading of their own."""
        del original
        path = folder / spot.data["path"]
        one, two = self._SENTENCES[spot.data["topic"]]
        replaced(path, f"{_text(path)}\n\n# My network\n\n{one}\n\n{two}\n")
