"""Students' real summaries with one thing changed: the change is reported on its line.

A sample that is the same in every run; `python benchmarks/mutate_summaries.py FOLDER` tries every change.
"""

from __future__ import annotations

from collections import Counter

import pytest

pytestmark = pytest.mark.seeds

# The share that is reported on its line for certain, and a little slack: measured were 0.988 of 83 changes of the kinds
# in the list ("asked": 0.995 is asked of them), and 0.75 of 16 rows dropped or doubled.
FLOORS = {"asked": 0.97, "more": 0.7}
TOLD = 0.97
EACH, SEED = 3, 7


def test_changed_summaries_are_noticed_on_the_changed_line(corpus, mutations):
    outcomes, lost = {group: Counter() for group in FLOORS}, []
    for file in sorted((corpus / "tables").glob("*.txt")):
        text = file.read_text(encoding="utf-8")
        if any(not verdict.is_consistent for verdict in mutations.verdicts_on(text)):
            continue  # wrong as it stands: what is changed in it cannot be told apart
        for change in mutations.changes_of(text, seed=SEED, each=EACH):
            outcome = mutations.outcome_of(change, change.original)
            outcomes[mutations.group_of(change.kind)][outcome] += 1
            if outcome not in ("found", "by a sum", "no witness"):
                lost.append(f"{outcome}: {file.name}: {change.kind}: {change.what}")
    for group, floor in FLOORS.items():
        altered = sum(outcomes[group].values()) - outcomes[group]["no witness"]
        certain = outcomes[group]["found"] + outcomes[group]["by a sum"]
        print(group, dict(outcomes[group]))  # noqa: T201
        assert certain >= floor * altered, f"{group}: {dict(outcomes[group])}\n" + "\n".join(lost)
    whole = sum(outcomes.values(), Counter())
    altered = sum(whole.values()) - whole["no witness"]
    assert whole["found"] + whole["by a sum"] + whole["a person"] >= TOLD * altered, "\n".join(lost)
