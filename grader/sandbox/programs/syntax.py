"""The program `syntax`: does a file of Python parse, and what is in it? Parsed only: nothing of it is run.

A parser written in C meets what a stranger wrote here, where its crash costs nothing.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .channel import Fault
from .listed import looked_at, whole

MOST_BYTES = 2 * 2**20  # a course's own files have under 100 KB
MOST_NODES = 400_000
MOST_NAMES = 300
PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?{1,2}\s*)$")
_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*$")
_PYTHON_CELLS = ("%%time", "%%timeit", "%%capture", "%%prun")


def main(request: dict[str, Any], box: Any) -> dict[str, Any]:
    """Request: `files`. Result: grader/sandbox/results.py."""
    return looked_at(request, box, _look)


def _look(path: Path, name: str) -> dict[str, Any]:
    data = whole(path, name, MOST_BYTES)
    tree = parsed(data, name)
    imports: dict[str, None] = {}
    definitions: list[str] = []
    for count, node in enumerate(ast.walk(tree)):
        if count > MOST_NODES:
            what = f"has more than {MOST_NODES:,} parts of speech: this is data, not code"
            raise Fault("too-large", name, what, "keep data in files of data")
        if isinstance(node, ast.Import):
            imports.update(dict.fromkeys(alias.name.partition(".")[0] for alias in node.names))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports[node.module.partition(".")[0]] = None
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            definitions.append(node.name[:100])
    return {
        "bytes": len(data),
        "lines": data.count(b"\n") + (not data.endswith(b"\n") and bool(data)),
        "imports": [module[:100] for module in list(imports)[:MOST_NAMES]],
        "definitions": definitions[:MOST_NAMES],
        "digest": hashlib.sha256("\0".join(_words(tree)).encode("utf-8", "surrogatepass")).hexdigest(),
    }


def parsed(source: bytes | str, name: str, *, first_line: int = 1) -> ast.Module:
    """The syntax tree, or Fault: this Python's own words, with the line."""
    try:
        return ast.parse(source, filename=name)
    except SyntaxError as error:
        where = f"{name}:{error.lineno + first_line - 1}" if error.lineno else name
        text = " ".join((error.text or "").split())[:80]
        what = f"does not parse as {PYTHON}: {error.msg}" + (f" in `{text}`" if text else "")
        raise Fault("syntax-error", where, what[:400], "correct this line, unless a newer Python reads it") from error
    except (RecursionError, MemoryError) as error:
        what = f"is nested too deeply for the parser of {PYTHON}"
        raise Fault("too-deep", name, what, "write it with fewer brackets in each other") from error
    except ValueError as error:  # NUL bytes, an unknown encoding, a number of thousands of digits
        what = f"does not parse as {PYTHON}: {error}"
        raise Fault("syntax-error", name, what[:400], "save it as plain text in UTF-8") from error


def parsed_cell(source: str, name: str) -> ast.Module | None:
    """The syntax tree of a notebook's cell; None for a cell of another language. Magic lines are left out."""
    first = source.lstrip().split("\n", 1)[0]
    if first.startswith("%%"):
        if not first.startswith(_PYTHON_CELLS):
            return None
        source = source.replace(first, "", 1)
    try:
        return parsed(source, name)
    except Fault:
        rows = [_ASSIGNED_MAGIC.sub(r"\1None", _MAGIC.sub(r"\1pass", row)) for row in source.split("\n")]
        return parsed("\n".join(rows), name)


def _words(tree: ast.Module) -> Iterator[str]:
    """The tree in a row, without layout, comments and docstrings. Not recursive: a sum of 5,000 terms is deep."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            yield "["
            waiting += ["]", *reversed(node)]
        elif isinstance(node, ast.AST):
            yield type(node).__name__
            waiting += [")", *(value for _, value in reversed(list(ast.iter_fields(_bare(node)))))]
        else:
            yield node if isinstance(node, str) else repr(node)[:10_000] if not isinstance(node, int) else hex(node)


def _bare(node: ast.AST) -> ast.AST:
    """A module, class or function without its docstring."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:]
    return node
