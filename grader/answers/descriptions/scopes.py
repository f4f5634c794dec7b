"""Which sentences of a report speak of one thing? Those below one heading, label or list point, not too far apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Final

from grader.documents.report_lines import Line, Source
from grader.frozen import dataclass

LONGEST_LABEL: Final = 8  # words of a line that ends with a colon and opens something of its own
LONGEST_HEADING: Final = 90  # characters
MOST_CHARACTERS: Final = 4000  # of one paragraph: more is no prose

_HEADING = re.compile(
    r"\s{0,3}(?:\#{1,6}\s|\\(?:sub)*section\b|\\paragraph\b|<h[1-6]|"
    r"(?:(?:\d{1,2}(?:\.\d{1,2}){0,3}|[A-Z])[.)]?|(?:task|exercise|problem|question|part|section|assignment|step)\s*"
    r"\d\w{0,3}(?:\.\w{1,2})*\)?)[:.]?\s{1,4}[A-Z][^.!?]*$|"
    r"(?:task|exercise|problem|question|part)\s*\d\w{0,3}\)?:?\s*$|\*\*[^*]+\*\*:?\s*$|__[^_]+__:?\s*$)",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*[-=_*]{3,}\s*$")
_TASK_POINT = re.compile(r"\s*(?:[-*+•]\s+)?\(?(?:[a-zA-Z]|\d{1,2}|[ivx]{1,4})\)\s|\s*\d{1,2}\.\s+")
_POINT = re.compile(r"\s*[-*+•]\s+")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_NO_PROSE = re.compile(r"\t|\|.*\||^\s*\|| {4}\S+ {3}|\\begin|\\end|^\s*[{}()\[\]]+\s*$|\$\$")
_STOP = re.compile(r"(?<=[a-z0-9)%\]])[.!?](?=\s+[\"'(]?[A-Z]|\s*$)")
_SHORT = re.compile(r"(?:\b(?:e\.g|i\.e|resp|approx|fig|eq|sec|no|vs|cf|acc|val|avg|max|min|etc|al))$", re.IGNORECASE)


@dataclass(frozen=True)
class Sentence:
    """One sentence, on one line of text, and the line of the file that each of its characters stands on."""

    text: str
    starts: tuple[tuple[int, int], ...]  # (offset in the text, line number), rising

    def line_at(self, offset: int) -> int:
        """The line of a character.

        >>> Sentence("We use Adam.", ((0, 4), (7, 5))).line_at(8)
        5
        """
        return [number for start, number in self.starts if start <= offset][-1]


@dataclass
class Scope:
    """Sentences under one heading or label. `title` is that line, "" before the first one."""

    title: str
    sentences: list[Sentence] = field(default_factory=list)


def scopes_of(lines: Sequence[Line]) -> list[Scope]:
    r"""The prose of a report in scopes; code, tables, prints and formulas are left out.

    >>> from grader.documents.report_lines import report_lines
    >>> found = scopes_of(report_lines("# Net\nWe use Adam. It\nlearns.\n\nNetwork 2:\nWe use SGD.\n"))
    >>> [(scope.title, [one.text for one in scope.sentences]) for scope in found if scope.sentences]
    [('# Net', ['We use Adam.', 'It learns.']), ('Network 2:', ['We use SGD.'])]
    """
    scopes = [Scope("")]
    paragraph: list[Line] = []
    is_fenced = False
    for line in lines:
        text = line.text
        if paragraph and paragraph[-1].part != line.part:  # another cell of a notebook
            _close(paragraph, scopes)
        if _FENCE.match(text):
            is_fenced = not is_fenced
            _close(paragraph, scopes)
        elif is_fenced or line.source is not Source.TEXT:
            _close(paragraph, scopes)
        elif _is_heading(text):
            _close(paragraph, scopes)
            scopes.append(Scope(text.strip()))
        elif len(text) > MOST_CHARACTERS or not text.strip() or _RULE.match(text) or _NO_PROSE.search(text):
            _close(paragraph, scopes)
        else:
            if _TASK_POINT.match(text):
                _close(paragraph, scopes)
                scopes.append(Scope(""))
            elif _POINT.match(text):
                _close(paragraph, scopes)
            paragraph.append(line)
    _close(paragraph, scopes)
    return scopes


def _is_heading(text: str) -> bool:
    stripped = text.strip()
    if not stripped or len(stripped) > LONGEST_HEADING:
        return False
    return bool(_HEADING.match(text)) or (stripped.endswith(":") and len(stripped.split()) <= LONGEST_LABEL)


def _close(paragraph: list[Line], scopes: list[Scope]) -> None:
    """The paragraph's sentences into the last scope."""
    if paragraph:
        scopes[-1].sentences += _sentences(paragraph)
        paragraph.clear()


def _sentences(paragraph: Sequence[Line]) -> Iterator[Sentence]:
    text, starts = "", []
    if sum(len(line.text) for line in paragraph) > MOST_CHARACTERS:
        return
    for line in paragraph:
        part = " ".join(line.text.split())
        if text:
            text += " "
        starts.append((len(text), line.number))
        text += part
    begin = 0
    ends = [found.end() for found in _STOP.finditer(text) if not _SHORT.search(text[: found.start()])]
    for end in [*ends, len(text)]:
        cut = text[begin:end]
        if cut.strip():
            first = begin + len(cut) - len(cut.lstrip())
            before = [number for start, number in starts if start <= first][-1]
            inner = [(start - first, number) for start, number in starts if first < start < end]
            yield Sentence(cut.strip(), ((0, before), *inner))
        begin = end
