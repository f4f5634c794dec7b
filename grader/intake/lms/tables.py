"""What does a table of the LMS say (a worksheet, a roster)? Its rows as text, with the line of each, or why it is none.

A table may be of any encoding and delimiter that spreadsheets write. Whatever does not fit refuses the whole, with its
line: a row that is cut off or torn apart would be somebody else's row.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final, NoReturn

from grader.documents import shown
from grader.documents.wording import clean
from grader.errors import SubmissionError
from grader.frozen import dataclass

MAX_BYTES: Final = 256 * 2**20  # worksheets hold what students typed into the LMS's editor
_MAX_CELL: Final = 16 * 2**20
_MAX_COLUMNS: Final = 5_000
_DELIMITERS: Final = (",", ";", "\t")
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_AGAIN: Final = "download it from the LMS again; if a spreadsheet saved it, save it as CSV UTF-8"


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the line that it begins on (from 1), and its cells as they stand there."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table as it was written. Every row has as many cells as the header.

    `encoding` is Python's name; `has_mark`: a byte-order mark stands before it. `remarks` are what a person should look
    at although nothing is wrong for certain.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str
    delimiter: str
    has_mark: bool
    remarks: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """Where each column is, by its name in small letters without blanks around it; of equal names the first."""
        made: dict[str, int] = {}
        for at, name in enumerate(self.header):
            made.setdefault(folded(name), at)
        return made

    def column(self, *names: str) -> int | None:
        """Where the first of these columns that there is stands."""
        return next((self.columns[folded(name)] for name in names if folded(name) in self.columns), None)

    def column_of(self, at: int | None) -> Iterator[tuple[int, str]]:
        """(line, cell without blanks around it) of a column; nothing for None."""
        if at is not None:
            yield from ((row.line, row.cells[at].strip()) for row in self.rows)

    def refuse(self, line: int, what: str, fix: str) -> NoReturn:
        """Raise SubmissionError for a line of this table."""
        raise SubmissionError.single(what, where=f"{self.name}:{line}", fix=fix, code="bad-table")


def folded(name: str) -> str:
    """A column's name as it is compared.

    >>> folded(" Full  Name ")
    'full name'
    """
    return " ".join(name.split()).casefold()


def read_table(data: bytes, name: str) -> Table:
    r"""The table in `data`; `name` is what messages call it. Raises SubmissionError, with the line.

    >>> table = read_table(b'\xef\xbb\xbfid;name\ns1;"Lovelace; Ada"\n', "roster.csv")
    >>> table.header, table.rows, table.delimiter, table.has_mark
    (('id', 'name'), (Row(line=2, cells=('s1', 'Lovelace; Ada')),), ';', True)
    >>> read_table(b"id,name\ns1,Ada\ns2", "roster.csv")
    Traceback (most recent call last):
    grader.errors.SubmissionError: roster.csv:3: the line has 1 cell where the first line has 2: it is cut off
      fix: download it from the LMS again; if a spreadsheet saved it, save it as CSV UTF-8
    """
    name = clean(name, 120)
    text, encoding, has_mark = _decoded(data, name)
    text, told = _without_separator_line(text)
    delimiter = told or _delimiter(text, name)
    rows = _all_rows(text, delimiter, name, first=2 if told else 1)
    if not rows:
        raise _broken(name, 1, "the table is empty")
    header, rows = rows[0], rows[1:]
    if len(header.cells) > _MAX_COLUMNS:
        raise _broken(name, header.line, f"it has {len(header.cells):,} columns, over the limit of {_MAX_COLUMNS:,}")
    made = [_fitting(row, len(header.cells), name, is_last=row is rows[-1]) for row in rows]
    remarks = []
    if not text.endswith(("\n", "\r")):
        remarks.append(f"{name}: the last line has no line end; if an LMS wrote this file, it may be cut off")
    return Table(name, header.cells, tuple(made), encoding, delimiter, has_mark, tuple(remarks))


def read_table_file(path: Path) -> tuple[Table, bytes]:
    """The table in a file, and its bytes. Raises SubmissionError."""
    where = clean(str(path))
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                what = f"it has {size:,} bytes, over the limit of {MAX_BYTES:,}"
                raise SubmissionError.single(what, where=where, fix="name a CSV file")
            data = file.read(MAX_BYTES)
    except OSError as error:
        what = f"it cannot be read ({error.strerror})"
        raise SubmissionError.single(what, where=where, fix="check the path and its permissions") from error
    return read_table(data, path.name), data


def _broken(name: str, line: int, what: str, fix: str = _AGAIN) -> SubmissionError:
    return SubmissionError.single(what, where=f"{name}:{line}", fix=fix, code="bad-table")


# --- bytes -> text ----------------------------------------------------------------------------


def _decoded(data: bytes, name: str) -> tuple[str, str, bool]:
    """(text, encoding, whether a mark said so)."""
    if data.startswith(b"PK\3\4"):
        raise _broken(name, 1, "it is a spreadsheet or a zip, not CSV", "save it as CSV UTF-8")
    mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", ""))
    body = data[len(mark) :]
    if not encoding:
        encoding = _wide(body) or "utf-8"
    if encoding == "utf-8":
        text, encoding = _narrow(body, name, is_marked=bool(mark))
    else:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError as error:
            line = body[: error.start].decode(encoding, "replace").count("\n") + 1
            at_end = error.start >= len(body) - 3
            raise _broken(name, line, "the text is cut off" if at_end else f"it is not {encoding} text") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _broken(name, line, "a NUL character, which is no text: the file is damaged")
    return text, encoding, bool(mark)


def _wide(body: bytes) -> str:
    """The encoding of UTF-16 without its mark: every other byte of the header is zero. Empty for anything else."""
    start = body[:64].partition(b"\n")[0]
    if len(start) >= 4 and any(start) and not any(start[1::2]):
        return "utf-16-le"
    return "utf-16-be" if len(start) >= 4 and any(start) and not any(start[0::2]) else ""


def _narrow(body: bytes, name: str, *, is_marked: bool) -> tuple[str, str]:
    """UTF-8, or else Windows' Latin. A file of both has been put together: half its names would come out wrong."""
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        first = error
    line = body.count(b"\n", 0, first.start) + 1
    if first.reason == "unexpected end of data" and first.end == len(body):
        raise _broken(name, line, "the text is cut off within a character") from first
    is_utf8_elsewhere = any(not part.isascii() and _is_utf8(part) for part in body.split(b"\n"))
    if is_marked or is_utf8_elsewhere:
        what = f"byte 0x{body[first.start]:02x} is not UTF-8, as the rest of the file is: two encodings in one file"
        raise _broken(name, line, what) from first
    for encoding in ("cp1252", "latin-1"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        odd = next((at for at, char in enumerate(text) if "\x7f" <= char <= "\x9f"), None)
        if odd is None:
            return text, encoding
        line = text.count("\n", 0, odd) + 1
    raise _broken(name, line, "it is text of no encoding known here (UTF-8, UTF-16, Windows-1252)") from first


def _is_utf8(part: bytes) -> bool:
    try:
        part.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# --- text -> rows -----------------------------------------------------------------------------


def _without_separator_line(text: str) -> tuple[str, str]:
    """(the text without Excel's first line `sep=;`, the delimiter that it names)."""
    first, end, rest = text.partition("\n")
    word = first.strip().strip('"').lower()
    if end and len(word) == 5 and word.startswith("sep=") and word[4] in _DELIMITERS:
        return rest, word[4]
    return text, "\t" if end and first.rstrip("\r\n") == "sep=\t" else ""


def _delimiter(text: str, name: str) -> str:
    """The delimiter that divides the header into the most cells; a comma for a single column."""
    counts: dict[str, int] = {}
    for delimiter in _DELIMITERS:
        try:
            counts[delimiter] = len(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []))
        except csv.Error:
            counts[delimiter] = 0
    most = max(counts.values())
    best = [delimiter for delimiter in _DELIMITERS if counts[delimiter] == most]
    if most > 1 and len(best) > 1:
        raise _broken(name, 1, f"the delimiter may be {' or '.join(map(shown, best))}", "save it with one delimiter")
    return best[0]


def _all_rows(text: str, delimiter: str, name: str, *, first: int) -> list[Row]:
    """The rows, also where PHP wrote them: it does not double a quotation mark behind a backslash (Moodle's texts)."""
    try:
        return list(_rows(text, delimiter, name, first=first))
    except SubmissionError:
        mended = re.sub(rf'(?<=\\)"(?!["\r\n{re.escape(delimiter)}]|\Z)', '""', text)
        if mended == text:
            raise
        with suppress(SubmissionError):
            return list(_rows(mended, delimiter, name, first=first))
        raise


def _rows(text: str, delimiter: str, name: str, *, first: int) -> Iterator[Row]:
    """The rows that hold anything. Line breaks within quotes are part of the cell."""
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = first
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            said = (
                "a quote is opened here and never closed: it is cut off" if "end of data" in str(error) else str(error)
            )
            raise _broken(name, line, said) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield Row(line, tuple(cells))
        line = first + reader.line_num


def _fitting(row: Row, columns: int, name: str, *, is_last: bool) -> Row:
    """The row, if it has as many cells as the header; empty ones behind that do no harm."""
    count = len(row.cells)
    if count == columns:
        return row
    if count > columns and not any(cell.strip() for cell in row.cells[columns:]):
        return Row(row.line, row.cells[:columns])
    cells = "1 cell" if count == 1 else f"{count} cells"
    what = f"the line has {cells} where the first line has {columns}"
    if count < columns and is_last:
        raise _broken(name, row.line, f"{what}: it is cut off")
    fix = "every line needs as many cells as the first: put quotes around text that holds the delimiter"
    raise _broken(name, row.line, what, fix)


def cells_by_name(table: Table, row: Row, names: Sequence[str]) -> dict[str, str]:
    """The cells of these columns that the table has, without blanks around them, empty ones left out."""
    found = ((name, table.column(name)) for name in names)
    return {name: cell for name, at in found if at is not None and (cell := row.cells[at].strip())}
