"""How is TOML read? By tomllib, with the line of every key, so that a problem can name it."""

from __future__ import annotations

import re

from grader.documents import Document, DocumentError
from grader.model import Problem

_Path = tuple[str | int, ...]


def parse_toml(text: str, *, name: str) -> Document:
    r"""Parse TOML, or raise DocumentError with the line that tomllib names.

    >>> document = parse_toml('name = "CNN"\n[data]\nroot = "images"\n', name="grader.toml")
    >>> document.value, str(document.place(["data", "root"]))
    ({'name': 'CNN', 'data': {'root': 'images'}}, 'grader.toml:3 /data/root')
    """
    import tomllib

    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said, _, at = str(error).rpartition(" (at ")
        line = re.match(r"line (\d+)", at)
        where = f"{name}:{line[1]}" if line else f"{name}:{text.count(chr(10)) + 1}"
        words = (said or str(error))[:120]
        problem = Problem("bad-toml", where, f"not valid TOML: {words[:1].lower()}{words[1:]}", _advice(words))
        raise DocumentError(problem) from error
    except RecursionError as error:
        raise DocumentError(Problem("too-deep", name, "nested too deeply", "nest less")) from error
    return Document(name, value, lambda: _lines(text))


def _advice(said: str) -> str:
    if "overwrite" in said or "twice" in said:
        return "keep one of the two"
    if "Invalid value" in said or "Illegal character" in said:
        return "put text in double quotes; write true and false in lower case"
    if "after a key" in said or "Invalid statement" in said:
        return 'write key = "text" or key = 5, one on a line'
    if "']'" in said or "'}'" in said or "Unclosed" in said:
        return "close the bracket"
    if "escape" in said:
        return "write two backslashes for one, or use forward slashes"
    return "check the quotes and brackets of this line"


def _lines(text: str) -> dict[_Path, int]:
    """The line of each table and key that stands plainly on a line of its own. None where a text spans lines."""
    lines: dict[_Path, int] = {(): 1}
    if '"""' in text or "'''" in text:
        return lines
    table: _Path = ()
    for number, line in enumerate(text.split("\n"), start=1):
        header = re.match(rf"\s*\[\s*({_NAMES})\s*\]", line)
        key = re.match(rf"\s*({_NAMES})\s*=", line)
        if header:
            table = _words(header[1])
            lines.setdefault(table, number)
        elif key:
            lines.setdefault((*table, *_words(key[1])), number)
    return lines


_NAME = r"(?:[A-Za-z0-9_-]+|\"[^\"\\]*\"|'[^']*')"
_NAMES = rf"{_NAME}(?:\s*\.\s*{_NAME})*"


def _words(dotted: str) -> _Path:
    return tuple(word.strip("\"'") for word in re.findall(_NAME, dotted))
