r"""Which matrix did the student write? Lists, rows of text, LaTeX, Markdown: read to exact fractions, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from grader.answers.answer_error import AnswerError, described, quoted, refuse
from grader.answers.expressions import evaluate
from grader.answers.numbers import parse_number
from grader.answers.writing import plain
from grader.model import Json, Place

MAX_LENGTH = 50_000
MAX_ENTRIES = 10_000
FIX = 'write the matrix as a list of rows, such as [[2, -1], [10, 0]] or ["2 -1", "10 0"]'

Matrix = tuple[tuple[Fraction, ...], ...]

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_ENVIRONMENTS = ("matrix", "bmatrix", "pmatrix", "vmatrix", "Bmatrix", "Vmatrix", "smallmatrix", "array")


def parse_matrix(value: Json, place: Place) -> Matrix:
    r"""Read a matrix, or AnswerError that names the row.

    `value`  nested lists, a list of rows as text, or text: rows apart by line ends, ";" or "\\", entries by white
             space, commas, "&" or "|"; a LaTeX matrix, a Markdown table; {"value": ...} with one of these

    >>> here = Place("answers.json", "/answers/task1a")
    >>> [[str(x) for x in row] for row in parse_matrix(["2 -1 11", "10 −4 1/2"], here)]
    [['2', '-1', '11'], ['10', '-4', '1/2']]
    >>> parse_matrix(r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}", here) == parse_matrix("1 2; 3 4", here)
    True
    >>> parse_matrix([[1, 2], [3]], here)
    Traceback (most recent call last):
    grader.answers.answer_error.AnswerError: answers.json /answers/task1a/1: row 2 has 1 entry, row 1 has 2
      fix: give every row the same number of entries
    """
    if isinstance(value, dict):
        if "value" not in value or isinstance(value["value"], dict):
            refuse(place, 'the object has no "value" with a matrix', FIX, code="not-a-matrix")
        return parse_matrix(value["value"], place.child("value"))
    if isinstance(value, str):
        return _from_text(value, place)
    if not isinstance(value, list):
        refuse(place, f"{described(value)} is not a matrix", FIX, code="not-a-matrix")
    if not value:
        refuse(place, "the matrix has no rows", FIX, code="not-a-matrix")
    while len(value) == 1 and isinstance(value[0], list) and value[0] and isinstance(value[0][0], list):
        value, place = value[0], place.child(0)  # the batch and the channel of `output.tolist()`
    _refuse_large(value, place)
    if all(not isinstance(row, (list, str)) for row in value) or all(map(_is_single, value)):
        return _checked([_row_of(value, place)], [place])  # [1, 2] or ["1", "2"]: one row of entries
    places = [place.child(index) for index in range(len(value))]
    return _checked([_row_from(row, places[index], index) for index, row in enumerate(value)], places)


def _refuse_large(rows: list[Json], place: Place) -> None:
    """Refuse before anything is parsed what would take long to parse."""
    entries = sum(len(row) if isinstance(row, list) else 1 for row in rows)
    if entries > MAX_ENTRIES:
        what = f"a matrix of {entries:,} entries"
        refuse(place, what, f"write at most {MAX_ENTRIES:,} entries", code="too-long")
    texts = (item for row in rows for item in (row if isinstance(row, list) else [row]) if isinstance(item, str))
    length = sum(map(len, texts))
    if length > MAX_LENGTH:
        what = f"a matrix of {length:,} characters"
        refuse(place, what, f"write at most {MAX_LENGTH:,} characters", code="too-long")


def _row_from(row: Json, place: Place, index: int) -> tuple[Fraction, ...]:
    if isinstance(row, str):
        return _row(plain(row, place, limit=MAX_LENGTH), place, index)
    if not isinstance(row, list):
        refuse(place, f"row {index + 1} is {described(row)}, not a row", FIX, code="not-a-matrix")
    return _row_of(row, place)


def _is_single(text: Json) -> bool:
    return (
        isinstance(text, str)
        and len(text) <= 40
        and len(text.split()) == 1
        and not any(mark in text for mark in ",;&|")
    )


def _row_of(items: list[Json], place: Place) -> tuple[Fraction, ...]:
    return tuple(_entry(item, place.child(index)) for index, item in enumerate(items))


def _entry(item: Json, place: Place) -> Fraction:
    """One entry: a number that means one thing, or arithmetic such as 1*2 + 6."""
    if isinstance(item, (dict, list)):
        refuse(place, f"{described(item)} is not an entry of a matrix", FIX, code="not-a-matrix")
    try:
        number = parse_number(item, place)
    except AnswerError:
        if not isinstance(item, str):
            raise
        return evaluate(item, place)
    if number.is_ambiguous:
        what = f"{quoted(number.written)} can mean two numbers"
        refuse(place, what, "write entries without thousands separators, with a point", code="ambiguous")
    if number.bound or number.is_approximate or number.unit:
        refuse(place, f"{quoted(number.written)} is not a plain number", FIX, code="not-a-matrix")
    return number.value


def _checked(rows: Sequence[tuple[Fraction, ...]], places: Sequence[Place]) -> Matrix:
    width = len(rows[0])
    if not width:
        refuse(places[0], "row 1 is empty", FIX, code="not-a-matrix")
    for index, (row, place) in enumerate(zip(rows, places, strict=True)):
        if len(row) != width:
            entries = "1 entry" if len(row) == 1 else f"{len(row)} entries"
            what = f"row {index + 1} has {entries}, row 1 has {width}"
            refuse(place, what, "give every row the same number of entries", code="ragged")
    if width * len(rows) > MAX_ENTRIES:
        what = f"a matrix of {width * len(rows):,} entries"
        refuse(places[0], what, f"write at most {MAX_ENTRIES:,}", code="too-long")
    return tuple(rows)


# --- text -------------------------------------------------------------------------------------


def _from_text(written: str, place: Place) -> Matrix:
    if len(written) > MAX_LENGTH:
        refuse(place, f"{len(written):,} characters", f"write at most {MAX_LENGTH:,} characters", code="too-long")
    text = plain(_inside_environment(written, place), place, limit=2 * MAX_LENGTH)
    text = text.strip().strip("'`").strip() if written.strip()[:3] in ("```", "~~~") else text
    lines = [line for line in _lines(text) if not _is_rule(line)]
    lines = lines[1:] if len(lines) > 1 and "|" in lines[0] and not lines[0].strip("| ") else lines
    if not lines:
        refuse(place, "nothing is written here", FIX, code="not-a-matrix")
    if len(lines) > MAX_ENTRIES:
        refuse(place, f"a matrix of {len(lines):,} rows", f"write at most {MAX_ENTRIES:,} entries", code="too-long")
    return _checked([_row(line, place, index) for index, line in enumerate(lines)], [place] * len(lines))


def _inside_environment(text: str, place: Place) -> str:
    r"""What stands between \begin{bmatrix} and \end{bmatrix}; the text itself where there is no such thing."""
    if "\\begin" not in text:
        return text
    pieces = text.split("\\begin{")[1:]
    found = []
    for piece in pieces:
        name, brace, rest = piece.partition("}")
        if brace and name.strip().rstrip("*") in _ENVIRONMENTS:
            body = rest.partition("\\end{")[0]
            if name.strip() == "array" and body.lstrip().startswith("{"):
                body = body.partition("}")[2]  # the column letters of {ccc}
            found.append(body)
    if len(found) != 1:
        what = f"the text holds {len(found)} matrices" if found else "the text holds no matrix that can be read"
        refuse(place, what, "give the resulting matrix alone", code="several-matrices")
    return _without_row_gaps(found[0])


def _without_row_gaps(text: str) -> str:
    r"""Without the optional gap of `\\[2pt]` and the line ends of the source, so that only `\\` ends a row."""
    parts = text.replace("\r", " ").replace("\n", " ").replace("\\tabularnewline", "\\\\").split("\\\\")
    kept = [parts[0]]
    for part in parts[1:]:
        gap, bracket, rest = part.lstrip().partition("]")
        is_gap = bool(bracket) and gap.startswith("[") and gap.rstrip()[-2:] in ("pt", "em", "ex", "mm", "cm")
        kept.append(rest if is_gap else part)
    return "\\\\".join(kept)


def _lines(text: str) -> list[str]:
    """The rows of the text: of a bracketed list, or at line ends and semicolons."""
    text = _unwrapped(text)
    if text[:1] in _CLOSING and text.count(text[0]) > 1:
        rows = text.replace("\n", " ").replace(text[0], " ").split(_CLOSING[text[0]])
        return [row.strip(" ,;") for row in rows if row.strip(" ,;")]
    kept = [line.strip() for line in text.split("\n") if line.strip()]
    if len(kept) > 1 and all(";" in line.strip(";") for line in kept):
        return [";".join(cell for cell in line.strip(" ;").split(";")) for line in kept]  # entries, and lines for rows
    for separator in (";", " / "):
        text = text.replace(separator, "\n")
    return [line.strip() for line in text.split("\n") if line.strip()]


def _unwrapped(text: str) -> str:
    """Without "=", without a name such as np.array or tensor, and without one pair of brackets around everything."""
    text = text.strip(" =\n,")
    for _ in range(4):
        first = next((at for at, char in enumerate(text) if not (char.isalpha() or char in "._ ")), 0)
        if text[first : first + 1] in _CLOSING and text[first : first + 1]:
            text = text[first:]
        opening = text[:1]
        inner = text[1:-1]
        is_around = opening in _CLOSING and text.endswith(_CLOSING[opening])
        if not is_around or not (inner.count(opening) == 0 or inner.strip()[:1] == opening):
            break
        text = inner.strip(" ,\n")
    return text


def _is_rule(line: str) -> bool:
    """Is this the line |---|:-:| of a Markdown table, or a drawn one?"""
    return not line.strip("|-:+ =") and "-" in line


def _row(line: str, place: Place, index: int) -> tuple[Fraction, ...]:
    line = line.strip()
    if line[:1] in _CLOSING and line.endswith(_CLOSING[line[0]]) and line.count(line[0]) == 1:
        line = line[1:-1].strip()
    try:
        cells = _cells(line, place)
        if len(cells) > MAX_ENTRIES:
            what = f"{len(cells):,} entries"
            refuse(place, what, f"write at most {MAX_ENTRIES:,} entries in all", code="too-long")
        return tuple(_entry(cell.strip(), place) for cell in cells)
    except AnswerError as error:
        refuse(place, f"row {index + 1}: {error.problem.what}", error.problem.fix, code=error.problem.code)


def _cells(line: str, place: Place) -> list[str]:
    """The entries of a row, split at the strongest separator that it uses."""
    if "&" in line:
        return line.split("&")
    if ";" in line:
        return line.split(";")
    if "|" in line:
        return line.strip().removeprefix("|").removesuffix("|").split("|")
    words = line.split()
    if "," not in line:
        return words
    if len(words) > 1 and any("," in word.rstrip(",") for word in words):
        what = f"in {quoted(line, 40)} a comma can separate entries or be a decimal mark"
        refuse(place, what, "write decimals with a point", code="ambiguous")
    return line.rstrip(" ,").split(",")
