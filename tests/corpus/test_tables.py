"""Real summaries, exactly as found: every one is read whole, and no honest one is called wrong."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.documents.report_lines import report_lines

pytestmark = pytest.mark.seeds

READ_WHOLE = 0.98  # of the summaries, as the issue asks

# How many rows a person counts in the hand-made tables (a row that says "x2" or names several layers may become more),
# and where a total stands that its rows do not give.
HAND_ROWS = {"144": 5, "148": 5, "149": 9, "150": 14, "152": 12, "153": 12, "154": 15}
WRONG_TOTAL = {"121": 72_968}  # file -> what its rows sum to


@cache
def judged(folder: Path) -> dict[str, tuple[dict, tuple, tuple]]:
    """Every entry of the index with the summaries and verdicts of its file, by the file's name."""
    found = {}
    for entry in json.loads((folder / "tables" / "index.json").read_text(encoding="utf-8")):
        text = (folder / entry["file"]).read_text(encoding="utf-8")
        summaries = tuple(read_summaries(report_lines(text)))
        found[Path(entry["file"]).stem] = (entry, summaries, tuple(verify(summary) for summary in summaries))
    return found


def integers(shape) -> list[int]:
    return [axis for axis in shape if axis is not None]


def reading_problems(name, entry, summaries, verdicts):
    """What is not read as the index says."""
    if len(summaries) != 1:
        yield f"{len(summaries)} summaries: {[str(one.format) for one in summaries]}"
        return
    [summary], [verdict] = summaries, verdicts
    if str(summary.format) != entry["kind"]:
        yield f"kind {summary.format} of {entry['kind']}"
    if summary.unread:
        yield f"line {summary.unread[0].line} not read: {summary.unread[0].text!r} ({summary.unread[0].why})"
    rows = [row for row in summary.rows if row.depth or entry["kind"] not in ("torchinfo", "print")]
    if entry["rows"] is not None and entry["rows"] not in (len(rows), len(summary.rows)):
        yield f"{len(summary.rows)} rows of {entry['rows']}"
    if entry["kind"] == "handtable" and len(summary.rows) < HAND_ROWS[name]:
        yield f"{len(summary.rows)} rows of {HAND_ROWS[name]}"
    counts = [row.parameters.value for row in summary.rows if row.parameters is not None]
    if entry["row_sum"] is not None and sum(counts) != entry["row_sum"]:
        yield f"the rows sum to {sum(counts)} of {entry['row_sum']}"
    total = summary.totals.get("parameters")
    if entry["total_params"] is not None and (total is None or total.value != entry["total_params"]):
        yield f"total {total.text if total else None} of {entry['total_params']}"
    if entry["kind"] in ("torchsummary", "torchinfo", "keras") and entry["total_params"] is not None:
        for key, field in (("trainable_params", "trainable"), ("non_trainable_params", "non_trainable")):
            said = summary.totals.get(field)
            if said is not None and said.value != entry[key]:
                yield f"{field} {said.text} of {entry[key]}"
    if entry.get("params_from_repr") is not None:
        said = verdict.totals.get("parameters", "nothing").replace(",", "")
        if said != str(entry["params_from_repr"]):
            yield f"the repr has {said} parameters of {entry['params_from_repr']}"


def input_problems(entry, summaries, verdicts):
    """Where a print states its input, it is the one of the index. What follows from rows alone may be another."""
    if entry["input_shape"] is None or len(verdicts) != 1:
        return
    wanted = json.loads(entry["input_shape"])
    stated = [integers(shape) for shape in summaries[0].input]
    if stated and not any(shape[-len(wanted) :] == wanted or shape == wanted for shape in stated):
        yield f"input {stated} of {wanted}"
    follows = verdicts[0].input
    if stated and follows is not None and list(follows)[-len(wanted) :] != wanted:
        yield f"input {list(follows)} recomputed of {wanted}"


def told(problems: dict[str, list[str]], of: int) -> str:
    return f"{len(problems)} of {of}:\n" + "\n".join(f"{name}: {'; '.join(said)}" for name, said in problems.items())


def test_summaries_are_read_whole(corpus):
    found = judged(corpus)
    problems = {}
    for name, (entry, summaries, verdicts) in found.items():
        said = [*reading_problems(name, entry, summaries, verdicts), *input_problems(entry, summaries, verdicts)]
        if said:
            problems[name] = said
    report = told(problems, len(found))
    print(report)  # noqa: T201 - the list is asked for, also when it is short enough
    assert len(problems) <= (1 - READ_WHOLE) * len(found), report


def test_no_consistent_summary_is_called_wrong(corpus):
    found = judged(corpus)
    problems = {}
    for name, (entry, _, verdicts) in found.items():
        if entry["sum_matches_total"] is False and name in WRONG_TOTAL:
            continue
        if entry["kind"] == "handtable" and entry["sum_matches_total"] is None:
            continue
        said = [
            f"line {one.line}, {one.field}: said {one.said}, recomputed {one.recomputed}: {one.why}"
            for verdict in verdicts
            for one in verdict.disagreements
            if one.is_certain
        ]
        if said:
            problems[name] = said
    assert not problems, told(problems, len(found))


@pytest.mark.parametrize("name", WRONG_TOTAL)
def test_a_total_that_its_rows_do_not_give_is_reported_on_its_line(corpus, name):
    entry, [summary], [verdict] = judged(corpus)[name]
    total = summary.totals["parameters"]
    assert total.value == entry["total_params"]
    assert not verdict.is_consistent
    wrong = {one.line for one in verdict.disagreements if one.is_certain}
    assert total.line in wrong
    assert wrong <= {number.line for number in summary.totals.values()}, "the rows themselves are right"
    [one] = [one for one in verdict.disagreements if one.line == total.line]
    assert one.recomputed.replace(",", "") == str(WRONG_TOTAL[name])


def test_parameters_of_the_optimizer_are_known_to_be_in_keras_total(corpus):
    entry, [summary], [verdict] = judged(corpus)["125"]
    assert summary.totals["optimizer"].value == entry["optimizer_params"]
    assert verdict.is_consistent
    assert not verdict.disagreements


def test_what_is_not_read_is_never_called_wrong(corpus):
    for name, (_, summaries, verdicts) in judged(corpus).items():
        if any(summary.unread for summary in summaries) and name not in WRONG_TOTAL:
            assert all(verdict.is_consistent for verdict in verdicts), name


def test_wrong_arithmetic_of_a_hand_made_table_is_seen(corpus):
    _, summaries, verdicts = judged(corpus)["144"]
    assert summaries
    said = [one for verdict in verdicts for one in verdict.disagreements]
    assert said or any(verdict.doubts for verdict in verdicts), "its products for sums must not pass in silence"


# The seeds' reports: summaries inside raw texts -----------------------------------------------------------------


def summaries_of(seeds: Path, number: str):
    [file] = seeds.glob(f"{number}_*.txt")
    return [verify(summary) for summary in read_summaries(report_lines(file.read_text(encoding="utf-8")))]


def of_rows(verdicts, rows):
    return [one for one in verdicts if len(one.summary.rows) == rows and str(one.summary.format) == "torchsummary"]


def test_the_nine_rows_of_seed_000(seeds):
    [verdict] = of_rows(summaries_of(seeds, "000"), 9)
    summary = verdict.summary
    assert [int(row.parameters.value) for row in summary.rows] == [320, 0, 9248, 0, 9248, 0, 6_422_784, 0, 2570]
    assert summary.totals["parameters"].value == 6_444_170
    megabytes = [summary.totals[name].value for name in ("input_mb", "pass_mb", "parameters_mb", "total_mb")]
    assert megabytes == [Fraction(0), Fraction("1.15"), Fraction("24.58"), Fraction("25.74")]
    assert verdict.disagreements == ()
    assert summary.is_whole


def test_the_rows_of_seed_001_that_text_recognition_broke(seeds):
    [verdict] = of_rows(summaries_of(seeds, "001"), 8)
    summary = verdict.summary
    assert [int(row.parameters.value) for row in summary.rows] == [320, 0, 9248, 0, 9248, 6_422_784, 0, 2570]
    assert [tuple(row.outputs[0][1:]) for row in summary.rows] == [(32, 28, 28)] * 5 + [(256,)] * 2 + [(10,)]
    assert verdict.disagreements == ()
    assert any(row.mended for row in summary.rows), "it says how the broken rows were read"


def test_the_forty_nine_rows_of_seed_001(seeds):
    [verdict] = of_rows(summaries_of(seeds, "001"), 49)
    summary = verdict.summary
    assert summary.totals["parameters"].value == 30_292_490
    assert sum(row.parameters.value for row in summary.rows) == 30_292_490
    megabytes = [summary.totals[name].value for name in ("input_mb", "pass_mb", "parameters_mb", "total_mb")]
    assert megabytes == [Fraction(0), Fraction("1.45"), Fraction("115.56"), Fraction("117.01")]
    assert verdict.disagreements == ()


def test_the_reprs_of_seed_002(seeds):
    counts = [
        verdict.totals.get("parameters", "").replace(",", "")
        for verdict in summaries_of(seeds, "002")
        if str(verdict.summary.format) == "print"
    ]
    assert counts == ["391006", "390410"]
