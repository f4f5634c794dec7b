"""A template as a notebook: the cells write the very files, and run what the pages of the programs name."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from grader.course.notebooks import as_notebook

TEMPLATES = sorted(path for path in (Path(__file__).parents[2] / "submissions_template").iterdir() if path.is_dir())


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_the_cells_write_the_files_of_the_template_and_run_its_commands(template):
    notebook = nbformat.reads(as_notebook(template, "A title"), as_version=4)
    nbformat.validate(notebook)
    written, run = {}, []
    for cell in notebook.cells:
        name = re.match(r"%%writefile (\S+)\n", cell.source)
        if name:
            written[name[1]] = cell.source[name.end() :]
        elif cell.source.startswith("!"):
            run.append(cell.source[1:])
    assert written == {path.name: path.read_text(encoding="utf-8") for path in template.glob("*.py")}
    assert next(iter(written)) == "model.py"
    assert run[-1] == "grader check ."
    assert len(run) > 1
    assert {command.split()[1] for command in run[:-1]} <= set(written)


def test_the_same_template_gives_the_same_bytes():
    assert as_notebook(TEMPLATES[0], "x") == as_notebook(TEMPLATES[0], "x")
    assert json.loads(as_notebook(TEMPLATES[0], 'quotes " and \\'))["cells"][0]["source"].startswith(
        '# quotes " and \\'
    )
