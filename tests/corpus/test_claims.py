"""Are the claims of real reports found, and is what is reported true? Held against the lists of the corpus.

`judged_claims.json` holds what is reported beyond the lists and was read in the reports and found to be so: bounds in
captions, repeated counts, epochs of a log, rows of single classes.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from grader.answers.claims import read_claims
from grader.answers.claims.agreement import contradictions
from grader.documents.report_lines import report_lines

HERE = Path(__file__).parent
DATA_SETS = {"CIFAR-10": "cifar10", "MNIST": "mnist", "Fashion-MNIST": "fashion_mnist"}
OPEN = ("mislabelled", "label_missing")


@pytest.fixture(scope="module")
def reports(corpus):
    """(file, what the index lists, the claims found) of both renderings of each report."""
    read = []
    for entry in json.loads((corpus / "reports" / "index.json").read_text()):
        listed = [_listed(claim) for claim in entry.get("claims", [])]
        listed += [_listed({"metric": "parameters", "value": one["total"]}) for one in entry.get("param_claims", [])]
        for file in filter(None, (entry["file"], entry.get("raw_file"))):
            claims = read_claims(report_lines((corpus / file).read_text(), name=file), name=file)
            read.append((file, listed, claims))
    return read


def _listed(claim):
    split = claim.get("split")
    is_stated = split in ("train", "validation", "test")
    return {**claim, "metric": claim["metric"].split()[0], "split": split if is_stated else None}


def _has_value(found, listed):
    return abs(float(found.value) - listed["value"]) <= 1e-9 * max(1, abs(listed["value"]))


def _meets(found, listed):
    meant = [(found.metric, found.split)]
    if any(mark in listed for mark in OPEN):
        meant += [(one.metric, one.split) for one in found.readings]
    return _has_value(found, listed) and (listed["metric"], listed["split"]) in meant


def test_the_listed_claims_are_found(reports):
    missed = [
        f"{file}: {one['metric']} {one['split']} {one['value']}"
        for file, listed, claims in reports
        for one in listed
        if not any(_meets(found, one) for found in claims)
    ]
    total = sum(len(listed) for _, listed, _ in reports)
    print(f"{total - len(missed)} of {total} listed claims found", *missed, sep="\n  ")  # noqa: T201
    assert len(missed) <= total // 10


def test_what_is_reported_is_so(reports):
    judged = json.loads((HERE / "judged_claims.json").read_text())
    wrong, total = [], 0
    for file, listed, claims in reports:
        known = {tuple(row) for row in judged.get(file, [])}
        for found in claims:
            total += 1
            row = (found.line, found.metric, found.split, found.as_written)
            if not any(_meets(found, one) for one in listed) and row not in known:
                wrong.append(
                    f"{file}:{found.line}: {found.metric} {found.split} {found.as_written} | {found.text[:80]}"
                )
    print(f"{len(wrong)} of {total} reported claims are neither listed nor judged right", *wrong, sep="\n  ")  # noqa: T201
    assert len(wrong) * 100 <= total * 3


def test_marks_of_the_listed_claims_are_seen(reports):
    unseen = []
    for file, listed, claims in reports:
        for one in listed:
            near = [found for found in claims if _meets(found, one)]
            if not near:
                continue
            wanted = {name: one[name] for name in ("bound", "is_goal") if name in one}
            if not any(all(getattr(found, name) == value for name, value in wanted.items()) for found in near):
                unseen.append((file, one["as_written"], wanted))
            if one.get("approximate") and not any(found.is_approximate for found in near):
                unseen.append((file, one["as_written"], "approximate"))
            if any(mark in one for mark in OPEN) and not any(len(found.readings) > 1 for found in near):
                unseen.append((file, one["as_written"], "readings"))
    assert unseen == []


def test_no_other_data_set_is_named(reports):
    wrong = [
        (file, found.line, found.dataset)
        for file, listed, claims in reports
        for found in claims
        if found.dataset is not None and found.dataset not in {DATA_SETS.get(one.get("dataset")) for one in listed}
    ]
    assert wrong == []


def test_both_renderings_of_a_report_say_the_same(reports):
    """The PDF's text with one cell a line holds the claims of its Markdown, and no others."""
    by_name = {}
    for file, _, claims in reports:
        counted = Counter((found.metric, found.split, found.value) for found in claims)
        by_name.setdefault(Path(file).stem, []).append(counted)
    for name, both in by_name.items():
        assert len(both) == 1 or both[0] == both[1], name


def test_no_honest_report_is_said_to_contradict_itself_or_its_other_rendering(reports):
    by_name = {}
    for file, _, claims in reports:
        by_name.setdefault(Path(file).stem, []).append((file, claims))
    said = [one.said for sources in by_name.values() for one in contradictions(sources)]
    assert said == []


# Line, metric, split, value, data set of every accuracy that EXPECTED.md names. None: the text itself does not say.
SEEDS = {
    "000": [
        (14, "accuracy", "validation", "98.92", "mnist"),
        (14, "accuracy", None, "99.84", "mnist"),
        (56, "accuracy", "validation", "92.07", "mnist"),  # the text names no other set; Fashion-MNIST is the task's
    ],
    "001": [
        (10, "accuracy", None, "97.05%", None),
        (14, "error", None, "0.21%", None),
        (14, "accuracy", None, "99.79%", None),
        (46, "accuracy", "validation", "89%", "fashion_mnist"),
        (50, "accuracy", "train", "0.9082844034830729", "fashion_mnist"),
        (50, "accuracy", "test", "0.891600112915039", "fashion_mnist"),
        (52, "accuracy", "validation", "0.9108000755310058", "fashion_mnist"),
    ],
    "002": [
        (73, "accuracy", "train", "0.8788895606994629", None),
        (75, "accuracy", "validation", "0.7346000075340271", None),
        (77, "accuracy", "test", "0.7339999675750732", None),
        (155, "accuracy", "train", "0.8329036235809326", None),
        (158, "accuracy", "validation", "0.7591999769210815", None),
        (160, "accuracy", "test", "0.7532999515533447", None),
        (162, "accuracy", "train", "0.8435944318771362", None),
        (164, "accuracy", "validation", "0.7753999829292297", None),
        (166, "accuracy", "test", "0.7613999843597412", None),
        (186, "accuracy", "test", "0.8025999665260315", None),
        (203, "accuracy", "test", "0.9279999732971191", None),
    ],
    "003": [
        (23, "loss", None, "0.20", "mnist"),
        (23, "accuracy", None, "94.01%", "mnist"),
        (25, "loss", None, "0.07", "mnist"),
        (25, "accuracy", None, "97.87%", "mnist"),
        (37, "accuracy", None, "99.12%", "mnist"),
        (49, "accuracy", None, "0.90", "fashion_mnist"),
        (49, "accuracy", None, "0.93", "fashion_mnist"),
    ],
    "004": [
        (9, "accuracy", "test", "97%", "mnist"),
        (59, "accuracy", "test", "40%", "cifar100_coarse"),
        (65, "accuracy", "test", "41.5%", "cifar100_coarse"),
    ],
}


@pytest.mark.parametrize("number", SEEDS)
def test_the_claims_of_the_seed_reports_are_found_on_their_lines(seeds, number):
    [path] = seeds.glob(f"{number}_*.txt")
    claims = read_claims(report_lines(path.read_text(), name=path.name))
    found = {(one.line, one.metric, one.split, one.as_written, one.dataset) for one in claims}
    assert [row for row in SEEDS[number] if row not in found] == []
    others = {row for row in found if row not in SEEDS[number] and "parameters" not in row[1]}
    assert all(
        one.is_goal for one in claims if (one.line, one.metric, one.split, one.as_written, one.dataset) in others
    )


def test_the_seeds_goals_citations_and_open_splits_are_marked(seeds):
    def of(number):
        [path] = seeds.glob(f"{number}_*.txt")
        return {one.as_written: one for one in read_claims(report_lines(path.read_text(), name=path.name))}

    assert of("000")["99.84"].is_literature
    assert of("001")["99.79%"].is_literature
    assert {one.split for one in of("001")["89%"].readings} == {"validation", "test"}
    assert of("003")["95%"].is_goal
    assert of("004")["40%"].is_goal
    assert of("004")["41.5%"].is_approximate
