"""How does a student work in a notebook? The template's files as cells that write them, and the commands between.

The files stay what is handed in and graded: a notebook remembers the order of nothing but its cells. So each program of
the template is a cell that writes its file, and each command that its page names is a cell that runs it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from grader.model import Json

_FIRST = ("model.py",)  # what the others import
_COMMAND = re.compile(r"^ {4}(python \S+\.py[^#\n]*?) *(?:#.*)?$", re.MULTILINE)


def as_notebook(template: Path, title: str) -> str:
    r"""The template as a notebook (nbformat 4.5), as text.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "model.py").write_text("def build_model(): ...")
    >>> [cell["source"] for cell in json.loads(as_notebook(folder, "Digits"))["cells"]][2:]
    ['%%writefile model.py\ndef build_model(): ...\n', '!grader check .']
    """
    about = (
        "Run the cells from top to bottom. Those that begin with `%%writefile` write a file of the hand-in: change the"
    )
    cells = [_cell("markdown", f"# {title}\n\n{about} code there, and run them again.")]
    cells.append(_cell("markdown", "Write your id into `submission.json`, and your answers into `answers.json`."))
    for path in sorted(template.glob("*.py"), key=lambda path: (path.name not in _FIRST, path.name)):
        text = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
        cells.append(_cell("code", f"%%writefile {path.name}\n{text}"))
        cells += [_cell("code", f"!{command}") for command in _COMMAND.findall(text)]
    cells.append(_cell("code", "!grader check ."))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, text: str) -> dict[str, Json]:
    cell: dict[str, Json] = {"cell_type": kind, "metadata": {}, "source": text}
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell
