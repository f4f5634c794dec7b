"""What is a hand-in of a simulated class? The perfect example, by a student of its own, with answers of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "digits-class" / "01-perfect"


def hand_in(target: Path, number: int, *, with_model: bool = True) -> Path:
    """Write the hand-in of this number; without its model it is theory only.

    What it is graded by stays the same, and its bytes differ: an answer has a comment, a key that begins with _.
    """
    shutil.copytree(EXAMPLE, target)
    manifest = json.loads((EXAMPLE / "submission.json").read_text())
    manifest["students"] = [{"id": f"s{number:05}", "name": f"Student {number}"}]
    (target / "submission.json").write_text(json.dumps(manifest))
    answers = json.loads((EXAMPLE / "answers.json").read_text())
    answers["answers"]["translation"] = {"value": answers["answers"]["translation"], "_number": number}
    (target / "answers.json").write_text(json.dumps(answers))
    if not with_model:
        (target / "model.py").unlink()
        (target / "model.pth").unlink()
    return target
