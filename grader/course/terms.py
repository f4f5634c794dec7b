"""What does grader.toml set for one assignment in this term? The variant of its rubric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.documents import Document, did_you_mean
from grader.documents.wording import clean, shown
from grader.model import Json, Problem

TABLE = "assignments"


@dataclass(frozen=True, slots=True)
class Terms:
    """The table `[assignments.NAME]` of grader.toml. What it leaves out, the rubric says."""

    variant: str = ""


def terms_of(document: Document, rubrics: Path) -> tuple[dict[str, Terms], list[Problem]]:
    """The terms of every assignment that the file names, and what is wrong with them.

    The document has passed its schema. `rubrics` is the folder of the rubrics.
    """
    tables: Mapping[str, Mapping[str, Json]] = document.value.get(TABLE, {})
    problems = []
    for name in tables:
        if not (rubrics / f"{name}.yaml").is_file():  # a slip here would leave a whole class to the defaults
            where = clean(str(document.place([TABLE, name])))
            known = (file.stem for file in rubrics.glob("*.yaml"))
            what = f"there is no rubric of the assignment {shown(name)}"
            problems.append(Problem("no-assignment", where, what, did_you_mean(name, known)))
    return {name: Terms(variant=table.get("variant", "")) for name, table in tables.items()}, problems
