import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.architecture import layer_schema
from grader.checks import all_checks
from grader.course import load_rubric
from grader.grading import grade
from grader.model import Answer, Place, Submission

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def report_folder():
    """The reports themselves, where the workplace has them: to hold the transcriptions against."""
    folder = Path(os.environ.get("GRADER_SEEDS") or HERE.parents[2] / "shared" / "seeds")
    if not folder.is_dir():
        pytest.skip("the reports are not here: set GRADER_SEEDS to their folder")
    return folder


class Nobody:
    """Answers alone need no job."""

    has_room = True

    def order(self, job, *_, **__):
        raise AssertionError(f"answers alone need no job, but one of kind {job.kind} was ordered")


@pytest.fixture
def graded_report():
    """Grade the transcribed answers of a report; the findings of each rule by its id."""

    def run(number):
        rubric = load_rubric(HERE / "rubrics" / f"seed-{number}.yaml", all_checks(), layer_schema=layer_schema())
        answers = json.loads((HERE / "answers" / f"{number}.json").read_text())["answers"]
        stated = {key: Answer(value, Place("answers.json", f"/answers/{key}")) for key, value in answers.items()}
        submission = Submission(number, rubric.assignment, HERE, answers=stated)

        [card] = grade([(submission, rubric)], Nobody())
        return {rule.rule: rule for task in card.tasks for rule in task.rules}

    return run


@pytest.fixture(scope="session")
def graded_hand_in(tmp_path_factory):
    """graded_hand_in("000", **answers): a report's hand-in by the rubric of its assignment; the rules by their ids.

    `in_file` is (path, old, new), `files` are further ones as bytes. Needs no data set.
    """
    from grader.sandbox import level

    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")

    def run(number, *, in_file=None, files=None, **answers):
        folder = tmp_path_factory.mktemp("hand-in") / number
        shutil.copytree(HERE / number, folder)
        for path, data in (files or {}).items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(data)
        if in_file is not None:
            path, old, new = in_file
            text = (folder / path).read_text()
            assert old in text
            (folder / path).write_text(text.replace(old, new, 1))
        if answers:
            stated = json.loads((folder / "answers.json").read_text())
            (folder / "answers.json").write_text(json.dumps({**stated, "answers": stated["answers"] | answers}))
        command = [sys.executable, "-m", "grader", "check", str(folder), "--course", str(HERE.parents[1]), "--json"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
        assert ran.returncode == 0, ran.stderr
        return {rule["rule"]: rule for task in json.loads(ran.stdout)["tasks"] for rule in task["rules"]}

    return run


@pytest.fixture
def pairs_figure():
    """Noisy digits, each beside its clean one, as a JPEG."""
    import numpy as np
    from PIL import Image

    from grader.datasets import load
    from grader.datasets.noisy import noisy

    clean = load("digits", "test").images[:8]
    rows = np.concatenate([noisy(clean, "a figure"), clean], axis=3).reshape(-1, 56)
    made = io.BytesIO()
    Image.fromarray(rows).resize((224, 896)).save(made, "JPEG")
    return made.getvalue()
