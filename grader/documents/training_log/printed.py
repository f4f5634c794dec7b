"""Which named numbers does a printed line hold? Those of Keras, PyTorch's examples, Lightning, and one's own print."""

from __future__ import annotations

import re
from typing import Final

from grader.documents.report_lines import Source, report_lines
from grader.documents.training_log.record import MAX_PAIRS, MAX_ROWS, Log, Pair, Row, kept

_MAX_LINE: Final = 2_000
_MAX_WORDS: Final = 6  # of a name
_TOKEN: Final = re.compile(
    r"(?P<clock>\d{1,4}:\d\d(?::\d\d)?(?:\.\d{1,9})?(?!\d))"
    r"|(?P<number>(?<![\w.])[-+]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,4})?(?![\d.])"
    r"|(?<!\w)[-+]?(?:nan|inf)(?!\w))"
    r"|(?P<word>[^\W\d_]\w{0,60}(?:[-./@](?=[^\W\d_])\w{1,60}){0,4}|_\w{1,60})"
    r"|(?P<mark>[:=,;|│┃\-–/%()])",
    re.IGNORECASE,
)
_PAIR_OF_COUNTS: Final = re.compile(r"[ \t]{0,8}\[ ?(\d{1,9}) ?, {0,8}(\d{1,12})(?:/\d{1,12})?\]")
_BAR: Final = re.compile(r"[ \t]{0,8}(\d{1,9})/(\d{1,9})(?=[ \t]{0,8}[\[━\-|])")
_FRACTION: Final = re.compile(r"[ ]?(?:/|of)[ ]?(\d{1,12})(?![\d.])")
_UNIT: Final = re.compile(r"[ ]?(?:ms|us|µs|s|it/s|sec|secs|seconds|min|minutes|h|MB|GB|MiB|GiB)(?:/\w{1,10})?\b")
BATCHES, IMAGES = "step", "images"  # names for the counts that stand without one


def read_printed(text: str, *, name: str) -> Log:
    r"""Every line with a named number in it. A progress bar counts as its last state; code cells are left out.

    >>> [row.pairs for row in read_printed("[2,  2000] loss: 0.8\n", name="a.log").rows]
    [(('epoch', '2'), ('step', '2000'), ('loss', '0.8'))]
    >>> line = "Train Epoch: 1 [640/60000 (1%)]\tLoss: 0.3"
    >>> [row.pairs for row in read_printed(line, name="a.log").rows]
    [(('Train Epoch', '1'), ('images', '640/60000'), ('Loss', '0.3'))]
    >>> [row.pairs for row in read_printed("Test set: Average loss: 0.1, Accuracy: 9913/10000 (99%)", name="").rows]
    [(('Test set: Average loss', '0.1'), ('Test set: Accuracy', '9913/10000'))]
    """
    rows: list[Row] = []
    doubts: list[str] = []
    for line in report_lines(text, name=name):
        if line.source is Source.CODE:
            continue
        if len(rows) == MAX_ROWS:
            doubts.append(f"the lines from {line.number:,} on")
            break
        if len(line.text) > _MAX_LINE:
            if not doubts:
                doubts.append(f"line {line.number:,} and others of more than {_MAX_LINE:,} characters")
            continue
        pairs = _named(line.text)
        if pairs:
            rows.append(Row(line.number, pairs))
    return Log("printed", "line", tuple(rows), tuple(doubts))


def _named(text: str) -> tuple[Pair, ...]:
    found: list[Pair] = []
    at = 0
    if counts := _PAIR_OF_COUNTS.match(text):
        found += [("epoch", counts[1]), (BATCHES, counts[2])]
        at = counts.end()
    elif bar := _BAR.match(text):
        found.append((BATCHES, f"{bar[1]}/{bar[2]}"))
        at = bar.end()
    words: list[str] = []
    subject = ""
    is_table = text.lstrip()[:1] in ("|", "│", "┃")
    while token := _TOKEN.search(text, at):
        at = token.end()
        if token["word"]:
            words = [*words, token["word"]][-_MAX_WORDS:]
        elif token["clock"]:
            words = []
        elif token["mark"]:
            if token["mark"] in ":-–" and words and _is_subject(text, at):
                subject, words = " ".join(words), []
            elif token["mark"] in ",;" or (token["mark"] in "|│┃" and not is_table):
                words = []
        else:
            written = token["number"]
            if unit := _UNIT.match(text, at):
                at, words = unit.end(), []
                continue
            if part := _FRACTION.match(text, at):
                written, at = f"{written}/{part[1]}", part.end()
            elif text[at : at + 2].lstrip()[:1] == "%":
                written += "%"
            name = " ".join(words)
            before = text[max(0, token.start() - 4) : token.start()].rstrip()[-1:]
            if not name and "/" in written and found and before in ("[", "|"):
                found.append((IMAGES if before == "[" else BATCHES, written))  # "| 938/938" is tqdm's
            elif name:
                name = f"{subject}: {name}" if subject else name
                if kept(name, written) and len(found) < MAX_PAIRS:
                    found.append((name, written))
            words = []
    return tuple(found)


def _is_subject(text: str, at: int) -> bool:
    """Whether another name follows the mark, so that what stands before it is what the line is about."""
    rest = text[at : at + 80].lstrip(" \t'\"[{(")
    return rest[:1].isalpha() and not rest[:3].casefold().startswith(("nan", "inf"))
