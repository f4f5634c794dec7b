"""The program `notebook`: what is in a Jupyter notebook, and is it of the form? Nothing of it is run or rendered.

What stands in stored outputs is listed by kind and never believed: a person or a recomputation decides.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from .channel import Fault
from .listed import looked_at, whole
from .syntax import parsed_cell

MOST_BYTES = 64 * 2**20  # notebooks hold their figures as text
MOST_CELLS = 3_000
MOST_KINDS = 20
_AGAIN = "open it in Jupyter and save it, then hand in the .ipynb file"


def prepare() -> None:
    """Import the library: a failure here is the machine's."""
    import nbformat

    del nbformat


def main(request: dict[str, Any], box: Any) -> dict[str, Any]:
    """Request: `files`. Result: grader/sandbox/results.py."""
    return looked_at(request, box, _look)


def _look(path: Path, name: str) -> dict[str, Any]:
    data = whole(path, name, MOST_BYTES)
    try:
        book = json.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise Fault("too-deep", name, "is nested too deeply for a notebook", _AGAIN) from error
    except ValueError as error:
        what = f"is no notebook: it is not valid JSON ({error})"
        raise Fault("not-a-notebook", name, " ".join(what.split())[:300], _AGAIN) from error
    minor = _version(book, name)
    cells = book.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Fault("not-a-notebook", name, "has no list of cells", _AGAIN)
    if len(cells) > MOST_CELLS:
        raise Fault(
            "too-large", name, f"has {len(cells):,} cells, more than {MOST_CELLS:,}", "hand in your own work only"
        )
    return {
        "minor": minor,
        "language": _language(book)[:60],
        "flaw": _flaw(book),
        "cells": [_cell(cell, f"{name} cell {number}") for number, cell in enumerate(cells, 1)],
    }


def _flaw(book: Any) -> str:
    """Where the notebook is not of Jupyter's form, by Jupyter's own library; nothing where it is."""
    import nbformat

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cells without an id, as older programs write them
        try:
            nbformat.validate(nbformat.from_dict(book))
        except Exception as error:  # noqa: BLE001  the library stumbles over odd forms in many ways
            said = str(error).strip().split("\n")[0] or type(error).__name__
            return " ".join(said.split())[:300]
    return ""


def _version(value: Any, name: str) -> int:
    """The minor number of a notebook of format 4, or Fault."""
    if not isinstance(value, dict) or "nbformat" not in value:
        raise Fault("not-a-notebook", name, "is JSON, but no notebook: 'nbformat' is missing", _AGAIN)
    major, minor = value["nbformat"], value.get("nbformat_minor", 0)
    if type(major) is not int or type(minor) is not int or major != 4 or not 0 <= minor < 1000:
        shown = f"{major!r}.{minor!r}"[:40]
        raise Fault("not-a-notebook", name, f"is a notebook of format {shown}, not 4", _AGAIN)
    return minor


def _language(book: Any) -> str:
    about = book.get("metadata")
    for part, key in (("language_info", "name"), ("kernelspec", "language")):
        inner = about.get(part) if isinstance(about, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get(key), str):
            return str(inner[key])
    return ""


def _cell(cell: dict[str, Any], where: str) -> dict[str, Any]:
    """Kind, lines, number of its run, kinds of its outputs, the error that it shows, and why it does not parse."""
    kind, source, run = cell.get("cell_type"), cell.get("source"), cell.get("execution_count")
    rows = source if isinstance(source, list) else [source]
    source = "".join(row for row in rows if isinstance(row, str))
    outputs = cell.get("outputs")
    kinds: dict[str, None] = {}
    error = ""
    for output in outputs if isinstance(outputs, list) else []:
        if not isinstance(output, dict):
            continue
        said = output.get("output_type")
        if said == "error":
            error = str(output.get("ename"))[:100] or "error"
        bundle = output.get("data")
        for word in bundle if isinstance(bundle, dict) else [said]:
            kinds[str(word)[:60]] = None
    return {
        "kind": kind if kind in ("code", "markdown", "raw") else "other",
        "lines": source.count("\n") + 1 if source else 0,
        "run": run if type(run) is int and 0 <= run < 2**31 else None,
        "outputs": list(kinds)[:MOST_KINDS],
        "error": error,
        "syntax": _syntax(source, where) if kind == "code" else "",
    }


def _syntax(source: str, where: str) -> str:
    """Why a cell of code does not parse, or nothing."""
    try:
        parsed_cell(source, where)
    except Fault as fault:
        return f"{fault.fields['where']}: {fault.fields['what']}"[:400]
    return ""
