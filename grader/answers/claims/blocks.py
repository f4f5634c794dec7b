"""Which lines belong together, and under which heading do they stand? Paragraphs, list items, records, headings.

A paragraph's lines come as one run of tokens, so that a claim that wraps is read whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from functools import cached_property, lru_cache

from grader.answers.claims.cleaning import clean
from grader.answers.claims.grids import is_number_cell
from grader.answers.claims.sentences import sure_stops
from grader.answers.claims.tokens import Kind, Token, tokens_of
from grader.answers.claims.vocabulary import NETWORKS, SET_WORDS, SPLITS, datasets_in, word_set
from grader.documents.report_lines import Line, Source
from grader.frozen import dataclass

_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(?P<a>.*)$|^\s*\\(?:sub)*(?:section|paragraph|chapter)\*?\{(?P<b>.*)\}")
_TAGGED = re.compile(r"^\s*<h([1-6])[^>]{0,200}>(.*?)</h\1>", re.IGNORECASE)
_BOLD = re.compile(r"^\s*(?:[-*•]\s+)?(?:\*\*|__)(?P<name>[^*_]{1,80})(?:\*\*|__)\s*:?\s*$")
_RUN_IN = re.compile(r"^\s*(?:[-*•]\s+)?(?:\*\*|__)(?P<name>[^*_]{1,60})(?:\*\*|__)\s+(?=\S)")
_NUMBERED = re.compile(
    r"^\s{0,3}(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?\s+)?(?:Task|Exercise|Problem|Question|Part|Section|Aufgabe)\s?\d{0,2}\.?\s?\(?[a-z]{0,3}\)?\s?[:.)]?(?=\s|$)"
)
_ITEM = re.compile(r"^\s*(?:[-*•‣▪◦·+–]\s+|\(?\d{1,2}[.)]\s+|\(?[a-z]\)\s+|- \[[ x]\])")
_BULLETS = frozenset("*+•‣▪◦·")
_BULLET = re.compile(r"^\s*[*+•‣▪◦·]\s+")
_FENCE = re.compile(r"^\s*(?:```|~~~)\s*(?P<language>[A-Za-z0-9_+-]*)")
_LANGUAGES = frozenset(
    {"python", "py", "python3", "bash", "sh", "shell", "c", "cpp", "java", "r", "matlab", "yaml", "yml", "json", "toml"}
)
_CODE = re.compile(
    r"^\s*(?:import |from \w+(?:\.\w+)* import |def \w+\(|class \w+|return\b|print\(|plt\.|assert |@\w+"
    r"|(?:if|elif|for|while|with|try|else)\b.*:\s*$"
    r"|[\w.]+\s*=\s*[\w.]+\(|[\w.]+\([^)]{0,200}\)\s*$|self\.)"
)
# A page number or the number of a section alone on a line, as the text of a PDF has them.
_PAGE = re.compile(r"^\s*(?:\d{1,4}|[1-9]\d?\.\d{1,2}|\d{1,2}(?:\.\d{1,2}){2,3}|[ivx]{1,5})\.?\s*$")
GOAL_HEADING = re.compile(
    r"^(?:\W|\d)*(?:the\s+|my\s+|our\s+|project\s+|your\s+)?(?:target|goal|objective|requirement|problem statement"
    r"|problem|task description|instruction|constraint|what is asked|task|ziel|aim|expected (?:result|accuracy|outcome)"
    r"|acceptance criteria)s?\s*[:.-]?\s*$",
    re.IGNORECASE,
)
_OPENED = re.compile(r"^\s*(?:[-*•]\s+)?((?:Model|Network|Net|Netz|Modell|Experiment) ?[A-Z0-9]{1,2})\s*:\s")
_MODEL_HEADING = re.compile(
    r"\b(?:model|network|net|netz|modell|baseline|cnn|mlp|optimi[sz]er|experiment|architecture|attempt)\b",
    re.IGNORECASE,
)
_LEAD_SPLIT = re.compile(
    r"^(?:\W|\d)*"
    r"(?:(?:final|best|on|for|the|results?|metrics?|performance|scores?|of|model|evaluation|summary|from|accuracy)\W+)*"
    r"(?P<split>train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?)"
    r"(?:\W+(?:set|data|dataset|split|results?|metrics?|phase|scores?|performance|accuracy|loss|error|and))*\W*$",
    re.IGNORECASE,
)


LONGEST_LABEL = 200
LONGEST_HEADING = 100
LONGEST_LINE = 20_000  # a longer one is cut: it is no prose
MOST_LINES = 200  # of a block


@dataclass(slots=True)
class Scope:
    """What headings and lead-in lines say about the lines below."""

    heading: str = ""
    model: str = ""
    dataset: str | None = None
    split: str | None = None
    is_goal: bool = False
    optimizer_text: str = ""


@dataclass(slots=True)
class Cleaned:
    """A line without typography, and what it is."""

    index: int
    number: int
    text: str
    raw: str
    source: Source
    is_heading: bool = False
    name: str = ""


@dataclass
class Block:
    """Lines that are read as one text. `raw` keeps the cleaned text by line number."""

    scope: Scope = field(default_factory=Scope)
    lines: list[Cleaned] = field(default_factory=list)
    source: Source = Source.TEXT
    is_item: bool = False

    @cached_property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @cached_property
    def texts(self) -> dict[int, str]:
        """The cleaned text of each line of the file."""
        made: dict[int, str] = {}
        for line in self.lines:
            made[line.number] = f"{made[line.number]} {line.text}" if line.number in made else line.text
        return made

    @cached_property
    def tokens(self) -> list[Token]:
        """The tokens of all lines, a BREAK between lines, words that a hyphen divides at a line's end put together."""
        made: list[Token] = []
        for line in self.lines:
            _add(made, tokens_of(line.text, line.number), line)
        return made

    @cached_property
    def width(self) -> int:
        """Where the last token of the longest line ends; 0 where only all the tokens tell: a hyphen divides a word."""
        if any(line.text.rstrip("_ \t").endswith("-") for line in self.lines[:-1]):
            return 0
        return max(len(line.text.rstrip("_ \t")) if line.text else 0 for line in self.lines)

    def pieces(self) -> Iterator[Piece]:
        """The text, cut where sentences end for sure."""
        piece: Piece = []
        if not self.width:
            yield [(line, 0, len(line.text)) for line in self.lines]
            return
        for line in self.lines:
            at = 0
            for stop in sure_stops(line.text):
                yield [*piece, (line, at, stop)]
                piece, at = [], stop
            piece.append((line, at, len(line.text)))
        yield piece

    @cached_property
    def own_scope(self) -> Scope:
        """The scope; a data set that the block itself names stands before that of the heading."""
        sets = [name for name in datasets_in(self.text) if name != "imagenet"]
        return _with(self.scope, dataset=sets[0]) if len(sets) == 1 else self.scope


# Lines, each with the place from which and up to which it belongs to the piece.
Piece = list[tuple[Cleaned, int, int]]


def text_of(piece: Piece) -> str:
    return "\n".join([line.text[start:end] for line, start, end in piece])


def tokens_in(piece: Piece) -> list[Token]:
    """As `Block.tokens`, of a piece; each token has its place in its line."""
    made: list[Token] = []
    for line, start, end in piece:
        text = line.text if end == len(line.text) else line.text[:end]
        _add(made, tokens_of(" " * start + text[start:] if start else text, line.number), line)
    return made


def cleaned_lines(lines: Sequence[Line], taken: Sequence[bool]) -> Iterator[Cleaned | None]:
    """Lines to read as prose, None between blocks. Of code only comments are read; `taken` lines are tables'."""
    in_fence, is_code_fence = False, False
    part = None
    for index, line in enumerate(lines):
        if part is not None and line.part != part:
            yield None
            in_fence = False
        part = line.part
        fence = _FENCE.match(line.text) if "`" in line.text or "~~~" in line.text else None
        if fence and line.text.count("```") != 2:
            in_fence = not in_fence
            is_code_fence = in_fence and fence["language"].casefold() in _LANGUAGES
            yield None
            continue
        text = line.text
        if taken[index] or not text or text.isspace():
            yield None
            continue
        if _PAGE.match(text) and line.source is Source.TEXT:
            continue
        if line.source is Source.CODE or (is_code_fence and in_fence) or _CODE.match(text):
            text = _comment(text)
            if not text:
                yield None
                continue
        yield from _cleaned(index, line, text)


def _comment(text: str) -> str:
    """What stands behind "#" in a line of code; nothing where it is code that was switched off."""
    if "#" not in text:
        return ""
    code, sign, remark = text.partition("#")
    is_string = code.count('"') % 2 or code.count("'") % 2
    return remark.strip() if sign and not is_string and not _CODE.match(remark.strip()) else ""


def _cleaned(index: int, line: Line, text: str) -> Iterator[Cleaned]:
    is_text = line.source is Source.TEXT
    heading = (
        (_HEADING.match(text) or _TAGGED.match(text))
        if is_text and ("#" in text or "\\" in text or "<h" in text or "<H" in text)
        else None
    )
    if heading:
        name = clean(heading[heading.lastindex or 0] or "").strip().rstrip("# ")
        yield Cleaned(index, line.number, name, text, line.source, is_heading=True, name=name)
        return
    bold = _BOLD.match(text) if is_text and ("**" in text or "__" in text) else None
    if bold and not any(char.isdigit() for char in bold["name"].split(":")[-1][-4:]):
        name = clean(bold["name"]).strip()
        yield Cleaned(index, line.number, name, text, line.source, is_heading=True, name=name)
        return
    if is_text and text.lstrip()[:1] in _BULLETS:
        text = _BULLET.sub("- ", text)
    run_in = _RUN_IN.match(text) if is_text and "**" in text else None
    for piece in _pieces(clean(text)):
        if piece.strip():
            yield Cleaned(
                index, line.number, piece, text, line.source, name=clean(run_in["name"]).strip() if run_in else ""
            )


def _pieces(text: str) -> list[str]:
    if len(text) <= LONGEST_LINE and "\n" not in text:
        return [text]
    return [
        piece[at : at + LONGEST_LINE] for piece in text.split("\n") for at in range(0, max(1, len(piece)), LONGEST_LINE)
    ]


def blocks_of(lines: Iterable[Cleaned | None]) -> Iterator[Block]:
    """Blocks in order, each with its scope."""
    scope = Scope()
    block = Block(scope=scope)
    last: Cleaned | None = None
    for line in lines:
        if line is None:
            if block.lines:
                yield block
                scope = _with_dataset(scope, block)
                block = Block(scope=scope)
            last = None
            continue
        starts = line.is_heading or len(block.lines) >= MOST_LINES or _is_start(line, last, block)
        if starts and block.lines:
            yield block
            scope = _with_dataset(scope, block)
        if starts:
            if not line.is_heading and line.source is Source.TEXT and _is_numbered(line.text):
                scope = _with(scope, heading=line.text.strip(), model="", split=None, is_goal=False)
            opened = _OPENED.match(line.text)
            if opened:
                scope = _with(scope, model=opened[1].strip())
            scope = _scope_after(scope, line) if line.is_heading or _is_label(line.text) else scope
            if line.name and not line.is_heading and _names_model(line.name):
                scope = _with(scope, model=line.name)
            block = Block(scope=scope, source=line.source, is_item=bool(_ITEM.match(line.text)))
        else:
            scope = _lead(scope, line.text, last)
            block.scope = scope
        block.lines.append(line)
        last = line
    if block.lines:
        yield block


def _with(scope: Scope, **changes: object) -> Scope:
    made = Scope(scope.heading, scope.model, scope.dataset, scope.split, scope.is_goal, scope.optimizer_text)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def _with_dataset(scope: Scope, block: Block) -> Scope:
    """A paragraph that names one data set is what the next ones go on about."""
    sets = [name for name in datasets_in(block.text) if name != "imagenet"]
    return _with(scope, dataset=sets[0]) if len(sets) == 1 and sets[0] != scope.dataset else scope


def _is_start(line: Cleaned, last: Cleaned | None, block: Block) -> bool:
    if last is None or last.is_heading or not block.lines:
        return True
    if line.source is not Source.TEXT:
        return False
    if last.text.rstrip().endswith(":") and line.text.strip()[:1].isdigit() and is_number_cell(line.text):
        return False  # "Test accuracy:" and below it "0.8123"
    return bool(_ITEM.match(line.text)) or _is_label(line.text) or _is_numbered(line.text) or _is_label(last.text)


def _is_numbered(text: str) -> bool:
    """Is this a heading without a mark: "Task 3b)", "3.1 Exercise 2: Results"?"""
    return (
        len(text) < LONGEST_HEADING
        and bool(_NUMBERED.match(text))
        and len(text.split()) <= 9
        and not text.rstrip().endswith(".")
    )


def _is_label(text: str) -> bool:
    """Is this a line that heads the next ones: "Target:", "Network 1:", "On the test set, it scored:"?"""
    return _is_short_label(text) if len(text) <= 2 * LONGEST_LABEL else _is_short_label.__wrapped__(text)


@lru_cache(maxsize=2048)
def _is_short_label(text: str) -> bool:
    stripped = text.strip(" \t*_")
    if len(stripped) > LONGEST_LABEL:
        return False
    if stripped.endswith(":"):
        return True
    return len(stripped) < LONGEST_HEADING and bool(GOAL_HEADING.match(stripped) or _RESULT_HEADING.match(stripped))


_RESULT_HEADING = re.compile(
    r"^(?:\W|\d)*(?:results?|analysis|findings?|observations?|ergebnis(?:se)?|evaluation|outcome)s?\s*[:.-]?\s*$",
    re.IGNORECASE,
)


def _names_model(name: str) -> bool:
    return bool(NETWORKS.search(name) or _MODEL_HEADING.search(name)) and len(name) < 80


def _scope_after(scope: Scope, line: Cleaned) -> Scope:
    text = line.name or line.text.strip()
    sets = datasets_in(text)
    is_short = len(text) < LONGEST_HEADING
    goal = is_short and bool(GOAL_HEADING.match(text))
    goal = goal or (text.endswith(":") and _announces_goals(text))
    lead = _LEAD_SPLIT.match(text) if is_short else None
    split = SPLITS[lead["split"].casefold()] if lead and (not line.is_heading or _has_set_word(text)) else None
    if split is None and text.endswith(":"):
        split = _split_of_lead(text)
    model = (
        text.rstrip(": ")
        if _names_model(text) and len(text.split()) <= 8
        else scope.model
        if not line.is_heading
        else ("" if line.raw.lstrip().startswith(("# ", "## ")) else scope.model)
    )
    return Scope(
        heading=text if line.is_heading else scope.heading,
        model=model,
        dataset=sets[0] if len(sets) == 1 else scope.dataset if not sets else None,
        split=split,
        is_goal=goal
        or (
            scope.is_goal
            and not line.is_heading
            and not (is_short and _RESULT_HEADING.match(text))
            and not text.endswith(":")
        ),
    )


_ANNOUNCED = word_set(
    "goal goals target targets objective objectives constraint constraints requirement requirements aim"
)
_REPORTED = word_set("achieved reached met fulfilled satisfied result results exceeded passed")


def _announces_goals(text: str) -> bool:
    """Does a lead-in ask for what follows: "The goal is a network that:", "with the following constraints:"?"""
    words = {word.strip(".,;:()*_") for word in text.casefold().split()}
    return bool(words & _ANNOUNCED) and not words & _REPORTED


def _has_set_word(text: str) -> bool:
    words = text.casefold().replace(":", " ").split()
    return any(
        word in SET_WORDS or word in ("results", "result", "performance", "accuracy", "metrics") for word in words
    )


def _split_of_lead(text: str) -> str | None:
    """The split in "On the test set, it scored:"; None where there are several or none."""
    words = [word.strip(",.:;()") for word in text.casefold().split()]
    found = {
        SPLITS[word]
        for at, word in enumerate(words)
        if word in SPLITS and at + 1 < len(words) and words[at + 1] in SET_WORDS
    }
    return found.pop() if len(found) == 1 and "trained" not in words else None


def _lead(scope: Scope, text: str, last: Cleaned | None) -> Scope:
    """A label line inside a block changes the scope of what follows."""
    if last is not None and _is_label(text):
        return _scope_after(scope, Cleaned(0, 0, text, text, Source.TEXT, name=text.strip()))
    return scope


def _add(tokens: list[Token], made: list[Token], line: Cleaned) -> None:
    if not made:
        return
    if tokens:
        last = tokens[-1]
        is_divided = last.low == "-" and last.is_glued and len(tokens) > 1 and tokens[-2].kind is Kind.WORD
        if is_divided and made[0].kind is Kind.WORD and made[0].text[:1].islower() and tokens[-2].line == last.line:
            tokens.pop()
            head = tokens.pop()
            made = [*tokens_of(head.text + made[0].text, line.number), *made[1:]]
        else:
            tokens.append(Token(Kind.BREAK, "\n", "\n", last.line, last.end, last.end))
    tokens += made
