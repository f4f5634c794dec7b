"""The program `embedded`: how much data stands in the Python files of a submission? Nothing of them is run.

A network's numbers belong in its parameters. What else they could stand in is its code: a long text, a long list of
numbers, a comment that the code reads back. What prose and plain code look like is left alone.
"""

from __future__ import annotations

import ast
import io
import tokenize
import zlib
from pathlib import Path
from typing import Any

MOST_PARSED_BYTES = 2**20  # of one file; a larger one counts as one text
LEAST_BYTES = 1024  # of a text, compressed: below it nothing is told
MOST_UNREAD = 8
_TIGHT = 0.6  # base64 of data compresses to 0.76 of its length, code to 0.25, prose to 0.45
_FEW_SPACES = 0.03  # prose has one in six
_LONG_INTEGER = 64  # bits


def main(request: dict[str, Any], box: Any) -> dict[str, Any]:
    """Request: nothing. Result: grader/sandbox/results.py."""
    del request
    box.channel.stage("reading the Python files")
    root = Path(box.submission)
    return measured({path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.py"))})


def measured(files: dict[str, bytes]) -> dict[str, Any]:
    """The largest text that looks like data, and the most numbers in the code of one file.

    Units:   `text_bytes` after compression: about what the text could hold
    Basis:   of 2,000 files of Python's and four other libraries no text was told, and 12 files had over 1,000 numbers
    """
    found: dict[str, Any] = {
        "bytes": sum(map(len, files.values())),
        "text_bytes": 0,
        "text_place": "",
        "numbers": 0,
        "numbers_place": "",
        "unread": [],
    }
    for name, data in files.items():
        try:
            texts, numbers = _parts(data)
        except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
            found["unread"] = [*found["unread"], name][:MOST_UNREAD]  # it cannot be imported either
            continue
        for line, text in texts:
            size = held(text)
            if size > found["text_bytes"]:
                found |= {"text_bytes": size, "text_place": f"{name}:{line}"}
        if numbers > found["numbers"]:
            found |= {"numbers": numbers, "numbers_place": name}
    return found


def held(text: str) -> int:
    """The bytes of a text after compression, if it looks like data; 0 for prose, code and what is short.

    >>> import base64, random
    >>> held(base64.b64encode(random.Random(1).randbytes(3000)).decode()) > 3000
    True
    >>> held("An epoch is one pass over the training images. " * 200), held("0123456789")
    (0, 0)
    """
    data = text.encode("utf-8", "backslashreplace")
    size = len(zlib.compress(data, 9))
    if size < LEAST_BYTES:
        return 0
    spaces = sum(char.isspace() for char in text) / len(text)
    digits = sum(char.isdigit() for char in text) / len(text)
    looks_like_data = size > _TIGHT * len(data) or spaces < _FEW_SPACES or digits > 1 / 2
    return size if looks_like_data else 0


def _parts(data: bytes) -> tuple[list[tuple[int, str]], int]:
    """Texts with their lines, all comments as one of them, and how many numbers there are."""
    if len(data) > MOST_PARSED_BYTES:
        return [(1, data.decode("utf-8", "replace"))], 0
    tree = ast.parse(data)
    texts = [(1, _comments(data))]
    numbers = 0
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, str):
            texts.append((node.lineno, node.value))
        elif isinstance(node.value, bytes):
            texts.append((node.lineno, node.value.decode("latin-1")))
        elif isinstance(node.value, int | float | complex) and not isinstance(node.value, bool):
            numbers += 1
            if isinstance(node.value, int) and node.value.bit_length() > _LONG_INTEGER:
                texts.append((node.lineno, f"{node.value:x}"))
    return texts, numbers


def _comments(data: bytes) -> str:
    tokens = tokenize.tokenize(io.BytesIO(data).readline)
    return "\n".join(token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT)
