"""How is one cell of somebody else's table changed, with every other byte as it was?

bytes -> Table.read -> rows of cells, each with its place -> put(row, column, text) -> data(): the same bytes but there

What the cells say is read by `grader.intake.lms.tables`, as at the import; here it is found where they stand. The table
keeps its encoding, byte-order mark, delimiter, line ends and quotes. What is put into text that is neither UTF-8 nor
UTF-16 has to be ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field

from grader.documents.wording import clean
from grader.errors import SubmissionError
from grader.frozen import dataclass
from grader.intake.lms.tables import read_table

_NEEDS_QUOTES = re.compile(r'["\r\n]|\A\s|\s\Z')
_SEPARATOR_LINE = re.compile(r'\s*"?sep=.?"?[ \t]*\r?\n', re.IGNORECASE)
_MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: what it says, and where it stands in the text, its quotes included."""

    text: str
    start: int
    end: int
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row, and the line (from 1) of the file that it begins on."""

    cells: tuple[Cell, ...]
    line: int


@dataclass
class Table:
    """A table with a header. `rows` are those below it that say something."""

    name: str
    columns: tuple[str, ...]  # the header's cells, without the blanks around them
    rows: tuple[Row, ...]
    delimiter: str
    is_unicode: bool  # any character can be put into it; otherwise ASCII only
    _encoding: str
    _mark: bytes
    _text: str
    _are_quotes_usual: bool
    _put: dict[_Span, str] = field(default_factory=dict)

    @classmethod
    def read(cls, data: bytes, name: str) -> Table:
        r"""The table in these bytes; `name` is what it is called in errors.

        Raises SubmissionError, with the line, for what is no table: cut off, or with rows of different lengths.

        >>> table = Table.read(b'Name;Maximum;Grade\r\n"O;K";20;\r\n', "a.csv")
        >>> table.put(table.rows[0], 2, "7,5")
        >>> table.data()
        b'Name;Maximum;Grade\r\n"O;K";20;7,5\r\n'
        """
        said = read_table(data, name)
        is_unicode = said.encoding.startswith("utf")
        encoding = said.encoding if is_unicode else "latin-1"  # every byte is a character, and goes back as it came
        mark = _MARKS[said.encoding] if said.has_mark else b""
        text = data[len(mark) :].decode(encoding)
        words = _SEPARATOR_LINE.match(text)
        spans = [one for one in _rows(text, words.end() if words else 0, said.delimiter) if _says_something(text, one)]
        rows = [(said.header, 1), *((row.cells, row.line) for row in said.rows)]
        if len(spans) != len(rows):
            raise _twisted(name, 1)
        made = [_row(text, span, cells, line, name) for span, (cells, line) in zip(spans, rows, strict=True)]
        filled = [cell for row in made[1:] for cell in row.cells if cell.text]
        usual = bool(filled) and all(cell.is_quoted for cell in filled)
        columns = tuple(cell.strip() for cell in said.header)
        return cls(name, columns, tuple(made[1:]), said.delimiter, is_unicode, encoding, mark, text, usual)

    def put(self, row: Row, column: int, text: str) -> None:
        """Let the cell say `text`. A cell that says so already stays as it is, quotes and all."""
        cell = row.cells[column]
        self._put.pop((cell.start, cell.end), None)
        if cell.text == text:
            return
        is_quoted = cell.is_quoted or (not cell.text and self._are_quotes_usual)
        if is_quoted or self.delimiter in text or _NEEDS_QUOTES.search(text):
            text = '"' + text.replace('"', '""') + '"'
        self._put[cell.start, cell.end] = text

    def data(self) -> bytes:
        """The table's bytes, with what was put into it."""
        parts, at = [], 0
        for (start, end), text in sorted(self._put.items()):
            parts += [self._text[at:start], text]
            at = end
        return self._mark + "".join([*parts, self._text[at:]]).encode(self._encoding)


def _row(text: str, spans: Sequence[_Span], cells: Sequence[str], line: int, name: str) -> Row:
    """The cells with their places. SubmissionError where the two readings are not of the same cells."""
    if len(spans) < len(cells):
        raise _twisted(name, line)
    made = []
    for said, (start, end) in zip(cells, spans, strict=False):  # blank cells behind the header's last are nothing
        raw = _unquoted(text[start:end])
        if raw.isascii() and raw != said:
            raise _twisted(name, line)
        made.append(Cell(said, start, end, text.startswith('"', start)))
    return Row(tuple(made), line)


def _rows(text: str, at: int, delimiter: str) -> Iterator[list[_Span]]:
    """Where the cells of each row stand from `at` on, as RFC 4180 has them, with any line ends."""
    quoted = re.compile(rf'"(?:[^"]|""|(?<=\\)"(?!["\r\n{re.escape(delimiter)}]|\Z))*"')  # PHP leaves \" single
    bare = re.compile(rf"[^{re.escape(delimiter)}\r\n]*")
    spans: list[_Span] = []
    while at < len(text):
        found = quoted.match(text, at) or bare.match(text, at)
        start, at = at, found.end() if found else at
        spans.append((start, at))
        if text.startswith(delimiter, at):
            at += 1
            if at < len(text) and text[at] not in "\r\n":
                continue
            spans.append((at, at))
        elif at < len(text) and text[at] not in "\r\n":
            continue  # text behind a quotation's end: the readings will differ
        at += 2 if text.startswith("\r\n", at) else 1
        yield spans
        spans = []
    if spans:
        yield spans


def _says_something(text: str, spans: Sequence[_Span]) -> bool:
    return any(_unquoted(text[start:end]).strip() for start, end in spans)


def _unquoted(raw: str) -> str:
    return raw[1:-1].replace('""', '"') if raw.startswith('"') else raw


def _twisted(name: str, line: int) -> SubmissionError:
    what = "its quotation marks can be read in two ways: no cell of it can be changed safely"
    fix = "download it from the LMS again, and do not save it with a spreadsheet in between"
    return SubmissionError.single(what, where=f"{clean(name)}:{line}", fix=fix, code="bad-table")
